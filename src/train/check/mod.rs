//! The numerical gradient of a batch beside the analytic one, array by array, and whether they agree.
//!
//! A numerical gradient is never equal to the analytic one, so the question is whether they differ by what is expected:
//! the truncation of a central difference at this step, which is known with its sign, and no more than rounding explains
//! beyond it (`expected.rs`). The engine's own check ([`crate::difference::CheckReport`]) takes any function and costs
//! whole evaluations, up to 20 a coordinate; this one knows the network, and takes milliseconds for 39,760 weights.

mod expected;
mod largest;

use std::fmt;

use ndarray::{Array2, ArrayViewD};

pub(super) use self::expected::batch_objective;
use self::expected::{Expected, Extrapolation, Rounding};
use self::largest::{largest, max};
use super::batch_loss::{Hook, central, differentiate};
use super::error::Cancelled;
use super::settings::{Forward, TrainingSettings};
use crate::dataset::{Sampler, Samples};
use crate::difference::{Agreement, Comparison};
use crate::nn::{
    FullLoss, IncrementalLoss, NetworkShape, Parameters, backprop_into, backprop_n_bytes, n_bytes_of, together,
};
use crate::random::LegacyRandom;

/// A check must be able to see an error of this share of an array's largest derivative; otherwise it can't tell.
pub const RESOLUTION: f64 = 1e-6;

/// The steps that are tried where the one that was asked for can't tell: the book's, then others, the nearest first.
const STEPS: [f64; 7] = [1e-4, 1e-3, 1e-5, 1e-2, 1e-6, 1e-1, 1e-7];

/// What was found of one array of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayCheck {
    /// `W1`, `b1`, `W2`, `b2`, ….
    pub name: String,
    /// The array's shape.
    pub shape: Vec<usize>,
    /// The largest derivative, without its sign.
    pub largest: f64,
    /// The largest `|numerical - analytic|`.
    pub max_absolute_error: f64,
    /// The largest `|numerical - analytic|` as a share of the larger of the two derivatives.
    pub max_relative_error: f64,
    /// The largest truncation error of the numerical gradient that is expected.
    pub truncation: f64,
    /// The largest difference that rounding, of either gradient and of what is expected, may make.
    pub rounding: f64,
    /// The largest difference beyond the expected truncation that passes.
    pub allowed: f64,
    /// Where in the array the derivatives are furthest apart beyond the expected truncation, as a share of what is allowed.
    pub worst_index: Vec<usize>,
    /// The two derivatives at [`worst_index`](Self::worst_index). Its `index` is the place among all parameters.
    pub worst: Comparison,
    /// Whether the two gradients of the array agree: whether every derivative is within what is expected. Undetermined where
    /// they do, but an error of [`RESOLUTION`] would not have been seen, as the step is too large or too small.
    pub agreement: Agreement,
}

/// How a batch's numerical gradient compares with its analytic one. Printed, it is a table.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientCheck {
    /// What was found of W1, b1, W2, b2, …, in this order.
    pub arrays: Vec<ArrayCheck>,
    /// How losses should be evaluated, and at which step, where the step that was asked for can't tell. None where it can, and
    /// where no other can.
    pub advice: Option<(Forward, f64)>,
}

impl GradientCheck {
    /// The first array whose gradients agree, differ, or are undetermined, as asked for.
    pub fn first(&self, agreement: Agreement) -> Option<&ArrayCheck> {
        self.arrays.iter().find(|array| array.agreement == agreement)
    }
}

