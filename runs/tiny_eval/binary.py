"""Jobs for the binary `rrm` -> result rows and transcripts, made once: a job whose result file exists is not run again.

A result file is named by everything that it depends on: input, format, weights and options. Completions lie in a store for each folder of
weights, so that a job which was killed, or shares comparisons with another one, asks for nothing twice.
"""

import concurrent.futures
import functools
import hashlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import time
import typing
import zlib

Row = dict[str, typing.Any]


class Job(typing.NamedTuple):
    """One run of `rrm judge` or `rrm rank`."""

    name: str
    command: str
    input: pathlib.Path
    engine: str
    format: pathlib.Path
    options: tuple[str, ...]


class Binary(typing.NamedTuple):
    """Where the binary is and where results go."""

    path: pathlib.Path
    out: pathlib.Path
    processes: int

    def result(self, job: Job) -> pathlib.Path:
        """The file of a job's result rows."""
        parts = [job.command, *job.options, hash_of(job.input), hash_of(job.format), fingerprint(job.engine)]
        return self.out / "rows" / f"{job.name}-{digest(*parts)}.jsonl"

    def store(self, job: Job) -> pathlib.Path:
        """The file of completions of a job's weights."""
        return self.out / "stores" / f"{digest(fingerprint(job.engine))}.sqlite"


def digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@functools.cache
def hash_of(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@functools.cache
def fingerprint(engine: str) -> str:
    """Changes when the weights of a `local:` folder do; of other engines, their name."""
    kind, _, rest = engine.partition(":")
    if kind != "local":
        return engine
    # Not the optimizer's state of a checkpoint.
    names = ("model*.safetensors", "config.json", "generation_config.json", "tokenizer*", "chat_template.jinja")
    files = sorted(path for name in names for path in pathlib.Path(rest).glob(name))
    return digest(*(f"{path.name} {hash_of(path)}" for path in files))


def run(binary: Binary, jobs: typing.Iterable[Job]) -> None:
    """Runs what has no result yet, some processes of one thread each: at this size that is faster than threads that share a model."""
    todo = [job for job in dict.fromkeys(jobs) if not binary.result(job).exists()]
    for folder in ("rows", "stores"):
        (binary.out / folder).mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(binary.processes) as pool:
        done = [pool.submit(one, binary, job) for job in todo]
        try:
            for number, future in enumerate(concurrent.futures.as_completed(done), 1):
                job, seconds = future.result()
                print(f"[{number}/{len(todo)}] {job.name} {seconds:.1f} s", file=sys.stderr, flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def one(binary: Binary, job: Job) -> tuple[Job, float]:
    """Runs one job; its result takes its name when every row of it is there."""
    started = time.monotonic()
    result = binary.result(job)
    part = result.with_suffix(".part")
    command = [binary.path, job.command, job.input, "--engine", job.engine, "--format", job.format, *job.options]
    store = ["--store", binary.store(job)] if job.engine.startswith("local:") else []
    threads = ["--threads", "1"] if store else []
    # A judge that gives few verdicts is measured to the last row.
    command += ["--output", part, *store, *threads, "--concurrency", "256", "--max-abstained", "1"]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    # A judge that gives no verdict at all is measured too; its rows are written.
    if done.returncode != 0 and "nothing was decided" not in done.stderr:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    for beside in (".stats.json", ".config.toml", ""):
        pathlib.Path(f"{part}{beside}").rename(f"{result}{beside}")
    return job, time.monotonic() - started


def rows(binary: Binary, job: Job) -> list[Row]:
    """The result rows of a job that has run."""
    with binary.result(job).open() as file:
        return [json.loads(line) for line in file]


def texts(binary: Binary, job: Job, keys: list[str]) -> list[str]:
    """What was written, by the addresses in result rows (docs/formats.md, `completion`)."""
    connection = sqlite3.connect(f"file:{binary.store(job)}?mode=ro", uri=True)
    found = []
    for key in keys:
        (body,) = connection.execute("SELECT body FROM completion WHERE key = ?", (bytes.fromhex(key),)).fetchone()
        # Longer completions are kept as a zlib stream, which never begins with a brace.
        found.append(json.loads(body if body[:1] == b"{" else zlib.decompress(body))["text"])
    connection.close()
    return found


def spent(binary: Binary, jobs: typing.Iterable[Job]) -> dict[str, float]:
    """What the jobs took when they ran."""
    total = {"seconds": 0.0, "runs": 0}
    for job in dict.fromkeys(jobs):
        stats = json.loads(pathlib.Path(f"{binary.result(job)}.stats.json").read_text())
        total["seconds"] += stats["seconds"]
        total["runs"] += 1
    return total
