//! A picture of a digit, from anywhere, made into what the pictures of MNIST are.
//!
//! A file becomes shades ([`file`]), the digit is told from the paper and from what else there is ([`digit`]), and brought
//! into the form of MNIST's ([`mnist_form`]).

mod digit;
mod doubt;
mod error;
mod file;
mod grid;
mod lines;
mod mnist_form;
mod orientation;
mod parts;

use std::io::{BufRead, Seek};

use ndarray::Array2;

pub use doubt::Doubt;
pub use error::PictureError;
use file::Picture;

/// A digit as MNIST's are.
#[derive(Clone, Debug)]
pub struct DigitPicture {
    /// 28 × 28 pixels from 0 (paper) to 1 (ink), scaled and centred.
    pub pixels: Array2<f64>,
    /// What makes it doubtful that this is one digit; mostly nothing.
    pub doubts: Vec<Doubt>,
}

/// Reads a PNG or JPEG picture of one digit, of any size and with any kind of colours, and makes it one of MNIST's: 28 × 28
/// pixels, white on black, scaled and centred as they are.
///
/// Ink is what differs from the paper around it, be it darker or lighter, and is narrow: shadows and a table beside the
/// paper are none. The lines of ruled paper and what else reaches the border are left out where a digit stands apart from
/// them. What is transparent is seen on white or, if nothing shows there, on black.
///
/// # Errors
/// [`PictureError`]. A picture that shows something else than one digit is none, but has [`DigitPicture::doubts`].
pub fn digit_from_picture(reader: impl BufRead + Seek) -> Result<DigitPicture, PictureError> {
    let picture = Picture::read(reader)?;
    let found = digit::find(&picture.seen_on(1.0)).or_else(|| digit::find(&picture.seen_on(0.0)));
    let digit::Found { ink, doubts } = found.ok_or(PictureError::Blank)?;
    Ok(DigitPicture { pixels: mnist_form::as_in_mnist(&ink), doubts })
}
