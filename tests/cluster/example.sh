#!/usr/bin/env bash
# example.sh: the example of docs/extending.md, a plug-in with a layer, an activation, a loss, an optimizer and a data source,
# must train to one hash from code, in hosts of its own, by the command, and on two processes; nodes without it are refused.
. "$(dirname "$0")/common.sh"
dotnet build -c Release "$root/tests/DistTrainer.Example" >"$work/build" 2>&1 || cat "$work/build"
example=$root/tests/DistTrainer.Example/bin/Release/net10.0/DistTrainer.Example.dll
job=$root/tests/DistTrainer.Example/saddle.conf

(cd "$work" && dotnet "$example" fit) >"$work/fit" 2>&1 || cat "$work/fit"
expected=$(hash_of "$work/fit")
check "it trains from code: $expected" test -n "$expected"
check "its model predicts" grep -q 'saddle(0.5, 0.5) = 0.\(3[3-9]\|4[0-2]\)' "$work/fit"
(cd "$work" && dotnet "$example" host) >"$work/host" 2>&1 || cat "$work/host"
check "a cluster of two hosts trains to the same hash" same "$expected" "$(hash_of "$work/host")"

for workers in 1 3; do
  "${program[@]}" train --plugins "$example" --config "$job" --workers $workers --quiet --output "$work/train-$workers" >"$work/log-$workers" 2>&1 || cat "$work/log-$workers"
  check "train with $workers workers: same hash" same "$expected" "$(hash_of "$work/log-$workers")"
done
(cd "$work" && "${program[@]}" launch --nodes 2 --plugins "$example" --config "$job") >"$work/launch" 2>&1 || tail -n 20 "$work/launch"
check "launch on two processes: same hash" same "$expected" "$(hash_of "$work/launch")"

printf 'x,y\n0.5,0.5\n' >"$work/rows.csv"
env DISTTRAINER_PLUGINS="$example" "${program[@]}" predict "$work/train-1" --data "$work/rows.csv" >"$work/predict" 2>&1 || cat "$work/predict"
check "predict finds the plug-in by the variable" grep -qx 'z' "$work/predict"
"${program[@]}" predict "$work/train-1" --data "$work/rows.csv" >"$work/none" 2>&1
check "without it the model is refused, and the error names the key" grep -q 'error: .*data.settings.samples is a setting of a part that this process does not have; load the plug-in' "$work/none"

start_node "$work/server" --role server --job "$job" --min-workers 2 --exit-when-done --runs "$work/runs" --plugins "$example"
seed=$(address_of "$work/server")
start_node "$work/stranger" --role worker --seed-node "$seed"
wait "$node"
check "a node without the plug-in ends with the code of a configuration that is wrong" test $? -eq 2
check "it says who has which plug-ins" grep -q 'error: this cluster has the plug-ins: DistTrainer.Example .* has: none; list the same files' "$work/stranger"
start_node "$work/worker-1" --role worker --seed-node "$seed" --plugins "$example"
start_node "$work/worker-2" --role worker --seed-node "$seed" --plugins "$example"
wait "${nodes[0]}"
check "nodes with it go on and train to the same hash" same "$expected" "$(hash_of "$work/server")"
finish
