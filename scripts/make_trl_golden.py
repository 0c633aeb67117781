#!/usr/bin/env python3
"""What TRL, PyTorch and transformers compute in training, on a tiny random model and rollouts that are fixed here.

    make_trl_golden.py [FOLDER]

FOLDER is crates/rrm-nn/tests/golden/trl unless given. It gets a Qwen2 model that transformers loads, `grpo.json` (rollouts, their
log-probabilities under three sets of weights, and for each set of options the advantages, the loss, its slope in each log-probability
and TRL's metrics), `gradients.safetensors` (of each set of options, flat, in the order of the names in `grpo.json`), and
`optimizer.json` (AdamW, clipping, schedules). TRL's own GRPOTrainer computes advantages, losses and gradients.
Needs the packages torch, transformers, safetensors, datasets and trl 1.16. Nothing is fetched.
"""

import json
import os
import random
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402
from datasets import Dataset  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, get_scheduler  # noqa: E402
from trl import GRPOConfig, GRPOTrainer  # noqa: E402
from trl.trainer.utils import split_tensor_dict  # noqa: E402

VOCABULARY, PAD, EOS = 32, 0, 1
GENERATIONS, LONGEST, TEMPERATURE = 4, 8, 0.8
PROMPTS = [[5, 9, 14, 3], [7, 30, 2, 11, 28, 6], [19, 4, 8]]
# Two completions are cut by the limit: their last token ends nothing.
COMPLETIONS = [
    [12, 5, 20, EOS], [3, EOS], [12, 5, 9, 31, 8, 17, 4, 22], [25, 13, 6, 2, EOS],
    [EOS], [10, 21, EOS], [29, 29, 29, 3, EOS], [15, 6, 27, EOS],
    [18, 23, 11, 16, 24, 9, 30, 7], [26, 14, EOS], [12, 19, 8, 5, 2, 13, EOS], [9, 4, EOS],
]  # fmt: skip
# The second group is all right: it has nothing to say.
REWARDS = [1.0, -1.0, -1.0, 1.1, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -0.5]
# Each differs from TRL's defaults where it says so.
CASES = {
    "grpo": {"loss_type": "grpo"},
    "grpo_old_kl": {"loss_type": "grpo", "num_iterations": 2, "beta": 0.04},
    "grpo_masked": {"loss_type": "grpo", "num_iterations": 2, "mask_truncated_completions": True, "scale_rewards": True},
    "dr_grpo_old": {"loss_type": "dr_grpo", "num_iterations": 2, "epsilon_high": 0.28, "scale_rewards": False},
    "dr_grpo_masked_kl": {"loss_type": "dr_grpo", "mask_truncated_completions": True, "beta": 0.1, "scale_rewards": "none"},
    "bnpo_old": {"loss_type": "bnpo", "num_iterations": 2, "epsilon": 0.1, "epsilon_high": 0.3},
    "bnpo_masked_kl": {"loss_type": "bnpo", "mask_truncated_completions": True, "beta": 0.04, "scale_rewards": "batch"},
    "dapo": {},
    "dapo_old_kl": {"num_iterations": 2, "beta": 0.04, "epsilon_high": 0.28, "scale_rewards": "batch"},
    "dapo_plain_kl": {"num_iterations": 2, "beta": 0.1, "use_bias_correction_kl": False},
    "dapo_masked": {"num_iterations": 2, "mask_truncated_completions": True, "epsilon": 0.05},
    # Two batches that accumulate are one update: the same as a batch of both.
    "grpo_accumulated": {"loss_type": "grpo", "num_iterations": 2, "gradient_accumulation_steps": 2},
    "dapo_accumulated": {"num_iterations": 2, "gradient_accumulation_steps": 2, "mask_truncated_completions": True},
}
OPTIONS = ["loss_type", "epsilon", "epsilon_high", "beta", "use_bias_correction_kl", "mask_truncated_completions"]
METRICS = ["clip_ratio/low_mean", "clip_ratio/low_min", "clip_ratio/high_mean", "clip_ratio/high_max", "clip_ratio/region_mean"]


def tiny_model() -> Qwen2ForCausalLM:
    config = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=False,
        bos_token_id=EOS, eos_token_id=EOS, pad_token_id=PAD,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.copy_(1 + 0.2 * torch.randn_like(parameter))
            else:
                parameter.copy_(0.3 * torch.randn_like(parameter))
    return model


def near(weights: dict, distance: float) -> dict:
    return {name: value + distance * torch.randn_like(value) for name, value in weights.items()}


