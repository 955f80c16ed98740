//! The contributions of the samples to every difference, summed over fixed blocks of samples.
//!
//! A task is one block of samples and one vector of eight units. For each sample it makes a short table of the changes
//! that each distinct input value causes through its units, and adds to every input's sum the row of that input's value.
//! Table and sums of a task (4 KB and 50 KB for MNIST) stay in its core's cache, and tasks share nothing that is written.
//! Blocks of samples alone would need a whole set of sums each, vectors of units alone cannot fill many threads (50 units
//! are 7 vectors), and ranges of inputs alone would make every table again: this is what measured best.

use std::ops::Range;

use super::super::n_bytes::{n_bytes_of, together};
use super::super::parameters::NetworkShape;
use super::super::simd::{Arithmetic, F64x8, Isa, Kernel, LANES};
use super::super::split::{RowsMut, for_each_chunk};
use super::base_pass::{BasePass, unit_vectors};
use super::batch::{Batch, max_abs};
use super::series::{self, GrowthSeries, LONG, MEDIUM, SHORT};
use crate::difference::Moves;

/// Blocks of samples are made until there are at least this many tasks, whatever the number of threads, since the blocks
/// decide the order of the sums.
///
/// Each task has sums of its own. They have to be cleared, and read again by whichever thread adds them up: 28 tasks took
/// 3 % longer on one thread, 4 % on two, and a tenth longer where the two cores share no cache. On 16 threads 28 tasks
/// would end no sooner than 14, as they take two rounds of half the length.
const N_TASKS: usize = 14;

/// How many samples' moves one task computes.
const MOVES_SAMPLES: usize = 16;

/// How many samples make one block worth while: a batch of N is cut into at most ⌈N / 24⌉ blocks, all of about one size.
/// With more blocks, clearing and adding up their sums costs more than sharing the work among threads saves.
const BLOCK_SAMPLES: usize = 24;

/// `Σ_n Σ_p weight_p · (change of sample n's loss by delta_p)` for every parameter, over each block of samples.
#[derive(Debug, Clone, Default)]
pub(super) struct PartialSums {
    /// How many blocks of samples there are.
    n_blocks: usize,
    /// How many vectors the units take, the bias's included.
    n_vectors: usize,
    /// How many sums a task has: D + 1 + K.
    n_sums: usize,
    /// The sums: for each input (D, then the bias), then for each class, through the eight units of a vector:
    /// (blocks, (H + 1)/8, D + 1 + K).
    sums: Vec<F64x8>,
    /// Scratch: the changes by each value of a sample, and the moves of its scores, two a point: (blocks, (H + 1)/8, …).
    scratch: Vec<F64x8>,
    /// Scratch: `expm1(delta_p·value)`, for each sample (points, values), with room for as many values as the sample with
    /// the most has: (blocks, …).
    unit_moves: Vec<f64>,
}

impl PartialSums {
    /// How much memory they take for batches of `n_samples` and stencils of `n_points`: at most, as a sample may have a value
    /// for each of its inputs.
    pub fn n_bytes(shape: NetworkShape, n_samples: usize, n_points: usize) -> u64 {
        let (n_blocks, n_vectors) = (n_blocks(shape, n_samples), unit_vectors(shape));
        let max_values = shape.n_inputs + 1;
        together(&[
            n_bytes_of::<F64x8>(&[n_blocks, n_vectors, n_sums(shape)]),
            n_bytes_of::<F64x8>(&[n_blocks, n_vectors, max_values.max(2 * n_points)]),
            n_bytes_of::<f64>(&[n_blocks, n_samples.div_ceil(n_blocks.max(1)), max_values, n_points]),
        ])
    }

