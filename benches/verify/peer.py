"""Times the Python package math-verify on JSONL of `gold` and `pred`: one line, seconds, pairs, equal ones. Usage: peer.py FILE"""

import json
import logging
import sys
import time

from math_verify import parse, verify

logging.disable(logging.CRITICAL)
rows = [json.loads(line) for line in open(sys.argv[1])]
# Parsers are built at their first use; that is not counted.
verify(parse("$1$"), parse("$1$"))
began = time.perf_counter()
equal = 0
for row in rows:
    equal += bool(verify(parse(row["gold"]), parse(row["pred"])))
print(f"{time.perf_counter() - began:.6f} {len(rows)} {equal}")
