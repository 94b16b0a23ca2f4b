#!/usr/bin/env bash
# partitions.sh [ROW…]: three servers and three workers, each in a network namespace of its own on one bridge, while processes
# are stopped, links are cut, lossy or slow, memory runs out, and nodes come and go. Rows (default: all): stopped cut servers
# flapping loss memory many seeds. A node that ends is started anew a second later, unless it ended with 0 or 143, as
# docker-compose.yml has it. At the end of a row the run is stopped, and its parameter hash must be a single process's, its
# ledger must count each sample once, and its checkpoints must be whole. Needs root; where there are no namespaces it says
# so and checks nothing.
. "$(dirname "$0")/common.sh"
export TZ=UTC
rows=("$@")
[ ${#rows[@]} -gt 0 ] || rows=(stopped cut servers flapping loss memory many seeds)
[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
for tool in ip iptables nsenter; do command -v $tool >/dev/null || skip "$tool is not installed"; done

net=dt$$
hub=$net-hub
declare -A number=() keeper=()
ip netns add "$hub" 2>"$work/why" && ip -n "$hub" link add bridge type bridge 2>"$work/why" && ip -n "$hub" link set bridge up ||
  skip "no network namespaces with a bridge: $(cat "$work/why")"

end_row() {
  for name in "${!keeper[@]}"; do kill -9 "${keeper[$name]}" "$(process "$name")" 2>/dev/null; done
  # A namespace goes only with its last process, and its link some time after that: the next row makes them anew.
  for name in "${!number[@]}"; do
    ip -n "$hub" link del "$name" 2>/dev/null
    ip netns del "$net-$name" 2>/dev/null
  done
  wait 2>/dev/null
  number=() keeper=()
}
end_all() {
  end_row
  ip netns del "$hub"
  [ -z "${memory:-}" ] || rmdir "$memory"
  rm -rf "$work"
}

# host NAME: a namespace with an address on the bridge.
host() {
  number[$1]=$((${#number[@]} + 11))
  ip netns add "$net-$1"
  ip -n "$hub" link add "$1" type veth peer name eth0 netns "$net-$1"
  ip -n "$hub" link set "$1" master bridge up
  ip -n "$net-$1" address add "$(address "$1")/24" dev eth0
  ip -n "$net-$1" link set lo up
  ip -n "$net-$1" link set eth0 up
}
address() { echo "10.77.0.${number[$1]}"; }
at() { nsenter "--net=/run/netns/$net-$1" "${@:2}"; }
process() { cat "$dir/$1.process" 2>/dev/null; }

# keep NAME ROLE OPTION…: a node that is started anew where it fails; the first server starts the cluster.
keep() {
  local name=$1 role=$2 seeds=() server
  shift 2
  for server in "${!number[@]}"; do [[ $server = server-* && $server != "$name" ]] && seeds+=(--seed-node "$(address "$server"):4053"); done
  (
    cd "$dir" || exit
    [ "$name" = server-1 ] && first=() || first=("${seeds[@]}")
    while :; do
      (
        [ -z "${group:-}" ] || { echo "$BASHPID" >"$group/cgroup.procs"; echo 1000 >"/proc/$BASHPID/oom_score_adj"; }
        exec nsenter "--net=/run/netns/$net-$name" "${program[@]}" node --role "$role" --name "$name" \
          --cluster-host "$(address "$name")" --cluster-port 4053 --exit-when-done "${first[@]}" "$@"
      ) >>"$dir/$name.log" 2>&1 &
      echo $! >"$dir/$name.process"
      wait $! 2>/dev/null
      code=$?
      echo "ended with $code" >>"$dir/$name.log"
      [[ $code != 0 && $code != 143 ]] || break
      sleep 1
      first=("${seeds[@]}")
    done
  ) 2>/dev/null &
  keeper[$name]=$!
  disown "$!"
}

# prepare WORKERS: the folder, the job and the hosts of a row.
prepare() {
  local i
  dir=$work/$row
  mkdir "$dir"
  cat >"$dir/job.conf" <<JOB
data.source = digits
model.layers = [{ units = 96, activation = relu, dropout = 0.2 }, { units = 32, activation = tanh }, {}]
optimizer.kind = adam
training.epochs = 10000000
training.batch-size = 256
checkpoint.every-time = 3s
run.report-every = 10
run.output = "$dir/run"
JOB
  for ((i = 1; i <= 3; i++)); do host "server-$i"; done
  for ((i = 1; i <= $1; i++)); do host "worker-$i"; done
}
start_server() { keep "server-$1" server --min-servers 3 --min-workers 1 --stable-after 3s $([ "$1" -gt 1 ] || echo "--job $dir/job.conf"); }
start_workers() { for ((i = 1; i <= $1; i++)); do keep "worker-$i" worker --stable-after 3s; done; }
# cluster: all of them, until they make steps.
cluster() {
  for ((i = 1; i <= 3; i++)); do start_server $i; done
  start_workers 3
  all_train 3 120 || { check "$row: three workers train" false; tell; false; }
}

lines_of_steps() { cat "$dir"/server-*.log | grep -c ' steps epoch='; }
# trains [SECONDS [LINES]]: whether so many lines of steps come within the time.
trains() {
  local until=$((SECONDS + ${1:-20})) before
  before=$(lines_of_steps)
  while [ "$SECONDS" -le "$until" ]; do
    [ "$(lines_of_steps)" -ge $((before + ${2:-3})) ] && return 0
    sleep 0.1
  done
  return 1
}
# all_train NODES SECONDS: whether the newest generation is soon one of the workers of so many nodes, and makes steps.
all_train() {
  local until=$((SECONDS + $2))
  while [ "$SECONDS" -le "$until" ]; do
    grep -h 'generation-begun' "$dir"/server-*.log | sort | tail -n 1 | grep -q "workers=$(($1 * ${DISTTRAINER_WORKERS:-1})) " && trains 2 && return 0
    sleep 0.2
  done
  return 1
}
# count PATTERN NAME…: lines of these nodes' logs, or of all.
count() {
  local pattern=$1
  shift
  cat $([ $# -eq 0 ] && echo "$dir"/*.log || printf "$dir/%s.log " "$@") | grep -cE -- "$pattern"
}
# soon SECONDS COMMAND…: whether the command succeeds within the time.
soon() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.2
  done
}
# leader: the server that reported steps last.
leader() { grep -H ' steps epoch=' "$dir"/server-*.log | sed 's#.*/\(server-[0-9]\).log:\([^ ]*\) .*#\2 \1#' | sort | tail -n 1 | cut -d' ' -f2; }

# deaf A B: whatever B sends to A is lost. cut_off A B: both ways. heal: all links are well again.
deaf() { at "$1" iptables -A INPUT -s "$(address "$2")" -j DROP; }
cut_off() { deaf "$1" "$2" && deaf "$2" "$1"; }
heal() { for name in "${!number[@]}"; do at "$name" iptables -F; done; }

# ends_well: stops the run, and checks what it leaves.
ends_well() {
  local steps expected server i
  for server in server-1 server-2 server-3; do at "$server" timeout 10 "${program[@]}" stop --cluster "$(address "$server"):4053" >"$dir/stop" 2>&1 && break; done
  for ((i = 0; i < 200; i++)); do [ -f "$dir/run/run.json" ] && break; sleep 0.1; done
  sleep 1
  steps=$(sed -n 's/.*"steps": \([0-9]*\).*/\1/p' "$dir/run/run.json" 2>/dev/null)
  check "$row: the run was stopped and its model written" test -n "$steps"
  [ -n "$steps" ] || { cat "$dir/stop"; tell; return; }
  check "$row: the ledger counts each sample once" quietly "${program[@]}" inspect "$dir/run" --ledger
  check "$row: every checkpoint is whole" quietly "${program[@]}" inspect "$dir/run" --verify
  expected=$("${program[@]}" train --config "$dir/job.conf" --quiet --max-steps "$steps" --output "$dir/single" 2>/dev/null | hash_of)
  check "$row: after $steps steps the hash is a single process's: ${expected:0:16}…" grep -q "${expected:-none}" "$dir/run/run.json"
}
quietly() { "$@" >"$dir/said" 2>&1 || { tail -n 3 "$dir/said"; false; }; }
tell() {
  for log in "$dir"/*.log; do
    echo "== $log"
    grep -vE 'epoch-ended| steps epoch|^step=|^epoch=|ssociat|checkpoint-written' "$log" | tail -n 25
  done
}

# Two workers cut off from the others, for 20 s; then a worker that does not hear the leader.
row_cut() {
  local w other
  for w in worker-2 worker-3; do for other in server-1 server-2 server-3 worker-1; do cut_off $other $w; done; done
  check "cut: servers and worker-1 go on without worker-2 and worker-3" all_train 1 20
  check "cut: those two end themselves with exit code 6" soon 20 eval '[ "$(count "^ended with 6" worker-2 worker-3)" -eq 2 ]'
  heal
  check "cut: after healing all three workers train again" all_train 3 60
  check "cut: there is one coordinator, as before" test "$(count coordinator-started)" -eq 1
  deaf worker-3 "$(leader)"
  check "cut: the others go on where worker-3 does not hear the leader" all_train 2 40
  heal
  check "cut: after healing of one way all three workers train" all_train 3 60
}

# The leader cut off from everybody; then the next one from the servers alone, while workers see all three.
row_servers() {
  local first second steps
  first=$(leader)
  sleep 3 # for a checkpoint
  for other in "${!number[@]}"; do [ "$other" = "$first" ] || cut_off "$first" "$other"; done
  check "servers: the one that is cut off ends itself with exit code 6" soon 30 count '^ended with 6' "$first"
  steps=$(count ' steps epoch=' "$first")
  check "servers: the majority goes on" another_leads "$first"
  heal
  check "servers: after healing it is a member again" soon 80 eval "tail -n 3 $dir/$first.log | grep node-registered"
  check "servers: and has made no step on its own" test "$(count ' steps epoch=' "$first")" -eq "$steps"
  second=$(leader)
  sleep 3
  for other in server-1 server-2 server-3; do [ "$other" = "$second" ] || cut_off "$second" "$other"; done
  check "servers: the leader that other servers do not hear ends itself" soon 30 count '^ended with 6' "$second"
  check "servers: the two others go on" another_leads "$second"
  heal
  check "servers: all three workers train" all_train 3 60
}
# another_leads SERVER: whether soon steps are made under another server than this one.
another_leads() { soon 60 eval "[ \"\$(leader)\" != $1 ]" && all_train 3 40; }

# A worker's link is off 2 s in every 5, for 60 s.
row_flapping() {
  local gone began before stalled=0
  for ((i = 0; i < 12; i++)); do
    before=$(lines_of_steps)
    ip -n "$hub" link set worker-3 down
    sleep 2
    ip -n "$hub" link set worker-3 up
    sleep 3
    [ "$(lines_of_steps)" -gt "$before" ] || stalled=$((stalled + 1))
  done
  gone=$(count 'node-gone')
  echo "flapping: $gone times a node was removed; in $stalled of 12 periods no steps were reported"
  check "flapping: no storm of removals" test "$gone" -le 24
  check "flapping: no lasting stall" test "$stalled" -le 2
  check "flapping: all three workers train afterwards" all_train 3 40
}

# A worker's link loses packets, is slow, and has its connections reset: slower, but the same, and no memory grows.
row_loss() {
  local before after share
  before=$(memory_of worker-3 server-1)
  for share in 0.01 0.05 0.20; do
    at worker-3 iptables -A INPUT -i eth0 -m statistic --mode random --probability $share -j DROP
    speed "loss: with $share of the packets to worker-3 lost"
    heal
  done
  if at worker-3 tc qdisc add dev eth0 root tbf rate 8mbit burst 16k latency 200ms 2>"$dir/said"; then
    speed "loss: with 8 Mbit/s from worker-3"
    at worker-3 tc qdisc del dev eth0 root
  else
    echo "loss: no slow link: $(cat "$dir/said")"
  fi
  at worker-3 iptables -A INPUT -p tcp -j REJECT --reject-with tcp-reset
  sleep 0.5
  heal
  check "loss: steps go on after worker-3's connections were reset" all_train 3 60
  after=$(memory_of worker-3 server-1)
  echo "loss: most memory of worker-3 and server-1: $before, then $after KiB"
  check "loss: memory is flat" flat "$before" "$after"
}
# speed NAME: says how many steps a second there are, and checks that there are some.
speed() {
  local first last began=$SECONDS
  sleep 2
  first=$(last_step)
  check "$1 steps go on" soon 20 eval "[ \$(last_step) -gt $first ]"
  sleep 4
  last=$(last_step)
  echo "$1: $(((last - first) / (SECONDS - began - 2))) steps a second"
}
last_step() { sed -n 's/.* steps epoch=[0-9]* step=\([0-9]*\).*/\1/p' "$dir/$(leader).log" | tail -n 1; }
memory_of() { for name in "$@"; do sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(process "$name")/status"; done | tr '\n' ' '; }
# flat BEFORE AFTER: no number has grown by more than 48 MiB.
flat() {
  local i before=($1) after=($2)
  for i in "${!before[@]}"; do [ "${after[i]:-999999999}" -lt $((before[i] + 49152)) ] || return 1; done
}

# A fourth worker shares its memory limit with a process that takes all there is: the kernel kills the worker (137).
row_memory() {
  mkdir "/sys/fs/cgroup/memory/$net" 2>/dev/null || { echo "memory: skipped: no memory cgroup (version 1) can be made"; return; }
  memory=/sys/fs/cgroup/memory/$net
  echo 256M >"$memory/memory.limit_in_bytes"
  host worker-4
  group=$memory keep worker-4 worker
  check "memory: four workers train" all_train 4 60
  (
    echo "$BASHPID" >"$memory/cgroup.procs"
    exec tail -n 1 /dev/zero
  ) 2>/dev/null &
  disown
  check "memory: the worker is killed" soon 60 count '^ended with 137' worker-4
  check "memory: the others go on" all_train 3 20
  check "memory: it comes back and trains with them" all_train 4 60
}

# The first server, which the others look for, comes late; another one starts a cluster of its own with the same run folder.
row_seeds() {
  local code
  start_workers 3
  start_server 2
  start_server 3
  check "seeds: a node says that it looks for a seed node" soon 60 count "Couldn't join seed nodes after" worker-1
  start_server 1
  check "seeds: once that one is there, all train" all_train 3 60
  host apart
  at apart timeout 60 "${program[@]}" node --role server,worker --cluster-host "$(address apart)" --job "$dir/job.conf" --exit-when-done >"$dir/apart.log" 2>&1
  code=$?
  tail -n 1 "$dir/apart.log"
  check "seeds: a second run into the same folder is refused with exit code 2" test $code -eq 2
  check "seeds: and says why" grep -q "another run writes into this folder" "$dir/apart.log"
  check "seeds: the first one goes on" trains 20
}

# Eight workers join, and are told to end again.
row_many() {
  for ((i = 4; i <= 11; i++)); do
    host "worker-$i"
    keep "worker-$i" worker
  done
  check "many: eleven workers train" all_train 11 90
  for ((i = 4; i <= 11; i++)); do kill -TERM "$(process "worker-$i")"; done
  check "many: the eight end with 143" soon 60 eval '[ "$(count "^ended with 143" worker-4 worker-5 worker-6 worker-7 worker-8 worker-9 worker-10 worker-11)" -eq 8 ]'
  check "many: the three go on" all_train 3 40
}

# A worker, then a server, is stopped (SIGSTOP) and goes on later.
row_stopped() {
  local other
  for seconds in 6 15; do
    kill -STOP "$(process worker-2)"
    check "stopped: worker-2 for $seconds s: the others go on" all_train 2 $((seconds - 1))
    kill -CONT "$(process worker-2)"
    check "stopped: worker-2 for $seconds s: it trains again" all_train 3 40
  done
  other=$(printf '%s\n' server-1 server-2 server-3 | grep -v "$(leader)" | head -n 1)
  kill -STOP "$(process "$other")"
  check "stopped: another server takes over from $other" soon 15 count 'parameter-shards-dealt'
  check "stopped: steps go on without $other" trains 20
  sleep 5
  kill -CONT "$(process "$other")"
  check "stopped: $other ends itself with exit code 6" soon 20 count '^ended with 6' "$other"
  check "stopped: all three workers train" all_train 3 40
}

for row in "${rows[@]}"; do
  began=$SECONDS
  prepare 3
  [ "$row" = seeds ] || cluster && row_$row && ends_well
  echo "$row took $((SECONDS - began)) s"
  end_row
done
finish
