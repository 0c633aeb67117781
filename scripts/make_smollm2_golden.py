#!/usr/bin/env python3
"""What transformers computes with SmolLM2-135M-Instruct in f32, for the test that holds the decoder to it.

    make_smollm2_golden.py [FOLDER] [FILE]

FOLDER is models/SmolLM2-135M-Instruct unless given: dequantise_gguf.py makes it from the GGUF that fetch-smollm2.sh fetches.
FILE is crates/rrm-nn/tests/golden/smollm2.json. It holds the tokens of a conversation, logits at 24 of their positions (the 32
largest, and those of 512 tokens spread over the vocabulary), and 24 greedily chosen tokens.
Needs the packages torch and transformers. Nothing is fetched.
"""

import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

MESSAGES = [
    {"role": "system", "content": "You compare two answers and say which one is better."},
    {
        "role": "user",
        "content": "Question: How many legs has a spider?\n\nAssistant 1: A spider has eight legs — it is an arachnid, not an insect."
        "\n\nAssistant 2: Six.\n\nThink about both answers. Then write \\boxed{Assistant 1} or \\boxed{Assistant 2}. 🕷️ naïve 12345",
    },
]
POSITIONS, LARGEST, SAMPLED, GREEDY = 24, 32, 512, 24


def rounded(numbers: torch.Tensor) -> list[float]:
    return [float(f"{number:.7g}") for number in numbers.tolist()]


@torch.no_grad()
def main(folder: Path, target: Path) -> None:
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tokens = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True, tokenize=True, return_dict=False)
    logits = model(torch.tensor([tokens])).logits[0]
    sampled = torch.randperm(logits.shape[1])[:SAMPLED].sort().values
    rows = []
    for position in sorted({round(i * (len(tokens) - 1) / (POSITIONS - 1)) for i in range(POSITIONS)}):
        largest = logits[position].topk(LARGEST)
        row = {"position": position, "largest": largest.indices.tolist(), "values": rounded(largest.values)}
        rows.append(row | {"sampled": rounded(logits[position][sampled])})
    chosen = []
    for _ in range(GREEDY):
        best = model(torch.tensor([tokens + chosen])).logits[0, -1].topk(2)
        print(f"margin {best.values[0] - best.values[1]:.4f}", file=sys.stderr)
        chosen.append(int(best.indices[0]))
    golden = {"messages": MESSAGES, "tokens": tokens, "greedy": chosen, "sampled": sampled.tolist()}
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    head = json.dumps(golden, separators=(",", ":"), ensure_ascii=False)
    target.write_text(head[:-1] + ',\n"rows":[\n' + lines + "\n]}\n")
    print(f"{target}: {target.stat().st_size:,} bytes, {tokenizer.decode(chosen)!r}", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 3:
        sys.exit(__doc__)
    here = Path(__file__).resolve().parent.parent
    defaults = [here / "models/SmolLM2-135M-Instruct", here / "crates/rrm-nn/tests/golden/smollm2.json"]
    main(*(Path(given) for given in sys.argv[1:]), *defaults[len(sys.argv) - 1 :])
