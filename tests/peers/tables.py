#!/usr/bin/python3
"""Prints the table of docs/recipe.md: the recipe beside scikit-learn without tuning, on twelve public tables.

    for name in titanic penguins …; do disttrainer data fetch $name; done
    /usr/bin/python3 tests/peers/tables.py [--tables FOLDER] [--output DIR] [NAME ...]

Debian 12: python3-sklearn python3-pandas. 30 % of the rows are held out (train_test_split, seed 0, stratified for
classes). DIR gets NAME-train.csv, NAME-test.csv and runs/NAME; without --output nothing is kept. AUC is the mean over
the classes of one against the rest. In bold the best of a row by accuracy or R².
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import namedtuple

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAM = f"{ROOT}/src/DistTrainer.Cli/bin/Release/net10.0/disttrainer"
CACHE = os.environ.get("DISTTRAINER_CACHE") or \
    os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "disttrainer")
GAPS = ("", "?", "NA")
PEERS = ("boosting", "linear", "MLP")

# A number as target: the table has no header, and its columns are called c0, c1, …
Table = namedtuple("Table", "file target classes left_out", defaults=[()])
TABLES = {
    "titanic": Table("titanic.csv", "survived", True, ("alive",)),
    "penguins": Table("penguins.csv", "species", True),
    "german": Table("german.csv", 20, True),
    "horse-colic": Table("horse-colic.csv", 23, True, (2, 24, 25, 26, 27)),
    "adult": Table("adult-train.csv", 14, True),
    "auto-imports": Table("auto_imports.csv", 25, False),
    "mpg": Table("mpg.csv", "mpg", False),
    "housing": Table("housing.data", 13, False),
    "abalone": Table("abalone.csv", 8, False),
    "wine-quality": Table("winequality-white.csv", 11, False),
    "taxis": Table("taxis.csv", "total", False, ("fare", "tip", "tolls")),
    "diamonds": Table("diamonds.csv", "price", False),
}


def target_of(name):
    target = TABLES[name].target
    return f"c{target}" if isinstance(target, int) else target


def read(folder, name):
    """The rows that have a target, as text, without the columns that are left out."""
    table = TABLES[name]
    places = [f"{folder}/{name}/{table.file}", f"{folder}/{table.file}"]
    path = next(filter(os.path.exists, places), None)
    if path is None:
        sys.exit(f"{name}: there is neither {places[0]} nor {places[1]}; run 'disttrainer data fetch {name}', "
                 "or name the folder of the tables with --tables.")
    named = isinstance(table.target, str)
    rows = pd.read_csv(path, header=0 if named else None, sep=r"\s+" if path.endswith(".data") else ",", dtype=str,
                       skipinitialspace=True, keep_default_na=False)
    if not named:
        rows.columns = [f"c{i}" for i in range(rows.shape[1])]
    rows = rows.drop(columns=[column if named else f"c{column}" for column in table.left_out])
    return rows[~rows[target_of(name)].isin(GAPS)].reset_index(drop=True)


def split(name, rows):
    """Numbers of the training rows and of those that are held out."""
    return train_test_split(np.arange(len(rows)), test_size=.3, random_state=0,
                            stratify=rows[target_of(name)] if TABLES[name].classes else None)


def features(rows, target):
    """What scikit-learn gets: numbers, text, and dates as hour, weekday and day."""
    x = rows.drop(columns=target).replace(dict.fromkeys(GAPS, np.nan))
    for column in list(x):
        number = pd.to_numeric(x[column], errors="coerce")
        if number.notna().sum() == x[column].notna().sum():
            x[column] = number
        elif x[column].str.match(r"\d{4}-\d\d-\d\d", na=False).mean() > .9:
            date = pd.to_datetime(x.pop(column)).dt
            x = x.assign(**{f"{column}.{part}": getattr(date, part) for part in ("hour", "dayofweek", "day")})
    return x


def peers(classes):
    """Boosting on ordinal codes; a linear model and an MLP on one-hot text and standardized numbers."""
    text = make_column_selector(dtype_include=object)

    def ordinal(model):
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
        return make_pipeline(make_column_transformer((codes, text), remainder="passthrough"), model)

    def scaled(model):
        words = make_pipeline(SimpleImputer(strategy="most_frequent"),
                              OneHotEncoder(handle_unknown="ignore", sparse_output=False))
        numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
        return make_pipeline(make_column_transformer((words, text), remainder=numbers), model)

    mlp = {"random_state": 0, "early_stopping": True, "max_iter": 500}
    if classes:
        return (ordinal(HistGradientBoostingClassifier(random_state=0)), scaled(LogisticRegression(max_iter=2000)),
                scaled(MLPClassifier(**mlp)))
    return ordinal(HistGradientBoostingRegressor(random_state=0)), scaled(Ridge()), scaled(MLPRegressor(**mlp))


def figures(model, x, y):
    """Accuracy and AUC, or R² and mean absolute error."""
    if not hasattr(model, "classes_"):
        found = model.predict(x)
        return r2_score(y, found), mean_absolute_error(y, found)
    shares = model.predict_proba(x)
    two = len(model.classes_) == 2
    return accuracy_score(y, model.predict(x)), roc_auc_score(y, shares[:, 1] if two else shares, multi_class="ovr")


def ours(program, name, folder, parts):
    """Trains by the recipe and evaluates: the figures, and the seconds of training."""
    for part, rows in zip(("train", "test"), parts):
        rows.to_csv(f"{folder}/{name}-{part}.csv", index=False)
    run, target, start = f"{folder}/runs/{name}", target_of(name), time.perf_counter()
    shutil.rmtree(run, ignore_errors=True)
    task = "classification" if TABLES[name].classes else "regression"
    execute(program, "train", "--data", f"{folder}/{name}-train.csv", "--target", target, "--task", task,
            "--output", run, "--quiet")
    seconds = time.perf_counter() - start
    found = json.loads(execute(program, "evaluate", run, "--data", f"{folder}/{name}-test.csv", "--json"))
    if TABLES[name].classes:
        return (found["accuracy"], found["auc"]), seconds
    return (found["targets"][target]["r2"], found["targets"][target]["meanAbsoluteError"]), seconds


def execute(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def compare(program, tables, name, folder):
    """A row: our figures and the peers', the numbers of rows, our seconds."""
    rows = read(tables, name)
    train, test = split(name, rows)
    target, classes = target_of(name), TABLES[name].classes
    mine, seconds = ours(program, name, folder, (rows.iloc[train], rows.iloc[test]))
    x, y = features(rows, target), rows[target] if classes else rows[target].astype(float)
    theirs = [figures(model.fit(x.iloc[train], y.iloc[train]), x.iloc[test], y.iloc[test]) for model in peers(classes)]
    return [mine, *theirs], (len(train), len(test)), seconds


