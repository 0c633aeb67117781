"""Commands with their arguments -> nodes: fractions, roots, functions, sums, names."""

from fractions import Fraction

import atoms
import factors
import read
from tex import NAMES, Malformed, Unclear


def command(cursor):
    """The command at the cursor, which `atoms.primary` sends here."""
    text = cursor.next().text
    cursor.last = ("done",)
    if text in atoms.FRACTIONS:
        return fraction(cursor, text)
    if text in atoms.BINOMIALS:
        return ("binom", argument(cursor, text), argument(cursor, text))
    if text == "\\sqrt":
        return root(cursor)
    if text == "\\infty":
        return ("inf",)
    if text == "\\pi":
        if cursor.peek() == "_":
            raise Unclear("an index at pi")
        return ("const", "pi")
    if text in atoms.GREEK:
        return atoms.named(cursor, text)
    if text in atoms.FUNCTIONS:
        return function(cursor, text[1:])
    if text in ("\\sum", "\\prod"):
        return series(cursor, text[1:])
    if text in NAMES:
        return name(cursor)
    if text == "\\$":
        return money(cursor)
    return others(cursor, text)


def others(cursor, text):
    """Sets with a name, names under a line, and what is not read."""
    if text in ("\\emptyset", "\\varnothing"):
        return ("empty",)
    if text == "\\mathbb":
        letter = factors.argument(cursor, text)
        if letter == ("sym", "R"):
            return ("reals",)
        raise Unclear("a set with a name")
    if text in atoms.WRAPS:
        return wrapped(cursor, text)
    if text in (
        "\\}",
        "\\rangle",
        "\\rfloor",
        "\\rceil",
        "\\cdot",
        "\\times",
        "\\div",
        "\\cup",
        "\\cap",
        "\\setminus",
        "\\le",
        "\\ge",
        "\\leq",
        "\\geq",
        "\\pm",
        "\\mp",
        "\\%",
        "\\in",
        "\\circ",
        "\\\\",
        "\\rvert",
        "\\ne",
        "\\neq",
        "\\lt",
        "\\gt",
        "\\right",
        "\\rbrace",
    ):
        raise Malformed(f"{text} where a number or name must stand")
    raise Unclear(f"{text} is not read")


def argument(cursor, text):
    """An argument that must be a number."""
    return factors.argument(cursor, text)


def whole(node):
    """A whole number as written, or None."""
    return node[1] if node[0] == "num" and node[1].denominator == 1 else None


def any_opaque(*nodes):
    """The first node that is no number."""
    return next((node for node in nodes if node[0] == "opaque"), None)


def fraction(cursor, text):
    """\\frac with two arguments."""
    above = argument(cursor, text)
    below = argument(cursor, text)
    cursor.last = ("done",)
    bad = any_opaque(above, below)
    if bad:
        return bad
    first, second = whole(above), whole(below)
    cursor.last = ("fraction", Fraction(first, second)) if first is not None and second else ("over",)
    return ("div", above, below)


def root(cursor):
    """\\sqrt with its degree in brackets."""
    degree = ("num", Fraction(2))
    if cursor.peek() == "[":
        cursor.next()
        degree = read.term(read.total(cursor))
        if cursor.peek() != "]":
            raise Malformed("the degree of a root is not closed")
        cursor.next()
    inner = argument(cursor, "\\sqrt")
    cursor.last = ("done",)
    return any_opaque(degree, inner) or ("root", degree, inner)


def function(cursor, text):
    """A function with its powers, base and argument."""
    exponent = base = None
    while cursor.peek() in ("^", "_"):
        if cursor.next().text == "_":
            if base or text not in ("log", "max", "min"):
                raise Malformed("an index at a function that takes none")
            base = argument(cursor, "_")
        else:
            if exponent:
                raise Malformed("two superscripts")
            exponent = argument(cursor, "^")
    if text in ("max", "min", "gcd"):
        if cursor.peek() != "(" or base or exponent:
            raise Unclear("max and min of something")
        return ("fn", text, atoms.arguments(cursor))
    inner = applied(cursor)
    if inner[0] == "opaque" or base and base[0] == "opaque":
        return ("opaque", "a function of no number")
    if text == "lg":
        base, text = ("num", Fraction(10)), "log"
    if text == "log" and base is None:
        text, base = ("ln", None) if cursor.choose("log without a base is natural") == 1 else ("log", ("num", Fraction(10)))
    node = ("fn", text, [inner] + ([base] if base else []))
    if exponent == ("neg", ("num", Fraction(1))) and text in ("sin", "cos", "tan"):
        return ("fn", "arc" + text, [inner])
    if exponent and text == "ln" or exponent and exponent[0] == "neg":
        raise Unclear("a power at a logarithm or a negative one")
    return ("pow", node, exponent) if exponent else node


