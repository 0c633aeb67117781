"""What the oracle must say, by hand; and what the shared cases say where it can read both sides.

python -m unittest discover -s scripts/verify_mutations
"""

import json
import pathlib
import re
import unittest

import mutate
import oracle
from skipping import skipped

CASES = pathlib.Path(__file__).resolve().parents[3] / "shared" / "cases" / "verify"

EQUAL = r"""
\frac12 | \frac{1}{2} | 0.5 | 1/2 | \dfrac{3}{6} | \tfrac 12 | .5 | {\frac{1}2} | \frac{-1}{-2} | 2^{-1} | \sin 30^\circ
3\frac12 | \frac{7}{2} | 3.5 | 3 1/2 | 3\dfrac{1}{2} | 3{\frac{1}{2}}
2^{12} | 4096 | 4,096 | 4{,}096 | 4,\!096 | 40 96 | 2^{3\cdot 4} | {2}^{12} | 8^4
\sqrt{8} | 2\sqrt{2} | \sqrt 8 | \sqrt[2]{8} | 8^{1/2} | \frac{4}{\sqrt{2}} | 2\sqrt2
\sqrt[3]{2} | \sqrt[3]2 | 2^{\frac13}
(x+1)^2 | x^2+2x+1 | (1+x)(x+1) | {(x+1)}^2 | x(x+2)+1
\sqrt{x^2} | |x|
\tan^2 y+1 | \sec^2 y
2\sin b\cos a | \sin(a+b)-\sin(a-b)
\frac{n(n-1)}{2} | \binom{n}{2}
\frac{n(n+1)}{2} | \sum_{k=1}^{n}k
\log_2 8 | 3 | \frac{\ln 8}{\ln 2}
\log_{10} 2 | \lg 2
0.\overline{3} | \frac13 | 0.\dot{3}
0.1\overline{6} | \frac{1}{6}
(1,2) | \left(1,2\right) | (1, \frac{4}{2})
\{1,2,3\} | \{3,1,2\} | \left\{2,1,3\right\} | \{1,2,2,3\}
[0,2] | [0,1]\cup[1,2] | [0,1)\cup[1,2]
(-\infty,2)\cup(3,\infty) | (3,\infty)\cup(-\infty,2) | (-\infty,2)\cup(3,+\infty)
\mathbb{R}\setminus\{2\} | (-\infty,2)\cup(2,\infty)
\{1,3\}\cup\{2,4\} | \{1,2,3,4\}
2x+4y-3=0 | y=-\frac12x+\frac34 | 4x+8y=6 | 3=2x+4y
x<1 | -x>-1 | 1>x
1\pm\sqrt{2} | 1\mp\sqrt{2}
7:11 | 7 : 11
x=3 | 3=x | 2x=6
4^{1000} | 2^{2000}
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{pmatrix} 1 & \frac{4}{2} \\ 3 & 4 \end{pmatrix}
\begin{pmatrix}1\\3\end{pmatrix} | \begin{bmatrix}1\\3\end{bmatrix}
204_5 | 204_{5}
\text{Evelyn} | \text{ Evelyn}
\text{(C)} | (C) | C | \text{C} | \textbf{(C)}
50\% | 50 \%
"""

DIFFERENT = r"""
\frac{13}{25} | \frac{1}{325} | \frac{132}{5} | \frac{31}{25} | \frac1325
\sqrt{3x} | \sqrt{3}x | \sqrt3x
2^{12} | 2^{1}2 | 2^{21} | 2^1 2
e^{2x} | e^{2}x
2^{n+1} | 2^{n}+1
2^{200} | 2^{200}+1
\sqrt{10^{20}+1} | 10^{10}
12345678901234567890 | 12345678901234567891
n | n+10^{-12}
0 | 10^{-400}
12 | 1\ 2 | 1 \quad 2 | 21
11/2 | 1 1/2
32, 349 | 32,349
|x| | x
\sqrt{x^2} | x
\max(x,0) | x
\infty | -\infty | 10^{400} | 5
(-\infty,3) | (3,\infty) | (0,3) | (-\infty,3]
[0,\infty) | (0,\infty)
\sin 30 | \sin 30^\circ
\sin^2 x | \sin 2x
\frac{4}{17}x | \frac{41}{7}x
a_{12} | a_1 2
1.\overline{23} | 1.\overline{2}3
R^2-r^2 | r^2-R^2
\Gamma(a) | \gamma(a)
BCA | ABC
\{1,2\} | \{1,3\} | (1,3)
f(3)=10 | f(3)=110
x^2+y^2=25 | x^2+y^2=52 | x^2-y^2=25 | x^2+y=25
x\le 5 | x\ge 5 | x<5
7:11 | 11:7
3:45 | 3:54 | 45:3
(a,b)=(1,2) | (a,b)=(1,3)
y=|x| | y=x
10^{12}x+1 | 10^{12}x
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{pmatrix}1&3\\2&4\end{pmatrix} | \begin{pmatrix}1&2&3&4\end{pmatrix}
204_5 | 402_5
\text{Evelyn} | \text{Evelny}
1,450,000 | 1,45,0000
"""

