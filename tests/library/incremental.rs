//! The incremental loss is the same finite difference of the same loss as full forward passes compute, only exact.

use crate::support::numbers::{SplitMix64, bits, with_threads};
use ndarray::{Array1, Array2};
use numgrad::difference::{Differentiator, NonFinite, Objective, Stencil, Step};
use numgrad::nn::simd::Isa;
use numgrad::nn::{FullLoss, IncrementalLoss, NetworkShape, Parameters, backprop_into, sigmoid};
use proptest::prelude::*;

/// A network and a batch, drawn by SplitMix64.
#[derive(Debug, Clone)]
struct Problem {
    parameters: Parameters,
    x: Array2<f64>,
    classes: Vec<usize>,
}

/// What the inputs of a problem are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Inputs {
    /// Four of five are 0, the others k/255 as of an image.
    Pixels,
    /// Reals of either sign, none of them equal.
    Reals,
}

impl Problem {
    fn draw(seed: u64, n_samples: usize, shape: &NetworkShape, inputs: Inputs, scales: (f64, f64)) -> Self {
        let mut random = SplitMix64(seed);
        let mut parameters = Parameters::zeros(shape);
        parameters.weights_mut(1).mapv_inplace(|_| scales.0 * random.signed());
        parameters.biases_mut(1).mapv_inplace(|_| scales.0 * random.signed());
        parameters.weights_mut(2).mapv_inplace(|_| scales.1 * random.signed());
        parameters.biases_mut(2).mapv_inplace(|_| scales.1 * random.signed());
        let mut x = Array2::from_shape_simple_fn((n_samples, shape.n_inputs()), || match inputs {
            Inputs::Pixels if random.below(5) > 0 => 0.0,
            Inputs::Pixels => f64::from((random.below(255) + 1) as f32 / 255.0),
            Inputs::Reals => 2.0 * random.signed(),
        });
        let mut classes: Vec<usize> = (0..n_samples).map(|_| random.below(shape.n_classes())).collect();
        if n_samples > 1 {
            // A sample drawn twice, as `choice` with replacement does.
            let row = x.row(0).to_owned();
            x.row_mut(n_samples - 1).assign(&row);
            classes[n_samples - 1] = classes[0];
        }
        Self { parameters, x, classes }
    }

    fn incremental(&self) -> IncrementalLoss {
        IncrementalLoss::new(&self.parameters, &self.x, &self.classes)
    }

    fn full(&self) -> FullLoss<'_> {
        FullLoss::new(&self.parameters, &self.x, &self.classes)
    }

    /// Coordinates of all four arrays, first and last ones included.
    fn some_coordinates(&self, n: usize) -> Vec<usize> {
        let shape = self.parameters.shape();
        let w2 = (shape.n_inputs() + 1) * shape.hidden()[0];
        let mut random = SplitMix64(7);
        let ends =
            [0, w2 - shape.hidden()[0], w2 - 1, w2, shape.n_parameters() - shape.n_classes(), shape.n_parameters() - 1];
        ends.into_iter().chain((0..n).map(|_| random.below(shape.n_parameters()))).collect()
    }

    /// An upper bound of the derivative of the loss with respect to each coordinate, near the point and far from it: a
    /// sigmoid's slope is at most 1/4, and a loss moves by at most the largest difference of two scores' moves.
    fn largest_slope(&self, coordinate: usize) -> f64 {
        let shape = self.parameters.shape();
        if coordinate >= (shape.n_inputs() + 1) * shape.hidden()[0] {
            return 1.0;
        }
        let (input, unit) = (coordinate / shape.hidden()[0], coordinate % shape.hidden()[0]);
        let x = if input == shape.n_inputs() { 1.0 } else { mean_abs(self.x.column(input).iter()) };
        let w2 = self.parameters.weights(2);
        let weights = w2.row(unit);
        let range = weights.fold(f64::MIN, |m, &w| m.max(w)) - weights.fold(f64::MAX, |m, &w| m.min(w));
        0.25 * x * range
    }

    /// By how much rounding may change one evaluation of the loss by a forward pass: the error of each sum of products
    /// carried through to the loss. `ε` counts once for each rounding of a sum's length; `exp` and the division add some.
    fn rounding_of_full(&self) -> f64 {
        let eps = f64::EPSILON;
        let abs = |a: ndarray::ArrayView2<f64>| a.mapv(f64::abs);
        let (w1, w2) = (self.parameters.weights(1), self.parameters.weights(2));
        let a = self.x.dot(&w1) + self.parameters.biases(1);
        let a_error = (abs(self.x.view()).dot(&abs(w1)) + self.parameters.biases(1).mapv(f64::abs))
            * (eps * (self.x.ncols() + 2) as f64);
        let z = sigmoid(&a);
        // exp(-a) carries the error of a and a few units of its own; z(1-z) is its slope, and 1 its bound.
        let z_error =
            ndarray::Zip::from(&z).and(&a_error).map_collect(|&z, &e| (z * (1.0 - z) * e).min(1.0) + 4.0 * eps * z);
        let z_error = z_error + a_error.mapv(|e| 0.25 * e * e);
        let s_error = z_error.dot(&abs(w2))
            + (z.dot(&abs(w2)) + self.parameters.biases(2).mapv(f64::abs)) * (eps * (z.ncols() + 2) as f64);
        let losses = s_error.rows().into_iter().map(|row| 2.0 * row.fold(0.0, |m: f64, &e| m.max(e)));
        // The logarithm of p + 1e-7 is at most 16.2 in size; the mean of N adds a rounding for each.
        losses.sum::<f64>() / self.x.nrows() as f64 + 16.2 * eps * (8.0 + self.x.nrows() as f64)
    }
}

