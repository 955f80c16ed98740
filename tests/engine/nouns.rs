//! A function and a point as one value: every kind of point, every kind of function, every derivative of it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::support::numbers::{bits, points, with_threads};
use ndarray::{Array1, Array2, ArrayRef1, ArrayView1, Axis, arr0, array};
use numgrad::difference::{
    Differentiator, Error, Estimate, NonFinite, Sample, SparsityPattern, Stencil, Step, StopReason, TryError,
};
use numgrad::{derivative, gradient, numerical_gradient};

/// a²·b + sin b.
fn of_slice(x: &[f64]) -> f64 {
    x[0] * x[0] * x[1] + x[1].sin()
}

#[expect(clippy::ptr_arg, reason = "a plain function of a Vec is what is tested")]
fn of_vec(x: &Vec<f64>) -> f64 {
    of_slice(x)
}

fn of_array(x: &Array1<f64>) -> f64 {
    of_slice(x.as_slice().unwrap())
}

fn of_array_ref(x: &ArrayRef1<f64>) -> f64 {
    of_slice(x.as_slice().unwrap())
}

/// Plain functions fit, closures need no annotation, and each kind of point gives its own kind of gradient, of the same bits.
#[test]
fn points_are_slices_vectors_and_arrays_of_every_kind() {
    let expected = bits(gradient(of_slice, &[1.5, -0.5][..]).unwrap());
    let vector = vec![1.5, -0.5];
    let from_vec: Vec<f64> = gradient(of_vec, &vector).unwrap();
    assert_eq!(bits(from_vec), expected);
    assert_eq!(bits(gradient(of_slice, &vector[..]).unwrap()), expected);
    let fixed: [f64; 2] = gradient(|[a, b]| a * a * b + b.sin(), &[1.5, -0.5]).unwrap();
    assert_eq!(bits(fixed), expected);
    let owned = array![1.5, -0.5];
    let from_array: Array1<f64> = gradient(of_array, &owned).unwrap();
    assert_eq!(bits(from_array), expected);
    assert_eq!(bits(gradient(|x| of_array_ref(x), &owned).unwrap()), expected);
    // Views, columns that are not contiguous, references of arrays, and arrays that share their memory.
    assert_eq!(bits(gradient(of_array, &owned.view()).unwrap()), expected);
    let columns = array![[1.5, 9.0], [-0.5, 9.0]];
    assert_eq!(bits(gradient(of_array, &columns.column(0)).unwrap()), expected);
    let as_reference: &ArrayRef1<f64> = &owned;
    assert_eq!(bits(gradient(of_array, as_reference).unwrap()), expected);
    assert_eq!(bits(gradient(of_array, &owned.to_shared()).unwrap()), expected);
    assert_eq!(bits(gradient(of_array, &ArrayView1::from(&vector)).unwrap()), expected);
    // Any number of dimensions, none among them.
    let matrix: Array2<f64> = gradient(|x| x.iter().map(|x| x * x).sum(), &array![[1.0, 2.0], [3.0, 4.0]]).unwrap();
    assert!((matrix[[1, 0]] - 6.0).abs() < 1e-8);
    assert!((gradient(|x| x[()].exp(), &arr0(0.0)).unwrap()[()] - 1.0).abs() < 1e-9);
    assert!((numerical_gradient(|[a, b]| a * b, &[3.0, 4.0])[0] - 4.0).abs() < 1e-8);
    assert_eq!(gradient(|x| x.iter().sum(), &Vec::new()).unwrap(), Vec::<f64>::new());
}

#[test]
fn a_function_of_one_number_has_a_derivative() {
    assert!((derivative(f64::sin, 1.0).unwrap() - 1_f64.cos()).abs() < 1e-10);
    let mut n_evaluations = 0;
    let counted = |x: f64| {
        n_evaluations += 1;
        x.powi(3)
    };
    let bounded = Differentiator::new(Stencil::five_point(), Step::Automatic).with_bounds(0.0, 2.0);
    assert!((bounded.derivative(counted, 2.0).unwrap() - 12.0).abs() < 1e-8);
    assert_eq!(n_evaluations, 5);
    assert!(matches!(derivative(f64::ln, 0.0), Err(Error::NonFinite { coordinate: 0, .. })));
}

