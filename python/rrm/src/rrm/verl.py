"""A reward manager for verl: every sample joins the group of its prompt at `rrm serve` and waits for its reward.

verl names it in its configuration, see docs/trainers.md; both generations of keys load the same class. Settings are read from `rrm.*` of the
configuration (`+rrm.url=http://...` on the command line), else from the environment: RRM_URL, RRM_SCALE, RRM_RUN, RRM_SERVER_TOKEN.

verl asks for one sample at a time, in many processes. A sample carries `uid`, which is the same for all samples of a prompt, and the
configuration says how many there are (`rollout.n`): that is a group's key and its size. What has no reward raises; verl's trainer stops, or
tries again, as it does for any reward function that fails. No number is made up.
"""

from __future__ import annotations

import inspect
import os
import uuid
from typing import Any

from rrm.client import AsyncClient

try:
    from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase
except ImportError as error:  # pragma: no cover - said to people
    raise ImportError("rrm.verl needs verl 0.7 or newer (verl.experimental.reward_loop)") from error


class RrmRewardManager(RewardManagerBase):
    """Sends `uid` and `rollout.n` to the server; async only, since samples of a group wait for each other."""

    def __init__(
        self,
        config: Any,
        tokenizer: Any,
        compute_score: Any = None,
        reward_router_address: str | None = None,
        reward_model_tokenizer: Any = None,
        **_: Any,
    ):
        # verl 0.7 takes two arguments here, later ones three.
        takes_score = "compute_score" in inspect.signature(RewardManagerBase.__init__).parameters
        super().__init__(config, tokenizer, compute_score) if takes_score else super().__init__(config, tokenizer)
        own = config.get("rrm") or {}
        setting = lambda name, fallback=None: own.get(name) or os.environ.get(f"RRM_{name.upper()}") or fallback
        self.url = setting("url", "http://127.0.0.1:8700")
        self.scale = setting("scale")
        self.run = setting("run", "verl")
        self.size = int(config.actor_rollout_ref.rollout.n)
        self._check(config)

    def _check(self, config: Any) -> None:
        """Refuses at the start what could only wait for ever later."""
        if self.size < 2:
            raise ValueError(f"actor_rollout_ref.rollout.n is {self.size}: a judge that compares needs 2 or more responses to a prompt")
        trainer = config.get("trainer") or {}
        validates = (trainer.get("test_freq") or 0) > 0 or bool(trainer.get("val_before_train"))
        of_validation = (config.actor_rollout_ref.rollout.get("val_kwargs") or {}).get("n", 1)
        if validates and int(of_validation) != self.size:
            raise ValueError(
                f"validation samples {of_validation} responses to a prompt and training {self.size}: a group of another size never fills. Set "
                f"actor_rollout_ref.rollout.val_kwargs.n={self.size}, or trainer.val_before_train=False and trainer.test_freq=-1"
            )

    async def run_single(self, data: Any) -> dict[str, Any]:
        """The reward of one sample, once its group is judged."""
        item = data[-1:][0]
        beside = item.non_tensor_batch
        if "uid" not in beside:
            raise KeyError("the batch has no `uid`, which names the group; verl's trainer adds it")
        prompt, response = await self.loop.run_in_executor(None, self._texts, item)
        # Connections belong to one event loop; verl may run samples in several.
        async with AsyncClient(self.url) as http:
            answer = await http.group(
                f"{self.run}-{beside['uid']}", prompt, response, size=self.size, member=uuid.uuid4().hex, scale=self.scale
            )
        # The same keys for every sample: verl takes those of the first one for all.
        extra = {
            "acc": answer["reward"],
            "rrm_rank": answer["rank"],
            "rrm_distinct": answer["distinct"],
            "rrm_undecided": answer["undecided"],
            "rrm_coins": answer["coins"],
        }
        return {"reward_score": answer["reward"], "reward_extra_info": extra}

    def _texts(self, item: Any) -> tuple[Any, str]:
        """The prompt as messages, else as text; the response without padding and special tokens."""
        responses, mask = item.batch["responses"], item.batch["attention_mask"]
        length = int(mask[-responses.shape[-1] :].sum())
        response = self.tokenizer.decode(responses[:length], skip_special_tokens=True)
        asked = item.non_tensor_batch.get("raw_prompt")
        if asked is not None:
            return [{"role": turn["role"], "content": turn["content"]} for turn in asked], response
        prompts = item.batch["prompts"]
        length = int(mask[: prompts.shape[-1]].sum())
        return self.tokenizer.decode(prompts[prompts.shape[-1] - length :], skip_special_tokens=True), response
