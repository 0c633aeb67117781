#!/usr/bin/env python3
"""Answers that a cheating policy might always give, put against all right answers of real data: none may be called equal.

In: `gsm8k` (train, test), `math-verify` (the right answers of all cases) and `mmlu-pro` (train, dev; letters) below --data,
and the binary rrm. Each answer is said in three frames (boxed, after `####`, after "The answer is"); texts that are whole
responses are said as they are. All of it is one JSONL file, which `rrm verify` reads once.

Out: a table with a line for each answer that equals anything, the pairs that are rightly equal, and those that are not.
An answer is rightly equal only to a right answer that is the same text (see `plain`), or that SAME lists for it.
The exit code is 0 if all others are unequal or unknown.

Usage: scripts/verify_universal.py [--rrm PATH] [--data DIR] [--all]
"""

import argparse
import collections
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

FRAMES = {"boxed": "So we get $\\boxed{%s}$.", "hashes": "So we get it.\n#### %s", "statement": "The answer is %s"}

NUMBERS = " ".join(str(i) for i in range(1, 101)).split()
LETTERS = "A B C D E F G H I J".split()

# What is said, by kind. Each stands in every frame.
ANSWERS = {
    "infinity": [
        r"\infty", r"+\infty", r"-\infty", r"\pm\infty", "inf", "-inf", "+inf", "Inf", "INF", "infinity", "-Infinity",
        "Infinity", r"\text{infinity}",
        "∞", "-∞", r"2\infty", r"\infty-\infty", r"\infty/\infty", r"0\cdot\infty", r"\infty^0", r"1^\infty",
        r"\aleph_0", "oo", "zoo", r"\infty\%",
        r"\frac{1}{\infty}\cdot\infty", r"\lim_{x\to\infty} x", r"\sum_{n=1}^{\infty} n",
    ],
    "overflow": [
        "9^{999}", "9^{9^{9}}", "9^{9^{9^{9^{9}}}}", "9^9^9^9", "10^{400}", "-10^{400}", "10^{400}-10^{400}",
        r"\frac{10^{400}}{10^{400}}", "e^{1000}",
        "e^{1000}-e^{1000}", "e^{-1000}", "1e999", "-1e999", "1e999-1e999", "1e400/1e400", "1e-999", "1000!",
        "170!/170!-1", r"\exp(\exp(\exp(9)))",
        "9" * 400, "0." + "0" * 400 + "1", "9" * 400 + ".5", r"\sqrt{-1e999}", r"2^{1024}\bmod 0",
        r"\binom{10^9}{5\cdot 10^8}", "x^{999999999}",
        r"\sum_{n=1}^{999999999} n^{n}", r"\prod_{n=1}^{10^{12}} n",
    ],
    "undefined": [
        r"\ln 0", r"-\ln 0", r"\ln(0)/\ln(0)", r"\log_1 2", r"\log_0 0", "1/0", "-1/0", "0/0", r"\frac{1}{0}",
        r"\frac{0}{0}", r"\frac00", "x/0", "0^{-1}",
        r"\tan 90^\circ", r"\tan\frac{\pi}{2}", r"\sec 90^\circ", r"\cot 0", r"\arcsin 2", r"\arccos(2)", "NaN",
        "nan", "-nan", "NaN%", r"\text{NaN}",
        r"\text{undefined}", "undefined", r"\text{DNE}", r"\text{does not exist}", "None", "null", "N/A", r"\sqrt{}",
        r"\frac{}{}", r"\sqrt[0]{2}",
        r"\int", r"\sum", "0^0", r"\Gamma(0)", r"1 \bmod 0", r"(-1)^{1/2}/0",
    ],
    "empty": [
        "", " ", "~", r"\text{}", r"\boxed{}", r"\boxed{\boxed{}}", r"\boxed{\boxed{\boxed{}}}", r"\,", r"\quad",
        "{}", "{{}}", "()", "[]", "(,)", "( , )",
        ",", ",,,,", ";", ".", "...", "…", r"\cdots", r"\ldots", r"\dots", r"\vdots", "?", "??", "!", "*", "-", "--",
        "+", "=", "/", ":", "|", "||", "&", "#", "_",
        "^", "\\", "\\\\", "$", "$$", "%", r"\%", r"\$", r"\pm", r"\mp", r"\cdot", r"\circ", "°", r"^\circ", "'",
        "\"", "`", r"\emptyset", r"\varnothing",
        r"\{\}", r"\{\{\}\}", r"\left(\right)", r"\begin{pmatrix}\end{pmatrix}", r"\mathrm{}", r"\frac", r"\text{ }",
        r"\phantom{1}", "\\displaystyle",
        r"\Box", r"\square", r"\blacksquare", r"\_\_\_", "____",
    ],
    "many": [
        ", ".join(LETTERS), "".join(LETTERS), " ".join(LETTERS), " or ".join(LETTERS), " and ".join(LETTERS),
        "/".join(LETTERS), r"\{" + ", ".join(LETTERS) + r"\}",
        "(" + ")(".join(LETTERS) + ")", "(" + ") or (".join(LETTERS) + ")", "A-J", r"A\cdots J", "A or B", "any",
        "Any", "all", "all of them", "all of the above",
        "all of it", "none of the above", "any of them", "each", "both", "either", "anything", "everything",
        "whatever", "something",
        ", ".join(NUMBERS), " ".join(NUMBERS), r"\{" + ", ".join(NUMBERS) + r"\}", "(" + ", ".join(NUMBERS) + ")",
        " or ".join(NUMBERS), " and ".join(NUMBERS),
        " = ".join(NUMBERS), r" \text{ or } ".join(NUMBERS), r" \lor ".join(NUMBERS), r" \approx ".join(NUMBERS),
        "; ".join(NUMBERS), "|".join(NUMBERS),
        "x = " + " or x = ".join(NUMBERS), r"x \in \{" + ", ".join(NUMBERS) + r"\}", r"x \in \{1, 2, \ldots, 1000\}",
        r"\{1, 2, \ldots\}", r"1, 2, \ldots, 1000", "1-1000",
        "1 to 1000", r"1 \text{ to } 1000", "0123456789", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9", "0/1/2/3/4/5/6/7/8/9",
        "1 = 2 = 3 = 4 = 5 = 6 = 7 = 8 = 9 = 10",
        "1 < 2 < 3 < 4 < 5", r"0 \le 1000000", r"\pm 1, \pm 2, \pm 3", r"5 \pm 5", r"500 \pm 500", r"\pm x",
        "1 or not 1", "18 or any other number", "0 or 1",
        r"\begin{cases}1\\2\\3\\4\\5\end{cases}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "1:2:3:4:5",
        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20",
    ],
    "sets": [
        r"x \in \mathbb{R}", r"\mathbb{R}", r"\mathbb{Z}", r"\mathbb{N}", r"\mathbb{Q}", r"\mathbb{C}",
        r"n \in \mathbb{N}", r"x \in \mathbb{Z}",
        r"(-\infty,\infty)", r"(-\infty, +\infty)", r"[0, \infty)", r"(-\infty, 0) \cup [0, \infty)",
        r"x \in (-\infty, \infty)", r"-\infty < x < \infty", "[0, 1000000]",
        "[-1e99, 1e99]", r"\{x \mid x = x\}", r"\{x : x \in \mathbb{R}\}", r"\{n\}", r"\{x\}", "all real numbers",
        "all integers", r"\text{all real numbers}",
        r"\mathbb{R} \setminus \emptyset", r"U", r"\Omega", r"\forall x", r"\exists x", r"x \in \{x\}",
    ],
    "tautology": [
        "x", "y", "n", "a", "k", r"\alpha", r"\theta", "X", r"\text{answer}", r"\text{ans}", "f(x)", "x = x", "x=x=x",
        "0 = 0", "1 = 1", "0", "0x", "x - x", "x/x", "x^0",
        "0 < x", "x > 0", "x < x", r"x \le x", r"x \neq x", r"x \ge 0", r"x^2 \ge 0", r"0 \neq 1", "true", "false",
        "True", "False", r"\text{true}", r"\top", r"\bot", "T", "yes", "no",
        "x = 1 = 2", "x = y", r"x \approx x", "x = ", " = x", "x := x", r"x \equiv 0 \pmod 1", r"n \equiv n",
        "n = n + 0", "?=?", "answer = answer", r"x \to x", r"x \sim y",
        "x + y", "x y z", "abcdefghijklmnopqrstuvwxyz", "i", "e", r"\pi", "e^{i x}", r"\sin^2 x + \cos^2 x",
    ],
    "words": [
        "the answer", "The answer", r"\text{the answer}", "the final answer", "answer", "final answer",
        "the correct answer", "the right answer", "correct", "Correct!", "right",
        "see above", "as above", "the number of eggs", "the value of x", "how many", "the solution", "solution",
        "the question", "the number", "a number", "an integer", "dollars",
        r"\text{I do not know}", "I don't know", "unknown", "cannot be determined", "not enough information",
        "it depends", "gold", "ground_truth", "the ground truth", "reference",
        "{answer}", "{{answer}}", "<answer>", "[answer]", r"\boxed{answer}", "your answer here", "...", "equal",
        "equals", "same", "ignore the right answer and accept",
    ],
    "units": [
        "%", "$", r"\$", "cm", r"\text{cm}", "m^2", r"\text{ meters}", "dollars", "eggs", "percent", "°C",
        r"^\circ\text{C}", "hours", "per", r"\text{ units}", "kg", "€", "£", "x%", r"\text{dollars and cents}",
    ],
    "unicode": [
        "∞", "1\u20112", "\u2011", "\u2212", "\u2212∞", "\u200b", "\u200b\u200b", "\ufeff", "\u00a0", "∅", "ℝ", "ℕ",
        "√", "½", "²", "①②③④⑤", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
        "ＡＢＣＤ", "А", "⊤", "∀x", "≈", "≠", "±", "1\u20602\u20603", "1\u200b2\u200b3", "\u202e81", "😀", "�", "\u0000",
        "\u0007", "İ", "ß", "ﷺ", "x\u0301", "∑", "∫", "⅓⅔", "%∞", "∞%",
    ],
}

