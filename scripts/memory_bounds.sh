#!/usr/bin/env bash
# Measures what memory and answers must stay within, on loopback and with `scripted:longer` as the judge; prints a Markdown table and fails
# with 1 where a bound is broken.
#
#   RRM=target/release/rrm scripts/memory_bounds.sh [NAME...]
#
# RRM is the binary (default: target/release/rrm). NAMEs choose among: file, ranking, refusal, idle. Needs Linux and python3, nothing else.
# What is measured:
#   file     130 rows of 32 responses of 4 KB (17 MB), rank by Elo with 5 votes and 64 requests in flight: peak memory
#   ranking  500 responses in one POST /v1/rank by Elo, 124,750 matches: peak memory, and the slowest /health meanwhile
#   refusal  2,000 responses in one POST, 1,999,000 matches: refused with 413, how fast, and peak memory
#   idle     3,000 connections that send nothing, with 1,024 file descriptors and with as many as there are: the slowest /health meanwhile
set -euo pipefail
cd "$(dirname "$0")/.."
rrm="${RRM:-${CARGO_TARGET_DIR:-target}/release/rrm}"
[ -x "$rrm" ] || { echo "no binary at $rrm: cargo build --release -p rrm-cli, or RRM=PATH" >&2; exit 2; }
exec python3 - "$rrm" "$@" <<'PYTHON'
import http.client
import json
import os
import pathlib
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

RRM, CHOSEN = sys.argv[1], sys.argv[2:]
MB = 1_000_000
# Seconds for one part; a part that takes longer has failed.
PATIENCE = 900
rows = []


def bound(what, measured, most, unit):
    """A row of the table."""
    rows.append((what, f"{measured:.3g}" if unit == "ms" else f"{measured:.0f}", f"{most} {unit}", measured <= most))


def must(what, holds, found):
    """A row about something that either is or is not so."""
    rows.append((what, found, "", holds))


def words(rng, size):
    letters = "".join(rng.choices("etaoinshrdlu     ", k=size))
    return " ".join(letters.split())


