//! Layers laid out for the vector units.
//!
//! A bias is a weight whose input is always 1: the biases of a layer are the last row of its matrix, which is also how they
//! lie in the flat order of [`Parameters`]. So the fast forward passes know matrices and no biases.

use super::super::n_bytes::{n_bytes_of, together};
use super::super::parameters::Parameters;
use super::super::shape::{Layer, NetworkShape};
use super::simd::{F64x8, LANES};
use super::split::{RowsMut, for_each_chunk};

/// A clone of one layer with its units padded to whole vectors.
#[derive(Debug, Clone)]
pub(in super::super) struct PackedLayer {
    layer: Layer,
    /// (inputs + 1, units/8): the weights and, as the last row, the biases.
    rows: Vec<F64x8>,
}

impl PackedLayer {
    /// Takes over a layer of parameters. The units that only pad have a bias of `padding`.
    pub fn new(parameters: &Parameters, layer: Layer, padding: f64) -> Self {
        let n_vectors = layer.n_units.div_ceil(LANES);
        let mut packed = Self { layer, rows: vec![F64x8::ZERO; (layer.n_inputs + 1) * n_vectors] };
        packed.rows[layer.n_inputs * n_vectors..].fill(F64x8::splat(padding));
        packed.copy_from(parameters, usize::MAX);
        packed
    }

    /// How much memory it takes.
    pub fn n_bytes(layer: Layer) -> u64 {
        n_bytes_of::<F64x8>(&[layer.n_inputs.saturating_add(1), layer.n_units.div_ceil(LANES)])
    }

    /// Takes over other values of the same layer, in chunks of at most `max_chunk` rows.
    pub fn copy_from(&mut self, parameters: &Parameters, max_chunk: usize) {
        let (values, n_units, n_vectors) = (parameters.block(self.layer), self.layer.n_units, self.n_vectors());
        let n_rows = self.layer.n_inputs + 1;
        for_each_chunk((0..n_rows, RowsMut::new(&mut self.rows, n_vectors)), max_chunk, &|(rows, packed)| {
            pack_rows(&values[rows.start * n_units..rows.end * n_units], n_units, packed);
        });
    }

    /// Which layer it is.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// How many vectors its units take.
    #[inline(always)]
    pub fn n_vectors(&self) -> usize {
        self.layer.n_units.div_ceil(LANES)
    }

    /// The vectors of its rows, one after another: (inputs + 1, units/8).
    #[inline(always)]
    pub fn rows(&self) -> &[F64x8] {
        &self.rows
    }

    /// The weights of an input to all units, then what pads them.
    #[inline(always)]
    pub fn row(&self, input: usize) -> &[f64] {
        let n_vectors = self.n_vectors();
        F64x8::as_lanes(&self.rows[input * n_vectors..][..n_vectors])
    }

    /// The number at a coordinate of the flat order, to move.
    fn parameter(&mut self, coordinate: usize) -> &mut f64 {
        let (vector, lane) = self.place(coordinate);
        &mut self.rows[vector].0[lane]
    }

    /// The number at a coordinate of the flat order.
    pub fn value(&self, coordinate: usize) -> f64 {
        let (vector, lane) = self.place(coordinate);
        self.rows[vector].0[lane]
    }

    /// The vector that a coordinate is in, and where in it.
    fn place(&self, coordinate: usize) -> (usize, usize) {
        let within = coordinate - self.layer.begin;
        let (row, column) = (within / self.layer.n_units, within % self.layer.n_units);
        (row * self.n_vectors() + column / LANES, column % LANES)
    }
}

/// A clone of all parameters, layer by layer. The classes that only pad have a bias of -∞ and so a probability of 0.
#[derive(Debug, Clone)]
pub(in super::super) struct PackedParameters {
    layers: Vec<PackedLayer>,
}

impl PackedParameters {
    pub fn new(parameters: &Parameters) -> Self {
        let shape = parameters.shape();
        let padding = |layer: &Layer| if layer.number == shape.n_layers() { f64::NEG_INFINITY } else { 0.0 };
        Self { layers: shape.layers().map(|layer| PackedLayer::new(parameters, layer, padding(&layer))).collect() }
    }

    /// How much memory they take.
    pub fn n_bytes(shape: &NetworkShape) -> u64 {
        together(&shape.layers().map(PackedLayer::n_bytes).collect::<Vec<_>>())
    }

    /// Takes over other values of the same shape, in chunks of at most `max_chunk` rows.
    pub fn copy_from(&mut self, parameters: &Parameters, max_chunk: usize) {
        self.layers.iter_mut().for_each(|layer| layer.copy_from(parameters, max_chunk));
    }

    /// The layers, from the inputs to the classes.
    #[inline(always)]
    pub fn layers(&self) -> &[PackedLayer] {
        &self.layers
    }

    /// The number at a coordinate of the flat order, to move.
    pub fn parameter(&mut self, coordinate: usize) -> &mut f64 {
        self.layers
            .iter_mut()
            .find(|packed| coordinate < packed.layer.end())
            .expect("there is a layer for each coordinate")
            .parameter(coordinate)
    }
}

/// Lays rows out as whole vectors.
fn pack_rows(rows: &[f64], row_len: usize, mut packed: RowsMut<F64x8>) {
    for (row, packed) in rows.chunks_exact(row_len).zip(packed.iter_mut()) {
        let (eights, rest) = row.as_chunks::<LANES>();
        packed.iter_mut().zip(eights).for_each(|(vector, eight)| vector.0 = *eight);
        if let Some(vector) = packed.get_mut(eights.len()) {
            vector.0[..rest.len()].copy_from_slice(rest);
        }
    }
}
