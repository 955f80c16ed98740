"""Derivatives of Python functions: known values, SciPy, every option, and what is wrong."""

import math
import multiprocessing
import os
import re
import signal
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import optimize, sparse

import numgrad_rs as ng

E = math.exp(0.5)
# Function, point, derivative; the relative errors of forward, central and extrapolated differences.
KNOWN = {
    "sinh": (np.sinh, 1.0, 1.5430806348152438, 1e-6, 1e-9, 1e-12),
    "three values": (
        lambda x: np.array([x**2, np.tan(x), np.exp(x)]),
        0.5,
        [1, 1.2984464104095248, 1.6487212707001281],
        1e-6,
        1e-9,
        1e-12,
    ),
    "large": (lambda x: x**2, 1e9, 2e9, 1e-6, 1e-9, 1e-12),
    "larger": (lambda x: x**2, 1e11, 2e11, 1e-6, 1e-9, 1e-12),
    "waves": (
        lambda x: np.sin(x[0] * x[1]) * np.log(x[0]),
        [100, -0.5],
        [-2.2192926439145683, 444.38327849032152],
        1e-6,
        1e-7,
        1e-10,
    ),
    "matrix": (
        lambda x: np.array([x[0] * np.sin(x[1]), x[1] * np.cos(x[0]), x[0] ** 3 / np.sqrt(x[1])]),
        [-100, 0.2],
        [
            [0.19866933079506122, -98.006657784124163],
            [-0.10127312822195176, 0.86231887228768393],
            [67082.039324993691, 5590169.9437494742],
        ],
        1e-5,
        1e-6,
        1e-9,
    ),
    "product": (
        lambda x: x[0] * x[1] * x[2] + np.exp(x[0]) * x[1],
        [3, 5, 7],
        [135.42768461593834, 41.085536923187668, 15],
        1e-6,
        1e-9,
        1e-12,
    ),
    "quotient": (
        lambda x: 1 / (np.exp(x[0]) + np.cos(x[1]) + 10),
        [1, 2],
        [-0.017961123762187736, 0.0060082083648821996],
        1e-6,
        1e-9,
        1e-12,
    ),
    "banana": (lambda x: (1 - x[0]) ** 2 + 105 * (x[1] - x[0] ** 2) ** 2, [2, 3], [842, -210], 1e-6, 1e-8, 1e-11),
    "rosen": (optimize.rosen, [0.5, 0.5, 0.5], [-51, -1, 50], 5e-6, 1e-8, 1e-11),
    "sin": (np.sin, 0.0, 1.0, 1e-7, 1e-11, 1e-14),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_derivatives(name):
    f, x, exact, forward, central, adaptive = KNOWN[name]
    for stencil, rtol in [("forward", forward), ("central", central)]:
        np.testing.assert_allclose(ng.jacobian(f, x, stencil=stencil), exact, rtol=rtol)
    found = ng.estimate(f, x)
    np.testing.assert_allclose(found.value, exact, rtol=adaptive)
    assert np.all(found.converged) and np.all(abs(found.value - exact) <= found.error)
    assert np.shape(found.error) == np.shape(exact) and np.all(found.n_evaluations <= 48)
    if np.shape(exact) == np.shape(x):
        np.testing.assert_array_equal(ng.gradient(f, x), ng.jacobian(f, x))
        value, slopes = ng.value_and_gradient(f, x)
        assert value == f(np.asarray(x, float))
        np.testing.assert_allclose(slopes, exact, rtol=central)
    v = np.ones(np.shape(x))
    product = np.asarray(exact) * v if np.ndim(x) == 0 else np.asarray(exact) @ v
    np.testing.assert_allclose(ng.directional(f, x, v), product, rtol=1e-6)


def test_kinks_and_bounds():
    f = lambda x: -abs(x[0] + 1) + abs(x[1] + 1)
    at = lambda **how: ng.gradient(f, [-1, -1], **how)
    np.testing.assert_allclose(at(stencil="forward"), [-1, 1], rtol=1e-7)
    np.testing.assert_allclose(at(stencil="backward"), [1, -1], rtol=1e-7)
    np.testing.assert_allclose(at(stencil="forward", bounds=(-np.inf, -1)), [1, -1], rtol=1e-7)
    assert not ng.estimate(f, [-1, -1]).converged.any()
    g = lambda x: x if abs(x) <= 1e-8 else np.nan
    for x in [0.0, 1e-8]:
        assert ng.gradient(g, x, bounds=(-1e-8, 1e-8)) == pytest.approx(1, rel=1e-6)
    bounds = optimize.Bounds([1e-4], [1.9e-3])
    assert ng.gradient(lambda x: math.log(x[0]), [1e-3], bounds=bounds)[0] == pytest.approx(1000, rel=2e-5)
    assert ng.estimate(lambda x: math.log(x[0]), [1e-3], bounds=bounds).value[0] == pytest.approx(1000, rel=1e-9)


def test_stencils_and_steps():
    for stencil, rel in [("five-point", 1e-12), (6, 1e-12), (2, 1e-9), ([-2, -1, 1, 2], 1e-12), ([0, 1, 2], 1e-8)]:
        assert ng.gradient(np.exp, 0.3, stencil=stencil) == pytest.approx(np.exp(0.3), rel=rel)
    seen = []
    ng.gradient(lambda x: seen.append(x) or x, 2.0, step=0.5)
    assert seen == [2.5, 1.5]
    seen.clear()
    ng.gradient(lambda x: seen.append(x) or x.sum(), [2.0, 4.0], step=[0.5, 0.25])
    assert [x.tolist() for x in seen] == [[2.5, 4], [1.5, 4], [2, 4.25], [2, 3.75]]
    seen.clear()
    ng.gradient(lambda x: seen.append(x) or x, 8.0, rel_step=0.125, stencil="forward")
    assert sorted(seen) == [8, 9]


def test_hessians():
    np.testing.assert_allclose(ng.hessian(lambda x: np.cos(x[0] - x[1]), [0, 0]), [[-1, 1], [1, -1]], atol=1e-7)
    np.testing.assert_allclose(ng.hessian(optimize.rosen, [1, 1]), [[802, -400], [-400, 200]], rtol=1e-6)
    assert ng.hessian(lambda x: np.sum(x**2), np.ones((2, 3))).shape == (2, 3, 2, 3)
    assert ng.hessian(lambda x: x**3, 2.0) == pytest.approx(12, rel=1e-6)
    np.testing.assert_allclose(ng.jacobian(optimize.rosen_der, [1, 1]), [[802, -400], [-400, 200]], rtol=1e-9)


@pytest.mark.parametrize(
    ("residuals", "x", "exact"),
    [
        (lambda x: [10 * (x[1] - x[0] ** 2), 1 - x[0]], (-1.2, 1), [-215.6, -88]),
        (
            lambda x: [
                -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1],
                -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1],
            ],
            (0.5, -2),
            [30, -1272],
        ),
        (lambda x: [y - x[0] * (1 - x[1] ** i) for i, y in ((1, 1.5), (2, 2.25), (3, 2.625))], (1, 1), [0, 27.75]),
        (
            lambda x: [
                x[0] + 10 * x[1],
                5**0.5 * (x[2] - x[3]),
                (x[1] - 2 * x[2]) ** 2,
                10**0.5 * (x[0] - x[3]) ** 2,
            ],
            (3, -1, 0, 1),
            [306, -144, -2, -310],
        ),
    ],
)
def test_sums_of_squares(residuals, x, exact):
    f = lambda x: np.sum(np.square(residuals(x)))
    np.testing.assert_allclose(ng.gradient(f, x), exact, rtol=1e-7, atol=1e-8)
    jacobian = ng.jacobian(residuals, x)
    np.testing.assert_allclose(2 * np.array(residuals(x)) @ jacobian, exact, rtol=1e-7, atol=1e-8)


