#!/usr/bin/python3
"""Measures reading beside pandas and NumPy, and prints a table.   usage: reading.py [--rows N] [--repeats N] [--folder F]

Makes a CSV file of numbers like 0.123456 (201 columns), the same as .npy, and the digits data repeated, in a folder that
is deleted at the end. Everything is a process of its own, and the peers take turns, so that what else the machine does
meets all of them. Wall seconds are medians; CPU seconds say what a busy machine does not change much. Build first:

  dotnet build -c Release src/DistTrainer.Cli && dotnet build -c Release tests/DistTrainer.Benchmarks
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLI = f"{ROOT}/src/DistTrainer.Cli/bin/Release/net10.0/disttrainer"
BENCHMARKS = f"{ROOT}/tests/DistTrainer.Benchmarks/bin/Release/net10.0/DistTrainer.Benchmarks"
PANDAS = "import pandas, sys; pandas.read_csv(sys.argv[1])"
NUMPY = """
import numpy, sys
x = numpy.load(sys.argv[1])
x -= x.mean(0, dtype=numpy.float64).astype(numpy.float32)
x /= x.std(0, dtype=numpy.float64).astype(numpy.float32)
"""
COLUMNS = 201
DIGITS = 1797  # rows of the digits data


def make_numbers(folder, rows):
    import numpy
    random, parts = numpy.random.default_rng(1), []
    with open(f"{folder}/numbers.csv", "wb") as file:
        file.write((",".join(f"f{i}" for i in range(COLUMNS - 1)) + ",y\n").encode())
        for start in range(0, rows, 20_000):
            values = random.integers(0, 1_000_000, (min(20_000, rows - start), COLUMNS))
            text = numpy.empty((*values.shape, 9), numpy.uint8)
            text[:, :, 0], text[:, :, 1], text[:, :, 8], rest = 48, 46, 44, values.copy()
            text[:, -1, 8] = 10
            for digit in range(7, 1, -1):
                text[:, :, digit] = 48 + rest % 10
                rest //= 10
            file.write(text.tobytes())
            parts.append((values / 1e6).astype(numpy.float32))
    numbers = numpy.concatenate(parts)
    numpy.save(f"{folder}/numbersx.npy", numpy.ascontiguousarray(numbers[:, :-1]))
    numpy.save(f"{folder}/numbersy.npy", numpy.ascontiguousarray(numbers[:, -1]))


def make_digits(folder, repeats):
    from sklearn.datasets import load_digits
    digits = load_digits()
    names = ",".join(f"p{i}" for i in range(64))
    rows = [",".join(str(int(value)) for value in row) for row in digits.data]
    with open(f"{folder}/train.csv", "w") as file:
        file.write(f"{names},digit\n" + "".join(f"{row},{target}\n" for row, target in zip(rows, digits.target)))
    with open(f"{folder}/digits.csv", "w") as file:
        file.write(f"{names}\n")
        for _ in range(repeats):
            file.write("\n".join(rows) + "\n")
    job = subprocess.run([CLI, "config", "init", "--for", "digits"], check=True, capture_output=True).stdout
    with open(f"{folder}/digits.conf", "wb") as file:
        file.write(job)
    subprocess.run([CLI, "train", "--config", f"{folder}/digits.conf", "--data", f"{folder}/train.csv", "--target", "digit",
                    "--epochs", "2", "--output", f"{folder}/run", "--quiet"], check=True, capture_output=True)


def apart(make, *arguments):
    """Makes files in a process of its own: what it takes would count as the peak of those that come after it."""
    child = os.fork()
    if child == 0:
        make(*arguments)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(f"{make.__name__} failed")


def run(command):
    """Wall seconds, CPU seconds and peak MiB of a process."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: ended with {status}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=600_000, help="rows of the CSV file; 600,000 are 1.1 GB")
    options.add_argument("--digits", type=int, default=557, help="how often the digits data are repeated")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--folder", help="where the files are made; default: a temporary folder")
    asked = options.parse_args()
    folder = tempfile.mkdtemp(prefix="reading-", dir=asked.folder)
    try:
        apart(make_numbers, folder, asked.rows)
        apart(make_digits, folder, asked.digits)
        rows = asked.digits * DIGITS
        csv, npy = f"{folder}/numbers.csv", f"{folder}/numbersx.npy"
        what = {
            "CSV to columns": [BENCHMARKS, "reading", csv],
            "CSV to a data set": [BENCHMARKS, "reading", csv, "--whole"],
            "pandas.read_csv": [sys.executable, "-c", PANDAS, csv],
            ".npy to a data set": [BENCHMARKS, "reading", npy, "--whole"],
            "numpy.load, standardized": [sys.executable, "-c", NUMPY, npy],
            f"predict, {rows:,} rows": [CLI, "predict", f"{folder}/run", "--data", f"{folder}/digits.csv", "--output",
                                        f"{folder}/predictions.csv"],
        }
        figures = {name: [] for name in what}
        for _ in range(asked.repeats):
            for name, command in what.items():
                figures[name].append(run(command))
        size = os.path.getsize(csv) / 1e6
        print(f"{size:,.0f} MB of CSV, {asked.rows * (COLUMNS - 1) * 4 / 2**20:,.0f} MiB as floats; "
              f"{os.cpu_count()} cores\n\n| | s | CPU s | peak MiB |\n| --- | ---: | ---: | ---: |")
        for name, measured in figures.items():
            wall, cpu, peak = (statistics.median(column) for column in zip(*measured))
            print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} |")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