fn mean_abs<'a>(values: impl ExactSizeIterator<Item = &'a f64>) -> f64 {
    let n = values.len();
    values.map(|v| v.abs()).sum::<f64>() / n as f64
}

fn gradient(loss: &mut IncrementalLoss, h: f64) -> Vec<f64> {
    let mut out = vec![f64::NAN; loss.n_coordinates()];
    central(h).of_objective(loss).gradient_into(&mut out).unwrap();
    out
}

fn central(h: f64) -> Differentiator {
    Differentiator::new(Stencil::central(), Step::Absolute(h)).with_non_finite(NonFinite::Propagate)
}

/// Against `full`: within the noise of its two evaluations, and of the step that it realises (`w + h` is rounded).
fn assert_agrees_with_full(problem: &Problem, h: f64) {
    let (full, incremental) = (problem.full(), gradient(&mut problem.incremental(), h));
    let mut workspace = full.workspace();
    let noise = problem.rounding_of_full();
    for coordinate in problem.some_coordinates(24) {
        let (up, down) = (full.evaluate(&mut workspace, coordinate, h), full.evaluate(&mut workspace, coordinate, -h));
        let expected = (up - down) / (2.0 * h);
        let w = problem.parameters.values()[coordinate];
        let realised = problem.largest_slope(coordinate) * f64::EPSILON * (w.abs() + h) / h;
        let tolerance = noise / h + realised;
        let found = incremental[coordinate];
        assert!(
            (found - expected).abs() <= tolerance,
            "{}, N {}, h {h:e}, coordinate {coordinate}: {found:e}, full {expected:e}, tolerance {tolerance:e}",
            problem.parameters.shape(),
            problem.x.nrows()
        );
    }
}

/// Against the same differences evaluated one by one without series, which rounds in about ten places.
fn assert_agrees_with_single_evaluations(problem: &Problem, h: f64) {
    for isa in Isa::available() {
        let mut loss = problem.incremental().with_isa(isa);
        let found = gradient(&mut loss, h);
        for coordinate in problem.some_coordinates(24) {
            let difference = loss.evaluate(&mut loss.workspace(), coordinate, h)
                - loss.evaluate(&mut loss.workspace(), coordinate, -h);
            let expected = difference / (2.0 * h);
            // The samples' terms may cancel; each is at most the largest slope times the step.
            let tolerance = 64.0 * f64::EPSILON * problem.largest_slope(coordinate);
            assert!(
                (found[coordinate] - expected).abs() <= tolerance,
                "{isa}, h {h:e}, coordinate {coordinate}: {:e}, expected {expected:e} within {tolerance:e}",
                found[coordinate]
            );
        }
    }
}

