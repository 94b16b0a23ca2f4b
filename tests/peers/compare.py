#!/usr/bin/python3
"""Measures DistTrainer and its peers on the same work in one session, interleaved, and prints tables with ratios.

    /usr/bin/python3 tests/peers/compare.py [GROUP...] [--newer-root DIR] [--repetitions N] [--output NAME] ...

Groups: train (whole training steps), optim (optimizer steps on 25 million parameters), gemm (matrix products),
epoch (Fashion-MNIST: seconds an epoch, accuracy), memory (peak of model c), cluster (two processes of one thread beside
DistributedDataParallel), sweep (training steps over a grid of dense nets, ours as it is by default, and how far from the
machine's limit); all of them but sweep when none is named.
Writes NAME.jsonl (every figure) and NAME.md (the tables). docs/benchmarks/README.md says what a machine needs.

Only figures of one session compare: the same cell drifts by a fifth within half an hour on a shared machine. So the
contestants take turns, their order rotates, each run waits until the machine is quiet, and a run that others disturbed
is repeated. Every contestant gets its best: OpenBLAS with OpenMP, with and without jemalloc.
"""
import argparse
import functools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

import report

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GROUPS = ("train", "optim", "gemm", "epoch", "memory", "cluster")
# Of the group sweep: the values of the grid, and those that are measured when nothing is asked for (24 of 240 cells).
GRID = {"widths": ("64,256,512,1024,2048", "64,512,2048"), "depths": ("1,2,4", "1,4"),
        "batches": ("16,64,256,1024", "16,256"), "rules": ("sgd,momentum,adam,rmsprop", "momentum,adam")}
WARM_UP = 1  # seconds of a cell of ours, whose code is compiled while it runs; the peers' first chunk is as fast as others
BLOCK = 8  # cells of one process: more pay a start less often, fewer keep the contestants close in time
OPENBLAS = "/usr/lib/x86_64-linux-gnu/openblas-openmp"
TORCHSHARP = f"{HERE}/torchsharp/bin/Release/net10.0/linux-x64/TorchSharpPeer.dll"
OURS = f"{ROOT}/tests/DistTrainer.Benchmarks/bin/Release/net10.0/DistTrainer.Benchmarks.dll"
# jemalloc that keeps freed pages: glibc gives the optimizers' temporaries back to the kernel at every step.
JEMALLOC = {"LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
            "MALLOC_CONF": "oversize_threshold:0,dirty_decay_ms:-1,muzzy_decay_ms:-1"}
HIDDEN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # settings that may slow OpenBLAS down
DISTURBED = 0.25  # CPUs that others used during a run


def processor_flags():
    with open("/proc/cpuinfo") as f:
        return set(next((line.split(":")[1].split() for line in f if line.startswith("flags")), []))


@functools.cache
def openblas_environment():
    """OpenBLAS's environment, with the best kernels that the processor runs.

    For a processor younger than itself OpenBLAS takes its oldest kernels, which are five times slower than need be.
    """
    flags = processor_flags()
    wide = ("SkylakeX", "Cooperlake", "SapphireRapids")
    best, fine = ("Cooperlake", wide) if "avx512_bf16" in flags else ("SkylakeX", wide) if "avx512f" in flags else \
        ("Haswell", (*wide, "Haswell", "Zen")) if {"avx2", "fma"} <= flags else (None, ())
    environment = {"LD_LIBRARY_PATH": OPENBLAS}
    if best and openblas_core(environment) not in fine:
        environment["OPENBLAS_CORETYPE"] = best
    return environment


def openblas_core(environment):
    """For which processor OpenBLAS chooses its kernels."""
    ask = ("import ctypes; name = ctypes.CDLL('libopenblas.so.0').openblas_get_corename; "
           "name.restype = ctypes.c_char_p; print(name().decode())")
    inherited = {k: v for k, v in os.environ.items() if k not in HIDDEN}
    return subprocess.run([sys.executable, "-c", ask], env={**inherited, **environment}, capture_output=True, text=True).stdout.strip()


