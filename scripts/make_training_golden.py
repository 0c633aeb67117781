#!/usr/bin/env python3
"""What PyTorch computes when the tiny models of crates/rrm-nn/tests/golden are trained.

    make_training_golden.py

Writes `training.json` beside each model: log-probabilities and entropies of the tokens of three completions, and slopes of a weighted sum of
the log-probabilities in every tensor of the model: the tensor's length and largest slope, and at most 192 of its slopes.
Needs the packages torch and transformers (made with 2.15 and 5.23). Nothing is fetched.
"""

import json
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
import transformers  # noqa: E402

GOLDEN = Path(__file__).parent.parent / "crates/rrm-nn/tests/golden"
MODELS = ["llama", "qwen2", "qwen3", "words"]
TEMPERATURE = 0.8
PROMPT = [5, 100, 32, 4, 99, 17, 250]
COMPLETIONS = [[3, 200, 7, 9], [250], [11, 12, 13] * 12]
# At most so many slopes of a tensor are kept.
KEPT = 192


def rounded(number):
    return float(f"{number:.7g}")


def main():
    torch.set_num_threads(1)
    for name in MODELS:
        model = transformers.AutoModelForCausalLM.from_pretrained(GOLDEN / name, dtype=torch.float32, attn_implementation="eager")
        logprobs, entropies, loss = [], [], 0
        for completion in COMPLETIONS:
            logits = model(torch.tensor([PROMPT + completion])).logits[0, len(PROMPT) - 1 : -1] / TEMPERATURE
            all_logprobs = logits.log_softmax(-1)
            chosen = all_logprobs.gather(1, torch.tensor(completion)[:, None])[:, 0]
            slopes = torch.tensor([((len(logprobs) + at) * 7 + 3) % 5 - 1.5 for at in range(len(completion))])
            loss = loss + (chosen * slopes).sum()
            logprobs += [rounded(value) for value in chosen.tolist()]
            entropies += [rounded(value) for value in (-(all_logprobs.exp() * all_logprobs).sum(-1)).tolist()]
        loss.backward()
        gradients = {}
        for tensor, parameter in model.named_parameters():
            flat = parameter.grad.flatten()
            every = -(-len(flat) // KEPT)
            gradients[tensor] = {
                "length": rounded(flat.double().norm().item()),
                "largest": rounded(flat.abs().max().item()),
                "every": every,
                "values": [rounded(value) for value in flat[::every].tolist()],
            }
        golden = {"temperature": TEMPERATURE, "prompt": PROMPT, "completions": COMPLETIONS, "loss": rounded(loss.item())}
        golden |= {"logprobs": logprobs, "entropies": entropies, "gradients": gradients}
        (GOLDEN / name / "training.json").write_text(json.dumps(golden) + "\n")


main()
