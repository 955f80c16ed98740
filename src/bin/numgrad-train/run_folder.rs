//! The folder of a run: found or made before training, never over an older run without being asked.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::csv_log::CsvLog;

/// What a run writes.
const FILES: [&str; 4] = ["loss.csv", "loss.svg", "model.npz", "run.json"];

/// A folder that belongs to one run. Until [`begin`](Self::begin) is called it is provisional: dropping it removes the
/// folders that were made for it.
pub struct RunFolder {
    path: PathBuf,
    /// Outermost first.
    made: Vec<PathBuf>,
}

impl RunFolder {
    /// `out`, or without it a new folder under `results/` named by the time in UTC.
    ///
    /// A folder that has anything in it is refused without `force`. With it, the files of the older run are removed by
    /// `begin`, and what else is there stays.
    pub fn create(out: Option<&Path>, force: bool) -> Result<Self> {
        match out {
            Some(path) => Self::at(path, force),
            None => Self::named_by_time(Path::new("results")),
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fails where the file that `flag` names cannot be made, is one of the run's own, or is there already without
    /// `force`. Nothing is written.
    pub fn check_other_file(&self, flag: &str, path: &Path, force: bool) -> Result<()> {
        if path.is_dir() {
            bail!("{flag} {}: expected a file, found a folder", path.display());
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        check_writable(parent)
            .with_context(|| format!("{flag} {}: cannot write into {}", path.display(), parent.display()))?;
        let is_the_runs_own = FILES.iter().any(|name| path.file_name() == Some(OsStr::new(name)))
            && fs::canonicalize(parent)? == fs::canonicalize(&self.path)?;
        if is_the_runs_own {
            bail!("{flag} {}: the run itself writes a file of that name there; choose another", path.display());
        }
        if path.exists() && !force {
            bail!("{flag} {}: the file is there already; name another, or add --force to replace it", path.display());
        }
        Ok(())
    }

    /// Training begins: files of an older run go, the log is opened, and the folder stays from here on.
    pub fn begin(&mut self) -> Result<CsvLog> {
        for name in FILES {
            let path = self.file(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot replace {}", path.display()));
                }
                _ => {}
            }
        }
        let log = CsvLog::create(self.file("loss.csv"))?;
        self.made.clear();
        Ok(log)
    }

    fn at(path: &Path, force: bool) -> Result<Self> {
        match fs::read_dir(path) {
            Ok(mut entries) => {
                if !force && entries.next().is_some() {
                    bail!(
                        "--out {}: expected a new or empty folder, found one with files in it; \
                         name another, or add --force to replace the run in it",
                        path.display()
                    );
                }
                check_writable(path).with_context(|| format!("--out {}: cannot write there", path.display()))?;
                Ok(Self { path: path.to_owned(), made: Vec::new() })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(path),
            Err(error) => Err(error).with_context(|| format!("--out {}: expected a folder", path.display())),
        }
    }

    /// `parent/2026-11-23T23-59-59Z`, with `-2`, `-3`, … where runs begin in the same second.
    fn named_by_time(parent: &Path) -> Result<Self> {
        let name = jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
        let mut folder = Self { path: parent.to_owned(), made: Vec::new() };
        folder.make_parents(&parent.join(&name)).with_context(|| cannot_make(parent))?;
        for n in 1.. {
            let path = parent.join(if n == 1 { name.clone() } else { format!("{name}-{n}") });
            match fs::create_dir(&path) {
                Ok(()) => {
                    folder.made.push(path.clone());
                    folder.path = path;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| cannot_make(&path)),
            }
        }
        Ok(folder)
    }

    fn make(path: &Path) -> Result<Self> {
        let mut folder = Self { path: path.to_owned(), made: Vec::new() };
        folder.make_parents(path).and_then(|()| folder.make_one(path)).with_context(|| cannot_make(path))?;
        Ok(folder)
    }

    fn make_parents(&mut self, path: &Path) -> io::Result<()> {
        let missing: Vec<_> =
            path.ancestors().skip(1).take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
        missing.into_iter().rev().try_for_each(|parent| self.make_one(parent))
    }

    fn make_one(&mut self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Ok(()) => self.made.push(path.to_owned()),
            // Another run made it meanwhile, or the path ends in `..`.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        for path in self.made.iter().rev() {
            // Only empty folders are removed; one that another run uses meanwhile is not, and needs no word about it.
            let _ = fs::remove_dir(path);
        }
    }
}

fn cannot_make(path: &Path) -> String {
    format!("cannot make the folder {} for the run's files; --out names another", path.display())
}

/// Fails where a file cannot be made in `folder`; nothing stays.
fn check_writable(folder: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder).map(drop)
}

/// Writes a file beside its place and moves it there when it is whole.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    let partial = Path::new(&partial);
    let written = write_to(partial, write).and_then(|()| Ok(fs::rename(partial, path)?));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(partial);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn write_to(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    write(&mut file)?;
    Ok(file.flush()?)
}
