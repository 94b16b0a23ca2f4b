#!/usr/bin/env bash
# soak.sh [SECONDS [NODES [WORKERS]]]: a model of ten million parameters on three servers and NODES nodes (default 4) with
# WORKERS workers each (default 8), for SECONDS (default an hour). Twenty times as it goes, memory, threads, open files and
# log lines of every process are written down: after the first quarter none of them may grow but the log, and that by the
# same number of lines in equal times. The parameter hash must be a single process's. PACE is a prefix of each node's
# command, e.g. PACE="nice -n 19". Nodes are given ten seconds of silence: on two cores each waits long for its turn.
. "$(dirname "$0")/common.sh"
seconds=${1:-3600}
nodes_wanted=${2:-4}
workers=${3:-8}
patience=(--acceptable-pause 10s --stable-after 10s)
program=(${PACE:-} "${program[@]}")
cat >"$work/job.conf" <<'JOB'
data.source = digits
model.layers = [{ units = 3072, activation = relu }, { units = 3200, activation = relu }, {}]
optimizer.kind = sgd
training { epochs = 1000000, batch-size = 128, data-shards = 32 }
checkpoint { every-time = 2m, keep = 2 }
JOB
names=(server-1)
start_node "$work/server-1" --role server --name server-1 --job "$work/job.conf" --exit-when-done --min-servers 3 --min-workers $((nodes_wanted * workers)) --runs "$work/runs" "${patience[@]}"
server=$node
seed=$(address_of "$work/server-1") || exit 1
for name in server-2 server-3; do
  names+=("$name")
  start_node "$work/$name" --role server --name "$name" --seed-node "$seed" --min-servers 3 --runs "$work/runs" "${patience[@]}"
done
for ((i = 1; i <= nodes_wanted; i++)); do
  names+=("worker-$i")
  start_node "$work/worker-$i" --role worker --name "worker-$i" --workers "$workers" --seed-node "$seed" "${patience[@]}"
done
wait_for "$work/server-1" 1 600 ' steps epoch=' >/dev/null || exit 1

# take N: one line a node: sample, node, resident KiB, threads, open files, log lines.
take() {
  local i process
  for i in "${!names[@]}"; do
    process=${nodes[$i]}
    [ -d "/proc/$process" ] || { echo "$1 ${names[$i]} ended"; continue; }
    echo "$1 ${names[$i]} $(awk '/^VmRSS/ {m = $2} /^Threads/ {t = $2} END {print m, t}' "/proc/$process/status") $(ls "/proc/$process/fd" | wc -l) $(wc -l <"$work/${names[$i]}")"
  done
}
for ((sample = 1; sample <= 20; sample++)); do
  sleep $((seconds / 20))
  take "$sample" >>"$work/samples"
done
grep -E '^(5|20) ' "$work/samples"
# grows COLUMN FACTOR SLACK: whether a node's largest value of the last quarter is above FACTOR times that of the second, and SLACK.
grows() {
  awk -v c="$1" -v f="$2" -v s="$3" '
    $3 == "ended" {bad = 1; next}
    $1 > 5 && $1 <= 10 && $c > early[$2] {early[$2] = $c}
    $1 > 15 && $c > late[$2] {late[$2] = $c}
    END {for (n in late) if (late[n] > f * early[n] + s) {print n " grew from " early[n] " to " late[n]; bad = 1}; exit !bad}' "$work/samples"
}
not() { ! "$@"; }
check "memory does not grow" not grows 3 1.05 20000
check "threads do not grow" not grows 4 1 4
check "open files do not grow" not grows 5 1 8
check "the log grows by the same number of lines in equal times" awk '
  $1 == 5 {a[$2] = $6} $1 == 12 {b[$2] = $6} $1 == 19 {late = $6 - b[$2]; early = b[$2] - a[$2]; if (late > 1.3 * early + 40) {print $2 " wrote " early ", then " late " lines"; bad = 1}}
  END {exit bad}' "$work/samples"
echo "bytes of log: $(cat "${names[@]/#/$work/}" | wc -c)"
kill -TERM "$server"
wait "$server"
steps=$(sed -n 's/.*stopped after step \([0-9]*\).*/\1/p' "$work/server-1" | tail -n 1)
expected=$("${program[@]}" train --config "$work/job.conf" --quiet --max-steps "${steps:-1}" --set checkpoint.every-time=0s --output "$work/single" 2>/dev/null | hash_of)
check "after $steps steps of $((nodes_wanted * workers)) workers the hash is a single process's: $expected" same "$expected" "$(hash_of "$work/server-1")"
finish
