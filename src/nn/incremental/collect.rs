//! From the sums over blocks of samples to the differences, in their slots among those of the whole layer.

use ndarray::{ArrayViewMut2, Axis};

use super::super::lanes::simd::{Arithmetic, F64x8, Kernel, LANES};
use super::super::lanes::split::Split;

/// The slots of a layer's coordinates, a row for each input, cut into those of eight units: eight columns of the weights into
/// the units, eight rows of those out of them.
pub(super) struct VectorsMut<'a> {
    pub slots: ArrayViewMut2<'a, f64>,
    axis: Axis,
    /// The last vector may have fewer than eight units, or none.
    n_vectors: usize,
}

impl<'a> VectorsMut<'a> {
    /// Of a layer's `slots`, with the units along `axis`.
    pub fn new(slots: &'a mut [f64], (n_rows, n_columns): (usize, usize), axis: Axis, n_vectors: usize) -> Self {
        let slots = ArrayViewMut2::from_shape((n_rows, n_columns), slots).expect("a slot for each coordinate");
        Self { slots, axis, n_vectors }
    }
}

impl Split for VectorsMut<'_> {
    fn n_items(&self) -> usize {
        self.n_vectors
    }

    fn split(self, n: usize) -> (Self, Self) {
        let Self { slots, axis, n_vectors } = self;
        let n_units = (n * LANES).min(slots.len_of(axis));
        let (left, right) = slots.split_at(axis, n_units);
        (Self { slots: left, axis, n_vectors: n }, Self { slots: right, axis, n_vectors: n_vectors - n })
    }
}

/// Adds up the blocks' sums of one vector of units, in the order of the blocks, and scales them into their slots.
pub(super) struct Collect<'s, 'a> {
    /// (blocks, `n_sums`).
    pub sums: &'s [F64x8],
    pub n_sums: usize,
    pub scale: f64,
    /// (D + 1, units).
    pub into_units: VectorsMut<'a>,
    /// (units, K), the bias's unit among them; of no slots below the last hidden layer.
    pub out_of_units: VectorsMut<'a>,
}

impl Kernel for Collect<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { sums, n_sums, scale, mut into_units, mut out_of_units } = self;
        let scale = F64x8::splat(scale);
        let (sums, later_blocks) = sums.split_at(n_sums);
        let n_rows = into_units.slots.nrows();
        for (input, slots) in into_units.slots.outer_iter_mut().enumerate() {
            let total = total(sums, later_blocks, input) * scale;
            let slots = slots.into_slice().expect("the units of a row follow one another");
            match slots.as_chunks_mut() {
                ([all], []) => *all = total.0,
                _ => slots.iter_mut().zip(total.0).for_each(|(slot, total)| *slot = total),
            }
        }
        for (class, mut slots) in out_of_units.slots.columns_mut().into_iter().enumerate() {
            let total = total(sums, later_blocks, n_rows + class) * scale;
            for (slot, total) in slots.iter_mut().zip(total.0) {
                *slot = total;
            }
        }
    }
}

/// The sum of a row over all blocks, in their order. No closure: not every profile inlines those, and calls cost more than it all.
#[inline(always)]
fn total(first_block: &[F64x8], later_blocks: &[F64x8], row: usize) -> F64x8 {
    let mut total = first_block[row];
    for sums in later_blocks.chunks_exact(first_block.len()) {
        total = total + sums[row];
    }
    total
}
