#!/usr/bin/env bash
# observe.sh [PAIRS [SECONDS]]: what watching costs. Model b on Fashion-MNIST in one process with two workers, a dashboard and
# an event file for TensorBoard. In turns of SECONDS (default 5) somebody looks at the dashboard (news twice a second, /metrics
# each turn; the onlooker runs on the same cores) or nobody does: the median over PAIRS (default 30) of the ratio of their
# speeds. And by the reports of 50 steps: every second one has a step with histograms, the others have none. Within one
# process, because two runs differ by more than the cost.
. "$(dirname "$0")/common.sh"
pairs=${1:-30}
seconds=${2:-5}
[ -d /usr/share/datasets/fashion-mnist ] || skip "the package dataset-fashion-mnist is not installed"
cat >"$work/b.conf" <<'JOB'
data.source = fashion-mnist
model.layers = [{ units = 512, activation = relu }, { units = 256, activation = relu }, {}]
optimizer { kind = sgd, momentum = 0.9, learning-rate = 0.01 }
training { epochs = 100000, batch-size = 128, data-shards = 8 }
run { workers = 2, report-every = 50, tensorboard = true, histograms-every = 100 }
checkpoint.every-time = 0s
JOB
page=http://127.0.0.1:4490
"${program[@]}" train --config "$work/b.conf" --output "$work/run" --log-level warning --quiet --http-port 4490 >"$work/out" 2>"$work/err" &
trainer=$!
until curl -sf -o /dev/null $page/; do sleep 0.2; done
sleep 10 # until all code is compiled

# A turn's line: whether somebody looked, and how many lines of figures there were at its end.
for ((turn = 0; turn <= 2 * pairs; turn++)); do
  # The pairs begin in turn with and without; the first turn belongs to none.
  if ((turn > 0 && (turn / 2) % 2 == turn % 2)); then
    curl -sN $page/api/news >/dev/null &
    onlooker=$!
    curl -sf -o /dev/null $page/metrics
    sleep "$seconds"
    kill "$onlooker"
    wait "$onlooker" 2>/dev/null
    echo "1 $(wc -l <"$work/run/metrics.jsonl")"
  else
    sleep "$seconds"
    echo "0 $(wc -l <"$work/run/metrics.jsonl")"
  fi
done >"$work/turns"
kill -TERM "$trainer"
wait "$trainer"
jq -r 'if .type == "step" then "\(.step) \(.samplesPerSecond)" else "- -" end' "$work/run/metrics.jsonl" >"$work/speeds"

looking=$(awk '
  NR == FNR {watched[FNR] = $1; last[FNR] = $2; turns = FNR; next}
  {line++; n = $1 - before; if ($1 != "-") before = $1; if ($1 == "-" || n != 50) next
   while (turn <= turns && line > last[turn]) turn++
   if (turn > 1 && turn <= turns) {steps[turn] += n; time[turn] += n / $2}}
  END {for (t = 2; t + 1 <= turns; t += 2) {a = time[t] / steps[t]; b = time[t + 1] / steps[t + 1]; print watched[t] ? a / b : b / a}}' "$work/turns" "$work/speeds" |
  sort -g | awk '{r[NR] = $1} END {printf "%.2f", 100 * (r[int((NR + 1) / 2)] - 1)}')
histograms=$(awk '{n = $1 - before; if ($1 != "-") before = $1; if ($1 != "-" && n == 50) print ($1 % 100 == 0 ? 1 : 0), 50 * 128 / $2}' "$work/speeds" |
  sort -k1,1n -k2,2g | awk '{t[$1, ++n[$1]] = $2} END {with = t[1, int((n[1] + 1) / 2)]; without = t[0, int((n[0] + 1) / 2)]; printf "%.2f", 100 * (with - without) / (2 * without)}')
echo "reports: $(wc -l <"$work/speeds"), samples a second: $(awk '$2 > 0 {print $2}' "$work/speeds" | sort -g | awk '{r[NR] = $1} END {printf "%.0f", r[int((NR + 1) / 2)]}')"
check "an onlooker costs $looking %, histograms every 100 steps $histograms %: 2 % together at most" awk "BEGIN {exit !($looking + $histograms <= 2)}"
finish
