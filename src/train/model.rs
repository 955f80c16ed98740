//! A model as a file: an `.npz` archive of the weights and biases of its layers, `W1`, `b1`, `W2`, `b2`, …, and of the name
//! of its activation, which NumPy reads and writes as well.

use std::fmt;
use std::io::{self, Read, Seek, Write};

use ndarray::{Array1, Array2, ArrayD};

use crate::files::npz::{NpzError, Reader, Writer};
use crate::nn::{Activation, NetworkShape, Parameters};

/// More layers of weights than this are refused.
pub(super) const MAX_LAYERS: usize = 1000;

/// Headers, names and lengths of the two arrays of a layer take fewer bytes than this.
pub(super) const AROUND_A_LAYER: usize = 1024;

/// The array that names what the hidden layers make of their inputs.
const ACTIVATION: &str = "activation";

/// An error tells at most this many characters of what a file says.
const MAX_SHOWN: usize = 20;

/// Writes a network as `numpy.load` reads it: W1, b1, W2, b2, … in float64, and the name of its activation in the string
/// `activation`. Of two layers of sigmoids, which older versions wrote, there are only the four arrays.
///
/// # Errors
/// If the writer fails.
///
/// ```
/// use std::io::Cursor;
///
/// use numgrad::nn::{Activation, NetworkShape, Parameters};
/// use numgrad::train::{read_model, write_model};
///
/// let parameters = Parameters::zeros(&NetworkShape::new([2, 3, 4, 2]).with_activation(Activation::Tanh));
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

/// Writes the gradient of a network as `numpy.load` reads it: arrays W1, b1, W2, b2, … of the derivatives by the weights and
/// biases of these names, in float64.
///
/// # Errors
/// If the writer fails.
pub fn write_gradient(mut writer: impl Write, gradient: &Parameters) -> io::Result<()> {
    let mut npz = Writer::with_capacity(n_bytes(gradient));
    write_arrays(&mut npz, gradient)?;
    writer.write_all(&npz.finish()?)
}

/// Reads what [`write_model`] or `numpy.savez` wrote: with D inputs, two or more layers and K classes W1 (D, H), b1 (H,) or
/// (1, H), and so on to the last layer's of K columns, in float64 or float32; and the string `activation`, which names one of
/// [`Activation::ALL`]. A file without it is of sigmoids.
///
/// # Errors
/// [`NpzError`] if an array is missing or damaged, of another type or of a shape that does not fit the others, has nothing
/// in it, or holds a number that is not finite; if the activation is unknown; if there are more than 1000 layers. What else
/// is in the archive does not matter.
pub fn read_model(reader: impl Read + Seek) -> Result<Parameters, NpzError> {
    read_parameters(&mut Reader::new(reader)?)
}

/// How much memory the numbers take, and what is around them beyond what every archive has.
pub(super) fn n_bytes(parameters: &Parameters) -> usize {
    parameters.values().len() * size_of::<f64>() + parameters.shape().n_layers() * AROUND_A_LAYER
}

/// Adds a model to an archive.
pub(super) fn write_parameters(npz: &mut Writer, parameters: &Parameters) -> io::Result<()> {
    write_arrays(npz, parameters)?;
    let shape = parameters.shape();
    match (shape.n_layers(), shape.activation()) {
        (2, Activation::Sigmoid) => Ok(()),
        (_, activation) => npz.text(ACTIVATION, &activation.to_string()),
    }
}

fn write_arrays(npz: &mut Writer, parameters: &Parameters) -> io::Result<()> {
    parameters.arrays().try_for_each(|(name, array)| npz.array(&name, &array))
}

/// The model in an archive.
pub(super) fn read_parameters(npz: &mut Reader) -> Result<Parameters, NpzError> {
    let n_layers = n_layers(npz)?;
    let activation = activation(npz)?;
    let mut layers: Vec<(Array2<f64>, Array1<f64>)> = Vec::new();
    for layer in 1..=n_layers {
        let n_inputs = match layers.last() {
            Some((weights, _)) => Length::Known(weights.ncols()),
            None => Length::Any("D".to_owned()),
        };
        let n_units = match layer {
            last if last == n_layers => "K".to_owned(),
            1 if n_layers == 2 => "H".to_owned(),
            layer => format!("H{layer}"),
        };
        let weights = weights(npz, layer, [n_inputs, Length::Any(n_units)])?;
        let biases = biases(npz, layer, weights.ncols())?;
        layers.push((weights, biases));
    }
    let sizes: Vec<usize> = layers
        .first()
        .map(|(weights, _)| weights.nrows())
        .into_iter()
        .chain(layers.iter().map(|(_, b)| b.len()))
        .collect();
    let values = layers.iter().flat_map(|(weights, biases)| weights.iter().chain(biases));
    let mut parameters = Parameters::zeros(&NetworkShape::new(sizes).with_activation(activation));
    parameters.values_mut().iter_mut().zip(values).for_each(|(parameter, value)| *parameter = *value);
    Ok(parameters)
}

/// How many layers the arrays are of: at least two, so that what is missing of them is named.
fn n_layers(npz: &Reader) -> Result<usize, NpzError> {
    let mut n_layers = 2;
    for name in npz.array_names() {
        let Some(digits) = name.strip_prefix(['W', 'b']).filter(|digits| is_number(digits)) else { continue };
        // A layer has one name; W01 would be left out, and the network would answer otherwise without it.
        match digits.parse::<usize>() {
            Ok(layer) if (1..=MAX_LAYERS).contains(&layer) && !digits.starts_with('0') => {
                n_layers = n_layers.max(layer)
            }
            _ => {
                let expected = format!("arrays of the layers 1 to at most {MAX_LAYERS} (W1, b1, W2, b2 and so on)");
                return Err(NpzError::unexpected(&shown(name), expected, "this one as well"));
            }
        }
    }
    Ok(n_layers)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The activation that the archive names; the sigmoid where it names none.
fn activation(npz: &mut Reader) -> Result<Activation, NpzError> {
    if !npz.array_names().any(|name| name == ACTIVATION) {
        return Ok(Activation::Sigmoid);
    }
    let expected = format!("one of the texts {}", Activation::ALL.map(|activation| activation.to_string()).join(", "));
    let found = npz.text(ACTIVATION, &expected)?;
    found.parse().map_err(|_| NpzError::unexpected(ACTIVATION, expected, format!("\"{}\"", shown(&found))))
}

/// The beginning of what a file says.
fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect()
}

/// What a side of an array has to measure, and how errors write it.
enum Length {
    Known(usize),
    /// Any but 0, by its letter.
    Any(String),
}

impl Length {
    fn fits(&self, n: usize) -> bool {
        match self {
            Length::Known(known) => n == *known,
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
