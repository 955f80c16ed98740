//! `.npz` files, NumPy's archives of arrays: a zip file of `.npy` files. Here is the format alone; which arrays an archive
//! has, and what they mean, is up to whoever writes and reads it.
//!
//! They are read without trust. A zip file says how long its parts are and a `.npy` header which shape they have; memory
//! grows only with the data that are really there, every number is compared with what was expected, and the zip file's
//! check sums are verified. C and Fortran order and both byte orders are read, and float32 where float64 is expected.
//! Compressed archives are read as well, but for what expands beyond all reason.
//!
//! Source: NumPy's `numpy/lib/format.py` (NEP 1).

mod header;

use std::io::{self, Read, Seek, SeekFrom};
#[cfg(feature = "train")]
use std::io::{BufWriter, Cursor, Write};

#[cfg(feature = "train")]
use ndarray::{ArrayD, ArrayRef, Dimension, ShapeBuilder};
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

pub(crate) use self::header::Header;
#[cfg(feature = "train")]
use self::header::header;
use self::header::read_header;
use super::form::{Form, START_LEN};
#[cfg(feature = "train")]
use zip::{ZipWriter, write::SimpleFileOptions};

/// About how many bytes are read at a time.
const CHUNK_SIZE: usize = 1 << 20;
/// Compressed parts may expand to this many bytes without being suspected,
const UNSUSPECTED_EXPANSION: u64 = 32 << 20;
/// and beyond that to this many times their own size.
const MAX_EXPANSION_RATIO: u64 = 100;
/// A text of more characters is none that is asked for.
#[cfg(feature = "train")]
const MAX_TEXT_LEN: usize = 1000;
/// An error tells at most this many names of what is in an archive.
const MAX_NAMES: usize = 8;
/// An error tells at most this many characters of each name.
const MAX_NAME_LEN: usize = 20;

/// What can be wrong with an `.npz` file. Whoever opened the file knows its name and says it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpzError {
    /// The reader failed.
    #[error("it can't be read: {0}")]
    Read(io::Error),
    /// It is not a whole zip file.
    #[error("its zip data are damaged or cut off ({0}): download or copy it again")]
    Archive(String),
    /// It is another kind of file.
    #[error("expected an .npz archive, found {0}")]
    OtherFile(String),
    /// A part of the archive is not there.
    #[error("expected {name} in it, found {found}")]
    Missing {
        /// The part.
        name: String,
        /// What is there.
        found: String,
    },
    /// A part of the archive can't be read.
    #[error("{name} in it is damaged: {reason}")]
    Damaged {
        /// The part.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A part of the archive is not what it should be.
    #[error("{name} in it: expected {expected}, found {found}")]
    Unexpected {
        /// The part.
        name: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
}

impl NpzError {
    pub(crate) fn damaged(name: &str, reason: impl ToString) -> Self {
        NpzError::Damaged { name: name.to_owned(), reason: reason.to_string() }
    }

    pub(crate) fn unexpected(name: &str, expected: impl Into<String>, found: impl ToString) -> Self {
        NpzError::Unexpected { name: name.to_owned(), expected: expected.into(), found: found.to_string() }
    }
}

/// What a file is that is no archive of arrays, and how to make one of it.
fn described(form: &Form) -> String {
    match form {
        Form::Npy => format!("{form}; numpy.savez writes several, each by its name, into an archive"),
        Form::Pickle => format!(
            "{form}. These lines of Python make an archive of a dictionary of arrays:\n    import pickle, numpy\n    \
             arrays = pickle.load(open(\"model.pkl\", \"rb\"))\n    numpy.savez(\"model.npz\", **arrays)"
        ),
        form => form.to_string(),
    }
}

/// An archive that is being written: into memory, as the zip crate prints what goes wrong where it is dropped unfinished.
#[cfg(feature = "train")]
pub(crate) struct Writer {
    zip: ZipWriter<Cursor<Vec<u8>>>,
}

#[cfg(feature = "train")]
impl Writer {
    /// An empty archive, with memory for arrays of `n_bytes` bytes in all, and some for what is around them.
    pub(crate) fn with_capacity(n_bytes: usize) -> Self {
        Self { zip: ZipWriter::new(Cursor::new(Vec::with_capacity(n_bytes + 16 * 1024))) }
    }

    pub(crate) fn array<T: Element, D: Dimension>(&mut self, name: &str, array: &ArrayRef<T, D>) -> io::Result<()> {
        self.start(&format!("{name}.npy"), array.len().saturating_mul(T::SIZE))?;
        let mut out = BufWriter::new(&mut self.zip);
        out.write_all(&header(&format!("<{}", T::CODE), array.shape()))?;
        array.iter().try_for_each(|value| value.write_le(&mut out))?;
        out.flush()
    }

    /// A text, as NumPy writes a string: an array without dimensions, four bytes a character.
    pub(crate) fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.start(&format!("{name}.npy"), 4 * text.len())?;
        self.zip.write_all(&header(&format!("<U{}", text.chars().count()), &[]))?;
        text.chars().try_for_each(|c| self.zip.write_all(&u32::from(c).to_le_bytes()))
    }

    /// A part that is no array; `numpy.load` hands it out as bytes.
    pub(crate) fn bytes(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.start(name, bytes.len())?;
        self.zip.write_all(bytes)
    }

    /// The whole archive.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        Ok(self.zip.finish()?.into_inner())
    }

    fn start(&mut self, file: &str, n_bytes: usize) -> io::Result<()> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        // Zip files say lengths in 32 bits unless asked not to; half of that is left for headers.
        Ok(self.zip.start_file(file, options.large_file(n_bytes > i32::MAX as usize))?)
    }
}