    /// Computes the sums, on the current rayon pool where `parallel`; allocates only if there are more than ever before.
    pub fn fill(&mut self, batch: &Batch, base: &BasePass, moves: &Moves, isa: Isa, parallel: bool) {
        let (shape, n_samples) = (base.shape(), batch.classes.len());
        self.n_vectors = unit_vectors(shape);
        self.n_blocks = n_blocks(shape, n_samples);
        self.n_sums = n_sums(shape);
        let (n_blocks, n_vectors, n_sums) = (self.n_blocks, self.n_vectors, self.n_sums);
        let scratch_len = batch.max_values().max(2 * moves.deltas.len());
        // At least one number, so that there is something to cut where nothing moves.
        let moves_len = (batch.max_values() * moves.deltas.len()).max(1);
        let block_moves_len = n_samples.div_ceil(n_blocks) * moves_len;
        self.sums.resize(n_blocks * n_vectors * n_sums, F64x8::ZERO);
        self.scratch.resize(n_blocks * n_vectors * scratch_len, F64x8::ZERO);
        self.unit_moves.resize(n_blocks * block_moves_len, 0.0);
        let sums = RowsMut::new(&mut self.sums, n_vectors * n_sums);
        let scratch = RowsMut::new(&mut self.scratch, n_vectors * scratch_len);
        let unit_moves = RowsMut::new(&mut self.unit_moves, block_moves_len);
        let gradient = Gradient { batch, base, moves, isa, parallel, n_sums, scratch_len, moves_len };
        for_each_chunk((0..n_blocks, (sums, (scratch, unit_moves))), gradient.max_chunk(1), &|(blocks, memory)| {
            let (mut sums, (mut scratch, mut unit_moves)) = memory;
            let memory = sums.iter_mut().zip(scratch.iter_mut().zip(unit_moves.iter_mut()));
            for (block, (sums, (scratch, unit_moves))) in blocks.zip(memory) {
                let samples = n_samples * block / n_blocks..n_samples * (block + 1) / n_blocks;
                gradient.fill_block(samples, sums, scratch, unit_moves);
            }
        });
    }

    /// The sum over all samples for input `input` (D for the bias) through each of eight units.
    #[inline(always)]
    pub fn input(&self, input: usize, vector: usize) -> F64x8 {
        self.total(vector, input)
    }

    /// The sum over all samples for each of eight units (the bias's among them) through the score of `class`.
    #[inline(always)]
    pub fn score(&self, class: usize, vector: usize, n_inputs: usize) -> F64x8 {
        self.total(vector, n_inputs + 1 + class)
    }

    /// The blocks' sums, added up in the order of the blocks.
    #[inline(always)]
    fn total(&self, vector: usize, row: usize) -> F64x8 {
        let sum = |block| self.sums[(block * self.n_vectors + vector) * self.n_sums + row];
        (1..self.n_blocks).fold(sum(0), |total, block| total + sum(block))
    }
}

/// How many blocks a batch is cut into.
fn n_blocks(shape: NetworkShape, n_samples: usize) -> usize {
    N_TASKS.div_ceil(unit_vectors(shape)).min(n_samples.div_ceil(BLOCK_SAMPLES))
}

/// How many sums a task has.
fn n_sums(shape: NetworkShape) -> usize {
    shape.n_inputs + 1 + shape.n_classes
}

/// What the tasks of one gradient share.
struct Gradient<'a> {
    batch: &'a Batch,
    base: &'a BasePass,
    moves: &'a Moves<'a>,
    isa: Isa,
    parallel: bool,
    n_sums: usize,
    scratch_len: usize,
    moves_len: usize,
}

impl Gradient<'_> {
    /// How many items one task takes: `in_parallel`, or all of them in serial.
    fn max_chunk(&self, in_parallel: usize) -> usize {
        if self.parallel { in_parallel } else { usize::MAX }
    }

    /// All tasks of one block of samples, and before them the moves that they share.
    fn fill_block(&self, samples: Range<usize>, sums: &mut [F64x8], scratch: &mut [F64x8], unit_moves: &mut [f64]) {
        let out = RowsMut::new(&mut unit_moves[..samples.len() * self.moves_len], self.moves_len);
        for_each_chunk((samples.clone(), out), self.max_chunk(MOVES_SAMPLES), &|(samples, out)| {
            self.isa.run(FillUnitMoves { gradient: self, samples, out });
        });
        let unit_moves = &*unit_moves;
        let memory = (RowsMut::new(sums, self.n_sums), RowsMut::new(scratch, self.scratch_len));
        let n_vectors = self.base.n_unit_vectors();
        for_each_chunk((0..n_vectors, memory), self.max_chunk(1), &|(vectors, (mut sums, mut scratch))| {
            for (vector, (sums, scratch)) in vectors.zip(sums.iter_mut().zip(scratch.iter_mut())) {
                let samples = samples.clone();
                self.isa.run(FillTask { gradient: self, unit_moves, samples, vector, sums, scratch });
            }
        });
    }
}

