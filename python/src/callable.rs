//! A Python function as the engine calls it: arrays go in, numbers come out, and its exceptions come through as themselves.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

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
    precision: SeenPrecision,
}

impl Callable {
    pub fn new(function: Py<PyAny>, to_number: Py<PyAny>, to_array: Py<PyAny>, shape: Option<Vec<usize>>) -> Self {
        let (values, signals, precision) = (OnceLock::new(), Regularly::default(), SeenPrecision::default());
        Self { function, to_number, to_array, shape, expected: None, values, signals, precision }
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
        let value = match value.cast::<PyFloat>() {
            Ok(value) => value.value(),
            Err(_) => self.to_number.bind(py).call1((value,))?.extract()?,
        };
        self.precision.see(x, &[value]);
        Ok(value)
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
        let values: Array1<f64> = values.readonly().as_array().iter().copied().collect();
        self.precision.see(x, in_order(&values.view()));
        Ok(values)
    }

    /// Whether the values look as if they were of single precision, or whole numbers.
    pub fn looks_coarse(&self) -> bool {
        self.precision.looks_coarse()
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

/// Looks whether values that differ have no more digits than single precision has, at points that let expect more. Where they are
/// not short, or are all whole numbers, chance does not do that: they were rounded somewhere, and a step for double precision
/// makes noise of them.
#[derive(Default)]
struct SeenPrecision {
    is_double: AtomicBool,
    first: OnceLock<Vec<f64>>,
    differs: AtomicBool,
    is_long: AtomicBool,
    has_fractions: AtomicBool,
}

/// The binary digits of a number of single precision, and those that a number has anyway, such as 3, 0.5 or a sum of the two.
const SINGLE: u32 = f32::MANTISSA_DIGITS;
const SHORT: u32 = 12;
const ADDED_BY_SUMS: u32 = 4;

impl SeenPrecision {
    fn see(&self, x: &Array1<f64>, values: &[f64]) {
        if self.is_double.load(Relaxed) {
            return;
        }
        let most = |numbers: &[f64]| numbers.iter().map(|&number| n_digits(number)).max().unwrap_or(0);
        let (of_point, of_values) = (most(in_order(&x.view())), most(values));
        if of_values > SINGLE {
            return self.is_double.store(true, Relaxed);
        }
        if of_point <= SINGLE && of_values <= of_point + ADDED_BY_SUMS {
            return;
        }
        for (flag, is_so) in [
            (&self.differs, self.first.get_or_init(|| values.to_vec()) != values),
            (&self.is_long, of_values > SHORT),
            (&self.has_fractions, values.iter().any(|value| value.fract() != 0.0)),
        ] {
            flag.fetch_or(is_so, Relaxed);
        }
    }

    fn looks_coarse(&self) -> bool {
        let is = |flag: &AtomicBool| flag.load(Relaxed);
        is(&self.differs) && !is(&self.is_double) && (is(&self.is_long) || !is(&self.has_fractions))
    }
}

/// How many binary digits a number has from its first 1 to its last.
fn n_digits(number: f64) -> u32 {
    if number == 0.0 || !number.is_finite() {
        0
    } else {
        f64::MANTISSA_DIGITS - (number.to_bits() | 1 << 52).trailing_zeros()
    }
}
