#!/usr/bin/env bash
# killloop.sh [SECONDS] [SERVERS] [WORKERS]: a run on three servers and three workers (defaults), of which a random one is
# killed (-9) every 10 to 15 s and started anew 2 to 4 s later, for SECONDS (default 120). Then the run is stopped, and its
# parameter hash must be a single process's, its ledger must count each sample once, and its checkpoints must be whole.
# Prints how long each recovery took, and the share of steps that had to be made only once.
. "$(dirname "$0")/common.sh"
export TZ=UTC
seconds=${1:-120}
servers=${2:-3}
workers=${3:-3}
cat >"$work/job.conf" <<JOB
data.source = digits
model.layers = [{ units = 512, activation = relu, dropout = 0.2 }, { units = 256, activation = relu }, {}]
optimizer.kind = adam
training.epochs = 1000000
training.batch-size = 256
checkpoint.every-steps = 500
run.report-every = 10
run.output = "$work/run"
JOB
declare -A process address log role
count=0

# add NAME ROLE OPTION…: starts a node under a name; a name's log files are numbered.
add() {
  local name=$1
  role[$name]=$2
  shift 2
  count=$((count + 1))
  log[$name]=$work/$name.$count.log
  start_node "${log[$name]}" --role "${role[$name]}" --min-servers "$servers" --min-workers 1 --exit-when-done "$@"
  disown "$node"
  process[$name]=$node
  address[$name]=$(address_of "${log[$name]}") || return 1
}

# The options that lead to two servers that are alive.
seeds() {
  local n=0
  for name in "${!process[@]}"; do
    [ "${role[$name]}" = server ] && [ -n "${address[$name]:-}" ] && kill -0 "${process[$name]}" 2>/dev/null && [ $n -lt 2 ] && echo "--seed-node ${address[$name]}" && n=$((n + 1))
  done
}

newest_step() { cat "$work"/*.log | grep -oE ' steps epoch=[0-9]+ step=[0-9]+' | grep -oE '[0-9]+$' | tail -n 1; }
lines_of_steps() { cat "$work"/server-*.log | grep -c ' steps epoch='; }
now_ms() { date +%s%3N; }

add server-1 server --job "$work/job.conf"
for ((i = 2; i <= servers; i++)); do add "server-$i" server $(seeds); done
for ((i = 1; i <= workers; i++)); do add "worker-$i" worker $(seeds); done
wait_for "${log[server-1]}" 1 60 ' steps epoch=' >/dev/null || finish

times=()
kills=0
until_second=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$until_second" ]; do
  sleep $((RANDOM % 6 + 6))
  names=("${!process[@]}")
  victim=${names[RANDOM % ${#names[@]}]}
  before=$(lines_of_steps)
  kill -9 "${process[$victim]}" 2>/dev/null
  start=$(now_ms)
  kills=$((kills + 1))
  # What was on its way is not progress: three more lines of steps are.
  recovered=no
  while [ $(($(now_ms) - start)) -lt 60000 ]; do
    if [ "$(lines_of_steps)" -ge $((before + 3)) ]; then recovered=yes; break; fi
    sleep 0.05
  done
  took=$(($(now_ms) - start))
  times+=("$took")
  echo "killed $victim: steps go on after $took ms"
  [ $recovered = yes ] || { check "steps go on after the kill of $victim" false; for name in "${!log[@]}"; do echo "== ${log[$name]}"; grep -vE 'epoch-ended| steps epoch|^step=|^epoch=|Associat|associate' "${log[$name]}" | tail -n 15; done; finish; }
  sleep $((RANDOM % 3 + 2))
  unset "address[$victim]"
  add "$victim" "${role[$victim]}" $(seeds) || { check "$victim comes back" false; tail -n 20 "${log[$victim]}"; finish; }
done

sleep 3
any=$(seeds | head -n 1 | cut -d' ' -f2)
"${program[@]}" stop --cluster "$any"
for ((i = 0; i < 600; i++)); do [ -f "$work/run/run.json" ] && break; sleep 0.1; done
sleep 2
sorted=($(printf '%s\n' "${times[@]}" | sort -n))
echo "$kills kills: steps went on after $(printf '%s ms (median), ' "${sorted[$(((kills - 1) / 2))]}")${sorted[kills - 1]} ms (most)"
steps=$(sed -n 's/.*"steps": \([0-9]*\).*/\1/p' "$work/run/run.json")
again=$(cat "$work"/*.log | sed -n 's/.*run-went-back epoch=[0-9]* step=\([0-9]*\) from=\([0-9]*\).*/\2 \1/p' | awk '{n += $1 - $2} END {print n + 0}')
echo "$steps steps; $again more were made again: $(awk -v s="$steps" -v a="$again" 'BEGIN {printf "%.1f", 100 * s / (s + a)}') % useful"
check "the run was stopped and its model written" test -n "$steps"
check "the ledger counts each sample once" "${program[@]}" inspect "$work/run" --ledger
check "every checkpoint is whole" "${program[@]}" inspect "$work/run" --verify
expected=$("${program[@]}" train --config "$work/job.conf" --quiet --max-steps "${steps:-1}" --output "$work/single" 2>/dev/null | hash_of)
check "the hash is a single process's: $expected" grep -q "$expected" "$work/run/run.json"
finish
