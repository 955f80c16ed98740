"""The article's loop in NumPy: how long one numerical gradient of 784-50-10 takes on one core.

Both moves of every 20th weight are evaluated on a batch of 100 random images of MNIST's density, and the time is
multiplied by 20. Needs numpy (measured with 2.4.6).

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benches/peers/numpy_loop.py
"""

import time

import numpy as np

H = 1e-4
EVERY = 20


def loss(params, x, t):
    z = 1 / (1 + np.exp(-(x @ params["W1"] + params["b1"])))
    a = z @ params["W2"] + params["b2"]
    e = np.exp(a - a.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    return -np.log(y[np.arange(len(t)), t] + 1e-7).mean()


def main():
    rng = np.random.RandomState(42)
    params = {"W1": 0.01 * rng.rand(784, 50), "b1": np.zeros(50), "W2": 0.01 * rng.rand(50, 10), "b2": np.zeros(10)}
    x = rng.rand(100, 784) * (rng.rand(100, 784) < 0.19)
    t = rng.randint(0, 10, 100)
    started = time.perf_counter()
    n = 0
    for array in params.values():
        flat = array.reshape(-1)
        for i in range(0, flat.size, EVERY):
            before = flat[i]
            flat[i] = before + H
            up = loss(params, x, t)
            flat[i] = before - H
            down = loss(params, x, t)
            flat[i] = before
            n += 2
            _ = (up - down) / (2 * H)
    seconds = (time.perf_counter() - started) * EVERY
    print(f"one gradient: {seconds:.1f} s ({1e3 * seconds / EVERY / n:.3f} ms an evaluation, {n * EVERY} evaluations)")


if __name__ == "__main__":
    main()
