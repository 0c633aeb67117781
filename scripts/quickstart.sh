#!/usr/bin/env bash
# From a fresh machine with Rust and Python to a ranking: fetches a small judge and ranks the shipped example with it, in process.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/fetch-smollm2.sh
cargo build --quiet -p rrm-cli --features gguf
rrm="${CARGO_TARGET_DIR:-target}/debug/rrm"
"$rrm" rank examples/eight-responses.jsonl --engine gguf:models/SmolLM2-135M-Instruct.Q4_1.gguf \
  --max-thinking-tokens 64 --votes 3 --output "${1:-models/eight-responses.ranked.jsonl}"
"$rrm" show "${1:-models/eight-responses.ranked.jsonl}" eight --input examples/eight-responses.jsonl --brief
