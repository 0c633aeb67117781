#!/usr/bin/env python3
"""Tiny random models of every supported architecture, and what transformers computes with them.

    make_tiny_models.py [FOLDER]

FOLDER is crates/rrm-nn/tests/golden unless given. Each model gets a folder that transformers loads, with a `golden.json` beside it:
token ids of two prompts and the logits of all their positions, 24 greedily chosen tokens, and the token ids of conversations.
Needs the packages torch, transformers, tokenizers and safetensors. Nothing is fetched.
"""

import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers  # noqa: E402
from transformers import LlamaConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen3Config  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

GREEDY = 24
# Between the likeliest token and the next, so that another order of sums chooses the same one.
MARGIN = 5e-3
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MARKUP = ["<think>", "</think>"]
# Regular expression of Qwen's tokenizers.
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEXT = """The judge reads the question and both answers, thinks about them, and then says which answer is the better one.
Assistant 1 answers the question. Assistant 2 answers another question. The first answer is right, the second is wrong.
Let us think about the answers: is there a mistake in the first? There is none. Then the verdict is Assistant 1.
user system assistant think answer better verdict question 1 2 3 4 5 10 100"""
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
CONVERSATIONS = [
    [("user", "Which answer is better?")],
    [("system", "You are a judge."), ("user", "  two answers \n\n 1 2\t3 "), ("assistant", "The first."), ("user", "Why?")],
    [("user", "Ünïcödé, naïve, 日本語, 🦀🦀 and e\u0301 \u00a0| don't 12345\r\n\r\n")],
    [("system", ""), ("user", "{{ 1 }} {% raw %} \\boxed{Assistant 1} <b>tags</b> [INST] < | >")],
]
PROMPTS = [
    "The judge reads the question and both answers, thinks about them, and then says which answer is the better one. 🦀 naïve! 12",
    "Why?",
]


def byte_level(normalizer, pattern) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    if normalizer:
        tokenizer.normalizer = normalizer
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None)
    split = [pre_tokenizers.Split(Regex(pattern), behavior="isolated")] if pattern else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*split, level]) if split else level
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    size = 304 - len(SPECIAL) - len(MARKUP)
    tokenizer.train_from_iterator([TEXT], trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False))
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in SPECIAL])
    # As Qwen3 has them: matched in any text, but not special.
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in MARKUP])
    return tokenizer


def words() -> Tokenizer:
    """As sentencepiece made them for Llama 2: a space before the first text, and bytes where a character has no token."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    special = ["<unk>", "<s>", "</s>"]
    trained.train_from_iterator([TEXT], trainers.BpeTrainer(vocab_size=120, show_progress=False))
    learnt = json.loads(trained.to_str())["model"]
    names = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *sorted(learnt["vocab"], key=learnt["vocab"].get)]
    merges = [tuple(pair) for pair in learnt["merges"]]
    model = models.BPE({name: i for i, name in enumerate(names)}, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in special])
    return tokenizer


def save_tokenizer(folder: Path, tokenizer: Tokenizer, template: str, place: str, bos: str | None, eos: str):
    """`place`: where the template goes, all of which are in use."""
    # Settings that have to be undone before a text is encoded.
    tokenizer.enable_truncation(8)
    if place == "file":
        # Its token [PAD] is added to a vocabulary for which the model has no more rows.
        tokenizer.enable_padding()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos, eos_token=eos, chat_template=template)
    fast.save_pretrained(folder)
    (folder / "chat_template.jinja").unlink()
    config = folder / "tokenizer_config.json"
    fields = json.loads(config.read_text())
    if place == "file":
        (folder / "chat_template.jinja").write_text(template)
        fields["chat_template"] = "not this one"
    elif place == "field":
        fields["chat_template"] = template
    else:
        fields["chat_template"] = [{"name": "tool_use", "template": "not this one"}, {"name": "default", "template": template}]
    config.write_text(json.dumps(fields, indent=2) + "\n")
    return fast


def random_model(config, seed: int, dtype: torch.dtype):
    """Weights that are large enough to tell tokens apart, rounded to what the file will hold."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("norm.weight"):
                weight.normal_(1.0, 0.2)
            else:
                weight.normal_(0.0, 0.2)
            weight.copy_(weight.to(dtype).float())
    return model.eval()


@torch.no_grad()
def greedy(model, prompt: list[int]) -> list[int] | None:
    tokens = list(prompt)
    for _ in range(GREEDY):
        best = model(torch.tensor([tokens])).logits[0, -1].topk(2)
        if best.values[0] - best.values[1] < MARGIN:
            return None
        tokens.append(int(best.indices[0]))
    return tokens[len(prompt) :]


def rounded(numbers: torch.Tensor) -> list[float]:
    return [float(f"{number:.7g}") for number in numbers.tolist()]


