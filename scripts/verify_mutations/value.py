"""A term at a point -> its value: an exact fraction where it is rational, else a number of mpmath with the digits asked for.

Raises `Undefined` where there is no value (1/0, the tangent of 90 degrees), `TooBig` for towers, `NeedsInteger` for bounds.
"""

import random
from fractions import Fraction
from math import comb, factorial, gcd, lcm

from mpmath import mp, mpc, mpf

MOST_BITS = 4_000_000
LONGEST_SUM = 3_000


class Undefined(Exception):
    """No value here."""


class NeedsInteger(Undefined):
    """No value here because a variable is no whole number."""


class TooBig(Exception):
    """A value too large to compute."""


class Point:
    """Values of the variables, the sign of plus-or-minus, and what a degree and a percent sign outside of functions count."""

    def __init__(self, index=0, sign=1, degree=True, percent=True):
        self.index, self.sign, self.degree, self.percent = index, sign, degree, percent
        self.values = {}

    def of(self, name):
        """The value of a variable: a fraction drawn by its name and the point. Points: positive, mixed, negative, whole."""
        if name not in self.values:
            draw = random.Random(f"{name}/{self.index}")
            value = Fraction(draw.randint(3, 97), draw.choice((2, 3, 5, 7, 11, 13)))
            if self.index >= 8:
                value = Fraction(draw.choice((2, 3, 4, 5, 6, 7)) * draw.choice((1, 2, 3, 4)))
            elif self.index >= 6 or self.index >= 3 and draw.random() < 0.5:
                value = -value
            elif self.index in (1, 4):
                value = value / 97
            self.values[name] = value
        return self.values[name]


def real(value):
    """Whether a value is real."""
    return isinstance(value, (Fraction, mpf))


def number(value):
    """A value as mpmath has it."""
    return mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def tidy(value):
    """A complex value without imaginary part is real."""
    if isinstance(value, mpc) and abs(value.imag) <= abs(value) * mpf(10) ** (10 - mp.dps):
        return value.real
    return value


def tiny(value):
    """Whether a value is zero, or nothing but rounding."""
    return value == 0 if isinstance(value, Fraction) else abs(value) < mpf(10) ** (-int(mp.dps * 0.8))


def value(node, point):
    """The value of a term at a point."""
    kind = node[0]
    if kind == "num":
        return node[1]
    if kind == "sym":
        return point.of(node[1])
    if kind == "const":
        return {"pi": lambda: +mp.pi, "e": lambda: +mp.e, "i": lambda: mpc(0, 1)}[node[1]]()
    if kind == "add":
        result = value(node[1][0], point)
        for part in node[1][1:]:
            result = both(result, value(part, point), lambda a, b: a + b)
        return result
    if kind == "mul":
        result = value(node[1][0], point)
        for part in node[1][1:]:
            result = both(result, value(part, point), lambda a, b: a * b)
        return result
    if kind == "neg":
        return -value(node[1], point)
    if kind == "pm":
        return Fraction(point.sign * node[1])
    if kind == "degree":
        return mp.pi / 180 if point.degree else Fraction(1)
    if kind == "percent":
        return Fraction(1, 100) if point.percent else Fraction(1)
    if kind == "div":
        below = value(node[2], point)
        if tiny(below):
            raise Undefined("over zero")
        return both(value(node[1], point), below, lambda a, b: a / b)
    return REST[kind](node, point)


