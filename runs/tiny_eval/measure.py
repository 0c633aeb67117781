"""Judges and held-out pairs -> accuracy, position consistency, votes, budgets, curves and leaks.

Each measurement is a function with two halves: the jobs that it needs, and the numbers that it reads out of their rows. Jobs of all
measurements run first, so that both processors are always busy.
"""

import json
import pathlib
import typing

import judging
from binary import Binary, Job, rows
from layout import Judge, Layout, parameters
from stats import Share, bootstrap, mean, over_seeds, wilson

# Training draws at temperature 1; so does every sample here.
SAMPLED = ("--temperature", "1")
GREEDY = ("--temperature", "0")
BOTH_ORDERS = ("--votes", "2", "--both-orders")
# More than any whole transcript of the longest problems; what is longer rambles and is counted as cut off.
LONGEST = ("--max-tokens", "160")


class Settings(typing.NamedTuple):
    """How much is measured."""

    pairs_per_length: int | None
    votes: int
    budgets: tuple[int, ...]
    quick_pairs_per_length: int
    problems_per_length: int | None
    candidates: int
    knockout_votes: int


FULL = Settings(None, 16, (0, 2, 12, 22, 32, 42, 52, 62, 72, 82, 102), 200, None, 32, 5)
SHORT = Settings(60, 4, (0, 22, 52), 40, 20, 8, 3)


class World(typing.NamedTuple):
    """What every measurement needs."""

    layout: Layout
    binary: Binary
    settings: Settings
    pairs: pathlib.Path
    quick_pairs: pathlib.Path

    def scope(self, steps: int) -> str:
        if steps in self.layout.trained_steps:
            return "trained"
        return "supervised" if steps in self.layout.supervised_steps else "unseen"

    def read(self, job: Job) -> list[judging.Pair]:
        return [judging.pair(row) for row in rows(self.binary, job)]


def gather(layout: Layout, to: pathlib.Path, only: typing.Container[int], most: int | None) -> pathlib.Path:
    """The first pairs of each length in one file, so that one process judges them all."""
    lines = []
    for steps, path in layout.pairs.items():
        if steps in only:
            texts = path.read_text().splitlines()
            lines += [json.dumps(json.loads(line) | {"steps": steps}) for line in texts[:most]]
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text("\n".join(lines) + "\n")
    return to


def job(world: World, name: str, judge: Judge, *options: str, pairs: pathlib.Path | None = None) -> Job:
    """One run of a judge over pairs."""
    named = f"{name}-{judge.kind}-{judge.seed}"
    return Job(named, "judge", pairs or world.pairs, judge.engine, world.layout.formats[judge.format], (*LONGEST, *options))


def votes_job(world: World, judge: Judge) -> Job:
    return job(world, "votes", judge, *SAMPLED, "--votes", str(world.settings.votes))


def orders_job(world: World, judge: Judge, sampling: str) -> Job:
    return job(world, f"orders-{sampling}", judge, *(SAMPLED if sampling == "sampled" else GREEDY), *BOTH_ORDERS)


def budget_job(world: World, judge: Judge, budget: int) -> Job:
    return job(world, f"budget-{budget}", judge, *SAMPLED, "--max-thinking-tokens", str(budget))


def quick_job(world: World, judge: Judge, sampling: str) -> Job:
    options = SAMPLED if sampling == "sampled" else GREEDY
    return job(world, f"quick-{sampling}", judge, *options, pairs=world.quick_pairs)


def scripted_job(world: World, rule: str) -> Job:
    return Job(f"leak-{rule}", "judge", world.pairs, f"scripted:{rule}", world.layout.formats["judge"], ())


def jobs(world: World) -> list[Job]:
    """All runs over pairs, the long ones first."""
    layout, thinking = world.layout, [judge for judge in world.layout.judges if judge.kind != "direct"]
    found = [votes_job(world, judge) for judge in layout.judges]
    found += [orders_job(world, judge, sampling) for judge in layout.judges for sampling in ("sampled", "greedy")]
    found += [budget_job(world, judge, budget) for judge in thinking for budget in world.settings.budgets]
    quick = [judge for size in layout.sizes for judge in size.judges] + [judge for _, judge in layout.checkpoints]
    quick += [*thinking, *layout.shuffled]
    found += [quick_job(world, judge, sampling) for judge in quick for sampling in ("sampled", "greedy")]
    return found + [scripted_job(world, rule) for rule in ("first", "longer")]


