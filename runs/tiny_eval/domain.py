"""Texts of the miniature's domain (`crates/rrm-tiny`) -> the steps in them: problems, worked answers, and what a judge or a solver wrote.

A problem is a two-digit start and labelled steps, `Keep two digits: 42 a+5 b-9 c*3`, worked from left to right modulo 100. Of other texts only
steps are looked at: a label, its operation or none, and two digits.
"""

import re
import typing

PROBLEM = re.compile(r"(\d\d)((?: ?[a-p][-+*]\d)+)")
OPERATION = re.compile(r"([a-p])([-+*])(\d)")
# A label, the operation again or not, the total, and what a judge copies of it from the two answers.
STEP = re.compile(r"([a-p])(?:[-+*]\d)?=?(\d\d)((?:\d\d){2})?")


class Problem(typing.NamedTuple):
    """Labels of the steps, their operations, and the right totals."""

    labels: str
    operations: list[tuple[str, int]]
    start: int
    totals: list[int]


def problem(prompt: str) -> Problem:
    """The problem that a prompt holds."""
    start, rest = PROBLEM.search(prompt).groups()
    steps = OPERATION.findall(rest)
    operations = [(operator, int(digit)) for _, operator, digit in steps]
    totals, total = [], int(start)
    for operation in operations:
        total = apply(total, operation)
        totals.append(total)
    return Problem("".join(label for label, _, _ in steps), operations, int(start), totals)


def apply(total: int, operation: tuple[str, int]) -> int:
    operator, digit = operation
    return {"+": total + digit, "-": total - digit, "*": total * digit}[operator] % 100


def worked(text: str) -> list[tuple[str, int]]:
    """Label and total of every step in a worked answer or in thinking."""
    return [(label, int(total)) for label, total, _ in STEP.findall(text)]


def copied(text: str) -> list[tuple[str, str]]:
    """Label of every step of a transcript, and the four digits that it copies from the two answers."""
    return [(label, totals) for label, _, totals in STEP.findall(text)]


def solved(text: str, asked: Problem) -> list[tuple[str, int]] | None:
    """The steps of a text that names every step of the problem once and in order; `None` of any other."""
    steps = worked(text)
    return steps if "".join(label for label, _ in steps) == asked.labels else None


def response(steps: list[tuple[str, int]]) -> str:
    """Worked steps as responses are shown to a judge."""
    return " ".join(f"{label}{total:02}" for label, total in steps)
