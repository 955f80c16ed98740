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
use std::path::PathBuf;
use std::str::FromStr;

pub mod download;
mod embedded;
mod error;
mod files;
pub mod idx;
mod mnist;
mod picture;
mod sampler;
mod samples;
mod synthetic;

use serde::{Deserialize, Serialize};

use crate::random::LegacyRandom;
use download::{Downloader, Limits, MNIST_MIRRORS, Observer};

pub use embedded::embedded;
pub use error::Error;
pub use mnist::from_directory;
pub use picture::{PictureError, digit_from_png};
pub use sampler::Sampler;
#[cfg(feature = "train")]
pub(crate) use samples::{BYTE_AS_FRACTION, SampleInputs};
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

impl Dataset {
    /// The CRC-32 of all inputs and labels, to recognise the data set when it is met again.
    pub fn crc32(&self) -> u32 {
        let mut crc = flate2::Crc::new();
        [Some(&self.train), self.test.as_ref()].into_iter().flatten().for_each(|samples| samples.add_to(&mut crc));
        crc.sum()
    }
}

/// What a data set is called where a run is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

impl FromStr for Name {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = [Self::Mnist, Self::Embedded, Self::Synthetic, Self::Directory];
        let found = names.into_iter().find(|known| known.to_string() == name);
        found.ok_or_else(|| format!("expected mnist, embedded, synthetic or directory, found \"{name}\""))
    }
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

/// Which data set is wanted, and where its files may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The data set; `None` for MNIST if it is to be had, else the embedded digits.
    pub name: Option<Name>,
    /// A folder that holds the four files. What is missing there is not looked for elsewhere.
    pub data_dir: Option<PathBuf>,
    /// The folder that MNIST is kept in once it is downloaded; `None` for `numgrad/mnist` in the user's cache.
    pub cache_dir: Option<PathBuf>,
    /// The address that MNIST is downloaded from in place of the usual ones.
    pub mirror: Option<String>,
    /// The number of classes, K: 1 to 256.
    pub n_classes: usize,
    /// How much memory the content of a folder's files may take; `None` for as much as their headers promise.
    pub max_bytes: Option<u64>,
}

impl Default for Request {
    /// Nothing named, and ten classes.
    fn default() -> Self {
        Self { name: None, data_dir: None, cache_dir: None, mirror: None, n_classes: 10, max_bytes: None }
    }
}

/// The data set that a [`Request`] led to.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The samples.
    pub dataset: Dataset,
    /// If it is not the data set that one would expect: why, and how to get that one. One text for the user.
    pub warning: Option<String>,
}

/// Gets a data set: from its files, from the network, out of the library, or by chance from `random`, which no other
/// data set touches.
///
/// Looking for the network takes at most 10 seconds, however many files are missing and mirrors there are.
///
/// # Errors
/// [`Error`], whose message says what to do. Without a `name`, MNIST that is out of reach is no error but a
/// [warning](Loaded::warning); a folder without all files, or a mirror that is no address, always is one.
///
/// ```
/// use numgrad::{dataset, random::LegacyRandom};
///
/// let request = dataset::Request { name: Some(dataset::Name::Synthetic), ..Default::default() };
/// let loaded = dataset::load(&request, &mut LegacyRandom::seed(42), &mut ())?;
/// assert_eq!(loaded.dataset.train.len(), 100);
/// # Ok::<(), dataset::Error>(())
/// ```
pub fn load(request: &Request, random: &mut LegacyRandom, observer: &mut dyn Observer) -> Result<Loaded, Error> {
    let n_classes = request.n_classes;
    if !(1..=256).contains(&n_classes) {
        return Err(Error::Classes(n_classes));
    }
    let mut downloader = match &request.mirror {
        Some(mirror) => Downloader::new(&[mirror], Limits::default())?,
        None => Downloader::new(&MNIST_MIRRORS, Limits::default())?,
    };
    let mut from_cache = || mnist::from_cache(&cache_dir(request)?, n_classes, &mut downloader, observer);

    let dataset = match (request.name, &request.data_dir) {
        (Some(name @ (Name::Embedded | Name::Synthetic)), Some(directory)) => {
            return Err(Error::Contradiction { name, directory: directory.clone() });
        }
        (_, Some(directory)) => {
            mnist::from_directory_within(directory, n_classes, request.max_bytes.unwrap_or(u64::MAX))?
        }
        (Some(Name::Directory), None) => return Err(Error::NoFolder),
        (Some(Name::Synthetic), None) => synthetic(n_classes, random),
        (Some(Name::Embedded), None) => embedded(n_classes)?,
        (Some(Name::Mnist), None) => from_cache().map_err(|error| match error {
            error if error.is_unavailable() => Error::NoMnist(Box::new(error)),
            error => error,
        })?,
        (None, None) => match from_cache() {
            Err(error) if error.is_unavailable() => return instead_of_mnist(n_classes, &error),
            result => result?,
        },
    };
    Ok(Loaded { dataset, warning: None })
}

fn instead_of_mnist(n_classes: usize, error: &Error) -> Result<Loaded, Error> {
    let dataset = embedded(n_classes)?;
    let warning = format!(
        "full MNIST is not to be had, so the {} embedded digits take its place: {error}. For the full set run again \
         with a network, or name the folder of its four files (--data-dir) or another mirror (--mirror)",
        dataset.train.len()
    );
    Ok(Loaded { dataset, warning: Some(warning) })
}

fn cache_dir(request: &Request) -> Result<PathBuf, Error> {
    match &request.cache_dir {
        Some(folder) => Ok(folder.clone()),
        None => Ok(dirs::cache_dir().ok_or(Error::NoCache)?.join("numgrad").join("mnist")),
    }
}
