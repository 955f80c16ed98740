//! A batch's inputs: an array of Python's, and what is kept of it.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, CowArray, Ix2, s};
use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::numbers::{Number, are_finite, are_same};

/// Inputs of a batch, (N, D), in one of the two types that are taken as they are.
pub enum Inputs<'py> {
    Double(PyReadonlyArray2<'py, f64>),
    Single(PyReadonlyArray2<'py, f32>),
}

/// Not derived, as it would make an exception of each type that the inputs are not, which takes longer than to compare them.
impl<'py> FromPyObject<'_, 'py> for Inputs<'py> {
    type Error = PyErr;

    fn extract(inputs: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match inputs.cast::<PyArray2<f32>>() {
            Ok(x) => Ok(Self::Single(x.try_readonly()?)),
            Err(_) => Ok(Self::Double(inputs.cast::<PyArray2<f64>>()?.try_readonly()?)),
        }
    }
}

impl Inputs<'_> {
    pub fn dim(&self) -> (usize, usize) {
        let shape = match self {
            Self::Double(x) => x.shape(),
            Self::Single(x) => x.shape(),
        };
        (shape[0], shape[1])
    }

    /// How much memory copies of them take: one is kept, and double precision is made of single where it is needed.
    pub fn n_bytes(&self) -> u64 {
        let (n_samples, n_inputs) = self.dim();
        let of_each = match self {
            Self::Double(_) => 8,
            Self::Single(_) => 4 + 8,
        };
        (n_samples as u64).saturating_mul(n_inputs as u64).saturating_mul(of_each)
    }

    /// A copy of some of the samples.
    pub fn rows(&self, range: Range<usize>) -> PyResult<Array2<f64>> {
        let first = range.start;
        match self {
            Self::Double(x) => copied(x.as_array().slice_move(s![range, ..]), first, |x| x),
            Self::Single(x) => copied(x.as_array().slice_move(s![range, ..]), first, f64::from),
        }
    }
}

/// A copy of a batch's inputs in the type that they came in: (N, D).
pub enum Batch {
    Double(Array2<f64>),
    Single(Array2<f32>),
}

impl Default for Batch {
    fn default() -> Self {
        Self::Double(Array2::zeros((0, 0)))
    }
}

impl Batch {
    pub fn n_samples(&self) -> usize {
        match self {
            Self::Double(x) => x.nrows(),
            Self::Single(x) => x.nrows(),
        }
    }

    /// Makes it what the inputs are; returns whether it was anything else.
    pub fn update(&mut self, x: &Inputs) -> PyResult<bool> {
        match (&mut *self, x) {
            (Self::Double(copy), Inputs::Double(x)) => return update(x.as_array(), copy),
            (Self::Single(copy), Inputs::Single(x)) => return update(x.as_array(), copy),
            (_, Inputs::Double(x)) => *self = Self::Double(copied(x.as_array(), 0, |x| x)?),
            (_, Inputs::Single(x)) => *self = Self::Single(copied(x.as_array(), 0, |x| x)?),
        }
        Ok(true)
    }

    /// The inputs in double precision.
    pub fn to_double(&self) -> CowArray<'_, f64, Ix2> {
        match self {
            Self::Double(x) => x.view().into(),
            Self::Single(x) => x.mapv(f64::from).into(),
        }
    }
}

fn update<T: Number>(x: ArrayView2<T>, copy: &mut Array2<T>) -> PyResult<bool> {
    if x.dim() != copy.dim() {
        *copy = copied(x, 0, |x| x)?;
        return Ok(true);
    }
    let is_same = x.rows().into_iter().zip(copy.rows()).all(|(x, copy)| match (x.as_slice(), copy.as_slice()) {
        (Some(x), Some(copy)) => are_same(x, copy),
        _ => x.iter().zip(copy).all(|(x, copy)| x.is_same(*copy)),
    });
    if !is_same {
        copy_into(x, 0, copy, |x| x)?;
    }
    Ok(!is_same)
}

fn copied<T: Number, U: Number>(x: ArrayView2<T>, first: usize, number: impl Fn(T) -> U) -> PyResult<Array2<U>> {
    let mut copy = Array2::default(x.dim());
    copy_into(x, first, &mut copy, number)?;
    Ok(copy)
}

/// Copies samples, of which the first has the number `first`; `number` says what each input becomes.
fn copy_into<T: Number, U: Number>(
    x: ArrayView2<T>,
    first: usize,
    copy: &mut Array2<U>,
    number: impl Fn(T) -> U,
) -> PyResult<()> {
    for (n, (x, mut copy)) in x.rows().into_iter().zip(copy.rows_mut()).enumerate() {
        copy.zip_mut_with(&x, |copy, &x| *copy = number(x));
        if !copy.as_slice().is_some_and(are_finite) {
            let at = copy.iter().position(|x| !Number::is_finite(*x)).unwrap_or(0);
            let (sample, value): (usize, f64) = (first + n, copy[at].into());
            return Err(PyValueError::new_err(format!("x[{sample}, {at}] is {value}, expected a finite number")));
        }
    }
    Ok(())
}
