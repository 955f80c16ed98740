//! The contributions of the samples to every difference of the weights into a hidden layer, summed over fixed blocks of
//! samples; for the last hidden layer also those of the weights out of it.
//!
//! A task is one block of samples and one vector of eight units. For each sample it makes a short table of the changes
//! that each distinct input value causes through its units, and adds to every input's sum the row of that input's value.
//! Table and sums of a task (4 KB and 50 KB for MNIST) stay in its core's cache, and tasks share nothing that is written.
//! Blocks of samples alone would need a whole set of sums each, vectors of units alone cannot fill many threads (50 units
//! are 7 vectors), and ranges of inputs alone would make every table again: this is what measured best.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::super::activation::Activation;
use super::super::lanes::simd::{Arithmetic, F64x8, Isa, Kernel, LANES};
use super::super::lanes::split::{RowsMut, for_each_chunk};
use super::super::n_bytes::{n_bytes_of, together};
use super::super::shape::NetworkShape;
use super::base_pass::BasePass;
use super::distinct::max_abs;
use super::hidden_layer::HiddenLayer;
use super::parts;
use super::sample::{Sample, Scratch};
use super::series::{self, LONG};
use super::tail::{self, Place};
use super::upward;
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

/// `Σ_n Σ_p weight_p · (change of sample n's loss by delta_p)` for every parameter, layer by layer, over each block of samples.
#[derive(Debug, Default)]
pub(super) struct Sums {
    layers: Vec<LayerSums>,
    /// Scratch: the moves of the units' inputs, as `FillUnitMoves` writes them, for each sample (points, values), with room for
    /// as many values as the sample with the most has: (blocks, …).
    unit_moves: Vec<f64>,
    /// Scratch of the tasks that were run at a time.
    scratch: Mutex<Vec<Scratch>>,
}

/// The sums of the weights into one hidden layer of H units and D inputs.
#[derive(Debug, Clone, Default)]
pub(super) struct LayerSums {
    /// How many blocks of samples there are.
    n_blocks: usize,
    /// How many vectors the units take; in the last hidden layer with the bias's unit.
    n_vectors: usize,
    /// How many sums a task has: D + 1, and in the last hidden layer K more.
    n_sums: usize,
    /// The sums: for each input (D, then the bias), then in the last hidden layer for each class, through the eight units of a
    /// vector: (blocks, H/8, D + 1) or (blocks, (H + 1)/8, D + 1 + K).
    sums: Vec<F64x8>,
}

impl Clone for Sums {
    /// With sums of the same values; scratch is taken anew where it is needed.
    fn clone(&self) -> Self {
        Self { layers: self.layers.clone(), unit_moves: self.unit_moves.clone(), scratch: Mutex::default() }
    }
}

impl Sums {
    /// How much memory they take for batches of `n_samples`, stencils of `n_points` and `n_workers` tasks at a time: at most, as
    /// a sample may have a value for each of its inputs.
    pub fn n_bytes(shape: &NetworkShape, n_samples: usize, n_points: usize, n_workers: usize) -> u64 {
        let max_inputs = shape.sizes()[..shape.n_layers() - 1].iter().copied().max().unwrap_or(0);
        let max_values = max_inputs.saturating_add(1);
        let (mut sums, mut moves) = (0_u64, 0);
        for number in 1..shape.n_layers() {
            let LayerSums { n_blocks, n_vectors, n_sums, .. } = LayerSums::of(shape, number, n_samples);
            sums = sums.saturating_add(n_bytes_of::<F64x8>(&[n_blocks, n_vectors, n_sums]));
            let layer_values = shape.sizes()[number - 1].saturating_add(1);
            let block_samples = n_samples.div_ceil(n_blocks.max(1));
            moves = moves.max(n_bytes_of::<f64>(&[n_blocks, block_samples, layer_values, n_points]));
        }
        let scratch = together(&[
            n_bytes_of::<F64x8>(&[max_values.max(2 * n_points)]),
            n_bytes_of::<F64x8>(&[tail::scratch_len(shape)]),
            n_bytes_of::<f64>(&[upward::scratch_len(shape)]),
            n_bytes_of::<Scratch>(&[1]),
        ]);
        together(&[sums, moves, scratch.saturating_mul(n_workers as u64)])
    }

