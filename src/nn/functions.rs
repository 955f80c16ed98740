//! The functions of the network, as the book writes them: readable, for arrays, one allocation a call.
//!
//! Source: Saito, "Deep Learning from Scratch" (O'Reilly Japan, 2016), chapters 3 and 4.

use ndarray::{
    Array, Array1, ArrayRef, ArrayRef1, ArrayRef2, ArrayView1, ArrayView2, Axis, Dimension, Ix2, RemoveAxis,
};

/// The number that the book adds to a probability before taking its logarithm, so that a probability of 0 costs
/// `-ln(1e-7) = 16.1` and not infinity. It is part of the loss, and so of every gradient here.
pub const LOG_OFFSET: f64 = 1e-7;

/// The logistic sigmoid of every element.
///
/// ```text
/// sigmoid(x) = 1 / (1 + exp(-x))
/// ```
///
/// Any shape; the result has the same. It saturates to exactly 0 below -745 and to exactly 1 above 37, and is never NaN
/// for a finite or infinite argument.
///
/// ```
/// use ndarray::array;
/// assert_eq!(numgrad::nn::sigmoid(&array![-1000.0, 0.0, 1000.0]), array![0.0, 0.5, 1.0]);
/// ```
pub fn sigmoid<D: Dimension>(x: &ArrayRef<f64, D>) -> Array<f64, D> {
    x.map(|&x| 1.0 / (1.0 + (-x).exp()))
}

/// The rectifier of every element: `relu(x) = max(0, x)`; NaN stays NaN, as with `numpy.maximum`.
///
/// ```
/// use ndarray::array;
/// assert_eq!(numgrad::nn::relu(&array![[-1.0, 2.0]]), array![[0.0, 2.0]]);
/// ```
pub fn relu<D: Dimension>(x: &ArrayRef<f64, D>) -> Array<f64, D> {
    x.map(|&x| if x < 0.0 { 0.0 } else { x })
}

/// The probabilities that belong to scores, along the last axis: of one sample `(K,)` or of each row of `(N, K)`.
///
/// ```text
/// softmax(x)_k = exp(x_k - max x) / Σ_m exp(x_m - max x)
/// ```
///
/// The maximum is subtracted first, so that no score overflows; each row sums to 1.
///
/// ```
/// use ndarray::array;
/// assert_eq!(numgrad::nn::softmax(&array![[1000.0, 1000.0], [0.0, -1000.0]]), array![[0.5, 0.5], [1.0, 0.0]]);
/// ```
pub fn softmax<D: RemoveAxis>(x: &ArrayRef<f64, D>) -> Array<f64, D> {
    let mut y = x.to_owned();
    for mut row in y.lanes_mut(Axis(x.ndim() - 1)) {
        let max = row.fold(f64::NEG_INFINITY, |max, &x| max.max(x));
        row.mapv_inplace(|x| (x - max).exp());
        let sum = row.sum();
        row /= sum;
    }
    y
}

/// The right answers of a batch: one-hot rows or class indices, of one sample or of many.
///
/// Made by `From` from `&Array2<f64>` (one-hot, N×K), `&Array1<f64>` (one-hot, one sample), `&[usize]`,
/// `&Array1<usize>` (indices) and `usize` (the index of one sample).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Targets<'a> {
    /// One row a sample, 1 in the column of its class.
    OneHot(ArrayView2<'a, f64>),
    /// The class of each sample.
    Indices(ArrayView1<'a, usize>),
    /// The class of one sample.
    Index(usize),
}

impl Targets<'_> {
    /// The class of each of `n_samples` samples; of a one-hot row the column of its largest entry.
    fn classes(&self, n_samples: usize, n_classes: usize) -> Array1<usize> {
        let classes = match self {
            Targets::OneHot(rows) => {
                assert!(
                    rows.dim() == (n_samples, n_classes),
                    "one-hot targets are {:?}, probabilities ({n_samples}, {n_classes})",
                    rows.dim()
                );
                rows.rows().into_iter().map(|row| argmax(&row)).collect()
            }
            Targets::Indices(indices) => indices.to_owned(),
            Targets::Index(index) => Array1::from_elem(1, *index),
        };
        assert!(classes.len() == n_samples, "{} targets for probabilities of {n_samples} samples", classes.len());
        if let Some(class) = classes.iter().find(|&&class| class >= n_classes) {
            panic!("target {class} is outside 0..{n_classes}");
        }
        classes
    }
}

