#!/usr/bin/env bash
# The examples of docs/scale.md as far as they can be run without Slurm, Kubernetes and vLLM: four tasks of runs/slurm_array.sh with a stand-in server,
# and the command of runs/k8s_job.yaml in a shell; the joined parts must be one run's file. RRM names the binary.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${RRM:-}" ]; then cargo build --quiet -p rrm-cli --bin rrm; RRM="${CARGO_TARGET_DIR:-target}/debug/rrm"; fi
RRM="$(realpath "$RRM")"; export RRM
work="$(mktemp -d)"; trap 'rm -rf "$work"' EXIT
# Stands for vLLM: says which response is better by a hash of the prompt.
cat > "$work/server.py" <<'P'
import hashlib, json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def reply(self, body):
        body = json.dumps(body).encode()
        self.send_response(200); self.send_header("Content-Type", "application/json"); self.send_header("Content-Length", str(len(body)))
        self.end_headers(); self.wfile.write(body)
    def do_GET(self):
        self.reply({"object": "list", "data": [{"id": "judge", "object": "model"}]} if self.path == "/v1/models" else {"version": "stand-in"})
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = hashlib.sha256(json.dumps(asked["messages"], sort_keys=True).encode()).digest()[0] % 2 + 1
        message = {"role": "assistant", "content": f"\\boxed{{Assistant {said}}}"}
        self.reply({"id": "x", "object": "chat.completion", "created": 0, "model": "judge", "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

args = sys.argv[1:]
ThreadingHTTPServer(("127.0.0.1", int(args[args.index("--port") + 1])), Handler).serve_forever()
P
python3 -c "
import json
for i in range(37):
    print(json.dumps({'id': f'r{i}', 'prompt': f'Question {i}?', 'responses': [f'{i} {j}' for j in range(4)]}))" > "$work/rows.jsonl"
export VLLM="python3 $work/server.py" VOTES=4 REVISION=1 XDG_DATA_HOME="$work/data"
bash -n runs/slurm_array.sh
for part in 1 2 3 4; do
  SLURM_JOB_ID=77 SLURM_ARRAY_TASK_ID=$part runs/slurm_array.sh 4 "$work/rows.jsonl" judge "$work/out" 2>/dev/null
done
python3 "$work/server.py" --port 20999 & server=$!; trap 'kill $server; rm -rf "$work"' EXIT
sleep 1
rank=("$RRM" rank "$work/rows.jsonl" --engine http://127.0.0.1:20999 --model judge --revision 1 --votes 4 --both-orders)
"${rank[@]}" --store "$work/whole.sqlite" -o "$work/whole.jsonl" 2>/dev/null
cat "$work"/out/ranked.*-of-4.jsonl | cmp - "$work/whole.jsonl"
echo "four tasks of runs/slurm_array.sh: the joined parts are one run's file"
"$RRM" store merge "$work/all.sqlite" "$work"/out/store.*.sqlite > /dev/null
"${rank[@]}" --store "$work/all.sqlite" -o "$work/again.jsonl" 2> "$work/said"
cmp "$work/again.jsonl" "$work/whole.jsonl"
python3 -c "
import json; spent = json.load(open('$work/again.jsonl.stats.json'))['spent']
assert spent['calls'] == 0, spent"
echo "a run over the merged stores: the same file, no call"
# The manifest's own command, with its names filled in.
mkdir -p "$work/k8s/out"; cp "$work/rows.jsonl" "$work/k8s/rows.jsonl"
command="$(sed -n '/args:/,/env:/p' runs/k8s_job.yaml | sed -n '/- |/,/env:/p' | sed '1d;$d' \
  | sed "s|http://VLLM_SERVICE:8000|http://127.0.0.1:20999|; s|MODEL|judge|; s|/data/|$work/k8s/|g; s|exec rrm|exec $RRM|")"
for index in 0 1 2 3 4 5 6 7; do JOB_COMPLETION_INDEX=$index sh -c "$command" 2>/dev/null; done
cat "$work"/k8s/out/ranked.?-of-8.jsonl | cmp - "$work/whole.jsonl"
echo "eight pods' command of runs/k8s_job.yaml: the joined parts are one run's file"
