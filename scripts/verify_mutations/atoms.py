"""Tokens -> what a product is made of: numbers, names, brackets, and the commands with their arguments."""

import re
from fractions import Fraction

import digits
import factors
import read
from tex import NAMES, Malformed, Unclear

FRACTIONS = {"\\frac", "\\dfrac", "\\tfrac", "\\cfrac"}
BINOMIALS = {"\\binom", "\\dbinom", "\\tbinom"}
FUNCTIONS = {
    "\\" + name for name in ("sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp max min gcd".split())
}
GREEK = {
    "\\" + name
    for name in (
        "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau phi "
        "varphi chi psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega ell vartheta"
    ).split()
}
CONSTANTS = GREEK | {"\\pi", "\\infty"}
WRAPS = {"\\overline", "\\vec", "\\hat", "\\bar", "\\widehat", "\\overrightarrow", "\\dot", "\\angle", "\\triangle", "\\tilde"}
SETS = {"\\emptyset", "\\varnothing", "\\mathbb"}
COMMANDS = FRACTIONS | BINOMIALS | CONSTANTS | WRAPS | SETS | NAMES | {"\\sqrt", "\\sum", "\\prod", "\\$", "\\int"}
KNOWN = {
    "sin",
    "cos",
    "tan",
    "log",
    "ln",
    "sqrt",
    "pi",
    "and",
    "or",
    "mod",
    "lcm",
    "gcd",
    "max",
    "min",
    "infty",
    "infinity",
    "inf",
    "oo",
}
CALLABLE = set("fghFGHPQWTpq")
AROUND = {
    None,
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\\{",
    "\\}",
    ",",
    ";",
    "=",
    "<",
    ">",
    "+",
    "&",
    "\\\\",
    "|",
    "\\le",
    "\\ge",
    "\\leq",
    "\\geq",
    "\\in",
    "\\cup",
    ":",
}
CLOSING = {"(": ")", "[": "]"}


def primary(cursor, split=False):
    """One thing without what stands behind it; `cursor.last` says what kind of spelling it was."""
    cursor.last = ("done",)
    kind, text = cursor.kind(), cursor.peek()
    if kind == "digit" or text == "." and cursor.kind(1) == "digit":
        return digits.number(cursor)
    if kind == "letter":
        return letters(cursor, split)
    if kind == "open":
        return braces(cursor)
    if kind == "text":
        if any(char.isdigit() for char in cursor.token().text):
            raise Unclear("digits in a text")
        return ("text", cursor.next().text)
    if kind == "begin":
        return matrix(cursor)
    if text in ("(", "["):
        return bracket(cursor)
    if text in ("\\{", "\\lbrace"):
        return members(cursor)
    if text in ("|", "\\lvert", "\\vert"):
        return absolute(cursor)
    if text in ("\\lfloor", "\\lceil"):
        return rounded(cursor)
    if kind == "command":
        return command(cursor)
    if text in ("'", '"', "`"):
        raise Unclear("quotation marks")
    if text is not None and kind != "end" and text not in "+-*/^_=<>,;:.!)]&?}":
        raise Unclear(f"{text} is not read")
    raise Malformed(f"{text or 'the end'} where a number or name must stand")


def bare_word(cursor):
    """A run of letters that is all of the answer: a word, for short or lower-case ones perhaps a product."""
    texts = [token.text for token in cursor.tokens]
    if len(texts) < 2 or any(token.kind != "letter" for token in cursor.tokens):
        return None
    word = "".join(texts)
    if all(token.gap for token in cursor.tokens[1:]):
        return None
    if any(token.gap for token in cursor.tokens[1:]):
        raise Unclear("several words")
    if word in KNOWN:
        raise Unclear("a bare name of a function")
    options = 1 if word.isupper() and len(word) > 2 else 2
    if len(word) == 2 and not word.isupper() or options == 2 and cursor.choose("letters in a row") == 1:
        return None
    return ("text", word)


def letters(cursor, split):
    """A name: one letter with index and primes, or a run of letters that may be one name."""
    token = cursor.token()
    word, ahead = "", 0
    while cursor.kind(ahead) == "letter" and (not ahead or not cursor.gap(ahead)):
        word += cursor.peek(ahead)
        ahead += 1
    if word in KNOWN or any(word.startswith(known) for known in ("sqrt", "sin", "cos", "tan", "log", "frac", "text")):
        raise Unclear("a bare name of a function")
    if not split and len(word) > 1 and (word.isupper() or len(word) > 2):
        if cursor.choose("letters in a row") == 0:
            cursor.at += len(word)
            return named(cursor, word)
    cursor.next()
    return named(cursor, token.text)


def one_letter(cursor, name):
    """A letter; e and i may be constants."""
    if name in "ei" and cursor.choose(f"{name} is a variable") == 0:
        return ("const", name)
    return ("sym", name)


def named(cursor, name):
    """A name with its index and primes, called where a bracket follows that may hold arguments."""
    while cursor.take("'", "\\prime"):
        name += "'"
    if cursor.peek() == "_":
        cursor.next()
        name += "_" + repr(factors.argument(cursor, "_"))
    if (
        cursor.peek() == "("
        and name[0] in CALLABLE
        and name.strip("'")[1:2] in ("", "_")
        and cursor.choose(f"{name[0]}(...)") == 0
    ):
        return ("call", name, arguments(cursor))
    return one_letter(cursor, name) if len(name) == 1 else ("sym", name)


def arguments(cursor):
    """What stands in the brackets behind a function."""
    node = bracket(cursor)
    if cursor.peek(-1) != ")":
        raise Malformed("brackets that do not match")
    members = node[3] if node[0] == "seq" else [node]
    for member in members:
        if read.term(member)[0] == "opaque":
            raise Unclear("arguments that are no numbers")
    return members


def group(cursor):
    """{...} with something in it."""
    cursor.need("{")
    bars, cursor.bars = cursor.bars, 0
    depth, cursor.depth = cursor.depth, 0
    first = cursor.peek()
    node = read.separated(cursor)
    cursor.first, cursor.depth = first, depth
    cursor.bars = bars
    cursor.need("}")
    return node


def braces(cursor):
    """A group as a factor: braces are not seen, so that digits in it may join others."""
    before = cursor.peek(-1)
    if cursor.kind(1) == "close":
        raise Unclear("braces with nothing in them")
    if cursor.peek(1) in ("^", "_") and (before in (")", "]", "}") or cursor.kind(-1) in ("digit", "letter")):
        raise Unclear("a power of nothing in braces")
    node = group(cursor)
    last = cursor.last
    if (node[0] == "add" and cursor.summed or cursor.first in ("+", "-", "\\pm", "\\mp")) and (
        before not in AROUND or cursor.peek() not in AROUND
    ):
        raise Unclear("a sum in braces, which are not seen")
    cursor.last = (
        ("braced number", last[1])
        if node[0] == "num" and last[0] == "literal"
        else last if node[0] == "div" and last[0] == "fraction" else ("done",)
    )
    if cursor.peek() == "_":
        raise Unclear("an index behind a group")
    return node


def bracket(cursor):
    """(...) and [...]: a term, a tuple, an interval."""
    first = cursor.next()
    bars, cursor.bars = cursor.bars, 0
    cursor.depth += 1
    node = read.separated(cursor)
    cursor.depth -= 1
    cursor.bars = bars
    last = cursor.token()
    if last is None or last.text not in (")", "]") or bool(first.left) != bool(last.left) or first.left == "\\right":
        raise Malformed(f"{first.text} is not closed")
    cursor.next()
    cursor.last = ("done",)
    if node[0] == "list":
        if CLOSING[first.text] != last.text and len(node[1]) != 2:
            raise Malformed("brackets that do not match")
        cursor.last = ("cycle",)
        return ("seq", first.text, last.text, node[1])
    if CLOSING[first.text] != last.text:
        raise Malformed("brackets that do not match")
    if first.text == "[" and cursor.choose("[x]") == 1:
        return ("seq", "[", "]", [node])
    return node


def members(cursor):
    """\\{...\\}: a set."""
    first = cursor.next()
    bars, cursor.bars = cursor.bars, 0
    cursor.depth += 1
    node = ("list", []) if cursor.peek() in ("\\}", "\\rbrace") else read.separated(cursor)
    cursor.depth -= 1
    cursor.bars = bars
    last = cursor.token()
    if last is not None and last.text in ("|", ":"):
        raise Unclear("a set by condition")
    if last is None or last.text not in ("\\}", "\\rbrace") or bool(first.left) != bool(last.left):
        raise Malformed("a set is not closed")
    cursor.next()
    return ("set", node[1] if node[0] == "list" else [node])


def absolute(cursor):
    """|...|."""
    first = cursor.next()
    bars, cursor.bars = cursor.bars, 1
    inner = read.term(read.total(cursor))
    cursor.bars = bars
    last = cursor.token()
    if last is None or last.text not in ("|", "\\rvert", "\\vert") or bool(first.left) != bool(last.left):
        raise Malformed("a bar is not closed")
    cursor.next()
    cursor.last = ("done",)
    return inner if inner[0] == "opaque" else ("fn", "abs", [inner])


def rounded(cursor):
    """Floor and ceiling."""
    first = cursor.next()
    inner = read.term(read.total(cursor))
    cursor.need("\\rfloor" if first.text == "\\lfloor" else "\\rceil")
    if bool(first.left) != bool(cursor.token(-1).left):
        raise Malformed("\\left without \\right")
    cursor.last = ("done",)
    return inner if inner[0] == "opaque" else ("fn", first.text[2:], [inner])


def command(cursor):
    """What starts with a backslash."""
    from commands import command as read_command

    return read_command(cursor)


def matrix(cursor):
    """\\begin{pmatrix} ... \\end{pmatrix}."""
    kind = re.search(r"\{(.*)\}", cursor.next().text)[1]
    if kind not in ("pmatrix", "bmatrix", "vmatrix", "matrix"):
        raise Unclear(f"{kind} is not read")
    rows = [[]]
    while True:
        rows[-1].append(read.total(cursor))
        if cursor.take("&"):
            continue
        if cursor.take("\\\\") and cursor.kind() != "end":
            rows.append([])
            while cursor.peek() == "\\\\":
                cursor.lenient("an empty row")
                cursor.next()
            continue
        break
    if cursor.kind() != "end" or kind not in cursor.peek():
        raise Malformed("a matrix is not closed")
    cursor.next()
    if len({len(row) for row in rows}) != 1:
        raise Malformed("rows of different lengths")
    cursor.last = ("cycle",)
    return ("matrix", kind, rows)
