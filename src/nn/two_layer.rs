//! The two-layer network as the book writes it: the readable reference that everything faster is held against.
//!
//! Shapes: N samples, D inputs, H hidden units, K classes.
//! Source: Saito, "Deep Learning from Scratch" (O'Reilly Japan, 2016), section 4.5.

use ndarray::{Array2, ArrayRef2};

use super::full::FullLoss;
use super::functions::{Targets, argmax, cross_entropy_error, sigmoid, softmax};
use super::n_bytes::{n_bytes_of, together};
use super::parameters::{NetworkShape, Parameters};
use super::split::{NUMBERS_PER_TASK, for_each_chunk};
use crate::difference::{Differentiator, NonFinite, Stencil, Step};

/// More than what a matrix product packs of its two factors at a time, whatever their sizes.
const PRODUCT_BYTES: u64 = 4 << 20;

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

    /// The parameters of the network.
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

    /// How much memory [`predict`](Self::predict) takes for `n_samples`, at most; `u64::MAX` where the number overflows.
    pub fn predict_n_bytes(shape: NetworkShape, n_samples: usize) -> u64 {
        // An array, and what is made of it.
        let units = n_bytes_of::<[f64; 2]>(&[n_samples, shape.n_hidden]);
        let scores = n_bytes_of::<[f64; 2]>(&[n_samples, shape.n_classes]);
        together(&[units, scores, PRODUCT_BYTES])
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
        let mut gradient = Parameters::zeros(self.parameters.shape());
        let mut objective = FullLoss::new(&self.parameters, x, classes);
        let out = gradient.values_mut().as_slice_mut().expect("flat parameters are contiguous");
        let central = Differentiator::new(Stencil::central(), Step::Absolute(h)).with_non_finite(NonFinite::Propagate);
        let found = central.parallel().of_objective(&mut objective).gradient_into(out);
        found.expect("nothing is checked, so nothing fails");
        gradient
    }

    /// One step of gradient descent: `w ← w - learning_rate · gradient`, on the current rayon pool.
    ///
    /// # Panics
    /// If the gradient is of a network of another shape.
    pub fn update(&mut self, gradient: &Parameters, learning_rate: f64) {
        assert!(
            self.parameters.shape() == gradient.shape(),
            "a gradient of {} for a network of {}",
            gradient.shape(),
            self.parameters.shape()
        );
        let values = self.parameters.values_mut().as_slice_mut().expect("flat parameters are contiguous");
        let gradient = gradient.values().as_slice().expect("flat parameters are contiguous");
        for_each_chunk((values, gradient), NUMBERS_PER_TASK, &|(values, gradient)| {
            values.iter_mut().zip(gradient).for_each(|(w, g)| *w -= learning_rate * g);
        });
    }
}