MALFORMED = r"""
\frac{1}{2} | \frac{1} | \frac{}{2} | \frac12}{ | {\frac{1}}{2}
3+4 | 3+*4 | 3+ | *3+4 | 3+4)
(1,2) | (1,2 | 1,2) | (1,2}
x^2 | x^ | x^2^3 | x^^2 | ^2x
\sqrt{2} | \sqrt
5 | 5/ | ()5
1.5 | 1..5 | 1.5.0
0 | 0)(
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{pmatrix}1&2\\3\end{pmatrix} | \begin{pmatrix}1&&2\\3&4\end{pmatrix}
"""

AMBIGUOUS = r"""
\frac{x}{2} | 1/2x
2^{12} | 2^12
\{1,2\} | \{1,,2\} | 1,2
15\text{ cm} | 15 | 15\text{ m}
50\% | 0.5 | 50
x=5 | 5
1,2 | 2,1
-5 | --(-5)
3 | +3. | 03
2x | x2
90^\circ | 90 | \frac{\pi}{2}
(1,2) | \langle 1,2\rangle
\frac{1}{x} | 1\div x y / y
\sin(x)y | \sin x y
"""


class Oracle(unittest.TestCase):
    """The four truths."""

    def check(self, table, truth):
        """Every text of a line against its first."""
        for line in table.strip().splitlines():
            gold, *others = [part.strip() for part in re.split(r" \| ", line)]
            for other in others:
                with self.subTest(gold=gold, other=other):
                    told = oracle.judge(gold, other, boxed=False)
                    self.assertEqual(told[0], truth, told[1])

    def test_equal(self):
        """Equal ones."""
        self.check(EQUAL, "equal")

    def test_different(self):
        """Different ones."""
        self.check(DIFFERENT, "different")

    def test_malformed(self):
        """Malformed ones."""
        self.check(MALFORMED, "malformed")

    def test_ambiguous(self):
        """Those on which readers may differ."""
        self.check(AMBIGUOUS, "ambiguous")

    def test_a_cut_box_may_be_right(self):
        """What stands behind the box's opening brace is the right answer, though the box is not closed."""
        self.assertEqual(oracle.judge(r"\sqrt{3}", r"\sqrt{3")[0], "ambiguous")
        self.assertEqual(oracle.judge(r"\sqrt{3}", r"\sqrt{3", boxed=False)[0], "malformed")
        self.assertEqual(oracle.judge(r"\frac{1}{2}", r"\frac{1{2}")[0], "malformed")

    def test_shared_cases(self):
        """The oracle never says the contrary of a shared case."""
        if not CASES.exists():
            skipped(f"{self.id()}: {CASES} is absent")
            self.skipTest("no shared cases here")
        for path in sorted(CASES.glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                found = re.fullmatch(r".*\\(?:frame)?boxed\{(.*)\}\$?\.?", row["response"], re.S)
                if not found:
                    continue
                right = {True: "equal", False: "different"}.get(row["expected"], row["expected"])
                contrary = {"equal": ("different", "malformed"), "different": ("equal",), "same": ("different", "malformed")}[
                    right
                ]
                with self.subTest(gold=row["gold"], response=row["response"]):
                    self.assertNotIn(oracle.judge(row["gold"], found[1])[0], contrary)


class Mutants(unittest.TestCase):
    """How mutants are made."""

    def test_by_token(self):
        """Each kind changes tokens, never the inside of a command."""
        parts = mutate.parts_of(r"\frac{12}{x}")
        self.assertEqual(parts, [r"\frac", "{", "1", "2", "}", "{", "x", "}"])
        self.assertIn([r"\frac", "1", "2", "}", "{", "x", "}"], list(mutate.drop(parts)))
        self.assertIn([r"\frac", "{", "2", "1", "}", "{", "x", "}"], list(mutate.swap(parts)))

    def test_blank_behind_a_command(self):
        """A command does not swallow the letter behind it."""
        self.assertEqual(mutate.joined([r"\pi", "r"]), r"\pi r")


if __name__ == "__main__":
    unittest.main()
