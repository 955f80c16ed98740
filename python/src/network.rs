//! The loss of a network on a batch, and its gradients: one object for each network of a Python program, which keeps between
//! calls what the next one can use.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use ndarray::{Array2, Axis, s};
use numgrad::difference::{Differentiator, Error, NonFinite, Stencil, Step};
use numgrad::free_memory::free_bytes;
use numgrad::nn::{Activation, FullLoss, IncrementalLoss, LOG_OFFSET, Network, NetworkShape, Parameters};
use numgrad::nn::{argmax, backprop_into, backprop_n_bytes};
use numpy::{PyArray2, PyReadonlyArray1, PyReadonlyArrayDyn, PyReadwriteArray1, ToPyArray};
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyValueError};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::batch::{Batch, Inputs};
use crate::kept::Kept;
use crate::numbers::{are_finite, are_same};
use crate::pool;
use crate::regularly::Regularly;

/// Batches up to this size are kept: those of a training. Larger ones are whole data sets, whose loss is computed in pieces.
const MAX_KEPT: usize = 1024;

/// Samples that are copied out of Python's memory at once, and those of them that one task takes.
const PIECE: usize = 4096;
const TASK: usize = 128;

/// A network of some shape. The parameters come with each call: Python has them.
#[pyclass(frozen, module = "numgrad_rs._core")]
pub struct NetworkLoss {
    shape: NetworkShape,
    /// 0 for one for each core.
    n_threads: usize,
    kept: Kept<Work>,
}

/// What is kept between calls.
struct Work {
    parameters: Parameters,
    x: Batch,
    classes: Vec<usize>,
    incremental: Option<IncrementalLoss>,
    /// Whether what is kept of the loss is of other parameters, or of another batch.
    has_old_parameters: bool,
    has_old_batch: bool,
}

#[pymethods]
impl NetworkLoss {
    #[new]
    fn new(sizes: Vec<usize>, activation: &str, n_threads: usize) -> PyResult<Self> {
        let activation: Activation = activation.parse().map_err(PyValueError::new_err)?;
        if sizes.len() < 3 || sizes.contains(&0) {
            return Err(PyValueError::new_err(format!(
                "sizes: expected inputs, one or more hidden layers and classes, and at least one of each; found {sizes:?}"
            )));
        }
        let shape = NetworkShape::new(sizes).with_activation(activation);
        if shape.checked_n_parameters().is_none_or(|n| n > isize::MAX as usize / 8) {
            return Err(PyMemoryError::new_err(format!("the parameters of a network of {shape}")));
        }
        Ok(Self { shape, n_threads, kept: Kept::default() })
    }

