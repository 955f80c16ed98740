//! The contributions of the samples to every difference of the weights into a hidden layer, summed over fixed blocks of
//! samples; for the last hidden layer also those of the weights out of it.
//!
//! A task is one block of samples and one vector of eight units. For each sample it makes a short table of the changes
//! that each distinct input value causes through its units, and adds to every input's sum the row of that input's value.
//! Table and sums of a task (4 KB and 50 KB for MNIST) stay in its core's cache, and tasks share nothing that is written.
//! The differences of a vector of units are collected from its blocks' sums by the thread that has summed the last of them.
//! Blocks of samples alone would need a whole set of sums each, vectors of units alone cannot fill many threads (50 units
//! are 7 vectors), and ranges of inputs alone would make every table again: this is what measured best.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ndarray::Axis;

use super::super::activation::Activation;
use super::super::lanes::simd::{Arithmetic, F64x8, Isa, Kernel, LANES};
use super::super::lanes::split::{RowsMut, Split, for_each_chunk};
use super::super::n_bytes::{n_bytes_of, together};
use super::super::shape::NetworkShape;
use super::base_pass::BasePass;
use super::collect::{Collect, VectorsMut};
use super::distinct::max_abs;
use super::hidden_layer::HiddenLayer;
use super::parts;
use super::sample::{Pair, Sample, Scratch};
use super::series;
use super::tail::{self, Place};
use super::upward;
use crate::difference::{Moves, PartsRequest};

/// Blocks of samples are made until there are at least this many tasks, whatever the number of threads, since the blocks
/// decide the order of the sums.
///
/// Each task has sums of its own. They have to be cleared, and read again by whichever thread adds them up: 28 tasks took
/// 3 % longer on one thread, 4 % on two, and a tenth longer where the two cores share no cache. On 16 threads 28 tasks
/// would end no sooner than 14, as they take two rounds of half the length.
const N_TASKS: usize = 14;

/// How many samples' moves one task computes.
const MOVES_SAMPLES: usize = 16;

/// After how many samples a task asks whether it is to go on: so rarely that it costs nothing, and often enough for networks of
/// which one sample takes milliseconds.
const ASKING_SAMPLES: usize = 8;

/// How many samples make one block worth while: a batch of N is cut into at most ⌈N / 24⌉ blocks, all of about one size.
/// With more blocks, clearing and adding up their sums costs more than sharing the work among threads saves.
const BLOCK_SAMPLES: usize = 24;

/// The memory that gradients are summed in.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// `Σ_n Σ_p weight_p · (change of sample n's loss by delta_p)` over each block of samples, through the eight units of a vector:
    /// for each input (D, then the bias), then in the last hidden layer for each class: (H/8, blocks, D + 1) or
    /// ((H + 1)/8, blocks, D + 1 + K) of each hidden layer, one after another.
    sums: Vec<F64x8>,
    /// The moves of the units' inputs, as `FillUnitMoves` writes them, for each sample (pairs, values), with room for as many
    /// values as the sample with the most has: (N, …) of each hidden layer, one after another.
    unit_moves: Vec<f64>,
    /// The moves of one coordinate, two and two.
    pairs: Vec<Pair>,
    /// Scratch of the tasks that were run at a time.
    scratch: Mutex<Vec<Scratch>>,
}

impl Clone for Sums {
    /// With memory of its own, made where it is needed.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Sums {
    /// How much memory they take for batches of `n_samples`, stencils of `n_pairs` of points and `n_workers` tasks at a time: at
    /// most, as a sample may have a value for each of its inputs.
    pub fn n_bytes(shape: &NetworkShape, n_samples: usize, n_pairs: usize, n_workers: usize) -> u64 {
        // Into the weights of the hidden layers, and their biases.
        let max_values = |number| shape.layer(number).n_inputs.saturating_add(1);
        let of_layer = |number| {
            let Cut { n_blocks, n_vectors, n_sums } = Cut::of(shape, number, n_samples);
            together(&[
                n_bytes_of::<F64x8>(&[n_vectors, n_blocks, n_sums]),
                n_bytes_of::<f64>(&[n_samples, max_values(number), n_pairs]),
            ])
        };
        let n_changes = (1..shape.n_layers()).map(max_values).max().unwrap_or(0).max(2 * n_pairs);
        let scratch = together(&[
            n_bytes_of::<F64x8>(&[n_changes]),
            n_bytes_of::<F64x8>(&[tail::scratch_len(shape)]),
            n_bytes_of::<f64>(&[upward::scratch_len(shape)]),
            n_bytes_of::<Scratch>(&[1]),
        ]);
        let layers: Vec<u64> = (1..shape.n_layers()).map(of_layer).collect();
        together(&[together(&layers), scratch.saturating_mul(n_workers as u64)])
    }

