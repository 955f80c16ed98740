//! The first pass of a gradient: what each sample contributes to the differences, summed over the points of the stencil.

use std::ops::Range;

use super::super::packed::vectors;
use super::super::simd::{Arithmetic, F64x8, Isa, Kernel, LANES};
use super::super::split::{RaggedRows, Rows, for_each_run};
use super::batch::Batch;
use super::forward::{Forward, unit_vectors};
use super::series::{self, GrowthSeries, LONG, LogSeries, SHORT};
use crate::difference::Moves;

/// `Σ_p weight_p · (change of the sample's loss by delta_p)`, for each way in which a sample can be reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    /// Through each hidden unit, by each of the sample's input values: (Σ values, H/8).
    pub w1: Vec<F64x8>,
    /// Through each score, by each of the sample's units: (N, K, (H + 1)/8).
    pub w2: Vec<F64x8>,
    /// Scratch: `expm1(delta_p·value)`, for each sample (points, values).
    unit_moves: Vec<f64>,
}

impl Tables {
    /// Fills them, in runs of at most `max_run` samples; allocates only if they become larger than ever before.
    pub fn fill(&mut self, batch: &Batch, forward: &Forward, moves: &Moves, isa: Isa, max_run: usize) {
        let (n_samples, n_values) = (batch.classes.len(), batch.n_values());
        let n_vectors = vectors(forward.shape()).0;
        let w2_row_len = forward.shape().n_classes * unit_vectors(forward.shape());
        let n_points = moves.deltas.len();
        self.w1.resize(n_values * n_vectors, F64x8::ZERO);
        self.w2.resize(n_samples * w2_row_len, F64x8::ZERO);
        self.unit_moves.resize(n_values * n_points, 0.0);
        let w1 = RaggedRows::new(&mut self.w1, &batch.value_ends, n_vectors);
        let unit_moves = RaggedRows::new(&mut self.unit_moves, &batch.value_ends, n_points);
        let w2 = Rows::new(&mut self.w2, w2_row_len);
        for_each_run((0..n_samples, ((w1, unit_moves), w2)), max_run, &|(samples, ((w1, unit_moves), w2))| {
            isa.run(Fill { batch, forward, moves, samples, w1, unit_moves, w2 });
        });
    }
}

/// The tables of a run of samples.
struct Fill<'a> {
    batch: &'a Batch,
    forward: &'a Forward,
    moves: &'a Moves<'a>,
    samples: Range<usize>,
    w1: RaggedRows<'a, F64x8>,
    unit_moves: RaggedRows<'a, f64>,
    w2: Rows<'a, F64x8>,
}

impl Kernel for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) {
        let max_delta = largest(self.moves.deltas);
        for (at, (n, w2)) in self.samples.clone().zip(self.w2.iter_mut()).enumerate() {
            let (values, unit_moves) = (self.batch.values(n), self.unit_moves.rows_mut(at));
            let sample = Sample { n, class: self.batch.classes[n], forward: self.forward, moves: self.moves };
            let max_move = max_delta * largest(values);
            if max_move <= series::limit(SHORT) {
                fill_unit_moves::<A, SHORT>(values, self.moves.deltas, unit_moves);
            } else {
                fill_unit_moves::<A, LONG>(values, self.moves.deltas, unit_moves);
            }
            sample.fill_w1::<A>(values, unit_moves, max_move, self.w1.rows_mut(at));
            sample.fill_w2::<A>(max_delta, w2);
        }
    }
}

/// The largest absolute value. A NaN among them makes the sample's units NaN, and so every result, whatever is chosen here.
fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |max, value| value.abs().max(max))
}

/// `expm1(delta·value)` by a series of `M` terms, right for moves below its limit: (points, values).
#[inline(always)]
fn fill_unit_moves<A: Arithmetic, const M: usize>(values: &[f64], deltas: &[f64], out: &mut [f64]) {
    for (out, &delta) in out.chunks_exact_mut(values.len()).zip(deltas) {
        for (out, &value) in out.iter_mut().zip(values) {
            *out = series::expm1::<A, M>(delta * value);
        }
    }
}

/// One sample of the batch.
struct Sample<'a> {
    n: usize,
    class: usize,
    forward: &'a Forward,
    moves: &'a Moves<'a>,
}

