"""A folder -> JSON lines: how fast `generate` of transformers decodes it greedily.

    python3 benches/local_engine/peer_transformers.py target/local_engine/S --cache dynamic static

f32, `sdpa` attention, `use_cache`, greedy, end tokens off so that every sequence writes as much, inference mode; nothing is compiled, as
`generate` does not compile on CPUs by itself. Both kinds of cache can be measured; run.py compares with the faster one.
"""

import time

import torch
from transformers import AutoModelForCausalLM, GenerationConfig, LogitsProcessor, LogitsProcessorList

from workload import Job, Took, jobs, line, prompts


class Clock(LogitsProcessor):
    """Notes when logits are there and changes nothing."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self.times.append(time.perf_counter())
        return scores


def decode(model: torch.nn.Module, job: Job, cache: str) -> tuple[Took, list[list[int]]]:
    """One repetition: the first logits end the prefill, the last of `new_tokens` further steps end the decoding."""
    config = GenerationConfig(
        max_new_tokens=job.new_tokens + 1,
        do_sample=False,
        use_cache=True,
        cache_implementation=None if cache == "dynamic" else cache,
        eos_token_id=None,
        pad_token_id=0,
    )
    ids = torch.tensor(prompts(job))
    clock = Clock()
    started = time.perf_counter()
    output = model.generate(
        ids, attention_mask=torch.ones_like(ids), generation_config=config, logits_processor=LogitsProcessorList([clock])
    )
    if len(clock.times) != job.new_tokens + 1:
        raise SystemExit(f"{len(clock.times)} steps instead of {job.new_tokens + 1}")
    written = output[:, job.prompt_tokens : job.prompt_tokens + job.new_tokens]
    return Took(clock.times[0] - started, clock.times[-1] - clock.times[0]), written.tolist()


def main() -> None:
    import transformers

    wanted, given = jobs(__doc__)
    torch.set_num_threads(given.threads)
    model = AutoModelForCausalLM.from_pretrained(given.folder, dtype=torch.float32, attn_implementation="sdpa").eval()
    model.generation_config.eos_token_id = None
    with torch.inference_mode():
        for job in wanted:
            for cache in given.cache:
                decode(model, job._replace(new_tokens=min(16, job.new_tokens)), cache)
                took, tokens = zip(*(decode(model, job, cache) for _ in range(given.repeats)))
                engine = f"transformers {transformers.__version__} generate, {cache} cache"
                print(line(engine, job, list(took), tokens[0]), flush=True)


if __name__ == "__main__":
    main()