class Contestant:
    """Somebody who runs: a label for the tables, a command, its threads, extra environment."""

    def __init__(self, label, command, threads, environment=None):
        self.label, self.command, self.threads = label, command, threads
        blas = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        self.environment = {**blas, **(environment or {})}


def contestants(options):
    """PyTorch and TorchSharp with 1 and 2 threads, with and without jemalloc, as far as they were asked for."""
    programs = {"pytorch": ([sys.executable, f"{HERE}/pytorch/peer.py"], openblas_environment()),
                "torchsharp": ([*options.prefix, "dotnet", TORCHSHARP], {})}
    return [Contestant(f"{name} {threads} thread{'s' * (threads > 1)}{' jemalloc' if allocator else ''}", command, threads,
                       {**environment, **allocator})
            for name, (command, environment) in programs.items() if name in options.frameworks
            for threads in options.threads for allocator in ({}, JEMALLOC)]


def ours(options, label="disttrainer", threads=1):
    return [Contestant(label, ["dotnet", OURS], threads)] if "disttrainer" in options.frameworks else []


class Session:
    """Runs commands one at a time and keeps what they print."""

    def __init__(self, path, patient):
        self.path, self.records, self.patient = path, [], patient
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        open(path, "w").close()

    def keep(self, record):
        self.records.append(record)
        with open(self.path, "a") as f:
            f.write(json.dumps(record) + "\n")

    def run(self, contestant, *arguments, timeout=300, **more):
        """Runs a contestant until it was undisturbed, three times at most, and keeps the quietest run's lines."""
        runs = []
        while not runs or self.patient and len(runs) < 3 and min(r[0] for r in runs) > DISTURBED:
            if self.patient:
                wait_until_quiet()
            runs.append(execute(contestant, [str(a) for a in arguments], timeout))
        others, lines, peak = min(runs, key=lambda r: r[0])
        for line in lines:
            self.keep({**line, "who": contestant.label, "others": round(others, 2), "peak_mib": round(peak, 1), **more})
        print(f"{time.strftime('%T')} {contestant.label}: {' '.join(map(str, arguments))} (others used {others:.2f} CPUs)", file=sys.stderr, flush=True)


