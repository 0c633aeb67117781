"""A folder of weights and files of pairs -> how often its judge is right, by file, family and mistake.

    python3 runs/story_eval/judge.py --rrm RRM --model ROOT/seed-0/rrm/best [--format rrm] [--greedy] [--wrong N] ROOT/data/validation.jsonl...

`rrm judge` does the judging, one vote in the drawn order. A missing verdict is not right. --wrong prints so many transcripts that are wrong.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tiny_eval"))
import stats


def judged(args: argparse.Namespace, path: str, folder: str) -> list[dict]:
    """The result rows of a file, with the text of each vote's completion under `text`."""
    out, store = pathlib.Path(folder) / "out.jsonl", pathlib.Path(folder) / "store.sqlite"
    temperature = "0" if args.greedy else "1"
    command = [args.rrm, "judge", path, "--engine", f"local:{args.model}", "--format", args.format, "--votes", "1", "--seed", str(args.seed)]
    command += ["--temperature", temperature, "--max-tokens", str(args.max_tokens), "--store", str(store), "-o", str(out), "--max-abstained", "1"]
    subprocess.run(command, check=True, stderr=subprocess.PIPE if not args.loud else None)
    return [json.loads(line) for line in out.read_text().splitlines()]


def right(row: dict) -> bool:
    (match,) = row["matches"]
    (vote,) = match["votes"]
    named = vote.get("verdict")
    return named is not None and match[named] == {"first": 0, "second": 1}[row["label"]]


def said(name: str, results: list[bool]) -> str:
    share = stats.wilson(sum(results) / len(results), len(results))
    return f"{name:32} {len(results):6} {100 * share.value:6.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rrm", default="target/release/rrm")
    parser.add_argument("--model", required=True)
    parser.add_argument("--format", default="rrm")
    parser.add_argument("--greedy", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-tokens", type=int, default=200)
    parser.add_argument("--loud", action="store_true")
    parser.add_argument("--wrong", type=int, default=0)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    for path in args.files:
        with tempfile.TemporaryDirectory() as folder:
            rows = judged(args, path, folder)
            groups = collections.defaultdict(list)
            for row in rows:
                for key in ("steps", "family", "slip"):
                    groups[f"  {key} {row['extra'].get(key)}"].append(right(row))
            print(said(pathlib.Path(path).name, [right(row) for row in rows]))
            print("\n".join(said(name, groups[name]) for name in sorted(groups)))
            shown = [row for row in rows if not right(row)][: args.wrong]
            for row in shown:
                command = [args.rrm, "show", f"{folder}/out.jsonl", row["id"], "--input", path, "--store", f"{folder}/store.sqlite"]
                print(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
