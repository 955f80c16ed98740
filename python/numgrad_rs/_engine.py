"""Derivatives of any Python function of an array, by the engine of the crate."""

import functools
import sys
import warnings
from typing import NamedTuple

import numpy as np

from . import _checked
from ._core import Derivative
from ._errors import DerivativeError, LowPrecision, Stopped
from ._workers import Recorded

_STENCILS = ("forward", "backward", "central", "five-point")
_RULES = ("error", "shorten", "nan", "propagate")
_SCALE = """It is right where `f` changes its shape when an element of `x` changes by about ``max(1, |x|)``. Where it does so over
    much less, 1e-9 say, the result is finite and wrong without a sign: say over how much by `scale`, or ask `estimate`, which
    takes more evaluations and tells whether it converged."""
_COMMON = """scale : float or array_like, optional
        By how much a coordinate has to change for `f` to change its shape. By default ``max(1, |x|)``, which is wrong, and
        gives finite wrong numbers, where `f` lives on a much smaller scale: say it there.
    bounds : (lower, upper) or scipy.optimize.Bounds, optional
        `f` is not evaluated outside. Each is a number or an array.
    precision : float, optional
        How exact the values of `f` are, relatively. By default what their type can be: 2.2e-16, or 1.2e-7 for float32.
    threads : int
        How many threads call `f`, on Python without a global lock. With one, `f` is called by one thread whatever is said
        here, with a warning.
    non_finite : {"error", "shorten", "nan", "propagate"}
        What happens where `f` is NaN or infinite: an exception, shorter steps, NaN for that coordinate, or no check at all.
    budget : int, optional
        How many evaluations there may be.
    progress : bool or callable
        True shows a bar where tqdm is installed. A callable is called as ``progress(n_done, n_total)`` some times a second.
    workers : callable, optional
        Like ``multiprocessing.Pool.map`` or an executor's ``map``: ``workers(f, points)`` returns the values in order. All
        evaluations that can be made at once are handed to it, and `f` is evaluated at `x` too."""
_STEPS = """stencil : {"central", "forward", "backward", "five-point"}, int or sequence of float
        Where `f` is evaluated: an int is the order of a central stencil, a sequence has points in steps from `x`.
    step : float or array_like, optional
        The step, or one for each coordinate. By default it fits stencil, precision and scale.
    rel_step : float, optional
        The step in units of the scale, in place of `step`.
    """
_ERRORS = """Raises
    ------
    DerivativeError
        If `f` or `x` is NaN or infinite, or a step vanishes beside `x`: a ValueError that names the coordinate.
    Stopped
        If the budget runs out; it has what was computed.
    TypeError, ValueError
        If an argument, or what `f` returns, is of a wrong type or shape. Exceptions of `f` come through as they are."""


def _documented(function):
    # Without docstrings (-OO) there is nothing to complete.
    for word, text in (("{scale}", _SCALE), ("{steps}", _STEPS), ("{common}", _COMMON), ("{errors}", _ERRORS)):
        function.__doc__ = function.__doc__ and function.__doc__.replace(word, text)
    return function


