#!/usr/bin/env bash
# Published data sets in the layouts of ../shared/cases, from file to score, by scripted judges that are always right and never: 100 and 0.
# RRM names the binary. Ends with 1 where a score is another.
set -euo pipefail
cd "$(dirname "$0")/.."
RRM="${RRM:-target/debug/rrm}"
cases=../shared/cases
bad=0
score() { # NAME, then the arguments of `rrm eval`
  local name=$1 got=""
  shift
  for p in 1 0; do
    local file
    file=$(mktemp)
    "$RRM" eval "$@" --engine "scripted:accuracy=$p" --store none -o "$file" >/dev/null 2>"$file.said" || { cat "$file.said"; bad=1; }
    got+=" $(python3 -c 'import json, sys
groups = json.load(open(sys.argv[1]))["groups"]
whole = [group for group in groups if group["level"] == "overall"] or groups
print("%.2f" % (100 * whole[-1]["official"]["value"]))' "$file")"
    rm -f "$file"*
  done
  printf '%-28s accuracy 1 and 0:%s\n' "$name" "$got"
  [ "$got" = " 100.00 0.00" ] || bad=1
}
pairs() { local name=$1 file=$2; shift 2; score "$name" pairs --data "$cases/$file" "$@"; }
pairs PKU-SafeRLHF input/labels-from-zero/pku.jsonl --column responses=response_0,response_1 --column label=better_response_id
pairs SHP input/labels-from-zero/shp.jsonl --column prompt=history --column responses=human_ref_A,human_ref_B --column label=labels
pairs HelpSteer3 input/labels-signed/helpsteer3-weak.jsonl --column prompt=context --column responses=response1,response2 --column label=overall_preference
pairs "Anthropic HH" input/transcripts-as-responses/hh-prompt-transcript.jsonl
pairs ShareGPT input/sharegpt-and-roles/sharegpt-multi.jsonl --column prompt=conversations
pairs "LMSYS (Kaggle)" input/transcripts-as-responses/lmsys.jsonl --column responses=response_a,response_b --column label=winner_model_a,winner_model_b,winner_tie
score LLMBar llmbar --data $cases/bench/llmbar-folder
score "Auto-J" autoj --data $cases/bench/autoj-accuracy.jsonl
score MT-Bench mt-bench-human --data $cases/bench/mtbench-human-accuracy.jsonl
score PPE ppe --data $cases/bench/ppe-math-accuracy.jsonl
exit $bad
