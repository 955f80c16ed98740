//! What a `.npy` file has before its numbers: how long that is, and a Python dictionary of the numbers' type, their order and the
//! array's shape.

use std::io::Read;

/// What `.npy` files begin with.
const MAGIC: &[u8] = b"\x93NUMPY";
/// The magic string, the version, and the header's length.
#[cfg(feature = "train")]
const PREFIX_LEN: usize = MAGIC.len() + 2 + 2;
/// NumPy reads no longer headers either.
const MAX_HEADER_LEN: usize = 10_000;

/// What a `.npy` file of version 1 has before its numbers.
#[cfg(feature = "train")]
pub(super) fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let lengths: String = shape.iter().map(|n| format!("{n}, ")).collect();
    // (2, 3) and (2,): a tuple of one keeps its comma.
    let lengths = lengths.strip_suffix(if shape.len() == 1 { " " } else { ", " }).unwrap_or(&lengths);
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({lengths}), }}");
    // Padded so that the numbers begin at a multiple of 64 bytes, and ended by a line feed.
    let len = (PREFIX_LEN + dictionary.len() + 1).next_multiple_of(64) - PREFIX_LEN;
    let mut header = [MAGIC, &[1, 0], &(len as u16).to_le_bytes()].concat();
    header.extend_from_slice(format!("{dictionary:<width$}\n", width = len - 1).as_bytes());
    header
}

/// The dictionary that a `.npy` file begins with, and how many bytes are before the numbers.
pub(super) fn read_header(file: &mut impl Read) -> Result<(String, u64), String> {
    let mut next = |n_bytes: usize, missing: &str| {
        let mut bytes = Vec::new();
        let read = file.by_ref().take(n_bytes as u64).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if read == n_bytes { Ok(bytes) } else { Err(missing.to_owned()) }
    };
    let cut_off = "its header is cut off";
    let start = next(MAGIC.len() + 2, "it does not begin as .npy files do")?;
    let version = start.strip_prefix(MAGIC).ok_or("it does not begin as .npy files do")?[0];
    let len_bytes = match version {
        1 => next(2, cut_off)?,
        2 | 3 => next(4, cut_off)?,
        _ => return Err("it is not of the versions 1 to 3 of .npy files".to_owned()),
    };
    let len = len_bytes.iter().rev().fold(0, |len, &byte| len << 8 | usize::from(byte));
    if len > MAX_HEADER_LEN {
        return Err("its header is too long".to_owned());
    }
    let header = String::from_utf8(next(len, cut_off)?).map_err(|_| "its header is no text")?;
    Ok((header, (start.len() + len_bytes.len() + len) as u64))
}

/// What the dictionary of a `.npy` file says.
pub(crate) struct Header {
    pub descr: String,
    pub fortran_order: bool,
    pub shape: Vec<usize>,
}

impl Header {
    /// Reads a Python dictionary of these three keys, in any order and spacing.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut rest = Literal(text);
        rest.token("{")?;
        while rest.token("}").is_none() {
            let key = rest.string()?;
            rest.token(":")?;
            match key {
                "descr" => descr = Some(rest.string().or_else(|| rest.list())?.to_owned()),
                "fortran_order" => fortran_order = Some(rest.boolean()?),
                "shape" => shape = Some(rest.tuple()?),
                _ => return None,
            }
            if rest.token(",").is_none() {
                rest.token("}")?;
                break;
            }
        }
        rest.0.trim().is_empty().then_some(())?;
        Some(Self { descr: descr?, fortran_order: fortran_order?, shape: shape? })
    }
}

/// What is left of a Python literal. What does not fit leaves it as it is.
struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    fn token(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|c| "'\"".contains(*c))?;
        let (string, rest) = text[1..].split_once(quote)?;
        self.0 = rest;
        Some(string)
    }

    /// The type of an array of records, which only has to be named in an error.
    fn list(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let end = text.starts_with('[').then(|| text.find(']'))?? + 1;
        self.0 = &text[end..];
        Some(&text[..end])
    }

    fn boolean(&mut self) -> Option<bool> {
        self.token("True").map(|()| true).or_else(|| self.token("False").map(|()| false))
    }

    fn integer(&mut self) -> Option<usize> {
        let text = self.0.trim_start();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let integer = text[..end].parse().ok()?;
        self.0 = &text[end..];
        // Python 2 wrote long integers with an L.
        self.token("L");
        Some(integer)
    }

    fn tuple(&mut self) -> Option<Vec<usize>> {
        let mut lengths = Vec::new();
        self.token("(")?;
        while self.token(")").is_none() {
            lengths.push(self.integer()?);
            if self.token(",").is_none() {
                self.token(")")?;
                break;
            }
        }
        Some(lengths)
    }
}
