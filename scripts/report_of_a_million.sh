#!/usr/bin/env bash
# A report over 1,000,000 stored votes (100,000 pairs, two orders, five votes each): seconds and peak memory of rrm report.
# report_of_a_million.sh FOLDER ; RRM names the binary. Two runs of half a million would be less: one run holds all votes here.
set -euo pipefail
rrm="${RRM:-rrm}"
mkdir -p "$1" && cd "$1"
python3 - <<'PY'
import json, random, subprocess, os
random.seed(0)
rrm = os.environ.get("RRM", "rrm")
with open("pairs.jsonl", "w") as out:
    for i in range(100_000):
        out.write(json.dumps({"id": f"q{i}", "prompt": f"What is {i} + 1?", "chosen": f"{i + 1}", "rejected": f"{i + 2} or so", "subset": f"s{i % 20}"}) + "\n")
PY
# The judge is scripted, and its completions are stored as any judge's are.
if [ ! -f run.json ]; then
  "$rrm" eval pairs --data pairs.jsonl --engine scripted:accuracy=0.7 --votes 5 --store store.sqlite -o run.json 2>&1 | tail -1
fi
ls -l run.json.cases.jsonl store.sqlite
python3 - "$rrm" <<'PY'
import resource, subprocess, sys, time
begun = time.time()
subprocess.run([sys.argv[1], "report", "run.json", "-o", "report.html", "-o", "report.json", "-o", "report.md"], check=True)
seconds = time.time() - begun
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"rrm report over 1,000,000 votes: {seconds:.1f} s, {peak:.0f} MiB at most")
assert seconds < 20 and peak < 1024, "more than issue 5 allows"
PY
