#!/usr/bin/python3
"""Runs an exported model in ONNX Runtime, and checks that it predicts what `disttrainer predict` does.

    disttrainer export RUN --output MODEL.onnx
    disttrainer predict RUN --data ROWS.csv --output PREDICTIONS.csv
    /usr/bin/python3 docs/examples/compare_onnx.py MODEL.onnx ROWS.csv PREDICTIONS.csv

ROWS.csv has a header line; columns are found by name, and dates are those of ISO 8601. Needs onnxruntime (1.12 or newer) and
numpy. Exit code 0: the same classes, and numbers within 1e-5 (of the larger of 1 and the number); 1: not; 77: skipped, there is
no ONNX Runtime.
"""
import csv
import sys
from datetime import datetime

try:
    import numpy as np
    import onnxruntime
except ImportError as missing:
    print(f"skipped: the package {missing.name} is not installed for {sys.executable}")
    sys.exit(77)

TOLERANCE = 1e-5
GAPS = {"?", "-", ".", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none"}


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def column(cells, kind):
    """A table's column as its input wants it: [rows, 1], text, or numbers and dates (seconds since 1970) as doubles."""
    is_text = kind == "tensor(string)"
    return np.array([[gap_or(cell, "" if is_text else np.nan, str if is_text else number)] for cell in cells],
                    dtype=object if is_text else np.float64)


def gap_or(cell, gap, convert):
    return gap if cell == "" or cell.lower() in GAPS else convert(cell)


def number(cell):
    try:
        return float(cell)
    except ValueError:
        return (datetime.fromisoformat(cell).replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()


def main(model, rows_path, predictions_path):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    features, outputs = metadata["disttrainer.features"].split("\n"), metadata["disttrainer.outputs"].split("\n")
    rows = read_csv(rows_path)
    if session.get_inputs()[0].type == "tensor(float)":
        inputs = {"features": np.array([[float(row[name]) for name in features] for row in rows], dtype=np.float32)}
    else:
        inputs = {one.name: column([row[one.name].strip() for row in rows], one.type) for one in session.get_inputs()}
    predictions, = session.run(["predictions"], inputs)

    theirs = read_csv(predictions_path)
    is_classes = "class" in theirs[0]
    expected = np.array([[float(row[f"probability_{name}" if is_classes else name]) for name in outputs] for row in theirs])
    if expected.shape != predictions.shape:
        print(f"{predictions_path}: has {expected.shape} predictions, {rows_path} gives {predictions.shape}; predict the same rows")
        return 1
    difference = float(np.max(np.abs(predictions - expected) / np.maximum(1, np.abs(expected))))
    others = sum(row["class"] != outputs[best] for row, best in zip(theirs, predictions.argmax(1))) if is_classes else 0
    same = difference <= TOLERANCE and others == 0
    print(f"{'same' if same else 'DIFFERENT'} rows={len(theirs)} largest-difference={difference:.2g} other-classes={others}")
    return 0 if same else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
