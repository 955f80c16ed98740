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

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use thiserror::Error;

use super::numbers::{EXPECTED_PIXELS, LabelRows, Shades, label};
use crate::files::form::{Form, REVERSED, START_LEN};

const IMAGES_MAGIC: u32 = 2051;
const LABELS_MAGIC: u32 = 2049;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Compressed data may expand to this many bytes without being suspected.
const UNSUSPECTED_EXPANSION: u64 = 32 << 20;
/// Beyond that it may expand to this many times its own size. MNIST expands to five times; empty data to a thousand.
const MAX_EXPANSION_RATIO: u64 = 100;
/// How much is read, and allocated, at a time.
const CHUNK_SIZE: usize = 1 << 20;
/// Compressed data that contradict their header are read on for at most this many bytes to find out whether they are damaged.
const MAX_DRAINED: u64 = 1 << 30;
/// No more dimensions of a header are shown.
const MAX_SIDES: usize = 8;

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

/// What can be wrong with an IDX file. Whoever opened the file knows its name and says it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdxError {
    /// The file can't be read.
    #[error("it can't be read: {0}")]
    Read(io::Error),
    /// The compressed data are damaged: a broken stream, or a check sum that differs.
    #[error("its gzip data are damaged ({0}): download or copy it again")]
    Gzip(io::Error),
    /// It is another file than that.
    #[error("expected a file of {expected} (IDX), found {found}")]
    Magic {
        /// The kind of file that was asked for.
        expected: Kind,
        /// What the file is as far as its first bytes tell, and what to do with it.
        found: String,
    },
    /// The data end early.
    #[error("it is cut off: expected {expected} bytes of content, found {found}")]
    Truncated {
        /// How long the content is by its header (the header's own length where even that is cut off).
        expected: u64,
        /// How long it is.
        found: u64,
    },
    /// More follows after the last pixel or label.
    #[error("expected the file to end after {expected} bytes of content as its header says, but more follow")]
    Trailing {
        /// How long the content is by its header.
        expected: u64,
    },
    /// There are no samples, or they have no pixels.
    #[error("it is empty: its header says {0}")]
    Empty(String),
    /// The content is longer than what may be held in memory.
    #[error("its header promises {dimensions}: expected data that take at most {max_bytes} bytes of memory")]
    TooLarge {
        /// What the header says.
        dimensions: String,
        /// How long the content may be.
        max_bytes: u64,
    },
    /// A number of the content can't be a pixel or a label.
    #[error("number {position} of its content (counted from 0) is {found}: expected {expected}")]
    Number {
        /// The place of the number in the content.
        position: u64,
        /// The number that was found.
        found: f64,
        /// What the numbers should be.
        expected: &'static str,
    },
    /// The labels come in rows whose meaning is not plain.
    #[error(
        "expected a label for each sample, found {found}, whose rows are neither all 0 but for a single 1 nor QMNIST's eight \
         whole numbers"
    )]
    LabelRows {
        /// What the header says.
        found: String,
    },
    /// The compressed data expand beyond reason.
    #[error(
        "its gzip data expand more than {MAX_EXPANSION_RATIO}-fold: {n_compressed} bytes gave {n_expanded} and more, \
         which no pictures do"
    )]
    Bomb {
        /// Compressed bytes read so far.
        n_compressed: u64,
        /// Bytes that they gave so far.
        n_expanded: u64,
    },
}

/// The two kinds of IDX files that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pictures: usually unsigned bytes in three dimensions.
    Images,
    /// Labels: usually unsigned bytes in one dimension.
    Labels,
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

/// What is known of a file, and asked of it, before it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How long the file is. A plain one that contradicts its header is refused without being read.
    pub(super) file_bytes: Option<u64>,
    /// How long its content may be.
    pub(super) max_bytes: u64,
}

impl Bounds {
    const NONE: Self = Self { file_bytes: None, max_bytes: u64::MAX };
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

/// Number, rows and columns of images of these dimensions: a channel of its own does not count, and rows of pixels are
/// those of a square.
pub(super) fn pictures(dimensions: &[usize]) -> Option<[usize; 3]> {
    match *dimensions {
        [n, rows, columns] | [n, 1, rows, columns] | [n, rows, columns, 1] => Some([n, rows, columns]),
        [n, n_pixels] => {
            let side = n_pixels.isqrt();
            (side > 1 && side * side == n_pixels).then_some([n, side, side])
        }
        _ => None,
    }
}

/// The types of numbers that IDX files hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    UnsignedByte,
    SignedByte,
    Short,
    Int,
    Float,
    Double,
}

