//! The derivatives of a Python function at a point.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array1, Array2};
use numgrad::difference::{
    CheckReport, Differentiator, Error, Estimate, Of, OfValues, Partial, Progress, Sample, Source, SparsityPattern,
    TryError,
};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2, ToPyArray};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::callable::Callable;
use crate::pool;
use crate::regularly::Regularly;
use crate::report::Report;
use crate::settings::Settings;

/// A function at a point, ready to be differentiated.
#[pyclass(frozen, module = "numgrad_rs._core")]
pub struct Derivative {
    function: Callable,
    x: Array1<f64>,
    how: Differentiator,
    settings: Settings,
}

/// A derivative of a function of one value.
enum OfNumber<'a> {
    Gradient,
    ValueAndGradient,
    Hessian,
    Check(&'a Array1<f64>, Sample),
}

/// A derivative of a function of many values.
enum OfArray<'a> {
    Jacobian,
    Sparse(&'a SparsityPattern),
    Along(&'a Array1<f64>),
    Estimates,
    Check(&'a Array2<f64>, Sample),
}

enum Answer {
    Row(Vec<f64>),
    ValueAndRow(f64, Vec<f64>),
    Matrix(Array2<f64>),
    Estimates(Array2<Estimate>),
    Report(CheckReport),
}

type Failed = TryError<PyErr>;
type Floats<'py> = Bound<'py, PyArray1<f64>>;
type Integers<'py> = Bound<'py, PyArray1<i64>>;
type Matrix<'py> = Bound<'py, PyArray2<f64>>;

#[pymethods]
impl Derivative {
    /// `shape` is that of the points that the function is given; none for numbers. `to_number` and `to_array` make numbers of
    /// what it returns.
    #[new]
    fn new(
        function: Py<PyAny>,
        x: PyReadonlyArray1<f64>,
        shape: Option<Vec<usize>>,
        settings: Settings,
        to_number: Py<PyAny>,
        to_array: Py<PyAny>,
    ) -> PyResult<Self> {
        let how = pool::caught(|| settings.differentiator())??;
        let function = Callable::new(function, to_number, to_array, shape);
        Ok(Self { function, x: x.as_array().to_owned(), how, settings })
    }

    /// Whether the values so far look as if they were of single precision, or whole numbers.
    fn looks_coarse(&self) -> bool {
        self.function.looks_coarse()
    }

    fn gradient<'py>(&self, py: Python<'py>) -> PyResult<Floats<'py>> {
        match self.of_number(py, &OfNumber::Gradient)? {
            Answer::Row(gradient) => Ok(gradient.into_pyarray(py)),
            _ => Err(unexpected()),
        }
    }

    fn value_and_gradient<'py>(&self, py: Python<'py>) -> PyResult<(f64, Floats<'py>)> {
        match self.of_number(py, &OfNumber::ValueAndGradient)? {
            Answer::ValueAndRow(value, gradient) => Ok((value, gradient.into_pyarray(py))),
            _ => Err(unexpected()),
        }
    }

    fn hessian<'py>(&self, py: Python<'py>) -> PyResult<Matrix<'py>> {
        match self.of_number(py, &OfNumber::Hessian)? {
            Answer::Matrix(hessian) => Ok(hessian.into_pyarray(py)),
            _ => Err(unexpected()),
        }
    }

    /// Of shape (values, coordinates), and the shape of the values.
    fn jacobian<'py>(&self, py: Python<'py>) -> PyResult<(Matrix<'py>, Option<Vec<usize>>)> {
        match self.of_array(py, &self.function, &OfArray::Jacobian)? {
            Answer::Matrix(jacobian) => Ok((jacobian.into_pyarray(py), self.function.shape_of_values())),
            _ => Err(unexpected()),
        }
    }

    /// The rows, columns and values of the entries of a pattern.
    fn sparse_jacobian<'py>(
        &self,
        py: Python<'py>,
        n_rows: usize,
        rows: PyReadonlyArray1<i64>,
        columns: PyReadonlyArray1<i64>,
        checked: bool,
    ) -> PyResult<(Integers<'py>, Integers<'py>, Floats<'py>)> {
        let entries = rows.as_array().into_iter().zip(columns.as_array()).map(|(&i, &j)| (i as usize, j as usize));
        let entries: Vec<_> = entries.collect();
        let pattern = pool::caught(|| SparsityPattern::new(n_rows, self.x.len(), entries))?;
        let pattern = if checked { pattern } else { pattern.unchecked() };
        let function = self.function.expecting(py, n_rows, "the rows of the pattern");
        match self.of_array(py, &function, &OfArray::Sparse(&pattern))? {
            Answer::Row(values) => {
                let (rows, columns): (Vec<i64>, Vec<i64>) =
                    pattern.entries().map(|(i, j)| (i as i64, j as i64)).unzip();
                Ok((rows.into_pyarray(py), columns.into_pyarray(py), values.into_pyarray(py)))
            }
            _ => Err(unexpected()),
        }
    }

    /// The derivative of each value along a direction, and the shape of the values.
    fn directional<'py>(
        &self,
        py: Python<'py>,
        direction: PyReadonlyArray1<f64>,
    ) -> PyResult<(Floats<'py>, Option<Vec<usize>>)> {
        let direction = direction.as_array().to_owned();
        match self.of_array(py, &self.function, &OfArray::Along(&direction))? {
            Answer::Row(slopes) => Ok((slopes.into_pyarray(py), self.function.shape_of_values())),
            _ => Err(unexpected()),
        }
    }

    /// Values, errors, whether they converged and how many evaluations they took, each of shape (values, coordinates), and the
    /// shape of the values.
    #[allow(clippy::type_complexity, reason = "it is taken apart at once")]
    fn estimates<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Matrix<'py>, Matrix<'py>, Bound<'py, PyArray2<bool>>, Bound<'py, PyArray2<u64>>, Option<Vec<usize>>)>
    {
        match self.of_array(py, &self.function, &OfArray::Estimates)? {
            Answer::Estimates(found) => Ok((
                found.map(|estimate| estimate.value).to_pyarray(py),
                found.map(|estimate| estimate.error).to_pyarray(py),
                found.map(|estimate| estimate.converged).to_pyarray(py),
                found.map(|estimate| estimate.n_evaluations).to_pyarray(py),
                self.function.shape_of_values(),
            )),
            _ => Err(unexpected()),
        }
    }

    /// Compares a gradient, all of it, some coordinates or along some directions.
    fn check_gradient(
        &self,
        py: Python,
        gradient: PyReadonlyArray1<f64>,
        sample: (&str, usize, u64),
    ) -> PyResult<Report> {
        let gradient = gradient.as_array().to_owned();
        match self.of_number(py, &OfNumber::Check(&gradient, sample_of(sample)?))? {
            Answer::Report(report) => Ok(Report::new(report)),
            _ => Err(unexpected()),
        }
    }

    /// Compares a Jacobian, of shape (values, coordinates).
    fn check_jacobian(
        &self,
        py: Python,
        jacobian: PyReadonlyArray2<f64>,
        sample: (&str, usize, u64),
    ) -> PyResult<Report> {
        let jacobian = jacobian.as_array().to_owned();
        let function = self.function.expecting(py, jacobian.nrows(), "the rows of the Jacobian");
        match self.of_array(py, &function, &OfArray::Check(&jacobian, sample_of(sample)?))? {
            Answer::Report(report) => Ok(Report::new(report)),
            _ => Err(unexpected()),
        }
    }
}

