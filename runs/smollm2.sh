#!/usr/bin/env bash
# SmolLM2-135M through supervised fine-tuning and a few steps of reinforcement learning, with adapters, on real responses with known truth.
#
#   runs/smollm2.sh mmlu-pro/train.jsonl.gz      # the data of TIGER-AI-Lab/MMLU-Pro, as shared/data holds it
#
# It shows that the trainer takes a real model and real language, what a step costs, and the honest curve. A model of 135M parameters does
# not become a judge by it. Interrupted, it goes on where it was. Wants models/SmolLM2-135M-Instruct, which scripts/serve_smollm2.sh makes.
set -euo pipefail
if [ $# -lt 1 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 1
fi
data="$(realpath "$1")"
cd "$(dirname "$0")/.."
if [ -z "${RRM:-}" ]; then
  cargo build --quiet --release -p rrm-cli
fi
rrm="${RRM:-${CARGO_TARGET_DIR:-target}/release/rrm}"
mkdir -p target/smollm2
[ -f target/smollm2/data/train.jsonl ] || python3 runs/smollm2/pairs.py "$data" target/smollm2/data
"$rrm" train runs/smollm2/sft.toml
"$rrm" train runs/smollm2/grpo.toml
python3 - <<'PY'
import json, statistics

for stage in ("sft", "grpo"):
    folder = f"target/smollm2/{stage}"
    timings = [json.loads(line) for line in open(f"{folder}/timings.jsonl")]
    print(f"{stage}: {len(timings)} steps, median {statistics.median(row['seconds'] for row in timings):.1f} s")
    for row in map(json.loads, open(f"{folder}/metrics.jsonl")):
        shown = {key: row[key] for key in ("step", "loss", "reward", "accuracy", "abstentions", "first_verdicts", "mean_length") if key in row}
        print({**shown, **({"held out": row["evaluation"]} if row.get("evaluation") else {})})
PY
