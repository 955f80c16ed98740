//! The batch loss as an objective, incrementally: the forward pass is done once, and a moved parameter recomputes only
//! what it reaches.
//!
//! ```text
//! W1[i, j]  reaches hidden unit j, by h·x[n, i], in the samples whose input i is not 0, and what lies above it
//! b1[j]     reaches hidden unit j, by h, in all samples (an input that is always 1), and what lies above it
//! W2, b2    the same one layer up, by h·z[n, i], and so on
//! WL[j, k]  reaches score k, by h·z[n, j];  bL[k] by h (a unit that is always 1)
//! ```
//!
//! A moved unit or score changes a sample's loss by an amount that is computed without subtracting two nearly equal losses
//! (`upward.rs`, `output.rs`), mostly by short power series, eight units at a time (`tail`, `series.rs`). It is the same finite
//! difference of the same loss as [`FullLoss`](super::FullLoss) computes, to rounding, for any stencil and step.
//!
//! Equal inputs of a sample move a unit equally, so the changes are computed once for each distinct value of a sample (an
//! MNIST image has about 66 in 151 pixels) and added to the sums of all inputs that have it (`layer_sums.rs`). The work
//! is cut into vectors of units (`parts.rs`) and fixed blocks of samples, whatever the number of threads, and the blocks' sums
//! are added in their order (`collect.rs`): so the bits do not depend on the number of threads.

mod base_pass;
mod collect;
mod distinct;
mod growth_rates;
#[cfg(test)]
mod guards;
mod hidden_changes;
mod hidden_layer;
mod large_moves;
mod layer_sums;
mod output;
mod parts;
mod sample;
mod score_changes;
mod series;
mod single;
mod tail;
mod upward;

#[cfg(feature = "train")]
use std::ops::Range;

use ndarray::ArrayRef2;

use self::base_pass::BasePass;
use self::distinct::max_abs;
use self::layer_sums::Sums;
use super::lanes::simd::Isa;
use super::lanes::sparse::{Rows, check_batch};
use super::n_bytes::together;
use super::parameters::Parameters;
use super::shape::NetworkShape;
use crate::difference::{Coordinates, Objective, Parallelism, PartsRequest};

/// With fewer vectors of changes than this, a tenth of a millisecond of work, a second thread brings nothing.
const SERIAL_BELOW: usize = 8_000;

/// How many samples of a forward pass one task takes: enough that the rows of W1 which it loads serve several.
const FORWARD_SAMPLES: usize = 16;

/// What is wrong where the base is not of the parameters in every sample.
const STALE: &str = "the parameters were replaced, and no batch was set since";

/// How many vectors of W1 one task copies.
const COPIED_VECTORS: usize = 1_024;

/// The mean cross-entropy of a batch as a function of all parameters; an evaluation recomputes only what a move reaches.
///
/// As an [`Objective`] it returns `f(x + delta·e) - f(x)`. Coordinates are numbered as in [`Parameters::values`]. With one
/// hidden layer a gradient costs `Σ_n values(n)·H·points` changes of a loss, where `values(n)` counts the distinct inputs of
/// a sample other than 0, and `nnz·H` additions; its sums take up to about `26·64·D` bytes, or `8·D·H` where that is more.
/// Every hidden layer costs that for its own inputs; one that has others above it also costs, for each sample and unit, four
/// to nine products of a vector with each matrix of weights above the next one. Made once and given each new batch by
/// [`set_batch`](Self::set_batch), it allocates nothing once it has seen the largest batch and the sample with the most
/// values.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::{Differentiator, Objective, Step, Stencil};
/// use numgrad::nn::{IncrementalLoss, NetworkShape, Parameters};
///
/// let parameters = Parameters::zeros(&NetworkShape::new([2, 3, 2]));
/// let mut objective = IncrementalLoss::new(&parameters, &array![[0.5, 1.0]], &[1]);
/// let mut gradient = vec![0.0; objective.n_coordinates()];
/// Differentiator::new(Stencil::central(), Step::BOOK).of_objective(&mut objective).gradient_into(&mut gradient)?;
/// assert!((gradient[16] + 0.5).abs() < 1e-6);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct IncrementalLoss {
    isa: Isa,
    parallelism: Parallelism,
    base: BasePass,
    /// Whether the base is of the parameters in every sample.
    is_whole: bool,
    sums: Sums,
}

