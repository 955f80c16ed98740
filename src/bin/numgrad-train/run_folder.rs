//! The folder of a run: looked into before anything is computed, made when training begins, never over an older run without
//! being asked.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use numgrad::cli::output::{check_can_be_made, check_writable, found_instead, remove};
use numgrad::cli::terminal::say;
use numgrad::train::RunFiles;

/// Where a run will be. Nothing is made for it yet.
pub struct Place {
    path: PathBuf,
    /// Whether an older run may be replaced.
    force: bool,
    /// Whether another name is taken where this one is taken meanwhile.
    is_named_by_time: bool,
}

impl Place {
    /// `out`, or without it a new folder under `results/` named by the time in UTC: `2026-11-23T23-59-59Z`.
    ///
    /// Fails where the run's files could not be written there, or where there is anything in the folder, without `force`.
    /// With it, the files of the older run are removed when the folder is made, and what else is there stays.
    pub fn choose(out: Option<&Path>, force: bool) -> Result<Self> {
        let by_time = || Path::new("results").join(jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ").to_string());
        let place = Self { path: out.map_or_else(by_time, Path::to_owned), force, is_named_by_time: out.is_none() };
        place.check()?;
        Ok(place)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self) -> Result<()> {
        let path = self.path.display();
        match self.path.metadata() {
            Ok(_) if self.is_named_by_time => Ok(()),
            Ok(_) => {
                self.check_replaceable()?;
                check_writable(&self.path).with_context(|| format!("--out {path}: cannot write there"))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                check_can_be_made(&self.path).with_context(|| cannot_make(&self.path))
            }
            Err(error) => Err(error).with_context(|| format!("--out {path}: expected a folder")),
        }
    }

    /// Fails where there are files in the folder that may not be replaced.
    fn check_replaceable(&self) -> Result<()> {
        let path = self.path.display();
        let mut entries = fs::read_dir(&self.path).with_context(|| format!("--out {path}: expected a folder"))?;
        // What can't be listed counts as there. The lock alone is left where a run was ended before it began.
        if !self.force && entries.any(|entry| !entry.is_ok_and(|entry| entry.file_name() == RunFiles::LOCK)) {
            bail!(
                "--out {path}: expected a new or empty folder, found one with files in it; \
                 name another, or add --force to replace the run in it"
            );
        }
        Ok(())
    }

    /// Several runs begin, each in a folder within this one, which is made.
    pub fn make_folder(mut self) -> Result<PathBuf> {
        if self.is_named_by_time {
            self.make_new()?;
        } else {
            fs::create_dir_all(&self.path).with_context(|| cannot_make(&self.path))?;
        }
        Ok(self.path)
    }

    /// Training begins: the folder is made and locked, and the files of an older run go.
    pub fn make(mut self) -> Result<RunFolder> {
        if self.is_named_by_time {
            self.make_new()?;
        } else {
            fs::create_dir_all(&self.path).with_context(|| cannot_make(&self.path))?;
        }
        let files = RunFiles::of(&self.path);
        let lock = lock(&files).with_context(|| format!("--out {}", self.path.display()))?;
        // Another run may have begun, and even ended, since the folder was looked into.
        self.check_replaceable()?;
        files.all().try_for_each(|file| replace(&file))?;
        Ok(RunFolder { files, _lock: lock })
    }

    /// A folder that nobody else has, with `-2`, `-3`, … behind the time where runs begin in the same second.
    fn make_new(&mut self) -> Result<()> {
        let parent = self.path.parent().unwrap_or(Path::new(".")).to_owned();
        fs::create_dir_all(&parent).with_context(|| cannot_make(&parent))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for n in 2.. {
            match fs::create_dir(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    self.path = parent.join(format!("{name}-{n}"));
                }
                made => return made.with_context(|| cannot_make(&self.path)),
            }
        }
        unreachable!("a number of its own is found for every run")
    }
}

/// A folder that belongs to one run, which writes to it.
pub struct RunFolder {
    pub files: RunFiles,
    /// The lock dies with the process, however it ends. None where the file system has no locks.
    _lock: Option<File>,
}

impl RunFolder {
    /// The folder of an older run that is to be continued; locked, if this process will write to it.
    pub fn reopen(path: &Path, will_write: bool) -> Result<Self> {
        if !path.is_dir() {
            bail!("expected the folder of a run, found no folder of that name");
        }
        let files = RunFiles::of(path);
        let checkpoint = files.checkpoint();
        if !checkpoint.try_exists().with_context(|| format!("cannot read {}", checkpoint.display()))? {
            bail!("expected the folder of a run, found no {} in it", RunFiles::CHECKPOINT);
        }
        let lock = if will_write { lock(&files)? } else { None };
        Ok(Self { files, _lock: lock })
    }

    /// Removes what tells how far the run is, as it is soon farther.
    pub fn begin_again(&self) -> Result<()> {
        // As it may be open in another program, the page is the first: the summary is still there where it can't be removed.
        replace(&self.files.page())?;
        replace(&self.files.summary())
    }
}

/// Fails where another process holds the lock. Where the file system has none, a warning has to do.
fn lock(files: &RunFiles) -> Result<Option<File>> {
    let path = files.lock();
    // Opened to be read too, a pipe of that name does not keep the program waiting for its other end.
    let lock = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    if let Some(found) = lock.metadata().ok().as_ref().and_then(found_instead) {
        bail!("{}: expected a file, found {found}; remove it", path.display());
    }
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => {
            bail!("another numgrad-train is writing to this folder; wait until it has ended, or name another")
        }
        Err(TryLockError::Error(error)) => {
            say(format_args!(
                "warning: {} can't be locked ({error}); no other run must write to this folder",
                path.display()
            ));
            Ok(None)
        }
    }
}

fn replace(path: &Path) -> Result<()> {
    remove(path)
        .with_context(|| format!("cannot replace {} (if another program has it open, close it there)", path.display()))
}

fn cannot_make(path: &Path) -> String {
    format!("cannot make the folder {} for the run's files; --out names another", path.display())
}
