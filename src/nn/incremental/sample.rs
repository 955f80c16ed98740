//! One sample, seen through eight units: what the changes of its loss by moves of weights into and out of them are computed
//! from.

use super::super::lanes::simd::F64x8;
use super::base_pass::BasePass;
use super::hidden_layer::HiddenLayer;
use super::tail::Place;
use crate::difference::Moves;

/// One sample, seen through one vector of units.
pub(super) struct Sample<'a> {
    pub place: Place,
    pub layer: &'a HiddenLayer,
    pub base: &'a BasePass,
    pub moves: &'a Moves<'a>,
    /// The same moves, two and two.
    pub pairs: &'a [Pair],
}

impl Sample<'_> {
    /// `Σ_p weight_p · change(delta_p)`.
    pub fn difference(&self, mut change: impl FnMut(f64) -> f64) -> f64 {
        self.moves.deltas.iter().zip(self.moves.weights).map(|(&delta, weight)| weight * change(delta)).sum()
    }
}

/// A move and its opposite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub delta: f64,
    /// The weight of the value at `delta`.
    pub up: f64,
    /// The weight of the value at `-delta`.
    pub down: f64,
}

impl Pair {
    /// Writes moves as pairs; what does not move at all changes nothing and is left out. Allocates only if there are more than
    /// ever before.
    pub fn of_moves_into(moves: &Moves, pairs: &mut Vec<Pair>) {
        pairs.clear();
        for (&delta, &weight) in moves.deltas.iter().zip(moves.weights) {
            let is_same = |pair: &&mut Pair| pair.delta.abs() == delta.abs();
            match pairs.iter_mut().find(is_same) {
                Some(pair) if pair.delta == delta => pair.up += weight,
                Some(pair) => pair.down += weight,
                None if delta == 0.0 => {}
                None => pairs.push(Pair { delta, up: weight, down: 0.0 }),
            }
        }
    }
}

/// Scratch of one task.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    /// The changes by each value of a sample, and the moves of its scores, two a point.
    pub changes: Vec<F64x8>,
    /// The series of the layers above.
    pub series: Vec<F64x8>,
    /// The changes of the layers above.
    pub upward: Vec<f64>,
}