class _At:
    """A function at a point, with settings that have been looked at."""

    def __init__(self, f, x, options, *, stencil="central", step=None, rel_step=None):
        if not callable(f):
            raise TypeError(f"f: expected a function, found {f!r}")
        self.f = f
        self.is_number = isinstance(x, (int, float)) and not isinstance(x, (bool, np.generic))
        self.x = np.array(_checked.float_array(x, "x"), order="C")
        self.options = options
        if step is not None and rel_step is not None:
            raise ValueError("step and rel_step are both given, expected one of them")
        precision = options["precision"]
        if precision is not None:
            precision = _checked.positive(precision, "precision")
            if precision >= 1:
                raise ValueError(f"precision is {precision}, expected a relative precision below 1")
        budget = options["budget"]
        self.settings = {
            "stencil": _stencil(stencil),
            "step": None if step is None else self._step(step),
            "rel_step": None if rel_step is None else _checked.positive(rel_step, "rel_step"),
            "scale": None if options["scale"] is None else self._positive_each(options["scale"], "scale"),
            "bounds": None if options["bounds"] is None else self._bounds(options["bounds"]),
            "precision": precision,
            "non_finite": _checked.one_of(options["non_finite"], "non_finite", _RULES),
            "budget": None if budget is None else _checked.count(budget, "budget", 0, 2**63 - 1),
            "n_threads": _threads(options["threads"]),
        }
        if options["workers"] is not None and not callable(options["workers"]):
            raise TypeError(f"workers: expected a function like map, found {options['workers']!r}")

    def ask(self, what, *arguments):
        """What the engine answers. Values of lower precision, which become known with the first one, make steps longer."""
        try:
            try:
                return self._ask(self.settings, what, *arguments)
            except LowPrecision as low:
                return self._ask({**self.settings, "precision": low.args[0]}, what, *arguments)
        except DerivativeError as error:
            if error.coordinate is None or self.x.ndim == 1:
                raise
            index = ", ".join(str(int(i)) for i in np.unravel_index(error.coordinate, self.x.shape))
            place = f"coordinate {error.coordinate} is x[{index}]" if index else "coordinate 0 is x"
            raise DerivativeError(f"{error} ({place})", error.coordinate) from None
        except Stopped as stopped:
            values, n = np.array(stopped.values), max(1, self.x.size)
            if len(values) == self.x.size and what in ("gradient", "value_and_gradient"):
                values = values.reshape(self.x.shape)
            elif len(values) % n == 0:
                values = values.reshape(-1, n)
            raise Stopped(str(stopped), values, np.array(stopped.done)) from None

    def _ask(self, settings, what, *arguments):
        workers = self.options["workers"]
        with _progress(self.options["progress"]) as progress:
            told = {**settings, "progress": progress}
            if workers is None:
                return self._derivative(self.f, told, what, *arguments)
            recorded = Recorded(self.f, workers, self._argument())
            skipping = {**settings, "non_finite": "nan", "progress": None}
            while True:
                try:
                    self._derivative(recorded, skipping, what, *arguments)
                except (DerivativeError, Stopped):
                    pass
                if not recorded.fetch():
                    break
            recorded.is_recording = False
            return self._derivative(recorded, told, what, *arguments)

    def _derivative(self, f, settings, what, *arguments):
        is_told = settings["precision"] is not None
        number = functools.partial(_number, is_told)
        array = functools.partial(_array, is_told)
        shape = None if self.is_number else self.x.shape
        derivative = Derivative(f, self.x.reshape(-1), shape, settings, number, array)
        answer = getattr(derivative, what)(*arguments)
        # Estimates tell of it themselves.
        if not is_told and what not in ("estimates", "check_gradient", "check_jacobian") and derivative.looks_coarse():
            warnings.warn(
                "all values of f are exact in single precision, though x was not: if f computes in single precision or rounds, "
                "this derivative is wrong; say so by precision=1.2e-7 or what it is, or use estimate, which tells",
                RuntimeWarning,
                stacklevel=5,
            )
        return answer

    def _argument(self):
        return float(self.x) if self.is_number else self.x.copy()

    def value(self):
        """The values of `f` at the point, as an array."""
        return _array(True, self.f(self._argument()))

    def _each(self, value, name):
        """A number for each coordinate, in order."""
        array = _checked.float_array(value, name)
        try:
            return np.broadcast_to(array, self.x.shape).reshape(-1)
        except ValueError:
            raise ValueError(f"{name} has shape {array.shape}, expected {self.x.shape} as x, or a number") from None

    def _positive_each(self, value, name):
        array = self._each(value, name)
        wrong = ~((array > 0) & np.isfinite(array))
        if wrong.any():
            raise ValueError(f"{name} has {array[wrong][0]}, expected positive finite numbers")
        return array.tolist()

    def _step(self, step):
        return _checked.positive(step, "step") if np.ndim(step) == 0 else self._positive_each(step, "step")

    def _bounds(self, bounds):
        if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
            bounds = (bounds.lb, bounds.ub)
        # A list would be one of pairs, as `scipy.optimize.minimize` takes them, which for two coordinates looks the same.
        if not isinstance(bounds, tuple) or len(bounds) != 2:
            raise ValueError(
                f"bounds: expected a tuple (lower, upper), or scipy.optimize.Bounds, found {bounds!r}; a list of pairs "
                "becomes one by tuple(zip(*pairs))"
            )
        lower, upper = bounds
        lower = self._each(-np.inf if lower is None else lower, "the lower bound")
        upper = self._each(np.inf if upper is None else upper, "the upper bound")
        for i in range(self.x.size):
            if not lower[i] <= upper[i]:
                raise ValueError(f"the bounds of coordinate {i} are {lower[i]} and {upper[i]}, expected lower <= upper")
        return lower.tolist(), upper.tolist()


