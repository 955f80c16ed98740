//! The two-layer network as the book writes it: the readable reference that everything faster is held against.
//!
//! Shapes: N samples, D inputs, H hidden units, K classes.
//! Source: Saito, "Deep Learning from Scratch" (O'Reilly Japan, 2016), section 4.5.

use ndarray::{Array1, Array2, ArrayRef2, ArrayView1, ArrayView2, ArrayViewD, ArrayViewMut1, ArrayViewMut2};

use super::FullLoss;
use super::functions::{Targets, argmax, cross_entropy_error, sigmoid, softmax};
use super::split::{RUN_OF_NUMBERS, for_each_run};
use crate::difference::{Differentiator, NonFinite, Stencil, Step};

/// The sizes of a two-layer network: D inputs, H hidden units, K classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkShape {
    /// D: values in one sample.
    pub n_inputs: usize,
    /// H: hidden units.
    pub n_hidden: usize,
    /// K: classes.
    pub n_classes: usize,
}

impl NetworkShape {
    /// The number of weights and biases, `D·H + H + H·K + K`, or `None` where that overflows.
    pub fn checked_n_parameters(&self) -> Option<usize> {
        let w1 = self.n_inputs.checked_mul(self.n_hidden)?;
        let w2 = self.n_hidden.checked_mul(self.n_classes)?;
        w1.checked_add(self.n_hidden)?.checked_add(w2)?.checked_add(self.n_classes)
    }

    /// The number of weights and biases, `D·H + H + H·K + K`: 39,760 for 784-50-10.
    ///
    /// # Panics
    /// If it overflows `usize`.
    pub fn n_parameters(&self) -> usize {
        self.checked_n_parameters().unwrap_or_else(|| panic!("the number of parameters of {self} overflows"))
    }

    /// Where each array begins in the flat order W1, b1, W2, b2.
    pub(super) fn offsets(&self) -> Offsets {
        let b1 = self.n_inputs * self.n_hidden;
        let w2 = b1 + self.n_hidden;
        Offsets { b1, w2, b2: w2 + self.n_hidden * self.n_classes }
    }
}

impl std::fmt::Display for NetworkShape {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.n_inputs, self.n_hidden, self.n_classes)
    }
}

/// Where b1, W2 and b2 begin in the flat order; W1 begins at 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offsets {
    pub b1: usize,
    pub w2: usize,
    pub b2: usize,
}

/// The parameters of a two-layer network, or one number for each of them (their gradient).
///
/// They lie in one flat array in the order W1 (D×H, row-major), b1 (H), W2 (H×K), b2 (K); an index into it is what the
/// engine calls a coordinate.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    shape: NetworkShape,
    values: Array1<f64>,
}

impl Parameters {
    /// All zeros.
    pub fn zeros(shape: NetworkShape) -> Self {
        Self { shape, values: Array1::zeros(shape.n_parameters()) }
    }

    /// From the four arrays: `w1` (D, H), `b1` (H,), `w2` (H, K), `b2` (K,).
    ///
    /// # Panics
    /// If the shapes do not fit each other; all four are named.
    pub fn from_arrays(w1: ArrayView2<f64>, b1: ArrayView1<f64>, w2: ArrayView2<f64>, b2: ArrayView1<f64>) -> Self {
        let shape = NetworkShape { n_inputs: w1.nrows(), n_hidden: w1.ncols(), n_classes: w2.ncols() };
        assert!(
            b1.len() == shape.n_hidden && w2.nrows() == shape.n_hidden && b2.len() == shape.n_classes,
            "W1 {:?}, b1 {:?}, W2 {:?} and b2 {:?} do not make a network",
            w1.dim(),
            b1.dim(),
            w2.dim(),
            b2.dim()
        );
        let values = w1.iter().chain(b1).chain(w2.iter()).chain(b2).copied().collect();
        Self { shape, values }
    }

    /// D, H and K.
    pub fn shape(&self) -> NetworkShape {
        self.shape
    }

    /// All of them in the flat order W1, b1, W2, b2.
    pub fn values(&self) -> &Array1<f64> {
        &self.values
    }

    /// All of them in the flat order, to change.
    pub fn values_mut(&mut self) -> &mut Array1<f64> {
        &mut self.values
    }

