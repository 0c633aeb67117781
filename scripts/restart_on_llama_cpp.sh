#!/usr/bin/env bash
# Restarts llama.cpp's server with other context sizes, under load and with other weights, and shows what rrm makes of it: 0 misses of the store
# while the weights are the same, and a refusal before anything is paid when they are not.
#
#   scripts/restart_on_llama_cpp.sh VENV RRM      # VENV is made and filled from PyPI when it is not there yet; RRM is the binary
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -ne 2 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 1
fi
venv=$1 rrm=$2
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import xllamacpp' 2>/dev/null || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check xllamacpp
scripts/fetch-smollm2.sh
gguf=models/SmolLM2-135M-Instruct.Q4_1.gguf
work="$(mktemp -d)" pid=0
stop() { [ "$pid" = 0 ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }; pid=0; }
trap 'stop; rm -rf "$work"' EXIT
port="$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"

# Two files of rows: what is stored, and what is not.
rows() {
  "$venv/bin/python" - "$1" "$2" <<'END'
import json, sys
prefix, count = sys.argv[1], int(sys.argv[2])
for n in range(count):
    print(json.dumps({"id": f"{prefix}{n}", "prompt": f"How many days have {n + 2} weeks?", "responses": [f"{(n + 2) * 7} days.", f"{n + 9} days."]}))
END
}
rows stored 6 >"$work/stored.jsonl"
rows new 2 >"$work/new.jsonl"
rows newer 2 >"$work/newer.jsonl"
# Other weights of the same sizes: some bytes in the middle of the file, where the tensors are.
"$venv/bin/python" - "$gguf" "$work/other.gguf" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
half = len(data) // 2
for at in range(half, half + 4_000_000, 64):
    data[at] ^= 0x55
open(sys.argv[2], "wb").write(data)
END

serve() { # FILE CONTEXT SLOTS
  stop
  echo
  echo "== $4: -c $2 -np $3 =="
  "$venv/bin/python" scripts/serve_llama_cpp.py "$1" "$port" "$2" "$3" smollm2 >"$work/server.log" 2>&1 &
  pid=$!
  for _ in $(seq 240); do
    "$venv/bin/python" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=2)' "http://127.0.0.1:$port/health" 2>/dev/null && return
    sleep 0.5
  done
  tail -n 20 "$work/server.log" >&2
  exit 1
}
judge() { # ROWS [OPTIONS]
  local rows=$1 code=0
  shift
  echo "\$ rrm judge ${rows##*/} --engine URL --votes 2 --both-orders $*"
  "$rrm" judge "$rows" --engine "http://127.0.0.1:$port" --votes 2 --both-orders --max-tokens 16 --concurrency 4 --max-abstained 1 --store "$work/store.sqlite" \
    -o "$work/out.jsonl" "$@" >"$work/said" 2>&1 || code=$?
  grep -v "top_k" "$work/said" | sed "s#$work/##g; s#http://127.0.0.1:$port#URL#g" || true
  echo "exit code $code"
}

serve "$gguf" 4096 2 "first"
judge "$work/stored.jsonl"
serve "$gguf" 16384 4 "another context, more slots"
judge "$work/stored.jsonl"
judge "$work/new.jsonl"
serve "$gguf" 2048 1 "another context, one slot"
judge "$work/stored.jsonl" --model smollm2
stop
echo
echo "== nobody is there =="
judge "$work/stored.jsonl" --model smollm2
serve "$gguf" 16384 6 "under load"
"$venv/bin/python" - "$port" <<'END' &
import json, sys, threading, urllib.request
def load(n):
    body = {"messages": [{"role": "user", "content": f"Tell me about number {n}. " * 20}], "max_tokens": 200, "seed": n}
    while True:
        request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"})
        urllib.request.urlopen(request).read()
for n in range(4):
    threading.Thread(target=load, args=(n,), daemon=True).start()
threading.Event().wait()
END
load=$!
sleep 3
judge "$work/stored.jsonl"
judge "$work/newer.jsonl"
for n in $(seq 8); do
  rows "load$n-" 1 >"$work/load.jsonl"
  judge "$work/load.jsonl"
done
kill "$load" 2>/dev/null || true
wait "$load" 2>/dev/null || true
serve "$work/other.gguf" 4096 2 "other weights under the same name and of the same sizes"
judge "$work/stored.jsonl"
rows other 2 >"$work/other.jsonl"
judge "$work/other.jsonl"
judge "$work/other.jsonl" --revision other
echo
"$rrm" store stats "$work/store.sqlite" | sed "s#$work/##g; s#http://127.0.0.1:$port#URL#g"
