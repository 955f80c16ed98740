//! Numbers that would be wrong and look right: scales far from 1, offsets, corners, wide stencils, noise. What is known of
//! each is its derivative; a derivative is right, or an error, or says that it is not to be trusted.

use std::panic::catch_unwind;

use ndarray::{Array1, array};
use numgrad::difference::{
    Agreement, Differentiator, Error, Estimate, NonFinite, Sample, SparsityPattern, Stencil, Step,
};

type X = Array1<f64>;

/// A function of one number, and its derivative.
type Curve = (fn(f64) -> f64, fn(f64) -> f64);

fn central() -> Differentiator {
    Differentiator::default()
}

fn five_point() -> Differentiator {
    Differentiator::new(Stencil::five_point(), Step::Automatic)
}

/// The derivative of a function of one number.
fn slope(how: &Differentiator, f: impl Fn(f64) -> f64 + Sync, x: f64) -> Result<f64, Error> {
    how.gradient(|x: &X| f(x[0]), &array![x]).map(|gradient| gradient[0])
}

fn assert_near(found: f64, exact: f64, rel: f64, what: &str) {
    assert!((found - exact).abs() <= rel * exact.abs(), "{what}: {found:e} for {exact:e}");
}

/// x/(K + x) at K, which is 0.25/K; h²f‴/6 of it is (h/K)²/4 for the steps of 6e-6·K, and ε/h is 4e-11.
#[test]
fn a_function_of_small_scale_is_right_once_the_scale_is_given() {
    for k in [1e-12, 1e-6, 1e-5, 1e-3, 1.0, 1e6, 1e12] {
        let saturation = |x: f64| x / (k + x);
        let relative = Differentiator::new(Stencil::central(), Step::Relative(1e-6));
        for (name, how) in [("central", central()), ("five-point", five_point()), ("relative", relative)] {
            let found = slope(&how.with_scale(k), saturation, k).unwrap();
            assert_near(found, 0.25 / k, 1e-8, &format!("{name}, {k:e}"));
        }
        // The adaptive derivative begins with the scale, and without it says what it does not know.
        let scaled = central().with_scale(k).of(|x: &X| saturation(x[0]), &array![k]).estimates().unwrap()[0];
        assert_near(scaled.value, 0.25 / k, 1e-12, "adaptive");
        assert!(scaled.converged && scaled.n_evaluations <= 16, "{scaled:?} at {k:e}");
        let found = central().of(|x: &X| saturation(x[0]), &array![k]).estimates().unwrap()[0];
        assert!(!found.converged || (found.value - 0.25 / k).abs() <= found.error.max(1e-15 / k), "{found:?} at {k:e}");
    }
    for width in [1e-7, 1e-3, 1e5] {
        let bell = |x: f64| (-0.5 * ((x - width) / width).powi(2)).exp();
        let exact = (-0.5_f64).exp() / width;
        assert_near(slope(&central().with_scale(width), bell, 0.0).unwrap(), exact, 1e-8, "bell");
        let found = central().of(|x: &X| bell(x[0]), &array![0.0]).estimates().unwrap()[0];
        assert!(!found.converged || (found.value - exact).abs() <= found.error + 1e-15 * exact, "{found:?}, {width:e}");
    }
    // Each coordinate has its own.
    let mixed = |x: &X| x[0] / (1e-6 + x[0]) + x[1] / (1e6 + x[1]);
    let found = central().with_scale([1e-6, 1e6]).gradient(mixed, &array![1e-6, 1e6]).unwrap();
    assert_near(found[0], 250_000.0, 1e-8, "small");
    // Beside a value of 1, whose last digits are 2e-16: over 6 they make 4e-17 of 2.5e-7.
    assert_near(found[1], 2.5e-7, 1e-8, "large");
}

/// The last digits of 1.7e9 are 2.4e-7 apart: beside a step of 6e-4 they would cost 4e-4, if it were not made of them.
#[test]
fn an_offset_costs_what_its_rounding_does() {
    let wave = |x: f64| ((x - 1.7e9) / 100.0).sin();
    let exact = 0.5_f64.cos() / 100.0;
    assert_near(slope(&central().with_scale(100.0), wave, 1.7e9 + 50.0).unwrap(), exact, 1e-8, "seconds");
    let hour = |x: f64| ((x - 45_000.0) * 24.0).exp();
    assert_near(slope(&central().with_scale(0.04), hour, 45_000.0).unwrap(), 24.0, 1e-8, "days");
    let ppm = |x: f64| 1.0 / (1.0 + ((x - 1e8) / 30.0).powi(2));
    let exact = -2.0 * 0.5 / 30.0 / 1.25_f64.powi(2);
    assert_near(slope(&central().with_scale(30.0), ppm, 1e8 + 15.0).unwrap(), exact, 1e-8, "hertz");
    for (f, x) in [(wave as fn(f64) -> f64, 1.7e9 + 50.0), (ppm, 1e8 + 15.0)] {
        let exact = slope(&five_point().with_scale(30.0), f, x).unwrap();
        let found = central().of(|x: &X| f(x[0]), &array![x]).estimates().unwrap()[0];
        assert!(!found.converged || (found.value - exact).abs() <= found.error + 1e-9 * exact.abs(), "{found:?}");
    }
}

