//! Files that are there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a file beside its place, has it brought to the disk, and moves it into its place when it is whole there: at any
/// moment there is the old file or the new one.
///
/// # Errors
/// If the file can't be made, or `write` fails; the old file is as it was then.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let partial = partial_of(path);
    let written =
        write_to(&partial, write).and_then(|()| fs::rename(&partial, path)).and_then(|()| sync_folder_of(path));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Why a file is not in its place.
#[cfg(feature = "cli")]
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It could not be written.
    #[error("cannot write it")]
    Write(#[from] io::Error),
    /// It is whole, but what is in its place can't be replaced: Windows replaces no file that another program has open.
    #[error("it can't be replaced, perhaps because another program has it open; the new file is {}", kept.display())]
    Replace {
        /// Why the system does not replace it.
        #[source]
        reason: io::Error,
        /// The new file, beside the old one.
        kept: PathBuf,
    },
}

/// As [`write_whole`], but a file that can't take the place of the old one is kept beside it: `report.new.html` for
/// `report.html`, or with a number where that is there already.
///
/// # Errors
/// [`WriteError`] if the file is not in its place.
#[cfg(feature = "cli")]
pub fn write_whole_or_keep(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), WriteError> {
    let partial = partial_of(path);
    let remove_partial = |reason: io::Error| {
        let _ = fs::remove_file(&partial);
        reason
    };
    write_to(&partial, write).map_err(remove_partial)?;
    match fs::rename(&partial, path) {
        Err(reason) if path.exists() => {
            let kept = new_beside(path).map_err(remove_partial)?;
            let moved = fs::rename(&partial, &kept).map_err(remove_partial);
            moved.inspect_err(|_| drop(fs::remove_file(&kept)))?;
            Err(WriteError::Replace { reason, kept })
        }
        renamed => Ok(renamed.map_err(remove_partial).and_then(|()| sync_folder_of(path))?),
    }
}

/// Where a file is until it is whole.
fn partial_of(path: &Path) -> PathBuf {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    partial.into()
}

/// An empty file for what can't be called `report.html`: `report.new.html`, which is opened by what opens the other, or where
/// that is there already `report.new-2.html`, and so on.
#[cfg(feature = "cli")]
fn new_beside(path: &Path) -> io::Result<PathBuf> {
    for n in 1_u64.. {
        let mut extension = std::ffi::OsString::from(if n == 1 { "new".to_owned() } else { format!("new-{n}") });
        if let Some(old) = path.extension() {
            extension.push(".");
            extension.push(old);
        }
        let beside = path.with_extension(extension);
        match File::create_new(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|_| beside),
        }
    }
    unreachable!("no folder holds that many files")
}

fn write_to(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    // What a killed run left. A link is not followed and a pipe not waited for, as the file is made anew.
    remove(path)?;
    let mut file = BufWriter::new(File::create_new(path)?);
    write(&mut file)?;
    file.flush()?;
    file.get_ref().sync_all()
}

/// A name is on the disk once its folder is. Only Unix opens folders for that.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(parent_of(path))?.sync_all()?;
    }
    Ok(())
}

/// Removes a file where there is one.
///
/// # Errors
/// If it is there and can't be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The folder that a file is or will be in.
pub fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_take_its_place_is_kept_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        for (name, new) in [
            ("report.html", ["report.new.html", "report.new-2.html", "report.new-3.html"]),
            ("report", ["report.new", "report.new-2", "report.new-3"]),
        ] {
            // Not even a file: as little to be replaced as one that a program on Windows has open.
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            for new in new {
                let error = write_whole_or_keep(&path, |file| file.write_all(new.as_bytes())).unwrap_err();
                let kept = folder.path().join(new);
                assert!(error.to_string().contains(&kept.display().to_string()), "{error}");
                assert!(path.is_dir() && !partial_of(&path).exists());
            }
            // None took the place of another.
            assert!(new.iter().all(|new| fs::read_to_string(folder.path().join(new)).unwrap() == *new));
        }
    }

    #[test]
    fn what_is_not_written_to_its_end_leaves_the_old_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        write_whole_or_keep(&path, |file| file.write_all(b"old")).unwrap();
        let fails = |file: &mut BufWriter<File>| file.write_all(b"ne").and_then(|()| Err(io::Error::other("full")));
        assert!(matches!(write_whole_or_keep(&path, fails), Err(WriteError::Write(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
