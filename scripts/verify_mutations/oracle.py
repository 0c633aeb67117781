"""A right answer and another text -> `equal`, `different`, `malformed` or `ambiguous`, with the reason.

Both are read strictly, once for every convention on which readers differ. They are equal if they are under every convention that
both share, different if they are under none and no reading of the one is a reading of the other; everything between is ambiguous.
"""

import re
from functools import lru_cache

import factors
import read
import relations
import sets
import terms
from tex import Unclear, balance
from terms import DIFFERENT, EQUAL, MAYBE, worst

TERMS = {
    "num",
    "sym",
    "const",
    "inf",
    "add",
    "neg",
    "mul",
    "div",
    "pow",
    "root",
    "fn",
    "call",
    "pm",
    "degree",
    "percent",
    "fact",
    "dfact",
    "binom",
    "series",
}
CONVERTED = set(
    "mm cm m km inch inches foot feet ft mile miles second seconds minute minutes hour hours day days g kg cent cents dollar "
    "dollars "
    "mph m/s".split()
)
FAILED = "the oracle failed:"
REGIONS = {"seq", "union", "without", "cap", "reals", "empty", "set"}


@lru_cache(maxsize=50_000)
def readings(text):
    """The readings of a text, or the reason why it is not read."""
    try:
        return read.readings(text)
    except Unclear as error:
        return str(error)


def judge(gold, text, boxed=True):
    """What is right: (truth, reason); a failure of the oracle itself is ambiguous, and counted by its reason."""
    try:
        return judged(gold, text, boxed)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        return "ambiguous", f"{FAILED} {type(error).__name__} {error}"


def judged(gold, text, boxed):
    """What is right. In a box, a closing brace too many ends it."""
    excess, missing = balance(text)
    if excess is not None or missing:
        return unbalanced(gold, text, boxed, excess, missing)
    golds, others = readings(gold), readings(text)
    if isinstance(golds, str):
        return "ambiguous", f"the right answer is not read: {golds}"
    told = words(gold, text)
    if told:
        return told
    if isinstance(others, str):
        return "ambiguous", others
    meant = [item for item in golds if item[1][0] not in ("opaque", "malformed")]
    if not meant:
        return "ambiguous", f"the right answer is not read: {golds[0][1][1]}"
    truth, why = combined(
        [(agree(left, right), compare(first, second)) for left, first in meant for right, second in others], others
    )
    if truth in ("different", "malformed"):
        if near(gold, text, meant, others):
            return "ambiguous", "decimals that agree to six places"
        if moved_braces(gold, text):
            return "ambiguous", "only the braces of a text are at another place"
        if why == "arithmetic with a matrix":
            return "ambiguous", why
        sizeless = re.sub(r"\\(left|right)(?![a-zA-Z])", "", text)
        if sizeless != text and judged(gold, sizeless, boxed)[0] == "equal":
            return "ambiguous", "only sizes of brackets are missing or at another place"
        letter = re.fullmatch(r"\(?([A-J])\)?", text)
        if letter and gold.strip("()") == letter[1]:
            return "ambiguous", "a choice with half of its brackets"
    return truth, why


def combined(results, others):
    """The truth from all pairs of readings: (whether they share a convention, how they compare)."""
    told = {result for shared, result in results if shared is not None}
    if told == {"malformed"}:
        return "malformed", others[0][1][1]
    if {result for shared, result in results if shared} == {EQUAL}:
        return "equal", "the same under every reading"
    if not told & {EQUAL, MAYBE}:
        opaque = [node[1] for _, node in others if node[0] == "opaque"]
        return "different", opaque[0] if opaque else "another value"
    return "ambiguous", "; ".join(sorted({name for choices, _ in others for name in choices})) or "a matter of convention"