#[test]
fn the_scale_serves_hessians_and_directions_and_is_checked() {
    let saturation = |x: &X| x[0] / (1e-6 + x[0]) * x[1];
    let (x, v) = (array![1e-6, 2.0], array![1e-6, 0.5]);
    let scaled = central().with_scale([1e-6, 1.0]);
    // Second derivatives have ε^(1/2) of the values, over the scales.
    let hessian = scaled.hessian(saturation, &x).unwrap();
    assert_near(hessian[[0, 0]], -5e11, 1e-6, "the second derivative");
    assert_near(hessian[[0, 1]], 250_000.0, 1e-6, "the mixed one");
    let along = scaled.of(saturation, &x).along(&v).unwrap();
    assert_near(along, 2.0 * 0.25 + 0.5 * 0.5, 1e-9, "along");
    let product = scaled.of(saturation, &x).hessian_vector(&v).unwrap();
    assert_near(product[0], -5e11 * 1e-6 + 250_000.0 * 0.5, 1e-6, "the product");
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(catch_unwind(|| central().with_scale(scale)).is_err(), "{scale}");
    }
    let two = || central().with_scale([1.0, 2.0]);
    assert!(catch_unwind(|| two().gradient(|x: &X| x.sum(), &array![1.0])).is_err());
    // The scale of a coordinate that does not exist is nobody's.
    assert!(central().with_scale([0.0; 0]).gradient(|x: &X| x.sum(), &Array1::zeros(0)).unwrap().is_empty());
}

#[test]
fn the_default_scale_has_the_bits_of_the_scale_that_it_is() {
    for x in [-3.0_f64, 0.0, 1e-9, 0.7, 1.0, 123.4, 1e9] {
        let f = |x: f64| (x / 3.0).sin() + x * x;
        for stencil in
            [Stencil::forward(), Stencil::central(), Stencil::five_point(), Stencil::custom(&[0.0, 1.0, 2.0])]
        {
            for step in [Step::Automatic, Step::Relative(1e-4)] {
                let how = Differentiator::new(stencil.clone(), step);
                let scaled = how.clone().with_scale(x.abs().max(1.0));
                assert_eq!(slope(&how, f, x).unwrap().to_bits(), slope(&scaled, f, x).unwrap().to_bits());
            }
        }
    }
}

/// ln x at 1e-6: the step of 6e-6 leaves the domain, and the hint of bounds alone would lead to a wrong number.
#[test]
fn an_error_about_a_value_that_is_not_finite_names_the_scale() {
    let error = slope(&central(), f64::ln, 1e-6).unwrap_err();
    assert!(error.to_string().contains("scale"), "{error}");
    for x in [1e-12, 1e-6, 1e-3] {
        let how = central().with_bounds(0.0, 10.0).with_scale(x);
        assert_near(slope(&how, f64::ln, x).unwrap(), 1.0 / x, 1e-8, "ln");
        assert_near(slope(&how, f64::sqrt, x).unwrap(), 0.5 / x.sqrt(), 1e-8, "√");
        assert_near(slope(&central().with_scale(x), |x| 1.0 / x, x).unwrap(), -x.powi(-2), 1e-8, "1/x");
    }
}

#[test]
fn a_wide_stencil_of_high_order_takes_a_short_step() {
    for order in (6..=40).step_by(2) {
        let how = Differentiator::new(Stencil::central_of_order(order), Step::Automatic);
        let runge = slope(&how, |x| 1.0 / (1.0 + x * x), 0.5).unwrap();
        // The rounding of values over the step, with weights whose sum is about 2·ln(order): ε/0.02·4.
        assert_near(runge, -1.0 / 1.25_f64.powi(2), 5e-14, &format!("Runge, order {order}"));
        assert_near(slope(&how, f64::tan, 1.0).unwrap(), 1.0 / 1.0_f64.cos().powi(2), 5e-13, &format!("tan, {order}"));
        assert_near(slope(&how, f64::ln, 0.5).unwrap(), 2.0, 5e-13, &format!("ln, {order}"));
        // At a bound it is one-sided, whose weights double with each order up to 10.
        let bounded = how.clone().with_bounds(0.0, 2.0);
        assert_near(slope(&bounded, f64::exp, 0.0).unwrap(), 1.0, 1e-11, &format!("e^x, {order}"));
        assert_near(slope(&bounded, f64::exp, 2.0).unwrap(), 2.0_f64.exp(), 1e-11, &format!("e^x at 2, {order}"));
    }
}

