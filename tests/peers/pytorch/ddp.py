#!/usr/bin/python3
"""PyTorch's DistributedDataParallel over gloo on loopback, two processes of one thread; a JSON line for each measurement.

    ddp.py MODELS OPTIMIZERS MODE SECONDS CHUNKS

MODE: local = each process takes the model's batch; global = the batch is divided. Timed in turn: alone (process 0 trains
by itself while the other sleeps) and ddp (both, default buckets). Models and data are those of peer.py.
"""
import json
import os
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from peer import BATCH, load, model, optimizer

WORLD = 2


def steps_of(kind, name, rule, batch, data, labels, rank):
    torch.manual_seed(1)
    net = model(name)
    if kind == "ddp":
        net = nn.parallel.DistributedDataParallel(net)
    update, loss = optimizer(rule, net.parameters()), nn.CrossEntropyLoss()
    at = [rank * 3200]

    def step():
        update.zero_grad()
        loss(net(data[at[0]:at[0] + batch]), labels[at[0]:at[0] + batch]).backward()
        update.step()
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


def work(rank, models, rules, mode, seconds, chunks):
    os.environ.update(MASTER_ADDR="127.0.0.1", GLOO_SOCKET_IFNAME="lo")
    os.environ.setdefault("MASTER_PORT", "29517")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=WORLD)
    data, labels = load("train", 12800)
    for name in models:
        for rule in rules:
            batch = BATCH[name] // WORLD if mode == "global" else BATCH[name]
            ways = {kind: steps_of(kind, name, rule, batch, data, labels, rank) for kind in ("alone", "ddp")}
            counts, figures = {}, {kind: [] for kind in ways}
            for kind, step in ways.items():
                timed(step, 3, kind == "ddp" or rank == 0)
                once = torch.tensor([timed(step, 3, kind == "ddp" or rank == 0)])
                dist.broadcast(once, 0)
                counts[kind] = max(3, int(seconds / once.item()))
            for _ in range(chunks):
                for kind, step in ways.items():
                    figures[kind].append(timed(step, counts[kind], kind == "ddp" or rank == 0))
            for kind, values in figures.items():
                samples = batch * (WORLD if kind == "ddp" else 1)
                if rank == 0:
                    print(json.dumps({"test": "cluster", "fw": "pytorch", "kind": kind, "mode": mode, "model": name, "opt": rule, "batch": batch,
                                      "us": [round(1e6 * s, 1) for s in values], "sps": [round(samples / s, 1) for s in values]}), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    names, rules, mode, seconds, chunks = sys.argv[1:6]
    mp.spawn(work, (names.split(","), rules.split(","), mode, float(seconds), int(chunks)), nprocs=WORLD)
