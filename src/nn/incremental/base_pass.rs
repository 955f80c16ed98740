//! The forward pass at the parameters themselves, which every change is reckoned from.

use std::ops::Range;

use super::super::n_bytes::{n_bytes_of, together};
use super::super::packed::{PackedParameters, vectors};
use super::super::parameters::{NetworkShape, Parameters};
use super::super::products::{hidden_inputs, scores};
use super::super::simd::{Arithmetic, F64x8, Isa, Kernel, LANES};
use super::super::sparse::SparseBatch;
use super::super::split::{RowsMut, for_each_chunk};
use super::batch::Batch;
use super::exact::{self, Output};
use super::series::LogSeries;

/// The parameters, and what a forward pass of a batch yields at them: the base that moved parameters change.
#[derive(Debug, Clone)]
pub(super) struct BasePass {
    shape: NetworkShape,
    parameters: PackedParameters,
    /// W2ᵀ, the weights of eight units to one class: (K, H/8).
    w2_by_class: Vec<F64x8>,
    /// The largest difference between two weights of one unit, for each vector of units: (H/8).
    w2_ranges: Vec<f64>,
    /// The inputs of the hidden units, `x·W1 + b1`: (N, H/8).
    hidden_inputs: Vec<F64x8>,
    /// `z(1-z)`, and 0 for the units that only pad: (N, H/8).
    slopes: Vec<F64x8>,
    /// z, then the 1 of the bias, then 0: (N, (H + 1)/8).
    units: Vec<F64x8>,
    /// The probabilities, then their logarithms: (N, 2, K/8).
    outputs: Vec<F64x8>,
    /// The change of each sample's loss as a series: (N).
    log_series: Vec<LogSeries>,
}

/// How many vectors the hidden units and the bias's unit take.
pub(super) fn unit_vectors(shape: NetworkShape) -> usize {
    (shape.n_hidden + 1).div_ceil(LANES)
}

impl BasePass {
    /// Takes the parameters. The pass itself is not run yet: there is no batch.
    pub fn new(parameters: &Parameters) -> Self {
        let shape = parameters.shape();
        let n_vectors = vectors(shape).0;
        let mut pass = Self {
            shape,
            parameters: PackedParameters::new(parameters),
            w2_by_class: vec![F64x8::ZERO; shape.n_classes * n_vectors],
            w2_ranges: vec![0.0; n_vectors],
            hidden_inputs: Vec::new(),
            slopes: Vec::new(),
            units: Vec::new(),
            outputs: Vec::new(),
            log_series: Vec::new(),
        };
        pass.turn_w2(parameters);
        pass
    }

    /// How much memory it takes with batches of `n_samples`.
    pub fn n_bytes(shape: NetworkShape, n_samples: usize) -> u64 {
        let (n_vectors, n_class_vectors) = vectors(shape);
        together(&[
            PackedParameters::n_bytes(shape),
            n_bytes_of::<F64x8>(&[shape.n_classes, n_vectors]),
            n_bytes_of::<f64>(&[n_vectors]),
            n_bytes_of::<[F64x8; 2]>(&[n_samples, n_vectors]),
            n_bytes_of::<F64x8>(&[n_samples, unit_vectors(shape)]),
            n_bytes_of::<[F64x8; 2]>(&[n_samples, n_class_vectors]),
            n_bytes_of::<LogSeries>(&[n_samples]),
        ])
    }

    pub fn shape(&self) -> NetworkShape {
        self.shape
    }

    /// The value of a coordinate of the flat order.
    pub fn parameter(&self, coordinate: usize) -> f64 {
        self.parameters.value(coordinate)
    }

    /// How many vectors the hidden units and the bias's unit take.
    pub fn n_unit_vectors(&self) -> usize {
        unit_vectors(self.shape)
    }

    /// Takes other parameters of the same shape, in chunks of at most `max_chunk` rows of W1.
    ///
    /// # Panics
    /// If the shape is another.
    pub fn set_parameters(&mut self, parameters: &Parameters, max_chunk: usize) {
        assert!(
            parameters.shape() == self.shape,
            "parameters of {} for a network of {}",
            parameters.shape(),
            self.shape
        );
        self.parameters.copy_from(parameters, max_chunk);
        self.turn_w2(parameters);
    }

