//! From what is wanted to the samples: which source is asked, and which one takes its place.

use std::path::PathBuf;

use super::download::{Downloader, Limits, MNIST_MIRRORS, Observer};
use super::embedded::embedded;
use super::error::Error;
use super::mnist;
use super::name::Name;
use super::set::Dataset;
use super::synthetic::synthetic;
use crate::random::LegacyRandom;

/// Which data set is wanted, and where its files may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The data set; `None` for MNIST where its files are in the cache or can be downloaded, and else the embedded digits.
    pub name: Option<Name>,
    /// The folder with the files of the data set, the beginning of their names behind the folder's, or one of the files. What is
    /// missing there is not looked for elsewhere.
    pub data_dir: Option<PathBuf>,
    /// The folder that MNIST is kept in once it is downloaded; `None` for `numgrad/mnist` in the user's cache.
    pub cache_dir: Option<PathBuf>,
    /// The address that MNIST is downloaded from in place of the usual ones. Where one is named, no other data set takes the
    /// place of MNIST.
    pub mirror: Option<String>,
    /// Whether the rows of each picture in the files are the columns that it should have, as with EMNIST, whose pictures lie on
    /// their side.
    pub transpose: bool,
    /// The number of classes, K: 1 to 256.
    pub n_classes: usize,
    /// How much memory the content of a folder's files may take; `None` for as much as their headers promise.
    pub max_bytes: Option<u64>,
}

impl Default for Request {
    /// A request that names nothing, for ten classes.
    fn default() -> Self {
        Self {
            name: None,
            data_dir: None,
            cache_dir: None,
            mirror: None,
            transpose: false,
            n_classes: 10,
            max_bytes: None,
        }
    }
}

/// The data set that a [`Request`] led to.
#[derive(Debug)]
pub struct Loaded {
    /// The samples.
    pub dataset: Dataset,
    /// What looks wrong with it, a text each.
    pub warnings: Vec<String>,
    /// Why MNIST could not be had, where the embedded digits have taken its place.
    pub out_of_reach: Option<Error>,
}

/// Gets a data set: from its files, from the network, out of the library, or by chance from `random`, which no other
/// data set touches.
///
/// Looking for the network takes at most 10 seconds, however many files are missing and mirrors there are.
///
/// # Errors
/// [`Error`], whose message says what to do. Where neither a `name` nor a `mirror` asks for MNIST, it is no error that it is
/// [out of reach](Loaded::out_of_reach); a folder without all files, or a mirror that is no address, always is
/// one.
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
    if request.transpose && request.data_dir.is_none() {
        return Err(Error::NothingToTranspose);
    }
    let mut downloader = match &request.mirror {
        Some(mirror) => Downloader::new(&[mirror], Limits::default())?,
        None => Downloader::new(&MNIST_MIRRORS, Limits::default())?,
    };
    let mut from_cache = || mnist::from_cache(&cache_dir(request)?, n_classes, &mut downloader, observer);

    let dataset = match (&request.name, &request.data_dir) {
        (Some(name @ (Name::Embedded | Name::Synthetic)), Some(directory)) => {
            return Err(Error::Contradiction { name: name.clone(), directory: directory.clone() });
        }
        (_, Some(directory)) => {
            let max_bytes = request.max_bytes.unwrap_or(u64::MAX);
            let (dataset, warnings) = mnist::from_files(directory, n_classes, request.transpose, max_bytes)?;
            return Ok(Loaded { dataset, warnings, out_of_reach: None });
        }
        (Some(Name::Files(_)), None) => return Err(Error::NoFolder),
        (Some(Name::Synthetic), None) => synthetic(n_classes, random),
        (Some(Name::Embedded), None) => embedded(n_classes)?,
        // Whoever names a mirror wants MNIST from there, and would not see at the end that the samples were others.
        (None, None) if request.mirror.is_none() => match from_cache() {
            Err(error) if error.is_unavailable() => {
                let dataset = embedded(n_classes)?;
                return Ok(Loaded { dataset, warnings: Vec::new(), out_of_reach: Some(error) });
            }
            result => result?,
        },
        (Some(Name::Mnist) | None, None) => from_cache().map_err(|error| match error {
            error if error.is_unavailable() => Error::NoMnist(Box::new(error)),
            error => error,
        })?,
    };
    Ok(Loaded { dataset, warnings: Vec::new(), out_of_reach: None })
}

fn cache_dir(request: &Request) -> Result<PathBuf, Error> {
    match &request.cache_dir {
        Some(folder) => Ok(folder.clone()),
        None => Ok(dirs::cache_dir().ok_or(Error::NoCache)?.join("numgrad").join("mnist")),
    }
}