fn shapes() -> impl Strategy<Value = NetworkShape> {
    let n_hidden = prop_oneof![Just(1), Just(7), Just(8), Just(9), Just(50), 1..=300usize];
    // The forward pass takes inputs in blocks of 64.
    (prop_oneof![1..40usize, 60..=200usize], n_hidden, 2..=26usize)
        .prop_map(|(n_inputs, n_hidden, n_classes)| NetworkShape::new([n_inputs, n_hidden, n_classes]))
}

fn problems() -> impl Strategy<Value = Problem> {
    let n_samples = prop_oneof![Just(1), Just(2), 1..40usize, 41..1000usize, Just(1000)];
    let scale = || prop_oneof![Just(0.01), Just(1.0), Just(30.0), Just(1e3)];
    let inputs = prop_oneof![Just(Inputs::Pixels), Just(Inputs::Reals)];
    (any::<u64>(), n_samples, shapes(), inputs, (scale(), scale()))
        .prop_map(|(seed, n, shape, inputs, scales)| Problem::draw(seed, n, &shape, inputs, scales))
}

fn steps() -> impl Strategy<Value = f64> {
    (-8.0..=0.0f64).prop_map(|exponent| 10f64.powf(exponent))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_network_at_any_step_agrees_with_full_passes(problem in problems(), h in steps()) {
        assert_agrees_with_full(&problem, h);
    }

    #[test]
    fn the_series_agree_with_single_evaluations(problem in problems(), h in steps()) {
        assert_agrees_with_single_evaluations(&problem, h);
    }
}

#[test]
fn named_numbers_of_hidden_units_agree_with_full_passes() {
    for n_hidden in [1, 7, 8, 9, 50, 64, 300] {
        for h in [1e-8, 1e-4, 1e-2, 1.0] {
            let shape = NetworkShape::new([20, n_hidden, 10]);
            assert_agrees_with_full(&Problem::draw(n_hidden as u64, 10, &shape, Inputs::Pixels, (1.0, 1.0)), h);
        }
    }
}

/// Pre-activations of ±800: z is exactly 0 or 1 in f64, and nothing moves.
#[test]
fn units_saturated_to_exactly_0_and_1_agree_with_full_passes() {
    let shape = NetworkShape::new([3, 9, 4]);
    let mut problem = Problem::draw(3, 5, &shape, Inputs::Reals, (0.0, 5.0));
    problem.parameters.biases_mut(1).assign(&Array1::from_shape_fn(9, |j| [800.0, -800.0, 40.0, -40.0, 0.1][j % 5]));
    for h in [1e-8, 1e-4, 0.1, 1.0] {
        assert_agrees_with_full(&problem, h);
        assert_agrees_with_single_evaluations(&problem, h);
    }
}

/// Scores 750 and 1500 apart: the right class's probability is below 1e-300, or exactly 0.
#[test]
fn a_right_class_with_a_probability_below_1e_300_agrees_with_full_passes() {
    let shape = NetworkShape::new([3, 5, 3]);
    for gap in [700.0, 745.0, 1500.0] {
        let mut problem = Problem::draw(4, 4, &shape, Inputs::Reals, (1.0, 1.0));
        problem.parameters.biases_mut(2).assign(&Array1::from_vec(vec![gap, 0.0, 0.0]));
        problem.classes = vec![1, 2, 1, 2];
        for h in [1e-8, 1e-4, 0.1, 1.0] {
            assert_agrees_with_full(&problem, h);
            let found = gradient(&mut problem.incremental(), h);
            assert!(found.iter().all(|g| g.is_finite()));
        }
    }
}