def test_scipy():
    x = np.array([-1.2, 1.0, 0.7])
    np.testing.assert_allclose(
        ng.gradient(optimize.rosen, x), optimize.approx_fprime(x, optimize.rosen), rtol=1e-5, atol=1e-5
    )
    for found in [
        optimize.minimize(optimize.rosen, x, jac=ng.differentiate(optimize.rosen), method="BFGS"),
        optimize.minimize(lambda x: ng.value_and_gradient(optimize.rosen, x), x, jac=True, method="L-BFGS-B"),
    ]:
        np.testing.assert_allclose(found.x, 1, atol=1e-5)
    t = np.linspace(0, 1, 20)
    residuals = lambda p, t, y: p[0] * np.exp(-p[1] * t) - y
    y = 3 * np.exp(-2 * t)
    found = optimize.least_squares(residuals, [1, 1], jac=ng.differentiate(residuals, stencil=4), args=(t, y))
    np.testing.assert_allclose(found.x, [3, 2], rtol=1e-9)
    with pytest.raises(TypeError, match="no option 'stensil'"):
        ng.differentiate(np.sum, stensil=4)


def test_any_shape_in_the_same_shape_out():
    for shape in [(), (3,), (2, 3), (1, 2, 2), (0,), (2, 0)]:
        x = np.random.rand(*shape) + np.zeros(shape)
        found = ng.gradient(lambda x: np.sum(x**2), x)
        assert np.shape(found) == shape
        np.testing.assert_allclose(found, 2 * x, rtol=1e-9)
        assert ng.jacobian(lambda x: np.stack([x, 2 * x]), x).shape == (2, *shape, *shape)
    for x in [np.asfortranarray(np.random.rand(3, 2)), np.random.rand(2, 3).T, np.random.rand(6, 2)[::-2]]:
        w = np.random.rand(*x.shape)
        np.testing.assert_allclose(ng.gradient(lambda x: np.sum(w * x), x), w, rtol=1e-9)
    assert isinstance(ng.gradient(math.sin, 1), float)  # a function of Python's numbers
    assert ng.gradient(lambda x: Decimal(x) ** 2, 3) == pytest.approx(6)


