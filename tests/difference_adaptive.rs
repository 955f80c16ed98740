//! Derivatives with an estimate of their error, and gradients that are checked against them.

#![allow(clippy::excessive_precision, reason = "the digits are those of the sources")]

use std::f64::consts::E;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ndarray::{Array1, ArrayRef1, array};
use numgrad::difference::{Differentiator, Error, NonFinite, Sample};

type Function = fn(&ArrayRef1<f64>) -> f64;

/// A function, a point, its gradient and the relative tolerance.
type Fact = (Function, Array1<f64>, Vec<f64>, f64);

fn facts() -> Vec<Fact> {
    vec![
        (|x| x[0].sinh(), array![1.0], vec![1.5430806348152438], 1e-12),
        (|x| x[0] * x[0], array![0.5], vec![1.0], 1e-12),
        (|x| x[0].tan(), array![0.5], vec![1.2984464104095248], 1e-12),
        (|x| x[0].exp(), array![0.5], vec![1.6487212707001281], 1e-12),
        (|x| x[0].exp(), array![1.0], vec![E], 5e-13),
        (|x| x[0] * x[0], array![1e9], vec![2e9], 1e-12),
        (|x| x[0] * x[0], array![1e11], vec![2e11], 1e-12),
        (
            |x| (x[0] * x[1]).sin() * x[0].ln(),
            array![100.0, -0.5],
            vec![-2.2192926439145683, 444.38327849032152],
            1e-10,
        ),
        (|x| x[0] * x[1].sin(), array![-100.0, 0.2], vec![0.19866933079506122, -98.006657784124163], 1e-9),
        (|x| x[1] * x[0].cos(), array![-100.0, 0.2], vec![-0.10127312822195176, 0.86231887228768393], 1e-9),
        (|x| x[0].powi(3) / x[1].sqrt(), array![-100.0, 0.2], vec![67082.039324993691, 5590169.9437494742], 1e-9),
        (
            |x| x[0] * x[1] * x[2] + x[0].exp() * x[1],
            array![3.0, 5.0, 7.0],
            vec![135.42768461593834, 41.085536923187668, 15.0],
            1e-12,
        ),
        (
            |x| 1.0 / (x[0].exp() + x[1].cos() + 10.0),
            array![1.0, 2.0],
            vec![-0.017961123762187736, 0.0060082083648821996],
            1e-12,
        ),
        (|x| (1.0 - x[0]).powi(2) + 105.0 * (x[1] - x[0] * x[0]).powi(2), array![2.0, 3.0], vec![842.0, -210.0], 1e-11),
        (
            |x| x.windows(2).into_iter().map(|w| (1.0 - w[0]).powi(2) + 100.0 * (w[1] - w[0] * w[0]).powi(2)).sum(),
            array![0.5, 0.5, 0.5],
            vec![-51.0, -1.0, 50.0],
            1e-11,
        ),
        (|x| x[0].sin(), array![0.0], vec![1.0], 1e-14),
    ]
}

#[test]
fn known_derivatives_are_met_and_the_error_is_not_understated() {
    for (number, (f, x, exact, rel)) in facts().into_iter().enumerate() {
        let found = Differentiator::default().adaptive_gradient(f, &x).unwrap();
        for (found, exact) in found.iter().zip(exact) {
            let error = (found.value - exact).abs();
            assert!(
                error <= rel * exact.abs(),
                "fact {number}: {found:?} for {exact}, off by {:e}",
                error / exact.abs()
            );
            // The estimate knows the function's rounding to an ulp or two, and the constant's.
            assert!(
                error <= 4.0 * found.error + 4.0 * f64::EPSILON * exact.abs(),
                "fact {number}: {found:?} for {exact}"
            );
            assert!(found.converged && found.n_evaluations <= 20, "fact {number}: {found:?}");
        }
    }
    let bounded = Differentiator::default().with_bounds(1e-4, 1.9e-3);
    let found = bounded.adaptive_gradient(|x| x[0].ln(), &array![1e-3]).unwrap()[0];
    assert!((found.value - 1000.0).abs() <= 1e-6 && found.converged, "{found:?}");
}

#[test]
fn bounds_are_kept_and_one_sided_at_them() {
    for (x, lower, upper) in [(0.0, 0.0, 1.0), (1.0, -5.0, 1.0), (0.5, 0.5, 0.5 + 1e-3), (0.3, 0.3 - 1e-9, 2.0)] {
        let f = |x: &ArrayRef1<f64>| {
            assert!(lower <= x[0] && x[0] <= upper);
            x[0].exp()
        };
        let found = Differentiator::default().with_bounds(lower, upper).adaptive_gradient(f, &array![x]).unwrap()[0];
        assert!((found.value / x.exp() - 1.0).abs() < 1e-9, "{found:?} at {x}");
    }
    let pinned = Differentiator::default().with_bounds(1.0, 1.0);
    let found = pinned.adaptive_gradient(|_| panic!("evaluated"), &array![1.0]).unwrap()[0];
    assert!(found.value == 0.0 && found.error == 0.0 && found.n_evaluations == 0);
}

