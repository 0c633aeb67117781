"""Result rows of `rrm judge` -> what each vote said, and counts of right, wrong, undecided and abstained."""

import typing

from binary import Row


class Vote(typing.NamedTuple):
    """One vote on a labelled pair."""

    right: bool | None
    """`None` of a vote that abstains."""
    shown_first: bool | None
    """Whether the preferred response was the one that the judge saw first."""
    swapped: bool
    tokens: int
    key: str


class Pair(typing.NamedTuple):
    """One judged pair."""

    id: str
    steps: int
    votes: list[Vote]
    shown: tuple[int, int]
    """Indices of the responses in the order in which the first vote's judge saw them."""


def pair(row: Row) -> Pair:
    """A row with its label; a row that failed does not come here."""
    (match,) = row["matches"]
    better = {"first": 0, "second": 1}[row["label"]]
    votes = []
    for vote in match["votes"]:
        named = vote.get("verdict")
        right = shown_first = None
        if named is not None:
            right = match[named] == better
            shown_first = (named == "first") == (vote["order"] == "given")
        votes.append(Vote(right, shown_first, vote["order"] == "swapped", vote["completion_tokens"], vote["completion"]))
    return Pair(row["id"], row["extra"]["steps"], votes, (match["first"], match["second"]))


def majority(votes: list[Vote]) -> bool | None:
    """Whether the majority is right; `None` where there is none."""
    balance = sum(1 if vote.right else -1 for vote in votes if vote.right is not None)
    return None if balance == 0 else balance > 0


def share(values: typing.Iterable[bool | None]) -> float:
    """How many are true, of all: neither an abstention nor an undecided majority is right."""
    values = list(values)
    return sum(value is True for value in values) / len(values)


def none_share(values: typing.Iterable[bool | None]) -> float:
    """How many are neither right nor wrong."""
    values = list(values)
    return sum(value is None for value in values) / len(values)
