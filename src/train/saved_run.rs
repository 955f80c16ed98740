//! A run at rest: its checkpoint, and in it what run it is of.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::CheckpointSettings;
use super::{Checkpoint, Every, FileError, Log, Record, Trainer};
use crate::files::{self, OpenError};

/// What a checkpoint keeps beside the numbers of the training, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// The version of the program that wrote it.
    pub version: String,
    /// The settings that the run is continued with.
    pub settings: CheckpointSettings,
    /// The CRC-32 of the data set that the run was begun with.
    pub data_crc32: u32,
    /// How long the log is, in bytes. What follows in it was written after the checkpoint.
    pub log_bytes: u64,
    /// How many seconds the gradients took so far. Versions before this one continue from it, and this one from the log.
    #[serde(default)]
    pub gradient_s: f64,
    /// The record of the last iteration, where it is not in the log yet: measuring its accuracy was interrupted.
    pub unlogged: Option<Record>,
}

/// A run that can be continued.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedRun {
    /// The training between two iterations.
    pub checkpoint: Checkpoint,
    /// What run it is of.
    pub state: RunState,
}

impl SavedRun {
    /// Reads a checkpoint that a run wrote, of at most `max_bytes`, since all of it is held in memory.
    ///
    /// # Errors
    /// [`FileError`] if it can't be read, is damaged, or contradicts itself.
    pub fn read(path: &Path, max_bytes: u64) -> Result<Self, FileError> {
        let content = |problem: String| FileError::content(path, problem);
        let (file, n_bytes) = files::open(path).map_err(|error| match error {
            OpenError::NotAFile(_) => content(error.to_string()),
            OpenError::Io(reason) => FileError::io("read", path, reason),
        })?;
        if n_bytes > max_bytes {
            return Err(content(format!(
                "expected at most the {max_bytes} bytes of memory that are free, found {n_bytes}"
            )));
        }
        let (checkpoint, state) = Checkpoint::read(BufReader::new(file))
            .map_err(|reason| FileError::Checkpoint { path: path.to_owned(), reason })?;
        let in_it = |problem: String| {
            content(format!("run.json in it: {problem}{}", by_another_version(&state).unwrap_or_default()))
        };
        if let Some(name) = unknown_setting(&state) {
            return Err(in_it(format!("expected settings that this version knows, found {name}")));
        }
        let state: RunState = serde_json::from_str(&state).map_err(|error| in_it(error.to_string()))?;
        let n_iterations = state.settings.run.iterations;
        if checkpoint.iteration > n_iterations {
            return Err(content(format!("expected at most {n_iterations} iterations, found {}", checkpoint.iteration)));
        }
        if let Some(record) = state.unlogged.filter(|record| record.iteration != checkpoint.iteration) {
            return Err(content(format!(
                "expected the row to be written to be of iteration {}, found {}",
                checkpoint.iteration, record.iteration
            )));
        }
        Ok(Self { checkpoint, state })
    }
}

/// The first setting that this version has no use for, without which the run would go on with other numbers.
fn unknown_setting(state: &str) -> Option<String> {
    let state: Value = serde_json::from_str(state).ok()?;
    let mut names = state.get("settings")?.as_object()?.keys();
    names.find(|name| CheckpointSettings::on_resume(name).is_none()).cloned()
}

/// That `json`, a run's state or summary, was written by another version of the program, as an error adds it; none where it
/// was written by this one, or where it does not say.
pub(crate) fn by_another_version(json: &str) -> Option<String> {
    let (json, this) = (serde_json::from_str::<Value>(json).ok()?, env!("CARGO_PKG_VERSION"));
    let version = json.get("version")?.as_str().filter(|&version| version != this)?;
    Some(format!(" (it was written by version {version}, this is {this})"))
}

/// Writes the checkpoints of a run.
#[derive(Debug)]
pub struct Checkpoints {
    path: PathBuf,
    every: Every,
    state: RunState,
    /// How many iterations were done at the last checkpoint, and when it was written.
    last: Option<(u64, Instant)>,
}

impl Checkpoints {
    /// Checkpoints of a run with these settings, on samples of this CRC-32, to be written to `path`.
    pub fn new(path: PathBuf, settings: CheckpointSettings, data_crc32: u32) -> Self {
        let every = settings.checkpoint_every;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self {
            path,
            every,
            state: RunState { version, settings, data_crc32, log_bytes: 0, gradient_s: 0.0, unlogged: None },
            last: None,
        }
    }

    /// Whether as much has happened since the last checkpoint as there may between two, or whether there is none yet.
    pub fn is_due(&self, iteration: u64) -> bool {
        self.last.is_none_or(|(last, time)| match self.every {
            Every::Iterations(n) => iteration - last >= n,
            Every::Time(interval) => time.elapsed() >= interval,
        })
    }

    /// Replaces the last checkpoint by one that is on the disk when this returns, and so is the log that it tells of.
    /// `unlogged` is the record of the last iteration, where it is not in the log yet.
    ///
    /// # Errors
    /// [`FileError`] if one of the two can't be brought to the disk; the last checkpoint is still there then.
    pub fn write(&mut self, trainer: &Trainer, log: &Log, unlogged: Option<Record>) -> Result<(), FileError> {
        self.state.unlogged = unlogged;
        self.state.log_bytes = log.sync()?;
        self.state.gradient_s = log.gradient_s() + unlogged.map_or(0.0, |record| record.gradient_s);
        let state = serde_json::to_string_pretty(&self.state).expect("the settings are plain data");
        files::write_whole(&self.path, |file| trainer.checkpoint().write(file, &state))
            .map_err(|error| FileError::io("write", &self.path, error))?;
        self.last = Some((trainer.iteration(), Instant::now()));
        Ok(())
    }

    /// The iteration of the last checkpoint, if one was written and is still there to continue from.
    pub fn last_iteration(&self) -> Option<u64> {
        self.last.map(|(iteration, _)| iteration).filter(|_| self.path.is_file())
    }

    pub(super) fn is_begun(&self) -> bool {
        self.last.is_some()
    }
}