@settings(deadline=None, max_examples=50)
@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(-1e6, 1e6)))
def test_polynomials_of_any_point(x):
    found = ng.gradient(lambda x: np.sum(x**2 - 3 * x), x)
    # Rounding of the sum, by the step of 6e-6 or more.
    np.testing.assert_allclose(found, 2 * x - 3, rtol=1e-8, atol=1e-15 * np.sum(x**2 + abs(3 * x)) / 6e-6 + 1e-9)


@pytest.mark.parametrize("scale", [1e-12, 1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9, 1e12])
def test_functions_of_any_scale(scale):
    f = lambda x: np.array([np.sin(x[0] / scale), x[1] / (scale + x[1])])
    x = np.array([0.3, 1.0]) * scale
    exact = np.array([[np.cos(0.3), 0], [0, 0.25]]) / scale
    np.testing.assert_allclose(ng.jacobian(f, x, scale=scale), exact, rtol=1e-9)
    np.testing.assert_allclose(ng.gradient(lambda x: f(x).sum(), x, scale=[scale, scale]), exact.sum(axis=1), rtol=1e-9)
    found = ng.estimate(f, x, scale=scale)
    np.testing.assert_allclose(found.value, exact, rtol=1e-11)
    assert (abs(found.value - exact) <= found.error).all()
    second = ng.hessian(lambda x: f(x)[1], x, scale=scale)[1, 1]
    assert second * scale**2 == pytest.approx(-0.25, rel=1e-6)


def test_values_of_single_precision_take_longer_steps():
    x = np.array([1.0, 2.0])
    f = lambda x: np.sum(np.sin(x.astype(np.float32)))
    assert f(x).dtype == np.float32
    np.testing.assert_allclose(ng.gradient(f, x), np.cos(x), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ng.jacobian(lambda x: np.sin(x.astype("f4")), x), np.diag(np.cos(x)), atol=1e-4)
    assert (abs(ng.estimate(f, x).value - np.cos(x)) <= ng.estimate(f, x).error).all()


@pytest.mark.parametrize(
    "f", [lambda x: float(np.sum(np.sin(x), dtype="f4")), lambda x: int(x.sum()), lambda x: float(x[0] > 1)]
)
def test_values_that_were_rounded_are_told(f):
    x = np.array([1.0, 2.0])
    hessian = [ng.hessian] if 0 < f(x) % 1 else []  # its steps are short numbers, at which whole values are no wonder
    for derivative in [ng.gradient, ng.jacobian, ng.value_and_gradient, *hessian]:
        with pytest.warns(RuntimeWarning, match="all values of f are exact in single precision") as told:
            derivative(f, x)
        assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ng.gradient(f, x, precision=1.2e-7)
        for fine in [lambda x: 3, np.sum, lambda x: x[0], lambda x: np.sum(x**2)]:
            for step in [None, 0.5]:
                ng.gradient(fine, x, step=step)


