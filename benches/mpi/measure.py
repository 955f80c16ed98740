#!/usr/bin/env python3
"""What sharing gradients by MPI brings on this machine: iterations by 1, 2 and 4 ranks of one thread, in turn, and the time of a
gather by size and transport; and from these what it would bring on more machines. Prints the tables of results/mpi/README.md.

    cargo build --release --features mpi --bin numgrad-train --example mpi_exchange
    python benches/mpi/measure.py target/release/numgrad-train target/release/examples/mpi_exchange
"""

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

PROGRAM, EXCHANGE = (str(Path(path).resolve()) for path in sys.argv[1:3])
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
DEEP = "--init normal --init-scale xavier"
# Name, flags, iterations a run, runs.
RUNS = [
    ("784-50-10 full", "--forward full", 1, min(ROUNDS, 2)),
    ("784-100-100-10 full", f"--hidden 100,100 {DEEP} --forward full", 1, 1),
    ("784-50-10 incremental", "", 200, ROUNDS),
    ("784-1000-10 incremental", f"--hidden 1000 {DEEP}", 15, ROUNDS),
    ("784-100-100-10 incremental", f"--hidden 100,100 {DEEP}", 40, ROUNDS),
    ("784-100-100-100-10 incremental", f"--hidden 100,100,100 {DEEP}", 20, ROUNDS),
]
RANKS = [1, 2, 4]
# 8 bytes a number; what one more partner costs, and numbers a second: assumed, as such networks are sold.
NETWORKS = {"1 Gbit/s": (50e-6, 1e9 / 64), "10 Gbit/s": (20e-6, 1e10 / 64), "100 Gbit/s": (3e-6, 1e11 / 64)}
MACHINES = [2, 4, 8, 16, 32, 64]

os.environ |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def iteration_s(flags, n_iterations, n_ranks, cores=()):
    """The median of the iterations of a run; its ranks on these cores, if any are named. The quickest would be none of all ranks
    where they take turns: others go on while the first one is waiting for a core."""
    with tempfile.TemporaryDirectory() as folder:
        train = [PROGRAM, *f"--dataset embedded --threads 1 --quiet -n {n_iterations} --out {folder}/run {flags}".split()]
        launcher = ["mpirun", "--oversubscribe", "--bind-to", "none"]
        if cores:
            ranks = [["-n", "1", "taskset", "-c", str(core), *train, "--mpi"] for core in cores]
            command = launcher + ranks[0] + [word for rank in ranks[1:] for word in [":", *rank]]
        else:
            command = train if n_ranks == 1 else [*launcher, "-n", str(n_ranks), *train, "--mpi"]
        subprocess.run(command, check=True, capture_output=True)
        with open(f"{folder}/run/loss.csv") as log:
            elapsed_s = [0.0, *(float(row["elapsed_s"]) for row in csv.DictReader(log))]
        return median(after - before for before, after in zip(elapsed_s, elapsed_s[1:]))


