"""Loads every layout of `rrm label` as JSONL and as Parquet with `datasets`, and trains two steps with TRL's DPO, reward and KTO trainers.

Usage: train.py FOLDER, made by runs/label_dpo.sh. The model is a Llama of random weights over bytes; nothing is downloaded.
"""

import sys
import tempfile

import datasets
import torch
import transformers
import trl
from datasets import load_dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast

TEMPLATE = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% if m['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
LAYOUTS = ["dpo", "kto", "reward", "messages", "messages-kto", "text", "text-kto"]


def tokenizer():
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bare = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(["<pad>", "<eos>", *letters])}, merges=[]))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=bare, pad_token="<pad>", eos_token="<eos>")
    fast.chat_template = TEMPLATE
    return fast


def config(tokens):
    return LlamaConfig(
        vocab_size=len(tokens), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=512,
        bos_token_id=1, eos_token_id=1, pad_token_id=0,
    )


def saved(model):
    """The model from a folder of its own: TRL loads its reference model from where the policy came from."""
    folder = tempfile.mkdtemp()
    model.save_pretrained(folder)
    return type(model).from_pretrained(folder)


def same(folder, layout):
    """The rows as JSONL and as Parquet, which must be the same."""
    kinds = {"jsonl": "json", "parquet": "parquet"}
    loaded = {end: load_dataset(kind, data_files=f"{folder}/{layout}.{end}", split="train") for end, kind in kinds.items()}
    assert loaded["jsonl"].num_rows == loaded["parquet"].num_rows > 100, loaded
    assert loaded["jsonl"].column_names == loaded["parquet"].column_names
    for a, b in zip(loaded["jsonl"], loaded["parquet"]):
        assert a == b, (a, b)
    return loaded["parquet"]


def conversations(rows, layout):
    """The rules that axolotl and LLaMA-Factory document for these columns, applied to every row."""
    for row in rows:
        if layout == "messages":
            assert row["messages"][-1]["role"] == "user" and row["chosen"]["role"] == row["rejected"]["role"] == "assistant"
        if layout == "messages-kto":
            assert row["messages"][-1]["role"] == "assistant" and isinstance(row["label"], bool)
        if layout == "reward":
            assert row["chosen"][:-1] == row["rejected"][:-1] and row["chosen"][-1] != row["rejected"][-1]


def main(folder):
    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    print(f"trl {trl.__version__}, datasets {datasets.__version__}, transformers {transformers.__version__}, torch {torch.__version__}")
    rows = {}
    for layout in LAYOUTS:
        rows[layout] = same(folder, layout)
        conversations(rows[layout], layout)
        read = [name for name in rows[layout].column_names if not name.startswith("rrm_")]
        print(f"{layout}: {rows[layout].num_rows} rows, JSONL and Parquet alike, columns {read}")
    tokens = tokenizer()
    common = dict(
        output_dir=tempfile.mkdtemp(), max_steps=2, per_device_train_batch_size=4, learning_rate=1e-3, use_cpu=True, bf16=False, report_to=[],
        save_strategy="no", logging_steps=1, disable_tqdm=True, max_length=256, gradient_checkpointing=False,
    )
    few = lambda layout: rows[layout].select(range(64))
    for layout in ["dpo", "text"]:
        model = saved(LlamaForCausalLM(config(tokens)))
        trainer = trl.DPOTrainer(model=model, args=trl.DPOConfig(**common), processing_class=tokens, train_dataset=few(layout))
        report(f"DPOTrainer on {layout}", trainer, model)
    model = saved(LlamaForSequenceClassification(LlamaConfig(**{**config(tokens).to_dict(), "num_labels": 1})))
    trainer = trl.RewardTrainer(model=model, args=trl.RewardConfig(**common), processing_class=tokens, train_dataset=few("reward"))
    report("RewardTrainer on reward", trainer, model)
    for layout in ["kto", "text-kto"]:
        model = saved(LlamaForCausalLM(config(tokens)))
        trainer = trl.KTOTrainer(model=model, args=trl.KTOConfig(**common), processing_class=tokens, train_dataset=few(layout))
        report(f"KTOTrainer on {layout}", trainer, model)


def report(name, trainer, model):
    before = [weight.detach().clone() for weight in model.parameters()]
    trainer.train()
    changed = sum(not torch.equal(old, new.detach()) for old, new in zip(before, model.parameters()))
    losses = [f"{log['loss']:.4f}" for log in trainer.state.log_history if "loss" in log]
    assert trainer.state.global_step == 2 and changed > 0, (trainer.state.global_step, changed)
    print(f"{name}: 2 steps, losses {losses}, {changed} of {len(before)} tensors changed, columns kept {sorted(trainer.train_dataset.column_names)[:6]}")


if __name__ == "__main__":
    main(sys.argv[1])
