#!/usr/bin/env bash
# Makes a report over small judges, with markup in its texts and names, and tries it in headless Chromium.
# report_in_browser.sh FOLDER ; needs chromium (Debian's package), node and npm. RRM names the binary. Screenshots stay in FOLDER.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
rrm="${RRM:-rrm}"
mkdir -p "$1" && cd "$1"
[ -d node_modules/playwright-core ] || npm install --silent --no-audit --no-fund playwright-core@1.64.1
python3 - > pairs.jsonl <<'PY'
import json
bad = ["<script>hacked=1</script>", "</script><img src=x onerror='hacked=1'>", "<!--<script>", "plain & \"quoted\"", "]]><svg onload=hacked=1>"]
for i in range(60):
    print(json.dumps({"id": f"{i} {bad[i % 5]}", "prompt": f"What is {i} + {i}? {bad[(i + 1) % 5]}",
                      "chosen": f"It is {2 * i}. {bad[(i + 2) % 5]}", "rejected": f"I make it {2 * i + 1}, all in all. " * (i % 4),
                      "subset": ["sums", "<b>bold</b> & long names of subsets", "<script>hacked=1</script>"][i % 3]}))
PY
runs=()
judge() {
  runs+=("judge-$3.json")
  "$rrm" eval pairs --data pairs.jsonl --engine "scripted:$1" --votes "$2" --store store.sqlite -o "judge-$3.json" >/dev/null 2>&1
}
judge accuracy=0.75 9 a
judge random 5 b
judge longer 1 c
# A judge that says nothing is no success, and its scores are there to be seen.
judge silent 1 d || [ -s judge-d.json ]
# A judge that thinks, where one was measured before: its file is given by RRM_RUN.
[ -z "${RRM_RUN:-}" ] || runs=("$RRM_RUN" "${runs[@]}")
"$rrm" report "${runs[@]}" --cases 40 -o report.html -o report.md -o report.json
node "$here/report_in_browser.mjs" report.html .
