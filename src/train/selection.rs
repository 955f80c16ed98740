//! Samples as the network takes them: the one place that knows how a data set keeps its inputs and how a network reads a
//! batch.

use crate::dataset::{BYTE_AS_FRACTION, SampleInputs, Samples};
use crate::nn::simd::prefetch;
use crate::nn::{Rows, nonzero_into, nonzero_of_row_into};

/// Some samples of a set, in this order, read where they lie: no array of them is made.
pub(super) struct Selection<'a> {
    pub samples: &'a Samples,
    pub indices: &'a [usize],
}

impl Rows for Selection<'_> {
    fn dim(&self) -> (usize, usize) {
        (self.indices.len(), self.samples.input_size())
    }

    fn nonzero_into(&self, sample: usize, out: &mut [(u32, f64)]) -> usize {
        match self.samples.inputs_of(self.indices[sample]) {
            SampleInputs::Values(values) => nonzero_of_row_into(values, out),
            SampleInputs::Pixels(pixels) => nonzero_into(pixels, |pixel| BYTE_AS_FRACTION[usize::from(pixel)], out),
        }
    }

    /// Samples drawn by chance are seldom in the cache, and waiting for one after another costs more than all else that is
    /// done with them.
    fn prefetch(&self, sample: usize) {
        if let SampleInputs::Pixels(pixels) = self.samples.inputs_of(self.indices[sample]) {
            prefetch(pixels);
        }
    }
}
