//! Jacobians, Hessians and derivatives along directions: counts of evaluations, the same bits for any number of threads,
//! bounds, budgets, hooks and what is not finite.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::support::numbers::{bits, points, with_threads};
use ndarray::{Array1, Array2, array};
use numgrad::difference::{
    Differentiator, Error, NonFinite, Progress, SparsityPattern, Stencil, Step, StopReason, TryError,
};

/// x_i·x_{i+1}² + sin x_i: two diagonals, and one value less than there are coordinates.
fn chain(x: &Array1<f64>) -> Array1<f64> {
    x.windows(2).into_iter().map(|w| w[0] * w[1] * w[1] + w[0].sin()).collect()
}

fn chain_in_place(x: &Array1<f64>, values: &mut [f64]) {
    values.iter_mut().zip(chain(x)).for_each(|(slot, value)| *slot = value);
}

fn chain_jacobian(x: &Array1<f64>) -> Array2<f64> {
    Array2::from_shape_fn((x.len() - 1, x.len()), |(i, j)| match j.wrapping_sub(i) {
        0 => x[i + 1] * x[i + 1] + x[i].cos(),
        1 => 2.0 * x[i] * x[i + 1],
        _ => 0.0,
    })
}

/// Σ x_i²·x_{i+1}, with its gradient.
fn sum(x: &Array1<f64>) -> f64 {
    x.windows(2).into_iter().map(|w| w[0] * w[0] * w[1]).sum()
}

fn sum_gradient(x: &Array1<f64>) -> Array1<f64> {
    let mut gradient = Array1::zeros(x.len());
    for i in 0..x.len() - 1 {
        gradient[i] += 2.0 * x[i] * x[i + 1];
        gradient[i + 1] += x[i] * x[i];
    }
    gradient
}

fn sum_hessian(x: &Array1<f64>) -> Array2<f64> {
    let n = x.len();
    Array2::from_shape_fn((n, n), |(i, j)| match (i.abs_diff(j), i.min(j)) {
        (0, i) if i + 1 < n => 2.0 * x[i + 1],
        (1, i) => 2.0 * x[i],
        _ => 0.0,
    })
}

#[track_caller]
fn assert_near(found: &Array2<f64>, exact: &Array2<f64>, tolerance: f64) {
    assert_eq!(found.dim(), exact.dim());
    let error = (found - exact).iter().fold(0.0, |max: f64, e| if e.is_nan() { f64::NAN } else { max.max(e.abs()) });
    assert!(error <= tolerance, "error {error:e}, allowed {tolerance:e}");
}

#[test]
fn jacobians_are_right_and_have_the_same_bits_in_place_and_for_every_number_of_threads() {
    let x = points(40);
    let pattern = SparsityPattern::banded(39, 40, 0, 1);
    assert_eq!(pattern.n_groups(), 2);
    // Steps of 6e-6 to 2e-5: h²/6 of third derivatives up to 1, or h/2 of second ones up to 7 for forward.
    for (stencil, tolerance) in [(Stencil::forward(), 1e-6), (Stencil::central(), 1e-8), (Stencil::five_point(), 1e-10)]
    {
        let plain = Differentiator::new(stencil, Step::Automatic);
        let bounded = plain.clone().with_bounds(-5.0, x.mapv(|x| x + 1e-7).to_vec());
        for (serial, tolerance) in [(plain, tolerance), (bounded, 1e-4)] {
            let dense = serial.jacobian(chain, &x).unwrap();
            assert_near(&dense, &chain_jacobian(&x), tolerance);
            let sparse = serial.of_values(chain, &x).sparse_jacobian(&pattern).unwrap();
            assert_near(&pattern.to_dense(&sparse), &chain_jacobian(&x), tolerance);
            for n_threads in [1, 2, 3, 8] {
                let parallel = serial.clone().parallel();
                with_threads(n_threads, || {
                    assert_eq!(bits(parallel.jacobian(chain, &x).unwrap()), bits(&dense));
                    assert_eq!(bits(parallel.of_values(chain, &x).sparse_jacobian(&pattern).unwrap()), bits(&sparse));
                    let mut out = Array2::from_elem((39, 40), f64::NAN);
                    parallel.of_writing(chain_in_place, out.nrows(), &x).jacobian_into(&mut out).unwrap();
                    assert_eq!(bits(&out), bits(&dense));
                    let mut out = vec![f64::NAN; sparse.len()];
                    parallel.of_writing(chain_in_place, 39, &x).sparse_jacobian_into(&pattern, &mut out).unwrap();
                    assert_eq!(bits(&out), bits(&sparse));
                });
            }
        }
    }
}