/// Against differences in 420-digit arithmetic (`golden/extremes/differences.py`): not only as near as full passes come,
/// but to eleven digits of each number, down to derivatives of 1e-301.
#[test]
fn saturated_units_and_improbable_answers_are_exact_in_relative_terms() {
    let golden = include_str!("../golden/extremes/differences.csv").lines().skip(1);
    let golden: Vec<Vec<&str>> = golden.map(|line| line.split(',').collect()).collect();
    for (name, h) in [("saturated", "1e-4"), ("saturated", "0.5"), ("improbable", "1e-4"), ("improbable", "0.5")] {
        let shape = NetworkShape::new([3, 9, 4]);
        let mut problem = Problem::draw(1, 3, &shape, Inputs::Reals, (1.0, 1.0));
        problem.classes = vec![1, 2, 3];
        if name == "saturated" {
            let mut b1 = problem.parameters.biases_mut(1);
            b1.iter_mut().zip([800.0, -800.0, 40.0, -40.0]).for_each(|(b, value)| *b = value);
        } else {
            problem.parameters.biases_mut(2)[0] = 700.0;
        }
        for isa in Isa::available() {
            let found = gradient(&mut problem.incremental().with_isa(isa), h.parse().unwrap());
            let rows: Vec<_> = golden.iter().filter(|row| row[..2] == [name, h]).collect();
            assert_eq!(rows.len(), found.len());
            for (coordinate, (row, found)) in rows.into_iter().zip(found).enumerate() {
                let expected: f64 = row[3].parse().unwrap();
                // Scores of 700 and unit inputs of 40 are rounded by 1e-13 and 7e-15, and so is a probability or a slope,
                // relatively; a few such errors meet. What is below the smallest f64 is 0.
                let error = (found - expected).abs();
                assert!(
                    error <= 1e-11 * expected.abs() + f64::MIN_POSITIVE,
                    "{isa}, {name}, h {h}, coordinate {coordinate}: {found:e}, expected {expected:e}"
                );
            }
        }
    }
}

/// Moves so large that probabilities go from underflow to 1: the logarithms carry what the probabilities have lost.
#[test]
fn a_move_that_turns_the_answer_round_agrees_with_full_passes() {
    let shape = NetworkShape::new([2, 3, 3]);
    let mut problem = Problem::draw(5, 3, &shape, Inputs::Reals, (1.0, 900.0));
    problem.x.mapv_inplace(|x| 4.0 * x);
    for h in [0.5, 1.0, 5.0] {
        assert_agrees_with_full(&problem, h);
        assert_agrees_with_single_evaluations(&problem, h);
    }
}

/// A class whose probability has underflowed to 0 and that a move makes the likeliest: only its logarithm tells by how much.
#[test]
fn a_class_that_rises_from_a_probability_of_0_agrees_with_full_passes() {
    let shape = NetworkShape::new([1, 1, 3]);
    let mut problem = Problem::draw(1, 1, &shape, Inputs::Reals, (0.0, 0.0));
    // Scores of 0, 0 and -800; 5 more for the unit's input of 0 make the last one 186.
    problem.parameters.weights_mut(2)[[0, 2]] = 2000.0;
    problem.parameters.biases_mut(2)[2] = -1800.0;
    problem.classes = vec![0];
    assert_agrees_with_full(&problem, 5.0);
    // From ln 2 to the largest loss, over 2h.
    let expected = (-1e-7f64.ln() - 2f64.ln()) / 10.0;
    assert!((gradient(&mut problem.incremental(), 5.0)[1] - expected).abs() < 1e-6);
}

/// One sample and two classes: no two terms can cancel, so every coordinate is right to a few roundings of its own, on
/// either side of the limits where a longer series, and then the general evaluation, takes over. Steps are close enough
/// together to come within a tenth of each limit.
#[test]
fn at_the_limits_of_the_series_every_coordinate_is_right_to_a_few_roundings() {
    let shape = NetworkShape::new([2, 3, 2]);
    // (largest input, largest weight to a class, difference of the scores): each of them decides about the series once, and
    // the last one leaves 1e-13 for the wrong class.
    for (input, weight, gap) in [(1.0, 0.5, 0.0), (30.0, 0.5, 0.0), (1.0, 20.0, 0.0), (1.0, 0.5, 30.0)] {
        let mut problem = Problem::draw(1, 1, &shape, Inputs::Reals, (0.0, 0.0));
        problem.x.assign(&ndarray::array![[input, 0.3 * input]]);
        // z of 0.95, 0.5 and 0.27.
        problem.parameters.biases_mut(1).assign(&ndarray::array![3.0, 0.0, -1.0]);
        problem.parameters.weights_mut(2).assign(&(ndarray::array![[1.0, -1.0], [-1.0, 1.0], [0.5, 0.3]] * weight));
        problem.parameters.biases_mut(2)[0] = gap;
        problem.classes = vec![0];
        for h in (0..140).map(|i| 1e-6 * 1.1f64.powi(i)).take_while(|&h| h * input * weight < 0.3) {
            for isa in Isa::available() {
                let mut loss = problem.incremental().with_isa(isa);
                for (coordinate, found) in gradient(&mut loss, h).into_iter().enumerate() {
                    let difference = loss.evaluate(&mut loss.workspace(), coordinate, h)
                        - loss.evaluate(&mut loss.workspace(), coordinate, -h);
                    let expected = difference / (2.0 * h);
                    assert!(
                        (found - expected).abs() <= 24.0 * f64::EPSILON * expected.abs(),
                        "{isa}, {:?}, h {h:e}, coordinate {coordinate}: {found:e}, expected {expected:e}",
                        (input, weight, gap)
                    );
                }
            }
        }
    }
}

