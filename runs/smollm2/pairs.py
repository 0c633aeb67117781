#!/usr/bin/env python3
"""Real responses with known truth (mmlu-pro/train.jsonl.gz) -> pairs for training and evaluating a judge, and traces to begin with.

    runs/smollm2/pairs.py mmlu-pro/train.jsonl.gz FOLDER

Of each question one right and one wrong response, both short; every fifth question is held out. Writes train.jsonl and held-out.jsonl
(prompt, chosen, rejected) and traces.jsonl (prompt, completion). A trace names what both assistants answer and states the right verdict in
three of four rows, else the wrong one: it teaches the form of a judgment, and little more.
"""

import gzip
import hashlib
import json
import pathlib
import random
import sys
import tomllib

LONGEST = 300
TRACES = 400


def pair(row: dict, draw: random.Random) -> dict | None:
    """The question with a right and a wrong response, or nothing where there are none that are short and name an answer."""
    options = "\n".join(f"({letter}) {text}" for letter, text in zip("ABCDEFGHIJ", row["options"]))
    prompt = f"{row['question']}\n{options}"
    fits = [each for each in row["responses"] if each["pred"] and len(each["text"]) <= LONGEST]
    right = [each for each in fits if each["correct"]]
    wrong = [each for each in fits if not each["correct"]]
    if not right or not wrong or len(prompt) > 2 * LONGEST:
        return None
    chosen, rejected = draw.choice(right), draw.choice(wrong)
    return {"id": row["question_id"], "prompt": prompt, "chosen": chosen["text"], "rejected": rejected["text"],
            "says": [chosen["pred"], rejected["pred"]]}


def trace(row: dict, template: str, draw: random.Random) -> dict:
    """What a judge might write about a pair, in an order drawn by lot."""
    swapped = draw.random() < 0.5
    order = (1, 0) if swapped else (0, 1)
    texts, says = [row["chosen"], row["rejected"]], row["says"]
    filled = template.replace("{{ prompt }}", row["prompt"])
    filled = filled.replace("{{ response_1 }}", texts[order[0]]).replace("{{ response_2 }}", texts[order[1]])
    right = 2 if swapped else 1
    verdict = right if draw.random() < 0.75 else 3 - right
    thought = f"Assistant 1 says ({says[order[0]]}), Assistant 2 says ({says[order[1]]}). ({says[order[verdict - 1]]}) is right."
    return {"prompt": [{"role": "user", "content": filled}], "completion": f"<think>{thought}</think>\\boxed{{Assistant {verdict}}}"}


def write(path: pathlib.Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(f"{path}: {len(rows)} rows", file=sys.stderr)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, folder = map(pathlib.Path, sys.argv[1:])
    format_file = pathlib.Path(__file__).with_name("judge.toml")
    template = tomllib.loads(format_file.read_text())["messages"][0]["content"]
    draw = random.Random(0)
    with gzip.open(source, "rt") as lines:
        pairs = [found for line in lines if (found := pair(json.loads(line), draw))]
    held_out = [row for row in pairs if hashlib.sha256(row["id"].encode()).digest()[0] % 5 == 0]
    train = [row for row in pairs if row not in held_out]
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "traces.jsonl", [trace(row, template, draw) for row in train[:TRACES]])
    for name, rows in (("train", train), ("held-out", held_out)):
        write(folder / f"{name}.jsonl", [{key: value for key, value in row.items() if key != "says"} for row in rows])


if __name__ == "__main__":
    main()
