"""`numerical_gradient`, which moves the array that it is given, as the book's."""

import numpy as np
import pytest

from numgrad_rs import numerical_gradient


def books(f, x):
    """The book's own function."""
    h = 1e-4
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        idx = it.multi_index
        tmp_val = x[idx]
        x[idx] = tmp_val + h
        fxh1 = f(x)
        x[idx] = tmp_val - h
        fxh2 = f(x)
        grad[idx] = (fxh1 - fxh2) / (2 * h)
        x[idx] = tmp_val
        it.iternext()
    return grad


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0), (2, 1, 2)])
def test_it_has_the_bits_of_the_books(shape):
    x = np.random.randn(*shape)
    x = np.array(x)
    f = lambda x: np.sum(np.sin(x) * np.arange(x.size).reshape(shape))
    np.testing.assert_array_equal(numerical_gradient(f, x), books(f, x) if x.size else np.zeros(shape))


def test_a_function_that_ignores_its_argument_sees_the_moves():
    w = np.random.randn(3, 2)
    before = w.copy()
    found = numerical_gradient(lambda _: np.sum(w**2), w)
    np.testing.assert_allclose(found, 2 * w, rtol=1e-8)
    np.testing.assert_array_equal(w, before)
    found = numerical_gradient(lambda _: np.sum(w**2), w.T[::-1])
    np.testing.assert_allclose(found, 2 * w.T[::-1], rtol=1e-8)


def test_the_array_is_restored_when_the_function_fails():
    w = np.ones(3)

    def f(w):
        if w[1] > 1:
            raise KeyError("mine")
        return w.sum()

    with pytest.raises(KeyError, match="mine"):
        numerical_gradient(f, w)
    np.testing.assert_array_equal(w, np.ones(3))


@pytest.mark.parametrize(
    ("f", "x", "error", "words"),
    [
        (np.sum, [1.0, 2.0], TypeError, "found list"),
        (np.sum, np.ones(2, np.float32), TypeError, "found an array of float32"),
        (np.sum, np.arange(2), TypeError, "found an array of int64"),
        (np.sum, np.ones(2, object), TypeError, "found an array of object"),
        (np.sum, np.broadcast_to(1.0, 3), ValueError, "read-only"),
        (3, np.ones(2), TypeError, "f: expected a function"),
        (lambda x: None, np.ones(2), TypeError, "the value of f: expected a number, found None"),
        (lambda x: x, np.ones(2), TypeError, "the value of f: expected a number"),
        (lambda x: 1j, np.ones(2), TypeError, "the value of f: expected a real number"),
        (lambda x: "1", np.ones(2), TypeError, "the value of f: expected a number"),
    ],
)
def test_what_is_wrong_is_named(f, x, error, words):
    with pytest.raises(error, match=words):
        numerical_gradient(f, x)
