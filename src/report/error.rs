//! What can be wrong with the files of a run.

use std::io;
use std::path::{Path, PathBuf};

use crate::train::NpzError;

/// Why a run can't be read. Each names the file or folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder that no run has ended in.
    #[error("{}: expected the folder of a run, found {found}", folder.display())]
    NotARun {
        /// The folder.
        folder: PathBuf,
        /// What is there, and what can be done.
        found: String,
    },
    /// A file that can't be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A summary that is not one.
    #[error("{}: expected the summary that numgrad-train writes, found another or a damaged one: {source}", path.display())]
    Summary {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A log with a row that is none.
    #[error("{}: expected the log that numgrad-train writes, found another or a damaged one: {source}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: csv::Error,
    },
    /// Weights that can't be read.
    #[error("{}: {source}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: NpzError,
    },
    /// A file that does not say what the others say, or what can't be.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: String,
        /// What is.
        found: String,
    },
}

impl Error {
    pub(super) fn unexpected(path: &Path, expected: impl ToString, found: impl ToString) -> Self {
        Self::Unexpected { path: path.to_owned(), expected: expected.to_string(), found: found.to_string() }
    }
}
