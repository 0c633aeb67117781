"""TRL's GRPOTrainer trains a tiny policy with rewards from a running `rrm serve`; prints what the policy writes before and after.

Usage: train.py URL [STEPS]. The policy is a Llama of random weights over nineteen words; under `accelerate launch` or `torchrun` with two
processes, groups are split over them. The judge prefers the longer response, so that what is learnt can be counted without a judge.
"""

import os
import random
import sys
import tempfile

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
from trl import GRPOConfig, GRPOTrainer

from rrm.trl import reward_function

WORDS = "sun moon sea wind rain snow fire stone tree leaf bird fish wolf bear deer hare".split()
LONGEST = 48


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


def lengths(model, tokenizer):
    """Mean number of words of 256 completions of prompts that are not trained on; the share that the limit cut."""
    torch.manual_seed(1)
    inputs = tokenizer(["wolf bear deer"] * 256, return_tensors="pt")
    with torch.no_grad():
        out = model.generate(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask, do_sample=True, max_new_tokens=LONGEST)
    written = out[:, inputs.input_ids.shape[1] :]
    words = (written > 2).sum(1).float()
    return words.mean().item(), ((written != 1).all(1)).float().mean().item()


def main():
    url, steps = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40
    torch.set_num_threads(1)
    set_seed(0)
    rng = random.Random(0)
    prompts = [" ".join(rng.choices(WORDS[:12], k=3)) for _ in range(512)]
    model, tokenizer = policy()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    # Groups of 8; 4 groups a step. With two processes each holds 16 of the 32 completions, so that TRL's slices are groups of its own
    # sampler's making; per_device_train_batch_size of 4 lets every group lie in both.
    args = GRPOConfig(
        output_dir=tempfile.mkdtemp(), per_device_train_batch_size=4, gradient_accumulation_steps=8 // processes, num_generations=8,
        max_completion_length=LONGEST, learning_rate=3e-3, beta=0.0, max_steps=steps, logging_steps=5, save_strategy="no",
        report_to=[], use_cpu=True, bf16=False, gradient_checkpointing=False, disable_tqdm=True, seed=0,
    )
    reward = reward_function(url, num_generations=8, run=f"trl-{processes}")
    trainer = GRPOTrainer(
        model=model, reward_funcs=reward, args=args, processing_class=tokenizer,
        train_dataset=Dataset.from_list([{"prompt": prompt} for prompt in prompts]),
    )
    first = trainer.accelerator.is_main_process
    before = lengths(trainer.accelerator.unwrap_model(trainer.model), tokenizer)
    trainer.train()
    after = lengths(trainer.accelerator.unwrap_model(trainer.model), tokenizer)
    if first:
        print("step  mean words of a step's completions  mean reward  standard deviation of rewards")
        for log in trainer.state.log_history:
            if "completions/mean_length" in log:
                print(f"{log['step']:4d}  {log['completions/mean_length']:8.2f}  {log['reward']:+.4f}  {log['reward_std']:.4f}")
        print(f"held-out prompts: words {before[0]:.2f} -> {after[0]:.2f}, cut at {LONGEST} tokens {before[1]:.2f} -> {after[1]:.2f}")
        if after[0] <= before[0]:
            raise SystemExit("the policy did not learn what the judge rewards")


if __name__ == "__main__":
    main()
