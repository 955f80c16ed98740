//! A model as a file: an `.npz` archive of the weights and biases of its layers, `W1`, `b1`, `W2`, `b2`, which NumPy reads
//! and writes as well.

use std::fmt;
use std::io::{self, Read, Seek, Write};

use ndarray::{Array1, Array2, ArrayD};

use crate::files::npz::{NpzError, Reader, Writer};
use crate::nn::{NetworkShape, Parameters};

/// Writes parameters, or their gradient, as `numpy.load` reads them: W1, b1, W2, b2 in float64.
///
/// # Errors
/// If the writer fails.
///
/// ```
/// use std::io::Cursor;
///
/// use numgrad::nn::{NetworkShape, Parameters};
/// use numgrad::train::{read_model, write_model};
///
/// let parameters = Parameters::zeros(&NetworkShape::new([2, 3, 2]));
/// let mut file = Vec::new();
/// write_model(&mut file, &parameters)?;
/// assert_eq!(read_model(Cursor::new(file)).unwrap(), parameters);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_model(mut writer: impl Write, parameters: &Parameters) -> io::Result<()> {
    let mut npz = Writer::with_capacity(n_bytes(parameters));
    write_parameters(&mut npz, parameters)?;
    writer.write_all(&npz.finish()?)
}

/// Reads what [`write_model`] or `numpy.savez` wrote: W1 (D, H), b1 (H,) or (1, H), W2 (H, K) and b2 (K,) or (1, K), in
/// float64 or float32.
///
/// # Errors
/// [`NpzError`] if an array is missing or damaged, of another type or of a shape that does not fit the others, has nothing
/// in it, or holds a number that is not finite; if there are arrays of further layers, as a network without them would
/// answer otherwise. What else is in the archive does not matter.
pub fn read_model(reader: impl Read + Seek) -> Result<Parameters, NpzError> {
    read_parameters(&mut Reader::new(reader)?)
}

/// How much memory the numbers take.
pub(super) fn n_bytes(parameters: &Parameters) -> usize {
    parameters.values().len() * size_of::<f64>()
}

/// Adds a model to an archive.
pub(super) fn write_parameters(npz: &mut Writer, parameters: &Parameters) -> io::Result<()> {
    parameters.arrays().try_for_each(|(name, array)| npz.array(&name, &array))
}

/// The model in an archive.
pub(super) fn read_parameters(npz: &mut Reader) -> Result<Parameters, NpzError> {
    if let Some(name) = npz.array_names().find(|name| is_of_a_layer(name) && !NAMES.contains(name)) {
        let expected =
            format!("no arrays but those of two layers ({}), as no deeper networks are read", NAMES.join(", "));
        let name: String = name.chars().take(20).collect();
        return Err(NpzError::unexpected(&name, expected, "this one as well"));
    }
    let w1 = weights(npz, 1, [Length::Any("D"), Length::Any("H")])?;
    let b1 = biases(npz, 1, w1.ncols())?;
    let w2 = weights(npz, 2, [Length::Known(w1.ncols()), Length::Any("K")])?;
    let b2 = biases(npz, 2, w2.ncols())?;
    let shape = NetworkShape::new([w1.nrows(), w1.ncols(), w2.ncols()]);
    let values = w1.iter().chain(&b1).chain(&w2).chain(&b2);
    let mut parameters = Parameters::zeros(&shape);
    parameters.values_mut().iter_mut().zip(values).for_each(|(parameter, value)| *parameter = *value);
    Ok(parameters)
}

/// The arrays of a network of two layers.
const NAMES: [&str; 4] = ["W1", "b1", "W2", "b2"];

/// Whether this is how a layer's weights or biases are called.
fn is_of_a_layer(name: &str) -> bool {
    let number = name.strip_prefix(['W', 'b']);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What a side of an array has to measure, and how errors write it.
#[derive(Clone, Copy)]
enum Length {
    Known(usize),
    /// Any but 0, by its letter.
    Any(&'static str),
}

impl Length {
    fn fits(self, n: usize) -> bool {
        match self {
            Length::Known(known) => n == known,
            Length::Any(_) => n > 0,
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Length::Known(n) => write!(f, "{n}"),
            Length::Any(letter) => write!(f, "{letter} > 0"),
        }
    }
}

/// The weights of a layer; layers count from 1.
fn weights(npz: &mut Reader, layer: usize, [rows, columns]: [Length; 2]) -> Result<Array2<f64>, NpzError> {
    let array = finite_array(npz, &format!("W{layer}"), |shape| match *shape {
        [n_rows, n_columns] if rows.fits(n_rows) && columns.fits(n_columns) => Ok(()),
        _ => Err(format!("the shape ({rows}, {columns})")),
    })?;
    Ok(array.into_dimensionality().expect("the number of dimensions has been compared"))
}

/// The biases of a layer, as a vector or as the row that is added to a batch.
fn biases(npz: &mut Reader, layer: usize, n: usize) -> Result<Array1<f64>, NpzError> {
    let array = finite_array(npz, &format!("b{layer}"), |shape| match *shape {
        [found] | [1, found] if found == n => Ok(()),
        _ => Err(format!("the shape ({n}) or (1, {n})")),
    })?;
    Ok(array.into_iter().collect())
}

/// An array of finite numbers, of a shape that `check` does not refuse.
fn finite_array(
    npz: &mut Reader,
    name: &str,
    check: impl FnOnce(&[usize]) -> Result<(), String>,
) -> Result<ArrayD<f64>, NpzError> {
    let array = npz.array::<f64>(name, check)?;
    match array.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(NpzError::unexpected(name, "finite numbers", value)),
        None => Ok(array),
    }
}