/// Gradients are written into whatever has the shape, without its own layout mattering.
#[test]
fn a_gradient_is_written_into_slices_rows_and_columns() {
    let central = Differentiator::default();
    let at_x = central.of(of_slice, &[1.5, -0.5][..]);
    let expected = at_x.gradient().unwrap();
    let mut table = Array2::zeros((2, 2));
    at_x.gradient_into(&mut table.column_mut(1)).unwrap();
    assert_eq!(table.column(1).to_vec(), expected);
    let (mut vector, mut fixed) = (vec![0.0; 2], [0.0; 2]);
    at_x.gradient_into(&mut vector).unwrap();
    at_x.gradient_into(&mut fixed).unwrap();
    at_x.gradient_into(&mut table.index_axis_mut(Axis(0), 0)).unwrap();
    assert_eq!((vector, fixed.to_vec(), table.row(0).to_vec()), (expected.clone(), expected.clone(), expected));
}

#[test]
#[should_panic(expected = "a direction of [3] for a point of [2]")]
fn a_direction_of_another_shape_panics_and_names_both() {
    let _ = Differentiator::default().of(of_slice, &[1.0, 2.0][..]).along(&[1.0; 3]);
}

#[derive(Debug, PartialEq)]
struct Lost(f64);

/// A simulator that keeps state, cannot be shared and may fail: one for each worker, and every derivative of it.
#[test]
fn a_fallible_function_made_for_each_worker_has_every_derivative() {
    let x = points(12);
    let f = |x: &Array1<f64>| x.windows(2).into_iter().map(|w| w[0] * w[0] * w[1]).sum::<f64>();
    let start = |limit: f64| {
        move || {
            let n_runs = Cell::new(0);
            move |x: &Array1<f64>| {
                n_runs.set(n_runs.get() + 1);
                if x[5] > limit { Err(Lost(x[5])) } else { Ok(f(x)) }
            }
        }
    };
    let (central, v) = (Differentiator::default(), Array1::ones(12));
    let shared = central.of(f, &x);
    for n_threads in [1, 2, 8] {
        with_threads(n_threads, || {
            let parallel = central.clone().parallel();
            let each = parallel.try_of_each_worker(start(1e9), &x);
            assert_eq!(bits(each.gradient().unwrap()), bits(shared.gradient().unwrap()));
            assert_eq!(each.value_and_gradient().unwrap().0, f(&x));
            assert_eq!(bits(each.partials([3, 7]).unwrap()), bits(shared.partials([3, 7]).unwrap()));
            assert_eq!(bits(each.hessian().unwrap()), bits(shared.hessian().unwrap()));
            assert_eq!(each.along(&v).unwrap().to_bits(), shared.along(&v).unwrap().to_bits());
            assert_eq!(bits(each.hessian_vector(&v).unwrap()), bits(shared.hessian_vector(&v).unwrap()));
            assert_eq!(each.estimates().unwrap(), shared.estimates().unwrap());
            let exact = shared.gradient().unwrap();
            assert!(each.check(&exact, Sample::All).unwrap().passes(1e-6));
            let failing = parallel.try_of_each_worker(start(x[5]), &x);
            let lost = |error| matches!(error, TryError::Function { source: Lost(found), .. } if found > x[5]);
            assert!(lost(failing.gradient().unwrap_err()) && lost(failing.hessian().unwrap_err()));
            assert!(lost(failing.estimates().unwrap_err()) && lost(failing.along(&v).unwrap_err()));
            assert!(lost(failing.hessian_vector(&v).unwrap_err()) && lost(failing.partials([5]).unwrap_err()));
        });
    }
    let mut n_calls = 0;
    let mutable = |x: &Array1<f64>| {
        n_calls += 1;
        Ok::<_, Lost>(f(x))
    };
    assert_eq!(bits(central.try_of_mut(mutable, &x).hessian().unwrap()), bits(shared.hessian().unwrap()));
    assert_eq!(n_calls, 2 * 12 * 12 + 1);
}

