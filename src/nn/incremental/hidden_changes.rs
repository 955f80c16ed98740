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
        let series = base.log_series(place.sample).of_growth::<A, M>(&series);
        let out = &mut scratch.changes[..values.len()];
        match layer.activation() {
            Activation::Sigmoid | Activation::Tanh => {
                let half_c = layer.logistic_vector(place.sample, place.vector) - F64x8::splat(0.5);
                let logistic = Logistic { half_c };
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

    /// For each value the difference of the loss's changes, which come from those of the units, `own_changes`.
    #[inline(always)]
    fn differences<A: Arithmetic, const M: usize>(
        &self,
        loss_series: &series::LossSeries<M>,
        unit_moves: &[f64],
        own_changes: &impl OwnChanges,
        out: &mut [F64x8],
    ) {
        let n_values = out.len();
        // Loops over numbers: whether adapters of iterators are inlined depends on the profile.
        for (i, pair) in self.pairs.iter().enumerate() {
            let unit_moves = &unit_moves[i * n_values..][..n_values];
            let (up_weight, minus_down_weight) = (F64x8::splat(pair.up), F64x8::splat(-pair.down));
            for (&unit_move, out) in unit_moves.iter().zip(&mut *out) {
                let (up, down) = own_changes.of::<A, M>(F64x8::splat(unit_move));
                let before = if i == 0 { F64x8::ZERO } else { *out };
                let sum = up_weight.mul_add::<A>(loss_series.up::<A>(up), before);
                *out = minus_down_weight.mul_add::<A>(loss_series.minus_down::<A>(down), sum);
            }
        }
        if self.pairs.is_empty() {
            out.fill(F64x8::ZERO);
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

/// By how much eight units change when what goes into them moves up and down, in slopes. A trait and no closure, which would not
/// always be inlined and so not be compiled for the instruction set.
trait OwnChanges {
    /// Up, and down with its sign turned, by a move in the form that [`FillUnitMoves`] writes.
    fn of<A: Arithmetic, const M: usize>(&self, unit_move: F64x8) -> (F64x8, F64x8);
}

/// Sigmoids, and the hyperbolic tangents made of them.
struct Logistic {
    half_c: F64x8,
}

impl OwnChanges for Logistic {
    #[inline(always)]
    fn of<A: Arithmetic, const M: usize>(&self, unit_move: F64x8) -> (F64x8, F64x8) {
        series::sigmoid_changes::<A, M>(self.half_c, unit_move)
    }
}

/// Rectifiers.
struct Rectifier {
    /// What goes into the units.
    a: F64x8,
}

impl OwnChanges for Rectifier {
    #[inline(always)]
    fn of<A: Arithmetic, const M: usize>(&self, unit_move: F64x8) -> (F64x8, F64x8) {
        (series::relu_change(self.a, unit_move), -series::relu_change(self.a, -unit_move))
    }
}
