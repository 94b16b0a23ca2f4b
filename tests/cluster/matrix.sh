#!/usr/bin/env bash
# matrix.sh [WORKERS] [SERVERS]: one job with 1 … WORKERS worker processes and 1 … SERVERS server processes (default 4 and 3)
# must end with the parameter hash of a single process.
. "$(dirname "$0")/common.sh"
cat >"$work/job.conf" <<'JOB'
data.source = digits
model.layers = [{ units = 96, activation = relu, dropout = 0.2 }, { units = 32, activation = tanh }, {}]
optimizer.kind = adam
clipping.norm = 5
training.epochs = 3
training.batch-size = 48
training.data-shards = 8
JOB
expected=$("${program[@]}" train --config "$work/job.conf" --quiet --output "$work/single" 2>/dev/null | hash_of)
check "a single process trains: $expected" test -n "$expected"

# one WORKERS SERVERS
one() {
  local dir=$work/$1-$2 seed all_well=yes
  mkdir "$dir"
  nodes=()
  start_node "$dir/server-1" --role server --job "$work/job.conf" --exit-when-done --min-servers "$2" --min-workers "$1" --runs "$dir/runs"
  seed=$(address_of "$dir/server-1") || return 1
  for ((i = 2; i <= $2; i++)); do start_node "$dir/server-$i" --role server --seed-node "$seed"; done
  for ((i = 1; i <= $1; i++)); do start_node "$dir/worker-$i" --role worker --seed-node "$seed"; done
  for process in "${nodes[@]}"; do
    wait "$process" || all_well=no
  done
  grep -q "parameterShards=$2 " "$dir/server-1" && [ "$all_well" = yes ] && same "$expected" "$(hash_of "$dir/server-1")" || { tail -n 20 "$dir"/*-*; return 1; }
}

for ((w = 1; w <= ${1:-4}; w++)); do
  for ((s = 1; s <= ${2:-3}; s++)); do
    check "$w worker processes, $s server processes: same hash, all nodes end with 0" one $w $s
  done
done
finish
