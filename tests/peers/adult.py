#!/usr/bin/python3
"""Measures training on Adult with the product's defaults beside PyTorch with the same network, in turns.

    disttrainer data fetch adult
    /usr/bin/python3 tests/peers/adult.py [--tables FOLDER] [--repetitions 5] [--epochs 4]

Debian 12: python3-torch python3-sklearn python3-pandas libopenblas0-openmp libjemalloc2. Ours is `disttrainer train` by
the recipe with its own number of threads. PyTorch has the network, batch, dropout, label smoothing, AdamW and schedule
that the run's job says, its members as one batched product, the data encoded and in memory; with 1 and 2 threads, with
and without jemalloc, of which the best counts. A figure is samples a second of an epoch without its evaluation; the
first epoch of a run, in which both warm up, is only in the figure of the whole run. Prints medians, smallest and largest,
and the ratio to PyTorch's best median.
"""
import argparse
import json
import math
import os
import re
import statistics
import sys
import tempfile
import time

import numpy as np

from compare import JEMALLOC, Contestant, execute, in_turn, openblas_environment

HERE = os.path.dirname(os.path.abspath(__file__))


def train(program, table, run, epochs):
    """A run by the recipe: CPUs that others used meanwhile, and samples a second of each epoch."""
    command = [program, "train", "--data", table, "--target", "c14", "--epochs", str(epochs),
               "--output", run, "--quiet"]
    others, _, _ = execute(Contestant("disttrainer", command, os.cpu_count()), [], 300)
    with open(f"{run}/ledger.jsonl") as file:
        samples = json.loads(file.readline())["trainingSamples"]
    with open(f"{run}/metrics.jsonl") as file:
        lines = [json.loads(line) for line in file]
    return others, [samples / line["trainSeconds"] for line in lines if line["type"] == "epoch"]


def prepare(run, rows, path):
    """What PyTorch needs of a run: encoded data, and of its job the sizes and settings."""
    sys.path.insert(0, f"{HERE}/pytorch")
    from table_parity import encode, read_model  # needs torch, as the peers do
    parameters, schema = read_model(run)
    plain, indices = encode(rows.replace("?", "").to_dict("records"), schema)
    with open(f"{run}/job.conf") as file:
        job = file.read()
    with open(f"{run}/ledger.jsonl") as file:
        count = json.loads(file.readline())["trainingSamples"]
    value = lambda key: float(re.search(rf"\b{key} = (\S+)", job)[1])
    first = {name.removeprefix("members.0."): tensor.shape for name, tensor in parameters.items()}
    layers = [shape for name, shape in first.items() if re.fullmatch(r"\d+\.weight", name)]
    settings = {"members": int(value("members")), "batch": int(value("batch-size")), "dropout": value("dropout"),
                "smoothing": value("label-smoothing"), "rate": value("learning-rate"), "beta2": value("beta2"),
                "decay": value("decoupled-weight-decay"), "warm_up": value("warm-up-steps"),
                "activation": re.search(r"\bactivation = (\S+)", job)[1],
                "widths": [layers[0][1], *(shape[0] for shape in layers)],
                "tables": [(one["cardinality"], one["width"]) for one in schema["embedded"]]}
    labels = rows["c14"].map({name: i for i, name in enumerate(schema["classNames"])}).values
    np.savez(path, plain=plain[:count], indices=indices[:count], labels=labels[:count], settings=json.dumps(settings))


