"""The numbers of a run -> SVG figures. Shares are in percent with their 95% intervals; text stays text, and the same numbers give the same files."""

import pathlib
import typing

import matplotlib

from tables import GROUPS, KINDS, Numbers, find

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "rrm", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3})

from matplotlib import pyplot, ticker  # noqa: E402

COLOURS = {"base": "#8a8a8a", "rrm": "#1f5a93", "direct": "#c4612f"}
METHODS = {
    "knockout": ("#1f5a93", "-", "o"),
    "Elo, all pairs": ("#3b8f5a", "-", "^"),
    "majority answer": ("#c4612f", "--", "s"),
    "oracle": ("#333333", ":", None),
    "random sample": ("#8a8a8a", "--", None),
    "knockout by the base": ("#9db8d2", "-", "v"),
    "knockout by DirectJudge": ("#e0b39b", "-", "D"),
}


def line(axes: typing.Any, points: list[tuple[float, dict]], **style: typing.Any) -> None:
    """Shares with the bars of their intervals."""
    points = sorted(points, key=lambda point: point[0])
    middle = [100 * share["value"] for _, share in points]
    bars = [[100 * (s["value"] - s["low"]) for _, s in points], [100 * (s["high"] - s["value"]) for _, s in points]]
    axes.errorbar([x for x, _ in points], middle, bars, markersize=3, capsize=2, linewidth=1.2, **style)


def chance(axes: typing.Any) -> None:
    axes.axhline(50, color="#333333", linewidth=0.8, linestyle=":")


