"""A reward function for TRL's GRPOTrainer and RLOOTrainer: every completion joins its group at `rrm serve`.

TRL calls a reward function with the slice that is local to a process, and a group may lie in several slices. So completions are not
grouped here: each is sent with a key made of run, step and prompt, and the server lets a group meet, whichever processes its members
come from. Members carry no ids: which completion of a group is whose is nowhere known, and a prompt that a step holds twice fills two
groups one after the other.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any, Awaitable, Callable

from rrm.client import AsyncClient, RrmError


def reward_function(
    url: str = "http://127.0.0.1:8700",
    *,
    num_generations: int,
    run: str = "trl",
    scale: str | None = None,
    on_failure: str = "raise",
    **client: Any,
) -> Callable[..., Awaitable[list[float | None]]]:
    """An async reward function.

    `num_generations` is GRPOConfig's; evaluation with another `num_generations_eval` needs a function of its own. `run` keeps runs on one
    server apart and must be the same in all processes. `scale` is the server's unless given. `on_failure` is "raise", or "none": then a
    completion without reward is None, which TRL leaves out, and `rrm/failed` is logged. A number is always a judged one.
    """
    if on_failure not in ("raise", "none"):
        raise ValueError(f'on_failure must be "raise" or "none"; found {on_failure!r}')

    async def rrm_reward(
        prompts: list[Any],
        completions: list[Any],
        trainer_state: Any = None,
        log_metric: Callable[[str, float], None] | None = None,
        **_: Any,
    ) -> list[float | None]:
        step = trainer_state.global_step if trainer_state is not None else 0

        async def one(http: AsyncClient, prompt: Any, completion: Any) -> dict[str, Any]:
            key = hashlib.sha256(json.dumps([run, step, prompt], sort_keys=True).encode()).hexdigest()[:32]
            return await http.group(f"{run}-{step}-{key}", prompt, _text(completion), size=num_generations, scale=scale)

        async with AsyncClient(url, **client) as http:
            asked = (one(http, prompt, completion) for prompt, completion in zip(prompts, completions, strict=True))
            answers = await asyncio.gather(*asked, return_exceptions=True)
        failed = [answer for answer in answers if isinstance(answer, BaseException)]
        for error in failed:
            if on_failure == "raise" or not isinstance(error, RrmError):
                raise error
        if log_metric is not None:
            judged = [answer for answer in answers if isinstance(answer, dict)]
            log_metric("rrm/failed", float(len(failed)))
            if judged:
                log_metric("rrm/coins", sum(answer["coins"] for answer in judged) / len(judged))
                log_metric("rrm/distinct", sum(answer["distinct"] for answer in judged) / len(judged))
        return [answer["reward"] if isinstance(answer, dict) else None for answer in answers]

    return rrm_reward


def _text(completion: Any) -> str:
    """A completion's text; of a conversation, what its last message says."""
    return completion if isinstance(completion, str) else completion[-1]["content"]