impl IncrementalLoss {
    /// The loss at `parameters` of the batch `x` (N, D) with the right answers `classes` (N); serial, for the processor's
    /// best instruction set.
    ///
    /// # Panics
    /// If the shapes disagree, a class is not below K, or the batch is empty.
    pub fn new(parameters: &Parameters, x: &ArrayRef2<f64>, classes: &[usize]) -> Self {
        let mut loss = Self::without_batch(parameters);
        loss.set_batch(x, classes);
        loss
    }

    /// The loss at `parameters` before there is a batch, otherwise as made by [`new`](Self::new).
    pub(crate) fn without_batch(parameters: &Parameters) -> Self {
        Self {
            isa: Isa::best(),
            parallelism: Parallelism::Serial,
            base: BasePass::new(parameters),
            is_whole: false,
            sums: Sums::default(),
        }
    }

    /// Makes it take parameters and batches, and run its forward passes, on the current rayon pool wherever that is worth it.
    /// The gradient is as parallel as the [`Differentiator`](crate::difference::Differentiator) asks for.
    pub fn parallel(self) -> Self {
        Self { parallelism: Parallelism::Pool, ..self }
    }

    /// Makes the loss be evaluated with the instruction set `isa`.
    ///
    /// # Panics
    /// If this processor does not have it.
    pub fn with_isa(self, isa: Isa) -> Self {
        assert!(isa.is_available(), "this processor has no {isa}");
        let mut loss = Self { isa, ..self };
        loss.run_forward();
        loss
    }

    /// How much memory the loss of a network and batches of `n_samples` takes once a gradient by central differences was
    /// computed by `n_workers` threads; `u64::MAX` where the number overflows. What images need is up to a fifth less, as many
    /// of their pixels are equal.
    pub fn n_bytes(shape: &NetworkShape, n_samples: usize, n_workers: usize) -> u64 {
        if shape.checked_n_parameters().is_none() {
            return u64::MAX;
        }
        together(&[BasePass::n_bytes(shape, n_samples), Sums::n_bytes(shape, n_samples, 1, n_workers)])
    }

    /// Takes another batch. Costs a forward pass.
    ///
    /// # Panics
    /// If the shapes disagree, a class is not below K, or the batch is empty.
    pub fn set_batch(&mut self, x: &ArrayRef2<f64>, classes: &[usize]) {
        self.set_rows(&x.view(), classes);
    }

    /// Takes another batch as [`set_batch`](Self::set_batch) does, of inputs in single precision: the same numbers as in double
    /// precision, and the same results.
    ///
    /// # Panics
    /// If the shapes disagree, a class is not below K, or the batch is empty.
    pub fn set_single_batch(&mut self, x: &ArrayRef2<f32>, classes: &[usize]) {
        self.set_rows(&x.view(), classes);
    }

    /// Takes another batch as [`set_batch`](Self::set_batch) does, from inputs that need not be an array.
    pub(crate) fn set_rows(&mut self, x: &impl Rows, classes: &[usize]) {
        check_batch(self.base.shape(), x, classes);
        let (n_samples, n_inputs) = x.dim();
        let max_chunk = self.max_chunk(n_samples * n_inputs, FORWARD_SAMPLES);
        self.base.set_batch(x, classes, max_chunk);
        self.run_forward();
    }

    /// Takes other parameters of the same shape. Costs a forward pass.
    ///
    /// # Panics
    /// If the shape is another.
    pub fn set_parameters(&mut self, parameters: &Parameters) {
        self.replace_parameters(parameters);
        self.run_forward();
    }

    /// Takes other parameters of the same shape without a forward pass: until the next batch only
    /// [`sample_losses_into`](Self::sample_losses_into) knows of them.
    ///
    /// # Panics
    /// If the shape is another.
    pub(crate) fn replace_parameters(&mut self, parameters: &Parameters) {
        let rows = COPIED_VECTORS.div_ceil(self.base.hidden()[0].n_vectors());
        let max_chunk = if self.parallelism == Parallelism::Serial { usize::MAX } else { rows };
        self.base.set_parameters(parameters, max_chunk);
        self.is_whole = false;
    }

    /// The loss of each of some samples at the parameters, by a forward pass of these samples alone. Until the next batch nothing
    /// else can be asked for.
    ///
    /// # Panics
    /// If there are not as many `losses` as samples, or not that many samples in the batch.
    #[cfg(feature = "train")]
    pub(crate) fn sample_losses_into(&mut self, samples: Range<usize>, losses: &mut [f64]) {
        assert!(samples.len() == losses.len(), "{} losses of {} samples", losses.len(), samples.len());
        self.base.run(self.isa, samples.clone(), self.forward_chunk());
        losses.iter_mut().zip(samples).for_each(|(loss, n)| *loss = self.base.output(n).loss());
    }

