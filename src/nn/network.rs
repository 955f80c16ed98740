//! A network of any depth: the readable reference, plain `ndarray`, that the fast forward passes are held against.

use ndarray::{Array2, ArrayRef2};

use super::full::full_gradient;
use super::functions::{Targets, accuracy, cross_entropy_error, softmax};
use super::n_bytes::{n_bytes_of, together};
use super::parameters::Parameters;
use super::shape::NetworkShape;

/// More than what a matrix product packs of its two factors at a time, whatever their sizes.
const PRODUCT_BYTES: u64 = 4 << 20;

/// A network of dense layers: `z_l = φ(z_(l-1)·W_l + b_l)` from the inputs `z_0 = x` on, with the activation φ of its shape,
/// and for the last layer the softmax in place of φ.
///
/// With one hidden layer of sigmoids it is the [`TwoLayerNet`](super::TwoLayerNet) of the book, and gives the same bits.
///
/// ```
/// use ndarray::array;
/// use numgrad::nn::{Activation, Network, NetworkShape, Parameters};
///
/// let shape = NetworkShape::new([2, 4, 3, 2]).with_activation(Activation::Tanh);
/// let mut net = Network::new(Parameters::zeros(&shape));
/// let x = array![[0.5, 1.0]];
/// assert_eq!(net.predict(&x), array![[0.5, 0.5]]);
///
/// let before = net.loss(&x, &[1][..]);
/// let gradient = net.numerical_gradient(&x, &[1], 1e-4);
/// net.update(&gradient, 0.1);
/// assert!(net.loss(&x, &[1][..]) < before);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    parameters: Parameters,
}

impl Network {
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
        let shape = self.parameters.shape();
        let layer = |z: &ArrayRef2<f64>, l: usize| z.dot(&self.parameters.weights(l)) + self.parameters.biases(l);
        let mut z = shape.activation().of(&layer(x, 1));
        for l in 2..shape.n_layers() {
            z = shape.activation().of(&layer(&z, l));
        }
        softmax(&layer(&z, shape.n_layers()))
    }

    /// How much memory [`predict`](Self::predict) takes for `n_samples`, at most; `u64::MAX` where the number overflows.
    pub fn predict_n_bytes(shape: &NetworkShape, n_samples: usize) -> u64 {
        // What comes out of the layer before, what goes into the layer, and what is made of it.
        let before = [0].iter().chain(shape.hidden());
        let layers = before.zip(&shape.sizes()[1..]).map(|(&before, &units)| {
            together(&[n_bytes_of::<f64>(&[n_samples, before]), n_bytes_of::<[f64; 2]>(&[n_samples, units])])
        });
        together(&[layers.max().unwrap_or(0), PRODUCT_BYTES])
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
