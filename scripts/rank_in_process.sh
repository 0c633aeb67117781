#!/usr/bin/env bash
# Ranks the shipped example on SmolLM2 in process, from a Hugging Face folder (`local:`), after checking that the decoder's logits are those
# of transformers and that llama.cpp writes the same from exported files, and checks that at least 95% of the comparisons end in a verdict.
#
#   scripts/rank_in_process.sh      # wants models/SmolLM2-135M-Instruct, which scripts/serve_smollm2.sh makes
set -euo pipefail
cd "$(dirname "$0")/.."
model="models/SmolLM2-135M-Instruct"
if [ ! -f "$model/model.safetensors" ]; then
  echo "error: $model is absent; scripts/serve_smollm2.sh VENV PORT makes it from the GGUF" >&2
  exit 1
fi
export RRM_TEST_CHECKPOINT="$PWD/$model"
cargo test --quiet --workspace --features rrm-cli/gguf --test it smollm2
[ -n "${RRM:-}" ] || cargo build --quiet -p rrm-cli --features gguf
rrm="${RRM:-${CARGO_TARGET_DIR:-target}/debug/rrm}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$rrm" rank examples/eight-responses.jsonl --engine "local:$model" --max-thinking-tokens 64 --votes 3 \
  --store "$work/store.sqlite" --output "$work/ranked.jsonl"
"$rrm" show "$work/ranked.jsonl" eight --input examples/eight-responses.jsonl --brief
scripts/verdict_share.py "$work/ranked.jsonl"
