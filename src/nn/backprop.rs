//! The analytic gradient by backpropagation: to check the numerical one against, and to compare its speed with.
//!
//! Source: Saito, "Deep Learning from Scratch" (O'Reilly Japan, 2016), chapter 5. Unlike the book's, it differentiates the
//! very loss that is evaluated, the `1e-7` inside the logarithm included.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayRef2, Axis};

use super::functions::{LOG_OFFSET, sigmoid, softmax};
use super::n_bytes::{n_bytes_of, together};
use super::parameters::{NetworkShape, Parameters};
use super::sparse::check_batch;
use super::two_layer::TwoLayerNet;

/// The gradient of the mean cross-entropy of the batch `x` (N, D), with the right answers `classes` (N), by
/// backpropagation, into `gradient`.
///
/// With scores s, probabilities p and the right class t of each sample:
///
/// ```text
/// ∂L/∂s[n, k] = (p[n, k] - [k = t]) · p[n, t] / (p[n, t] + 1e-7) / N
/// ∂L/∂a[n, j] = z[n, j]·(1 - z[n, j]) · Σ_k ∂L/∂s[n, k]·W2[j, k]
/// ∂L/∂W2 = zᵀ·∂L/∂s,  ∂L/∂b2 = Σ_n ∂L/∂s,  ∂L/∂W1 = xᵀ·∂L/∂a,  ∂L/∂b1 = Σ_n ∂L/∂a
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
/// let parameters = Parameters::zeros(NetworkShape { n_inputs: 2, n_hidden: 3, n_classes: 2 });
/// let mut gradient = parameters.clone();
/// backprop_into(&parameters, &array![[0.5, 1.0]], &[1], &mut gradient);
/// assert!((gradient.b2()[0] - 0.5).abs() < 1e-6 && (gradient.b2()[1] + 0.5).abs() < 1e-6);
/// ```
pub fn backprop_into(parameters: &Parameters, x: &ArrayRef2<f64>, classes: &[usize], gradient: &mut Parameters) {
    let shape = parameters.shape();
    check_batch(shape, &x.view(), classes);
    assert!(gradient.shape() == shape, "a gradient of {} for a network of {shape}", gradient.shape());

    let z = sigmoid(&(x.dot(&parameters.w1()) + parameters.b1()));
    let mut score_slopes = softmax(&(z.dot(&parameters.w2()) + parameters.b2()));
    for (mut row, &class) in score_slopes.rows_mut().into_iter().zip(classes) {
        let p = row[class];
        row[class] -= 1.0;
        row *= p / (p + LOG_OFFSET) / classes.len() as f64;
    }
    let mut unit_slopes: Array2<f64> = score_slopes.dot(&parameters.w2().t());
    unit_slopes.zip_mut_with(&z, |slope, &z| *slope *= z * (1.0 - z));

    general_mat_mul(1.0, &x.t(), &unit_slopes, 0.0, &mut gradient.w1_mut());
    gradient.b1_mut().assign(&unit_slopes.sum_axis(Axis(0)));
    general_mat_mul(1.0, &z.t(), &score_slopes, 0.0, &mut gradient.w2_mut());
    gradient.b2_mut().assign(&score_slopes.sum_axis(Axis(0)));
}

/// How much memory [`backprop_into`] takes meanwhile for a batch of `n_samples`, at most; `u64::MAX` where the number
/// overflows.
pub fn backprop_n_bytes(shape: NetworkShape, n_samples: usize) -> u64 {
    // Of the units and of the scores two arrays at a time: one, and what is made of it.
    let forward = TwoLayerNet::predict_n_bytes(shape, n_samples);
    together(&[forward, n_bytes_of::<f64>(&[shape.n_hidden.max(shape.n_classes)])])
}
