#!/usr/bin/env python3
"""Accepts pending inline insta snapshots where cargo-insta is not installed: reads `.NAME.rs.pending-snap` files beside tests and
writes each new text into its `@"..."`. Read the diff afterwards.

    INSTA_UPDATE=new cargo test; python3 scripts/accept_snapshots.py
"""

import json
import pathlib
import re


def literal(text, indent):
    if "\n" not in text:
        return '@r#"' + text + '"#' if '"' in text or "\\" in text else f'@"{text}"'
    body = "\n".join(indent + line if line else "" for line in text.split("\n"))
    return f'@r#"\n{body}\n{indent}"#'


def accept(pending):
    source = pending.parent / pending.name.removeprefix(".").removesuffix(".pending-snap")
    changes = {}
    for line in pending.read_text().splitlines():
        entry = json.loads(line)
        if entry.get("new"):
            changes[entry["line"]] = entry["new"]["snapshot"].strip("\n")
    lines = source.read_text().split("\n")
    for number in sorted(changes, reverse=True):
        indent = re.match(r" *", lines[number - 1]).group()
        rest = "\n".join(lines[number - 1 :])
        old = re.compile(r'@(r#".*?"#|"(?:[^"\\]|\\.)*")', re.S)
        rest = old.sub(lambda _: literal(changes[number], indent), rest, count=1)
        lines[number - 1 :] = rest.split("\n")
    source.write_text("\n".join(lines))
    pending.unlink()
    print(f"{source}: {len(changes)} snapshots")


for found in pathlib.Path("crates").rglob(".*.pending-snap"):
    accept(found)