#[test]
fn a_kink_does_not_converge_and_what_is_not_finite_follows_the_rule() {
    let kink = |x: &ArrayRef1<f64>| (x[0] - 0.001).abs() + x[0] * (1.0 / x[0]).sin();
    let found = Differentiator::default().adaptive_gradient(kink, &array![1e-5]).unwrap()[0];
    assert!(!found.converged, "{found:?}");
    let f = |x: &ArrayRef1<f64>| if (x[0] - 1.0).abs() > 1e-3 { f64::NAN } else { x[0].exp() };
    let how = Differentiator::default();
    assert!(matches!(how.adaptive_gradient(f, &array![1.0]), Err(Error::NonFinite { coordinate: 0, .. })));
    assert!(how.clone().with_non_finite(NonFinite::Nan).adaptive_gradient(f, &array![1.0]).unwrap()[0].value.is_nan());
    let found = how.with_non_finite(NonFinite::Shorten).adaptive_gradient(f, &array![1.0]).unwrap()[0];
    assert!((found.value - E).abs() < 1e-10, "{found:?}");
}

#[test]
fn evaluations_are_counted_and_bits_do_not_depend_on_threads() {
    let calls = AtomicU64::new(0);
    let f = |x: &ArrayRef1<f64>| {
        calls.fetch_add(1, Relaxed);
        x.iter().enumerate().map(|(i, x)| (x * (i + 1) as f64).sin() * x.exp()).sum()
    };
    let x: Array1<f64> = (0..50).map(|i| f64::from(i) * 0.07).collect();
    let serial = Differentiator::default().adaptive_gradient(f, &x).unwrap();
    assert_eq!(calls.swap(0, Relaxed), serial.iter().map(|estimate| estimate.n_evaluations).sum::<u64>());
    for n_threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let found = pool.install(|| Differentiator::default().parallel().adaptive_gradient(f, &x).unwrap());
        for (found, serial) in found.iter().zip(&serial) {
            assert_eq!(
                (found.value.to_bits(), found.error.to_bits()),
                (serial.value.to_bits(), serial.error.to_bits())
            );
        }
    }
    calls.store(0, Relaxed);
    let error = Differentiator::default().with_budget(100).adaptive_gradient(f, &x).unwrap_err();
    assert!(calls.load(Relaxed) <= 100 && error.partial().unwrap().done.iter().filter(|done| **done).count() == 5);
}

#[test]
fn a_right_gradient_passes_and_a_wrong_one_names_its_worst_coordinate() {
    let f = |x: &ArrayRef1<f64>| x.iter().enumerate().map(|(i, x)| (i as f64 - 7.0) * x.sin()).sum();
    let x: Array1<f64> = (0..40).map(|i| f64::from(i) * 0.1).collect();
    let right: Array1<f64> = x.iter().enumerate().map(|(i, x)| (i as f64 - 7.0) * x.cos()).collect();
    let mut wrong = right.clone();
    wrong[13] *= 1.0 + 1e-6;
    wrong[21] *= 1.0 + 1e-3;
    let all = Sample::All;
    let coordinates = Sample::Coordinates { n: 12, seed: 3 };
    let directions = Sample::Directions { n: 5, seed: 3 };
    let check =
        |gradient: &Array1<f64>, sample| Differentiator::default().check_gradient(f, &x, gradient, sample).unwrap();
    for (sample, n) in [(all, 40), (coordinates, 12), (directions, 5)] {
        let report = check(&right, sample);
        assert_eq!(report.comparisons().len(), n);
        assert!(report.passes(1e-9), "{report}");
        assert_eq!(report, check(&right, sample), "the seed decides");
    }
    let report = check(&wrong, all);
    assert!(report.passes(1e-2) && !report.passes(1e-4), "{report}");
    let worst = report.worst().unwrap();
    assert_eq!(worst.index, 21);
    assert!((worst.relative_error() - 1e-3).abs() < 1e-5 && worst.numerical_error < 1e-9);
    let table = report.to_string();
    assert!(table.lines().nth(1).unwrap().trim_start().starts_with("21 ") && table.ends_with("40 compared"), "{table}");
    // A direction sees every coordinate.
    assert!(!check(&wrong, directions).passes(1e-7));
    wrong[5] = f64::NAN;
    assert!(!check(&wrong, all).passes(1e-2) && check(&wrong, all).worst().unwrap().index == 5);
    // The samples are of different coordinates, and bounds are kept.
    let bounded = Differentiator::default().with_bounds(x.to_vec(), 10.0);
    assert!(bounded.check_gradient(f, &x, &right, coordinates).unwrap().passes(1e-7));
    let chosen: Vec<_> = check(&right, coordinates).comparisons().iter().map(|c| c.index).collect();
    assert!(chosen.is_sorted_by(|a, b| a < b));
}