/// Where an archive is read from. By its methods' addresses, so that reading is compiled here, and once, and not again for
/// each kind of file and in each crate that reads one.
pub(crate) trait Source: Read + Seek {}

impl<R: Read + Seek> Source for R {}

/// An archive that is being read.
pub(crate) struct Reader<'a> {
    zip: ZipArchive<Box<dyn Source + 'a>>,
    /// How long the file is.
    n_bytes: u64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(reader: impl Read + Seek + 'a) -> Result<Self, NpzError> {
        Self::open(Box::new(reader))
    }

    fn open(mut reader: Box<dyn Source + 'a>) -> Result<Self, NpzError> {
        let mut start = Vec::new();
        reader.by_ref().take(START_LEN as u64).read_to_end(&mut start).map_err(NpzError::Read)?;
        let n_bytes = reader.seek(SeekFrom::End(0)).map_err(NpzError::Read)?;
        reader.rewind().map_err(NpzError::Read)?;
        let form = Form::of(&start);
        match ZipArchive::new(reader) {
            Ok(zip) if zip.file_names().any(|file| file.ends_with(".npy")) || zip.is_empty() => {
                Ok(Self { zip, n_bytes })
            }
            Ok(_) => Err(NpzError::OtherFile(described(&form))),
            Err(ZipError::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => Err(NpzError::Read(error)),
            Err(error) if start.starts_with(b"PK\x03\x04") => Err(NpzError::Archive(error.to_string())),
            Err(_) => Err(NpzError::OtherFile(described(&form))),
        }
    }

    /// The names of the arrays.
    pub(crate) fn array_names(&self) -> impl Iterator<Item = &str> {
        self.zip.file_names().filter_map(|file| file.strip_suffix(".npy"))
    }

    /// A part that is no array, of at most `max_len` bytes.
    #[cfg(feature = "train")]
    pub(crate) fn bytes(&mut self, name: &str, max_len: u64) -> Result<Vec<u8>, NpzError> {
        let mut part = self.part(name, name)?;
        let n_bytes = part.size();
        if n_bytes > max_len {
            return Err(NpzError::unexpected(name, format!("at most {max_len} bytes"), n_bytes));
        }
        read_to_end(&mut part, n_bytes).map_err(|reason| NpzError::damaged(name, reason))
    }

    /// The text `name`: an array of one string, if its type and shape are of one. `expected` is what errors say of it.
    #[cfg(feature = "train")]
    pub(crate) fn text(&mut self, name: &str, expected: &str) -> Result<String, NpzError> {
        let is_one = |shape: &[usize]| if matches!(shape, [] | [1]) { Ok(()) } else { Err(expected.to_owned()) };
        let mut text = String::new();
        self.numbers(name, expected, text_reader, is_one, |found: Option<String>| {
            text = found?;
            Some(())
        })?;
        Ok(text)
    }

    /// The array `name`. Its numbers are read if there are as many as its shape says, and if `check` does not say that
    /// another shape is expected.
    #[cfg(feature = "train")]
    pub(crate) fn array<T: Element>(
        &mut self,
        name: &str,
        check: impl FnOnce(&[usize]) -> Result<(), String>,
    ) -> Result<ArrayD<T>, NpzError> {
        let damaged = |reason: String| NpzError::damaged(name, reason);
        let mut values = Vec::new();
        let header = self.numbers(name, T::EXPECTED, T::reader, check, |number| {
            values.push(number);
            Some(())
        })?;
        // An array without a number may still have dimensions that overflow.
        let Header { fortran_order, shape, .. } = header;
        ArrayD::from_shape_vec(shape.set_f(fortran_order), values).map_err(|error| damaged(error.to_string()))
    }

    /// Hands out the numbers of the array `name` one by one, in the order in which they are stored, if there are as many as
    /// its shape says, and if `check` does not say that another shape is expected. `reader` knows the types that are
    /// `expected`; what `push` takes for none that it could be (`None`) is an error. Returns what the array's header says.
    pub(crate) fn numbers<T>(
        &mut self,
        name: &str,
        expected: &str,
        reader: impl FnOnce(&str) -> Option<(usize, ReadNumber<T>)>,
        check: impl FnOnce(&[usize]) -> Result<(), String>,
        push: impl FnMut(T) -> Option<()>,
    ) -> Result<Header, NpzError> {
        let part = self.part(name, &format!("{name}.npy"))?;
        let n_bytes = part.size();
        read_numbers(part, n_bytes, name, expected, reader, check, push)
    }

    /// The part `file` of the archive, which errors call `name`.
    fn part(&mut self, name: &str, file: &str) -> Result<ZipFile<'_, Box<dyn Source + 'a>>, NpzError> {
        let Some(index) = self.zip.index_for_name(file) else {
            return Err(NpzError::Missing { name: name.to_owned(), found: self.names() });
        };
        if let Ok(part) = self.zip.by_index_raw(index) {
            let max_bytes =
                UNSUSPECTED_EXPANSION.max(MAX_EXPANSION_RATIO.saturating_mul(part.compressed_size().min(self.n_bytes)));
            match part.compression() {
                CompressionMethod::Stored => {}
                CompressionMethod::Deflated if part.size() <= max_bytes => {}
                CompressionMethod::Deflated => {
                    let expected = format!("at most {max_bytes} bytes, as its compressed data are hardly of more");
                    return Err(NpzError::unexpected(name, expected, part.size()));
                }
                _ => {
                    let expected = "an array compressed as numpy.savez_compressed does it, or not at all";
                    return Err(NpzError::unexpected(name, expected, "one compressed otherwise"));
                }
            }
        }
        self.zip.by_index(index).map_err(|error| NpzError::damaged(name, error))
    }

    /// What the archive has, as far as a line takes it.
    pub(crate) fn names(&self) -> String {
        let n = self.zip.len();
        let shown = self.zip.file_names().take(MAX_NAMES).map(|file| {
            let name = file.strip_suffix(".npy").unwrap_or(file);
            name.chars().take(MAX_NAME_LEN).flat_map(char::escape_debug).collect::<String>()
        });
        match n {
            0 => "nothing".to_owned(),
            _ if n > MAX_NAMES => format!("{} and {} more", shown.collect::<Vec<_>>().join(", "), n - MAX_NAMES),
            _ => shown.collect::<Vec<_>>().join(", "),
        }
    }
}