    /// Computes the sums of the parts that are `wanted`, on the current rayon pool where `parallel`; allocates only if there are
    /// more than ever before.
    pub fn fill(&mut self, base: &BasePass, wanted: &[bool], moves: &Moves, isa: Isa, parallel: bool) {
        let n_samples = base.classes().len();
        let mut layers = std::mem::take(&mut self.layers);
        layers.resize(base.hidden().len(), LayerSums::default());
        // Room for the layer that needs the most, so that it is made but once.
        let mut max_moves = 0;
        for (hidden, layer) in base.hidden().iter().zip(&mut layers) {
            layer.make_room(base.shape(), hidden.layer().number, n_samples);
            max_moves = max_moves.max(layer.n_blocks * block_moves_len(layer.n_blocks, n_samples, hidden, moves));
        }
        self.unit_moves.resize(max_moves.max(self.unit_moves.len()), 0.0);
        let max_values = base.hidden().iter().map(|hidden| hidden.inputs.max_values()).max().unwrap_or(0);
        let mut gradient = LayerGradient {
            base,
            hidden: 0,
            wanted: &[],
            moves,
            isa,
            parallel,
            n_changes: max_values.max(2 * moves.deltas.len()),
            scratch: &self.scratch,
        };
        let mut wanted = wanted;
        for (hidden, layer) in layers.iter_mut().enumerate() {
            gradient.hidden = hidden;
            (gradient.wanted, wanted) = wanted.split_at(layer.n_vectors);
            if gradient.wanted.contains(&true) {
                layer.fill(&gradient, &mut self.unit_moves);
            }
        }
        self.layers = layers;
    }

    /// The sums of the weights into a hidden layer, counted from 0.
    #[inline(always)]
    pub fn layer(&self, hidden: usize) -> &LayerSums {
        &self.layers[hidden]
    }
}

impl LayerSums {
    /// The sums of the hidden layer of this number, before there is room for them.
    fn of(shape: &NetworkShape, number: usize, n_samples: usize) -> Self {
        let layer = shape.layer(number);
        let is_last = number + 1 == shape.n_layers();
        let n_vectors = parts::n_parts_of(shape, layer);
        let n_blocks = N_TASKS.div_ceil(n_vectors).min(n_samples.div_ceil(BLOCK_SAMPLES));
        let n_scores = if is_last { shape.n_classes() } else { 0 };
        Self { n_blocks, n_vectors, n_sums: layer.n_inputs + 1 + n_scores, sums: Vec::new() }
    }

    /// Becomes the sums of the hidden layer of this number for batches of `n_samples`; allocates only if there are more than
    /// ever before.
    fn make_room(&mut self, shape: &NetworkShape, number: usize, n_samples: usize) {
        *self = Self { sums: std::mem::take(&mut self.sums), ..Self::of(shape, number, n_samples) };
        self.sums.resize(self.n_blocks * self.n_vectors * self.n_sums, F64x8::ZERO);
    }

