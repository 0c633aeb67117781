"""Tokens -> what an answer says: terms, relations, tuples, intervals, sets, lists, ratios, texts (see `value` for the nodes)."""

import re

import atoms
import factors
from cursor import readings as all_readings
from tex import Malformed, Unclear, unwrapped

RELATIONS = {
    "=": "=",
    "<": "<",
    ">": ">",
    "\\lt": "<",
    "\\gt": ">",
    "\\le": "<=",
    "\\leq": "<=",
    "\\leqslant": "<=",
    "\\ge": ">=",
    "\\geq": ">=",
    "\\geqslant": ">=",
    "\\ne": "!=",
    "\\neq": "!=",
    "\\in": "in",
}
UNCLEAR = {
    "\\approx",
    "\\equiv",
    "\\sim",
    "\\cong",
    "\\to",
    "\\Rightarrow",
    "\\rightarrow",
    "\\mid",
    "\\notin",
    "\\subset",
    "\\iff",
    "\\implies",
    "\\propto",
    "\\perp",
    "\\parallel",
    "\\dots",
    "\\ldots",
    "\\cdots",
    "\\not",
    "$",
    "\\simeq",
    "\\pmod",
    "\\bmod",
}
CONTAINERS = {
    "seq",
    "list",
    "set",
    "union",
    "without",
    "cap",
    "reals",
    "empty",
    "rel",
    "ratio",
    "time",
    "matrix",
    "text",
    "letter",
    "unit",
    "base",
    "money",
    "opaque",
}


def readings(text):
    """Every reading of an answer, dollars around it dropped."""
    return all_readings(unwrapped(text), answer)


def answer(cursor):
    """The whole text."""
    if not cursor.tokens:
        raise Malformed("nothing")
    for token in cursor.tokens:
        if token.kind == "command" and token.text in UNCLEAR or token.text == "$" or not token.text.isascii():
            raise Unclear(f"{token.text} is not read")
    if re.match(r"\([A-J]\)\w{2}", "".join("x" if token.kind == "text" else token.text for token in cursor.tokens)):
        raise Unclear("a choice with words")
    plain = "".join("x" if token.kind == "text" else token.text for token in cursor.tokens)
    if re.fullmatch(r"\d{4}-\d\d?-\d\d?", plain) or "..." in plain or re.search(r"\d:\d\d.*[ap]\.?m", plain):
        raise Unclear("a date, a time or dots")
    word = atoms.bare_word(cursor)
    if word is not None:
        return word
    node = separated(cursor)
    if cursor.peek() == "." and cursor.at == len(cursor.tokens) - 1:
        cursor.lenient("a dot at the end")
        cursor.next()
    if cursor.token() is not None:
        raise Malformed(f"{cursor.peek()} is left over")
    return letter(node)


def letter(node):
    """One capital is a choice as well as a name."""
    if node[0] == "sym" and re.fullmatch("[A-J]", node[1]):
        return ("letter", node[1])
    if node[0] == "text" and re.fullmatch(r"\s*(\([A-J]\)|[A-J])\s*", node[1]):
        return ("letter", node[1].strip(" ()"))
    return node


def separator(cursor):
    """Takes what separates members: a comma, a semicolon, "and", "or"; doubled ones only a lenient reader takes."""
    taken = None
    while True:
        token = cursor.token()
        if token is None:
            return taken
        word = token.text.strip().strip(",").strip() if token.kind == "text" else ""
        if cursor.peek() in (",", ";"):
            mark = cursor.peek()
        elif comma_in_braces(cursor):
            cursor.at += 2
            mark = ","
        elif token.kind == "text" and not token.text.strip():
            raise Unclear("an empty text")
        elif token.kind == "text" and word in ("and", "or", ""):
            mark = word or taken or ","
        else:
            return taken
        if taken and not (taken in (",", ";") and mark in ("and", "or")):
            cursor.lenient("two separators in a row")
        cursor.next()
        taken = "or" if mark == "or" else "," if mark == "and" else mark


def comma_in_braces(cursor):
    """Whether {,} comes."""
    return cursor.kind() == "open" and cursor.peek(1) == "," and cursor.kind(2) == "close"


def separated(cursor):
    """Members between separators; one member is itself."""
    if cursor.peek() in (",", ";"):
        cursor.lenient("a separator at the start")
        separator(cursor)
    items, marks = [relation(cursor)], set()
    while True:
        if cursor.gap() == "quad" and cursor.kind() in ("letter", "digit"):
            if cursor.choose("a wide gap as a separator") == 1:
                return ("opaque", "two things with a gap")
            marks.add(",")
        else:
            mark = separator(cursor)
            if mark is None:
                break
            marks.add(mark)
            if cursor.token() is None or cursor.kind() == "close" or cursor.peek() in (")", "]", "\\}"):
                cursor.lenient("a separator at the end")
                break
        items.append(relation(cursor))
    if len(items) == 1:
        return items[0]
    if ";" in marks and "," in marks:
        raise Unclear("commas and semicolons")
    return ("list", items, "or" if marks == {"or"} else "and")


