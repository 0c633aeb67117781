#!/usr/bin/env bash
# A judge of short word problems in plain English, and all that it is compared with, trained from nothing.
#
#   runs/story.sh [--short] [ROOT [SEED...]]      # ROOT is target/story unless given (target/story-short with --short); SEED is 0 unless given
#
# A run that was killed goes on where it was: files that are there are not made again, and `rrm train` resumes. --short takes a few steps of
# each stage, to see that everything fits together; its judges know nothing. RRM and STORY_DATA name other binaries than the release builds
# that are made here. This is left behind:
#
#   ROOT/seed-N/{facts,parts,judging,base,rrm,direct}      run folders of `rrm train`, of runs/story-*.toml; of the first seed also `shuffled`
#   ROOT/data                                        rows
set -euo pipefail
short=""
if [ "${1:-}" = "--short" ]; then
  short="-short"
  shift
fi
given="${1:+$(realpath -m "$1")}"
seeds=("${@:2}")
[ "${#seeds[@]}" -gt 0 ] || seeds=(0)
cd "$(dirname "$0")/.."
target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
export root="${given:-$target/story$short}" runs="$PWD/runs" short
if [ -z "${RRM:-}" ] || [ -z "${STORY_DATA:-}" ]; then
  cargo build --release --quiet -p rrm-cli -p rrm-tiny --bin rrm --example story_data
fi
export RRM="${RRM:-$target/release/rrm}" STORY_DATA="${STORY_DATA:-$target/release/examples/story_data}"
mkdir -p "$root/data"
# Paths in the TOML files are relative to here.
cd "$root"

# Steps of problems: of stage 1, of stage 2, and those that are measured. None with 6 is trained on.
all=1-5 some=2-5 measured="2 3 4 5 6"

# rows NAME KIND OPTION...: data/NAME.jsonl by the generator.
rows() {
  [ -e "data/$1.jsonl" ] || "$STORY_DATA" "${@:2}" --out "data/$1.jsonl"
}

many=60000 few=1000 pairs=500 problems=300
if [ -n "$short" ]; then
  many=2000 few=100 pairs=40 problems=20
fi
noise=(--stop-early 0.12 --slip 0.03)
rows work work --steps "$all" --count "$many" --seed 1
rows check check --steps "$all" --count "$many" --seed 2
rows facts facts --steps "$all" --count "$many" --seed 12
rows quote quote --count "$many" --seed 11
rows judge judge --steps "$all" --count "$many" --seed 3
rows solver solver --steps "$all" --count "$many" --seed 4
rows judge-noisy-short judge --steps 1-3 --count "$many" --seed 5 --guess 0.35 "${noise[@]}"
rows judge-noisy-long judge --steps 4-5 --count "$many" --seed 6 --guess 0.65 "${noise[@]}"
rows solver-noisy solver --steps "$all" --count "$many" --seed 7 --wrong 0.6
# Pairs of stage 2, the same pairs for DirectJudge, and the same with labels by the toss of a coin.
rows pairs pairs --steps "$some" --count "$many" --seed 8
rows direct direct --steps "$some" --count "$many" --seed 8
rows shuffled pairs --steps "$some" --count "$many" --seed 8 --shuffled 0.5
rows validation pairs --split validation --steps "$some" --count "$few" --seed 9
for n in $measured; do
  rows "test-n$n" pairs --split test --steps "$n-$n" --count "$pairs" --seed 10
done
rows test-family pairs --split test --range held-out-family --steps "$some" --count "$pairs" --seed 10
rows test-numbers pairs --split test --range held-out-numbers --steps "$some" --count "$pairs" --seed 10
rows problems problems --split test --steps "$some" --count "$problems" --seed 10

[ -e model-m ] || "$STORY_DATA" folder --hidden 128 --layers 3 --heads 4 --inner 256 --out model-m

# train STAGE FOLDER SEED SETTING...: one run, as runs/story-STAGE.toml says but for the settings.
train() {
  local config="$runs/story-$1.toml" folder="$2" settings=() setting began="$SECONDS"
  for setting in "output=$2" "seed=$3" "${@:4}"; do
    settings+=(--set "$setting")
  done
  if [ -n "$short" ]; then
    settings+=(--set "optimizer.max_steps=4" --set "optimizer.warmup_steps=1" --set "checkpoint.save_steps=2")
    # What was not trained does not end by itself, and all its rewards are the same.
    if grep -q '^\[grpo\]' "$config"; then
      settings+=(--set "grpo.generation_batch_size=32" --set "grpo.max_completion_length=24" --set "grpo.groups_without_signal=keep")
    else
      settings+=(--set "sft.per_device_train_batch_size=8")
    fi
    if grep -q '^\[evaluation\]' "$config"; then
      settings+=(--set "evaluation.eval_steps=4" --set "evaluation.pairs=10" --set "evaluation.max_completion_length=24")
    fi
  fi
  if ! "$RRM" train "$config" "${settings[@]}" 2>"$folder.log"; then
    printf '%s\n' "$folder failed:" "$(tail -n 5 "$folder.log")" >&2
    return 1
  fi
  printf '%6s s  %s took %s s\n' "$(($(date +%s) - start))" "$folder" "$((SECONDS - began))"
}

# lineage SEED: one model through the stages, and what else comes from its base.
lineage() {
  local seed="$1" folder="seed-$1"
  mkdir -p "$folder"
  train facts "$folder/facts" "$seed"
  train parts "$folder/parts" "$seed" "model=$folder/facts/last"
  train judging "$folder/judging" "$seed" "model=$folder/parts/last"
  train base "$folder/base" "$seed" "model=$folder/judging/last"
  train rrm "$folder/rrm" "$seed" "model=$folder/base/last"
  train direct "$folder/direct" "$seed" "model=$folder/base/last"
  if [ "$seed" = "$first" ]; then
    train rrm "$folder/shuffled" "$seed" "model=$folder/base/last" 'data.sources=[{ path = "data/shuffled.jsonl" }]'
  fi
}

start="$(date +%s)"
first="${seeds[0]}"
export start first
export -f train lineage
# Two at a time.
printf '%s\n' "${seeds[@]}" | xargs -P 2 -L 1 bash -euo pipefail -c 'lineage "$@"' lineage
echo "all of it took $(($(date +%s) - start)) s; it is in $root"
