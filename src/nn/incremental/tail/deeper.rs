//! A hidden layer that has others above it: its units move theirs, and those the scores.
//!
//! The weighted sums of the layer above move by the weights times the unit's own move. What comes out of that layer is a
//! power series in the move (`f_p·wᵖ·Δᵖ` with the Taylor coefficients `f_p` of the activation there); weighted sums of series
//! are series, and so on up to the scores. With rectifiers every one of them is a straight line as far as no weighted sum
//! changes its sign, so one coefficient is enough, and how far that is follows from the same lines.

use super::super::super::activation::Activation;
use super::super::super::lanes::simd::{Arithmetic, F64x8};
use super::super::super::shape::NetworkShape;
use super::super::base_pass::BasePass;
use super::super::hidden_layer::HiddenLayer;
use super::super::series::{
    GrowthSeries, LONG, Series, compose, n_differences_at_a_time, weighted_differences, weighted_sum,
};
use super::growth::{Growth, Place};

/// How many vectors of scratch the series of a network need: those of two hidden layers and of the scores; with one hidden layer
/// one for each score, for moves that are too large for series.
pub(in super::super) fn scratch_len(shape: &NetworkShape) -> usize {
    let widest = shape.hidden()[1..].iter().copied().max();
    widest.map_or(shape.n_classes(), |widest| {
        widest.saturating_mul(2).saturating_add(shape.n_classes()).saturating_mul(LONG)
    })
}

/// The growth in the moves of eight units.
#[inline(always)]
pub(super) fn growth<A: Arithmetic, const M: usize>(base: &BasePass, place: Place, scratch: &mut [F64x8]) -> Growth<M> {
    let output = base.output(place.sample);
    if base.shape().activation() == Activation::Relu {
        let mut lines = Lines { safe_move: F64x8::splat(f64::INFINITY) };
        let slope = F64x8::splat(1.0);
        let scores = scores::<A, 1>(base, place, slope, scratch, &mut lines);
        Growth { series: GrowthSeries::of_lines(&output, scores), safe_move: lines.safe_move }
    } else {
        let slope = base.hidden()[place.hidden].slope_vector(place.sample, place.vector);
        let scores = scores::<A, M>(base, place, slope, scratch, &mut PowerSeries);
        Growth { series: GrowthSeries::of_scores::<A>(&output, scores), safe_move: F64x8::splat(f64::INFINITY) }
    }
}

/// The steepest of the scores less the right class's in the moves of eight rectifiers, as far as no sum above changes its sign:
/// how fast the growth really changes. NaN where one of them is.
#[inline(always)]
pub(in super::super) fn steepest_line<A: Arithmetic>(base: &BasePass, place: Place, scratch: &mut [F64x8]) -> f64 {
    let mut lines = Lines { safe_move: F64x8::splat(f64::INFINITY) };
    let scores = scores::<A, 1>(base, place, F64x8::splat(1.0), scratch, &mut lines);
    let mut steepest = 0.0;
    for score in scores {
        for slope in score[0].0 {
            if slope.abs() > steepest || slope.is_nan() {
                steepest = slope.abs();
            }
        }
    }
    steepest
}

/// The scores less the right class's as series in the moves of eight units, in slopes of the length `slope`.
#[inline(always)]
fn scores<'a, A: Arithmetic, const M: usize>(
    base: &BasePass,
    place: Place,
    slope: F64x8,
    scratch: &'a mut [F64x8],
    activate: &mut impl Activate<M>,
) -> &'a [Series<M>] {
    let Place { sample, hidden, vector } = place;
    let (moved, above) = (&base.hidden()[hidden], &base.hidden()[hidden + 1..]);
    let (series, _) = scratch.as_chunks_mut::<M>();
    let (scores, series) = series.split_at_mut(base.shape().n_classes());
    let (mut units, mut next) = series.split_at_mut(series.len() / 2);
    // Loops over numbers: whether adapters of iterators are inlined depends on the profile.
    for (unit, out) in units[..above[0].n_units()].iter_mut().enumerate() {
        *out = activate.of_line::<A>(&above[0], sample, unit, moved.next_weights(unit, vector) * slope);
    }
    for pair in above.windows(2) {
        let [below, above] = pair else { unreachable!("windows of two") };
        for (unit, out) in next[..above.n_units()].iter_mut().enumerate() {
            let sum = weighted_sum::<A, M>(below.weights_into(unit), &units[..below.n_units()]);
            *out = activate.of_series::<A>(above, sample, unit, &sum);
        }
        (units, next) = (next, units);
    }
    let last = base.last_hidden();
    // Weights are subtracted and not sums, which cancel where the weights to all classes are nearly equal.
    let right = last.weights_into(base.classes()[sample]);
    let (units, mut first) = (&units[..last.n_units()], 0);
    while first < scores.len() {
        let n = n_differences_at_a_time::<A, M>(scores.len() - first);
        match n {
            4 => next_scores::<A, M, 4>(last, right, first, units, scores),
            2 => next_scores::<A, M, 2>(last, right, first, units, scores),
            _ => next_scores::<A, M, 1>(last, right, first, units, scores),
        }
        first += n;
    }
    scores
}

