#!/usr/bin/env bash
# partitions.sh [ROW…]: three servers and three workers, each in a network namespace of its own on one bridge, while links are
# cut, lame or lost, and processes are stopped, starved or late. Rows (default: all): stopped cut servers oneway flapping loss
# memory many seeds. A node that ends is started anew a second later, unless it ended with 0, as docker-compose.yml has it.
# At the end of a row the run is stopped, and its parameter hash must be a single process's, its ledger must count each
# sample once, and its checkpoints must be whole. Needs root; where there are no namespaces it says so and checks nothing.
. "$(dirname "$0")/common.sh"
export TZ=UTC DOTNET_gcServer=0
rows=("$@")
[ ${#rows[@]} -gt 0 ] || rows=(stopped cut servers oneway flapping loss memory many seeds)
[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
for tool in ip iptables nsenter; do command -v $tool >/dev/null || skip "$tool is not installed"; done

net=dt$$
hub=$net-hub
declare -A number=() keeper=()
ip netns add "$hub" 2>"$work/why" && ip -n "$hub" link add bridge type bridge 2>"$work/why" && ip -n "$hub" link set bridge up ||
  skip "no network namespaces with a bridge: $(cat "$work/why")"

end_row() {
  for name in "${!keeper[@]}"; do kill -9 "${keeper[$name]}" "$(process "$name")" 2>/dev/null; done
  for name in "${!number[@]}"; do ip netns del "$net-$name" 2>/dev/null; done
  wait 2>/dev/null
  number=() keeper=()
}
end_all() {
  end_row
  ip netns del "$hub"
  [ -z "${memory:-}" ] || rmdir "$memory"
  cp -r $work /tmp/parts.$$; rm -rf "$work"
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
now_ms() { date +%s%3N; }

# keep NAME ROLE OPTION…: a node that is started anew where it fails; the first server starts the cluster.
keep() {
  local name=$1 role=$2 seeds=() server
  shift 2
  for server in "${!number[@]}"; do [[ $server = server-* && $server != "$name" ]] && seeds+=(--seed-node "$(address "$server"):4053"); done
  (
    cd "$dir" || exit
    [[ $name = server-1 && -z ${late:-} ]] && first=() || first=("${seeds[@]}")
    while :; do
      [ -z "${group:-}" ] || echo "$BASHPID" >"$group/cgroup.procs"
      at "$name" "${program[@]}" node --role "$role" --name "$name" --cluster-host "$(address "$name")" --cluster-port 4053 --exit-when-done "${first[@]}" "$@" >>"$dir/$name.log" 2>&1 &
      echo $! >"$dir/$name.process"
      wait $! 2>/dev/null
      code=$?
      echo "ended with $code" >>"$dir/$name.log"
      [ $code -ne 0 ] || break
      sleep 1
      first=("${seeds[@]}")
    done
  ) 2>/dev/null &
  keeper[$name]=$!
  disown "$!"
}

# cluster WORKERS OPTION…: three servers, workers, and a run that makes steps.
cluster() {
  local workers=$1 i
  shift
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
  for ((i = 1; i <= workers; i++)); do host "worker-$i"; done
  for ((i = 1; i <= 3; i++)); do
    keep "server-$i" server --min-servers 3 --min-workers 1 --stable-after 3s $([ "$i" -gt 1 ] || echo "--job $dir/job.conf") "$@"
  done
  for ((i = 1; i <= workers; i++)); do keep "worker-$i" worker --stable-after 3s; done
  all_train "$workers" 60
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
# all_train WORKERS SECONDS: whether the newest generation is soon one of so many workers, and makes steps.
all_train() {
  local until=$((SECONDS + $2))
  while [ "$SECONDS" -le "$until" ]; do
    grep -h 'generation-begun' "$dir"/server-*.log | sort | tail -n 1 | grep -q "workers=$1 " && trains 2 && return 0
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

# deaf A B: whatever B sends to A is lost. cut A B: both ways. heal: all links are well again.
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
  check "$row: the run was stopped and its model written" test -n "$steps" || true
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

# Workers cut off from the servers, for 20 s: the others go on, and those come back.
row_cut() {
  local before
  for s in server-1 server-2 server-3 worker-1; do for w in worker-2 worker-3; do cut_off $s $w; done; done
  check "cut: servers and worker-1 go on without worker-2 and worker-3" all_train 1 20
  sleep 10
  before=$(count 'run-started|coordinator-started')
  heal
  check "cut: after healing all three workers train again" all_train 3 40
  check "cut: there is one coordinator, as before" test "$(count 'coordinator-started')" -eq 1
}

# The server that leads cut off from everybody: the majority goes on from the last checkpoint, and it ends itself.
row_leader() {
  local lead ended
  lead=$(leader)
  sleep 3 # for a checkpoint
  for other in "${!number[@]}"; do [ "$other" = "$lead" ] || cut_off "$lead" "$other"; done
  others=($(printf '%s\n' server-1 server-2 server-3 | grep -v "$lead"))
  check "leader: the majority goes on under another coordinator" soon 30 eval 'count run-taken-over "${others[@]}" >/dev/null && all_train 3 5'
  check "leader: the one that is cut off ends itself with exit code 6" soon 20 count '^ended with 6' "$lead"
  ended=$(count ' steps epoch=' "$lead")
  sleep 5
  check "leader: and makes no steps" test "$(count ' steps epoch=' "$lead")" -eq "$ended"
  heal
  check "leader: after healing it is a member again" soon 40 eval "tail -n 5 $dir/$lead.log | grep -q node-registered"
}

# Only the links between one server and the two others are cut: workers see all three.
row_between() {
  local lead
  lead=$(leader)
  sleep 3
  for other in server-1 server-2 server-3; do [ "$other" = "$lead" ] || cut_off "$lead" "$other"; done
  sleep 20
  heal
  check "between: after healing all three workers train" all_train 3 60
}

# The leader hears worker-3, but not the other way round.
row_oneway() {
  deaf worker-3 "$(leader)"
  check "oneway: the others go on" all_train 2 30
  heal
  check "oneway: after healing all three workers train" all_train 3 60
}

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

for row in "${rows[@]}"; do
  began=$SECONDS
  cluster 3 && row_$row && ends_well
  echo "$row took $((SECONDS - began)) s"
  end_row
done
finish
