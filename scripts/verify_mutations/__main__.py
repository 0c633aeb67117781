#!/usr/bin/env python3
"""Right answers -> mutants of them -> `rrm verify` -> a table of what it says against what is right.

    scripts/verify_mutations --rrm target/release/rrm

Each right answer (of GSM8K, of math-verify's cases, of a list) is changed token by token, and rewritten into equal forms. An
oracle of its own (`oracle.py`: a strict reader and exact values) says for each mutant whether it is equal, different, malformed,
or whether readers may differ. False accepts (`equal` where it is different or malformed) and false rejects (`unequal` where it is
equal) are listed. The exit status is 1 on any of these, where more than 5% of the equal ones are unknown, or where the oracle
failed. Needs SymPy. The oracle's own tests: python -m unittest discover -s scripts/verify_mutations
"""

import argparse
import collections
import gzip
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

import algebra
import mutate
import oracle
from skipping import skipped

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MOST_UNKNOWN = 0.05
TRUTHS = ("equal", "different", "malformed", "ambiguous")
OUTCOMES = ("equal", "unequal", "unknown")


def options():
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rrm", default=str(ROOT / "target" / "release" / "rrm"), help="the binary")
    parser.add_argument(
        "--list", default=str(ROOT / "crates" / "rrm-verify" / "tests" / "answers" / "latex.txt"), help="answers, one a line"
    )
    parser.add_argument("--data", default=str(ROOT.parent / "shared" / "data"), help="folder with gsm8k/ and math-verify/")
    parser.add_argument(
        "--per-answer", type=int, default=60, help="mutants by token of each answer; a third of it for whole numbers"
    )
    parser.add_argument("--seed", default="1")
    parser.add_argument("--sample", type=float, default=1.0, help="share of the answers")
    parser.add_argument("--show", type=int, default=40, help="lines of each kind of error")
    parser.add_argument("--keep", help="folder for the rows")
    return parser.parse_args()


def answers(args):
    """Every right answer once: (source, text)."""
    found = {}
    data = pathlib.Path(args.data)
    for path in (pathlib.Path(args.list),):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                found.setdefault(line.strip(), "list")
    cases = data / "math-verify" / "cases.jsonl"
    if cases.exists():
        for line in cases.open(encoding="utf-8"):
            gold = plain(json.loads(line)["gold"])
            if gold:
                found.setdefault(gold, "math-verify")
    else:
        skipped(f"verify_mutations: {cases} is absent")
    for name in ("test", "train"):
        path = data / "gsm8k" / f"{name}.jsonl.gz"
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as file:
                for line in file:
                    found.setdefault(json.loads(line)["answer"].split("####")[-1].strip(), "gsm8k")
        else:
            skipped(f"verify_mutations: {path} is absent")
    draw = random.Random(f"{args.seed}/sample")
    return [(source, text) for text, source in found.items() if draw.random() < args.sample]


def plain(gold):
    """The answer in a right answer: the last box, or all of it; None where it is long or several, or a decimal with a comma."""
    if re.fullmatch(r"\d+,\d\d|0,\d+", gold):
        return None
    start = gold.rfind("\\boxed{")
    if start >= 0:
        if gold.count("\\boxed{") > 1:
            return None
        depth, end = 1, start + 7
        while depth and end < len(gold):
            depth += {"{": 1, "}": -1}.get(gold[end], 0)
            end += 1
        gold = gold[start + 7 : end - 1]
    gold = oracle.read.unwrapped(gold)
    return gold if 0 < len(gold) <= 120 and "$" not in gold.replace("\\$", "") and "\n" not in gold else None


def rows(found, args):
    """Every row: gold, mutant, how it was made, what is right."""
    result, skipped = [], []
    for source, gold in found:
        if oracle.judge(gold, gold)[0] != "equal":
            skipped.append((gold, oracle.judge(gold, gold)[1]))
            continue
        draw = random.Random(f"{args.seed}/{gold}")
        count = args.per_answer // 3 if re.fullmatch(r"-?[\d,]+", gold) else args.per_answer
        for kind, mutant in mutate.mutants(gold, draw, count, algebra.forms(gold)):
            boxed = draw.random() < 0.75 or "$" in mutant or "\\$" in mutant
            truth, why = oracle.judge(gold, mutant, boxed)
            response = f"\\boxed{{{mutant}}}" if boxed else f"The answer is ${mutant}$."
            result.append(
                {"source": source, "kind": kind, "gold": gold, "mutant": mutant, "response": response, "truth": truth, "why": why}
            )
    return result, skipped