/// Hands out the numbers of a `.npy` file of this length, as [`Reader::numbers`] does.
pub(crate) fn read_numbers<T>(
    mut part: impl Read,
    n_bytes_of_part: u64,
    name: &str,
    expected: &str,
    reader: impl FnOnce(&str) -> Option<(usize, ReadNumber<T>)>,
    check: impl FnOnce(&[usize]) -> Result<(), String>,
    mut push: impl FnMut(T) -> Option<()>,
) -> Result<Header, NpzError> {
    let damaged = |reason: String| NpzError::damaged(name, reason);
    let unexpected = |expected: String, found: String| NpzError::unexpected(name, expected, found);

    let (header, header_len) = read_header(&mut part).map_err(damaged)?;
    let header = Header::parse(&header).ok_or_else(|| damaged("its header is not that of an array".to_owned()))?;
    let (descr, shape) = (&header.descr, &header.shape);
    let Some((size, number)) = reader(descr) else {
        return Err(unexpected(expected.to_owned(), type_name(descr)));
    };
    let n_bytes = shape.iter().try_fold(size, |n, &length| n.checked_mul(length)).map(|n| n as u64);
    let found = n_bytes_of_part.saturating_sub(header_len);
    let n_bytes = n_bytes.filter(|&n| n == found).ok_or_else(|| {
        let n_bytes = n_bytes.map_or("more than can be addressed".to_owned(), |n| n.to_string());
        unexpected(format!("{n_bytes} bytes of numbers for the shape {shape:?}"), found.to_string())
    })?;
    check(shape).map_err(|expected| unexpected(expected, format!("the shape {shape:?}")))?;

    let mut chunk = Vec::new();
    let mut n_done = 0;
    while n_done < n_bytes {
        let n_wanted = (n_bytes - n_done).min((CHUNK_SIZE / size * size) as u64);
        chunk.clear();
        read_up_to(&mut part, n_wanted, &mut chunk).map_err(damaged)?;
        if (chunk.len() as u64) < n_wanted {
            return Err(damaged(format!("expected {n_bytes} bytes, found {}", n_done + chunk.len() as u64)));
        }
        for bytes in chunk.chunks_exact(size) {
            push(number(bytes)).ok_or_else(|| {
                unexpected(expected.to_owned(), "a number that is none of these, or not of the kind before".into())
            })?;
        }
        n_done += n_wanted;
    }
    // The end is where the check sum is compared.
    chunk.clear();
    read_up_to(&mut part, 1, &mut chunk).map_err(damaged)?;
    if chunk.is_empty() { Ok(header) } else { Err(damaged(format!("expected {n_bytes} bytes, found more"))) }
}

