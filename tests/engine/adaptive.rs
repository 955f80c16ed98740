//! Derivatives with an estimate of their error, and gradients that are checked against them.

#![allow(clippy::excessive_precision, reason = "the digits are those of the sources")]

use std::cell::RefCell;
use std::f64::consts::E;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::support::numbers::with_threads;
use ndarray::{Array1, array};
use numgrad::difference::{Differentiator, Error, NonFinite, Objective, Sample, TryError};

type Function = fn(&Array1<f64>) -> f64;

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
        let found = Differentiator::default().of(f, &x).estimates().unwrap();
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
            assert!(found.converged && found.n_evaluations <= 16, "fact {number}: {found:?}");
        }
    }
    let bounded = Differentiator::default().with_bounds(1e-4, 1.9e-3);
    let found = bounded.of(|x| x[0].ln(), &array![1e-3]).estimates().unwrap()[0];
    assert!((found.value - 1000.0).abs() <= 1e-6 && found.converged, "{found:?}");
}

/// Functions of one number with their derivatives: on scales from far below the first step to far above it, with offsets,
/// poles, kinks and waves.
type Curve = (&'static str, fn(f64) -> f64, fn(f64) -> f64);

const CURVES: [Curve; 19] = [
    ("e^x", f64::exp, f64::exp),
    ("e^50x", |x| (50.0 * x).exp(), |x| 50.0 * (50.0 * x).exp()),
    ("sin x", f64::sin, f64::cos),
    ("sin 30x", |x| (30.0 * x).sin(), |x| 30.0 * (30.0 * x).cos()),
    ("sin 300x", |x| (300.0 * x).sin(), |x| 300.0 * (300.0 * x).cos()),
    // A first step of 0.02 is 16 periods less a twelfth; were it halved, the next one would be 8 less a 24th, and so on.
    ("sin 5000x", |x| (5000.0 * x).sin(), |x| 5000.0 * (5000.0 * x).cos()),
    ("ln x", |x| x.abs().ln(), |x| 1.0 / x),
    ("1/x", |x| 1.0 / x, |x| -1.0 / (x * x)),
    ("√x", |x| x.abs().sqrt(), |x| x.signum() / (2.0 * x.abs().sqrt())),
    ("x³", |x| x * x * x, |x| 3.0 * x * x),
    ("constant", |_| 5.0, |_| 0.0),
    ("3x + 1e6", |x| 3.0 * x + 1e6, |_| 3.0),
    ("cos x + 1e8", |x| x.cos() + 1e8, |x| -x.sin()),
    ("x^20", |x| x.powi(20), |x| 20.0 * x.powi(19)),
    ("tanh 1000x", |x| (1000.0 * x).tanh(), |x| 1000.0 / (1000.0 * x).cosh().powi(2)),
    ("bell", |x| (-1e4 * x * x).exp(), |x| -2e4 * x * (-1e4 * x * x).exp()),
    ("Runge", |x| 1.0 / (1.0 + 25.0 * x * x), |x| -50.0 * x / (1.0 + 25.0 * x * x).powi(2)),
    ("|x|", f64::abs, f64::signum),
    ("x·|x|", |x| x * x.abs(), |x| 2.0 * x.abs()),
];

/// `f` at a few times 1e-16 of it, or of what an error of x does to it; the derivative's own constant at 1e-16.
#[test]
fn estimates_are_honest_on_every_scale() {
    let points = [1e-3, 0.013, 0.1, 0.5, 1.0, 1.7, 3.0, 10.0, -0.3, -2.0, 57.3, 100.0, 1234.5];
    let (mut n, mut n_understated, mut n_converged) = (0, 0, 0);
    for (name, f, slope) in CURVES {
        for x in points.into_iter().filter(|x| f(1.1 * x).is_finite()) {
            let exact = slope(x);
            let found = Differentiator::default().of(|x| f(x[0]), &array![x]).estimates().unwrap()[0];
            let error = (found.value - exact).abs() - 2.0 * f64::EPSILON * exact.abs();
            let scale = exact.abs().max(f(x).abs() / x.abs().max(1.0));
            n += 1;
            n_understated += usize::from(error > found.error);
            n_converged += usize::from(found.converged);
            assert!(error <= 3.0 * found.error, "{name} at {x}: {exact} by {found:?}");
            assert!(!found.converged || error <= 2e-8 * scale, "{name} at {x}: {exact} by {found:?}");
        }
    }
    assert!(n_understated * 100 <= n && n_converged * 100 >= 99 * n, "{n_understated}, {n_converged} of {n}");
}

/// Values that are off by up to ε of themselves, in a way that depends on every bit of x.
#[test]
fn estimates_are_honest_about_noise_of_the_precision_that_was_given() {
    let noise = |x: f64, seed: u64| {
        let z = (x.to_bits() ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    for precision in [1e-12, 1e-8, 1e-4, 1e-2] {
        let (mut n, mut n_understated) = (0, 0);
        for ((_, f, slope), x, seed) in [CURVES[0], CURVES[2], CURVES[9]]
            .into_iter()
            .flat_map(|curve| [0.3, 1.0, -0.7, 2.5].map(|x| (curve, x)))
            .flat_map(|(curve, x)| (0..20).map(move |seed| (curve, x, seed)))
        {
            let noisy = |x: &Array1<f64>| (f(x[0]) + 1.0) * (1.0 + precision * noise(x[0], seed));
            let how = Differentiator::default().with_precision(precision);
            let found = how.of(noisy, &array![x]).estimates().unwrap()[0];
            let error = (found.value - slope(x)).abs();
            n += 1;
            n_understated += usize::from(error > found.error);
            // The noise over a first step of 0.02·(ε/2.2e-16)^(1/9), a few times: 3e-11 for the first, 0.06 for the last.
            let allowed = precision * (f(x).abs() + 1.0) / (0.02 * (precision / 2.2e-16).powf(1.0 / 9.0));
            assert!(
                error <= 3.0 * found.error && found.error <= 30.0 * allowed,
                "{precision}: {} by {found:?}",
                slope(x)
            );
        }
        assert!(n_understated * 50 <= n, "{n_understated} of {n} at {precision}");
    }
}

/// The two slopes of a kink are apart however short the step is; a symmetric difference alone sees their mean, and sees it
/// very precisely.
#[test]
fn a_kink_at_the_point_itself_is_seen() {
    let functions: [fn(f64) -> f64; 3] = [f64::abs, |x| x.max(0.0), |x| x.exp() + x.abs() / 3.0];
    for f in functions {
        let found = Differentiator::default().of(|x| f(x[0]), &array![0.0]).estimates().unwrap()[0];
        assert!(!found.converged && found.error > 0.3, "{found:?}");
    }
    let hinge = |x: &Array1<f64>| x[0].abs();
    let check = Differentiator::default().of(hinge, &array![0.0]).check(&array![0.0], Sample::All).unwrap();
    assert!(!check.passes(1e-3), "{check}");
}

#[test]
fn bounds_are_kept_and_one_sided_at_them() {
    for (x, lower, upper) in [(0.0, 0.0, 1.0), (1.0, -5.0, 1.0), (0.5, 0.5, 0.5 + 1e-3), (0.3, 0.3 - 1e-9, 2.0)] {
        let f = |x: &Array1<f64>| {
            assert!(lower <= x[0] && x[0] <= upper);
            x[0].exp()
        };
        let found = Differentiator::default().with_bounds(lower, upper).of(f, &array![x]).estimates().unwrap()[0];
        assert!((found.value / x.exp() - 1.0).abs() < 1e-9, "{found:?} at {x}");
    }
    let pinned = Differentiator::default().with_bounds(1.0, 1.0);
    let found = pinned.of(|_| panic!("evaluated"), &array![1.0]).estimates().unwrap()[0];
    assert!(found.value == 0.0 && found.error == 0.0 && found.n_evaluations == 0);
}

#[test]
fn a_kink_does_not_converge_and_what_is_not_finite_follows_the_rule() {
    let kink = |x: &Array1<f64>| (x[0] - 0.001).abs() + x[0] * (1.0 / x[0]).sin();
    let found = Differentiator::default().of(kink, &array![1e-5]).estimates().unwrap()[0];
    assert!(!found.converged, "{found:?}");
    let f = |x: &Array1<f64>| if (x[0] - 1.0).abs() > 1e-3 { f64::NAN } else { x[0].exp() };
    let how = Differentiator::default();
    assert!(matches!(how.of(f, &array![1.0]).estimates(), Err(Error::NonFinite { coordinate: 0, .. })));
    assert!(how.clone().with_non_finite(NonFinite::Nan).of(f, &array![1.0]).estimates().unwrap()[0].value.is_nan());
    let found = how.with_non_finite(NonFinite::Shorten).of(f, &array![1.0]).estimates().unwrap()[0];
    assert!((found.value - E).abs() < 1e-10, "{found:?}");
}

#[test]
fn evaluations_are_counted_and_bits_do_not_depend_on_threads() {
    let calls = AtomicU64::new(0);
    let f = |x: &Array1<f64>| {
        calls.fetch_add(1, Relaxed);
        x.iter().enumerate().map(|(i, x)| (x * (i + 1) as f64).sin() * x.exp()).sum()
    };
    let x: Array1<f64> = (0..50).map(|i| f64::from(i) * 0.07).collect();
    let serial = Differentiator::default().of(f, &x).estimates().unwrap();
    // One more of f(x), which all coordinates share.
    assert_eq!(calls.swap(0, Relaxed), 1 + serial.iter().map(|estimate| estimate.n_evaluations).sum::<u64>());
    for n_threads in [1, 2, 3, 8] {
        let found = with_threads(n_threads, || Differentiator::default().parallel().of(f, &x).estimates().unwrap());
        for (found, serial) in found.iter().zip(&serial) {
            assert_eq!(
                (found.value.to_bits(), found.error.to_bits()),
                (serial.value.to_bits(), serial.error.to_bits())
            );
        }
    }
    calls.store(0, Relaxed);
    let error = Differentiator::default().of(f, &x).within(250).estimates().unwrap_err();
    assert!(calls.load(Relaxed) <= 250 && error.partial().unwrap().done.iter().filter(|done| **done).count() == 5);
}

#[test]
fn a_function_that_fails_gives_its_own_error_and_the_first_coordinate() {
    let f = |x: &Array1<f64>| if x[3] < 1.0 || x[9] > 1.0 { Err("no") } else { Ok(x.sum()) };
    let how = Differentiator::default().parallel();
    for n_threads in [1, 2, 3, 8] {
        let error = with_threads(n_threads, || how.try_of(f, &Array1::ones(40)).estimates().unwrap_err());
        let TryError::Function { coordinate: 3, point, source: "no" } = error else { panic!("{error}") };
        assert!(point < 1.0);
    }
    // f(x) itself.
    let error = how.try_of(|_| Err("no"), &array![2.0, 3.0]).estimates().unwrap_err();
    assert_eq!(error, TryError::Function { coordinate: 0, point: 2.0, source: "no" });
    let certain = how.try_of(|x| Ok::<_, ()>(x[0].sin()), &array![1.0]).estimates().unwrap();
    assert_eq!(certain, how.of(|x| x[0].sin(), &array![1.0]).estimates().unwrap());
}

/// A function with scratch memory that threads cannot share.
#[test]
fn a_function_made_for_each_worker_or_with_state_has_the_same_estimates() {
    let f = |x: &Array1<f64>| x.iter().map(|x| x.sin()).product::<f64>();
    let x: Array1<f64> = (1..30).map(|i| f64::from(i) * 0.1).collect();
    let central = Differentiator::default();
    let expected = central.of(f, &x).estimates().unwrap();
    let n_made = AtomicU64::new(0);
    let make = || {
        n_made.fetch_add(1, Relaxed);
        let scratch = Rc::new(RefCell::new(Array1::zeros(29)));
        move |x: &Array1<f64>| {
            scratch.borrow_mut().assign(x);
            f(&scratch.borrow())
        }
    };
    for n_threads in [1, 2, 3, 8] {
        let found =
            with_threads(n_threads, || central.clone().parallel().of_each_worker(make, &x).estimates().unwrap());
        assert_eq!(found, expected);
        assert!(n_made.swap(0, Relaxed) <= n_threads as u64 + 1);
    }
    let mut n_calls = 0;
    let counted = |x: &Array1<f64>| {
        n_calls += 1;
        f(x)
    };
    assert_eq!(central.parallel().of_mut(counted, &x).estimates().unwrap(), expected);
    assert_eq!(n_calls, 1 + expected.iter().map(|estimate| estimate.n_evaluations).sum::<u64>());
}

#[test]
fn shortened_steps_find_a_function_of_small_domain_and_keep_to_the_budget() {
    let calls = AtomicU64::new(0);
    let shorten = Differentiator::default().with_non_finite(NonFinite::Shorten);
    let logarithm = |x: &Array1<f64>| {
        calls.fetch_add(1, Relaxed);
        x[0].ln()
    };
    for x in [1.0, 1e-3, 1e-9] {
        let found = shorten.of(logarithm, &array![x]).estimates().unwrap()[0];
        assert!((found.value * x - 1.0).abs() < 1e-11 && found.converged, "{found:?} at {x}");
        assert_eq!(calls.swap(0, Relaxed), 1 + found.n_evaluations);
        let fixed = shorten.gradient(logarithm, &array![x]).unwrap()[0];
        // The step is at most an eighth of what left the domain: h²/3x² of 2 %.
        assert!((fixed * x - 1.0).abs() < 0.02, "{fixed} at {x}");
        calls.store(0, Relaxed);
    }
    // One side is never finite: the other one alone. The third derivative there is infinite.
    let found = shorten.of(|x| x[0].powf(2.5), &array![0.0]).estimates().unwrap()[0];
    assert!(found.value.abs() <= 1e-9 && found.n_evaluations <= 48, "{found:?}");
}

/// At a stationary point nothing can be said relative to the derivative: both are 0 to within the numerical error.
#[test]
fn a_gradient_passes_at_a_stationary_point_and_nothing_compared_does_not() {
    let f = |x: &Array1<f64>| 1.0 + x.iter().map(|x| (x - 1.0).powi(2)).sum::<f64>();
    let check = |gradient: &Array1<f64>, sample| {
        Differentiator::default().of(f, &Array1::ones(3)).check(gradient, sample).unwrap()
    };
    assert!(check(&array![0.0, 1e-17, 0.0], Sample::All).passes(1e-9));
    assert!(!check(&array![0.0, 1e-3, 0.0], Sample::All).passes(1e-9));
    assert!(check(&array![0.0, 1e-17, 0.0], Sample::Directions { n: 3, seed: 1 }).passes(1e-9));
    assert!(!check(&Array1::zeros(3), Sample::Coordinates { n: 0, seed: 1 }).passes(1e-9));
}

/// Σ (i + 1)·sin x_i, coordinate by coordinate.
struct Sines(Array1<f64>);

impl Objective for Sines {
    type Workspace = ();

    fn n_coordinates(&self) -> usize {
        self.0.len()
    }

    fn coordinate_value(&self, coordinate: usize) -> f64 {
        self.0[coordinate]
    }

    fn workspace(&self) {}

    fn evaluate(&self, (): &mut (), i: usize, delta: f64) -> f64 {
        (i + 1) as f64 * ((self.0[i] + delta).sin() - self.0[i].sin())
    }
}

#[test]
fn a_structured_objective_has_estimates_and_its_gradient_is_checked() {
    let mut sines = Sines((0..20).map(|i| f64::from(i) * 0.3).collect());
    let mut gradient: Vec<f64> = sines.0.iter().enumerate().map(|(i, x)| (i + 1) as f64 * x.cos()).collect();
    let serial = Differentiator::default();
    let found = serial.of_objective(&mut sines).estimates().unwrap();
    for (found, exact) in found.iter().zip(&gradient) {
        assert!(
            (found.value - exact).abs() <= found.error && found.error < 1e-10 && found.converged,
            "{found:?}, {exact}"
        );
    }
    assert_eq!(serial.clone().parallel().of_objective(&mut sines).estimates().unwrap(), found);
    for sample in [Sample::All, Sample::Coordinates { n: 5, seed: 7 }] {
        assert!(serial.of_objective(&mut sines).check(&gradient, sample).unwrap().passes(1e-9));
    }
    gradient[11] += 1e-3;
    let check = serial.of_objective(&mut sines).check(&gradient, Sample::All).unwrap();
    assert!(!check.passes(1e-9) && check.worst().unwrap().index == 11, "{check}");
}

#[test]
fn a_right_gradient_passes_and_a_wrong_one_names_its_worst_coordinate() {
    let f = |x: &Array1<f64>| x.iter().enumerate().map(|(i, x)| (i as f64 - 7.0) * x.sin()).sum();
    let x: Array1<f64> = (0..40).map(|i| f64::from(i) * 0.1).collect();
    let right: Array1<f64> = x.iter().enumerate().map(|(i, x)| (i as f64 - 7.0) * x.cos()).collect();
    let mut wrong = right.clone();
    wrong[13] *= 1.0 + 1e-6;
    wrong[21] *= 1.0 + 1e-3;
    let all = Sample::All;
    let coordinates = Sample::Coordinates { n: 12, seed: 3 };
    let directions = Sample::Directions { n: 5, seed: 3 };
    let check = |gradient: &Array1<f64>, sample| Differentiator::default().of(f, &x).check(gradient, sample).unwrap();
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
    assert!(bounded.of(f, &x).check(&right, coordinates).unwrap().passes(1e-7));
    let chosen: Vec<_> = check(&right, coordinates).comparisons().iter().map(|c| c.index).collect();
    assert!(chosen.is_sorted_by(|a, b| a < b));
}
