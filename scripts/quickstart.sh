#!/usr/bin/env bash
# From a fresh machine with Rust and Python to a ranking: fetches a small judge and ranks the shipped example with it, in process.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in cargo python3 cmake clang; do
  command -v "$tool" >/dev/null || { echo "error: $tool is needed (Debian: apt-get install cmake clang libclang-dev python3-pip)" >&2; exit 1; }
done
scripts/fetch-smollm2.sh
if [ -z "${RRM:-}" ]; then
  echo "building rrm with llama.cpp; the first time takes some ten minutes on two cores" >&2
  cargo build --quiet -p rrm-cli --features gguf
fi
rrm="${RRM:-${CARGO_TARGET_DIR:-target}/debug/rrm}"
"$rrm" rank examples/eight-responses.jsonl --engine gguf:models/SmolLM2-135M-Instruct.Q4_1.gguf \
  --max-thinking-tokens 64 --votes 3 --output "${1:-models/eight-responses.ranked.jsonl}"
"$rrm" show "${1:-models/eight-responses.ranked.jsonl}" eight --input examples/eight-responses.jsonl --brief
scripts/verdict_share.py "${1:-models/eight-responses.ranked.jsonl}"
