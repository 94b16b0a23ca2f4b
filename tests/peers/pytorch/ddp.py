#!/usr/bin/python3
"""PyTorch's DistributedDataParallel over gloo on loopback, two processes of one thread; a JSON line for each measurement.

    ddp.py MODELS OPTIMIZERS MODE SECONDS CHUNKS [WAYS]

MODE: local = each process takes the model's batch; global = the batch is divided. WAYS, comma-separated, are timed in turn:
alone (process 0 trains by itself while the others sleep), ddp (default buckets), fp16 and powersgd (ddp with that hook, rank
4), localN (parameters averaged every N steps); alone,ddp without it. Models and data are those of peer.py.
With RANK in the environment it is one of WORLD_SIZE processes that meet at MASTER_ADDR:MASTER_PORT, over the device
GLOO_SOCKET_IFNAME; else it starts two on loopback.
"""
import json
import os
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks, powerSGD_hook
from torch.distributed.algorithms.model_averaging.averagers import PeriodicModelAverager

from peer import load, model, optimizer, shape

WORLD = 2


def steps_of(kind, name, rule, batch, data, labels, rank):
    torch.manual_seed(1)
    net = model(name)
    averager = PeriodicModelAverager(period=int(kind[5:]), warmup_steps=0) if kind.startswith("local") else None
    if kind in ("ddp", "fp16", "powersgd"):
        net = nn.parallel.DistributedDataParallel(net)
    if kind == "fp16":
        net.register_comm_hook(None, default_hooks.fp16_compress_hook)
    if kind == "powersgd":
        state = powerSGD_hook.PowerSGDState(None, matrix_approximation_rank=4, start_powerSGD_iter=2)
        net.register_comm_hook(state, powerSGD_hook.powerSGD_hook)
    update, loss = optimizer(rule, net.parameters()), nn.CrossEntropyLoss()
    at = [rank * 3200]

    def step():
        update.zero_grad()
        loss(net(data[at[0]:at[0] + batch]), labels[at[0]:at[0] + batch]).backward()
        update.step()
        if averager:
            averager.average_parameters(net.parameters())
        at[0] = at[0] + batch if at[0] + 2 * batch <= len(data) else 0
    return step


def timed(step, steps, takes_part):
    """Seconds a step, between two barriers."""
    dist.barrier()
    start = time.perf_counter()
    for _ in range(steps if takes_part else 0):
        step()
    seconds = time.perf_counter() - start
    dist.barrier()
    return seconds / steps


def bytes_out():
    """What this network namespace has sent, but for loopback."""
    with open("/proc/self/net/dev") as f:
        return sum(int(line.split(":")[1].split()[8]) for line in f.readlines()[2:] if not line.strip().startswith("lo:"))


def work(rank, models, rules, mode, seconds, chunks, kinds):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=int(os.environ["WORLD_SIZE"]))
    world = dist.get_world_size()
    data, labels = load("train", 12800)
    for name in models:
        for rule in rules:
            batch = shape(name)[1] // (world if mode == "global" else 1)
            ways = {kind: steps_of(kind, name, rule, batch, data, labels, rank) for kind in kinds}
            counts, figures, sent = {}, {kind: [] for kind in ways}, dict.fromkeys(kinds, 0)
            for kind, step in ways.items():
                least = int(kind[5:]) if kind.startswith("local") else 3
                timed(step, least, kind != "alone" or rank == 0)
                once = torch.tensor([timed(step, least, kind != "alone" or rank == 0)])
                dist.broadcast(once, 0)
                counts[kind] = least * max(1, int(seconds / once.item() / least))
            for _ in range(chunks):
                for kind, step in ways.items():
                    before = bytes_out()
                    figures[kind].append(timed(step, counts[kind], kind != "alone" or rank == 0))
                    sent[kind] += bytes_out() - before
            for kind, values in figures.items():
                samples = batch * (1 if kind == "alone" else world)
                if rank == 0:
                    print(json.dumps({"test": "cluster", "fw": "pytorch", "kind": kind, "mode": mode, "model": name, "opt": rule, "batch": batch, "nodes": world,
                                      "bytes_out": round(sent[kind] / counts[kind] / chunks),
                                      "us": [round(1e6 * s, 1) for s in values], "sps": [round(samples / s, 1) for s in values]}), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    names, rules, mode, seconds, chunks = sys.argv[1:6]
    arguments = (names.split(","), rules.split(","), mode, float(seconds), int(chunks),
                 sys.argv[6].split(",") if len(sys.argv) > 6 else ["alone", "ddp"])
    if "RANK" in os.environ:
        work(int(os.environ["RANK"]), *arguments)
    else:
        os.environ.update(MASTER_ADDR="127.0.0.1", GLOO_SOCKET_IFNAME="lo", WORLD_SIZE=str(WORLD))
        os.environ.setdefault("MASTER_PORT", "29517")
        mp.spawn(work, arguments, nprocs=WORLD)
