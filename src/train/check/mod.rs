//! The numerical gradient of a batch beside the analytic one, array by array, and whether they agree.
//!
//! A numerical gradient is never equal to the analytic one, so the question is whether they differ by what is expected:
//! the truncation of a central difference at this step, which is known with its sign, and no more than rounding explains
//! beyond it (`expected.rs`). The engine's own check ([`crate::difference::CheckReport`]) takes any function and costs
//! whole evaluations, up to 20 a coordinate; this one knows the network, and takes milliseconds for 39,760 weights.

mod compare;
mod expected;
mod found;
mod largest;

use ndarray::Array2;

use self::compare::compare;
pub(super) use self::expected::batch_objective;
use self::expected::{Expected, Extrapolation, Rounding};
pub use self::found::{ArrayCheck, GradientCheck, RESOLUTION};
use super::batch_loss::{Hook, central, differentiate};
use super::error::Cancelled;
use super::settings::{Forward, TrainingSettings};
use crate::dataset::{Sampler, Samples};
use crate::difference::Agreement;
use crate::nn::{
    FullLoss, IncrementalLoss, NetworkShape, Parameters, backprop_into, backprop_n_bytes, n_bytes_of, together,
};
use crate::random::LegacyRandom;

/// The steps that are tried where the one that was asked for can't tell: the book's, then others, the nearest first.
const STEPS: [f64; 7] = [1e-4, 1e-3, 1e-5, 1e-2, 1e-6, 1e-1, 1e-7];

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

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Forward; 2] = [Forward::Incremental, Forward::Full];

    fn agreements(arrays: &[ArrayCheck]) -> Vec<Agreement> {
        arrays.iter().map(|array| array.agreement).collect()
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
}
