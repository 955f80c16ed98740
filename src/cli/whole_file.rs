//! Files that are there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Writes a file beside its place, has it brought to the disk, and moves it into its place when it is whole there: at any
/// moment there is the old file or the new one.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    let partial = Path::new(&partial);
    let written =
        write_to(partial, write).and_then(|()| Ok(fs::rename(partial, path)?)).and_then(|()| sync_folder_of(path));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(partial);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn write_to(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    // What a killed run left. A link is not followed and a pipe not waited for, as the file is made anew.
    remove(path)?;
    let mut file = BufWriter::new(File::create_new(path)?);
    write(&mut file)?;
    file.flush()?;
    Ok(file.get_ref().sync_all()?)
}

/// A name is on the disk once its folder is. Only Unix opens folders for that.
fn sync_folder_of(path: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(parent_of(path))?.sync_all()?;
    }
    Ok(())
}

/// Removes a file where there is one.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot replace {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Fails where the file that `flag` names cannot be made, or is there already without `force`. Nothing is written.
pub fn check_file(flag: &str, path: &Path, force: bool) -> Result<()> {
    if path.exists() && !path.is_file() {
        let found = if path.is_dir() { "a folder" } else { "a pipe, socket or device" };
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

/// The folder that a file is or will be in.
pub fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Fails where a file cannot be made in `folder`; nothing stays.
pub fn check_writable(folder: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder).map(drop)
}