impl Derivative {
    fn of_number(&self, py: Python, what: &OfNumber) -> PyResult<Answer> {
        let Self { function, x, how, settings } = self;
        self.run(
            py,
            || ask(within(how.try_of_mut(|x: &Array1<f64>| function.number(py, x), x), settings), settings, what),
            |cancelled| {
                let f = |x: &Array1<f64>| Python::attach(|py| function.number(py, x));
                ask(within(how.try_of(f, x), settings).cancelled_by(cancelled), settings, what)
            },
        )
    }

    fn of_array(&self, py: Python, function: &Callable, what: &OfArray) -> PyResult<Answer> {
        let Self { x, how, settings, .. } = self;
        let budget = settings.budget.unwrap_or(u64::MAX);
        self.run(
            py,
            || {
                let f = |x: &Array1<f64>| function.array(py, x);
                ask_values(how.try_of_values_mut(f, x).within(budget), settings, what)
            },
            |cancelled| {
                let f = |x: &Array1<f64>| Python::attach(|py| function.array(py, x));
                ask_values(how.try_of_values(f, x).within(budget).cancelled_by(cancelled), settings, what)
            },
        )
    }

    /// Computes on this thread, or on several that are attached to Python for as long as they live.
    fn run(
        &self,
        py: Python,
        serial: impl FnOnce() -> Result<Answer, Failed>,
        parallel: impl FnOnce(Arc<AtomicBool>) -> Result<Answer, Failed> + Send,
    ) -> PyResult<Answer> {
        let found = match self.settings.n_threads {
            0 | 1 => pool::caught(serial)?,
            n_threads => pool::on_attached_threads(py, n_threads, parallel)?,
        };
        found.map_err(|error| raised(py, error))
    }
}

fn within<'a, S>(of: Of<'a, S, Array1<f64>>, settings: &Settings) -> Of<'a, S, Array1<f64>> {
    match settings.budget {
        Some(budget) => of.within(budget),
        None => of,
    }
}

