"""How long the article's training takes: NumPy's own loop, and numgrad_rs in its place. It prints results/python.md.

    pip install ./python
    python python/benches/article.py --program target/release/numgrad-train

MNIST is found as `load_mnist` finds it; `--embedded` takes the digits that are built in. NumPy's loop takes some 20 seconds an
iteration, of which `--numpy-iterations` are run. `--program` is timed too: the time that it says its training took, on one thread.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import csv
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from numgrad_rs import TwoLayerNet, cross_entropy_error, load_mnist, numerical_gradient, sigmoid, softmax

N_ITERATIONS = 100
RUNS = 5


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
        z = sigmoid(np.dot(x, self.params["W1"]) + self.params["b1"])
        return cross_entropy_error(softmax(np.dot(z, self.params["W2"]) + self.params["b2"]), t)

    def numerical_gradient(self, x, t):
        return {key: numerical_gradient(lambda _: self.loss(x, t), array) for key, array in self.params.items()}


def train(network, x_train, t_train, n_iterations):
    """Seconds, and the last loss."""
    begun = time.perf_counter()
    for _ in range(n_iterations):
        batch_mask = np.random.choice(len(x_train), 100)
        x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
        grad = network.numerical_gradient(x_batch, t_batch)
        for key in ("W1", "b1", "W2", "b2"):
            network.params[key] -= 0.1 * grad[key]
        loss = network.loss(x_batch, t_batch)
    return time.perf_counter() - begun, loss


def median_of_runs(threads, x_train, t_train):
    found = []
    for _ in range(RUNS):
        np.random.seed(42)
        network = TwoLayerNet(784, 50, 10, init="uniform", threads=threads)
        found.append(train(network, x_train, t_train, N_ITERATIONS))
    return statistics.median(seconds for seconds, _ in found), found[0][1]


def program_seconds(program, arguments):
    found = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            command = [program, "--threads", "1", "--quiet", "--out", f"{folder}/run", *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            with open(Path(folder, "run", "loss.csv"), newline="") as file:
                found.append(float(list(csv.DictReader(file))[-1]["elapsed_s"]))
    return statistics.median(found)


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
        seconds, _ = train(NumpyNet(), x_train, t_train, arguments.numpy_iterations)
        rows.append((f"NumPy's loop, from {arguments.numpy_iterations} iterations", seconds / arguments.numpy_iterations))
    for threads, name in ((1, "numgrad_rs, one thread"), (None, f"numgrad_rs, {os.cpu_count()} threads")):
        seconds, loss = median_of_runs(threads, x_train, t_train)
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
