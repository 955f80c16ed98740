//! Functions with known derivatives, computed in higher precision; each tolerance is what the best tools promise for the
//! method, relative unless said otherwise.

#![allow(clippy::excessive_precision, reason = "the digits are those of the sources")]

use std::f64::consts::{E, FRAC_1_SQRT_2};

use ndarray::{Array1, Array2, array};
use numgrad::difference::{Differentiator, NonFinite, Stencil, Step};
use numgrad::gradient;

type Function = fn(&Array1<f64>) -> f64;

/// A function, a point, its gradient, and the tolerances forward, central and five-point.
struct Fact(&'static str, Function, Array1<f64>, Array1<f64>, [f64; 3]);

/// For the derivatives with which the table is headed.
const USUAL: [f64; 3] = [1e-6, 1e-9, 1e-12];
/// Where five-point is promised nothing, it is as good as central at least.
const CENTRAL_AT_LEAST: [f64; 3] = [1e-6, 1e-9, 1e-9];

fn rosenbrock(x: &Array1<f64>) -> f64 {
    x.windows(2).into_iter().map(|w| (1.0 - w[0]).powi(2) + 100.0 * (w[1] - w[0] * w[0]).powi(2)).sum()
}

fn facts() -> Vec<Fact> {
    vec![
        Fact("sinh x", |x| x[0].sinh(), array![1.0], array![1.5430806348152438], USUAL),
        Fact("x²", |x| x[0] * x[0], array![0.5], array![1.0], USUAL),
        Fact("tan x", |x| x[0].tan(), array![0.5], array![1.2984464104095248], USUAL),
        Fact("eˣ", |x| x[0].exp(), array![0.5], array![1.6487212707001281], USUAL),
        Fact("eˣ at 1", |x| x[0].exp(), array![1.0], array![E], USUAL),
        Fact("x² at 1e9", |x| x[0] * x[0], array![1e9], array![2e9], CENTRAL_AT_LEAST),
        Fact("x² at 1e11", |x| x[0] * x[0], array![1e11], array![2e11], CENTRAL_AT_LEAST),
        Fact(
            "sin(x₀x₁)·ln x₀",
            |x| (x[0] * x[1]).sin() * x[0].ln(),
            array![100.0, -0.5],
            array![-2.2192926439145683, 444.38327849032152],
            // Five-point: h⁴·100⁴/30 = 1e-6 of it, for a wave of 100 radians a unit.
            [1e-6, 1e-7, 1.1e-6],
        ),
        Fact(
            "xyz + eˣy",
            |x| x[0] * x[1] * x[2] + x[0].exp() * x[1],
            array![3.0, 5.0, 7.0],
            array![135.42768461593834, 41.085536923187668, 15.0],
            USUAL,
        ),
        Fact(
            "1/(eˣ + cos y + 10)",
            |x| 1.0 / (x[0].exp() + x[1].cos() + 10.0),
            array![1.0, 2.0],
            array![-0.017961123762187736, 0.0060082083648821996],
            [1e-6, 1e-9, 3e-12],
        ),
        Fact(
            "(1-x)² + 105(y-x²)²",
            |x| (1.0 - x[0]).powi(2) + 105.0 * (x[1] - x[0] * x[0]).powi(2),
            array![2.0, 3.0],
            array![842.0, -210.0],
            [1e-6, 1e-8, 1e-8],
        ),
        Fact("Rosenbrock", rosenbrock, array![0.5, 0.5, 0.5], array![-51.0, -1.0, 50.0], [5e-6, 1e-8, 1e-8]),
        Fact("sin x", |x| x[0].sin(), array![0.0], array![1.0], [1e-7, 1e-11, 2e-14]),
    ]
}

fn assert_close(found: &[f64], exact: &[f64], rel: f64, name: &str) {
    assert_eq!(found.len(), exact.len(), "{name}");
    for (found, exact) in found.iter().zip(exact) {
        let error = (found - exact).abs() / if *exact == 0.0 { 1.0 } else { exact.abs() };
        assert!(error <= rel, "{name}: {found} for {exact}, error {error:e}, allowed {rel:e}");
    }
}

fn by_default_step(stencil: Stencil) -> Differentiator {
    Differentiator::new(stencil, Step::Automatic)
}

#[test]
fn known_gradients_are_met_by_forward_central_and_five_point_differences() {
    for Fact(name, f, x, exact, tolerances) in facts() {
        let stencils = [Stencil::forward(), Stencil::central(), Stencil::five_point()];
        for (stencil, rel) in stencils.into_iter().zip(tolerances) {
            let name = format!("{name}, order {}", stencil.order());
            let found = by_default_step(stencil).gradient(f, &x).unwrap();
            assert_close(found.as_slice().unwrap(), exact.as_slice().unwrap(), rel, &name);
        }
    }
}

#[test]
fn the_free_function_is_central() {
    for Fact(name, f, x, exact, [_, rel, _]) in facts() {
        assert_close(gradient(f, &x).unwrap().as_slice().unwrap(), exact.as_slice().unwrap(), rel, name);
    }
}

/// -|x₀ + 1| + |x₁ + 1| at its kinks has the derivatives of the side that is looked at.
#[test]
fn a_kink_has_the_derivative_of_the_side_that_the_stencil_or_the_bounds_allow() {
    let f = |x: &Array1<f64>| -(x[0] + 1.0).abs() + (x[1] + 1.0).abs();
    let x = array![-1.0, -1.0];
    let slope = |how: Differentiator| how.gradient(f, &x).unwrap().to_vec();
    assert_close(&slope(by_default_step(Stencil::forward())), &[-1.0, 1.0], 1e-7, "forward");
    assert_close(&slope(by_default_step(Stencil::backward())), &[1.0, -1.0], 1e-7, "backward");
    for stencil in [Stencil::forward(), Stencil::central(), Stencil::five_point()] {
        let below = by_default_step(stencil).with_bounds(f64::NEG_INFINITY, -1.0);
        assert_close(&slope(below), &[1.0, -1.0], 1e-7, "below -1");
    }
}

#[test]
fn a_function_that_is_nan_outside_its_bounds_is_differentiated_within_them() {
    let f = |x: &Array1<f64>| if x[0].abs() <= 1e-8 { x[0] } else { f64::NAN };
    for stencil in [Stencil::forward(), Stencil::central(), Stencil::five_point()] {
        for x in [0.0, 1e-8, -1e-8, 3e-9] {
            let bounded = by_default_step(stencil.clone()).with_bounds(-1e-8, 1e-8);
            assert_close(&bounded.gradient(f, &array![x]).unwrap().to_vec(), &[1.0], 1e-6, "bounded");
            if x.abs() < 1e-8 {
                let found =
                    by_default_step(stencil.clone()).with_non_finite(NonFinite::Shorten).gradient(f, &array![x]);
                assert_close(&found.unwrap().to_vec(), &[1.0], 1e-6, "shortened");
            }
        }
    }
}

#[test]
fn the_logarithm_near_zero_within_bounds() {
    let bounded = Differentiator::default().with_bounds(1e-4, 1.9e-3);
    assert_close(&bounded.gradient(|x| x[0].ln(), &array![1e-3]).unwrap().to_vec(), &[1000.0], 2e-5, "ln x");
}

/// Moré, Garbow and Hillstrom (1981), at their standard starting points: the gradient of Σr².
#[test]
fn sums_of_squares_of_the_standard_test_problems() {
    fn bard(x: &Array1<f64>) -> f64 {
        let y = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];
        let residual = |(i, y): (usize, &f64)| {
            let (u, v) = ((i + 1) as f64, (15 - i) as f64);
            y - (x[0] + u / (v * x[1] + u.min(v) * x[2]))
        };
        y.iter().enumerate().map(|i_and_y| residual(i_and_y).powi(2)).sum()
    }
    let freudenstein = |x: &Array1<f64>| {
        (-13.0 + x[0] + ((5.0 - x[1]) * x[1] - 2.0) * x[1]).powi(2)
            + (-29.0 + x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1]).powi(2)
    };
    let beale = |x: &Array1<f64>| {
        let y = [1.5, 2.25, 2.625];
        (0..3).map(|i| (y[i] - x[0] * (1.0 - x[1].powi(i as i32 + 1))).powi(2)).sum()
    };
    let powell = |x: &Array1<f64>| {
        (x[0] + 10.0 * x[1]).powi(2)
            + 5.0 * (x[2] - x[3]).powi(2)
            + (x[1] - 2.0 * x[2]).powi(4)
            + 10.0 * (x[0] - x[3]).powi(4)
    };
    let found = |f: Function, x: Array1<f64>| gradient(f, &x).unwrap().to_vec();
    assert_close(&found(rosenbrock, array![-1.2, 1.0]), &[-215.6, -88.0], 1e-7, "Rosenbrock");
    assert_close(&found(freudenstein, array![0.5, -2.0]), &[30.0, -1272.0], 1e-7, "Freudenstein and Roth");
    assert_close(&found(bard, array![1.0, 1.0, 1.0]), &BARD, 1e-7, "Bard");
    assert_close(&found(powell, array![3.0, -1.0, 0.0, 1.0]), &[306.0, -144.0, -2.0, -310.0], 1e-7, "Powell");
    let found = found(beale, array![1.0, 1.0]);
    assert!(found[0].abs() <= 1e-8);
    assert_close(&found[1..], &[27.75], 1e-7, "Beale");
}