def verify(made, args, folder):
    """Runs the binary once over all rows and adds its outcome to each."""
    asked, told = folder / "rows.jsonl", folder / "told.jsonl"
    with asked.open("w", encoding="utf-8") as file:
        for index, row in enumerate(made):
            file.write(json.dumps({"id": str(index), "gold": row["gold"], "response": row["response"]}) + "\n")
    with told.open("w", encoding="utf-8") as file:
        command = ["nice", args.rrm, "verify", str(asked), "--gold", "gold", "--response", "response"]
        subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=True)
    with told.open(encoding="utf-8") as file:
        for line in file:
            answer = json.loads(line)
            made[int(answer["id"])]["outcome"] = answer["verified"]["outcome"]
            made[int(answer["id"])]["verified"] = answer["verified"]
    missing = sum("outcome" not in row for row in made)
    if missing:
        raise SystemExit(f"{missing} rows did not come back")
    if args.keep:
        with (folder / "judged.jsonl").open("w", encoding="utf-8") as file:
            for row in made:
                file.write(json.dumps(row) + "\n")


def table(made):
    """Counts by kind, truth and outcome, as Markdown."""
    counts = collections.Counter((row["kind"], row["truth"], row["outcome"]) for row in made)
    names = [f"{truth}: {short}" for truth in TRUTHS for short in ("acc", "rej", "unk")]
    print("| kind | rows | " + " | ".join(names) + " |")
    print("|---|" + "---:|" * (len(names) + 1))
    kinds = sorted({row["kind"] for row in made})
    for kind in [*kinds, "all"]:
        cells = [
            sum(
                number
                for (made_as, truth_, outcome_), number in counts.items()
                if kind in (made_as, "all") and (truth_, outcome_) == (truth, outcome)
            )
            for truth in TRUTHS
            for outcome in OUTCOMES
        ]
        print(f"| {kind} | {sum(cells)} | " + " | ".join(map(str, cells)) + " |")


def errors(made, show):
    """Lists the errors; returns how many there are of each."""
    kinds = {
        "false accepts, another answer": [row for row in made if row["outcome"] == "equal" and row["truth"] == "different"],
        "false accepts, malformed": [row for row in made if row["outcome"] == "equal" and row["truth"] == "malformed"],
        "false rejects": [row for row in made if row["outcome"] == "unequal" and row["truth"] == "equal"],
        "unknown though equal": [row for row in made if row["outcome"] == "unknown" and row["truth"] == "equal"],
    }
    for name, found in kinds.items():
        print(f"\n## {name}: {len(found)}\n")
        for row in random.Random(1).sample(found, min(show, len(found))):
            print(f"- `{row['gold']}` | `{row['response']}` | {row['kind']} | {row['why']}")
    return {name: len(found) for name, found in kinds.items()}


def main():
    """Does all of it."""
    args = options()
    start = time.time()
    found = answers(args)
    made, skipped = rows(found, args)
    judged = time.time()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(args.keep or temporary)
        os.makedirs(folder, exist_ok=True)
        verify(made, args, folder)
    print(f"{len(found)} right answers, {len(made)} rows; made and judged in {judged - start:.0f} s,", end=" ")
    print(f"verified in {time.time() - judged:.0f} s\n")
    table(made)
    told = errors(made, args.show)
    print(f"\n## right answers that the oracle does not read: {len(skipped)}\n")
    for gold, why in skipped[: args.show]:
        print(f"- `{gold}` | {why}")
    failed = [row for row in made if row["why"].startswith(oracle.FAILED)]
    for row in failed[: args.show]:
        print(f"- the oracle failed: `{row['gold']}` | `{row['mutant']}` | {row['why']}")
    equal = sum(row["truth"] == "equal" for row in made)
    share = told["unknown though equal"] / max(1, equal)
    wrong = told["false accepts, another answer"] + told["false accepts, malformed"] + told["false rejects"]
    print(f"\n{wrong} errors; of {equal} equal ones {share:.2%} are unknown (limit {MOST_UNKNOWN:.0%})")
    return 1 if wrong or failed or share > MOST_UNKNOWN else 0


if __name__ == "__main__":
    sys.exit(main())
