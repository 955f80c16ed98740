"""What concerns the process: threads, forks, Ctrl-C, memory."""

import multiprocessing
import os
import resource
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import numgrad_rs as ng


def run(script, **how):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=120, **how)


def test_two_threads_at_once_have_their_own_results():
    nets = [ng.TwoLayerNet(20, 10, 5), ng.Network([20, 8, 5], "relu", "he")]
    batches = [(np.random.rand(30, 20), np.random.randint(0, 5, 30)) for _ in range(4)]
    expected = [[net.numerical_gradient(*batch)["W1"] for batch in batches] for net in nets]
    failures = []

    def call(k):
        try:
            for n in range(100):
                i, j = (n + k) % 2, n % 4
                np.testing.assert_array_equal(nets[i].numerical_gradient(*batches[j])["W1"], expected[i][j])
                assert ng.gradient(lambda x: x * k, 1.0) == pytest.approx(k)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=call, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_other_threads_run_while_a_gradient_is_computed():
    net = ng.TwoLayerNet(784, 50, 10, threads=1)
    x, t = np.random.rand(20, 784), np.random.randint(0, 10, 20)
    thread = threading.Thread(target=net.numerical_gradient, args=(x, t), kwargs={"forward": "full"})
    thread.start()
    n_turns = 0
    while thread.is_alive():
        time.sleep(0.001)
        n_turns += 1
    assert n_turns > 20


def child(net, x, t, queue):
    queue.put((net.numerical_gradient(x, t)["W1"], ng.gradient(np.sum, x[0])))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_child_computes():
    net = ng.TwoLayerNet(20, 10, 5)
    x, t = np.random.rand(30, 20), np.random.randint(0, 5, 30)
    expected = net.numerical_gradient(x, t)["W1"]
    stop = threading.Event()

    def keep_busy():
        while not stop.is_set():
            net.numerical_gradient(x, t)

    busy = threading.Thread(target=keep_busy)
    busy.start()
    try:
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        for _ in range(5):
            process = context.Process(target=child, args=(net, x, t, queue))
            process.start()
            found, slopes = queue.get(timeout=60)
            process.join(60)
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_allclose(slopes, 1)
            assert process.exitcode == 0
    finally:
        stop.set()
        busy.join()


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
@pytest.mark.parametrize(
    "what",
    [
        # Python, C, Rust.
        "ng.gradient(lambda x: sum(i for i in range(1000)) + x.sum(), np.ones(10**6))",
        "ng.gradient(np.sum, np.ones(10**6))",
        "ng.estimate(np.sum, np.ones(10**5))",
        "ng.hessian(np.sum, np.ones(10**4))",
        "ng.TwoLayerNet(784, 50, 10).numerical_gradient(np.ones((1000, 784)), np.zeros(1000, int), forward='full')",
        "ng.TwoLayerNet(784, 50, 10, threads=1).numerical_gradient(np.ones((1000, 784)), [0] * 1000, forward='full')",
    ],
)
def test_ctrl_c_ends_a_gradient_at_once(what):
    script = f"""
        import os, signal, threading, time
        import numpy as np
        import numgrad_rs as ng
        # Whoever starts the tests in the background may have it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        pressed = []
        def press():
            pressed.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Timer(0.5, press).start()
        try:
            {what}
        except KeyboardInterrupt:
            print(time.monotonic() - pressed[0])
        assert ng.gradient(np.sum, np.ones(2)).shape == (2,)
    """
    done = run(script)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2, done.stdout


def test_memory_does_not_grow():
    script = """
        import numpy as np
        import numgrad_rs as ng

        def rss():
            with open("/proc/self/status") as file:
                return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

        np.random.seed(0)
        net = ng.TwoLayerNet(20, 10, 5)
        batches = [(np.random.rand(n, 20), np.random.randint(0, 5, n)) for n in (5, 30, 17)]
        def fails(x):
            raise KeyError(x[0])
        def call(n):
            x, t = batches[n % 3]
            net.params["W1"][0, 0] += 1e-3
            net.numerical_gradient(x, t)
            net.gradient(x, t)
            net.loss(x, t)
            net.predict(x)
            ng.gradient(np.sum, x[0])
            ng.jacobian(np.sin, x[0])
            ng.estimate(np.sum, x[0, :2])
            for wrong in (lambda: net.loss(x, t + 9), lambda: ng.gradient(fails, x[0])):
                try:
                    wrong()
                except (KeyError, ValueError):
                    pass
        for n in range(1000):
            call(n)
        before = rss()
        for n in range(9000):
            call(n)
        print(rss() - before)
    """
    if not os.path.exists("/proc/self/status"):
        pytest.skip("the memory of a process is told otherwise here")
    done = run(script)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1024, f"{done.stdout} KB"


def test_pools_of_threads_end_with_the_process():
    started = time.monotonic()
    done = run("import numgrad_rs as ng, numpy as np; ng.TwoLayerNet(5, 4, 3).loss(np.ones((2, 5)), [0, 1])")
    assert done.returncode == 0 and time.monotonic() - started < 30


def test_threads_that_stay_attached(monkeypatch):
    """What `threads` does on Python without a lock, here on one that may have it: slowly, but the same."""
    monkeypatch.setattr("numgrad_rs._engine._threads", lambda threads: threads)
    f = lambda x: np.sum(np.sin(x) * np.arange(1, len(x) + 1))
    x = np.linspace(0, 1, 50)
    for derivative in [ng.gradient, ng.hessian, lambda f, x, **how: ng.estimate(f, x, **how).value]:
        np.testing.assert_array_equal(derivative(f, x, threads=3), derivative(f, x))
    np.testing.assert_array_equal(ng.jacobian(np.sin, x, threads=2), ng.jacobian(np.sin, x))
    told = []
    ng.gradient(f, x, threads=2, progress=lambda *progress: told.append(progress))
    assert told[-1] == (50, 50)

    def fails(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ng.gradient(fails, x, threads=2)