    fn turn_w2(&mut self, parameters: &Parameters) {
        let n_vectors = self.w2_ranges.len();
        self.w2_ranges.fill(0.0);
        for (j, weights) in parameters.w2().rows().into_iter().enumerate() {
            let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
            for (k, &weight) in weights.iter().enumerate() {
                self.w2_by_class[k * n_vectors + j / LANES].0[j % LANES] = weight;
                (min, max) = (min.min(weight), max.max(weight));
            }
            let range = &mut self.w2_ranges[j / LANES];
            *range = range.max(max - min);
        }
    }

    /// Runs the pass, in chunks of at most `max_chunk` samples; allocates only if the batch is larger than all before.
    pub fn run(&mut self, batch: &Batch, isa: Isa, max_chunk: usize) {
        let n_samples = batch.classes.len();
        let ((n_vectors, n_class_vectors), n_unit_vectors) = (vectors(self.shape), unit_vectors(self.shape));
        self.hidden_inputs.resize(n_samples * n_vectors, F64x8::ZERO);
        self.slopes.resize(n_samples * n_vectors, F64x8::ZERO);
        self.units.resize(n_samples * n_unit_vectors, F64x8::ZERO);
        self.outputs.resize(n_samples * 2 * n_class_vectors, F64x8::ZERO);
        let hidden = (RowsMut::new(&mut self.hidden_inputs, n_vectors), RowsMut::new(&mut self.slopes, n_vectors));
        let rest =
            (RowsMut::new(&mut self.units, n_unit_vectors), RowsMut::new(&mut self.outputs, 2 * n_class_vectors));
        let (inputs, parameters, n_hidden) = (&batch.inputs, &self.parameters, self.shape.n_hidden);
        for_each_chunk((0..n_samples, (hidden, rest)), max_chunk, &|(
            samples,
            ((hidden, slopes), (units, outputs)),
        )| {
            let hidden_inputs = hidden.values;
            isa.run(ForwardPass { inputs, parameters, n_hidden, samples, hidden_inputs, slopes, units, outputs });
        });
        // Taken out while it is filled from what the others hold.
        let mut log_series = std::mem::take(&mut self.log_series);
        log_series.clear();
        log_series.extend(batch.classes.iter().enumerate().map(|(n, &class)| LogSeries::new(&self.output(n, class))));
        self.log_series = log_series;
    }

    /// The output of a sample whose right class is `class`.
    #[inline(always)]
    pub fn output(&self, sample: usize, class: usize) -> Output<'_> {
        let n_class_vectors = vectors(self.shape).1;
        let output = F64x8::as_lanes(&self.outputs[sample * 2 * n_class_vectors..][..2 * n_class_vectors]);
        let (probabilities, log_probabilities) = output.split_at(output.len() / 2);
        Output {
            probabilities: &probabilities[..self.shape.n_classes],
            log_probabilities: &log_probabilities[..self.shape.n_classes],
            class,
        }
    }

    /// The change of a sample's loss as a series.
    #[inline(always)]
    pub fn log_series(&self, sample: usize) -> &LogSeries {
        &self.log_series[sample]
    }

    /// z of a unit in a sample; 1 for the bias's.
    pub fn unit(&self, sample: usize, unit: usize) -> f64 {
        self.units[sample * unit_vectors(self.shape) + unit / LANES].0[unit % LANES]
    }

    /// z of eight units in a sample, and the bias's 1 among them.
    #[inline(always)]
    pub fn unit_vector(&self, sample: usize, vector: usize) -> F64x8 {
        self.units[sample * unit_vectors(self.shape) + vector]
    }

    /// `z(1-z)` of eight units in a sample.
    #[inline(always)]
    pub fn slope_vector(&self, sample: usize, vector: usize) -> F64x8 {
        self.slopes[sample * self.w2_ranges.len() + vector]
    }

    /// The weights of eight units to a class.
    #[inline(always)]
    pub fn w2_vector(&self, class: usize, vector: usize) -> F64x8 {
        self.w2_by_class[class * self.w2_ranges.len() + vector]
    }

    /// The largest difference between two weights of one of eight units.
    #[inline(always)]
    pub fn w2_range(&self, vector: usize) -> f64 {
        self.w2_ranges[vector]
    }

    /// The change of a sample's loss when the input of a hidden unit moves, for a move of any size.
    pub fn unit_change(&self, sample: usize, class: usize, unit: usize, delta: f64) -> f64 {
        let (vector, lane) = (unit / LANES, unit % LANES);
        let hidden_input = self.hidden_inputs[sample * self.w2_ranges.len() + vector].0[lane];
        let change = exact::sigmoid_change(hidden_input, delta);
        let weight = |k| self.w2_vector(k, vector).0[lane];
        let right = weight(class);
        self.output(sample, class).loss_change((0..self.shape.n_classes).map(|k| change * (weight(k) - right)))
    }

    /// The change of a sample's loss when one score moves, for a move of any size.
    pub fn score_change(&self, sample: usize, class: usize, moved: usize, delta: f64) -> f64 {
        let relative_move = |k| f64::from(k == moved) * delta - f64::from(class == moved) * delta;
        self.output(sample, class).loss_change((0..self.shape.n_classes).map(relative_move))
    }
}