impl fmt::Display for GradientCheck {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let row = |cells: [&str; 9]| {
            let [name, shape, largest, absolute, relative, truncation, rounding, index, verdict] = cells;
            let left = format!("{name:<5} {shape:>8} {largest:>10} {absolute:>10} {relative:>10} {truncation:>11}");
            format!("{left} {rounding:>10} {index:>11}  {verdict}").trim_end().to_owned()
        };
        let heads = [
            ["", "", "largest", "largest", "error", "expected", "expected", "worst", ""],
            ["array", "shape", "derivative", "abs. error", "relative", "truncation", "rounding", "index", "verdict"],
        ];
        f.write_str(&heads.map(row).join("\n"))?;
        for array in &self.arrays {
            let shape: Vec<_> = array.shape.iter().map(usize::to_string).collect();
            let [largest, absolute, relative, truncation, rounding] =
                [array.largest, array.max_absolute_error, array.max_relative_error, array.truncation, array.rounding]
                    .map(|x| format!("{x:.1e}"));
            let verdict = match array.agreement {
                Agreement::Agrees => "agrees",
                Agreement::Differs => "DIFFERS",
                Agreement::Undetermined => "can't tell",
            };
            let index = format!("{:?}", array.worst_index);
            let shape = shape.join("x");
            write!(
                f,
                "\n{}",
                row([&array.name, &shape, &largest, &absolute, &relative, &truncation, &rounding, &index, verdict])
            )?;
        }
        Ok(())
    }
}

/// Compares the gradients of the batch that `random` draws next, at `parameters`.
///
/// `settings` say the step, how losses are evaluated and for which instruction set. Nothing is changed: a training that goes
/// on from `random` draws the same batches. Costs one gradient of the mode chosen, three incremental ones and
/// backpropagation.
///
/// # Errors
/// [`Cancelled`] where the hook says so.
///
/// # Panics
/// If the samples do not fit the network, or the batch is empty.
///
/// ```
/// use numgrad::dataset::synthetic;
/// use numgrad::difference::Agreement;
/// use numgrad::nn::NetworkShape;
/// use numgrad::random::LegacyRandom;
/// use numgrad::train::{self, Init, TrainingSettings, initial_parameters};
///
/// let mut random = LegacyRandom::seed(42);
/// let data = synthetic(10, &mut random);
/// let shape = NetworkShape::new([100, 10, 10]);
/// let parameters = initial_parameters(&shape, Init::Normal, 0.01, &mut random);
/// let settings = TrainingSettings::default();
/// let found = train::check_gradient(&data.train, &parameters, &random, &settings, None)?;
/// assert!(found.arrays.iter().all(|array| array.agreement == Agreement::Agrees), "{found}");
/// # Ok::<(), train::Cancelled>(())
/// ```
pub fn check_gradient(
    samples: &Samples,
    parameters: &Parameters,
    random: &LegacyRandom,
    settings: &TrainingSettings,
    hook: Option<Hook>,
) -> Result<GradientCheck, Cancelled> {
    let (x, classes) = next_batch(samples, random, settings.batch_size);
    let mut analytic = Parameters::zeros(parameters.shape());
    backprop_into(parameters, &x, &classes, &mut analytic);

    let mut objective = batch_objective(parameters, &x, &classes, settings.isa);
    let rounding = Rounding::new(parameters, &x, &classes, settings.step);
    let extrapolation = Extrapolation::new(&mut objective, parameters.shape(), settings.step);
    let mut numerical = Parameters::zeros(parameters.shape());
    match settings.forward {
        Forward::Incremental => numerical.values_mut().assign(&extrapolation.at_step),
        Forward::Full => {
            let mut full = FullLoss::new(parameters, &x, &classes).with_isa(settings.isa);
            differentiate(&central(settings.step), &mut full, hook, &mut numerical)?;
        }
    }
    let expected = Expected::new(parameters, &rounding, settings.forward, settings.step, extrapolation);
    let arrays = compare(&analytic, &numerical, &expected);
    let mut comparison = GradientCheck { arrays, advice: None };
    if comparison.first(Agreement::Undetermined).is_some() {
        let modes = [settings.forward, Forward::Incremental];
        let candidates = modes.into_iter().flat_map(|mode| STEPS.map(|step| (mode, step)));
        comparison.advice = candidates.into_iter().find(|&(mode, step)| {
            let extrapolation = Extrapolation::new(&mut objective, parameters.shape(), step);
            // Which kinks are within reach depends on the step.
            let rounding = Rounding::new(parameters, &x, &classes, step);
            Expected::new(parameters, &rounding, mode, step, extrapolation).largest_share(parameters) <= RESOLUTION
        });
    }
    Ok(comparison)
}