def text(value, best=False):
    shown = (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3f}").replace("-", "−")
    return f"**{shown}**" if best else shown


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(TABLES)}; all when none is named")
    parser.add_argument("--tables", default=CACHE, metavar="FOLDER", help=f"where the tables lie (default {CACHE})")
    parser.add_argument("--output", metavar="DIR", help="keeps the parts and the run folders here")
    parser.add_argument("--disttrainer", default=PROGRAM, metavar="PROGRAM", help=f"default {PROGRAM}")
    options = parser.parse_args()
    for name in options.names:
        if name not in TABLES:
            parser.error(f"'{name}' is no table; the tables are {', '.join(TABLES)}")
    warnings.filterwarnings("ignore")  # that the linear model or the MLP has not converged: no tuning
    folder = options.output or tempfile.mkdtemp(prefix="tables-")
    os.makedirs(f"{folder}/runs", exist_ok=True)
    second = [f"{who}: AUC or MAE" for who in ("this", *PEERS)]
    head = ["table", "task", "rows, held out", "this", *PEERS, *second, "seconds"]
    print("| " + " | ".join(head) + " |\n| --- | --- |" + " ---: |" * (len(head) - 2), flush=True)
    first = {}
    try:
        for name in options.names or TABLES:
            scores, counts, seconds = compare(options.disttrainer, options.tables, name, folder)
            first[name] = [score[0] for score in scores]
            best = text(max(first[name]))
            cells = [name, "classes" if TABLES[name].classes else "values", ", ".join(f"{n:,}" for n in counts),
                     *(text(value, text(value) == best) for value in first[name]),
                     *(text(score[1]) for score in scores), f"{seconds:.0f}"]
            print("| " + " | ".join(cells) + " |", flush=True)
    finally:
        if not options.output:
            shutil.rmtree(folder)
    summary(first)


def summary(first):
    """How far from each peer in the mean, on how many tables not below it, and the largest gap to the best."""
    print()
    for number, peer in enumerate(PEERS, 1):
        gaps = [scores[0] - scores[number] for scores in first.values()]
        print(f"{peer}: mean difference {np.mean(gaps):+.4f}, at least as good on {sum(gap >= 0 for gap in gaps)} of "
              f"{len(gaps)} tables")
    gap, name = max((max(scores) - scores[0], name) for name, scores in first.items())
    print(f"largest gap to the best: {gap:.3f} ({name})")


if __name__ == "__main__":
    main()