#[test]
fn hessians_are_right_symmetric_and_have_the_same_bits_for_every_number_of_threads() {
    let x = points(12);
    // Rounding of sums up to 100: 100·1e-16/h² = 7e-7 for h = 1.2e-4, times a few.
    for (stencil, tolerance) in [(Stencil::central(), 3e-6), (Stencil::five_point(), 1e-8)] {
        let plain = Differentiator::new(stencil, Step::Automatic);
        // A cubic is exact for one-sided second differences of third order, else off by h·f''' = 6h.
        let bounded = plain.clone().with_bounds(-5.0, x.to_vec());
        for (serial, tolerance) in [(plain, tolerance), (bounded, 3e-3)] {
            let hessian = serial.hessian(sum, &x).unwrap();
            assert_near(&hessian, &sum_hessian(&x), tolerance);
            assert_eq!(hessian, hessian.t());
            for n_threads in [1, 2, 8] {
                let found = with_threads(n_threads, || serial.clone().parallel().hessian(sum, &x).unwrap());
                assert_eq!(bits(&found), bits(&hessian));
            }
        }
    }
    let central = Differentiator::default();
    let from_gradient = central.of_values(sum_gradient, &x).symmetric_jacobian().unwrap();
    assert_near(&from_gradient, &sum_hessian(&x), 1e-9);
    assert_eq!(from_gradient, from_gradient.t());
    let mut out = Array2::zeros((12, 12));
    let write = |x: &Array1<f64>, out: &mut [f64]| out.copy_from_slice(sum_gradient(x).as_slice().unwrap());
    central.of_writing(write, out.nrows(), &x).symmetric_jacobian_into(&mut out).unwrap();
    assert_eq!(out, from_gradient);

    let v = points(24).slice_move(ndarray::s![12..]);
    let exact = sum_hessian(&x).dot(&v);
    for (found, tolerance) in [
        (central.of(sum, &x).hessian_vector(&v).unwrap(), 1e-5),
        (central.clone().with_bounds(-5.0, 5.0).of(sum, &x).hessian_vector(&v).unwrap(), 1e-5),
        (central.of_values(sum_gradient, &x).along(&v).unwrap(), 1e-8),
    ] {
        assert!((&found - &exact).iter().all(|error| error.abs() <= tolerance), "{found} for {exact}");
    }
    // At all lower bounds, upwards: one-sided twice, which for a cubic is exact but for rounding.
    let (upwards, at_bounds) = (v.mapv(f64::abs), central.clone().with_bounds(x.to_vec(), 5.0));
    let found = at_bounds.of(sum, &x).hessian_vector(&upwards).unwrap();
    assert!((&found - &sum_hessian(&x).dot(&upwards)).iter().all(|error| error.abs() <= 1e-4));
    let mut out = Array1::zeros(12);
    central.of_writing(write, 12, &x).along_into(&v, &mut out).unwrap();
    assert_eq!(out, central.of_values(sum_gradient, &x).along(&v).unwrap());
    let slope = central.of(sum, &x).along(&v).unwrap();
    assert!((slope - sum_gradient(&x).dot(&v)).abs() < 1e-8);
}

