//! The article's `testA`: numbers and labels by chance, to try a network out without any files.

use super::name::Name;
use super::samples::Samples;
use super::set::Dataset;
use crate::random::LegacyRandom;

const N_SAMPLES: usize = 100;
const INPUT_SIZE: usize = 100;

/// Draws 100 samples of 100 standard normal inputs, then their labels, one `randint(0, n_classes)` each. There is no
/// test set.
///
/// The draws come before those of the weights, from the same generator.
///
/// # Panics
/// If `n_classes` is not within 1 to 256: a label is one byte.
pub fn synthetic(n_classes: usize, random: &mut LegacyRandom) -> Dataset {
    assert!((1..=256).contains(&n_classes), "synthetic: the number of classes is {n_classes}, not within 1 to 256");
    let inputs = random.randn((N_SAMPLES, INPUT_SIZE));
    let labels = (0..N_SAMPLES).map(|_| random.randint(0, n_classes as i64) as u8).collect();
    Dataset { name: Name::Synthetic, train: Samples::from_values(inputs, labels, n_classes), test: None }
}