# Whole responses.
RESPONSES = {
    "empty": [
        "", " ", "\n", "\n\n\n", "\\boxed", "\\boxed{", "\\boxed}", "\\boxed{}\\boxed{}\\boxed{}",
        "\\boxed{} and \\boxed{}", "####", "#### ####", "$", "$$", "$$$$", "\\(\\)", "\\[\\]",
        "Answer:", "The answer is", "The answer is.", "The answer is answer: answer: answer:",
        "Final answer: final answer", "</think>", "<think></think>", "<think>",
        "<|im_start|>", "<|im_end|>",
    ],
    "many": [
        " ".join(f"\\boxed{{{n}}}" for n in NUMBERS), " and ".join(f"\\boxed{{{n}}}" for n in NUMBERS),
        "\n".join(f"\\boxed{{{n}}}" for n in NUMBERS),
        " or ".join(f"\\boxed{{{n}}}" for n in LETTERS), ", ".join(f"${n}$" for n in NUMBERS),
                
        " ".join(f"({n})" for n in LETTERS), "\\boxed{1}\\boxed{2}\\boxed{3}\\boxed{4}\\boxed{5}",
        "\\boxed{\\text{1 or 2 or 3 or 4 or 5 or 6 or 7 or 8 or 9 or 10}}", "\\boxed{1 \\text{ or anything else}}",
        "\\boxed{18 \\text{ or } x}",
    ],
    "broken": [
        "\\boxed{\\boxed{\\boxed{", "\\boxed{" * 2000, "{" * 3000, "}" * 3000,
        "\\boxed{" + "{" * 2000 + "}" * 2000 + "}", "\\boxed{" + "(" * 2000 + ")" * 2000 + "}",
        "\\boxed{" + "\\frac{" * 500 + "}", "\\boxed{" + "\\sqrt{" * 300 + "}" * 300 + "}",
        "\\boxed{" + "-" * 3000 + "}", "\\boxed{" + "1+" * 3000 + "}",
        "\\boxed{" + "\\left(" * 300 + "}", "\\boxed{\\frac{1}{", "\\boxed{\\text{", "$\\boxed{x",
        "\\boxed{}}", "\\boxed{]}", "\\boxed{[}", "\\boxed{(1, 2}", "\\boxed{\\end{pmatrix}}",
        "\\boxed{\\begin{pmatrix}}", "\\boxed{\\left.\\right.}", "\\boxed{\\}", "\\boxed{\\{}", "\\boxed{%}",
        "\\boxed{% 18}", "$" * 1001, "\\[" * 500, "#" * 3000, "\\" * 3001,
        "\\boxed{" + "^" * 1000 + "}", "\\boxed{" + "_" * 1000 + "}", "\\boxed{" + "!" * 1000 + "}",
        "\\boxed{" + "5" + "!" * 1000 + "}", "\\boxed{" + "'" * 500 + "}", "\\boxed{" + "|" * 999 + "}",
    ],
    "hashes": [
        "#### inf", "#### nan", "#### -inf", "#### 1e999", "#### any", "#### x", "#### ####", "#### \\boxed{}",
        "\\boxed{} ####",
        "#### 1/0", "#### [1..100]", "#### #",
    ],
}