/// Of a function of a matrix: its gradient is a row of numbers.
#[test]
fn a_gradient_at_a_point_of_any_shape_gives_a_hessian_and_products() {
    let x = array![[1.0, 2.0], [3.0, 4.0]];
    // f = Σ x³
    let gradient = |x: &Array2<f64>| x.iter().map(|x| 3.0 * x * x).collect();
    let central = Differentiator::default();
    let hessian = central.of_values(gradient, &x).symmetric_jacobian().unwrap();
    assert_near(&hessian, &Array2::from_diag(&array![6.0, 12.0, 18.0, 24.0]), 1e-8);
    let product = central.of_values(gradient, &x).along(&Array2::ones((2, 2))).unwrap();
    assert!((&product - &array![6.0, 12.0, 18.0, 24.0]).iter().all(|error| error.abs() <= 1e-8), "{product}");
    let mut out = Array2::zeros((2, 2));
    central.of_values(gradient, &x).along_into(&Array2::ones((2, 2)), &mut out).unwrap();
    assert_near(&out, &(&x * 6.0), 1e-8);
}

#[test]
fn a_function_of_many_values_that_fails_gives_its_own_error_and_the_first_column() {
    let x = points(20);
    let f = |moved: &Array1<f64>| if moved[7] < x[7] || moved[12] > x[12] { Err("no") } else { Ok(chain(moved)) };
    let in_place = |moved: &Array1<f64>, values: &mut [f64]| {
        f(moved).map(|found| values.copy_from_slice(found.as_slice().unwrap()))
    };
    // Columns 0, 2, … are moved together, and upwards first.
    let pattern = SparsityPattern::banded(19, 20, 0, 1);
    let parallel = Differentiator::default().parallel();
    for n_threads in [1, 2, 3, 8] {
        let (mut out, mut entries) = (Array2::zeros((19, 20)), vec![0.0; 38]);
        let (dense, sparse) = with_threads(n_threads, || {
            let dense = [
                parallel.try_of_values(f, &x).jacobian(),
                parallel.of_writing(in_place, out.nrows(), &x).jacobian_into(&mut out).map(|()| out),
            ];
            let into = parallel.of_writing(in_place, 19, &x).sparse_jacobian_into(&pattern, &mut entries);
            (dense, [parallel.try_of_values(f, &x).sparse_jacobian(&pattern), into.map(|()| entries)])
        });
        for error in dense.map(Result::unwrap_err) {
            let TryError::Function { coordinate: 7, point, source: "no" } = error else { panic!("{error}") };
            assert!(point < x[7]);
        }
        for error in sparse.map(Result::unwrap_err) {
            let TryError::Function { coordinate: 0, point, source: "no" } = error else { panic!("{error}") };
            assert!(point > x[0]);
        }
    }
    let found = Differentiator::default().try_of_values(|x| Ok::<_, ()>(chain(x)), &x).jacobian().unwrap();
    assert_eq!(found, Differentiator::default().jacobian(chain, &x).unwrap());
    let found =
        Differentiator::default().try_of_values(|x| Ok::<_, ()>(chain(x)), &x).sparse_jacobian(&pattern).unwrap();
    assert_eq!(found, Differentiator::default().of_values(chain, &x).sparse_jacobian(&pattern).unwrap());
    // Where f(x) is needed first, it is the first to fail.
    let forward = Differentiator::new(Stencil::forward(), Step::Automatic);
    let error = forward.try_of_values(|_| Err("no"), &x).sparse_jacobian(&pattern).unwrap_err();
    assert_eq!(error, TryError::Function { coordinate: 0, point: x[0], source: "no" });
    // Where no coordinate can move, f(x) still says how many values there are, or that it fails.
    let pinned = Differentiator::default().with_bounds(x.to_vec(), x.to_vec());
    assert_eq!(pinned.jacobian(chain, &x).unwrap(), Array2::<f64>::zeros((19, 20)));
    assert_eq!(Differentiator::default().jacobian(|_| array![1.0, 2.0], &Array1::zeros(0)).unwrap().dim(), (2, 0));
    assert!(matches!(pinned.try_of_values(|_| Err("no"), &x).jacobian(), Err(TryError::Function { source: "no", .. })));
}

