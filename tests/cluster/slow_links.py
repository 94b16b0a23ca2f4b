#!/usr/bin/python3
"""Training over slow links: nodes in network namespaces, a core each where there are cores; see slow-links.sh.

    slow_links.py [--links 10g,1g,100m20ms] [--models a,b,c] [--nodes 2,4] [--repetitions N] [--ways …] [--output NAME]
    slow_links.py --check

Links are named by rate and one-way delay: 10g, 1g, 100m20ms. Rates are shaped by TBF at both ends of each node's line, a
delay by netem, or where the kernel has none by the benchmark program's delay line (two TUN devices and a program between).
What is reached is measured before each round. Ways: alone (one node by itself), bulk, bfloat16 and localN (rounds of N steps) of
DistTrainer, and with torch- before it ddp, fp16, powersgd and localN of PyTorch (tests/peers/pytorch/ddp.py), in turn, the
order rotating. Each node is server and worker.
Writes NAME.jsonl and prints a table: samples a second over those of one node alone, and bytes out of a node a step.
--check measures nothing: it holds the bytes that leave a node against what the gradient tree asks for.
Needs root, iproute2; for the peers what docs/benchmarks/README.md says.
"""
import argparse
import itertools
import json
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests/peers")
OURS = ["dotnet", f"{ROOT}/tests/DistTrainer.Benchmarks/bin/Release/net10.0/DistTrainer.Benchmarks.dll"]
PARAMETERS = {"a": 101_770, "b": 535_818, "c": 5_824_522}
PORT = 4053
RENDEZVOUS = itertools.count(PORT + 1)  # the store of a run before may still be there
LONGEST = 300  # seconds of one run; gloo hangs now and then where a process has one core


def run(*command, **more):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, **more).stdout


class Unavailable(Exception):
    """This machine cannot have such links."""


