"""A folder -> JSON lines: how fast a plain PyTorch loop decodes it greedily. The peer that has nothing between it and the kernels.

    python3 benches/local_engine/peer_torch.py target/local_engine/S --batches 1 16

Cache allocated beforehand, `scaled_dot_product_attention` with grouped heads, inference mode, f32; no stopping, sampling or bookkeeping.
"""

import json
import time

import safetensors.torch
import torch
import torch.nn.functional as F

from workload import Job, Took, jobs, line, prompts


class Model:
    """A Llama model's weights and shape."""

    def __init__(self, job: Job, positions: int) -> None:
        self.shape = json.loads((job.folder / "config.json").read_text())
        self.heads, self.kv_heads = self.shape["num_attention_heads"], self.shape["num_key_value_heads"]
        self.head, self.hidden = self.shape["head_dim"], self.shape["hidden_size"]
        self.epsilon = self.shape["rms_norm_eps"]
        weights = safetensors.torch.load_file(job.folder / "model.safetensors")
        self.embedding, self.norm = weights["model.embed_tokens.weight"], weights["model.norm.weight"]
        self.layers = []
        for layer in range(self.shape["num_hidden_layers"]):
            names = ["input_layernorm", *(f"self_attn.{n}_proj" for n in "qkvo"), "post_attention_layernorm"]
            names += [f"mlp.{n}_proj" for n in ("gate", "up", "down")]
            self.layers.append([weights[f"model.layers.{layer}.{name}.weight"] for name in names])
        frequencies = 1 / self.shape["rope_theta"] ** (torch.arange(0, self.head, 2).float() / self.head)
        angles = torch.outer(torch.arange(positions).float(), frequencies)  # (positions, head / 2)
        self.cos, self.sin = angles.cos(), angles.sin()

    def cache(self, batch: int, positions: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Room for keys and values of every layer, each (batch, kv heads, positions, head)."""
        size = (batch, self.kv_heads, positions, self.head)
        return [(torch.zeros(size), torch.zeros(size)) for _ in self.layers]

    def logits(self, tokens: torch.Tensor, cache: list, position: int) -> torch.Tensor:
        """Logits after the last of `tokens` (batch, T), which stand at `position` and after it -> (batch, vocabulary)."""
        batch, count = tokens.shape
        end = position + count
        cos, sin = self.cos[position:end], self.sin[position:end]
        x = F.embedding(tokens, self.embedding)  # (batch, T, hidden)
        for (norm, wq, wk, wv, wo, norm_2, gate, up, down), (keys, values) in zip(self.layers, cache):
            y = F.rms_norm(x, (self.hidden,), norm, self.epsilon)
            q = F.linear(y, wq).view(batch, count, self.heads, self.head).transpose(1, 2)
            k = F.linear(y, wk).view(batch, count, self.kv_heads, self.head).transpose(1, 2)
            v = F.linear(y, wv).view(batch, count, self.kv_heads, self.head).transpose(1, 2)
            keys[:, :, position:end] = rotated(k, cos, sin)
            values[:, :, position:end] = v
            attended = F.scaled_dot_product_attention(
                rotated(q, cos, sin), keys[:, :, :end], values[:, :, :end], is_causal=count > 1, enable_gqa=True
            )
            x = x + F.linear(attended.transpose(1, 2).reshape(batch, count, -1), wo)
            y = F.rms_norm(x, (self.hidden,), norm_2, self.epsilon)
            x = x + F.linear(F.silu(F.linear(y, gate)) * F.linear(y, up), down)
        return F.linear(F.rms_norm(x[:, -1], (self.hidden,), self.norm, self.epsilon), self.embedding)


def rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary position embedding, halves paired as Llama pairs them."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def decode(model: Model, job: Job, gaps: list[torch.Tensor] | None = None) -> tuple[Took, list[list[int]]]:
    """One repetition; where `gaps` is given, the lead of each chosen token over the next likeliest is added to it."""

    def choose(logits: torch.Tensor) -> torch.Tensor:
        if gaps is not None:
            best = logits.topk(2, -1).values
            gaps.append(best[:, 0] - best[:, 1])
        return logits.argmax(-1, keepdim=True)

    cache = model.cache(job.batch, job.prompt_tokens + job.new_tokens)
    started = time.perf_counter()
    token = choose(model.logits(torch.tensor(prompts(job)), cache, 0))
    prefilled = time.perf_counter()
    written = []
    for step in range(job.new_tokens):
        written.append(token)
        token = choose(model.logits(token, cache, job.prompt_tokens + step))
    ended = time.perf_counter()
    return Took(prefilled - started, ended - prefilled), torch.cat(written, 1).tolist()


def main() -> None:
    wanted, given = jobs(__doc__)
    torch.set_num_threads(given.threads)
    with torch.inference_mode():
        for job in wanted:
            model = Model(job, job.prompt_tokens + job.new_tokens)
            decode(model, job._replace(new_tokens=min(16, job.new_tokens)))
            took, tokens = zip(*(decode(model, job) for _ in range(given.repeats)))
            more = {}
            if given.gaps:
                gaps: list[torch.Tensor] = []
                decode(model, job, gaps)
                more["gaps"] = torch.stack(gaps[: job.new_tokens], 1).tolist()
            print(line(f"torch {torch.__version__} loop", job, list(took), tokens[0], **more), flush=True)


if __name__ == "__main__":
    main()
