"""How the cost of ranking grows with votes, responses and the prompt's length -> a Markdown table and a figure.

    cargo build --release -p rrm-nn --example judging_job
    /tmp/peer/bin/python benches/local_engine/cost.py --rounds 3 --figure docs/figures/local_engine_cost.svg

One prompt of 300 tokens, 8 responses of 100 tokens, a knockout with 8 votes a match, thinking cut after 128 tokens, on the random model S; one of
the three grows at a time. Once with all votes, once with adaptive voting (sparing) of a judge that is right 80% of the time.
"""

import argparse
import pathlib
import sys

import matplotlib

from judging import middle, once, parser, save, spread

SWEEPS = {
    "votes": [1, 2, 4, 8, 16, 32, 64],
    "responses": [2, 4, 8, 16, 32, 64],
    "prompt-tokens": [100, 250, 500, 1000, 2000, 4000],
}
LABELS = {"votes": "votes a match", "responses": "responses", "prompt-tokens": "tokens of the prompt"}
VOTING = {"off": "all votes", "sparing": "adaptive"}
LINES = [("tokens_evaluated", "-", "tokens evaluated"), ("tokens_drawn", ":", "tokens drawn"), ("tokens_of_requests", "--", "tokens of requests")]

Rounds = dict[tuple[str, int, str], list[dict]]


def table(rounds: Rounds) -> str:
    """One line for each point."""
    heads = ["grows", "to", "voting", "seconds", "range", "calls", "tokens of requests", "tokens evaluated", "tokens drawn", "peak tokens in cache"]
    out = [f"| {' | '.join(heads)} |", "|---|--:|---" + "|--:" * (len(heads) - 3) + "|"]
    for (what, size, adaptive), results in rounds.items():
        low, high = spread(results, "seconds")
        cells = [LABELS[what], f"{size:,}", VOTING[adaptive], f"{middle(results, 'seconds'):.2f}", f"{low:.2f}-{high:.2f}"]
        counts = ["calls", "tokens_of_requests", "tokens_evaluated", "tokens_drawn", "peak_cache_tokens"]
        out.append(f"| {' | '.join(cells + [f'{middle(results, key):,.0f}' for key in counts])} |")
    return "\n".join(out)


def figure(rounds: Rounds, path: pathlib.Path) -> None:
    """Seconds above, tokens below, each against what grows; lines are medians, bars go from the least to the most."""
    matplotlib.use("svg")
    # Text stays text, and the same numbers give the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "rrm", "font.size": 9})
    from matplotlib import pyplot, ticker

    plot, panels = pyplot.subplots(2, len(SWEEPS), figsize=(10, 6), sharey="row", layout="constrained")
    for column, what in enumerate(SWEEPS):
        for adaptive, colour in (("off", "#1f5a93"), ("sparing", "#c4612f")):
            points = sorted((size, results) for (swept, size, how), results in rounds.items() if swept == what and how == adaptive)
            sizes = [size for size, _ in points]
            seconds = [middle(results, "seconds") for _, results in points]
            ends = [spread(results, "seconds") for _, results in points]
            bars = [[s - low for s, (low, _) in zip(seconds, ends)], [high - s for s, (_, high) in zip(seconds, ends)]]
            panels[0, column].errorbar(sizes, seconds, bars, color=colour, marker="o", markersize=3, capsize=2)
            for key, style, name in LINES:
                tokens = [middle(results, key) for _, results in points]
                panels[1, column].plot(sizes, tokens, style, color=colour, marker="o", markersize=3, label=f"{VOTING[adaptive]}: {name}")
        for panel in panels[:, column]:
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.set_xticks(SWEEPS[what])
            panel.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
            panel.minorticks_off()
            panel.grid(alpha=0.3)
        panels[1, column].set_xlabel(LABELS[what])
    panels[0, 0].set_ylabel("seconds")
    panels[1, 0].set_ylabel("tokens")
    plot.legend(*panels[1, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, handlelength=3, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    plot.savefig(path, metadata={"Date": None})


def measure(given: argparse.Namespace) -> Rounds:
    """Every point once in each round."""
    points = [(what, size, adaptive) for what, sizes in SWEEPS.items() for size in sizes for adaptive in VOTING]
    rounds: Rounds = {point: [] for point in points}
    for turn in range(given.rounds):
        for what, size, adaptive in points:
            base = ["--prompts", 1, "--adaptive", adaptive]
            result = once(given, *base, f"--{what}", size)
            rounds[what, size, adaptive].append(result)
            print(f"round {turn + 1}, {what} {size}, {adaptive}: {result['seconds']:.2f} s", file=sys.stderr)
    return rounds


def main() -> None:
    options = parser(__doc__, rounds=3, out="cost.json")
    options.add_argument("--figure", type=pathlib.Path, help="where the figure goes, an SVG file")
    given = options.parse_args()
    rounds = measure(given)
    save(given.out, [{"grows": what, "to": size, **result} for (what, size, _), many in rounds.items() for result in many])
    if given.figure:
        figure(rounds, given.figure)
    print(table(rounds))


if __name__ == "__main__":
    main()
