#!/usr/bin/python3
"""Uses a model of DistTrainer in PyTorch, and checks that both predict the same.

    disttrainer predict RUN --data ROWS.csv --output PREDICTIONS.csv
    /usr/bin/python3 docs/examples/load_in_pytorch.py RUN ROWS.csv PREDICTIONS.csv

RUN is a run folder or its model.safetensors, of a network whose features are numbers as they stand in the file, with one member.
ROWS.csv has a header line; columns are found by name. Needs torch and numpy
(Debian: python3-torch, python3-numpy) and reads the safetensors format itself. Exit code 0: the same classes, and numbers
within 1e-5 (values of a regression: of the larger of 1 and the value); 1: not; 77: skipped, there is no PyTorch.
"""
import csv
import gzip
import json
import re
import struct
import sys
from pathlib import Path

try:
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: the package {missing.name} is not installed for {sys.executable}")
    sys.exit(77)

TOLERANCE = 1e-5


def read_safetensors(path):
    """Tensors by name, and the metadata: eight bytes of length, a JSON header, then the floats."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        values = np.frombuffer(data[start:end], dtype="<f4").reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    return tensors, metadata


def sequential(tensors, job):
    """The network: for each layer of the job a Linear, its activation, and a Dropout where there is one."""
    activations = {
        "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid, "gelu": torch.nn.GELU, "silu": torch.nn.SiLU,
        "leaky-relu": lambda: torch.nn.LeakyReLU(float(re.search(r"leaky-slope = (\S+)", layer)[1])),
    }
    modules = []
    for layer in re.split(r"\{\s*(?=(?:kind = \S+\s+)?(?:units|activation) = )", job.partition("optimizer {")[0])[1:]:
        weight = tensors[f"{len(modules)}.weight"]
        modules.append(torch.nn.Linear(weight.shape[1], weight.shape[0], bias=f"{len(modules)}.bias" in tensors))
        activation = re.search(r"activation = (\S+)", layer)[1]
        if activation != "identity":
            modules.append(activations[activation]())
        dropout = float(re.search(r"dropout = (\S+)", layer)[1])
        if dropout > 0:
            modules.append(torch.nn.Dropout(dropout))
    net = torch.nn.Sequential(*modules)
    net.load_state_dict(tensors)  # refuses other names and shapes
    return net.eval()


def read_csv(path):
    with (gzip.open(path, "rt") if str(path).endswith(".gz") else open(path, newline="")) as file:
        return list(csv.DictReader(file))


def predict(net, schema, rows):
    """[rows, outputs]: probabilities, or values in the targets' own units."""
    scaling = schema["normalization"]
    raw = np.array([[float(row[name]) for name in schema["featureNames"]] for row in rows], dtype=np.float64)
    # Scaled in double and rounded once, as in training.
    features = ((raw - np.float64(scaling["offset"])) * np.float32(scaling["scale"])).astype(np.float32)
    with torch.no_grad():
        outputs = net(torch.from_numpy(features))
    if schema["task"] == "classification":
        outputs = outputs.softmax(1)
    elif schema["task"] == "binary":
        outputs = outputs.sigmoid()
    else:
        outputs = outputs / torch.tensor(scaling["targetScale"]) + torch.tensor(scaling["targetOffset"])
    return outputs.numpy()


def main(run, rows_path, predictions_path):
    path = Path(run)
    tensors, metadata = read_safetensors(path / "model.safetensors" if path.is_dir() else path)
    schema = json.loads(metadata["disttrainer.schema"])
    columns = schema.get("columns", [])
    if [column["name"] for column in columns] not in ([], schema["featureNames"]) or any(column["kind"] != "number" for column in columns) \
            or schema["normalization"].get("bounds") or any(name.startswith("members.") for name in tensors):
        print(f"{run}: is not a plain network of numbers (it has categories, dates, gaps, bins, robust scaling or members); take its ONNX file")
        return 1
    predictions = predict(sequential(tensors, metadata["disttrainer.job"]), schema, read_csv(rows_path))
    is_classes = schema["task"] == "classification"
    names = [f"probability_{name}" for name in schema["classNames"]] if is_classes else schema["targetNames"]
    theirs = read_csv(predictions_path)
    expected = np.array([[float(row[name]) for name in names] for row in theirs])
    if expected.shape != predictions.shape:
        print(f"{predictions_path}: has {expected.shape} predictions, {rows_path} gives {predictions.shape}; predict the same rows")
        return 1
    difference = float(np.max(np.abs(predictions - expected) / np.maximum(1, np.abs(expected))))
    others = 0
    if is_classes:
        others = sum(row["class"] != schema["classNames"][best] for row, best in zip(theirs, predictions.argmax(1)))
    same = difference <= TOLERANCE and others == 0
    print(f"{'same' if same else 'DIFFERENT'} rows={len(theirs)} largest-difference={difference:.2g} other-classes={others}")
    return 0 if same else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