    /// Computes the differences of the parts that `request` wants, each into its coordinates' slots of `out`, on the current rayon
    /// pool where `parallel`; allocates only if there are more sums than ever before.
    pub fn differences(&mut self, base: &BasePass, request: &PartsRequest, isa: Isa, parallel: bool, out: &mut [f64]) {
        let moves = request.moves();
        Pair::of_moves_into(&moves, &mut self.pairs);
        let max_values = base.hidden().iter().map(|hidden| hidden.inputs.max_values()).max().unwrap_or(0);
        let gradient = Gradient {
            base,
            request,
            moves: &moves,
            pairs: &self.pairs,
            isa,
            parallel,
            n_changes: max_values.max(2 * self.pairs.len()),
            scratch: &self.scratch,
        };
        let (n_sums, n_moves) = gradient
            .layers(0)
            .fold((0, 0), |(n_sums, n_moves), layer| (n_sums + layer.cut.len(), n_moves + layer.unit_moves_len()));
        self.sums.resize(n_sums.max(self.sums.len()), F64x8::ZERO);
        self.unit_moves.resize(n_moves.max(self.unit_moves.len()), 0.0);
        gradient.compute_layers(0, 0, &mut self.sums, &mut self.unit_moves, out);
    }
}

/// How the work of the weights into one hidden layer of H units and D inputs is cut.
#[derive(Clone, Copy)]
struct Cut {
    /// How many blocks of samples there are.
    n_blocks: usize,
    /// How many vectors the units take; in the last hidden layer with the bias's unit.
    n_vectors: usize,
    /// How many sums a block and vector have: D + 1, and in the last hidden layer K more.
    n_sums: usize,
}

impl Cut {
    /// Of the hidden layer of this number.
    fn of(shape: &NetworkShape, number: usize, n_samples: usize) -> Self {
        let layer = shape.layer(number);
        let is_last = number + 1 == shape.n_layers();
        let n_vectors = parts::n_parts_of(shape, layer);
        let n_blocks = N_TASKS.div_ceil(n_vectors).min(n_samples.div_ceil(BLOCK_SAMPLES));
        let n_scores = if is_last { shape.n_classes() } else { 0 };
        Self { n_blocks, n_vectors, n_sums: layer.n_inputs + 1 + n_scores }
    }

    /// How many sums there are in all.
    fn len(&self) -> usize {
        self.n_vectors * self.n_blocks * self.n_sums
    }
}

/// What all tasks of a gradient share.
struct Gradient<'a> {
    base: &'a BasePass,
    request: &'a PartsRequest<'a>,
    moves: &'a Moves<'a>,
    /// The same moves, two and two.
    pairs: &'a [Pair],
    isa: Isa,
    parallel: bool,
    /// How many vectors of changes the scratch of a task needs, whichever layer it is of.
    n_changes: usize,
    scratch: &'a Mutex<Vec<Scratch>>,
}

