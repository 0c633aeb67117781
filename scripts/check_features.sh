#!/usr/bin/env bash
# Type-checks the features that need hardware which is not here: `cuda` and `metal` of rrm-nn.
#
#   scripts/check_features.sh [cuda|metal]...
#
# What cargo builds on the way and what a type check has no use for is stood in for: CUDA kernels (where there is no nvcc, an `nvcc`
# that writes empty files), and C code for macOS (a `cc` that does the same). `metal` needs a standard library for macOS: it comes, with
# a compiler of the version that is in use, into a folder of its own under the target directory, nothing else is installed.
# Nothing is linked and nothing runs, so this shows that the code fits the interfaces, and no more.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
work="$CARGO_TARGET_DIR/check-features"
mkdir -p "$work/bin"

# A compiler that makes an empty file of whatever is asked for.
stand_in() {
  cat >"$work/bin/$1" <<'SCRIPT'
#!/usr/bin/env bash
folder=. out=
sources=()
while (($#)); do
  case "$1" in
    --version) printf 'a stand-in\n(c)\nbuilt never\nCuda compilation tools, release 12.8, V12.8.0\n'; exit ;;
    --list-gpu-code) printf 'sm_80\n'; exit ;;
    --output-directory) folder="$2"; shift ;;
    -o) out="$2"; shift ;;
    *.cu) sources+=("$1") ;;
    *.a) [[ -n "$out" ]] || out="$1" ;;
  esac
  shift
done
if [[ -n "$out" ]]; then : >"$out"; exit; fi
for source in "${sources[@]}"; do name="${source##*/}"; : >"$folder/${name%.cu}.ptx"; done
SCRIPT
  chmod +x "$work/bin/$1"
}

check_cuda() {
  if ! command -v nvcc >/dev/null; then
    stand_in nvcc
    export PATH="$work/bin:$PATH" CUDA_COMPUTE_CAP="${CUDA_COMPUTE_CAP:-80}"
  fi
  cargo check -p rrm-nn --features cuda
}

check_metal() {
  local target=aarch64-apple-darwin version
  if [[ "$(uname)" == Darwin ]]; then cargo check -p rrm-nn --features metal; return; fi
  version="$(rustc --version | cut -d' ' -f2)"
  export RUSTUP_HOME="$work/rustup" RUSTUP_TOOLCHAIN="$version"
  if [[ ! -d "$RUSTUP_HOME/toolchains" ]] || ! rustc --version >/dev/null 2>&1; then
    rustup toolchain install "$version" --profile minimal --target "$target" --no-self-update
  fi
  stand_in apple-cc
  stand_in apple-ar
  export CC_aarch64_apple_darwin="$work/bin/apple-cc" AR_aarch64_apple_darwin="$work/bin/apple-ar"
  # Only the compiler for C asks for it, and that is a stand-in.
  export SDKROOT="$work"
  cargo check -p rrm-nn --features metal --target "$target"
}

if (($# == 0)); then set -- cuda metal; fi
for feature in "$@"; do
  printf '== %s\n' "$feature"
  ( "check_$feature" )
done
