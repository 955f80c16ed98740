//! The forward pass at the parameters themselves, which every change is reckoned from.

use std::ops::Range;

use super::super::activation::Activation;
use super::super::lanes::packed::{PackedLayer, PackedParameters};
use super::super::lanes::products::{dense_product, sparse_product};
use super::super::lanes::simd::{Arithmetic, F64x8, Isa, Kernel, LANES, one_round_at_a_time};
use super::super::lanes::sparse::Rows;
use super::super::lanes::split::{RowsMut, for_each_chunk};
use super::super::n_bytes::{n_bytes_of, together};
use super::super::parameters::Parameters;
use super::super::shape::NetworkShape;
use super::distinct::DistinctInputs;
use super::growth_rates::{self, set_growth_rates};
use super::hidden_layer::{HiddenLayer, HiddenRowsMut};
use super::output::Output;
use super::series::LogSeries;

/// The parameters, and what a forward pass of a batch yields at them: the base that moved parameters change.
#[derive(Debug, Clone)]
pub(super) struct BasePass {
    shape: NetworkShape,
    parameters: PackedParameters,
    hidden: Vec<HiddenLayer>,
    /// The right answers: (N).
    classes: Vec<usize>,
    /// The probabilities, then their logarithms: (N, 2, K/8).
    outputs: Vec<F64x8>,
    /// The change of each sample's loss as a series: (N).
    log_series: Vec<LogSeries>,
    /// Whether what only differences need is there: see [`prepare`](Self::prepare).
    is_prepared: bool,
    /// Scratch of the bounds of `growth_rates.rs`.
    scratch: Vec<f64>,
}

impl BasePass {
    /// Takes the parameters. The pass itself is not run yet: there is no batch.
    pub fn new(parameters: &Parameters) -> Self {
        let shape = parameters.shape().clone();
        let mut pass = Self {
            parameters: PackedParameters::new(parameters),
            hidden: (1..shape.n_layers()).map(|number| HiddenLayer::new(&shape, number)).collect(),
            shape,
            classes: Vec::new(),
            outputs: Vec::new(),
            log_series: Vec::new(),
            is_prepared: false,
            scratch: Vec::new(),
        };
        pass.set_next_weights(parameters);
        pass
    }

    /// How much memory it takes with batches of `n_samples`.
    pub fn n_bytes(shape: &NetworkShape, n_samples: usize) -> u64 {
        let hidden = (1..shape.n_layers()).map(|number| HiddenLayer::n_bytes(shape, number, n_samples));
        together(&[
            PackedParameters::n_bytes(shape),
            together(&hidden.collect::<Vec<_>>()),
            n_bytes_of::<usize>(&[n_samples]),
            n_bytes_of::<[F64x8; 2]>(&[n_samples, shape.n_classes().div_ceil(LANES)]),
            n_bytes_of::<LogSeries>(&[n_samples]),
            n_bytes_of::<f64>(&[growth_rates::scratch_len(shape)]),
        ])
    }

    pub fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    /// The hidden layers, from the inputs on.
    #[inline(always)]
    pub fn hidden(&self) -> &[HiddenLayer] {
        &self.hidden
    }

    /// The layers of weights, from the inputs on.
    #[inline(always)]
    pub fn layers(&self) -> &[PackedLayer] {
        self.parameters.layers()
    }

    /// The last hidden layer, whose units the scores are made of.
    #[inline(always)]
    pub fn last_hidden(&self) -> &HiddenLayer {
        &self.hidden[self.hidden.len() - 1]
    }

    /// The right answers: (N).
    #[inline(always)]
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// How many distinct moves a stencil's point causes: over all samples and hidden layers the values that go into the layer,
    /// times its vectors of units. Of a pass that is [prepared](Self::prepare).
    pub fn n_changes(&self) -> usize {
        self.hidden.iter().map(|hidden| hidden.inputs.n_values() * hidden.n_vectors()).sum()
    }

    /// As [`n_changes`](Self::n_changes), of the first hidden layer alone: what is known before a pass.
    pub fn n_first_changes(&self) -> usize {
        self.hidden[0].inputs.n_values() * self.hidden[0].n_vectors()
    }

    /// The value of a coordinate of the flat order.
    pub fn parameter(&self, coordinate: usize) -> f64 {
        self.layers()[self.shape.layer_of(coordinate).number - 1].value(coordinate)
    }

    /// Takes other parameters of the same shape, in chunks of at most `max_chunk` rows.
    ///
    /// # Panics
    /// If the shape is another.
    pub fn set_parameters(&mut self, parameters: &Parameters, max_chunk: usize) {
        assert!(
            parameters.shape() == &self.shape,
            "parameters of {} for a network of {}",
            parameters.shape(),
            self.shape
        );
        self.parameters.copy_from(parameters, max_chunk);
        self.set_next_weights(parameters);
    }

