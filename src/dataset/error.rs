//! What can go wrong on the way to a data set. Every message is whole in itself: it names the file, what was expected,
//! what was found and what to do. Whoever has flags for that adds them.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::idx::IdxError;
use super::name::Name;
use super::table::TableError;
use crate::files::npz::NpzError;

/// An error lists this many data sets.
const MAX_LISTED: usize = 12;

/// A file that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The name that it should have, without `.gz`.
    pub name: String,
    /// What is in the folder under a name like it.
    pub nearest: Option<String>,
}

/// Why a data set can't be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder that was named is not there.
    #[error("{}: expected a folder with the data set's files, found no folder of that name{}", path.display(), or_nearest(nearest))]
    NoDirectory {
        /// The folder that was named.
        path: PathBuf,
        /// What is there and has a name like it.
        nearest: Option<PathBuf>,
    },
    /// There is a file where the folder should be, and none of a data set.
    #[error("{}: expected a folder with the data set's files, or one of them, found {found}", path.display())]
    NotAFolder {
        /// The file.
        path: PathBuf,
        /// What the file is as far as its first bytes tell.
        found: String,
    },
    /// The file is a pickle.
    #[error(
        "{}: a pickle is never read, as it may run any program. These lines of Python make an archive of it that is read:{}",
        path.display(), unpickling(path)
    )]
    Pickle {
        /// The file.
        path: PathBuf,
    },
    /// A table of test samples has none of training samples beside it.
    #[error(
        "{}: these are test samples; expected a table of training samples beside it, of the same name but with \"train\" in place \
         of \"test\", found none",
        path.display()
    )]
    NoTrainingTable {
        /// The table of test samples.
        path: PathBuf,
    },
    /// An archive of arrays is not that of a data set.
    #[error("{}: {reason}", path.display())]
    Arrays {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: NpzError,
    },
    /// A table is not that of a data set.
    #[error("{}: {reason}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// What is wrong with it.
        reason: TableError,
    },
    /// Files are missing in the folder that was named.
    #[error(
        "{}: expected the four files of a data set, each plain or with .gz; missing: {}; the folder holds {found}",
        directory.display(), list_missing(missing)
    )]
    Missing {
        /// The folder that was named, or the one below it that has some of the files.
        directory: PathBuf,
        /// The files that are there under none of their names.
        missing: Vec<Missing>,
        /// What the folder holds, as far as a line takes it.
        found: String,
    },
    /// The folder holds several data sets.
    #[error(
        "{}: expected one data set, found {}: {}; name one of them in place of the folder",
        folder.display(), sets.len(), list_paths(sets)
    )]
    SeveralSets {
        /// The folder that was named.
        folder: PathBuf,
        /// For each set the path that asks for it.
        sets: Vec<PathBuf>,
    },
    /// A file can't be opened.
    #[error("{}: it can't be opened: {reason}", path.display())]
    Open {
        /// The file that can't be opened.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// There is something else in the place of a file.
    #[error("{}: expected a file, found {found}", path.display())]
    NotAFile {
        /// The path of what was to be opened.
        path: PathBuf,
        /// What is there: a folder, a pipe, a socket or a device.
        found: &'static str,
    },
    /// A file does not hold what it should.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with the file.
        reason: IdxError,
    },
    /// There are not as many images as labels.
    #[error(
        "{} holds {n_images} images, but {} holds {n_labels} labels: expected as many; they are not of the same set, \
         or one is damaged",
        images_path.display(), labels_path.display()
    )]
    Counts {
        /// The file of images.
        images_path: PathBuf,
        /// How many images there are.
        n_images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// How many labels there are.
        n_labels: usize,
    },
    /// Images for training and for testing are of different sizes.
    #[error(
        "{} holds images of {} × {} pixels, but {} of {} × {}: expected one size for training and testing",
        train_path.display(), train_size.0, train_size.1, test_path.display(), test_size.0, test_size.1
    )]
    Sizes {
        /// The file of the training images.
        train_path: PathBuf,
        /// The rows and columns of a training image.
        train_size: (usize, usize),
        /// The file of the test images.
        test_path: PathBuf,
        /// The rows and columns of a test image.
        test_size: (usize, usize),
    },
    /// A label is not below the number of classes.
    #[error(
        "{}: sample {sample} (counted from 0) has the label {label}; expected 0 to {}; the highest label is {highest}, which \
         takes at least {} classes",
        path.display(), n_classes.saturating_sub(1), usize::from(*highest) + 1
    )]
    Label {
        /// The file of labels.
        path: PathBuf,
        /// The first sample with such a label, counted from 0.
        sample: usize,
        /// The label of that sample.
        label: u8,
        /// The highest label of all samples.
        highest: u8,
        /// The number of classes, K.
        n_classes: usize,
    },
    /// A file in the cache is not the one that was once verified.
    #[error("{}: expected content with the SHA-256 {expected}, found {found}", path.display())]
    Checksum {
        /// The file in the cache.
        path: PathBuf,
        /// The SHA-256 that MNIST's file has.
        expected: &'static str,
        /// The SHA-256 of the file in the cache.
        found: String,
    },
    /// No mirror gave a file.
    #[error("{name}.gz can't be downloaded: {}", list(faults))]
    Download {
        /// The name of the file, without `.gz`.
        name: String,
        /// The addresses that were tried, and why each failed last.
        faults: Vec<(String, String)>,
    },
    /// A file of the cache is damaged and can't be downloaded again.
    #[error("{damage}; and {download}")]
    Damaged {
        /// What is wrong with the file in the cache.
        damage: Box<Error>,
        /// Why it could not be downloaded again.
        download: Box<Error>,
    },
    /// The cache can't be written.
    #[error("the cache folder {} can't be written: {reason}", folder.display())]
    Cache {
        /// The folder of the cache.
        folder: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// The system does not say where the user's cache is.
    #[error("there is no cache folder: neither XDG_CACHE_HOME nor HOME says where it is")]
    NoCache,
    /// The address of a mirror is not one.
    #[error("the mirror is {mirror:?}: expected an address that begins with http:// or https://, found {found}")]
    Mirror {
        /// What was named as a mirror.
        mirror: String,
        /// What it is in place of an address.
        found: String,
    },
    /// MNIST was asked for and can't be had.
    #[error(
        "MNIST is out of reach. Try again with a network, name the folder of its four files or another mirror, or take the \
         embedded digits. The reason: {0}"
    )]
    NoMnist(Box<Error>),
    /// A folder was named together with a data set that is not read from one.
    #[error(
        "the data set {name} is not read from a folder, but one is named: {}; expected only one of the two",
        directory.display()
    )]
    Contradiction {
        /// The data set that was asked for.
        name: Name,
        /// The folder that was named beside it.
        directory: PathBuf,
    },
    /// The data set of a folder was asked for, but no folder named.
    #[error("expected the folder of the data set, found none named")]
    NoFolder,
    /// Pictures were to be transposed, but there are no files that they could be read from.
    #[error(
        "pictures are transposed only where they are read from files: expected a folder or file of pictures, found none named"
    )]
    NothingToTranspose,
    /// The number of classes makes no sense.
    #[error("the number of classes is {0}: expected 1 to 256, as a label is one byte")]
    Classes(usize),
}

