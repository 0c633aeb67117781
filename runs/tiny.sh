#!/usr/bin/env bash
# The judge rrm-tiny and all that it is compared with, trained from nothing: three seeds, three sizes, DirectJudge, labels that say nothing.
#
#   runs/tiny.sh [--short] [ROOT]      # ROOT is target/tiny unless given; target/tiny-short with --short
#
# A run that was killed goes on where it was: files that are there are not made again, and `rrm train` resumes. --short takes a few steps of
# each stage, to see that everything fits together; its judges know nothing. RRM and TINY_DATA name other binaries than the release builds
# that are made here. runs/tiny-eval.sh measures what this leaves behind:
#
#   ROOT/seed-0/{arithmetic,parts,judging,base,rrm,direct,shuffled}       run folders of `rrm train`, of runs/tiny-*.toml
#   ROOT/seed-{1,2}/..., ROOT/size-{s,l}/...                     the same with other seeds, and other sizes
#   ROOT/data, ROOT/tiny.json                                    rows, and the lengths of both stages
set -euo pipefail
short=""
if [ "${1:-}" = "--short" ]; then
  short="-short"
  shift
fi
given="${1:+$(realpath -m "$1")}"
cd "$(dirname "$0")/.."
target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
export root="${given:-$target/tiny$short}" runs="$PWD/runs" short
if [ -z "${RRM:-}" ] || [ -z "${TINY_DATA:-}" ]; then
  cargo build --release --quiet -p rrm-cli -p rrm-tiny --bin rrm --example tiny_data
fi
export RRM="${RRM:-$target/release/rrm}" TINY_DATA="${TINY_DATA:-$target/release/examples/tiny_data}"
mkdir -p "$root/formats" "$root/data"
cp crates/rrm-tiny/formats/*.toml "$root/formats/"
# Paths in the TOML files are relative to here.
cd "$root"

# Lengths of problems: of stage 1, which are those that are measured, and of stage 2, which are fewer.
all=1-10 some=4-8 measured="4 5 6 7 8 9 10 12"

# rows NAME KIND OPTION...: data/NAME.jsonl by the generator.
rows() {
  [ -e "data/$1.jsonl" ] || "$TINY_DATA" "${@:2}" --out "data/$1.jsonl"
}

many=100000 few=1000 pairs=500 problems=300
if [ -n "$short" ]; then
  many=2000 few=100 pairs=40 problems=20
fi
noise=(--stop-early 0.12 --slip 0.04)
rows solver solver --steps "$all" --count "$many" --seed 1
rows solver-noisy solver --steps "$all" --count "$many" --seed 2 --forgotten-carry 0.5 --slip 0.02
rows judge judge --steps "3-${all#*-}" --count "$many" --seed 3
rows judge-short judge --steps 1-2 --count "$many" --seed 4
rows comparisons comparisons --steps "$all" --count "$many" --seed 11
rows readings readings --steps "$all" --count "$many" --seed 12
rows judge-noisy-short judge --steps "${all%-*}-6" --count "$many" --seed 5 --guess 0.35 "${noise[@]}"
rows judge-noisy-long judge --steps "7-${all#*-}" --count "$many" --seed 13 --guess 0.65 "${noise[@]}"
# Pairs of stage 2, the same pairs for DirectJudge, and the same with labels by the toss of a coin.
rows pairs pairs --steps "$some" --count "$many" --seed 6
rows direct direct --steps "$some" --count "$many" --seed 6
rows shuffled pairs --steps "$some" --count "$many" --seed 6 --shuffled 0.5
rows validation pairs --split validation --steps "$some" --count "$few" --seed 7
for n in $measured; do
  rows "test-n$n" pairs --split test --steps "$n-$n" --count "$pairs" --seed 8
done
for n in 6 8; do
  rows "problems-n$n" problems --split test --steps "$n-$n" --count "$problems" --seed 9
done

# model NAME HIDDEN LAYERS HEADS INNER: a folder without weights.
model() {
  [ -e "model-$1" ] || "$TINY_DATA" folder --hidden "$2" --layers "$3" --heads "$4" --inner "$5" --out "model-$1"
}
model s 64 2 4 128
model m 128 2 4 256
model l 192 3 6 384

# train STAGE FOLDER SEED SETTING...: one run, as runs/tiny-STAGE.toml says but for the settings.
train() {
  local config="$runs/tiny-$1.toml" folder="$2" settings=() setting began="$SECONDS"
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

# lineage FOLDER SIZE SEED FURTHER...: one model through the stages, and what else comes from its base.
lineage() {
  local folder="$1" size="$2" seed="$3" further
  mkdir -p "$folder"
  train arithmetic "$folder/arithmetic" "$seed" "model.config=model-$size/config.json" "model.tokenizer=model-$size"
  train parts "$folder/parts" "$seed" "model=$folder/arithmetic/last"
  train judging "$folder/judging" "$seed" "model=$folder/parts/last"
  train base "$folder/base" "$seed" "model=$folder/judging/last"
  train rrm "$folder/rrm" "$seed" "model=$folder/base/last"
  for further in "${@:4}"; do
    case "$further" in
      direct) train direct "$folder/direct" "$seed" "model=$folder/base/last" ;;
      shuffled) train rrm "$folder/shuffled" "$seed" "model=$folder/base/last" 'data.sources=[{ path = "data/shuffled.jsonl" }]' ;;
    esac
  done
}

start="$(date +%s)"
export start
export -f train lineage
# The longest first, two at a time.
lineages=("size-l l 0" "seed-0 m 0 direct shuffled" "seed-1 m 1 direct" "seed-2 m 2 direct" "size-s s 0")
if [ -n "$short" ]; then
  lineages=("seed-0 s 0 direct shuffled" "size-s s 0")
fi
printf '%s\n' "${lineages[@]}" | xargs -P 2 -L 1 bash -euo pipefail -c 'lineage "$@"' lineage

python3 - "${all%-*}" "${all#*-}" "${some%-*}" "${some#*-}" >tiny.json.part <<'PY'
import json, sys

first, last, fewest, most = map(int, sys.argv[1:])
print(json.dumps({"supervised_steps": list(range(first, last + 1)), "trained_steps": list(range(fewest, most + 1))}, indent=1))
PY
mv tiny.json.part tiny.json
echo "all of it took $(($(date +%s) - start)) s; it is in $root"
