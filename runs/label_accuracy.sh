#!/usr/bin/env bash
# How right labels are, by votes and margin: MMLU-Pro's questions with real responses, labelled by a simulated judge of accuracy 0.8.
#
#   runs/label_accuracy.sh dev.jsonl.gz OUT      # OUT is a folder; it gets the labels, labels.svg and table.md
#
# Four opponents each, every match a pair; a second table has the best and the worst of each ranking. Truth is the column `correct`.
set -euo pipefail
if [ $# -ne 2 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 1
fi
data="$(realpath "$1")"
mkdir -p "$2"
out="$(realpath "$2")"
cd "$(dirname "$0")/.."
cargo build --quiet -p rrm-cli
cargo build --quiet -p rrm-judge --example label_accuracy
target="${CARGO_TARGET_DIR:-target}/debug"
label() {
  local name="$1"
  shift
  "$target/rrm" label "$data" --column prompt=question --column id=question_id --engine scripted:accuracy=0.8 --both-orders \
    --strategy win-rate --opponents 4 --store none -o "$out/$name.jsonl" "$@"
}
pairs=() ends=()
for votes in 1 2 4 8 16; do
  label "pairs-$votes" --pairs all --votes "$votes"
  label "ends-$votes" --pairs best-worst --votes "$votes"
  pairs+=("votes $votes=$out/pairs-$votes.jsonl")
  ends+=("votes $votes=$out/ends-$votes.jsonl")
done
# A threshold of the command leaves what the table counts.
label check --pairs all --votes 8 --min-margin 0.5
python3 - "$out" <<'PY'
import json, sys

kept = [json.loads(line)["rrm_margin"] for line in open(f"{sys.argv[1]}/pairs-8.jsonl")]
checked = sum(1 for _ in open(f"{sys.argv[1]}/check.jsonl"))
assert checked == sum(margin >= 0.5 for margin in kept), "--min-margin keeps other pairs than those with this margin"
PY
{
  printf 'Every match a pair:\n\n'
  "$target/examples/label_accuracy" "$data" "$out/labels.svg" "${pairs[@]}"
  printf '\nBest and worst of each ranking:\n\n'
  "$target/examples/label_accuracy" "$data" "$out/ends.svg" "${ends[@]}"
} | tee "$out/table.md"
