#!/usr/bin/env python3
"""What settings of `rrm label` cost and give, with two simulated judges, as a Markdown table.

    runs/label_settings.py dev.jsonl.gz [FOLDER]     # FOLDER keeps the labels; RRM names the program

The rows are MMLU-Pro's questions with real responses; the column `correct` is the truth. One judge (`scripted:accuracy=0.8`) errs in each vote by
itself. The errors of the other (`scripted:repeats=0.8`) repeat: all votes about two texts are right or wrong together, in both orders.
A row is informative if it has a right and a wrong response; only its pairs can be right or wrong.
"""

import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
JUDGES = {"errors of single votes": "scripted:accuracy=0.8", "errors that repeat": "scripted:repeats=0.8"}
SETTINGS = {
    "knockout, 1 vote": [],
    "knockout, 3 votes": ["--votes", "3"],
    "knockout, 8 votes, both orders, margin 0.4": ["--votes", "8", "--both-orders", "--min-margin", "0.4"],
    "Bradley-Terry, 2 opponents, 1 vote": ["--strategy", "bradley-terry", "--opponents", "2"],
    "Bradley-Terry, 4 opponents, 1 vote": ["--strategy", "bradley-terry", "--opponents", "4"],
    "Bradley-Terry, 4 opponents, 2 votes, both orders": ["--strategy", "bradley-terry", "--opponents", "4", "--votes", "2", "--both-orders"],
    "Bradley-Terry, all opponents, 1 vote": ["--strategy", "bradley-terry"],
    "win rate, 4 opponents, 1 vote": ["--strategy", "win-rate", "--opponents", "4"],
}


def truth(data: pathlib.Path) -> dict[str, list[bool]]:
    with gzip.open(data, "rt", encoding="utf-8") if data.suffix == ".gz" else data.open(encoding="utf-8") as rows:
        read = [json.loads(line) for line in rows]
    return {str(row["question_id"]): [bool(one["correct"]) for one in row["responses"]] for row in read}


def lines(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    data = pathlib.Path(sys.argv[1]).resolve()
    right = truth(data)
    informative = sum(any(row) and not all(row) for row in right.values())
    rrm = os.environ.get("RRM", pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "rrm")
    print(f"{len(right)} rows, {informative} with a right and a wrong response.\n")
    print("| judge | setting | calls | pairs | of them right / wrong / alike | right, in % | right pairs per 1,000 calls |")
    print("|---|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for judge, engine in JUDGES.items():
            for number, (setting, options) in enumerate(SETTINGS.items()):
                out = folder / f"{engine.partition(':')[2].partition('=')[0]}-{number}.jsonl"
                columns = ["--column", "prompt=question", "--column", "id=question_id"]
                command = [rrm, "label", data, *columns, "--engine", engine, "--store", "none", "-o", out, *options]
                for old in folder.glob(f"{out.name}*"):
                    old.unlink()
                subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
                calls = json.loads(pathlib.Path(f"{out}.stats.json").read_text(encoding="utf-8"))["spent"]["calls"]
                counts = {"right": 0, "wrong": 0, "alike": 0}
                for row in lines(out):
                    chosen, rejected = (right[str(row["rrm_id"])][row[name]] for name in ("rrm_chosen", "rrm_rejected"))
                    counts["alike" if chosen == rejected else "right" if chosen else "wrong"] += 1
                pairs, decided = sum(counts.values()), counts["right"] + counts["wrong"]
                share = f"{100 * counts['right'] / decided:.1f}" if decided else "-"
                print(
                    f"| {judge} | {setting} | {calls:,} | {pairs} | {counts['right']} / {counts['wrong']} / {counts['alike']} "
                    f"| {share} | {1000 * counts['right'] / calls:.1f} |"
                )


main()
