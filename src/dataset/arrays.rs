//! Data sets in NumPy's files.
//!
//! Keras' `mnist.npz` has the arrays x_train, y_train, x_test and y_test; others call them train_images and train_labels, as
//! MedMNIST does. MNIST-C and Kuzushiji-MNIST have a file of a single array, `.npy` or `.npz`, in the place of each IDX file.
//!
//! Pictures are (N, rows, columns), with a channel of its own or not, or (N, D) with the D pixels of a square; numbers of any
//! type, as in IDX files. Labels are (N,), (N, 1) or one-hot rows.

use std::io::{Read, Seek, SeekFrom};

use ndarray::{ArrayD, ShapeBuilder};

use super::idx::{Images, pictures};
use super::numbers::{EXPECTED_PIXELS, LabelRows, Shades};
use crate::files::form::{Form, START_LEN};
use crate::files::npz::{Header, NpzError, Reader, any_number, read_numbers};

/// The images and labels for training, and those for testing.
pub(super) type Arrays = [(Images, Vec<u8>); 2];

/// Reads the four arrays, which may take `max_bytes` in memory.
pub(super) fn read(reader: impl Read + Seek, max_bytes: u64) -> Result<Arrays, NpzError> {
    let npz = Reader::new(reader)?;
    let [images_of_train, images_of_test] = ["train", "test"].map(|set| called(&npz, "x", "image", set));
    let [labels_of_train, labels_of_test] = ["train", "test"].map(|set| called(&npz, "y", "label", set));
    let mut source = Source::Archive(npz);
    let mut n_left = max_bytes;
    let mut set = |of_images: &str, of_labels: &str| {
        let images = images(&mut source, of_images, n_left)?;
        n_left = n_left.saturating_sub(images.pixels.len() as u64);
        let labels = labels(&mut source, of_labels, n_left)?;
        Ok((images, labels))
    };
    Ok([set(&images_of_train, &labels_of_train)?, set(&images_of_test, &labels_of_test)?])
}

/// What the pictures or labels of a set are called in an archive: as Keras calls them where they have no other known name.
fn called(npz: &Reader, short: &str, long: &str, set: &str) -> String {
    let usual = format!("{short}_{set}");
    let known = [usual.clone(), format!("{set}_{short}"), format!("{set}_{long}s"), format!("{set}_{long}")];
    let found = known.iter().find_map(|known| npz.array_names().find(|name| name.eq_ignore_ascii_case(known)));
    found.map_or(usual, str::to_owned)
}

/// Reads a file of a single array, of pictures that may take `max_bytes` in memory.
pub(super) fn read_images(reader: impl Read + Seek, max_bytes: u64) -> Result<Images, NpzError> {
    let (mut source, name) = Source::of_one(reader)?;
    images(&mut source, &name, max_bytes)
}

/// Reads a file of a single array, of labels that may take `max_bytes` in memory.
pub(super) fn read_labels(reader: impl Read + Seek, max_bytes: u64) -> Result<Vec<u8>, NpzError> {
    let (mut source, name) = Source::of_one(reader)?;
    labels(&mut source, &name, max_bytes)
}

/// Where arrays come from.
enum Source<'a> {
    Archive(Reader<'a>),
    /// A `.npy` file of this length.
    Single(Box<dyn Read + 'a>, u64),
}

impl<'a> Source<'a> {
    /// A file that has only one array, and what that is called.
    fn of_one(mut reader: impl Read + Seek + 'a) -> Result<(Self, String), NpzError> {
        let mut start = Vec::new();
        reader.by_ref().take(START_LEN as u64).read_to_end(&mut start).map_err(NpzError::Read)?;
        let n_bytes = reader.seek(SeekFrom::End(0)).map_err(NpzError::Read)?;
        reader.rewind().map_err(NpzError::Read)?;
        if Form::of(&start) == Form::Npy {
            return Ok((Self::Single(Box::new(reader), n_bytes), "the array".to_owned()));
        }
        let npz = Reader::new(reader)?;
        let mut names = npz.array_names();
        match (names.next().map(str::to_owned), names.next()) {
            (Some(name), None) => {
                drop(names);
                Ok((Self::Archive(npz), name))
            }
            _ => Err(NpzError::Missing { name: "a single array".to_owned(), found: npz.names() }),
        }
    }

    /// Hands out the numbers of an array.
    fn numbers(
        &mut self,
        name: &str,
        expected: &str,
        check: impl FnOnce(&[usize]) -> Result<(), String>,
        push: impl FnMut(f64) -> Option<()>,
    ) -> Result<Header, NpzError> {
        match self {
            Self::Archive(npz) => npz.numbers(name, expected, any_number, check, push),
            Self::Single(reader, n_bytes) => read_numbers(reader, *n_bytes, name, expected, any_number, check, push),
        }
    }
}

fn images(source: &mut Source, name: &str, max_bytes: u64) -> Result<Images, NpzError> {
    let mut shades = Shades::default();
    let check = |shape: &[usize]| match pictures(shape) {
        Some(sides) if !sides.contains(&0) => fits(shape, max_bytes),
        _ => Err("pictures: the shape (N, rows, columns), or (N, D) with the pixels of a square".to_owned()),
    };
    let header = source.numbers(name, EXPECTED_PIXELS, check, |pixel| shades.push(pixel))?;
    let [n_images, n_rows, n_columns] = pictures(&header.shape).expect("the shape has been checked");
    let mut pixels = shades.into_bytes();
    if header.fortran_order {
        let array = ArrayD::from_shape_vec(header.shape.f(), pixels).expect("the numbers have been counted");
        pixels = array.iter().copied().collect();
    }
    Ok(Images { pixels, n_images, n_rows, n_columns })
}

fn labels(source: &mut Source, name: &str, max_bytes: u64) -> Result<Vec<u8>, NpzError> {
    let check = |shape: &[usize]| match *shape {
        [n] if n > 0 => fits(&[n, 4], max_bytes),
        [n, width] if n > 0 && width > 0 => fits(&[n, width, 4], max_bytes),
        _ => Err("labels: the shape (N,), or (N, K) with a single 1 in each row".to_owned()),
    };
    // The numbers come as they are stored, and how wide a row is, is known only when they have come.
    let mut numbers = Vec::new();
    let header = source.numbers(name, "labels", check, |number| {
        numbers.push(number as f32);
        Some(())
    })?;
    let width = header.shape.get(1).copied().unwrap_or(1);
    let array =
        ArrayD::from_shape_vec(header.shape.set_f(header.fortran_order), numbers).expect("they have been counted");
    let mut rows = LabelRows::new(width);
    array.iter().for_each(|&number| rows.push(number.into()));
    let expected = "whole numbers from 0 to 255, or rows that are 0 but for a single 1";
    rows.into_labels().ok_or_else(|| NpzError::unexpected(name, expected, "other numbers"))
}

/// Whether an array of bytes has room in memory.
fn fits(shape: &[usize], max_bytes: u64) -> Result<(), String> {
    let n_bytes = shape.iter().try_fold(1_usize, |n, &side| n.checked_mul(side));
    match n_bytes {
        Some(n_bytes) if n_bytes as u64 <= max_bytes => Ok(()),
        _ => Err(format!("data that take at most {max_bytes} bytes of memory")),
    }
}
