#!/usr/bin/env bash
# Load on the reward server and on a FastAPI peer, alternating; loopback only. Usage: benches/reward_server/run.sh VENV [SECONDS] [ROUNDS]
# CARGO_PROFILE=release (the default here) or dev. The first part offers 200 groups of 8 a second; the second part compares at that rate
# and at 50 a second, where the peer is not pressed.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="$1"; seconds="${2:-60}"; rounds="${3:-3}"; profile="${CARGO_PROFILE:-release}"
[ -x "$venv/bin/python" ] || { python3 -m venv "$venv"; "$venv/bin/pip" install -q fastapi uvicorn; }
cargo build --quiet --profile "$profile" -p rrm-cli --bin rrm
cargo build --quiet --profile "$profile" -p rrm-server --example offer_load
folder="${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")"
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

# Starts a server, waits until it answers, offers load, ends it.
load() { # NAME RATE SECONDS PORT COMMAND...
  local name="$1" rate="$2" time="$3" port="$4"; shift 4
  "$@" & local pid=$!
  for _ in $(seq 100); do
    python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null && break
    sleep 0.1
  done
  echo "== $name, $rate groups of 8 a second, $time s"
  "$folder/examples/offer_load" "127.0.0.1:$port" "$pid" "$rate" "$time"
  kill -TERM "$pid"; wait "$pid" || true
}
ours=("$folder/rrm" serve --engine scripted:longer --store none --strategy win-rate --scale unit --keep 5)
load "rrm serve" 200 "$seconds" 8701 "${ours[@]}" --bind 127.0.0.1:8701
for _ in $(seq "$rounds"); do
  for rate in 200 50; do
    load "rrm serve" "$rate" 10 8701 "${ours[@]}" --bind 127.0.0.1:8701
    load "FastAPI, a judge asked for each pair" "$rate" 10 8702 "$venv/bin/python" benches/reward_server/peer.py 8702 judge
    load "FastAPI, lengths compared" "$rate" 10 8702 "$venv/bin/python" benches/reward_server/peer.py 8702 bare
  done
done