impl Element {
    /// The type of a code, the third byte of the magic number.
    fn of_code(code: u8) -> Option<Self> {
        match code {
            0x08 => Some(Self::UnsignedByte),
            0x09 => Some(Self::SignedByte),
            0x0b => Some(Self::Short),
            0x0c => Some(Self::Int),
            0x0d => Some(Self::Float),
            0x0e => Some(Self::Double),
            _ => None,
        }
    }

    fn n_bytes(self) -> usize {
        match self {
            Self::UnsignedByte | Self::SignedByte => 1,
            Self::Short => 2,
            Self::Int | Self::Float => 4,
            Self::Double => 8,
        }
    }

    /// The number that these bytes hold.
    fn number(self, bytes: &[u8]) -> f64 {
        const OF_SIZE: &str = "a chunk has as many bytes as the type";
        match self {
            Self::UnsignedByte => f64::from(bytes[0]),
            Self::SignedByte => f64::from(i8::from_be_bytes(bytes.try_into().expect(OF_SIZE))),
            Self::Short => f64::from(i16::from_be_bytes(bytes.try_into().expect(OF_SIZE))),
            Self::Int => f64::from(i32::from_be_bytes(bytes.try_into().expect(OF_SIZE))),
            Self::Float => f64::from(f32::from_be_bytes(bytes.try_into().expect(OF_SIZE))),
            Self::Double => f64::from_be_bytes(bytes.try_into().expect(OF_SIZE)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::UnsignedByte => "unsigned bytes",
            Self::SignedByte => "signed bytes",
            Self::Short => "16-bit integers",
            Self::Int => "32-bit integers",
            Self::Float => "32-bit floating-point numbers",
            Self::Double => "64-bit floating-point numbers",
        }
    }
}

/// What an IDX file begins with.
#[derive(Debug)]
struct Header {
    element: Element,
    dimensions: Vec<usize>,
}

impl std::fmt::Display for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Self { element, dimensions } = self;
        let mut sides: Vec<String> = dimensions.iter().take(MAX_SIDES).map(usize::to_string).collect();
        if dimensions.len() > MAX_SIDES {
            sides.push("…".to_owned());
        }
        let sides = sides.join(" × ");
        match dimensions.len() {
            1 => write!(f, "IDX of {}, 1 dimension ({sides})", element.name()),
            n => write!(f, "IDX of {}, {n} dimensions ({sides})", element.name()),
        }
    }
}

/// The type and the number of dimensions that a magic number stands for.
fn of_magic(magic: u32) -> Option<(Element, usize)> {
    match magic.to_be_bytes() {
        [0, 0, code, n_dimensions] if n_dimensions > 0 => Some((Element::of_code(code)?, usize::from(n_dimensions))),
        _ => None,
    }
}

impl Kind {
    /// The number that files of this kind begin with.
    fn magic(self) -> u32 {
        match self {
            Self::Images => IMAGES_MAGIC,
            Self::Labels => LABELS_MAGIC,
        }
    }

    /// How many dimensions files of this kind usually have.
    fn n_dimensions(self) -> usize {
        match self {
            Self::Images => 3,
            Self::Labels => 1,
        }
    }

    /// Whether what has these dimensions can be of this kind.
    fn takes(self, dimensions: &[usize]) -> bool {
        match self {
            Self::Images => pictures(dimensions).is_some(),
            Self::Labels => dimensions.len() <= 2,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Self::Images => "images",
            Self::Labels => "labels",
        })
    }
}

/// The content of a file: its bytes, or what they expand to if they are gzip.
struct Content<R: Read> {
    encoding: Encoding<R>,
    bounds: Bounds,
    n_read: u64,
}

/// The first bytes were read to find out the encoding, and are put back before the rest.
type Rewound<R> = io::Chain<Cursor<Vec<u8>>, R>;

enum Encoding<R: Read> {
    Plain(Rewound<R>),
    Gzip(Box<MultiGzDecoder<Counted<Rewound<R>>>>),
}

/// Counts the bytes that pass.
struct Counted<R> {
    reader: R,
    n_read: u64,
}

