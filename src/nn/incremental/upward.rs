//! The change of a sample's loss when a hidden unit's input moves, for a move of any size: the general way, which the series
//! of `tail` are held against and which takes over where they do not hold.
//!
//! The unit's own change is carried upwards layer by layer: the weighted sums above change by their weights times it, their
//! units by the exact change of the activation, and at last the scores. Nothing is subtracted that is nearly equal.

use super::super::lanes::simd::LANES;
use super::super::shape::NetworkShape;
use super::base_pass::BasePass;

/// How many numbers of scratch [`BasePass::unit_change`] needs: the changes of two layers, and none below the scores.
pub(super) fn scratch_len(shape: &NetworkShape) -> usize {
    match shape.hidden() {
        [_] => 0,
        _ => shape.sizes()[2..].iter().copied().max().unwrap_or(0).saturating_mul(2),
    }
}

impl BasePass {
    /// The change of a sample's loss when the input of a unit of a hidden layer (counted from 0) moves.
    pub fn unit_change(&self, sample: usize, hidden: usize, unit: usize, delta: f64, scratch: &mut [f64]) -> f64 {
        let output = self.output(sample);
        let (moved, above) = (&self.hidden()[hidden], &self.hidden()[hidden + 1..]);
        let activation = moved.activation();
        let change = activation.change(moved.input_sum(sample, unit), delta);
        let weight = |next| moved.next_weights(next, unit / LANES).0[unit % LANES];
        let Some(first) = above.first() else {
            let right = weight(output.class);
            return output.loss_change((0..self.shape().n_classes()).map(|k| change * (weight(k) - right)));
        };
        let (mut changes, mut sums) = scratch.split_at_mut(scratch.len() / 2);
        for (next, out) in changes[..first.n_units()].iter_mut().enumerate() {
            *out = activation.change(first.input_sum(sample, next), change * weight(next));
        }
        for pair in above.windows(2) {
            let [below, above] = pair else { unreachable!("windows of two") };
            let layer = &self.layers()[above.layer().number - 1];
            let sums_above = &mut sums[..above.n_units()];
            sums_above.fill(0.0);
            for (unit, &change) in changes[..below.n_units()].iter().enumerate() {
                sums_above.iter_mut().zip(layer.row(unit)).for_each(|(sum, weight)| *sum += change * weight);
            }
            for (unit, sum) in sums_above.iter_mut().enumerate() {
                *sum = activation.change(above.input_sum(sample, unit), *sum);
            }
            (changes, sums) = (sums, changes);
        }
        let scores = &mut sums[..self.shape().n_classes()];
        scores.fill(0.0);
        let layer = &self.layers()[self.shape().n_layers() - 1];
        for (unit, &change) in changes[..self.last_hidden().n_units()].iter().enumerate() {
            let weights = layer.row(unit);
            let right = weights[output.class];
            scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += change * (weight - right));
        }
        output.loss_change(scores.iter().copied())
    }
}
