"""A reward function for TRL's GRPOTrainer and RLOOTrainer: every completion joins its group at `rrm serve`.

TRL calls a reward function with the slice that is local to a process, and a group may lie in several slices. So completions are not
grouped here: each is sent with a key made of run, step and prompt, and the server lets a group meet, whichever processes its members
come from. A prompt that a step holds twice has two groups: a process that holds them whole tells them apart by their order; where they are
spread over processes nobody can, and the completions meet in the order in which they come. Which completion of a group is whose is nowhere
known, so members have no names; each request has a key of its own instead, by which it takes its place again when its answer was lost.
"""

from __future__ import annotations

import asyncio
import collections
import hashlib
import json
import os
import uuid
from typing import Any, Awaitable, Callable

from rrm.client import AsyncClient, RrmError


def reward_function(
    url: str = "http://127.0.0.1:8700",
    *,
    num_generations: int,
    num_generations_eval: int | None = None,
    run: str = "trl",
    scale: str | None = None,
    on_failure: str = "raise",
    **client: Any,
) -> Callable[..., Awaitable[list[float | None]]]:
    """An async reward function.

    `num_generations` and `num_generations_eval` are GRPOConfig's; the second is the first unless given. `run` keeps runs on one server
    apart and must be the same in all processes. `scale` is the server's unless given. `on_failure` is "raise", or "none": then a
    completion without reward is None, which TRL leaves out, and `rrm/failed` is logged. A number is always a judged one.
    """
    if on_failure not in ("raise", "none"):
        raise ValueError(f'on_failure must be "raise" or "none"; found {on_failure!r}')
    sizes = {"num_generations": num_generations, "num_generations_eval": num_generations_eval or num_generations}
    for name, size in sizes.items():
        if size < 2:
            raise ValueError(f"{name} is {size}: a judge that compares needs 2 or more completions of a prompt")

    async def rrm_reward(
        prompts: list[Any],
        completions: list[Any],
        trainer_state: Any = None,
        log_metric: Callable[[str, float], None] | None = None,
        **_: Any,
    ) -> list[float | None]:
        step = trainer_state.global_step if trainer_state is not None else 0
        texts = [json.dumps(prompt, sort_keys=True) for prompt in prompts]
        evaluating = _evaluating(log_metric, texts, *sizes.values())
        size = sizes["num_generations_eval" if evaluating else "num_generations"]
        # A prompt of the training step may be evaluated at the same step, in groups of another size.
        what = "eval-" if evaluating and size != num_generations else ""

        async def one(http: AsyncClient, prompt: Any, completion: Any, which: str) -> dict[str, Any]:
            key = hashlib.sha256(json.dumps([run, step, prompt], sort_keys=True).encode()).hexdigest()[:32]
            return await http.group(
                f"{run}-{step}-{what}{key}{which}", prompt, completion, size=size, idempotency_key=uuid.uuid4().hex, scale=scale
            )

        async with AsyncClient(url, **client) as http:
            samples = zip(prompts, completions, _groups(texts, size), strict=True)
            asked = (one(http, prompt, completion, which) for prompt, completion, which in samples)
            answers = await asyncio.gather(*asked, return_exceptions=True)
        failed = [answer for answer in answers if isinstance(answer, BaseException)]
        # Whose own completion was refused knows more than those who hear of it.
        failed.sort(key=lambda error: getattr(error, "code", None) == "refused")
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


def _groups(prompts: list[str], size: int) -> list[str]:
    """Which of the groups of its prompt each completion is in, where this process holds whole groups: TRL puts the completions of a group one
    after the other, and a prompt may come more than once in a step. Nothing for the first group of the first process, and where groups are
    spread over processes.
    """
    whole = {prompt for prompt, count in collections.Counter(prompts).items() if count % size == 0}
    rank = int(os.environ.get("RANK", "0"))
    seen: collections.Counter[str] = collections.Counter()
    groups = []
    for prompt in prompts:
        place = (rank, seen[prompt] // size) if prompt in whole else (0, 0)
        seen[prompt] += 1
        groups.append("" if place == (0, 0) else "-{}-{}".format(*place))
    return groups


def _evaluating(log_metric: Any, prompts: list[str], training: int, evaluation: int) -> bool:
    """Whether these completions are of an evaluation, which matters where its groups have another size.

    `log_metric` is a method of the trainer, whose model knows. Older versions of TRL give none: then a single process, which holds whole
    groups, can tell by how often a prompt comes, unless it comes as often as both sizes allow, which is taken for training.
    """
    if training == evaluation:
        return False
    model = getattr(getattr(log_metric, "__self__", None), "model", None)
    if model is not None:
        return not model.training
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ValueError(
            f"groups of {training} in training and of {evaluation} in evaluation cannot be told apart in several processes by this version "
            "of TRL, which passes no log_metric: set num_generations_eval to num_generations"
        )
    counts = set(collections.Counter(prompts).values())
    return any(count % training for count in counts) and not any(count % evaluation for count in counts)
