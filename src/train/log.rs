//! `loss.csv`: one row an iteration, written when the iteration is done.
//!
//! Numbers are the shortest text that reads back to the same f64, in the notation that Python and spreadsheets use:
//! decimals in the usual range, an exponent (`1e-20`) beyond it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{FileError, Record};

/// The log of a run, open to be written.
#[derive(Debug)]
pub struct Log {
    writer: csv::Writer<File>,
    path: PathBuf,
    gradient_s: f64,
}

impl Log {
    /// Begins a new log; what was in the file is lost. The header comes with the first row.
    ///
    /// # Errors
    /// [`FileError`] if the file can't be made.
    pub fn create(path: PathBuf) -> Result<Self, FileError> {
        let file = File::create(&path).map_err(|error| FileError::io("create", &path, error))?;
        Ok(Self { writer: csv::Writer::from_writer(file), path, gradient_s: 0.0 })
    }

    /// Opens the log of an older run as it was when it was `n_bytes` long. What follows, be it rows or half a row, is removed.
    ///
    /// # Errors
    /// [`FileError`] if the file can't be opened or written, holds what is no row, or was changed since it was that long.
    pub fn reopen(path: PathBuf, n_bytes: u64) -> Result<Self, FileError> {
        let cannot = |action| {
            let path = path.clone();
            move |error| FileError::io(action, &path, error)
        };
        let mut file = File::options().read(true).write(true).open(&path).map_err(cannot("open"))?;
        let found = file.metadata().map_err(cannot("read"))?.len();
        if found < n_bytes {
            let problem =
                format!("expected at least the {n_bytes} bytes that were there at the checkpoint, found {found}");
            return Err(FileError::content(&path, problem));
        }
        if n_bytes > 0 {
            let mut last = [0];
            let position = SeekFrom::Start(n_bytes - 1);
            file.seek(position).and_then(|_| file.read_exact(&mut last)).map_err(cannot("read"))?;
            if last != *b"\n" {
                let problem =
                    format!("expected a row to end after {n_bytes} bytes as at the checkpoint; it was changed since");
                return Err(FileError::content(&path, problem));
            }
        }
        let gradient_s = gradient_seconds(&path, &mut file, n_bytes)?;
        file.set_len(n_bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(cannot("write"))?;
        let writer = csv::WriterBuilder::new().has_headers(n_bytes == 0).from_writer(file);
        Ok(Self { writer, path, gradient_s })
    }

    /// How many seconds the gradients of all rows took.
    pub fn gradient_s(&self) -> f64 {
        self.gradient_s
    }

    /// Waits until all rows are on the disk, and says how many bytes they are.
    ///
    /// # Errors
    /// [`FileError`] if they can't be brought there, or if the file was removed or replaced meanwhile.
    pub fn sync(&self) -> Result<u64, FileError> {
        let cannot_write = |error| FileError::io("write", &self.path, error);
        let file = self.writer.get_ref();
        let n_bytes = file.sync_data().and_then(|()| Ok(file.metadata()?.len())).map_err(cannot_write)?;
        // A file that was removed can be written to still, but nobody will ever read it.
        let found = fs::metadata(&self.path).map_err(cannot_write)?.len();
        if found != n_bytes {
            let problem =
                format!("expected the {n_bytes} bytes that were written, found {found}; was it removed or replaced?");
            return Err(FileError::content(&self.path, problem));
        }
        Ok(n_bytes)
    }

    /// Adds a row and hands it to the operating system in one write, so that whoever reads along sees whole rows.
    ///
    /// # Errors
    /// [`FileError`] if the row can't be written.
    pub fn write(&mut self, record: &Record) -> Result<(), FileError> {
        self.gradient_s += record.gradient_s;
        let written = self.writer.serialize(record).map_err(io::Error::from).and_then(|()| self.writer.flush());
        written.map_err(|reason| FileError::Row { iteration: record.iteration, path: self.path.clone(), reason })
    }
}

/// How many seconds the gradients of the rows in the first `n_bytes` took.
fn gradient_seconds(path: &Path, file: &mut File, n_bytes: u64) -> Result<f64, FileError> {
    file.seek(SeekFrom::Start(0)).map_err(|error| FileError::io("read", path, error))?;
    let mut rows = csv::Reader::from_reader(file.take(n_bytes));
    let seconds = rows.deserialize().try_fold(0.0, |seconds, row| row.map(|row: Record| seconds + row.gradient_s));
    seconds.map_err(|error| {
        FileError::content(
            path,
            format!("expected the log that numgrad-train writes, found another or a damaged one: {error}"),
        )
    })
}
