//! From the sums over blocks of samples to the differences of a range of coordinates.

use std::ops::Range;

use super::super::parameters::NetworkShape;
use super::super::simd::{Arithmetic, Kernel, LANES};
use super::partial_sums::PartialSums;

/// Adds up the blocks' sums of a range of coordinates and scales them into `out`.
pub(super) struct Collect<'a> {
    pub shape: NetworkShape,
    pub sums: &'a PartialSums,
    pub coordinates: Range<usize>,
    pub scale: f64,
    pub out: &'a mut [f64],
}

impl Kernel for Collect<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) {
        let NetworkShape { n_inputs, n_hidden, n_classes } = self.shape;
        let Range { start, end } = self.coordinates;
        let w2_begin = self.shape.offsets().w2;
        // W1 and b1: one row of H coordinates an input, eight of them a vector. Vector by vector, because the sums of one
        // lie together.
        for first in (0..n_hidden).step_by(LANES) {
            let n_units = (n_hidden - first).min(LANES);
            for input in start / n_hidden..end.min(w2_begin).div_ceil(n_hidden) {
                let sums = self.sums.input(input, first / LANES);
                self.put(input * n_hidden + first, 1, &sums.0[..n_units]);
            }
        }
        // W2 and b2: one row of K coordinates a unit, so the eight of a vector are K apart.
        let units = start.saturating_sub(w2_begin) / n_classes..end.saturating_sub(w2_begin).div_ceil(n_classes);
        for first in (units.start / LANES * LANES..units.end).step_by(LANES) {
            for class in 0..n_classes {
                let sums = self.sums.score(class, first / LANES, n_inputs);
                let n_units = (n_hidden + 1 - first).min(LANES);
                self.put(w2_begin + first * n_classes + class, n_classes, &sums.0[..n_units]);
            }
        }
    }
}

impl Collect<'_> {
    /// Scales sums into the slots of coordinates from `first` on, `stride` apart; those outside the range are dropped.
    #[inline(always)]
    fn put(&mut self, first: usize, stride: usize, sums: &[f64]) {
        let Range { start, end } = self.coordinates;
        if stride == 1 && first >= start && first + sums.len() <= end {
            for (slot, sum) in self.out[first - start..].iter_mut().zip(sums) {
                *slot = sum * self.scale;
            }
            return;
        }
        for (i, sum) in sums.iter().enumerate() {
            // Wrapping below the start gives an index that is out of range too.
            if let Some(slot) = self.out.get_mut((first + i * stride).wrapping_sub(start)) {
                *slot = sum * self.scale;
            }
        }
    }
}