/// The values of `f` alone: f(x) is not evaluated, whatever needs it.
#[test]
fn a_known_value_saves_an_evaluation_of_every_derivative() {
    let calls = AtomicU64::new(0);
    let f = |x: &[f64; 3]| {
        calls.fetch_add(1, Relaxed);
        x[0] * x[1] * x[2].exp()
    };
    let take = || calls.swap(0, Relaxed);
    let (forward, x) = (Differentiator::new(Stencil::forward(), Step::Automatic), [1.0, 2.0, 0.5]);
    let plain = forward.of(f, &x);
    let value = f(&x);
    take();
    let known = forward.of(f, &x).with_value(value);
    assert_eq!(plain.gradient().unwrap(), known.gradient().unwrap());
    assert_eq!(take(), 4 + 3);
    assert_eq!(plain.along(&x).unwrap(), known.along(&x).unwrap());
    assert_eq!(take(), 2 + 1);
    assert_eq!(plain.hessian().unwrap(), known.hessian().unwrap());
    assert_eq!(take(), 2 * (1 + 2 * 3 + 4 * 3) - 1);
    let sum = |found: &[Estimate; 3]| found.iter().map(|found| found.n_evaluations).sum::<u64>();
    let found = plain.estimates().unwrap();
    assert_eq!(take(), 1 + sum(&found));
    assert_eq!(known.estimates().unwrap(), found);
    assert_eq!(take(), sum(&found));
    assert_eq!(known.value_and_gradient().unwrap().0, value);
}

#[test]
fn a_flag_stops_every_derivative_before_the_next_coordinate() {
    let x = points(30);
    let flag = Arc::new(AtomicBool::new(false));
    let central = Differentiator::default();
    let setting = |x: &Array1<f64>| {
        flag.store(x[9] != points(30)[9], Relaxed);
        x.sum()
    };
    let error = central.of(setting, &x).cancelled_by(flag.clone()).gradient().unwrap_err();
    let partial = error.partial().unwrap();
    assert_eq!((partial.reason, partial.done.iter().filter(|done| **done).count()), (StopReason::Cancelled, 10));
    flag.store(true, Relaxed);
    let never = |_: &Array1<f64>| -> f64 { panic!("evaluated") };
    let stopped = central.of(never, &x).cancelled_by(flag.clone());
    for error in [stopped.gradient().unwrap_err(), stopped.hessian().unwrap_err(), stopped.estimates().unwrap_err()] {
        assert_eq!(error.partial().unwrap().reason, StopReason::Cancelled);
        assert!(error.to_string().starts_with("cancelled after 0 of 30"));
    }
    flag.store(false, Relaxed);
    assert!(central.of(|x| x.sum(), &x).cancelled_by(flag).gradient().is_ok());
}

/// J·v where there are more or fewer values than coordinates, and none that can be moved.
#[test]
fn a_jacobian_times_a_vector_has_a_value_for_each_row() {
    let central = Differentiator::default();
    let many = |[a, b]: &[f64; 2]| vec![a * b, a + b, a - b, a * a];
    let at_x = central.of_values(many, &[2.0, 3.0]);
    let found = at_x.along(&[1.0, -1.0]).unwrap();
    assert!(found.iter().zip([1.0, 0.0, 2.0, 4.0]).all(|(found, exact)| (found - exact).abs() < 1e-9), "{found:?}");
    assert_eq!(at_x.along(&[0.0, 0.0]).unwrap(), [0.0; 4]);
    let pinned = central.clone().with_bounds([2.0, 3.0], [2.0, 3.0]);
    assert_eq!(pinned.of_values(many, &[2.0, 3.0]).along(&[1.0, -1.0]).unwrap(), [0.0; 4]);
    let one = central.of_values(|x| array![x.sum()], &points(5)).along(&Array1::ones(5)).unwrap();
    assert!(one.len() == 1 && (one[0] - 5.0).abs() < 1e-9);
    let mut out = [0.0; 4];
    at_x.along_into(&[1.0, -1.0], &mut out).unwrap();
    assert_eq!(out.to_vec(), found);
}

#[test]
fn a_sparse_hessian_has_the_bits_of_the_dense_one_and_costs_its_own_entries() {
    let (x, calls) = (points(20), AtomicU64::new(0));
    let f = |x: &Array1<f64>| {
        calls.fetch_add(1, Relaxed);
        x.windows(2).into_iter().map(|w| w[0] * w[0] * w[1]).sum::<f64>()
    };
    let tridiagonal = SparsityPattern::banded(20, 20, 1, 1);
    let central = Differentiator::default();
    let dense = central.of(f, &x).hessian().unwrap();
    calls.store(0, Relaxed);
    for how in [central.clone(), central.clone().parallel()] {
        let sparse = how.of(f, &x).sparse_hessian(&tridiagonal).unwrap();
        assert_eq!(calls.swap(0, Relaxed), 1 + 2 * 20 + 4 * 19);
        for ((i, j), value) in tridiagonal.entries().zip(&sparse) {
            assert_eq!(value.to_bits(), dense[[i, j]].to_bits());
        }
    }
    // What the pattern leaves out spoils nothing.
    let diagonal = SparsityPattern::banded(20, 20, 0, 0);
    assert_eq!(bits(central.of(f, &x).sparse_hessian(&diagonal).unwrap()), bits(dense.diag()));
    let partial = central.of(f, &x).within(10).sparse_hessian(&diagonal).unwrap_err();
    assert_eq!(partial.partial().unwrap().done.iter().filter(|done| **done).count(), 4);
}

