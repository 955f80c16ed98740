//! MNIST itself is not in the repository; `NUMGRAD_DATA_DIR` says where it is.

use std::path::PathBuf;

/// The folder with MNIST's four files. `None`, with a word about it, where the variable is not set or empty: the programs
/// make no difference between the two either.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("NUMGRAD_DATA_DIR").filter(|folder| !folder.is_empty());
    if folder.is_none() {
        eprintln!("skipped: NUMGRAD_DATA_DIR does not say where MNIST is");
    }
    folder.map(PathBuf::from)
}
