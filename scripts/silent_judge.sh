#!/usr/bin/env bash
# Judges that say nothing, half of the time something, nonsense, or both labels -> what every command does with them, as a Markdown table.
# silent_judge.sh ; RRM names the binary. Costs nothing and asks nobody.
set -uo pipefail
rrm="$(realpath "$(command -v "${RRM:-rrm}")")"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 - <<'PY'
import json
def write(name, rows):
    with open(name, "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
response = lambda i, n: {"text": "x" * (i + 1), "correct": i + 1 == n}
ranked = lambda n: [{"id": f"r{r}", "prompt": f"Q{r}", "responses": [response(i, n) for i in range(n)]} for r in range(6)]
write("four.jsonl", ranked(4))
write("two.jsonl", ranked(2))
write("filtered.jsonl", [{"id": r, "prompt": f"Q{r}", "chosen": "yes, it is", "rejected": "no", "subset": "hep-go"} for r in range(6)])
write("questions.jsonl", [{"prompt": f"What is {n} and {n}?", "reference": str(2 * n), "responses": [f"\\boxed{{{2 * n}}}", "\\boxed{7}"]} for n in range(100, 700, 100)])
PY
judges=("nothing|scripted:silent" "half|scripted:silent=0.5" "nonsense|scripted:text=lorem ipsum" "both labels|scripted:text=\\boxed{Assistant 1 or Assistant 2}")

# What is in the file that a command wrote, in a few words.
written() {
  python3 - "$1" "$2" <<'PY'
import json, os, sys
kind, path = sys.argv[1:]
if not os.path.exists(path):
    print("not written"); sys.exit()
text = open(path).read()
rows = [json.loads(line) for line in text.splitlines()] if kind not in ("eval", "best-of", "tune") else []
if kind == "judge":
    print(f"{sum(row['verdict'] == 'undecided' for row in rows)} of {len(rows)} undecided")
elif kind == "rank":
    known = sum(rank is not None for row in rows for rank in row.get("ranks") or row["order"])
    print(f"{sum(row['order'] is None for row in rows)} of {len(rows)} `order` null, {known} of {sum(len(row['scores']) for row in rows)} places, {sum(row['coins'] for row in rows)} coins")
elif kind in ("label", "pairs"):
    print(f"{len(rows)} pairs")
elif kind == "eval":
    overall = json.loads(text)["groups"][-1]["official"]
    print("no score" if overall is None else f"official {100 * overall['value']:.2f}")
elif kind == "best-of":
    size = json.loads(text)["sizes"][-1]
    print("; ".join(f"{j['strategy']} {size['rows'] - j.get('without_pick', 0)} of {size['rows']} picks" for j in size["judged"]))
else:
    print("written")
PY
}

row() { # kind, judge, words of the command
  local kind="$1" name="$2"; shift 2
  rm -f out*; "$rrm" "$@" --store none -o out >stdout 2>stderr
  local code=$? said
  said="$(grep -E "^(error|note): " stderr | grep -E "^error|gave no verdict" | tail -1 | sed 's/|/\\|/g')"
  echo "| \`$kind\` | $name | $code | ${said:--} | $(written "${kind%% *}" out) |"
}

served() { # strategy, judge, engine
  "$rrm" serve --engine "$3" --strategy "$1" --bind 127.0.0.1:0 --group-size 4 --store none 2>stderr &
  local pid=$! url=""
  until url="$(grep -o 'http://[0-9.:]*' stderr | head -1)" && [ -n "$url" ]; do sleep 0.05; done
  python3 - "$url" > answers <<'PY'
import collections, concurrent.futures, json, sys, urllib.error, urllib.request
def ask(group, i):
    body = json.dumps({"group": group, "member": str(i), "prompt": "Q", "response": "x" * (i + 1)}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/v1/groups", body, {"content-type": "application/json"})) as answer:
            return answer.status, "reward"
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["error"]["code"]
with concurrent.futures.ThreadPoolExecutor(24) as pool:
    answers = collections.Counter(pool.map(lambda at: ask(*at), [(f"g{g}", i) for g in range(6) for i in range(4)]))
print(", ".join(f"{n} of 24 members {status} {what}" for (status, what), n in sorted(answers.items())))
PY
  kill "$pid"; wait "$pid"; local code=$?
  echo "| \`serve $1\` | $2 | $code | $(grep -E "gave no verdict" stderr | tail -1) | $(cat answers) |"
}

echo "| command | judge | exit | screen | file, or status |"
echo "|---|---|--:|---|---|"
for each in "${judges[@]}"; do
  name="${each%%|*}" engine="${each#*|}"
  row judge "$name" judge two.jsonl --engine "$engine"
  for strategy in knockout elo bradley-terry win-rate; do
    row "rank $strategy" "$name" rank four.jsonl --strategy "$strategy" --engine "$engine"
    row "label $strategy" "$name" label four.jsonl --strategy "$strategy" --engine "$engine"
    served "$strategy" "$name" "$engine"
  done
  row "eval rewardbench" "$name" eval rewardbench --data filtered.jsonl --engine "$engine"
  row "best-of" "$name" eval best-of --data four.jsonl --engine "$engine"
  row tune "$name" tune --data filtered.jsonl --votes 2 --engine "$engine"
  row pairs "$name" pairs questions.jsonl --near-duplicates 2 --filter-votes 2 --filter-engine "$engine"
done
