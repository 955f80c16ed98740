//! Lines on standard error, texts on standard output.

use std::fmt;
use std::io::{self, StdoutLock, Write};

use anyhow::{Context, Result};

/// Prints a line on standard error. A closed one is no reason to stop a run.
pub fn say(line: fmt::Arguments) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints `what` on standard output. Where nobody reads it any more that is no error.
pub fn print(what: &str, write: impl FnOnce(&mut StdoutLock) -> io::Result<()>) -> Result<()> {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.with_context(|| format!("cannot write {what} to standard output")),
    }
}
