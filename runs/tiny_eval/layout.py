"""The folder that runs/tiny.sh leaves behind -> the judges, the pairs and the problems that are measured.

    tiny.json                   trained_steps: the lengths of stage 2; supervised_steps: those of stage 1, all if it is not there
    data/test-n6.jsonl          held-out pairs of problems with 6 steps; other lengths beside it
    data/problems-n6.jsonl      problems alone, for best-of-N
    seed-0/{base,rrm,direct}    what was trained; seed-1 and seed-2 beside it. Folders of weights, or run folders of `rrm train`: of rrm and
                                direct the checkpoint that is best on validation pairs, of base and shuffled the last one
    seed-0/rrm/step-000020      checkpoints on the way
    seed-0/shuffled             trained with labels that say nothing
    size-NAME/{base,rrm}        other sizes
"""

import json
import pathlib
import re
import struct
import typing

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
KINDS = ("base", "rrm", "direct")
FORMATS = REPOSITORY / "crates" / "rrm-tiny" / "formats"


class Judge(typing.NamedTuple):
    """One set of weights."""

    kind: str
    seed: int
    folder: pathlib.Path

    @property
    def engine(self) -> str:
        return f"local:{self.folder}"

    @property
    def format(self) -> str:
        return "direct" if self.kind == "direct" else "judge"


class Size(typing.NamedTuple):
    """Weights of another size, before and after stage 2."""

    name: str
    judges: list[Judge]


class Layout(typing.NamedTuple):
    """Everything that is measured."""

    formats: dict[str, pathlib.Path]
    trained_steps: list[int]
    supervised_steps: list[int]
    pairs: dict[int, pathlib.Path]
    problems: dict[int, pathlib.Path]
    judges: list[Judge]
    checkpoints: list[tuple[int, Judge]]
    sizes: list[Size]
    shuffled: list[Judge]

    @property
    def seeds(self) -> list[int]:
        return sorted({judge.seed for judge in self.judges})

    def judge(self, kind: str, seed: int) -> Judge | None:
        return next((judge for judge in self.judges if (judge.kind, judge.seed) == (kind, seed)), None)


def read(root: pathlib.Path) -> Layout:
    """What is there; what is missing is missing from the results."""
    described = json.loads((root / "tiny.json").read_text())
    seeds = {int(path.name.partition("-")[2]): path for path in sorted(root.glob("seed-*"))}
    judges = [Judge(kind, seed, weights(path / kind, kind)) for seed, path in seeds.items() for kind in KINDS if (path / kind).is_dir()]
    if not judges:
        raise SystemExit(f"{root}: no seed-*/{{base,rrm,direct}}; runs/tiny.sh makes them")
    checkpoints = [(step, Judge("rrm", seed, folder)) for seed, path in seeds.items() for step, folder in steps(path / "rrm")]
    shuffled = [Judge("shuffled", seed, weights(path / "shuffled", "shuffled")) for seed, path in seeds.items() if (path / "shuffled").is_dir()]
    pairs = numbered(root / "data", "test-n")
    return Layout(
        formats={path.stem: path for path in FORMATS.glob("*.toml")},
        trained_steps=described["trained_steps"],
        supervised_steps=described.get("supervised_steps", list(pairs)),
        pairs=pairs,
        problems=numbered(root / "data", "problems-n"),
        judges=judges,
        checkpoints=checkpoints,
        sizes=[size(path) for path in sorted(root.glob("size-*"))],
        shuffled=shuffled,
    )


def size(path: pathlib.Path) -> Size:
    judges = [Judge(kind, 0, weights(path / kind, kind)) for kind in ("base", "rrm") if (path / kind).is_dir()]
    return Size(path.name.partition("-")[2], judges)


def numbered(folder: pathlib.Path, prefix: str) -> dict[int, pathlib.Path]:
    """Files by the number in their names, in its order."""
    found = {int(path.stem.removeprefix(prefix)): path for path in folder.glob(f"{prefix}*.jsonl")}
    return dict(sorted(found.items()))


def steps(folder: pathlib.Path) -> list[tuple[int, pathlib.Path]]:
    """The checkpoints of a run folder by their steps."""
    found = [(re.fullmatch(r"step-0*(\d+)", path.name), path) for path in folder.glob("step-*")]
    return sorted((int(match[1]), path.resolve()) for match, path in found if match)


def weights(folder: pathlib.Path, kind: str) -> pathlib.Path:
    """The folder of weights in a run folder. Stage 2 goes on from the last base, so that is the base; and labels that say nothing get no choice."""
    order = ["last"] if kind in ("base", "shuffled") else ["best", "last"]
    for candidate in [folder, *(folder / name for name in order)]:
        if (candidate / "config.json").exists():
            return candidate.resolve()
    raise SystemExit(f"{folder}: neither a folder of weights nor a run folder with {' or '.join(order)}")


def parameters(folder: pathlib.Path) -> int:
    """Numbers in all tensors, by the headers of the safetensors files."""
    total = 0
    for path in folder.glob("model*.safetensors"):
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        for name, tensor in header.items():
            if name != "__metadata__":
                count = 1
                for extent in tensor["shape"]:
                    count *= extent
                total += count
    return total
