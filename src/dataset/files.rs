//! From opened files to a data set: what images and labels, and training and test set, must have in common.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::idx::{self, ImageReader, Images};
use super::{Dataset, Error, Name, Samples};

/// Something to read an IDX file from, and what to call it in an error.
pub(super) struct Opened<'a, R: Read> {
    pub(super) path: &'a Path,
    pub(super) reader: R,
}

impl<'a> Opened<'a, File> {
    /// Opens a file and nothing else: to open a named pipe would wait for ever.
    pub(super) fn open(path: &'a Path) -> Result<Self, Error> {
        let failed = |reason| Error::Open { path: path.into(), reason };
        let kind = fs::metadata(path).map_err(failed)?.file_type();
        if !kind.is_file() {
            let found = if kind.is_dir() { "a folder" } else { "a pipe, socket or device" };
            return Err(Error::NotAFile { path: path.into(), found });
        }
        Ok(Self { path, reader: File::open(path).map_err(failed)? })
    }
}

/// The images of one set and as many labels, and the files that both were read from.
pub(super) struct LabelledImages {
    pub(super) images: Images,
    pub(super) labels: Vec<u8>,
    pub(super) images_path: PathBuf,
    pub(super) labels_path: PathBuf,
}

impl LabelledImages {
    /// Reads both files. The numbers of images and labels are compared before the pixels are read.
    pub(super) fn read<R: Read>(images: Opened<R>, labels: Opened<R>) -> Result<Self, Error> {
        let (images_path, labels_path) = (images.path.to_path_buf(), labels.path.to_path_buf());
        let in_images = |reason| Error::Content { path: images_path.clone(), reason };

        let labels =
            idx::read_labels(labels.reader).map_err(|reason| Error::Content { path: labels_path.clone(), reason })?;
        let image_reader = ImageReader::new(images.reader).map_err(in_images)?;
        if image_reader.n_images != labels.len() && image_reader.n_images != 0 {
            return Err(Error::Counts {
                n_images: image_reader.n_images,
                images_path,
                n_labels: labels.len(),
                labels_path,
            });
        }
        let images = image_reader.read().map_err(in_images)?;
        Ok(Self { images, labels, images_path, labels_path })
    }

    /// Makes sure that every label is below `n_classes`.
    fn into_samples(self, n_classes: usize) -> Result<Samples, Error> {
        if let Some(sample) = self.labels.iter().position(|&label| usize::from(label) >= n_classes) {
            let label = self.labels[sample];
            return Err(Error::Label { path: self.labels_path, sample, label, n_classes });
        }
        Ok(Samples::from_images(self.images, self.labels, n_classes))
    }
}

impl Dataset {
    /// Puts a training and a test set together, whose images must be of one size.
    pub(super) fn from_images(
        name: Name,
        train: LabelledImages,
        test: LabelledImages,
        n_classes: usize,
    ) -> Result<Self, Error> {
        let (train_size, test_size) = (train.images.size(), test.images.size());
        if train_size != test_size {
            return Err(Error::Sizes {
                train_path: train.images_path,
                train_size,
                test_path: test.images_path,
                test_size,
            });
        }
        let train = train.into_samples(n_classes)?;
        let test = test.into_samples(n_classes)?;
        Ok(Self { name, train, test: Some(test) })
    }
}