/// x·ln x at 1e-6: the usual steps leave its domain.
#[test]
fn shortened_steps_work_in_hessians_and_sparse_jacobians_too() {
    let shorten = Differentiator::default().with_non_finite(NonFinite::Shorten);
    let x = array![1e-6, 1.0, 1e-9];
    let entropy = |x: &Array1<f64>| x.iter().map(|x| x * x.ln()).sum::<f64>() + x[0] * x[1];
    assert!(Differentiator::default().of(entropy, &x).hessian().is_err());
    let hessian = shorten.of(entropy, &x).hessian().unwrap();
    for (i, x) in x.iter().enumerate() {
        assert!((hessian[[i, i]] * x - 1.0).abs() < 0.02, "{hessian}");
    }
    assert!((hessian[[0, 1]] - 1.0).abs() < 0.02 && hessian[[0, 2]].abs() < 0.02 * 1e6, "{hessian}");
    let logarithms = |x: &Array1<f64>| x.mapv(f64::ln);
    let diagonal = SparsityPattern::banded(3, 3, 0, 0);
    assert!(Differentiator::default().of_values(logarithms, &x).sparse_jacobian(&diagonal).is_err());
    let found = shorten.of_values(logarithms, &x).sparse_jacobian(&diagonal).unwrap();
    assert!(found.iter().zip(&x).all(|(found, x)| (found * x - 1.0).abs() < 0.02), "{found:?}");
    // A domain of one point alone is an error.
    let island = |x: &Array1<f64>| x.mapv(|x| if x == 1.0 { 0.0 } else { f64::NAN });
    let error = shorten.of_values(island, &Array1::ones(2)).sparse_jacobian(&SparsityPattern::banded(2, 2, 0, 0));
    assert!(matches!(error, Err(Error::NonFinite { .. })));
    let error = shorten.of(|x| island(x).sum(), &Array1::ones(2)).hessian();
    assert!(matches!(error, Err(Error::NonFinite { .. })));
}

#[test]
fn a_pattern_that_leaves_out_an_entry_is_an_error_that_names_the_row() {
    let x = points(30);
    let chain = |x: &Array1<f64>, far: f64| -> Array1<f64> {
        (0..30).map(|i| x[i].sin() + if i == 17 { far * x[3] * x[4] } else { 0.0 }).collect()
    };
    let diagonal = SparsityPattern::banded(30, 30, 0, 0);
    for stencil in [Stencil::forward(), Stencil::central(), Stencil::five_point()] {
        let how = Differentiator::new(stencil, Step::Automatic);
        assert!(how.of_values(|x| chain(x, 0.0), &x).sparse_jacobian(&diagonal).is_ok());
        // A small entry too, though its rounding is that of the whole row.
        for far in [1.0, 1e-3] {
            let error = how.of_values(|x| chain(x, far), &x).sparse_jacobian(&diagonal).unwrap_err();
            let Error::Pattern { row: 17, product, slope } = error else { panic!("{error}") };
            assert!(product != slope);
        }
        let trusted = diagonal.clone().unchecked();
        assert!(how.of_values(|x| chain(x, 1.0), &x).sparse_jacobian(&trusted).is_ok());
        // With bounds on all sides, and at some of them.
        let bounded = how.with_bounds(-3.0, &x);
        assert!(bounded.of_values(|x| chain(x, 0.0), &x).sparse_jacobian(&diagonal).is_ok());
        assert!(bounded.of_values(|x| chain(x, 1.0), &x).sparse_jacobian(&diagonal).is_err());
    }
}