def by_scope(world: World, pairs: list[judging.Pair]) -> dict[str, list[judging.Pair]]:
    """Pairs of lengths that stage 2 trained on, of those that only stage 1 saw, of those that none saw, and of each length."""
    groups: dict[str, list[judging.Pair]] = {}
    for pair in pairs:
        for group in (world.scope(pair.steps), f"n={pair.steps}"):
            groups.setdefault(group, []).append(pair)
    return groups


def accuracy(world: World) -> list[dict]:
    """1. Accuracy of the first vote, how often both orders agree, and abstentions."""
    found = []
    for sampling in ("sampled", "greedy"):
        for kind in dict.fromkeys(judge.kind for judge in world.layout.judges):
            seeds = [judge for judge in world.layout.judges if judge.kind == kind]
            groups = [by_scope(world, world.read(orders_job(world, judge, sampling))) for judge in seeds]
            for group, pairs in groups[0].items():
                alike = [each[group] for each in groups]
                found.append({"kind": kind, "sampling": sampling, "group": group} | orders(alike, len(pairs)))
    return found


def orders(seeds: list[list[judging.Pair]], count: int) -> dict:
    """Votes in both orders of the same pairs by the judges of several seeds."""
    one = [judging.share(pair.votes[0].right for pair in pairs) for pairs in seeds]
    both = [judging.share(all(vote.right is True for vote in pair.votes) for pair in pairs) for pairs in seeds]
    same = [judging.share(consistent(pair) for pair in pairs) for pairs in seeds]
    votes = [[vote for pair in pairs for vote in pair.votes] for pairs in seeds]
    return {
        "accuracy": over_seeds(one, count),
        "right_in_both_orders": over_seeds(both, count),
        "consistent": over_seeds(same, count),
        "abstained": mean(judging.none_share(vote.right for vote in each) for each in votes),
        "place_shown_first": mean(vote.shown_first for each in votes for vote in each if vote.shown_first is not None),
        "tokens": mean(vote.tokens for each in votes for vote in each),
    }


def consistent(pair: judging.Pair) -> bool:
    """Whether both orders name the same response."""
    first, second = pair.votes
    return first.right is not None and first.right == second.right


def differences(world: World) -> list[dict]:
    """1. By how much RRM is ahead on the same pairs, each the mean of the seeds; the interval is over pairs."""
    found = []
    for sampling in ("sampled", "greedy"):
        right: dict[str, dict[tuple[str, str], list[float]]] = {}
        for judge in world.layout.judges:
            by_pair = right.setdefault(judge.kind, {})
            for group, pairs in by_scope(world, world.read(orders_job(world, judge, sampling))).items():
                for pair in pairs if not group.startswith("n=") else ():
                    by_pair.setdefault((group, pair.id), []).append(float(pair.votes[0].right is True))
        for other in ("base", "direct"):
            for group in dict.fromkeys(group for group, _ in right.get("rrm", ())) if other in right else ():
                values = [mean(seeds) - mean(right[other][key]) for key, seeds in right["rrm"].items() if key[0] == group]
                found.append({"sampling": sampling, "group": group, "over": other, "ahead": bootstrap(values).json()})
    return found


def voting(world: World) -> list[dict]:
    """2. The majority of the first k of the same votes; undecided majorities are counted apart."""
    found = []
    for kind in dict.fromkeys(judge.kind for judge in world.layout.judges):
        seeds = [judge for judge in world.layout.judges if judge.kind == kind]
        groups = [by_scope(world, world.read(votes_job(world, judge))) for judge in seeds]
        for group in (group for group in groups[0] if not group.startswith("n=")):
            alike = [each[group] for each in groups]
            for k in range(1, world.settings.votes + 1):
                said = [[judging.majority(pair.votes[:k]) for pair in pairs] for pairs in alike]
                found.append({
                    "kind": kind,
                    "group": group,
                    "votes": k,
                    "accuracy": over_seeds([judging.share(each) for each in said], len(alike[0])),
                    "undecided": mean(judging.none_share(each) for each in said),
                    "tokens": mean(sum(vote.tokens for vote in pair.votes[:k]) for pairs in alike for pair in pairs),
                })
    return found