#[test]
fn the_points_of_a_stencil_all_count_unless_symmetry_takes_their_weight() {
    for far in [1e3, 1e5, 1e9, 1e12] {
        let wide = Stencil::custom(&[-far, -1.0, 1.0, far]);
        assert_eq!((wide.points(), wide.order()), (&[-far, -1.0, 1.0, far][..], 4));
        // Exact for x and x³: Σ w·p = 1, Σ w·p³ = 0.
        let moment = |power| wide.points().iter().zip(wide.weights()).map(|(p, w)| w * p.powi(power)).sum::<f64>();
        assert!((moment(1) - 1.0).abs() <= 1e-15 && moment(3).abs() <= 1e-15, "{far}: {}, {}", moment(1), moment(3));
    }
    assert_eq!(Stencil::custom(&[-1e9, 1.0, 2.0]).points().len(), 3);
    // Without symmetry a near one keeps its weight too.
    assert_eq!(Stencil::custom(&[1e-6, 1.0, 2.0, 3.0]).points().len(), 4);
    assert_eq!(Stencil::custom(&[-1.0, 1.0, 5.0]).points(), [-1.0, 1.0]);
    assert_eq!(Stencil::custom(&[-2.0, -1.0, 0.0, 1.0, 2.0]).points(), [-2.0, -1.0, 1.0, 2.0]);
    for order in (2..=40).step_by(2) {
        let central = Stencil::central_of_order(order);
        assert_eq!(Stencil::custom(central.points()).order(), order);
        let with_centre: Vec<f64> = central.points().iter().copied().chain([0.0]).collect();
        assert_eq!(Stencil::custom(&with_centre).order(), order);
    }
    for unclear in [vec![1e-320, 2e-320], vec![-1e-310, 1e-310], vec![1.0, 1e308, -1e308], vec![-1e-200, 0.0, 1e200]] {
        let panic = catch_unwind(|| Stencil::custom(&unclear)).unwrap_err();
        let why = panic.downcast_ref::<String>().unwrap();
        assert!(why.contains("weight is no number"), "{why}");
    }
}

#[test]
fn a_step_that_vanishes_and_a_sum_that_overflows_are_not_the_functions_fault() {
    for step in [Step::Automatic, Step::Absolute(1e-6), Step::Relative(1e-6)] {
        for points in [&[-1e-12, 1e-12][..], &[0.0, 1e-13], &[1.0, 1.0 + 1e-13]] {
            let short = Differentiator::new(Stencil::custom(points), step.clone());
            let error = slope(&short, f64::exp, 1.0).unwrap_err();
            assert!(matches!(error, Error::Step { coordinate: 0, .. }), "{points:?}: {error}");
        }
    }
    let by_one = Differentiator::new(Stencil::central(), Step::Absolute(1.0));
    assert_eq!(slope(&by_one, |x| 1e308 * x, 0.0).unwrap(), 1e308);
    assert_eq!(slope(&by_one, |x| -1e308 * x, 0.0).unwrap(), -1e308);
    let five_point = Differentiator::new(Stencil::five_point(), Step::Absolute(1.0));
    assert_near(slope(&five_point, |x| 8e307 * x, 0.0).unwrap(), 8e307, 1e-15, "five-point");
    // Where the derivative itself is no number, the error does not say that the function is.
    let error = slope(&Differentiator::new(Stencil::central(), Step::Absolute(1e-3)), |x| 1e308 * (1e3 * x), 0.0);
    assert!(matches!(error, Err(Error::Overflow { coordinate: 0, value: f64::INFINITY })), "{error:?}");
}

#[test]
fn what_is_not_moved_keeps_its_sign_of_zero() {
    let angle = |x: &X| x[0].atan2(x[1]);
    for how in [Differentiator::new(Stencil::forward(), Step::Automatic), central(), central().with_bounds(-2.0, 2.0)] {
        // On the negative axis the angle jumps from -π to π; along the axis it is constant.
        let x = array![-0.0, -1.0];
        assert_eq!(how.of(angle, &x).along(&array![0.0, 1.0]).unwrap(), 0.0);
        assert_eq!(how.gradient(|x: &X| x[0].recip().signum() * x[1], &array![-0.0, 1.0]).unwrap()[1].round(), -1.0);
        let product =
            how.of(|x: &X| x[0].recip().signum() * x[1].powi(2), &x).hessian_vector(&array![0.0, 1.0]).unwrap();
        // ε^(1/3) of it by forward differences.
        assert!((product[1] + 2.0).abs() < 1e-4, "{product}");
    }
}

#[test]
fn nothing_is_evaluated_for_nothing() {
    let evaluated = |x: &X| -> f64 { panic!("evaluated at {x}") };
    let empty = Array1::zeros(0);
    assert!(matches!(central().of(evaluated, &empty).within(0).value_and_gradient(), Err(Error::Stopped(_))));
    let forward = Differentiator::new(Stencil::forward(), Step::Automatic);
    for pattern in [SparsityPattern::new(2, 2, []), SparsityPattern::new(0, 2, [])] {
        let values = |x: &X| -> Array1<f64> { panic!("evaluated at {x}") };
        assert!(forward.of_values(values, &array![1.0, 2.0]).sparse_jacobian(&pattern).unwrap().is_empty());
        assert!(central().of_values(values, &array![1.0, 2.0]).within(0).sparse_jacobian(&pattern).unwrap().is_empty());
    }
    // A column without entries is not moved.
    let second = SparsityPattern::new(1, 2, [(0, 1)]);
    let of_second = |x: &X| if x[0] == 1.0 { array![3.0 * x[1]] } else { array![f64::NAN] };
    let found = forward.of_values(of_second, &array![1.0, 2.0]).sparse_jacobian(&second).unwrap();
    assert!((found[0] - 3.0).abs() < 1e-6);
    let lower: Vec<_> = SparsityPattern::banded(3, 3, usize::MAX, 0).entries().collect();
    assert_eq!(lower, [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (2, 2)]);
    assert_eq!(SparsityPattern::banded(3, 3, usize::MAX, usize::MAX).entries().count(), 9);
}

