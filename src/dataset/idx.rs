//! The IDX format of MNIST: a header of big-endian 32-bit numbers, then one byte a pixel or a label.
//!
//! | images | labels |
//! | --- | --- |
//! | magic 2051 | magic 2049 |
//! | number of images | number of labels |
//! | rows | |
//! | columns | |
//! | pixels, image by image, row by row, 0 to 255 | labels |
//!
//! Files are plain or compressed by gzip; which of the two is found out from the first bytes. A header is never taken at
//! its word: memory grows with the data that is really there, and compressed data that expands beyond all that pictures
//! do is refused before it fills the memory.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use thiserror::Error;

const IMAGES_MAGIC: u32 = 2051;
const LABELS_MAGIC: u32 = 2049;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Compressed data may expand to this many bytes without being suspected.
const UNSUSPECTED_EXPANSION: u64 = 32 << 20;
/// Beyond that it may expand to this many times its own size. MNIST expands to five times; empty data to a thousand.
const MAX_EXPANSION_RATIO: u64 = 100;
/// How much is read, and allocated, at a time.
const CHUNK_SIZE: usize = 1 << 20;

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
    #[error("its gzip data are damaged: {0}")]
    Gzip(io::Error),
    /// The first number is not the one that this kind of file begins with.
    #[error("expected a file of {expected} (IDX magic number {}), found {found}", .expected.magic())]
    Magic {
        /// The kind of file that was asked for.
        expected: Kind,
        /// What the file begins with, in words.
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
    #[error("its header promises {dimensions}: expected what takes at most {max_bytes} bytes of memory")]
    TooLarge {
        /// What the header says.
        dimensions: String,
        /// How long the content may be.
        max_bytes: u64,
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
    /// Pictures of unsigned bytes: three dimensions.
    Images,
    /// Labels of unsigned bytes: one dimension.
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
    pub(super) n_labels: usize,
}

impl<R: Read> LabelReader<R> {
    pub(super) fn new(reader: R, bounds: Bounds) -> Result<Self, IdxError> {
        let mut content = Content::new(reader, bounds)?;
        let [n_labels] = content.read_header(Kind::Labels)?;
        Ok(Self { content, n_labels: n_labels as usize })
    }

    pub(super) fn read(self) -> Result<Vec<u8>, IdxError> {
        let Self { mut content, n_labels } = self;
        let dimensions = || format!("{n_labels} labels");
        if n_labels == 0 {
            return Err(IdxError::Empty(dimensions()));
        }
        content.read_body(Some(n_labels), dimensions)
    }
}

/// A file of images of which only the header has been read: what it promises can be compared with what is wanted
/// before its pixels take memory.
pub(super) struct ImageReader<R: Read> {
    content: Content<R>,
    pub(super) n_images: usize,
    n_rows: usize,
    n_columns: usize,
}

impl<R: Read> ImageReader<R> {
    pub(super) fn new(reader: R, bounds: Bounds) -> Result<Self, IdxError> {
        let mut content = Content::new(reader, bounds)?;
        let [n_images, n_rows, n_columns] = content.read_header(Kind::Images)?.map(|dimension| dimension as usize);
        Ok(Self { content, n_images, n_rows, n_columns })
    }

    pub(super) fn read(self) -> Result<Images, IdxError> {
        let Self { mut content, n_images, n_rows, n_columns } = self;
        let dimensions = || format!("{n_images} images of {n_rows} × {n_columns} pixels");
        if n_images == 0 || n_rows == 0 || n_columns == 0 {
            return Err(IdxError::Empty(dimensions()));
        }
        let n_pixels = n_images.checked_mul(n_rows).and_then(|n| n.checked_mul(n_columns));
        let pixels = content.read_body(n_pixels, dimensions)?;
        Ok(Images { pixels, n_images, n_rows, n_columns })
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

    /// Reads the magic number and the `N` dimensions behind it.
    fn read_header<const N: usize>(&mut self, kind: Kind) -> Result<[u32; N], IdxError> {
        let mut header = Vec::new();
        let header_size = 4 * (1 + N);
        self.append(&mut header, 4)?;
        if header.len() == 4 {
            let magic = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
            if magic != kind.magic() {
                return Err(IdxError::Magic { expected: kind, found: describe_start(magic) });
            }
            self.append(&mut header, header_size - 4)?;
        }
        if header.len() < header_size {
            return Err(IdxError::Truncated { expected: header_size as u64, found: self.n_read });
        }
        let (words, _) = header[4..].as_chunks::<4>();
        Ok(std::array::from_fn(|i| u32::from_be_bytes(words[i])))
    }

    /// Reads the `size` bytes behind the header (none: their number overflows), and makes sure that they are the last.
    fn read_body(&mut self, size: Option<usize>, dimensions: impl Fn() -> String) -> Result<Vec<u8>, IdxError> {
        let max_bytes = self.bounds.max_bytes.min(isize::MAX as u64);
        let too_large = |max_bytes| IdxError::TooLarge { dimensions: dimensions(), max_bytes };
        let size = size.filter(|&size| size as u64 <= max_bytes).ok_or_else(|| too_large(max_bytes))?;
        let expected = self.n_read + size as u64;
        match (&self.encoding, self.bounds.file_bytes) {
            (Encoding::Plain(_), Some(found)) if found < expected => {
                return Err(IdxError::Truncated { expected, found });
            }
            (Encoding::Plain(_), Some(found)) if found > expected => return Err(IdxError::Trailing { expected }),
            _ => {}
        }
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
        // Reading on to the end also has gzip compare its check sums.
        if self.append(&mut Vec::new(), 1)? > 0 {
            return Err(IdxError::Trailing { expected });
        }
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

/// Says in words what a file begins with that has another magic number than it should.
fn describe_start(magic: u32) -> String {
    match magic {
        IMAGES_MAGIC => format!("a file of images (magic number {IMAGES_MAGIC})"),
        LABELS_MAGIC => format!("a file of labels (magic number {LABELS_MAGIC})"),
        _ => format!("{magic} (bytes {}): neither IDX images or labels nor gzip", hex_bytes(magic)),
    }
}

fn hex_bytes(magic: u32) -> String {
    magic.to_be_bytes().map(|byte| format!("{byte:02x}")).join(" ")
}
