#!/usr/bin/env bash
# schemathesis against the description of `rrm serve`: no 5xx, every answer as described. Usage: scripts/schemathesis.sh VENV [EXAMPLES]
# Makes VENV if it is not there. RRM names the binary. Groups cannot come together here, so their deadline is short: 424 is an answer as described.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="$1"; examples="${2:-100}"
[ -x "$venv/bin/schemathesis" ] || { python3 -m venv "$venv"; "$venv/bin/pip" install -q schemathesis; }
if [ -z "${RRM:-}" ]; then cargo build --quiet -p rrm-cli --bin rrm; RRM="${CARGO_TARGET_DIR:-target}/debug/rrm"; fi
work="$(mktemp -d)"
cat > "$work/keys.toml" <<'T'
[[key]]
name = "schemathesis"
token = "a-token-for-tests"
T
"$RRM" serve --engine scripted:longer --bind 127.0.0.1:8721 --group-size 2 --deadline 0.02 --keep 0.1 --strategy win-rate --store none --keys "$work/keys.toml" 2>"$work/said" &
server=$!
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do python3 -c "import socket; socket.create_connection(('127.0.0.1', 8721), 1)" 2>/dev/null && break; sleep 0.1; done
curl -sf -H "Authorization: Bearer a-token-for-tests" http://127.0.0.1:8721/openapi.json > "$work/openapi.json"
# What a schema cannot say is refused with 422: that two documents must differ, or that a group has a size. So accepting all that fits the schema is not asked for.
(cd "$work" && "$venv/bin/schemathesis" run openapi.json --url http://127.0.0.1:8721 -H "Authorization: Bearer a-token-for-tests" \
  --checks all --exclude-checks positive_data_acceptance --max-examples "$examples" --seed 1 --workers 1 --phases examples,coverage,fuzzing) | tee "$work/report"
kill -0 "$server" || { echo "the server ended" >&2; exit 1; }
