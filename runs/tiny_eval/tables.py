"""The numbers of a run -> Markdown tables, put between the markers of a document: `<!-- begin NAME -->` and `<!-- end NAME -->`."""

import re
import typing

Numbers = dict[str, typing.Any]
KINDS = {"base": "base", "rrm": "RRM", "direct": "DirectJudge"}
GROUPS = {"trained": "lengths of stage 2", "supervised": "lengths of stage 1 only", "unseen": "lengths never seen"}


def percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}"


def interval(share: dict[str, float] | None) -> str:
    """`95.3 [94.1, 96.2]`, in percent."""
    return "-" if share is None else f"{percent(share['value'])} [{percent(share['low'])}, {percent(share['high'])}]"


def number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def table(head: list[str], body: list[list[str]], text_columns: int = 1) -> str:
    """A Markdown table whose first columns are text."""
    lines = [head, ["---"] * text_columns + ["--:"] * (len(head) - text_columns), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def groups(entries: list[Numbers]) -> list[str]:
    """Groups of lengths, then each length in order."""
    present = dict.fromkeys(entry["group"] for entry in entries)
    lengths = sorted((group for group in present if group.startswith("n=")), key=lambda group: int(group[2:]))
    return [group for group in GROUPS if group in present] + lengths


def find(entries: list[Numbers], **wanted: typing.Any) -> Numbers | None:
    return next((entry for entry in entries if all(entry[key] == value for key, value in wanted.items())), None)


def setup(numbers: Numbers) -> str:
    about = numbers["setup"]
    seen = {"trained": "stages 1 and 2", "supervised": "stage 1", "unseen": "none"}
    lines = [[f"n={steps}", number(count, 0), seen[about["scopes"][steps]]] for steps, count in about["pairs"].items()]
    models = ", ".join(f"{KINDS[kind]} {number(count, 0)}" for kind, count in about["parameters"].items())
    seeds = ", ".join(map(str, about["seeds"]))
    head = f"Seeds {seeds}. Parameters: {models}. All runs together took {number(about['seconds'] / 60)} minutes of one-thread processes.\n\n"
    lines.append(["all", number(sum(about["pairs"].values()), 0), ""])
    return head + table(["steps", "held-out pairs", "seen by"], lines)


def aims(numbers: Numbers) -> str:
    """What was hoped for before anything was measured, and what came."""
    body = []

    def aim(text: str, share: dict[str, float] | None, met: typing.Callable[[float], bool]) -> None:
        if share is not None:
            beyond = met(share["low"]) and met(share["high"])
            answer = "no" if not met(share["value"]) else "yes" if beyond else "yes, but not all of its interval"
            body.append([text, interval(share), answer])

    for sampling in ("sampled", "greedy"):
        before = find(numbers["accuracy"], kind="base", sampling=sampling, group="trained")
        after = find(numbers["accuracy"], kind="rrm", sampling=sampling, group="trained")
        aim(f"the base is plainly imperfect: 60 to 80% ({sampling})", before and before["accuracy"], lambda value: 0.6 <= value <= 0.8)
        aim(f"RRM is right in 95% ({sampling})", after and after["accuracy"], lambda value: value >= 0.95)
        for other, least in (("base", 0.15), ("direct", 0.0)):
            ahead = find(numbers["differences"], sampling=sampling, group="trained", over=other)
            text = "15 points above its base" if other == "base" else "above DirectJudge"
            aim(f"RRM is {text} ({sampling})", ahead and ahead["ahead"], lambda value, least=least: value > least)
    most = max((entry["n"] for entry in numbers["best_of_n"]), default=0)
    for entry in numbers["best_of_n"]:
        if entry["n"] == most and entry["method"] in ("knockout", "Elo, all pairs"):
            name = entry["method"].split(",")[0]
            text = f"best of {most} by {name} is ahead of the majority answer, {entry['steps']} steps"
            aim(text, entry["ahead_of_majority"], lambda value: value > 0)
    for entry in numbers["leaks"]:
        if entry["judge"].startswith("scripted:"):
            aim(f"`{entry['judge']}` is right in 50 +- 2%", entry["sampled"], lambda value: abs(value - 0.5) <= 0.02)
        elif "ahead_of_base" in entry:
            share = entry["ahead_of_base"]
            # Drawn labels hold nothing to learn: chance must explain whatever lead there is.
            aim("trained on labels that say nothing it is not ahead of its base", share, lambda value, low=share["low"]: low <= 0)
    return table(["aim, lengths of stage 2", "met", "measured"], [[text, met, share] for text, share, met in body], 2)


def accuracy(numbers: Numbers) -> str:
    entries = numbers["accuracy"]
    columns = [(kind, sampling) for kind in KINDS for sampling in ("sampled", "greedy") if find(entries, kind=kind, sampling=sampling)]
    body = []
    for group in groups(entries):
        cells = [find(entries, kind=kind, sampling=sampling, group=group) for kind, sampling in columns]
        body.append([GROUPS.get(group, group), number(cells[0]["accuracy"]["pairs"], 0), *(interval(cell and cell["accuracy"]) for cell in cells)])
    return table(["pairs with", "pairs", *(f"{KINDS[kind]}, {sampling}" for kind, sampling in columns)], body)


def seeds(numbers: Numbers) -> str:
    entries = [entry for entry in numbers["accuracy"] if entry["group"] in GROUPS]
    body = []
    for entry in entries:
        many = ", ".join(percent(share) for share in entry["accuracy"]["seeds"])
        cells = [many, interval(entry["consistent"]), interval(entry["right_in_both_orders"])]
        cells += [percent(entry["place_shown_first"]), percent(entry["abstained"], 2), number(entry["tokens"])]
        body.append([KINDS[entry["kind"]], entry["sampling"], GROUPS[entry["group"]], *cells])
    head = ["judge", "drawn", "pairs with", "accuracy of each seed", "both orders agree", "right in both orders"]
    return table([*head, "names the first place", "abstains", "tokens"], body, 3)


def differences(numbers: Numbers) -> str:
    entries = sorted(numbers["differences"], key=lambda entry: list(GROUPS).index(entry["group"]))
    body = [[GROUPS[e["group"]], e["sampling"], f"RRM - {KINDS[e['over']]}", interval(e["ahead"])] for e in entries]
    return table(["pairs with", "drawn", "difference", "points"], body, 3)


def votes(numbers: Numbers) -> str:
    entries = [entry for entry in numbers["votes"] if entry["votes"] in (1, 2, 3, 4, 8, 9, 15, 16)]
    body = []
    for entry in sorted(entries, key=lambda e: (list(GROUPS).index(e["group"]), list(KINDS).index(e["kind"]), e["votes"])):
        cells = [str(entry["votes"]), interval(entry["accuracy"]), percent(entry["undecided"]), number(entry["tokens"])]
        body.append([GROUPS[entry["group"]], KINDS[entry["kind"]], *cells])
    return table(["pairs with", "judge", "votes", "right", "undecided", "tokens a pair"], body, 2)


def budgets(numbers: Numbers) -> str:
    body = []
    for entry in sorted(numbers["budgets"], key=lambda e: (list(GROUPS).index(e["group"]), list(KINDS).index(e["kind"]), e["budget"])):
        cells = [str(entry["budget"]), interval(entry["accuracy"]), percent(entry["abstained"]), number(entry["tokens"])]
        body.append([GROUPS[entry["group"]], KINDS[entry["kind"]], *cells])
    return table(["pairs with", "judge", "thinking budget", "right", "abstains", "tokens"], body, 2)


def best_of_n(numbers: Numbers) -> str:
    entries, parts = numbers["best_of_n"], []
    for steps in dict.fromkeys(entry["steps"] for entry in entries):
        here = [entry for entry in entries if entry["steps"] == steps]
        sizes = sorted({entry["n"] for entry in here})
        body = []
        for method in dict.fromkeys(entry["method"] for entry in sorted(here, key=lambda e: -e["n"])):
            cells = [find(here, method=method, n=n) for n in sizes]
            taken = cells[-1] and cells[-1]["comparisons"]
            ahead = interval(cells[-1] and cells[-1]["ahead_of_majority"])
            body.append([method, *(interval(cell and cell["accuracy"]) for cell in cells), number(taken), ahead])
        problems = here[0]["problems"]
        head = ["picked by", *(f"N = {n}" for n in sizes), f"comparisons at {sizes[-1]}", f"ahead of majority at {sizes[-1]}, points"]
        parts.append(f"Problems with {steps} steps, {problems} of them:\n\n{table(head, body)}")
    return "\n\n".join(parts)


def comparisons(numbers: Numbers) -> str:
    body = [
        [str(e["steps"]), str(e["n"]), str(e["opponents"]), number(e["comparisons"]), interval(e["accuracy"])] for e in numbers["comparisons"]
    ]
    return table(["steps", "responses", "opponents of each", "comparisons", "Elo's pick is right"], body, 0)


def curve(numbers: Numbers) -> str:
    body = []
    for entry in numbers["curve"]:
        cells = [interval(entry["sampled"]), interval(entry["greedy"]), number(entry["sampled_tokens"]), percent(entry["sampled_abstained"], 2)]
        body.append([str(entry["seed"]), str(entry["step"]), *cells])
    return table(["seed", "step", "sampled", "greedy", "tokens", "abstains"], body, 0)


def sizes(numbers: Numbers) -> str:
    body = []
    for entry in numbers["sizes"]:
        cells = [number(entry["parameters"], 0), interval(entry["sampled"]), interval(entry["greedy"]), number(entry["sampled_tokens"])]
        body.append([KINDS[entry["kind"]], *cells])
    return table(["judge", "parameters", "sampled", "greedy", "tokens"], body)


PATTERNS = {
    "thinks": "thinks at all",
    "all_steps": "works out all steps",
    "stops_before_difference": "stops before the first difference",
    "stops_at_difference": "stops at the first difference",
    "goes_on": "goes on after it",
    "steps_right": "steps that are worked right",
    "copied_right": "steps whose totals are copied right",
    "right_without_thinking": "verdict right without thinking",
    "right_if_stopped_before_difference": "verdict right, stopped before the difference",
    "right_if_steps_right": "verdict right, reached it, all steps worked and copied right",
    "right_if_copied_wrong": "verdict right, reached it, worked right and a total copied wrong",
    "right_if_a_step_is_wrong": "verdict right, reached it, a step worked wrong",
}


def patterns(numbers: Numbers) -> str:
    entries = numbers["patterns"]
    body = [[text, *(percent(entry[key]) for entry in entries)] for key, text in PATTERNS.items()]
    lengths = {"tokens": "mean tokens", "tokens_if_right": "mean tokens, verdict right", "tokens_if_wrong": "mean tokens, verdict wrong"}
    body += [[text, *(number(entry[key]) for entry in entries)] for key, text in lengths.items()]
    return table(["transcripts (%, tokens)", *(KINDS[entry["kind"]] for entry in entries)], body)


def leaks(numbers: Numbers) -> str:
    body = [[e["judge"], str(e.get("seed", "-")), number(e["pairs"], 0), interval(e["sampled"]), interval(e.get("greedy"))] for e in numbers["leaks"]]
    return table(["judge", "seed", "pairs", "sampled", "greedy"], body)


def solver(numbers: Numbers) -> str:
    body = [[str(e["steps"]), str(e["seed"]), percent(e["readable"], 2), str(e["problems"]), str(e["dropped"])] for e in numbers["solver"]]
    return table(["steps", "seed", "samples with a readable answer, %", "problems", "dropped"], body, 0)


TABLES = [setup, aims, accuracy, differences, seeds, votes, budgets, solver, best_of_n, comparisons, curve, sizes, patterns, leaks]


def markdown(numbers: Numbers) -> dict[str, str]:
    """Every table whose numbers are there, by its name."""
    present = {make.__name__: make for make in TABLES if make in (setup, aims, seeds) or numbers.get(make.__name__)}
    return {name: make(numbers) for name, make in present.items()}


def fill(document: str, parts: dict[str, str]) -> str:
    """The document with what stands between the markers of each part replaced."""
    for name, text in parts.items():
        marked = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        document, times = marked.subn(lambda match: f"{match[1]}{text}\n{match[2]}", document)
        if times != 1:
            raise SystemExit(f"the document has {times} places for the table `{name}`; exactly one is expected")
    return document