    /// The central difference of the loss for every parameter, into `out`, all arrays one after another.
    #[pyo3(signature = (parameters, x, classes, h, full, out))]
    fn numerical_gradient(
        &self,
        parameters: Vec<PyReadonlyArrayDyn<f64>>,
        x: Inputs,
        classes: PyReadonlyArray1<i64>,
        h: f64,
        full: bool,
        mut out: PyReadwriteArray1<f64>,
    ) -> PyResult<()> {
        let py = out.py();
        let n_workers = if self.n_threads == 0 { rayon_threads() } else { self.n_threads };
        let n_samples = x.dim().0;
        let n_bytes = if full {
            FullLoss::n_bytes(&self.shape, n_samples, n_workers)
        } else {
            IncrementalLoss::n_bytes(&self.shape, n_samples, n_workers)
        };
        let mut work = self.work(&parameters, &x, &classes, n_bytes)?;
        let out = out.as_slice_mut()?;
        let central = Differentiator::new(Stencil::central(), Step::Absolute(h)).with_non_finite(NonFinite::Propagate);
        let done = if full {
            let central = central.parallel();
            let x = work.x.to_double();
            pool::on_threads(py, self.n_threads, |cancelled| {
                let mut loss = FullLoss::new(&work.parameters, &x, &work.classes);
                central.of_objective(&mut loss).cancelled_by(cancelled).gradient_into(out)
            })?
        } else if self.n_threads == 1 {
            // Handing the work to another thread would take longer than a small gradient itself.
            let interrupt = OnceLock::new();
            let signals = Regularly::default();
            let hook = |_| match signals.is_time().then(|| Python::attach(|py| py.check_signals())) {
                Some(Err(error)) => {
                    _ = interrupt.set(error);
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            };
            let gradient = || central.of_objective(work.loss(false)).watched(&hook).gradient_into(out);
            let done = pool::on_this_thread(py, gradient)?;
            interrupt.into_inner().map_or(Ok(done), Err)?
        } else {
            let central = central.parallel();
            pool::on_threads(py, self.n_threads, |cancelled| {
                central.of_objective(work.loss(true)).cancelled_by(cancelled).gradient_into(out)
            })?
        };
        match done {
            Ok(()) => {
                self.kept.put(work);
                Ok(())
            }
            Err(Error::Stopped(_)) => Err(PyKeyboardInterrupt::new_err(())),
            Err(error) => Err(PyValueError::new_err(error.to_string())),
        }
    }

    /// The gradient by backpropagation, into `out`, all arrays one after another.
    fn backprop(
        &self,
        py: Python,
        parameters: Vec<PyReadonlyArrayDyn<f64>>,
        x: Inputs,
        classes: PyReadonlyArray1<i64>,
        mut out: PyReadwriteArray1<f64>,
    ) -> PyResult<()> {
        let n_bytes = backprop_n_bytes(&self.shape, x.dim().0).saturating_add(self.shape.n_bytes());
        let work = self.work(&parameters, &x, &classes, n_bytes)?;
        let mut gradient = Parameters::zeros(&self.shape);
        let x = work.x.to_double();
        pool::on_this_thread(py, || backprop_into(&work.parameters, &x, &work.classes, &mut gradient))?;
        drop(x);
        out.as_slice_mut()?.copy_from_slice(gradient.as_slice());
        self.kept.put(work);
        Ok(())
    }

    /// The mean loss of a batch.
    fn value(
        &self,
        py: Python,
        parameters: Vec<PyReadonlyArrayDyn<f64>>,
        x: Inputs,
        classes: PyReadonlyArray1<i64>,
    ) -> PyResult<f64> {
        let n_samples = x.dim().0;
        if n_samples <= MAX_KEPT {
            let n_bytes = IncrementalLoss::n_bytes(&self.shape, n_samples, 1);
            let mut work = self.work(&parameters, &x, &classes, n_bytes)?;
            let value = self.compute(py, || work.loss(self.n_threads != 1).value())?;
            self.kept.put(work);
            return Ok(value);
        }
        let classes = self.classes(&classes, n_samples)?;
        let mut log_sum = 0.0;
        self.predict_in_pieces(py, &parameters, &x, |first, probabilities| {
            let logs = probabilities.rows().into_iter().zip(&classes[first..]);
            log_sum += logs.map(|(row, &class)| (row[class] + LOG_OFFSET).ln()).sum::<f64>();
        })?;
        Ok(-log_sum / n_samples as f64)
    }

    /// The probability of each class for each sample: (N, K).
    fn predict<'py>(
        &self,
        py: Python<'py>,
        parameters: Vec<PyReadonlyArrayDyn<f64>>,
        x: Inputs,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let shape = (x.dim().0, self.shape.n_classes());
        check_memory(numbers(&[shape.0, shape.1]), "the probabilities of these samples")?;
        let mut all = Array2::zeros(shape);
        self.predict_in_pieces(py, &parameters, &x, |first, probabilities| {
            all.slice_mut(s![first..first + probabilities.nrows(), ..]).assign(probabilities);
        })?;
        Ok(all.to_pyarray(py))
    }

    /// How many samples have the right class as their most probable one.
    fn n_correct(
        &self,
        py: Python,
        parameters: Vec<PyReadonlyArrayDyn<f64>>,
        x: Inputs,
        classes: PyReadonlyArray1<i64>,
    ) -> PyResult<usize> {
        let classes = self.classes(&classes, x.dim().0)?;
        let (mut n_correct, mut unknown) = (0, None);
        self.predict_in_pieces(py, &parameters, &x, |first, probabilities| {
            for (n, (row, class)) in probabilities.rows().into_iter().zip(&classes[first..]).enumerate() {
                n_correct += usize::from(argmax(&row) == *class);
                if unknown.is_none() && row.iter().any(|p| p.is_nan()) {
                    unknown = Some(first + n);
                }
            }
        })?;
        let overflow = |n| format!("the probabilities of x[{n}] are NaN: with these parameters its scores overflow");
        unknown.map_or(Ok(n_correct), |n| Err(PyValueError::new_err(overflow(n))))
    }
}