@torch.no_grad()
def golden(model, tokenizer) -> dict | None:
    """None where a greedy choice is too close, or where it chooses the same all the time."""
    prompts = []
    for text in PROMPTS:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        # The tiny vocabularies need many tokens; logits take room.
        ids = ids[:34]
        chosen = greedy(model, ids)
        if chosen is None or len(set(chosen)) < GREEDY // 3:
            return None
        logits = model(torch.tensor([ids])).logits[0]
        prompts.append({"tokens": ids, "greedy": chosen, "logits": [rounded(row) for row in logits]})
    conversations = []
    for turns in CONVERSATIONS:
        messages = [{"role": role, "content": content} for role, content in turns]
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
        conversations.append({"messages": messages, "tokens": ids, "text": tokenizer.decode(ids, clean_up_tokenization_spaces=False)})
    return {"prompts": prompts, "conversations": conversations}


def make(folder: Path, config, tokenizer, dtype: torch.dtype, shards: bool):
    """Takes the first seed whose greedy tokens are clear."""
    for seed in range(1000):
        model = random_model(config, seed, dtype)
        numbers = golden(model, tokenizer)
        if numbers:
            break
    else:
        sys.exit(f"error: {folder}: no seed gives clear greedy tokens")
    model.generation_config.eos_token_id = config.eos_token_id
    model.to(dtype).save_pretrained(folder, max_shard_size="170KB" if shards else "10MB")
    lines = [json.dumps(numbers["prompts"][i], separators=(",", ":")) for i in range(len(PROMPTS))]
    conversations = json.dumps(numbers["conversations"], separators=(",", ":"), ensure_ascii=False)
    body = '{"prompts":[\n' + ",\n".join(lines) + '\n],\n"conversations":' + conversations + "}\n"
    (folder / "golden.json").write_text(body)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder}: seed {seed}, {model.num_parameters():,} parameters, {size:,} bytes", file=sys.stderr)


def main(root: Path) -> None:
    for name in ["llama", "qwen2", "qwen3", "words"]:
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
    common = {"vocab_size": 304, "num_hidden_layers": 2, "num_key_value_heads": 2, "max_position_embeddings": 512}

    # Heads of 8, untied, Llama 3's scaling of rotary frequencies, short enough to matter within the prompts.
    scaling = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    scaling |= {"original_max_position_embeddings": 64, "rope_theta": 500.0}
    tokenizer = byte_level(None, None)
    ids = {text: tokenizer.token_to_id(text) for text in SPECIAL}
    ends = {"bos_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|im_end|>"]}
    shape = {"hidden_size": 48, "intermediate_size": 64, "num_attention_heads": 6, "rms_norm_eps": 1e-5}
    config = LlamaConfig(**common, **shape, **ends, rope_parameters=scaling, tie_word_embeddings=False)
    fast = save_tokenizer(root / "llama", tokenizer, "{{ bos_token }}" + CHATML, "field", "<|endoftext|>", "<|im_end|>")
    make(root / "llama", config, fast, torch.float32, False)

    # Tied, biases, stored as bf16, two tokens that end a turn.
    tokenizer = byte_level(normalizers.NFC(), WORDS)
    ends["eos_token_id"] = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    shape = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "rms_norm_eps": 1e-6}
    rope = {"rope_type": "default", "rope_theta": 10000.0}
    config = Qwen2Config(**common, **shape, **ends, rope_parameters=rope, tie_word_embeddings=True)
    fast = save_tokenizer(root / "qwen2", tokenizer, CHATML, "field", None, "<|im_end|>")
    make(root / "qwen2", config, fast, torch.bfloat16, False)

    # Heads that do not add up to the hidden size, norms on heads, two files.
    tokenizer = byte_level(normalizers.NFC(), WORDS)
    shape = {"hidden_size": 48, "intermediate_size": 48, "num_attention_heads": 4, "head_dim": 20, "rms_norm_eps": 1e-6}
    config = Qwen3Config(**common, **shape, **ends, rope_parameters=rope, tie_word_embeddings=False)
    thinking = CHATML.replace("assistant\\n' }}{% endif", "assistant\\n<think>\\n' }}{% endif")
    fast = save_tokenizer(root / "qwen3", tokenizer, thinking, "list", None, "<|im_end|>")
    make(root / "qwen3", config, fast, torch.float32, True)

    # A vocabulary of words and bytes; biases everywhere, YaRN, one head of keys for four, stored as f16.
    tokenizer = words()
    common |= {"vocab_size": tokenizer.get_vocab_size(), "num_key_value_heads": 1}
    yarn = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 64, "rope_theta": 1000.0}
    shape = {"hidden_size": 40, "intermediate_size": 56, "num_attention_heads": 4, "rms_norm_eps": 1e-5, "attention_bias": True}
    ends = {"bos_token_id": 1, "eos_token_id": 2}
    config = LlamaConfig(**common, **shape, **ends, mlp_bias=True, rope_parameters=yarn, tie_word_embeddings=True)
    template = (
        "{% for message in messages %}{% if message['role'] == 'assistant' %}{{ ' ' + message['content'] + ' ' + eos_token }}"
        "{% else %}{{ bos_token + '[INST] ' + message['content'] + ' [/INST]' }}{% endif %}{% endfor %}"
    )
    fast = save_tokenizer(root / "words", tokenizer, template, "file", "<s>", "</s>")
    make(root / "words", config, fast, torch.float16, False)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    here = Path(__file__).resolve().parent.parent
    main(Path(sys.argv[1]) if len(sys.argv) == 2 else here / "crates/rrm-nn/tests/golden")
