//! A Python function as the engine calls it: arrays go in, numbers come out, and its exceptions come through as themselves.

use std::sync::OnceLock;

use ndarray::{Array1, ArrayView1};
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyFloat;

use crate::regularly::Regularly;

/// A function, and what a point looks like to it.
pub struct Callable {
    function: Py<PyAny>,
    /// Makes a number, or an array of float64, of whatever else the function returns, or raises.
    to_number: Py<PyAny>,
    to_array: Py<PyAny>,
    /// The shape of a point; none where it is one number, of Python's own type.
    shape: Option<Vec<usize>>,
    /// How many values there should be, and by whom.
    expected: Option<(usize, String)>,
    /// The shape of the values at the first point.
    values: OnceLock<Vec<usize>>,
    signals: Regularly,
}

impl Callable {
    pub fn new(function: Py<PyAny>, to_number: Py<PyAny>, to_array: Py<PyAny>, shape: Option<Vec<usize>>) -> Self {
        let (values, signals) = (OnceLock::new(), Regularly::default());
        Self { function, to_number, to_array, shape, expected: None, values, signals }
    }

    /// The same function, of which is known how many values it should have and who says so.
    pub fn expecting(&self, py: Python, n: usize, by: &str) -> Self {
        let [function, to_number, to_array] =
            [&self.function, &self.to_number, &self.to_array].map(|object| object.clone_ref(py));
        Self { expected: Some((n, by.to_owned())), ..Self::new(function, to_number, to_array, self.shape.clone()) }
    }

    /// The only value at `x`.
    pub fn number(&self, py: Python, x: &Array1<f64>) -> PyResult<f64> {
        let value = self.call(py, x)?;
        match value.cast::<PyFloat>() {
            Ok(value) => Ok(value.value()),
            Err(_) => self.to_number.bind(py).call1((value,))?.extract(),
        }
    }

    /// The values at `x`, in standard order.
    pub fn array(&self, py: Python, x: &Array1<f64>) -> PyResult<Array1<f64>> {
        let value = self.to_array.bind(py).call1((self.call(py, x)?,))?;
        let values = value.cast::<PyArrayDyn<f64>>()?;
        let shape = self.values.get_or_init(|| values.shape().to_vec());
        if values.shape() != shape {
            let found = values.shape();
            return Err(PyValueError::new_err(format!(
                "f returned an array of shape {found:?}, expected {shape:?} as at the point before"
            )));
        }
        if let Some((n, by)) = &self.expected
            && values.len() != *n
        {
            return Err(PyValueError::new_err(format!("f returned {} values, expected {n} by {by}", values.len())));
        }
        Ok(values.readonly().as_array().iter().copied().collect())
    }

    /// The shape of the values, where the function has been called.
    pub fn shape_of_values(&self) -> Option<Vec<usize>> {
        self.values.get().cloned()
    }

    fn call<'py>(&self, py: Python<'py>, x: &Array1<f64>) -> PyResult<Bound<'py, PyAny>> {
        // A function of C code never looks for signals.
        if self.signals.is_time() {
            py.check_signals()?;
        }
        let function = self.function.bind(py);
        match &self.shape {
            None => function.call1((x[0],)),
            Some(shape) => {
                // An array of its own for every call: the function may keep it, or write to it.
                let x = PyArray1::from_slice(py, in_order(&x.view()));
                if shape.len() == 1 { function.call1((x,)) } else { function.call1((x.reshape(shape.as_slice())?,)) }
            }
        }
    }
}

fn in_order<'a>(x: &ArrayView1<'a, f64>) -> &'a [f64] {
    x.to_slice().expect("a point is contiguous")
}
