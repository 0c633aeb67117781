"""PyTorch's plain training step on the shapes of `train_speed`: forward, cross-entropy, backward, AdamW. `peer.py S|M|T [steps] [threads] [update]`
prints the median seconds of a step, tokens per second and peak memory as one line of JSON."""

import json
import resource
import sys
import time

import torch
import torch.nn.functional as F

# Vocabulary, hidden size, layers, heads, heads of keys and values, inner size, sequences, tokens of each.
SHAPES = {"S": (2048, 256, 6, 4, 2, 768, 16, 256), "M": (49152, 576, 30, 9, 3, 1536, 2, 256), "T": (64, 128, 2, 4, 2, 256, 128, 48)}


class Layer(torch.nn.Module):
    def __init__(self, hidden, heads, kv_heads, inner):
        super().__init__()
        self.heads, self.kv_heads, self.width = heads, kv_heads, hidden // heads
        linear = lambda inputs, outputs: torch.nn.Linear(inputs, outputs, bias=False)
        self.norm1, self.norm2 = torch.nn.RMSNorm(hidden, 1e-5), torch.nn.RMSNorm(hidden, 1e-5)
        self.q, self.o = linear(hidden, hidden), linear(hidden, hidden)
        self.k, self.v = linear(hidden, kv_heads * self.width), linear(hidden, kv_heads * self.width)
        self.gate, self.up, self.down = linear(hidden, inner), linear(hidden, inner), linear(inner, hidden)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape
        split = lambda y, heads: y.view(batch, length, heads, self.width).transpose(1, 2)
        y = self.norm1(x)
        q, k = turn(split(self.q(y), self.heads), cos, sin), turn(split(self.k(y), self.kv_heads), cos, sin)
        y = F.scaled_dot_product_attention(q, k, split(self.v(y), self.kv_heads), is_causal=True, enable_gqa=True)
        x = x + self.o(y.transpose(1, 2).reshape(batch, length, -1))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Decoder(torch.nn.Module):
    def __init__(self, vocabulary, hidden, layers, heads, kv_heads, inner, length):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, hidden)
        self.layers = torch.nn.ModuleList(Layer(hidden, heads, kv_heads, inner) for _ in range(layers))
        self.norm = torch.nn.RMSNorm(hidden, 1e-5)
        width = hidden // heads
        angles = torch.outer(torch.arange(length).float(), 10000.0 ** (-torch.arange(0, width, 2) / width))
        self.cos, self.sin = angles.cos(), angles.sin()

    def forward(self, tokens):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return F.linear(self.norm(x), self.embedding.weight)


def turn(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def main():
    shape = sys.argv[1] if len(sys.argv) > 1 else "S"
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    torch.set_num_threads(int(sys.argv[3]) if len(sys.argv) > 3 else 2)
    update = sys.argv[4] if len(sys.argv) > 4 else "fused"
    *sizes, sequences, length = SHAPES[shape]
    torch.manual_seed(0)
    model = Decoder(*sizes, length)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.02)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.01, **{update: True})
    tokens = torch.randint(0, sizes[0], (sequences, length + 1))
    times = []
    for step in range(steps + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        logits = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.view(-1, sizes[0]), tokens[:, 1:].reshape(-1))
        loss.backward()
        passed = time.perf_counter() - start
        optimizer.step()
        seconds = time.perf_counter() - start
        print(f"step {step}: loss {loss.item():.4f}, passes {passed:.3f} s, update {seconds - passed:.3f} s, all {seconds:.3f} s", file=sys.stderr)
        if step > 0:
            times.append(seconds)
    times.sort()
    median = times[len(times) // 2]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    result = {"seconds": round(median, 4), "best": round(times[0], 4), "tokens_per_second": round(sequences * length / median), "peak_mib": peak}
    print(json.dumps(result))


main()