class _progress:
    """What the engine calls to tell of progress: the user's, or a bar that is closed at the end."""

    def __init__(self, progress):
        if not isinstance(progress, (bool, np.bool_)) and not callable(progress):
            raise TypeError(f"progress: expected a bool or a function, found {progress!r}")
        self._progress, self._bar = progress, None

    def __enter__(self):
        if callable(self._progress):
            return self._progress
        if self._progress:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return None
            self._bar = tqdm(desc="derivative")
            return self._advance
        return None

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def _advance(self, n_done, n_total):
        self._bar.total = n_total
        self._bar.update(n_done - self._bar.n)


def _stencil(stencil):
    if isinstance(stencil, str):
        return _checked.one_of(stencil, "stencil", _STENCILS)
    if np.ndim(stencil) == 0:
        order = _checked.count(stencil, "stencil", 2, 40)
        if order % 2:
            raise ValueError(f"stencil is {order}, expected an even order")
        return order
    points = _checked.float_array(stencil, "stencil")
    if points.ndim != 1 or len(points) < 2 or len(points) > 21 or not np.isfinite(points).all():
        raise ValueError(f"stencil is {stencil!r}, expected 2 to 21 finite points, in steps from x")
    gaps = np.diff(np.sort(points))
    if gaps.min() < 1e-6 * max(1.0, abs(points).max()) or abs(points).max() < 1e-3 or abs(points).max() > 1e6:
        raise ValueError(f"stencil is {stencil!r}, expected points that differ, and are some steps apart")
    return points.tolist()


def _threads(threads):
    n = _checked.count(threads, "threads", 1, 1024)
    if n > 1 and getattr(sys, "_is_gil_enabled", lambda: True)():
        warnings.warn(
            f"threads={n} without effect: several threads of this Python take turns, which is slower than one; "
            "`workers` takes processes",
            RuntimeWarning,
            stacklevel=4,
        )
        return 1
    return n


def _number(is_precision_told, value):
    """A value of `f` that is no Python float, as one."""
    array = _array(is_precision_told, value)
    if array.size != 1:
        raise ValueError(f"f returned an array of shape {array.shape}, expected one number (jacobian takes arrays)")
    return float(array.reshape(()))


def _array(is_precision_told, value):
    """What `f` returned, as an array of float64."""
    if type(value) is np.ndarray and value.dtype == np.float64 and value.flags.aligned:
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError("f returned a masked array, expected numbers without a mask")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"f returned {type(value).__name__}, expected numbers ({error})") from None
    if array.dtype.kind == "O" and array.ndim == 0 and hasattr(value, "__float__"):
        array = np.asarray(float(value))
    if array.dtype.kind not in "fiu":
        found = "None" if value is None else f"{type(value).__name__} of dtype {array.dtype}"
        raise TypeError(f"f returned {found}, expected real numbers")
    if array.dtype.kind == "f" and array.dtype.itemsize < 8 and not is_precision_told:
        raise LowPrecision(float(np.finfo(array.dtype).eps))
    return np.require(array, np.float64, "A")


@_documented
def gradient(
    f,
    x,
    *,
    stencil="central",
    step=None,
    rel_step=None,
    scale=None,
    bounds=None,
    precision=None,
    threads=1,
    non_finite="error",
    budget=None,
    progress=False,
    workers=None,
):
    """The gradient of a function of one value.

    {scale}

    Parameters
    ----------
    f : callable
        Called as ``f(x)`` with an array of float64 of the shape of `x`, its own for every call; returns one number.
    x : array_like
        The point, of any shape.
    {steps}{common}

    Returns
    -------
    numpy.ndarray
        The partial derivative by each element, of the shape of `x`. About 10 digits are right for a smooth function.

    {errors}

    Notes
    -----
    Costs two evaluations a coordinate with the central stencil, one with the forward one, four with five points.

    Examples
    --------
    >>> import numpy as np
    >>> from numgrad_rs import gradient
    >>> gradient(lambda x: x[0] ** 2 + np.sin(x[1]), [3.0, 0.0]).round(9)
    array([6., 1.])
    """
    at = _At(f, x, _options(locals()), stencil=stencil, step=step, rel_step=rel_step)
    return at.ask("gradient").reshape(at.x.shape)[()]


