//! MNIST: its four files, in a folder of one's own or in the cache, where they are downloaded to.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::arrays;
use super::download::{Downloader, Observer, RemoteFile};
use super::error::Error;
use super::file_name::Role;
use super::files::{LabelledImages, Opened};
use super::folder::{Located, locate};
use super::idx::{Bounds, IdxError, ImageReader, Images, LabelReader};
use super::name::Name;
use super::set::Dataset;
use super::sha256::hex;
use super::table::{self, TableError};
use crate::files::form::Form;

/// Pictures without a brighter pixel than this are of another scale than 0 to 255.
const MAX_DARK: u8 = 64;

type MnistFile = RemoteFile<'static>;

const TRAIN_IMAGES: MnistFile = MnistFile {
    name: Role::TrainImages.name(),
    n_bytes: 47_040_016,
    sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
};
const TRAIN_LABELS: MnistFile = MnistFile {
    name: Role::TrainLabels.name(),
    n_bytes: 60_008,
    sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
};
const TEST_IMAGES: MnistFile = MnistFile {
    name: Role::TestImages.name(),
    n_bytes: 7_840_016,
    sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
};
const TEST_LABELS: MnistFile = MnistFile {
    name: Role::TestLabels.name(),
    n_bytes: 10_008,
    sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
};

/// Reads the data set in a folder: four files, each plain or compressed by gzip, of images of any size.
///
/// They are found under every name in which MNIST and its relatives are published: `train-images-idx3-ubyte.gz`,
/// `train-images.idx3-ubyte`, `test-` for `t10k-`, with a beginning such as `emnist-letters-`, and in folders below, such as
/// `MNIST/raw`. Where there are several sets, the beginning of the names behind the folder's chooses:
/// `emnist/gzip/emnist-letters`. A file is read in place of a folder, and found in one that has no IDX files, where it is an
/// archive of the arrays `x_train`, `y_train`, `x_test` and `y_test` (Keras' `mnist.npz`), or a table of labels and pixels
/// (Kaggle's `mnist_train.csv`, with `mnist_test.csv` beside it; without that, or its labels, there is no test set).
///
/// # Errors
/// If a file is missing (all that are missing are named), can't be read or contradicts another; if there are several sets.
pub fn from_directory(directory: &Path, n_classes: usize) -> Result<Dataset, Error> {
    from_files(directory, n_classes, false, u64::MAX).map(|(dataset, _)| dataset)
}

/// As [`from_directory`], of pictures that are transposed if they have to be, where all files together may hold about
/// `max_bytes`.
pub(super) fn from_files(
    directory: &Path,
    n_classes: usize,
    transpose: bool,
    max_bytes: u64,
) -> Result<(Dataset, Vec<String>), Error> {
    let located = locate(directory)?;
    let name = located.name();
    let (mut train, mut test) = match located {
        Located::Idx(files) => from_idx(files, max_bytes)?,
        Located::Arrays(path) => from_arrays(&path, max_bytes)?,
        Located::Tables { train, test } => from_tables(&train, test.as_deref(), max_bytes)?,
    };
    if transpose {
        train.transpose();
        test.iter_mut().for_each(LabelledImages::transpose);
    }
    let mut warnings = Vec::new();
    let mut is_mnist = false;
    match &test {
        Some(test) => match &not_of_mnist(&train, test)[..] {
            [] => is_mnist = true,
            [(part, path)] => warnings.push(format!(
                "{}: the {part} are not MNIST's own, though everything else is: they were changed or are damaged",
                path.display()
            )),
            _ => {}
        },
        None => warnings.push(
            "there are no test samples with labels beside the training samples, so accuracy is measured on these alone"
                .to_owned(),
        ),
    }
    let name = if is_mnist { Name::Mnist } else { name };
    let brightest = train.images.pixels.iter().copied().max().unwrap_or(0);
    if (1..=MAX_DARK).contains(&brightest) {
        warnings.push(format!(
            "the brightest pixel of the training samples is {brightest} of 255, so that all are nearly black; if {brightest} is \
             white in them, multiply the pixels by 255/{brightest}"
        ));
    }
    let dataset = Dataset::from_images(name, train, test, n_classes)?;
    Ok((dataset, warnings))
}