    fn set_next_weights(&mut self, parameters: &Parameters) {
        self.hidden.iter_mut().for_each(|hidden| hidden.set_next_weights(parameters));
        set_growth_rates(&mut self.hidden, parameters, &mut self.scratch);
    }

    /// Takes a batch in chunks of at most `max_chunk` samples; allocates only if it is larger than all before. The pass
    /// itself is not run yet.
    pub fn set_batch(&mut self, batch: &impl Rows, classes: &[usize], max_chunk: usize) {
        self.classes.clear();
        self.classes.extend_from_slice(classes);
        self.hidden[0].inputs.set(batch, max_chunk);
    }

    /// Runs the pass of some samples in chunks of at most `max_chunk`; allocates only if the batch is larger than all before.
    pub fn run(&mut self, isa: Isa, samples: Range<usize>, max_chunk: usize) {
        self.is_prepared = false;
        let n_samples = self.classes.len();
        let (n_layers, n_class_vectors) = (self.shape.n_layers(), self.shape.n_classes().div_ceil(LANES));
        let layers = self.parameters.layers();
        for number in 1..n_layers {
            let (before, hidden) = self.hidden.split_at_mut(number - 1);
            let (before, hidden) = (before.last(), &mut hidden[0]);
            hidden.make_room(n_samples);
            let (inputs, rows) = hidden.rows_mut(samples.clone());
            let pass = HiddenPass { activation: self.shape.activation(), before, inputs, layer: &layers[number - 1] };
            if number + 1 < n_layers {
                for_each_chunk((samples.clone(), rows), max_chunk, &|(samples, rows)| {
                    isa.run(HiddenTask { pass: &pass, samples, rows });
                });
            } else {
                // With the scores in the same task, while the units are at hand.
                let last = &layers[number];
                self.outputs.resize(n_samples * 2 * n_class_vectors, F64x8::ZERO);
                let outputs = RowsMut::among(&mut self.outputs, 2 * n_class_vectors, samples.clone());
                for_each_chunk((samples.clone(), (rows, outputs)), max_chunk, &|(samples, (rows, outputs))| {
                    let hidden = HiddenTask { pass: &pass, samples, rows };
                    isa.run(LastTask { hidden, layer: last, outputs });
                });
            }
        }
    }

    /// Computes what only differences need, in chunks of at most `max_chunk` samples, unless it is there already: half of all
    /// passes are run for a loss alone. Allocates only if the batch is larger than all before.
    pub fn prepare(&mut self, max_chunk: usize) {
        if std::mem::replace(&mut self.is_prepared, true) {
            return;
        }
        for number in 2..self.shape.n_layers() {
            let (before, hidden) = self.hidden.split_at_mut(number - 1);
            hidden[0].inputs.set(&before[number - 2].as_rows(), max_chunk);
            hidden[0].forget_taylor();
        }
        self.hidden.iter_mut().for_each(HiddenLayer::set_largest_units);
        // Taken out while it is filled from what the others hold.
        let mut log_series = std::mem::take(&mut self.log_series);
        log_series.clear();
        log_series.extend((0..self.classes.len()).map(|n| LogSeries::new(&self.output(n))));
        self.log_series = log_series;
    }

    /// Computes what series of `n_terms` need to know of the units of a hidden layer (counted from 0, and not the first) that is
    /// above moved ones, as [`prepare`](Self::prepare) does.
    pub fn prepare_series_through(&mut self, hidden: usize, n_terms: usize, isa: Isa, max_chunk: usize) {
        self.hidden[hidden].set_taylor(isa, n_terms, max_chunk);
    }

    /// What goes into a hidden layer of this number as its `input`, and 1 for the bias's, in a sample; none where it is 0.
    pub fn input(&self, sample: usize, number: usize, input: usize) -> Option<f64> {
        match number {
            1 => self.hidden[0].inputs.inputs.input(sample, input),
            _ => Some(self.hidden[number - 2].unit(sample, input)).filter(|&z| z != 0.0),
        }
    }

    /// The output of a sample.
    #[inline(always)]
    pub fn output(&self, sample: usize) -> Output<'_> {
        let n_class_vectors = self.shape.n_classes().div_ceil(LANES);
        let output = F64x8::as_lanes(&self.outputs[sample * 2 * n_class_vectors..][..2 * n_class_vectors]);
        let (probabilities, log_probabilities) = output.split_at(output.len() / 2);
        Output {
            probabilities: &probabilities[..self.shape.n_classes()],
            log_probabilities: &log_probabilities[..self.shape.n_classes()],
            class: self.classes[sample],
        }
    }

    /// The change of a sample's loss as a series, of a pass that is [prepared](Self::prepare).
    #[inline(always)]
    pub fn log_series(&self, sample: usize) -> &LogSeries {
        &self.log_series[sample]
    }

    /// The change of a sample's loss when one score moves, for a move of any size.
    pub fn score_change(&self, sample: usize, moved: usize, delta: f64) -> f64 {
        let output = self.output(sample);
        let relative_move = |k| f64::from(k == moved) * delta - f64::from(output.class == moved) * delta;
        output.loss_change((0..self.shape.n_classes()).map(relative_move))
    }
}

