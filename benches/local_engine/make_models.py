"""A shape and a seed -> a Hugging Face folder with a random Llama model, for speed: S (5M parameters) and M (the shape of SmolLM2-135M).

    python3 benches/local_engine/make_models.py            # writes target/local_engine/S and target/local_engine/M
    python3 benches/local_engine/make_models.py S --out /tmp/models

The same arguments give the same weights: numpy's Philox generator, one stream a tensor, keyed by the tensor's number. Matrices are normal
with standard deviation 1/sqrt(inputs), so that what a layer adds is as large as what flows past it and greedy text does not stick to one
token; f32. The tokenizer is a byte-level BPE of exactly 2,048 tokens trained on texts of this repository that seldom change; M has the same,
with its vocabulary filled up by tokens that no text encodes to.
"""

import argparse
import json
import pathlib
import typing

import numpy as np
import safetensors.numpy
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXTS = ["LICENSE-APACHE", "LICENSE-MIT", "docs/formats.md", "docs/glossary.md"]
TEXTS += [f"crates/rrm/formats/{name}.toml" for name in ("rrm", "direct", "arena-hard")]
TOKENS = 2048
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
THINKING = ["<think>", "</think>"]
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


class Shape(typing.NamedTuple):
    """What is different between the two models."""

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int

    @property
    def head(self) -> int:
        """Width of one head."""
        return self.hidden // self.heads


SHAPES = {
    "S": Shape(vocabulary=2048, hidden=256, layers=6, heads=4, kv_heads=2, feed_forward=768),
    "M": Shape(vocabulary=49152, hidden=576, layers=30, heads=9, kv_heads=3, feed_forward=1536),
}


def tensors(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Names and sizes of the weights, as transformers names them."""
    hidden, kv = shape.hidden, shape.kv_heads * shape.head
    sizes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (shape.vocabulary, hidden)}
    for layer in range(shape.layers):
        sizes |= {
            f"model.layers.{layer}.{name}.weight": size
            for name, size in {
                "input_layernorm": (hidden,),
                "self_attn.q_proj": (hidden, hidden),
                "self_attn.k_proj": (kv, hidden),
                "self_attn.v_proj": (kv, hidden),
                "self_attn.o_proj": (hidden, hidden),
                "post_attention_layernorm": (hidden,),
                "mlp.gate_proj": (shape.feed_forward, hidden),
                "mlp.up_proj": (shape.feed_forward, hidden),
                "mlp.down_proj": (hidden, shape.feed_forward),
            }.items()
        }
    return sizes | {"model.norm.weight": (hidden,)}


def weights(shape: Shape, seed: int) -> dict[str, np.ndarray]:
    """Random weights: norms 1, matrices normal with variance 1/inputs."""

    def one(number: int, size: tuple[int, ...]) -> np.ndarray:
        if len(size) == 1:
            return np.ones(size, np.float32)
        stream = np.random.Generator(np.random.Philox(key=[seed, number]))
        return stream.standard_normal(size, np.float32) * np.float32(size[1] ** -0.5)

    return {name: one(number, size) for number, (name, size) in enumerate(tensors(shape).items())}


def config(shape: Shape) -> dict:
    """`config.json` of the model."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": None,
        "eos_token_id": SPECIAL.index("<|im_end|>"),
        "pad_token_id": SPECIAL.index("<|endoftext|>"),
        "initializer_range": 0.02,
        "torch_dtype": "float32",
    }


def tokenizer(vocabulary: int) -> str:
    """`tokenizer.json`: byte-level BPE, splitting as Qwen's does, filled up to `vocabulary` tokens."""
    trained = Tokenizer(models.BPE())
    # Words with the space before them, numbers by digit, runs of signs, line ends.
    words = Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=TOKENS - len(THINKING),
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    trained.train_from_iterator([(ROOT / text).read_text() for text in TEXTS], trainer)
    trained.add_tokens([AddedToken(token, special=False, normalized=False) for token in THINKING])
    if trained.get_vocab_size() != TOKENS:
        raise SystemExit(f"the texts gave {trained.get_vocab_size()} tokens, {TOKENS} are wanted")
    content = json.loads(trained.to_str())
    known = content["model"]["vocab"]
    known |= {token: TOKENS - len(THINKING) + number for number, token in enumerate(THINKING)}
    known |= {f"Ġfill{number}": number for number in range(TOKENS, vocabulary)}
    return json.dumps(content, ensure_ascii=False)


def write(folder: pathlib.Path, shape: Shape, seed: int) -> None:
    """Writes all files of one model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer(shape.vocabulary))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 8192,
        "chat_template": CHATML,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    (folder / "config.json").write_text(json.dumps(config(shape), indent=2) + "\n")
    made = weights(shape, seed)
    safetensors.numpy.save_file(made, folder / "model.safetensors", metadata={"format": "pt"})
    print(f"{folder}: {sum(tensor.size for tensor in made.values()):,} parameters")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", default=list(SHAPES), help="S, M or both")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "target/local_engine", help="where the folders go")
    parser.add_argument("--seed", type=int, default=1, help="of the weights")
    arguments = parser.parse_args()
    for name in arguments.shapes:
        write(arguments.out / name, SHAPES[name], arguments.seed)


if __name__ == "__main__":
    main()
