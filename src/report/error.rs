//! What can be wrong with the files of a run.

use std::io;
use std::path::{Path, PathBuf};

use crate::train::{FileError, NpzError};

/// Why a run can't be read. Each names the file or folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder is not that of a run that has ended.
    #[error("{}: expected the folder of a run, found {found}", folder.display())]
    NotARun {
        /// The folder.
        folder: PathBuf,
        /// What is there, and what can be done.
        found: String,
    },
    /// The system does not let a file be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// The summary is damaged, or something else.
    #[error("{}: expected the summary that numgrad-train writes, found another or a damaged one: \
             {reason}{}", path.display(), written_by.as_deref().unwrap_or_default())]
    Summary {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where in the file.
        reason: serde_json::Error,
        /// Which version wrote it, in words, where that was not this one.
        written_by: Option<String>,
    },
    /// A row of the log is damaged, or something else.
    #[error("{}: expected the log that numgrad-train writes, found another or a damaged one: {reason}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where in the file.
        reason: csv::Error,
    },
    /// The weights are damaged, or something else.
    #[error("{}: {reason}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: NpzError,
    },
    /// The weights of the first layer at several times are damaged, or something else.
    #[error(transparent)]
    Snapshots(#[from] FileError),
    /// A file contradicts the others, or says what can't be.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: String,
        /// What is in it.
        found: String,
    },
}

impl Error {
    pub(super) fn unexpected(path: &Path, expected: impl ToString, found: impl ToString) -> Self {
        Self::Unexpected { path: path.to_owned(), expected: expected.to_string(), found: found.to_string() }
    }
}