/// The forward pass of some samples in a row.
struct ForwardPass<'a> {
    inputs: &'a SparseBatch,
    parameters: &'a PackedParameters,
    n_hidden: usize,
    samples: Range<usize>,
    hidden_inputs: &'a mut [F64x8],
    slopes: RowsMut<'a, F64x8>,
    units: RowsMut<'a, F64x8>,
    outputs: RowsMut<'a, F64x8>,
}

impl Kernel for ForwardPass<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) {
        hidden_inputs::<A>(self.inputs, self.samples.clone(), self.parameters, self.hidden_inputs);
        let hidden_inputs = self.hidden_inputs.chunks_exact(self.slopes.row_len);
        let rows = self.slopes.iter_mut().zip(self.units.iter_mut()).zip(self.outputs.iter_mut());
        for (hidden_inputs, ((slopes, units), outputs)) in hidden_inputs.zip(rows) {
            for ((&a, slope), z) in hidden_inputs.iter().zip(slopes.iter_mut()).zip(units.iter_mut()) {
                (*z, *slope) = sigmoid_and_slope::<A>(a);
            }
            pad(self.n_hidden, slopes, units);
            let (probabilities, log_probabilities) = outputs.split_at_mut(outputs.len() / 2);
            scores::<A>(units, self.parameters, log_probabilities);
            softmax_of_scores::<A>(log_probabilities, probabilities);
        }
    }
}

/// `z = sigmoid(a)` and `z(1-z)`, which does not underflow to 0 where z rounds to 1.
#[inline(always)]
fn sigmoid_and_slope<A: Arithmetic>(a: F64x8) -> (F64x8, F64x8) {
    let one = F64x8::splat(1.0);
    let small = a.map(|a| -a.abs()).exp::<A>();
    let larger = one / (one + small);
    let smaller = small * larger;
    (F64x8::select(a, larger, smaller), larger * smaller)
}

/// Clears the slopes of the units that only pad, and makes the one after the hidden units the bias's, always 1.
#[inline(always)]
fn pad(n_hidden: usize, slopes: &mut [F64x8], units: &mut [F64x8]) {
    let padding = n_hidden % LANES;
    if let (Some(slopes), 1..) = (slopes.last_mut(), padding) {
        slopes.0[padding..].fill(0.0);
    }
    let last = &mut units[n_hidden / LANES].0;
    last[padding] = 1.0;
    last[padding + 1..].fill(0.0);
}

/// Turns scores into the logarithms of their softmax, and writes the softmax.
#[inline(always)]
fn softmax_of_scores<A: Arithmetic>(scores: &mut [F64x8], probabilities: &mut [F64x8]) {
    let larger = |a: f64, b: f64| if a > b { a } else { b };
    let max = scores.iter().fold(F64x8::splat(f64::NEG_INFINITY), |max, &s| max.zip(s, larger)).reduce(larger);
    let mut sum = F64x8::ZERO;
    for (score, p) in scores.iter_mut().zip(probabilities.iter_mut()) {
        *score = *score - F64x8::splat(max);
        *p = score.exp::<A>();
        sum = sum + *p;
    }
    let sum = sum.reduce(|a, b| a + b);
    let ln_sum = F64x8::splat(sum.ln());
    for (score, p) in scores.iter_mut().zip(probabilities) {
        *score = *score - ln_sum;
        *p = *p / F64x8::splat(sum);
    }
}
