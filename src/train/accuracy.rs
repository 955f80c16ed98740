//! The share of samples that a network classifies right.

use ndarray::{Array2, s};
use rayon::prelude::*;

use crate::dataset::Samples;
use crate::nn::TwoLayerNet;

/// Samples that a worker unpacks at once: 0.6 MB of MNIST.
const CHUNK: usize = 100;

/// The share of `samples` whose most probable class is the right one, 0 to 1.
///
/// One forward pass over all of them, a few at a time on rayon's current pool.
///
/// # Panics
/// If the samples do not fit the network.
pub fn accuracy(net: &TwoLayerNet, samples: &Samples) -> f64 {
    accuracy_unless(net, samples, || false).expect("nothing stops it")
}

/// As [`accuracy`], but asks between every few samples whether to `stop`; `None` where the answer was yes.
///
/// # Panics
/// As [`accuracy`].
pub fn accuracy_unless(net: &TwoLayerNet, samples: &Samples, stop: impl Fn() -> bool + Sync) -> Option<f64> {
    let n_correct: Option<usize> = (0..samples.len().div_ceil(CHUNK))
        .into_par_iter()
        .map_init(
            || Array2::zeros((CHUNK, samples.input_size())),
            |x, chunk| {
                if stop() {
                    return None;
                }
                let indices: Vec<usize> = (chunk * CHUNK..((chunk + 1) * CHUNK).min(samples.len())).collect();
                let mut classes = vec![0; indices.len()];
                let mut x = x.slice_mut(s![..indices.len(), ..]);
                samples.gather_into(&indices, &mut x, &mut classes);
                Some(net.n_correct(&x, &classes))
            },
        )
        .sum();
    Some(n_correct? as f64 / samples.len() as f64)
}