impl Gradient<'_> {
    /// The hidden layers from `hidden` on, counted from 0.
    fn layers(&self, hidden: usize) -> impl Iterator<Item = LayerGradient<'_>> {
        (hidden..self.base.hidden().len()).map(|hidden| LayerGradient::new(self, hidden))
    }

    /// The differences of the parts from `first_part` on, which is the first of layer `hidden`, in memory that begins there.
    ///
    /// A thread that finds nothing left to do in the layers above takes tasks of those below, and the other way round: of the
    /// tasks of all layers only the last ones are waited for. The lowest layer, mostly the dearest, is begun first.
    fn compute_layers(
        &self,
        hidden: usize,
        first_part: usize,
        sums: &mut [F64x8],
        unit_moves: &mut [f64],
        out: &mut [f64],
    ) {
        let Some(layer) = self.layers(hidden).next() else { return };
        let parts = first_part..first_part + layer.cut.n_vectors;
        let (sums, sums_above) = sums.split_at_mut(layer.cut.len());
        let (unit_moves, moves_above) = unit_moves.split_at_mut(layer.unit_moves_len());
        let (into_units, out_above) = out.split_at_mut(layer.n_coordinates());
        if layer.is_last() {
            layer.compute(parts, sums, unit_moves, (into_units, out_above));
            return;
        }
        let mut compute = || layer.compute(parts.clone(), sums, unit_moves, (into_units, &mut []));
        let mut above = || self.compute_layers(hidden + 1, parts.end, sums_above, moves_above, out_above);
        if self.parallel {
            rayon::join(compute, above);
        } else {
            compute();
            above();
        }
    }

    /// How many items one task takes: `in_parallel`, or all of them in serial.
    fn max_chunk(&self, in_parallel: usize) -> usize {
        if self.parallel { in_parallel } else { usize::MAX }
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

/// What the tasks of one hidden layer share.
struct LayerGradient<'a> {
    gradient: &'a Gradient<'a>,
    /// Which hidden layer, counted from 0.
    hidden: usize,
    cut: Cut,
}

impl<'a> LayerGradient<'a> {
    fn new(gradient: &'a Gradient, hidden: usize) -> Self {
        let base = gradient.base;
        let cut = Cut::of(base.shape(), base.hidden()[hidden].layer().number, base.classes().len());
        Self { gradient, hidden, cut }
    }

    fn layer(&self) -> &'a HiddenLayer {
        &self.gradient.base.hidden()[self.hidden]
    }

    fn is_last(&self) -> bool {
        self.hidden + 1 == self.gradient.base.hidden().len()
    }

    /// How many weights into units and biases it has.
    fn n_coordinates(&self) -> usize {
        let layer = self.layer().layer();
        layer.end() - layer.begin
    }

    /// How many pairs of moves one sample has, at most. At least one, so that there is something to cut where nothing moves.
    fn moves_len(&self) -> usize {
        (self.layer().inputs.max_values() * self.gradient.pairs.len()).max(1)
    }

    fn unit_moves_len(&self) -> usize {
        self.gradient.base.classes().len() * self.moves_len()
    }

    /// The differences of `parts`: of the weights into the layer, and in the last hidden layer of those out of it, into their slots.
    fn compute(
        &self,
        parts: Range<usize>,
        sums: &mut [F64x8],
        unit_moves: &mut [f64],
        (into_units, out_of_units): (&mut [f64], &mut [f64]),
    ) {
        let Gradient { base, request, isa, .. } = *self.gradient;
        if !parts.clone().any(|part| request.wants(part)) {
            return;
        }
        let (layer, cut) = (self.layer().layer(), &self.cut);
        let rows = RowsMut::new(&mut *unit_moves, self.moves_len());
        let max_chunk = self.gradient.max_chunk(MOVES_SAMPLES);
        for_each_chunk((0..base.classes().len(), rows), max_chunk, &|(samples, out)| {
            isa.run(FillUnitMoves { gradient: self, samples, out });
        });
        let unit_moves = &*unit_moves;

        let sums = RowsMut::new(sums, cut.n_blocks * cut.n_sums);
        let n_units = layer.n_units;
        let into_units = VectorsMut::new(into_units, (layer.n_inputs + 1, n_units), Axis(1), cut.n_vectors);
        let n_classes = out_of_units.len() / (n_units + 1);
        let out_of_units = VectorsMut::new(out_of_units, (n_units + 1, n_classes), Axis(0), cut.n_vectors);
        let slots = (into_units, out_of_units);
        for_each_chunk((parts.clone(), (sums, slots)), self.gradient.max_chunk(1), &|(own_parts, (sums, slots))| {
            // Of vectors that one task does in a row the sums need not be kept: they stay in the same cache.
            let (sums, mut slots) = (&mut sums.values[..sums.row_len], slots);
            for part in own_parts {
                let (own, others) = slots.split(1);
                slots = others;
                if request.wants(part) {
                    self.compute_part(part, part - parts.start, sums, unit_moves, own);
                }
            }
        });
    }

    /// One part, a vector of units: its sums over each block of samples, and from them the differences.
    fn compute_part<'s>(
        &self,
        part: usize,
        vector: usize,
        sums: &mut [F64x8],
        unit_moves: &[f64],
        (into_units, out_of_units): (VectorsMut<'s>, VectorsMut<'s>),
    ) {
        let Gradient { base, request, moves, isa, scratch: all_scratch, .. } = *self.gradient;
        let (n_samples, Cut { n_blocks, n_sums, .. }) = (base.classes().len(), self.cut);
        let blocks = RowsMut::new(&mut *sums, n_sums);
        for_each_chunk((0..n_blocks, blocks), self.gradient.max_chunk(1), &|(blocks, mut sums)| {
            let mut scratch = self.gradient.take_scratch();
            for (block, sums) in blocks.zip(sums.iter_mut()) {
                let samples = n_samples * block / n_blocks..n_samples * (block + 1) / n_blocks;
                isa.run(FillTask { gradient: self, unit_moves, samples, vector, sums, scratch: &mut scratch });
            }
            all_scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        });
        if request.is_stopped() {
            return;
        }
        let scale = 1.0 / (n_samples as f64 * moves.divisor);
        let n_slots = into_units.slots.len() + out_of_units.slots.len();
        isa.run(Collect { sums, n_sums, scale, into_units, out_of_units });
        request.done(part, n_slots);
    }
}