#[test]
fn a_function_that_fails_gives_its_own_error_to_a_hessian_and_a_directional_derivative() {
    let x = points(20);
    let f = |moved: &Array1<f64>| if moved[7] < x[7] || moved[12] > x[12] { Err("no") } else { Ok(sum(moved)) };
    let parallel = Differentiator::default().parallel();
    for n_threads in [1, 2, 3, 8] {
        let mut out = Array2::zeros((20, 20));
        let errors = with_threads(n_threads, || {
            [parallel.try_of(f, &x).hessian().unwrap_err(), parallel.try_of(f, &x).hessian_into(&mut out).unwrap_err()]
        });
        for error in errors {
            let TryError::Function { coordinate: 7, point, source: "no" } = error else { panic!("{error}") };
            assert!(point < x[7]);
        }
    }
    let error = parallel.try_of(|_| Err("no"), &x).hessian().unwrap_err();
    assert_eq!(error, TryError::Function { coordinate: 0, point: x[0], source: "no" });
    // At its upper bound a coordinate may stay while the other one is moved: that one is named.
    let bounded = Differentiator::default().with_bounds(-5.0, x.to_vec());
    let error = bounded.try_of(|m| if m[3] < x[3] { Err("no") } else { Ok(sum(m)) }, &x).hessian().unwrap_err();
    assert!(matches!(error, TryError::Function { coordinate: 3, source: "no", .. }), "{error}");

    let v = Array1::ones(20);
    // Along the direction both fail, upwards at a positive t.
    let error = parallel.try_of(f, &x).along(&v).unwrap_err();
    assert!(matches!(error, TryError::Function { coordinate: 0, point: 0.0.., source: "no" }), "{error}");

    // Always serial: such a function may keep count of its calls.
    let mut n_calls = 0;
    let third = |_: &Array1<f64>| {
        n_calls += 1;
        if n_calls < 3 { Ok(0.0) } else { Err("no") }
    };
    assert_eq!(parallel.try_of_mut(third, &x).along(&v), Ok(0.0));

    let central = Differentiator::default();
    let certain = |x: &Array1<f64>| Ok::<_, ()>(sum(x));
    assert_eq!(central.try_of(certain, &x).hessian().unwrap(), central.hessian(sum, &x).unwrap());
    let slope = central.try_of(certain, &x).along(&v).unwrap();
    assert_eq!(slope.to_bits(), central.of(sum, &x).along(&v).unwrap().to_bits());
}

/// A function with scratch memory that threads cannot share.
#[test]
fn a_function_made_for_each_worker_or_with_state_has_the_same_jacobian() {
    let x = points(40);
    let central = Differentiator::default();
    let expected = bits(central.jacobian(chain, &x).unwrap());
    let n_made = AtomicU64::new(0);
    let make = || {
        n_made.fetch_add(1, Relaxed);
        let scratch = Rc::new(RefCell::new(Array1::zeros(40)));
        move |x: &Array1<f64>| {
            scratch.borrow_mut().assign(x);
            chain(&scratch.borrow())
        }
    };
    let make_in_place = || {
        let f = make();
        move |x: &Array1<f64>, values: &mut [f64]| values.copy_from_slice(f(x).as_slice().unwrap())
    };
    for n_threads in [1, 2, 3, 8] {
        let parallel = central.clone().parallel();
        let mut out = Array2::from_elem((39, 40), f64::NAN);
        with_threads(n_threads, || {
            assert_eq!(bits(parallel.of_values_each_worker(make, &x).jacobian().unwrap()), expected);
            assert!(n_made.swap(0, Relaxed) <= n_threads as u64 + 1);
            parallel.of_writing_each_worker(make_in_place, out.nrows(), &x).jacobian_into(&mut out).unwrap();
            assert!(n_made.swap(0, Relaxed) <= n_threads as u64 + 1);
        });
        assert_eq!(bits(&out), expected);
    }
    let mut n_calls = 0;
    let counted = |x: &Array1<f64>| {
        n_calls += 1;
        chain(x)
    };
    assert_eq!(bits(central.clone().parallel().of_values_mut(counted, &x).jacobian().unwrap()), expected);
    assert_eq!(n_calls, 80);
    let mut out = Array2::from_elem((39, 40), f64::NAN);
    central.of_writing_mut(make_in_place(), out.nrows(), &x).jacobian_into(&mut out).unwrap();
    assert_eq!(bits(&out), expected);
}

