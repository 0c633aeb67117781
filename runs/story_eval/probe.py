"""A checkpoint and rows of `check` or `judge` -> how often each kind of token is right, when all before it is as it should be.

    python3 runs/story_eval/probe.py ROOT/seed-0/parts/last ROOT/data/check.jsonl [COUNT]      # needs numpy

It says which part of judging is not learnt yet: reading, calculating, comparing or quoting.
"""

import collections
import json
import pathlib
import re
import struct
import sys

import numpy as np


class Vocabulary:
    """The tokens of a folder: whole texts first, then words."""

    WORD = re.compile(r" ?[A-Za-z]+| ?[0-9]+| ?[^A-Za-z0-9 \n]|\n| ")

    def __init__(self, folder: pathlib.Path) -> None:
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        self.added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
        self.words = tokenizer["model"]["vocab"]
        longest = sorted(self.added, key=len, reverse=True)
        self.whole = re.compile("|".join(map(re.escape, longest)))
        printable = [b for b in range(256) if 33 <= b <= 126 or 0xA1 <= b <= 0xAC or 0xAE <= b]
        others = [b for b in range(256) if b not in printable]
        self.letters = {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}

    def encode(self, text: str) -> list[tuple[int, str]]:
        """Tokens with their texts."""
        tokens, at = [], 0
        for match in self.whole.finditer(text):
            tokens += self.plain(text[at : match.start()]) + [(self.added[match.group()], match.group())]
            at = match.end()
        return tokens + self.plain(text[at:])

    def plain(self, text: str) -> list[tuple[int, str]]:
        spelled = lambda word: "".join(self.letters[b] for b in word.encode())
        return [(self.words[spelled(word)], word) for word in self.WORD.findall(text)]


class Decoder:
    """A Qwen2 folder in f32."""

    def __init__(self, folder: pathlib.Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        self.layers, self.heads = config["num_hidden_layers"], config["num_attention_heads"]
        self.groups = self.heads // config["num_key_value_heads"]
        self.depth = config["hidden_size"] // self.heads
        data = (folder / "model.safetensors").read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header, data = json.loads(data[8 : 8 + length]), data[8 + length :]
        self.tensors = {
            name: np.frombuffer(data[slice(*at["data_offsets"])], np.float32).reshape(at["shape"])
            for name, at in header.items()
            if name != "__metadata__"
        }

    def linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.tensors[f"{name}.weight"].T + self.tensors.get(f"{name}.bias", 0)

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * self.tensors[f"{name}.weight"]

    def turned(self, x: np.ndarray) -> np.ndarray:
        half = self.depth // 2
        angle = np.arange(len(x))[:, None] / 10000.0 ** (np.arange(half) / half)
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)

    def attention(self, x: np.ndarray, name: str) -> np.ndarray:
        heads = lambda what: self.linear(x, f"{name}.{what}_proj").reshape(len(x), -1, self.depth)
        q, k, v = self.turned(heads("q")), self.turned(heads("k")), heads("v")
        k, v = np.repeat(k, self.groups, 1), np.repeat(v, self.groups, 1)
        scores = np.einsum("ihd,jhd->hij", q, k) / self.depth**0.5
        scores = np.where(np.tril(np.ones((len(x), len(x)), bool)), scores, -1e9)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return self.linear(np.einsum("hij,jhd->ihd", weights, v).reshape(len(x), -1), f"{name}.o_proj")

    def logits(self, tokens: list[int]) -> np.ndarray:
        x = self.tensors["model.embed_tokens.weight"][tokens]
        for layer in range(self.layers):
            name = f"model.layers.{layer}"
            x = x + self.attention(self.norm(x, f"{name}.input_layernorm"), f"{name}.self_attn")
            y = self.norm(x, f"{name}.post_attention_layernorm")
            gate = self.linear(y, f"{name}.mlp.gate_proj")
            x = x + self.linear(gate / (1 + np.exp(-gate)) * self.linear(y, f"{name}.mlp.up_proj"), f"{name}.mlp.down_proj")
        return self.norm(x, "model.norm") @ self.tensors["lm_head.weight"].T


def kind(last: list[str], token: str) -> str:
    """What it takes to write a token, by the three before it."""
    operators, before = (" +", " -", " ×", " ÷"), last[-1]
    if before == " =":
        return f"result of{last[0]}"
    if before.endswith(" says"):
        return f"what assistant {before[-6]} says"
    if last[-2].endswith(" says"):
        return f"unit of assistant {last[-2][-6]}" if token not in (", right.", ", wrong.") else f"mark{token[1:]}"
    if token in (", right.", ", wrong."):
        return f"mark{token[1:]}"
    if token in operators:
        return "operator"
    if before in operators:
        return "right operand"
    if re.fullmatch(r"\s?Step \d:", before):
        return "left operand"
    if before.endswith("{Assistant"):
        return "verdict"
    if re.fullmatch(r"\s?Step \d:", token):
        return "label"
    if token == "\n" or "think" in token or "Assistant" in token or token == "}":
        return "structure"
    return "quote and the rest"


def main() -> None:
    folder, rows = pathlib.Path(sys.argv[1]), sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    vocabulary, decoder = Vocabulary(folder), Decoder(folder)
    right, surprise = collections.defaultdict(list), collections.defaultdict(list)
    with open(rows) as lines:
        for _, line in zip(range(count), lines):
            row = json.loads(line)
            turns = "".join(f"<|{turn['role']}|>{turn['content']}" for turn in row["prompt"])
            prompt, written = vocabulary.encode(turns + "<|assistant|>"), vocabulary.encode(row["completion"])
            tokens = prompt + written
            logits = decoder.logits([token for token, _ in tokens])
            logits -= logits.max(-1, keepdims=True)
            logprobs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
            for at in range(len(prompt), len(tokens)):
                what = kind([text for _, text in tokens[at - 3 : at]], tokens[at][1])
                right[what].append(logits[at - 1].argmax() == tokens[at][0])
                surprise[what].append(-logprobs[at - 1, tokens[at][0]])
    for what in sorted(right):
        print(f"{what:24} {len(right[what]):6} right {np.mean(right[what]):.3f} nll {np.mean(surprise[what]):.3f}")


if __name__ == "__main__":
    main()
