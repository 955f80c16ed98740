//! Parameters laid out for the vector units.
//!
//! A bias is a weight whose input is always 1: b1 is row D of W1 and b2 is row H of W2, which is also how they lie in the
//! flat order of [`Parameters`]. So the fast forward passes know two matrices and no biases.

use super::n_bytes::{n_bytes_of, together};
use super::parameters::{NetworkShape, Parameters};
use super::simd::{F64x8, LANES};
use super::split::{RowsMut, for_each_chunk};

/// A clone of all parameters with hidden units and classes padded to whole vectors.
#[derive(Debug, Clone)]
pub(super) struct PackedParameters {
    shape: NetworkShape,
    /// (D + 1, H/8): W1 and, as its last row, b1.
    pub w1: Vec<F64x8>,
    /// (H + 1, K/8): W2 and, as its last row, b2. The classes that only pad have a bias of -∞ and so a probability of 0.
    pub w2: Vec<F64x8>,
}

impl PackedParameters {
    pub fn new(parameters: &Parameters) -> Self {
        let shape = parameters.shape();
        let (n_unit_vectors, n_class_vectors) = vectors(shape);
        let mut packed = Self {
            shape,
            w1: vec![F64x8::ZERO; (shape.n_inputs + 1) * n_unit_vectors],
            w2: vec![F64x8::ZERO; (shape.n_hidden + 1) * n_class_vectors],
        };
        packed.w2[shape.n_hidden * n_class_vectors..].fill(F64x8::splat(f64::NEG_INFINITY));
        packed.copy_from(parameters, usize::MAX);
        packed
    }

    /// How much memory they take.
    pub fn n_bytes(shape: NetworkShape) -> u64 {
        let (n_unit_vectors, n_class_vectors) = vectors(shape);
        together(&[
            n_bytes_of::<F64x8>(&[shape.n_inputs + 1, n_unit_vectors]),
            n_bytes_of::<F64x8>(&[shape.n_hidden + 1, n_class_vectors]),
        ])
    }

    /// Takes over other values of the same shape, in chunks of at most `max_chunk` rows of W1.
    pub fn copy_from(&mut self, parameters: &Parameters, max_chunk: usize) {
        let (n_unit_vectors, n_class_vectors) = vectors(self.shape);
        let NetworkShape { n_inputs, n_hidden, n_classes } = self.shape;
        let values = parameters.values().as_slice().expect("flat parameters are contiguous");
        let (w1, w2) = values.split_at(self.shape.offsets().w2);
        for_each_chunk((0..n_inputs + 1, RowsMut::new(&mut self.w1, n_unit_vectors)), max_chunk, &|(rows, packed)| {
            pack_rows(&w1[rows.start * n_hidden..rows.end * n_hidden], n_hidden, packed);
        });
        pack_rows(w2, n_classes, RowsMut::new(&mut self.w2, n_class_vectors));
    }

    /// How many hidden units there are, H.
    pub fn n_hidden(&self) -> usize {
        self.shape.n_hidden
    }

    /// The number at a coordinate of the flat order, to read or to move.
    pub fn parameter(&mut self, coordinate: usize) -> &mut f64 {
        let (vector, lane) = self.place(coordinate);
        let rows = if coordinate < self.shape.offsets().w2 { &mut self.w1 } else { &mut self.w2 };
        &mut rows[vector].0[lane]
    }

    /// The value of a coordinate of the flat order.
    pub fn value(&self, coordinate: usize) -> f64 {
        let (vector, lane) = self.place(coordinate);
        let rows = if coordinate < self.shape.offsets().w2 { &self.w1 } else { &self.w2 };
        rows[vector].0[lane]
    }

    /// The vector of its matrix that a coordinate is in, and where in it.
    fn place(&self, coordinate: usize) -> (usize, usize) {
        let (n_unit_vectors, n_class_vectors) = vectors(self.shape);
        let w2_begin = self.shape.offsets().w2;
        let (n_vectors, row_len, within) = if coordinate < w2_begin {
            (n_unit_vectors, self.shape.n_hidden, coordinate)
        } else {
            (n_class_vectors, self.shape.n_classes, coordinate - w2_begin)
        };
        let (row, column) = (within / row_len, within % row_len);
        (row * n_vectors + column / LANES, column % LANES)
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

/// How many vectors the hidden units and the classes take.
pub(super) fn vectors(shape: NetworkShape) -> (usize, usize) {
    (shape.n_hidden.div_ceil(LANES), shape.n_classes.div_ceil(LANES))
}
