#!/usr/bin/env bash
# Ranks the shipped example on `transformers serve`, an OpenAI-compatible server that this project did not write, and checks that at
# least 95% of the comparisons end in a verdict.
#
#   scripts/rank_on_real_server.sh VENV      # VENV is made and filled from PyPI when it is not there yet
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -ne 1 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 1
fi
[ -n "${RRM:-}" ] || cargo build --quiet -p rrm-cli --features gguf
rrm="${RRM:-${CARGO_TARGET_DIR:-target}/debug/rrm}"
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
pid="$(scripts/serve_smollm2.sh "$1" "$port")"
work="$(mktemp -d)"
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
url="http://127.0.0.1:$port"
model="$PWD/models/SmolLM2-135M-Instruct"

"$rrm" doctor "$url" --model "$model"
"$rrm" rank examples/eight-responses.jsonl --engine "$url" --model "$model" --max-thinking-tokens 48 --concurrency 1 \
  --store "$work/store.sqlite" --output "$work/ranked.jsonl"
"$rrm" show "$work/ranked.jsonl" eight --input examples/eight-responses.jsonl --brief
scripts/verdict_share.py "$work/ranked.jsonl"
