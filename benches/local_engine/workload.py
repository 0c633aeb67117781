"""Batch and lengths -> the decoding job that every engine here runs, and the JSON line that says what it took."""

import argparse
import json
import pathlib
import resource
import statistics
import typing

BATCHES = [1, 4, 16, 64]


class Job(typing.NamedTuple):
    """What is decoded."""

    folder: pathlib.Path
    batch: int
    prompt_tokens: int
    new_tokens: int
    threads: int


def prompts(job: Job) -> list[list[int]]:
    """Distinct prompts of ordinary tokens; crates/rrm-nn/examples/decode_speed.rs writes the same formula."""
    return [[16 + (131 * row + 17 * column + 7) % 2000 for column in range(job.prompt_tokens)] for row in range(job.batch)]


class Took(typing.NamedTuple):
    """What one repetition took: evaluating the prompts, then one step for each new token."""

    prefill: float
    steps: float


def jobs(description: str) -> tuple[list[Job], argparse.Namespace]:
    """The jobs that the command line asks for."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="a model's folder")
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--prompt-tokens", type=int, default=16)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=1, help="measured repetitions, after one that is not")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--gaps", action="store_true", help="also say how far the likeliest token leads, in a pass of its own")
    parser.add_argument("--cache", nargs="+", default=["dynamic"], choices=["dynamic", "static"], help="caches of transformers")
    given = parser.parse_args()
    return [Job(given.folder, batch, given.prompt_tokens, given.new_tokens, given.threads) for batch in given.batches], given


def line(engine: str, job: Job, took: list[Took], tokens: list[list[int]], **more: object) -> str:
    """One result as JSON: medians of the repetitions, and every sequence's new tokens."""
    steps = statistics.median(one.steps for one in took)
    result = {
        "engine": engine,
        "model": job.folder.name,
        "threads": job.threads,
        "batch": job.batch,
        "prompt_tokens": job.prompt_tokens,
        "new_tokens": job.new_tokens,
        "repeats": len(took),
        "tokens_per_second": round(job.batch * job.new_tokens / steps, 2),
        "ms_per_step": round(steps / job.new_tokens * 1e3, 4),
        "prefill_seconds": round(statistics.median(one.prefill for one in took), 5),
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        **more,
        "tokens": tokens,
    }
    return json.dumps(result)
