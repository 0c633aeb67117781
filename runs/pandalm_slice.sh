#!/usr/bin/env bash
# PandaLM's first N pairs judged by SmolLM2-135M in process under a thinking budget, the human majority label beside each verdict.
#
#   runs/pandalm_slice.sh testset-v1.json [N]      # N is 40 unless given; some four seconds a pair on two cores
#
# Both orders are judged, two votes in each: a small judge favours a place, and then the votes are undecided, which is shown as such.
set -euo pipefail
if [ $# -lt 1 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 1
fi
data="$(realpath "$1")"
cd "$(dirname "$0")/.."
scripts/fetch-smollm2.sh
cargo build --quiet -p rrm-cli --features gguf
rrm="${CARGO_TARGET_DIR:-target}/debug/rrm"
out="models/pandalm-slice"
python3 -c 'import json, sys; [print(json.dumps(row)) for row in json.load(open(sys.argv[1]))[: int(sys.argv[2])]]' "$data" "${2:-40}" >"$out.jsonl"
"$rrm" judge "$out.jsonl" --config runs/pandalm_slice.toml --output "$out.judged.jsonl"
python3 - "$out.judged.jsonl" <<'PY'
import collections, json, sys

rows = [json.loads(line) for line in open(sys.argv[1])]
table = collections.Counter((row["label"], row["verdict"]) for row in rows)
verdicts = ["first", "second", "undecided"]
print("| human majority | " + " | ".join(verdicts) + " |")
print("|---|" + "--:|" * len(verdicts))
for label in ("first", "second", "tie"):
    print(f"| {label} | " + " | ".join(str(table[label, verdict]) for verdict in verdicts) + " |")
votes = sum(row["usage"]["votes"] for row in rows)
abstained = sum(row["usage"]["abstained"] for row in rows)
places = collections.Counter(
    ("first" if (vote["verdict"] == "first") == (vote["order"] == "given") else "second")
    for row in rows for match in row["matches"] for vote in match["votes"] if "verdict" in vote
)
print(f"{len(rows)} pairs, {votes} votes, {abstained} abstained; the place shown first was preferred in {places['first']} of {sum(places.values())} verdicts")
PY
