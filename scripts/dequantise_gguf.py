#!/usr/bin/env python3
"""A GGUF file -> a folder that transformers loads: float weights, tokenizer and chat template.

    dequantise_gguf.py MODEL.gguf FOLDER [float32|bfloat16]

Needs the packages torch, transformers and gguf. Nothing is fetched: GGUF holds all that is needed.
"""

import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402


def load(source: Path, dtype: torch.dtype):
    """The model with float weights. transformers 5 keeps GGUF blocks as they are unless it is told otherwise; 4 always made floats."""
    options = {"gguf_file": source.name, "dtype": dtype}
    try:
        from transformers import GgufConfig

        options["quantization_config"] = GgufConfig(dequantize=True)
    except ImportError:
        pass
    model = AutoModelForCausalLM.from_pretrained(source.parent, **options)
    # What is saved is no GGUF any more, and says which class it is.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer, model.is_quantized = None, False
    model.config.architectures = [type(model).__name__]
    return model


def main(source: str, target: str, dtype: str = "float32") -> None:
    path = Path(source).resolve()
    model = load(path, getattr(torch, dtype))
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    if not tokenizer.chat_template:
        sys.exit(f"error: {source} has no chat template")
    # A server takes from here what a request does not say: which token ends a turn, and that tokens are drawn, from all of them.
    # Without do_sample `transformers serve` ignores every temperature; with it a temperature of 0 is still greedy.
    model.generation_config.do_sample, model.generation_config.top_k = True, 0
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    print(f"{target}: {model.num_parameters():,} parameters as {dtype}", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