/// The moves of all values of some samples in a row.
struct FillUnitMoves<'a> {
    gradient: &'a Gradient<'a>,
    samples: Range<usize>,
    out: RowsMut<'a, f64>,
}

impl Kernel for FillUnitMoves<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) {
        let Gradient { batch, moves, .. } = self.gradient;
        for (n, out) in self.samples.zip(self.out.iter_mut()) {
            let values = batch.values(n);
            for (out, &delta) in out.chunks_exact_mut(values.len()).zip(moves.deltas) {
                for (out, values) in out.chunks_mut(LANES).zip(values.chunks(LANES)) {
                    let moves = series::expm1::<A, LONG>(F64x8::splat(delta) * F64x8::padded(values));
                    out.copy_from_slice(&moves.0[..out.len()]);
                }
            }
        }
    }
}

/// One block of samples, one vector of units.
struct FillTask<'a> {
    gradient: &'a Gradient<'a>,
    /// What [`FillUnitMoves`] wrote for the block's samples: (samples, …).
    unit_moves: &'a [f64],
    samples: Range<usize>,
    vector: usize,
    sums: &'a mut [F64x8],
    scratch: &'a mut [F64x8],
}

impl Kernel for FillTask<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { vector, scratch, .. } = self;
        let Gradient { batch, base, moves, moves_len, .. } = *self.gradient;
        let (input_sums, score_sums) = self.sums.split_at_mut(base.shape().n_inputs + 1);
        let max_delta = max_abs(moves.deltas);
        input_sums.fill(F64x8::ZERO);
        score_sums.fill(F64x8::ZERO);
        for (n, unit_moves) in self.samples.zip(self.unit_moves.chunks_exact(moves_len)) {
            let sample = Sample { n, class: batch.classes[n], vector, base, moves };
            let values = batch.values(n);
            // The last vector may hold the bias's unit alone, which no input reaches.
            if vector * LANES < base.shape().n_hidden {
                let unit_moves = &unit_moves[..values.len() * moves.deltas.len()];
                let changes = &mut scratch[..values.len()];
                sample.changes_by_values::<A>(values, unit_moves, max_delta * batch.largest_value(n), changes);
                for (input, value) in batch.inputs_with_values(n) {
                    input_sums[input] = input_sums[input] + changes[value];
                }
            }
            sample.add_changes_by_units::<A>(max_delta, scratch, score_sums);
        }
    }
}

/// One sample, seen through one vector of units.
struct Sample<'a> {
    n: usize,
    class: usize,
    vector: usize,
    base: &'a BasePass,
    moves: &'a Moves<'a>,
}