/// A training set, and a test set where there is one.
type Sets = (LabelledImages, Option<LabelledImages>);

fn from_idx(files: [PathBuf; 4], max_bytes: u64) -> Result<Sets, Error> {
    let [train_images, train_labels, test_images, test_labels] = files;
    let train = from_pair(&train_images, &train_labels, max_bytes)?;
    let max_bytes = max_bytes.saturating_sub(train.n_bytes());
    let test = from_pair(&test_images, &test_labels, max_bytes)?;
    Ok((train, Some(test)))
}

/// Images and labels from a file each, IDX or a single array: the content decides.
fn from_pair(images_path: &Path, labels_path: &Path, max_bytes: u64) -> Result<LabelledImages, Error> {
    let (images, labels) = (Opened::open(images_path)?, Opened::open(labels_path)?);
    let is_array = |path: &Path| matches!(Form::of_file(path), Ok(Form::Npy | Form::Npz));
    if !is_array(images_path) && !is_array(labels_path) {
        return LabelledImages::read(images, labels, max_bytes);
    }
    let in_array = |path: &Path, reason| Error::Arrays { path: path.into(), reason };
    let in_idx = |path: &Path, reason| Error::Content { path: path.into(), reason };
    let bounds = |file_bytes| Bounds { file_bytes, max_bytes };
    let labels = match is_array(labels_path) {
        true => arrays::read_labels(BufReader::new(labels.reader), max_bytes)
            .map_err(|reason| in_array(labels_path, reason))?,
        false => {
            let labels = LabelReader::new(labels.reader, bounds(labels.n_bytes)).and_then(LabelReader::read);
            labels.map_err(|reason| in_idx(labels_path, reason))?
        }
    };
    let images = match is_array(images_path) {
        true => arrays::read_images(BufReader::new(images.reader), max_bytes)
            .map_err(|reason| in_array(images_path, reason))?,
        false => {
            let images = ImageReader::new(images.reader, bounds(images.n_bytes)).and_then(ImageReader::read);
            images.map_err(|reason| in_idx(images_path, reason))?
        }
    };
    LabelledImages::of(images_path, images, labels_path, labels)
}

fn from_arrays(path: &Path, max_bytes: u64) -> Result<Sets, Error> {
    let opened = Opened::open(path)?;
    let arrays = arrays::read(BufReader::new(opened.reader), max_bytes);
    let [train, test] = arrays.map_err(|reason| Error::Arrays { path: path.into(), reason })?;
    let train = LabelledImages::of(path, train.0, path, train.1)?;
    Ok((train, Some(LabelledImages::of(path, test.0, path, test.1)?)))
}

/// A test table whose labels its publisher keeps to himself is no test set.
fn from_tables(train: &Path, test: Option<&Path>, max_bytes: u64) -> Result<Sets, Error> {
    let read = |path: &Path, max_bytes| {
        let reader = BufReader::new(Opened::open(path)?.reader);
        let result = table::read_within(reader, max_bytes);
        let (images, labels) = result.map_err(|reason| Error::Table { path: path.into(), reason })?;
        LabelledImages::of(path, images, path, labels)
    };
    let train = read(train, max_bytes)?;
    let max_bytes = max_bytes.saturating_sub(train.n_bytes());
    let test = match test.map(|test| read(test, max_bytes)).transpose() {
        Err(Error::Table { reason: TableError::NoLabel, .. }) => None,
        test => test?,
    };
    Ok((train, test))
}

/// Reads MNIST from the cache folder; what is not there, or is damaged, is downloaded into it first.
///
/// Every file is compared with its SHA-256 each time, so that what was read is MNIST to the byte.
pub(super) fn from_cache(
    folder: &Path,
    n_classes: usize,
    downloader: &mut Downloader,
    observer: &mut dyn Observer,
) -> Result<Dataset, Error> {
    let mut cache = Cache { folder, downloader, observer };
    let train = cache.labelled_images(&TRAIN_IMAGES, &TRAIN_LABELS)?;
    let test = cache.labelled_images(&TEST_IMAGES, &TEST_LABELS)?;
    Dataset::from_images(Name::Mnist, train, Some(test), n_classes)
}