def peer(threads, path, epochs):
    """PyTorch's side: a JSON line with samples a second of each epoch."""
    import torch
    from torch import nn
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    data = np.load(path)
    plain, indices, labels = (torch.from_numpy(data[name]) for name in ("plain", "indices", "labels"))
    given = json.loads(str(data["settings"]))
    members, size, widths = given["members"], given["batch"], given["widths"]
    parameter = lambda *shape, deviation: nn.Parameter(torch.randn(members, *shape) * deviation)
    tables = [parameter(rows, width, deviation=.3) for rows, width in given["tables"]]
    weights = [parameter(m, n, deviation=math.sqrt(2 / m)) for m, n in zip(widths, widths[1:])]
    biases = [parameter(1, n, deviation=0) for n in widths[1:]]
    rule = torch.optim.AdamW([{"params": weights + tables, "weight_decay": given["decay"]},
                              {"params": biases, "weight_decay": 0}], given["rate"], (.9, given["beta2"]))
    activation = {"relu": torch.relu, "silu": nn.functional.silu}[given["activation"]]
    steps, step, figures = math.ceil(len(labels) / size) * epochs, 0, []
    for _ in range(epochs):
        start = time.perf_counter()
        for chosen in torch.randperm(len(labels)).split(size):
            rate = given["rate"] * min(1, (step + 1) / given["warm_up"]) * (1 + math.cos(math.pi * step / steps)) / 2
            for group in rule.param_groups:
                group["lr"] = rate
            batch, classes = plain.index_select(0, chosen), labels.index_select(0, chosen)
            x = batch.expand(members, *batch.shape)
            if tables:
                places = indices.index_select(0, chosen)
                x = torch.cat([x, *(table.index_select(1, places[:, i]) for i, table in enumerate(tables))], 2)
            for layer, (weight, bias) in enumerate(zip(weights, biases)):
                x = torch.baddbmm(bias, x, weight)
                if layer + 1 < len(weights):
                    x = nn.functional.dropout(activation(x), given["dropout"])
            loss = members * nn.functional.cross_entropy(
                x.flatten(0, 1), classes.repeat(members), label_smoothing=given["smoothing"])
            rule.zero_grad()
            loss.backward()
            rule.step()
            step += 1
        figures.append(len(labels) / (time.perf_counter() - start))
    print(json.dumps({"figures": figures, "loss": loss.item() / members}))


def measure(options, scratch):
    """Figures of each run by contestant, and the CPUs that others used in each run."""
    import tables
    rows = tables.read(options.tables or tables.CACHE, "adult")
    table, data, program = f"{scratch}/adult.csv", f"{scratch}/data.npz", options.disttrainer or tables.PROGRAM
    rows.to_csv(table, index=False)
    train(program, table, f"{scratch}/first", 2)
    prepare(f"{scratch}/first", rows, data)
    peers = [Contestant(f"pytorch {threads} thread{'s' * (threads > 1)}{' jemalloc' * bool(allocator)}",
                        [sys.executable, __file__, "--peer", str(threads), data], threads,
                        {**openblas_environment(), **allocator})
             for threads in (1, 2) for allocator in ({}, JEMALLOC)]
    figures, disturbed = {}, []
    for repetition in range(options.repetitions):
        for who in in_turn([None, *peers], repetition):
            if who is None:
                others, found = train(program, table, f"{scratch}/{repetition}", options.epochs)
            else:
                others, (line,), _ = execute(who, ["--epochs", str(options.epochs)], 300)
                found = line["figures"]
            figures.setdefault(who.label if who else "disttrainer", []).append(found)
            disturbed.append(others)
    return figures, disturbed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", metavar="FOLDER", help="where the tables lie (default: the cache of `data fetch`)")
    parser.add_argument("--disttrainer", metavar="PROGRAM", help="default: what is built in src/DistTrainer.Cli")
    parser.add_argument("--repetitions", type=int, default=5, help="rounds in which everybody has a turn (default 5)")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of a run, 2 at least (default 4)")
    parser.add_argument("--peer", nargs=2, metavar=("THREADS", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.epochs < 2 or options.repetitions < 1:
        parser.error("--epochs is 2 at least, for the first is not counted, and --repetitions 1")
    if options.peer:
        return peer(int(options.peer[0]), options.peer[1], options.epochs)
    with tempfile.TemporaryDirectory() as scratch:
        figures, disturbed = measure(options, scratch)
    medians = {}
    for who, runs in figures.items():
        warm = [figure for run in runs for figure in run[1:]]
        whole = [statistics.harmonic_mean(run) for run in runs]
        medians[who] = statistics.median(warm), statistics.median(whole)
        print(f"{who:25} {medians[who][0]:9,.0f} samples/s  ({min(warm):,.0f} to {max(warm):,.0f}), "
              f"whole run {medians[who][1]:,.0f}")
    mine = medians.pop("disttrainer")
    ratios = [own / max(median[i] for median in medians.values()) for i, own in enumerate(mine)]
    print(f"ratio to the best of PyTorch: {ratios[0]:.2f}, whole run {ratios[1]:.2f}; "
          f"CPUs used by others: median {statistics.median(disturbed):.2f}, most {max(disturbed):.2f}")


if __name__ == "__main__":
    main()
