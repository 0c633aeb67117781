"""Two terms -> EQUAL, DIFFERENT or MAYBE: exact where both are rational, else 150 and then 1,200 digits, at fourteen points."""

from mpmath import mp

import value as of

EQUAL, DIFFERENT, MAYBE = "equal", "different", "maybe"
DIGITS, MORE_DIGITS = 150, 1200
POINTS = range(14)


def worst(results):
    """What holds for all members together."""
    results = list(results)
    return DIFFERENT if DIFFERENT in results else MAYBE if MAYBE in results else EQUAL


def at(node, index, digits=DIGITS, sign=1, degree=True, percent=True):
    """The value at a point, or the exception that says why there is none."""
    with mp.workdps(digits):
        try:
            return of.value(node, of.Point(index, sign, degree, percent))
        except (of.Undefined, of.TooBig) as error:
            return error
        except (OverflowError, ValueError, ZeroDivisionError, KeyError) as error:
            return of.Undefined(str(error))


def close(left, right, digits=DIGITS):
    """Whether two values agree to nearly all digits; exactly where both are fractions."""
    if isinstance(left, of.Fraction) and isinstance(right, of.Fraction):
        return left == right
    with mp.workdps(digits):
        left, right = of.number(left), of.number(right)
        return abs(left - right) <= mp.mpf(10) ** (-int(digits * 0.75)) * max(1, abs(left), abs(right))


def same_at(left, right, index, **marks):
    """Whether two terms agree at a point: True, False, "complex" for a difference off the real line, "domain" where one has no
    value, None where neither has one."""
    first, second = at(left, index, **marks), at(right, index, **marks)
    bad = [item for item in (first, second) if isinstance(item, Exception)]
    if any(isinstance(item, of.TooBig) for item in bad):
        return "big" if len(bad) == 2 else "one big"
    if bad:
        return None if len(bad) == 2 else "whole" if isinstance(bad[0], of.NeedsInteger) else "domain"
    if close(first, second):
        exact = isinstance(first, of.Fraction) and isinstance(second, of.Fraction)
        if exact or close(at(left, index, MORE_DIGITS, **marks), at(right, index, MORE_DIGITS, **marks), MORE_DIGITS):
            return True
    return False if of.real(first) and of.real(second) else "complex"


def same_value(left, right, **marks):
    """Whether two terms without plus-or-minus have the same value everywhere."""
    if left == right:
        return EQUAL
    if left[0] == "inf" or right[0] == "inf" or "\0inf" in of.names((left, right)):
        return infinite(left, right)
    if left[0] == right[0] == "num":
        return DIFFERENT
    variables = [name for name in of.names((left, right)) if name[0] != "\0"]
    if not variables:
        result = same_at(left, right, 0, **marks)
        return {True: EQUAL, None: MAYBE, "big": MAYBE}.get(result, DIFFERENT)
    results = [same_at(left, right, index, **marks) for index in POINTS]
    return over_points(results, {name[0] for name in variables} & set("nkmj"))


def over_points(results, whole_names):
    """What agreement at the points means. Points from 8 on are whole numbers."""
    told = [result for result in results if result not in (None, "whole")]
    if False in told and not (whole_names and all(result is True for result in results[8:])):
        return DIFFERENT
    if not told or "big" in told or "one big" in told:
        return MAYBE
    if all(result is True for result in told):
        return EQUAL if len(told) >= 3 else MAYBE
    if whole_names and all(result is True for result in results[8:]):
        return MAYBE
    if False in told:
        return DIFFERENT
    positive = [result for result in results[:3] + results[8:] if result not in (None, "whole")]
    return DIFFERENT if positive and True not in told and all(result == "complex" for result in positive) else MAYBE


def infinite(left, right):
    """Infinity equals itself with the same sign only."""
    signs = []
    for node in (left, right):
        sign = 1
        while node[0] == "neg":
            node, sign = node[1], -sign
        signs.append(sign if node[0] == "inf" else None if "\0inf" in of.names(node) else 0)
    if None in signs:
        return DIFFERENT if 0 in signs else MAYBE
    return EQUAL if signs[0] == signs[1] else DIFFERENT


def same(left, right):
    """Whether two terms are the same, with degrees and percent signs: where only one has them, equal numbers are MAYBE."""
    left_marks, right_marks = of.names(left), of.names(right)
    degree = ("\0degree" in left_marks) != ("\0degree" in right_marks)
    percent = ("\0percent" in left_marks) != ("\0percent" in right_marks)
    result = same_value(left, right)
    if result == DIFFERENT and (degree or percent):
        for marks in ({"degree": False}, {"percent": False}, {"degree": False, "percent": False}):
            if same_value(left, right, **marks) != DIFFERENT:
                return MAYBE
    if result == EQUAL and (percent or degree and not in_functions(left if "\0degree" in left_marks else right)):
        return MAYBE
    return result


def in_functions(node):
    """Whether every degree stands inside of a function."""
    if node == ("degree",):
        return False
    if isinstance(node, tuple) and node[0] == "fn":
        return True
    return (
        all(in_functions(part) for part in node if isinstance(part, (tuple, list))) if isinstance(node, (tuple, list)) else True
    )


def expanded(node):
    """A node with plus-or-minus -> both nodes without, else the node alone."""
    if "\0pm" not in of.names(node):
        return [node]
    return [chosen(node, sign) for sign in (1, -1)]


def chosen(node, sign):
    """A node with the sign for plus-or-minus fixed."""
    if isinstance(node, tuple) and node and node[0] == "pm":
        return ("num", of.Fraction(node[1] * sign))
    if isinstance(node, (tuple, list)):
        return type(node)(chosen(part, sign) for part in node)
    return node