@_documented
def value_and_gradient(
    f,
    x,
    *,
    stencil="central",
    step=None,
    rel_step=None,
    scale=None,
    bounds=None,
    precision=None,
    threads=1,
    non_finite="error",
    budget=None,
    progress=False,
    workers=None,
):
    """The value and the gradient of a function, as ``scipy.optimize.minimize(..., jac=True)`` wants them.

    {scale}

    Parameters
    ----------
    f : callable
        Called as ``f(x)``, returns one number.
    x : array_like
        The point, of any shape.
    {steps}{common}

    Returns
    -------
    value : float
        ``f(x)``.
    gradient : numpy.ndarray
        Of the shape of `x`.

    {errors}
    """
    at = _At(f, x, _options(locals()), stencil=stencil, step=step, rel_step=rel_step)
    value, slopes = at.ask("value_and_gradient")
    return value, slopes.reshape(at.x.shape)[()]


@_documented
def jacobian(
    f,
    x,
    *,
    stencil="central",
    step=None,
    rel_step=None,
    scale=None,
    bounds=None,
    precision=None,
    threads=1,
    non_finite="error",
    budget=None,
    progress=False,
    workers=None,
):
    """The Jacobian of a function of many values.

    {scale}

    Parameters
    ----------
    f : callable
        Called as ``f(x)``, returns an array of any shape, always the same.
    x : array_like
        The point, of any shape.
    {steps}{common}

    Returns
    -------
    numpy.ndarray
        ``J[i, j]``, the derivative of value i by coordinate j, of the shape of the values followed by that of `x`.

    {errors}
    """
    at = _At(f, x, _options(locals()), stencil=stencil, step=step, rel_step=rel_step)
    found, shape = at.ask("jacobian")
    return found.reshape(tuple(shape if shape is not None else found.shape[:1]) + at.x.shape)[()]


@_documented
def sparse_jacobian(
    f,
    x,
    pattern,
    *,
    check=True,
    stencil="central",
    step=None,
    rel_step=None,
    scale=None,
    bounds=None,
    precision=None,
    threads=1,
    non_finite="error",
    budget=None,
    progress=False,
    workers=None,
):
    """The Jacobian of a function whose values depend on few coordinates each.

    {scale}

    Columns that share no row are moved together: a tridiagonal Jacobian of any size costs 6 evaluations, and two for the check
    of the pattern.

    Parameters
    ----------
    f : callable
        Called as ``f(x)``, returns m values in a row.
    x : array_like
        The point: n numbers.
    pattern : SciPy sparse matrix or array_like
        Of shape (m, n), with an entry wherever the Jacobian may be other than 0.
    check : bool
        Whether the product with a random vector is compared with the derivative along it: an entry that the pattern leaves out
        is added to others, which nobody would see.
    {steps}{common}

    Returns
    -------
    scipy.sparse.csr_array
        Of shape (m, n).

    {errors}
    DerivativeError
        If the pattern leaves out an entry.
    """
    from scipy import sparse

    at = _At(f, x, _options(locals()), stencil=stencil, step=step, rel_step=rel_step)
    if not sparse.issparse(pattern):
        pattern = np.asarray(pattern) != 0
    if len(pattern.shape) != 2 or pattern.shape[1:] != at.x.shape:
        raise ValueError(f"pattern has shape {pattern.shape} for x of {at.x.shape}, expected (m, n) for x of (n,)")
    entries = sparse.coo_array(pattern)
    rows, columns = (np.ascontiguousarray(index, np.int64) for index in (entries.row, entries.col))
    rows, columns, values = at.ask("sparse_jacobian", pattern.shape[0], rows, columns, bool(check))
    return sparse.csr_array((values, (rows, columns)), shape=pattern.shape)


