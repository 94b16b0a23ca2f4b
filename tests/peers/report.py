#!/usr/bin/python3
"""Turns the JSON lines of compare.py into Markdown tables.   usage: report.py RESULTS.jsonl

Every figure is the median over all timed chunks of all repetitions. "Best peer" is the best median of any peer, whatever
its version, threads or allocator; a ratio above 1 says that DistTrainer is better (faster, or smaller in memory).
"""
import json
import statistics
import sys


def tables(records):
    where = next(r for r in records if r["test"] == "machine")
    parts = [f"Machine: {where['cpu']} (family/model {where['family_model']}, {where['vectors']}), {where['cores']} cores, {where['memory_gib']} GiB, {where['system']}, kernel {where['kernel']}, "
             f".NET SDK {where['dotnet']}; commit {where['commit']}; {where['date']}. Medians of one interleaved session.\n"]
    runs = [r["others"] for r in records if "others" in r]
    parts.append(f"CPUs used by others during the runs: median {statistics.median(runs):.2f}, most {max(runs):.2f}.\n" if runs else "")
    for test, section in (("train", train), ("optim", optim), ("gemm", gemm), ("tta", epoch), ("memory", memory), ("cluster", cluster)):
        chosen = [r for r in records if r["test"] == test]
        if chosen:
            parts.append(section(chosen) + (limits(records) if test == "gemm" else ""))
    return "\n".join(parts)


def number(x):
    return "–" if x is None else f"{x:,.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def is_ours(who):
    return who.startswith("disttrainer")


def grid(records, row_of, figures_of, higher_is_better):
    """Rows of cells {column: median}, with the best peer's name and figure, and our ratio to it."""
    cells = {}
    for r in records:
        cells.setdefault(row_of(r), {}).setdefault(r["who"], []).extend(figures_of(r))
    best = max if higher_is_better else min
    for row, by_who in cells.items():
        medians = {who: statistics.median(values) for who, values in by_who.items()}
        peers = {w: m for w, m in medians.items() if not is_ours(w)}
        mine = {w: m for w, m in medians.items() if is_ours(w)}
        peer = best(peers, key=peers.get) if peers else None
        own = best(mine.values()) if mine else None
        ratio = None if peer is None or own is None else own / peers[peer] if higher_is_better else peers[peer] / own
        yield row, medians, peer, ratio


