#!/usr/bin/env python3
"""Samples responses to one prompt from an OpenAI-compatible server and prints them as a row for `rrm rank`.

    python3 examples/sample_responses.py http://127.0.0.1:8000 MODEL > examples/eight-responses.jsonl

`eight-responses.jsonl` was made this way with SmolLM2-135M-Instruct (Apache-2.0) at temperature 0.8: eight real responses of a very
small model, none of them edited.
"""

import json
import sys
import urllib.request

PROMPT = "Explain to a ten-year-old in two or three sentences why the moon seems to change its shape."


def sample(url, model, seed):
    body = {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "temperature": 0.8,
        "max_tokens": 160,
        "seed": seed,
    }
    request = urllib.request.Request(
        url.rstrip("/") + "/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=600) as reply:
        return json.load(reply)["choices"][0]["message"]["content"].strip()


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    responses = [sample(sys.argv[1], sys.argv[2], seed) for seed in range(1, 9)]
    print(json.dumps({"id": "eight", "prompt": PROMPT, "responses": responses}, ensure_ascii=False))


main()
