//! The bytes of an IDX file, plain or unpacked, read no further than its header warrants.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::error::{IdxError, MAX_EXPANSION_RATIO};
use super::header::{Element, Header, Kind, of_magic};
use crate::files::form::{Form, REVERSED, START_LEN};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Compressed data may expand to this many bytes without being suspected, and beyond that by a bounded ratio.
const UNSUSPECTED_EXPANSION: u64 = 32 << 20;
/// How much is read, and allocated, at a time.
const CHUNK_SIZE: usize = 1 << 20;
/// Compressed data that contradict their header are read on for at most this many bytes to find out whether they are damaged.
const MAX_DRAINED: u64 = 1 << 30;

/// What is known of a file, and asked of it, before it is read.
#[derive(Clone, Copy, Debug)]
pub(in crate::dataset) struct Bounds {
    /// How long the file is. A plain one that contradicts its header is refused without being read.
    pub(in crate::dataset) file_bytes: Option<u64>,
    /// How long its content may be.
    pub(in crate::dataset) max_bytes: u64,
}

impl Bounds {
    pub(super) const NONE: Self = Self { file_bytes: None, max_bytes: u64::MAX };
}

/// The content of a file: its bytes, or what they expand to if they are gzip.
pub(super) struct Content<R: Read> {
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
    pub(super) fn new(mut reader: R, bounds: Bounds) -> Result<Self, IdxError> {
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
    pub(super) fn read_header(&mut self, kind: Kind) -> Result<Header, IdxError> {
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
    pub(super) fn damage(&mut self) -> Option<IdxError> {
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
    pub(super) fn blame(&mut self, error: IdxError) -> IdxError {
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
    pub(super) fn read_numbers(
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
    pub(super) fn read_body(
        &mut self,
        size: Option<usize>,
        promised: impl Fn() -> String,
    ) -> Result<Vec<u8>, IdxError> {
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