def table(title, first, records, row_of, figures_of, higher_is_better=True, show_best=True):
    columns = sorted({r["who"] for r in records}, key=lambda w: (is_ours(w), w))
    head = [first, *columns, *(["best peer"] if show_best else []), "ratio"]
    lines = [f"### {title}\n", "| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for row, medians, peer, ratio in grid(records, row_of, figures_of, higher_is_better):
        figures = [f"**{number(medians.get(c))}**" if c == peer else number(medians.get(c)) for c in columns]
        lines.append("| " + " | ".join([row, *figures, *([peer or "–"] if show_best else []), number(ratio)]) + " |")
    return "\n".join(lines) + "\n"


RULES = {"sgd": "SGD momentum", "adam": "Adam"}


def train(records):
    return table("Whole training steps, samples/s", "model", records, lambda r: f"{r['model']}, {RULES[r['opt']]}", lambda r: r["sps"])


def optim(records):
    """Of the peers the best form counts: one tensor or 64, with 'foreach' or without."""
    named = [{**r, "who": f"{r['who']}, {r['form']}" if r.get("form") else r["who"]} for r in records]
    best = {}
    for r in named:
        best.setdefault((r["who"], r["opt"], r["threads"]), []).extend(r["ms"])
    lines = ["### Optimizer step on 25 million parameters, ms\n",
             "| rule | threads | C loop | best peer | | DistTrainer | to the C loop | to the best peer |", "| --- " + "| ---: " * 7 + "|"]
    for rule in RULES:
        for threads in sorted({r["threads"] for r in records}):
            medians = {who: statistics.median(v) for (who, o, t), v in best.items() if o == rule and t == threads}
            loop = next((m for w, m in medians.items() if w.startswith("C loop")), None)
            mine = next((m for w, m in medians.items() if is_ours(w)), None)
            peers = {w: m for w, m in medians.items() if not w.startswith("C loop") and not is_ours(w)}
            peer = min(peers, key=peers.get) if peers else None
            ratio = lambda other: number(other / mine) if mine and other else "–"
            lines.append(f"| {RULES[rule]} | {threads} | {number(loop)} | {number(peers.get(peer))} | {peer or '–'} | {number(mine)} | {ratio(loop)} | {ratio(peers.get(peer))} |")
    return "\n".join(lines) + "\n"


def gemm(records):
    """Ours runs at one thread, so it stands against OpenBLAS at one thread; more threads are shown beside it."""
    rows = {}
    for r in records:
        rows.setdefault(r["tag"], {}).setdefault(r["who"], []).append(r["gflops"])
    columns = sorted({r["who"] for r in records}, key=lambda w: (is_ours(w), w))
    lines = ["### Matrix products, GFLOP/s\n", "| product | " + " | ".join(columns) + " | ours to OpenBLAS, 1 thread |", "| --- |" + " ---: |" * (len(columns) + 1)]
    for tag, by_who in sorted(rows.items()):
        medians = {who: statistics.median(v) for who, v in by_who.items()}
        mine, peer = medians.get("disttrainer"), medians.get("openblas 1 thread")
        lines.append("| " + " | ".join([tag, *(number(medians.get(c)) for c in columns), number(mine / peer) if mine and peer else "–"]) + " |")
    return "\n".join(lines) + "\n"


def limits(records):
    """What the processor could do, and which kernels OpenBLAS chose for it."""
    cores = sorted({r["core"] for r in records if r["test"] == "openblas"})
    peaks = {}
    for r in records:
        if r["test"] == "peak":
            peaks.setdefault((r["bits"], r["threads"]), []).append(r["gflops"])
    text = "; ".join(f"{bits} bits, {threads} thread{'s' * (threads > 1)}: {number(statistics.median(v))}" for (bits, threads), v in sorted(peaks.items()))
    return f"\nOpenBLAS chose its kernels for {', '.join(cores) or '–'}. Peak of fused multiply-adds, GFLOP/s: {text or '–'}.\n"


def epoch(records):
    lines = [table("Fashion-MNIST, model b, Adam 1e-3, batch 128: seconds an epoch", "", records, lambda r: "s an epoch",
                   lambda r: [r["train_s"] / r["epochs"]], higher_is_better=False)]
    lines += ["| | seeds | mean test accuracy after 8 epochs | epochs to 88 %, by seed |", "| --- | ---: | ---: | --- |"]
    for who in sorted({r["who"] for r in records}, key=lambda w: (is_ours(w), w)):
        runs = sorted((r for r in records if r["who"] == who), key=lambda r: r["seed"])
        eighth = [r["acc"][7] for r in runs if len(r["acc"]) >= 8]
        mean = f"{100 * statistics.mean(eighth):.2f} %" if eighth else "–"
        first = [next((str(i + 1) for i, a in enumerate(r["acc"]) if a >= 0.88), "–") for r in runs]
        lines.append(f"| {who} | {len(runs)} | {mean} | {', '.join(first)} |")
    return "\n".join(lines) + "\n"


def memory(records):
    return table("Peak memory of training model c, MiB (the process's largest resident set)", "rule", records,
                 lambda r: RULES[r["opt"]], lambda r: [r["peak_mib"]], higher_is_better=False)


def cluster(records):
    """Two processes: totals, and what a step costs more than alone. The peer's best allocator counts, cell by cell."""
    figures = {}
    for r in records:
        speeds = r["sps"]
        micros = r.get("us") or [1e6 * r["batch"] / s for s in speeds]
        key = (r["mode"], r["model"], r["opt"], is_ours(r["who"]), "alone" if r["kind"] == "alone" else "both")
        cell = figures.setdefault(key, {}).setdefault(r["who"], ([], []))
        cell[0].extend(speeds)
        cell[1].extend(micros)

    def best(mode, model, rule, mine, kind):
        medians = [(statistics.median(s), statistics.median(u)) for s, u in figures.get((mode, model, rule, mine, kind), {}).values()]
        return max(medians) if medians else (None, None)

    lines = ["### Two processes of one thread, samples/s in all, and µs that a step takes more than one process alone\n",
             "| model | PyTorch DDP | DistTrainer | ratio | PyTorch: alone → together, added | DistTrainer: alone → together, added |", "| --- " + "| ---: " * 5 + "|"]
    added = lambda alone, both: f"{number(alone)} → {number(both)}, {number(both - alone)}" if alone and both else "–"
    for mode, model, rule in sorted({k[:3] for k in figures}, reverse=True, key=lambda k: (k[0] == "local", "cba".index(k[1]))):
        (peer, peer_us), (mine, mine_us) = best(mode, model, rule, False, "both"), best(mode, model, rule, True, "both")
        alone_peer, alone_mine = best(mode, model, rule, False, "alone")[1], best(mode, model, rule, True, "alone")[1]
        name = f"{model}, {RULES[rule]}, " + ("batch in each" if mode == "local" else "batch divided")
        ratio = number(mine / peer) if mine and peer else "–"
        lines.append(f"| {name} | {number(peer)} | {number(mine)} | {ratio} | {added(alone_peer, peer_us)} | {added(alone_mine, mine_us)} |")
        if mode == "global" and mine and peer:
            lines.append(f"| seconds an epoch of 60,000 | {number(60000 / peer)} | {number(60000 / mine)} | {ratio} | | |")
    times = [r for r in records if r.get("breakdown_ms")]
    if times:
        lines += ["", "| a step of DistTrainer's, ms | compute | wait | of it gather | of it apply |", "| --- " + "| ---: " * 4 + "|"]
        for mode, model in sorted({(r["mode"], r["model"]) for r in times}, reverse=True):
            chosen = [r["breakdown_ms"] for r in times if (r["mode"], r["model"]) == (mode, model)]
            lines.append(f"| {model}, batch {'in each' if mode == 'local' else 'divided'} | " + " | ".join(number(statistics.median(c[k] for c in chosen)) for k in ("Compute", "Wait", "Gather", "Apply")) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        print(tables([json.loads(line) for line in f]))
