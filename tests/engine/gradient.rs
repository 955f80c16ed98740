//! What a user of gradients relies on: orders, counts of evaluations, bounds, budgets, hooks, panics, and the same bits for
//! any number of threads.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use crate::support::numbers::{bits, points, with_threads};
use ndarray::{Array, Array1, ArrayD, IxDyn, ShapeBuilder, array, s};
use numgrad::difference::{
    Coordinates, Differentiator, Error, NonFinite, Objective, PartsRequest, PerCoordinate, Progress, Stencil, Step,
    StopReason, TryError,
};
use rayon::prelude::*;

fn stencils() -> Vec<Stencil> {
    let mut all = vec![Stencil::forward(), Stencil::backward(), Stencil::custom(&[0.0, 1.0, 2.0])];
    all.push(Stencil::custom(&[-1.0, 0.5, 2.0, 3.5]));
    all.extend([2, 4, 6, 8, 10, 12].map(Stencil::central_of_order));
    all
}

/// A function whose evaluations have some rounding in them.
fn wavy(x: &Array1<f64>) -> f64 {
    x.iter().enumerate().map(|(i, x)| (x * (i + 1) as f64).sin() * x.exp()).sum()
}

#[test]
fn weights_are_those_of_the_literature() {
    assert_eq!(Stencil::custom(&[-2.0, -1.0, 0.0, 1.0, 2.0]).points(), [-2.0, -1.0, 1.0, 2.0]);
    let five_point = Stencil::custom(&[-2.0, -1.0, 0.0, 1.0, 2.0]);
    for (found, exact) in five_point.weights().iter().zip(Stencil::five_point().weights()) {
        assert!((found - exact).abs() <= 1e-16);
    }
    // Fornberg (1988), table 1: order 8.
    let eighth = Stencil::central_of_order(8);
    let exact = [4.0 / 5.0, -1.0 / 5.0, 4.0 / 105.0, -1.0 / 280.0];
    for (found, exact) in eighth.weights()[4..].iter().zip(exact) {
        assert!((found - exact).abs() <= 4.0 * f64::EPSILON);
    }
    assert_eq!(Stencil::custom(&[0.0, 1.0]).order(), 1);
    assert_eq!(Stencil::custom(&[-1.0, 1.0]).order(), 2);
    assert_eq!(Stencil::custom(&[-1.0, 0.5, 2.0, 3.5]).order(), 3);
    // Points of any size: the powers that tell the order stay numbers.
    assert_eq!(Stencil::custom(&[0.0, 1e-200]).order(), 1);
    assert_eq!(Stencil::custom(&[-1e150, 1e150]).order(), 2);
}

/// With a step of 1 the polynomials of degree ≤ order have derivative 1·x^0 … exactly; the next one does not.
#[test]
fn polynomials_up_to_the_order_are_exact_and_the_next_one_is_not() {
    for stencil in stencils() {
        let how = Differentiator::new(stencil.clone(), Step::Absolute(0.5));
        for degree in 0..=stencil.order() as i32 {
            let found = how.gradient(|x| x[0].powi(degree), &array![1.0]).unwrap()[0];
            // Values up to (1 + 20·0.5)^degree would spoil it; the points reach 6 steps.
            let size: f64 = stencil
                .points()
                .iter()
                .zip(stencil.weights())
                .map(|(p, w)| (w * (1.0 + 0.5 * p).powi(degree)).abs())
                .sum();
            let tolerance = 64.0 * f64::EPSILON * (size / 0.5).max(1.0);
            assert!((found - f64::from(degree)).abs() <= tolerance, "{stencil:?}, degree {degree}: {found}");
        }
        let degree = stencil.order() as i32 + 1;
        let found = how.gradient(|x| x[0].powi(degree), &array![1.0]).unwrap()[0];
        assert!((found - f64::from(degree)).abs() > 1e-6, "{stencil:?}, degree {degree}");
    }
}

/// Halving the step divides the error by 2^order: e^x around 0, steps where truncation is far above rounding.
#[test]
fn halving_the_step_divides_the_error_by_two_to_the_order() {
    for stencil in stencils() {
        let error = |h| {
            let how = Differentiator::new(stencil.clone(), Step::Absolute(h));
            (how.gradient(|x| x[0].exp(), &array![0.0]).unwrap()[0] - 1.0).abs()
        };
        // The error is C·h^order (1 + O(h)): the measured order is within 0.35 for these steps.
        let h = if stencil.order() >= 8 { 0.4 } else { 0.05 };
        let order = (error(h) / error(h / 2.0)).log2();
        assert!((order - f64::from(stencil.order())).abs() < 0.35, "{stencil:?}: {order}");
    }
}

