//! Where samples come from.
//!
//! | data set | from |
//! | --- | --- |
//! | [`Name::Mnist`] | the user's cache, completed by download, or a folder |
//! | [`Name::Embedded`] | the library itself: the first digits of MNIST |
//! | [`Name::Synthetic`] | the random generator |
//! | [`Name::Directory`] | a folder of files in MNIST's format that are not MNIST |
//!
//! Whatever the source, it becomes [`Samples`]: one set for training and, but for synthetic data, one for testing.

use std::fmt;

mod embedded;
mod error;
mod files;
pub mod idx;
mod mnist;
mod sampler;
mod samples;
mod synthetic;

pub use embedded::embedded;
pub use error::Error;
pub use mnist::from_directory;
pub use sampler::Sampler;
pub use samples::{Inputs, Samples};
pub use synthetic::synthetic;

/// Samples to train with and samples to test with, of one input size and number of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What the data set is called.
    pub name: Name,
    /// The samples that batches are drawn from.
    pub train: Samples,
    /// Samples that training never sees; synthetic data have none.
    pub test: Option<Samples>,
}

/// What a data set is called where a run is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// The 60,000 + 10,000 digits of MNIST.
    Mnist,
    /// The 6,000 + 1,000 digits of MNIST that are compiled in.
    Embedded,
    /// Samples drawn by chance.
    Synthetic,
    /// Files of a folder that are not MNIST's own.
    Directory,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::Mnist => "mnist",
            Self::Embedded => "embedded",
            Self::Synthetic => "synthetic",
            Self::Directory => "directory",
        })
    }
}