const BARD: [f64; 3] = [43.765714285714286, -51.871237528344671, -50.559987528344671];

#[test]
fn a_known_jacobian_is_met() {
    let f = |x: &Array1<f64>| array![x[0] * x[1].sin(), x[1] * x[0].cos(), x[0].powi(3) / x[1].sqrt()];
    let exact = [
        0.19866933079506122,
        -98.006657784124163,
        -0.10127312822195176,
        0.86231887228768393,
        67082.039324993691,
        5590169.9437494742,
    ];
    // Five-point: h = 0.07 at 100, so h⁴/30 = 1e-6 of cos x₀.
    for (stencil, rel) in [(Stencil::forward(), 1e-5), (Stencil::central(), 1e-6), (Stencil::five_point(), 1.1e-6)] {
        let found = by_default_step(stencil).jacobian(f, &array![-100.0, 0.2]).unwrap();
        assert_eq!(found.dim(), (3, 2));
        assert_close(&found.iter().copied().collect::<Vec<_>>(), &exact, rel, "Jacobian");
    }
}

#[test]
fn a_known_directional_derivative_is_met() {
    let f = |x: &Array1<f64>| (1.0 - x[0]).powi(2) + 105.0 * (x[1] - x[0] * x[0]).powi(2);
    let along = array![FRAC_1_SQRT_2, -FRAC_1_SQRT_2];
    for (stencil, rel) in [(Stencil::forward(), 1e-6), (Stencil::central(), 1e-8), (Stencil::five_point(), 1e-8)] {
        let found = by_default_step(stencil).of(f, &array![2.0, 3.0]).along(&along).unwrap();
        assert_close(&[found], &[743.87633380824832], rel, "along (1, -1)/√2");
    }
}

