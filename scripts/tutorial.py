#!/usr/bin/env python3
"""Runs the commands of docs/start.md, in their order, in an empty folder, and ends with an error if one of them fails.

    scripts/tutorial.py [--server URL]

Without --server they ask crates/rrm-cli/examples/slow_server.rs, a stand-in that states a verdict which depends on the question alone: it shows
that the commands work and not what a model says. RRM and SLOW_SERVER name the programs (those of the dev profile unless set).
"""

import argparse
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "start.md"
# The addresses that the page writes.
JUDGE, REWARDS = "http://127.0.0.1:8000", "8700"


def blocks(page: str) -> list[tuple[str, str]]:
    """The fenced blocks of commands: what stands behind `sh`, and the commands."""
    return re.findall(r"^```sh *(\w*)\n(.*?)^```$", page, re.M | re.S)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    sys.exit(f"error: nothing answers on port {port}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("--server", help="an OpenAI-compatible server; without it a stand-in answers")
    server = options.parse_args().server
    built = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
    rrm = pathlib.Path(os.environ.get("RRM", built / "rrm")).resolve()
    running = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            if server is None:
                stand_in = os.environ.get("SLOW_SERVER", built / "examples" / "slow_server")
                running.append(subprocess.Popen([stand_in, "5"], stdout=subprocess.PIPE, text=True))
                server = running[0].stdout.readline().strip()
            port = free_port()
            environment = os.environ | {
                "PATH": f"{rrm.parent}{os.pathsep}{os.environ['PATH']}",
                "XDG_DATA_HOME": str(pathlib.Path(folder) / "data"),
            }
            found = blocks(PAGE.read_text(encoding="utf-8"))
            if len(found) < 7:
                sys.exit(f"error: {PAGE} has {len(found)} blocks of commands, and there were seven or more")
            for kind, commands in found:
                commands = commands.replace(JUDGE, server).replace(REWARDS, str(port))
                print(f"\n$ {commands.strip()}", flush=True)
                run = ["bash", "-euo", "pipefail", "-c", commands]
                began = time.monotonic()
                if kind == "background":
                    running.append(subprocess.Popen(["bash", "-c", f"exec {commands}"], cwd=folder, env=environment))
                    wait_for(port)
                elif subprocess.run(run, cwd=folder, env=environment, check=False).returncode != 0:
                    sys.exit(f"error: a command of {PAGE.name} failed; it is the last one above")
                print(f"[{time.monotonic() - began:.1f} s]", flush=True)
        finally:
            for one in running:
                one.terminate()
                one.wait()


main()
