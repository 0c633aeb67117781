"""Tokens -> products: factors with their powers, factorials, indices, and what stands side by side."""

from fractions import Fraction

import atoms
import digits
import read
from tex import Malformed, Unclear

TIMES = ("\\cdot", "\\times", "*", "\\ast")
OVER = ("/", "\\div")
CLOSERS = {")", "]", "\\}", "\\right", "\\rangle", "\\rfloor", "\\rceil", "\\rvert", "\\rbrace", "&", "\\\\"}
OPENERS = {"(", "[", "\\{", "\\lbrace", "\\langle", "\\lfloor", "\\lceil", "\\lvert"}
UNITS = {
    "cm",
    "mm",
    "km",
    "kg",
    "mg",
    "ml",
    "mL",
    "ft",
    "in",
    "mi",
    "min",
    "hr",
    "hrs",
    "mph",
    "rad",
    "deg",
    "m",
    "g",
    "s",
    "h",
    "L",
    "l",
    "N",
    "J",
    "W",
    "V",
    "A",
    "K",
}
SCALES = {"million", "billion", "thousand", "hundred", "dozen", "trillion", "score"}


def starts(cursor):
    """Whether a factor starts here."""
    kind, text = cursor.kind(), cursor.peek()
    if kind in ("digit", "letter", "open", "begin"):
        return not (kind == "open" and cursor.peek(1) in (",", ";"))
    if kind == "command":
        return text in OPENERS or text in atoms.FUNCTIONS or text in atoms.COMMANDS
    if text == "|":
        return cursor.bars == 0 or cursor.token().left == "\\left"
    return text in ("(", "[") or text == "." and cursor.kind(1) == "digit"


def product(cursor, until_function=False):
    """Factors: ("mul", [...]) and ("div", a, b), from the left."""
    node, last, over = start(cursor)
    while cursor.kind() != "text":
        gap = cursor.gap()
        if cursor.take(*TIMES):
            node, last, over = opaque_or(("mul", [node, after_sign(cursor)])), cursor.last, False
        elif cursor.take(*OVER):
            below = after_sign(cursor)
            node, last, over = opaque_or(("div", node, below)), cursor.last, True
        elif starts(cursor) and not (gap == "quad" and cursor.kind() in ("digit", "letter")):
            if until_function and cursor.peek() in atoms.FUNCTIONS:
                break
            node = beside(cursor, node, last, over, gap)
            last, over = cursor.last, over and node[0] == "div" and cursor.taken.get("1/2x", (0,))[0] == 1
        else:
            break
    return node


def start(cursor):
    """The first factor."""
    node = factor(cursor)
    return node, cursor.last, False


def after_sign(cursor):
    """The factor behind a sign of multiplication or division; another sign there is for lenient readers only."""
    if cursor.peek() in ("+", "-", "\\pm"):
        cursor.lenient("a sign behind times or over")
        sign = cursor.next().text
        return read.apply(sign, factor(cursor))
    return factor(cursor)


def opaque_or(node):
    """A product or quotient, opaque where a part is no number."""
    parts = node[1] if node[0] == "mul" else node[1:]
    for part in parts:
        if read.term(part)[0] == "opaque":
            return read.term(part)
    return node


