"""One judging job with parts of the local engine switched off in turn -> a Markdown table of time and tokens.

    cargo build --release -p rrm-nn --example judging_job
    python3 benches/local_engine/make_models.py S
    python3 benches/local_engine/judging_job.py --rounds 3

Four prompts with eight responses of 100 tokens each, a knockout, eight votes a match, thinking cut after 128 tokens, on the random model S, for
prompts of 300, 700 and 2,000 tokens. Whatever is switched off, the ranking must be the same; and where the same votes are asked for, so must
every text: the script stops otherwise.
"""

import sys

from judging import middle, once, parser, save, spread

VARIANTS = {
    "everything on": [],
    "no prefix sharing": ["--no-prefix-sharing"],
    "no batching": ["--max-batch", "1"],
    "all votes asked for": ["--adaptive", "off"],
    "all at once, cancelled when settled": ["--adaptive", "eager"],
    "none of the three": ["--no-prefix-sharing", "--max-batch", "1", "--adaptive", "off"],
}


def check(length: int, results: dict[str, dict]) -> None:
    """Stops where a switch changed a ranking or a text."""
    if len({str(result["orders"]) for result in results.values()}) > 1:
        sys.exit(f"prompts of {length} tokens: rankings differ")
    for adaptive in ("sparing", "off"):
        if len({result["texts"] for result in results.values() if result["adaptive"] == adaptive}) > 1:
            sys.exit(f"prompts of {length} tokens, adaptive {adaptive}: texts differ")


def table(rounds: dict[tuple[int, str], list[dict]]) -> str:
    """One line for each length and variant."""
    heads = ["prompt", "switched off", "seconds", "range", "everything on = 1", "calls", "votes counted"]
    heads += ["tokens of requests", "tokens evaluated", "tokens drawn", "peak tokens in cache"]
    out = [f"| {' | '.join(heads)} |", "|--:|---" + "|--:" * (len(heads) - 2) + "|"]
    for (length, variant), results in rounds.items():
        base = middle(rounds[length, "everything on"], "seconds")
        low, high = spread(results, "seconds")
        counts = ["calls", "counted_votes", "tokens_of_requests", "tokens_evaluated", "tokens_drawn", "peak_cache_tokens"]
        seconds = middle(results, "seconds")
        cells = [f"{length:,}", variant, f"{seconds:.2f}", f"{low:.2f}-{high:.2f}", f"{seconds / base:.2f}"]
        out.append(f"| {' | '.join(cells + [f'{middle(results, key):,.0f}' for key in counts])} |")
    return "\n".join(out)


def main() -> None:
    options = parser(__doc__, rounds=3, out="judging_job.json")
    options.add_argument("--prompt-tokens", nargs="+", type=int, default=[300, 700, 2000])
    options.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    given = options.parse_args()
    variants = {name: VARIANTS[name] for name in VARIANTS if name in given.only}
    rounds: dict[tuple[int, str], list[dict]] = {(length, name): [] for length in given.prompt_tokens for name in variants}
    for turn in range(given.rounds):
        for length in given.prompt_tokens:
            results = {}
            for name, switches in variants.items():
                results[name] = once(given, "--prompt-tokens", length, *switches)
                rounds[length, name].append(results[name])
                print(f"round {turn + 1}, {length} tokens, {name}: {results[name]['seconds']:.2f} s", file=sys.stderr)
            check(length, results)
    save(given.out, [{"variant": name, **result} for (_, name), many in rounds.items() for result in many])
    print(table(rounds))


if __name__ == "__main__":
    main()
