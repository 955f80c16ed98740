//! Files that are there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes a file beside its place, has it brought to the disk, and moves it into its place when it is whole there: at any
/// moment there is the old file or the new one.
///
/// # Errors
/// If the file can't be made, or `write` fails; the old file is as it was then.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    let partial = Path::new(&partial);
    let written = write_to(partial, write).and_then(|()| fs::rename(partial, path)).and_then(|()| sync_folder_of(path));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(partial);
    }
    written
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