/// The K scores from `first` on less the right class's, whose weights are `right`.
#[inline(always)]
fn next_scores<A: Arithmetic, const M: usize, const K: usize>(
    last: &HiddenLayer,
    right: &[f64],
    first: usize,
    units: &[Series<M>],
    scores: &mut [Series<M>],
) {
    let mut weights = [right; K];
    for (k, weights) in weights.iter_mut().enumerate() {
        *weights = last.weights_into(first + k);
    }
    let scores: &mut [Series<M>; K] = scores[first..].first_chunk_mut().expect("that many scores");
    *scores = weighted_differences::<A, M, K>(weights, right, units);
}

/// What a unit makes of its weighted sum, where that is a series. A trait and no closure, which would not always be inlined and
/// so not be compiled for the instruction set.
trait Activate<const M: usize> {
    /// Of a sum that moves along a straight line.
    fn of_line<A: Arithmetic>(&mut self, hidden: &HiddenLayer, sample: usize, unit: usize, slope: F64x8) -> Series<M>;

    /// Of a sum that is any series.
    fn of_series<A: Arithmetic>(
        &mut self,
        hidden: &HiddenLayer,
        sample: usize,
        unit: usize,
        sum: &Series<M>,
    ) -> Series<M>;
}

/// Activations that are power series.
struct PowerSeries;

impl<const M: usize> Activate<M> for PowerSeries {
    #[inline(always)]
    fn of_line<A: Arithmetic>(&mut self, hidden: &HiddenLayer, sample: usize, unit: usize, slope: F64x8) -> Series<M> {
        let taylor = hidden.taylor::<M>(sample, unit);
        let (mut series, mut power) = ([F64x8::ZERO; M], slope);
        for p in 0..M {
            series[p] = F64x8::splat(taylor[p]) * power;
            power = power * slope;
        }
        series
    }

    #[inline(always)]
    fn of_series<A: Arithmetic>(
        &mut self,
        hidden: &HiddenLayer,
        sample: usize,
        unit: usize,
        sum: &Series<M>,
    ) -> Series<M> {
        compose::<A, M>(&hidden.taylor::<M>(sample, unit), sum)
    }
}

/// Rectifiers, which are straight lines as far as no sum changes its sign.
struct Lines {
    /// The largest move of each unit that brings no sum to its kink.
    safe_move: F64x8,
}

impl Activate<1> for Lines {
    #[inline(always)]
    fn of_line<A: Arithmetic>(&mut self, hidden: &HiddenLayer, sample: usize, unit: usize, slope: F64x8) -> Series<1> {
        let a = hidden.input_sum(sample, unit);
        // A sum that does not move has none: infinity, or NaN where it is 0.
        let to_kink = F64x8::splat(a.abs()) / slope.map(f64::abs);
        self.safe_move = self.safe_move.zip(to_kink, |min, to_kink| if to_kink < min { to_kink } else { min });
        // Where it is not greater than 0 it is flat; NaN stays NaN.
        [if a > 0.0 { slope } else { F64x8::splat(a * 0.0) }]
    }

    #[inline(always)]
    fn of_series<A: Arithmetic>(
        &mut self,
        hidden: &HiddenLayer,
        sample: usize,
        unit: usize,
        sum: &Series<1>,
    ) -> Series<1> {
        self.of_line::<A>(hidden, sample, unit, sum[0])
    }
}
