"""A step of GRPO, ours and TRL's in turn on the same weights -> a JSON file and a Markdown table.

    cargo build --release -p rrm-nn --example grpo_speed
    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install -r benches/train/requirements.txt
    /tmp/peer/bin/python benches/train/grpo_step.py --rounds 3

8 prompts with 8 completions each, at 64 + 128 and at 512 + 64 tokens, on decoder S (Qwen2, 4.7M parameters). Everybody gets a fresh process each
round, and the order turns; ratios are taken within a round, and then their median. Rollouts are counted in tokens written, updates in
tokens that are learnt from.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
LENGTHS = [(64, 128), (512, 64)]
ENGINES = ["rrm", "TRL"]
VOCABULARY = 2048


def byte_level_tokenizer() -> str:
    """The tokenizer of the other speed tests' models, which has as many tokens."""
    place = ROOT / "benches/local_engine/make_models.py"
    made = importlib.util.spec_from_file_location("make_models", place)
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    return module.tokenizer(VOCABULARY)


def make(folder: pathlib.Path) -> None:
    """The same random weights for both; ours gets a vocabulary in which no token ends a turn."""
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=256, num_hidden_layers=6, num_attention_heads=4, num_key_value_heads=2, intermediate_size=768,
        max_position_embeddings=1024, tie_word_embeddings=True, bos_token_id=1, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    for name in ENGINES:
        model.save_pretrained(folder / name)
    words = {word: number for number, word in enumerate(["<pad>", "<eos>", "<unk>", *(f"w{i}" for i in range(3, VOCABULARY))])}
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>").save_pretrained(folder / "TRL")
    ours = folder / "rrm"
    settings = json.loads((ours / "config.json").read_text())
    settings.update(eos_token_id=None, bos_token_id=None)
    (ours / "config.json").write_text(json.dumps(settings))
    (ours / "generation_config.json").unlink(missing_ok=True)
    (ours / "tokenizer.json").write_text(byte_level_tokenizer())
    (ours / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))


def run(given: argparse.Namespace, engine: str, lengths: tuple[int, int]) -> dict:
    """The median step of one process."""
    command = [str(given.ours)] if engine == "rrm" else [sys.executable, str(HERE / "peer_trl.py")]
    command += [str(given.models / engine), str(given.steps), *map(str, lengths)]
    environment = os.environ | {"OMP_NUM_THREADS": "2", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    # Trainers print a last line of their own.
    steps = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"seconds"')]
    if len(steps) != given.steps:
        sys.exit(f"{engine}: {len(steps)} steps, {given.steps} were asked for")
    found = {key: statistics.median(step[key] for step in steps) for key in ("seconds", "rollout_seconds", "update_seconds", "tokens", "loaded_mib")}
    return found | {"peak_mib": max(step["peak_mib"] for step in steps)}


def table(rounds: dict[tuple[str, str], list[dict]]) -> str:
    """One line for each length and engine."""
    heads = ["tokens", "trainer", "step s", "range", "rollout tok/s", "update tok/s", "peak MiB", "times as fast", "rollout", "update"]
    out = [f"| {' | '.join(heads)} |", "|---|---" + "|--:" * (len(heads) - 2) + "|"]
    for (lengths, engine), results in rounds.items():
        peers = rounds[lengths, "TRL"]
        middle = lambda key: statistics.median(result[key] for result in results)
        ratio = lambda key: statistics.median(peer[key] / result[key] for peer, result in zip(peers, results))
        seconds = [result["seconds"] for result in results]
        speed = lambda key: statistics.median(result["tokens"] / result[key] for result in results)
        cells = [lengths, engine, f"{middle('seconds'):.2f}", f"{min(seconds):.2f}-{max(seconds):.2f}"]
        cells += [f"{speed('rollout_seconds'):,.0f}", f"{speed('update_seconds'):,.0f}", f"{middle('peak_mib'):,.0f}"]
        cells += [f"{ratio(key):.2f}" for key in ("seconds", "rollout_seconds", "update_seconds")]
        out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--ours", type=pathlib.Path, default=target / "release/examples/grpo_speed", help="the example's program")
    parser.add_argument("--models", type=pathlib.Path, default=target / "train_models", help="where the folders of the model go")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each trainer")
    parser.add_argument("--steps", type=int, default=3, help="measured steps of a process, after one that warms up")
    parser.add_argument("--out", type=pathlib.Path, default=target / "grpo_step.json", help="where all results go")
    given = parser.parse_args()
    make(given.models)
    rounds: dict[tuple[str, str], list[dict]] = {}
    for number in range(given.rounds):
        for lengths in LENGTHS:
            for engine in ENGINES[number % 2 :] + ENGINES[: number % 2]:
                found = run(given, engine, lengths)
                rounds.setdefault((f"{lengths[0]} + {lengths[1]}", engine), []).append(found)
                print(number, lengths, engine, found, file=sys.stderr, flush=True)
    rounds = {key: rounds[key] for key in sorted(rounds, key=lambda key: (int(key[0].split()[0]), ENGINES.index(key[1])))}
    given.out.write_text(json.dumps([{"tokens": lengths, "trainer": engine, "rounds": found} for (lengths, engine), found in rounds.items()]))
    print(table(rounds))


if __name__ == "__main__":
    main()