#[test]
fn a_coordinate_that_is_nan_makes_its_own_derivative_nan() {
    let by_nan = central().with_non_finite(NonFinite::Nan);
    for lost in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let x = array![lost, 1.0];
        for how in [by_nan.clone(), by_nan.clone().with_bounds(0.0, 1.0), by_nan.clone().parallel()] {
            let found = how.gradient(|x: &X| 2.0 * x[1], &x).unwrap();
            assert!(found[0].is_nan() && (found[1] - 2.0).abs() < 1e-9, "{found}");
            let found = how.jacobian(|x: &X| array![x[1], -x[1]], &x).unwrap();
            assert!(
                found.column(0).iter().all(|slope| slope.is_nan()) && (found[[1, 1]] + 1.0).abs() < 1e-9,
                "{found}"
            );
            let found = how.of(|x: &X| 2.0 * x[1], &x).estimates().unwrap();
            assert!(found[0].value.is_nan() && !found[0].converged && (found[1].value - 2.0).abs() < 1e-9);
        }
        // Others still say so.
        assert!(matches!(central().gradient(|x: &X| x[1], &x), Err(Error::Point { coordinate: 0, .. })));
    }
    assert!(matches!(
        by_nan.with_bounds(0.0, 1.0).gradient(|x: &X| x[0], &array![2.0]),
        Err(Error::Point { coordinate: 0, .. })
    ));
}

/// In the box of 0 to 1 x₀ can be moved forwards alone, x₁ backwards alone: along (1, 1) there is no way at all.
#[test]
fn at_a_corner_of_the_box_a_direction_is_split() {
    let bounded = |how: Differentiator| how.with_bounds(0.0, 1.0);
    let forward = Differentiator::new(Stencil::forward(), Step::Automatic);
    let absolute = Differentiator::new(Stencil::central(), Step::Absolute(1e-4));
    let v = array![1.0, 1.0];
    for x in [array![0.0, 1.0], array![1e-13, 1.0 - 1e-13], array![1e-300, 1.0]] {
        for how in [central(), five_point(), forward.clone(), absolute.clone()].map(bounded) {
            let within = |x: &X| assert!(x.iter().all(|x| (0.0..=1.0).contains(x)), "{x}");
            let sum = |x: &X| {
                within(x);
                x[0] + x[1]
            };
            assert_near(how.of(sum, &x).along(&v).unwrap(), 2.0, 1e-7, "the sum");
            let curved = |x: &X| {
                within(x);
                x[0] + 2.0 * x[1] + x[0] * x[1]
            };
            assert_near(how.of(curved, &x).along(&v).unwrap(), 4.0, 1e-6, "the curved one");
            let gradient = |x: &X| array![1.0 + x[1], 2.0 + x[0]];
            let product = how.of_values(gradient, &x).along(&v).unwrap();
            assert!((&product - &v).iter().all(|error| error.abs() < 1e-6), "{product}");
            // Second derivatives of values of 4 by steps of ε^(1/3), forward: ε·4/4e-11 a difference, a few of them.
            let product = how.of(curved, &x).hessian_vector(&v).unwrap();
            assert!((&product - &v).iter().all(|error| error.abs() < 1e-4), "{product}");
        }
    }
    let exact = bounded(central()).of(|x: &X| x[0] * x[1], &array![0.0, 1.0]).hessian_vector(&v).unwrap();
    assert!((&exact - &v).iter().all(|error| error.abs() < 1e-8), "{exact}");
}

/// Of many coordinates each may be anywhere in its box, which may be as narrow as numbers get: none shortens the others' step.
#[test]
fn a_coordinate_without_room_does_not_cost_the_others_their_digits() {
    let slopes = array![1.0, -2.0, 3.0, -4.0, 5.0];
    let v = array![0.5, 1.0, -1.0, 2.0, -0.25];
    let f = |x: &X| x.dot(&slopes) + x[1] * x[2];
    for narrow in [0.0, 1e-14, 1e-12, 1e-9] {
        let (lower, upper) = ([0.0, 0.0, 0.0, 0.5 - narrow, -1.0], [1.0, 1.0, 1.0, 0.5 + narrow, 1.0]);
        let x = array![0.0, 1.0, 1.0, 0.5, 0.3];
        let how = central().with_bounds(lower, upper);
        let found = how.of(f, &x).along(&v).unwrap();
        let of_narrow = -4.0 * 2.0;
        let exact = 0.5 - 2.0 - 3.0 + 1.0 - 1.0 - 1.25 + if narrow == 0.0 { 0.0 } else { of_narrow };
        // The narrow one has the digits that its own room leaves: ε·10/narrow.
        let allowed = 1e-9 + if narrow == 0.0 { 0.0 } else { 2e-15 * 10.0 / narrow };
        assert!((found - exact).abs() <= allowed, "{found} for {exact} at {narrow:e}");
    }
}

