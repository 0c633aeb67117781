"""A right answer -> the same in other forms by SymPy: expanded, factored, together, apart from radicals in denominators."""

import sympy

import oracle
import terms

NAMES = {"add": sympy.Add, "mul": sympy.Mul}


class NoForm(Exception):
    """Nothing that is rewritten here."""


def symbolic(node):
    """A term as SymPy has it."""
    kind = node[0]
    if kind == "num":
        if node[1].numerator.bit_length() > 200:
            raise NoForm
        return sympy.Rational(node[1].numerator, node[1].denominator)
    if kind == "sym" and node[1].isalpha() and len(node[1]) == 1:
        return sympy.Symbol(node[1])
    if kind == "const" and node[1] == "pi":
        return sympy.pi
    if kind in NAMES:
        return NAMES[kind](*(symbolic(part) for part in node[1]))
    if kind == "neg":
        return -symbolic(node[1])
    if kind == "div":
        below = symbolic(node[2])
        if below == 0:
            raise NoForm
        return symbolic(node[1]) / below
    if kind == "pow" and node[2][0] == "num" and node[2][1].denominator == 1 and abs(node[2][1]) <= 12:
        return symbolic(node[1]) ** int(node[2][1])
    if kind == "root" and node[1][0] == "num" and node[2][0] == "num" and 0 < node[2][1] < 10**6:
        return symbolic(node[2]) ** sympy.Rational(1, int(node[1][1]))
    raise NoForm


def forms(text):
    """(kind, text) for each form that is spelt differently."""
    found = oracle.readings(text)
    if isinstance(found, str):
        return []
    try:
        node = found[0][1]
        if node[0] == "num":
            return []
        sides = node[2] if node[0] == "rel" and node[1] == ["="] else [node]
        if not all(side[0] in oracle.TERMS for side in sides) or "\0pm" in terms.of.names(node):
            return []
        exprs = [symbolic(side) for side in sides]
        if sum(sympy.count_ops(expr) for expr in exprs) > 60:
            return []
        result = []
        for rewrite in (sympy.expand, sympy.factor, sympy.together, sympy.radsimp):
            spelt = " = ".join(sympy.latex(rewrite(expr)) for expr in exprs)
            result.append(("same-algebra", spelt))
        if len(sides) == 2:
            result.append(("same-algebra", sympy.latex(sympy.expand(exprs[0] - exprs[1])) + " = 0"))
        return [item for item in dict.fromkeys(result) if "frac" not in item[1] or item[1].count("frac") < 12]
    except (NoForm, ZeroDivisionError, ValueError, OverflowError, sympy.PolynomialError):
        return []
