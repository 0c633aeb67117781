"""Sets of real numbers: nodes with interval, union, difference, finite set -> sorted pieces, which are equal if the sets are.

A piece is (low, low is in it, high, high is in it) with fractions, numbers of mpmath, or infinity as a float.
"""

from math import inf

from mpmath import mp, mpf

import terms
import value as of


class NoSet(Exception):
    """No set of real numbers, or none with ends that are numbers."""


def end(node):
    """The value of an end."""
    if node[0] == "inf":
        return inf
    if node == ("neg", ("inf",)):
        return -inf
    if of.names(node):
        raise NoSet
    result = terms.at(node, 0)
    if isinstance(result, Exception) or not of.real(result):
        raise NoSet
    return result


def cmp(left, right):
    """-1, 0 or 1."""
    if isinstance(left, float) or isinstance(right, float):
        left, right = (item if isinstance(item, float) else 0 for item in (left, right))
        return (left > right) - (left < right)
    if terms.close(left, right):
        return 0
    with mp.workdps(terms.DIGITS):
        left, right = of.number(left), of.number(right)
        return 1 if left > right else -1


def pieces(node):
    """The pieces of a set."""
    kind = node[0]
    if kind == "reals":
        return [(-inf, False, inf, False)]
    if kind == "empty":
        return []
    if kind == "seq" and len(node[3]) == 2:
        low, high = end(node[3][0]), end(node[3][1])
        closed = node[1] == "[", node[2] == "]"
        if (
            closed[0]
            and low == -inf
            or closed[1]
            and high == inf
            or cmp(low, high) > 0
            or cmp(low, high) == 0
            and closed != (True, True)
        ):
            raise NoSet
        return [(low, closed[0], high, closed[1])]
    if kind == "set":
        return merged([(end(item), True, end(item), True) for part in node[1] for item in terms.expanded(part)])
    if kind == "union":
        return merged([piece for part in node[1] for piece in pieces(part)])
    if kind == "without":
        return meet(pieces(node[1]), complement(pieces(node[2])))
    if kind == "cap":
        return meet(pieces(node[1]), pieces(node[2]))
    raise NoSet


def merged(found):
    """Pieces in order, those that touch joined."""
    result = []
    for piece in sorted(found, key=lambda piece: (key(piece[0]), not piece[1])):
        if result:
            low, low_in, high, high_in = result[-1]
            order = cmp(piece[0], high)
            if order < 0 or order == 0 and (piece[1] or high_in):
                further = cmp(piece[2], high)
                result[-1] = (
                    (low, low_in, piece[2], piece[3])
                    if further > 0
                    else (low, low_in, high, high_in or further == 0 and piece[3])
                )
                continue
        result.append(piece)
    return result


def key(item):
    """A number to sort by."""
    with mp.workdps(terms.DIGITS):
        return mpf(item) if isinstance(item, float) else of.number(item)


def complement(found):
    """All real numbers but these."""
    result, low, low_in = [], -inf, False
    for first, first_in, last, last_in in found:
        if cmp(low, first) < 0 or cmp(low, first) == 0 and low_in and not first_in:
            result.append((low, low_in, first, not first_in and first != -inf))
        low, low_in = last, not last_in
    if low != inf:
        result.append((low, low_in, inf, False))
    return result


def meet(left, right):
    """What is in both."""
    result = []
    for low, low_in, high, high_in in left:
        for first, first_in, last, last_in in right:
            order, other = cmp(low, first), cmp(high, last)
            start = (low, low_in and (order > 0 or first_in)) if order >= 0 else (first, first_in)
            stop = (high, high_in and (other < 0 or last_in)) if other <= 0 else (last, last_in)
            size = cmp(start[0], stop[0])
            if size < 0 or size == 0 and start[1] and stop[1]:
                result.append((*start, *stop))
    return merged(result)


def same(left, right):
    """Whether two lists of pieces are the same set."""
    return len(left) == len(right) and all(
        cmp(a[0], b[0]) == 0 and cmp(a[2], b[2]) == 0 and (a[1], a[3]) == (b[1], b[3]) for a, b in zip(left, right)
    )


def of_inequality(node):
    """x < 3, 1 <= x < 2, x != 5, x in A with numbers beside one name -> (name, pieces)."""
    signs, sides = node[1], node[2]
    if signs == ["in"]:
        if sides[0][0] != "sym":
            raise NoSet
        return sides[0][1], pieces(sides[1])
    flip = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!="}
    spots = [index for index, side in enumerate(sides) if side[0] == "sym"]
    if len(spots) != 1 or any(sign not in flip for sign in signs):
        raise NoSet
    spot = spots[0]
    result = [(-inf, False, inf, False)]
    if len(sides) > 3 or len(sides) == 3 and (spot != 1 or signs[0][0] != signs[1][0] or signs[0][0] == "!"):
        raise NoSet
    for index, sign in enumerate(signs):
        bound, sign = (sides[index + 1], sign) if index == spot else (sides[index], flip[sign])
        limit = end(bound)
        if sign == "!=":
            part = complement([(limit, True, limit, True)])
        else:
            part = [(-inf, False, limit, sign == "<=")] if sign[0] == "<" else [(limit, sign == ">=", inf, False)]
        if isinstance(limit, float):
            raise NoSet
        result = meet(result, part)
    return sides[spot][1], result
