#!/usr/bin/python3
"""Writes golden.figures.json: predictions, and what scikit-learn's functions say of them (Debian: python3-sklearn).

The predictions are float32 values, given as the shortest text that reads back to them, and are handed to scikit-learn
as they are, in double precision.
"""
import json, os, warnings
import numpy as np
from sklearn import metrics

warnings.filterwarnings("ignore")
random = np.random.default_rng(7)


def classes(samples, count, ties=False, present=None, sure=False):
    logits = random.normal(size=(samples, count)) * 2
    p = np.exp(logits)
    p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
    if ties:
        p = np.round(p * 4).astype(np.float32) / 4
        p[p.sum(axis=1) == 0, 0] = 1
        p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
    if sure:
        p[: samples // 3] = 0
        p[np.arange(samples // 3), random.integers(count, size=samples // 3)] = 1
    y = random.integers(count if present is None else present, size=samples)
    q = p.astype(np.float64)
    predicted = q.argmax(axis=1)
    labels = np.arange(count)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
    every = len(np.unique(y)) == count
    auc = None
    if every:
        auc = metrics.roc_auc_score(y, q[:, 1]) if count == 2 else metrics.roc_auc_score(
            y, q / q.sum(axis=1, keepdims=True), multi_class="ovr", average="weighted", labels=labels)
    return {
        "classes": count, "probabilities": [float(str(v)) for v in p.ravel()], "labels": y.tolist(),
        "accuracy": metrics.accuracy_score(y, predicted), "balancedAccuracy": metrics.balanced_accuracy_score(y, predicted),
        "logLoss": metrics.log_loss(y, q, labels=labels), "auc": auc, "f1": metrics.f1_score(y, predicted, average="macro"),
        "precision": precision.tolist(), "recall": recall.tolist(), "classF1": f1.tolist(), "support": support.tolist(),
        "confusion": metrics.confusion_matrix(y, predicted, labels=labels).tolist(),
    }


def values(samples, scale, offset):
    y = (random.normal(size=samples) * scale + offset).astype(np.float32)
    p = (y + random.normal(size=samples) * scale / 3).astype(np.float32)
    a, b = y.astype(np.float64), p.astype(np.float64)
    return {
        "targets": [float(str(v)) for v in y], "predictions": [float(str(v)) for v in p],
        "meanAbsoluteError": metrics.mean_absolute_error(a, b),
        "rootMeanSquaredError": metrics.mean_squared_error(a, b, squared=False), "r2": metrics.r2_score(a, b),
        "medianAbsoluteError": metrics.median_absolute_error(a, b),
    }


golden = {
    "classification": [
        classes(60, 2), classes(61, 2, ties=True), classes(50, 2, sure=True), classes(80, 5), classes(80, 4, ties=True),
        classes(40, 4, present=3), classes(70, 3, sure=True), classes(3, 2, present=1),
    ],
    "regression": [values(41, 1, 0), values(40, 1e4, 5e5), values(2, 0.1, -3)],
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.figures.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
