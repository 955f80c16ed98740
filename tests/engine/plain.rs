//! The gradient of a handful of parameters by the calling thread alone has the bits, the evaluations and the errors of the
//! general way, which a budget that suffices for everything asks for.

use std::cell::RefCell;
use std::fmt::Debug;

use ndarray::{Array1, Array2, ArrayD, IxDyn, array};
use numgrad::difference::{Differentiator, NonFinite, Point, Stencil, Step, TryError};

fn value(x: &[f64]) -> f64 {
    x.iter().enumerate().map(|(i, x)| (x * (i + 1) as f64).sin() * x.exp() + x.abs().sqrt()).sum()
}

fn ways() -> Vec<Differentiator> {
    let stencils = [
        Stencil::forward(),
        Stencil::backward(),
        Stencil::central(),
        Stencil::five_point(),
        Stencil::custom(&[0.0, 1.0, 2.0]),
        Stencil::custom(&[-1.0, 0.5, 2.0, 3.5]),
        Stencil::custom(&[1.0, 1.0 + 1e-12]),
        Stencil::central_of_order(6),
    ];
    let steps =
        [Step::Automatic, Step::Absolute(1e-4), Step::Relative(1e-5), Step::Absolute(1e-18), Step::Absolute(1e308)];
    let rules = [NonFinite::Error, NonFinite::Nan, NonFinite::Shorten, NonFinite::Propagate];
    let all = stencils.iter().flat_map(|stencil| steps.iter().map(move |step| (stencil, step)));
    all.flat_map(|(stencil, step)| {
        let how = Differentiator::new(stencil.clone(), step.clone());
        rules.map(|rule| how.clone().with_non_finite(rule).with_precision(1e-12))
    })
    .chain([Differentiator::default(), Differentiator::default().with_scale(1e-3)])
    .collect()
}

fn bits(values: &[f64]) -> Vec<u64> {
    // Any NaN is as good as another.
    values.iter().map(|value| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }).collect()
}

/// The gradient or the error, and where the function was evaluated.
fn told<E: Debug>(found: Result<Vec<f64>, E>, seen: &RefCell<Vec<u64>>) -> (Result<Vec<u64>, String>, Vec<u64>) {
    (found.map(|gradient| bits(&gradient)).map_err(|error| format!("{error:?}")), seen.take())
}

#[test]
fn the_plain_way_has_the_bits_evaluations_and_errors_of_the_general_one() {
    let points: [&[f64]; 12] = [
        &[0.7],
        &[-0.0],
        &[0.0, -1.5],
        &[1.0, 2.0, 3.0, -4.0, 5.0],
        &[1e-9, 1e9, -3.3],
        &[1e300, 1.0],
        &[f64::MAX, 1.0],
        &[1.0, f64::NAN],
        &[f64::INFINITY],
        // What is a handful, and one more.
        &[0.7; 16],
        &[0.7; 17],
        &[],
    ];
    type Function = fn(&[f64]) -> f64;
    let functions: [Function; 5] = [
        value,
        |x| if x[0] < 0.7 { f64::NAN } else { value(x) },
        |x| if x.iter().sum::<f64>() > 1.2 { f64::INFINITY } else { 1.0 },
        |x| x[0].signum() * 1.7e308,
        |x| 1.0 / x[0],
    ];
    for (how, x, f) in ways()
        .iter()
        .flat_map(|how| points.iter().map(move |x| (how, *x)))
        .flat_map(|(how, x)| functions.iter().map(move |f| (how, x, f)))
        .filter(|(_, x, _)| !x.is_empty())
    {
        let seen = RefCell::new(Vec::new());
        let note = |x: &[f64]| {
            seen.borrow_mut().extend(x.iter().map(|x| x.to_bits()));
            f(x)
        };
        let plain = told(how.of_mut(note, x).gradient(), &seen);
        let general = told(how.of_mut(note, x).within(u64::MAX).gradient(), &seen);
        assert_eq!(plain, general, "{how:?} at {x:?}");
        let mut out = vec![0.0; x.len()];
        let into = told(how.of_mut(note, x).gradient_into(&mut out[..]).map(|()| out), &seen);
        assert_eq!(into, general, "{how:?} at {x:?}, into what is there");
        let with_value =
            |at: numgrad::difference::Of<_, [f64]>| at.value_and_gradient().map(|(f, g)| [&g[..], &[f]].concat());
        let plain = told(with_value(how.of_mut(note, x)), &seen);
        let general = told(with_value(how.of_mut(note, x).within(u64::MAX)), &seen);
        assert_eq!(plain, general, "{how:?} at {x:?}, with the value");
        let plain = told(how.of_mut(note, x).with_value(1.5).gradient(), &seen);
        let general = told(how.of_mut(note, x).with_value(1.5).within(u64::MAX).gradient(), &seen);
        assert_eq!(plain, general, "{how:?} at {x:?}, of a known value");
    }
    for how in ways() {
        assert!(how.of(value, &[][..]).gradient().unwrap().is_empty());
    }
}

