"""What users hand over, as arrays of the types that compute; errors that name the argument and what was found."""

import math
import operator

import numpy as np


def float_array(value, name, *, single=False):
    """Return an array of float64 (or float32 where `single` and it is one), aligned, in native byte order."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, expected one without a mask: fill it first")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected an array of numbers, found rows of different lengths ({error})") from None
    if array.dtype.kind not in "fiu":
        found = "None" if value is None else f"{type(value).__name__} of dtype {array.dtype}"
        raise TypeError(f"{name}: expected an array of real numbers, found {found}")
    dtype = np.float32 if single and array.dtype in (np.float32, np.float16) else np.float64
    return np.require(array, dtype, "A")


def batch(x, n_inputs):
    """Return inputs as (N, D), and whether they were of one sample alone, (D,)."""
    if type(x) is not np.ndarray or x.dtype != np.float32 and x.dtype != np.float64 or not x.flags.aligned:
        x = float_array(x, "x", single=True)
    is_one = x.ndim == 1
    if is_one:
        x = x[np.newaxis]
    if x.ndim != 2 or x.shape[1] != n_inputs or len(x) == 0:
        found = x.shape[1:] if is_one else x.shape
        raise ValueError(f"x has shape {found}, expected (N, {n_inputs}) with N > 0, or ({n_inputs},) for one sample")
    return x, is_one


def labels(t, n_samples, n_classes, is_one):
    """Return right answers, classes or one-hot rows, as N classes."""
    if isinstance(t, np.ma.MaskedArray):
        raise TypeError("t is a masked array, expected one without a mask")
    array = np.asarray(t)
    if is_one and array.ndim < 2:
        array = array[np.newaxis] if array.shape != (1,) or n_classes == 1 else array
    if array.ndim == 2 and array.shape == (n_samples, n_classes):
        return _classes_of_one_hot(array)
    if array.shape != (n_samples,):
        raise ValueError(
            f"t has shape {np.shape(t)}, expected {n_samples} classes as ({n_samples},), or one-hot rows as "
            f"({n_samples}, {n_classes})"
        )
    if array.dtype.kind not in "iu":
        raise TypeError(f"t: expected classes as integers, found dtype {array.dtype}")
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"t has a class {array.max()}, expected 0 to {n_classes - 1}")
    return np.require(array, np.int64, "A")


def _classes_of_one_hot(rows):
    if rows.dtype.kind not in "fiub":
        raise TypeError(f"t: expected one-hot rows of numbers, found dtype {rows.dtype}")
    classes = rows.argmax(axis=1)
    is_one_hot = (np.count_nonzero(rows, axis=1) == 1) & (rows[np.arange(len(rows)), classes] == 1)
    if not is_one_hot.all():
        n = int(np.argmin(is_one_hot))
        raise ValueError(f"t[{n}] is {rows[n].tolist()}, expected a one-hot row: one 1, the others 0")
    return classes.astype(np.int64, copy=False)


def positive(value, name):
    """Return a number that is positive and finite."""
    number = real(value, name)
    if not (number > 0 and math.isfinite(number)):
        raise ValueError(f"{name} is {number}, expected a positive finite number")
    return number


def real(value, name):
    """Return a number as a float."""
    if type(value) is float:
        return value
    if isinstance(value, (bool, np.bool_, str, bytes)) or np.ndim(value) != 0:
        raise TypeError(f"{name}: expected a number, found {value!r}")
    if np.iscomplexobj(value):
        raise TypeError(f"{name}: expected a real number, found {value!r}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, found {value!r}") from None
    except OverflowError:
        raise ValueError(f"{name} is too large for a float") from None


def count(value, name, least=1, most=2**31 - 1):
    """Return an integer from `least` to `most`."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected an integer, found {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, found {value!r}") from None
    if not least <= number <= most:
        raise ValueError(f"{name} is {number}, expected {least} to {most}")
    return number


def one_of(value, name, choices):
    """Return a value that has to be one of some strings."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(map(repr, choices))}")
    return value


def n_threads(value):
    """Return how many threads: 0 for one for each core."""
    return 0 if value is None else count(value, "threads", 1, 1024)
