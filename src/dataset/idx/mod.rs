//! The IDX format of MNIST: a header of big-endian 32-bit numbers, then the pixels or labels, usually one byte each.
//!
//! | images | labels |
//! | --- | --- |
//! | magic 2051 | magic 2049 |
//! | number of images | number of labels |
//! | rows | |
//! | columns | |
//! | pixels, image by image, row by row, 0 to 255 | labels |
//!
//! The magic number's third byte tells the type of the numbers (8 is unsigned bytes) and its fourth how many dimensions
//! there are. Other types and dimensions are read where their meaning is plain: whole numbers and fractions as pixels, pictures
//! with a channel of their own or as rows of a square's pixels, labels as rows with a single 1, QMNIST's rows of eight.
//!
//! Files are plain or compressed by gzip; which of the two is found out from the first bytes. A header is never taken at
//! its word: memory grows with the data that is really there, and compressed data that expands beyond all that pictures
//! do is refused before it fills the memory.

mod content;
mod error;
mod header;

use std::io::Read;

use self::content::Content;
use self::header::{Element, Header};
use super::numbers::{EXPECTED_PIXELS, LabelRows, Shades, label};

pub(super) use self::content::Bounds;
pub use self::error::IdxError;
pub use self::header::Kind;
pub(super) use self::header::pictures;

/// Pictures of one size, one byte a pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// All pixels, image by image and row by row: `n_images * n_rows * n_columns` of them.
    pub pixels: Vec<u8>,
    /// How many images there are, at least one.
    pub n_images: usize,
    /// The height of every image, at least one pixel.
    pub n_rows: usize,
    /// The width of every image, at least one pixel.
    pub n_columns: usize,
}

impl Images {
    /// Rows and columns of every image.
    pub fn size(&self) -> (usize, usize) {
        (self.n_rows, self.n_columns)
    }
}

/// Reads a whole file of images, plain or gzip.
///
/// # Errors
/// [`IdxError`] if the data are not exactly one complete, non-empty file of images.
///
/// ```
/// let file = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 255]; // one image of 1 × 2 pixels
/// let images = numgrad::dataset::idx::read_images(&file[..])?;
/// assert_eq!(images.pixels, [7, 255]);
/// # Ok::<(), numgrad::dataset::idx::IdxError>(())
/// ```
pub fn read_images(reader: impl Read) -> Result<Images, IdxError> {
    ImageReader::new(reader, Bounds::NONE)?.read()
}

/// Reads a whole file of labels, plain or gzip.
///
/// # Errors
/// [`IdxError`] if the data are not exactly one complete, non-empty file of labels.
///
/// ```
/// let file = [0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4];
/// assert_eq!(numgrad::dataset::idx::read_labels(&file[..])?, [5, 0, 4]);
/// # Ok::<(), numgrad::dataset::idx::IdxError>(())
/// ```
pub fn read_labels(reader: impl Read) -> Result<Vec<u8>, IdxError> {
    LabelReader::new(reader, Bounds::NONE)?.read()
}

/// A file of labels of which only the header has been read.
pub(super) struct LabelReader<R: Read> {
    content: Content<R>,
    header: Header,
    pub(super) n_labels: usize,
}

impl<R: Read> LabelReader<R> {
    pub(super) fn new(reader: R, bounds: Bounds) -> Result<Self, IdxError> {
        let mut content = Content::new(reader, bounds)?;
        let header = content.read_header(Kind::Labels)?;
        Ok(Self { content, n_labels: header.dimensions[0], header })
    }

    /// What is wrong with the compressed data, where that is why a header contradicts another file.
    pub(super) fn damage(&mut self) -> Option<IdxError> {
        self.content.damage()
    }

    pub(super) fn read(self) -> Result<Vec<u8>, IdxError> {
        let Self { mut content, header, n_labels } = self;
        let labels = Self::read_labels(&mut content, &header, n_labels);
        labels.map_err(|error| content.blame(error))
    }

    fn read_labels(content: &mut Content<R>, header: &Header, n_labels: usize) -> Result<Vec<u8>, IdxError> {
        let Header { element, ref dimensions } = *header;
        let width = dimensions.get(1).copied();
        let promised = || width.map_or(format!("{n_labels} labels"), |width| format!("{n_labels} × {width} labels"));
        if n_labels == 0 || width == Some(0) {
            return Err(IdxError::Empty(promised()));
        }
        let Some(width) = width else {
            if element == Element::UnsignedByte {
                return content.read_body(Some(n_labels), promised);
            }
            let mut labels = Vec::new();
            content.read_numbers(
                element,
                Some(n_labels),
                promised,
                |number| {
                    labels.push(label(number)?);
                    Some(())
                },
                "whole numbers from 0 to 255",
            )?;
            return Ok(labels);
        };
        let mut rows = LabelRows::new(width);
        let n_numbers = n_labels.checked_mul(width);
        let mut push = |number| {
            rows.push(number);
            Some(())
        };
        content.read_numbers(element, n_numbers, promised, &mut push, "numbers")?;
        rows.into_labels().ok_or_else(|| IdxError::LabelRows { found: header.to_string() })
    }
}

/// A file of images of which only the header has been read: what it promises can be compared with what is wanted
/// before its pixels take memory.
pub(super) struct ImageReader<R: Read> {
    content: Content<R>,
    element: Element,
    pub(super) n_images: usize,
    n_rows: usize,
    n_columns: usize,
}

impl<R: Read> ImageReader<R> {
    pub(super) fn new(reader: R, bounds: Bounds) -> Result<Self, IdxError> {
        let mut content = Content::new(reader, bounds)?;
        let header = content.read_header(Kind::Images)?;
        let [n_images, n_rows, n_columns] = pictures(&header.dimensions).expect("the header is that of images");
        Ok(Self { content, element: header.element, n_images, n_rows, n_columns })
    }

    /// What is wrong with the compressed data, where that is why a header contradicts another file.
    pub(super) fn damage(&mut self) -> Option<IdxError> {
        self.content.damage()
    }

    pub(super) fn read(mut self) -> Result<Images, IdxError> {
        self.read_images().map_err(|error| self.content.blame(error))
    }

    fn read_images(&mut self) -> Result<Images, IdxError> {
        let Self { ref mut content, element, n_images, n_rows, n_columns } = *self;
        let promised = || format!("{n_images} images of {n_rows} × {n_columns} pixels");
        if n_images == 0 || n_rows == 0 || n_columns == 0 {
            return Err(IdxError::Empty(promised()));
        }
        let n_pixels = n_images.checked_mul(n_rows).and_then(|n| n.checked_mul(n_columns));
        let pixels = if element == Element::UnsignedByte {
            content.read_body(n_pixels, promised)?
        } else {
            let mut shades = Shades::default();
            content.read_numbers(element, n_pixels, promised, |pixel| shades.push(pixel), EXPECTED_PIXELS)?;
            shades.into_bytes()
        };
        Ok(Images { pixels, n_images, n_rows, n_columns })
    }
}
