//! What can be wrong with an IDX file.

use std::io;

use thiserror::Error;

use super::header::Kind;

/// Compressed data may expand to this many times their own size once they are long. MNIST expands to five times; empty data to a
/// thousand.
pub(super) const MAX_EXPANSION_RATIO: u64 = 100;

/// What can be wrong with an IDX file. Whoever opened the file knows its name and says it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdxError {
    /// The file can't be read.
    #[error("it can't be read: {0}")]
    Read(io::Error),
    /// The compressed data are damaged: a broken stream, or a check sum that differs.
    #[error("its gzip data are damaged ({0}): download or copy it again")]
    Gzip(io::Error),
    /// It is another file than that.
    #[error("expected a file of {expected} (IDX), found {found}")]
    Magic {
        /// The kind of file that was asked for.
        expected: Kind,
        /// What the file is as far as its first bytes tell, and what to do with it.
        found: String,
    },
    /// The data end early.
    #[error("it is cut off: expected {expected} bytes of content, found {found}")]
    Truncated {
        /// How long the content is by its header (the header's own length where even that is cut off).
        expected: u64,
        /// How long it is.
        found: u64,
    },
    /// More follows after the last pixel or label.
    #[error("expected the file to end after {expected} bytes of content as its header says, but more follow")]
    Trailing {
        /// How long the content is by its header.
        expected: u64,
    },
    /// There are no samples, or they have no pixels.
    #[error("it is empty: its header says {0}")]
    Empty(String),
    /// The content is longer than what may be held in memory.
    #[error("its header promises {dimensions}: expected data that take at most {max_bytes} bytes of memory")]
    TooLarge {
        /// What the header says.
        dimensions: String,
        /// How long the content may be.
        max_bytes: u64,
    },
    /// A number of the content can't be a pixel or a label.
    #[error("number {position} of its content (counted from 0) is {found}: expected {expected}")]
    Number {
        /// The place of the number in the content.
        position: u64,
        /// The number that was found.
        found: f64,
        /// What the numbers should be.
        expected: &'static str,
    },
    /// The labels come in rows whose meaning is not plain.
    #[error(
        "expected a label for each sample, found {found}, whose rows are neither all 0 but for a single 1 nor QMNIST's eight \
         whole numbers"
    )]
    LabelRows {
        /// What the header says.
        found: String,
    },
    /// The compressed data expand beyond reason.
    #[error(
        "its gzip data expand more than {MAX_EXPANSION_RATIO}-fold: {n_compressed} bytes gave {n_expanded} and more, \
         which no pictures do"
    )]
    Bomb {
        /// Compressed bytes read so far.
        n_compressed: u64,
        /// Bytes that they gave so far.
        n_expanded: u64,
    },
}
