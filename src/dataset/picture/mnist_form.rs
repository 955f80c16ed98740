//! A digit in the form of MNIST's: scaled to fit a box of 20 × 20 pixels with its proportions kept and its edges smoothed,
//! in a picture of 28 × 28 with its centre of mass in the middle.
//!
//! Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", section "file formats".

use std::ops::Range;

use ndarray::{Array2, ArrayRef2, Axis, s};

use super::super::samples::BYTE_AS_FRACTION;
use super::digit::MIN_INK;

/// Rows and columns of MNIST's pictures.
const SIZE: usize = 28;
/// Rows and columns of the box that each digit fits.
const BOX: usize = 20;

/// Scales and centres a digit as MNIST's are.
pub(super) fn as_in_mnist(ink: &ArrayRef2<f64>) -> Array2<f64> {
    let rows = extent(ink, Axis(0));
    let columns = extent(ink, Axis(1));
    let longest = rows.len().max(columns.len()) as f64;
    let n_pixels = |range: &Range<usize>| ((range.len() * BOX) as f64 / longest).round().max(1.0) as usize;
    let (n_rows, n_columns) = (n_pixels(&rows), n_pixels(&columns));
    let digit = averages(n_rows, rows.len())
        .dot(&ink.slice(s![rows, columns.clone()]))
        .dot(&averages(n_columns, columns.len()).t());

    // Thin lines get fainter where a picture is scaled down; there is ink of full strength in every digit of MNIST.
    let most = digit.iter().copied().fold(0.0, f64::max);
    let mut picture = Array2::zeros((SIZE, SIZE));
    let (top, left) = (begin(&digit, Axis(0)), begin(&digit, Axis(1)));
    picture
        .slice_mut(s![top..top + n_rows, left..left + n_columns])
        .assign(&digit.mapv(|ink| BYTE_AS_FRACTION[(255.0 * ink / most).round() as usize]));
    picture
}

/// From the first to the last row (or column) that has enough ink to belong to the digit.
fn extent(ink: &ArrayRef2<f64>, axis: Axis) -> Range<usize> {
    let has_ink = |i: &usize| ink.index_axis(axis, *i).iter().any(|&ink| ink >= MIN_INK);
    let mut inked = (0..ink.len_of(axis)).filter(has_ink);
    let first = inked.next().expect("there is ink of strength 1");
    first..inked.next_back().unwrap_or(first) + 1
}

/// The matrix (`to`, `from`) that stretches or shrinks `from` pixels in a row to `to` pixels. Each is the mean over what it
/// covers, in which a pixel that it covers in part counts in part.
fn averages(to: usize, from: usize) -> Array2<f64> {
    let width = from as f64 / to as f64;
    Array2::from_shape_fn((to, from), |(i, j)| {
        let (begin, j) = (i as f64 * width, j as f64);
        ((begin + width).min(j + 1.0) - begin.max(j)).max(0.0) / width
    })
}

/// Where the rows (or columns) of a digit begin in the picture, for its centre of mass to be in the middle of it. In
/// MNIST's own pictures it lies from 14 to just below 15, so what is left over goes up.
fn begin(digit: &ArrayRef2<f64>, axis: Axis) -> usize {
    let profile = digit.sum_axis(Axis(1 - axis.index()));
    let centre = profile.iter().zip(0..).map(|(ink, i)| ink * (f64::from(i) + 0.5)).sum::<f64>() / profile.sum();
    let latest = SIZE - profile.len();
    ((SIZE as f64 / 2.0 - centre).ceil().max(0.0) as usize).min(latest)
}