class Link:
    """Namespaces on one bridge, or on one delay line."""

    def __init__(self, name, nodes):
        match = re.fullmatch(r"(\d+)([gm])(?:(\d+)ms)?", name)
        if not match:
            sys.exit(f"{name} is no link; 10g, 1g, 100m20ms are.")
        self.name, self.megabits, self.delay = name, int(match[1]) * (1000 if match[2] == "g" else 1), int(match[3] or 0)
        self.net, self.line, self.device = f"dt{os.getpid()}", None, "eth0"
        self.spaces = [f"{self.net}-{i}" for i in range(nodes)]
        self.addresses = [f"10.78.0.{11 + i}" for i in range(nodes)]

    def __enter__(self):
        try:
            run("ip", "netns", "add", f"{self.net}-hub")
            run("ip", "-n", f"{self.net}-hub", "link", "add", "bridge", "type", "bridge")
            run("ip", "-n", f"{self.net}-hub", "link", "set", "bridge", "up")
            for i, space in enumerate(self.spaces):
                run("ip", "netns", "add", space)
                run("ip", "-n", space, "link", "set", "lo", "up")
                run("ip", "-n", f"{self.net}-hub", "link", "add", f"to{i}", "type", "veth", "peer", "name", "eth0", "netns", space)
                run("ip", "-n", f"{self.net}-hub", "link", "set", f"to{i}", "master", "bridge", "up")
                run("ip", "-n", space, "link", "set", "eth0", "up")
            if self.delay and not self.has_netem():
                self.start_line()
            for i, space in enumerate(self.spaces):
                run("ip", "-n", space, "address", "add", f"{self.addresses[i]}/24", "dev", self.device)
                if not self.line:
                    self.shape(f"{self.net}-hub", f"to{i}", 0)
                    self.shape(space, "eth0", self.delay)
        except (subprocess.CalledProcessError, FileNotFoundError) as failure:
            self.__exit__()
            raise Unavailable(f"no namespaces with shaped links: {getattr(failure, 'stderr', failure)}") from failure
        return self

    def __exit__(self, *_):
        if self.line:
            self.line.stdin.close()
            self.line.wait()
        for space in [*self.spaces, f"{self.net}-hub"]:
            subprocess.run(["ip", "netns", "del", space], capture_output=True)

    def has_netem(self):
        return subprocess.run(["tc", "-n", f"{self.net}-hub", "qdisc", "add", "dev", "to0", "root", "netem", "delay", "1ms"],
                              capture_output=True).returncode == 0

    def shape(self, space, device, delay):
        if delay:
            how = ("netem", "rate", f"{self.megabits}mbit", "delay", f"{delay}ms", "limit", 2000)
        else:
            how = ("tbf", "rate", f"{self.megabits}mbit", "burst", "1mb" if self.megabits > 1000 else "128kb", "latency", "50ms")
        run("tc", "-n", space, "qdisc", "replace", "dev", device, "root", *how)

    def start_line(self):
        self.device = "line"
        self.line = subprocess.Popen(
            [*OURS, "delay-line", *(f"{s}={a}" for s, a in zip(self.spaces, self.addresses)), "--device", self.device,
             "--megabits", str(self.megabits), "--milliseconds", str(self.delay)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.line.stdout.readline().strip() != "ready":
            raise Unavailable("the delay line did not start.")
        for space in self.spaces:
            run("ip", "-n", space, "link", "set", "eth0", "down")
            run("ip", "-n", space, "link", "set", self.device, "mtu", 9000, "up")

    def start(self, node, command, **more):
        """A process in a node's namespace, on a core of its own where there are enough."""
        core = str(node % os.cpu_count())
        return subprocess.Popen(["ip", "netns", "exec", self.spaces[node], "taskset", "-c", core, *map(str, command)],
                                stdout=subprocess.PIPE, text=True, **more)

    def reached(self):
        """Mbit/s and round trip in ms between the first two nodes."""
        here = [sys.executable, os.path.abspath(__file__)]
        server = self.start(1, [*here, "--serve", self.addresses[1]])
        server.stdout.readline()
        figures = json.loads(self.start(0, [*here, "--probe", self.addresses[1]]).communicate()[0])
        server.wait()
        return figures


def serve(address):
    with socket.create_server((address, PORT)) as listener:
        print("listening", flush=True)
        peer = listener.accept()[0]
        while peer.recv(1) == b"p":
            peer.sendall(b"p")
        # The first second is the connection's slow start.
        warm = time.perf_counter() + 1
        while time.perf_counter() < warm:
            peer.recv(1 << 20)
        start, received = time.perf_counter(), 0
        while data := peer.recv(1 << 20):
            received += len(data)
            last = time.perf_counter()
        peer.sendall(struct.pack("d", received * 8 / (last - start) / 1e6))


def probe(address):
    with socket.create_connection((address, PORT)) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        trips = []
        for _ in range(20):
            start = time.perf_counter()
            peer.sendall(b"p")
            peer.recv(1)
            trips.append(time.perf_counter() - start)
        peer.sendall(b"x")
        until = time.perf_counter() + 3
        while time.perf_counter() < until:
            peer.sendall(bytes(1 << 18))
        peer.shutdown(socket.SHUT_WR)
        print(json.dumps({"mbit": round(struct.unpack("d", peer.recv(8))[0], 1), "rtt_ms": round(1000 * statistics.median(trips), 2)}))


def ours(link, nodes, model, options, workers=1, servers=None, way="bulk"):
    """One run of DistTrainer: so many workers a node, the first nodes servers too, without replicas."""
    seed, processes = "-", []
    for i in range(nodes):
        arguments = ("cluster-node", model, options.rule, nodes, servers or nodes, options.seconds, options.chunks, i + 1, seed,
                     "local", workers, options.parameter_shards, 0, link.addresses[i], way)
        processes.append(link.start(i, [*OURS, *arguments]))
        if i == 0:
            seed = processes[0].stdout.readline().split()[1]
    return finish(processes)


def pytorch(link, nodes, model, options, way):
    import compare
    environment = {**os.environ, **compare.openblas_environment(), **compare.JEMALLOC, "OMP_NUM_THREADS": "1",
                   "WORLD_SIZE": str(nodes), "MASTER_ADDR": link.addresses[0], "MASTER_PORT": str(next(RENDEZVOUS)),
                   "GLOO_SOCKET_IFNAME": link.device}
    program = [sys.executable, f"{ROOT}/tests/peers/pytorch/ddp.py", model, options.rule, "local", options.seconds, options.chunks, way]
    return finish([link.start(i, program, env={**environment, "RANK": str(i)}) for i in range(nodes)])


def finish(processes):
    try:
        # The first has the figures. Others may wait for it for ever when it has ended, as gloo's store does.
        output = processes[0].communicate(timeout=LONGEST)[0]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError("a run gave no figures; its errors are above.")
    return json.loads(lines[-1])


def measure(options):
    rows = []
    with open(f"{options.output}.jsonl", "w") as file:
        for name in options.links.split(","):
            for nodes in map(int, options.nodes.split(",")):
                with Link(name, nodes) as link:
                    for repetition in range(options.repetitions):
                        reached = link.reached()
                        print(f"{time.strftime('%T')} {name}, {nodes} nodes: {reached['mbit']} Mbit/s, round trip {reached['rtt_ms']} ms", flush=True)
                        for model in options.models.split(","):
                            ways = options.ways.split(",")
                            turn = repetition % len(ways)
                            for way in ways[turn:] + ways[:turn]:
                                try:
                                    row = (pytorch(link, nodes, model, options, way[6:]) if way.startswith("torch-")
                                           else ours(link, 1, model, options) if way == "alone"
                                           else ours(link, nodes, model, options, way=way))
                                except (RuntimeError, subprocess.TimeoutExpired) as failure:
                                    print(f"{time.strftime('%T')} {model} {way}: no figures; {failure}", flush=True)
                                    continue
                                row = {"test": "slow-links", "link": name, **reached, "nodes": nodes, "way": way, "model": model, "opt": options.rule,
                                       "sps": row["sps"], "bytes_out": row["bytes_out"]}
                                rows.append(row)
                                file.write(json.dumps(row) + "\n")
                                file.flush()
                                print(f"{time.strftime('%T')} {model} {way}: {statistics.median(row['sps']):.0f} samples/s, "
                                      f"{row['bytes_out'] / 1e6:.2f} MB out of a node a step", flush=True)
    table(rows, options)


def table(rows, options):
    ways = options.ways.split(",")
    print(f"\n| link | nodes | model | {' | '.join(ways)} | MB out of a node a step |\n| --- | ---: | --- |{' ---: |' * len(ways)} --- |")
    for link, nodes, model in dict.fromkeys((r["link"], r["nodes"], r["model"]) for r in rows):
        own = {way: [r for r in rows if (r["link"], r["nodes"], r["model"], r["way"]) == (link, nodes, model, way)] for way in ways}
        speed = {way: statistics.median(statistics.median(r["sps"]) for r in own[way]) for way in ways if own[way]}
        base = speed.get("alone")
        cells = ["–" if way not in speed else f"{speed[way]:,.0f}" + (f" ({speed[way] / base:.2f}×)" if base else "") for way in ways]
        sent = ", ".join(f"{way} {statistics.median(r['bytes_out'] for r in own[way]) / 1e6:.2f}" for way in speed if way != "alone")
        print(f"| {link} | {nodes} | {model} | {' | '.join(cells)} | {sent} |")


def check(options):
    """A node's workers send one sum a subtree, however many they are."""
    passed = failed = 0
    options.seconds, options.chunks, options.rule = 0.5, 2, "sgd"
    try:
        with Link("1g", 2) as link:
            for workers in (1, 4, 8):
                # One server, so that the other node sends gradients and nothing else.
                row = ours(link, 2, "b", options, workers, servers=1)
                bound = 1.02 * 4 * PARAMETERS["b"]
                good = 0.9 * bound < row["bytes_in"] <= bound
                print(f"{'passed' if good else 'FAILED'}: {workers} workers of a node send {row['bytes_in']} bytes a step; "
                      f"at most {bound:.0f}, 1.02 times one gradient, are allowed")
                passed, failed = passed + good, failed + (not good)
    except Unavailable as reason:
        print(f"skipped: {reason}")
    print(f"{passed} passed, {failed} failed")
    return failed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", default="10g,1g,100m20ms")
    parser.add_argument("--models", default="a,b,c")
    parser.add_argument("--nodes", default="2,4")
    parser.add_argument("--rule", default="sgd")
    parser.add_argument("--ways", default="alone,bulk,bfloat16,local16,local64,torch-ddp,torch-fp16,torch-powersgd,torch-local16")
    parser.add_argument("--parameter-shards", type=int, default=0, help="in all; 0: the product's default")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--chunks", type=int, default=3)
    parser.add_argument("--output", default="slow-links")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--serve")
    parser.add_argument("--probe")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    elif options.probe:
        probe(options.probe)
    elif os.getuid():
        print("skipped: network namespaces need root\n0 passed, 0 failed")
    elif options.check:
        sys.exit(0 if check(options) else 1)
    else:
        try:
            measure(options)
        except Unavailable as reason:
            sys.exit(str(reason))


if __name__ == "__main__":
    main()
