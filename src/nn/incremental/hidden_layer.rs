//! What a forward pass yields of one hidden layer, and what moves of its units are worth above it.

use std::ops::Range;

use super::super::activation::Activation;
use super::super::lanes::simd::{Arithmetic, F64x8, Isa, Kernel, LANES, one_round_at_a_time};
use super::super::lanes::sparse::{Rows, nonzero_into};
use super::super::lanes::split::{RowsMut, for_each_chunk};
use super::super::n_bytes::{n_bytes_of, together};
use super::super::parameters::Parameters;
use super::super::shape::{Layer, NetworkShape};
use super::distinct::DistinctInputs;
use super::series::{LONG, MEDIUM, SHORT, activation_series};

/// One hidden layer, of H units, in each of N samples.
#[derive(Debug, Clone)]
pub(super) struct HiddenLayer {
    layer: Layer,
    activation: Activation,
    /// What goes into the layer.
    pub inputs: DistinctInputs,
    /// The weights of eight units to each unit of the next layer: (units of the next layer, H/8).
    to_next: Vec<F64x8>,
    /// For each vector of units a bound of how fast the growth of the softmax's denominator changes with their outputs; see
    /// `growth_rates.rs`: (H/8).
    growth_rates: Vec<f64>,
    /// The weighted sums of the inputs: (N, H/8).
    a: Vec<F64x8>,
    /// The length of one slope, and 0 for the units that only pad: (N, H/8).
    slopes: Vec<F64x8>,
    /// z, then the 1 of the bias, then 0: (N, (H + 1)/8).
    units: Vec<F64x8>,
    /// The derivatives of each unit divided by their factorials, from the first on; empty where no layer is below or the
    /// activation is no power series. The first `n_terms` of them are there: (N, H/8, LONG).
    taylor: Vec<[F64x8; LONG]>,
    n_terms: usize,
    /// The largest output of a unit in each sample, at least 1: (N).
    largest_units: Vec<f64>,
}

/// The rows that a forward pass fills: a and slopes, units.
pub(super) type HiddenRowsMut<'a> = ((RowsMut<'a, F64x8>, RowsMut<'a, F64x8>), RowsMut<'a, F64x8>);

/// How many vectors units and the bias's unit take.
pub(super) fn unit_vectors(n_units: usize) -> usize {
    (n_units + 1).div_ceil(LANES)
}

impl HiddenLayer {
    /// The hidden layer of this number in a network, before there are parameters or samples.
    pub fn new(shape: &NetworkShape, number: usize) -> Self {
        let (layer, next) = (shape.layer(number), shape.layer(number + 1));
        let n_vectors = layer.n_units.div_ceil(LANES);
        Self {
            layer,
            activation: shape.activation(),
            inputs: DistinctInputs::default(),
            to_next: vec![F64x8::ZERO; next.n_units * n_vectors],
            growth_rates: vec![0.0; n_vectors],
            a: Vec::new(),
            slopes: Vec::new(),
            units: Vec::new(),
            taylor: Vec::new(),
            n_terms: 0,
            largest_units: Vec::new(),
        }
    }

    /// How much memory it takes with batches of `n_samples`.
    pub fn n_bytes(shape: &NetworkShape, number: usize, n_samples: usize) -> u64 {
        let (layer, next) = (shape.layer(number), shape.layer(number + 1));
        let n_vectors = layer.n_units.div_ceil(LANES);
        let has_taylor = number > 1 && shape.activation() != Activation::Relu;
        together(&[
            DistinctInputs::n_bytes(n_samples, layer.n_inputs),
            n_bytes_of::<F64x8>(&[next.n_units, n_vectors]),
            n_bytes_of::<f64>(&[n_vectors]),
            n_bytes_of::<[F64x8; 2]>(&[n_samples, n_vectors]),
            n_bytes_of::<F64x8>(&[n_samples, unit_vectors(layer.n_units)]),
            n_bytes_of::<[F64x8; LONG]>(&[n_samples, if has_taylor { n_vectors } else { 0 }]),
            n_bytes_of::<f64>(&[n_samples]),
        ])
    }

    /// The layer of weights that leads into it.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// How many units it has: H.
    #[inline(always)]
    pub fn n_units(&self) -> usize {
        self.layer.n_units
    }

