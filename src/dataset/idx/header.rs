//! What an IDX file begins with: the type of its numbers, and its dimensions.

use std::fmt;

const IMAGES_MAGIC: u32 = 2051;
const LABELS_MAGIC: u32 = 2049;
/// No more dimensions of a header are shown.
const MAX_SIDES: usize = 8;

/// The two kinds of IDX files that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pictures: usually unsigned bytes in three dimensions.
    Images,
    /// Labels: usually unsigned bytes in one dimension.
    Labels,
}

impl Kind {
    /// The number that files of this kind begin with.
    pub(super) fn magic(self) -> u32 {
        match self {
            Self::Images => IMAGES_MAGIC,
            Self::Labels => LABELS_MAGIC,
        }
    }

    /// How many dimensions files of this kind usually have.
    pub(super) fn n_dimensions(self) -> usize {
        match self {
            Self::Images => 3,
            Self::Labels => 1,
        }
    }

    /// Whether what has these dimensions can be of this kind.
    pub(super) fn takes(self, dimensions: &[usize]) -> bool {
        match self {
            Self::Images => pictures(dimensions).is_some(),
            Self::Labels => dimensions.len() <= 2,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Images => "images",
            Self::Labels => "labels",
        })
    }
}

/// Number, rows and columns of images of these dimensions: a channel of its own does not count, and rows of pixels are
/// those of a square.
pub(in crate::dataset) fn pictures(dimensions: &[usize]) -> Option<[usize; 3]> {
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
pub(super) enum Element {
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

    pub(super) fn n_bytes(self) -> usize {
        match self {
            Self::UnsignedByte | Self::SignedByte => 1,
            Self::Short => 2,
            Self::Int | Self::Float => 4,
            Self::Double => 8,
        }
    }

    /// The number that these bytes hold.
    pub(super) fn number(self, bytes: &[u8]) -> f64 {
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
pub(super) struct Header {
    pub(super) element: Element,
    pub(super) dimensions: Vec<usize>,
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
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
pub(super) fn of_magic(magic: u32) -> Option<(Element, usize)> {
    match magic.to_be_bytes() {
        [0, 0, code, n_dimensions] if n_dimensions > 0 => Some((Element::of_code(code)?, usize::from(n_dimensions))),
        _ => None,
    }
}
