#!/usr/bin/env bash
# What `rrm pairs` makes of MMLU-Pro's 32,000 real responses and of 1,000,000 synthetic rows: tables, seconds, peak memory.
# pairs_measured.sh FOLDER [DATA] ; RRM names the binary, DATA is the folder with mmlu-pro/ and judgebench/ [../shared/data].
# Fails when a million rows take 300 MB or more.
set -euo pipefail
data="$(realpath "${2:-$(dirname "$0")/../../shared/data}")"
mkdir -p "$1" && cd "$1"
RRM="${RRM:-rrm}" DATA="$data" python3 - <<'PY'
import json, os, random, subprocess, time

rrm, data = os.environ["RRM"], os.environ["DATA"]

def measured(what, *arguments):
    begun = time.time()
    child = subprocess.Popen([rrm, "pairs", *arguments])
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, f"rrm pairs failed: {status}"
    megabytes = usage.ru_maxrss * 1024 / 1e6
    print(f"== {what}: {time.time() - begun:.1f} s, {megabytes:.0f} MB at most\n", flush=True)
    return megabytes

benchmarks = [f"{data}/{name}" for name in ["judgebench/gpt-4o-pairs.jsonl", "rm-bench", "llmbar", "pandalm"] if os.path.exists(f"{data}/{name}")]
measured("mmlu-pro/train", f"{data}/mmlu-pro/train.jsonl.gz", "--decontaminate", *benchmarks, "-o", "mmlu-pro.jsonl")
measured("mmlu-pro/train, four pairs a question", f"{data}/mmlu-pro/train.jsonl.gz", "--per-question", "4", "-o", "mmlu-pro-4.jsonl")

random.seed(0)
words = [f"{a}{b}" for a in "bdfgklmnprst" for b in ["aro", "eni", "ilo", "otu", "uma", "ere", "asti", "ondo", "ulle", "ippi"]]
with open("million.jsonl", "w") as out:
    for i in range(1_000_000):
        # Every twentieth question repeats the one before it with a word changed.
        if i % 20 != 1:
            asked = random.choices(words, k=random.randint(15, 45))
        else:
            asked = asked[:-1] + ["otherwise"]
        n = random.randint(0, 9999)
        responses = [{"text": f"It is {' '.join(random.choices(words, k=12))}. The answer is {n + k}.", "correct": k == 0} for k in range(3)]
        row = {"id": f"q{i}", "question": " ".join(asked) + "?", "answer": str(n), "category": f"c{i % 8}", "responses": responses}
        out.write(json.dumps(row) + "\n")
peak = measured("1,000,000 synthetic rows", "million.jsonl", "--decontaminate", *benchmarks, "-o", "million-pairs.jsonl")
assert peak < 300, f"{peak:.0f} MB"
PY