/// The moves of all values of some samples in a row, in the form that the activation's change takes: `2·tanh(δ/2)` for the
/// sigmoid, `2·tanh(δ)` for the hyperbolic tangent, δ itself for the rectifier.
struct FillUnitMoves<'a> {
    gradient: &'a LayerGradient<'a>,
    samples: Range<usize>,
    out: RowsMut<'a, f64>,
}

impl Kernel for FillUnitMoves<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) {
        let Gradient { pairs, .. } = self.gradient.gradient;
        let hidden = self.gradient.layer();
        let activation = hidden.activation();
        let max_delta = pairs.iter().fold(0.0, |max: f64, pair| max.max(pair.delta.abs()));
        for (n, out) in self.samples.zip(self.out.iter_mut()) {
            let values = hidden.inputs.values(n);
            let is_small = 2.0 * max_delta * hidden.inputs.largest_value(n) <= series::limit(series::LONG);
            for (out, pair) in out.chunks_exact_mut(values.len()).zip(*pairs) {
                for (out, values) in out.chunks_mut(LANES).zip(values.chunks(LANES)) {
                    let moves = F64x8::splat(pair.delta) * F64x8::padded(values);
                    let moves = match activation {
                        Activation::Sigmoid => twice_tanh_of_half::<A>(moves, is_small),
                        Activation::Tanh => twice_tanh_of_half::<A>(moves + moves, is_small),
                        Activation::Relu => moves,
                    };
                    out.copy_from_slice(&moves.0[..out.len()]);
                }
            }
        }
    }
}

/// `2·tanh(δ/2)` of moves that are small, or of any.
#[inline(always)]
fn twice_tanh_of_half<A: Arithmetic>(moves: F64x8, is_small: bool) -> F64x8 {
    if is_small {
        series::twice_tanh_of_half::<A>(moves)
    } else {
        let tanh = (moves * F64x8::splat(0.5)).tanh::<A>();
        tanh + tanh
    }
}

/// One block of samples, one vector of units.
struct FillTask<'a> {
    gradient: &'a LayerGradient<'a>,
    /// What [`FillUnitMoves`] wrote for all samples: (N, …).
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
        let LayerGradient { gradient, hidden, .. } = *self.gradient;
        let Gradient { base, request, moves, pairs, .. } = *gradient;
        let layer = self.gradient.layer();
        let moves_len = self.gradient.moves_len();
        let (input_sums, score_sums) = self.sums.split_at_mut(layer.layer().n_inputs + 1);
        let max_delta = max_abs(moves.deltas);
        input_sums.fill(F64x8::ZERO);
        score_sums.fill(F64x8::ZERO);
        let unit_moves = &self.unit_moves[self.samples.start * moves_len..];
        for (n, unit_moves) in self.samples.zip(unit_moves.chunks_exact(moves_len)) {
            if request.is_stopped() || (n % ASKING_SAMPLES == 0 && request.ask()) {
                return;
            }
            let sample = Sample { place: Place { sample: n, hidden, vector }, layer, base, moves, pairs };
            let values = layer.inputs.values(n);
            // The last vector may hold the bias's unit alone, which no input reaches.
            if vector * LANES < layer.n_units() {
                let unit_moves = &unit_moves[..values.len() * pairs.len()];
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