impl<R: Read> Content<R> {
    fn new(mut reader: R, bounds: Bounds) -> Result<Self, IdxError> {
        let mut first = Vec::with_capacity(GZIP_MAGIC.len());
        reader.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut first).map_err(IdxError::Read)?;
        let is_gzip = first == GZIP_MAGIC;
        let rewound = Cursor::new(first).chain(reader);
        let encoding = if is_gzip {
            Encoding::Gzip(Box::new(MultiGzDecoder::new(Counted { reader: rewound, n_read: 0 })))
        } else {
            Encoding::Plain(rewound)
        };
        Ok(Self { encoding, bounds, n_read: 0 })
    }

    /// Reads the magic number and the dimensions behind it, which have to be those of a file of this kind.
    fn read_header(&mut self, kind: Kind) -> Result<Header, IdxError> {
        self.read_dimensions(kind).map_err(|error| self.blame(error))
    }

    fn read_dimensions(&mut self, kind: Kind) -> Result<Header, IdxError> {
        let mut start = Vec::new();
        self.append(&mut start, 4)?;
        let unexpected = |found| IdxError::Magic { expected: kind, found };
        let magic = match <[u8; 4]>::try_from(&start[..]) {
            Ok(magic) => u32::from_be_bytes(magic),
            Err(_) if !start.is_empty() && kind.magic().to_be_bytes().starts_with(&start) => {
                return Err(self.truncated_header(kind.n_dimensions()));
            }
            Err(_) => return Err(unexpected(self.describe(&start))),
        };
        let other = [(Kind::Images, Kind::Labels), (Kind::Labels, Kind::Images)]
            .into_iter()
            .find(|&(asked, other)| asked == kind && other.magic() == magic);
        if let Some((_, other)) = other {
            return Err(unexpected(format!("a file of {other}: the names of the two may have been exchanged")));
        }
        let Some((element, n_dimensions)) = of_magic(magic) else {
            self.append(&mut start, START_LEN - 4)?;
            return Err(unexpected(self.describe(&start)));
        };
        let mut dimensions = Vec::new();
        self.append(&mut dimensions, 4 * n_dimensions)?;
        if dimensions.len() < 4 * n_dimensions {
            return Err(self.truncated_header(n_dimensions));
        }
        let (words, _) = dimensions.as_chunks::<4>();
        let dimensions = words.iter().map(|word| u32::from_be_bytes(*word) as usize).collect();
        let header = Header { element, dimensions };
        if self.is_reversed(&header) {
            return Err(unexpected(REVERSED.to_owned()));
        }
        if kind.takes(&header.dimensions) { Ok(header) } else { Err(unexpected(header.to_string())) }
    }

    /// Whether the dimensions fit the length of the file only with their bytes in reverse order.
    fn is_reversed(&self, header: &Header) -> bool {
        let Header { element, dimensions } = header;
        let length = |dimension: &dyn Fn(u32) -> u32| {
            let n_bytes = dimensions.iter().try_fold(element.n_bytes() as u64, |n, &side| {
                n.checked_mul(u64::from(dimension(u32::try_from(side).ok()?)))
            });
            n_bytes.and_then(|n_bytes| n_bytes.checked_add(self.n_read))
        };
        match (&self.encoding, self.bounds.file_bytes) {
            (Encoding::Plain(_), Some(n_bytes)) => {
                length(&|side| side) != Some(n_bytes) && length(&u32::swap_bytes) == Some(n_bytes)
            }
            _ => false,
        }
    }

    /// Says what a file is that begins with these bytes, once it is unpacked.
    fn describe(&self, start: &[u8]) -> String {
        match (&self.encoding, Form::of(start)) {
            (Encoding::Plain(_), form) => form.to_string(),
            (Encoding::Gzip(_), Form::Gzip) => "a file that is compressed by gzip twice: unpack it once".to_owned(),
            (Encoding::Gzip(_), form) => format!("in its gzip data {form}"),
        }
    }

    /// What is wrong with the compressed data from here on, if they are damaged. Whatever else an error says is the damage's
    /// doing then.
    fn damage(&mut self) -> Option<IdxError> {
        if matches!(self.encoding, Encoding::Plain(_)) {
            return None;
        }
        let last = self.n_read.saturating_add(MAX_DRAINED);
        let mut chunk = Vec::new();
        while self.n_read < last {
            chunk.clear();
            match self.append(&mut chunk, CHUNK_SIZE) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error @ IdxError::Gzip(_)) => return Some(error),
                Err(_) => return None,
            }
        }
        None
    }

    /// The error, or the damage that it comes from.
    fn blame(&mut self, error: IdxError) -> IdxError {
        match error {
            IdxError::Gzip(_) | IdxError::Read(_) | IdxError::Bomb { .. } => error,
            error => self.damage().unwrap_or(error),
        }
    }

    fn truncated_header(&self, n_dimensions: usize) -> IdxError {
        IdxError::Truncated { expected: 4 * (1 + n_dimensions as u64), found: self.n_read }
    }

    /// Makes sure that as many numbers of a type may follow the header and be held as bytes (none: their number overflows).
    /// Returns how many they are, and how long the whole content is then.
    fn check_size(
        &self,
        element: Element,
        size: Option<usize>,
        promised: impl Fn() -> String,
    ) -> Result<(usize, u64), IdxError> {
        let max_bytes = self.bounds.max_bytes.min(isize::MAX as u64);
        let too_large = || IdxError::TooLarge { dimensions: promised(), max_bytes };
        let size = size.filter(|&size| size as u64 <= max_bytes).ok_or_else(too_large)?;
        let n_bytes = (size as u64).checked_mul(element.n_bytes() as u64).ok_or_else(too_large)?;
        let expected = self.n_read.checked_add(n_bytes).ok_or_else(too_large)?;
        match (&self.encoding, self.bounds.file_bytes) {
            (Encoding::Plain(_), Some(found)) if found < expected => Err(IdxError::Truncated { expected, found }),
            (Encoding::Plain(_), Some(found)) if found > expected => Err(IdxError::Trailing { expected }),
            _ => Ok((size, expected)),
        }
    }

    /// Makes sure that nothing follows. Reading on to the end also has gzip compare its check sums.
    fn check_end(&mut self, expected: u64) -> Result<(), IdxError> {
        if self.append(&mut Vec::new(), 1)? > 0 { Err(IdxError::Trailing { expected }) } else { Ok(()) }
    }

    /// Reads the numbers behind the header, hands them to `push` one by one, and makes sure that nothing follows. A number for
    /// which `push` returns `None` is an error.
    fn read_numbers(
        &mut self,
        element: Element,
        size: Option<usize>,
        promised: impl Fn() -> String,
        mut push: impl FnMut(f64) -> Option<()>,
        expected_numbers: &'static str,
    ) -> Result<(), IdxError> {
        let (size, expected) = self.check_size(element, size, promised)?;
        let n_bytes = element.n_bytes();
        let per_chunk = CHUNK_SIZE / n_bytes;
        let mut chunk = Vec::new();
        let mut position = 0;
        while position < size {
            let n_wanted = n_bytes * per_chunk.min(size - position);
            chunk.clear();
            if self.append(&mut chunk, n_wanted)? < n_wanted {
                return Err(IdxError::Truncated { expected, found: self.n_read });
            }
            for number in chunk.chunks_exact(n_bytes).map(|bytes| element.number(bytes)) {
                push(number).ok_or(IdxError::Number {
                    position: position as u64,
                    found: number,
                    expected: expected_numbers,
                })?;
                position += 1;
            }
        }
        self.check_end(expected)
    }

    /// Reads the `size` bytes behind the header (none: their number overflows), and makes sure that they are the last.
    fn read_body(&mut self, size: Option<usize>, promised: impl Fn() -> String) -> Result<Vec<u8>, IdxError> {
        let (size, expected) = self.check_size(Element::UnsignedByte, size, &promised)?;
        let too_large = |max_bytes| IdxError::TooLarge { dimensions: promised(), max_bytes };
        let mut body = Vec::new();
        while body.len() < size {
            let n_left = size - body.len();
            let n_wanted = n_left.min(CHUNK_SIZE);
            if body.capacity() - body.len() < n_wanted {
                // Doubled like any vector, but never beyond what is promised.
                let n_more = n_left.min(body.len().max(CHUNK_SIZE));
                body.try_reserve_exact(n_more).map_err(|_| too_large(body.len() as u64))?;
            }
            if self.append(&mut body, n_wanted)? < n_wanted {
                return Err(IdxError::Truncated { expected, found: self.n_read });
            }
        }
        self.check_end(expected)?;
        Ok(body)
    }

    /// Appends the next `n_wanted` bytes, or as many as there are, and says how many there were.
    fn append(&mut self, bytes: &mut Vec<u8>, n_wanted: usize) -> Result<usize, IdxError> {
        let result = match &mut self.encoding {
            Encoding::Plain(reader) => reader.take(n_wanted as u64).read_to_end(bytes).map_err(IdxError::Read),
            Encoding::Gzip(decoder) => decoder.as_mut().take(n_wanted as u64).read_to_end(bytes).map_err(gzip_error),
        };
        let n_appended = result?;
        self.n_read += n_appended as u64;

        if let Encoding::Gzip(decoder) = &self.encoding {
            let n_compressed = decoder.get_ref().n_read;
            if self.n_read > UNSUSPECTED_EXPANSION.max(MAX_EXPANSION_RATIO * n_compressed) {
                return Err(IdxError::Bomb { n_compressed, n_expanded: self.n_read });
            }
        }
        Ok(n_appended)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.reader.read(buffer)?;
        self.n_read += n_read as u64;
        Ok(n_read)
    }
}

/// Tells damaged data from a reader that failed: the decoder reports both as errors of reading.
fn gzip_error(error: io::Error) -> IdxError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => IdxError::Gzip(io::Error::new(error.kind(), "they are cut off")),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => IdxError::Gzip(error),
        _ => IdxError::Read(error),
    }
}