def test_the_function_may_keep_and_change_its_argument():
    kept = []

    def f(x):
        kept.append(x)
        x *= 2
        return x.sum()

    x = np.ones(3)
    np.testing.assert_allclose(ng.gradient(f, x), 2)
    assert x.tolist() == [1, 1, 1] and len({id(x) for x in kept}) == 6
    buffer = np.empty(3)

    def g(x):
        buffer[:] = x**2
        return buffer

    np.testing.assert_allclose(ng.jacobian(g, x), 2 * np.eye(3), atol=1e-9)


def test_sparse_jacobians():
    n = 50
    f = lambda x: np.diff(x, 2, prepend=0, append=0) + x**3
    x = np.linspace(-1, 1, n)
    pattern = sparse.diags_array([np.ones(n - 1), np.ones(n), np.ones(n - 1)], offsets=[-1, 0, 1])
    dense = ng.jacobian(f, x)
    n_evaluations = 0

    def counted(x):
        nonlocal n_evaluations
        n_evaluations += 1
        return f(x)

    for form in [pattern, pattern.tocsc(), sparse.csr_matrix(pattern), pattern.toarray(), pattern.toarray() != 0]:
        found = ng.sparse_jacobian(counted, x, form)
        assert found.nnz == 3 * n - 2 and isinstance(found, sparse.csr_array)
        np.testing.assert_allclose(found.toarray(), dense, atol=1e-8)
    assert n_evaluations == 5 * 8
    with pytest.raises(ng.DerivativeError, match="pattern leaves out an entry of row"):
        ng.sparse_jacobian(f, x, np.eye(n))
    assert ng.sparse_jacobian(f, x, np.eye(n), check=False).shape == (n, n)
    with pytest.raises(ValueError, match=r"pattern has shape \(50, 49\) for x of \(50,\)"):
        ng.sparse_jacobian(f, x, np.ones((50, 49)))
    with pytest.raises(ValueError, match="f returned 50 values, expected 51 by the rows of the pattern"):
        ng.sparse_jacobian(f, x, np.ones((51, 50)))


def test_gradients_are_checked():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    f = lambda x: np.sum(x**3)
    assert ng.check_gradient(f, lambda x: 3 * x**2, x)
    wrong = 3 * x**2
    wrong[1, 0] += 1e-3
    report = ng.check_gradient(f, wrong, x)
    assert not report and report.agreement(1e-9) == "differs" and report.passes(1e-2)
    assert report.comparisons[2].analytic == wrong[1, 0] and report.comparisons[2].row is None
    assert "3 agree, 1 differ, 0 undetermined; 4 compared" in str(report)
    assert ng.check_gradient(f, wrong, x, coordinates=1, seed=3).comparisons[0].number in range(4)
    assert not ng.check_gradient(f, wrong, x, directions=2)
    g = lambda x: np.array([x[0] * x[1], x[1]])
    assert ng.check_gradient(g, [[2, 1], [0, 1]], [1.0, 2.0])
    assert not ng.check_gradient(g, [[2, 1], [1, 1]], [1.0, 2.0])
    assert not ng.check_gradient(f, np.full((2, 2), np.nan), x)
    with pytest.raises(ValueError, match=r"the gradient has shape \(3,\), expected \(2, 2\)"):
        ng.check_gradient(f, np.ones(3), x)


def test_what_is_not_finite():
    f = lambda x: np.log(x[0]) + x[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ng.DerivativeError, match="the function is NaN with coordinate 0") as error:
            ng.gradient(f, [1e-9, 1.0])
        assert error.value.coordinate == 0
        assert ng.gradient(f, [1e-9, 1.0], non_finite="shorten")[0] == pytest.approx(1e9, rel=0.02)
        found = ng.gradient(f, [1e-9, 1.0], non_finite="nan")
        assert np.isnan(found[0]) and found[1] == pytest.approx(1)
        assert np.isnan(ng.gradient(f, [1e-9, 1.0], non_finite="propagate")[0])
    with pytest.raises(ValueError, match=r"coordinate 2 is NaN.*x\[1, 0\]"):
        ng.gradient(np.sum, [[1, 2], [np.nan, 3]])
    with pytest.raises(ValueError, match="step 1e-300 of coordinate 0 vanishes"):
        ng.gradient(np.sum, [1.0], step=1e-300)