#[test]
fn evaluations_are_as_many_as_documented() {
    let calls = AtomicU64::new(0);
    let take = || calls.swap(0, Relaxed);
    let count = |x: &Array1<f64>| {
        calls.fetch_add(1, Relaxed);
        sum(x)
    };
    let count_gradient = |x: &Array1<f64>| {
        calls.fetch_add(1, Relaxed);
        sum_gradient(x)
    };
    let (x, v) = (points(10), Array1::ones(10));
    for how in [Differentiator::default(), Differentiator::default().parallel()] {
        how.hessian(count, &x).unwrap();
        assert_eq!(take(), 201);
        how.of_values(count_gradient, &x).symmetric_jacobian().unwrap();
        assert_eq!(take(), 20);
        how.of(count, &x).hessian_vector(&v).unwrap();
        assert_eq!(take(), 40);
        how.of_values(count_gradient, &x).along(&v).unwrap();
        assert_eq!(take(), 2);
        how.of(count, &x).along(&v).unwrap();
        assert_eq!(take(), 2);
        how.of(count, &x).along(&Array1::zeros(10)).unwrap();
        assert_eq!(take(), 0);
    }
    Differentiator::new(Stencil::five_point(), Step::Automatic).hessian(count, &x).unwrap();
    assert_eq!(take(), 1 + 40 + 16 * 45);
    Differentiator::new(Stencil::forward(), Step::Automatic).jacobian(count_gradient, &x).unwrap();
    assert_eq!(take(), 11);
}

#[test]
fn no_point_of_a_matrix_or_a_direction_leaves_the_bounds() {
    let x = array![0.0, 1.0, -1.0];
    for (lower, upper) in [([0.0, 0.5, -2.0], [1.0, 1.0, 5.0]), ([-1e-9, 1.0, -1.0], [1e-9, 1.0, -1.0])] {
        let inside = |x: &Array1<f64>| {
            for ((x, lower), upper) in x.iter().zip(lower).zip(upper) {
                assert!(lower <= *x && *x <= upper, "{x} outside {lower}..={upper}");
            }
            sum(x)
        };
        for stencil in [Stencil::forward(), Stencil::central(), Stencil::five_point()] {
            let how = Differentiator::new(stencil, Step::Automatic).with_bounds(lower, upper);
            how.hessian(inside, &x).unwrap();
            how.jacobian(|x| array![inside(x)], &x).unwrap();
            how.of_values(|x| array![inside(x)], &x).sparse_jacobian(&SparsityPattern::banded(1, 3, 0, 2)).unwrap();
            for v in [array![1.0, -1.0, 0.3], array![-1.0, 1.0, 1.0], array![1.0, 0.0, 0.0]] {
                how.of(inside, &x).along(&v).unwrap();
                how.of(inside, &x).hessian_vector(&v).unwrap();
            }
        }
        // No room at all in two coordinates: their derivatives are 0.
        if upper[1] == lower[1] {
            let how = Differentiator::default().with_bounds(lower, upper);
            let found = how.jacobian(chain, &x).unwrap();
            assert!(found.column(1).iter().chain(found.column(2)).all(|slope| *slope == 0.0));
            assert_eq!(
                how.clone().with_bounds(x.to_vec(), x.to_vec()).jacobian(chain, &x).unwrap(),
                Array2::<f64>::zeros((2, 3))
            );
            assert_eq!(how.with_bounds(x.to_vec(), x.to_vec()).hessian(sum, &x).unwrap(), Array2::<f64>::zeros((3, 3)));
        }
    }
    let error = Differentiator::default().with_bounds(0.0, 1.0).of(sum, &x).along(&x).unwrap_err();
    assert!(matches!(error, Error::Point { coordinate: 2, value: -1.0, .. }));
}