#[test]
fn evaluations_are_as_many_as_documented() {
    let count = |how: &Differentiator, n: usize| {
        let calls = AtomicU64::new(0);
        let f = |x: &Array1<f64>| {
            calls.fetch_add(1, Relaxed);
            wavy(x)
        };
        how.gradient(f, &points(n)).unwrap();
        calls.into_inner()
    };
    for parallel in [false, true] {
        let how = |stencil| {
            let how = Differentiator::new(stencil, Step::Automatic);
            if parallel { how.parallel() } else { how }
        };
        assert_eq!(count(&how(Stencil::forward()), 30), 31);
        assert_eq!(count(&how(Stencil::central()), 30), 60);
        assert_eq!(count(&how(Stencil::five_point()), 30), 120);
        assert_eq!(count(&how(Stencil::central_of_order(8)), 30), 240);
        // At the upper bound: f(x) once, and two more a coordinate.
        let top = points(30);
        let bounded = how(Stencil::central()).with_bounds(-10.0, top.to_vec());
        assert_eq!(count(&bounded, 30), 61);
        // No room: nothing at all.
        assert_eq!(count(&how(Stencil::central()).with_bounds(top.to_vec(), top.to_vec()), 30), 0);
    }
    let n_with = |run: Evaluations| {
        let calls = AtomicU64::new(0);
        run(&|x| {
            calls.fetch_add(1, Relaxed);
            wavy(x)
        });
        calls.into_inner()
    };
    let (x, forward) = (points(30), Differentiator::new(Stencil::forward(), Step::Automatic));
    let value = wavy(&x);
    let expected = forward.gradient(wavy, &x).unwrap();
    assert_eq!(n_with(&|f| assert_eq!(forward.of(f, &x).value_and_gradient().unwrap(), (value, expected.clone()))), 31);
    assert_eq!(n_with(&|f| assert_eq!(forward.of(f, &x).with_value(value).gradient().unwrap(), expected)), 30);
    let mut out = Array1::zeros(30);
    forward.of(wavy, &x).with_value(value).gradient_into(&mut out).unwrap();
    assert_eq!(out, expected);
    assert_eq!(n_with(&|f| assert_eq!(Differentiator::default().of(f, &x).value_and_gradient().unwrap().0, value)), 61);
}

#[test]
fn the_bits_are_the_same_for_every_number_of_threads_and_every_entry_point() {
    let x = points(103);
    let bounds = (vec![-4.0; 103], x.iter().map(|x| x + 1e-6).collect::<Vec<_>>());
    for stencil in stencils() {
        let plain = Differentiator::new(stencil, Step::Automatic);
        for serial in [plain.clone(), plain.with_bounds(bounds.0.clone(), bounds.1.clone())] {
            let expected = bits(serial.gradient(wavy, &x).unwrap());
            assert_eq!(bits(serial.of_mut(wavy, &x).gradient().unwrap()), expected);
            assert_eq!(
                bits(serial.gradient(|x| wavy(&Array1::from(x.to_vec())), x.as_slice().unwrap()).unwrap()),
                expected
            );
            let parallel = serial.clone().parallel();
            for n_threads in [1, 2, 3, 8] {
                let found = with_threads(n_threads, || parallel.gradient(wavy, &x).unwrap());
                assert_eq!(bits(found), expected, "{n_threads} threads");
                let found = with_threads(n_threads, || parallel.of_each_worker(|| wavy, &x).gradient().unwrap());
                assert_eq!(bits(found), expected, "{n_threads} threads");
            }
            // From outside any pool, and inside an outer parallel loop.
            assert_eq!(bits(parallel.gradient(wavy, &x).unwrap()), expected);
            (0..8).into_par_iter().for_each(|_| assert_eq!(bits(parallel.gradient(wavy, &x).unwrap()), expected));
            let mut parts = parallel.of(wavy, &x).partials(0..40).unwrap();
            parts.extend(parallel.of(wavy, &x).partials(40..103).unwrap());
            assert_eq!(bits(parts), expected);
            assert_eq!(
                bits(serial.of(wavy, &x).partials([7, 100, 7]).unwrap()),
                [expected[7], expected[100], expected[7]]
            );
        }
    }
}

