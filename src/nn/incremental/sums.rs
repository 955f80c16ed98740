//! The second pass of a gradient: for each parameter, the contributions of all samples, in the order of the samples.

use std::ops::Range;

use super::super::packed::{BLOCK_INPUTS, vectors, with_panel_width};
use super::super::simd::{Arithmetic, F64x8, Kernel, LANES};
use super::super::two_layer::NetworkShape;
use super::batch::Batch;
use super::forward::unit_vectors;
use super::tables::Tables;

/// How many classes are summed at a time.
const CLASSES_AT_ONCE: usize = 16;

/// The differences of a range of coordinates, from filled tables.
pub(super) struct Sums<'a> {
    pub batch: &'a Batch,
    pub shape: NetworkShape,
    pub tables: &'a Tables,
    pub coordinates: Range<usize>,
    /// What each sum is multiplied by.
    pub scale: f64,
    pub out: &'a mut [f64],
}

impl Kernel for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) {
        let NetworkShape { n_hidden, n_classes, .. } = self.shape;
        let w2_begin = self.shape.offsets().w2;
        let Range { start, end } = self.coordinates;
        let n_vectors = vectors(self.shape).0;
        if start < w2_begin {
            let inputs = start / n_hidden..end.min(w2_begin).div_ceil(n_hidden);
            for block in inputs.start / BLOCK_INPUTS..inputs.end.div_ceil(BLOCK_INPUTS) {
                let mut vector = 0;
                while vector < n_vectors {
                    vector += with_panel_width!(n_vectors - vector, sum_inputs::<A>(&mut self, block, vector));
                }
            }
        }
        if end > w2_begin {
            let units = (start.max(w2_begin) - w2_begin) / n_classes..(end - w2_begin).div_ceil(n_classes);
            for vector in units.start / LANES..units.end.div_ceil(LANES) {
                for first_class in (0..n_classes).step_by(CLASSES_AT_ONCE) {
                    sum_units(&mut self, vector, first_class);
                }
            }
        }
    }
}

/// The sums of one block of inputs, the rows of W1 and b1, through `V` vectors of hidden units from `first` on; returns V.
#[inline(always)]
fn sum_inputs<A: Arithmetic, const V: usize>(sums: &mut Sums, block: usize, first: usize) -> usize {
    let Sums { batch, tables, shape, .. } = *sums;
    let n_vectors = vectors(shape).0;
    let mut rows = [[F64x8::ZERO; V]; BLOCK_INPUTS];
    for n in 0..batch.classes.len() {
        let table = &tables.w1[batch.value_ends[n] * n_vectors..batch.value_ends[n + 1] * n_vectors];
        let places = batch.inputs.places(n, block..block + 1);
        for (&(input, _), &value) in batch.inputs.at(places.clone()).iter().zip(&batch.value_of_input[places]) {
            let changes = &table[value as usize * n_vectors + first..][..V];
            for (sum, &change) in rows[input as usize % BLOCK_INPUTS].iter_mut().zip(changes) {
                *sum = *sum + change;
            }
        }
    }
    let n_units = (shape.n_hidden - first * LANES).min(V * LANES);
    let n_inputs = (shape.n_inputs + 1 - block * BLOCK_INPUTS).min(BLOCK_INPUTS);
    for (input, row) in rows[..n_inputs].iter().enumerate() {
        let coordinate = (block * BLOCK_INPUTS + input) * shape.n_hidden + first * LANES;
        sums.put(coordinate, 1, &F64x8::as_lanes(row)[..n_units]);
    }
    V
}

/// The sums of one vector of units, rows of W2 and b2, through up to 16 scores from `first_class` on.
#[inline(always)]
fn sum_units(sums: &mut Sums, vector: usize, first_class: usize) {
    let Sums { batch, tables, shape, .. } = *sums;
    let n_vectors = unit_vectors(shape);
    let n_classes = (shape.n_classes - first_class).min(CLASSES_AT_ONCE);
    let mut columns = [F64x8::ZERO; CLASSES_AT_ONCE];
    for table in tables.w2.chunks_exact(shape.n_classes * n_vectors).take(batch.classes.len()) {
        let changes = table[first_class * n_vectors..].chunks_exact(n_vectors);
        for (sum, changes) in columns[..n_classes].iter_mut().zip(changes) {
            *sum = *sum + changes[vector];
        }
    }
    let n_units = (shape.n_hidden + 1 - vector * LANES).min(LANES);
    for (k, column) in columns[..n_classes].iter().enumerate() {
        let coordinate = shape.offsets().w2 + vector * LANES * shape.n_classes + first_class + k;
        sums.put(coordinate, shape.n_classes, &column.0[..n_units]);
    }
}

impl Sums<'_> {
    /// Scales sums into the slots of coordinates from `first` on, `stride` apart; those outside the range are dropped.
    #[inline(always)]
    fn put(&mut self, first: usize, stride: usize, sums: &[f64]) {
        for (i, sum) in sums.iter().enumerate() {
            let slot = (first + i * stride).wrapping_sub(self.coordinates.start);
            if let Some(slot) = self.out.get_mut(slot) {
                *slot = sum * self.scale;
            }
        }
    }
}