class Server:
    """`rrm serve --strategy elo` on a free port, with so many file descriptors."""

    def __init__(self, files=None):
        command = [RRM, "serve", "--strategy", "elo", "--engine", "scripted:longer", "--store", "none", "--bind", "127.0.0.1:0"]
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
        line = self.process.stderr.readline()
        if "http://" not in line:
            sys.exit(f"rrm serve did not start: {line}{self.process.stderr.read()}")
        address = line.split("http://")[1].split(";")[0]
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.told = []
        threading.Thread(target=lambda: self.told.extend(self.process.stderr), daemon=True).start()

    def ask(self, method, path, body=None, patience=PATIENCE):
        """Status, body and seconds of one request on a connection of its own."""
        began = time.monotonic()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=patience)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read(), time.monotonic() - began
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error).encode(), time.monotonic() - began
        finally:
            connection.close()

    def peak(self):
        """Peak resident memory in bytes."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def lives(self):
        return self.process.poll() is None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.lives():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Health:
    """Asks /health again and again, each time on a new connection, until the block ends."""

    def __init__(self, server):
        self.server, self.done = server, threading.Event()
        self.slowest, self.asked, self.failed = 0.0, 0, 0
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.done.is_set():
            status, _, seconds = self.server.ask("GET", "/health", patience=60)
            self.slowest, self.asked = max(self.slowest, seconds), self.asked + 1
            self.failed += status != 200
            self.done.wait(0.005)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def ranking_body(n):
    """Tiny responses of different lengths."""
    return json.dumps({"prompt": "Why?", "responses": [f"{i} " + "x" * (i % 10) for i in range(n)]})


def file():
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        rows_file, out = pathlib.Path(folder, "rows.jsonl"), pathlib.Path(folder, "out.jsonl")
        with rows_file.open("w") as to:
            for row in range(130):
                responses = [words(rng, 4700 - rng.randrange(64)) for _ in range(32)]
                to.write(json.dumps({"id": f"row-{row}", "prompt": "Which is best?", "responses": responses}) + "\n")
        size = rows_file.stat().st_size
        command = [RRM, "rank", str(rows_file), "--strategy", "elo", "--votes", "5", "--concurrency", "64"]
        command += ["--engine", "scripted:longer", "--store", "none", "-o", str(out)]
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = threading.Thread(target=lambda: setattr(process, "said", process.stderr.read()))
        said.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.join()
        took = time.monotonic() - began
        if process.returncode != 0:
            print(process.said.decode(), file=sys.stderr)
        ranked = sum(1 for _ in out.open()) if out.exists() else 0
    must("a file of 17 MB ranked: rows", process.returncode == 0 and ranked == 130, f"{ranked} in {took:.0f} s ({size / MB:.1f} MB)")
    bound("a file of 17 MB ranked: peak memory, MB", usage.ru_maxrss * 1024 / MB, 300, "MB")


def ranking():
    with Server() as server:
        idle = server.peak()
        with Health(server) as health:
            status, body, seconds = server.ask("POST", "/v1/rank", ranking_body(500))
        placed = len(json.loads(body).get("order") or []) if status == 200 else 0
        must("500 responses ranked", status == 200 and placed == 500, f"{status} in {seconds:.1f} s, {len(body) / MB:.0f} MB")
        bound("500 responses ranked: peak memory, MB", server.peak() / MB, 150, "MB")
        found = f"{health.asked} answered" if health.failed == 0 else f"{health.failed} of {health.asked} failed"
        must("500 responses ranked: /health meanwhile", health.failed == 0 and health.asked > 0, found)
        bound("500 responses ranked: slowest /health, ms", health.slowest * 1000, 50, "ms")
        must("500 responses ranked: the server lives", server.lives(), f"{idle / MB:.0f} MB before")


def refusal():
    with Server() as server:
        with Health(server) as health:
            status, body, seconds = server.ask("POST", "/v1/rank", ranking_body(2000))
            again, _, more = server.ask("POST", "/rerank", json.dumps({"query": "Why?", "documents": [f"{i}" for i in range(2000)]}))
        said = body.decode()
        right = status == 413 and "1999000" in said and "knockout" in said and again == 413
        must("2,000 responses refused", right, f"{status} and {again}")
        bound("2,000 responses refused after, ms", max(seconds, more) * 1000, 1000, "ms")
        bound("2,000 responses refused: peak memory, MB", server.peak() / MB, 150, "MB")
        must("2,000 responses refused: /health meanwhile", health.failed == 0 and server.lives(), f"{health.asked} answered")


def idle():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4000:
        sys.exit(f"idle: this process may open {hard} files, and 3,000 connections are to be made (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4000, hard))
    for files in (1024, None):
        name = f"3,000 idle connections, {f'{files:,}' if files else 'all'} file descriptors"
        with Server(files) as server:
            connections, slowest, failed = [], 0.0, 0
            for n in range(3000):
                connection = socket.socket()
                connection.settimeout(10)
                try:
                    connection.connect((server.host, server.port))
                except OSError:
                    pass
                connections.append(connection)
                if n % 100 == 99:
                    status, _, seconds = server.ask("GET", "/health", patience=60)
                    slowest, failed = max(slowest, seconds), failed + (status != 200)
            for _ in range(20):
                status, _, seconds = server.ask("GET", "/health", patience=60)
                slowest, failed = max(slowest, seconds), failed + (status != 200)
            status, _, seconds = server.ask("POST", "/v1/rank", ranking_body(4), patience=60)
            must(f"{name}: answers", failed == 0 and status == 200 and server.lives(), f"{50 - failed} of 50, a ranking {status}")
            bound(f"{name}: slowest /health, ms", max(slowest, seconds) * 1000, 500, "ms")
            bound(f"{name}: peak memory, MB", server.peak() / MB, 150, "MB")
            for connection in connections:
                connection.close()


PARTS = {part.__name__: part for part in (file, ranking, refusal, idle)}
unknown = [name for name in CHOSEN if name not in PARTS]
if unknown:
    sys.exit(f"no part {unknown[0]}; there are {', '.join(PARTS)}")
for name in CHOSEN or PARTS:
    PARTS[name]()
print("| what | measured | bound | |\n|---|---|---|---|")
for what, measured, most, holds in rows:
    print(f"| {what} | {measured} | {most} | {'ok' if holds else '**broken**'} |")
sys.exit(0 if all(row[3] for row in rows) else 1)
PYTHON
