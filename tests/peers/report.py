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
             f".NET SDK {where['dotnet']}; OpenBLAS's kernels: {where.get('openblas') or 'its own choice'}; commit {where['commit']}; {where['date']}. Medians of one interleaved session.\n"]
    runs = [r["others"] for r in records if "others" in r]
    parts.append(f"CPUs used by others during the runs: median {statistics.median(runs):.2f}, most {max(runs):.2f}.\n" if runs else "")
    for test, section in (("train", train), ("optim", optim), ("gemm", gemm), ("tta", epoch), ("memory", memory), ("cluster", cluster),
                          ("sweep", lambda chosen: sweep(chosen, records))):
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


RULES = {"sgd": "SGD momentum", "adam": "Adam", "plain-sgd": "SGD", "momentum": "SGD momentum", "rmsprop": "RMSprop"}


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
    for rule in ("sgd", "adam"):
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


SLOTS = {"plain-sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2}


def shape(model):
    """Widths and batch of a model such as 784-512-512-10@64."""
    widths, batch = model.split("@")
    return [int(w) for w in widths.split("-")], int(batch)


def work(model, rule):
    """What a step must do at least: floating-point operations and bytes of memory.

    flops: 2 * rows * sum(inputs * outputs) forward, as many for the gradients of the weights, and as many without the
    first layer for the gradients of the layers' inputs. bytes: the parameters (weights and biases) and each of the rule's
    slots are read once and written once, 4 bytes each time. What may stay in a cache is not counted: samples, activations
    and gradients.
    """
    widths, rows = shape(model)
    products = [inputs * outputs for inputs, outputs in zip(widths, widths[1:])]
    parameters = sum(products) + sum(widths[1:])
    return 2 * rows * (3 * sum(products) - products[0]), 2 * 4 * parameters * (1 + SLOTS[rule])


def spread(values):
    """Interquartile range over median."""
    if len(values) < 2:
        return "–"
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{100 * (high - low) / middle:.0f} %"


def sweep(records, everything):
    """One row a cell. The best peer is the one with the best median; the ratio is the median of those within a repetition.

    The share of the limit is the least time that the machine could take, max(flops / peak, bytes / bandwidth), over the
    time that a step of ours took.
    """
    limit = lambda test, figure: max((r[figure] for r in everything if r["test"] == test and r["who"] == test and
                                      r["threads"] == cores), default=None)
    cores = next(r for r in everything if r["test"] == "machine")["cores"]
    peak, bandwidth = limit("peak", "gflops"), limit("bandwidth", "gbs")
    cells, others = {}, {}
    for r in records:
        others.setdefault((r["model"], r["opt"], r["who"]), []).append(r["others"])
        cells.setdefault((r["model"], r["opt"]), {}).setdefault(r["who"], {}).setdefault(r["repetition"], []).extend(r["sps"])
    lines = ["### Training steps over a grid of dense nets, the product's defaults\n",
             "| batch | shape | rule | best peer | its samples/s | DistTrainer | ratio | spread, ours | the peer's | GFLOP/s | share of the limit | of |",
             "| ---: | --- | --- | --- |" + " ---: |" * 7 + " --- |"]
    ratios, starred = {}, 0
    for model, rule in sorted(cells, key=lambda c: (*shape(c[0]), list(SLOTS).index(c[1]))):
        figures = {who: [s for speeds in turns.values() for s in speeds] for who, turns in cells[model, rule].items()}
        mine = next((w for w in figures if is_ours(w)), None)
        peer = max((w for w in figures if w != mine), key=lambda w: statistics.median(figures[w]), default=None)
        shown = lambda who, text: text(figures[who]) if who else "–"
        row = [str(shape(model)[1]), model.split("@")[0], RULES[rule], peer or "–", shown(peer, lambda v: number(statistics.median(v))),
               shown(mine, lambda v: number(statistics.median(v)))]
        if mine and peer:
            own, other = cells[model, rule][mine], cells[model, rule][peer]
            ratios[model, rule] = statistics.median(statistics.median(own[n]) / statistics.median(other[n]) for n in own if n in other)
        # As compare.py repeats a run; here one that could not be had otherwise.
        disturbed = any(statistics.median(others[model, rule, who]) > 0.25 for who in (mine, peer) if who)
        starred += disturbed
        row += [number(ratios.get((model, rule))) + " *" * disturbed, shown(mine, spread), shown(peer, spread)]
        if mine:
            flops, moved = work(model, rule)
            seconds = shape(model)[1] / statistics.median(figures[mine])
            row.append(number(1e-9 * flops / seconds))
            if peak and bandwidth:
                compute, memory = 1e-9 * flops / peak, 1e-9 * moved / bandwidth
                row += [f"{100 * max(compute, memory) / seconds:.0f} %", "compute" if compute > memory else "memory"]
        lines.append("| " + " | ".join(row + ["–"] * (12 - len(row))) + " |")
    limits = f"of {cores} cores: {number(peak)} GFLOP/s of fused multiply-adds, {number(bandwidth)} GB/s of memory"
    lines += ["", f"Limits {limits}. *: others used more than a quarter of a CPU in most runs of ours or of the peer's."]
    if ratios:
        least = min(ratios, key=ratios.get)
        lines += ["", f"{len(ratios)} cells ({starred} with a star), {sum(r < 1 for r in ratios.values())} of them below 1.0; the smallest ratio {number(ratios[least])} "
                  f"({least[0]}, {RULES[least[1]]}); geometric mean {number(statistics.geometric_mean(ratios.values()))}."]
        below = sorted((r, c) for c, r in ratios.items() if r < 1)
        if below:
            lines += ["", "Below 1.0: " + "; ".join(f"{model}, {RULES[rule]} {number(r)}" for r, (model, rule) in below) + "."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        print(tables([json.loads(line) for line in f]))