    /// W1, (D, H).
    pub fn w1(&self) -> ArrayView2<'_, f64> {
        self.matrix(0, self.shape.n_inputs, self.shape.n_hidden)
    }

    /// b1, (H,).
    pub fn b1(&self) -> ArrayView1<'_, f64> {
        self.vector(self.shape.offsets().b1, self.shape.n_hidden)
    }

    /// W2, (H, K).
    pub fn w2(&self) -> ArrayView2<'_, f64> {
        self.matrix(self.shape.offsets().w2, self.shape.n_hidden, self.shape.n_classes)
    }

    /// b2, (K,).
    pub fn b2(&self) -> ArrayView1<'_, f64> {
        self.vector(self.shape.offsets().b2, self.shape.n_classes)
    }

    /// W1, (D, H), to change.
    pub fn w1_mut(&mut self) -> ArrayViewMut2<'_, f64> {
        self.matrix_mut(0, self.shape.n_inputs, self.shape.n_hidden)
    }

    /// b1, (H,), to change.
    pub fn b1_mut(&mut self) -> ArrayViewMut1<'_, f64> {
        self.vector_mut(self.shape.offsets().b1, self.shape.n_hidden)
    }

    /// W2, (H, K), to change.
    pub fn w2_mut(&mut self) -> ArrayViewMut2<'_, f64> {
        self.matrix_mut(self.shape.offsets().w2, self.shape.n_hidden, self.shape.n_classes)
    }

    /// b2, (K,), to change.
    pub fn b2_mut(&mut self) -> ArrayViewMut1<'_, f64> {
        self.vector_mut(self.shape.offsets().b2, self.shape.n_classes)
    }

    /// The four arrays with their names, in the flat order.
    pub fn arrays(&self) -> [(&'static str, ArrayViewD<'_, f64>); 4] {
        [
            ("W1", self.w1().into_dyn()),
            ("b1", self.b1().into_dyn()),
            ("W2", self.w2().into_dyn()),
            ("b2", self.b2().into_dyn()),
        ]
    }

    fn matrix(&self, begin: usize, n_rows: usize, n_columns: usize) -> ArrayView2<'_, f64> {
        self.vector(begin, n_rows * n_columns)
            .into_shape_with_order((n_rows, n_columns))
            .expect("a flat slice takes any shape of its length")
    }

    fn vector(&self, begin: usize, len: usize) -> ArrayView1<'_, f64> {
        self.values.slice(ndarray::s![begin..begin + len])
    }

    fn matrix_mut(&mut self, begin: usize, n_rows: usize, n_columns: usize) -> ArrayViewMut2<'_, f64> {
        self.vector_mut(begin, n_rows * n_columns)
            .into_shape_with_order((n_rows, n_columns))
            .expect("a flat slice takes any shape of its length")
    }

    fn vector_mut(&mut self, begin: usize, len: usize) -> ArrayViewMut1<'_, f64> {
        self.values.slice_mut(ndarray::s![begin..begin + len])
    }
}

/// The network: `softmax(sigmoid(x·W1 + b1)·W2 + b2)`.
///
/// ```
/// use ndarray::array;
/// use numgrad::nn::{NetworkShape, Parameters, TwoLayerNet};
///
/// let shape = NetworkShape { n_inputs: 2, n_hidden: 3, n_classes: 2 };
/// let mut net = TwoLayerNet::new(Parameters::zeros(shape));
/// let x = array![[0.5, 1.0]];
/// assert_eq!(net.predict(&x), array![[0.5, 0.5]]);
///
/// let before = net.loss(&x, &[1][..]);
/// let gradient = net.numerical_gradient(&x, &[1], 1e-4);
/// net.update(&gradient, 0.1);
/// assert!(net.loss(&x, &[1][..]) < before);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TwoLayerNet {
    parameters: Parameters,
}

impl TwoLayerNet {
    /// A network with these parameters.
    pub fn new(parameters: Parameters) -> Self {
        Self { parameters }
    }

    /// Its parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The probability of each class for each sample of `x` (N, D): (N, K).
    ///
    /// # Panics
    /// If `x` does not have D columns.
    pub fn predict(&self, x: &ArrayRef2<f64>) -> Array2<f64> {
        let z = sigmoid(&(x.dot(&self.parameters.w1()) + self.parameters.b1()));
        softmax(&(z.dot(&self.parameters.w2()) + self.parameters.b2()))
    }

    /// The mean cross-entropy of the batch `x` (N, D) against its right answers `t`; see [`cross_entropy_error`].
    ///
    /// # Panics
    /// If shapes disagree or a class is not below K.
    pub fn loss<'a>(&self, x: &ArrayRef2<f64>, t: impl Into<Targets<'a>>) -> f64 {
        cross_entropy_error(&self.predict(x), t)
    }

    /// The share of the samples `x` (N, D) whose most probable class is the right one, 0 to 1; NaN for no samples.
    ///
    /// # Panics
    /// If shapes disagree.
    pub fn accuracy(&self, x: &ArrayRef2<f64>, classes: &[usize]) -> f64 {
        assert!(x.nrows() == classes.len(), "{} samples, {} classes", x.nrows(), classes.len());
        let predicted = self.predict(x);
        let n_correct = predicted.rows().into_iter().zip(classes).filter(|(row, class)| argmax(row) == **class).count();
        n_correct as f64 / classes.len() as f64
    }

    /// The central difference of the loss for every parameter, `(L(w + h) - L(w - h)) / 2h`, on the current rayon pool.
    ///
    /// `x` is (N, D), `classes` the N right answers. Costs two forward passes a parameter; see [`FullLoss`].
    ///
    /// # Panics
    /// If shapes disagree, a class is not below K, or `h` is not positive and finite.
    pub fn numerical_gradient(&self, x: &ArrayRef2<f64>, classes: &[usize], h: f64) -> Parameters {
        let mut gradient = Parameters::zeros(self.parameters.shape);
        let mut objective = FullLoss::new(&self.parameters, x, classes);
        let out = gradient.values.as_slice_mut().expect("flat parameters are contiguous");
        let central = Differentiator::new(Stencil::central(), Step::Absolute(h)).with_non_finite(NonFinite::Propagate);
        let found = central.parallel().objective_gradient_into(&mut objective, out);
        found.expect("nothing is checked, so nothing fails");
        gradient
    }

    /// One step of gradient descent: `w ← w - learning_rate · gradient`, on the current rayon pool.
    ///
    /// # Panics
    /// If the gradient is of a network of another shape.
    pub fn update(&mut self, gradient: &Parameters, learning_rate: f64) {
        assert!(
            self.parameters.shape == gradient.shape,
            "a gradient of {} for a network of {}",
            gradient.shape,
            self.parameters.shape
        );
        let values = self.parameters.values.as_slice_mut().expect("flat parameters are contiguous");
        let gradient = gradient.values.as_slice().expect("flat parameters are contiguous");
        for_each_run((values, gradient), RUN_OF_NUMBERS, &|(values, gradient)| {
            values.iter_mut().zip(gradient).for_each(|(w, g)| *w -= learning_rate * g);
        });
    }
}