/// At a stationary point all differences are errors of truncation, which differ from step to step: no reason to blame the
/// pattern.
#[test]
fn a_right_pattern_is_not_blamed_for_truncation_or_rounding() {
    let functions: [fn(f64) -> f64; 6] =
        [|x| x * x, |x| x.powi(3), |x| x.cos() * 1e6, |x| 1e8 + x, |x| (30.0 * x).sin(), |_| 5.0];
    let pattern = SparsityPattern::banded(40, 40, 1, 1);
    for f in functions {
        for x in [Array1::zeros(40), points(40), points(40) * 1e4, points(40) * 1e-5] {
            let values = |x: &Array1<f64>| -> Array1<f64> {
                let at = |i: usize| x.get(i).copied().unwrap_or(0.0);
                (0..40).map(|i: usize| f(at(i.wrapping_sub(1))) - 2.0 * f(at(i)) + f(at(i + 1))).collect()
            };
            for stencil in [Stencil::forward(), Stencil::central(), Stencil::five_point()] {
                let how = Differentiator::new(stencil, Step::Automatic);
                let found = how.of_values(values, &x).sparse_jacobian(&pattern);
                assert!(found.is_ok(), "{} with {how:?}", found.unwrap_err());
            }
        }
    }
}

/// Kinks that the point lies on, noise that nobody told of, quantised values and steps far too long: the product with a vector
/// is then not what the function does along it, and the pattern is right all the same.
#[test]
fn a_right_pattern_is_not_blamed_for_kinks_noise_or_long_steps() {
    let noisy = |x: f64| x + 1e-8 * (1e9 * x).sin();
    let functions: [fn(f64, f64) -> f64; 5] = [
        |a, b| a.max(b),
        |a, b| (a - b).abs(),
        |a, b| (a + b).max(0.0).sqrt(),
        |a, b| (1e6 * (a + b)).round() / 1e6,
        |a, b| (a * b).exp() * (10.0 * a).sin(),
    ];
    let pattern = SparsityPattern::banded(30, 30, 0, 1);
    for (k, f) in functions.iter().enumerate() {
        let values = |x: &Array1<f64>| -> Array1<f64> {
            (0..30).map(|i| noisy(f(x[i], x.get(i + 1).copied().unwrap_or(0.0)))).collect()
        };
        for stencil in [Stencil::forward(), Stencil::backward(), Stencil::central(), Stencil::five_point()] {
            for step in [Step::Automatic, Step::Absolute(0.3), Step::Relative(1e-3)] {
                let how = Differentiator::new(stencil.clone(), step).with_non_finite(NonFinite::Nan);
                for x in [Array1::zeros(30), Array1::ones(30), points(30), points(30) * 1e6, points(30) * 1e-9] {
                    let found = how.of_values(values, &x).sparse_jacobian(&pattern);
                    assert!(found.is_ok(), "function {k}: {} with {how:?}", found.unwrap_err());
                }
            }
        }
    }
}

/// Small and large, near 0 and far from it, with noise beside it.
#[test]
fn an_entry_that_is_left_out_is_found_at_every_scale() {
    let diagonal = SparsityPattern::banded(6, 6, 0, 0);
    for scale in [1e-12, 1e-6, 1.0, 1e6, 1e12] {
        for size in [1e-12, 1.0, 1e12] {
            for noise in [0.0, 1e-12] {
                let x = points(6) * scale;
                let values = |x: &Array1<f64>| -> Array1<f64> {
                    let row = |i: usize| {
                        let y = x[i] / scale + if i == 4 { 0.01 * (x[0] / scale).sin() } else { 0.0 };
                        size * (y.sin() + noise * (1e9 * y).sin())
                    };
                    (0..6).map(row).collect()
                };
                let how = Differentiator::default().with_scale(scale);
                let found = how.of_values(values, &x).sparse_jacobian(&diagonal);
                assert!(matches!(found, Err(Error::Pattern { row: 4, .. })), "{scale:e} {size:e} {noise:e}: {found:?}");
            }
        }
    }
}

