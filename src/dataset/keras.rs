//! Keras' `mnist.npz`, and what else has the arrays x_train, y_train, x_test and y_test.
//!
//! Pictures are (N, rows, columns), with a channel of its own or not, or (N, D) with the D pixels of a square; numbers of any
//! type, as in IDX files. Labels are (N,), (N, 1) or one-hot rows.

use std::io::{Read, Seek};

use ndarray::{ArrayD, ShapeBuilder};

use super::idx::{Images, pictures};
use super::numbers::{EXPECTED_PIXELS, LabelRows, Shades};
use crate::files::npz::{NpzError, Reader, any_number};

/// The images and labels for training, and those for testing.
pub(super) type Arrays = [(Images, Vec<u8>); 2];

/// Reads the four arrays, which may take `max_bytes` in memory.
pub(super) fn read(reader: impl Read + Seek, max_bytes: u64) -> Result<Arrays, NpzError> {
    let mut npz = Reader::new(reader)?;
    let mut n_left = max_bytes;
    let mut set = |name: &str| {
        let images = images(&mut npz, &format!("x_{name}"), n_left)?;
        n_left = n_left.saturating_sub(images.pixels.len() as u64);
        let labels = labels(&mut npz, &format!("y_{name}"), n_left)?;
        Ok((images, labels))
    };
    Ok([set("train")?, set("test")?])
}

fn images(npz: &mut Reader, name: &str, max_bytes: u64) -> Result<Images, NpzError> {
    let mut shades = Shades::default();
    let check = |shape: &[usize]| match pictures(shape) {
        Some(sides) if !sides.contains(&0) => fits(shape, max_bytes),
        _ => Err("pictures: the shape (N, rows, columns), or (N, D) with the pixels of a square".to_owned()),
    };
    let header = npz.numbers(name, EXPECTED_PIXELS, any_number, check, |pixel| shades.push(pixel))?;
    let [n_images, n_rows, n_columns] = pictures(&header.shape).expect("the shape has been checked");
    let mut pixels = shades.into_bytes();
    if header.fortran_order {
        let array = ArrayD::from_shape_vec(header.shape.f(), pixels).expect("the numbers have been counted");
        pixels = array.iter().copied().collect();
    }
    Ok(Images { pixels, n_images, n_rows, n_columns })
}

fn labels(npz: &mut Reader, name: &str, max_bytes: u64) -> Result<Vec<u8>, NpzError> {
    let check = |shape: &[usize]| match *shape {
        [n] if n > 0 => fits(&[n, 4], max_bytes),
        [n, width] if n > 0 && width > 0 => fits(&[n, width, 4], max_bytes),
        _ => Err("labels: the shape (N,), or (N, K) with a single 1 in each row".to_owned()),
    };
    // The numbers come as they are stored, and how wide a row is, is known only when they have come.
    let mut numbers = Vec::new();
    let header = npz.numbers(name, "labels", any_number, check, |number| {
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
        _ => Err(format!("what takes at most {max_bytes} bytes of memory")),
    }
}