impl<'a> From<&'a ndarray::Array2<f64>> for Targets<'a> {
    fn from(one_hot: &'a ndarray::Array2<f64>) -> Self {
        Targets::OneHot(one_hot.view())
    }
}

impl<'a> From<&'a Array1<f64>> for Targets<'a> {
    fn from(one_hot: &'a Array1<f64>) -> Self {
        Targets::OneHot(one_hot.view().insert_axis(Axis(0)))
    }
}

impl<'a> From<&'a [usize]> for Targets<'a> {
    fn from(indices: &'a [usize]) -> Self {
        Targets::Indices(ArrayView1::from(indices))
    }
}

impl<'a> From<&'a Array1<usize>> for Targets<'a> {
    fn from(indices: &'a Array1<usize>) -> Self {
        Targets::Indices(indices.view())
    }
}

impl From<usize> for Targets<'_> {
    fn from(index: usize) -> Self {
        Targets::Index(index)
    }
}

/// The cross-entropy of probabilities `y` against the right answers `t`, mean over the batch.
///
/// ```text
/// E = -1/N Σ_n ln(y[n, t_n] + 1e-7)
/// ```
///
/// `y` is `(N, K)`, or `(K,)` for one sample; `t` is one-hot or class indices (see [`Targets`]).
///
/// # Panics
/// If the shapes disagree, or an index is not below K; both are named. If `y` has neither one nor two dimensions.
///
/// ```
/// use ndarray::array;
/// use numgrad::nn::cross_entropy_error;
///
/// let y = array![[0.1, 0.9], [0.8, 0.2]];
/// let e = cross_entropy_error(&y, &array![[0.0, 1.0], [1.0, 0.0]]);
/// assert_eq!(e, cross_entropy_error(&y, &array![1, 0]));
/// assert!((e - 0.164_251_915).abs() < 1e-9);
/// ```
pub fn cross_entropy_error<'a, D: Dimension>(y: &ArrayRef<f64, D>, t: impl Into<Targets<'a>>) -> f64 {
    let y = match y.ndim() {
        1 => y.view().insert_axis(Axis(0)).into_dyn(),
        _ => y.view().into_dyn(),
    };
    let y = y.into_dimensionality::<Ix2>().unwrap_or_else(|_| panic!("probabilities are (N, K) or (K,)"));
    let (n_samples, n_classes) = y.dim();
    let classes = t.into().classes(n_samples, n_classes);
    let log_sum: f64 = y.rows().into_iter().zip(&classes).map(|(row, &class)| (row[class] + LOG_OFFSET).ln()).sum();
    -log_sum / n_samples as f64
}

/// The share of rows of probabilities (N, K) whose largest entry is in the column of the right class, 0 to 1; NaN for no
/// rows.
///
/// # Panics
/// If there is not one class for each row.
pub(super) fn accuracy(probabilities: &ArrayRef2<f64>, classes: &[usize]) -> f64 {
    assert!(probabilities.nrows() == classes.len(), "{} samples, {} classes", probabilities.nrows(), classes.len());
    let n_correct = probabilities.rows().into_iter().zip(classes).filter(|(row, class)| argmax(row) == **class).count();
    n_correct as f64 / classes.len() as f64
}

/// The index of the largest element, the first of equals, as `numpy.argmax`; 0 for an empty row.
///
/// ```
/// assert_eq!(numgrad::nn::argmax(&ndarray::array![0.2, 0.5, 0.3]), 1);
/// ```
pub fn argmax(row: &ArrayRef1<f64>) -> usize {
    row.iter().enumerate().fold((0, f64::NEG_INFINITY), |best, (k, &y)| if y > best.1 { (k, y) } else { best }).0
}