#[test]
fn a_pinned_coordinate_counts_as_0_along_a_direction() {
    let pinned = central().with_bounds([0.5, 0.0], [0.5, 1.0]);
    let (x, v) = (array![0.5, 0.5], array![1.0, 1.0]);
    assert_near(pinned.of(|x: &X| x[0] + x[1], &x).along(&v).unwrap(), 1.0, 1e-9, "the sum");
    let product = pinned.of(|x: &X| x[0] * x[1].powi(2), &x).hessian_vector(&v).unwrap();
    assert!(product[0] == 0.0 && (product[1] - 1.0).abs() < 1e-6, "{product}");
    // In a corner beside it, too.
    let pinned = central().with_bounds([0.5, 0.0, 0.0], [0.5, 1.0, 1.0]);
    let x = array![0.5, 0.0, 1.0];
    let found = pinned.of(|x: &X| x[0] + 2.0 * x[1] + 3.0 * x[2], &x).along(&array![1.0, 1.0, 1.0]);
    assert_near(found.unwrap(), 5.0, 1e-9, "in a corner");
    let nothing = central().with_bounds([0.5, 0.5], [0.5, 0.5]);
    let never = |x: &X| -> f64 { panic!("evaluated at {x}") };
    assert_eq!(nothing.of(never, &array![0.5, 0.5]).along(&v).unwrap(), 0.0);
}

#[test]
fn a_right_gradient_passes_along_directions_at_a_corner_and_a_wrong_one_does_not() {
    let f = |x: &X| x.iter().enumerate().map(|(i, x)| (i as f64 + 1.0) * (x + x * x)).sum::<f64>();
    let directions = Sample::Directions { n: 5, seed: 1 };
    for x in [array![0.0, 0.0], array![0.0, 1.0], array![1.0, 1e-12, 0.5], array![1.0, 1.0, 0.0, 0.0, 1e-3]] {
        let bounded = central().with_bounds(0.0, 1.0);
        let mut gradient: Array1<f64> = x.iter().enumerate().map(|(i, x)| (i as f64 + 1.0) * (1.0 + 2.0 * x)).collect();
        assert!(bounded.of(f, &x).check(&gradient, directions).unwrap().passes(1e-9), "{x}");
        gradient[1] += 1e-3;
        assert!(!bounded.of(f, &x).check(&gradient, directions).unwrap().passes(1e-6), "{x}");
    }
    let sum = central().with_bounds(0.0, 1.0);
    let check = sum.of(|x: &X| x.sum(), &array![0.0, 0.0]).check(&array![1.0, 1.0], directions).unwrap();
    assert!(check.passes(1e-9) && check.comparisons().len() == 5, "{check}");
    // What is pinned is not compared: the gradient there may be anything.
    let pinned = central().with_bounds([0.0, 0.0], [1.0, 0.0]);
    assert!(pinned.of(f, &array![0.5, 0.0]).check(&array![2.0, 7.0], directions).unwrap().passes(1e-9));
}

/// A step that is shortened until the function is finite may still be as long as the way to the edge of its domain, where a
/// difference is anything: it is believed where a shorter one agrees.
#[test]
fn a_shortened_step_is_right_or_an_error() {
    let shorten = central().with_non_finite(NonFinite::Shorten);
    for power in 1..60 {
        let x = 10_f64.powf(-0.37 * f64::from(power));
        let ways = [(shorten.clone(), 6e-6), (five_point().with_non_finite(NonFinite::Shorten), 1.4e-3)];
        // Where the full step does not leave the domain nothing is known of an edge.
        for (how, _) in ways.into_iter().filter(|(_, reach)| x < *reach) {
            assert_near(slope(&how, f64::ln, x).unwrap(), 1.0 / x, 0.02, "ln");
            assert_near(slope(&how, f64::sqrt, x).unwrap(), 0.5 / x.sqrt(), 0.02, "√");
            assert_near(slope(&how, |x| x.powf(1.5) + 3.0 * x, x).unwrap(), 3.0 + 1.5 * x.sqrt(), 0.02, "x^1.5");
        }
    }
    // The steps that left the domain end just outside of it: what fits ends just inside.
    for k in 1..9 {
        let x = 6.055454452393343e-6 / 8_f64.powi(k) * 1.001;
        assert_near(slope(&shorten, f64::ln, x).unwrap(), 1.0 / x, 0.02, "ln at an edge");
    }
    // A derivative that is infinite, and one that is further away than the attempts reach.
    for (f, x) in [(f64::sqrt as fn(f64) -> f64, 0.0), (|x| x.powf(0.9), 0.0), (f64::ln, 1e-300), (f64::ln, 1e-40)] {
        let found = slope(&shorten, f, x);
        assert!(matches!(found, Err(Error::NonFinite { coordinate: 0, .. })), "{found:?} at {x}");
    }
    assert!(slope(&shorten, |x| x.powf(1.5), 0.0).unwrap().abs() < 1e-3);
    assert!(slope(&shorten, |x| 1.0 + x.powf(2.5), 0.0).unwrap().abs() < 1e-6);
    // Each value of a vector has to agree.
    let both = |x: &X| array![1e20 * x[0], x[0].ln()];
    let found = shorten.jacobian(both, &array![1e-15]).unwrap();
    assert_near(found[[0, 0]], 1e20, 1e-9, "beside");
    assert_near(found[[1, 0]], 1e15, 0.02, "ln");
}

/// The adaptive derivative of a function of one number.
fn estimate(how: &Differentiator, f: impl Fn(f64) -> f64 + Sync, x: f64) -> Estimate {
    how.of(|x: &X| f(x[0]), &array![x]).estimates().unwrap()[0]
}

