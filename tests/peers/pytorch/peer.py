#!/usr/bin/python3
"""PyTorch on the work of the benchmark, one process; a JSON line for each measurement.

    peer.py train THREADS MODELS OPTIMIZERS SECONDS CHUNKS    samples/s of whole training steps
    peer.py cells THREADS CELLS SECONDS CHUNKS                the same, of cells MODEL:OPTIMIZER
    peer.py optim THREADS SECONDS CHUNKS                      optimizer steps on 25 million parameters
    peer.py epoch THREADS SEED EPOCHS                         Fashion-MNIST, model b, Adam: seconds and test accuracy

Models, fp32 with ReLU and softmax cross-entropy: a 784-128-10 (batch 64), b 784-512-256-10 (128), c 784-2048-2048-10 (256),
or any shape with its batch, such as 784-512-512-10@64. Optimizers: sgd and momentum (both with momentum 0.9), plain-sgd,
adam, rmsprop.
A step is: slice the batch, zero_grad, forward, loss, backward, optimizer step. Set OMP_NUM_THREADS and
OPENBLAS_NUM_THREADS too: Debian's build does not hand torch's number of threads to its BLAS.
"""
import gzip
import json
import sys
import time

import numpy as np
import torch
from torch import nn

DATA = "/usr/share/datasets/fashion-mnist/"
SHAPES = {"a": "784-128-10@64", "b": "784-512-256-10@128", "c": "784-2048-2048-10@256"}


def shape(name):
    """Widths and batch of a model."""
    widths, batch = SHAPES.get(name, name).split("@")
    return [int(w) for w in widths.split("-")], int(batch)


def model(name):
    widths, layers = shape(name)[0], []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def optimizer(name, parameters, **options):
    if name in ("sgd", "momentum"):
        return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, **options)
    if name == "plain-sgd":
        return torch.optim.SGD(parameters, lr=0.01, **options)
    return {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}[name](parameters, lr=1e-3, **options)


def load(part, limit=None):
    def bytes_of(name, header):
        with gzip.open(f"{DATA}{part}-{name}-ubyte.gz") as f:
            return np.frombuffer(f.read(), np.uint8, offset=header)
    pixels, labels = bytes_of("images-idx3", 16).reshape(-1, 784)[:limit], bytes_of("labels-idx1", 8)[:limit]
    return torch.from_numpy(pixels.astype(np.float32) / 255), torch.from_numpy(labels.astype(np.int64))


def timed(step, seconds, chunks):
    """Seconds a step, one figure a chunk of the given length, after a chunk of warm-up."""
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds or steps < 3:
        step()
        steps += 1
    steps = max(2, int(steps * seconds / (time.perf_counter() - start)))
    figures = []
    for _ in range(chunks):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        figures.append((time.perf_counter() - start) / steps)
    return figures


def train_step(net, rule, inputs, labels):
    rule.zero_grad()
    nn.functional.cross_entropy(net(inputs), labels).backward()
    rule.step()


def train(threads, models, optimizers, seconds, chunks):
    cells(threads, ",".join(f"{m}:{o}" for m in models.split(",") for o in optimizers.split(",")), seconds, chunks)


def cells(threads, chosen, seconds, chunks):
    inputs, labels = load("train", 12800)
    for cell in chosen.split(","):
        m, o = cell.split(":")
        torch.manual_seed(1)
        net, size, start = model(m), shape(m)[1], 0
        rule = optimizer(o, net.parameters())

        def step():
            nonlocal start
            train_step(net, rule, inputs[start:start + size], labels[start:start + size])
            start = start + size if start + 2 * size <= len(inputs) else 0

        figures = timed(step, float(seconds), int(chunks))
        emit(test="train", model=m, opt=o, threads=threads, sps=[round(size / t, 1) for t in figures])


def optim(threads, seconds, chunks):
    """As one tensor, as 64 tensors that fit the cache, and with the 'foreach' form of the rules."""
    for tensors, foreach in ((1, False), (64, False), (64, True)):
        parameters = [nn.Parameter(torch.randn(25_000_000 // tensors)) for _ in range(tensors)]
        for p in parameters:
            p.grad = torch.randn_like(p)
        for o in ("sgd", "adam"):
            figures = timed(optimizer(o, parameters, foreach=foreach).step, float(seconds), int(chunks))
            form = f"{tensors} tensors{' foreach' if foreach else ''}"
            emit(test="optim", form=form, opt=o, threads=threads, ms=[round(1e3 * t, 2) for t in figures])


def epoch(threads, seed, epochs):
    (inputs, labels), (test_inputs, test_labels) = load("train"), load("t10k")
    torch.manual_seed(int(seed))
    net, train_seconds, accuracies = model("b"), 0.0, []
    rule = optimizer("adam", net.parameters())
    for _ in range(int(epochs)):
        start = time.perf_counter()
        for chosen in torch.randperm(len(inputs)).split(shape("b")[1]):
            train_step(net, rule, inputs.index_select(0, chosen), labels.index_select(0, chosen))
        train_seconds += time.perf_counter() - start
        with torch.no_grad():
            accuracies.append(round((net(test_inputs).argmax(1) == test_labels).float().mean().item(), 4))
    emit(test="tta", threads=threads, seed=int(seed), epochs=int(epochs), train_s=round(train_seconds, 3), acc=accuracies)


def emit(**figures):
    print(json.dumps({"fw": "pytorch", "version": torch.__version__, **figures}), flush=True)


if __name__ == "__main__":
    command, number, *rest = sys.argv[1:]
    torch.set_num_threads(int(number))
    {"train": train, "cells": cells, "optim": optim, "epoch": epoch}[command](int(number), *rest)
