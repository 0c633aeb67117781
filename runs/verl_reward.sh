#!/usr/bin/env bash
# verl's own reward loop loads rrm.verl's class and scores a batch, with rewards from `rrm serve`. Usage: runs/verl_reward.sh VENV [new|old]
# VENV has verl, torch and ray (PyPI's torch weighs 3 GB); it is made with the newest verl if it is not there. `old` is for verl up to 0.7. RRM names the binary.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="$1"; generation="${2:-new}"
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv"; "$venv/bin/pip" install -q verl httpx; }
if [ -z "${RRM:-}" ]; then cargo build --quiet -p rrm-cli --bin rrm; RRM="${CARGO_TARGET_DIR:-target}/debug/rrm"; fi
export RAY_IGNORE_UNHANDLED_ERRORS=1
export PYTHONPATH="$PWD/python/rrm/src${EXTRA_PYTHONPATH:+:$EXTRA_PYTHONPATH}"
"$RRM" serve --engine scripted:longer --bind 127.0.0.1:8712 --strategy win-rate --deadline 5 --store none 2>/dev/null & server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 100); do python3 -c "import socket; socket.create_connection(('127.0.0.1', 8712), 1)" 2>/dev/null && break; sleep 0.1; done
"$venv/bin/python" -W ignore runs/verl_reward/score.py http://127.0.0.1:8712 "$generation"