/// A function that itself works in parallel must not be entered with a lock held, nor wait for ever.
#[test]
fn a_function_may_use_the_pool_itself() {
    let x = points(40);
    let f = |x: &Array1<f64>| {
        let slice = x.as_slice().unwrap();
        let (a, b) = rayon::join(|| slice[..20].iter().sum::<f64>(), || slice[20..].iter().map(|x| x * x).sum::<f64>());
        a * b
    };
    let expected = bits(Differentiator::default().gradient(f, &x).unwrap());
    for n_threads in [1, 2, 8] {
        assert_eq!(
            bits(with_threads(n_threads, || Differentiator::default().parallel().gradient(f, &x).unwrap())),
            expected
        );
    }
}

#[test]
fn every_shape_and_layout_gives_its_own_shape_in_standard_order() {
    let weigh = |i: usize, v: f64| (i + 1) as f64 * v;
    let check = |x: &ndarray::ArrayRef<f64, IxDyn>| {
        let before = x.to_owned();
        let f = |x: &ArrayD<f64>| x.iter().enumerate().map(|(i, v)| weigh(i, *v)).sum();
        let found = Differentiator::default().gradient(f, x).unwrap();
        assert_eq!(found.shape(), x.shape());
        for (i, value) in found.iter().enumerate() {
            // Sums up to 5e3, rounded, over a step of 6e-6.
            assert!((value - weigh(i, 1.0)).abs() < 1e-6);
        }
        assert_eq!(x, &before);
    };
    let grid = Array::from_shape_fn((3, 4, 2), |(i, j, k)| (i * 8 + j * 2 + k) as f64);
    check(&grid.clone().into_dyn());
    check(&grid.slice(s![..;2, 1..3, ..]).into_dyn());
    check(&grid.reversed_axes().into_dyn());
    check(&ArrayD::zeros(IxDyn(&[])));
    check(&ArrayD::zeros(IxDyn(&[0])));
    check(&ArrayD::zeros(IxDyn(&[2, 0, 3])));
    let mut out = ndarray::Array2::zeros((2, 3).f());
    Differentiator::default().of(|x| x[[0, 2]] * 5.0, &ndarray::Array2::ones((2, 3))).gradient_into(&mut out).unwrap();
    assert!((out[[0, 2]] - 5.0).abs() < 1e-8 && out[[1, 0]] == 0.0);
}

#[test]
#[should_panic(expected = "a gradient of [3] for a point of [2]")]
fn an_output_of_another_shape_panics_and_names_both() {
    let _ = Differentiator::default().of(|x| x[0], &array![1.0, 2.0]).gradient_into(&mut Array1::zeros(3));
}

#[test]
#[should_panic(expected = "2 bounds for 3 coordinates")]
fn bounds_for_another_number_of_coordinates_panic() {
    let _ = Differentiator::default().with_bounds(0.0, [1.0, 1.0]).gradient(|x| x[0], &Array1::zeros(3));
}

#[test]
#[should_panic(expected = "coordinate 3 of a function of 3 coordinates")]
fn a_coordinate_that_does_not_exist_panics() {
    let _ = Differentiator::default().of(|x| x[0], &Array1::zeros(3)).partials([0, 3]);
}

/// Whatever the bounds, no evaluation leaves them, and a cubic's slope is right where there is room for the order.
#[test]
fn no_point_leaves_the_bounds() {
    let widths = [0.0, 1e-300, 1e-17, 1e-15, 3e-13, 1e-8, 1e-5, 1e-3, 1.0, 1e9, f64::INFINITY];
    for stencil in stencils() {
        for step in [Step::Automatic, Step::Absolute(1e-3), Step::Relative(1e-4), Step::PerCoordinate(vec![1e-2])] {
            let how = Differentiator::new(stencil.clone(), step);
            for x in [0.0, 1.0, -1.0, 0.1, -100.0, 12345.678] {
                for (below, above) in widths.iter().flat_map(|&below| widths.map(|above| (below, above))) {
                    let (lower, upper) = (x - below, x + above);
                    let f = |p: &Array1<f64>| {
                        assert!(lower <= p[0] && p[0] <= upper, "{} outside {lower}..={upper}, {stencil:?}", p[0]);
                        3.0 * p[0]
                    };
                    let found = how.clone().with_bounds(lower, upper).gradient(f, &array![x]).unwrap()[0];
                    let exact = if lower == upper { 0.0 } else { 3.0 };
                    // 3x is rounded by half a unit of x; two points of a wide enough interval see the slope.
                    let width = upper - lower;
                    let noise = 100.0 * f64::EPSILON * x.abs().max(f64::MIN_POSITIVE) / width.min(1e-8);
                    if stencil.order() <= 4 && noise < 0.1 || exact == 0.0 {
                        assert!(
                            (found - exact).abs() <= 30.0 * noise + 1e-6,
                            "{found}, {stencil:?} at {x} in {lower}..={upper}"
                        );
                    }
                }
            }
        }
    }
}