impl NetworkLoss {
    /// What is kept, with these parameters and this batch.
    fn work(
        &self,
        parameters: &[PyReadonlyArrayDyn<f64>],
        x: &Inputs,
        classes: &PyReadonlyArray1<i64>,
        n_bytes: u64,
    ) -> PyResult<Box<Work>> {
        let (n_samples, _) = self.check_inputs(x)?;
        let kept = self.kept.take();
        if kept.as_ref().is_none_or(|work| work.x.n_samples() < n_samples) {
            let n_bytes = n_bytes.saturating_add(x.n_bytes()).saturating_add(self.shape.n_bytes());
            check_memory(n_bytes, "the loss of this network on this batch")?;
        }
        let classes = self.classes(classes, n_samples)?;
        let mut work = kept.unwrap_or_else(|| {
            Box::new(Work {
                parameters: Parameters::zeros(&self.shape),
                x: Batch::default(),
                classes: Vec::new(),
                incremental: None,
                has_old_parameters: true,
                has_old_batch: true,
            })
        });
        // After an error nothing is kept: part of it may have been copied.
        work.has_old_parameters |= copy_parameters(parameters, &mut work.parameters)?;
        work.has_old_batch |= work.x.update(x)? || work.classes != classes;
        work.classes = classes;
        Ok(work)
    }

    fn check_inputs(&self, x: &Inputs) -> PyResult<(usize, usize)> {
        let (n_samples, n_inputs) = x.dim();
        if n_inputs != self.shape.n_inputs() || n_samples == 0 {
            return Err(PyValueError::new_err(format!(
                "x has shape ({n_samples}, {n_inputs}), expected (N, {}) for a network of {} and at least one sample",
                self.shape.n_inputs(),
                self.shape
            )));
        }
        Ok((n_samples, n_inputs))
    }

    fn classes(&self, classes: &PyReadonlyArray1<i64>, n_samples: usize) -> PyResult<Vec<usize>> {
        let n_classes = self.shape.n_classes();
        let classes = classes.as_array();
        check_memory(numbers(&[classes.len()]), "the labels of these samples")?;
        if classes.len() != n_samples {
            return Err(PyValueError::new_err(format!(
                "t has {} labels for the {n_samples} samples of x",
                classes.len()
            )));
        }
        let class = |(n, &class): (usize, &i64)| {
            let index = usize::try_from(class).ok().filter(|&class| class < n_classes);
            let expected = || format!("t[{n}] is class {class}, expected 0 to {}", n_classes - 1);
            index.ok_or_else(|| PyValueError::new_err(expected()))
        };
        classes.iter().enumerate().map(class).collect()
    }

    /// Computes without Python: on the calling thread if it is to be the only one.
    fn compute<R: Send>(&self, py: Python, work: impl FnOnce() -> R + Send) -> PyResult<R> {
        match self.n_threads {
            1 => pool::on_this_thread(py, work),
            n_threads => pool::on_threads(py, n_threads, |_| work()),
        }
    }

    /// Hands the probabilities of some thousand samples after another to `take`, with the number of the first of them.
    fn predict_in_pieces(
        &self,
        py: Python,
        parameters: &[PyReadonlyArrayDyn<f64>],
        x: &Inputs,
        mut take: impl FnMut(usize, &Array2<f64>),
    ) -> PyResult<()> {
        let (n_samples, n_inputs) = self.check_inputs(x)?;
        let n_workers = if self.n_threads == 0 { rayon_threads() } else { self.n_threads } as u64;
        let piece = PIECE.min(n_samples);
        let of_task = Network::predict_n_bytes(&self.shape, TASK.min(piece)).saturating_mul(n_workers);
        let n_bytes = numbers(&[piece, n_inputs]).saturating_add(of_task).saturating_add(self.shape.n_bytes());
        check_memory(n_bytes, "a forward pass of this network")?;
        let mut values = Parameters::zeros(&self.shape);
        copy_parameters(parameters, &mut values)?;
        let net = Network::new(values);
        for first in (0..n_samples).step_by(PIECE) {
            let copy = x.rows(first..n_samples.min(first + PIECE))?;
            let mut probabilities = Array2::zeros((copy.nrows(), self.shape.n_classes()));
            self.compute(py, || match self.n_threads {
                1 => probabilities.assign(&net.predict(&copy)),
                _ => {
                    let out = probabilities.axis_chunks_iter_mut(Axis(0), TASK);
                    let mut tasks: Vec<_> = copy.axis_chunks_iter(Axis(0), TASK).zip(out).collect();
                    tasks.par_iter_mut().for_each(|(x, out)| out.assign(&net.predict(x)));
                }
            })?;
            py.check_signals()?;
            take(first, &probabilities);
        }
        Ok(())
    }
}

