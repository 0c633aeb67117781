"""What two verifiers say of the same rows, against what the rows expect: right, false accepts, false rejects, where they differ.

In: JSONL of `row`, `gold`, `pred`, `expected` (1 or 0), and the outcomes of rrm and of math-verify, a line for each row.
Out: a table, and a line for each row that only one of the two gets right or that one of them has an error in.
What cannot be told is not accepted. Usage: compare.py ROWS OURS THEIRS
"""

import json
import sys


def lines(path):
    """The rows of a JSONL file."""
    return [json.loads(line) for line in open(path)]


def short(text, most=46):
    """A text on one line; of a long one its end, where the answer is."""
    text = " ".join(text.split())
    return text if len(text) <= most else "..." + text[-most + 3 :]


def ours(told):
    """What rrm says, in a word or two."""
    return told["outcome"] + (f" ({told['why']})" if "why" in told else "")


def theirs(told):
    """What math-verify says, in a word or two."""
    if "error" in told:
        return "error (" + told["error"].split(":")[0] + ")"
    return "equal" if told["equal"] else "unequal" + (f" ({', '.join(told['unread'])} unread)" if "unread" in told else "")


rows, a, b = (lines(path) for path in sys.argv[1:4])
assert len(rows) == len(a) == len(b)
said = {"rrm": [ours(told) for told in a], "math-verify": [theirs(told) for told in b]}
equal = sum(row["expected"] for row in rows)
print(f"{'':<12} {'right':>6} {'false accepts':>14} {'false rejects':>14}   of {len(rows)} rows, {equal} of them equal")
wrong = {}
for name, outcomes in said.items():
    wrong[name] = [(outcome == "equal") != bool(row["expected"]) for outcome, row in zip(outcomes, rows)]
    accepts = sum(w and outcome == "equal" for w, outcome in zip(wrong[name], outcomes))
    print(f"{name:<12} {len(rows) - sum(wrong[name]):>6} {accepts:>14} {sum(wrong[name]) - accepts:>14}")
listed = [i for i in range(len(rows)) if wrong["rrm"][i] or wrong["math-verify"][i] or "error" in b[i]]
if listed:
    print(f"\n{'row':>5}  {'expected':<8}  {'rrm':<24} {'math-verify':<24} right answer | response")
for i in listed:
    expected = "equal" if rows[i]["expected"] else "unequal"
    marks = [said[name][i] + ("" if not wrong[name][i] else " WRONG") for name in said]
    texts = f"{short(rows[i]['gold'])} | {short(rows[i]['pred'])}"
    print(f"{rows[i]['row']:>5}  {expected:<8}  {marks[0]:<24} {marks[1]:<24} {texts}")
