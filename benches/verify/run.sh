#!/usr/bin/env bash
# The verifier beside PyPI's math-verify, alternating, on math-verify's own cases and on real GSM8K solutions.
# Usage: benches/verify/run.sh VENV [ROUNDS]
# Makes VENV if it is not there. Both run each row with the options that it states. Prints seconds of each round, medians and
# the ratio; then, of the last round, how many rows each of the two tells as the data says, its false accepts and false rejects,
# and the rows that either gets wrong.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="$1"; rounds="${2:-3}"; data=../shared/data
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv"; "$venv/bin/pip" install -q 'math-verify[antlr4_13_2]'; }
cargo build --quiet --release -p rrm-verify --example verify_answers
ours="${CARGO_TARGET_DIR:-target}/release/examples/verify_answers"
work="$(mktemp -d)"; trap 'rm -rf "$work"' EXIT
python3 - "$data/math-verify/cases.jsonl" > "$work/cases.jsonl" <<'P'
import json, sys
for number, line in enumerate(open(sys.argv[1]), 1):
    row = json.loads(line)
    if "expected" in row:
        print(json.dumps({"row": number} | row))
P
python3 - "$data/gsm8k/example_model_solutions.jsonl.gz" > "$work/gsm8k.jsonl" <<'P'
import gzip, json, sys
for number, line in enumerate(list(gzip.open(sys.argv[1]))[:250], 1):
    row = json.loads(line)
    gold = "$" + row["ground_truth"].rsplit("A:", 1)[-1].strip() + "$"
    for name, said in row.items():
        if isinstance(said, dict):
            print(json.dumps({"row": number, "gold": gold, "pred": said["solution"], "expected": int(said["is_correct"])}))
P
"$venv/bin/pip" list 2>/dev/null | grep -i -E '^(math-verify|latex2sympy2_extended|sympy) '
for set in cases gsm8k; do
  : > "$work/ours"; : > "$work/theirs"
  for _ in $(seq "$rounds"); do
    "$ours" 1 "$work/ours.jsonl" < "$work/$set.jsonl" >> "$work/ours"
    "$venv/bin/python" benches/verify/peer.py "$work/$set.jsonl" "$work/theirs.jsonl" >> "$work/theirs"
  done
  echo
  python3 - "$set" "$work/ours" "$work/theirs" <<'P'
import statistics, sys
name, ours, theirs = sys.argv[1], *([line.split() for line in open(path)] for path in sys.argv[2:])
a, b = (statistics.median(float(row[0]) for row in rows) for rows in (ours, theirs))
print(f"{name}: {ours[0][1]} pairs")
for who, rows in (("rrm", ours), ("math-verify", theirs)):
    print(f"  {who:<12} {', '.join(row[0] for row in rows)} s; {rows[0][2]} equal")
print(f"  medians {a:.4f} s and {b:.4f} s: {b / a:.0f} times as fast")
P
  python3 benches/verify/compare.py "$work/$set.jsonl" "$work/ours.jsonl" "$work/theirs.jsonl"
done