/// How much memory [`check_gradient`] takes, at most, with a gradient computed by `n_workers` at a time; `u64::MAX` where the
/// number overflows.
pub fn check_gradient_n_bytes(shape: &NetworkShape, settings: &TrainingSettings, n_workers: usize) -> u64 {
    let n_samples = settings.batch_size;
    let full = match settings.forward {
        Forward::Full => FullLoss::n_bytes(shape, n_samples, n_workers),
        Forward::Incremental => 0,
    };
    together(&[
        n_bytes_of::<f64>(&[n_samples, shape.n_inputs()]),
        n_bytes_of::<usize>(&[2, n_samples]),
        // The analytic gradient. The numerical one comes when most of what was worked out for what is expected is gone.
        shape.n_bytes(),
        backprop_n_bytes(shape, n_samples),
        IncrementalLoss::n_bytes(shape, n_samples, n_workers),
        full,
        expected::n_bytes(shape, n_samples),
    ])
}

/// The batch that `random` draws next: inputs (N, D) and classes (N).
pub(super) fn next_batch(samples: &Samples, random: &LegacyRandom, batch_size: usize) -> (Array2<f64>, Vec<usize>) {
    let mut sampler = Sampler::new(samples.len(), batch_size);
    let indices = sampler.draw(&mut random.clone());
    let mut x = Array2::zeros((batch_size, samples.input_size()));
    let mut classes = vec![0; batch_size];
    samples.gather_into(indices, &mut x, &mut classes);
    (x, classes)
}

/// Both gradients of every array, beside what is expected.
fn compare(analytic: &Parameters, numerical: &Parameters, expected: &Expected) -> Vec<ArrayCheck> {
    let mut begin = 0;
    let of_array = |(name, array): (String, ArrayViewD<f64>)| {
        let range = begin..begin + array.len();
        begin = range.end;
        let of = |parameters: &Parameters| parameters.values().slice(ndarray::s![range.clone()]).to_owned();
        let (analytic, numerical) = (of(analytic), of(numerical));
        let part = expected.part(range.clone());
        let mut worst = (f64::NEG_INFINITY, 0);
        for i in 0..array.len() {
            let beyond = (numerical[i] - part.truncation[i] - analytic[i]).abs();
            // As a share of what may be; 0 of 0 is nothing, NaN more than anything.
            let share = if beyond == 0.0 { 0.0 } else { beyond / part.allowed[i] };
            let share = if share.is_nan() { f64::INFINITY } else { share };
            if share > worst.0 {
                worst = (share, i);
            }
        }
        let (share, i) = worst;
        let can_tell = part.share() <= RESOLUTION;
        let compared = |i: usize| Comparison {
            row: None,
            index: range.start + i,
            analytic: analytic[i],
            numerical: numerical[i],
            numerical_error: part.truncation[i].abs() + part.allowed[i],
            converged: can_tell,
            nearby: 0.0,
        };
        let largest_of = |error: fn(&Comparison) -> f64| max((0..array.len()).map(|i| error(&compared(i))));
        let agreement = match share {
            _ if !can_tell => Agreement::Undetermined,
            ..=1.0 => Agreement::Agrees,
            _ => Agreement::Differs,
        };
        ArrayCheck {
            name,
            shape: array.shape().to_vec(),
            largest: largest(analytic.view()).max(largest(numerical.view())),
            max_absolute_error: largest_of(Comparison::absolute_error),
            max_relative_error: largest_of(Comparison::relative_error),
            truncation: largest(part.truncation),
            rounding: largest(part.rounding),
            allowed: largest(part.allowed.view()),
            worst_index: place(i, array.shape()),
            worst: compared(i),
            agreement,
        }
    };
    analytic.arrays().map(of_array).collect()
}