def budgets(world: World) -> list[dict]:
    """2. Accuracy where thinking is cut after so many tokens and the verdict is elicited."""
    found = []
    for kind in ("base", "rrm"):
        seeds = [judge for judge in world.layout.judges if judge.kind == kind]
        for budget in world.settings.budgets if seeds else ():
            groups = [by_scope(world, world.read(budget_job(world, judge, budget))) for judge in seeds]
            for group in (group for group in groups[0] if not group.startswith("n=")):
                votes = [[pair.votes[0] for pair in each[group]] for each in groups]
                found.append({
                    "kind": kind,
                    "group": group,
                    "budget": budget,
                    "accuracy": over_seeds([judging.share(vote.right for vote in each) for each in votes], len(votes[0])),
                    "abstained": mean(judging.none_share(vote.right for vote in each) for each in votes),
                    "tokens": mean(vote.tokens for each in votes for vote in each),
                })
    return found


def quick(world: World, judge: Judge) -> dict:
    """Accuracy of one set of weights on the smaller set of pairs of trained lengths."""
    found = {}
    for sampling in ("sampled", "greedy"):
        votes = [pair.votes[0] for pair in world.read(quick_job(world, judge, sampling))]
        found[sampling] = wilson(judging.share(vote.right for vote in votes), len(votes)).json()
        found[f"{sampling}_abstained"] = judging.none_share(vote.right for vote in votes)
        found[f"{sampling}_tokens"] = mean(vote.tokens for vote in votes)
    return found | {"pairs": len(votes)}


def curve(world: World) -> list[dict]:
    """5. Accuracy against steps of stage 2; step 0 is the base."""
    seeds = {judge.seed for _, judge in world.layout.checkpoints}
    points = [(judge.seed, 0, judge) for judge in world.layout.judges if judge.kind == "base" and judge.seed in seeds]
    points += [(judge.seed, step, judge) for step, judge in world.layout.checkpoints]
    return [{"seed": seed, "step": step} | quick(world, judge) for seed, step, judge in sorted(points)]


def sizes(world: World) -> list[dict]:
    """5. Accuracy against parameters, seed 0; the size of the other measurements is among them."""
    judges = [judge for size in world.layout.sizes for judge in size.judges]
    judges += [judge for judge in world.layout.judges if judge.seed == 0 and judge.kind != "direct"]
    found = [{"parameters": parameters(judge.folder), "kind": judge.kind} | quick(world, judge) for judge in judges]
    return sorted(found, key=lambda each: (each["parameters"], each["kind"]))


def leaks(world: World) -> list[dict]:
    """What must not work: judges by rule, and a judge trained with labels that say nothing, beside the base that it came from."""
    found = []
    for rule in ("first", "longer"):
        said = [pair.votes[0].right for pair in world.read(scripted_job(world, rule))]
        found.append({"judge": f"scripted:{rule}", "sampled": wilson(judging.share(said), len(said)).json(), "pairs": len(said)})
    for judge in world.layout.shuffled:
        found.append({"judge": "shuffled labels", "seed": judge.seed} | quick(world, judge))
        if base := world.layout.judge("base", judge.seed):
            found.append({"judge": "its base", "seed": judge.seed} | quick(world, base))
            found[-2]["ahead_of_base"] = ahead(world, judge, base).json()
    return found


def ahead(world: World, judge: Judge, base: Judge) -> Share:
    """How much more often one judge is right than another on the same pairs, by one sampled vote each."""
    one, other = ([pair.votes[0].right is True for pair in world.read(quick_job(world, each, "sampled"))] for each in (judge, base))
    return bootstrap([float(a) - float(b) for a, b in zip(one, other, strict=True)])