    /// How many vectors its units take.
    #[inline(always)]
    pub fn n_vectors(&self) -> usize {
        self.growth_rates.len()
    }

    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// Takes over the weights that lead out of it.
    pub fn set_next_weights(&mut self, parameters: &Parameters) {
        let n_vectors = self.n_vectors();
        for (j, weights) in parameters.weights(self.layer.number + 1).rows().into_iter().enumerate() {
            for (k, &weight) in weights.iter().enumerate() {
                self.to_next[k * n_vectors + j / LANES].0[j % LANES] = weight;
            }
        }
    }

    /// The bounds of `growth_rates.rs`, to be set.
    pub fn growth_rates_mut(&mut self) -> &mut [f64] {
        &mut self.growth_rates
    }

    /// Makes room for what a forward pass of a batch yields; allocates only if the batch is larger than all before.
    pub fn make_room(&mut self, n_samples: usize) {
        let n_vectors = self.n_vectors();
        self.a.resize(n_samples * n_vectors, F64x8::ZERO);
        self.slopes.resize(n_samples * n_vectors, F64x8::ZERO);
        self.units.resize(n_samples * unit_vectors(self.n_units()), F64x8::ZERO);
    }

    /// What goes into the layer, and the rows that a forward pass of some samples fills.
    pub fn rows_mut(&mut self, samples: Range<usize>) -> (&DistinctInputs, HiddenRowsMut<'_>) {
        let (n_vectors, n_unit_vectors) = (self.n_vectors(), unit_vectors(self.n_units()));
        let a = RowsMut::among(&mut self.a, n_vectors, samples.clone());
        let slopes = RowsMut::among(&mut self.slopes, n_vectors, samples.clone());
        (&self.inputs, ((a, slopes), RowsMut::among(&mut self.units, n_unit_vectors, samples)))
    }

    /// Computes what series of `n_terms` in moves from below need to know of the units, in chunks of at most `max_chunk` samples,
    /// unless it is there already.
    pub fn set_taylor(&mut self, isa: Isa, n_terms: usize, max_chunk: usize) {
        if n_terms <= self.n_terms || self.activation == Activation::Relu {
            return;
        }
        self.n_terms = n_terms;
        let n_samples = self.a.len() / self.n_vectors();
        let mut taylor = std::mem::take(&mut self.taylor);
        taylor.resize(n_samples * self.n_vectors(), [F64x8::ZERO; LONG]);
        let rows = RowsMut::new(&mut taylor, self.n_vectors());
        for_each_chunk((0..n_samples, rows), max_chunk, &|(samples, rows)| {
            isa.run(FillTaylor { hidden: self, samples, rows });
        });
        self.taylor = taylor;
    }

    /// Has the next [`set_taylor`](Self::set_taylor) begin anew, as it has to after a pass.
    pub fn forget_taylor(&mut self) {
        self.n_terms = 0;
    }