/// Row and column of the element that has this number in an array's standard order.
fn place(number: usize, shape: &[usize]) -> Vec<usize> {
    match shape {
        [_, n_columns] => vec![number / n_columns, number % n_columns],
        _ => vec![number],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::nn::simd::Isa;
    use crate::nn::{LOG_OFFSET, NetworkShape, sigmoid, softmax};
    use crate::random::LegacyRandom;

    /// A network, a batch, and the two gradients.
    struct Problem {
        parameters: Parameters,
        x: Array2<f64>,
        classes: Vec<usize>,
        analytic: Parameters,
    }

    impl Problem {
        fn draw(seed: u32, n_samples: usize, shape: &NetworkShape, scale: f64) -> Self {
            let mut random = LegacyRandom::seed(seed);
            let mut parameters = Parameters::zeros(shape);
            parameters.values_mut().mapv_inplace(|_| scale * random.standard_normal());
            // Half of the inputs are 0, as of an image.
            let mut x = Array2::zeros((n_samples, shape.n_inputs()));
            x.mapv_inplace(|_: f64| (2.0 * random.random_sample() - 1.0).max(0.0));
            let classes = (0..n_samples).map(|n| (7 * n + seed as usize) % shape.n_classes()).collect::<Vec<_>>();
            let mut analytic = Parameters::zeros(shape);
            backprop_into(&parameters, &x, &classes, &mut analytic);
            Self { parameters, x, classes, analytic }
        }

        fn check(&self, analytic: &Parameters, forward: Forward, step: f64) -> Vec<ArrayCheck> {
            let Self { parameters, x, classes, .. } = self;
            let mut objective = batch_objective(parameters, x, classes, Isa::best());
            let extrapolation = Extrapolation::new(&mut objective, parameters.shape(), step);
            let mut numerical = Parameters::zeros(parameters.shape());
            match forward {
                Forward::Incremental => numerical.values_mut().assign(&extrapolation.at_step),
                Forward::Full => {
                    let mut full = FullLoss::new(parameters, x, classes);
                    differentiate(&central(step), &mut full, None, &mut numerical).unwrap();
                }
            }
            let rounding = Rounding::new(parameters, x, classes, step);
            compare(analytic, &numerical, &Expected::new(parameters, &rounding, forward, step, extrapolation))
        }
    }

    fn shape() -> NetworkShape {
        NetworkShape::new([30, 10, 5])
    }
    const BOTH: [Forward; 2] = [Forward::Incremental, Forward::Full];

    fn agreements(arrays: &[ArrayCheck]) -> Vec<Agreement> {
        arrays.iter().map(|array| array.agreement).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn right_gradients_agree_for_any_shape_and_step(
            seed: u32,
            n_samples in 1..30_usize,
            (n_inputs, n_hidden, n_classes) in (1..40_usize, 1..20_usize, 2..12_usize),
            log_scale in -2.0..0.5_f64,
            log_step in -7.0..-2.0_f64,
        ) {
            let problem = Problem::draw(
                seed, n_samples, &NetworkShape::new([n_inputs, n_hidden, n_classes]), 10_f64.powf(log_scale),
            );
            let step = 10_f64.powf(log_step);
            let arrays = problem.check(&problem.analytic, Forward::Incremental, step);
            // Large weights may make the network so sure of all samples that 1 - p cancels in backpropagation itself.
            if log_scale < -0.3 {
                prop_assert_eq!(agreements(&arrays), [Agreement::Agrees; 4], "{:?}", arrays);
            }
            prop_assert!(!agreements(&arrays).contains(&Agreement::Differs), "{:?}", arrays);
            // Whole forward passes at a short step can't tell of small derivatives, but never accuse a right one.
            let arrays = problem.check(&problem.analytic, Forward::Full, step);
            prop_assert!(!agreements(&arrays).contains(&Agreement::Differs), "{:?}", arrays);
        }
    }

    #[test]
    fn one_derivative_off_by_a_millionth_of_the_largest_is_found_and_named() {
        let problem = Problem::draw(1, 20, &shape(), 0.5);
        for (forward, step) in BOTH.into_iter().flat_map(|forward| [(forward, 1e-2), (forward, 1e-4)]) {
            let whole = problem.check(&problem.analytic, forward, step);
            assert_eq!(agreements(&whole), [Agreement::Agrees; 4]);
            for (which, coordinate, index) in
                [(0, 0, vec![0, 0]), (0, 123, vec![12, 3]), (1, 309, vec![9]), (2, 356, vec![9, 1]), (3, 360, vec![0])]
            {
                let mut wrong = problem.analytic.clone();
                wrong.values_mut()[coordinate] += 1e-6 * whole[which].largest;
                let arrays = problem.check(&wrong, forward, step);
                let mut expected = [Agreement::Agrees; 4];
                expected[which] = Agreement::Differs;
                assert_eq!(agreements(&arrays), expected, "{forward}, {step}, {index:?}");
                assert_eq!((&arrays[which].worst_index, arrays[which].worst.index), (&index, coordinate));
                assert_eq!(arrays[which].worst.analytic, wrong.values()[coordinate]);
            }
        }
    }

    #[test]
    fn a_swapped_sign_is_found() {
        let problem = Problem::draw(2, 20, &shape(), 0.5);
        for forward in BOTH {
            for coordinate in [5, 305, 320, 362] {
                let mut wrong = problem.analytic.clone();
                wrong.values_mut()[coordinate] *= -1.0;
                let arrays = problem.check(&wrong, forward, 1e-4);
                let found = arrays.iter().find(|array| array.agreement == Agreement::Differs).unwrap();
                assert_eq!(found.worst.index, coordinate);
                // x beside -x.
                assert!((found.max_relative_error - 2.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_transposed_array_is_found() {
        // Square, so that the shapes do not tell.
        let problem = Problem::draw(3, 20, &NetworkShape::new([8, 8, 8]), 0.5);
        for forward in BOTH {
            for which in [0, 2] {
                let mut wrong = problem.analytic.clone();
                let mut array = if which == 0 { wrong.weights_mut(1) } else { wrong.weights_mut(2) };
                let turned = array.t().to_owned();
                array.assign(&turned);
                let mut expected = [Agreement::Agrees; 4];
                expected[which] = Agreement::Differs;
                assert_eq!(agreements(&problem.check(&wrong, forward, 1e-4)), expected, "{forward}");
            }
        }
    }

    /// The book's own backpropagation leaves out the `1e-7` of its loss.
    #[test]
    fn a_forgotten_offset_in_the_logarithm_is_found() {
        let problem = Problem::draw(4, 1, &shape(), 0.5);
        let Problem { parameters, x, classes, .. } = &problem;
        let hidden = sigmoid(&(x.dot(&parameters.weights(1)) + parameters.biases(1)));
        let p = softmax(&(hidden.dot(&parameters.weights(2)) + parameters.biases(2)))[[0, classes[0]]];
        // Of one sample every derivative has the factor p/(p + 1e-7).
        let mut wrong = problem.analytic.clone();
        wrong.values_mut().mapv_inplace(|slope| slope / p * (p + LOG_OFFSET));
        assert_eq!(agreements(&problem.check(&wrong, Forward::Incremental, 1e-4)), [Agreement::Differs; 4]);
        assert!(agreements(&problem.check(&wrong, Forward::Full, 1e-4)).contains(&Agreement::Differs));
    }

    /// Biases are 0 at the start of a training, so where all units of a layer are 0 in a sample, every unit above is at its kink.
    #[test]
    fn right_gradients_of_rectifiers_at_kinks_above_one_another_are_not_accused() {
        for (sizes, seed) in [&[2, 2, 2, 2][..], &[2, 3, 3, 2, 2], &[1, 9, 3, 8, 6]].into_iter().zip(1..) {
            let shape = NetworkShape::new(sizes).with_activation(crate::nn::Activation::Relu);
            for n_samples in [1, 12] {
                let mut problem = Problem::draw(seed, n_samples, &shape, 0.5);
                (1..=shape.n_layers()).for_each(|l| problem.parameters.biases_mut(l).fill(0.0));
                problem.x.row_mut(0).fill(0.0);
                backprop_into(&problem.parameters, &problem.x, &problem.classes, &mut problem.analytic);
                for forward in BOTH {
                    let arrays = problem.check(&problem.analytic, forward, 1e-4);
                    assert!(!agreements(&arrays).contains(&Agreement::Differs), "{forward}, {shape}: {arrays:?}");
                }
            }
        }
    }

    #[test]
    fn where_the_step_is_far_too_large_or_too_small_it_says_that_it_cannot_tell() {
        let problem = Problem::draw(5, 20, &shape(), 0.5);
        let too_large = [2.0, 10.0, 1e5, 1e300, f64::MAX];
        let cases = BOTH.into_iter().flat_map(|forward| too_large.map(|step| (forward, step)));
        let too_small = [1e-9, 1e-14, 1e-20, 1e-300, 1e-320].map(|step| (Forward::Full, step));
        for (forward, step) in cases.chain(too_small) {
            let arrays = problem.check(&problem.analytic, forward, step);
            assert_eq!(agreements(&arrays), [Agreement::Undetermined; 4], "{forward}, {step:e}");
        }
        // The incremental form has no step that is too small, as long as its moves are numbers of full precision.
        for step in [1e-9, 1e-20, 1e-100, 1e-290] {
            let arrays = problem.check(&problem.analytic, Forward::Incremental, step);
            assert_eq!(agreements(&arrays), [Agreement::Agrees; 4], "{step:e}");
        }
        let arrays = problem.check(&problem.analytic, Forward::Incremental, 5e-324);
        assert_eq!(agreements(&arrays), [Agreement::Undetermined; 4]);
    }

    #[test]
    fn a_derivative_that_is_no_number_never_agrees() {
        let problem = Problem::draw(6, 20, &shape(), 0.5);
        for value in [f64::NAN, f64::INFINITY] {
            let mut wrong = problem.analytic.clone();
            wrong.values_mut()[7] = value;
            let arrays = problem.check(&wrong, Forward::Incremental, 1e-4);
            assert_eq!((arrays[0].agreement, &arrays[0].worst_index), (Agreement::Differs, &vec![0, 7]));
        }
    }

    #[test]
    fn the_advice_is_a_step_that_tells() {
        let mut random = LegacyRandom::seed(42);
        let data = crate::dataset::synthetic(10, &mut random);
        let shape = NetworkShape::new([100, 10, 10]);
        let parameters = super::super::initial_parameters(&shape, crate::train::Init::Uniform, 0.01, &mut random);
        for forward in BOTH {
            let check = |step, forward| {
                let settings = TrainingSettings { batch_size: 50, step, forward, ..TrainingSettings::default() };
                check_gradient(&data.train, &parameters, &random, &settings, None).unwrap()
            };
            let asked = check(if forward == Forward::Full { 1e-12 } else { 5.0 }, forward);
            assert!(asked.first(Agreement::Undetermined).is_some());
            let (advised, step) = asked.advice.unwrap();
            assert_eq!(advised, forward);
            let again = check(step, forward);
            assert_eq!(agreements(&again.arrays), [Agreement::Agrees; 4], "{step}");
            assert_eq!(again.advice, None);
        }
    }

    #[test]
    fn the_advice_is_a_step_that_reaches_no_kink() {
        let mut random = LegacyRandom::seed(42);
        let data = crate::dataset::synthetic(10, &mut random);
        let shape = NetworkShape::new([100, 10, 10]).with_activation(crate::nn::Activation::Relu);
        let parameters = super::super::initial_parameters(&shape, crate::train::Init::Normal, 0.1, &mut random);
        let check = |step| {
            let settings = TrainingSettings { batch_size: 20, step, ..TrainingSettings::default() };
            check_gradient(&data.train, &parameters, &random, &settings, None).unwrap()
        };
        let asked = check(0.3);
        assert!(asked.first(Agreement::Undetermined).is_some());
        let (_, step) = asked.advice.unwrap();
        assert_eq!(agreements(&check(step).arrays), [Agreement::Agrees; 4], "{step}");
    }

    #[test]
    fn the_table_has_a_row_for_each_array_with_its_worst_index() {
        let problem = Problem::draw(7, 20, &shape(), 0.5);
        let mut wrong = problem.analytic.clone();
        wrong.values_mut()[123] += 1.0;
        let arrays = problem.check(&wrong, Forward::Incremental, 1e-4);
        let table = GradientCheck { arrays, advice: None }.to_string();
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert!(rows[0].starts_with("W1       30x10") && rows[0].ends_with("[12, 3]  DIFFERS"), "{table}");
        assert!(rows[1].starts_with("b1          10") && rows[1].ends_with("agrees"), "{table}");
        assert!(rows.len() == 4 && table.lines().all(|line| line.len() <= 100), "{table}");
    }
}