def beside(cursor, node, last, over, gap):
    """A factor that stands beside the last one without a sign."""
    digit = cursor.kind() == "digit" or cursor.peek() == "."
    if node[0] in ("text", "letter"):
        raise Unclear("more behind a text")
    if (
        last[0] == "literal"
        and cursor.peek() in ("\\Omega", "\\mu", "(")
        and cursor.peek() != "("
        or last[0] == "literal"
        and last[1].count(".")
        and cursor.peek() == "("
        and cursor.kind(1) == "digit"
        and cursor.peek(2) == ")"
    ):
        raise Unclear("a unit or repeating digits")
    if cursor.kind() == "open" and letters_in_braces(cursor, last):
        raise Unclear("letters in braces behind a number")
    unit = unit_letters(cursor, last)
    if unit:
        return unit_or_product(cursor, node, unit)
    if last[0] == "literal" and "." not in last[1] and cursor.kind() == "digit" and gap and digits.fraction_ahead(cursor):
        return slashed(cursor, node, last)
    other = factor(cursor)
    now = cursor.last
    percent = other[0] == "mul" and len(other[1]) == 2 and other[1][1] == ("percent",) and other[1][0][0] == "div"
    if percent and last[0] == "literal" and "." not in last[1] and other[1][0][1][0] == other[1][0][2][0] == "num":
        # The percent sign behind a mixed number belongs to all of it.
        part = other[1][0]
        if 0 < part[1][1] / part[2][1] < 1:
            return opaque_or(("mul", [mixed(node, last, part), ("percent",)]))
    if (
        last[0] == "literal"
        and "." not in last[1]
        and now[0] == "fraction"
        and other[1][0] == other[2][0] == "num"
        and gap in ("", " ", "thin", "wide", "join")
    ):
        if 0 < now[1] < 1:
            return mixed(node, last, other)
        return product_or_two(cursor, node, other)
    plain = last[0] == "literal" or digit
    if last[0] == "cycle" or now[0] == "cycle":
        raise Unclear("brackets with members, side by side")
    if digit or now[0] == "braced number":
        return numbers_beside(cursor, node, last, other, now, gap)
    if over and cursor.choose("1/2x") == 1:
        return opaque_or(("div", node[1], ("mul", [node[2], other]))) if node[0] == "div" else opaque_or(("mul", [node, other]))
    if gap == "wide" and plain and now[0] == "literal":
        return ("opaque", "two numbers")
    return opaque_or(("mul", [node, other]))


def slashed(cursor, node, last):
    """A whole number, a gap, and a/b."""
    above = digits.run(cursor)
    cursor.next()
    below = digits.run(cursor)
    cursor.last = ("done",)
    if int(below) == 0:
        return ("opaque", "over nothing")
    part = ("num", Fraction(int(above), int(below)))
    return mixed(node, last, part) if part[1] < 1 else product_or_two(cursor, node, part)


def mixed(node, last, fraction):
    """A whole number and a proper fraction behind it; what stands before the whole number stays."""
    value = ("add", [("num", Fraction(last[1])), fraction])
    return (
        value
        if node[0] == "num"
        else (
            opaque_or(("mul", [node[1][0], value]))
            if node[0] == "mul" and len(node[1]) == 2
            else ("opaque", "a mixed number inside of a product")
        )
    )


def product_or_two(cursor, node, other):
    """Two numbers side by side: a product, or two things."""
    return opaque_or(("mul", [node, other])) if cursor.choose("numbers side by side") == 0 else ("opaque", "numbers side by side")


def numbers_beside(cursor, node, last, other, now, gap):
    """A number behind another factor."""
    if {last[0], now[0]} <= {"literal", "braced number"} and other[0] == node[0] == "num":
        if gap in ("wide", "quad"):
            return ("opaque", "two numbers with a gap")
        left, right = last[1], now[1]
        if left.count(".") + right.count(".") == 0 or left.count(".") == 1 and right.isdigit():
            if cursor.choose("digits across braces or thin gaps") == 0:
                cursor.last = ("literal", left + right)
                return ("num", Fraction(left + right))
            if gap == "thin":
                return ("opaque", "two numbers with a gap")
    return product_or_two(cursor, node, other)


def letters_in_braces(cursor, last):
    """Whether two or more letters in braces come, behind a number, or a unit behind anything."""
    word = ""
    while cursor.kind(len(word) + 1) == "letter":
        word += cursor.peek(len(word) + 1)
    closed = len(word) > 1 and cursor.kind(len(word) + 1) == "close"
    return closed and (last[0] in ("literal", "fraction") or word in UNITS)


def unit_letters(cursor, last):
    """The letters of a unit that end an expression behind a number."""
    if last[0] not in ("literal", "fraction") or cursor.kind() != "letter":
        return None
    word, ahead = "", 0
    while cursor.kind(ahead) == "letter":
        word += cursor.peek(ahead)
        ahead += 1
    end = ahead
    if cursor.peek(ahead) == "^" and cursor.kind(ahead + 1) == "digit":
        end = ahead + 2
    if word in SCALES:
        raise Unclear("a word for a number")
    if (word in UNITS or len(word) > 2) and (cursor.token(end) is None or cursor.kind(end) == "close"):
        return word, end
    return None


def unit_or_product(cursor, node, unit):
    """Letters behind a number: a unit, or variables."""
    word, count = unit
    if cursor.choose("letters as a unit") == 0:
        letters = []
        for _ in range(len(word)):
            letters.append(factor(cursor, split=True))
        return opaque_or(("mul", [node, *letters]))
    cursor.at += count
    cursor.last = ("done",)
    return ("unit", node, word + str(count))


