//! The files of a run, which nothing that a user names takes the places of.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::whole_file::{check_file, parent_of};

pub const CHECKPOINT: &str = "checkpoint.npz";
pub const PAGE: &str = "report.html";
const SUMMARY: &str = "run.json";

/// What a run writes. The checkpoint goes first where a run is replaced, so that it never stands beside another's log.
pub const FILES: [&str; 6] = [CHECKPOINT, "loss.csv", "loss.svg", "model.npz", PAGE, SUMMARY];

/// Locked for as long as a process writes to the folder; it stays behind empty.
pub const LOCK: &str = ".lock";

/// Fails where the file that `flag` names cannot be made, is one of a run's own, or is there already without `force`.
/// Nothing is written. `run` is the folder of a run that may have nothing in it yet.
pub fn check_other_file(flag: &str, path: &Path, force: bool, run: Option<&Path>) -> Result<()> {
    let has_a_runs_name = FILES.iter().chain([&LOCK]).any(|name| path.file_name() == Some(OsStr::new(name)));
    let is_beside_a_run = || [CHECKPOINT, SUMMARY, LOCK].iter().any(|name| parent_of(path).join(name).exists());
    if has_a_runs_name && (run.is_some_and(|run| is_in(run, path)) || is_beside_a_run()) {
        bail!("{flag} {}: a run's own file has that name there; choose another", path.display());
    }
    check_file(flag, path, force)
}

/// Whether a file is in a folder, or would be.
pub fn is_in(folder: &Path, path: &Path) -> bool {
    matches!((fs::canonicalize(folder), fs::canonicalize(parent_of(path))), (Ok(folder), Ok(parent)) if folder == parent)
}