/// Values of very different kinds beside each other: each entry is what the value has by itself, in serial and in parallel.
#[test]
fn estimates_of_a_jacobian_are_those_of_each_value() {
    let one = |i: usize, x: &[f64; 3]| match i {
        0 => x[0].exp() * x[1],
        1 => (x[0] / 1e-3).round() * 1e-3,
        2 => (x[1] - 2.0).abs(),
        3 => 1e9 + x[2],
        4 => (x[2] + 1e-3 * (1e3 * x[2]).sin()) * 1e-12,
        5 => x[0].ln(),
        _ => 4.0,
    };
    let (calls, x) = (AtomicU64::new(0), [0.7, 2.0, 0.01]);
    let all = |x: &[f64; 3]| {
        calls.fetch_add(1, Relaxed);
        (0..7).map(|i| one(i, x)).collect::<Vec<_>>()
    };
    for how in [
        Differentiator::default(),
        Differentiator::default().with_bounds([0.7, 0.0, -1.0], [0.7, 2.0, 1.0]),
        Differentiator::default().with_non_finite(NonFinite::Shorten).with_scale([100.0, 1.0, 1.0]),
    ] {
        calls.store(0, Relaxed);
        let found = how.of_values(all, &x).estimates().unwrap();
        let n_calls = calls.swap(0, Relaxed);
        let dearest = |j: usize| found.column(j).iter().map(|found| found.n_evaluations).max().unwrap();
        let least = 1 + (0..3).map(dearest).sum::<u64>();
        assert!((least..=least + 60).contains(&n_calls), "{n_calls} calls, {least} for the dearest of each column");
        for i in 0..7 {
            let alone = how.of(|x| one(i, x), &x).estimates().unwrap();
            assert_eq!(found.row(i).to_vec(), alone.to_vec(), "value {i}");
        }
        let mut out = ndarray::Array2::from_elem(found.dim(), numgrad::difference::Estimate::default());
        how.of_values(all, &x).estimates_into(&mut out).unwrap();
        assert_eq!(out, found);
        for n_threads in [1, 2, 8] {
            with_threads(n_threads, || {
                assert_eq!(how.clone().parallel().of_values(all, &x).estimates().unwrap(), found);
            });
        }
    }
    // A value without a number is an error, or NaN where that is the rule; none at all has no rows.
    let central = Differentiator::default();
    let lost = |[a, b]: &[f64; 2]| vec![a + b, f64::NAN];
    assert!(matches!(central.of_values(lost, &[1.0, 2.0]).estimates(), Err(Error::NonFinite { .. })));
    let nan = central.clone().with_non_finite(NonFinite::Nan).of_values(lost, &[1.0, 2.0]).estimates().unwrap();
    assert!((nan[[0, 1]].value - 1.0).abs() < 1e-12 && nan[[1, 0]].value.is_nan());
    assert_eq!(central.of_values(|_| vec![], &[1.0, 2.0]).estimates().unwrap().dim(), (0, 2));
    assert_eq!(central.of_values(|_| vec![1.0], &[]).estimates().unwrap().dim(), (1, 0));
}

#[test]
fn estimates_of_a_jacobian_keep_to_their_budget() {
    let calls = AtomicU64::new(0);
    // Quanta in different places: each value has to be known at other points.
    let stairs = |x: &Array1<f64>| {
        calls.fetch_add(1, Relaxed);
        Array1::from_shape_fn(40, |i| (x.sum() * 10_f64.powf(i as f64 / 10.0)).round())
    };
    let x = Array1::from_elem(3, 0.3);
    for budget in [0, 1, 48, 49, 97, 120, 145, 400] {
        let found = Differentiator::default().of_values(stairs, &x).within(budget).estimates();
        assert!(calls.swap(0, Relaxed) <= budget);
        if let Err(error) = found {
            let partial = error.partial().unwrap();
            assert_eq!((partial.reason, partial.done.len()), (StopReason::Budget, 3));
        }
    }
    // Without a budget nothing is known, not even how many values there are; nor where nothing is asked for.
    let central = Differentiator::default();
    let nothing = Sample::Coordinates { n: 0, seed: 1 };
    for x in [Array1::zeros(0), Array1::zeros(2)] {
        let at_x = central.of_values(stairs, &x);
        assert!(at_x.check(&Array2::zeros((40, x.len())), nothing).unwrap().comparisons().is_empty());
        let broke = central.of_values(stairs, &x).within(0);
        assert_eq!(broke.estimates().unwrap_err().partial().unwrap().reason, StopReason::Budget);
        assert!(broke.check(&Array2::zeros((40, x.len())), nothing).is_err());
        let stopped = central.of_values(stairs, &x).cancelled_by(Arc::new(AtomicBool::new(true)));
        assert_eq!(stopped.estimates().unwrap_err().partial().unwrap().reason, StopReason::Cancelled);
    }
}

