#!/usr/bin/python3
"""Checks that a network over a table, with one-hot columns and embeddings, is trained as PyTorch trains it.

    /usr/bin/python3 tests/peers/pytorch/table_parity.py [--disttrainer PROGRAM]

Debian 12: python3-torch python3-numpy. For each case the program trains 50 steps on a table that is made here, from
first values that it gives in a run of one step with a rate of 1e-38. PyTorch starts from them, takes the rows in the
order of the file, encoded by what the model file's schema says, and makes the same steps, in float32 and in float64.
Asked for: each parameter within 1e-5 of both. Exit code 1 where one is not.
"""
import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import namedtuple

import numpy as np
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = f"{HERE}/../../../src/DistTrainer.Cli/bin/Release/net10.0/disttrainer"
TOLERANCE, ROWS, BATCH, STEPS, RATE = 1e-5, 300, 32, 50, 0.01

# What the job says of the optimizer, and PyTorch's own with the same settings; weight decay acts on weights alone.
RULES = {
    "sgd": ("kind = sgd, momentum = 0.9", lambda groups: torch.optim.SGD(groups, RATE, momentum=0.9, weight_decay=0)),
    "adam": ("kind = adam", lambda groups: torch.optim.Adam(groups, RATE, weight_decay=0)),
    "adamw": ("kind = adamw", lambda groups: torch.optim.AdamW(groups, RATE)),
}
# A weighted case says so to the program in `data` (laid over the job's section), and to PyTorch by `weight`, of a row:
# Case(…, "weight-column = weight", lambda row: float(row["weight"])).
Case = namedtuple("Case", "rule target loss data weight", defaults=["", None])
CASES = [Case(rule, target, loss) for rule in RULES
         for target, loss in (("kind_of", "cross-entropy"), ("value", "mean-squared-error"))]
OF_CLASSES = {"low": 3.0, "middle": 0.5, "high": 1.0}
CASES += [
    Case("adam", "value", "mean-squared-error", "weight-column = weight", lambda row: float(row["weight"])),
    Case("sgd", "kind_of", "cross-entropy", "weight-column = weight", lambda row: float(row["weight"])),
    Case("adamw", "kind_of", "cross-entropy", "class-weights { low = 3, middle = 0.5 }",
         lambda row: OF_CLASSES[row["kind_of"]]),
    Case("adam", "kind_of", "cross-entropy", "weight-column = weight, class-weights { low = 3, middle = 0.5 }",
         lambda row: float(row["weight"]) * OF_CLASSES[row["kind_of"]]),
]


def make_table(path):
    """Numbers with gaps, two categories of few and two of many values, one with gaps, yes and no, and two targets."""
    some = random.Random(7)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "whole", "few", "letters", "towns", "flag", "weight", "kind_of", "value"])
        for i in range(ROWS):
            number, whole, few = some.gauss(5, 3), some.randrange(10), some.choice("ab")
            letter, town = some.choice(["", *"uvwxyz"]), some.choice(["Bonn", "Kiel", "Ulm", "Hof", "Köln"])
            flag, weight = some.random() < .4, some.choice(["0.5", "1", "2.5"])
            value = number + whole * (few == "a") + 3 * flag + ord(letter or "m") % 5 + len(town) + some.gauss(0, 1)
            kind_of = "low" if value < 12 else "middle" if value < 18 else "high"
            writer.writerow([f"{number:.3f}" if i % 11 else "", whole, few, letter, town, "yes" if flag else "no",
                             weight, kind_of, f"{value:.2f}"])


def job(case, table, optimizer):
    values = case.loss == "mean-squared-error"
    left_out = {"value", "kind_of", *([] if "weight-column" in case.data else ["weight"])} - {case.target}
    return f"""
        data {{ source = "{table}", targets = [{case.target}], ignore = [{", ".join(sorted(left_out))}]
                one-hot = 3, embedding = 4, bins = 4, normalization = robust, normalize-targets = {str(values).lower()}
                validation-fraction = 0, test-fraction = 0 }}
        data {{ {case.data} }}
        model {{ layers = [{{ units = 24, activation = silu }}, {{ units = 16, activation = tanh }}, {{}}]
                 loss.kind = {case.loss} }}
        optimizer {{ {optimizer} }}
        training {{ epochs = 100, max-steps = {STEPS}, batch-size = {BATCH}, shuffle = false }}"""


