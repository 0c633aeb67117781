"""The plain training step, ours and PyTorch's, in turn: median seconds, ratio of the medians, peak memory.

    step.py [--rounds 3] [--steps 5] [--threads 2] [--shapes S M T]

Builds and runs `train_speed` (release) and runs `peer.py` with this Python, which needs torch. Rounds alternate, so that what else the machine
does meets both. PyTorch runs with each of its two AdamW forms, and the faster one counts. Prints a table and, with --json FILE, all numbers.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def run(command):
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--shapes", nargs="+", choices=["S", "M", "T"], default=["S", "M", "T"])
    parser.add_argument("--binary", help="a train_speed that is built already")
    parser.add_argument("--json", help="where all numbers go")
    options = parser.parse_args()
    binary = options.binary
    if binary is None:
        build = ["cargo", "build", "--release", "-p", "rrm-nn", "--example", "train_speed", "--message-format", "json"]
        messages = subprocess.run(build, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        binary = next(path for path in (json.loads(line).get("executable") for line in reversed(messages)) if path)
    results = {}
    for shape in options.shapes:
        arguments = [shape, str(options.steps), str(options.threads)]
        runs = {"rrm": [], "torch fused": [], "torch foreach": []}
        for _ in range(options.rounds):
            runs["rrm"].append(run([binary, *arguments]))
            for update in ["fused", "foreach"]:
                runs[f"torch {update}"].append(run([sys.executable, str(HERE / "peer.py"), *arguments, update]))
        results[shape] = runs
        medians = {name: statistics.median(one["seconds"] for one in all_runs) for name, all_runs in runs.items()}
        peaks = {name: max(one["peak_mib"] for one in all_runs) for name, all_runs in runs.items()}
        peer = min(["torch fused", "torch foreach"], key=medians.get)
        for name, seconds in medians.items():
            print(f"{shape} {name:14} {seconds:8.3f} s a step, {peaks[name]:6} MiB")
        print(f"{shape} ratio {medians['rrm'] / medians[peer]:.2f} of {peer}'s time, {peaks['rrm'] / peaks[peer]:.2f} of its memory", flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1) + "\n")


main()
