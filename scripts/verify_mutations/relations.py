"""Two relations -> EQUAL, DIFFERENT or MAYBE.

Equations are equal if they differ by a factor that is the same number at every point, different if a solution of one is
found that is none of the other. Inequalities are different if a point is found where only one holds.
"""

from fractions import Fraction

from mpmath import mp

import sets
import terms
import value as of
from read import CONTAINERS
from terms import DIFFERENT, EQUAL, MAYBE


def difference(node):
    """The left side less the right side of a relation with two sides."""
    return ("add", [node[2][0], ("neg", node[2][1])])


def ratio(left, right):
    """The factor between two terms: a number if it is the same at every point, else None. Signs of it at least are told."""
    found = []
    for index in terms.POINTS:
        first, second = terms.at(left, index), terms.at(right, index)
        if isinstance(first, Exception) or isinstance(second, Exception):
            continue
        if of.tiny(first) or of.tiny(second):
            if of.tiny(first) != of.tiny(second):
                return None
            continue
        with mp.workdps(terms.DIGITS):
            found.append(of.both(first, second, lambda a, b: a / b))
    if len(found) < 3 and of.names((left, right)) or not found:
        return None
    return found[0] if all(terms.close(found[0], other) for other in found[1:]) else None


def same(left, right, compare):
    """Whether two relations say the same; `compare` compares sides that are no terms."""
    if left == right:
        return EQUAL
    try:
        first, second = sets.of_inequality(left), sets.of_inequality(right)
        return EQUAL if first[0] == second[0] and sets.same(first[1], second[1]) else DIFFERENT
    except sets.NoSet:
        pass
    sides = left[2] + right[2]
    if any(side[0] == "opaque" for side in sides):
        return DIFFERENT
    if left[1] == right[1] and left[1] in (["="], ["in"]) and any(side[0] in CONTAINERS for side in sides):
        return DIFFERENT if left[2][0] == right[2][0] and compare(left[2][1], right[2][1]) == DIFFERENT else MAYBE
    if len(left[1]) != len(right[1]):
        return MAYBE if left[1] + right[1] == ["="] * len(left[1] + right[1]) else DIFFERENT
    if any(side[0] in CONTAINERS for side in sides):
        return MAYBE
    if "in" in left[1] + right[1]:
        return DIFFERENT
    if len(left[1]) > 1:
        return chains(left, right)
    if any("\0inf" in of.names(side) for side in sides):
        return DIFFERENT
    if (left[1] == ["="]) != (right[1] == ["="]) or (left[1] == ["!="]) != (right[1] == ["!="]):
        return DIFFERENT
    return equations(left, right) if left[1][0] in ("=", "!=") else inequalities(left, right)


def chains(left, right):
    """Chains of the same length, side by side, from either end."""
    flip = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
    back = ("rel", [flip.get(sign, sign) for sign in reversed(right[1])], list(reversed(right[2])))
    results = []
    for other in (right, back):
        if left[1] == other[1]:
            results.append(terms.worst(terms.same(a, b) for a, b in zip(left[2], other[2])))
    if EQUAL in results:
        return EQUAL
    strict = {sign for sign in left[1] + right[1]} <= {"<", ">"} or {sign for sign in left[1] + right[1]} <= {"<=", ">="}
    return DIFFERENT if strict and MAYBE not in results and left[1] in (right[1], back[1]) else MAYBE


def defined(left, right):
    """Whether names and plain sides are the same two: x = 5 and 5 = x."""
    return terms.worst([terms.same(left[2][0], right[2][0]), terms.same(left[2][1], right[2][1])])


def equations(left, right):
    """Two equations."""
    if EQUAL in (defined(left, right), defined(left, ("rel", right[1], right[2][::-1]))):
        return EQUAL
    first, second = difference(left), difference(right)
    if not [name for name in of.names((first, second)) if name[0] != "\0"]:
        return MAYBE
    factor = ratio(first, second)
    if factor is not None:
        return EQUAL
    if any(
        name[0] != "\0" and len(name.split("_")[0]) == 1 and calls(name, (first, second)) for name in of.names((first, second))
    ):
        return DIFFERENT if defined_call(left, right) else MAYBE
    return DIFFERENT if apart(first, second) or apart(second, first) else MAYBE


def calls(name, node):
    """Whether a name is called as a function somewhere."""
    if isinstance(node, tuple) and node and node[0] == "call" and node[1] == name:
        return True
    return (
        any(calls(name, part) for part in node if isinstance(part, (tuple, list))) if isinstance(node, (tuple, list)) else False
    )


def defined_call(left, right):
    """Whether both define the same f(x), differently."""
    return left[2][0] == right[2][0] and left[2][0][0] == "call" and terms.same(left[2][1], right[2][1]) == DIFFERENT


def apart(first, second):
    """Whether a solution of the first equation is found that is none of the second."""
    variables = sorted(name for name in of.names((first, second)) if name[0] != "\0")
    for index in range(3, 8):
        for name in variables:
            for root in roots(first, name, index):
                point = of.Point(index)
                point.values[name] = root
                with mp.workdps(terms.DIGITS):
                    try:
                        if not of.tiny(of.value(second, point)):
                            return True
                    except (of.Undefined, of.TooBig, ValueError, OverflowError):
                        return True
    return False


def roots(node, name, index):
    """The real solutions along one variable, where the node is linear or quadratic in it."""

    def along(number):
        point = of.Point(index)
        point.values[name] = Fraction(number)
        return of.value(node, point)

    with mp.workdps(terms.DIGITS):
        try:
            at = [along(number) for number in (0, 1, -1, 2, 3)]
        except (of.Undefined, of.TooBig, ValueError, OverflowError):
            return []
        if not all(of.real(item) for item in at):
            return []
        if not all(isinstance(item, Fraction) for item in at):
            at = [of.number(item) for item in at]
        c, a, b = at[0], (at[1] + at[2]) / 2 - at[0], (at[1] - at[2]) / 2
        if not (terms.close(4 * a + 2 * b + c, at[3]) and terms.close(9 * a + 3 * b + c, at[4])):
            return []
        if of.tiny(a):
            return [] if of.tiny(b) else [-c / b]
        inside = b * b - 4 * a * c
        if inside < 0:
            return []
        root = of.raised(inside, Fraction(1, 2))
        return [
            (
                of.both(-b + sign * root, 2 * a, lambda p, q: p / q)
                if isinstance(root, Fraction) and isinstance(b, Fraction)
                else (-of.number(b) + sign * of.number(root)) / (2 * of.number(a))
            )
            for sign in (1, -1)
        ]


def inequalities(left, right):
    """Two inequalities with one sign each."""
    first, second = difference(left), difference(right)
    if left[1][0][0] == ">":
        first = ("neg", first)
    if right[1][0][0] == ">":
        second = ("neg", second)
    factor = ratio(first, second)
    if factor is not None and of.real(factor):
        if factor > 0:
            return EQUAL if left[1][0][1:] == right[1][0][1:] else DIFFERENT
        return DIFFERENT
    for index in range(40):
        values = [terms.at(node, index if index < 8 else index * 7 + 1) for node in (first, second)]
        if all(not isinstance(item, Exception) and of.real(item) and not of.tiny(item) for item in values):
            if (values[0] < 0) != (values[1] < 0):
                return DIFFERENT
    return MAYBE