def test_a_budget():
    with pytest.raises(ng.Stopped, match="out of its budget of evaluations after 2 of 4 coordinates") as stopped:
        ng.gradient(lambda x: np.sum(x**2), np.ones((2, 2)), budget=5)
    np.testing.assert_allclose(stopped.value.values, [[2, 2], [np.nan, np.nan]])
    assert stopped.value.done.tolist() == [True, True, False, False]
    with pytest.raises(ng.Stopped) as stopped:
        ng.jacobian(lambda x: x**2, np.ones(2), budget=3)
    assert stopped.value.values.shape == (2, 2)


def test_progress(capfd):
    told = []

    def slow(x):
        time.sleep(0.02)
        return x.sum()

    ng.gradient(slow, np.ones(5), progress=lambda n_done, n_total: told.append((n_done, n_total)))
    assert told[-1] == (5, 5) and len(told) > 1 and told == sorted(told)
    ng.gradient(slow, np.ones(5), progress=True)
    assert "5/5" in capfd.readouterr().err

    def stop(n_done, n_total):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        ng.gradient(slow, np.ones(5), progress=stop)


def rosen(x):
    return optimize.rosen(x)


def squares(x):
    return x**2 * np.arange(1, 4)


def fails(x):
    raise ZeroDivisionError("mine")


def test_workers_give_the_same_bits():
    x = np.array([0.5, -1.2, 0.3])
    calls = []

    def counted(f, points):
        calls.append(len(points))
        return map(f, points)

    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for workers in [pool.map, counted]:
            for derivative in [ng.gradient, ng.hessian, lambda f, x, **how: ng.value_and_gradient(f, x, **how)[1]]:
                np.testing.assert_array_equal(derivative(rosen, x, workers=workers), derivative(rosen, x))
            for derivative in [ng.jacobian, lambda f, x, **how: ng.directional(f, x, x, **how)]:
                np.testing.assert_array_equal(derivative(squares, x, workers=workers), derivative(squares, x))
            one, many = (ng.estimate(squares, x, **how) for how in [{}, {"workers": workers}])
            np.testing.assert_array_equal(one, many)
            found = ng.sparse_jacobian(squares, x, np.eye(3), workers=workers)
            np.testing.assert_array_equal(found.toarray(), ng.jacobian(squares, x))
        with pytest.raises(ZeroDivisionError, match="mine"):
            ng.gradient(fails, x, workers=pool.map)
    calls.clear()
    ng.gradient(rosen, x, workers=counted)
    assert calls == [1, 3, 3]
    with pytest.raises(ValueError, match="workers returned 0 values for 1 points"):
        ng.gradient(rosen, x, workers=lambda f, points: [])
    with pytest.raises(ng.Stopped):
        ng.gradient(rosen, x, workers=counted, budget=3)


@pytest.mark.parametrize(
    ("f", "error", "words"),
    [
        (lambda x: None, TypeError, "f returned None, expected real numbers"),
        (lambda x: x.sum() + 1j, TypeError, "f returned complex128"),
        (lambda x: True, TypeError, "f returned bool"),
        (lambda x: "1", TypeError, "f returned str"),
        (lambda x: {}, TypeError, "f returned dict"),
        (lambda x: x.astype(object), TypeError, "dtype object"),
        (lambda x: np.ma.masked_array(x), TypeError, "masked"),
        (lambda x: [[1], [1, 2]], ValueError, "f returned list"),
    ],
)
def test_what_functions_must_not_return(f, error, words):
    for derivative in [ng.gradient, ng.value_and_gradient, ng.jacobian, ng.hessian, ng.estimate]:
        with pytest.raises(error, match=words):
            derivative(f, np.ones(2))


def test_functions_of_many_values_have_no_gradient():
    with pytest.raises(ValueError, match=r"f returned an array of shape \(2,\), expected one number"):
        ng.gradient(lambda x: x, np.ones(2))
    with pytest.raises(ValueError, match=r"f returned an array of shape \[3\], expected \[2\]"):
        ng.jacobian(lambda x: np.ones(2 if x[1] == 1 else 3), np.ones(2))
    assert ng.gradient(lambda x: np.array([[x.sum()]]), np.ones(2)).tolist() == pytest.approx([1, 1])