    /// Computes the sums of the layer that `gradient` is of.
    fn fill(&mut self, gradient: &LayerGradient, unit_moves: &mut [f64]) {
        let (n_samples, n_blocks) = (gradient.base.classes().len(), self.n_blocks);
        let (n_vectors, n_sums) = (self.n_vectors, self.n_sums);
        let moves_len = block_moves_len(n_blocks, n_samples, gradient.layer(), gradient.moves);
        let sums = RowsMut::new(&mut self.sums, n_vectors * n_sums);
        let unit_moves = RowsMut::new(&mut unit_moves[..n_blocks * moves_len], moves_len);
        for_each_chunk((0..n_blocks, (sums, unit_moves)), gradient.max_chunk(1), &|(blocks, memory)| {
            let (mut sums, mut unit_moves) = memory;
            for (block, (sums, unit_moves)) in blocks.zip(sums.iter_mut().zip(unit_moves.iter_mut())) {
                let samples = n_samples * block / n_blocks..n_samples * (block + 1) / n_blocks;
                gradient.fill_block(samples, RowsMut::new(sums, n_sums), unit_moves);
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

/// How many moves one sample has in a layer, at most. At least one, so that there is something to cut where nothing moves.
fn moves_len(hidden: &HiddenLayer, moves: &Moves) -> usize {
    (hidden.inputs.max_values() * moves.deltas.len()).max(1)
}

/// How many moves the samples of one block have in a layer, at most.
fn block_moves_len(n_blocks: usize, n_samples: usize, hidden: &HiddenLayer, moves: &Moves) -> usize {
    n_samples.div_ceil(n_blocks) * moves_len(hidden, moves)
}

/// What the tasks of one hidden layer share.
struct LayerGradient<'a> {
    base: &'a BasePass,
    /// Which hidden layer, counted from 0.
    hidden: usize,
    /// Which of its vectors of units are asked for.
    wanted: &'a [bool],
    moves: &'a Moves<'a>,
    isa: Isa,
    parallel: bool,
    /// How many vectors of changes the scratch of a task needs, whichever layer it is of.
    n_changes: usize,
    scratch: &'a Mutex<Vec<Scratch>>,
}

impl LayerGradient<'_> {
    /// How many items one task takes: `in_parallel`, or all of them in serial.
    fn max_chunk(&self, in_parallel: usize) -> usize {
        if self.parallel { in_parallel } else { usize::MAX }
    }

    fn layer(&self) -> &HiddenLayer {
        &self.base.hidden()[self.hidden]
    }

    fn is_last(&self) -> bool {
        self.hidden + 1 == self.base.hidden().len()
    }

    /// All tasks of one block of samples, and before them the moves that they share.
    fn fill_block(&self, samples: Range<usize>, sums: RowsMut<F64x8>, unit_moves: &mut [f64]) {
        let moves_len = moves_len(self.layer(), self.moves);
        let out = RowsMut::new(&mut unit_moves[..samples.len() * moves_len], moves_len);
        for_each_chunk((samples.clone(), out), self.max_chunk(MOVES_SAMPLES), &|(samples, out)| {
            self.isa.run(FillUnitMoves { gradient: self, samples, out });
        });
        let (unit_moves, n_vectors) = (&*unit_moves, sums.values.len() / sums.row_len);
        for_each_chunk((0..n_vectors, sums), self.max_chunk(1), &|(vectors, mut sums)| {
            let mut scratch = self.take_scratch();
            let wanted = vectors.zip(sums.iter_mut()).filter(|(vector, _)| self.wanted[*vector]);
            for (vector, sums) in wanted {
                let samples = samples.clone();
                self.isa.run(FillTask { gradient: self, unit_moves, samples, vector, sums, scratch: &mut scratch });
            }
            self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        });
    }

    /// Scratch that no task has at the moment; allocates only if there is none, or it is too small.
    fn take_scratch(&self) -> Scratch {
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let shape = self.base.shape();
        if scratch.changes.len() < self.n_changes {
            scratch.changes.resize(self.n_changes, F64x8::ZERO);
        }
        scratch.series.resize(tail::scratch_len(shape), F64x8::ZERO);
        scratch.upward.resize(upward::scratch_len(shape), 0.0);
        scratch
    }
}

/// The moves of all values of some samples in a row, in the form that the activation's series takes: `expm1(δ)` for the
/// sigmoid, `expm1(2δ)` for the hyperbolic tangent, δ itself for the rectifier.
struct FillUnitMoves<'a> {
    gradient: &'a LayerGradient<'a>,
    samples: Range<usize>,
    out: RowsMut<'a, f64>,
}

impl Kernel for FillUnitMoves<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) {
        let LayerGradient { moves, .. } = self.gradient;
        let hidden = self.gradient.layer();
        let activation = hidden.activation();
        for (n, out) in self.samples.zip(self.out.iter_mut()) {
            let values = hidden.inputs.values(n);
            for (out, &delta) in out.chunks_exact_mut(values.len()).zip(moves.deltas) {
                for (out, values) in out.chunks_mut(LANES).zip(values.chunks(LANES)) {
                    let moves = F64x8::splat(delta) * F64x8::padded(values);
                    let moves = match activation {
                        Activation::Sigmoid => series::expm1::<A, LONG>(moves),
                        Activation::Tanh => series::expm1::<A, LONG>(moves + moves),
                        Activation::Relu => moves,
                    };
                    out.copy_from_slice(&moves.0[..out.len()]);
                }
            }
        }
    }
}

/// One block of samples, one vector of units.
struct FillTask<'a> {
    gradient: &'a LayerGradient<'a>,
    /// What [`FillUnitMoves`] wrote for the block's samples: (samples, …).
    unit_moves: &'a [f64],
    samples: Range<usize>,
    vector: usize,
    sums: &'a mut [F64x8],
    scratch: &'a mut Scratch,
}

impl Kernel for FillTask<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { vector, scratch, .. } = self;
        let LayerGradient { base, hidden, moves, .. } = *self.gradient;
        let layer = self.gradient.layer();
        let moves_len = moves_len(layer, moves);
        let (input_sums, score_sums) = self.sums.split_at_mut(layer.layer().n_inputs + 1);
        let max_delta = max_abs(moves.deltas);
        input_sums.fill(F64x8::ZERO);
        score_sums.fill(F64x8::ZERO);
        for (n, unit_moves) in self.samples.zip(self.unit_moves.chunks_exact(moves_len)) {
            let sample = Sample { place: Place { sample: n, hidden, vector }, layer, base, moves };
            let values = layer.inputs.values(n);
            // The last vector may hold the bias's unit alone, which no input reaches.
            if vector * LANES < layer.n_units() {
                let unit_moves = &unit_moves[..values.len() * moves.deltas.len()];
                sample.changes_by_values::<A>(values, unit_moves, max_delta * layer.inputs.largest_value(n), scratch);
                let changes = &scratch.changes[..values.len()];
                for (input, value) in layer.inputs.inputs_with_values(n) {
                    input_sums[input] = input_sums[input] + changes[value];
                }
            }
            if self.gradient.is_last() {
                sample.add_changes_by_units::<A>(max_delta * layer.largest_unit(n), &mut scratch.changes, score_sums);
            }
        }
    }
}
