//! What can be wrong with a picture.

use std::io;

/// Pictures with more rows or more columns than this are refused: one of this size takes 200 MB while it is read.
pub(super) const MAX_SIZE: u32 = 4096;
/// Longer files of JPEG are refused: a picture of the largest size takes 20 MB in the quality of a camera.
pub(super) const MAX_JPEG_BYTES: u64 = 64 << 20;

/// What can be wrong with a picture. Whoever opened the file knows its name and says it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The reader failed.
    #[error("it can't be read: {0}")]
    Read(io::Error),
    /// The picture ends early.
    #[error("the picture is cut off: expected a whole PNG or JPEG file")]
    Truncated,
    /// It is neither of the kinds that are read, but what is said here.
    #[error("expected a PNG or JPEG picture, found {0}")]
    NoPicture(String),
    /// It is not what its first bytes promise: which kind of picture, and what is wrong.
    #[error("the {0} picture is damaged: {1}")]
    Damaged(&'static str, String),
    /// A rare kind of JPEG.
    #[error("this kind of JPEG is not read ({0}); save the picture as PNG")]
    Unsupported(String),
    /// The file is longer than any digit needs.
    #[error("expected a JPEG file of at most {} MB; scale the picture down", MAX_JPEG_BYTES >> 20)]
    TooLong,
    /// The picture is larger than any digit needs.
    #[error("expected a picture of at most {MAX_SIZE} × {MAX_SIZE} pixels, found {0} × {1}; scale it down")]
    TooLarge(u32, u32),
    /// Nothing is drawn.
    #[error("expected a digit, dark on light or light on dark, found a picture of one shade")]
    Blank,
}
