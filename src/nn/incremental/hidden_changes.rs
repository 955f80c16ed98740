//! The differences that the values which go into a hidden layer cause through eight of its units: by series where those hold,
//! by the functions themselves where moves are larger, and the general way beyond.

use super::super::activation::Activation;
use super::super::lanes::simd::{Arithmetic, F64x8, LANES, one_round_at_a_time};
use super::distinct::max_abs;
#[cfg(test)]
use super::guards;
use super::hidden_layer::HiddenLayer;
use super::large_moves::{self, LossByClasses};
use super::sample::{Sample, Scratch};
use super::series::{self, LONG, LossSeries, MEDIUM, SHORT};
use super::tail::{self, Growth, Place};

/// How the changes through eight units are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By series of [`SHORT`] terms.
    Short,
    /// By series of [`MEDIUM`] terms.
    Medium,
    /// By series of [`LONG`] terms.
    Long,
    /// The units' own changes by the activation itself, what lies above by series of [`LONG`] terms.
    LongAbove,
    /// The units' own changes by the activation itself, the scores' by the exponential and the logarithm.
    ByClasses,
    /// One move of one unit after another.
    General,
}

impl Way {
    /// For moves of the units' inputs that come to `own` in the activation and to `above` in what lies above, which are the
    /// scores where `is_last`.
    fn of(own: f64, above: f64, is_last: bool) -> Self {
        // What is NaN stays so, and fits no series.
        let reach = if above < own { own } else { above };
        if reach <= series::limit(SHORT) {
            Self::Short
        } else if reach <= series::limit(MEDIUM) {
            Self::Medium
        } else if reach <= series::limit(LONG) {
            Self::Long
        } else if own <= large_moves::OWN_LIMIT && above <= series::limit(LONG) {
            Self::LongAbove
        } else if own <= large_moves::OWN_LIMIT && above <= large_moves::GROWTH_LIMIT && is_last {
            Self::ByClasses
        } else {
            Self::General
        }
    }
}

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
        let (activation, is_last) = (self.layer.activation(), self.place.hidden + 1 == self.base.hidden().len());
        let own = max_move * own_rate(activation);
        let mut above = max_move * rate_above(self.layer, self.place.vector);
        if activation == Activation::Relu && !is_last && above > series::limit(SHORT) {
            // The bound is for the worst of all networks; here the lines themselves tell, for little.
            let by_lines = max_move * tail::steepest_line::<A>(self.base, self.place, &mut scratch.series);
            above = if by_lines > above { above } else { by_lines };
        }
        let way = Way::of(own, above, is_last);
        #[cfg(test)]
        guards::count(way);
        match way {
            Way::Short => self.changes_by_series::<A, SHORT>(values, unit_moves, max_move, scratch, false),
            Way::Medium => self.changes_by_series::<A, MEDIUM>(values, unit_moves, max_move, scratch, false),
            Way::Long => self.changes_by_series::<A, LONG>(values, unit_moves, max_move, scratch, false),
            Way::LongAbove => self.changes_by_series::<A, LONG>(values, unit_moves, max_move, scratch, true),
            Way::ByClasses => self.changes_by_classes::<A>(values, unit_moves, scratch),
            Way::General => self.exact_changes(values, |_, _| true, scratch),
        }
    }

    #[inline(always)]
    fn changes_by_series<A: Arithmetic, const M: usize>(
        &self,
        values: &[f64],
        unit_moves: &[f64],
        max_move: f64,
        scratch: &mut Scratch,
        is_own_large: bool,
    ) {
        let Self { place, layer, base, .. } = *self;
        let Growth { series, safe_move } = tail::growth::<A, M>(base, place, &mut scratch.series);
        let series = base.log_series(place.sample).of_growth::<A, M>(&series);
        let out = &mut scratch.changes[..values.len()];
        match layer.activation() {
            Activation::Sigmoid | Activation::Tanh => {
                let half_c = layer.half_c(place.sample, place.vector);
                if is_own_large {
                    self.differences::<A, M>(&series, unit_moves, &LargeLogistic { half_c }, out);
                } else {
                    self.differences::<A, M>(&series, unit_moves, &Logistic { half_c }, out);
                }
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

    /// What [`changes_by_values`](Self::changes_by_values) writes, in the last hidden layer, by the functions themselves.
    #[inline(always)]
    fn changes_by_classes<A: Arithmetic>(&self, values: &[f64], unit_moves: &[f64], scratch: &mut Scratch) {
        let Self { place: Place { sample, vector, .. }, layer, base, .. } = *self;
        let Scratch { changes, series: slopes, .. } = scratch;
        let loss = LossByClasses::new(base, sample, vector, slopes);
        let out = &mut changes[..values.len()];
        match layer.activation() {
            Activation::Sigmoid | Activation::Tanh => {
                let logistic = LargeLogistic { half_c: layer.half_c(sample, vector) };
                self.differences::<A, LONG>(&loss, unit_moves, &logistic, out);
            }
            Activation::Relu => {
                let rectifier = Rectifier { a: layer.input_sums(sample, vector) };
                self.differences::<A, LONG>(&loss, unit_moves, &rectifier, out);
            }
        }
    }

    /// For each value the difference of the loss's changes, which come from those of the units, `own_changes`.
    #[inline(always)]
    fn differences<A: Arithmetic, const M: usize>(
        &self,
        loss: &impl LossChanges,
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
                one_round_at_a_time();
                let (up, down) = own_changes.of::<A, M>(F64x8::splat(unit_move));
                let before = if i == 0 { F64x8::ZERO } else { *out };
                let sum = up_weight.mul_add::<A>(loss.up::<A>(up), before);
                *out = minus_down_weight.mul_add::<A>(loss.minus_down::<A>(down), sum);
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

/// How many terms the series above a hidden layer have, at most, for moves of its parameters up to `max_delta`. No bound of a move
/// that [`Sample::changes_by_values`] reckons with is above the one that is reckoned with here.
pub(super) fn max_terms(layer: &HiddenLayer, max_delta: f64) -> usize {
    let max_move = max_delta * layer.inputs.largest();
    // What is NaN asks for the most.
    let larger = |max: f64, rate: f64| if rate > max || rate.is_nan() { rate } else { max };
    let rate_above = (0..layer.n_vectors()).map(|vector| rate_above(layer, vector)).fold(0.0, larger);
    match Way::of(max_move * own_rate(layer.activation()), max_move * rate_above, false) {
        Way::Short => SHORT,
        Way::Medium => MEDIUM,
        Way::Long | Way::LongAbove | Way::ByClasses | Way::General => LONG,
    }
}

/// How quickly the series of an activation changes with the moves of its input: the size of a move times this is what
/// [`series::limit`] bounds. The rectifier's change is exact.
#[inline(always)]
pub(super) fn own_rate(activation: Activation) -> f64 {
    match activation {
        Activation::Sigmoid => 1.0,
        Activation::Tanh => 2.0,
        Activation::Relu => 0.0,
    }
}

/// The same of the series above eight units, which move by at most the largest slope times what their inputs do.
#[inline(always)]
pub(super) fn rate_above(layer: &HiddenLayer, vector: usize) -> f64 {
    layer.activation().max_slope() * layer.growth_rate(vector)
}

/// The change of a loss by those of eight units, in slopes.
trait LossChanges {
    /// When each unit moves up by `change` slopes.
    fn up<A: Arithmetic>(&self, change: F64x8) -> F64x8;

    /// When each unit moves down by `change` slopes, with its sign turned.
    fn minus_down<A: Arithmetic>(&self, change: F64x8) -> F64x8;
}

impl<const M: usize> LossChanges for LossSeries<M> {
    #[inline(always)]
    fn up<A: Arithmetic>(&self, change: F64x8) -> F64x8 {
        self.up::<A>(change)
    }

    #[inline(always)]
    fn minus_down<A: Arithmetic>(&self, change: F64x8) -> F64x8 {
        self.minus_down::<A>(change)
    }
}

impl LossChanges for LossByClasses<'_> {
    #[inline(always)]
    fn up<A: Arithmetic>(&self, change: F64x8) -> F64x8 {
        self.change::<A>(change)
    }

    #[inline(always)]
    fn minus_down<A: Arithmetic>(&self, change: F64x8) -> F64x8 {
        -self.change::<A>(-change)
    }
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

/// The same for moves of the logistic's argument up to [`large_moves::OWN_LIMIT`].
struct LargeLogistic {
    half_c: F64x8,
}

impl OwnChanges for LargeLogistic {
    #[inline(always)]
    fn of<A: Arithmetic, const M: usize>(&self, unit_move: F64x8) -> (F64x8, F64x8) {
        large_moves::sigmoid_changes::<A>(self.half_c, unit_move)
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