def tokenizer() -> PreTrainedTokenizerFast:
    names = {name: i for i, name in enumerate(["<pad>", "<eos>", "<unk>", *(f"w{i}" for i in range(3, VOCABULARY))])}
    made = Tokenizer(models.WordLevel(names, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def rollout(prompts, trainer) -> dict:
    assert len(prompts) == len(COMPLETIONS)
    ids = [PROMPTS[i // GENERATIONS] for i in range(len(COMPLETIONS))]
    return {"prompt_ids": ids, "completion_ids": COMPLETIONS, "logprobs": None}


def reward(completions, **_) -> list[float]:
    return REWARDS


def trainer_of(folder: str, options: dict) -> GRPOTrainer:
    batches = options.get("gradient_accumulation_steps", 1)
    args = GRPOConfig(
        output_dir=tempfile.mkdtemp(), per_device_train_batch_size=len(COMPLETIONS) // batches, num_generations=GENERATIONS,
        max_completion_length=LONGEST, temperature=TEMPERATURE, use_cpu=True, bf16=False, gradient_checkpointing=False,
        report_to=[], save_strategy="no", **options,
    )  # fmt: skip
    rows = Dataset.from_list([{"prompt": "w3 w4"} for _ in range(len(PROMPTS))])
    return GRPOTrainer(
        model=folder, reward_funcs=reward, args=args, train_dataset=rows, processing_class=tokenizer(), rollout_func=rollout
    )


def flat(values: torch.Tensor, completions: list[list[int]]) -> list[float]:
    """A padded (B, T) -> the values of tokens that there are, completion by completion."""
    return [value for row, ids in zip(values.tolist(), completions, strict=True) for value in row[: len(ids)]]


def evaluate(folder: str, options: dict, weights: dict) -> tuple[dict, dict]:
    trainer = trainer_of(folder, options)
    model, batches = trainer.model, trainer.args.gradient_accumulation_steps
    model.train()
    trainer.current_gradient_accumulation_steps = batches
    if trainer.ref_model is not None:
        trainer.ref_model.load_state_dict(weights["reference"])
    model.load_state_dict(weights["old"])
    everything = trainer._generate_and_score_completions([{"prompt": "w3 w4"} for _ in COMPLETIONS])
    model.load_state_dict(weights["current"])

    logprobs, inner = [], trainer._get_per_token_logps_and_entropies

    def watched(*args, **kwargs):
        found = inner(*args, **kwargs)
        found[0].retain_grad()
        logprobs.append(found[0])
        return found

    trainer._get_per_token_logps_and_entropies = watched
    losses = []
    for batch in split_tensor_dict(everything, batches):
        loss = trainer._compute_loss(model, batch)
        loss.backward()
        losses.append(loss.item())
    case = {name: getattr(trainer.args, name) for name in OPTIONS}
    case["scale_rewards"] = options.get("scale_rewards", "group")
    case["has_old"] = "old_per_token_logps" in everything
    case["advantages"] = everything["advantages"].tolist()
    case["loss"] = sum(losses)
    # (B, T), a masked token's being 0
    case["slopes"] = flat(torch.cat([found.grad for found in logprobs]), COMPLETIONS)
    metrics = trainer._metrics["train"]
    case["frac_reward_zero_std"] = metrics["frac_reward_zero_std"][0]
    if batches == 1:
        case["metrics"] = {name: metrics[name][0] for name in METRICS + ["kl"] * ("kl" in metrics)}
    gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    return case, gradients


def logprobs_of(folder: str, weights: dict) -> tuple[list[float], list[float]]:
    """The log-probabilities of all tokens of the completions, and the entropies they were drawn at."""
    trainer = trainer_of(folder, {"num_iterations": 2})
    trainer.model.load_state_dict(weights)
    trainer.model.train()
    batch = trainer._generate_and_score_completions([{"prompt": "w3 w4"} for _ in COMPLETIONS])
    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
    mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
    with torch.no_grad():
        length = batch["completion_ids"].shape[1]
        found, entropies, _ = trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, length, compute_entropy=True)
    return flat(found, COMPLETIONS), flat(entropies, COMPLETIONS)


def grpo(folder: Path) -> None:
    model = tiny_model()
    current = {name: value.clone() for name, value in model.state_dict().items()}
    weights = {"current": current, "old": near(current, 0.02), "reference": near(current, 0.05)}
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    names = [name for name, _ in model.named_parameters()]
    golden = {
        "made_by": f"scripts/make_trl_golden.py, trl {trl.__version__}",
        "num_generations": GENERATIONS, "max_completion_length": LONGEST, "temperature": TEMPERATURE,
        "prompts": PROMPTS, "completions": COMPLETIONS, "truncated": [ids[-1] != EOS for ids in COMPLETIONS],
        "rewards": REWARDS, "parameters": names,
    }  # fmt: skip
    for which, values in weights.items():
        golden[which], entropies = logprobs_of(str(folder), values)
        if which == "current":
            golden["entropies"] = entropies
    golden["cases"], gradients = {}, {}
    for name, options in CASES.items():
        golden["cases"][name], found = evaluate(str(folder), options, weights)
        gradients[name] = torch.cat([found[parameter].flatten() for parameter in names])
    clipped = golden["cases"]["dapo_old_kl"]["metrics"]
    assert clipped["clip_ratio/low_mean"] > 0 and clipped["clip_ratio/high_mean"] > 0, "nothing is clipped"
    save_file(gradients, folder / "gradients.safetensors")
    write(folder / "grpo.json", golden)


def adamw() -> dict:
    """Twenty steps over a matrix with decay and a bias without; gradients as the test makes them again."""
    lengths, options = {"decayed": 83, "plain": 21}, {"lr": 3e-3, "betas": (0.9, 0.999), "eps": 1e-8}
    tensors = {name: torch.nn.Parameter(torch.randn(length)) for name, length in lengths.items()}
    golden = {"start": {name: value.tolist() for name, value in tensors.items()}, "steps": {}}
    groups = [{"params": [tensors["decayed"]], "weight_decay": 0.1}, {"params": [tensors["plain"]], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, **options, foreach=False, fused=False)
    for step in range(1, 21):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * step / 20
        first = 0
        for value in tensors.values():
            at = torch.arange(first, first + len(value))
            value.grad = ((at * 7919 + step * 104729) % 2001 - 1000).float() / 1024
            first += len(value)
        optimizer.step()
        if step in (1, 2, 20):
            state = {name: optimizer.state[value] for name, value in tensors.items()}
            golden["steps"][step] = {
                name: {"weights": tensors[name].tolist(), "first": found["exp_avg"].tolist(), "second": found["exp_avg_sq"].tolist()}
                for name, found in state.items()
            }
    return golden


def clipping() -> list[dict]:
    found = []
    for length, scale, most in [(5, 1.0, 1.0), (300, 10.0, 1.0), (300, 1e-3, 1.0), (7, 1.0, 0.5)]:
        parts = [torch.nn.Parameter(torch.zeros(length)), torch.nn.Parameter(torch.zeros(3))]
        for part in parts:
            part.grad = torch.randn_like(part) * scale
        before = torch.cat([part.grad for part in parts]).tolist()
        norm = torch.nn.utils.clip_grad_norm_(parts, most)
        after = torch.cat([part.grad for part in parts]).tolist()
        found.append({"max_norm": most, "before": before, "norm": norm.item(), "after": after})
    return found


def schedules() -> list[dict]:
    found = []
    for kind in ["constant", "constant_with_warmup", "linear", "cosine", "cosine_with_min_lr"]:
        for warmup, total in [(0, 10), (3, 10), (0.25, 10), (10, 10)]:
            args = transformers.TrainingArguments(output_dir=tempfile.mkdtemp(), warmup_steps=warmup, use_cpu=True, report_to=[])
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2e-4)
            special = {"min_lr": 5e-5} if kind == "cosine_with_min_lr" else None
            scheduler = get_scheduler(kind, optimizer, args.get_warmup_steps(total), total, special)
            rates = []
            for _ in range(total + 2):
                rates.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                scheduler.step()
            found.append({"lr_scheduler_type": kind, "warmup_steps": warmup, "max_steps": total, "rates": rates})
    return found


def write(path: Path, golden: dict) -> None:
    # NaN where no sequence is left for a minimum would be no JSON.
    path.write_text(json.dumps(golden, allow_nan=False) + "\n")


def main() -> None:
    default = Path(__file__).parent.parent / "crates/rrm-nn/tests/golden/trl"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(20)
    random.seed(20)
    grpo(folder)
    torch.manual_seed(21)
    versions = f"scripts/make_trl_golden.py, torch {torch.__version__}, transformers {transformers.__version__}"
    write(folder / "optimizer.json", {"made_by": versions, "adamw": adamw(), "clip": clipping(), "schedules": schedules()})


main()
