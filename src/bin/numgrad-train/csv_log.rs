//! `loss.csv`: one row an iteration, written when the iteration is done.
//!
//! Numbers are the shortest text that reads back to the same f64, in the notation that Python and spreadsheets use:
//! decimals in the usual range, an exponent (`1e-20`) beyond it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use numgrad::train::Record;

pub struct CsvLog {
    writer: csv::Writer<File>,
    path: PathBuf,
}

impl CsvLog {
    /// A new log; what was in the file is lost. Its header comes with the first row.
    pub fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { writer: csv::Writer::from_writer(file), path })
    }

    /// The log of an older run as it was when it was `n_bytes` long. What follows, be it rows or half a row, goes.
    pub fn reopen(path: PathBuf, n_bytes: u64) -> Result<Self> {
        let name = path.display().to_string();
        let mut file =
            File::options().read(true).write(true).open(&path).with_context(|| format!("cannot open {name}"))?;
        let found = file.metadata().with_context(|| format!("cannot read {name}"))?.len();
        if found < n_bytes {
            bail!("{name}: expected at least the {n_bytes} bytes that were there at the checkpoint, found {found}");
        }
        if n_bytes > 0 {
            let mut last = [0];
            file.seek(SeekFrom::Start(n_bytes - 1))
                .and_then(|_| file.read_exact(&mut last))
                .with_context(|| format!("cannot read {name}"))?;
            if last != *b"\n" {
                bail!("{name}: expected a row to end after {n_bytes} bytes as at the checkpoint; it was changed since");
            }
        }
        file.set_len(n_bytes)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .with_context(|| format!("cannot write {name}"))?;
        let writer = csv::WriterBuilder::new().has_headers(n_bytes == 0).from_writer(file);
        Ok(Self { writer, path })
    }

    /// Waits until all rows are on the disk, and says how many bytes they are.
    pub fn sync(&self) -> Result<u64> {
        let name = self.path.display();
        let file = self.writer.get_ref();
        let n_bytes = file
            .sync_data()
            .and_then(|()| Ok(file.metadata()?.len()))
            .with_context(|| format!("cannot write {name}"))?;
        // A file that was removed can be written to still, but nobody will ever read it.
        let found = fs::metadata(&self.path).with_context(|| format!("cannot write {name}"))?.len();
        if found != n_bytes {
            bail!("{name}: expected the {n_bytes} bytes that were written, found {found}; was it removed or replaced?");
        }
        Ok(n_bytes)
    }

    /// Adds a row and hands it to the operating system in one write, so that whoever reads along sees whole rows.
    pub fn write(&mut self, record: &Record) -> Result<()> {
        self.writer
            .serialize(record)
            .and_then(|()| Ok(self.writer.flush()?))
            .with_context(|| format!("cannot write iteration {} to {}", record.iteration, self.path.display()))
    }
}
