//! Batches in single precision, as most programs that read images have them: read where they lie, with half the bytes to read.

use ndarray::ArrayView2;

use super::super::lanes::sparse::{Rows, nonzero_into};

impl Rows for ArrayView2<'_, f32> {
    fn dim(&self) -> (usize, usize) {
        (self.nrows(), self.ncols())
    }

    fn nonzero_into(&self, sample: usize, out: &mut [(u32, f64)]) -> usize {
        let row = self.row(sample);
        match row.to_slice() {
            Some(values) => nonzero_into(values, f64::from, out),
            None => nonzero_into(&row.to_vec(), f64::from, out),
        }
    }
}
