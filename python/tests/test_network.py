"""The networks: whatever is done with `params` is seen, whatever form data have is taken, and what is wrong is named."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numgrad_rs import Network, TwoLayerNet, cross_entropy_error, relu, sigmoid, softmax


@pytest.fixture
def net():
    return TwoLayerNet(6, 4, 3, weight_init_std=1.0)


@pytest.fixture
def batch():
    return np.random.rand(5, 6), np.array([0, 2, 1, 1, 0])


def by_numpy(net, x):
    """The forward pass, as the book writes it."""
    z = np.asarray(x, np.float64)
    n_layers = len(net.params) // 2
    for layer in range(1, n_layers + 1):
        a = z @ net.params[f"W{layer}"] + net.params[f"b{layer}"]
        z = softmax(a) if layer == n_layers else sigmoid(a)
    return z


def check(net, x, t):
    np.testing.assert_allclose(net.predict(x), by_numpy(net, x), rtol=1e-12)
    assert net.loss(x, t) == pytest.approx(cross_entropy_error(by_numpy(net, x), t), rel=1e-12)


def test_params_are_the_truth(net, batch):
    x, t = batch
    check(net, x, t)
    net.params["W1"][2, 1] += 0.5  # in place
    check(net, x, t)
    net.params["b2"] = np.array([0.1, 0.2, 0.3])  # replaced
    check(net, x, t)
    net.params["W2"] = np.asfortranarray(net.params["W2"] + 1)
    check(net, x, t)
    net.params["W1"] = net.params["W1"].astype(np.float32)
    check(net, x, t)
    net.params = {name: -array for name, array in net.params.items()}
    check(net, x, t)
    view = net.params["W1"]
    view *= 2
    check(net, x, t)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_is_that_of_the_parameters_and_the_batch_at_hand(net, batch, dtype):
    x, t = batch[0].astype(dtype), batch[1]
    first = net.numerical_gradient(x, t)
    net.params["W1"][0, 0] += 1
    second = net.numerical_gradient(x, t)
    assert abs(first["W1"] - second["W1"]).max() > 1e-6
    x[0, 0] += 1  # the same array, changed in place
    third = net.numerical_gradient(x, t)
    t[0] = 1
    fourth = net.numerical_gradient(x, t)
    fresh = TwoLayerNet(6, 4, 3)
    fresh.params = net.params
    for name, slopes in fresh.numerical_gradient(x, t).items():
        np.testing.assert_array_equal(slopes, fourth[name])
        assert abs(third[name] - fourth[name]).max() > 1e-6
        np.testing.assert_allclose(slopes, fresh.gradient(x, t)[name], atol=1e-7)


def test_a_gradient_is_an_array_of_its_own(net, batch):
    first = net.numerical_gradient(*batch)
    kept = {name: slopes.copy() for name, slopes in first.items()}
    first["W1"][:] = 7
    second = net.numerical_gradient(*batch)
    np.testing.assert_array_equal(second["W1"], kept["W1"])
    assert list(second) == list(net.params) == ["W1", "b1", "W2", "b2"]
    assert {name: slopes.shape for name, slopes in second.items()} == {
        name: array.shape for name, array in net.params.items()
    }


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x.astype(np.float32),
        lambda x: x.astype(np.float16),
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x[::-1][::-1],
        lambda x: x.astype(">f8"),
        lambda x: pd.DataFrame(x),
        lambda x: x.tolist(),
        lambda x: np.frombuffer(b"-" + x.tobytes(), np.uint8)[1:].view(np.float64).reshape(x.shape),
    ],
    ids=["single", "half", "fortran", "strided", "reversed", "big-endian", "frame", "lists", "unaligned"],
)
def test_inputs_of_any_form_are_taken(net, batch, form):
    x, t = batch
    x = form(np.round(x * 16) / 16)
    for answers in [t, t.astype(np.uint8), t.tolist(), np.eye(3)[t], pd.Series(t), np.eye(3, dtype=bool)[t]]:
        assert net.loss(x, answers) == net.loss(np.asarray(x, np.float64), t)
        assert net.accuracy(x, answers) == np.mean(net.predict(x).argmax(axis=1) == t)
    for array in [x, np.asarray(x)]:
        slopes = net.numerical_gradient(array, t)["W1"]
        np.testing.assert_array_equal(slopes, net.numerical_gradient(np.array(x, np.float64), t)["W1"])


def test_a_read_only_batch_is_taken(net, batch):
    x, t = batch
    x.flags.writeable = t.flags.writeable = False
    for array in net.params.values():
        array.flags.writeable = False
    assert net.numerical_gradient(x, t)["W1"].flags.writeable


def test_one_sample_is_taken(net, batch):
    x, t = batch
    assert net.predict(x[1]).shape == (3,)
    for answer in [2, t[1], t[1:2], np.eye(3)[2]]:
        assert net.loss(x[1], answer) == net.loss(x[1:2], t[1:2])


def test_large_batches_are_those_of_their_samples(net):
    x, t = np.random.rand(10_000, 6).astype(np.float32), np.random.randint(0, 3, 10_000)
    check(net, x, t)
    np.testing.assert_array_equal(net.predict(x)[5000:5010], net.predict(x[5000:5010]))
    assert net.accuracy(x, t) == np.mean(by_numpy(net, x).argmax(axis=1) == t)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_bits_do_not_depend_on_threads(batch, threads):
    net, other = (Network([6, 5, 4, 3], "tanh", "xavier", threads=n) for n in [1, threads])
    other.params = net.params
    for forward in ["incremental", "full"]:
        one, many = (n.numerical_gradient(*batch, forward=forward) for n in [net, other])
        for name in one:
            np.testing.assert_array_equal(one[name], many[name])


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_network_can_be_copied(net, batch, make):
    net.loss(*batch)
    assert make(net).loss(*batch) == net.loss(*batch)
    assert repr(make(net)) == "<TwoLayerNet 6-4-3 sigmoid>"


X = np.ones((2, 6))
T = np.array([0, 1])


@pytest.mark.parametrize(
    ("x", "t", "error", "words"),
    [
        (np.ones((2, 5)), T, ValueError, r"x has shape \(2, 5\), expected \(N, 6\)"),
        (np.ones((2, 1, 6)), T, ValueError, r"x has shape \(2, 1, 6\)"),
        (np.ones((0, 6)), T[:0], ValueError, r"x has shape \(0, 6\)"),
        (np.float64(3), T, ValueError, r"x has shape \(\)"),
        (np.ones(5), 1, ValueError, r"x has shape \(5,\)"),
        (None, T, TypeError, "x: expected an array of real numbers, found None"),
        ("digits", T, TypeError, "x: expected an array of real numbers"),
        (X.astype(object), T, TypeError, "found ndarray of dtype object"),
        (X + 1j, T, TypeError, "complex128"),
        (X.astype(bool), T, TypeError, "bool"),
        ([[1.0] * 6, [1.0]], T, ValueError, "x: expected an array of numbers, found rows of different lengths"),
        (np.ma.masked_invalid(X), T, TypeError, "masked"),
        (np.where(np.arange(12).reshape(2, 6) == 8, np.nan, X), T, ValueError, r"x\[1, 2\] is NaN"),
        (np.where(np.arange(12).reshape(2, 6) == 8, np.inf, X).astype("f4"), T, ValueError, r"x\[1, 2\] is inf"),
        (X, np.array([0, 3]), ValueError, r"t\[1\] is class 3, expected 0 to 2"),
        (X, np.array([-1, 1]), ValueError, r"t\[0\] is class -1"),
        (X, np.array([0, 2**64 - 1], np.uint64), ValueError, "t has a class 18446744073709551615"),
        (X, np.array([0, 1, 2]), ValueError, r"t has shape \(3,\), expected 2 classes"),
        (X, np.array([[0], [1]]), ValueError, r"t has shape \(2, 1\)"),
        (X, np.array([0.0, 1.0]), TypeError, "t: expected classes as integers, found dtype float64"),
        (X, None, ValueError, r"t has shape \(\)"),
        (X, np.array(["0", "1"]), TypeError, "t: expected classes as integers"),
        (X, np.array([True, False]), TypeError, "t: expected classes as integers, found dtype bool"),
        (X, np.array([[1, 0, 0], [0.5, 0.5, 0]]), ValueError, r"t\[1\] is \[0.5, 0.5, 0.0\], expected a one-hot row"),
        (X, np.array([[1, 0, 0], [0, 0, 0]]), ValueError, r"t\[1\] is \[0, 0, 0\]"),
        (X, np.array([[1, 0, 0], [0, np.nan, 0]]), ValueError, r"t\[1\]"),
    ],
)
def test_a_wrong_batch_is_named(net, x, t, error, words):
    for method in [net.loss, net.accuracy, net.numerical_gradient, net.gradient]:
        with pytest.raises(error, match=words):
            method(x, t)
    check(net, X, T)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"W1": np.ones((6, 5))}, ValueError, r'params\["W1"\] has shape \[6, 5\], expected \[6, 4\]'),
        ({"b2": np.ones((3, 1))}, ValueError, r'params\["b2"\] has shape \[3, 1\]'),
        ({"W2": None}, TypeError, r"params\['W2'\]: expected an array of real numbers, found None"),
        ({"W2": np.full((4, 3), np.nan)}, ValueError, r'params\["W2"\]\[0, 0\] is NaN'),
        ({"b1": np.array([0, 0, np.inf, 0])}, ValueError, r'params\["b1"\]\[2\] is inf'),
        ({"b1": np.zeros(4, complex)}, TypeError, r"params\['b1'\]"),
        ({"W3": np.zeros(4)}, ValueError, r"params has .*'W3'.*, expected \['W1', 'b1', 'W2', 'b2'\]"),
    ],
)
def test_wrong_parameters_are_named(net, change, error, words):
    right = net.params
    net.params = {**right, **change}
    for method in [net.loss, net.accuracy, net.numerical_gradient, net.gradient, lambda x, t: net.predict(x)]:
        with pytest.raises(error, match=words):
            method(X, T)
    net.params = right
    check(net, X, T)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Network([6, 3]), ValueError, "sizes: expected inputs, one or more hidden layers and classes"),
        (lambda: Network([6, 0, 3]), ValueError, "sizes is 0, expected 1"),
        (lambda: Network([6, 2.5, 3]), TypeError, "sizes: expected an integer, found 2.5"),
        (lambda: Network(6), TypeError, "sizes: expected a sequence of integers, found 6"),
        (lambda: Network("643"), TypeError, "sizes: expected"),
        (lambda: Network([6, 4, 3], "swish"), ValueError, "activation is 'swish', expected one of 'sigmoid'"),
        (lambda: Network([6, 4, 3], weight_init_std="huge"), ValueError, "weight_init_std is 'huge'"),
        (lambda: Network([6, 4, 3], weight_init_std=np.nan), ValueError, "weight_init_std is nan"),
        (lambda: Network([6, 4, 3], init="zeros"), ValueError, "init is 'zeros'"),
        (lambda: Network([6, 4, 3], threads=0), ValueError, "threads is 0, expected 1 to 1024"),
        (lambda: TwoLayerNet(6, True, 3), TypeError, "hidden_size: expected an integer, found True"),
        (lambda: TwoLayerNet(2**31 - 1, 2**31 - 1, 3), MemoryError, "the parameters of a network of 2147483647-"),
    ],
)
def test_a_wrong_network_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("h", [0, -1e-4, np.nan, np.inf])
def test_a_wrong_step_is_named(net, h):
    with pytest.raises(ValueError, match=f"h is {float(h)}, expected a positive finite number"):
        net.numerical_gradient(X, T, h)
    with pytest.raises(TypeError, match="h: expected a number"):
        net.numerical_gradient(X, T, "1e-4")
    with pytest.raises(ValueError, match="h is 1e-300, which vanishes beside the largest of the parameters"):
        net.numerical_gradient(X, T, 1e-300, "full")
    for name, slopes in net.numerical_gradient(X, T, 1e-300).items():
        np.testing.assert_allclose(slopes, net.gradient(X, T)[name], rtol=1e-9, atol=1e-15)
    with pytest.raises(ValueError, match="forward is 'fast'"):
        net.numerical_gradient(X, T, forward="fast")


def test_scores_that_overflow_are_no_accuracy():
    net = Network([6, 4, 4, 3], "relu")
    net.params["W1"][:] = net.params["W2"][:] = 1e200
    assert np.isnan(net.predict(X)).all() and np.isnan(net.loss(X, T))
    with pytest.raises(ValueError, match=r"the probabilities of x\[0\] are NaN"):
        net.accuracy(X, T)


def test_a_batch_that_no_memory_holds_is_an_exception(net):
    x = np.broadcast_to(X[0], (2**33, 6))
    t = np.broadcast_to(np.int64(0), (2**33,))
    with pytest.raises(MemoryError, match="GB"):
        net.numerical_gradient(x, t)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(1, 9), min_size=3, max_size=5),
    st.integers(1, 9),
    st.sampled_from(["sigmoid", "tanh"]),
    st.integers(0, 2**32 - 1),
)
def test_numerical_gradients_are_those_of_backpropagation(sizes, n_samples, activation, seed):
    np.random.seed(seed)
    net = Network(sizes, activation, "xavier", threads=1)
    x, t = np.random.randn(n_samples, sizes[0]), np.random.randint(0, sizes[-1], n_samples)
    numerical, backprop = net.numerical_gradient(x, t), net.gradient(x, t)
    for name in net.params:
        # The third derivatives of these losses are below 100: h²/6 of them.
        np.testing.assert_allclose(numerical[name], backprop[name], rtol=0, atol=2e-7)


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e-3, 1e3, 1e6, 1e12, 1e300])
def test_inputs_and_weights_of_any_scale(scale):
    net = TwoLayerNet(6, 4, 3, weight_init_std=1.0)
    x, t = np.random.randn(5, 6), np.array([0, 2, 1, 1, 0])
    net.params["W1"] /= scale
    check(net, x * scale, t)
    h = 1e-4
    found = net.numerical_gradient(x * scale, t, h)
    if scale < 1e-9:
        with pytest.raises(ValueError, match="h is 0.0001, which vanishes beside the largest of the parameters"):
            net.numerical_gradient(x * scale, t, h, "full")
        return
    full = net.numerical_gradient(x * scale, t, h, "full")
    for name in net.params:
        largest = abs(full[name]).max()
        np.testing.assert_allclose(found[name], full[name], rtol=1e-9, atol=1e-11 + 1e-9 * largest)


def test_the_functions_of_the_book():
    assert sigmoid(0) == 0.5 and sigmoid(np.array([-1e4, 1e4])).tolist() == [0, 1]
    assert relu([-1, 2]).tolist() == [0, 2] and np.isnan(relu(np.nan))
    assert softmax([[1000.0, 1000.0], [0.0, -1000.0]]).tolist() == [[0.5, 0.5], [1, 0]]
    assert softmax(np.ones(4, np.float32)).dtype == np.float32
    y = [[0.1, 0.9], [0.8, 0.2]]
    for t in [[1, 0], [[0, 1], [1, 0]]]:
        assert cross_entropy_error(y, t) == pytest.approx(-np.log([0.9 + 1e-7, 0.8 + 1e-7]).mean(), rel=1e-15)
    assert cross_entropy_error(y[0], 1) == cross_entropy_error(y[:1], [1]) == cross_entropy_error(y[0], [0, 1])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sigmoid("a"), TypeError, "x: expected an array of real numbers"),
        (lambda: softmax(1.0), ValueError, "x is a single number"),
        (lambda: cross_entropy_error(np.ones((2, 3)), [0]), ValueError, r"t has shape \(1,\)"),
        (lambda: cross_entropy_error(np.ones((2, 3)), [0, 3]), ValueError, r"t\[1\] is class 3"),
        (lambda: cross_entropy_error(np.ones((2, 3)), [0, -1]), ValueError, r"t\[1\] is class -1"),
        (lambda: cross_entropy_error(np.ones((0, 3)), []), ValueError, r"y has shape \(0, 3\)"),
    ],
)
def test_wrong_arguments_of_the_books_functions_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
