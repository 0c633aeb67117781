"""A right answer -> mutants of it: (kind, text), by changes of single tokens, and by changes that leave the value as it is.

Kinds that start with `same-` are meant to change nothing; what is right is told by the oracle alone.
"""

import re

from tex import joined, pieces

SIGNS = {
    "+": "-",
    "-": "+",
    "<": ">",
    ">": "<",
    "\\le": "\\ge",
    "\\ge": "\\le",
    "\\leq": "\\geq",
    "\\geq": "\\leq",
    "\\cdot": "+",
    "[": "(",
    "]": ")",
    "(": "[",
    ")": "]",
    "=": "-",
    "\\pm": "+",
    "/": "\\cdot",
    "\\cup": ",",
    ",": ".",
}


def parts_of(text):
    """Tokens of a text without blanks; a text command is cut into its letters."""
    return [piece for piece in pieces(text) if not piece.isspace()]


def mutants(text, draw, count, equal_forms):
    """At most `count` mutants by token, spread over the kinds, then all that change nothing."""
    parts = parts_of(text)
    found, seen = [], {text, joined(parts)}
    kinds = [kind for kind in KINDS if len(parts) >= (1 if kind in ("drop", "double", "digit", "sign") else 2)]
    everything = {kind: list(KINDS[kind](parts)) for kind in kinds}
    for options in everything.values():
        draw.shuffle(options)
    while len(found) < count and any(everything.values()):
        for kind in kinds:
            while everything[kind]:
                mutant = joined(everything[kind].pop()).strip()
                if mutant and mutant not in seen:
                    seen.add(mutant)
                    found.append((kind, mutant))
                    break
    found = found[:count]
    for kind, mutant in [*layouts(text, draw), *forms(text), *equal_forms]:
        if mutant not in seen and mutant.strip():
            seen.add(mutant)
            found.append((kind, mutant))
    return found


def drop(parts):
    """One token fewer."""
    for index in range(len(parts)):
        yield parts[:index] + parts[index + 1 :]


def double(parts):
    """One token twice."""
    for index in range(len(parts)):
        yield parts[:index] + [parts[index]] + parts[index:]


def move(parts):
    """One token at another place."""
    for index, part in enumerate(parts):
        rest = parts[:index] + parts[index + 1 :]
        for place in range(len(rest) + 1):
            if place != index:
                yield rest[:place] + [part] + rest[place:]


def brace(parts):
    """One brace or bracket at another place."""
    for index, part in enumerate(parts):
        if part in ("{", "}", "(", ")", "[", "]", "|", "\\{", "\\}"):
            rest = parts[:index] + parts[index + 1 :]
            for place in range(max(0, index - 4), min(len(rest), index + 4) + 1):
                if place != index:
                    yield rest[:place] + [part] + rest[place:]


def swap(parts):
    """Two neighbours change places."""
    for index in range(len(parts) - 1):
        if parts[index] != parts[index + 1]:
            yield parts[:index] + [parts[index + 1], parts[index]] + parts[index + 2 :]


def exchange(parts):
    """Two distant tokens change places."""
    for first in range(len(parts)):
        for second in range(first + 2, len(parts)):
            if parts[first] != parts[second]:
                changed = list(parts)
                changed[first], changed[second] = parts[second], parts[first]
                yield changed


def digit(parts):
    """One digit is another, or a letter is another."""
    for index, part in enumerate(parts):
        if part.isdigit() and part.isascii():
            for other in (str((int(part) + 1) % 10), str((int(part) + 9) % 10)):
                yield parts[:index] + [other] + parts[index + 1 :]
    for index, part in enumerate(parts):
        if part in ("x", "y", "n", "a", "k"):
            yield parts[:index] + [{"x": "y", "y": "z", "n": "m", "a": "b", "k": "n"}[part]] + parts[index + 1 :]


def sign(parts):
    """One sign, relation, separator or bracket is another; a sign before all."""
    for index, part in enumerate(parts):
        if part in SIGNS:
            yield parts[:index] + [SIGNS[part]] + parts[index + 1 :]
    yield ["-"] + parts


KINDS = {
    "drop": drop,
    "double": double,
    "move": move,
    "swap": swap,
    "exchange": exchange,
    "digit": digit,
    "sign": sign,
    "brace": brace,
}


def safe_places(parts):
    """Places between tokens where a blank changes nothing: not in a text, a number or a name, not before an argument."""
    depth = text_depth = 0
    for index in range(1, len(parts)):
        before, part = parts[index - 1], parts[index]
        if before == "{":
            depth += 1
            if index >= 2 and re.match(r"\\(text|mbox|mathrm|operatorname|hbox)", parts[index - 2]):
                text_depth = text_depth or depth
        elif before == "}":
            text_depth = 0 if text_depth == depth else text_depth
            depth -= 1
        if text_depth or re.match(
            r"\\(text|mbox|left|right|begin|sqrt|frac|dfrac|tfrac|math|operatorname|hbox|bar|over|\$|[,!;: ]|quad)", before
        ):
            continue
        if before.isspace() or part.isspace() or before in "<>!" and part == "=":
            continue
        if before in "0123456789.,^_" or part in "0123456789.,^_!%'" or part in ("\\%", "{", "^", "_"):
            continue
        if before.isalpha() and part.isalpha():
            continue
        yield index