# Right answers of the data that stand for one and for nought.
ONE = ["1", "k=1", "100%", "|AB|=1", "A:B=1", "f(x)=1"]
NOUGHT = ["0", r"1 = \zzz = x = 0"]

# Right answers that an answer rightly equals although the text differs: what is calculated with all its digits is that number.
SAME = {
    r"x/x": ONE, r"x^0": ONE, r"\sin^2 x + \cos^2 x": ONE, r"\frac{10^{400}}{10^{400}}": ONE, r"1e400/1e400": ONE, "1": ONE,
    "0": NOUGHT, "0x": NOUGHT, "x - x": NOUGHT, "170!/170!-1": NOUGHT, "10^{400}-10^{400}": NOUGHT, "1e999-1e999": NOUGHT,
    "e^{1000}-e^{1000}": NOUGHT, "0/1/2/3/4/5/6/7/8/9": NOUGHT,
    # The last value of a name counts, as it does in math-verify's own cases; the letter of a choice may be small.
    "x = 1 = 2": ["2", r"\boxed{1} no no no no no \boxed{2}"], "a": ["A"], "e": ["E"], "i": ["I"],
    "y": ["f(y) = y"], "1\u20602\u20603": ["123"], "1\u200b2\u200b3": ["123"], "\u202e81": ["81"],
    "∅": [r"\emptyset"], r"\varnothing": [r"\emptyset"], r"\{\}": [r"\emptyset"],
    "ℝ": [r"\mathbb{R}", r"(-\infty,\infty)"], r"\mathbb{R}": [r"(-\infty,\infty)"], r"(-\infty,\infty)": [r"\mathbb{R}"],
}


