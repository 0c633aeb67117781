#!/usr/bin/env python3
"""A torch from PyPI without its CUDA packages -> one that imports and computes on the CPU.

    torch_without_cuda.py

Run it with the Python whose torch it is. On Linux, PyPI has torch only as a CUDA build: its libraries are linked to 2 GB of CUDA
libraries, which a CPU never calls but without which they do not load. After

    pip install --no-deps torch nvidia-cuda-runtime

this writes, for each missing library, one that has the names torch asks for and does nothing. Needs `cc` and `nm`. Only for tests on a
machine without a GPU: a call to any of these functions does nothing.
"""

import collections
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

# Beginnings of exported names, and which library they belong to; the longest that fits counts.
OWNERS = {
    "cublas": "libcublas", "cublasLt": "libcublasLt", "cudnn": "libcudnn", "cufft": "libcufft", "cuFile": "libcufile",
    "cupti": "libcupti", "cusolver": "libcusolver", "cusparse": "libcusparse", "cusparseLt": "libcusparseLt", "nccl": "libnccl",
    "pnccl": "libnccl", "nvrtc": "libnvrtc", "nvshmem": "libnvshmem_host",
}  # fmt: skip


def lines(*command: str) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def needed(library: Path) -> set[str]:
    return {line.split("[")[1].rstrip("]") for line in lines("readelf", "-d", str(library)) if "(NEEDED)" in line}


def owner(symbol: str) -> str | None:
    fitting = [prefix for prefix in OWNERS if symbol.startswith(prefix)]
    return OWNERS[max(fitting, key=len)] if fitting else None


def wanted(libraries: list[Path]) -> dict[str, dict[str, set[str]]]:
    """Library -> symbol version (empty for none) -> names that torch takes from it."""
    symbols: dict[str, dict[str, set[str]]] = collections.defaultdict(lambda: collections.defaultdict(set))
    for line in lines("nm", "-D", "--undefined-only", *map(str, libraries)):
        name, _, version = (line.split() or [""])[-1].partition("@")
        if library := owner(name):
            symbols[library][version.lstrip("@")].add(name)
    return symbols


def write_stub(target: Path, versions: dict[str, set[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, script = Path(folder, "stub.c"), Path(folder, "stub.map")
        source.write_text("".join(f"void {name}(void) {{}}\n" for names in versions.values() for name in sorted(names)))
        script.write_text("".join(f"{v} {{ global: {'; '.join(sorted(names))}; }};\n" for v, names in versions.items() if v))
        versioned = [f"-Wl,--version-script={script}"] if script.read_text() else []
        subprocess.run(["cc", "-shared", "-fPIC", "-o", target, f"-Wl,-soname,{target.name}", *versioned, source], check=True)


def main() -> None:
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("error: no torch here; pip install --no-deps torch nvidia-cuda-runtime")
    package = Path(spec.submodule_search_locations[0])
    libraries = sorted((package / "lib").glob("*.so"))
    names = set().union(*map(needed, libraries))
    symbols = wanted(libraries)
    # A folder in which torch's libraries look for CUDA's; nvidia-cuda-runtime has made it, whatever the CUDA version.
    runtime = next(package.parent.glob("nvidia/cu*/lib/libcudart.so.*"), None) or sys.exit("error: pip install nvidia-cuda-runtime")
    for name in sorted(names):
        target = runtime.with_name(name)
        base = name.split(".so")[0]
        if base in OWNERS.values() and not target.exists() and not any(package.parent.glob(f"nvidia/*/lib/{name}")):
            write_stub(target, symbols[base])
            print(f"stub for {name}: {sum(map(len, symbols[base].values()))} names", file=sys.stderr)
    subprocess.run([sys.executable, "-c", "import torch; torch.randn(8, 8) @ torch.randn(8, 8)"], check=True)


if __name__ == "__main__":
    main()
