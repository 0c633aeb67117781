#!/usr/bin/env bash
# What `rrm label` writes, read by those it is written for: `datasets`, and TRL's own trainers, two steps each, on processors.
#
#   runs/label_dpo.sh VENV [DATA]     # DATA: mmlu-pro/dev.jsonl.gz [../shared/data/mmlu-pro/dev.jsonl.gz]
#
# Makes VENV if it is not there (PyPI's torch weighs 3 GB). RRM names the binary; it is built if it does not.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="$1"; data="${2:-../shared/data/mmlu-pro/dev.jsonl.gz}"
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv"; "$venv/bin/pip" install -q torch trl datasets transformers accelerate; }
if [ -z "${RRM:-}" ]; then cargo build --quiet -p rrm-cli --bin rrm; RRM="${CARGO_TARGET_DIR:-target}/debug/rrm"; fi
work="$(mktemp -d)"; trap 'rm -rf "$work"' EXIT
for layout in dpo kto reward messages messages-kto text text-kto; do
  for end in jsonl parquet; do
    "$RRM" label "$data" --column prompt=question --column id=question_id --engine scripted:accuracy=0.8 --votes 5 --both-orders --strategy win-rate --opponents 2 \
      --store none --min-margin 0.2 --write "$layout" -o "$work/$layout.$end" 2>/dev/null
  done
done
export TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1 HF_HOME="$work/hf"
"$venv/bin/python" -W ignore runs/label_dpo/train.py "$work"
