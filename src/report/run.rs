//! What a run left behind, read back.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use super::chart::{Axis, Chart, Level, Numbers};
use super::error::Error;
use super::log::{Curves, Over};
use super::numbers::{grouped, loss};
use super::summary::Summary;
use super::words::{Language, Words, filled};
use crate::nn::Parameters;
use crate::train::{Ended, RunFiles, Snapshots, read_model};

/// A run that has ended, was interrupted or diverged.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The run's folder, by the name that it was asked for with.
    pub folder: PathBuf,
    /// The run's settings and results, from `run.json`.
    pub summary: Summary,
    /// The course of loss and accuracy, from `loss.csv`.
    pub curves: Curves,
    /// The network's weights after the last iteration, from `model.npz`; none where there is no such file.
    pub parameters: Option<Parameters>,
    /// The weights of the first layer at several times, from `first-layer.npz`; none where there is no such file.
    pub snapshots: Option<Snapshots>,
}

impl Run {
    /// Reads `run.json`, `loss.csv`, `model.npz` and `first-layer.npz` of a run's folder.
    ///
    /// # Errors
    /// [`Error`] if one of them is damaged, or one of the first two is not there.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let not_a_run = |found: &str| Error::NotARun { folder: folder.to_owned(), found: found.to_owned() };
        if !folder.is_dir() {
            return Err(not_a_run(if folder.exists() { "a file" } else { "no folder of that name" }));
        }
        let files = RunFiles::of(folder);
        if !files.summary().exists() {
            let is_begun = files.checkpoint().exists() && files.log().exists();
            let how_to_end_it =
                if is_begun { ", as the run has not ended; numgrad-train --resume continues it" } else { "" };
            return Err(not_a_run(&format!("no {} in it{how_to_end_it}", RunFiles::SUMMARY)));
        }
        let summary = Summary::read(&files.summary())?;
        let curves = Curves::read(&files.log(), summary.iterations_done())?;
        let parameters = read_parameters(&files.model(), &summary)?;
        let snapshots = Snapshots::read(&files.snapshots())?;
        Ok(Self { folder: folder.to_owned(), summary, curves, parameters, snapshots })
    }

    /// The loss that the run has come to: the mean over the last tenth of its iterations, as a single batch tells little. None
    /// where it has diverged, or has done no iteration.
    pub(super) fn end_loss(&self) -> Option<f64> {
        let has_diverged = matches!(self.summary.ended(), Some(Ended::Diverged(_)) | None);
        self.curves.tenths.last().map(|tenth| tenth.mean).filter(|_| !has_diverged)
    }

    /// What the run is called: the last part of its folder's path.
    pub fn name(&self) -> String {
        let path = match self.folder.file_name() {
            Some(_) => self.folder.clone(),
            None => self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone()),
        };
        path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The loss over iterations, of each batch and smoothed, with the level ln K of a network that knows nothing.
    pub fn loss_chart(&self, language: Language) -> Chart {
        let words = language.words();
        let Summary { dataset, settings, .. } = &self.summary;
        let mean = if self.curves.mean_loss.is_empty() {
            String::new()
        } else {
            filled(words.mean_of, &[("n", &grouped(self.curves.mean_over))])
        };
        let shape = self.summary.shape();
        Chart {
            title: filled(words.loss_title, &[("data", &dataset.name), ("shape", &shape), ("seed", &settings.seed)]),
            x: Axis::linear(words.iteration, Numbers::Whole),
            y: loss_axis(words),
            series: self.curves.loss_series(Over::Iterations, &mean, 0),
            levels: vec![chance(&self.summary, words)],
        }
    }
}

pub(super) fn loss_axis(words: &Words) -> Axis {
    Axis::linear(words.loss_axis, Numbers::Decimal)
}

/// The loss of a network that knows nothing, as a level in a chart.
pub(super) fn chance(summary: &Summary, words: &Words) -> Level {
    let (y, classes) = (summary.chance(), summary.dataset.classes);
    Level { y, label: filled(words.chance, &[("classes", &classes), ("loss", &loss(y))]) }
}

fn read_parameters(path: &Path, summary: &Summary) -> Result<Option<Parameters>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(reason) => return Err(Error::Read { path: path.to_owned(), reason }),
    };
    let parameters =
        read_model(BufReader::new(file)).map_err(|reason| Error::Model { path: path.to_owned(), reason })?;
    let (expected, found) = (summary.shape(), parameters.shape());
    if &expected != found {
        let expected = format!("the parameters of a network {expected}, as {} says", RunFiles::SUMMARY);
        return Err(Error::unexpected(path, expected, found));
    }
    Ok(Some(parameters))
}
