"""The functions of the book: chapters 3 and 4 of "Deep Learning from Scratch"."""

import numpy as np

from . import _checked


def sigmoid(x):
    """The logistic sigmoid of every element, ``1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : array_like
        Numbers of any shape.

    Returns
    -------
    numpy.ndarray or numpy.floating
        Numbers from 0 to 1, of the same shape. No warning is given where ``exp`` overflows: the result is then exactly 0.
    """
    x = _floats(x, "x")
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def relu(x):
    """The rectifier of every element, ``max(0, x)``.

    Parameters
    ----------
    x : array_like
        Numbers of any shape.

    Returns
    -------
    numpy.ndarray or numpy.floating
        Numbers of the same shape. NaN stays NaN.
    """
    return np.maximum(0, _floats(x, "x"))


def softmax(x):
    """The probabilities that belong to scores, along the last axis.

    ``exp(x_k - max x) / sum_m exp(x_m - max x)``: the maximum is subtracted first, so that no score overflows.

    Parameters
    ----------
    x : array_like
        Scores of one sample (K,) or of many (N, K).

    Returns
    -------
    numpy.ndarray
        Probabilities of the same shape; each row sums to 1.

    Raises
    ------
    ValueError
        If `x` is a single number.
    """
    x = np.asarray(_floats(x, "x"))
    if x.ndim == 0:
        raise ValueError("x is a single number, expected scores of shape (K,) or (N, K)")
    e = np.exp(x - x.max(axis=-1, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=-1, keepdims=True)


def cross_entropy_error(y, t):
    """The cross-entropy of probabilities against the right answers, mean over the batch.

    ``-1/N sum_n log(y[n, t_n] + 1e-7)``, with the book's 1e-7, which keeps a probability of 0 from costing infinity.

    Parameters
    ----------
    y : array_like
        Probabilities of one sample (K,) or of many (N, K).
    t : array_like
        The right answers: classes (N,) or one-hot rows (N, K); of one sample a class or a one-hot row (K,).

    Returns
    -------
    float
        The error, in nats.

    Raises
    ------
    ValueError
        If the shapes disagree, a class is not below K, or a row is not one-hot.
    TypeError
        If classes are not integers.
    """
    y = np.asarray(_floats(y, "y"))
    is_one = y.ndim == 1
    if is_one:
        y = y[np.newaxis]
    if y.ndim != 2 or y.size == 0:
        raise ValueError(f"y has shape {y.shape}, expected (N, K) or (K,) and at least one probability")
    n_samples, n_classes = y.shape
    classes = _checked.labels(t, n_samples, n_classes, is_one)
    if classes.min() < 0 or classes.max() >= n_classes:
        n = int(np.argmax((classes < 0) | (classes >= n_classes)))
        raise ValueError(f"t[{n}] is class {classes[n]}, expected 0 to {n_classes - 1}")
    return float(-np.sum(np.log(y[np.arange(n_samples), classes] + 1e-7)) / n_samples)


def numerical_gradient(f, x):
    """The book's numerical gradient: central differences with h = 1e-4, moving `x` in place.

    The book's `f` ignores its argument and reads the array that was handed over here, so each element of `x` itself is
    moved by h and by -h, and restored. For functions of their argument there is `gradient`, which has more digits.

    Parameters
    ----------
    f : callable
        Called as ``f(x)``, returns one number.
    x : numpy.ndarray
        An array of float64, of any shape, that can be written to.

    Returns
    -------
    numpy.ndarray
        The gradient, ``(f(x + h) - f(x - h)) / 2h`` for each element, of the shape of `x`.

    Raises
    ------
    TypeError
        If `x` is no array of float64: in others a move by 1e-4 is lost or rounded. If `f` does not return a number.
    ValueError
        If `x` is read-only, or elements of it share memory.
    """
    if not callable(f):
        raise TypeError(f"f: expected a function, found {f!r}")
    if not isinstance(x, np.ndarray) or isinstance(x, np.ma.MaskedArray) or x.dtype != np.float64:
        found = f"an array of {x.dtype}" if isinstance(x, np.ndarray) else f"{type(x).__name__}"
        raise TypeError(f"x: expected an array of float64, whose elements are moved by 1e-4; found {found}")
    if not x.flags.writeable:
        raise ValueError("x is read-only, but its elements are moved while f is evaluated")
    if x.size > 0 and any(n > 1 and s == 0 for n, s in zip(x.shape, x.strides)):
        raise ValueError("x is a broadcast array, whose elements share memory; copy it first")
    h = 1e-4
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        before = x[index]
        try:
            x[index] = before + h
            above = _checked.real(_one(f(x)), "the value of f")
            x[index] = before - h
            below = _checked.real(_one(f(x)), "the value of f")
        finally:
            x[index] = before
        gradient[index] = (above - below) / (2 * h)
    return gradient


def _one(value):
    """The number in an array that holds one."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def _floats(x, name):
    """An array or scalar of floats, of the precision that it has."""
    if isinstance(x, np.ndarray) and x.dtype.kind == "f":
        return x
    array = np.asarray(x)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected an array of real numbers, found dtype {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)