def layouts(text, draw):
    """Changes of layout."""
    parts = pieces(text)
    places = list(safe_places(parts))
    for blank in (" ", "\\,", "\\!"):
        if places:
            place = draw.choice(places)
            yield "same-blank", joined([*parts[:place], blank, *parts[place:]])
    yield "same-wrap", f"${text}$"
    yield "same-wrap", f"\\displaystyle {text}"
    if (
        re.search(r"[()\[\]]", text)
        and "\\left" not in text
        and "\\begin" not in text
        and not re.search(r"\\(sqrt|text\w*|mbox)\W", text)
    ):
        yield "same-left", joined(
            ("\\left" + part if part in "([" else "\\right" + part if part in ")]" else part) for part in parts
        )
    if "\\left" in text and "\\left." not in text and "\\right." not in text:
        yield "same-left", re.sub(r"\\(left|right)(?![a-z])", "", text)
    if re.search(r"\^(\d|[a-z])(?![\d])", text):
        yield "same-braces", re.sub(r"\^(\d|[a-z])(?!\d)", r"^{\1}", text)
    if re.search(r"\^\{(\d|[a-z])\}(?!\s*[\d])", text):
        yield "same-braces", re.sub(r"\^\{(\d|[a-z])\}(?!\s*\d)", r"^\1", text)


def forms(text):
    """The same in another spelling."""
    for first, second in (
        ("\\frac", "\\dfrac"),
        ("\\dfrac", "\\frac"),
        ("\\tfrac", "\\frac"),
        ("\\cdot", "\\times"),
        ("\\le", "\\leq"),
        ("\\leq", "\\le"),
        ("\\geq", "\\ge"),
        ("\\binom", "\\dbinom"),
        ("pmatrix", "bmatrix"),
        ("{,}", ","),
        (",\\!", ","),
    ):
        if re.search(re.escape(first) + r"(?![a-z])", text):
            yield "same-spelling", re.sub(re.escape(first) + r"(?![a-z])", lambda _, second=second: second, text)
    slashed = re.sub(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}", r"(\1/\2)", text)
    if slashed != text and not re.search(r"\d\s*\\[dt]?frac", text):
        yield "same-slash", slashed
    if re.fullmatch(r"-?\\[dt]?frac\{\d+\}\{\d+\}", text):
        yield "same-slash", re.sub(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}", r"\1/\2", text)
        above, below = re.findall(r"\d+", text)
        yield "same-value", ("-" if text[0] == "-" else "") + f"\\frac{{{3 * int(above)}}}{{{3 * int(below)}}}"
        if set(prime_factors(int(below))) <= {2, 5} and int(below):
            yield "same-value", ("-" if text[0] == "-" else "") + decimal(int(above), int(below))
    if re.fullmatch(r"-?\d+", text):
        yield "same-value", text + ".0"
        if len(text.lstrip("-")) > 3 and text.lstrip("-")[0] != "0":
            yield "same-thousands", f"{int(text):,}"
            yield "same-thousands", f"{int(text):,}".replace(",", "{,}")
            yield "same-thousands", f"{int(text):,}".replace(",", ",\\!")
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+", text):
        yield "same-thousands", text.replace(",", "")
    if re.fullmatch(r"-?\d+\.\d+", text):
        yield "same-value", text + "0"
        whole, places = text.lstrip("-").split(".")
        yield "same-value", ("-" if text[0] == "-" else "") + f"\\frac{{{int(whole + places)}}}{{{10 ** len(places)}}}"
    yield from orders(text)


def orders(text):
    """Members of a set in another order, unions too."""
    match = re.fullmatch(r"\\\{(.*)\\\}", text)
    if match:
        items = members(match[1])
        if len(items) > 1:
            yield "same-order", "\\{" + ",".join(reversed(items)) + "\\}"
            yield "same-order", "\\{" + ", ".join([*items[1:], items[0]]) + "\\}"
    if "\\cup" in text and "\\in(" not in text.replace(" ", "") and text.count("{") == text.count("\\{"):
        yield "same-order", " \\cup ".join(part.strip() for part in reversed(text.split("\\cup")))


def members(text):
    """What stands between commas outside of brackets."""
    items, depth = [""], 0
    for piece in pieces(text):
        depth += {"(": 1, "[": 1, "{": 1, "\\{": 1, ")": -1, "]": -1, "}": -1, "\\}": -1}.get(piece, 0)
        if piece == "," and depth == 0:
            items.append("")
        else:
            items[-1] += piece
    return [item.strip() for item in items]


def prime_factors(number):
    """The prime factors of a number."""
    found, factor = [], 2
    while factor * factor <= number:
        while number % factor == 0:
            found.append(factor)
            number //= factor
        factor += 1
    return found + [number] * (number > 1)


def decimal(above, below):
    """A fraction that ends, as a decimal."""
    places = 0
    while above * 10**places % below:
        places += 1
    digits = str(above * 10**places // below).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits
