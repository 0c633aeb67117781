"""TRL's GRPOTrainer trains a tiny policy with rewards from a running `rrm serve`; prints what the policy writes before and after.

Usage: train.py URL [STEPS]. The policy is a Llama of random weights over nineteen words; under `accelerate launch` or `torchrun` with two
processes, groups are split over them. The judge prefers the longer response, so that what is learnt can be counted without a judge.
"""

import asyncio
import collections
import os
import random
import sys
import tempfile

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
from trl import GRPOConfig, GRPOTrainer

from rrm import AsyncClient
from rrm.trl import reward_function

WORDS = "sun moon sea wind rain snow fire stone tree leaf bird fish wolf bear deer hare".split()
LONGEST = 48
HELD_OUT = "wolf bear deer"


def policy():
    words = ["<pad>", "<eos>", "<unk>", *WORDS]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=128, tie_word_embeddings=False, bos_token_id=1, eos_token_id=1, pad_token_id=0,
    )
    return LlamaForCausalLM(config), tokenizer


def written(model, tokenizer):
    """256 completions of a prompt that is not trained on."""
    torch.manual_seed(1)
    inputs = tokenizer([HELD_OUT] * 256, return_tensors="pt")
    with torch.no_grad():
        out = model.generate(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, do_sample=True, max_new_tokens=LONGEST)
    return tokenizer.batch_decode(out[:, inputs.input_ids.shape[1] :], skip_special_tokens=True)


def reward_of(url, run, texts, others):
    """Mean reward from 0 to 1 of some completions in groups of eight, of which four are theirs and four are others'; by the server."""

    async def ask():
        async with AsyncClient(url) as client:
            groups = [texts[i : i + 4] + others[i : i + 4] for i in range(0, len(texts), 4)]
            members = [(g, m, text) for g, group in enumerate(groups) for m, text in enumerate(group)]
            asked = (
                client.group(f"{run}-compare-{g}", HELD_OUT, text, size=8, member=str(m), scale="unit") for g, m, text in members
            )
            answers = await asyncio.gather(*asked)
            own = [answer["reward"] for (_, m, _), answer in zip(members, answers) if m < 4]
            return sum(own) / len(own)

    return asyncio.run(ask())


def main():
    url, steps = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40
    torch.set_num_threads(1)
    set_seed(0)
    rng = random.Random(0)
    prompts = [" ".join(rng.choices(WORDS[:12], k=3)) for _ in range(512)]
    model, tokenizer = policy()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    run = f"trl-{processes}"
    # Groups of 8, 3 groups a step. With two processes each holds 12 completions: one whole group, and four of the group that lies in both.
    args = GRPOConfig(
        output_dir=tempfile.mkdtemp(), per_device_train_batch_size=24 // processes, gradient_accumulation_steps=1, num_generations=8,
        max_completion_length=LONGEST, learning_rate=3e-3, beta=0.0, max_steps=steps, logging_steps=5, save_strategy="no",
        report_to=[], use_cpu=True, bf16=False, gradient_checkpointing=False, disable_tqdm=True, seed=0,
    )
    rewards_of_group = reward_function(url, num_generations=8, run=run)
    split = collections.Counter()

    async def reward(prompts, **columns):
        # How many completions of one prompt this process holds in a call: 8 would be a whole group.
        split.update(collections.Counter(prompts).values())
        return await rewards_of_group(prompts=prompts, **columns)

    trainer = GRPOTrainer(
        model=model, reward_funcs=reward, args=args, processing_class=tokenizer,
        train_dataset=Dataset.from_list([{"prompt": prompt} for prompt in prompts]),
    )
    first = trainer.accelerator.is_main_process
    before = written(trainer.accelerator.unwrap_model(trainer.model), tokenizer)
    trainer.train()
    after = written(trainer.accelerator.unwrap_model(trainer.model), tokenizer)
    if first:
        print("step  mean words of a step's completions  mean reward  standard deviation of rewards")
        for log in trainer.state.log_history:
            if "completions/mean_length" in log:
                print(f"{log['step']:4d}  {log['completions/mean_length']:8.2f}  {log['reward']:+.4f}  {log['reward_std']:.4f}")
        print(f"completions of one prompt in one process and call: {dict(split)} (a group has 8)")
        words = lambda texts: sum(len(text.split()) for text in texts) / len(texts)
        rises = reward_of(url, run, after, before)
        print(f"held-out prompt: words {words(before):.2f} -> {words(after):.2f} of at most {LONGEST}")
        print(f"held-out prompt: reward beside each other (0 to 1, groups of four and four) {1 - rises:.3f} -> {rises:.3f}")
        if rises < 0.6:
            raise SystemExit("the reward did not rise")


if __name__ == "__main__":
    main()
