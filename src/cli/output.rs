//! Files that a user names to be written: what speaks against it is said before anything is computed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use crate::files::{self, WriteError, parent_of};
pub use crate::files::{OpenError, found_instead, open, remove};
use crate::train::RunFiles;

/// Writes a file that is there as a whole or not at all: at any moment there is the old one or the new one. Where the old one
/// can't be replaced the new one is kept beside it, and the error says so.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
    files::write_whole_or_keep(path, write).map_err(|error| match error {
        WriteError::Write(reason) => anyhow!(reason).context(format!("cannot write {}", path.display())),
        WriteError::Replace { reason, kept } => anyhow!(
            "cannot replace {} ({reason}); if another program has it open, close it there. The new one is {}",
            path.display(),
            kept.display()
        ),
    })
}

/// Fails where the file that `flag` names cannot be made, or is there already without `force`. Nothing is written.
pub fn check_file(flag: &str, path: &Path, force: bool) -> Result<()> {
    if let Some(found) = fs::metadata(path).ok().as_ref().and_then(found_instead) {
        bail!("{flag} {}: expected a file, found {found}", path.display());
    }
    let parent = parent_of(path);
    check_writable(parent)
        .with_context(|| format!("{flag} {}: cannot write into {}", path.display(), parent.display()))?;
    if path.exists() && !force {
        bail!("{flag} {}: the file is there already; name another, or add --force to replace it", path.display());
    }
    Ok(())
}

/// As [`check_file`]; fails also where the file is one of a run's own. `run` is the folder of a run that may still be to
/// be made, and the file may be in it or in a folder that is made with it.
pub fn check_other_file(flag: &str, path: &Path, force: bool, run: Option<&Path>) -> Result<()> {
    let has_a_runs_name =
        RunFiles::ALL.iter().chain([&RunFiles::LOCK]).any(|name| path.file_name() == Some(OsStr::new(name)));
    let beside = RunFiles::of(parent_of(path));
    let is_beside_a_run = || [beside.checkpoint(), beside.summary(), beside.lock()].iter().any(|file| file.exists());
    if has_a_runs_name && (run.is_some_and(|run| is_in(run, path)) || is_beside_a_run()) {
        bail!("{flag} {}: a run's own file has that name there; choose another", path.display());
    }
    let parent = parent_of(path);
    if !parent.exists() && run.is_some_and(|run| place_of(run).starts_with(place_of(parent))) {
        return Ok(());
    }
    check_file(flag, path, force)
}

/// Whether a file is in a folder, or will be once both are made.
pub fn is_in(folder: &Path, path: &Path) -> bool {
    place_of(folder) == place_of(parent_of(path))
}

/// Fails where a file cannot be made in `folder`; nothing stays.
pub fn check_writable(folder: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder).map(drop)
}

/// Fails where a folder that is not there could not be made, as what is to hold it can't be written; nothing stays.
pub fn check_can_be_made(folder: &Path) -> io::Result<()> {
    let place = place_of(folder);
    check_writable(place.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new(".")))
}

/// The whole path of what may not be there yet: links followed as far as there are any, and without `.` and `..`.
fn place_of(path: &Path) -> PathBuf {
    let mut place = fs::canonicalize(".").unwrap_or_default();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                place.pop();
            }
            component => {
                place.push(component);
                place = fs::canonicalize(&place).unwrap_or(place);
            }
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_what_is_not_there_yet_has_no_detours() {
        let folder = tempfile::tempdir().unwrap();
        let place = fs::canonicalize(folder.path()).unwrap();
        for (path, expected) in [("a/../b/./c", "b/c"), ("a/b/../c/..", "a"), ("", ""), ("x", "x")] {
            // Part by part: canonical paths of Windows take no "/".
            let expected = Path::new(expected).components().fold(place.clone(), |place, part| place.join(part));
            assert_eq!(place_of(&folder.path().join(path)), expected, "{path}");
        }
        assert!(is_in(&folder.path().join("a/b"), &folder.path().join("a/../a/b/loss.csv")));
        assert!(!is_in(&folder.path().join("a/b"), &folder.path().join("a/loss.csv")));
    }

    #[cfg(unix)]
    #[test]
    fn the_place_behind_a_link_is_where_the_link_leads() {
        let folder = tempfile::tempdir().unwrap();
        let place = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(folder.path().join("deep/er")).unwrap();
        std::os::unix::fs::symlink("deep/er", folder.path().join("link")).unwrap();
        assert_eq!(place_of(&folder.path().join("link/../run")), place.join("deep/run"));
    }
}
