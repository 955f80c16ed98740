"""The article's training in NumPy and in numgrad-train, in turn: the same digits, the same weights, the same batches.

NumPy evaluates the loss twice for each of the 39,760 weights, on one core: 20 to 30 seconds an iteration. Then
numgrad-train does the same iterations by whole forward passes, and the article's hundred incrementally. The losses of both
are compared, so that it is the same computation that is timed, and the times and their ratios are printed: how many times
longer NumPy's loop takes, and how many times NumPy's backpropagation would fit in.

    cargo build --release
    pip install -r benches/peers/requirements.txt
    python benches/peers/compare.py

The digits are those built into numgrad-train; `--data-dir DIR` takes MNIST's four files instead. `--scipy` adds SciPy's
`approx_derivative`, which evaluates NumPy's loss in as many processes as `--threads` says.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import csv
import functools
import gzip
import json
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
H = 1e-4
LEARNING_RATE = 0.1
BATCH_SIZE = 100


def read_idx(folder, name):
    for path, opener in ((folder / f"{name}.gz", gzip.open), (folder / name, open)):
        if path.exists():
            with opener(path, "rb") as file:
                content = file.read()
            dimensions = np.frombuffer(content, ">u4", count=content[3], offset=4)
            return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(dimensions)
    sys.exit(f"{folder}: neither {name}.gz nor {name} is there")


class Training:
    """784-50-10 from the weights and batches that seed 42 draws."""

    def __init__(self, folder):
        images = read_idx(folder, "train-images-idx3-ubyte")
        self.images = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
        self.labels = read_idx(folder, "train-labels-idx1-ubyte")
        self.random = np.random.RandomState(42)
        self.params = {
            "W1": 0.01 * self.random.rand(784, 50),
            "W2": 0.01 * self.random.rand(50, 10),
            "b1": np.zeros(50),
            "b2": np.zeros(10),
        }

    def draw_batch(self):
        chosen = self.random.choice(len(self.images), BATCH_SIZE)
        self.x, self.t = self.images[chosen].astype(np.float64), self.labels[chosen]

    def forward(self):
        p = self.params
        z = 1 / (1 + np.exp(-(self.x @ p["W1"] + p["b1"])))
        scores = z @ p["W2"] + p["b2"]
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return z, e / e.sum(axis=1, keepdims=True)

    def loss(self):
        _, y = self.forward()
        return -np.log(y[np.arange(BATCH_SIZE), self.t] + 1e-7).mean()

    def numerical_gradient(self):
        gradient = {name: np.zeros_like(array) for name, array in self.params.items()}
        for name, array in self.params.items():
            weights, slots = array.reshape(-1), gradient[name].reshape(-1)
            for i in range(weights.size):
                before = weights[i]
                weights[i] = before + H
                up = self.loss()
                weights[i] = before - H
                down = self.loss()
                weights[i] = before
                slots[i] = (up - down) / (2 * H)
        return gradient

    def as_vector(self):
        return np.concatenate([array.reshape(-1) for array in self.params.values()])

    def loss_at(self, vector):
        """The loss of the batch at other parameters."""
        end = 0
        for name, array in self.params.items():
            begin, end = end, end + array.size
            self.params[name] = vector[begin:end].reshape(array.shape)
        return self.loss()

    def scipy_gradient(self, n_processes):
        try:
            from scipy.optimize._numdiff import approx_derivative
        except ImportError as error:
            sys.exit(f"--scipy: {error} (pip install scipy, of version 1.16 or later)")

        # Of the training the processes need the batch alone. `imap` takes the 79,520 points one by one; as `map` would take them
        # they are 25 GB.
        self.images = None
        take_training(self)
        with multiprocessing.Pool(n_processes, initializer=take_training, initargs=(self,)) as pool:
            workers = functools.partial(pool.imap, chunksize=16)
            return approx_derivative(loss_of_process, self.as_vector(), abs_step=H, workers=workers)

    def backprop(self):
        z, y = self.forward()
        rows = np.arange(BATCH_SIZE)
        right = y[rows, self.t]
        scores = y.copy()
        scores[rows, self.t] -= 1
        scores *= (right / (right + 1e-7) / BATCH_SIZE)[:, None]
        hidden = (scores @ self.params["W2"].T) * z * (1 - z)
        return {"W1": self.x.T @ hidden, "W2": z.T @ scores, "b1": hidden.sum(0), "b2": scores.sum(0)}

    def update(self, gradient):
        for name, array in self.params.items():
            array -= LEARNING_RATE * gradient[name]


def take_training(training):
    global of_process
    of_process = training


def loss_of_process(vector):
    return of_process.loss_at(vector)


def timed(f):
    started = time.perf_counter()
    result = f()
    return time.perf_counter() - started, result


def numgrad_train(program, data, folder, threads, iterations, *flags):
    """Times and losses of its iterations, as it logs them, and its summary."""
    out = Path(folder) / "-".join([str(threads), str(iterations), *flags])
    command = [program, *data, "--threads", str(threads), "--iterations", str(iterations), *flags]
    finished = subprocess.run([*command, "--quiet", "--out", out], stdout=subprocess.PIPE)
    if finished.returncode != 0:
        sys.exit(f"{program} ended with exit code {finished.returncode}")
    with open(out / "loss.csv", newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    summary = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return [float(row["gradient_s"]) for row in rows], [float(row["loss"]) for row in rows], summary


def check(losses, golden):
    for iteration, (ours, numpys) in enumerate(zip(losses, golden), 1):
        if abs(ours - numpys) > 1e-9:
            sys.exit(f"iteration {iteration}: the loss is {ours} here and {numpys} in NumPy; these are not the same runs")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--iterations", type=int, default=1, help="iterations of NumPy's loop (default 1)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of numgrad-train (default: all)")
    parser.add_argument("--data-dir", type=Path, help="folder of MNIST's four files (default: the digits built in)")
    parser.add_argument("--program", default=ROOT / "target/release/numgrad-train", help="(default: %(default)s)")
    parser.add_argument("--scipy", action="store_true", help="SciPy's approx_derivative as well, some minutes")
    args = parser.parse_args()
    data = ["--data-dir", args.data_dir] if args.data_dir else ["--dataset", "embedded"]
    threads = sorted({1, args.threads})
    program = shutil.which(args.program)
    if program is None:
        sys.exit(f"{args.program}: expected the program, found none; `cargo build --release` makes it")

    training = Training(args.data_dir or ROOT / "data/mnist-subset")
    numpy_s, losses = [], []
    for _ in range(args.iterations):
        training.draw_batch()
        seconds, gradient = timed(training.numerical_gradient)
        training.update(gradient)
        numpy_s.append(seconds)
        losses.append(training.loss())
    backprop_s = statistics.median(timed(training.backprop)[0] for _ in range(200))
    numpy_gradient = statistics.mean(numpy_s)

    def row(what, seconds):
        print(f"{what:<44} {seconds:>12.6f} {numpy_gradient / seconds:>14.1f} {seconds / backprop_s:>18.2f}")

    print(f"{'one gradient of 784-50-10, batch of 100':<44} {'seconds':>12} {'loop / this':>14} {'this / backprop':>18}")
    row("NumPy, the article's loop, one core", numpy_gradient)
    row("NumPy, backpropagation, one core", backprop_s)
    with tempfile.TemporaryDirectory() as folder:
        for n in threads:
            times, ours, _ = numgrad_train(program, data, folder, n, args.iterations, "--forward", "full")
            check(ours, losses)
            row(f"numgrad, whole forward passes, threads: {n}", statistics.mean(times))
        for n in threads:
            times, ours, summary = numgrad_train(program, data, folder, n, 100)
            check(ours, losses)
            row(f"numgrad, incremental, threads: {n}", statistics.median(times))
            batch = summary["batch_s"] / len(times)
            row("  of it a new batch and its forward pass", batch)
            row("  of it the gradient", statistics.median(times) - batch)
            elapsed = summary["train_s"]
            print(f"{'  all of its 100 iterations':<44} {elapsed:>12.6f} {100 * numpy_gradient / elapsed:>14.1f}")
    if args.scipy:
        training.draw_batch()
        expected = training.backprop()
        seconds, found = timed(lambda: training.scipy_gradient(args.threads))
        error = np.abs(found - np.concatenate([expected[name].reshape(-1) for name in training.params])).max()
        row(f"SciPy's approx_derivative, processes: {args.threads}", seconds)
        print(f"  its largest error, against backpropagation: {error:.1e}")


if __name__ == "__main__":
    main()
