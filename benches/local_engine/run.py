"""Decoding on the CPU: ours, a plain PyTorch loop and `generate` of transformers in turn -> a JSON file and a Markdown table.

    cargo build --release -p rrm-nn --example decode_speed --example machine_peak
    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install -r benches/local_engine/requirements.txt
    /tmp/peer/bin/python benches/local_engine/make_models.py
    /tmp/peer/bin/python benches/local_engine/run.py --rounds 5

Everybody decodes the same batches of the same random models greedily, a fresh process each time, in an order that turns by one each round;
ratios are taken within a round and then their median. Before, what is written is compared: our tokens must be those of the PyTorch loop,
except that a sequence may go another way at a token whose lead over the next likeliest is below 0.001. Anything else stops the script.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import typing

from workload import BATCHES

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
# Logits of these models have a standard deviation of 1 and agree to about 1e-5 between implementations.
TIED = 1e-3
TORCH = "torch"


class Engine(typing.NamedTuple):
    """Somebody who decodes: a name and the command that, with a folder and options after it, prints JSON lines."""

    name: str
    command: list[str]
    options: list[str]


def engines(given: argparse.Namespace) -> list[Engine]:
    """Ours with each kind of weights, and the peers."""
    python = [sys.executable]
    ours = [Engine(f"rrm {weights}", [given.ours], ["--weights", weights]) for weights in given.weights]
    peers = [Engine(TORCH, [*python, str(HERE / "peer_torch.py")], [])]
    transformers = [*python, str(HERE / "peer_transformers.py")]
    peers += [Engine(f"transformers, {cache} cache", transformers, ["--cache", cache]) for cache in given.caches]
    return [engine for engine in ours + peers if given.only is None or any(part in engine.name for part in given.only)]


def lines(given: argparse.Namespace, engine: Engine, model: str, *more: str) -> dict[int, dict]:
    """One run of one engine on one model: batch -> result."""
    options = ["--new-tokens", str(given.new_tokens), "--threads", str(given.threads), "--repeats", str(given.repeats)]
    options += ["--batches", *map(str, given.batches), *engine.options, *more]
    environment = os.environ | {"OMP_NUM_THREADS": str(given.threads), "TOKENIZERS_PARALLELISM": "false"}
    command = [*engine.command, str(given.models_in / model), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    if [result["batch"] for result in results] != given.batches:
        sys.exit(f"{engine.name}: other batches than asked for")
    return {result["batch"]: result for result in results}


def difference(wanted: dict, got: dict) -> tuple[int, int, float] | None:
    """The first token of a sequence that differs without a tie: sequence, place, and the lead it had."""
    for sequence, (right, other, gaps) in enumerate(zip(wanted["tokens"], got["tokens"], wanted["gaps"], strict=True)):
        place = next((i for i, (a, b) in enumerate(zip(right, other, strict=True)) if a != b), None)
        if place is not None and gaps[place] >= TIED:
            return sequence, place, gaps[place]
    return None


def equal_share(wanted: dict, got: dict) -> float:
    """The share of tokens before the first difference of their sequence."""
    same = 0
    for right, other in zip(wanted["tokens"], got["tokens"], strict=True):
        same += next((i for i, (a, b) in enumerate(zip(right, other, strict=True)) if a != b), len(right))
    return same / sum(map(len, wanted["tokens"]))


def check(given: argparse.Namespace, all_engines: list[Engine], model: str) -> dict[str, dict[int, float]]:
    """Compares what everybody writes with the PyTorch loop; engine -> batch -> share of equal tokens."""
    torch = next((engine for engine in all_engines if engine.name == TORCH), None)
    if torch is None:
        return {}
    wanted = lines(given, torch, model, "--gaps")
    shares: dict[str, dict[int, float]] = {}
    for engine in all_engines:
        if engine.name == TORCH:
            continue
        got = lines(given, engine, model)
        for batch in given.batches:
            # Rounded weights are another model: how far it goes along is reported, not demanded.
            exact = "bf16" not in engine.name and "int8" not in engine.name
            found = difference(wanted[batch], got[batch]) if exact else None
            if found:
                sys.exit(f"{engine.name}, {model}, batch {batch}: sequence {found[0]} differs at token {found[1]}, whose lead is {found[2]:.4f}")
            shares.setdefault(engine.name, {})[batch] = equal_share(wanted[batch], got[batch])
        print(f"{engine.name}, {model}: tokens checked", file=sys.stderr)
    return shares


def work(shape: dict, result: dict, weights: str) -> tuple[float, float]:
    """Arithmetic and bytes read of one step: products with every weight, and attention over the cache at its mean length."""
    hidden, kv, layers = shape["hidden_size"], shape["num_key_value_heads"] * shape["head_dim"], shape["num_hidden_layers"]
    layer = hidden * (2 * hidden + 2 * kv) + 3 * hidden * shape["intermediate_size"]
    parameters = layers * layer + shape["vocab_size"] * hidden
    context = result["prompt_tokens"] + result["new_tokens"] / 2
    batch = result["batch"]
    operations = batch * (2 * parameters + layers * 4 * hidden * context)
    size = {"bf16": 2, "int8": 1}.get(weights, 4)
    return operations, size * parameters + batch * layers * context * 2 * kv * 4


def table(given: argparse.Namespace, rounds: dict, shares: dict, machine: dict | None) -> str:
    """One line for each model, batch and engine."""
    heads = ["model", "batch", "engine", "tokens/s", "range", "ms a step", "prefill ms", "peak MiB", "torch loop = 1"]
    heads += ["of f32 peak", "of bandwidth", "tokens equal"]
    out = [f"| {' | '.join(heads)} |", "|---|--:|---" + "|--:" * (len(heads) - 3) + "|"]
    for (model, batch, engine), results in rounds.items():
        shape = json.loads((given.models_in / model / "config.json").read_text())
        middle = {key: statistics.median(result[key] for result in results) for key in results[0] if key.endswith(("second", "step", "seconds", "mib"))}
        speeds = [result["tokens_per_second"] for result in results]
        torch = rounds.get((model, batch, TORCH))
        ratio = "-"
        if torch:
            ratio = f"{statistics.median(a['tokens_per_second'] / b['tokens_per_second'] for a, b in zip(results, torch)):.2f}"
        compute = memory = "-"
        if machine:
            operations, read = work(shape, results[0], engine.split()[-1])
            seconds = middle["ms_per_step"] / 1e3
            compute = f"{operations / seconds / 1e9 / machine['gflops']:.0%}"
            memory = f"{read / seconds / 1e9 / machine['read_gb_per_second']:.0%}"
        same = shares.get(model, {}).get(engine, {}).get(batch)
        out.append(
            f"| {model} | {batch} | {engine} | {middle['tokens_per_second']:,.0f} | {min(speeds):,.0f}-{max(speeds):,.0f} "
            f"| {middle['ms_per_step']:.2f} | {middle['prefill_seconds'] * 1e3:.1f} | {middle['peak_rss_mib']:,.0f} | {ratio} "
            f"| {compute} | {memory} | {'-' if same is None else f'{same:.1%}'} |"
        )
    return "\n".join(out)


def main() -> None:
    examples = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default=str(examples / "decode_speed"), help="the example decode_speed")
    parser.add_argument("--machine", default=str(examples / "machine_peak"), help="the example machine_peak, or `none`")
    parser.add_argument("--models", nargs="+", default=["S", "M"])
    parser.add_argument("--models-in", type=pathlib.Path, default=ROOT / "target/local_engine")
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--weights", nargs="+", default=["f32"], choices=["f32", "bf16", "int8"], help="how ours keeps weights")
    parser.add_argument("--caches", nargs="*", default=["dynamic"], help="caches of transformers: dynamic, static")
    parser.add_argument("--only", nargs="+", help="only engines whose name holds one of these")
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="runs of everybody, in turn")
    parser.add_argument("--repeats", type=int, default=1, help="repetitions within a run; their median counts")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "target/local_engine/decode.json", help="all results")
    given = parser.parse_args()

    who = engines(given)
    machine = None
    if given.machine != "none":
        machine = json.loads(subprocess.run([given.machine, str(given.threads)], stdout=subprocess.PIPE, check=True).stdout)
        print(f"the machine: {machine}", file=sys.stderr)
    shares = {model: check(given, who, model) for model in given.models}
    rounds: dict[tuple[str, int, str], list[dict]] = {(m, b, e.name): [] for m in given.models for b in given.batches for e in who}
    for turn in range(given.rounds):
        for model in given.models:
            for engine in who[turn % len(who) :] + who[: turn % len(who)]:
                for batch, result in lines(given, engine, model).items():
                    result.pop("tokens")
                    rounds[model, batch, engine.name].append(result)
        print(f"round {turn + 1} of {given.rounds}", file=sys.stderr)
    results = [{"as": engine, **result} for (_, _, engine), many in rounds.items() for result in many]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"machine": machine, "equal": shares, "results": results}, indent=1) + "\n")
    print(table(given, rounds, shares, machine))


if __name__ == "__main__":
    main()
