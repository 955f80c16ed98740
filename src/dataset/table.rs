//! Kaggle's tables of digits: a CSV file whose rows are a label and the pixels of a square.
//!
//! `label,pixel0,pixel1,…` or no header; numbers of any kind that pixels can be, as in IDX files. The label stands first, or in the
//! column that is called so.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use thiserror::Error;

use super::idx::Images;
use super::numbers::{EXPECTED_PIXELS, Shades, label};

/// No longer line is read: a picture of 2,000 × 2,000 pixels has one of 16 MB.
const MAX_LINE: u64 = 32 << 20;
/// How much of a field an error shows.
const MAX_SHOWN: usize = 20;

/// What can be wrong with a table of labels and pixels. Whoever opened the file knows its name and says it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The reader failed, or its data are damaged.
    #[error("it can't be read: {0}")]
    Read(io::Error),
    /// There are no samples.
    #[error("it is empty: expected rows of a label and pixels")]
    Empty,
    /// The header names no label.
    #[error(
        "its header has no column \"label\": the labels are not in it (Kaggle keeps those of its test set to itself)"
    )]
    NoLabel,
    /// The rows are not those of pictures.
    #[error("expected rows of a label and the pixels of a square, as 784 for 28 × 28, found {0} columns")]
    Columns(usize),
    /// A line has another number of columns than the first.
    #[error("line {line}: expected {expected} columns as in the first, found {found}")]
    Width {
        /// The line, counted from 1.
        line: usize,
        /// The columns of the first line.
        expected: usize,
        /// The columns of this one.
        found: usize,
    },
    /// A field is no label or pixel.
    #[error("line {line}, column {column}: expected {expected}, found \"{found}\"")]
    Field {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A line is longer than that of any picture.
    #[error("line {0} is longer than 32 MiB: expected a line for each picture")]
    Line(usize),
    /// The content is longer than what may be held in memory.
    #[error("line {line}: expected pictures of at most {max_bytes} bytes of memory, found more")]
    TooLarge {
        /// The line, counted from 1.
        line: usize,
        /// How many bytes the pixels may take.
        max_bytes: u64,
    },
}

/// Reads a table of pictures and labels, plain or compressed by gzip.
///
/// # Errors
/// [`TableError`] if the rows are not a label and the pixels of a square.
///
/// ```
/// let table = "label,pixel0,pixel1,pixel2,pixel3\n7,0,255,3,4\n1,9,8,7,6\n";
/// let (images, labels) = numgrad::dataset::read_table(table.as_bytes())?;
/// assert_eq!((images.size(), labels), ((2, 2), vec![7, 1]));
/// # Ok::<(), numgrad::dataset::TableError>(())
/// ```
pub fn read_table(reader: impl BufRead) -> Result<(Images, Vec<u8>), TableError> {
    read_within(reader, u64::MAX)
}

/// As [`read_table`], of pixels that may take `max_bytes`.
pub(super) fn read_within(mut reader: impl BufRead, max_bytes: u64) -> Result<(Images, Vec<u8>), TableError> {
    let is_gzip = reader.fill_buf().map_err(TableError::Read)?.starts_with(&[0x1f, 0x8b]);
    if is_gzip {
        read_lines(BufReader::new(MultiGzDecoder::new(reader)), max_bytes)
    } else {
        read_lines(reader, max_bytes)
    }
}

fn read_lines(mut reader: impl BufRead, max_bytes: u64) -> Result<(Images, Vec<u8>), TableError> {
    let (mut shades, mut labels) = (Shades::default(), Vec::new());
    let mut form: Option<(usize, usize)> = None;
    let mut n_pixels = 0_u64;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let n_read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(TableError::Read)?;
        if n_read == 0 {
            break;
        }
        if n_read as u64 == MAX_LINE {
            return Err(TableError::Line(number));
        }
        let text = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1).unwrap_or(&line).trim_ascii();
        if text.is_empty() {
            continue;
        }
        let is_first = form.is_none();
        let separator = |byte: &u8| *byte == b',' || *byte == b';';
        let n_columns = 1 + text.iter().filter(|byte| separator(byte)).count();
        let (width, label_at) = match form {
            Some(form) => form,
            None => (n_columns, label_column(text.split(separator)).ok_or(TableError::NoLabel)?),
        };
        if n_columns != width {
            return Err(TableError::Width { line: number, expected: width, found: n_columns });
        }
        if is_first {
            side(width - 1).ok_or(TableError::Columns(width))?;
            form = Some((width, label_at));
            let is_header = text.split(separator).any(is_name);
            if is_header {
                continue;
            }
        }
        n_pixels += width as u64 - 1;
        if n_pixels > max_bytes {
            return Err(TableError::TooLarge { line: number, max_bytes });
        }
        for (column, field) in text.split(separator).enumerate() {
            let parsed = parse(field);
            let (taken, expected) = if column == label_at {
                (parsed.and_then(label).map(|label| labels.push(label)), "a label from 0 to 255")
            } else {
                (parsed.and_then(|pixel| shades.push(pixel)), EXPECTED_PIXELS)
            };
            taken.ok_or_else(|| TableError::Field {
                line: number,
                column: column + 1,
                expected,
                found: String::from_utf8_lossy(field).chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect(),
            })?;
        }
    }
    let Some(side) = form.and_then(|(width, _)| side(width - 1)).filter(|_| !labels.is_empty()) else {
        return Err(TableError::Empty);
    };
    let images = Images { pixels: shades.into_bytes(), n_images: labels.len(), n_rows: side, n_columns: side };
    Ok((images, labels))
}

/// Where the label stands: first where the fields are numbers; `None` where they are names and none is `label` or `class`.
fn label_column<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Option<usize> {
    let fields: Vec<&[u8]> = fields.map(bare).collect();
    let is_label = |name: &&[u8]| ["label", "class"].iter().any(|label| name.eq_ignore_ascii_case(label.as_bytes()));
    if fields.iter().any(|field| is_name(field)) { fields.iter().position(is_label) } else { Some(0) }
}

/// Whether a field is the name of a column: no number, be it NaN, and not empty.
fn is_name(field: &[u8]) -> bool {
    let field = bare(field);
    let is_number = std::str::from_utf8(field).is_ok_and(|text| text.parse::<f64>().is_ok());
    !field.is_empty() && !is_number
}

/// The side of a square of this many pixels.
fn side(n_pixels: usize) -> Option<usize> {
    let side = n_pixels.isqrt();
    (n_pixels > 0 && side * side == n_pixels).then_some(side)
}

/// A field without blanks and quotation marks around it.
fn bare(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field)
}

fn parse(field: &[u8]) -> Option<f64> {
    let field = bare(field);
    // Nearly all fields are short whole numbers.
    match field {
        [] => None,
        digits if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => {
            Some(digits.iter().fold(0, |number, digit| 10 * number + u32::from(digit - b'0')).into())
        }
        other => std::str::from_utf8(other).ok()?.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}