impl Sample<'_> {
    /// The sample's rows of the first table, (values, H/8), for moves of hidden units' inputs up to `max_move`.
    #[inline(always)]
    fn fill_w1<A: Arithmetic>(&self, values: &[f64], unit_moves: &[f64], max_move: f64, out: &mut [F64x8]) {
        for vector in 0..out.len() / values.len() {
            // A sigmoid moves by at most a quarter of what its input does, and the scores relative to each other by that
            // times the range of the unit's weights.
            let max_move = max_move * (0.25 * self.forward.w2_range(vector)).max(1.0);
            if max_move <= series::limit(SHORT) {
                self.fill_w1_vector::<A, SHORT>(values.len(), unit_moves, vector, out);
            } else if max_move <= series::limit(LONG) {
                self.fill_w1_vector::<A, LONG>(values.len(), unit_moves, vector, out);
            } else {
                self.fill_w1_vector_exactly(values, vector, out);
            }
        }
    }

    /// The changes through eight hidden units, by series of `M` terms.
    #[inline(always)]
    fn fill_w1_vector<A: Arithmetic, const M: usize>(
        &self,
        n_values: usize,
        unit_moves: &[f64],
        vector: usize,
        out: &mut [F64x8],
    ) {
        let Self { n, class, forward, moves } = *self;
        let (z, slope) = (forward.unit_vector(n, vector), forward.slope_vector(n, vector));
        let output = forward.output(n, class);
        let growth_series = GrowthSeries::<M>::new(&output, |k| forward.w2_vector(k, vector));
        let log_series = LogSeries::<M>::new(&output);
        let n_vectors = out.len() / n_values;
        for (value, out) in out.chunks_exact_mut(n_vectors).enumerate() {
            let mut sum = F64x8::ZERO;
            for (moves, &weight) in unit_moves.chunks_exact(n_values).zip(moves.weights) {
                let change = series::sigmoid_change::<A, M>(z, slope, F64x8::splat(moves[value]));
                let loss_change = log_series.loss_change::<A>(growth_series.growth::<A>(change));
                sum = F64x8::splat(weight).mul_add::<A>(loss_change, sum);
            }
            out[vector] = sum;
        }
    }

    /// The changes through eight hidden units, for moves of any size.
    fn fill_w1_vector_exactly(&self, values: &[f64], vector: usize, out: &mut [F64x8]) {
        let n_vectors = out.len() / values.len();
        let n_units = (self.forward.shape().n_hidden - vector * LANES).min(LANES);
        for (value, out) in values.iter().zip(out.chunks_exact_mut(n_vectors)) {
            out[vector] = F64x8::ZERO;
            for (lane, out) in out[vector].0[..n_units].iter_mut().enumerate() {
                let unit = vector * LANES + lane;
                *out = self.difference(|delta| self.forward.unit_change(self.n, self.class, unit, delta * value));
            }
        }
    }

    /// The sample's rows of the second table, (K, (H + 1)/8), for moves up to `max_delta` (a unit is at most 1).
    #[inline(always)]
    fn fill_w2<A: Arithmetic>(&self, max_delta: f64, out: &mut [F64x8]) {
        if max_delta <= series::limit(SHORT) {
            self.fill_w2_by_series::<A, SHORT>(out);
        } else if max_delta <= series::limit(LONG) {
            self.fill_w2_by_series::<A, LONG>(out);
        } else {
            self.fill_w2_exactly(out);
        }
    }

    #[inline(always)]
    fn fill_w2_by_series<A: Arithmetic, const M: usize>(&self, out: &mut [F64x8]) {
        let output = self.forward.output(self.n, self.class);
        let log_series = LogSeries::<M>::new(&output);
        let others: f64 = output.others().sum();
        let n_vectors = out.len() / output.probabilities.len();
        out.fill(F64x8::ZERO);
        for vector in 0..n_vectors {
            let z = self.forward.unit_vector(self.n, vector);
            for (&delta, &weight) in self.moves.deltas.iter().zip(self.moves.weights) {
                let (up, down) = (z.map(|z| delta * z), z.map(|z| -delta * z));
                let (up, down) = (up.map(series::expm1::<A, M>), down.map(series::expm1::<A, M>));
                for (k, (out, &p)) in out.chunks_exact_mut(n_vectors).zip(output.probabilities).enumerate() {
                    // The right class's score up is all others' down.
                    let growth = if k == self.class { F64x8::splat(others) * down } else { F64x8::splat(p) * up };
                    let loss_change = log_series.loss_change::<A>(growth);
                    out[vector] = F64x8::splat(weight).mul_add::<A>(loss_change, out[vector]);
                }
            }
        }
    }

    fn fill_w2_exactly(&self, out: &mut [F64x8]) {
        let shape = self.forward.shape();
        for (k, out) in out.chunks_exact_mut(unit_vectors(shape)).enumerate() {
            for unit in 0..=shape.n_hidden {
                let z = self.forward.unit(self.n, unit);
                out[unit / LANES].0[unit % LANES] =
                    self.difference(|delta| self.forward.score_change(self.n, self.class, k, delta * z));
            }
        }
    }

    /// `Σ_p weight_p · change(delta_p)`.
    fn difference(&self, change: impl Fn(f64) -> f64) -> f64 {
        self.moves.deltas.iter().zip(self.moves.weights).map(|(&delta, weight)| weight * change(delta)).sum()
    }
}
