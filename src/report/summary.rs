//! `run.json`: a run's settings and what came of it.

use std::fmt::{self, Display};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::numbers::{self, chosen, grouped};
use super::words::{Words, filled};
use crate::dataset::Name;
use crate::nn::NetworkShape;
use crate::train::{
    Divergence, Ended, GradientMethod, Init, InitScale, RunSettings, TrainingSettings, WorkedWeight, by_another_version,
};

/// The settings and the results of a run that has ended, was interrupted or diverged, as `run.json` holds them: the names
/// are the flags', where there is a flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The version of the program that wrote the file.
    pub version: String,
    /// What the run was trained and tested with.
    pub dataset: DatasetSummary,
    /// The settings. The number of threads is how many there were; older files may be of runs on another number before.
    #[serde(flatten)]
    pub settings: RunSettings,
    /// How many iterations are done: fewer than were asked for where the run was interrupted. Older files do not say it, and
    /// are of runs that were not.
    pub iterations_done: Option<u64>,
    /// How many numbers the network has: weights and biases.
    pub n_parameters: usize,
    /// How many loss evaluations all gradients together stand for.
    pub n_evaluations: u64,
    /// How many seconds the training took, without loading data and measuring accuracy.
    pub train_s: f64,
    /// How many of these seconds went into gradients.
    pub gradient_s: f64,
    /// How many of the gradients' seconds went into taking new batches, with the forward pass that incremental gradients start
    /// from. Not known of a run that was resumed; older files do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_s: Option<f64>,
    /// The loss of the last batch; none where no iteration is done.
    pub final_loss: Option<f64>,
    /// The share of the training set that is classified right, 0 to 1, where it was measured.
    pub train_accuracy: Option<f64>,
    /// The share of the test set that is classified right, 0 to 1, where it was measured.
    pub test_accuracy: Option<f64>,
    /// Why the run could not go on. None where it could; older files do not say it.
    pub stopped: Option<Stopped>,
    /// One derivative of the first batch at the initial weights, worked out. Older files do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worked_weight: Option<WorkedWeight>,
}

/// Why a run could not go on: a text in `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stopped {
    /// The run's numbers were no longer finite.
    Diverged(Divergence),
    /// A reason that this version does not know, as the version that wrote the file put it.
    Other(String),
}

impl Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Diverged(divergence) => divergence.fmt(f),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

/// The samples of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// The name of the data set.
    pub name: Name,
    /// How many samples there are to train with.
    pub train_samples: usize,
    /// How many samples there are to test with; 0 where there is no test set.
    pub test_samples: usize,
    /// How many inputs a sample has: D.
    pub input_size: usize,
    /// The rows and columns of a sample, where it is a picture. Older files do not say it.
    pub image_size: Option<(usize, usize)>,
    /// How many classes are told apart: K.
    pub classes: usize,
    /// What the classes are called, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_names: Option<Vec<String>>,
}

