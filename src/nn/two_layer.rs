//! The two-layer network as the book writes it: the readable reference that everything faster is held against.
//!
//! Shapes: N samples, D inputs, H hidden units, K classes.
//! Source: Saito, "Deep Learning from Scratch" (O'Reilly Japan, 2016), section 4.5.

use ndarray::{Array2, ArrayRef2};

use super::activation::Activation;
use super::full::full_gradient;
use super::functions::{Targets, accuracy, cross_entropy_error, sigmoid, softmax};
use super::parameters::Parameters;

/// The network: `softmax(sigmoid(x·W1 + b1)·W2 + b2)`. [`Network`](super::Network) is the same for any number of layers.
///
/// ```
/// use ndarray::array;
/// use numgrad::nn::{NetworkShape, Parameters, TwoLayerNet};
///
/// let mut net = TwoLayerNet::new(Parameters::zeros(&NetworkShape::new([2, 3, 2])));
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
    ///
    /// # Panics
    /// If they are not those of one hidden layer of sigmoids.
    pub fn new(parameters: Parameters) -> Self {
        let shape = parameters.shape();
        let is_the_books = shape.n_layers() == 2 && shape.activation() == Activation::Sigmoid;
        assert!(is_the_books, "{shape} is not one hidden layer of sigmoids; `Network` takes any");
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
        let z = sigmoid(&(x.dot(&self.parameters.weights(1)) + self.parameters.biases(1)));
        softmax(&(z.dot(&self.parameters.weights(2)) + self.parameters.biases(2)))
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
        accuracy(&self.predict(x), classes)
    }

    /// The central difference of the loss for every parameter, `(L(w + h) - L(w - h)) / 2h`, on the current rayon pool.
    ///
    /// `x` is (N, D), `classes` the N right answers. Costs two forward passes a parameter; see
    /// [`FullLoss`](super::FullLoss). It is NaN for a parameter that `h` is so short beside that the sum is the parameter
    /// itself.
    ///
    /// # Panics
    /// If shapes disagree, a class is not below K, or `h` is not positive and finite.
    pub fn numerical_gradient(&self, x: &ArrayRef2<f64>, classes: &[usize], h: f64) -> Parameters {
        full_gradient(&self.parameters, x, classes, h)
    }

    /// One step of gradient descent; see [`Parameters::descend`].
    ///
    /// # Panics
    /// If the gradient is of a network of another shape.
    pub fn update(&mut self, gradient: &Parameters, learning_rate: f64) {
        self.parameters.descend(gradient, learning_rate);
    }
}