def words(gold, text):
    """The truth where the right answer is a text and the other is nothing but letters and text commands, else None."""
    if not spelt(gold) or not spelt(text):
        return None
    if spelt(gold) == spelt(text):
        return (
            ("equal", "the same letters")
            if re.fullmatch(r"\\text\{[^{}]*\}", text)
            else ("ambiguous", "the same letters in another layout")
        )
    return ("different", "other letters") if spelt(gold).lower() != spelt(text).lower() else None


def spelt(text):
    """The letters of a text in which \\text{...} and letters are all there is, else None."""
    letters = re.sub(r"\\(?:text|textbf|mbox)(?![a-zA-Z])|[{}\s]", "", text)
    return letters if len(letters) > 1 and "\\text" in text and re.fullmatch(r"[a-zA-Z]+", letters) else None


def bare(text):
    """A text without its text commands, braces and blanks."""
    return re.sub(r"\\text(?![a-zA-Z])|[{}\s]", "", text)


def near(gold, text, golds, others):
    """Whether both are real numbers, one with six decimals or more, that agree to six: some take that for equal."""
    if not re.search(r"\.\d{6}", gold + "|" + text):
        return False
    pairs = [
        (terms.at(a, 0), terms.at(b, 0))
        for _, a in golds
        for _, b in others
        if {a[0], b[0]} <= TERMS and not terms.of.names((a, b))
    ]
    return any(terms.of.real(a) and terms.of.real(b) and abs(terms.of.number(a) - terms.of.number(b)) <= 1e-6 for a, b in pairs)


def moved_braces(gold, text):
    """Whether nothing but the braces of a text and blanks differ."""
    plain = re.sub(r"\\text\{[^{}]*\}", "", gold)
    return "\\text" in gold and not re.search(r"[{^_]", plain) and gold != text and bare(gold) == bare(text)


def agree(left, right):
    """Whether two sets of choices are of one convention; None where nobody would mix the two conventions."""
    apart = [name for name, option in left.items() if right.get(name, option) != option]
    return None if any(name.endswith(("(...)", "is a variable")) for name in apart) else not apart


def unbalanced(gold, text, boxed, excess, missing):
    """Braces that do not match: malformed, unless what a reader would find in the box is the right answer."""
    seen = None
    if boxed and excess is not None:
        # A percent sign behind the box belongs to it.
        seen = text[:excess] + ("\\%" if text[excess + 1 :].startswith("\\%") else "")
    elif boxed and missing == 1:
        seen = text + "}"
    if seen is not None and balance(seen) == (None, 0) and judge(gold, seen)[0] in ("equal", "ambiguous"):
        return "ambiguous", "a brace is missing or too many, and the rest is the right answer"
    return "malformed", "braces do not match"


def compare(left, right):
    """How two nodes compare: EQUAL, DIFFERENT, MAYBE, or "malformed" for the second."""
    if right[0] == "malformed":
        return "malformed"
    if "malformed" in (left[0],) or "opaque" in (left[0], right[0]):
        return DIFFERENT
    if left == right:
        return EQUAL
    if left[0] in ("unit", "money") or right[0] in ("unit", "money"):
        return units(left, right)
    pair = {left[0], right[0]}
    if pair <= TERMS:
        return numbers(left, right)
    if pair == {"rel"}:
        first, second = terms.expanded(left), terms.expanded(right)
        if len(first) == len(second) == 1:
            return relations.same(left, right, compare)
        told = matched(first, second, ordered=False)
        sides = len(first) == len(second) and all(relations.defined(a, b) == EQUAL for a, b in zip(first, second))
        return told if told == DIFFERENT or sides else MAYBE
    if "rel" in pair:
        return named(left, right) if left[0] == "rel" else named(right, left)
    if "text" in pair or "letter" in pair:
        return texts(left, right)
    if left[0] == right[0]:
        return alike(left, right)
    return across(left, right)