    /// The loss at the parameters.
    pub fn value(&self) -> f64 {
        debug_assert!(self.is_whole, "{STALE}");
        mean((0..self.base.classes().len()).map(|n| self.base.output(n).loss()))
    }

    fn run_forward(&mut self) {
        let n_samples = self.base.classes().len();
        if n_samples > 0 {
            self.base.run(self.isa, 0..n_samples, self.forward_chunk());
        }
        self.is_whole = true;
    }

    /// Computes what differences by moves of parameters up to `max_delta` need, unless it is there already.
    fn prepare(&mut self, max_delta: f64) {
        let max_chunk = self.forward_chunk();
        self.base.prepare(max_chunk);
        let mut n_terms = 0;
        for hidden in 1..self.base.hidden().len() {
            // All layers below reach this one.
            n_terms = n_terms.max(hidden_changes::max_terms(&self.base.hidden()[hidden - 1], max_delta));
            self.base.prepare_series_through(hidden, n_terms, self.isa, max_chunk);
        }
    }

    /// How many samples one task of a forward pass takes.
    fn forward_chunk(&self) -> usize {
        self.max_chunk(self.base.n_first_changes(), FORWARD_SAMPLES)
    }

    /// How many samples one task of a pass with `n_vectors` of work takes: `in_parallel`, or all of them in serial.
    fn max_chunk(&self, n_vectors: usize, in_parallel: usize) -> usize {
        if self.parallelism == Parallelism::Serial || n_vectors < SERIAL_BELOW { usize::MAX } else { in_parallel }
    }
}

/// The mean of the losses of all samples, added up in their order.
pub(crate) fn mean(losses: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = losses.len();
    losses.sum::<f64>() / n as f64
}

impl Objective for IncrementalLoss {
    /// The changes of the layers above a moved unit, with room for them once there are any.
    type Workspace = Vec<f64>;

    fn n_coordinates(&self) -> usize {
        self.base.shape().n_parameters()
    }

    fn coordinate_value(&self, coordinate: usize) -> f64 {
        self.base.parameter(coordinate)
    }

    fn workspace(&self) -> Vec<f64> {
        Vec::new()
    }

    fn evaluate(&self, scratch: &mut Vec<f64>, coordinate: usize, delta: f64) -> f64 {
        debug_assert!(self.is_whole, "{STALE}");
        let base = &self.base;
        let layer = base.shape().layer_of(coordinate);
        // The bias's input comes behind all others.
        let within = coordinate - layer.begin;
        let (input, unit) = (within / layer.n_units, within % layer.n_units);
        scratch.resize(upward::scratch_len(base.shape()), 0.0);
        let n_samples = base.classes().len();
        let sum: f64 = if layer.number == base.shape().n_layers() {
            (0..n_samples).map(|n| base.score_change(n, unit, delta * base.last_hidden().unit(n, input))).sum()
        } else {
            (0..n_samples)
                .filter_map(|n| {
                    let delta = delta * base.input(n, layer.number, input)?;
                    Some(base.unit_change(n, layer.number - 1, unit, delta, scratch))
                })
                .sum()
        };
        sum / n_samples as f64
    }

    /// Eight units of a hidden layer each: all weights into a unit share its changes, and so do those out of it where it is in
    /// the last hidden layer.
    fn n_parts(&self) -> usize {
        parts::n_parts(self.base.shape())
    }

    fn part(&self, part: usize) -> Coordinates {
        parts::coordinates(self.base.shape(), part)
    }

    fn part_len(&self, part: usize) -> usize {
        parts::n_coordinates(self.base.shape(), part)
    }

    fn part_of(&self, coordinate: usize) -> usize {
        parts::part_of(self.base.shape(), coordinate)
    }

    fn differences(&mut self, request: &PartsRequest, out: &mut [f64]) -> bool {
        debug_assert!(self.is_whole, "{STALE}");
        self.prepare(max_abs(request.moves().deltas));
        let parallel = request.parallelism() == Parallelism::Pool && self.base.n_changes() >= SERIAL_BELOW;
        self.sums.differences(&self.base, request, self.isa, parallel, out);
        true
    }
}
