//! One derivative of a run, worked out as a teacher does it at the blackboard.

use serde::{Deserialize, Serialize};

use super::check::next_batch;
use super::settings::TrainingSettings;
use crate::dataset::Samples;
use crate::nn::{FullLoss, NetworkShape, Parameters, backprop_into, backprop_n_bytes, n_bytes_of, together};
use crate::random::LegacyRandom;

/// Of how many terms, samples times parameters, a derivative is worked out at most: it is done in a fraction of a second then, in
/// which nothing is asked whether to stop.
const MAX_TERMS: usize = 1_000_000_000;

/// The numbers from which the central difference of a loss by one weight is made, `(L(w + h) - L(w - h)) / 2h`, and the
/// analytic derivative beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkedWeight {
    /// The layer whose array W the weight is in, counted from 1.
    pub layer: usize,
    /// The row of the array: the number of the input or unit below, counted from 0.
    pub row: usize,
    /// The column of the array: the number of the unit or class above, counted from 0.
    pub column: usize,
    /// The weight w.
    pub weight: f64,
    /// L(w + h), by a whole forward pass.
    pub loss_up: f64,
    /// L(w - h), by a whole forward pass.
    pub loss_down: f64,
    /// The derivative by backpropagation.
    pub analytic: f64,
}

impl WorkedWeight {
    /// Works with the weight that has the largest derivative of all, on the batch that `random` draws next, at `parameters`.
    /// None where a number is not finite, and where the samples of a batch times the parameters are more than 10⁹, which would take
    /// seconds.
    ///
    /// Nothing is changed: a training that goes on from `random` draws the same batch. Costs backpropagation and two forward
    /// passes.
    ///
    /// # Panics
    /// If the samples do not fit the network, or the batch is empty.
    pub fn of_largest_derivative(
        samples: &Samples,
        parameters: &Parameters,
        random: &LegacyRandom,
        settings: &TrainingSettings,
    ) -> Option<Self> {
        if parameters.as_slice().len().saturating_mul(settings.batch_size) > MAX_TERMS {
            return None;
        }
        let (x, classes) = next_batch(samples, random, settings.batch_size);
        let mut gradient = Parameters::zeros(parameters.shape());
        backprop_into(parameters, &x, &classes, &mut gradient);
        let mut largest: Option<(usize, (usize, usize), f64)> = None;
        for layer in 1..=parameters.shape().n_layers() {
            for (index, &derivative) in gradient.weights(layer).indexed_iter() {
                if largest.is_none_or(|(_, _, largest)| derivative.abs() > largest.abs()) {
                    largest = Some((layer, index, derivative));
                }
            }
        }
        let (layer, (row, column), analytic) = largest?;
        // The gradient has done its work.
        let mut moved = gradient;
        moved.as_slice_mut().copy_from_slice(parameters.as_slice());
        let weight = parameters.weights(layer)[[row, column]];
        let mut loss_at = |weight: f64| {
            moved.weights_mut(layer)[[row, column]] = weight;
            FullLoss::new(&moved, &x, &classes).with_isa(settings.isa).value()
        };
        let (loss_up, loss_down) = (loss_at(weight + settings.step), loss_at(weight - settings.step));
        let worked = Self { layer, row, column, weight, loss_up, loss_down, analytic };
        [weight, loss_up, loss_down, analytic].iter().all(|x| x.is_finite()).then_some(worked)
    }

    /// `(L(w + h) - L(w - h)) / 2h`, at this step h.
    pub fn numerical(&self, step: f64) -> f64 {
        (self.loss_up - self.loss_down) / (2.0 * step)
    }

    /// How much memory the work takes beside the parameters; `u64::MAX` where the number overflows.
    pub fn n_bytes(shape: &NetworkShape, batch_size: usize) -> u64 {
        let x = n_bytes_of::<f64>(&[batch_size, shape.n_inputs()]);
        let passes = together(&[backprop_n_bytes(shape, batch_size), FullLoss::n_bytes(shape, batch_size, 1)]);
        together(&[x, n_bytes_of::<[usize; 2]>(&[batch_size]), passes, shape.n_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::synthetic;
    use crate::train::{Init, initial_parameters};

    #[test]
    fn the_numbers_are_those_of_the_largest_derivative_and_nothing_is_drawn() {
        let mut random = LegacyRandom::seed(42);
        let data = synthetic(10, &mut random);
        let parameters = initial_parameters(&NetworkShape::new([100, 10, 10]), Init::Normal, 0.1, &mut random);
        let settings = TrainingSettings::default();
        let before = random.clone();
        let worked = WorkedWeight::of_largest_derivative(&data.train, &parameters, &random, &settings).unwrap();
        assert_eq!(random, before);
        let (x, classes) = next_batch(&data.train, &random, settings.batch_size);
        let mut gradient = Parameters::zeros(parameters.shape());
        backprop_into(&parameters, &x, &classes, &mut gradient);
        let of_weights = (1..=2).flat_map(|layer| gradient.weights(layer).iter().map(|x| x.abs()).collect::<Vec<_>>());
        assert_eq!(worked.analytic.abs(), of_weights.fold(0.0, f64::max));
        assert_eq!(worked.weight, parameters.weights(worked.layer)[[worked.row, worked.column]]);
        let large = TrainingSettings { batch_size: MAX_TERMS, ..settings };
        assert_eq!(WorkedWeight::of_largest_derivative(&data.train, &parameters, &random, &large), None);
        // Two losses of about 2.3 are rounded to 4e-16 each, which is divided by 2e-4; the truncation is below h².
        assert!((worked.numerical(settings.step) - worked.analytic).abs() < 2e-8, "{worked:?}");
    }
}