#[test]
fn a_jacobian_is_checked_by_entries_and_by_directions() {
    let x = points(6);
    let f = |x: &Array1<f64>| -> Array1<f64> { (0..4).map(|i| x[i].sin() * x[i + 2]).collect() };
    let exact = Array2::from_shape_fn((4, 6), |(i, j)| {
        if j == i {
            x[i].cos() * x[i + 2]
        } else if j == i + 2 {
            x[i].sin()
        } else {
            0.0
        }
    });
    let mut wrong = exact.clone();
    wrong[[2, 4]] *= 1.001;
    let central = Differentiator::default();
    for how in [central.clone(), central.clone().with_bounds(&x, 1e3), central.with_non_finite(NonFinite::Shorten)] {
        let at_x = how.of_values(f, &x);
        for sample in [Sample::All, Sample::Coordinates { n: 5, seed: 2 }, Sample::Directions { n: 3, seed: 1 }] {
            let report = at_x.check(&exact, sample).unwrap();
            assert!(report.passes(1e-7), "{report}");
        }
        let report = at_x.check(&wrong, Sample::All).unwrap();
        let worst = report.worst().unwrap();
        assert_eq!((worst.row, worst.index, report.comparisons().len()), (Some(2), 4, 24));
        let table = report.to_string();
        assert!(
            table.contains("row, column") && table.contains("2, 4") && table.contains("23 agree, 1 differ"),
            "{table}"
        );
        let along = at_x.check(&wrong, Sample::Directions { n: 3, seed: 1 }).unwrap();
        assert!(!along.passes(1e-7) && along.worst().unwrap().row == Some(2), "{along}");
        assert_eq!(along.comparisons().len(), 12);
    }
}

#[test]
#[should_panic(expected = "a Jacobian of shape (3, 6) for 4 values")]
fn a_jacobian_of_another_shape_is_not_checked() {
    let f = |x: &Array1<f64>| x.slice(ndarray::s![..4]).to_owned();
    let _ = Differentiator::default().of_values(f, &points(6)).check(&Array2::zeros((3, 6)), Sample::All);
}

/// One budget is for all: the check of the pattern too.
#[test]
fn a_sparse_jacobian_keeps_to_its_budget() {
    let (x, calls) = (points(9), AtomicU64::new(0));
    let squares = |x: &Array1<f64>| {
        calls.fetch_add(1, Relaxed);
        x.mapv(|x| x * x)
    };
    let tridiagonal = SparsityPattern::banded(9, 9, 1, 1);
    for (budget, n_groups) in [(8, 3), (7, 2), (6, 2), (5, 1), (0, 0)] {
        let found = Differentiator::default().of_values(squares, &x).within(budget).sparse_jacobian(&tridiagonal);
        let n_done = found.map_or_else(|e| e.partial().unwrap().done.iter().filter(|done| **done).count(), |_| 3);
        assert_eq!(n_done, n_groups);
        assert!(calls.swap(0, Relaxed) <= budget);
    }
}

#[test]
fn bounds_scales_and_steps_come_from_slices_vectors_and_arrays() {
    let x = array![[0.5, 1e-3], [2.0, 1.0]];
    let (lower, upper) = (array![[0.0, 0.0], [1.0, 1.0]], vec![1.0, 1.0, 2.0, 1.0]);
    let f = |x: &Array2<f64>| x.iter().map(|x| x.sqrt()).sum::<f64>();
    let central = Differentiator::default();
    let expected = bits(central.clone().with_bounds(lower.clone(), upper.clone()).gradient(f, &x).unwrap());
    assert_eq!(bits(central.clone().with_bounds(&lower, &upper[..]).gradient(f, &x).unwrap()), expected);
    assert_eq!(bits(central.clone().with_bounds(&lower.view(), &upper).gradient(f, &x).unwrap()), expected);
    let scales = array![[1.0, 1e-3], [1.0, 1.0]];
    let scaled = bits(central.clone().with_scale(&scales).gradient(f, &x).unwrap());
    assert_eq!(bits(central.with_scale([1.0, 1e-3, 1.0, 1.0]).gradient(f, &x).unwrap()), scaled);
    let stepped = |step| bits(Differentiator::new(Stencil::central(), step).gradient(f, &x).unwrap());
    assert_eq!(
        stepped(Step::per_coordinate(&scales.mapv(|s| s * 1e-6))),
        stepped(Step::per_coordinate(&[1e-6, 1e-9, 1e-6, 1e-6]))
    );
}