/// A small wave on top of a slope looks like noise, or like nothing, from further away than its period.
#[test]
fn a_ripple_is_seen() {
    for (height, k) in [(1e-3, 100.0), (1e-2, 37.0), (1e-4, 2e3), (1e-5, 1e4)] {
        let f = |x: f64| x + height * (k * x).sin();
        for x in [-57.3, -2.0, 0.1, 0.3, 1.0, 1.7, 10.0, 100.0] {
            let found = estimate(&central(), f, x);
            let exact = 1.0 + height * k * (k * x).cos();
            // The argument of the wave has its own rounding: kx·ε of a slope.
            let error = (found.value - exact).abs() - (k * x).abs() * f64::EPSILON * height * k;
            assert!(error <= 3.0 * found.error, "{height} at {x}: {exact} by {found:?}");
        }
    }
    let f = |x: &X| x[0] + 1e-3 * (100.0 * x[0]).sin();
    let found = central().of(f, &array![100.0]).estimates().unwrap()[0];
    assert!(found.converged && (found.value - 0.904_784_463_174_098_6).abs() < 1e-9, "{found:?}");
    let check = central().of(f, &array![100.0]).check(&array![1.0], Sample::All).unwrap();
    assert_eq!(check.agreement(1e-3), Agreement::Differs);
}

/// One side has hardly any room, and the function lives within it: the differences grow from row to row, always the same way.
#[test]
fn a_scale_far_below_the_first_step_is_found_or_not_believed() {
    for (x, lower) in [(1e-9_f64, 1e-300), (1e-9, 1e-12), (3e-8, 1e-300), (1e-6, 1e-300)] {
        let bounded = central().with_bounds(lower, 1.0);
        for (f, exact) in [(f64::ln as fn(f64) -> f64, 1.0 / x), (|x| (x + 1e-30).sqrt(), 0.5 / x.sqrt())] {
            let found = estimate(&bounded, f, x);
            assert!((found.value - exact).abs() <= found.error + 1e-12 * exact, "{exact:e} by {found:?}");
        }
    }
    let shapes: [Curve; 5] = [
        (|u| u / (1.0 + u), |u| (1.0 + u).powi(-2)),
        (f64::tanh, |u| u.cosh().powi(-2)),
        (|u| (-0.5 * (u - 1.0).powi(2)).exp(), |u| (1.0 - u) * (-0.5 * (u - 1.0).powi(2)).exp()),
        (f64::sin, f64::cos),
        (|u| (u * u).ln_1p(), |u| 2.0 * u / (1.0 + u * u)),
    ];
    for (f, slope) in shapes {
        for (offset, power) in [0.0, 1.0, 1e3, 1e6].into_iter().flat_map(|offset| (-12..=12).map(move |p| (offset, p)))
        {
            let scale = 10_f64.powi(power);
            for u in [0.1, 0.3, 1.0, 2.0, -0.7, 5.0] {
                let x = offset + u * scale;
                let u = (x - offset) / scale;
                let near = central().with_bounds(x - 1e-3 * scale, x + 10.0);
                for how in [central(), near].into_iter().filter(|_| u != 0.0) {
                    let found = estimate(&how, |x| f((x - offset) / scale), x);
                    let exact = slope(u) / scale;
                    // The slope is steep beside the digits of x.
                    let of_x = 4.0 * f64::EPSILON * x.abs() / scale * exact.abs();
                    let error = (found.value - exact).abs() - of_x - 1e-13 * exact.abs();
                    assert!(
                        !found.converged || error <= 2.0 * found.error,
                        "{offset} + {u}·{scale}: {exact} by {found:?}"
                    );
                }
            }
        }
    }
}

/// Steps shorter than the quantum see a flat function: whose three rows agree about a slope of 0.
#[test]
fn quantised_values_do_not_converge_to_0() {
    let stairs: [Curve; 5] = [
        (|x| (x.sin() / 1e-3).round() * 1e-3, f64::cos),
        (|x| (x.exp() * 1e4).floor() / 1e4, f64::exp),
        (|x| (x.cosh() * 256.0).trunc() / 256.0, f64::sinh),
        (|x| f64::from((x.sin() + 2.0) as f32), f64::cos),
        (|x| (x * x * 3e3).round() / 3e3 + 7.0, |x| 2.0 * x),
    ];
    for (f, slope) in stairs {
        for k in 0..60 {
            let x = 0.5 + 0.037 * f64::from(k);
            let found = estimate(&central(), f, x);
            assert!(!found.converged, "{found:?} at {x}");
            assert!((found.value - slope(x)).abs() <= found.error, "{} by {found:?} at {x}", slope(x));
        }
    }
    let f = |x: &X| (x[0].sin() / 1e-3).round() * 1e-3;
    let check = central().of(f, &array![1.0]).check(&array![1.0_f64.cos()], Sample::All).unwrap();
    assert_eq!(check.agreement(1e-6), Agreement::Undetermined);
    // What is flat indeed stays so, next to an edge too.
    for f in [|x: f64| (x - 0.005).max(0.0), |x: f64| (x - 0.015).max(0.0) + 3.0, |_| 5.0] {
        let found = estimate(&central(), f, 0.0);
        assert!(found.value == 0.0 && found.converged, "{found:?}");
    }
}