def execute(contestant, arguments, timeout):
    """CPUs used by others, the JSON lines printed, and the peak memory in MiB."""
    environment = {k: v for k, v in os.environ.items() if k not in HIDDEN}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        busy, start = busy_seconds(), time.time()
        process = subprocess.Popen([*contestant.command, *arguments], env={**environment, **contestant.environment}, stdout=out, stderr=err)
        timer = threading.Timer(timeout, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        others = (busy_seconds() - busy - usage.ru_utime - usage.ru_stime) / (time.time() - start)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            sys.exit(f"{contestant.label}: {' '.join([*contestant.command, *arguments])} ended with {process.returncode}: {err.read()[-2000:]}")
        return max(0.0, others), [json.loads(line) for line in out if line.startswith("{")], usage.ru_maxrss / 1024


def busy_seconds():
    """CPU seconds that the whole machine has spent busy (not idle, not waiting for a disk)."""
    with open("/proc/stat") as f:
        fields = [int(v) for v in f.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def wait_until_quiet(limit=20):
    start = time.time()
    while time.time() - start < limit:
        busy, begin = busy_seconds(), time.time()
        time.sleep(0.3)
        if (busy_seconds() - busy) / (time.time() - begin) < 0.1:
            return


def in_turn(everybody, repetition):
    """Another first one in each repetition."""
    shift = repetition % len(everybody) if everybody else 0
    return everybody[shift:] + everybody[:shift]


def measure_train(session, options, models, optimizers, test=None):
    """Whole training steps. Ours: W workers of one thread in one process, the batch divided among them."""
    peers = [(c, (models, optimizers, options.seconds, options.chunks)) for c in contestants(options)]
    samples = 12800 if test == "memory" else 60000  # of memory the peers hold as many; of time the end of an epoch is no part
    mine = [(c, ("--models", models, "--optimizers", optimizers, "--workers", w, "--seconds", options.seconds, "--chunks", options.chunks, "--samples", samples))
            for w in options.threads for c in ours(options, f"disttrainer {w} worker{'s' * (w > 1)}")]
    more = {"test": test} if test else {}
    for repetition in range(1 if test else options.repetitions):
        for c, arguments in in_turn(peers + mine, repetition):
            session.run(c, "train", *([c.threads] if (c, arguments) in peers else []), *arguments, **more)


def measure_memory(session, options):
    for optimizer in ("sgd", "adam"):
        measure_train(session, options, "c", optimizer, test="memory")


def sweep_cells(options):
    """The chosen cells of the grid as MODEL:RULE, e.g. 784-512-512-10@64:adam: two hidden layers, batches of 64."""
    def values(name):
        whole, some = GRID[name]
        return (getattr(options, name) or (whole if options.cells else some)).split(",")

    # The contestants call SGD with momentum 'sgd' in the other groups.
    cells = [f"{'-'.join(['784', *[width] * int(depth), '10'])}@{batch}:{'plain-sgd' if rule == 'sgd' else rule}"
             for width in values("widths") for depth in values("depths")
             for batch in values("batches") for rule in values("rules")]
    if options.cells:
        cells = random.Random(options.seed).sample(cells, min(options.cells, len(cells)))
    return cells


def measure_sweep(session, options):
    """Ours is told nothing but the work: workers, shards and threads are the product's own choice."""
    cells, timing = sweep_cells(options), (options.seconds / 2, options.chunks)
    runs = [(c, ("cells", c.threads), timing) for c in contestants(options)]
    runs += [(c, ("train", "--cells"), ("--seconds", timing[0], "--chunks", timing[1], "--warm-up", WARM_UP))
             for c in ours(options)]
    cores = os.cpu_count()
    for repetition in range(options.repetitions):
        if "c" in options.frameworks:
            for limit in ("peak", "bandwidth"):
                session.run(Contestant(limit, [f"{HERE}/c/bin/{limit}"], cores), cores)
        for start in range(0, len(cells), BLOCK):
            # Another cell begins in each repetition, too: a process is slowest at its start.
            block = ",".join(in_turn(cells[start:start + BLOCK], repetition))
            for c, before, after in in_turn(runs, repetition + start // BLOCK):
                session.run(c, *before, block, *after, test="sweep", repetition=repetition)


def measure_optim(session, options):
    for repetition in range(max(1, options.repetitions - 1)):
        for c in in_turn(contestants(options), repetition):
            session.run(c, "optim", c.threads, options.seconds / 2, options.chunks)
        for threads in options.threads:
            if "c" in options.frameworks:
                session.run(Contestant(f"C loop {threads} thread{'s' * (threads > 1)}", [f"{HERE}/c/bin/optimizer"], threads), threads)
            for c in ours(options, f"disttrainer {threads} thread{'s' * (threads > 1)}"):
                session.run(c, "optim", "--threads", threads)


def measure_gemm(session, options):
    for _ in range(options.repetitions):
        if "c" in options.frameworks:
            for threads in options.threads:
                openblas = Contestant(f"openblas {threads} thread{'s' * (threads > 1)}", [f"{HERE}/c/bin/gemm"], threads, openblas_environment())
                session.run(openblas, f"{OPENBLAS}/libopenblas.so.0", threads)
                session.run(Contestant("peak", [f"{HERE}/c/bin/peak"], threads), threads)
        for c in ours(options):
            session.run(c, "gemm")


def measure_epoch(session, options):
    """All peers with the first seed, the tuned ones with all seeds. Ours runs all its seeds in the middle of theirs."""
    peers = [c for c in contestants(options) if c.threads == max(options.threads)]
    tuned = [c for c in peers if c.label.endswith("jemalloc")]
    middle = (options.seeds + 1) // 2
    for seed in range(1, options.seeds + 1):
        for c in in_turn(peers if seed == 1 else tuned, seed):
            session.run(c, "epoch", c.threads, seed, options.epochs)
        if seed == middle:
            for c in ours(options):
                session.run(c, "epoch", "--seeds", options.seeds, timeout=60 * options.seeds)


def measure_cluster(session, options):
    """Two processes of one thread: SGD with the model's batch in each, and model b with Adam and its batch divided."""
    for repetition in range(options.repetitions):
        for mode, models, rule in (("local", options.models, "sgd"), ("global", "b", "adam")):
            runs = []
            if "pytorch" in options.frameworks:
                program = [sys.executable, f"{HERE}/pytorch/ddp.py"]
                runs += [(Contestant(f"pytorch{' jemalloc' if allocator else ''}", program, 1, {**openblas_environment(), **allocator}),
                          (models, rule, mode, options.seconds, options.chunks), {}) for allocator in ({}, JEMALLOC)]
            common = ("--models", models, "--optimizers", rule, "--seconds", options.seconds, "--chunks", options.chunks)
            for c in ours(options):
                runs.append((c, ("cluster", "--mode", mode, *common), {"mode": mode, "kind": "cluster"}))
                if mode == "local":
                    runs.append((c, ("train", "--workers", 1, "--data-shards", 1, *common), {"test": "cluster", "mode": mode, "kind": "alone"}))
            for c, arguments, more in in_turn(runs, repetition):
                session.run(c, *arguments, **more)


def build(options):
    """Builds what is asked for; nothing runs while a compiler does."""
    os.makedirs(f"{HERE}/c/bin", exist_ok=True)
    commands = []
    if "c" in options.frameworks:
        commands += [["gcc", "-O2", f"{HERE}/c/gemm.c", "-o", f"{HERE}/c/bin/gemm", "-ldl"],
                     ["gcc", "-O2", "-fopenmp", f"{HERE}/c/peak.c", "-o", f"{HERE}/c/bin/peak"],
                     ["gcc", "-O3", "-march=native", "-fopenmp", f"{HERE}/c/bandwidth.c", "-o", f"{HERE}/c/bin/bandwidth"],
                     ["gcc", "-O3", "-march=native", "-ffast-math", "-fopenmp", f"{HERE}/c/optimizer.c", "-o", f"{HERE}/c/bin/optimizer", "-lm"]]
    if "torchsharp" in options.frameworks:
        commands.append(["dotnet", "build", "-c", "Release", f"{HERE}/torchsharp"])
    if "disttrainer" in options.frameworks:
        commands.append(["dotnet", "build", "-c", "Release", f"{ROOT}/tests/DistTrainer.Benchmarks"])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    subprocess.run(["dotnet", "build-server", "shutdown"], capture_output=True)


def machine():
    """Where and on what the figures were made."""
    def first(path, pattern):
        with open(path) as f:
            found = re.search(pattern, f.read(), re.M)
        return found.group(1) if found else "unknown"
    git = lambda *a: subprocess.run(["git", "-C", ROOT, *a], capture_output=True, text=True).stdout.strip()
    return {"test": "machine", "cpu": first("/proc/cpuinfo", r"^model name\s*:\s*(.+)$"), "cores": os.cpu_count(),
            "family_model": first("/proc/cpuinfo", r"^cpu family\s*:\s*(\d+)$") + "/" + first("/proc/cpuinfo", r"^model\s*:\s*(\d+)$"),
            "vectors": "AVX-512" if "avx512f" in processor_flags() else "AVX2",
            "openblas": openblas_core(openblas_environment()) + (" by OPENBLAS_CORETYPE" if "OPENBLAS_CORETYPE" in openblas_environment() else ""),
            "memory_gib": round(int(first("/proc/meminfo", r"^MemTotal:\s*(\d+)")) / 2**20, 1), "kernel": os.uname().release,
            "system": first("/etc/os-release", r'^PRETTY_NAME="(.+)"$'), "dotnet": subprocess.run(["dotnet", "--version"], capture_output=True, text=True).stdout.strip(),
            "commit": git("rev-parse", "HEAD") + (" with changes" if git("status", "--porcelain", "--untracked-files=no") else ""),
            "date": time.strftime("%Y-%m-%d")}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help=f"any of {', '.join(GROUPS)} (all of these when none is named), sweep")
    parser.add_argument("--frameworks", default="disttrainer,pytorch,torchsharp,c", help="who takes part (default: all four)")
    parser.add_argument("--newer-root", metavar="DIR", help="run TorchSharp in this root file system; see tests/peers/newer-root")
    parser.add_argument("--models", default="a,b,c", help="models of the group train")
    parser.add_argument("--optimizers", default="sgd,adam", help="optimizers of the group train")
    for name, what in (("widths", "widths of the hidden layers"), ("depths", "numbers of hidden layers"),
                       ("batches", "batch sizes"), ("rules", "rules")):
        whole, some = GRID[name]
        parser.add_argument(f"--{name}", help=f"{what} of the group sweep, comma-separated (default {some}; with "
                            f"--cells {whole})")
    parser.add_argument("--cells", type=int, metavar="N", help="take N cells of the group sweep at random")
    parser.add_argument("--seed", type=int, default=1, help="seed of --cells (default 1)")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (ours: workers) to try")
    parser.add_argument("--repetitions", type=int, default=3, help="rounds in which everybody has a turn (default 3)")
    parser.add_argument("--seconds", type=float, default=0.4, help="length of a timed chunk (default 0.4)")
    parser.add_argument("--chunks", type=int, default=3, help="timed chunks of a cell in one run (default 3)")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of the group epoch (default 5)")
    parser.add_argument("--epochs", type=int, default=8, help="epochs of the peers in the group epoch (default 8)")
    parser.add_argument("--impatient", action="store_true", help="neither wait for a quiet machine nor repeat disturbed runs: to try the script")
    parser.add_argument("--no-build", action="store_true", help="take the programs as they are")
    parser.add_argument("--output", default=f"{ROOT}/docs/benchmarks/latest", help="path of the results without ending")
    options = parser.parse_args()
    for group in options.groups:
        if group not in (*GROUPS, "sweep"):
            parser.error(f"'{group}' is no group; the groups are {', '.join(GROUPS)}, sweep")
    for rule in options.rules.split(",") if options.rules else ():
        if rule not in GRID["rules"][0].split(","):
            parser.error(f"'{rule}' is no rule of the group sweep; the rules are {GRID['rules'][0]}")
    options.groups = options.groups or list(GROUPS)
    options.frameworks = options.frameworks.split(",")
    options.threads = [int(t) for t in options.threads.split(",")]
    options.prefix = [f"{HERE}/newer-root", "run", options.newer_root] if options.newer_root else []
    return options


def main():
    options = parse()
    if not options.no_build:
        build(options)
    session = Session(f"{options.output}.jsonl", not options.impatient)
    session.keep(machine())
    measures = {"train": lambda: measure_train(session, options, options.models, options.optimizers), "optim": lambda: measure_optim(session, options),
                "gemm": lambda: measure_gemm(session, options), "epoch": lambda: measure_epoch(session, options),
                "memory": lambda: measure_memory(session, options), "cluster": lambda: measure_cluster(session, options),
                "sweep": lambda: measure_sweep(session, options)}
    start = time.time()
    for group in options.groups:
        measures[group]()
    text = report.tables(session.records)
    with open(f"{options.output}.md", "w") as f:
        f.write(text)
    print(text)
    print(f"{time.time() - start:.0f} s; figures in {options.output}.jsonl", file=sys.stderr)


if __name__ == "__main__":
    main()