fn ask<S>(of: Of<S, Array1<f64>>, settings: &Settings, what: &OfNumber) -> Result<Answer, Failed>
where
    S: Source<Array1<f64>, Failure = Failed>,
{
    let ask = |of: Of<S, Array1<f64>>| match what {
        OfNumber::Gradient => of.gradient().map(|gradient| Answer::Row(gradient.to_vec())),
        OfNumber::ValueAndGradient => {
            of.value_and_gradient().map(|(value, gradient)| Answer::ValueAndRow(value, gradient.to_vec()))
        }
        OfNumber::Hessian => of.hessian().map(Answer::Matrix),
        OfNumber::Check(gradient, sample) => of.check(*gradient, *sample).map(Answer::Report),
    };
    let Some(callback) = &settings.progress else { return ask(of) };
    let watcher = Watcher::new(callback);
    let hook = |progress: Progress| watcher.tell(progress);
    let found = ask(of.watched(&hook));
    watcher.or_failure(found)
}

fn ask_values<S>(of: OfValues<S, Array1<f64>>, settings: &Settings, what: &OfArray) -> Result<Answer, Failed>
where
    S: Source<Array1<f64>, Failure = Failed>,
{
    let ask = |of: OfValues<S, Array1<f64>>| match what {
        OfArray::Jacobian => of.jacobian().map(Answer::Matrix),
        OfArray::Sparse(pattern) => of.sparse_jacobian(pattern).map(Answer::Row),
        OfArray::Along(direction) => of.along(*direction).map(|slopes| Answer::Row(slopes.to_vec())),
        OfArray::Estimates => of.estimates().map(Answer::Estimates),
        OfArray::Check(jacobian, sample) => of.check(jacobian, *sample).map(Answer::Report),
    };
    let Some(callback) = &settings.progress else { return ask(of) };
    let watcher = Watcher::new(callback);
    let hook = |progress: Progress| watcher.tell(progress);
    let found = ask(of.watched(&hook));
    watcher.or_failure(found)
}

/// Tells Python of progress, some times a second. An exception stops the derivative.
struct Watcher<'a> {
    callback: &'a Py<PyAny>,
    due: Regularly,
    failure: Mutex<Option<PyErr>>,
}

impl<'a> Watcher<'a> {
    fn new(callback: &'a Py<PyAny>) -> Self {
        Self { callback, due: Regularly::default(), failure: Mutex::new(None) }
    }

    fn tell(&self, progress: Progress) -> ControlFlow<()> {
        if !self.due.is_time() && progress.n_done < progress.n_total {
            return ControlFlow::Continue(());
        }
        match Python::attach(|py| self.callback.call1(py, (progress.n_done, progress.n_total)).map(drop)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn or_failure(self, found: Result<Answer, Failed>) -> Result<Answer, Failed> {
        match self.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(source) => Err(TryError::Function { coordinate: 0, point: f64::NAN, source }),
            None => found,
        }
    }
}

/// An error as the exception that Python sees: the function's own, or one of `numgrad_rs`.
fn raised(py: Python, error: Failed) -> PyErr {
    let error = match error {
        TryError::Function { source, .. } => return source,
        TryError::Engine(error) => error,
        error => return PyRuntimeError::new_err(format!("{error:?}")),
    };
    let raise = |class: &str, arguments: Bound<PyTuple>| match py
        .import("numgrad_rs._errors")?
        .getattr(class)?
        .call1(arguments)
    {
        Ok(exception) => Ok(PyErr::from_value(exception)),
        Err(error) => Err(error),
    };
    let message = error.to_string();
    let coordinate = match &error {
        Error::Point { coordinate, .. }
        | Error::Step { coordinate, .. }
        | Error::Direction { coordinate, .. }
        | Error::Overflow { coordinate, .. }
        | Error::NonFinite { coordinate, .. } => Some(*coordinate),
        _ => None,
    };
    let raised = match error {
        Error::Stopped(partial) => {
            let Partial { values, done, .. } = *partial;
            (message, values, done).into_pyobject(py).and_then(|arguments| raise("Stopped", arguments))
        }
        _ => (message, coordinate).into_pyobject(py).and_then(|arguments| raise("DerivativeError", arguments)),
    };
    raised.unwrap_or_else(|error| error)
}

/// `("all", 0, 0)`, `("coordinates", n, seed)` or `("directions", n, seed)`.
fn sample_of((what, n, seed): (&str, usize, u64)) -> PyResult<Sample> {
    match what {
        "all" => Ok(Sample::All),
        "coordinates" => Ok(Sample::Coordinates { n, seed }),
        "directions" => Ok(Sample::Directions { n, seed }),
        _ => Err(PyValueError::new_err(format!("a sample of {what:?}"))),
    }
}

fn unexpected() -> PyErr {
    PyRuntimeError::new_err("the answer to another question")
}