def units(left, right):
    """Numbers with units or a currency: another number is another answer; equal ones with different units are MAYBE."""
    if any(node[0] == "unit" and any(word in factors.SCALES for word in node[2].lower().split()) for node in (left, right)):
        return MAYBE
    if left[0] == right[0] == "unit":
        inner = compare(left[1], right[1])
        words = [re.sub(r"\s", "", node[2]) for node in (left, right)]
        if words[0] == words[1] or inner == DIFFERENT and not set(words) <= CONVERTED:
            return inner
        return MAYBE
    bare = [node[1] if node[0] in ("unit", "money") else node for node in (left, right)]
    inner = compare(*bare)
    if inner == EQUAL and not left[0] == right[0] == "money":
        return MAYBE
    return inner


def numbers(left, right):
    """Two terms; with plus-or-minus each is two."""
    first, second = terms.expanded(left), terms.expanded(right)
    if len(first) == len(second) == 1:
        return terms.same(left, right)
    return matched(first, second, ordered=False)


def matched(first, second, ordered):
    """Members: in order, or in any order with each matched once. Doubled members are dropped where the order does not count."""
    if not ordered:
        first, second = distinct(first), distinct(second)
    if len(first) != len(second):
        return DIFFERENT
    in_order = worst(compare(a, b) for a, b in zip(first, second))
    if ordered or in_order == EQUAL:
        return in_order
    left, result = list(second), EQUAL
    for item in first:
        told = [compare(item, other) for other in left]
        best = EQUAL if EQUAL in told else MAYBE if MAYBE in told else DIFFERENT
        if best == DIFFERENT:
            return DIFFERENT
        result = worst([result, best])
        left.pop(told.index(best))
    return result


def distinct(items):
    """Members without those that are equal to an earlier one."""
    result = []
    for item in items:
        if not any(compare(item, other) == EQUAL for other in result):
            result.append(item)
    return result


def texts(left, right):
    """Words: equal letters are equal; only case and marks between them are MAYBE."""
    words = [node[1] if node[0] in ("text", "letter", "sym", "const") else None for node in (left, right)]
    if None in words:
        return MAYBE if "text" in (left[0], right[0]) else DIFFERENT
    if left[0] == right[0] == "letter":
        return DIFFERENT
    plain = ["".join(char for char in word.lower() if char.isalnum()) for word in words]
    if words[0].strip() == words[1].strip():
        return EQUAL
    return MAYBE if plain[0] == plain[1] else DIFFERENT


def named(relation, other):
    """x = 5 against 5, x in A against A, 1 < x < 2 against (1, 2): MAYBE at best."""
    if set(relation[1]) == {"="}:
        ends = (relation[2][0], relation[2][-1])
        return DIFFERENT if all(compare(end, other) == DIFFERENT for end in ends) else MAYBE
    if relation[1] == ["in"]:
        return DIFFERENT if compare(relation[2][1], other) == DIFFERENT else MAYBE
    try:
        _, first = sets.of_inequality(relation)
        return MAYBE if sets.same(first, sets.pieces(other)) else DIFFERENT
    except sets.NoSet:
        return DIFFERENT if other[0] in TERMS else MAYBE


def alike(left, right):
    """Two nodes of the same kind."""
    kind = left[0]
    if kind == "seq":
        return sequences(left, right)
    if kind == "set":
        first, second = ([part for item in node[1] for part in terms.expanded(item)] for node in (left, right))
        return matched(first, second, ordered=False)
    if kind == "list":
        return lists(left, right)
    if kind == "ratio":
        return ratios(left[1], right[1])
    if kind == "time":
        return DIFFERENT
    if kind == "matrix":
        if [len(row) for row in left[2]] != [len(row) for row in right[2]]:
            return DIFFERENT
        inner = worst(compare(a, b) for first, second in zip(left[2], right[2]) for a, b in zip(first, second))
        return inner if left[1] == right[1] or {left[1], right[1]} == {"pmatrix", "bmatrix"} or inner == DIFFERENT else MAYBE
    if kind == "base":
        return MAYBE if int_of(left) is not None and int_of(left) == int_of(right) else DIFFERENT
    return regions(left, right)


