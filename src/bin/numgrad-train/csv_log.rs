//! `loss.csv`: one row an iteration, written when the iteration is done.
//!
//! Numbers are the shortest text that reads back to the same f64, in the notation that Python and spreadsheets use:
//! decimals in the usual range, an exponent (`1e-20`) beyond it.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
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

    /// Adds a row and hands it to the operating system in one write, so that whoever reads along sees whole rows.
    pub fn write(&mut self, record: &Record) -> Result<()> {
        self.writer
            .serialize(record)
            .and_then(|()| Ok(self.writer.flush()?))
            .with_context(|| format!("cannot write iteration {} to {}", record.iteration, self.path.display()))
    }
}

/// The rows of a log, one at a time.
pub fn read(path: &Path) -> Result<impl Iterator<Item = Result<Record>>> {
    let reader = csv::Reader::from_path(path).with_context(|| format!("cannot read {}", path.display()))?;
    let path = path.to_owned();
    Ok(reader.into_deserialize().map(move |row| row.with_context(|| format!("cannot read {}", path.display()))))
}
