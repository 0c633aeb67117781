#!/usr/bin/env python3
"""Result rows -> the share of comparisons that ended in a verdict; exit code 1 below 95%.

    scripts/verdict_share.py RESULT.jsonl
"""

import json
import sys

if len(sys.argv) != 2:
    raise SystemExit(__doc__)
with open(sys.argv[1], encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]
matches = [match for row in rows for match in row["matches"] if match["votes"]]
decided = sum(match["decision"] in ("first", "second", "tie") for match in matches)
print(f"{decided} of {len(matches)} comparisons ended in a verdict")
sys.exit(0 if matches and decided >= 0.95 * len(matches) else 1)
