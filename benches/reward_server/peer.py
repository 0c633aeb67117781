"""What one would write without rrm: a FastAPI server that gathers groups, ranks them by length and answers (see run.sh).

It knows no deadline, no retry, no restart and no judge; it is the least that can be compared.
"""

import asyncio
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


@app.post("/v1/groups")
async def join(ask: Ask):
    group = groups.get(ask.group)
    if group is None:
        group = groups[ask.group] = Group()
    group.members[ask.member] = ask.response
    if len(group.members) == ask.size:
        wins = {
            one: sum(len(text) > len(other) for other in group.members.values()) / (ask.size - 1)
            for one, text in group.members.items()
        }
        del groups[ask.group]
        group.rewards.set_result(wins)
    rewards = await group.rewards
    return {"group": ask.group, "member": ask.member, "reward": rewards[ask.member]}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
