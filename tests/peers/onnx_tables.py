#!/usr/bin/python3
"""Checks that ONNX Runtime gives from raw rows what `disttrainer predict` gives, for models of twelve public tables.

    /usr/bin/python3 tests/peers/tables.py --output DIR
    /usr/bin/python3 tests/peers/onnx_tables.py DIR [NAME ...]

Debian 12: python3-pandas; ONNX Runtime is NuGet's, in the program tests/peers/onnx, which is built. The rows are those
held out, three times: as they are; each fifth cell of a category 'never-seen'; each seventh cell a gap, also where
training had none. Asked for: the same classes, and probabilities within 1e-5 (values: within 1e-5 of the target's
standard deviation). Exit code 1 where a table has other predictions.
"""
import argparse
import json
import os
import sys
import tempfile

import numpy as np
import pandas as pd

from tables import GAPS, HERE, PROGRAM, TABLES, execute, target_of

TOLERANCE = 1e-5
PEER = f"{HERE}/onnx/bin/Release/net10.0/OnnxPeer.dll"


def schema_of(run):
    """Columns and kinds, as the model file's metadata have them."""
    with open(f"{run}/model.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return json.loads(header["__metadata__"]["disttrainer.schema"])


def variants(rows, columns):
    """The rows, then with unknown categories, then with gaps."""
    unknown, gaps = rows.copy(), rows.copy()
    for place, column in enumerate(columns):
        name = column["name"]
        if column["kind"] == "category":
            unknown.loc[place % 5::5, name] = "never-seen"
        gaps.loc[place % 7::7, name] = ""
    return pd.concat([rows, unknown, gaps], ignore_index=True)


def cells(texts, kind):
    """A column as its input wants it: texts, numbers, or dates in seconds since 1970."""
    if kind in ("category", "yes-no"):
        return list(texts)
    if kind == "number":
        return [None if cell in GAPS else float(cell) for cell in texts]
    seconds = (pd.to_datetime(texts.replace(dict.fromkeys(GAPS, None))) - pd.Timestamp(0)).dt.total_seconds()
    return [None if np.isnan(value) else value for value in seconds]


def compare(program, folder, name, scratch):
    """The largest difference, rows of another class, and the number of rows."""
    run, model, path = f"{folder}/runs/{name}", f"{scratch}/model.onnx", f"{scratch}/rows.csv"
    schema = schema_of(run)
    held_out = pd.read_csv(f"{folder}/{name}-test.csv", dtype=str, keep_default_na=False)
    rows = variants(held_out, schema["columns"]).drop(columns=target_of(name))
    rows.to_csv(path, index=False)
    with open(f"{scratch}/columns.json", "w") as file:
        json.dump({column["name"]: cells(rows[column["name"]], column["kind"]) for column in schema["columns"]}, file)
    execute(program, "export", run, "--output", model)
    execute(program, "predict", run, "--data", path, "--output", f"{scratch}/predictions.csv")
    theirs = np.array(json.loads(execute("dotnet", PEER, model, f"{scratch}/columns.json")))
    mine = pd.read_csv(f"{scratch}/predictions.csv", dtype={"class": str})
    if TABLES[name].classes:
        chosen = np.array(schema["classNames"])[theirs.argmax(1)]
        return np.abs(theirs - mine.drop(columns="class").values).max(), int((chosen != mine["class"]).sum()), len(rows)
    deviation = held_out[target_of(name)].astype(float).std()
    return np.abs(theirs[:, 0] - mine.iloc[:, 0]).max() / deviation, 0, len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", help="what tables.py --output left")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(TABLES)}; all when none is named")
    parser.add_argument("--disttrainer", default=PROGRAM, metavar="PROGRAM", help=f"default {PROGRAM}")
    options = parser.parse_args()
    for name in options.names or TABLES:
        run = f"{options.folder}/runs/{name}"
        if not os.path.exists(f"{run}/run.json"):
            parser.error(f"{run}: there is no complete run; make it with tables.py --output {options.folder} {name}")
    execute("dotnet", "build", "-c", "Release", f"{HERE}/onnx")
    different = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.names or TABLES:
            difference, others, count = compare(options.disttrainer, options.folder, name, scratch)
            same = difference <= TOLERANCE and others == 0
            different += not same
            print(f"{name:14} {'same' if same else 'DIFFERENT'} rows={count} largest-difference={difference:.1e} "
                  f"other-classes={others}", flush=True)
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
