//! The differences that the values which go into a hidden layer cause through eight of its units: by series where those hold,
//! else the general way.

use super::super::activation::Activation;
use super::super::lanes::simd::{Arithmetic, F64x8, LANES};
use super::distinct::max_abs;
#[cfg(test)]
use super::guards;
use super::hidden_layer::HiddenLayer;
use super::sample::{Sample, Scratch};
use super::series::{self, LONG, MEDIUM, SHORT};
use super::tail::{self, Growth, Place};

impl Sample<'_> {
    /// The differences that the sample's input values cause through each unit, for moves of the units' inputs up to
    /// `max_move`: (values).
    #[inline(always)]
    pub fn changes_by_values<A: Arithmetic>(
        &self,
        values: &[f64],
        unit_moves: &[f64],
        max_move: f64,
        scratch: &mut Scratch,
    ) {
        let mut reach = max_move * rate(self.layer, self.place.vector);
        let is_last = self.place.hidden + 1 == self.base.hidden().len();
        if self.layer.activation() == Activation::Relu && !is_last && reach > series::limit(SHORT) {
            // The bound is for the worst of all networks; here the lines themselves tell, for little.
            let by_lines = max_move * tail::steepest_line::<A>(self.base, self.place, &mut scratch.series);
            reach = if by_lines > reach { reach } else { by_lines };
        }
        #[cfg(test)]
        guards::count(reach);
        if reach <= series::limit(SHORT) {
            self.changes_by_series::<A, SHORT>(values, unit_moves, max_move, scratch);
        } else if reach <= series::limit(MEDIUM) {
            self.changes_by_series::<A, MEDIUM>(values, unit_moves, max_move, scratch);
        } else if reach <= series::limit(LONG) {
            self.changes_by_series::<A, LONG>(values, unit_moves, max_move, scratch);
        } else {
            self.exact_changes(values, |_, _| true, scratch);
        }
    }

    #[inline(always)]
    fn changes_by_series<A: Arithmetic, const M: usize>(
        &self,
        values: &[f64],
        unit_moves: &[f64],
        max_move: f64,
        scratch: &mut Scratch,
    ) {
        let Self { place, layer, base, .. } = *self;
        let Growth { series, safe_move } = tail::growth::<A, M>(base, place, &mut scratch.series);
        let out = &mut scratch.changes[..values.len()];
        match layer.activation() {
            Activation::Sigmoid | Activation::Tanh => {
                let logistic = Logistic { minus_z: -layer.logistic_vector(place.sample, place.vector) };
                self.differences::<A, M>(&series, unit_moves, &logistic, out);
            }
            Activation::Relu => {
                let rectifier = Rectifier { a: layer.input_sums(place.sample, place.vector) };
                self.differences::<A, M>(&series, unit_moves, &rectifier, out);
                // A rectifier above that changes its sign within reach: not a straight line.
                if safe_move.0.iter().any(|&safe_move| max_move > safe_move) {
                    let max_delta = max_abs(self.moves.deltas);
                    let reaches_kink = |lane: usize, value: f64| max_delta * value.abs() > safe_move.0[lane];
                    self.exact_changes(values, reaches_kink, scratch);
                }
            }
        }
    }

    /// For each value the difference of the loss's changes, which come from those of the units, `own_change`.
    #[inline(always)]
    fn differences<A: Arithmetic, const M: usize>(
        &self,
        growth_series: &series::GrowthSeries<M>,
        unit_moves: &[f64],
        own_change: &impl OwnChange,
        out: &mut [F64x8],
    ) {
        let log_series = self.base.log_series(self.place.sample);
        let n_values = out.len();
        for (value, out) in out.iter_mut().enumerate() {
            let mut sum = F64x8::ZERO;
            // A loop over numbers: whether adapters of iterators are inlined depends on the profile.
            for (point, &weight) in self.moves.weights.iter().enumerate() {
                let change = own_change.of::<A, M>(F64x8::splat(unit_moves[point * n_values + value]));
                let loss_change = log_series.loss_change::<A, M>(growth_series.growth::<A>(change));
                sum = F64x8::splat(weight).mul_add::<A>(loss_change, sum);
            }
            *out = sum;
        }
    }

    /// What [`changes_by_values`](Self::changes_by_values) writes, computed for moves of any size, for those of the eight units
    /// and for those values that `is_wanted` says.
    fn exact_changes(&self, values: &[f64], is_wanted: impl Fn(usize, f64) -> bool, scratch: &mut Scratch) {
        let Scratch { changes, upward, .. } = scratch;
        let Place { sample, hidden, vector } = self.place;
        let n_units = (self.layer.n_units() - vector * LANES).min(LANES);
        for lane in 0..n_units {
            let unit = vector * LANES + lane;
            for (value, out) in values.iter().zip(&mut *changes).filter(|(value, _)| is_wanted(lane, **value)) {
                out.0[lane] =
                    self.difference(|delta| self.base.unit_change(sample, hidden, unit, delta * value, upward));
            }
        }
    }
}

/// How quickly the series of eight units change with the moves of their inputs: the size of a move times this is what
/// [`series::limit`] bounds.
#[inline(always)]
pub(super) fn rate(layer: &HiddenLayer, vector: usize) -> f64 {
    let activation = layer.activation();
    // The activation's own series; the rectifier's change is exact.
    let own_rate = match activation {
        Activation::Sigmoid => 1.0,
        Activation::Tanh => 2.0,
        Activation::Relu => 0.0,
    };
    // A unit moves by at most the largest slope times what its input does.
    let growth_rate = activation.max_slope() * layer.growth_rate(vector);
    // What is NaN stays so, and fits no series.
    if growth_rate < own_rate { own_rate } else { growth_rate }
}

/// By how much eight units change, in slopes. A trait and no closure, which would not always be inlined and so not be compiled
/// for the instruction set.
trait OwnChange {
    /// By a move in the form that [`FillUnitMoves`] writes.
    fn of<A: Arithmetic, const M: usize>(&self, unit_move: F64x8) -> F64x8;
}

/// Sigmoids, and the hyperbolic tangents made of them.
struct Logistic {
    minus_z: F64x8,
}

impl OwnChange for Logistic {
    #[inline(always)]
    fn of<A: Arithmetic, const M: usize>(&self, unit_move: F64x8) -> F64x8 {
        series::sigmoid_change::<A, M>(self.minus_z, unit_move)
    }
}

/// Rectifiers.
struct Rectifier {
    /// What goes into the units.
    a: F64x8,
}

impl OwnChange for Rectifier {
    #[inline(always)]
    fn of<A: Arithmetic, const M: usize>(&self, unit_move: F64x8) -> F64x8 {
        series::relu_change(self.a, unit_move)
    }
}
