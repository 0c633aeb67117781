#!/usr/bin/env bash
# What places, lengths and coins score on every benchmark that is there: free judges, no model, a few seconds.
#
#   runs/eval-baselines.sh DATA      # a folder with humanevalpack, llmbar, rm-bench, judgebench, pandalm, evalbiasbench in it
set -euo pipefail
if [ $# -ne 1 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 1
fi
data="$(realpath "$1")"
cd "$(dirname "$0")/.."
if [ -z "${RRM:-}" ]; then
  cargo build --quiet -p rrm-cli
  RRM="${CARGO_TARGET_DIR:-target}/debug/rrm"
fi
run() {
  local benchmark="$1"
  shift
  for script in first longer random; do
    "$RRM" eval "$benchmark" "$@" --engine "scripted:$script"
    echo
  done
}
run rewardbench --data "$data/humanevalpack" --data "$data/llmbar"
run rm-bench --data "$data/rm-bench"
run judgebench --data "$data/judgebench"
run pandalm --data "$data/pandalm"
run llmbar --data "$data/llmbar"
run evalbiasbench --data "$data/evalbiasbench"
