"""Tokens -> numbers: digits with thousands, decimals, repeating digits, a base."""

from fractions import Fraction

import factors
import read
from tex import Malformed, Unclear


def number(cursor):
    """Digits, with thousands, decimals, repeating digits, a base."""
    digits = run(cursor)
    digits = thousands(cursor, digits)
    if cursor.peek() == "." and (cursor.kind(1) == "digit" or cursor.peek(1) in ("\\overline", "\\dot", "\\bar")):
        if digits and cursor.gap() or cursor.gap(1):
            cursor.lenient("a blank beside a decimal point")
        cursor.next()
        return decimal(cursor, digits)
    if cursor.peek() == "." and cursor.token(1) is not None and cursor.kind(1) != "close":
        if cursor.peek(1) == ".":
            raise Malformed("two decimal points")
        cursor.lenient("a number that ends with a point")
        cursor.next()
    if cursor.peek() == "_":
        return based(cursor, digits)
    if len(digits) > 1 and digits[0] == "0" and cursor.choose("leading zeros") == 1:
        return ("opaque", "leading zeros")
    cursor.last = ("literal", digits)
    return ("num", Fraction(digits or "0"))


def run(cursor):
    """Digits in a row; blanks vanish, but not before the digits of a fraction a/b."""
    digits = ""
    while cursor.kind() == "digit":
        gap = cursor.gap()
        if digits and gap in ("wide", "quad", "thin"):
            break
        if digits and gap == " " and fraction_ahead(cursor):
            break
        if digits and gap == "join":
            cursor.lenient("a negative gap inside of a number")
        digits += cursor.next().text
    return digits


def fraction_ahead(cursor):
    """Whether digits, a slash and a digit come."""
    ahead = 0
    while cursor.kind(ahead) == "digit":
        ahead += 1
    return cursor.peek(ahead) == "/" and cursor.kind(ahead + 1) == "digit"


def thousands(cursor, digits):
    """Groups behind commas: {,} and ,\\! always join, a bare comma may."""
    place, groups = cursor.at, []
    if (
        cursor.peek() == ","
        and cursor.peek(1) == ","
        and not cursor.depth
        and all(cursor.kind(ahead) == "digit" for ahead in (2, 3, 4))
    ):
        raise Unclear("two commas in a number")
    braced = 0
    while True:
        width, sure = 1, False
        if read.comma_in_braces(cursor):
            width, sure = 3, True
        elif cursor.peek() != "," or cursor.gap() not in ("", "join"):
            break
        gap = cursor.gap(width)
        if gap not in ("", "join") or sure and gap:
            break
        group = ""
        while cursor.kind(width + len(group)) == "digit" and (not group or not cursor.gap(width + len(group))):
            group += cursor.peek(width + len(group))
        if len(group) not in (2, 3):
            break
        braced += sure or gap == "join"
        groups.append(group)
        cursor.at += width + len(group)
    western = groups and len(digits) <= 3 and all(len(group) == 3 for group in groups)
    indian = groups and len(digits) <= 2 and len(groups[-1]) == 3 and all(len(group) == 2 for group in groups[:-1])
    if western and not digits.startswith("0") and alone(cursor, place - len(digits)):
        return digits + "".join(groups)
    if digits.startswith("0") or not (western or indian) or not braced and (cursor.depth or cursor.choose("thousands") == 1):
        if braced:
            raise Unclear("commas in braces that separate no thousands")
        cursor.at = place
        return digits
    return digits + "".join(groups)


def alone(cursor, first):
    """Whether a number that starts at a token and ends here is all of the answer, but for a sign or a dollar."""
    return cursor.token() is None and all(token.text in ("+", "-", "\\$") for token in cursor.tokens[: max(first, 0)])


def decimal(cursor, digits):
    """Digits behind the point, and those under a line that repeat."""
    places = run(cursor)
    if cursor.peek() in ("\\overline", "\\dot", "\\bar"):
        command_ = cursor.next().text
        if cursor.kind() == "open":
            cursor.next()
            again = run(cursor)
            cursor.need("}")
        else:
            again = cursor.next().text if cursor.kind() == "digit" else ""
        if not again:
            raise Malformed("nothing repeats")
        if cursor.kind() == "digit" or command_ == "\\dot" and len(again) > 1:
            cursor.at += cursor.kind() == "digit"
            return ("opaque", "digits behind repeating ones")
        scale = 10 ** len(places)
        if len(digits) > 1 and digits[0] == "0" and cursor.choose("leading zeros") == 1:
            return ("opaque", "leading zeros")
        value = Fraction(int(digits + places or "0"), scale) + Fraction(int(again), scale * (10 ** len(again) - 1))
        return ("num", value)
    if cursor.peek() == "." and cursor.kind(1) == "digit":
        raise Malformed("two decimal points")
    if cursor.peek() == "." and cursor.token(1) is not None and cursor.kind(1) != "close":
        raise Malformed("two decimal points")
    cursor.last = ("literal", f"{digits}.{places}")
    if len(digits) > 1 and digits[0] == "0" and cursor.choose("zeros before the point") == 1:
        return ("opaque", "leading zeros")
    return ("num", Fraction(f"{digits or 0}.{places}"))


def based(cursor, digits):
    """Digits with an index: a number in a base."""
    cursor.next()
    base = factors.argument(cursor, "_")
    if base[0] != "num":
        return ("opaque", "an index at a number that is no base")
    return ("base", digits.lstrip("0") or "0", int(base[1]))
