"""Judging over HTTP, `rrm judge` beside a Python client of the `openai` package -> a Markdown table of CPU, time and memory.

    cargo build --release -p rrm-cli --bin rrm --example slow_server
    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install 'openai[aiohttp]'
    python3 benches/http_judging/run.py --peer-python /tmp/peer/bin/python

Both judge the same pairs with the same format against a server on loopback that answers after 20 ms, 1,024 requests in flight, in turn,
each with a fresh server; `rrm judge` with its store on, a fresh one each time. CPU is user and system time of the client's process as the
kernel counts it (wait4), start-up included; the server's is not in it. The peer runs at the first size only, as it takes many minutes at
the second, which is there to show whether the memory of `rrm judge` stays flat. A run whose rows or calls do not add up stops the script.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
import typing
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMAT = ROOT / "crates/rrm/formats/rrm.toml"
WORDS = (
    "the a of to in is that it for on with as by this from or an be are which not have more one can about time "
    "water light energy number system people question result reason first small large simple table letter river "
    "shows holds moves makes gives takes keeps grows begins means changes follows because therefore usually never"
).split()


class Run(typing.NamedTuple):
    """What one run of a client took."""

    cpu: float
    wall: float
    peak_mib: float


def write_pairs(path: pathlib.Path, count: int) -> None:
    """Pairs with prompts of about 100 and responses of about 300 characters, the same for the same count."""
    rng = random.Random(1)

    def text(characters: int) -> str:
        words = []
        while sum(map(len, words)) + len(words) < characters:
            words.append(rng.choice(WORDS))
        return " ".join(words).capitalize() + "."

    with path.open("w") as file:
        for number in range(count):
            row = {"id": f"pair-{number}", "prompt": text(100), "chosen": text(300), "rejected": text(300)}
            file.write(json.dumps(row) + "\n")


def measure(command: list[str], log: pathlib.Path) -> Run:
    """Runs a command to its end and reads what the kernel counted for it."""
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
    return Run(usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss / 1024)


def once(arguments: argparse.Namespace, client: str, pairs: pathlib.Path, count: int) -> Run:
    """One run of one client against a fresh server, checked to have judged every pair with one call each."""
    with tempfile.TemporaryDirectory(dir=pairs.parent) as name:
        place = pathlib.Path(name)
        output = place / "out.jsonl"
        server = subprocess.Popen([arguments.server], stdout=subprocess.PIPE, text=True)
        try:
            url = server.stdout.readline().strip()
            if client == "rrm":
                command = [arguments.rrm, "judge", str(pairs), "--engine", url, "--model", "slow", "--seed", "1"]
                command += ["--concurrency", str(arguments.concurrency), "--store", str(place / "store.sqlite"), "-o", str(output)]
            else:
                peer = str(pathlib.Path(__file__).with_name("peer.py"))
                command = [arguments.peer_python, peer, str(pairs), str(output), f"{url}/v1", str(FORMAT)]
                command += [str(arguments.concurrency), client]
            run = measure(command, place / "log")
            served = int(urllib.request.urlopen(f"{url}/served").read())
        finally:
            server.terminate()
            server.wait()
        with output.open() as rows:
            judged = sum(json.loads(row).get("order") is not None for row in rows)
        # rrm tries the server with a few short calls before it begins.
        probes = 32 if client == "rrm" else 0
        if judged != count or not count <= served <= count + probes:
            sys.exit(f"{client}: {count} pairs, but {judged} judged and {served} calls answered")
    print(f"{client}, {count} pairs: {run.cpu:.2f} s CPU, {run.wall:.2f} s, {run.peak_mib:.0f} MiB", file=sys.stderr)
    return run


def table(results: dict[tuple[str, int], list[Run]]) -> str:
    """Medians, and how often the CPU of `rrm` each client spends on a comparison."""
    heads = ["client", "pairs", "runs", "CPU a comparison", "wall", "comparisons a second", "peak memory", "CPU, rrm = 1"]
    lines = [f"| {' | '.join(heads)} |", "|---" + "|--:" * (len(heads) - 1) + "|"]
    medians = {key: Run(*(statistics.median(values) for values in zip(*runs))) for key, runs in results.items()}
    for (client, count), run in medians.items():
        ours = medians.get(("rrm", count))
        ratio = f"{run.cpu / ours.cpu:.1f}" if ours else "-"
        name = "rrm judge, store on" if client == "rrm" else f"openai, {client}"
        lines.append(
            f"| {name} | {count:,} | {len(results[client, count])} | {run.cpu / count * 1e3:.3f} ms | {run.wall:.1f} s "
            f"| {count / run.wall:,.0f} | {run.peak_mib:.0f} MiB | {ratio} |"
        )
    return "\n".join(lines)


def main() -> None:
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rrm", default=str(target / "rrm"), help="the rrm binary")
    parser.add_argument("--server", default=str(target / "examples/slow_server"), help="the server")
    parser.add_argument("--peer-python", default=sys.executable, help="a Python that has the package openai")
    parser.add_argument("--clients", nargs="+", default=["rrm", "httpx", "aiohttp"], choices=["rrm", "httpx", "aiohttp"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[20_000, 200_000], help="numbers of pairs")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each client, in turn")
    parser.add_argument("--concurrency", type=int, default=1024, help="requests in flight")
    arguments = parser.parse_args()

    results: dict[tuple[str, int], list[Run]] = {}
    with tempfile.TemporaryDirectory() as place:
        for count in arguments.sizes:
            pairs = pathlib.Path(place) / f"pairs-{count}.jsonl"
            write_pairs(pairs, count)
            clients = [client for client in arguments.clients if client == "rrm" or count == arguments.sizes[0]]
            for _ in range(arguments.rounds):
                for client in clients:
                    results.setdefault((client, count), []).append(once(arguments, client, pairs, count))
    print(table(results))


if __name__ == "__main__":
    main()