/// e^x at its upper bound of 0, in the stencil's own step: the error stays of the same order.
#[test]
fn one_sided_stencils_keep_the_order() {
    for stencil in [Stencil::forward(), Stencil::central(), Stencil::five_point(), Stencil::central_of_order(6)] {
        let error = |h| {
            let how = Differentiator::new(stencil.clone(), Step::Absolute(h)).with_bounds(-10.0, 0.0);
            (how.gradient(|x| x[0].exp(), &array![0.0]).unwrap()[0] - 1.0).abs()
        };
        let h = 0.01 * f64::from(stencil.order());
        let order = (error(h) / error(h / 2.0)).log2();
        assert!((order - f64::from(stencil.order())).abs() < 0.25, "{stencil:?}: {order}");
    }
}

#[test]
fn a_point_outside_its_bounds_is_an_error_before_anything_is_evaluated() {
    let never = |_: &Array1<f64>| -> f64 { panic!("evaluated") };
    let bounded = Differentiator::default().with_bounds(0.0, [1.0, 2.0, 2.0]);
    for value in [2.5, -0.5, f64::NAN, f64::INFINITY] {
        let error = bounded.gradient(never, &array![0.5, 0.5, value]).unwrap_err();
        assert!(matches!(error, Error::Point { coordinate: 2, bounds: (0.0, 2.0), .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("coordinate 2 is {value}, expected")));
    }
    let error = Differentiator::default().gradient(|x| x[0], &array![f64::INFINITY]).unwrap_err();
    assert!(matches!(error, Error::Point { coordinate: 0, .. }));
}

#[test]
fn a_step_that_vanishes_is_an_error_and_the_largest_numbers_have_a_derivative() {
    let how = Differentiator::new(Stencil::central(), Step::Absolute(1e-8));
    let error = how.gradient(|x| x[0] * x[0], &array![1e9]).unwrap_err();
    assert_eq!(error, Error::Step { coordinate: 0, step: 1e-8, point: 1e9 });
    for x in [f64::MAX, f64::MIN, 1e-300, f64::MIN_POSITIVE / 4.0] {
        let found = numgrad::gradient(|x| x[0] / 4.0, &array![x]).unwrap()[0];
        assert!((found - 0.25).abs() < 1e-9, "{found} at {x}");
    }
}

type Evaluations<'a> = &'a dyn Fn(&(dyn Fn(&Array1<f64>) -> f64 + Sync));

/// (x + h) - x differs from h by up to 1e-16·x/h = 1.6e-3 of it here; a linear function shows what is divided by.
#[test]
fn the_realised_step_is_divided_by() {
    for stencil in stencils() {
        let how = Differentiator::new(stencil.clone(), Step::PerCoordinate(vec![7e-5]));
        let found = how.gradient(|x| x[0], &array![1e9]).unwrap()[0];
        assert!((found - 1.0).abs() < 1e-12, "{stencil:?}: {found}");
    }
    let books = Differentiator::new(Stencil::central(), Step::Absolute(1e-4));
    let (x, h) = (1e3 + 0.1, 1e-4);
    assert_eq!(books.gradient(|x| x[0], &array![x]).unwrap()[0], (0.5 * (x + h) - 0.5 * (x - h)) / h);
}

#[test]
fn a_noisy_function_gets_a_longer_step() {
    // Rounded to 1e-6: with the usual step of 6e-6 the derivative would be lost.
    let noisy = |x: &Array1<f64>| (x[0].sin() * 1e6).round() / 1e6;
    let found = Differentiator::default().with_precision(1e-6).gradient(noisy, &array![1.0]).unwrap()[0];
    // h = 1e-2: truncation h²/6 = 1.7e-5, noise 0.5e-6/1e-2 = 5e-5.
    assert!((found - 1_f64.cos()).abs() < 1e-4);
}

#[test]
fn what_is_not_finite_is_an_error_that_names_the_first_coordinate_for_any_number_of_threads() {
    let f = |x: &Array1<f64>| if x[20] > 1.0 || x[70] < 1.0 { f64::NEG_INFINITY } else { x.sum() };
    for n_threads in [1, 2, 8] {
        let error = with_threads(n_threads, || {
            Differentiator::default().parallel().gradient(f, &Array1::ones(100)).unwrap_err()
        });
        let Error::NonFinite { coordinate, point, value } = error else { panic!("{error}") };
        assert_eq!((coordinate, value), (20, f64::NEG_INFINITY));
        assert!((point - 1.0 - 6.0554544523933395e-6).abs() < 1e-15);
    }
    // f(x) itself.
    for stencil in [Stencil::forward(), Stencil::central()] {
        let how = Differentiator::new(stencil, Step::Automatic).with_non_finite(NonFinite::Shorten);
        assert!(matches!(
            how.of(|_| f64::NAN, &array![1.0]).value_and_gradient(),
            Err(Error::NonFinite { point: 1.0, .. })
        ));
    }
    // Values that are finite, a derivative that is not.
    let error = numgrad::gradient(|x| x[0].signum() * 1e305, &array![0.0]).unwrap_err();
    assert!(matches!(error, Error::Overflow { value: f64::INFINITY, .. }));
}

#[test]
fn by_choice_the_coordinate_alone_is_nan_or_the_stencil_keeps_away() {
    let f = |x: &Array1<f64>| (x[0] + 1.0).powf(1.5) + x[1].powi(2) + (2.0 - x[2]).sqrt();
    let x = array![-1.0, 3.0, 1.0];
    for stencil in [Stencil::central(), Stencil::five_point()] {
        let nan = Differentiator::new(stencil.clone(), Step::Automatic).with_non_finite(NonFinite::Nan);
        let found = nan.gradient(f, &x).unwrap();
        assert!(found[0].is_nan() && (found[1] - 6.0).abs() < 1e-8 && (found[2] + 0.5).abs() < 1e-8);
        let away = Differentiator::new(stencil, Step::Automatic).with_non_finite(NonFinite::Shorten);
        let found = away.gradient(f, &x).unwrap();
        // One-sided at a point where the second derivative is infinite: the error is about √h.
        assert!(found[0].abs() < 0.1 && (found[1] - 6.0).abs() < 1e-8 && (found[2] + 0.5).abs() < 1e-8);
    }
    // Finite at one point alone: no step is short enough.
    let shorten = Differentiator::default().with_non_finite(NonFinite::Shorten);
    let island = |x: &Array1<f64>| if x[0] == 1.0 { 0.0 } else { f64::NAN };
    assert!(matches!(shorten.gradient(island, &array![1.0]), Err(Error::NonFinite { coordinate: 0, .. })));
}

#[test]
fn a_function_that_fails_gives_its_own_error_and_the_first_coordinate() {
    #[derive(Debug, PartialEq)]
    struct Unstable(u32);
    let f = |x: &Array1<f64>| if x[3] < 1.0 || x[9] > 1.0 { Err(Unstable(7)) } else { Ok(x.sum()) };
    for n_threads in [1, 2, 8] {
        let how = Differentiator::default().parallel();
        let error = with_threads(n_threads, || how.try_of(f, &Array1::ones(40)).gradient().unwrap_err());
        let TryError::Function { coordinate, point, source } = error else { panic!("{error:?}") };
        assert!((coordinate, source) == (3, Unstable(7)) && point < 1.0);
    }
    assert!(Differentiator::default().try_of(|x| Ok::<_, Unstable>(x[0]), &array![1.0]).gradient().is_ok());
}

#[test]
fn a_panic_reaches_the_caller_once_and_the_others_stop() {
    for n_threads in [1, 2, 8] {
        let n_calls = AtomicUsize::new(0);
        let caught = std::panic::catch_unwind(|| {
            let f = |x: &Array1<f64>| {
                n_calls.fetch_add(1, Relaxed);
                assert!(x[0] <= 1.0, "coordinate 0 went up");
                std::thread::sleep(std::time::Duration::from_micros(200));
                x.sum()
            };
            with_threads(n_threads, || Differentiator::default().parallel().gradient(f, &Array1::ones(2000)))
        });
        let message = caught.unwrap_err();
        assert_eq!(*message.downcast_ref::<&str>().unwrap(), "coordinate 0 went up");
        // Those at work finish their few slots; the thousands in the queue are left.
        assert!(n_calls.load(Relaxed) < 1000, "{}", n_calls.load(Relaxed));
        // The pool still works.
        with_threads(n_threads, || Differentiator::default().parallel().gradient(wavy, &points(50)).unwrap());
    }
}

#[test]
fn a_hook_hears_of_every_coordinate_and_evaluation() {
    for n_threads in [1, 3] {
        let (n_new, last) = (AtomicUsize::new(0), Mutex::new((0, 0)));
        let hook = |progress: Progress| {
            n_new.fetch_add(progress.newly_done, Relaxed);
            assert_eq!(progress.n_total, 50);
            let mut last = last.lock().unwrap();
            *last = (*last).max((progress.n_done, progress.n_evaluations));
            ControlFlow::Continue(())
        };
        let how = Differentiator::new(Stencil::forward(), Step::Automatic).parallel();
        let found = with_threads(n_threads, || how.of(wavy, &points(50)).watched(&hook).gradient().unwrap());
        assert_eq!((n_new.into_inner(), last.into_inner().unwrap()), (50, (50, 51)));
        let silent = Differentiator::new(Stencil::forward(), Step::Automatic);
        assert_eq!(bits(found), bits(silent.gradient(wavy, &points(50)).unwrap()));
    }
}

#[test]
fn what_is_done_when_cancelled_is_kept_with_its_mask() {
    let x = points(200);
    let whole = Differentiator::default().gradient(wavy, &x).unwrap();
    for n_threads in [1, 2, 8] {
        let hook = |progress: Progress| {
            if progress.n_done < 20 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let how = Differentiator::default().parallel();
        let mut out = Array1::from_elem(200, 77.0);
        let error = with_threads(n_threads, || how.of(wavy, &x).watched(&hook).gradient_into(&mut out).unwrap_err());
        let partial = error.partial().unwrap();
        assert_eq!(partial.reason, StopReason::Cancelled);
        let n_done = partial.done.iter().filter(|done| **done).count();
        assert!((20..20 + n_threads).contains(&n_done), "{n_done} done");
        for i in 0..200 {
            let (value, slot) = (partial.values[i], out[i]);
            assert!(if partial.done[i] {
                value == whole[i] && slot == whole[i]
            } else {
                value.is_nan() && slot == 77.0
            });
        }
    }
}

#[test]
fn a_budget_is_never_exceeded_and_buys_the_first_coordinates_for_any_number_of_threads() {
    let x = points(50);
    let n_evaluations = |how: &Differentiator, budget| {
        let calls = AtomicU64::new(0);
        let f = |x: &Array1<f64>| {
            calls.fetch_add(1, Relaxed);
            wavy(x)
        };
        let n_done = match how.of(f, &x).within(budget).gradient() {
            Ok(_) => 50,
            Err(error) => {
                let partial = error.partial().unwrap();
                assert_eq!(partial.reason, StopReason::Budget);
                assert!(partial.done.is_sorted_by(|a, b| a >= b), "the first ones");
                partial.done.iter().filter(|done| **done).count()
            }
        };
        (n_done, calls.into_inner())
    };
    for n_threads in [1, 2, 8] {
        with_threads(n_threads, || {
            let central = Differentiator::default().parallel();
            let forward = Differentiator::new(Stencil::forward(), Step::Automatic).parallel();
            assert_eq!(n_evaluations(&central, 0), (0, 0));
            assert_eq!(n_evaluations(&central, 41), (20, 40));
            assert_eq!(n_evaluations(&central, 100), (50, 100));
            assert_eq!(n_evaluations(&forward, 0), (0, 0));
            assert_eq!(n_evaluations(&forward, 11), (10, 11));
            assert_eq!(n_evaluations(&forward, 51), (50, 51));
            // Coordinate 0 is at its bound: f(x), two more for it, then two a coordinate.
            let mut upper = vec![10.0; 50];
            upper[0] = x[0];
            assert_eq!(n_evaluations(&central.with_bounds(-10.0, upper), 13), (6, 13));
        });
    }
}

/// ln Π_i (1 + x_i), in parts of four coordinates.
struct Product {
    x: Vec<f64>,
    n_parts_done: usize,
}

impl Product {
    fn new() -> Self {
        Self { x: (0..30).map(|i| f64::from(i) / 10.0).collect(), n_parts_done: 0 }
    }
}

impl Objective for Product {
    type Workspace = ();

    fn n_coordinates(&self) -> usize {
        self.x.len()
    }

    fn coordinate_value(&self, coordinate: usize) -> f64 {
        self.x[coordinate]
    }

    fn workspace(&self) {}

    fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 {
        let moved = |(i, x): (usize, &f64)| if i == coordinate { 1.0 + x + delta } else { 1.0 + x };
        self.x.iter().enumerate().map(moved).product::<f64>().ln() * if delta == 0.5 { f64::NAN } else { 1.0 }
    }

    fn n_parts(&self) -> usize {
        self.x.len().div_ceil(4)
    }

    fn part(&self, part: usize) -> Coordinates {
        (4 * part..(4 * part + 4).min(self.x.len())).into()
    }

    fn part_of(&self, coordinate: usize) -> usize {
        coordinate / 4
    }

    fn differences(&mut self, request: &PartsRequest, out: &mut [f64]) -> bool {
        let moves = request.moves();
        for part in 0..self.n_parts() {
            if !request.wants(part) {
                continue;
            }
            self.n_parts_done += 1;
            let Coordinates::Range(range) = self.part(part) else { panic!("a range") };
            for coordinate in range.clone() {
                let terms = moves.deltas.iter().zip(moves.weights);
                out[coordinate] =
                    terms.map(|(&d, w)| w * self.evaluate(&mut (), coordinate, d)).sum::<f64>() / moves.divisor;
            }
            request.done(part, range.len());
        }
        true
    }
}

/// Σ (x_i - i)², of which `evaluate` returns one term: what it leaves out differs from coordinate to coordinate.
struct OwnTerms(Vec<f64>);

impl Objective for OwnTerms {
    type Workspace = ();

    fn n_coordinates(&self) -> usize {
        self.0.len()
    }

    fn coordinate_value(&self, coordinate: usize) -> f64 {
        self.0[coordinate]
    }

    fn workspace(&self) {}

    fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 {
        (self.0[coordinate] + delta - coordinate as f64).powi(2)
    }
}

#[test]
fn an_objective_may_leave_out_what_a_coordinate_does_not_reach() {
    let mut terms = OwnTerms(vec![5.0; 4]);
    let is_right =
        |found: &[f64]| found.iter().zip([10.0, 8.0, 6.0, 4.0]).all(|(found, exact)| (found - exact).abs() < 1e-5);
    for stencil in [Stencil::forward(), Stencil::backward(), Stencil::central(), Stencil::custom(&[0.0, 1.0, 2.0])] {
        for step in [Step::Automatic, Step::Absolute(1e-6)] {
            let how = Differentiator::new(stencil.clone(), step);
            assert!(is_right(&how.of_objective(&mut terms).gradient().unwrap()), "{stencil:?}");
            // At their upper bounds all stencils but the backward one have the point 0 too.
            let bounded = how.with_bounds(0.0, 5.0).parallel();
            assert!(is_right(&bounded.of_objective(&mut terms).gradient().unwrap()), "{stencil:?}");
        }
    }
    let found = Differentiator::default().of_objective(&mut terms).estimates().unwrap();
    assert!(is_right(&found.iter().map(|found| found.value).collect::<Vec<_>>()) && found.iter().all(|f| f.converged));
    // f(x) and f(x + h) for each coordinate.
    let error = Differentiator::new(Stencil::forward(), Step::Automatic).of_objective(&mut terms).within(5).gradient();
    assert_eq!(error.unwrap_err().partial().unwrap().done, [true, true, false, false]);
}

#[test]
fn a_structured_objective_has_steps_bounds_hooks_budgets_and_chosen_coordinates() {
    let product = Product::new;
    let exact: Vec<f64> = product().x.iter().map(|x| 1.0 / (1.0 + x)).collect();
    let is_right =
        |found: &[f64], exact: &[f64]| found.iter().zip(exact).all(|(found, exact)| (found - exact).abs() < 1e-7);
    let bounded = Differentiator::default().with_bounds(PerCoordinate::Same(0.0), 2.9);
    for how in [Differentiator::default(), Differentiator::new(Stencil::five_point(), Step::Relative(1e-3)), bounded] {
        let expected = how.of_objective(&mut product()).gradient().unwrap();
        assert!(is_right(&expected, &exact));
        for n_threads in [1, 2, 8] {
            let found =
                with_threads(n_threads, || how.clone().parallel().of_objective(&mut product()).gradient().unwrap());
            assert_eq!(bits(found), bits(expected.iter().copied()));
        }
    }
    // A uniform step goes by parts: 8 of 4 coordinates, the last one short.
    let uniform = Differentiator::new(Stencil::central(), Step::Absolute(1e-4));
    let mut objective = product();
    let whole = uniform.of_objective(&mut objective).gradient().unwrap();
    assert!(is_right(&whole, &exact));
    assert_eq!(objective.n_parts_done, 8);
    // Those of some coordinates only, whose slots alone are written.
    let mut some = [0.0; 4];
    uniform.of_objective(&mut objective).partials_into([20, 3, 4, 5], &mut some).unwrap();
    assert_eq!(some, [whole[20], whole[3], whole[4], whole[5]]);
    assert_eq!(objective.n_parts_done, 8 + 3);
    let mut out = vec![f64::NEG_INFINITY; 30];
    uniform.of_objective(&mut objective).parts_into(&[7, 1], &mut out).unwrap();
    assert_eq!(objective.n_parts_done, 8 + 3 + 2);
    for (i, out) in out.into_iter().enumerate() {
        assert_eq!(out, if (4..8).contains(&i) || i >= 28 { whole[i] } else { f64::NEG_INFINITY });
    }
    // A budget buys the first coordinates, within a part too.
    let error = uniform.clone().of_objective(&mut product()).within(15).gradient().unwrap_err();
    let partial = error.partial().unwrap();
    assert_eq!(partial.done, (0..30).map(|i| i < 7).collect::<Vec<_>>());
    assert_eq!(partial.values[..7], whole[..7]);
    assert!(partial.values[7..].iter().all(|value| value.is_nan()));
    let mut out = [5.0; 30];
    let error = uniform.clone().of_objective(&mut product()).within(4).parts_into(&[1], &mut out).unwrap_err();
    assert_eq!(error.partial().unwrap().done, [true, true, false, false]);
    assert_eq!(out[3..7], [5.0, whole[4], whole[5], 5.0]);
    // What is not finite is evaluated by itself, and said.
    let half = Differentiator::new(Stencil::central(), Step::Absolute(0.5));
    let error = half.of_objective(&mut product()).gradient().unwrap_err();
    assert!(matches!(error, Error::NonFinite { coordinate: 0, point: 0.5, .. }));
    let masked = half.clone().with_non_finite(NonFinite::Nan).of_objective(&mut product()).partials([3, 4]).unwrap();
    assert!(masked.iter().all(|value| value.is_nan()));
    // A hook is told of each part, of what was asked for in it; what it stops is as it was.
    let told = Mutex::new(Vec::new());
    let hook = |progress: Progress| {
        told.lock().unwrap().push((progress.newly_done, progress.n_done, progress.n_total, progress.n_evaluations));
        ControlFlow::Continue(())
    };
    uniform.of_objective(&mut product()).watched(&hook).partials([20, 3, 4, 5]).unwrap();
    uniform.of_objective(&mut product()).watched(&hook).parts_into(&[7, 1], &mut [0.0; 30]).unwrap();
    assert_eq!(*told.lock().unwrap(), [(1, 1, 4, 2), (2, 3, 4, 6), (1, 4, 4, 8), (4, 4, 6, 8), (2, 6, 6, 12)]);
    let stop = |progress: Progress| {
        if progress.n_done < 8 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let mut out = [5.0; 30];
    let error = uniform.of_objective(&mut product()).watched(&stop).gradient_into(&mut out).unwrap_err();
    let partial = error.partial().unwrap();
    assert_eq!((partial.reason, partial.done.iter().filter(|done| **done).count()), (StopReason::Cancelled, 8));
    assert!(out[..8] == whole[..8] && out[8..] == [5.0; 22]);
    let flag = Arc::new(AtomicBool::new(true));
    let error = uniform.of_objective(&mut product()).cancelled_by(flag).gradient().unwrap_err();
    assert!(error.partial().unwrap().done.iter().all(|done| !done));
    // Of one that is set on the way what was done until then is told.
    let flag = Arc::new(AtomicBool::new(false));
    let set = |progress: Progress| {
        flag.store(progress.n_done >= 8, Relaxed);
        ControlFlow::Continue(())
    };
    let mut objective = product();
    let watched = uniform.of_objective(&mut objective).watched(&set);
    let error = watched.cancelled_by(flag.clone()).gradient().unwrap_err();
    let partial = error.partial().unwrap();
    assert_eq!(partial.done, (0..30).map(|i| i < 8).collect::<Vec<_>>());
    assert_eq!(partial.values[..8], whole[..8]);
}