def powers(axis: typing.Any, ticks: list[float]) -> None:
    """A doubling scale with plain numbers."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(ticks)
    axis.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    axis.minorticks_off()


def save(plot: typing.Any, path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    plot.savefig(path, metadata={"Date": None})
    pyplot.close(plot)


def accuracy(numbers: Numbers, path: pathlib.Path) -> str:
    plot, axes = pyplot.subplots(figsize=(6.4, 3.6), layout="constrained")
    lengths = [entry for entry in numbers["accuracy"] if entry["group"].startswith("n=")]
    for place, (kind, name) in enumerate(KINDS.items()):
        for sampling, style in (("sampled", "-"), ("greedy", "--")):
            # Side by side, so that no bar hides another.
            shift = 0.06 * (2 * place - 2 + (sampling == "greedy"))
            points = [(int(e["group"][2:]) + shift, e["accuracy"]) for e in lengths if (e["kind"], e["sampling"]) == (kind, sampling)]
            if points:
                line(axes, points, color=COLOURS[kind], linestyle=style, marker="o", label=f"{name}, {sampling}")
    trained = numbers["setup"]["trained_steps"]
    axes.axvspan(min(trained) - 0.4, max(trained) + 0.4, color="#1f5a93", alpha=0.06, label="lengths of stage 2")
    chance(axes)
    axes.set_xticks(sorted(map(int, numbers["setup"]["pairs"])))
    axes.set_xlabel("steps of the problem")
    axes.set_ylabel("right verdicts (%)")
    plot.legend(loc="outside lower center", ncols=3, fontsize=8)
    save(plot, path)
    return "accuracy against the number of steps"


def votes(numbers: Numbers, path: pathlib.Path) -> str:
    present = [group for group in GROUPS if find(numbers["votes"], group=group)]
    plot, panels = pyplot.subplots(1, len(present), figsize=(2 + 3 * len(present), 3.6), sharey=True, squeeze=False, layout="constrained")
    for axes, group in zip(panels[0], present, strict=True):
        for kind, name in KINDS.items():
            entries = [e for e in numbers["votes"] if (e["group"], e["kind"]) == (group, kind)]
            # An even number of votes can be undecided, so odd and even ones make two curves.
            for parity, style in ((1, "-"), (0, ":")):
                points = [(e["votes"], e["accuracy"]) for e in entries if e["votes"] % 2 == parity]
                label = f"{name}, {'odd' if parity else 'even'} number of votes"
                if points:
                    line(axes, points, color=COLOURS[kind], linestyle=style, marker="o", label=label)
        chance(axes)
        axes.set_title(GROUPS[group], fontsize=9)
        axes.set_xlabel("votes a pair")
    panels[0, 0].set_ylabel("right majorities (%)")
    plot.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    save(plot, path)
    return "accuracy of the majority against the number of votes"


def tokens(numbers: Numbers, path: pathlib.Path) -> str:
    present = [group for group in GROUPS if find(numbers["votes"], group=group)]
    plot, panels = pyplot.subplots(1, len(present), figsize=(2 + 3 * len(present), 3.6), sharey=True, squeeze=False, layout="constrained")
    for axes, group in zip(panels[0], present, strict=True):
        for kind, name in KINDS.items():
            voted = [e for e in numbers["votes"] if (e["group"], e["kind"]) == (group, kind) and e["votes"] % 2]
            cut = [e for e in numbers["budgets"] if (e["group"], e["kind"]) == (group, kind)]
            if voted:
                line(axes, [(e["tokens"], e["accuracy"]) for e in voted], color=COLOURS[kind], marker="o", label=f"{name}, 1, 3, 5 ... votes")
            if cut:
                label = f"{name}, one vote, thinking cut"
                line(axes, [(e["tokens"], e["accuracy"]) for e in cut], color=COLOURS[kind], linestyle="--", marker="x", label=label)
        chance(axes)
        powers(axes, [1 << power for power in range(0, 11, 2)])
        axes.set_title(GROUPS[group], fontsize=9)
        axes.set_xlabel("tokens written a pair")
    panels[0, 0].set_ylabel("right (%)")
    plot.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    save(plot, path)
    return "accuracy against tokens written, by votes and by thinking budget"


def best_of_n(numbers: Numbers, path: pathlib.Path) -> str:
    lengths = list(dict.fromkeys(entry["steps"] for entry in numbers["best_of_n"]))
    plot, panels = pyplot.subplots(1, len(lengths), figsize=(max(5.5, 4 * len(lengths)), 3.8), sharey=True, squeeze=False, layout="constrained")
    for axes, steps in zip(panels[0], lengths, strict=True):
        for method, (colour, style, marker) in METHODS.items():
            points = [(e["n"], e["accuracy"]) for e in numbers["best_of_n"] if (e["steps"], e["method"]) == (steps, method)]
            if points:
                line(axes, points, color=colour, linestyle=style, marker=marker, label=method)
        powers(axes, sorted({entry["n"] for entry in numbers["best_of_n"]}))
        axes.set_title(f"problems with {steps} steps", fontsize=9)
        axes.set_xlabel("N, samples of the solver")
    panels[0, 0].set_ylabel("right answer picked (%)")
    plot.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    save(plot, path)
    return "best of N by knockout and Elo beside majority, chance and oracle"


def comparisons(numbers: Numbers, path: pathlib.Path) -> str:
    plot, axes = pyplot.subplots(figsize=(5.5, 3.2), layout="constrained")
    entries = numbers["comparisons"]
    for steps, colour in zip(dict.fromkeys(e["steps"] for e in entries), ("#3b8f5a", "#1f5a93", "#c4612f"), strict=False):
        here = [(e["comparisons"], e["accuracy"]) for e in entries if e["steps"] == steps]
        line(axes, here, color=colour, marker="^", label=f"Elo's pick, {steps} steps")
        most = max(e["n"] for e in entries)
        if knockout := find(numbers["best_of_n"], steps=steps, n=most, method="knockout"):
            line(axes, [(knockout["comparisons"], knockout["accuracy"])], color=colour, marker="o", linestyle="", label=f"knockout, {steps} steps")
    powers(axes, [8, 16, 32, 64, 128, 256, 512])
    axes.set_xlabel("comparisons a problem")
    axes.set_ylabel("right answer picked (%)")
    plot.legend(loc="outside lower center", ncols=2, fontsize=8)
    save(plot, path)
    return "Elo's pick against the number of comparisons"


def training(numbers: Numbers, path: pathlib.Path) -> str:
    plot, (left, right) = pyplot.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")
    seeds = sorted({entry["seed"] for entry in numbers["curve"]})
    for seed, colour in zip(seeds, ("#1f5a93", "#3b8f5a", "#c4612f", "#8a8a8a"), strict=False):
        for sampling, style in (("sampled", "-"), ("greedy", "--")):
            points = [(e["step"], e[sampling]) for e in numbers["curve"] if e["seed"] == seed]
            line(left, points, color=colour, linestyle=style, marker="o", label=f"seed {seed}, {sampling}")
    left.set_xlabel("steps of GRPO")
    left.set_ylabel("right verdicts (%), lengths of stage 2")
    left.legend(fontsize=7)
    for kind in ("base", "rrm"):
        for sampling, style in (("sampled", "-"), ("greedy", "--")):
            points = [(e["parameters"] / 1000, e[sampling]) for e in numbers["sizes"] if e["kind"] == kind]
            if points:
                line(right, points, color=COLOURS[kind], linestyle=style, marker="o", label=f"{KINDS[kind]}, {sampling}")
    right.set_xscale("log")
    parameters = sorted({entry["parameters"] / 1000 for entry in numbers["sizes"]})
    right.set_xticks(parameters)
    right.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    right.minorticks_off()
    right.set_xlabel("parameters (thousands), seed 0")
    right.legend(fontsize=7)
    for axes in (left, right):
        chance(axes)
    save(plot, path)
    return "accuracy against steps of GRPO and against parameters"


# Figure -> the numbers that it needs.
FIGURES = {
    accuracy: ("accuracy",),
    votes: ("votes",),
    tokens: ("votes", "budgets"),
    best_of_n: ("best_of_n",),
    comparisons: ("comparisons", "best_of_n"),
    training: ("curve", "sizes"),
}


def draw(numbers: Numbers, folder: pathlib.Path) -> dict[str, str]:
    """Writes every figure whose numbers are there; name of its place in the document -> the Markdown that shows it."""
    shown = {}
    for make, needed in FIGURES.items():
        if all(numbers.get(key) for key in needed):
            path = folder / f"miniature_{make.__name__}.svg"
            shown[f"figure {make.__name__}"] = f"![{make(numbers, path)}](figures/{path.name})"
    return shown
