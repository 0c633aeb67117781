#!/bin/sh
# Serves SmolLM2-135M-Instruct on loopback with `transformers serve`: a real OpenAI-compatible server that this project did not write.
#
#   pid=$(scripts/serve_smollm2.sh VENV [PORT])      # PORT is 8000 unless given; returns when the server answers
#   curl http://127.0.0.1:PORT/v1/chat/completions -H 'content-type: application/json' \
#        -d '{"messages":[{"role":"user","content":"Hello"}],"max_tokens":16,"temperature":0}'
#   kill $pid
#
# VENV is made and filled from PyPI when it is not there yet (0.6 GB to fetch, 1.7 GB on disk; with CUDA's libraries it would be 3 GB
# and 6 GB). The server's log is models/serve-PORT.log.
#
# What to know of transformers serve 5.23:
# - `model` is left out or is the folder's path, letter for letter; anything else is 400. GET /v1/models lists nothing local.
# - Unknown keys are 422, among them top_k, min_p and continue_final_message; n, logprobs and response_format are ignored.
#   temperature, top_p, seed, max_tokens and stop are honoured.
# - A seed belongs to the process: it holds for requests that come one by one, not for requests in flight together.
# - A last message of the assistant begins a new turn. Only POST /v1/completions continues a text; the prompt is then all of it.
# - Requests are answered one after the other, and a client that hangs up is answered all the same, unless it streams.
set -eu

if [ $# -lt 1 ]; then
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 1
fi
here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "$1"
venv="$(cd "$1" && pwd)"
port="${2:-8000}"
models="$(dirname "$here")/models"
folder="$models/SmolLM2-135M-Instruct"
python="$venv/bin/python"
say() { echo "$*" >&2; }

install() {
    say "filling $venv"
    [ -x "$python" ] || python3 -m venv "$venv"
    # pip complains at length of the CUDA packages that are left out; that matters only when something fails.
    pip() {
        "$python" -m pip install --disable-pip-version-check "$@" >>"$venv/install.log" 2>&1 ||
            { tail -n 20 "$venv/install.log" >&2; say "error: pip failed; all of its output is in $venv/install.log"; exit 1; }
    }
    case "$(uname -s)" in
    Linux)
        # Without its dependencies: see torch_without_cuda.py. What a CPU needs of them comes first.
        pip filelock typing-extensions sympy networkx jinja2 fsspec numpy "setuptools>=77"
        pip --no-deps "torch==2.15.0" "nvidia-cuda-runtime>=13,<14"
        "$python" "$here/torch_without_cuda.py" 2>>"$venv/install.log"
        ;;
    *) pip "torch==2.15.0" ;;
    esac
    # accelerate and gguf by themselves: their dependency torch would fetch CUDA after all.
    pip "transformers==5.23.0" openai pydantic uvicorn fastapi starlette rich psutil pyyaml requests tqdm
    pip --no-deps accelerate gguf
}

# The last package that is installed stands for all.
"$python" -c 'import torch, transformers, uvicorn, gguf' 2>/dev/null || install
"$here/fetch-smollm2.sh"
if [ ! -f "$folder/model.safetensors" ]; then
    rm -rf "$folder.partial"
    "$python" "$here/dequantise_gguf.py" "$models/SmolLM2-135M-Instruct.Q4_1.gguf" "$folder.partial" 2>"$models/dequantise.log" ||
        { cat "$models/dequantise.log" >&2; exit 1; }
    mv "$folder.partial" "$folder"
fi

# Another server at this port would answer in place of the new one.
if "$python" -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2)' "$port" 2>/dev/null; then
    say "error: something listens at port $port already"
    exit 1
fi
# An empty cache of its own: GET /v1/models lists what is in the cache, and fails where there is none.
export HF_HOME="$models/hf-home" HF_HUB_OFFLINE=1
mkdir -p "$HF_HOME/hub"
log="$models/serve-$port.log"
"$venv/bin/transformers" serve "$folder" --device cpu --host 127.0.0.1 --port "$port" >"$log" 2>&1 &
pid=$!
# Two minutes are a slow machine's; importing torch takes most of it.
tries=240
until "$python" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=2)' "http://127.0.0.1:$port/health" 2>/dev/null; do
    tries=$((tries - 1))
    if ! kill -0 "$pid" 2>/dev/null || [ "$tries" -eq 0 ]; then
        kill "$pid" 2>/dev/null || true
        say "error: the server did not start; the end of $log:"
        tail -n 20 "$log" >&2
        exit 1
    fi
    sleep 0.5
done
say "http://127.0.0.1:$port serves $folder (process $pid)"
echo "$pid"
