"""Options of the example judging_job -> its result; shared by judging_job.py and cost.py."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parser(description: str, rounds: int, out: str) -> argparse.ArgumentParser:
    """The options that both scripts have."""
    examples = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples"
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--ours", default=str(examples / "judging_job"), help="the example judging_job")
    options.add_argument("--model", type=pathlib.Path, default=ROOT / "target/local_engine/S", help="a model's folder")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--rounds", type=int, default=rounds, help="runs of everything, in turn")
    options.add_argument("--out", type=pathlib.Path, default=ROOT / "target/local_engine" / out, help="all results")
    return options


def once(given: argparse.Namespace, *options: object) -> dict:
    """One run in a process of its own."""
    command = [given.ours, str(given.model), "--threads", str(given.threads), *map(str, options)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def middle(results: list[dict], key: str) -> float:
    """The median over the rounds."""
    return statistics.median(result[key] for result in results)


def spread(results: list[dict], key: str) -> tuple[float, float]:
    """The least and the most over the rounds."""
    return min(result[key] for result in results), max(result[key] for result in results)


def save(path: pathlib.Path, results: list[dict]) -> None:
    """Keeps everything that was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
