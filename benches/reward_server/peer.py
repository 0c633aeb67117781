"""What one would write without rrm: a FastAPI server that gathers groups, ranks them and answers (see run.sh).

`peer.py PORT bare` compares lengths in one expression: no judge at all, the least that can be compared. `peer.py PORT judge` does what
rrm does with a scripted judge: for each pair a prompt is written, a coroutine is asked under a limit, its text is read for a verdict, and
wins are counted. Neither knows a deadline, a retry or a restart.
"""

import asyncio
import re
import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Ask(BaseModel):
    group: str
    size: int
    member: str
    prompt: str
    response: str


class Group:
    def __init__(self):
        self.members = {}
        self.rewards = asyncio.get_running_loop().create_future()


app = FastAPI()
groups = {}
VERDICT = re.compile(r"\\boxed\{Assistant ([12])\}")
PROMPT = """Two assistants answered one query. Compare their responses for accuracy, helpfulness, relevance, depth and level of detail.
Think about it step by step, whatever their order and length, and end with the better one: \\boxed{{Assistant 1}} or \\boxed{{Assistant 2}}.

Query:
{prompt}

Response of assistant 1:
{first}

Response of assistant 2:
{second}
"""


async def scripted(messages, first, second):
    """Stands where a call of a model would stand."""
    return {"text": f"The longer one.</think>\\boxed{{Assistant {1 if len(first) >= len(second) else 2}}}", "prompt": messages}


async def play(slots, prompt, first, second):
    messages = [{"role": "user", "content": PROMPT.format(prompt=prompt, first=first, second=second)}]
    async with slots:
        reply = await scripted(messages, first, second)
    found = VERDICT.findall(reply["text"].rsplit("</think>")[-1])
    return int(found[-1]) if found else None


async def judged(group, prompt):
    """Win rates by a round robin, as `--strategy win-rate`."""
    slots = asyncio.Semaphore(64)
    names = list(group.members)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    verdicts = await asyncio.gather(*(play(slots, prompt, group.members[a], group.members[b]) for a, b in pairs))
    wins = dict.fromkeys(names, 0.0)
    for (a, b), verdict in zip(pairs, verdicts):
        for name, won in ((a, 1), (b, 2)):
            wins[name] += 0.5 if verdict is None else float(verdict == won)
    return {name: won / (len(names) - 1) for name, won in wins.items()}


def compared(group, size):
    """Win rates by comparing lengths, without a judge."""
    return {
        one: sum(len(text) > len(other) for other in group.members.values()) / (size - 1) for one, text in group.members.items()
    }


@app.post("/v1/groups")
async def join(ask: Ask):
    group = groups.get(ask.group)
    if group is None:
        group = groups[ask.group] = Group()
    group.members[ask.member] = ask.response
    if len(group.members) == ask.size:
        del groups[ask.group]
        group.rewards.set_result(await judged(group, ask.prompt) if JUDGES else compared(group, ask.size))
    rewards = await group.rewards
    return {"group": ask.group, "member": ask.member, "reward": rewards[ask.member]}


JUDGES = sys.argv[2:] == ["judge"]

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