def applied(cursor):
    """The argument of a function: what stands in brackets, or a product without signs."""
    if not factors.starts(cursor) and cursor.peek() != "-":
        raise Malformed("a function of nothing")
    if cursor.peek() == "-":
        cursor.lenient("a bare sign behind a function")
        cursor.next()
        return read.apply("-", applied(cursor))
    if cursor.peek() == "(":
        return in_brackets(cursor)
    braced = cursor.kind() == "open"
    node = read.term(factors.factor(cursor))
    while factors.starts(cursor) and cursor.peek() not in atoms.FUNCTIONS:
        if braced and cursor.choose("braces end the argument of a function") == 1:
            break
        if cursor.peek() in ("(", "[", "|"):
            if cursor.choose("a bracket ends the argument of a function") == 0:
                break
        if cursor.kind() == "digit":
            raise Unclear("a number behind the argument of a function")
        node = factors.opaque_or(("mul", [node, read.term(factors.factor(cursor))]))
    if cursor.peek() == "/":
        if cursor.choose("sin x/2") == 1:
            cursor.next()
            node = factors.opaque_or(("div", node, read.term(factors.factor(cursor))))
    cursor.last = ("done",)
    return node


def in_brackets(cursor):
    """f(x): the bracket ends the argument, unless a power or a factor follows, where readers differ."""
    inner = read.term(atoms.bracket(cursor))
    if cursor.peek() in ("^", "!") and not cursor.peek(1) == "\\circ" and cursor.choose("sin(x)^2") == 1:
        if cursor.take("^"):
            inner = factors.opaque_or(("pow", inner, argument(cursor, "^")))
        else:
            cursor.next()
            inner = ("fact", inner)
    elif factors.starts(cursor) and cursor.peek() not in atoms.FUNCTIONS and cursor.kind() != "digit":
        if cursor.choose("sin(x)y") == 1:
            inner = factors.opaque_or(("mul", [inner, factors.product(cursor, until_function=True)]))
    cursor.last = ("done",)
    return inner


def series(cursor, text):
    """\\sum and \\prod with both bounds."""
    low = high = None
    while cursor.peek() in ("_", "^"):
        if cursor.next().text == "_":
            if low or cursor.kind() != "open":
                raise Malformed("a sum without its bound")
            low = atoms.group(cursor)
        else:
            high = argument(cursor, "^")
    if not low or not high:
        raise Unclear("a sum without bounds")
    if low[0] != "rel" or low[1] != ["="] or low[2][0][0] not in ("sym", "const"):
        raise Unclear("a sum over something else")
    if any_opaque(read.term(low[2][1]), high):
        return ("opaque", "bounds that are no numbers")
    if cursor.token() is None or not factors.starts(cursor):
        raise Malformed("a sum of nothing")
    body = read.term(factors.product(cursor))
    cursor.last = ("done",)
    if low[2][0][0] == "const":
        body, high = (as_variable(part, low[2][0]) for part in (body, high))
    return body if body[0] == "opaque" else ("series", text, low[2][0][1], low[2][1], high, body)


def as_variable(node, constant):
    """A node in which e or i is an index, not a constant."""
    if node == constant:
        return ("sym", constant[1])
    if isinstance(node, (tuple, list)):
        return type(node)(as_variable(part, constant) for part in node)
    return node


def raw_letters(cursor):
    """The letters of {...}."""
    if cursor.kind() == "letter":
        return cursor.next().text
    cursor.need("{")
    word = ""
    while cursor.kind() in ("letter", "digit"):
        word += cursor.next().text
    cursor.need("}")
    if not word:
        raise Malformed("a name without letters")
    return word


def name(cursor):
    """\\mathrm{...}: a constant, a name, or a unit behind a number."""
    if cursor.kind() not in ("open", "letter"):
        raise Malformed("a name without letters")
    if cursor.kind() == "open" and cursor.kind(1) == "digit":
        raise Unclear("digits as a name")
    word = raw_letters(cursor)
    if word in ("e", "i"):
        return ("const", word)
    if word in ("lcm", "gcd") and cursor.peek() == "(":
        return ("fn", word, atoms.arguments(cursor))
    if len(word) == 1:
        return atoms.named(cursor, word)
    if word in factors.UNITS:
        raise Unclear("a unit in a name")
    return ("sym", word)


def wrapped(cursor, text):
    """\\overline{AB}, \\angle ABC: a name."""
    if text in ("\\angle", "\\triangle"):
        word = ""
        while cursor.kind() == "letter":
            word += cursor.next().text
        if not word:
            raise Malformed(f"{text} of nothing")
        return ("sym", text + word)
    return ("sym", text + raw_letters(cursor))


def money(cursor):
    """A dollar before a number."""
    if cursor.at > 1 and cursor.peek(-2) not in (
        "\\$",
        "-",
        "+",
        "=",
        "<",
        ">",
        "\\le",
        "\\ge",
        ",",
        "(",
        "\\{",
        "\\approx",
        "{",
    ):
        raise Malformed("a dollar inside")
    if cursor.peek() == "\\$":
        cursor.lenient("two dollars")
        return money(cursor) if cursor.next() else None
    if cursor.kind() != "digit" and cursor.peek() != ".":
        raise Malformed("a dollar before no number")
    return ("money", factors.product(cursor))