struct Cache<'a> {
    folder: &'a Path,
    downloader: &'a mut Downloader,
    observer: &'a mut dyn Observer,
}

impl Cache<'_> {
    fn labelled_images(&mut self, images: &MnistFile, labels: &MnistFile) -> Result<LabelledImages, Error> {
        Ok(LabelledImages {
            labels: self.content(
                labels,
                |file, bounds| LabelReader::new(file, bounds)?.read(),
                |labels| labels_sha256(labels),
            )?,
            images: self.content(images, |file, bounds| ImageReader::new(file, bounds)?.read(), images_sha256)?,
            labels_path: self.path(labels),
            images_path: self.path(images),
        })
    }

    /// What the file holds, if need be after downloading it.
    fn content<T>(
        &mut self,
        file: &MnistFile,
        read: impl Fn(File, Bounds) -> Result<T, IdxError>,
        sha256: impl Fn(&T) -> String,
    ) -> Result<T, Error> {
        let path = self.path(file);
        let read_verified = || {
            let opened = Opened::open(&path)?;
            let bounds = Bounds { file_bytes: opened.n_bytes, max_bytes: file.n_bytes };
            let content =
                read(opened.reader, bounds).map_err(|reason| Error::Content { path: path.clone(), reason })?;
            match sha256(&content) {
                found if found == file.sha256 => Ok(content),
                found => Err(Error::Checksum { path: path.clone(), expected: file.sha256, found }),
            }
        };
        match read_verified() {
            Err(Error::Open { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => {
                self.downloader.fetch(file, self.folder, self.observer)?;
            }
            Err(damage) => {
                self.downloader
                    .fetch(file, self.folder, self.observer)
                    .map_err(|download| Error::Damaged { damage: Box::new(damage), download: Box::new(download) })?;
            }
            Ok(content) => return Ok(content),
        }
        read_verified()
    }

    fn path(&self, file: &MnistFile) -> PathBuf {
        self.folder.join(format!("{}.gz", file.name))
    }
}

/// Which of the four parts are not MNIST's own, to the byte, and where they are; once there are two, no more are looked for.
fn not_of_mnist<'a>(train: &'a LabelledImages, test: &'a LabelledImages) -> Vec<(&'static str, &'a Path)> {
    type Check<'a, 'b> = (&'static str, &'a Path, &'b dyn Fn() -> bool);
    // The short ones first: whatever is not MNIST is told by its labels.
    let checks: [Check; 4] = [
        ("test labels", &test.labels_path, &|| labels_sha256(&test.labels) == TEST_LABELS.sha256),
        ("training labels", &train.labels_path, &|| labels_sha256(&train.labels) == TRAIN_LABELS.sha256),
        ("test images", &test.images_path, &|| images_sha256(&test.images) == TEST_IMAGES.sha256),
        ("training images", &train.images_path, &|| images_sha256(&train.images) == TRAIN_IMAGES.sha256),
    ];
    let parts = checks.into_iter().filter(|(_, _, is_mnist)| !is_mnist());
    parts.map(|(part, path, _)| (part, path)).take(2).collect()
}

/// The SHA-256 of the decompressed file that the labels were read from.
fn labels_sha256(labels: &[u8]) -> String {
    content_sha256(&[2049, labels.len()], labels)
}

/// The SHA-256 of the decompressed file that the images were read from.
fn images_sha256(images: &Images) -> String {
    content_sha256(&[2051, images.n_images, images.n_rows, images.n_columns], &images.pixels)
}

fn content_sha256(header: &[usize], body: &[u8]) -> String {
    let mut hasher = Sha256::new();
    for &number in header {
        hasher.update((number as u32).to_be_bytes());
    }
    hasher.update(body);
    hex(&hasher.finalize())
}