def factor(cursor, split=False):
    """One factor with what stands behind it: powers, factorials, percent signs."""
    node = atoms.primary(cursor, split)
    kind = cursor.last
    powers = 0
    while cursor.kind() != "text":
        if cursor.peek() == "!" and not (cursor.peek(1) == "=" and not cursor.gap(1)):
            node = factorial(cursor, node)
        elif cursor.peek() == "^":
            cursor.next()
            powers += 1
            cursor.last_power = "fraction" if kind[0] in ("fraction", "over") else ""
            node = power(cursor, node, powers)
        elif cursor.peek() == "_":
            raise Malformed("an index behind what takes none")
        elif cursor.take("\\%", "%"):
            node = opaque_or(("mul", [node, ("percent",)]))
        elif cursor.peek() == "\\circ":
            cursor.lenient("a degree sign that is not raised")
            cursor.next()
            node = opaque_or(("mul", [node, ("degree",)]))
        elif cursor.peek() == "\\$":
            if cursor.token(1) is not None:
                raise Malformed("a dollar inside")
            cursor.lenient("a dollar behind the number")
            cursor.next()
            node = ("money", node)
        else:
            break
        kind = ("done",)
    cursor.last = kind
    return node


def factorial(cursor, node):
    """n! and n!!."""
    count = 0
    if cursor.peek(1) == "=" and cursor.gap(1):
        raise Unclear("! and = with a gap")
    while cursor.peek() == "!" and not (cursor.peek(1) == "=" and not cursor.gap(1)):
        cursor.next()
        count += 1
    node = read.term(node)
    if node[0] == "opaque":
        return node
    if count == 2 and cursor.choose("n!!") == 0:
        return ("dfact", node)
    if count > 2:
        raise Unclear("many factorial signs")
    for _ in range(count):
        node = ("fact", node)
    return node


def power(cursor, node, count):
    """What ^ does: a degree sign, or a power."""
    if degree(cursor):
        if count > 1:
            raise Malformed("two superscripts")
        return opaque_or(("mul", [node, ("degree",)]))
    if count > 1:
        raise Malformed("two superscripts")
    if cursor.kind() == "open" and cursor.kind(1) == "close":
        raise Unclear("an empty exponent")
    exponent = argument(cursor, "^")
    if cursor.last_power == "fraction" and node[0] == "div" and cursor.choose("a power behind a fraction") == 1:
        return opaque_or(("div", ("pow", node[1], exponent), node[2]))
    return opaque_or(("pow", node, exponent))


def degree(cursor):
    """Takes \\circ or {\\circ} behind ^."""
    if cursor.take("\\circ"):
        return True
    if cursor.kind() == "open" and cursor.peek(1) == "\\circ" and cursor.kind(2) == "close":
        cursor.at += 3
        return True
    return False


def argument(cursor, of="^"):
    """What a command or ^ takes: a group, or one token as TeX does."""
    kind, text = cursor.kind(), cursor.peek()
    if kind == "open":
        return read.term(atoms.group(cursor))
    if kind == "digit":
        digits = cursor.next().text
        if (
            of in ("^", "_", "\\sqrt")
            and cursor.kind() == "digit"
            and cursor.gap() == ""
            and cursor.choose(f"digits behind {of} without braces") == 1
        ):
            while cursor.kind() == "digit" and cursor.gap() == "":
                digits += cursor.next().text
        return ("num", Fraction(digits))
    if kind == "letter":
        return atoms.one_letter(cursor, cursor.next().text)
    if kind == "text":
        raise Unclear("a text as argument")
    if text == "-" and of == "^" and cursor.kind(1) in ("digit", "letter"):
        cursor.lenient("a bare sign as exponent")
        cursor.next()
        return read.apply("-", argument(cursor, of))
    if text in atoms.CONSTANTS:
        return atoms.primary(cursor)
    if kind == "command" and (text in atoms.COMMANDS or text in atoms.FUNCTIONS):
        if not (of == "^" and text in atoms.FRACTIONS):
            cursor.lenient(f"{text} as a bare argument")
        return read.term(atoms.primary(cursor))
    raise Malformed(f"{of} without its argument")
