"""TRL's GRPOTrainer on the CPU -> JSON lines: the seconds of each step, generation and the rest apart.

    python benches/train/peer_trl.py FOLDER [steps [prompt_tokens [completion_tokens]]]

One step is 8 prompts with 8 completions each, all of full length, a reference (beta 0.001), one update with AdamW: the work of the example
grpo_speed. FOLDER is the one that grpo_step.py made for TRL. The first step warms up and is not printed.
"""

import json
import random
import resource
import sys
import tempfile
import time

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

PROMPTS, GENERATIONS = 8, 8


def peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def now_mib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS:"))


class Clock(TrainerCallback):
    """Prints a line for each step but the first."""

    def __init__(self, tokens: int) -> None:
        self.tokens, self.generating, self.step, self.loaded = tokens, 0.0, 0, 0

    def on_train_begin(self, *_args, **_more) -> None:
        self.loaded = now_mib()

    def on_step_begin(self, *_args, **_more) -> None:
        self.start, self.generating = time.perf_counter(), 0.0

    def on_step_end(self, *_args, **_more) -> None:
        seconds = time.perf_counter() - self.start
        self.step += 1
        if self.step > 1:
            line = {"seconds": seconds, "rollout_seconds": self.generating, "update_seconds": seconds - self.generating, "tokens": self.tokens}
            print(json.dumps(line | {"loaded_mib": self.loaded, "peak_mib": peak_mib()}), flush=True)


def reward(completion_ids, **_more) -> list[float]:
    return [1.0 if sum(ids) % 2 == 0 else -1.0 for ids in completion_ids]


def main() -> None:
    folder, *numbers = sys.argv[1:]
    steps, prompt, completion = ([int(number) for number in numbers] + [4, 64, 128][len(numbers) :])[:3]
    torch.set_num_threads(2)
    draw = random.Random(0)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    words = sorted(word for word, number in tokenizer.get_vocab().items() if number > 2)
    rows = [{"prompt": " ".join(draw.choices(words, k=prompt))} for _ in range(PROMPTS * (steps + 1))]
    clock = Clock(PROMPTS * GENERATIONS * completion)
    generate = Qwen2ForCausalLM.generate

    def timed(self, *args, **more):
        start = time.perf_counter()
        # So that every completion has its full length.
        found = generate(self, *args, **more, suppress_tokens=[0, 1])
        clock.generating += time.perf_counter() - start
        return found

    Qwen2ForCausalLM.generate = timed
    options = GRPOConfig(
        output_dir=tempfile.mkdtemp(), per_device_train_batch_size=PROMPTS * GENERATIONS, num_generations=GENERATIONS,
        max_completion_length=completion, beta=0.001, learning_rate=1e-6, lr_scheduler_type="constant", max_steps=steps + 1,
        temperature=1.0, use_cpu=True, bf16=False, gradient_checkpointing=False, save_strategy="no", report_to=[],
        logging_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    dataset = Dataset.from_list(rows)
    GRPOTrainer(
        model=folder, reward_funcs=reward, args=options, train_dataset=dataset, processing_class=tokenizer, callbacks=[clock]
    ).train()


main()