@_documented
def hessian(
    f,
    x,
    *,
    stencil="central",
    step=None,
    rel_step=None,
    scale=None,
    bounds=None,
    precision=None,
    threads=1,
    non_finite="error",
    budget=None,
    progress=False,
    workers=None,
):
    """The Hessian of a function of one value.

    {scale}

    Parameters
    ----------
    f : callable
        Called as ``f(x)``, returns one number.
    x : array_like
        The point, of any shape.
    {steps}{common}

    Returns
    -------
    numpy.ndarray
        ``H[i, j]``, the second derivative by coordinates i and j, symmetric; its shape is twice that of `x`. About 7 digits
        are right. The Jacobian of a gradient has 10.

    {errors}

    Notes
    -----
    Costs ``2 n**2 + 1`` evaluations with the central stencil.
    """
    at = _At(f, x, _options(locals()), stencil=stencil, step=step, rel_step=rel_step)
    return at.ask("hessian").reshape(at.x.shape + at.x.shape)[()]


@_documented
def directional(
    f,
    x,
    v,
    *,
    stencil="central",
    step=None,
    rel_step=None,
    scale=None,
    bounds=None,
    precision=None,
    threads=1,
    non_finite="error",
    budget=None,
    progress=False,
    workers=None,
):
    """The derivative along a direction, ``d/ds f(x + s v)`` at s = 0: the product of the Jacobian and v.

    {scale}

    Costs one stencil, two evaluations for the central one, however many coordinates there are.

    Parameters
    ----------
    f : callable
        Called as ``f(x)``, returns a number or an array of any shape.
    x, v : array_like
        The point and the direction, of the same shape.
    {steps}{common}

    Returns
    -------
    float or numpy.ndarray
        Of the shape of the values.

    {errors}
    """
    at = _At(f, x, _options(locals()), stencil=stencil, step=step, rel_step=rel_step)
    direction = _checked.float_array(v, "v")
    if direction.shape != at.x.shape:
        raise ValueError(f"v has shape {direction.shape}, expected {at.x.shape} as x")
    found, shape = at.ask("directional", np.array(direction, order="C").reshape(-1))
    return found.reshape(shape if shape is not None else found.shape)[()]


class Estimate(NamedTuple):
    """Derivatives, and how far each can be trusted."""

    value: object
    error: object
    converged: object
    n_evaluations: object


@_documented
def estimate(
    f,
    x,
    *,
    scale=None,
    bounds=None,
    precision=None,
    threads=1,
    non_finite="error",
    budget=None,
    progress=False,
    workers=None,
):
    """Derivatives by extrapolation, each with an estimate of its error: 12 to 15 digits.

    Parameters
    ----------
    f : callable
        Called as ``f(x)``, returns a number or an array of any shape.
    x : array_like
        The point, of any shape.
    {common}

    Returns
    -------
    Estimate
        The derivatives `value`, about how far they are off at most (`error`), whether that is little (`converged`: at a kink
        it is not), and how many evaluations each has cost (`n_evaluations`). The shape of each is that of the values of `f`
        followed by that of `x`.

    {errors}

    Notes
    -----
    Costs 8 to 14 evaluations a coordinate, mostly, and 48 at most.
    """
    at = _At(f, x, _options(locals()))
    *found, shape = at.ask("estimates")
    shape = tuple(shape if shape is not None else found[0].shape[:1]) + at.x.shape
    return Estimate(*(array.reshape(shape)[()] for array in found))


class Comparison(NamedTuple):
    """A derivative that somebody derived, and the numerical one, of a coordinate or along a direction: its `number`.

    Of a Jacobian `row` is the number of the value."""

    row: object
    number: int
    analytic: float
    numerical: float
    numerical_error: float


class Check:
    """What `check_gradient` found. Printed, it is a table of the worst ten; in an assertion, whether all agree to 1e-6."""

    def __init__(self, report):
        self._report = report

    @property
    def comparisons(self):
        """All comparisons, a list of `Comparison`."""
        return [Comparison(*comparison) for comparison in self._report.comparisons()]

    def agreement(self, rel=1e-6):
        """"agrees", "differs", or "undetermined" where the numerical derivatives are not known to `rel`."""
        return self._report.agreement(_checked.positive(rel, "rel"))

    def passes(self, rel=1e-6):
        """Whether every derivative agrees to `rel` of itself."""
        return self.agreement(rel) == "agrees"

    def __bool__(self):
        return self.passes()

    def __repr__(self):
        return self._report.table(6)


