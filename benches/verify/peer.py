"""Times the Python package math-verify on JSONL of `gold` and `pred`: one line, seconds, pairs, equal ones.

A row may state `precision` (places to which floats are rounded), `strict` and `allow_set_relation_comp`; all else is the
package's default. With OUTCOMES, what it says of each row goes to that file as JSON: `equal`, and `unread` (gold or pred) or
`error` where there is one.
Usage: peer.py FILE [OUTCOMES]
"""

import json
import logging
import sys
import time

from math_verify import parse, verify

OPTIONS = {"precision": "float_rounding", "strict": "strict", "allow_set_relation_comp": "allow_set_relation_comp"}


def tell(row, options):
    """What the package says of a row."""
    try:
        gold, pred = parse(row["gold"]), parse(row["pred"])
        told = {"equal": bool(verify(gold, pred, **options))}
    except Exception as error:
        return {"equal": False, "error": f"{type(error).__name__}: {error}"}
    unread = [name for name, read in (("gold", gold), ("pred", pred)) if not read]
    return told | ({"unread": unread} if unread else {})


logging.disable(logging.CRITICAL)
rows = [json.loads(line) for line in open(sys.argv[1])]
options = [{name: row[key] for key, name in OPTIONS.items() if key in row} for row in rows]
# Parsers are built at their first use; that is not counted.
verify(parse("$1$"), parse("$1$"))
began = time.perf_counter()
told = [tell(row, stated) for row, stated in zip(rows, options)]
print(f"{time.perf_counter() - began:.6f} {len(rows)} {sum(one['equal'] for one in told)}")
if len(sys.argv) > 2:
    with open(sys.argv[2], "w") as file:
        file.writelines(json.dumps(one) + "\n" for one in told)