def both(left, right, what):
    """An operation on two values, exact if both are."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        result = what(left, right)
        if result.numerator.bit_length() + result.denominator.bit_length() > MOST_BITS:
            raise TooBig
        return result
    return tidy(what(number(left), number(right)))


def power(node, point):
    """base ** exponent, the principal one."""
    return raised(value(node[1], point), value(node[2], point))


def raised(base, exponent):
    """base ** exponent of values."""
    if isinstance(exponent, Fraction) and exponent.denominator == 1 and isinstance(base, Fraction):
        count = exponent.numerator
        if base == 0 and count <= 0:
            raise Undefined("a power of zero")
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(base) not in (0, 1) and bits * abs(count) > MOST_BITS:
            raise TooBig
        if abs(base) in (0, 1):
            count %= 2 if base else 10**9
        return base**count
    if tiny(base):
        if real(exponent) and exponent > 0:
            return Fraction(0)
        raise Undefined("a power of zero")
    if isinstance(exponent, Fraction) and isinstance(base, Fraction) and base > 0 and exponent.denominator < 60:
        exact = exact_root(base, exponent.denominator)
        if exact is not None:
            return raised(exact, Fraction(exponent.numerator))
    if abs(number(exponent)) * abs(mp.log(abs(number(base)))) > 1e12:
        raise TooBig
    return tidy(mp.power(number(base), number(exponent)))


def exact_root(base, degree):
    """The root of a fraction if it is a fraction."""
    parts = []
    for part in (base.numerator, base.denominator):
        if part.bit_length() > 20_000:
            return None
        root = round(part ** (1 / degree)) if part < 2**50 else newton(part, degree)
        if root**degree != part:
            return None
        parts.append(root)
    return Fraction(*parts)


def newton(part, degree):
    """The whole part of a root of a whole number."""
    guess = 1 << -(-part.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + part // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def root(node, point):
    """A root: real for odd degrees of negative numbers."""
    degree, inner = value(node[1], point), value(node[2], point)
    if degree == 0:
        raise Undefined("a root of degree zero")
    if isinstance(degree, Fraction) and degree.denominator == 1 and degree.numerator % 2 and real(inner) and inner < 0:
        return -raised(-inner, 1 / degree)
    return raised(inner, both(Fraction(1), degree, lambda a, b: a / b))


def whole(number_):
    """A value as a whole number, or None."""
    return int(number_) if isinstance(number_, Fraction) and number_.denominator == 1 else None


def fact(node, point):
    """n!, by the gamma function between whole numbers."""
    inner = value(node[1], point)
    count = whole(inner)
    if count is not None:
        if count < 0:
            raise Undefined("a factorial of a negative number")
        if count > 20_000:
            raise TooBig
        return Fraction(factorial(count))
    return tidy(mp.gamma(number(inner) + 1))


def dfact(node, point):
    """n!!."""
    count = whole(value(node[1], point))
    if count is None or count < 0:
        raise NeedsInteger("n!!")
    if count > 10_000:
        raise TooBig
    result = 1
    while count > 1:
        result, count = result * count, count - 2
    return Fraction(result)


def binom(node, point):
    """n over k."""
    above, below = value(node[1], point), value(node[2], point)
    first, second = whole(above), whole(below)
    if first is not None and second is not None and first >= 0:
        if first > 100_000:
            raise TooBig
        return Fraction(comb(first, second)) if second >= 0 else Fraction(0)
    if second is not None and 0 <= second < 200 and isinstance(above, Fraction):
        result = Fraction(1)
        for step in range(second):
            result = result * (above - step) / (step + 1)
        return result
    return tidy(mp.binomial(number(above), number(below)))


def series(node, point):
    """A sum or product over whole numbers."""
    _, kind, name, low, high, body = node
    first, last = whole(value(low, point)), whole(value(high, point))
    if first is None or last is None:
        raise NeedsInteger("bounds")
    if last < first - 1:
        raise NeedsInteger("bounds in the wrong order")
    if last - first > LONGEST_SUM:
        raise TooBig
    result = Fraction(kind == "prod")
    before = point.values.get(name)
    for index in range(first, last + 1):
        point.values[name] = Fraction(index)
        result = both(result, value(body, point), (lambda a, b: a + b) if kind == "sum" else (lambda a, b: a * b))
    point.values.pop(name, None)
    if before is not None:
        point.values[name] = before
    return result


def call(node, point):
    """f(x) for a function without a meaning: a fraction drawn by the name, the arguments and the point."""
    arguments = [value(part, point) for part in node[2]]
    keys = [str(part) if isinstance(part, Fraction) else mp.nstr(part, 60) for part in arguments]
    draw = random.Random(f"{node[1]}{keys}{point.index}")
    return Fraction(draw.randint(3, 997), draw.choice((2, 3, 5, 7, 11, 13)))


def angle(node, point):
    """The argument of a trigonometric function, where a degree always counts."""
    before, point.degree = point.degree, True
    try:
        return number(value(node, point))
    finally:
        point.degree = before


def log(node, point):
    """A logarithm; exact for powers of a whole base."""
    inner = value(node[2][0], point)
    if tiny(inner):
        raise Undefined("a logarithm of zero")
    if node[1] == "ln":
        return Fraction(0) if inner == 1 else tidy(mp.log(number(inner)))
    base = value(node[2][1], point)
    if tiny(base) or base == 1:
        raise Undefined("a logarithm to base zero or one")
    return tidy(mp.log(number(inner)) / mp.log(number(base)))


def function(node, point):
    """A function with a name."""
    name = node[1]
    if name in ("ln", "log"):
        return log(node, point)
    if name in ("sin", "cos", "tan", "cot", "sec", "csc"):
        inner = angle(node[2][0], point)
        sine, cosine = mp.sin(inner), mp.cos(inner)
        below = {"tan": cosine, "sec": cosine, "cot": sine, "csc": sine}.get(name, mpf(1))
        if tiny(below):
            raise Undefined(name)
        above = {"sin": sine, "tan": sine, "cos": cosine, "cot": cosine}.get(name, mpf(1))
        return tidy(above / below)
    inner = [value(part, point) for part in node[2]]
    if name in ("max", "min", "lcm", "gcd"):
        return choice(name, inner)
    if name in ("floor", "ceil"):
        if not real(inner[0]):
            raise Undefined(name)
        down = mp.floor if name == "floor" else mp.ceil
        if isinstance(inner[0], Fraction):
            return Fraction(inner[0].__floor__() if name == "floor" else inner[0].__ceil__())
        if tiny(inner[0] - mp.nint(inner[0])):
            return Fraction(int(mp.nint(inner[0])))
        return Fraction(int(down(inner[0])))
    if name == "abs":
        return abs(inner[0])
    names = {
        "arcsin": mp.asin,
        "arccos": mp.acos,
        "arctan": mp.atan,
        "sinh": mp.sinh,
        "cosh": mp.cosh,
        "tanh": mp.tanh,
        "exp": mp.exp,
    }
    if name == "exp" and abs(number(inner[0])) > 1e12:
        raise TooBig
    return tidy(names[name](number(inner[0])))


def choice(name, inner):
    """The largest, smallest, common divisor or multiple."""
    if not all(real(part) for part in inner):
        raise Undefined(name)
    if name in ("max", "min"):
        return max(inner) if name == "max" else min(inner)
    whole_ = [whole(part) for part in inner]
    if None in whole_:
        raise NeedsInteger(name)
    return Fraction((gcd if name == "gcd" else lcm)(*whole_))


REST = {"pow": power, "root": root, "fact": fact, "dfact": dfact, "binom": binom, "series": series, "call": call, "fn": function}


def names(node, found=None):
    """The names of variables and functions in a node, and the marks `degree`, `percent`, `pm`, `series`."""
    found = set() if found is None else found
    if isinstance(node, (tuple, list)):
        if node and node[0] in ("sym", "call") and isinstance(node, tuple):
            found.add(node[1])
        if node and isinstance(node, tuple) and node[0] in ("degree", "percent", "pm", "inf", "series"):
            found.add("\0" + node[0])
        for part in node:
            names(part, found)
    return found
