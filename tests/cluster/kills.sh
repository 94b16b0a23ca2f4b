#!/usr/bin/env bash
# kills.sh [N] [WORKERS] [rounds]: kill -9 of a random worker in the middle of a step, N times (default 20), each time followed by a
# new worker process. Prints how long it took from the kill to the next committed step, and at the end stops the run and
# compares its parameter hash with a single process's. The time is to the millisecond, as in the log lines.
. "$(dirname "$0")/common.sh"
export TZ=UTC
kills=${1:-20}
workers=${2:-3}
mode=${3:-bulk}
cat >"$work/job.conf" <<'JOB'
data.source = digits
model.layers = [{ units = 512, activation = relu, dropout = 0.2 }, { units = 256, activation = relu }, {}]
optimizer.kind = adam
training.epochs = 1000000
training.batch-size = 256
run.report-every = 1
JOB
# Groups of data shards train apart for five steps; a step's line comes with the round's end.
[ "$mode" = rounds ] && echo 'training.consistency { mode = local, groups = 8, steps = 5 }' >>"$work/job.conf"
log=$work/server
start_node "$log" --role server --job "$work/job.conf" --exit-when-done --min-workers 1 --runs "$work/runs"
server=$node
seed=$(address_of "$log") || exit 1

# What the log says of now, in milliseconds since midnight.
now() { date -u '+%H %M %S %3N' | awk '{print (($1 * 60 + $2) * 60 + $3) * 1000 + $4}'; }
time_of() { awk -F'[:. ]' '{print (($1 * 60 + $2) * 60 + $3) * 1000 + $4}' <<<"$1"; }

# goes_on FIRST-LINE WORKERS: waits for a generation of that many workers, and prints its first step's line.
goes_on() {
  local begun
  wait_for "$log" "$1" 60 "generation-begun .* workers=$2 " >/dev/null || return 1
  begun=$(tail -n "+$1" "$log" | grep -n -m1 -E "generation-begun .* workers=$2 " | cut -d: -f1)
  wait_for "$log" $(($1 + begun)) 60 ' steps epoch='
}

here=()
add_worker() {
  start_node "$work/worker-${#nodes[@]}" --role worker --seed-node "$seed"
  here+=("$node")
}
for ((i = 0; i < workers; i++)); do add_worker; done
goes_on 1 "$workers" >/dev/null || exit 1

times=()
for ((k = 1; k <= kills; k++)); do
  sleep "0.$((RANDOM % 900 + 100))"
  victim=$((RANDOM % ${#here[@]}))
  first=$(($(wc -l <"$log") + 1))
  disown "${here[victim]}" # so that the shell does not report its end
  killed=$(now)
  kill -9 "${here[victim]}"
  line=$(goes_on "$first" $((workers - 1))) || { check "the others go on after kill $k" false; tail -n 30 "$log"; break; }
  took=$((($(time_of "$line") - killed + 86400000) % 86400000))
  times+=("$took")
  echo "kill $k: the next step was committed after $took ms"
  unset "here[victim]"
  here=("${here[@]}")
  first=$(($(wc -l <"$log") + 1))
  add_worker
  goes_on "$first" "$workers" >/dev/null || { check "a new worker joins after kill $k" false; tail -n 30 "$log"; break; }
done

sorted=($(printf '%s\n' "${times[@]}" | sort -n))
count=${#sorted[@]}
[ "$count" -gt 0 ] || finish
median=${sorted[$(((count - 1) / 2))]}
echo "from the kill to the next committed step, $count kills: median $median ms, p95 ${sorted[$(((count * 95 + 99) / 100 - 1))]} ms, largest ${sorted[count - 1]} ms"
check "the median is at most 1000 ms" test "$median" -le 1000

kill -TERM "$server"
wait "$server"
check "the server ends in good order (143)" test $? -eq 143
steps=$(sed -n 's/.*stopped after step \([0-9]*\).*/\1/p' "$log" | tail -n 1)
expected=$("${program[@]}" train --config "$work/job.conf" --quiet --max-steps "${steps:-1}" --output "$work/single" 2>/dev/null | hash_of)
check "after $steps steps the hash is a single process's: $expected" same "$expected" "$(hash_of "$log")"
finish
