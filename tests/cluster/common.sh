# Sourced by the scripts beside it: the program, checks and their count, nodes as processes. KEEP=1 in the environment
# leaves the folder with their logs.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Dashboards would cost each of many nodes a second to start.
export DISTTRAINER_HTTP_PORT=off
program=(dotnet "$root/src/DistTrainer.Cli/bin/Release/net10.0/disttrainer.dll")
work=$(mktemp -d)
passed=0
failed=0
nodes=()

# check NAME CONDITION…: runs the condition, prints and counts.
check() {
  local name=$1
  shift
  if "$@"; then
    echo "passed: $name"
    passed=$((passed + 1))
  else
    echo "FAILED: $name"
    failed=$((failed + 1))
  fi
}

skip() {
  echo "skipped: $*"
  finish
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

hash_of() { sed -n 's/.*parameters sha256=\([0-9a-f]\{64\}\).*/\1/p' "$@" | tail -n 1; }

same() { [ -n "$1" ] && [ "$1" = "$2" ]; }

# wait_for FILE FIRST-LINE SECONDS PATTERN: prints the first line that matches from that line on, once it is there.
wait_for() {
  local until=$((SECONDS + $3)) line
  while [ "$SECONDS" -lt "$until" ]; do
    if line=$(grep -m1 -E -- "$4" < <(tail -n "+$2" "$1" 2>/dev/null)); then
      echo "$line"
      return 0
    fi
    sleep 0.02
  done
  echo "after $3 s there is no line \"$4\" in $1" >&2
  return 1
}

# start_node LOG OPTION…: a node in the background; its process number is in $node.
start_node() {
  local log=$1
  shift
  (cd "$work" && exec "${program[@]}" node --cluster-port 0 "$@") >"$log" 2>&1 &
  node=$!
  nodes+=("$node")
}

address_of() { wait_for "$1" 1 60 '^node listening' | sed 's/.*cluster=\([^ ]*\).*/\1/'; }

end_all() {
  # The number of one that has ended may be another process's by now.
  for process in "${nodes[@]}"; do grep -qs disttrainer "/proc/$process/cmdline" && kill -9 "$process" 2>/dev/null; done
  wait 2>/dev/null
  [ -n "${KEEP:-}" ] && echo "kept: $work" || rm -rf "$work"
}
trap end_all EXIT

[ -f "${program[1]}" ] || dotnet build -c Release "$root/src/DistTrainer.Cli" >"$work/build" 2>&1 || { cat "$work/build"; exit 1; }
