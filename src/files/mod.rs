//! Files: opened where they are files, told by their first bytes, and written so that they are there as a whole or not at all;
//! NumPy's archives.

pub(crate) mod form;
pub mod npz;
#[cfg(feature = "train")]
mod whole;

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

#[cfg(feature = "train")]
pub use whole::write_whole;
#[cfg(feature = "cli")]
pub use whole::{WriteError, parent_of, remove, write_whole_or_keep};

/// Why a file was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Something else is in its place.
    #[error("expected a file, found {0}")]
    NotAFile(&'static str),
    /// The system does not allow it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Opens a file and nothing else: to open a named pipe would wait for ever. Returns the file and its length in bytes.
///
/// # Errors
/// [`OpenError`] if it can't be opened, or is a folder, pipe, socket or device.
pub fn open(path: &Path) -> Result<(File, u64), OpenError> {
    let metadata = fs::metadata(path)?;
    match found_instead(&metadata) {
        Some(found) => Err(OpenError::NotAFile(found)),
        None => Ok((File::open(path)?, metadata.len())),
    }
}

/// What is in the place of a file; none where it is a file.
pub fn found_instead(metadata: &Metadata) -> Option<&'static str> {
    match metadata.file_type() {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a folder"),
        _ => Some("a pipe, socket or device"),
    }
}