#[test]
fn known_hessians_are_met() {
    let found = Differentiator::default().hessian(|x| (x[0] - x[1]).cos(), &array![0.0, 0.0]).unwrap();
    let error = (&found - &array![[-1.0, 1.0], [1.0, -1.0]]).iter().fold(0.0, |max: f64, e| max.max(e.abs()));
    assert!(error <= 1e-7, "{error:e}");
    let exact = [802.0, -400.0, -400.0, 200.0];
    let found = Differentiator::default().hessian(rosenbrock, &array![1.0, 1.0]).unwrap();
    assert_close(&found.iter().copied().collect::<Vec<_>>(), &exact, 1e-6, "Rosenbrock");
    let slope = |x: &Array1<f64>| {
        let inner = x[1] - x[0] * x[0];
        array![-2.0 * (1.0 - x[0]) - 400.0 * x[0] * inner, 200.0 * inner]
    };
    let found = Differentiator::default().of_values(slope, &array![1.0, 1.0]).symmetric_jacobian().unwrap();
    assert_close(&found.iter().copied().collect::<Vec<_>>(), &exact, 1e-9, "Rosenbrock from its gradient");
}

/// The Jacobian of a second difference is tridiagonal.
#[test]
fn a_tridiagonal_jacobian_takes_three_groups() {
    use numgrad::difference::SparsityPattern;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    let calls = AtomicUsize::new(0);
    let second_difference = |x: &Array1<f64>| -> Array1<f64> {
        calls.fetch_add(1, Relaxed);
        let at = |i: usize| x.get(i).copied().unwrap_or(0.0);
        (0..x.len()).map(|i| at(i.wrapping_sub(1)) - 2.0 * at(i) + at(i + 1)).collect()
    };
    let x: Array1<f64> = (0..30).map(f64::from).collect();
    let pattern = SparsityPattern::banded(30, 30, 1, 1);
    let [forward, central] = [Stencil::forward(), Stencil::central()].map(by_default_step);
    for (how, n_sparse, n_dense) in [(forward, 5, 31), (central, 8, 60)] {
        let values = how.of_values(second_difference, &x).sparse_jacobian(&pattern).unwrap();
        assert_eq!(calls.swap(0, Relaxed), n_sparse);
        let dense = how.jacobian(second_difference, &x).unwrap();
        assert_eq!(calls.swap(0, Relaxed), n_dense);
        let exact = Array2::from_shape_fn((30, 30), |(i, j)| [-2.0, 1.0, 0.0][i.abs_diff(j).min(2)]);
        for found in [&pattern.to_dense(&values), &dense] {
            assert!((found - &exact).iter().all(|error| error.abs() < 1e-6));
        }
    }
    // A column or row of zeros costs nothing: here the last row of 7 is empty.
    let tridiagonal = SparsityPattern::new(7, 6, SparsityPattern::banded(6, 6, 1, 1).entries());
    assert_eq!((tridiagonal.n_groups(), tridiagonal.groups()), (3, &[0, 1, 2, 0, 1, 2][..]));
}
