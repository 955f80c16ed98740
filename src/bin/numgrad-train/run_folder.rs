//! The folder of a run: found or made before training, never over an older run without being asked.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use numgrad::cli::run_files::{CHECKPOINT, FILES, LOCK};
use numgrad::cli::terminal::say;
use numgrad::cli::whole_file::{check_writable, remove};

use crate::csv_log::CsvLog;

/// A folder that belongs to one run. Until [`begin`](Self::begin) is called it is provisional: dropping it removes the
/// folders that were made for it.
pub struct RunFolder {
    path: PathBuf,
    /// Outermost first.
    made: Vec<PathBuf>,
    /// Whether an older run may be replaced.
    force: bool,
    /// The lock dies with the process, however it ends.
    lock: Option<File>,
}

impl RunFolder {
    /// `out`, or without it a new folder under `results/` named by the time in UTC.
    ///
    /// A folder that has anything in it is refused without `force`. With it, the files of the older run are removed by
    /// `begin`, and what else is there stays.
    pub fn create(out: Option<&Path>, force: bool) -> Result<Self> {
        match out {
            Some(path) => Self::at(path, force),
            None => Self::named_by_time(Path::new("results"), force),
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of an older run that is to be continued.
    pub fn reopen(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            bail!("expected the folder of a run, found no folder of that name");
        }
        let checkpoint = path.join(CHECKPOINT);
        if !checkpoint.try_exists().with_context(|| format!("cannot read {}", checkpoint.display()))? {
            bail!("expected the folder of a run, found no {CHECKPOINT} in it");
        }
        let mut folder = Self { path: path.to_owned(), made: Vec::new(), force: false, lock: None };
        folder.take_lock()?;
        Ok(folder)
    }

    /// Removes what tells how far a run is, as it is soon farther.
    pub fn begin_again(&self) -> Result<()> {
        remove(&self.file("run.json"))?;
        remove(&self.file("report.html"))
    }

    /// Training begins: files of an older run go, the log is opened, and the folder stays from here on.
    pub fn begin(&mut self) -> Result<CsvLog> {
        self.take_lock().with_context(|| format!("--out {}", self.path.display()))?;
        // Another run may have begun, and even ended, since the folder was looked into.
        self.check_replaceable()?;
        for name in FILES {
            remove(&self.file(name))?;
        }
        let log = CsvLog::create(self.file("loss.csv"))?;
        self.made.clear();
        Ok(log)
    }

    /// Fails where another process holds the lock. Where the file system has none, a warning has to do.
    fn take_lock(&mut self) -> Result<()> {
        let path = self.file(LOCK);
        // Opened to be read too, a pipe of that name does not keep the program waiting for its other end.
        let lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        if !lock.metadata().is_ok_and(|metadata| metadata.is_file()) {
            bail!("{}: expected a file, found a pipe, socket or device; remove it", path.display());
        }
        match lock.try_lock() {
            Ok(()) => self.lock = Some(lock),
            Err(TryLockError::WouldBlock) => {
                bail!("another numgrad-train is writing to this folder; wait until it has ended, or name another")
            }
            Err(TryLockError::Error(error)) => say(format_args!(
                "warning: {} can't be locked ({error}); no other run must write to this folder",
                path.display()
            )),
        }
        Ok(())
    }

    fn at(path: &Path, force: bool) -> Result<Self> {
        match path.metadata() {
            Ok(_) => {
                let folder = Self { path: path.to_owned(), made: Vec::new(), force, lock: None };
                folder.check_replaceable()?;
                check_writable(path).with_context(|| format!("--out {}: cannot write there", path.display()))?;
                Ok(folder)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(path, force),
            Err(error) => Err(error).with_context(|| format!("--out {}: expected a folder", path.display())),
        }
    }

    /// Fails where there are files in the folder that may not be replaced.
    fn check_replaceable(&self) -> Result<()> {
        let path = self.path.display();
        let mut entries = fs::read_dir(&self.path).with_context(|| format!("--out {path}: expected a folder"))?;
        // What can't be listed counts as there. The lock alone is left where a run was ended before it began.
        if !self.force && entries.any(|entry| !entry.is_ok_and(|entry| entry.file_name() == LOCK)) {
            bail!(
                "--out {path}: expected a new or empty folder, found one with files in it; \
                 name another, or add --force to replace the run in it"
            );
        }
        Ok(())
    }

    /// `parent/2026-11-23T23-59-59Z`, with `-2`, `-3`, … where runs begin in the same second.
    fn named_by_time(parent: &Path, force: bool) -> Result<Self> {
        let name = jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
        let mut folder = Self { path: parent.to_owned(), made: Vec::new(), force, lock: None };
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

    fn make(path: &Path, force: bool) -> Result<Self> {
        let mut folder = Self { path: path.to_owned(), made: Vec::new(), force, lock: None };
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
        if !self.made.is_empty() && self.lock.is_some() {
            // In a folder that was just made, and only there, nobody else waits for the lock.
            let _ = fs::remove_file(self.file(LOCK));
        }
        for path in self.made.iter().rev() {
            // Only empty folders are removed; one that another run uses meanwhile is not, and needs no word about it.
            let _ = fs::remove_dir(path);
        }
    }
}

fn cannot_make(path: &Path) -> String {
    format!("cannot make the folder {} for the run's files; --out names another", path.display())
}
