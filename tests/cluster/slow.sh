#!/usr/bin/env bash
# slow.sh [SECONDS]: one of two workers gets only every tenth moment of its core from the middle of a run on, for SECONDS
# (default 10). It must be named within three steps; with run.backup-workers = on another stands in for it, and steps go on
# faster than without. Either way the parameter hash is a single process's.
. "$(dirname "$0")/common.sh"
seconds=${1:-10}

# run_with on|off: sets $rate (steps a second while one is slow), $named (steps until it was named), $log and $hash.
run_with() {
  cat >"$work/$1.conf" <<JOB
data.source = digits
model.layers = [{ units = 1536, activation = relu, dropout = 0.2 }, { units = 1536, activation = relu }, {}]
optimizer.kind = sgd
training { epochs = 1000000, batch-size = 74, data-shards = 12 }
run { report-every = 1, backup-workers = $1 }
JOB
  log=$work/$1.server
  start_node "$log" --role server --job "$work/$1.conf" --exit-when-done --min-workers 2 --runs "$work/runs-$1"
  local server=$node seed workers=() first last slow at
  seed=$(address_of "$log") || exit 1
  for i in 1 2; do start_node "$work/$1.worker-$i" --role worker --seed-node "$seed"; workers+=("$node"); done
  wait_for "$log" 1 60 ' steps epoch=.* step=20 ' >/dev/null || exit 1
  first=$(wc -l <"$log")
  slow=${workers[1]}
  at=$(grep -o ' steps epoch=.* step=[0-9]*' "$log" | tail -n 1 | sed 's/.*step=//')
  (while kill -STOP "$slow" 2>/dev/null; do sleep 0.09; kill -CONT "$slow" 2>/dev/null; sleep 0.002; done) &
  local throttle=$!
  disown "$throttle"
  # In the generation that follows the slow worker reserves its memory anew, slowly.
  [ "$1" = on ] && wait_for "$log" "$first" 30 'backup-assigned ' >/dev/null && wait_for "$log" "$(grep -n -m1 'backup-assigned ' "$log" | cut -d: -f1)" 30 'generation-begun ' >/dev/null
  sleep 2
  local from to
  from=$(grep -c ' steps epoch=' "$log")
  sleep "$seconds"
  to=$(grep -c ' steps epoch=' "$log")
  rate=$(awk "BEGIN {print ($to - $from) / $seconds}")
  kill "$throttle"
  kill -CONT "$slow"
  last=$(tail -n "+$first" "$log" | grep -m1 'worker-slow ' | sed 's/.* step=\([0-9]*\).*/\1/')
  named=$((${last:-1000000} - at))
  kill -TERM "$server"
  wait "$server"
  local steps expected
  steps=$(sed -n 's/.*stopped after step \([0-9]*\).*/\1/p' "$log" | tail -n 1)
  expected=$("${program[@]}" train --config "$work/$1.conf" --quiet --max-steps "${steps:-1}" --output "$work/single-$1" 2>/dev/null | hash_of)
  check "backup-workers=$1: after $steps steps the hash is a single process's: $expected" same "$expected" "$(hash_of "$log")"
  # The step during which it was slowed down and the last one logged before it, and three more. It may have been slow before, too: cores are shared.
  if [ "$(head -n "$first" "$log" | grep -c 'worker-slow ')" -eq 0 ]; then
    check "backup-workers=$1: the slow worker was named after $named steps" [ "$named" -le 5 ]
  fi
}

run_with off
without=$rate
run_with on
check "with a backup worker: $rate steps a second, without $without" awk "BEGIN {exit !($rate > 1.5 * $without)}"
finish