/// What an array of this type holds, for errors.
fn type_name(descr: &str) -> String {
    match descr.trim_start_matches(['<', '>', '|', '=']).chars().next() {
        Some('O') => format!("Python's objects ({descr}), which are pickled and never read"),
        Some('U' | 'S' | 'a' | 'T') => format!("texts ({descr})"),
        Some('c') => format!("complex numbers ({descr})"),
        Some('f') if descr.ends_with('2') => format!("numbers of half precision ({descr})"),
        Some('[') => format!("records ({descr})"),
        _ => format!("numbers of the type {descr}"),
    }
}

/// Reads a number from the bytes that `.npy` files hold it in.
pub(crate) type ReadNumber<T> = fn(&[u8]) -> T;

/// Reads a number of any type that has real numbers, told by its code, as far as `f64` represents it.
pub(crate) fn any_number(descr: &str) -> Option<(usize, ReadNumber<f64>)> {
    const OF_SIZE: &str = "chunks are of the type's size";
    macro_rules! number {
        ($type:ty, $from:ident) => {
            Some((size_of::<$type>(), |bytes| <$type>::$from(bytes.try_into().expect(OF_SIZE)) as f64))
        };
    }
    match descr {
        "|b1" | "|u1" | "<u1" | ">u1" => number!(u8, from_le_bytes),
        "|i1" | "<i1" | ">i1" => number!(i8, from_le_bytes),
        "<u2" => number!(u16, from_le_bytes),
        ">u2" => number!(u16, from_be_bytes),
        "<i2" => number!(i16, from_le_bytes),
        ">i2" => number!(i16, from_be_bytes),
        "<u4" => number!(u32, from_le_bytes),
        ">u4" => number!(u32, from_be_bytes),
        "<i4" => number!(i32, from_le_bytes),
        ">i4" => number!(i32, from_be_bytes),
        "<u8" => number!(u64, from_le_bytes),
        ">u8" => number!(u64, from_be_bytes),
        "<i8" => number!(i64, from_le_bytes),
        ">i8" => number!(i64, from_be_bytes),
        "<f4" => number!(f32, from_le_bytes),
        ">f4" => number!(f32, from_be_bytes),
        "<f8" => number!(f64, from_le_bytes),
        ">f8" => number!(f64, from_be_bytes),
        _ => None,
    }
}

