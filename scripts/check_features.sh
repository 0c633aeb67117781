#!/usr/bin/env bash
# Checks the library crate with none of its cargo features, with each one alone and with all; then ranks texts without any.
# check_features.sh [TARGET] ; TARGET is a folder of its own, since cargo would unify features with what else is built [target/features].
set -euo pipefail
cd "$(dirname "$0")/.."
CARGO_TARGET_DIR="$(realpath -m "${1:-${CARGO_TARGET_DIR:-target}/features}")"
export CARGO_TARGET_DIR CARGO_INCREMENTAL=0 RUSTFLAGS="-D warnings"
# Nothing that is built here runs for long, so nothing is optimised.
quick=(--quiet --config 'profile.dev.package."*".opt-level=0' --config 'profile.dev.debug=false')
features="$(cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
[package] = [package for package in json.load(sys.stdin)["packages"] if package["name"] == "rrm-judge"]
features = package["features"]
print(*sorted(name for name in features if name != "default"))
missing = set(features) - {"default"} - set(features["default"])
sys.exit(f"not on by default: {missing}" if missing else 0)
')"

check() {
  local name="$1"
  shift
  cargo check "${quick[@]}" -p rrm-judge --no-default-features "$@"
  crates="$(cargo tree -p rrm-judge -e normal --prefix none --no-default-features "$@" | sed 's/ (\*)$//' | sort -u | wc -l)"
  printf '%-12s %4s crates\n' "$name" "$crates"
}
check none
for feature in $features; do
  check "$feature" --features "$feature"
done
check all --features "${features// /,}"

# A crate of the workspace that needs no feature: texts are ranked, JSON lines are read, and for the rest an error names the feature.
folder="$(mktemp -d)"
trap 'rm -r "$folder"' EXIT
gzip <examples/sums.jsonl >"$folder/sums.jsonl.gz"
printf 'PAR1 and so on, PAR1' >"$folder/sums.parquet"
cp examples/sums.jsonl "$folder/sums.jsonl"
cargo build "${quick[@]}" -p embedded
program="$CARGO_TARGET_DIR/debug/embedded"
found="$(cd "$folder" && "$program" sums.jsonl sums.jsonl.gz sums.parquet)"
wanted="sequoia > banana > rhythm
sums.jsonl: $(wc -l <examples/sums.jsonl) rows
sums.jsonl.gz: this is a gzip file, which rrm reads only when it is built with the cargo feature \`gzip\`
sums.parquet: this is a Parquet file, which rrm reads only when it is built with the cargo feature \`parquet\`"
diff <(echo "$wanted") <(echo "$found") || { echo "a program without features does otherwise" >&2; exit 1; }
echo "a program without features ranks three texts; $(cargo tree -p embedded -e normal --prefix none | sed 's/ (\*)$//' | sort -u | wc -l) crates"
