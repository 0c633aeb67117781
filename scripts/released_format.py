#!/usr/bin/env python3
"""From the judge prompt that RRM-7B and RRM-32B were released with to a judge format file.

    python3 scripts/released_format.py rrm-released.json > rrm-released.toml
    rrm judge pairs.jsonl --engine http://HOST:8000 --format rrm-released.toml

The input is a JSON object with `system`, `user` (with {question}, {answer1}, {answer2}) and `others.Skywork_ASSISTANT_PROMPT`,
the texts of the authors' evaluation code (microsoft/LMOps, RRM-evaluation). Temperature 0.6, top-p 1 and 8192 new tokens, the
decoding of that evaluation, are rrm's defaults. The chat template of these models opens the thinking itself.
"""

import json
import sys


def literal(text):
    """A TOML literal string; the newline after the opening quotes is not part of it."""
    if "'''" in text:
        raise SystemExit("a prompt that holds ''' cannot be written as a TOML literal")
    return f"'''\n{text}'''"


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        prompt = json.load(file)
    user = prompt["user"] + prompt["others"]["Skywork_ASSISTANT_PROMPT"]
    if any(mark in prompt["system"] + user for mark in ("{{", "{%", "{#")):
        raise SystemExit("the prompt holds template marks, which a format file would read as its own")
    for name, variable in (("question", "prompt"), ("answer1", "response_1"), ("answer2", "response_2")):
        user = user.replace("{%s}" % name, "{{ %s }}" % variable)
    print(
        f"""name = "rrm-released"

[[messages]]
role = "system"
content = {literal(prompt["system"])}

[[messages]]
role = "user"
content = {literal(user)}

[thinking]
open = "<think>"
close = "</think>"
opened_by_template = true

[verdict]
wrap = '\\boxed{{LABEL}}'
first = ["Assistant 1"]
second = ["Assistant 2"]
several = "last"

[elicit]
thinking = "\\n</think>\\n\\n\\\\boxed{{Assistant"
answer = "\\n\\n\\\\boxed{{Assistant"
max_verdict_tokens = 16
stop = ["}}"]"""
    )


main()
