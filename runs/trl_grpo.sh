#!/usr/bin/env bash
# TRL's own GRPOTrainer with rewards from `rrm serve`, in one process and in two, on processors. Usage: runs/trl_grpo.sh VENV [STEPS]
# Makes VENV if it is not there (PyPI's torch weighs 3 GB). RRM names the binary; it is built if it does not.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="$1"; steps="${2:-40}"
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv"; "$venv/bin/pip" install -q torch trl datasets transformers accelerate httpx; }
if [ -z "${RRM:-}" ]; then cargo build --quiet -p rrm-cli --bin rrm; RRM="${CARGO_TARGET_DIR:-target}/debug/rrm"; fi
export PYTHONPATH="$PWD/python/rrm/src" TOKENIZERS_PARALLELISM=false
"$venv/bin/python" -c "import trl, torch, transformers; print('trl', trl.__version__, 'torch', torch.__version__, 'transformers', transformers.__version__)"
"$RRM" serve --engine scripted:longer --bind 127.0.0.1:8711 --group-size 8 --strategy win-rate --store none & server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 100); do python3 -c "import socket; socket.create_connection(('127.0.0.1', 8711), 1)" 2>/dev/null && break; sleep 0.1; done
echo "== one process"
"$venv/bin/python" runs/trl_grpo/train.py http://127.0.0.1:8711 "$steps"
echo "== two processes, groups split over both"
"$venv/bin/torchrun" --standalone --nproc-per-node 2 runs/trl_grpo/train.py http://127.0.0.1:8711 "$steps"
python3 - <<'P'
import urllib.request
text = urllib.request.urlopen("http://127.0.0.1:8711/metrics").read().decode()
print("== the server\n" + "\n".join(line for line in text.splitlines() if line.startswith(("rrm_groups", "rrm_reward_length", "rrm_answers", "rrm_twins"))))
P
