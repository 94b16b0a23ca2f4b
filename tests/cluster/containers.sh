#!/usr/bin/env bash
# Builds the image, trains with docker-compose.yml and 1, 2 and 3 workers (or those named as arguments), kills a worker in
# the middle, and takes a running cluster down. Each hash must be that of a single process. Where no engine can start, it
# says so and checks nothing.
. "$(dirname "$0")/common.sh"
cd "$root"
export COMPOSE_PROJECT_NAME=disttrainer-test-$$
workers=(${@:-1 2 3})

command -v docker >/dev/null || skip "docker is not installed"
if docker compose version >/dev/null 2>&1; then
  compose=(docker compose)
elif command -v docker-compose >/dev/null; then
  compose=(docker-compose)
else
  skip "docker compose is not installed"
fi
if ! docker info >/dev/null 2>&1; then
  [ "$(id -u)" -eq 0 ] && command -v dockerd >/dev/null || skip "no Docker engine answers, and this user cannot start one"
  setsid dockerd >"$work/dockerd" 2>&1 </dev/null &
  engine=$!
  for ((i = 0; i < 60; i++)); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
  docker info >/dev/null 2>&1 || skip "the Docker engine does not start: $(tail -n 1 "$work/dockerd")"
fi
for image in $(sed -n 's/^FROM \([^ ]*\).*/\1/p' deploy/Dockerfile); do
  docker image inspect "$image" >/dev/null 2>&1 || docker pull -q "$image" >"$work/pull" 2>&1 ||
    skip "the base image $image cannot be had: $(tail -n 1 "$work/pull")"
done

end_all() {
  "${compose[@]}" down --volumes --timeout 5 >/dev/null 2>&1
  [ -z "${engine:-}" ] || kill "$engine"
  rm -rf "$work"
}

ids() { "${compose[@]}" ps -q "$@" 2>/dev/null; }
# each FORMAT WANTED: whether docker inspect says so of every container of the project, also of those that have ended.
each() { [ "$(docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" | xargs docker inspect -f "$1" | sort -u)" = "$2" ]; }
# wait_until SECONDS COMMAND…
wait_until() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.3
  done
}
# Not `grep -q`: it ends early, the engine's command then fails, and with it the pipe.
server_says() { docker logs "$(ids server)" 2>&1 | grep -E -- "$1" >/dev/null; }

"${compose[@]}" build >"$work/build" 2>&1
check "the image builds" test $? -eq 0
[ "$failed" -eq 0 ] || { tail -n 30 "$work/build"; finish; }
single() { docker run --rm -v "$PWD/deploy/jobs:/jobs:ro" disttrainer train --quiet "$@" 2>/dev/null | hash_of; }
expected=$(single)
check "a single process trains in a container: $expected" test -n "$expected"

for count in "${workers[@]}"; do
  timeout 180 "${compose[@]}" up --scale worker=$count >"$work/up" 2>&1
  docker logs "$(docker ps -aqf "name=${COMPOSE_PROJECT_NAME}[-_]server")" >"$work/server" 2>&1
  check "$count workers: the hash is the single process's" same "$expected" "$(hash_of "$work/server")"
  check "$count workers: the log of 'up' has the final metrics and the hash" grep -q "parameters sha256=$expected" "$work/up"
  check "$count workers: all containers end with 0" each '{{.State.ExitCode}}' 0
  [ "$failed" -eq 0 ] || tail -n 40 "$work/up"
  "${compose[@]}" down --volumes >/dev/null 2>&1
done

export JOB=/jobs/digits-long.conf
"${compose[@]}" up -d --scale worker=3 >"$work/up" 2>&1
check "a long run begins with three workers" wait_until 180 server_says 'generation-begun .* workers=3 '
"${compose[@]}" logs -f >"$work/follow" 2>&1 &
follow=$!
check "all containers become healthy" wait_until 180 each '{{.State.Health.Status}}' healthy
docker kill "$(ids worker | head -n 1)" >/dev/null
check "a worker is killed, and is missed" wait_until 60 server_says 'node-gone'
two_go_on() { docker logs "$server" 2>&1 | awk '/node-gone/ {gone = 1} gone && /generation-begun .* workers=2 / {begun = 1} begun && / steps epoch=/ {flows = 1} END {exit !flows}'; }
server=$(ids server)
check "two workers make steps again" wait_until 60 two_go_on
began=$SECONDS
"${compose[@]}" stop >"$work/stop" 2>&1
check "stop ends within the grace period ($((SECONDS - began)) s), the server with 143" test "$(docker inspect -f '{{.State.ExitCode}}' "$server")" -eq 143
wait_until 10 eval "! kill -0 $follow 2>/dev/null" || kill $follow 2>/dev/null
docker logs "$server" >"$work/server" 2>&1
check "'logs -f' followed the run to its hash" grep -q "parameters sha256=" "$work/follow"
steps=$(sed -n 's/.*stopped after step \([0-9]*\).*/\1/p' "$work/server" | tail -n 1)
check "the hash after $steps steps is a single process's" same "$(single --config /jobs/digits-long.conf --max-steps "${steps:-1}")" "$(hash_of "$work/server")"
folder=$(sed -n 's/^run folder //p' "$work/server" | tail -n 1)
"${compose[@]}" down >"$work/down" 2>&1
check "down leaves nothing but the volumes" test -z "$(docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME")"
docker run --rm -v "${COMPOSE_PROJECT_NAME}_runs:/runs" disttrainer inspect "$folder" >"$work/inspect" 2>&1
check "the model is in the volume" test $? -eq 0
finish