def most_loaded(sizes, n_ranks):
    """The share of the work of the rank with the most: parts are vectors of eight units, in the last hidden layer with the bias's,
    weighed and shared out as `part_cost` and `evenly` do for sigmoids."""
    costs = []
    for layer in range(1, len(sizes) - 1):
        products = sum(a * b for a, b in zip(sizes[layer + 1 :], sizes[layer + 2 :]))
        n_inputs = min(sizes[0], 90) if layer == 1 else sizes[layer - 1]
        is_last = layer == len(sizes) - 2
        costs += [n_inputs + 0.25 * products] * (sizes[layer] // 8 + 1 if is_last else -(-sizes[layer] // 8))
    loads = [0.0] * n_ranks
    for cost in sorted(costs, reverse=True):
        loads[loads.index(min(loads))] += cost
    return max(loads) / sum(loads)


def unequal_s():
    """Whole passes by two ranks on a core each, and by two of which one has but half a core, as another program needs the rest."""
    flags = RUNS[0][1]
    equal = iteration_s(flags, 1, 2, cores=[0, 1])
    busy = subprocess.Popen(["taskset", "-c", "1", sys.executable, "-c", "while True: pass"])
    try:
        return equal, iteration_s(flags, 1, 2, cores=[0, 1])
    finally:
        busy.kill()
        busy.wait()


def main():
    best = {}
    for round in range(ROUNDS):
        for name, flags, n_iterations, n_rounds in RUNS:
            for n_ranks in RANKS if round < n_rounds else []:
                found = iteration_s(flags, n_iterations, n_ranks)
                best[name, n_ranks] = min(found, best.get((name, n_ranks), found))
    print("| network | 1 rank | 2 ranks | 4 ranks | 2 against 1 | 4 against 1 |\n| --- | --- | --- | --- | --- | --- |")
    for name, *_ in RUNS:
        ms = [best[name, n] * 1e3 for n in RANKS]
        print(f"| {name} | {ms[0]:.4g} ms | {ms[1]:.4g} ms | {ms[2]:.4g} ms | {ms[0] / ms[1]:.2f} | {ms[0] / ms[2]:.2f} |")

    print("\none of two ranks with half a core: {:.3g} s, with a core each: {:.3g} s\n".format(*reversed(unequal_s())))
    for n_ranks, transport in [(2, "vader,self"), (2, "tcp,self"), (4, "vader,self"), (4, "tcp,self")]:
        launcher = ["mpirun", "--oversubscribe", "--mca", "btl", transport, "-n", str(n_ranks)]
        said = subprocess.run([*launcher, EXCHANGE], check=True, capture_output=True, text=True).stdout
        print(f"{transport}:\n{said}")

    # An evaluation by the whole pass costs as many multiplications as the network has for the pixels that are not 0.
    def full_s(sizes):
        n_parameters = sum((a + 1) * b for a, b in zip(sizes, sizes[1:]))
        n_products = 151 * sizes[1] + sum(a * b for a, b in zip(sizes[1:], sizes[2:]))
        return n_parameters * n_products

    scale = best["784-50-10 full", 1] / full_s([784, 50, 10])
    cases = []
    for sizes in [[784, 50, 10], [784, 1000, 10], [784, 100, 100, 10]]:
        name = "-".join(map(str, sizes))
        n = sum((a + 1) * b for a, b in zip(sizes, sizes[1:]))
        work = best.get((f"{name} full", 1), scale * full_s(sizes))
        cases.append((f"{name} full", n, work, 0.0, lambda _: None))
    for name in (name for name, *_ in RUNS if name.endswith("incremental")):
        sizes = list(map(int, name.split()[0].split("-")))
        n = sum((a + 1) * b for a, b in zip(sizes, sizes[1:]))
        load = lambda p, sizes=sizes: most_loaded(sizes, p)
        # What every rank does itself, from the iterations of one and of two, a gather within the machine left aside.
        rest = max(0.0, (best[name, 2] - load(2) * best[name, 1]) / (1 - load(2)))
        cases.append((name, n, best[name, 1] - rest, rest, load))
    print("| network | time of one | by | " + " | ".join(f"{p}" for p in MACHINES) + " |")
    print("| --- | --- | --- |" + " --- |" * len(MACHINES))
    for name, n, work, rest, load in cases:
        for network, (latency, rate) in NETWORKS.items():
            row = []
            for p in MACHINES:
                share = load(p) or 1 / p
                # Of incremental gradients the losses of the samples are gathered too, which are few.
                n_gathers = 2 if load(p) else 1
                time = rest + work * share + (p - 1) * (n_gathers * latency + n / p / rate)
                row.append(f"{100 * (work + rest) / (p * time):.0f} %")
            print(f"| {name} | {(work + rest):.3g} s | {network} | " + " | ".join(row) + " |")


main()
