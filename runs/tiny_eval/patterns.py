"""6. Transcripts -> what judges do when they think: whether at all, how far, how well, and what follows from it.

The paper counts words such as "wait" in its transcripts. Here every step can be checked instead.
"""

import collections
import json
import typing

import domain
import judging
from binary import Job, texts
from measure import World, votes_job
from stats import mean

TRANSCRIPTS = 1


class Seen(typing.NamedTuple):
    """One transcript."""

    steps: int
    asked: int
    first_difference: int
    steps_right: int
    copied_right: int
    right: bool | None
    tokens: int


def look(text: str, asked: domain.Problem, responses: list[str], vote: judging.Vote) -> Seen:
    """How many steps a transcript has, and how many are right: worked right from what stands before them, copied right from the answers.

    `responses` are in the order in which the judge saw them.
    """
    written = domain.worked(text)
    shown = [domain.worked(response) for response in responses]
    pairs = list(zip(*shown, strict=False))
    # The steps up to and with the first in which the two answers differ are all that a careful judge needs.
    difference = next((place for place, (one, other) in enumerate(pairs, 1) if one != other), len(asked.labels))
    by_label = dict(zip(asked.labels, asked.operations, strict=True))
    # A step may go on from the judge's own total or from that of an answer.
    before, right = {label: {asked.start} for label in asked.labels[:1]}, 0
    for totals in [written, *shown]:
        for (_, total), label in zip(totals, asked.labels[1:], strict=False):
            before.setdefault(label, set()).add(total)
    for label, total in written:
        right += any(total == domain.apply(start, by_label[label]) for start in before.get(label, ()))
    says = {label: f"{one:02}{other:02}" for (label, one), (_, other) in pairs}
    copied = sum(says.get(label) == totals for label, totals in domain.copied(text))
    return Seen(len(written), len(asked.labels), difference, right, copied, vote.right, vote.tokens)


def summary(seen: list[Seen]) -> dict[str, float | None]:
    """Shares and means over transcripts."""
    thinking = [each for each in seen if each.steps > 0]
    reached = [each for each in thinking if each.steps >= each.first_difference]
    sound = [each for each in reached if each.steps_right == each.copied_right == each.steps]
    miscopied = [each for each in reached if each.copied_right < each.steps_right == each.steps]
    flawed = [each for each in reached if each.steps_right < each.steps]
    early = [each for each in thinking if each.steps < each.first_difference]
    return {
        "transcripts": len(seen),
        "thinks": mean(each.steps > 0 for each in seen),
        "all_steps": mean(each.steps >= each.asked for each in seen),
        "stops_at_difference": mean(each.steps == each.first_difference for each in seen),
        "goes_on": mean(each.steps > each.first_difference for each in seen),
        "stops_before_difference": mean(0 < each.steps < each.first_difference for each in seen),
        "tokens": mean(each.tokens for each in seen),
        "tokens_if_right": mean(each.tokens for each in seen if each.right is True),
        "tokens_if_wrong": mean(each.tokens for each in seen if each.right is False),
        "steps_right": sum(each.steps_right for each in seen) / max(1, sum(each.steps for each in seen)),
        "copied_right": sum(each.copied_right for each in seen) / max(1, sum(each.steps for each in seen)),
        "right_without_thinking": mean(each.right is True for each in seen if each.steps == 0),
        "right_if_stopped_before_difference": mean(each.right is True for each in early),
        "right_if_steps_right": mean(each.right is True for each in sound),
        "right_if_copied_wrong": mean(each.right is True for each in miscopied),
        "right_if_a_step_is_wrong": mean(each.right is True for each in flawed),
    }


def transcripts(world: World, job: Job) -> list[Seen]:
    """The first transcript of every pair of a length that stage 2 trained on."""
    asked = {row["id"]: row for row in map(json.loads, world.pairs.read_text().splitlines())}
    pairs = [pair for pair in world.read(job) if world.scope(pair.steps) == "trained"]
    written = texts(world.binary, job, [pair.votes[0].key for pair in pairs])
    seen = []
    for pair, text in zip(pairs, written, strict=True):
        row = asked[pair.id]
        shown = [answers(row)[index] for index in pair.shown]
        seen.append(look(text, domain.problem(row["prompt"]), shown, pair.votes[0]))
    return seen


def answers(row: dict) -> list[str]:
    """The two responses of a row."""
    both = row["responses"] if "responses" in row else [row["chosen"], row["rejected"]]
    return [each if isinstance(each, str) else each.get("text") or each.get("content") for each in both]


def measure(world: World) -> list[dict]:
    """One entry for each kind of judge: the mean of the seeds, and what each of them has."""
    found = []
    for kind in ("base", "rrm"):
        seeds = [summary(transcripts(world, votes_job(world, judge))) for judge in world.layout.judges if judge.kind == kind]
        if seeds:
            entry = collections.OrderedDict(kind=kind)
            for key in seeds[0]:
                entry[key] = mean(each[key] for each in seeds if each[key] is not None)
            found.append(entry | {"by_seed": seeds})
    return found
