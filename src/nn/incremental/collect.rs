//! From the sums over blocks of samples to the differences of a range of coordinates.

use std::ops::Range;

use super::super::lanes::simd::{Arithmetic, Kernel, LANES};
use super::super::shape::NetworkShape;
use super::layer_sums::Sums;

/// Adds up the blocks' sums of a range of coordinates and scales them into `out`.
pub(super) struct Collect<'a> {
    pub shape: &'a NetworkShape,
    pub sums: &'a Sums,
    pub coordinates: Range<usize>,
    pub scale: f64,
    pub out: &'a mut [f64],
}

impl Kernel for Collect<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) {
        let Range { start, end } = self.coordinates;
        for layer in self.shape.layers() {
            let within = start.max(layer.begin)..end.min(layer.end());
            if within.is_empty() {
                continue;
            }
            // One row of coordinates for each input, the bias's last.
            let rows = (within.start - layer.begin) / layer.n_units..(within.end - layer.begin).div_ceil(layer.n_units);
            if layer.number < self.shape.n_layers() {
                // Eight units of a row are a vector. Vector by vector, because the sums of one lie together.
                let sums = self.sums.layer(layer.number - 1);
                for first in (0..layer.n_units).step_by(LANES) {
                    let n_units = (layer.n_units - first).min(LANES);
                    for input in rows.clone() {
                        let sums = sums.input(input, first / LANES);
                        self.put(layer.begin + input * layer.n_units + first, 1, &sums.0[..n_units]);
                    }
                }
            } else {
                // A row of K coordinates for each unit of the last hidden layer, so the eight of a vector are K apart.
                let (n_hidden, n_classes) = (layer.n_inputs, layer.n_units);
                let n_inputs = self.shape.layer(layer.number - 1).n_inputs;
                let sums = self.sums.layer(layer.number - 2);
                for first in (rows.start / LANES * LANES..rows.end).step_by(LANES) {
                    for class in 0..n_classes {
                        let sums = sums.score(class, first / LANES, n_inputs);
                        let n_units = (n_hidden + 1 - first).min(LANES);
                        self.put(layer.begin + first * n_classes + class, n_classes, &sums.0[..n_units]);
                    }
                }
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
