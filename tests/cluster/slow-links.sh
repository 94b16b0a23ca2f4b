#!/usr/bin/env bash
# slow-links.sh [OPTION…]: training over links of 10 Gbit/s, 1 Gbit/s, and 100 Mbit/s with 20 ms of delay, between nodes in
# network namespaces, beside PyTorch in the same ones; slow_links.py --help lists the options. --check is the short form
# that CI runs: what leaves a node a step, by the kernel's count. Needs root; elsewhere it says so and checks nothing.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ -f "$root/tests/DistTrainer.Benchmarks/bin/Release/net10.0/DistTrainer.Benchmarks.dll" ] ||
  dotnet build -c Release "$root/tests/DistTrainer.Benchmarks" >/dev/null || exit 1
# PyTorch is the one of Debian's Python.
[ -x /usr/bin/python3 ] && python=/usr/bin/python3 || python=python3
exec "$python" "$root/tests/cluster/slow_links.py" "$@"