#[test]
fn every_stencil_gives_the_difference_of_single_evaluations() {
    let shape = NetworkShape::new([12, 10, 5]);
    let problem = Problem::draw(6, 9, &shape, Inputs::Pixels, (0.5, 0.5));
    let h = 1e-3;
    for stencil in [Stencil::forward(), Stencil::backward(), Stencil::central(), Stencil::five_point()] {
        let mut loss = problem.incremental();
        let mut found = vec![0.0; loss.n_coordinates()];
        Differentiator::new(stencil.clone(), Step::Absolute(h))
            .of_objective(&mut loss)
            .gradient_into(&mut found)
            .unwrap();
        for coordinate in problem.some_coordinates(40) {
            let points = stencil.points().iter().zip(stencil.weights());
            let sum: f64 = points.map(|(p, w)| w * loss.evaluate(&mut loss.workspace(), coordinate, p * h)).sum();
            let tolerance = 64.0 * f64::EPSILON * problem.largest_slope(coordinate);
            assert!((found[coordinate] - sum / h).abs() <= tolerance, "{stencil:?}, coordinate {coordinate}");
        }
    }
}

#[test]
fn avx512_and_avx2_give_the_same_bits() {
    for inputs in [Inputs::Pixels, Inputs::Reals] {
        let shape = NetworkShape::new([70, 50, 10]);
        let problem = Problem::draw(8, 30, &shape, inputs, (0.3, 0.3));
        for h in [1e-4, 1e-2] {
            let fused = Isa::available().filter(|&isa| isa != Isa::Plain);
            let mut gradients = fused.map(|isa| bits(gradient(&mut problem.incremental().with_isa(isa), h)));
            if let Some(first) = gradients.next() {
                assert!(gradients.all(|other| other == first));
            }
        }
    }
}

#[test]
fn the_bits_are_the_same_for_every_number_of_threads() {
    let shape = NetworkShape::new([150, 50, 10]);
    let problem = Problem::draw(9, 100, &shape, Inputs::Pixels, (0.3, 0.3));
    let serial = problem.incremental();
    let expected = (serial.value().to_bits(), bits(gradient(&mut serial.clone(), 1e-4)));
    for n_threads in [1, 2, 3, 8] {
        with_threads(n_threads, || {
            let zeros = Parameters::zeros(&shape);
            let mut loss = IncrementalLoss::new(&zeros, &problem.x, &problem.classes).parallel();
            loss.set_batch(&problem.x, &problem.classes);
            loss.set_parameters(&problem.parameters);
            let mut out = vec![f64::NAN; loss.n_coordinates()];
            Differentiator::new(Stencil::central(), Step::BOOK)
                .parallel()
                .of_objective(&mut loss)
                .gradient_into(&mut out)
                .unwrap();
            assert_eq!((loss.value().to_bits(), bits(&out)), expected, "{n_threads} threads");
        });
    }
}

#[test]
fn any_range_of_coordinates_has_the_bits_of_the_whole_gradient() {
    let shape = NetworkShape::new([33, 11, 17]);
    let problem = Problem::draw(10, 12, &shape, Inputs::Pixels, (0.3, 0.3));
    let mut loss = problem.incremental();
    let whole = gradient(&mut loss, 1e-4);
    let n = whole.len();
    for range in [0..n, 0..1, 5..6, 10..40, 363..374, 370..375, 374..n, 400..401, n - 18..n - 3, n - 1..n, 9..9, n..n] {
        let mut part = vec![f64::NAN; range.len()];
        central(1e-4).of_objective(&mut loss).partials_into(range.clone(), &mut part).unwrap();
        assert_eq!(bits(&part), bits(&whole[range.clone()]), "{range:?}");
    }
}