impl Summary {
    /// Writes the file.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write(&self, mut writer: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut writer, self)?;
        writeln!(writer)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`Error`] if it can't be read, or does not say what a run could say.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|reason| Error::Read { path: path.to_owned(), reason })?;
        let mut summary: Self = serde_json::from_str(&text).map_err(|reason| {
            let written_by = by_another_version(&text);
            Error::Summary { path: path.to_owned(), reason, written_by }
        })?;
        summary.check(path)?;
        if summary.dataset.image_size.is_none()
            && matches!(summary.dataset.name, Name::Mnist | Name::Embedded)
            && summary.dataset.input_size == 28 * 28
        {
            summary.dataset.image_size = Some((28, 28));
        }
        Ok(summary)
    }

    fn check(&self, path: &Path) -> Result<(), Error> {
        let DatasetSummary { input_size, classes, .. } = self.dataset;
        if input_size == 0 {
            return Err(Error::unexpected(path, "samples of one input or more", input_size));
        }
        if !(2..=256).contains(&classes) {
            return Err(Error::unexpected(path, "2 to 256 classes", classes));
        }
        if self.iterations_done() > self.settings.iterations {
            let expected = format!("at most {} iterations_done", self.settings.iterations);
            return Err(Error::unexpected(path, expected, self.iterations_done()));
        }
        if self.shape().checked_n_parameters() != Some(self.n_parameters) {
            let expected = format!("the parameters of a network {}", self.shape());
            return Err(Error::unexpected(path, expected, self.n_parameters));
        }
        if let Some((rows, columns)) = self.dataset.image_size
            && rows.checked_mul(columns) != Some(self.dataset.input_size)
        {
            let expected = format!("pictures of {} pixels", self.dataset.input_size);
            return Err(Error::unexpected(path, expected, format!("{rows} by {columns}")));
        }
        let batch_s = self.batch_s.unwrap_or(0.0);
        for (name, seconds) in [("train_s", self.train_s), ("gradient_s", self.gradient_s), ("batch_s", batch_s)] {
            if !(seconds >= 0.0 && seconds.is_finite()) {
                return Err(Error::unexpected(path, format!("seconds in {name}"), seconds));
            }
        }
        Ok(())
    }

    /// How many iterations the run has got through.
    pub fn iterations_done(&self) -> u64 {
        self.iterations_done.unwrap_or(self.settings.iterations)
    }

    /// How the run ended; none where it stopped for a reason that this version does not know.
    pub fn ended(&self) -> Option<Ended> {
        match &self.stopped {
            Some(Stopped::Diverged(divergence)) => Some(Ended::Diverged(divergence.clone())),
            Some(Stopped::Other(_)) => None,
            None if self.iterations_done() < self.settings.iterations => Some(Ended::Interrupted),
            None => Some(Ended::Done),
        }
    }

    /// The shape of the network.
    pub fn shape(&self) -> NetworkShape {
        let DatasetSummary { input_size, classes, .. } = self.dataset;
        self.settings.shape(input_size, classes)
    }

    /// The loss of a network that knows nothing: ln K.
    pub fn chance(&self) -> f64 {
        (self.dataset.classes as f64).ln()
    }

    /// How many seconds a gradient took; none where there was none.
    pub fn seconds_per_gradient(&self) -> Option<f64> {
        let n = self.iterations_done();
        (n > 0).then(|| self.gradient_s / n as f64)
    }

    /// How many evaluations a second the numerical gradients stand for; none where there was no such gradient, as with
    /// backpropagation.
    pub fn evaluations_per_second(&self) -> Option<f64> {
        let has_evaluated = self.settings.training.gradient == GradientMethod::Numerical && self.n_evaluations > 0;
        has_evaluated.then(|| self.n_evaluations as f64 / self.gradient_s.max(1e-9))
    }

    /// How gradients were computed: the two flags that say it, as one.
    pub fn method(&self) -> String {
        let TrainingSettings { gradient, forward, .. } = self.settings.training;
        match gradient {
            GradientMethod::Numerical => format!("{gradient}, {forward}"),
            method => method.to_string(),
        }
    }

    /// The settings by name, as people read them.
    pub(super) fn settings_as_text(&self, words: &Words) -> Vec<(&'static str, String)> {
        let DatasetSummary { name, train_samples, test_samples, classes, class_names, .. } = &self.dataset;
        let train = grouped(train_samples);
        let samples = match test_samples {
            0 => filled(words.for_training, &[("train", &train)]),
            n => filled(words.for_training_and_testing, &[("train", &train), ("test", &grouped(n))]),
        };
        let classes = match class_names {
            Some(names) => {
                names.iter().enumerate().map(|(i, name)| format!("{i} {name}")).collect::<Vec<_>>().join(", ")
            }
            None => grouped(classes),
        };
        let shape = self.shape();
        let RunSettings { iterations, seed, init, init_scale, threads, training, .. } = &self.settings;
        let TrainingSettings { batch_size, learning_rate, step, isa, .. } = *training;
        vec![
            (words.gradient, self.method()),
            (words.data, name.to_string()),
            (words.samples, samples),
            (words.classes, classes),
            (words.network, filled(words.n_parameters, &[("shape", &shape), ("n", &grouped(self.n_parameters))])),
            (words.iterations, grouped(iterations)),
            (words.batch_size, grouped(batch_size)),
            (words.learning_rate, chosen(learning_rate)),
            (words.step, numbers::step(step)),
            (words.initial_weights, initial_weights(*init, *init_scale, words)),
            (words.seed, seed.to_string()),
            (words.threads, threads.map_or("-".to_owned(), |n| n.to_string())),
            (words.instructions, isa.to_string()),
            (words.version, self.version.clone()),
        ]
    }
}

/// How the weights were drawn, in words.
fn initial_weights(init: Init, scale: InitScale, words: &Words) -> String {
    match scale {
        InitScale::Number(scale) => filled(words.times_number, &[("init", &init), ("scale", &chosen(scale))]),
        InitScale::He => filled(words.times_he, &[("init", &init)]),
        InitScale::Xavier => filled(words.times_xavier, &[("init", &init)]),
    }
}
