#!/usr/bin/env bash
# Everything that is measured on the judges that runs/tiny.sh trained: docs/miniature.md with its tables and figures, from rows of `rrm`.
#
#   runs/tiny-eval.sh [--short] [ROOT]      # ROOT is target/tiny unless given; target/tiny-short with --short
#
# What was measured before is read, not run again; a run that was killed goes on where it was. --short takes a few hundred pairs, needs no
# Python package, prints its tables and changes no document. RRM names another binary than the release build that is made here.
set -euo pipefail
short=""
if [ "${1:-}" = "--short" ]; then
  short="$1"
  shift
fi
given="${1:+$(realpath -m "$1")}"
cd "$(dirname "$0")/.."
target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
root="${given:-$target/tiny${short:+-short}}"
if [ -z "${RRM:-}" ]; then
  cargo build --release --quiet -p rrm-cli
  RRM="$target/release/rrm"
fi
python="python3"
if [ -z "$short" ] && ! "$python" -c 'import matplotlib' 2>/dev/null; then
  # Figures need matplotlib; its place is beside what else this makes.
  [ -x "$root/venv/bin/python" ] || python3 -m venv "$root/venv"
  python="$root/venv/bin/python"
  "$python" -c 'import matplotlib' 2>/dev/null || "$python" -m pip install --quiet -r runs/tiny_eval/requirements.txt
fi
"$python" runs/tiny_eval/run.py --root "$root" --rrm "$RRM" $short --docs docs
