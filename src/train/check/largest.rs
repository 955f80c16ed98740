//! The largest of several numbers, which is NaN where one of them is: a check must not pass over it.

use ndarray::ArrayView1;

/// The largest number without its sign; NaN where one of them is.
pub(super) fn largest(values: ArrayView1<f64>) -> f64 {
    max(values.iter().map(|value| value.abs()))
}

/// The largest number; NaN where one of them is.
pub(super) fn max(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |max: f64, value| if value > max || value.is_nan() { value } else { max })
}
