//! Kaggle's tables of digits: a CSV file whose rows are a label and the pixels of a square.
//!
//! `label,pixel0,pixel1,…` or no header; numbers of any kind that pixels can be, as in IDX files. The label stands first, or in the
//! column that is called so, or `class` or `target`. Fields are parted by commas, semicolons, tabs or blanks.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use thiserror::Error;

use super::idx::Images;
use super::numbers::{EXPECTED_PIXELS, Shades, label};
use crate::files::form::{Form, START_LEN};

/// No longer line is read: a picture of 2,000 × 2,000 pixels has one of 16 MB.
const MAX_LINE: u64 = 32 << 20;
/// Compressed data that are no table are read on for at most this many bytes to find out whether they are damaged.
const MAX_DRAINED: u64 = 1 << 30;
/// Lines that end with CR alone.
const OLD_LINES: &str = "one whose lines end as on old Macintoshes: save it as a CSV file of today";
/// How much of a field an error shows.
const MAX_SHOWN: usize = 20;

/// What can be wrong with a table of labels and pixels. Whoever opened the file knows its name and says it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The reader failed.
    #[error("it can't be read: {0}")]
    Read(io::Error),
    /// The compressed data are damaged: a broken stream, or a check sum that differs.
    #[error("its gzip data are damaged ({0}): download or copy it again")]
    Gzip(io::Error),
    /// It is another kind of file.
    #[error("expected a table of labels and pixels (CSV), found {0}")]
    OtherFile(String),
    /// There are no samples.
    #[error("it is empty: expected rows of a label and pixels")]
    Empty,
    /// The header names no label.
    #[error(
        "its header has no column \"label\" (or \"class\", \"target\", \"y\"): the labels are not in it, as Kaggle keeps those of \
         its test set to itself, or called otherwise; those of a file of their own are to be made a column of this one"
    )]
    NoLabel,
    /// The header names several labels.
    #[error(
        "its header has {0} columns that may be the labels: expected one that is called \"label\", \"class\", \"target\" or \"y\""
    )]
    SeveralLabels(usize),
    /// The column that is taken for the labels is the same in each row.
    #[error(
        "its first column, which is the label where there is no header, is 0 in each row: if the labels stand last, begin the \
         table with a header that calls their column \"label\""
    )]
    SameLabels,
    /// The rows are not those of pictures.
    #[error(
        "expected rows of a label and the pixels of a square, as 1 + 784 for 28 × 28, found {0} columns{hint}",
        hint = of_row_numbers(*.0)
    )]
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

/// What may be the matter with that many columns.
fn of_row_numbers(n_columns: usize) -> &'static str {
    match side(n_columns.saturating_sub(2)) {
        Some(_) => "; numbers of the rows are no pixels (pandas leaves them out by to_csv(…, index=False))",
        None => "",
    }
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
    if reader.fill_buf().map_err(TableError::Read)?.starts_with(&[0x1f, 0x8b]) {
        read_gzip(reader, max_bytes)
    } else {
        read_lines(reader, max_bytes)
    }
}

fn read_gzip(reader: impl BufRead, max_bytes: u64) -> Result<(Images, Vec<u8>), TableError> {
    let mut unpacked = BufReader::new(MultiGzDecoder::new(reader));
    let error = match read_lines(&mut unpacked, max_bytes) {
        Err(error) => error,
        read => return read,
    };
    let damage = match error {
        TableError::Read(damage) => return Err(gzip_error(damage)),
        // Damage shows as wrong numbers before the check sum is reached.
        _ => io::copy(&mut unpacked.take(MAX_DRAINED), &mut io::sink()).err(),
    };
    Err(damage.map_or(error, gzip_error))
}

/// Tells damaged data from a reader that failed: the decoder reports both as errors of reading.
fn gzip_error(error: io::Error) -> TableError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => TableError::Gzip(io::Error::new(error.kind(), "they are cut off")),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => TableError::Gzip(error),
        _ => TableError::Read(error),
    }
}