def train(program, folder, text, *options):
    """Parameters by name, and the schema, of a run."""
    run, config = tempfile.mkdtemp(dir=folder), f"{folder}/job.conf"
    with open(config, "w") as file:
        file.write(text)
    command = [program, "train", "--config", config, "--output", run, "--quiet", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{program} train ended with {done.returncode}: {done.stderr}\n{text}")
    return read_model(run)


def read_model(run):
    """Parameters by name, and the schema: eight bytes of length, a JSON header, then the floats."""
    with open(f"{run}/model.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        content = file.read()
    schema = json.loads(header.pop("__metadata__")["disttrainer.schema"])
    return {name: np.frombuffer(content[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
            for name, entry in header.items()}, schema


def encode(rows, schema):
    """Features in float32, scaled: numbers with bins and gaps, one-hot columns; and embedded categories' numbers."""
    plain, indices = [], []
    for column in schema["columns"]:
        cells, gaps = [row[column["name"]] for row in rows], column["gaps"]
        is_gap = np.array([cell == "" for cell in cells])
        if column["kind"] == "category":
            place = {value: i for i, value in enumerate(column["values"])}
            found = np.array([place.get(cell, -1) for cell in cells])
            if column["embedding"]:  # 0 is unknown, 1 a gap where there are any
                indices.append(np.where(is_gap & gaps, 1, np.where(found < 0, 0, found + 1 + gaps)))
            else:
                plain += [found == i for i in range(len(place))] + ([is_gap] if gaps else [])
        elif column["kind"] in ("number", "yes-no"):
            words = {"yes": "1", "no": "0"} if column["kind"] == "yes-no" else {}
            value = np.array([float(words.get(cell, cell or column["fill"])) for cell in cells])
            plain.append(value)
            for edges in column["bins"]:
                plain += [np.clip((value - low) / (high - low), 0, 1) for low, high in zip(edges, edges[1:])]
            plain += [is_gap] if gaps else []
        else:
            sys.exit(f"column {column['name']} is a {column['kind']}, which this script does not encode")
    scaling, width = schema["normalization"], len(plain)
    scaled = (np.array(plain, np.float64).T - scaling["offset"][:width]) * np.float32(scaling["scale"][:width])
    bounds = np.array([bound or np.inf for bound in scaling["bounds"][:width]])
    return (scaled / np.sqrt(1 + (scaled / bounds) ** 2)).astype(np.float32), np.array(indices).T


class Net(nn.Module):
    """The embeddings, then what the job's layers are."""

    def __init__(self, first, dtype):
        super().__init__()
        tensor = lambda name: nn.Parameter(torch.tensor(first[name], dtype=dtype))
        self.own = nn.ParameterDict({name.replace(".", "/"): tensor(name) for name in first})
        self.tables = [name for name in first if first[name].ndim == 2 and name.startswith("0.")]

    def forward(self, plain, indices):
        tensor = lambda name: self.own[name.replace(".", "/")]
        x = torch.cat([plain, *(tensor(name)[indices[:, i]] for i, name in enumerate(self.tables))], 1)
        x = nn.functional.silu(nn.functional.linear(x, tensor("1.weight"), tensor("1.bias")))
        x = torch.tanh(nn.functional.linear(x, tensor("3.weight"), tensor("3.bias")))
        return nn.functional.linear(x, tensor("5.weight"), tensor("5.bias"))

    def groups(self):
        """Weights, embeddings among them; and biases, which do not decay."""
        return [{"params": [p for p in self.own.values() if p.dim() == 2]},
                {"params": [p for p in self.own.values() if p.dim() == 1], "weight_decay": 0}]


def average(loss, outputs, targets, weights):
    """The mean of the samples' losses, by their weights."""
    if loss == "cross-entropy":
        each = nn.functional.cross_entropy(outputs, targets, reduction="none")
    else:
        each = (outputs[:, 0] - targets) ** 2
    return (each * weights).sum() / weights.sum()


def peer(case, rows, first, schema, dtype):
    """What PyTorch makes of the first values."""
    plain, indices = encode(rows, schema)
    plain, indices = torch.tensor(plain, dtype=dtype), torch.tensor(indices)
    scaling, names = schema["normalization"], schema["classNames"]
    if case.loss == "cross-entropy":
        targets = torch.tensor([names.index(row[case.target]) for row in rows])
    else:
        values = np.array([float(row[case.target]) for row in rows]) - scaling["targetOffset"][0]
        targets = torch.tensor((values * np.float32(scaling["targetScale"][0])).astype(np.float32), dtype=dtype)
    weights = torch.tensor([case.weight(row) if case.weight else 1. for row in rows], dtype=dtype)
    net = Net(first, dtype)
    rule = RULES[case.rule][1](net.groups())
    batches = [slice(start, start + BATCH) for start in range(0, ROWS, BATCH)]
    for step in range(STEPS):
        batch = batches[step % len(batches)]
        rule.zero_grad()
        average(case.loss, net(plain[batch], indices[batch]), targets[batch], weights[batch]).backward()
        rule.step()
    return {name.replace("/", "."): value.detach().numpy() for name, value in net.own.items()}


def largest(ours, theirs):
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--disttrainer", default=PROGRAM, metavar="PROGRAM")
    program = parser.parse_args().disttrainer
    torch.set_num_threads(1)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        table = f"{folder}/table.csv"
        make_table(table)
        with open(table, newline="") as file:
            rows = list(csv.DictReader(file))
        for case in CASES:
            standing, moving = "kind = sgd, learning-rate = 1e-38", f"{RULES[case.rule][0]}, learning-rate = {RATE}"
            first, schema = train(program, folder, job(case, table, standing), "--max-steps", "1")
            ours, _ = train(program, folder, job(case, table, moving))
            assert [one["name"] for one in schema["embedded"]] == ["letters", "towns"]
            assert "few = a" in schema["featureNames"]
            single, double = (largest(ours, peer(case, rows, first, schema, dtype))
                              for dtype in (torch.float32, torch.float64))
            same = max(single, double) <= TOLERANCE
            failed += not same
            print(f"{case.rule:6} {case.loss:19} {case.data or 'no weights':23} {'same' if same else 'DIFFERENT'} "
                  f"float32 {single:.1e} float64 {double:.1e} moved {largest(ours, first):.2f}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