/// d/dt f(x + t·v) is proportional to v, however long v is.
#[test]
fn a_direction_may_be_as_long_or_short_as_numbers_get_but_must_be_finite() {
    let f = |x: &Array1<f64>| x[0].exp() + x[1];
    let gradient = |x: &Array1<f64>| array![x[0].exp(), 1.0];
    let (x, central) = (array![0.0, 1.0], Differentiator::default());
    for length in [1e-300, 1e-160, 1.0, 1e160, 1e300] {
        let v = array![length, 0.0];
        let slope = central.of(f, &x).along(&v).unwrap();
        assert!((slope / length - 1.0).abs() < 1e-9, "{slope:e} for {length:e}");
        let product = central.of(f, &x).hessian_vector(&v).unwrap();
        // Rounding of values of 2 by steps of 1.2e-4: a few times 3e-8.
        assert!((product[0] / length - 1.0).abs() < 1e-6 && product[1] == 0.0, "{product} for {length:e}");
        let product = central.of_values(gradient, &x).along(&v).unwrap();
        assert!((product[0] / length - 1.0).abs() < 1e-9 && product[1] == 0.0, "{product} for {length:e}");
    }
    for value in [f64::NAN, f64::INFINITY] {
        let v = array![1.0, value];
        let errors = [
            central.of(f, &x).along(&v).unwrap_err(),
            central.of(f, &x).hessian_vector(&v).unwrap_err(),
            central.of_values(gradient, &x).along(&v).unwrap_err(),
        ];
        for error in errors {
            let said = format!("component 1 of the direction is {value}, expected a finite number");
            assert_eq!(error.to_string(), said);
        }
        let unchecked = central.clone().with_non_finite(NonFinite::Propagate);
        assert!(!unchecked.of(f, &x).along(&v).unwrap().is_finite());
    }
    let tiny = Differentiator::new(Stencil::central(), Step::Absolute(1e-8));
    let error = tiny.of(f, &array![0.0, 1e9]).along(&array![0.0, 1.0]).unwrap_err();
    assert_eq!(error, Error::Step { coordinate: 1, step: 1e-8, point: 1e9 });
}

/// Also by stencils and matrices that begin with f(x) itself.
#[test]
fn a_point_that_is_not_finite_is_named_before_anything_is_evaluated() {
    let never = |_: &Array1<f64>| -> f64 { panic!("evaluated") };
    let never_many = |_: &Array1<f64>| -> Array1<f64> { panic!("evaluated") };
    let x = array![1.0, f64::NAN];
    let pattern = SparsityPattern::banded(2, 2, 0, 0);
    for stencil in [Stencil::forward(), Stencil::central()] {
        let how = Differentiator::new(stencil, Step::Automatic);
        let errors = [
            how.gradient(never, &x).unwrap_err(),
            how.of(never, &x).value_and_gradient().unwrap_err(),
            how.of(never, &x).estimates().unwrap_err(),
            how.hessian(never, &x).unwrap_err(),
            how.jacobian(never_many, &x).unwrap_err(),
            how.of_values(never_many, &x).sparse_jacobian(&pattern).unwrap_err(),
            how.of(never, &x).along(&array![1.0, 1.0]).unwrap_err(),
            how.of(never, &x).hessian_vector(&array![1.0, 1.0]).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.to_string(), "coordinate 1 is NaN, expected a finite number");
        }
    }
}

