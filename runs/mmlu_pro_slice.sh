#!/usr/bin/env bash
# MMLU-Pro best-of-N on a slice that two cores afford: the first Q questions with their first four real responses, picked by SmolLM2-135M in process.
#
#   runs/mmlu_pro_slice.sh dev.jsonl.gz [Q]      # Q is 12 unless given
#
# The judge is far too small for these questions: what it scores is printed as it is, beside first, random, majority and oracle.
set -euo pipefail
if [ $# -lt 1 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 1
fi
data="$(realpath "$1")"
cd "$(dirname "$0")/.."
scripts/fetch-smollm2.sh
[ -n "${RRM:-}" ] || cargo build --quiet -p rrm-cli --features gguf
rrm="${RRM:-${CARGO_TARGET_DIR:-target}/debug/rrm}"
slice="models/mmlu-pro-slice.jsonl"
python3 - "$data" "${2:-12}" > "$slice" <<'PY'
import gzip, json, sys

for line in list(gzip.open(sys.argv[1], "rt"))[: int(sys.argv[2])]:
    row = json.loads(line)
    row["responses"] = row["responses"][:4]
    print(json.dumps(row))
PY
"$rrm" eval mmlu-pro --data "$slice" --engine gguf:models/SmolLM2-135M-Instruct.Q4_1.gguf --max-thinking-tokens 48 --output models/mmlu-pro-slice.json