/// Of 1e12 the last digit is 1e-4: no difference of such values tells a slope of 2.2e-4.
#[test]
fn a_derivative_that_values_cannot_tell_is_undetermined() {
    let f = |x: &X| 1e12 * x[0] + 2.2e-4 * x[1];
    let x = array![1.0, 1.0];
    let check = |gradient: Array1<f64>| central().of(f, &x).check(&gradient, Sample::All).unwrap();
    for small in [2.2e-4, 4.4e-4, 1e-3, -2.2e-4] {
        let check = check(array![1e12, small]);
        assert_eq!(check.agreement(1e-6), Agreement::Undetermined);
        assert!(!check.passes(1e-6));
        let table = check.to_string();
        assert!(table.lines().nth(1).unwrap().trim_start().starts_with("1 "), "{table}");
        assert!(table.contains("undetermined\n") && table.ends_with("1 agree, 0 differ, 1 undetermined; 2 compared"));
    }
    assert_eq!(check(array![2e12, 2.2e-4]).agreement(1e-6), Agreement::Differs);
    assert_eq!(check(array![1e12, 10.0]).agreement(1e-6), Agreement::Differs);
    // A kink, and noise.
    let check = |f: fn(&X) -> f64, slope: f64| {
        central().of(f, &array![0.0]).check(&array![slope], Sample::All).unwrap().agreement(1e-6)
    };
    assert_eq!(check(|x| x[0].abs(), 0.0), Agreement::Undetermined);
    assert_eq!(check(|x| 2.0 * x[0] + 1e-4 * (1e9 * x[0]).sin().signum(), 2.0), Agreement::Undetermined);
    assert_eq!(check(|x| 2.0 * x[0] + 1e-4 * (1e9 * x[0]).sin().signum(), 70.0), Agreement::Differs);
    // At a stationary point 0 agrees, beside the slopes around; flatter ones to what they tell.
    assert_eq!(check(|x| 1.0 + x[0] * x[0], 1e-17), Agreement::Agrees);
    assert_eq!(check(|x| 1.0 + x[0].powi(4), 1e-17), Agreement::Agrees);
    assert_eq!(check(|x| 1.0 + x[0] * x[0], 1e-3), Agreement::Differs);
    assert_eq!(check(|_| 1e12, 0.0), Agreement::Agrees);
    let nothing = central().of(f, &x).check(&x, Sample::Coordinates { n: 0, seed: 1 }).unwrap();
    assert_eq!(nothing.agreement(1e-6), Agreement::Undetermined);
}

#[test]
fn what_is_not_checked_does_not_panic() {
    let unchecked = central().with_bounds(0.0, 1.0).with_non_finite(NonFinite::Propagate);
    for x in [-1e3, -1.0, -1e-9, 0.0, 0.5, 1.0, 1.0 + 1e-9, 2.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        estimate(&unchecked, |x| x, x);
        slope(&unchecked, |x| x, x).unwrap();
        unchecked.of(|x: &X| x[0], &array![x]).along(&array![1.0]).unwrap();
        unchecked.hessian(|x: &X| x[0], &array![x]).unwrap();
        unchecked.of(|x: &X| x[0], &array![x]).hessian_vector(&array![1.0]).unwrap();
    }
}

/// Beside a constant √x is lost in the constant's last digits once the steps are short enough: there any two agree, about nothing.
#[test]
fn a_derivative_that_grows_from_step_to_step_is_not_believed_once_it_drowns() {
    let shorten = central().with_non_finite(NonFinite::Shorten);
    let x = array![0.0, 1.0, 2.0];
    for constant in [1e-3, 2.0, 1e5, 1e10] {
        let root = |x: &X| x[0].sqrt() + constant * x[1];
        let values = |x: &X| array![root(x), x[1] * x[1], x[2] * x[2]];
        let aside = array![1.0, 0.0, 1.0];
        assert!(shorten.gradient(root, &x).is_err(), "{constant:e}");
        assert!(shorten.of(root, &x).along(&aside).is_err());
        assert!(shorten.jacobian(values, &x).is_err());
        assert!(shorten.of_values(values, &x).along(&aside).is_err());
        assert!(
            shorten
                .of_values(values, &x)
                .sparse_jacobian(&SparsityPattern::new(3, 3, [(0, 0), (0, 1), (1, 1), (2, 2)]))
                .is_err()
        );
        // Of x^1.5 nothing is seen beside 1e10 at the longest step already.
        let found = shorten.hessian(|x: &X| x[0].powf(1.5) + constant, &x);
        assert!(found.is_err() || constant > 1e6, "{constant:e}: {found:?}");
        // What converges is found beside it, to the constant's digits in a step of 6e-6.
        let found = shorten.gradient(|x: &X| x[0].powf(2.5) + x[0] + constant * x[1], &x).unwrap();
        assert!((found[0] - 1.0).abs() <= 1e-4 + 1e-10 * constant, "{constant:e}: {found}");
    }
    // Each value of a vector is what it is by itself, however short the steps of another have to be.
    let beside = |x: &X| array![x[0].ln(), 3.0 * x[0] + 1.0];
    let found = shorten.jacobian(beside, &array![1e-9]).unwrap();
    assert_near(found[[0, 0]], 1e9, 0.02, "ln");
    assert_near(found[[1, 0]], 3.0, 1e-3, "3x + 1");
}