impl Work {
    /// The loss of the parameters and the batch.
    fn loss(&mut self, is_parallel: bool) -> &mut IncrementalLoss {
        let Self { parameters, x, classes, incremental, has_old_parameters, has_old_batch } = self;
        let loss = match incremental.take() {
            Some(mut loss) => {
                if *has_old_parameters {
                    loss.set_parameters(parameters);
                }
                if *has_old_batch {
                    match x {
                        Batch::Double(x) => loss.set_batch(x, classes),
                        Batch::Single(x) => loss.set_single_batch(x, classes),
                    }
                }
                loss
            }
            None => {
                let loss = IncrementalLoss::new(parameters, &x.to_double(), classes);
                if is_parallel { loss.parallel() } else { loss }
            }
        };
        (*has_old_parameters, *has_old_batch) = (false, false);
        incremental.insert(loss)
    }
}

/// Copies the arrays where they are others than the copies; returns whether they were.
fn copy_parameters(arrays: &[PyReadonlyArrayDyn<f64>], copies: &mut Parameters) -> PyResult<bool> {
    let names: Vec<String> = copies.arrays().map(|(name, _)| name).collect();
    let mut differ = false;
    for (k, (array, name)) in arrays.iter().zip(&names).enumerate() {
        let layer = copies.shape().layer(k / 2 + 1);
        let array = array.as_array();
        let (shape, range) = if k % 2 == 0 {
            (vec![layer.n_inputs, layer.n_units], layer.begin..layer.biases())
        } else {
            (vec![layer.n_units], layer.biases()..layer.end())
        };
        if array.shape() != shape {
            let found = array.shape();
            return Err(PyValueError::new_err(format!("params[{name:?}] has shape {found:?}, expected {shape:?}")));
        }
        let copy = &mut copies.as_slice_mut()[range];
        let same = match array.as_slice() {
            Some(array) => are_same(array, copy),
            None => array.iter().zip(&*copy).all(|(a, b)| a.to_bits() == b.to_bits()),
        };
        if same {
            continue;
        }
        differ = true;
        match array.as_slice() {
            Some(array) => copy.copy_from_slice(array),
            None => copy.iter_mut().zip(&array).for_each(|(copy, value)| *copy = *value),
        }
        if !are_finite(copy) {
            let at = copy.iter().position(|value| !value.is_finite()).unwrap_or(0);
            let place =
                if k % 2 == 0 { format!("{}, {}", at / layer.n_units, at % layer.n_units) } else { at.to_string() };
            let value = copy[at];
            return Err(PyValueError::new_err(format!(
                "params[{name:?}][{place}] is {value}, expected a finite number; a training whose parameters grow without end \
                 has too high a learning rate"
            )));
        }
    }
    Ok(differ)
}

/// How many threads a pool has that is asked for one for each core.
fn rayon_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn numbers(shape: &[usize]) -> u64 {
    shape.iter().fold(8, |bytes: u64, &n| bytes.saturating_mul(n as u64))
}

/// Memory that is not to be had is an exception here, and would be the end of the process later.
fn check_memory(n_bytes: u64, what: &str) -> PyResult<()> {
    let can_be_reserved = usize::try_from(n_bytes).is_ok_and(|n| Vec::<u8>::new().try_reserve_exact(n).is_ok());
    if can_be_reserved && (n_bytes < LITTLE || free_bytes().is_none_or(|free| n_bytes <= free)) {
        return Ok(());
    }
    Err(PyMemoryError::new_err(format!(
        "{what} takes {:.1} GB of memory, which is more than is free",
        n_bytes as f64 / 1e9
    )))
}

/// Memory that nobody looks up what is free for.
const LITTLE: u64 = 64 << 20;

/// It is handed from thread to thread.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Work>();
};
