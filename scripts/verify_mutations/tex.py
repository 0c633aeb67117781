"""LaTeX text -> tokens, and tokens -> text.

A token has a kind (digit, letter, command, text, begin, end, open, close, other), its text, and the gap before it: nothing, a
blank, or a spacing command. Blanks mean nothing in mathematics; a gap is kept because it shows what is no longer one number.
"""

import re
from collections import namedtuple

Token = namedtuple("Token", "kind text gap left")


class Malformed(Exception):
    """The text is no expression."""


class Unclear(Exception):
    """Readers may differ, or this reader does not know the notation."""


THIN = {"\\,", "\\;", "\\:", "\\>"}
WIDE = {"\\ ", "\\quad", "\\qquad", "~", "\\enspace", "\\hspace"}
NOTHING = {
    "\\!",
    "\\displaystyle",
    "\\textstyle",
    "\\limits",
    "\\nolimits",
    "\\big",
    "\\Big",
    "\\bigg",
    "\\Bigg",
    "\\bigl",
    "\\bigr",
    "\\Bigl",
    "\\Bigr",
}
TEXTS = {"\\text", "\\textbf", "\\textit", "\\textrm", "\\mbox", "\\textnormal", "\\textsf", "\\texttt", "\\hbox"}
NAMES = {"\\mathrm", "\\mathbf", "\\mathit", "\\operatorname", "\\mathsf", "\\mathtt"}
PIECE = re.compile(r"""\\(?:begin|end)\s*\{[a-zA-Z*]+\}|\\[a-zA-Z]+|\\.|[0-9]|[A-Za-z]|\s+|.""", re.S)


def pieces(text):
    """Every piece of a text, blanks too; joined they are the text again."""
    return PIECE.findall(text)


def kind(piece):
    """What a piece is."""
    if piece.startswith("\\begin"):
        return "begin"
    if piece.startswith("\\end"):
        return "end"
    if piece.startswith("\\"):
        return "command"
    if piece.isdigit() and piece.isascii():
        return "digit"
    if piece.isalpha() and piece.isascii():
        return "letter"
    return {"{": "open", "}": "close"}.get(piece, "other")


def tokens(text):
    """The tokens of a formula. Texts such as \\text{...} are one token of kind `text`; \\left and \\right mark what follows."""
    found, gap, left, index = [], "", "", 0
    parts = pieces(text)
    while index < len(parts):
        piece = parts[index]
        index += 1
        if piece.isspace():
            gap = gap or " "
        elif piece in THIN:
            gap = gap if gap == "wide" else "thin"
        elif piece in WIDE:
            gap = "quad" if "quad" in piece else "wide"
        elif piece in NOTHING:
            gap = gap or ("join" if piece == "\\!" else "")
        elif piece in ("\\left", "\\right"):
            if left:
                raise Malformed("\\left or \\right without a bracket")
            left = piece
        elif piece in TEXTS:
            content, index = group(parts, index)
            found.append(Token("text", content, gap, left))
            gap, left = "", ""
        else:
            if left and piece not in (
                "(",
                ")",
                "[",
                "]",
                "\\{",
                "\\}",
                "|",
                ".",
                "\\lfloor",
                "\\rfloor",
                "\\lceil",
                "\\rceil",
                "\\langle",
                "\\rangle",
                "\\vert",
                "\\lvert",
                "\\rvert",
                "<",
                ">",
                "/",
                "\\|",
                "\\lbrace",
                "\\rbrace",
            ):
                raise Malformed(f"{left} before {piece}")
            found.append(Token(kind(piece), piece, gap, left))
            gap, left = "", ""
    if left:
        raise Malformed(f"{left} at the end")
    return found


def group(parts, index):
    """The text of the argument at `index` and where it ends: what stands in braces, or one piece."""
    while index < len(parts) and parts[index].isspace():
        index += 1
    if index == len(parts) or parts[index] == "}":
        raise Malformed("a text command without its text")
    if parts[index] != "{":
        if kind(parts[index]) == "command":
            raise Malformed("a text command before a command")
        return parts[index], index + 1
    depth, start = 0, index + 1
    while index < len(parts):
        depth += {"{": 1, "}": -1}.get(parts[index], 0)
        index += 1
        if depth == 0:
            return "".join(parts[start : index - 1]), index
    raise Malformed("a brace is not closed")


def balance(text):
    """Where the first closing brace without its opening one stands (or None), and how many braces stay open."""
    depth = 0
    position = 0
    for piece in pieces(text):
        if kind(piece) == "begin" or kind(piece) == "end":
            pass
        elif piece == "{":
            depth += 1
        elif piece == "}":
            depth -= 1
            if depth < 0:
                return position, 0
        position += len(piece)
    return None, depth


def joined(parts):
    """Pieces -> text, with a blank where a command would swallow the letter behind it."""
    text = ""
    for part in parts:
        if part and part[0].isalpha() and re.search(r"\\[a-zA-Z]+$", text):
            text += " "
        text += part
    return text


def unwrapped(text):
    """A text without the dollars or brackets that only say that mathematics follows."""
    text = text.strip()
    for first, last in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        inner = text[len(first) : -len(last)]
        if text.startswith(first) and text.endswith(last) and len(text) > len(first) + len(last) and not escaped(text, last):
            if first[0] != "$" or not re.search(r"(?<!\\)\$", inner):
                return inner.strip()
    return text


def escaped(text, last):
    """Whether the last dollar is a currency."""
    return last == "$" and text.endswith("\\$")
