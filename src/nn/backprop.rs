//! The analytic gradient by backpropagation: to check the numerical one against, and to compare its speed with.
//!
//! Source: Saito, "Deep Learning from Scratch" (O'Reilly Japan, 2016), chapter 5. Unlike the book's, it differentiates the
//! very loss that is evaluated, the `1e-7` inside the logarithm included.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayRef2, Axis};

use super::functions::{LOG_OFFSET, softmax};
use super::lanes::sparse::check_batch;
use super::n_bytes::{n_bytes_of, together};
use super::network::Network;
use super::parameters::Parameters;
use super::shape::NetworkShape;

/// The gradient of the mean cross-entropy of the batch `x` (N, D), with the right answers `classes` (N), by
/// backpropagation, into `gradient`.
///
/// With `a_l` what goes into the units of layer l, `z_l` what comes out of them (`z_0 = x`), probabilities p and the right
/// class t of each sample, from the last layer L down:
///
/// ```text
/// ∂L/∂a_L[n, k] = (p[n, k] - [k = t]) · p[n, t] / (p[n, t] + 1e-7) / N
/// ∂L/∂a_l = φ'(a_l) · (∂L/∂a_(l+1) · W_(l+1)ᵀ)
/// ∂L/∂W_l = z_(l-1)ᵀ·∂L/∂a_l,  ∂L/∂b_l = Σ_n ∂L/∂a_l
/// ```
///
/// Costs about three forward passes, whatever the number of parameters.
///
/// # Panics
/// If the shapes disagree, a class is not below K, or the batch is empty.
///
/// ```
/// use ndarray::array;
/// use numgrad::nn::{NetworkShape, Parameters, backprop_into};
///
/// let parameters = Parameters::zeros(&NetworkShape::new([2, 3, 2]));
/// let mut gradient = parameters.clone();
/// backprop_into(&parameters, &array![[0.5, 1.0]], &[1], &mut gradient);
/// assert!((gradient.biases(2)[0] - 0.5).abs() < 1e-6 && (gradient.biases(2)[1] + 0.5).abs() < 1e-6);
/// ```
pub fn backprop_into(parameters: &Parameters, x: &ArrayRef2<f64>, classes: &[usize], gradient: &mut Parameters) {
    let shape = parameters.shape();
    check_batch(shape, &x.view(), classes);
    assert!(gradient.shape() == shape, "a gradient of {} for a network of {shape}", gradient.shape());

    let (activation, n_layers) = (shape.activation(), shape.n_layers());
    let layer = |z: &ArrayRef2<f64>, l: usize| z.dot(&parameters.weights(l)) + parameters.biases(l);
    // What comes out of the units of each hidden layer.
    let mut hidden: Vec<Array2<f64>> = Vec::with_capacity(n_layers - 1);
    for l in 1..n_layers {
        let z = activation.of(&layer(hidden.last().map_or(x, |z| z), l));
        hidden.push(z);
    }
    let mut slopes = softmax(&layer(&hidden[n_layers - 2], n_layers));
    for (mut row, &class) in slopes.rows_mut().into_iter().zip(classes) {
        let p = row[class];
        row[class] -= 1.0;
        row *= p / (p + LOG_OFFSET) / classes.len() as f64;
    }
    for (l, z) in (2..n_layers + 1).zip(&hidden).rev() {
        general_mat_mul(1.0, &z.t(), &slopes, 0.0, &mut gradient.weights_mut(l));
        gradient.biases_mut(l).assign(&slopes.sum_axis(Axis(0)));
        slopes = slopes.dot(&parameters.weights(l).t());
        slopes.zip_mut_with(z, |slope, &z| *slope *= activation.slope_at_output(z));
    }
    general_mat_mul(1.0, &x.t(), &slopes, 0.0, &mut gradient.weights_mut(1));
    gradient.biases_mut(1).assign(&slopes.sum_axis(Axis(0)));
}

/// How much memory [`backprop_into`] takes meanwhile for a batch of `n_samples`, at most; `u64::MAX` where the number
/// overflows.
pub fn backprop_n_bytes(shape: &NetworkShape, n_samples: usize) -> u64 {
    // An array for each hidden layer, and what a forward pass takes at its widest layer; a sum over the samples.
    let hidden = shape.hidden().iter().map(|&n_units| n_bytes_of::<f64>(&[n_samples, n_units]));
    let widest = shape.sizes()[1..].iter().copied().max().unwrap_or(0);
    let pass = [Network::predict_n_bytes(shape, n_samples), n_bytes_of::<f64>(&[widest])];
    together(&hidden.chain(pass).collect::<Vec<_>>())
}
