//! What a network makes of a set of samples: its answers, how often they are right, and which are not.

use ndarray::{Array2, s};
use rayon::prelude::*;

use crate::dataset::Samples;
use crate::nn::{Network, NetworkShape, argmax, n_bytes_of, together};

/// Samples that a worker unpacks at once: 0.6 MB of MNIST.
const CHUNK: usize = 100;

/// A network's answer to one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The sample's label.
    pub label: usize,
    /// The most probable class; of equally probable ones the first.
    pub class: usize,
    /// The probability of [`class`](Self::class), 0 to 1.
    pub probability: f64,
    /// The probability of the label, 0 to 1.
    pub label_probability: f64,
}

impl Prediction {
    /// Whether the most probable class is the label.
    pub fn is_correct(&self) -> bool {
        self.class == self.label
    }
}

/// A network's answers to all samples of a set, in their order.
///
/// ```
/// use numgrad::nn::{NetworkShape, Parameters, Network};
/// use numgrad::train::Evaluation;
///
/// let test = numgrad::dataset::embedded(10)?.test.unwrap();
/// let net = Network::new(Parameters::zeros(&NetworkShape::new([784, 50, 10])));
/// let evaluation = Evaluation::new(&net, &test);
/// // All classes are equally probable to it, and the first wins: 85 of the 1,000 are zeros.
/// assert_eq!(evaluation.accuracy(), 0.085);
/// assert_eq!(evaluation.confusion()[[3, 0]], 107);
/// # Ok::<(), numgrad::dataset::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    n_classes: usize,
    predictions: Vec<Prediction>,
}

impl Evaluation {
    /// One forward pass over all of `samples`, a few at a time on rayon's current pool.
    ///
    /// # Panics
    /// If the samples do not fit the network.
    pub fn new(net: &Network, samples: &Samples) -> Self {
        Self::new_unless(net, samples, || false).expect("nothing stops it")
    }

    /// As [`new`](Self::new), but asks between every few samples whether to `stop`; `None` where the answer was yes.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn new_unless(net: &Network, samples: &Samples, stop: impl Fn() -> bool + Sync) -> Option<Self> {
        let chunks: Option<Vec<Vec<Prediction>>> = (0..samples.len().div_ceil(CHUNK))
            .into_par_iter()
            .map_init(
                || Array2::zeros((CHUNK, samples.input_size())),
                |x, chunk| {
                    if stop() {
                        return None;
                    }
                    let indices: Vec<usize> = (chunk * CHUNK..((chunk + 1) * CHUNK).min(samples.len())).collect();
                    let mut labels = vec![0; indices.len()];
                    let mut x = x.slice_mut(s![..indices.len(), ..]);
                    samples.gather_into(&indices, &mut x, &mut labels);
                    let probabilities = net.predict(&x);
                    let answers = probabilities.rows().into_iter().zip(labels).map(|(row, label)| {
                        let class = argmax(&row);
                        Prediction { label, class, probability: row[class], label_probability: row[label] }
                    });
                    Some(answers.collect())
                },
            )
            .collect();
        Some(Self { n_classes: samples.n_classes(), predictions: chunks?.concat() })
    }

    /// How much memory the answers to `n_samples` take, at most, while `n_workers` work them out; `u64::MAX` where the number
    /// overflows.
    pub fn n_bytes(shape: &NetworkShape, n_samples: usize, n_workers: usize) -> u64 {
        // Once in pieces, and once put together.
        let predictions = n_bytes_of::<[Prediction; 2]>(&[n_samples]);
        let inputs = n_bytes_of::<f64>(&[CHUNK, shape.n_inputs()]);
        let indices_and_labels = n_bytes_of::<[usize; 2]>(&[CHUNK]);
        let worker = together(&[inputs, indices_and_labels, Network::predict_n_bytes(shape, CHUNK)]);
        together(&[predictions, worker.saturating_mul(n_workers as u64)])
    }

    /// The answers, in the order of the samples.
    pub fn predictions(&self) -> &[Prediction] {
        &self.predictions
    }

    /// The share of the samples whose most probable class is the right one, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        let n_correct = self.predictions.iter().filter(|prediction| prediction.is_correct()).count();
        n_correct as f64 / self.predictions.len() as f64
    }

    /// How many samples with each label (rows) were taken for each class (columns): (K, K).
    pub fn confusion(&self) -> Array2<usize> {
        let mut confusion = Array2::zeros((self.n_classes, self.n_classes));
        self.predictions.iter().for_each(|prediction| confusion[[prediction.label, prediction.class]] += 1);
        confusion
    }

    /// The indices of at most `n` samples that were taken for another class, those first whose label seemed least
    /// probable.
    pub fn worst_mistakes(&self, n: usize) -> Vec<usize> {
        let mut wrong: Vec<usize> =
            (0..self.predictions.len()).filter(|&sample| !self.predictions[sample].is_correct()).collect();
        // The sort is stable: the same mistakes in the same order each time.
        wrong.sort_by(|&a, &b| self.predictions[a].label_probability.total_cmp(&self.predictions[b].label_probability));
        wrong.truncate(n);
        wrong
    }
}
