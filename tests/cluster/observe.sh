#!/usr/bin/env bash
# observe.sh [PAIRS [SECONDS]]: what watching costs. Model b on Fashion-MNIST in one process with two workers, in turn without and
# with a dashboard that somebody looks at (news twice a second, /metrics every ten; the onlooker runs on the same cores) and
# an event file for TensorBoard: samples a second after the first third of the steps, and the median of the pairs' ratios.
. "$(dirname "$0")/common.sh"
pairs=${1:-9}
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

# speed OPTION…: samples a second of a run that is told to end after SECONDS, by its reports.
speed() {
  rm -rf "$work/run"
  timeout --foreground -s INT "$seconds" "${program[@]}" train --config "$work/b.conf" --output "$work/run" --log-level warning "$@" >"$work/out" 2>"$work/err"
  jq -r 'select(.type == "step") | "\(.step) \(.samplesPerSecond)"' "$work/run/metrics.jsonl" |
    awk '{step[NR] = $1; speed[NR] = $2} END {for (i = int(NR / 3) + 1; i <= NR; i++) {n = step[i] - step[i - 1]; steps += n; time += n / speed[i]}; printf "%.0f\n", steps / time}'
}
watched() {
  (
    until curl -sf -o /dev/null http://127.0.0.1:4490/; do sleep 0.2; done
    curl -sN http://127.0.0.1:4490/api/news >/dev/null &
    while curl -sf -o /dev/null http://127.0.0.1:4490/metrics; do sleep 10; done
    kill $! 2>/dev/null
  ) &
  speed --http-port 4490 --tensorboard on
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