/// Reads a string of up to [`MAX_TEXT_LEN`] characters, of four bytes each or, where it was one of bytes, of one; what is
/// missing to the type's length is zeros. A text that is none is `None`.
#[cfg(feature = "train")]
fn text_reader(descr: &str) -> Option<(usize, ReadNumber<Option<String>>)> {
    fn of_characters(bytes: &[u8], number: fn([u8; 4]) -> u32) -> Option<String> {
        let characters = bytes.chunks_exact(4).map(|four| number(four.try_into().expect("chunks are of four bytes")));
        let text: Option<String> = characters.map(char::from_u32).collect();
        text.map(|text| text.trim_end_matches('\0').to_owned())
    }
    let (kind, len) = descr.split_at_checked(2)?;
    let len = len.parse().ok().filter(|len| (1..=MAX_TEXT_LEN).contains(len))?;
    match kind {
        "<U" => Some((4 * len, |bytes| of_characters(bytes, u32::from_le_bytes))),
        ">U" => Some((4 * len, |bytes| of_characters(bytes, u32::from_be_bytes))),
        "|S" => Some((len, |bytes| std::str::from_utf8(bytes).ok().map(|text| text.trim_end_matches('\0').to_owned()))),
        _ => None,
    }
}

/// A number as `.npy` files hold it.
#[cfg(feature = "train")]
pub(crate) trait Element: Copy {
    /// The code of the number's type, without the byte order.
    const CODE: &'static str;
    /// The types that it is read from, in NumPy's words.
    const EXPECTED: &'static str;
    const SIZE: usize;

    /// How many bytes a number of a type has, and how it is read from them; the type is told by its code with the byte
    /// order. `None` for types that hold numbers which `Self` can't represent.
    fn reader(descr: &str) -> Option<(usize, ReadNumber<Self>)>;

    /// Writes its bytes, the least significant first.
    fn write_le(self, out: &mut impl Write) -> io::Result<()>;
}

#[cfg(feature = "train")]
macro_rules! element {
    ($type:ty, $expected:literal, $code:literal, $($little:literal $big:literal $read:ty),+) => {
        impl Element for $type {
            const CODE: &'static str = $code;
            const EXPECTED: &'static str = $expected;
            const SIZE: usize = size_of::<$type>();

            fn reader(descr: &str) -> Option<(usize, ReadNumber<Self>)> {
                const OF_SIZE: &str = "chunks are of the type's size";
                match descr {
                    $($little => {
                        Some((size_of::<$read>(), |bytes| <$read>::from_le_bytes(bytes.try_into().expect(OF_SIZE)).into()))
                    }
                    $big => {
                        Some((size_of::<$read>(), |bytes| <$read>::from_be_bytes(bytes.try_into().expect(OF_SIZE)).into()))
                    })+
                    _ => None,
                }
            }

            fn write_le(self, out: &mut impl Write) -> io::Result<()> {
                out.write_all(&self.to_le_bytes())
            }
        }
    };
}

#[cfg(feature = "train")]
element!(f64, "float64 (<f8 or >f8) or float32 (<f4 or >f4)", "f8", "<f8" ">f8" f64, "<f4" ">f4" f32);
#[cfg(feature = "train")]
element!(f32, "float32 (<f4 or >f4)", "f4", "<f4" ">f4" f32);
#[cfg(feature = "train")]
element!(u32, "uint32 (<u4 or >u4)", "u4", "<u4" ">u4" u32);
#[cfg(feature = "train")]
element!(u64, "uint64 (<u8 or >u8)", "u8", "<u8" ">u8" u64);

/// Appends the next `n_wanted` bytes of a part of an archive, or as many as there are.
fn read_up_to(part: &mut impl Read, n_wanted: u64, bytes: &mut Vec<u8>) -> Result<(), String> {
    part.take(n_wanted).read_to_end(bytes).map(|_| ()).map_err(|error| error.to_string())
}

/// The rest of a part of an archive, `n_bytes` long. Its end is where the check sum is compared.
#[cfg(feature = "train")]
fn read_to_end(part: &mut impl Read, n_bytes: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = part.take(n_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    match read as u64 {
        found if found == n_bytes => Ok(bytes),
        found if found < n_bytes => Err(format!("expected {n_bytes} bytes, found {found}")),
        _ => Err(format!("expected {n_bytes} bytes, found more")),
    }
}
