"""verl's own reward loop (RewardLoopManager: Ray actors, its own loading) with rrm.verl's class scores a real batch; then what happens on failure.

Usage: score.py URL OLD|NEW. Two prompts with four responses each; the judge prefers the longer one. OLD writes the configuration keys of verl
up to 0.7, NEW those since 0.8. The tokenizer is made here; nothing is downloaded.
"""

import os
import sys
import tempfile

import numpy as np
import ray
import torch
import verl
from omegaconf import OmegaConf
from tensordict import TensorDict
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from verl import DataProto

LENGTHS = [[3, 9, 5, 7], [2, 4, 8, 6]]
ROOM = 12


def tokenizer_folder():
    words = ["<pad>", "<eos>", "word"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="word"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")
    folder = tempfile.mkdtemp()
    fast.save_pretrained(folder)
    return folder


def config(url, generation):
    # Where verl's file was started with these on its command line: +rrm.url=... and the keys of docs/trainers.md.
    common = {
        "rrm": {"url": url, "scale": "unit", "run": f"verl-{generation}"},
        "actor_rollout_ref": {"model": {"path": tokenizer_folder(), "tokenizer_path": None}, "rollout": {"n": 4, "val_kwargs": {"n": 1}}},
        "trainer": {"test_freq": -1, "val_before_train": False, "n_gpus_per_node": 0, "nnodes": 1},
    }
    if generation == "new":
        common["reward"] = {
            "num_workers": 2,
            "custom_reward_function": {"path": None, "name": "compute_score"},
            "reward_manager": {"source": "importlib", "name": "RrmRewardManager", "module": {"path": "pkg://rrm.verl"}},
            "reward_model": {"enable": False},
            "sandbox_fusion": {"url": None},
        }
    else:
        common["custom_reward_function"] = {"path": None, "name": "compute_score"}
        common["reward_model"] = {
            "num_workers": 2, "enable": False, "reward_manager": "naive", "reward_loop_source": "importlib",
            "reward_loop_module_path": "pkg://rrm.verl", "reward_loop_class_name": "RrmRewardManager",
        }
    return OmegaConf.create(common)


def batch(uids):
    rows = [(uid, length) for uid, lengths in zip(uids, LENGTHS) for length in lengths]
    prompts = torch.full((len(rows), 3), 2)
    responses, mask = torch.zeros((len(rows), ROOM), dtype=torch.long), torch.zeros((len(rows), 3 + ROOM), dtype=torch.long)
    mask[:, :3] = 1
    for i, (_, length) in enumerate(rows):
        responses[i, :length], mask[i, 3 : 3 + length] = 2, 1
    tensors = {"prompts": prompts, "responses": responses, "attention_mask": mask, "input_ids": torch.cat([prompts, responses], dim=1)}
    beside = {
        "uid": np.array([uid for uid, _ in rows], dtype=object),
        "raw_prompt": np.array([[{"role": "user", "content": f"Question of {uid}"}] for uid, _ in rows], dtype=object),
        "data_source": np.array(["made"] * len(rows), dtype=object),
        "reward_model": np.array([{"ground_truth": ""}] * len(rows), dtype=object),
        "extra_info": np.array([{"index": i} for i in range(len(rows))], dtype=object),
    }
    # Rows of a group are apart, as a trainer's balancing leaves them, so that both actors hold members of both groups.
    order = [0, 4, 1, 5, 2, 6, 3, 7]
    return DataProto(batch=TensorDict(tensors, batch_size=len(rows)), non_tensor_batch=beside)[order]


def expected(data):
    """Share of wins among four responses, by length, at the last token of each."""
    lengths = data.batch["attention_mask"][:, 3:].sum(1).tolist()
    wins = torch.zeros(len(lengths), ROOM)
    for i, uid in enumerate(data.non_tensor_batch["uid"]):
        same = [lengths[j] for j, other in enumerate(data.non_tensor_batch["uid"]) if other == uid]
        wins[i, lengths[i] - 1] = sum(lengths[i] > other for other in same) / 3
    return wins


def main(url, generation):
    from verl.experimental.reward_loop.reward_loop import RewardLoopManager

    print(f"verl {verl.__version__}, ray {ray.__version__}, keys of the {generation} generation")
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": os.environ["PYTHONPATH"]}})
    manager = RewardLoopManager(config(url, generation))
    data = batch(["prompt-a", "prompt-b"])
    scored = manager.compute_rm_score(data)
    rewards = scored.batch["rm_scores"]
    print("lengths", data.batch["attention_mask"][:, 3:].sum(1).tolist())
    print("rewards", [round(reward, 4) for reward in rewards.sum(1).tolist()], "extra", sorted(scored.non_tensor_batch))
    assert torch.allclose(rewards, expected(data)), (rewards, expected(data))
    # A group that cannot be judged: one member is missing. It raises, and there is no batch of rewards.
    try:
        manager.compute_rm_score(batch(["prompt-c", "prompt-d"])[:6])
    except Exception as error:
        said = str(error)
        assert "incomplete" in said, said
        print("a group without a member raises:", next(line for line in said.splitlines() if "incomplete" in line).strip()[:160])
    else:
        raise SystemExit("a group without a member got rewards")
    # Wrong settings are refused at the start.
    from rrm.verl import RrmRewardManager

    wrong = config(url, generation)
    wrong.trainer.test_freq = 5
    try:
        RrmRewardManager(wrong, None)
    except ValueError as error:
        print("refused at the start:", str(error)[:120])
    else:
        raise SystemExit("groups of two sizes were accepted")
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
