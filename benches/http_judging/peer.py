"""Pairs (JSONL) -> verdicts (JSONL) by the `openai` package and asyncio: the program that `rrm judge` is measured against.

peer.py PAIRS OUTPUT BASE_URL FORMAT CONCURRENCY httpx|aiohttp

It does what a competent Python user would write, and less than `rrm judge`: it reads the pairs as it goes, builds the two messages of
the default format, keeps CONCURRENCY requests in flight, reads the boxed verdict after the thinking, and writes rows as they come. It
keeps no store, no order of rows and no record of votes, all to its advantage. The connection pool of the package (1,000 connections, of
which 100 are kept open) is widened to CONCURRENCY, as it would spend most of its time on reconnecting otherwise. `httpx` is what the
package uses when told nothing, `aiohttp` the faster transport that it offers (`openai[aiohttp]`).
"""

import asyncio
import json
import random
import re
import sys
import tomllib

import openai

BOXED = re.compile(r"\\boxed\{(Assistant [12])\}")
PLACE = re.compile(r"\{\{ (\w+) \}\}")


def templates(path: str) -> list[dict[str, str]]:
    """The messages of a format file without its parts for rubrics and references, which these pairs do not have."""
    with open(path, "rb") as file:
        messages = tomllib.load(file)["messages"]
    conditional = re.compile(r"(?:\s*\{%-|\{%) if \w+ %\}.*?\{%-? endif %\}", re.DOTALL)
    return [{"role": message["role"], "content": conditional.sub("", message["content"])} for message in messages]


def messages(format_messages: list[dict[str, str]], prompt: str, first: str, second: str) -> list[dict[str, str]]:
    """The messages of one comparison."""
    values = {"prompt": prompt, "response_1": first, "response_2": second}
    return [
        {"role": message["role"], "content": PLACE.sub(lambda match: values[match[1]], message["content"])} for message in format_messages
    ]


async def judge(client: openai.AsyncOpenAI, format_messages: list[dict[str, str]], number: int, row: dict) -> dict:
    """One comparison, shown in an order that the row's number draws."""
    swapped = random.Random(number).random() < 0.5
    responses = (row["rejected"], row["chosen"]) if swapped else (row["chosen"], row["rejected"])
    reply = await client.chat.completions.create(
        model="slow",
        messages=messages(format_messages, row["prompt"], *responses),
        temperature=0.6,
        top_p=1.0,
        max_tokens=8192,
        seed=number,
    )
    choice = reply.choices[0]
    answer = (choice.message.content or "").rpartition("</think>")[2]
    boxed = BOXED.findall(answer) if choice.finish_reason == "stop" else []
    winner = None if not boxed else (boxed[-1] == "Assistant 1") != swapped
    usage = {"prompt_tokens": reply.usage.prompt_tokens, "completion_tokens": reply.usage.completion_tokens}
    return {"id": row["id"], "order": None if winner is None else ([0, 1] if winner else [1, 0]), "usage": usage}


async def run(pairs: str, output: str, base_url: str, format_file: str, concurrency: int, transport: str) -> None:
    # The package has renamed the HTTP client under it; its own constant leads to the right class of limits.
    limits = type(openai.DEFAULT_CONNECTION_LIMITS)(max_connections=concurrency, max_keepalive_connections=concurrency)
    http_client = {"httpx": openai.DefaultAsyncHttpxClient, "aiohttp": openai.DefaultAioHttpClient}[transport](limits=limits)
    # The default of 5 s for connecting is too short for so many at once: on a busy machine the event loop does not come round in time.
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", http_client=http_client, timeout=600.0)
    format_messages = templates(format_file)
    semaphore = asyncio.Semaphore(concurrency)
    with open(pairs, encoding="utf-8") as rows, open(output, "w", encoding="utf-8") as results:

        async def one(number: int, row: dict) -> None:
            try:
                results.write(json.dumps(await judge(client, format_messages, number, row)) + "\n")
            finally:
                semaphore.release()

        async with asyncio.TaskGroup() as group:
            for number, line in enumerate(rows):
                await semaphore.acquire()
                group.create_task(one(number, json.loads(line)))
    await client.close()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:5], int(sys.argv[5]), sys.argv[6]))