#[test]
fn points_of_every_kind_and_functions_of_every_kind_have_the_same_bits() {
    let x = [0.3, -1.0, 2.5, 0.0, -0.0, 7.0];
    for how in ways() {
        let general = how.of(|x: &[f64]| value(x), &x[..]).within(u64::MAX).gradient();
        let expected = general.map(|gradient| bits(&gradient)).map_err(|error| error.to_string());
        let same = |found: Result<Vec<f64>, numgrad::difference::Error>| {
            assert_eq!(found.map(|gradient| bits(&gradient)).map_err(|error| error.to_string()), expected, "{how:?}");
        };
        fn of<P: Point>(
            how: &Differentiator,
            f: impl Fn(&P::Seen) -> f64 + Sync,
            x: &P,
        ) -> Result<P::Out<f64>, numgrad::difference::Error> {
            how.gradient(f, x)
        }
        same(how.gradient(value, &x[..]));
        same(of(&how, |x: &Vec<f64>| value(x), &x.to_vec()));
        same(of(&how, |x: &[f64; 6]| value(x), &x).map(|gradient| gradient.to_vec()));
        same(of(&how, |x: &Array1<f64>| value(x.as_slice().unwrap()), &Array1::from(x.to_vec())).map(|g| g.to_vec()));
        let matrix = Array2::from_shape_vec((2, 3), x.to_vec()).unwrap();
        same(of(&how, |x: &Array2<f64>| value(x.as_slice().unwrap()), &matrix).map(|g| g.into_iter().collect()));
        // In another layout the coordinates have the same order.
        let transposed = matrix.t().as_standard_layout().into_owned();
        same(
            of(&how, |x: &Array2<f64>| value(x.as_slice().unwrap()), &transposed.t()).map(|g| g.into_iter().collect()),
        );
        let dynamic = ArrayD::from_shape_vec(IxDyn(&[1, 2, 1, 3, 1, 1]), x.to_vec()).unwrap();
        same(of(&how, |x: &ArrayD<f64>| value(x.as_slice().unwrap()), &dynamic).map(|g| g.into_iter().collect()));
        same(how.of_each_worker(|| value, &x[..]).gradient());
        let parallel = how.clone().parallel();
        for _ in 0..3 {
            same(parallel.gradient(value, &x[..]));
            same(parallel.of_each_worker(|| value, &x[..]).gradient());
        }
        let fallible = how.try_of(|x: &[f64]| Ok::<_, String>(value(x)), &x[..]).gradient();
        assert_eq!(fallible.map(|gradient| bits(&gradient)).map_err(|error| error.to_string()), expected, "{how:?}");
    }
}

#[test]
fn a_function_that_fails_is_asked_no_more() {
    for how in ways() {
        let n_calls = RefCell::new(0);
        let f = |_: &[f64]| {
            *n_calls.borrow_mut() += 1;
            if *n_calls.borrow() == 4 { Err("no") } else { Ok(*n_calls.borrow() as f64) }
        };
        let x = [1.0, 2.0, 3.0];
        let plain = how.try_of_mut(f, &x[..]).gradient();
        let n_plain = n_calls.replace(0);
        let general = how.try_of_mut(f, &x[..]).within(u64::MAX).gradient();
        assert_eq!((&plain, n_plain), (&general, n_calls.replace(0)), "{how:?}");
        assert!(!matches!(plain, Err(TryError::Function { .. })) || n_plain == 4);
    }
}

/// The thread's memory for the copy of a point serves derivatives within derivatives as well, and one after a panic.
#[test]
fn derivatives_within_derivatives_and_after_a_panic_are_right() {
    let central = Differentiator::default();
    let outer = |x: &Array1<f64>| central.gradient(|y: &Array1<f64>| (y * x).sum(), &array![1.0, 2.0]).unwrap().sum();
    let found = central.gradient(outer, &array![3.0, 4.0]).unwrap();
    assert!(found.iter().all(|slope| (slope - 1.0).abs() < 1e-4), "{found}");
    let panics = || Differentiator::default().gradient(|_| panic!("on purpose"), &array![1.0, 2.0]);
    assert!(std::panic::catch_unwind(panics).is_err());
    assert!((central.gradient(|x| x[0] * x[1], &array![3.0, 4.0]).unwrap()[0] - 4.0).abs() < 1e-9);
    // A sum of 10,000 has a last digit of 1.8e-12, which the step of 6e-6 makes 1.5e-7 of the slope.
    assert!((central.gradient(|x| x.sum(), &Array1::ones(10_000)).unwrap()[9_999] - 1.0).abs() < 1e-6);
}