@_documented
def check_gradient(
    f,
    gradient,
    x,
    *,
    coordinates=None,
    directions=None,
    seed=0,
    scale=None,
    bounds=None,
    precision=None,
    threads=1,
    non_finite="error",
    budget=None,
    progress=False,
    workers=None,
):
    """Compare a gradient, or a Jacobian, that somebody derived with numerical ones.

    Parameters
    ----------
    f : callable
        Called as ``f(x)``, returns a number or an array of any shape.
    gradient : callable or array_like
        The derivatives, or a function of `x` that returns them: of the shape of the values of `f` followed by that of `x`.
    x : array_like
        The point, of any shape.
    coordinates : int, optional
        Compare this many coordinates, chosen by chance, in place of all.
    directions : int, optional
        Compare derivatives along this many random directions, each of which sees every coordinate.
    seed : int
        Where the random numbers begin.
    {common}

    Returns
    -------
    Check
        Prints as a table, and is true where all derivatives agree to 1e-6: ``assert check_gradient(f, gradient, x)``.

    {errors}
    """
    at = _At(f, x, _options(locals()))
    value = at.value()
    found = gradient(at._argument()) if callable(gradient) else gradient
    slopes = _checked.float_array(found, "gradient")
    expected = value.shape + at.x.shape
    if slopes.shape != expected and not (value.size == 1 and slopes.shape == at.x.shape):
        raise ValueError(f"the gradient has shape {slopes.shape}, expected {expected}")
    if coordinates is not None and directions is not None:
        raise ValueError("coordinates and directions are both given, expected one of them")
    seed = _checked.count(seed, "seed", 0, 2**63 - 1)
    sample = ("all", 0, seed)
    if coordinates is not None:
        sample = ("coordinates", _checked.count(coordinates, "coordinates"), seed)
    if directions is not None:
        sample = ("directions", _checked.count(directions, "directions"), seed)
    slopes = np.array(slopes, order="C")
    if value.size == 1:
        return Check(at.ask("check_gradient", slopes.reshape(-1), sample))
    return Check(at.ask("check_jacobian", slopes.reshape(value.size, at.x.size), sample))


class _With:
    """A function with further arguments, which can be sent to other processes where it can."""

    def __init__(self, f, args, kwargs):
        self._f, self._args, self._kwargs = f, args, kwargs

    def __call__(self, x):
        return self._f(x, *self._args, **self._kwargs)


def differentiate(f, **options):
    """A function that computes the derivative of `f`: ``minimize(f, x0, jac=differentiate(f))``.

    It is wrong without a sign, as `gradient` and `jacobian` are, where `f` changes its shape over much less than
    ``max(1, |x|)`` and no `scale` says so.

    Parameters
    ----------
    f : callable
        Called as ``f(x, *args, **kwargs)``, returns a number, or an array as for ``least_squares``.
    **options
        Those of `jacobian`.

    Returns
    -------
    callable
        ``derivative(x, *args, **kwargs)`` is the gradient or the Jacobian of `f` there, with the same further arguments.

    Raises
    ------
    TypeError
        If there is no such option.

    Examples
    --------
    >>> from scipy.optimize import minimize, rosen
    >>> from numgrad_rs import differentiate
    >>> minimize(rosen, [-1.0, 2.0], jac=differentiate(rosen), method="BFGS").x.round(4)
    array([1., 1.])
    """
    if not callable(f):
        raise TypeError(f"f: expected a function, found {f!r}")
    unknown = set(options) - set(jacobian.__kwdefaults__)
    if unknown:
        raise TypeError(f"differentiate has no option {sorted(unknown)[0]!r}; there are {sorted(jacobian.__kwdefaults__)}")

    def derivative(x, *args, **kwargs):
        return jacobian(_With(f, args, kwargs) if args or kwargs else f, x, **options)

    return derivative


_NAMES = ("scale", "bounds", "precision", "threads", "non_finite", "budget", "progress", "workers")


def _options(arguments):
    """The options that all derivatives have, of the arguments of one."""
    return {name: arguments[name] for name in _NAMES}
