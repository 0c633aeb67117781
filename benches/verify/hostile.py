#!/usr/bin/env python3
"""What the longest work of the verifier is: long responses made of pieces that it looks for, and long answers.

    benches/verify/hostile.py --rrm target/release/rrm [--bytes 200000] [--sample 100] [--seed 1]

Each response repeats one piece, or two pieces in turn, up to --bytes; each answer has 8,000 bytes, just below the limit. One run of
`rrm verify` for each row. Prints the slowest rows. The exit status is 1 where a row takes more than 2 seconds of processor time or
300 MB, or where `rrm` fails. --sample takes so many of all pairs of pieces, drawn with --seed; without it all of them.
"""

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile

SECONDS, MEGABYTES = 2, 300

PIECES = [
    "\\boxed{3} ", "\\boxed{", "\\boxed{{", "\\fbox{4}", "}", "{", "$", "$$", "$x$ and ", "\\(", "\\)", "\\[", "\\]", "\\$", "\\",
    "the answer is 3 ", "The answer is", "Answer: ", "A: ", "#### ", "答案是", "<answer>", "</answer>", "<think>a</think>", "<", "\n",
    "\nHuman: a", "12, ", "7", "1,", "(", ")", "[", "x = 3", "word ", "3+4=7 ", " wait ", "3/4 ", "-", "...", "\"", "**", " million ",
    "half of ", "not ", "% ", "<<", "é",
]

ANSWERS = {
    "units": "1" + " m s g N" * 1000,
    "fractions of units": "1" + "\\frac{m}{s}" * 720,
    "digits": "9" * 8000,
    "commas": "1," * 3999 + "1",
    "groups": "1," + "234," * 1990 + "567",
    "letters": "x" * 8000,
    "powers": "x^{" * 30 + "2" + "}" * 30,
    "a sum": "+".join(f"x^{{{i}}}" for i in range(900)),
    "a product": "".join(f"(x+{i})" for i in range(1100)),
    "a tower": "9^{9^{9^9}}",
    "a factorial": "100000!",
    "brackets": "(" * 39 + "1" + ")" * 39,
    "a list": ", ".join(map(str, range(1400))),
    "a set": "\\{" + ",".join(map(str, range(1400))) + "\\}",
    "a matrix": "\\begin{pmatrix}" + "\\\\".join("&".join("1" for _ in range(40)) for _ in range(60)) + "\\end{pmatrix}",
    "signs": "\\pm 1 " * 900,
    "alternatives": " or ".join(f"x = {i}" for i in range(600)),
    "words": "apple " * 1300,
    "intervals": " \\cup ".join(f"({i},{i + 1})" for i in range(450)),
}


def rows(size, sample, seed):
    pairs = list(itertools.product(PIECES, repeat=2))
    if sample is not None:
        pairs = random.Random(seed).sample(pairs, sample)
    for pieces in [(piece,) for piece in PIECES] + pairs:
        unit = "".join(pieces)
        yield repr(unit), "3", unit * (size // len(unit.encode()))
    for name, answer in ANSWERS.items():
        assert len(answer) <= 8192, name
        yield name, "5", f"\\boxed{{{answer}}}"
        yield f"{name}, asked for", answer, "\\boxed{5}"
        yield f"{name}, nearly the same", answer, f"\\boxed{{{answer[:-1]}7}}"


def measured(rrm, gold, response, path):
    """Seconds of the processor, megabytes, exit status of one row."""
    with open(path, "w") as file:
        file.write(json.dumps({"gold": gold, "response": response}) + "\n")
    child = subprocess.Popen([rrm, "verify", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, child.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rrm", required=True, help="the binary")
    parser.add_argument("--bytes", type=int, default=200_000, help="length of a response")
    parser.add_argument("--sample", type=int, help="how many pairs of pieces; all of them without it")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, gold, response in rows(options.bytes, options.sample, options.seed):
            found.append((*measured(options.rrm, gold, response, f"{folder}/row.jsonl"), name))
    found.sort(reverse=True)
    print(f"{len(found)} rows; most memory {max(row[1] for row in found):.0f} MB; the slowest:")
    for seconds, megabytes, _, name in found[:8]:
        print(f"  {seconds:6.2f} s {megabytes:5.0f} MB  {name}")
    bad = [row for row in found if row[0] > SECONDS or row[1] > MEGABYTES or row[2] != 0]
    for seconds, megabytes, status, name in bad:
        print(f"over the limit or failed: {seconds:.2f} s, {megabytes:.0f} MB, exit status {status}: {name}")
    print(f"{len(bad)} of {len(found)} rows over {SECONDS} s or {MEGABYTES} MB, or failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