impl Sample<'_> {
    /// The differences that the sample's input values cause through each unit, for moves of the units' inputs up to
    /// `max_move`: (values).
    #[inline(always)]
    fn changes_by_values<A: Arithmetic>(&self, values: &[f64], unit_moves: &[f64], max_move: f64, out: &mut [F64x8]) {
        // A sigmoid moves by at most a quarter of what its input does, and the scores relative to each other by that times
        // the range of the unit's weights.
        let max_move = max_move * (0.25 * self.base.w2_range(self.vector)).max(1.0);
        if max_move <= series::limit(SHORT) {
            self.changes_by_series::<A, SHORT>(unit_moves, out);
        } else if max_move <= series::limit(MEDIUM) {
            self.changes_by_series::<A, MEDIUM>(unit_moves, out);
        } else if max_move <= series::limit(LONG) {
            self.changes_by_series::<A, LONG>(unit_moves, out);
        } else {
            self.exact_changes(values, out);
        }
    }

    #[inline(always)]
    fn changes_by_series<A: Arithmetic, const M: usize>(&self, unit_moves: &[f64], out: &mut [F64x8]) {
        let Self { n, class, vector, base, moves } = *self;
        let (minus_z, slope) = (-base.unit_vector(n, vector), base.slope_vector(n, vector));
        let output = base.output(n, class);
        let growth_series = GrowthSeries::<M>::new(&output, slope, |k| base.w2_vector(k, vector));
        let log_series = base.log_series(n);
        let n_values = out.len();
        for (value, out) in out.iter_mut().enumerate() {
            let mut sum = F64x8::ZERO;
            // A loop over numbers: whether adapters of iterators are inlined depends on the profile.
            for (point, &weight) in moves.weights.iter().enumerate() {
                let change =
                    series::sigmoid_change::<A, M>(minus_z, F64x8::splat(unit_moves[point * n_values + value]));
                let loss_change = log_series.loss_change::<A, M>(growth_series.growth::<A>(change));
                sum = F64x8::splat(weight).mul_add::<A>(loss_change, sum);
            }
            *out = sum;
        }
    }

    /// What [`changes_by_values`](Self::changes_by_values) writes, computed for moves of any size.
    fn exact_changes(&self, values: &[f64], out: &mut [F64x8]) {
        let n_units = (self.base.shape().n_hidden - self.vector * LANES).min(LANES);
        for (value, out) in values.iter().zip(out) {
            *out = F64x8::ZERO;
            for (lane, out) in out.0[..n_units].iter_mut().enumerate() {
                let unit = self.vector * LANES + lane;
                *out = self.difference(|delta| self.base.unit_change(self.n, self.class, unit, delta * value));
            }
        }
    }

    /// Adds the differences that moves of each unit's weights to each class cause, for moves up to `max_delta` (a unit is
    /// at most 1): (K).
    #[inline(always)]
    fn add_changes_by_units<A: Arithmetic>(&self, max_delta: f64, scratch: &mut [F64x8], sums: &mut [F64x8]) {
        if max_delta <= series::limit(SHORT) {
            self.add_changes_by_series::<A, SHORT>(scratch, sums);
        } else if max_delta <= series::limit(MEDIUM) {
            self.add_changes_by_series::<A, MEDIUM>(scratch, sums);
        } else if max_delta <= series::limit(LONG) {
            self.add_changes_by_series::<A, LONG>(scratch, sums);
        } else {
            self.add_exact_changes(sums);
        }
    }

    #[inline(always)]
    fn add_changes_by_series<A: Arithmetic, const M: usize>(&self, scratch: &mut [F64x8], sums: &mut [F64x8]) {
        let Moves { deltas, weights, .. } = *self.moves;
        let z = self.base.unit_vector(self.n, self.vector);
        let (up, down) = scratch[..2 * deltas.len()].split_at_mut(deltas.len());
        for ((up, down), &delta) in up.iter_mut().zip(&mut *down).zip(deltas) {
            *up = series::expm1::<A, M>(F64x8::splat(delta) * z);
            *down = series::expm1::<A, M>(F64x8::splat(-delta) * z);
        }
        let output = self.base.output(self.n, self.class);
        let log_series = self.base.log_series(self.n);
        for (k, (sum, &p)) in sums.iter_mut().zip(output.probabilities).enumerate() {
            // The right class's score up is all others' down.
            let (p, moves) = if k == self.class { (output.others().sum(), &*down) } else { (p, &*up) };
            for (&growth, &weight) in moves.iter().zip(weights) {
                let loss_change = log_series.loss_change::<A, M>(F64x8::splat(p) * growth);
                *sum = F64x8::splat(weight).mul_add::<A>(loss_change, *sum);
            }
        }
    }

    /// What [`add_changes_by_units`](Self::add_changes_by_units) adds, computed for moves of any size.
    fn add_exact_changes(&self, sums: &mut [F64x8]) {
        let n_units = (self.base.shape().n_hidden + 1 - self.vector * LANES).min(LANES);
        for (k, sum) in sums.iter_mut().enumerate() {
            for (lane, sum) in sum.0[..n_units].iter_mut().enumerate() {
                let z = self.base.unit(self.n, self.vector * LANES + lane);
                *sum += self.difference(|delta| self.base.score_change(self.n, self.class, k, delta * z));
            }
        }
    }

    /// `Σ_p weight_p · change(delta_p)`.
    fn difference(&self, change: impl Fn(f64) -> f64) -> f64 {
        self.moves.deltas.iter().zip(self.moves.weights).map(|(&delta, weight)| weight * change(delta)).sum()
    }
}