/// The forward pass of one hidden layer.
struct HiddenPass<'a> {
    activation: Activation,
    /// The hidden layer before; none before the first.
    before: Option<&'a HiddenLayer>,
    /// What goes into the layer, for the first.
    inputs: &'a DistinctInputs,
    layer: &'a PackedLayer,
}

/// The forward pass of one hidden layer in some samples in a row.
struct HiddenTask<'a> {
    pass: &'a HiddenPass<'a>,
    samples: Range<usize>,
    rows: HiddenRowsMut<'a>,
}

impl HiddenTask<'_> {
    #[inline(always)]
    fn fill<A: Arithmetic>(&mut self) {
        let HiddenPass { activation, before, inputs, layer } = *self.pass;
        let ((a, slopes), units) = &mut self.rows;
        match before {
            None => sparse_product::<A>(&inputs.inputs, self.samples.clone(), layer, a.values),
            Some(before) => {
                let units = self.samples.clone().map(|n| before.units(n));
                dense_product::<A>(units.zip(a.iter_mut()), layer);
            }
        }
        let n_units = layer.layer().n_units;
        for (a, (slopes, units)) in a.values.chunks_exact(a.row_len).zip(slopes.iter_mut().zip(units.iter_mut())) {
            for ((&a, slope), z) in a.iter().zip(slopes.iter_mut()).zip(units.iter_mut()) {
                one_round_at_a_time();
                (*z, *slope) = activate::<A>(activation, a);
            }
            pad(n_units, slopes, units);
        }
    }
}

impl Kernel for HiddenTask<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) {
        self.fill::<A>();
    }
}

/// The forward pass of the last hidden layer and of the scores in some samples in a row.
struct LastTask<'a> {
    hidden: HiddenTask<'a>,
    layer: &'a PackedLayer,
    outputs: RowsMut<'a, F64x8>,
}

impl Kernel for LastTask<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) {
        self.hidden.fill::<A>();
        let (_, units) = &mut self.hidden.rows;
        let n_vectors = self.layer.n_vectors();
        let scores = self.outputs.iter_mut().map(|outputs| &mut outputs[n_vectors..]);
        dense_product::<A>(units.iter_mut().map(|units| &*units).zip(scores), self.layer);
        for outputs in self.outputs.iter_mut() {
            let (probabilities, log_probabilities) = outputs.split_at_mut(n_vectors);
            softmax_of_scores::<A>(log_probabilities, probabilities);
        }
    }
}

/// What comes out of units, and the length of one slope: what their changes are reckoned in.
///
/// The sigmoid's is `z(1-z)`, which does not underflow to 0 where z rounds to 1. The hyperbolic tangent is `2·sigmoid(2a) - 1`
/// and has that sigmoid's, doubled. The rectifier's is 1.
#[inline(always)]
fn activate<A: Arithmetic>(activation: Activation, a: F64x8) -> (F64x8, F64x8) {
    match activation {
        Activation::Sigmoid => {
            let (larger, smaller) = both_sigmoids::<A>(a);
            (F64x8::select(a, larger, smaller), larger * smaller)
        }
        Activation::Relu => (a.map(|a| if a < 0.0 { 0.0 } else { a }), F64x8::splat(1.0)),
        Activation::Tanh => {
            let (larger, smaller) = both_sigmoids::<A>(a + a);
            (a.tanh::<A>(), F64x8::splat(2.0) * larger * smaller)
        }
    }
}

/// `sigmoid(|a|)` and `sigmoid(-|a|)`.
#[inline(always)]
fn both_sigmoids<A: Arithmetic>(a: F64x8) -> (F64x8, F64x8) {
    let one = F64x8::splat(1.0);
    let small = a.map(|a| -a.abs()).exp::<A>();
    let larger = one / (one + small);
    (larger, small * larger)
}

/// Clears the slopes of the units that only pad, and makes the one after the units the bias's, always 1.
#[inline(always)]
fn pad(n_units: usize, slopes: &mut [F64x8], units: &mut [F64x8]) {
    let padding = n_units % LANES;
    if let (Some(slopes), 1..) = (slopes.last_mut(), padding) {
        slopes.0[padding..].fill(0.0);
    }
    let last = &mut units[n_units / LANES].0;
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
        one_round_at_a_time();
        *score = *score - F64x8::splat(max);
        *p = score.exp::<A>();
        sum = sum + *p;
    }
    let sum = sum.reduce(|a, b| a + b);
    let ln_sum = F64x8::splat(sum.ln());
    for (score, p) in scores.iter_mut().zip(probabilities) {
        one_round_at_a_time();
        *score = *score - ln_sum;
        *p = *p / F64x8::splat(sum);
    }
}
