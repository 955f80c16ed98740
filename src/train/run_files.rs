//! What the files of a run are called.

use std::path::{Path, PathBuf};

/// The files of a run, in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFiles {
    folder: PathBuf,
}

impl RunFiles {
    /// The training at rest, which a run is continued from.
    pub const CHECKPOINT: &str = "checkpoint.npz";
    /// One row an iteration.
    pub const LOG: &str = "loss.csv";
    /// The picture of the loss.
    pub const CHART: &str = "loss.svg";
    /// The last weights.
    pub const MODEL: &str = "model.npz";
    /// The weights of the first layer at several times, of runs on pictures.
    pub const SNAPSHOTS: &str = "first-layer.npz";
    /// The page that shows the run.
    pub const PAGE: &str = "report.html";
    /// The settings, and what came of them.
    pub const SUMMARY: &str = "run.json";
    /// Locked for as long as a process writes to the folder; it stays behind empty.
    pub const LOCK: &str = ".lock";
    /// What a run writes, without the lock, in the order in which it is removed where a run is replaced. What people open in
    /// other programs is first: on Windows it can't be removed then, and all that the run is continued from is still there.
    /// The checkpoint never stands beside another's log, as that is not made before all of these are gone.
    pub const ALL: [&str; 7] =
        [Self::PAGE, Self::LOG, Self::CHART, Self::SNAPSHOTS, Self::CHECKPOINT, Self::MODEL, Self::SUMMARY];

    /// The files of the run in this folder.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder, as it was named.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of [`CHECKPOINT`](Self::CHECKPOINT).
    pub fn checkpoint(&self) -> PathBuf {
        self.folder.join(Self::CHECKPOINT)
    }

    /// The path of [`LOG`](Self::LOG).
    pub fn log(&self) -> PathBuf {
        self.folder.join(Self::LOG)
    }

    /// The path of [`CHART`](Self::CHART).
    pub fn chart(&self) -> PathBuf {
        self.folder.join(Self::CHART)
    }

    /// The path of [`MODEL`](Self::MODEL).
    pub fn model(&self) -> PathBuf {
        self.folder.join(Self::MODEL)
    }

    /// The path of [`SNAPSHOTS`](Self::SNAPSHOTS).
    pub fn snapshots(&self) -> PathBuf {
        self.folder.join(Self::SNAPSHOTS)
    }

    /// The path of [`PAGE`](Self::PAGE).
    pub fn page(&self) -> PathBuf {
        self.folder.join(Self::PAGE)
    }

    /// The path of [`SUMMARY`](Self::SUMMARY).
    pub fn summary(&self) -> PathBuf {
        self.folder.join(Self::SUMMARY)
    }

    /// The path of [`LOCK`](Self::LOCK).
    pub fn lock(&self) -> PathBuf {
        self.folder.join(Self::LOCK)
    }

    /// The paths of [`ALL`](Self::ALL), in that order.
    pub fn all(&self) -> impl Iterator<Item = PathBuf> + '_ {
        Self::ALL.iter().map(|name| self.folder.join(name))
    }
}