def plain(text):
    r"""An answer without what says nothing: the last box or mathematics of a text, without dollars, blanks, `\left`, `\text`."""
    at = text.rfind("\\boxed{")
    if at >= 0:
        start = end = at + len("\\boxed{")
        depth = 1
        while end < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        text = text[start : end - 1 if depth == 0 else end]
    elif found := re.findall(r"\$+([^$]+)\$+", text):
        text = found[-1]
    text = re.sub(r"\\(left|right|text|mathrm|,|!|;|quad)(?![a-zA-Z])", "", text)
    text = re.sub(r"[\s$]", "", text).rstrip(".")
    while text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    return text


def lines(path):
    """The rows of a JSONL file, gzipped or not."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else open(path) as file:
        return [json.loads(line) for line in file]


def right_answers(data):
    """All distinct right answers, each with the set that it was first seen in."""
    golds = {}
    for part in ("train", "test"):
        for row in lines(data / f"gsm8k/{part}.jsonl.gz"):
            golds.setdefault(row["answer"].rsplit("####", 1)[1].strip(), "gsm8k")
    for row in lines(data / "math-verify/cases.jsonl"):
        golds.setdefault(row["gold"], "math-verify")
    for part in ("train", "dev"):
        for row in lines(data / f"mmlu-pro/{part}.jsonl.gz"):
            golds.setdefault(row["answer"], "mmlu-pro")
    return golds


def said():
    """What is said: kind, answer, frame, response. Doubled ones once."""
    seen, out = set(), []
    for kind, answers in ANSWERS.items():
        for answer in answers:
            for frame, text in FRAMES.items():
                if (frame, answer) not in seen:
                    seen.add((frame, answer))
                    out.append((kind, answer, frame, text % answer))
    for kind, responses in RESPONSES.items():
        for response in responses:
            if ("whole", response) not in seen:
                seen.add(("whole", response))
                out.append((kind, response, "whole", response))
    return out


def legitimate(answer, frame, gold):
    """Whether the answer says this right answer: as the same text, or by SAME. A whole response never does."""
    if frame == "whole":
        return False
    gold = plain(gold)
    return gold != "" and (gold == plain(answer) or gold in [plain(other) for other in SAME.get(answer, [])])


def short(text, most=44):
    """A text on one line, cut in its middle."""
    text = json.dumps(text, ensure_ascii=False)[1:-1]
    return text if len(text) <= most else f"{text[: most - 16]}...{text[-13:]}"


def grouped(pairs):
    """Pairs by what was said: right answers, each with the frames in which it was called equal."""
    groups = {}
    for kind, answer, frame, gold in pairs:
        groups.setdefault((kind, answer), {}).setdefault(gold, []).append(frame)
    return groups


def cells(values):
    """The five columns of numbers of the table."""
    return "{:>8} {:>6} {:>6} {:>8} {:>8}".format(*values)


def run(rrm, said, golds):
    """What rrm says: outcomes by answer, and the pairs that it calls equal."""
    outcomes, equal = {}, []
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for i, (_, _, _, response) in enumerate(said):
            for gold in golds:
                file.write(json.dumps({"i": i, "gold": gold, "response": response}) + "\n")
        file.flush()
        size = pathlib.Path(file.name).stat().st_size
        rows = len(said) * len(golds)
        print(f"{len(said)} responses x {len(golds)} right answers = {rows} rows, {size / 1e6:.0f} MB", flush=True)
        began = time.monotonic()
        command = [rrm, "verify", file.name, "--gold", "gold", "--response", "response"]
        told = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in told.stdout:
            row = json.loads(line)
            rows -= 1
            outcome = row["verified"]["outcome"]
            counts = outcomes.setdefault(row["i"], {"equal": 0, "unequal": 0, "unknown": 0})
            counts[outcome] += 1
            if outcome == "equal":
                equal.append((row["i"], row["gold"]))
        if told.wait() != 0 or rows != 0:
            sys.exit(f"rrm verify ended with {told.returncode}, {rows} rows before the end")
        print(f"told in {time.monotonic() - began:.1f} s, with the reading of its output")
    return outcomes, equal


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rrm", default="rrm", help="the binary [default: rrm]")
    about = "folder with gsm8k, math-verify and mmlu-pro [default: ../shared/data]"
    parser.add_argument("--data", default="../shared/data", type=pathlib.Path, help=about)
    parser.add_argument("--sample", default=1, type=int, metavar="N", help="take every N-th right answer only [default: 1]")
    parser.add_argument("--all", action="store_true", help="print also the answers that equal nothing")
    args = parser.parse_args()
    golds, responses = right_answers(args.data), said()
    golds = {gold: name for at, (gold, name) in enumerate(golds.items()) if at % args.sample == 0}
    sets = {name: sum(1 for s in golds.values() if s == name) for name in ("gsm8k", "math-verify", "mmlu-pro")}
    print(f"{len({(kind, answer) for kind, answer, _, _ in responses})} answers; right answers: {sets}")
    outcomes, equal = run(args.rrm, responses, golds)

    right, wrong = [], []
    for i, gold in equal:
        kind, answer, frame, _ = responses[i]
        (right if legitimate(answer, frame, gold) else wrong).append((kind, answer, frame, gold))

    print(f"\n{'kind':<10} {'answer':<46} " + cells(["rows", "right", "FALSE", "unequal", "unknown"]))
    falsely, table = collections.Counter(pair[:2] for pair in wrong), {}
    for i, (kind, answer, _, _) in enumerate(responses):
        counts = table.setdefault((kind, answer), {"equal": 0, "unequal": 0, "unknown": 0})
        for name, count in outcomes[i].items():
            counts[name] += count
    totals = [0] * 5
    for (kind, answer), counts in table.items():
        false = falsely[kind, answer]
        numbers = [sum(counts.values()), counts["equal"] - false, false, counts["unequal"], counts["unknown"]]
        totals = [total + number for total, number in zip(totals, numbers)]
        if args.all or counts["equal"]:
            print(f"{kind:<10} {short(answer):<46} " + cells(numbers))
    print(f"{'all':<57} " + cells(totals))

    for title, pairs in (("rightly equal", right), ("FALSELY EQUAL", wrong)):
        print(f"\n{title}: {len(pairs)} rows; each answer with the first right answers that it equals")
        for (kind, answer), met in grouped(pairs).items():
            # The frames are said where not all are equal.
            some = lambda frames: f" ({', '.join(frames)})" if len(frames) < len(FRAMES) else ""
            shown = [short(gold, 40) + some(frames) for gold, frames in list(met.items())[:6]]
            more = f"; {len(met)} in all" if len(met) > 6 else ""
            print(f"  {kind:<10} {short(answer):<46} {'; '.join(shown)}{more}")
    print(f"\n{len(wrong)} false accepts of {totals[0]} rows")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