def sequences(left, right):
    """Tuples and intervals."""
    inner = matched(left[3], right[3], ordered=True)
    if inner == DIFFERENT or left[1:3] == right[1:3]:
        return inner
    return DIFFERENT if len(left[3]) == 2 else MAYBE


def lists(left, right):
    """Lists: the same order is equal; another one is MAYBE unless all are relations or "or" stands between them."""
    first, second = ([part for item in node[1] for part in terms.expanded(item)] for node in (left, right))
    in_order = matched(first, second, ordered=True)
    if in_order == EQUAL:
        return EQUAL
    free = all(item[0] == "rel" for item in first + second) or left[2] == right[2] == "or"
    any_order = matched(first, second, ordered=False)
    return any_order if free or any_order == DIFFERENT else MAYBE


def ratios(left, right):
    """a:b and ka:kb."""
    if len(left) != len(right):
        return DIFFERENT
    results = [terms.same(("mul", [left[0], b]), ("mul", [right[0], a])) for a, b in zip(left[1:], right[1:])]
    zero = terms.same(left[0], ("num", terms.of.Fraction(0))) != DIFFERENT
    return MAYBE if zero else worst(results)


def int_of(node):
    """The value of a number in a base, or None."""
    try:
        return int(node[1], node[2])
    except ValueError:
        return None


def regions(left, right):
    """Two sets of real numbers; where their ends are no numbers, piece by piece."""
    try:
        return EQUAL if sets.same(sets.pieces(left), sets.pieces(right)) else DIFFERENT
    except sets.NoSet:
        if left[0] == right[0] == "union":
            return matched(left[1], right[1], ordered=False)
        if left[0] == right[0] and left[0] in ("without", "cap"):
            return worst(compare(a, b) for a, b in zip(left[1:], right[1:]))
        return DIFFERENT if left[0] == "set" or right[0] == "set" or "reals" in (left[0], right[0]) else MAYBE


def across(left, right):
    """Nodes of different kinds."""
    pair = {left[0], right[0]}
    if "base" in pair:
        base, other = (left, right) if left[0] == "base" else (right, left)
        same = other[0] == "num" and (other[1] == int_of(base) or str(other[1]) == base[1])
        return MAYBE if same else DIFFERENT
    if "list" in pair and pair & (REGIONS - {"set"}):
        either, region = (left, right) if left[0] == "list" else (right, left)
        if all(item[0] == "rel" for item in either[1]):
            return MAYBE if inequalities_are(either, region) else DIFFERENT
    members = [members_of(node) for node in (left, right)]
    if pair <= REGIONS and not pair <= {"seq", "set"}:
        return regions(left, right)
    if None not in members:
        told = matched(*members, ordered=False)
        if pair == {"seq", "list"} or pair == {"seq", "set"} or pair == {"seq", "matrix"}:
            told = worst([told, matched(*members, ordered=True)])
        return DIFFERENT if told == DIFFERENT else MAYBE
    if "ratio" in pair:
        ratio, other = (left, right) if left[0] == "ratio" else (right, left)
        if len(ratio[1]) == 2 and other[0] in TERMS:
            return DIFFERENT if numbers(("div", *ratio[1]), other) == DIFFERENT else MAYBE
    return DIFFERENT


def inequalities_are(either, region):
    """Whether a list of inequalities may be the set."""
    try:
        found = [sets.of_inequality(item) for item in either[1]]
        return sets.same(sets.merged([piece for _, part in found for piece in part]), sets.pieces(region))
    except sets.NoSet:
        return any("=" in item[1] for item in either[1])


def members_of(node):
    """The members of what has some."""
    if node[0] in ("set", "list"):
        return [part for item in node[1] for part in terms.expanded(item)]
    if node[0] == "seq":
        return node[3]
    if node[0] == "matrix" and (len(node[2]) == 1 or len(node[2][0]) == 1):
        return [cell for row in node[2] for cell in row]
    return terms.expanded(node) if node[0] in TERMS and len(terms.expanded(node)) == 2 else None
