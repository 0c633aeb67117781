#!/usr/bin/env bash
# The verifier beside PyPI's math-verify, alternating, on math-verify's own cases and on real GSM8K solutions. Usage: benches/verify/run.sh VENV [ROUNDS]
# Makes VENV if it is not there. Prints seconds of each round, medians, and the ratio.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="$1"; rounds="${2:-3}"; data=../shared/data
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv"; "$venv/bin/pip" install -q 'math-verify[antlr4_13_2]'; }
cargo build --quiet --release -p rrm --example verify_answers
ours="${CARGO_TARGET_DIR:-target}/release/examples/verify_answers"
work="$(mktemp -d)"; trap 'rm -rf "$work"' EXIT
grep '"expected"' "$data/math-verify/cases.jsonl" > "$work/cases.jsonl"
python3 - "$data/gsm8k/example_model_solutions.jsonl.gz" > "$work/gsm8k.jsonl" <<'P'
import gzip, json, sys
for line in list(gzip.open(sys.argv[1]))[:250]:
    row = json.loads(line)
    gold = "$" + row["ground_truth"].rsplit("A:", 1)[-1].strip() + "$"
    for name, said in row.items():
        if isinstance(said, dict):
            print(json.dumps({"gold": gold, "pred": said["solution"]}))
P
"$venv/bin/pip" list 2>/dev/null | grep -i -E '^(math-verify|latex2sympy2|sympy) '
for set in cases gsm8k; do
  : > "$work/ours"; : > "$work/theirs"
  for _ in $(seq "$rounds"); do
    "$ours" 1 < "$work/$set.jsonl" >> "$work/ours"
    "$venv/bin/python" benches/verify/peer.py "$work/$set.jsonl" >> "$work/theirs"
  done
  python3 - "$set" "$work/ours" "$work/theirs" <<'P'
import statistics, sys
name, ours, theirs = sys.argv[1], *([line.split() for line in open(path)] for path in sys.argv[2:])
a, b = (statistics.median(float(row[0]) for row in rows) for rows in (ours, theirs))
print(f"{name}: {ours[0][1]} pairs; rrm {[row[0] for row in ours]} s, {ours[0][2]} equal; math-verify {[row[0] for row in theirs]} s, {theirs[0][2]} equal")
print(f"  medians {a:.4f} s and {b:.4f} s: {b / a:.0f} times as fast")
P
done