    /// The outputs of a sample's units as what goes into the next layer.
    pub fn as_rows(&self) -> UnitRows<'_> {
        UnitRows { hidden: self }
    }

    /// The weighted sum of a unit's inputs in a sample.
    pub fn input_sum(&self, sample: usize, unit: usize) -> f64 {
        self.input_sums(sample, unit / LANES).0[unit % LANES]
    }

    /// The weighted sums of the inputs of eight units in a sample.
    #[inline(always)]
    pub fn input_sums(&self, sample: usize, vector: usize) -> F64x8 {
        self.a[sample * self.n_vectors() + vector]
    }

    /// z of a unit in a sample; 1 for the bias's.
    pub fn unit(&self, sample: usize, unit: usize) -> f64 {
        self.unit_vector(sample, unit / LANES).0[unit % LANES]
    }

    /// z of all units in a sample, and the bias's 1 behind them.
    #[inline(always)]
    pub fn units(&self, sample: usize) -> &[F64x8] {
        let n_unit_vectors = unit_vectors(self.n_units());
        &self.units[sample * n_unit_vectors..][..n_unit_vectors]
    }

    /// z of eight units in a sample, and the bias's 1 among them.
    #[inline(always)]
    pub fn unit_vector(&self, sample: usize, vector: usize) -> F64x8 {
        self.units[sample * unit_vectors(self.n_units()) + vector]
    }

    /// The sigmoid that the activation of eight units is made of: z, or `sigmoid(2a)` for the hyperbolic tangent.
    #[inline(always)]
    pub fn logistic_vector(&self, sample: usize, vector: usize) -> F64x8 {
        let z = self.unit_vector(sample, vector);
        match self.activation {
            Activation::Tanh => F64x8::splat(0.5) + F64x8::splat(0.5) * z,
            Activation::Sigmoid | Activation::Relu => z,
        }
    }

    /// Half of how far the sigmoids that eight units are made of lie above their middle: z - 1/2.
    #[inline(always)]
    pub fn half_c(&self, sample: usize, vector: usize) -> F64x8 {
        self.logistic_vector(sample, vector) - F64x8::splat(0.5)
    }

    /// The length of one slope of eight units in a sample.
    #[inline(always)]
    pub fn slope_vector(&self, sample: usize, vector: usize) -> F64x8 {
        self.slopes[sample * self.n_vectors() + vector]
    }

    /// The first M derivatives of a unit in a sample divided by their factorials.
    #[inline(always)]
    pub fn taylor<const M: usize>(&self, sample: usize, unit: usize) -> [f64; M] {
        debug_assert!(M <= self.n_terms, "{M} terms where {} are known", self.n_terms);
        let of_eight = &self.taylor[sample * self.n_vectors() + unit / LANES];
        let mut taylor = [0.0; M];
        for p in 0..M {
            taylor[p] = of_eight[p].0[unit % LANES];
        }
        taylor
    }

    /// The weights of eight units to a unit of the next layer.
    #[inline(always)]
    pub fn next_weights(&self, next: usize, vector: usize) -> F64x8 {
        self.to_next[next * self.n_vectors() + vector]
    }

    /// The weights of all units to a unit of the next layer, then 0.
    #[inline(always)]
    pub fn weights_into(&self, next: usize) -> &[f64] {
        F64x8::as_lanes(&self.to_next[next * self.n_vectors()..][..self.n_vectors()])
    }

    /// A bound of how fast the softmax's denominator grows with the outputs of eight units.
    #[inline(always)]
    pub fn growth_rate(&self, vector: usize) -> f64 {
        self.growth_rates[vector]
    }

    /// The largest output of a unit in a sample, at least 1.
    #[inline(always)]
    pub fn largest_unit(&self, sample: usize) -> f64 {
        match self.activation {
            Activation::Relu => self.largest_units[sample],
            Activation::Sigmoid | Activation::Tanh => 1.0,
        }
    }

    /// Finds the largest outputs of the units, after a pass.
    pub fn set_largest_units(&mut self) {
        if self.activation == Activation::Relu {
            let larger = |a: f64, b: f64| if a > b { a } else { b };
            let of_sample =
                |units: &[F64x8]| units.iter().fold(F64x8::splat(1.0), |max, &z| max.zip(z, larger)).reduce(larger);
            self.largest_units.clear();
            self.largest_units.extend(self.units.chunks_exact(unit_vectors(self.layer.n_units)).map(of_sample));
        }
    }
}

/// The derivatives of the units divided by their factorials, in some samples in a row.
struct FillTaylor<'a> {
    hidden: &'a HiddenLayer,
    samples: Range<usize>,
    rows: RowsMut<'a, [F64x8; LONG]>,
}

impl Kernel for FillTaylor<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        match self.hidden.n_terms {
            ..=SHORT => self.fill::<SHORT>(),
            MEDIUM => self.fill::<MEDIUM>(),
            _ => self.fill::<LONG>(),
        }
    }
}

impl FillTaylor<'_> {
    #[inline(always)]
    fn fill<const M: usize>(mut self) {
        let hidden = self.hidden;
        for (n, row) in self.samples.zip(self.rows.iter_mut()) {
            for (vector, taylor) in row.iter_mut().enumerate() {
                one_round_at_a_time();
                let slopes = hidden.slope_vector(n, vector);
                let known: &mut [F64x8; M] = taylor.first_chunk_mut().expect("LONG is the longest");
                *known = activation_series(hidden.activation, hidden.logistic_vector(n, vector), slopes);
            }
        }
    }
}

/// The outputs of a hidden layer's units, as a batch for the next layer.
pub(super) struct UnitRows<'a> {
    hidden: &'a HiddenLayer,
}

impl Rows for UnitRows<'_> {
    fn dim(&self) -> (usize, usize) {
        (self.hidden.a.len() / self.hidden.n_vectors(), self.hidden.n_units())
    }

    fn nonzero_into(&self, sample: usize, out: &mut [(u32, f64)]) -> usize {
        let units = F64x8::as_lanes(self.hidden.units(sample));
        nonzero_into(&units[..self.hidden.n_units()], |z| z, out)
    }
}