def test_exceptions_come_through_as_they_are():
    class Mine(BaseException):
        pass

    mine = Mine("at home")

    def f(x):
        raise mine

    for derivative in [ng.gradient, ng.jacobian, ng.hessian, ng.estimate]:
        with pytest.raises(Mine) as caught:
            derivative(f, np.ones(2))
        assert caught.value is mine


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"stencil": "centre"}, ValueError, "stencil is 'centre', expected one of 'forward'"),
        ({"stencil": 3}, ValueError, "stencil is 3, expected an even order"),
        ({"stencil": 42}, ValueError, "stencil is 42"),
        ({"stencil": [1, 1]}, ValueError, "expected points that differ"),
        ({"stencil": [1]}, ValueError, "expected 2 to 21 finite points"),
        ({"stencil": None}, TypeError, "stencil"),
        ({"step": 0}, ValueError, "step is 0.0, expected a positive finite number"),
        ({"step": [1e-3, -1]}, ValueError, "step has -1.0"),
        ({"step": [1e-3] * 3}, ValueError, r"step has shape \(3,\), expected \(2,\) as x"),
        ({"step": 1e-3, "rel_step": 1e-3}, ValueError, "step and rel_step are both given"),
        ({"scale": 0}, ValueError, "scale has 0.0"),
        ({"bounds": 3}, ValueError, r"bounds: expected a tuple \(lower, upper\)"),
        ({"bounds": [(0, 2), (0, 3)]}, ValueError, "a list of pairs becomes one by"),
        ({"bounds": (2, 1)}, ValueError, "the bounds of coordinate 0 are 2.0 and 1.0"),
        ({"bounds": (np.nan, 1)}, ValueError, "the bounds of coordinate 0 are nan"),
        ({"bounds": (2, 3)}, ng.DerivativeError, "coordinate 0 is 1, expected a finite number within"),
        ({"precision": 1}, ValueError, "precision is 1.0"),
        ({"threads": 0}, ValueError, "threads is 0"),
        ({"non_finite": "ignore"}, ValueError, "non_finite is 'ignore'"),
        ({"budget": -1}, ValueError, "budget is -1"),
        ({"budget": 1.5}, TypeError, "budget: expected an integer"),
        ({"progress": "bar"}, TypeError, "progress: expected a bool or a function"),
        ({"workers": 4}, TypeError, "workers: expected a function like map"),
    ],
)
def test_wrong_options_are_named(options, error, words):
    for derivative in [ng.gradient, ng.jacobian, ng.hessian, ng.value_and_gradient]:
        with pytest.raises(error, match=words):
            derivative(np.sum, np.ones(2), **options)


@pytest.mark.parametrize("x", [None, "1", 1j, True, [None], np.ones(2, object), np.array(["a"]), np.ma.ones(2), [[1], [1, 2]]])
def test_points_that_are_none(x):
    for derivative in [ng.gradient, ng.jacobian, ng.hessian, ng.estimate]:
        with pytest.raises((TypeError, ValueError), match="^x"):
            derivative(np.sum, x)
    with pytest.raises(TypeError, match="f: expected a function, found 3"):
        ng.gradient(3, 1.0)
    with pytest.raises(ValueError, match=r"v has shape \(2,\), expected \(3,\) as x"):
        ng.directional(np.sum, np.ones(3), np.ones(2))


def test_derivatives_of_derivatives_and_recursion():
    f = lambda x: x[0] ** 2 * x[1]
    mixed = ng.gradient(lambda x: ng.gradient(f, x, stencil=4)[0], [3.0, 5.0], step=1e-3)
    np.testing.assert_allclose(mixed, [10, 6], rtol=1e-6)
    endless = lambda x: ng.gradient(endless, x)
    with pytest.raises(RecursionError):
        ng.gradient(endless, 1.0)


def test_threads_without_effect_are_told():
    with pytest.warns(RuntimeWarning, match="threads=4 without effect") as told:
        assert ng.gradient(lambda x: x**2, 3.0, threads=4) == pytest.approx(6)
    assert told[0].filename == __file__
