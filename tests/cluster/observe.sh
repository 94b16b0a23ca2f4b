#!/usr/bin/env bash
# observe.sh [PAIRS [SECONDS]]: what watching costs. Model b on Fashion-MNIST in one process with two workers, in turn without and
# with a dashboard that somebody looks at (news twice a second, /metrics every ten; the onlooker runs on the same cores): samples a second, and the median of the pairs' ratios.
. "$(dirname "$0")/common.sh"
pairs=${1:-5}
seconds=${2:-20}
[ -d /usr/share/datasets/fashion-mnist ] || skip "the package dataset-fashion-mnist is not installed"
cat >"$work/b.conf" <<'JOB'
data.source = fashion-mnist
model.layers = [{ units = 512, activation = relu }, { units = 256, activation = relu }, {}]
optimizer { kind = sgd, momentum = 0.9, learning-rate = 0.01 }
training { epochs = 1000, batch-size = 128, data-shards = 8 }
run { workers = 2, report-every = 50 }
checkpoint.every-time = 0s
JOB

# speed OPTION…: samples a second of a run that is told to end after SECONDS.
speed() {
  rm -rf "$work/run"
  timeout --foreground -s INT "$seconds" "${program[@]}" train --config "$work/b.conf" --output "$work/run" --log-level warning "$@" >"$work/out" 2>"$work/err"
  sed -n 's/^stopped epochs.* samples\/s=\([0-9]*\).*/\1/p' "$work/out"
}
watched() {
  (
    until curl -sf -o /dev/null http://127.0.0.1:4490/; do sleep 0.2; done
    curl -sN http://127.0.0.1:4490/api/news >/dev/null &
    while curl -sf -o /dev/null http://127.0.0.1:4490/metrics; do sleep 10; done
    kill $! 2>/dev/null
  ) &
  speed --http-port 4490
  wait $!
}
ratios=()
for ((pair = 1; pair <= pairs; pair++)); do
  if ((pair % 2)); then
    without=$(speed)
    with=$(watched)
  else
    with=$(watched)
    without=$(speed)
  fi
  echo "pair $pair: $without without, $with with"
  ratios+=("$(awk "BEGIN {print $with / $without}")")
done
cost=$(printf '%s\n' "${ratios[@]}" | sort -g | awk '{r[NR] = $1} END {printf "%.1f", 100 * (1 - r[int((NR + 1) / 2)])}')
check "watching costs $cost %" awk "BEGIN {exit !($cost <= 2)}"
finish
