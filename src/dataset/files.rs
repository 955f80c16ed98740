//! From opened files to a data set: what images and labels, and training and test set, must have in common.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::idx::{Bounds, ImageReader, Images, LabelReader};
use super::name::Name;
use super::samples::Samples;
use super::set::Dataset;
use crate::files::{self, OpenError};

/// Something to read an IDX file from, and what to call it in an error.
pub(super) struct Opened<'a, R: Read> {
    pub(super) path: &'a Path,
    pub(super) reader: R,
    /// How long it is, where that is known.
    pub(super) n_bytes: Option<u64>,
}

impl<'a> Opened<'a, File> {
    /// Opens a file and nothing else: to open a named pipe would wait for ever.
    pub(super) fn open(path: &'a Path) -> Result<Self, Error> {
        match files::open(path) {
            Ok((reader, n_bytes)) => Ok(Self { path, reader, n_bytes: Some(n_bytes) }),
            Err(OpenError::NotAFile(found)) => Err(Error::NotAFile { path: path.into(), found }),
            Err(OpenError::Io(reason)) => Err(Error::Open { path: path.into(), reason }),
        }
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
    /// Reads both files, which may hold `max_bytes` each. The numbers of images and labels are compared before either is
    /// read any further.
    pub(super) fn read<R: Read>(images: Opened<R>, labels: Opened<R>, max_bytes: u64) -> Result<Self, Error> {
        let (images_path, labels_path) = (images.path.to_path_buf(), labels.path.to_path_buf());
        let in_images = |reason| Error::Content { path: images_path.clone(), reason };
        let in_labels = |reason| Error::Content { path: labels_path.clone(), reason };

        let bounds = |file_bytes| Bounds { file_bytes, max_bytes };
        let mut labels = LabelReader::new(labels.reader, bounds(labels.n_bytes)).map_err(in_labels)?;
        let mut images = ImageReader::new(images.reader, bounds(images.n_bytes)).map_err(in_images)?;
        let (n_images, n_labels) = (images.n_images, labels.n_labels);
        if n_images != n_labels && n_images != 0 && n_labels != 0 {
            // A header tells no number that can be trusted where the data around it are damaged.
            labels.damage().map_or(Ok(()), |damage| Err(in_labels(damage)))?;
            images.damage().map_or(Ok(()), |damage| Err(in_images(damage)))?;
            return Err(Error::Counts { n_images, images_path, n_labels, labels_path });
        }
        let labels = labels.read().map_err(in_labels)?;
        let images = images.read().map_err(in_images)?;
        Ok(Self { images, labels, images_path, labels_path })
    }

    /// Images and labels from these files, which have to be as many.
    pub(super) fn of(images_path: &Path, images: Images, labels_path: &Path, labels: Vec<u8>) -> Result<Self, Error> {
        let (images_path, labels_path) = (images_path.to_path_buf(), labels_path.to_path_buf());
        let (n_images, n_labels) = (images.n_images, labels.len());
        if n_images != n_labels {
            return Err(Error::Counts { n_images, images_path, n_labels, labels_path });
        }
        Ok(Self { images, labels, images_path, labels_path })
    }

    /// Makes the rows of every image its columns.
    pub(super) fn transpose(&mut self) {
        let Images { pixels, n_rows, n_columns, .. } = &mut self.images;
        let mut image = Vec::new();
        for pixels in pixels.chunks_exact_mut(*n_rows * *n_columns) {
            image.clear();
            image.extend_from_slice(pixels);
            for (i, pixel) in image.iter().enumerate() {
                pixels[i % *n_columns * *n_rows + i / *n_columns] = *pixel;
            }
        }
        std::mem::swap(n_rows, n_columns);
    }

    /// How much memory they take.
    pub(super) fn n_bytes(&self) -> u64 {
        (self.images.pixels.len() + self.labels.len()) as u64
    }

    /// The highest label.
    fn highest(&self) -> u8 {
        self.labels.iter().copied().max().unwrap_or(0)
    }

    /// Makes sure that every label is below `n_classes`; `highest` is what an error tells of all sets.
    fn into_samples(self, n_classes: usize, highest: u8) -> Result<Samples, Error> {
        if let Some(sample) = self.labels.iter().position(|&label| usize::from(label) >= n_classes) {
            let label = self.labels[sample];
            return Err(Error::Label { path: self.labels_path, sample, label, highest, n_classes });
        }
        Ok(Samples::from_images(self.images, self.labels, n_classes))
    }
}

impl Dataset {
    /// Puts a training and a test set together, whose images must be of one size.
    pub(super) fn from_images(
        name: Name,
        train: LabelledImages,
        test: Option<LabelledImages>,
        n_classes: usize,
    ) -> Result<Self, Error> {
        let train_size = train.images.size();
        if let Some(test) = test.as_ref().filter(|test| test.images.size() != train_size) {
            return Err(Error::Sizes {
                train_path: train.images_path,
                train_size,
                test_path: test.images_path.clone(),
                test_size: test.images.size(),
            });
        }
        let highest = test.as_ref().map_or(0, LabelledImages::highest).max(train.highest());
        let train = train.into_samples(n_classes, highest)?;
        let test = test.map(|test| test.into_samples(n_classes, highest)).transpose()?;
        Ok(Self { name, train, test })
    }
}
