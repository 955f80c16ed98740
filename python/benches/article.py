"""How long the article's training takes: NumPy's own loop, and numgrad_rs in its place. It prints results/python.md.

    pip install ./python
    python python/benches/article.py --program target/release/numgrad-train

MNIST is found as `load_mnist` finds it; `--embedded` takes the digits that are built in. NumPy's loop takes some 20 seconds an
iteration, of which `--numpy-iterations` are run. `--program` is timed too: the time that it says its training took, on one thread.
On one thread the time is that of the processor, so that other work on the machine matters little; of several runs it is the
shortest.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import csv
import platform
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from numgrad_rs import TwoLayerNet, load_mnist

N_ITERATIONS = 100
RUNS = 10
H = 1e-4


class NumpyNet:
    """The article's network, as chapter 4 of the book writes it."""

    def __init__(self):
        self.params = {
            "W1": 0.01 * np.random.rand(784, 50),
            "b1": np.zeros(50),
            "W2": 0.01 * np.random.rand(50, 10),
            "b2": np.zeros(10),
        }

    def loss(self, x, t):
        z = 1 / (1 + np.exp(-(np.dot(x, self.params["W1"]) + self.params["b1"])))
        scores = np.dot(z, self.params["W2"]) + self.params["b2"]
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        y = e / e.sum(axis=1, keepdims=True)
        return -np.sum(np.log(y[np.arange(len(y)), t] + 1e-7)) / len(y)

    def numerical_gradient(self, x, t):
        gradient = {}
        for key, array in self.params.items():
            slopes = gradient[key] = np.empty_like(array)
            for index in np.ndindex(array.shape):
                before = array[index]
                array[index] = before + H
                above = self.loss(x, t)
                array[index] = before - H
                slopes[index] = (above - self.loss(x, t)) / (2 * H)
                array[index] = before
        return gradient


def train(network, x_train, t_train, n_iterations, clock):
    """Seconds, and the last loss."""
    begun = clock()
    for _ in range(n_iterations):
        batch_mask = np.random.choice(len(x_train), 100)
        x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
        grad = network.numerical_gradient(x_batch, t_batch)
        for key in ("W1", "b1", "W2", "b2"):
            network.params[key] -= 0.1 * grad[key]
        loss = network.loss(x_batch, t_batch)
    return clock() - begun, loss


def shortest_run(threads, x_train, t_train):
    clock = time.process_time if threads == 1 else time.perf_counter
    found = []
    for _ in range(RUNS):
        np.random.seed(42)
        network = TwoLayerNet(784, 50, 10, init="uniform", threads=threads)
        found.append(train(network, x_train, t_train, N_ITERATIONS, clock))
    return min(found)


def program_seconds(program, arguments):
    found = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            command = [program, "--threads", "1", "--quiet", "--out", f"{folder}/run", *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            with open(Path(folder, "run", "loss.csv"), newline="") as file:
                found.append(float(list(csv.DictReader(file))[-1]["elapsed_s"]))
    return min(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--embedded", action="store_true", help="take the digits that are built in")
    parser.add_argument("--numpy-iterations", type=int, default=2)
    parser.add_argument("--program", help="the program numgrad-train")
    arguments = parser.parse_args()
    (x_train, t_train), _ = load_mnist(embedded=arguments.embedded)

    rows = []
    if arguments.numpy_iterations:
        np.random.seed(42)
        seconds, _ = train(NumpyNet(), x_train.astype(np.float64), t_train, arguments.numpy_iterations, time.process_time)
        rows.append((f"NumPy's loop, from {arguments.numpy_iterations} iterations", seconds / arguments.numpy_iterations))
    for threads, name in ((1, "numgrad_rs, one thread"), (None, f"numgrad_rs, {os.cpu_count()} threads")):
        seconds, loss = shortest_run(threads, x_train, t_train)
        rows.append((name, seconds / N_ITERATIONS))
    if arguments.program:
        dataset = ["--dataset", "embedded" if arguments.embedded else "mnist"]
        rows.append(("numgrad-train, one thread", program_seconds(arguments.program, dataset) / N_ITERATIONS))

    print("| the article's loop | one iteration | 100 iterations | against the first |")
    print("| --- | ---: | ---: | ---: |")
    for name, seconds in rows:
        print(f"| {name} | {seconds * 1e3:,.2f} ms | {seconds * 100:,.2f} s | {rows[0][1] / seconds:,.0f} |")
    print(f"\nThe last loss is {loss:.6f}. Python {platform.python_version()}, NumPy {np.__version__}.")


if __name__ == "__main__":
    main()
