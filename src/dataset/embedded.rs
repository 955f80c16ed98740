//! The digits that are compiled in: the first 6,000 training and 1,000 test digits of MNIST.
//!
//! MNIST was made by Yann LeCun, Corinna Cortes and Christopher J. C. Burges, and is shared under the Creative Commons
//! Attribution-Share Alike 3.0 licence.

use std::path::Path;

use super::error::Error;
use super::files::{LabelledImages, Opened};
use super::name::Name;
use super::set::Dataset;

macro_rules! embedded_file {
    ($name:literal) => {
        Opened {
            path: Path::new(concat!("embedded ", $name)),
            reader: &include_bytes!(concat!("../../data/mnist-subset/", $name))[..],
            n_bytes: None,
        }
    };
}

/// Reads the embedded digits: 6,000 for training and 1,000 for testing, of 28 × 28 pixels.
///
/// MNIST was made by Yann LeCun, Corinna Cortes and Christopher J. C. Burges (CC BY-SA 3.0).
///
/// # Errors
/// [`Error::Label`] if `n_classes` is less than 10, the number of digits.
///
/// ```
/// let data = numgrad::dataset::embedded(10)?;
/// assert_eq!((data.train.len(), data.test.unwrap().len()), (6000, 1000));
/// # Ok::<(), numgrad::dataset::Error>(())
/// ```
pub fn embedded(n_classes: usize) -> Result<Dataset, Error> {
    let train = LabelledImages::read(
        embedded_file!("train-images-idx3-ubyte.gz"),
        embedded_file!("train-labels-idx1-ubyte.gz"),
        u64::MAX,
    )?;
    let test = LabelledImages::read(
        embedded_file!("t10k-images-idx3-ubyte.gz"),
        embedded_file!("t10k-labels-idx1-ubyte.gz"),
        u64::MAX,
    )?;
    Dataset::from_images(Name::Embedded, train, Some(test), n_classes)
}