impl Error {
    /// Whether it only says that MNIST is out of reach, so that another data set may take its place.
    pub(super) fn is_unavailable(&self) -> bool {
        matches!(self, Self::Download { .. } | Self::Damaged { .. } | Self::Cache { .. } | Self::NoCache)
    }
}

fn list(faults: &[(String, String)]) -> String {
    faults.iter().map(|(url, reason)| format!("{url}: {reason}")).collect::<Vec<_>>().join("; ")
}

fn list_missing(missing: &[Missing]) -> String {
    let name = |file: &Missing| match &file.nearest {
        Some(nearest) => format!("{} (the nearest is {nearest})", file.name),
        None => file.name.clone(),
    };
    missing.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn list_paths(paths: &[PathBuf]) -> String {
    let mut listed: Vec<String> = paths.iter().take(MAX_LISTED).map(|path| path.display().to_string()).collect();
    if paths.len() > MAX_LISTED {
        listed.push(format!("and {} more", paths.len() - MAX_LISTED));
    }
    listed.join(", ")
}

/// The lines of Python that read a pickle, and make Keras' archive of it. Compressed, it is deeplearning.net's: pairs of
/// pictures and labels for training, validation and testing, which were one training set before. Else it is that of the book
/// that the article is about, a dictionary.
fn unpickling(path: &Path) -> String {
    let file = path.display().to_string();
    let lines = match file.to_lowercase().ends_with(".gz") {
        true => [
            "import gzip, pickle, numpy".to_owned(),
            format!("(x, y), (v, w), (t, u) = pickle.load(gzip.open({file:?}), encoding=\"latin1\")"),
            "numpy.savez(\"mnist.npz\", x_train=numpy.vstack((x, v)), y_train=numpy.hstack((y, w)), x_test=t, y_test=u)"
                .to_owned(),
        ],
        false => [
            "import pickle, numpy".to_owned(),
            format!("d = pickle.load(open({file:?}, \"rb\"))"),
            "numpy.savez(\"mnist.npz\", x_train=d[\"train_img\"], y_train=d[\"train_label\"], x_test=d[\"test_img\"], \
             y_test=d[\"test_label\"])"
                .to_owned(),
        ],
    };
    lines.map(|line| format!("\n    {line}")).concat()
}

fn or_nearest(nearest: &Option<PathBuf>) -> String {
    nearest.as_ref().map_or(String::new(), |nearest| format!("; the nearest is {}", nearest.display()))
}