def relation(cursor):
    """Sides between signs of equality, inequality or membership."""
    if cursor.peek() in RELATIONS:
        cursor.lenient("a relation without its left side")
        cursor.next()
        return side(cursor)
    sides, signs = [side(cursor)], []
    while cursor.kind() != "text" and (cursor.peek() in RELATIONS or cursor.peek() == "!" and cursor.peek(1) == "="):
        sign = "!=" if cursor.next().text == "!" else RELATIONS[cursor.peek(-1)]
        if sign == "!=" and cursor.peek(-1) == "!":
            cursor.next()
        if sign in "<>" and cursor.peek() == "=":
            if cursor.gap():
                raise Unclear("< and = with a gap")
            cursor.next()
            sign += "="
        while sign == "=" and cursor.peek() == "=":
            cursor.lenient("==")
            cursor.next()
        if sides[-1][0] == "unit":
            raise Unclear("a unit inside of a relation")
        signs.append(sign)
        sides.append(side(cursor))
    return ("rel", signs, sides) if signs else sides[0]


def side(cursor):
    """A ratio or what stands in one, with its unit."""
    parts = [unions(cursor)]
    while cursor.take(":"):
        parts.append(unions(cursor))
    node = parts[0]
    if len(parts) > 1:
        if any(part[0] in CONTAINERS for part in parts):
            return ("opaque", "a ratio of what is no number")
        node = ("ratio", parts) if cursor.choose("a ratio or a time") == 0 else ("time", parts)
    return unit(cursor, node)


def unit(cursor, node):
    """Words behind a number, with their powers."""
    word = ""
    while cursor.kind() == "text" and cursor.token().text.strip() not in ("and", "or", ""):
        if node[0] in ("text", "letter"):
            raise Unclear("two texts")
        word += cursor.next().text.strip()
        if cursor.take("^"):
            word += "^" + repr(factors.argument(cursor))
        if cursor.peek() == "/" and cursor.kind(1) == "text":
            word += cursor.next().text
    if not word:
        return node
    if factors.starts(cursor):
        raise Unclear("more behind a unit")
    return ("unit", node, word)


def unions(cursor):
    """Sets joined by union, intersection, difference."""
    node = total(cursor)
    while True:
        sign = cursor.take("\\cup", "\\cap", "\\setminus", "\\backslash")
        if sign is None:
            return node
        other = total(cursor)
        if sign == "\\cup":
            node = ("union", [node, other])
        else:
            node = ("cap" if sign == "\\cap" else "without", node, other)


def term(node):
    """A node that takes part in arithmetic: a container makes it opaque."""
    return ("opaque", f"arithmetic with a {node[0]}") if node[0] in CONTAINERS else node


def signed(cursor, name):
    """A sign before a term, or before another sign where a lenient reader forgives it."""
    sign = cursor.take("+", "-", "\\pm", "\\mp")
    if sign is None:
        return None
    if cursor.peek() in ("+", "-", "\\pm", "\\mp"):
        if sign == "+" and cursor.peek() == "-":
            raise Unclear("+- may mean plus or minus")
        cursor.lenient(name)
        inner = signed(cursor, name)
    else:
        inner = factors.product(cursor)
    return apply(sign, inner)


def apply(sign, node):
    """A sign before a node."""
    if sign == "+":
        return node if node[0] in ("inf",) else term(node)
    if node[0] == "money" and sign == "-":
        return ("money", ("neg", node[1]))
    node = term(node)
    if node[0] == "opaque":
        return node
    if sign == "-":
        return ("neg", node)
    return ("mul", [("pm", 1 if sign == "\\pm" else -1), node])


def total(cursor):
    """Terms with their signs."""
    node = signed(cursor, "two signs in a row")
    if node is None:
        node = factors.product(cursor)
    parts = [node]
    while cursor.kind() != "text" and cursor.peek() in ("+", "-", "\\pm", "\\mp"):
        parts.append(term(signed(cursor, "two signs in a row")))
    cursor.summed = len(parts) > 1
    if len(parts) == 1:
        return parts[0]
    parts[0] = term(parts[0])
    opaque = [part for part in parts if part[0] == "opaque"]
    return opaque[0] if opaque else ("add", parts)
