//! A picture of a digit, from anywhere, made into what the pictures of MNIST are.
//!
//! MNIST's digits are white on black. Each was scaled to fit a box of 20 × 20 pixels with its proportions kept and its
//! edges smoothed, and the box was placed so that the centre of mass is at the centre of 28 × 28 pixels.
//!
//! Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", section "file formats".

mod error;
mod file;
mod orientation;

use std::io::{BufRead, Seek};
use std::ops::Range;

use ndarray::{Array2, ArrayRef2, Axis, s};

use super::samples::BYTE_AS_FRACTION;
pub use error::PictureError;
use file::Picture;

/// Rows and columns of MNIST's pictures.
const SIZE: usize = 28;
/// Rows and columns of the box that each digit fits.
const BOX: usize = 20;
/// Paper and ink differ by at least this much, where black and white differ by 1. Less is taken for no ink.
const MIN_CONTRAST: f64 = 1.0 / 16.0;
/// A pixel belongs to the digit from this much of the darkest ink on: paper is never all of one shade.
const MIN_INK: f64 = 0.2;

/// Reads a PNG or JPEG picture of one digit, of any size and with any kind of colours, and makes it one of MNIST's: 28 × 28
/// pixels, white on black, scaled and centred as they are.
///
/// The shade in the middle of those along the edge is taken for the paper's, and what differs most from it for ink, so
/// that either may be the darker one. What is transparent is seen on white or, if nothing shows there, on black.
///
/// # Errors
/// [`PictureError`].
pub fn digit_from_picture(reader: impl BufRead + Seek) -> Result<Array2<f64>, PictureError> {
    let picture = Picture::read(reader)?;
    let ink = ink(picture.seen_on(1.0)).or_else(|| ink(picture.seen_on(0.0))).ok_or(PictureError::Blank)?;
    Ok(as_in_mnist(&ink))
}

/// How much ink there is on each pixel, 0 (paper) to 1 (the most there is); `None` where there is none anywhere.
fn ink(mut shades: Array2<f64>) -> Option<Array2<f64>> {
    let (last_row, last_column) = (shades.nrows() - 1, shades.ncols() - 1);
    let edges = [shades.row(0), shades.row(last_row), shades.column(0), shades.column(last_column)];
    let mut edge: Vec<f64> = edges.iter().flatten().copied().collect();
    let middle = edge.len() / 2;
    let paper = *edge.select_nth_unstable_by(middle, f64::total_cmp).1;

    shades -= paper;
    let (darker, lighter) = shades.iter().fold((0.0_f64, 0.0_f64), |(low, high), &x| (low.min(x), high.max(x)));
    let contrast = if -darker >= lighter { darker } else { lighter };
    (contrast.abs() >= MIN_CONTRAST).then(|| shades.mapv_into(|shade| (shade / contrast).max(0.0)))
}

/// Scales and centres a digit as MNIST's are.
fn as_in_mnist(ink: &ArrayRef2<f64>) -> Array2<f64> {
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