#[test]
fn a_loss_that_is_given_new_batches_and_parameters_is_the_one_made_for_them() {
    let shape = NetworkShape::new([30, 9, 4]);
    let draw = |seed, n| Problem::draw(seed, n, &shape, Inputs::Pixels, (0.5, 0.5));
    let mut reused = draw(20, 17).incremental();
    for problem in [draw(21, 40), draw(22, 1), draw(23, 25)] {
        gradient(&mut reused, 1e-4);
        reused.set_batch(&problem.x, &problem.classes);
        reused.set_parameters(&problem.parameters);
        let mut new = problem.incremental();
        assert_eq!(reused.value().to_bits(), new.value().to_bits());
        assert_eq!(bits(gradient(&mut reused, 1e-4)), bits(gradient(&mut new, 1e-4)));
    }
}

#[test]
fn a_batch_in_single_precision_is_that_of_the_same_numbers_in_double_precision() {
    let shape = NetworkShape::new([150, 9, 4]);
    for inputs in [Inputs::Pixels, Inputs::Reals] {
        let mut problem = Problem::draw(24, 17, &shape, inputs, (0.5, 0.5));
        problem.x[[3, 70]] = -0.0;
        let single = problem.x.mapv(|x| x as f32);
        problem.x = single.mapv(f64::from);
        let mut double = problem.incremental();
        let expected = (double.value().to_bits(), bits(gradient(&mut double, 1e-4)));
        let mut by_columns = Array2::zeros((150, 17)).reversed_axes();
        by_columns.assign(&single);
        for x in [single, by_columns] {
            let mut loss = IncrementalLoss::new(&problem.parameters, &Array2::ones((2, 150)), &[0, 1]);
            loss.set_single_batch(&x, &problem.classes);
            assert_eq!((loss.value().to_bits(), bits(gradient(&mut loss, 1e-4))), expected, "{inputs:?}");
        }
    }
}

#[test]
fn nan_in_a_weight_or_an_input_reaches_the_gradient() {
    let shape = NetworkShape::new([6, 9, 3]);
    let problem = Problem::draw(11, 4, &shape, Inputs::Reals, (0.5, 0.5));
    let mut with_weight = problem.clone();
    with_weight.parameters.weights_mut(2)[[3, 1]] = f64::NAN;
    assert!(gradient(&mut with_weight.incremental(), 1e-4).iter().all(|g| g.is_nan()));
    let mut with_input = problem;
    with_input.x[[2, 4]] = f64::NAN;
    assert!(gradient(&mut with_input.incremental(), 1e-4).iter().all(|g| g.is_nan()));
    assert!(with_input.incremental().value().is_nan());
}

/// The central difference exceeds the derivative by `h²/6·f'''`, of a function whose third derivative is at most a small
/// multiple of the slopes' product; halving h divides what is left by four.
#[test]
fn backpropagation_agrees_within_the_truncation_error_which_falls_as_h_squared() {
    let shape = NetworkShape::new([20, 10, 4]);
    let problem = Problem::draw(12, 8, &shape, Inputs::Pixels, (0.5, 0.5));
    let mut analytic = problem.parameters.clone();
    backprop_into(&problem.parameters, &problem.x, &problem.classes, &mut analytic);
    let analytic = analytic.values().as_slice().unwrap();
    let error = |h| -> f64 {
        let numerical = gradient(&mut problem.incremental(), h);
        numerical.iter().zip(analytic).map(|(n, a)| (n - a).abs()).fold(0.0, f64::max)
    };
    // |f'''| ≤ 1: of a sigmoid it is at most 1/8, of ln Σ exp at most 1/√27·2, and the moves here are below 1.
    let (coarse, fine) = (error(0.1), error(0.05));
    assert!(coarse < 0.1f64.powi(2) / 6.0 && (3.9..4.1).contains(&(coarse / fine)), "{coarse:e}, {fine:e}");
    // At 1e-4 truncation is below 2e-9, and nothing else is left: the incremental form does not round as full passes do.
    assert!(error(1e-4) < 1e-8 / 6.0, "{:e}", error(1e-4));
    assert!(error(1e-6) < 1e-13, "{:e}", error(1e-6));
}