#[test]
fn what_is_not_finite_names_the_column_and_may_stay_in_its_own_entries() {
    let x = points(6);
    let f = |moved: &Array1<f64>| {
        let mut values = chain(moved);
        if moved[3] != x[3] {
            values[3] = f64::INFINITY;
        }
        values
    };
    let pattern = SparsityPattern::banded(5, 6, 0, 1);
    let central = Differentiator::default();
    assert!(matches!(central.jacobian(f, &x), Err(Error::NonFinite { coordinate: 3, .. })));
    assert!(matches!(central.of_values(f, &x).sparse_jacobian(&pattern), Err(Error::NonFinite { coordinate: 3, .. })));
    let nan = central.clone().with_non_finite(NonFinite::Nan);
    assert!(nan.jacobian(f, &x).unwrap().column(3).iter().all(|entry| entry.is_nan()));
    let sparse = pattern.to_dense(&nan.of_values(f, &x).sparse_jacobian(&pattern).unwrap());
    // Column 3 has rows 2 and 3.
    assert!(sparse[[3, 3]].is_nan() && (sparse[[2, 3]] - chain_jacobian(&x)[[2, 3]]).abs() < 1e-8);

    let half = |x: &Array1<f64>| if x[1] > 1.0 { f64::NAN } else { sum(x) };
    let x = Array1::ones(3);
    assert!(matches!(central.hessian(half, &x), Err(Error::NonFinite { coordinate: 1, .. })));
    let hessian = nan.hessian(half, &x).unwrap();
    assert!(hessian.row(1).iter().all(|entry| entry.is_nan()) && !hessian[[0, 2]].is_nan());
}

#[test]
fn a_budget_and_a_hook_stop_matrices_too() {
    let (x, calls) = (points(10), AtomicU64::new(0));
    let f = |x: &Array1<f64>| {
        calls.fetch_add(1, Relaxed);
        sum(x)
    };
    // Row i costs 2 + 4i after f(x): 1, 3, 9, 19, 33.
    let error = Differentiator::default().of(f, &x).within(20).hessian().unwrap_err();
    let partial = error.partial().unwrap();
    assert_eq!((calls.swap(0, Relaxed), partial.reason), (19, StopReason::Budget));
    assert_eq!(partial.done, [[true; 3].as_slice(), &[false; 7]].concat());
    let whole = Differentiator::default().hessian(sum, &x).unwrap();
    for ((i, j), value) in whole.indexed_iter() {
        let kept = partial.values[i * 10 + j];
        assert!(if i.max(j) < 3 { kept == *value } else { kept.is_nan() });
    }
    let error = Differentiator::default().of_values(chain, &x).within(9).jacobian().unwrap_err();
    assert_eq!(error.partial().unwrap().done, [[true; 4].as_slice(), &[false; 6]].concat());

    let stop = |progress: Progress| {
        assert_eq!((progress.n_done, progress.n_total, progress.n_evaluations), (1, 2, 2));
        ControlFlow::Break(())
    };
    let pattern = SparsityPattern::banded(9, 10, 0, 1);
    let error = Differentiator::default().of_values(chain, &x).watched(&stop).sparse_jacobian(&pattern).unwrap_err();
    assert_eq!(error.partial().unwrap().done, [true, false]);
    // What is done are the even columns.
    for ((_, column), value) in pattern.entries().zip(&error.partial().unwrap().values) {
        assert_eq!(value.is_nan(), column % 2 == 1);
    }
}

#[test]
#[should_panic(expected = "a Jacobian of shape (2, 2) for 3 coordinates")]
fn a_jacobian_of_another_shape_panics_and_names_both() {
    let _ =
        Differentiator::default().of_writing(chain_in_place, 2, &points(3)).jacobian_into(&mut Array2::zeros((2, 2)));
}
