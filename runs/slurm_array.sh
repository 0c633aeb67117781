#!/usr/bin/env bash
# A Slurm array: each task ranks its shard of the rows with a vLLM server of its own on the node's GPUs. An example: it was run with a stand-in for
# Slurm and vLLM only (see docs/scale.md).
#
#   sbatch --array=1-8 runs/slurm_array.sh 8 rows.jsonl MODEL /shared/out
#
# The number of parts is named, so that some of them can be submitted again: sbatch --array=3,5 runs/slurm_array.sh 8 ...
# Afterwards, anywhere:  cat /shared/out/ranked.*-of-8.jsonl > ranked.jsonl  (the parts in their order), or
#   rrm store merge all.sqlite /shared/out/store.*.sqlite && rrm rank rows.jsonl ... --store all.sqlite -o ranked.jsonl   (nothing is asked again)
#SBATCH --job-name=rrm
#SBATCH --gpus=1
#SBATCH --cpus-per-task=8
#SBATCH --time=08:00:00
#SBATCH --requeue
set -euo pipefail
if [ $# -ne 4 ]; then
  sed -n '2,9{s/^# \{0,1\}//p}' "$0" >&2
  exit 1
fi
parts="$1"; rows="$2"; model="$3"; out="$4"
part="${SLURM_ARRAY_TASK_ID:?run it with sbatch --array=1-N}"
port=$((20000 + (${SLURM_JOB_ID:-0} + part) % 20000))
mkdir -p "$out"
${VLLM:-vllm serve} "$model" --host 127.0.0.1 --port "$port" &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 1800); do
  kill -0 "$server" 2>/dev/null || { echo "the server ended before it answered" >&2; exit 1; }
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  sleep 1
done
# A task that is stopped and requeued finds its completions in its store. --revision makes stores of several nodes agree on who judged.
"${RRM:-rrm}" rank "$rows" --engine "http://127.0.0.1:$port" --model "$model" --revision "${REVISION:-1}" --votes "${VOTES:-4}" --both-orders \
  --shard "$part/$parts" --store "$out/store.$part.sqlite" -o "$out/ranked.$(printf %05d "$part")-of-$parts.jsonl"