/// 1e308·x from -1 to 1: the values differ by more than the largest number, their difference by the step does not.
#[test]
fn what_overflows_on_the_way_is_no_derivative_of_infinity() {
    let rules = [NonFinite::Error, NonFinite::Shorten, NonFinite::Nan];
    for how in rules.map(|rule| Differentiator::new(Stencil::central(), Step::Absolute(1.0)).with_non_finite(rule)) {
        let steep = |x: &X| x * 1e308;
        let found = how.of_values(steep, &array![0.0, 0.0]).sparse_jacobian(&SparsityPattern::banded(2, 2, 0, 0));
        assert_eq!(found.unwrap(), [1e308, 1e308]);
    }
    // At the moves the values are 1.5e308 of one sign, and at x of the other: their differences are no numbers.
    let jump = |x: &X| if x[0] * x[1] == 0.0 { -1.5e308 } else { 1.5e308 * (x[0] * x[1]).signum() };
    let scaled = central().with_scale(1e-155);
    let curved = |x: &X| 1e290 * (x[0] * 1e155).sin() * (x[1] * 1e155).sin();
    let x = array![0.0, 0.0];
    for by_nan in [central().with_non_finite(NonFinite::Nan), scaled.clone().with_non_finite(NonFinite::Nan)] {
        let hessians = [by_nan.hessian(jump, &x).unwrap(), by_nan.hessian(curved, &x).unwrap()];
        assert!(hessians.iter().any(|hessian| hessian[[1, 0]].is_nan()), "{hessians:?}");
    }
    assert!(matches!(central().hessian(jump, &x), Err(Error::Overflow { .. })));
    assert!(matches!(scaled.hessian(curved, &x), Err(Error::Overflow { .. })));
    // The derivative along [0, 1] is 1e290·1e155: no number, though all values are.
    let product =
        |how: &Differentiator, f: &(dyn Fn(&X) -> f64 + Sync)| how.of(f, &x).hessian_vector(&array![0.0, 1.0]);
    let steep = |x: &X| 1e290 * (x[1] * 1e155).sin();
    let error = product(&scaled, &steep);
    assert!(matches!(error, Err(Error::Overflow { value: f64::INFINITY, .. })), "{error:?}");
    let by_nan = product(&scaled.clone().with_non_finite(NonFinite::Nan), &steep).unwrap();
    assert!(by_nan.iter().all(|product| product.is_nan()), "{by_nan}");
    let at_fault = product(&central(), &|x: &X| if x[1] > 0.0 { f64::INFINITY } else { x[1] });
    assert!(matches!(at_fault, Err(Error::NonFinite { .. })), "{at_fault:?}");
    // A difference that overflows on the way to a derivative that does not.
    let far = Differentiator::new(Stencil::central(), Step::Absolute(1.0));
    assert_eq!(product(&far, &|x: &X| 1e308 * x[1].clamp(-1.5, 1.5)).unwrap(), array![0.0, 0.0]);
}

/// Between bounds that are a few last digits apart the two ends are what is left, along a direction too: what their values'
/// roundings make of the slope is all that it is off by. (Points of a stencil would be rounded onto one another.)
#[test]
fn along_a_direction_narrow_bounds_leave_a_difference_of_two_roundings() {
    let digit = f64::EPSILON;
    for (width, how) in
        (1..200).flat_map(|width| [central(), five_point()].map(move |how| (f64::from(width), how))).chain([
            (1.0, Differentiator::new(Stencil::forward(), Step::Automatic)),
            (3.0, Differentiator::new(Stencil::central_of_order(8), Step::Automatic)),
        ])
    {
        for place in [0.0, (width / 2.0).floor(), width] {
            let x = array![1.0 + place * digit, 0.5];
            let bounded = how.clone().with_bounds([1.0, 0.0], [1.0 + width * digit, 1.0]);
            let at_x = bounded.of(|x: &X| 3.0 * x[0], &x);
            let expected = if width < 32.0 { 2.0 / width } else { 64.0 / width };
            let found = [at_x.along(&array![1.0, 0.0]).unwrap(), -at_x.along(&array![-1.0, 0.0]).unwrap()];
            assert!(found.iter().all(|slope| (slope - 3.0).abs() <= expected + 1e-9), "{found:?}, {width} at {place}");
            // Beside a coordinate that has room.
            let both = bounded.of(|x: &X| 3.0 * (x[0] - 1.0) + 2.0 * x[1], &x).along(&array![1.0, 1.0]).unwrap();
            assert!((both - 5.0).abs() <= 64.0 / width, "{both}, {width} at {place}");
        }
    }
}

/// From the largest number there is no way up: the step along a direction is as one-sided as that of the coordinate.
#[test]
fn a_direction_ends_where_numbers_do() {
    let f = |x: &X| x[0] * 1e-308 + x[1];
    for (x, v) in [(f64::MAX, 1.0), (f64::MAX, -1.0), (f64::MIN, 1.0), (f64::MAX, 0.5)] {
        for how in [central(), five_point(), Differentiator::new(Stencil::forward(), Step::Automatic)] {
            let along = how.of(f, &array![x, 1.0]).along(&array![v, 0.0]).unwrap();
            assert_near(along, v * 1e-308, 1e-6, "along");
            let product = how.of_values(|x: &X| array![f(x)], &array![x, 1.0]).along(&array![v, 0.0]).unwrap();
            assert_near(product[0], v * 1e-308, 1e-6, "the product");
        }
    }
}