fn read_lines(mut reader: impl BufRead, max_bytes: u64) -> Result<(Images, Vec<u8>), TableError> {
    let start = reader.fill_buf().map_err(TableError::Read)?;
    match Form::of(&start[..start.len().min(START_LEN)]) {
        Form::Empty => return Err(TableError::Empty),
        Form::Text(_) => {}
        Form::Gzip => return Err(TableError::OtherFile("a file compressed by gzip twice: unpack it once".into())),
        other => return Err(TableError::OtherFile(other.to_string())),
    }
    let line_end = start.iter().position(|&byte| byte == b'\r').filter(|end| end + 1 < start.len());
    if line_end.is_some() && !start.contains(&b'\n') {
        return Err(TableError::OtherFile(OLD_LINES.into()));
    }
    let (mut shades, mut labels) = (Shades::default(), Vec::new());
    let mut columns: Option<Columns> = None;
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
        let text = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1).unwrap_or(&line);
        // Blanks at the beginning may be a column without a name.
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.trim_ascii().is_empty() {
            continue;
        }
        let is_first = columns.is_none();
        let columns = match &mut columns {
            Some(columns) => columns,
            none => none.insert(Columns::of(text)?),
        };
        if is_first && columns.has_names {
            continue;
        }
        let (width, n_fields) = (columns.roles.len(), columns.separator.fields(text).count());
        if n_fields != width {
            return Err(TableError::Width { line: number, expected: width, found: n_fields });
        }
        n_pixels += (columns.side * columns.side) as u64;
        if n_pixels > max_bytes {
            return Err(TableError::TooLarge { line: number, max_bytes });
        }
        for (column, (field, role)) in columns.separator.fields(text).zip(&columns.roles).enumerate() {
            let (taken, expected) = match role {
                Role::Label => (parse(field).and_then(label).map(|label| labels.push(label)), "a label from 0 to 255"),
                Role::Pixel => (parse(field).and_then(|pixel| shades.push(pixel)), EXPECTED_PIXELS),
                Role::Neither => continue,
            };
            taken.ok_or_else(|| TableError::Field {
                line: number,
                column: column + 1,
                expected,
                found: String::from_utf8_lossy(field).chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect(),
            })?;
        }
    }
    let Some(columns) = columns.filter(|_| !labels.is_empty()) else { return Err(TableError::Empty) };
    let side = columns.side;
    let images = Images { pixels: shades.into_bytes(), n_images: labels.len(), n_rows: side, n_columns: side };
    if !columns.has_names && may_stand_last(&images, &labels) {
        return Err(TableError::SameLabels);
    }
    Ok((images, labels))
}

/// Whether the first column, taken for the labels, may be the background of a corner: it is 0 in many rows, and the last one
/// is not.
fn may_stand_last(images: &Images, labels: &[u8]) -> bool {
    const MIN_ROWS: usize = 10;
    let mut last = images.pixels.chunks_exact(images.n_rows * images.n_columns).map(|image| image.last());
    let first = last.next();
    labels.len() >= MIN_ROWS && labels.iter().all(|&label| label == 0) && last.any(|pixel| Some(pixel) != first)
}

/// What the first line says of all that follow.
struct Columns {
    separator: Separator,
    roles: Vec<Role>,
    /// Rows and columns of every picture.
    side: usize,
    /// Whether the line is a header.
    has_names: bool,
}

/// What a column holds.
enum Role {
    Label,
    Pixel,
    /// The number of the row, which pandas writes unless it is told not to.
    Neither,
}

impl Columns {
    fn of(text: &[u8]) -> Result<Self, TableError> {
        // numpy.savetxt marks a header as a comment.
        let text = text.strip_prefix(b"#").unwrap_or(text);
        let separator = Separator::of(text);
        let fields: Vec<&[u8]> = separator.fields(text).map(bare).collect();
        let counts_up = fields.iter().enumerate().all(|(i, field)| parse(field) == Some(i as f64));
        let has_names = counts_up || fields.iter().any(|field| is_name(field));
        let roles: Vec<Role> = match has_names {
            true => fields.iter().map(|name| Role::of(name)).collect(),
            false => (0..fields.len()).map(|column| if column == 0 { Role::Label } else { Role::Pixel }).collect(),
        };
        match roles.iter().filter(|role| matches!(role, Role::Label)).count() {
            0 => return Err(TableError::NoLabel),
            1 => {}
            n => return Err(TableError::SeveralLabels(n)),
        }
        let n_pixels = roles.iter().filter(|role| matches!(role, Role::Pixel)).count();
        let side = side(n_pixels).ok_or(TableError::Columns(fields.len()))?;
        Ok(Self { separator, roles, side, has_names })
    }
}

impl Role {
    /// What a column of this name holds.
    fn of(name: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name).to_lowercase();
        match name.as_str() {
            "label" | "labels" | "class" | "target" | "digit" | "y" => Self::Label,
            "" | "index" | "id" | "unnamed: 0" => Self::Neither,
            _ => Self::Pixel,
        }
    }
}

/// What parts the fields of a line.
#[derive(Clone, Copy)]
enum Separator {
    Byte(u8),
    /// Any number of blanks.
    Blanks,
}

impl Separator {
    /// The one that parts most fields of a line.
    fn of(text: &[u8]) -> Self {
        let count = |separator: u8| text.iter().filter(|&&byte| byte == separator).count();
        let most = [b'\t', b';', b','].into_iter().max_by_key(|&separator| count(separator));
        most.filter(|&separator| count(separator) > 0).map_or(Self::Blanks, Self::Byte)
    }

    fn fields(self, text: &[u8]) -> impl Iterator<Item = &[u8]> {
        let is_between = move |byte: &u8| match self {
            Self::Byte(separator) => *byte == separator,
            Self::Blanks => byte.is_ascii_whitespace(),
        };
        text.split(is_between).filter(move |field| matches!(self, Self::Byte(_)) || !field.is_empty())
    }
}

/// Whether a field is the name of a column: no number, be it NaN, and not empty.
fn is_name(field: &[u8]) -> bool {
    let is_number = std::str::from_utf8(field).is_ok_and(|text| text.parse::<f64>().is_ok());
    !field.is_empty() && !is_number
}

/// The side of a square of this many pixels, which is no single one.
fn side(n_pixels: usize) -> Option<usize> {
    let side = n_pixels.isqrt();
    (side > 1 && side * side == n_pixels).then_some(side)
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
