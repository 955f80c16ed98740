//! What the programs say on standard error: lines, and bars while files arrive.

use std::fmt;
use std::io::{self, IsTerminal, StdoutLock, Write};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use numgrad::dataset::download::Observer;

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

/// Shows files as they arrive, one at a time: a bar on a terminal, a line elsewhere.
pub struct Downloads {
    quiet: bool,
    bar: ProgressBar,
}

impl Downloads {
    pub fn new(quiet: bool) -> Self {
        Self { quiet, bar: ProgressBar::hidden() }
    }
}

impl Observer for Downloads {
    fn started(&mut self, name: &str, n_bytes: Option<u64>) {
        self.bar.finish_and_clear();
        if self.quiet {
            return;
        }
        if !has_bars() {
            return say(format_args!("Downloading {name}"));
        }
        let template = match n_bytes {
            Some(_) => "{msg} [{wide_bar}] {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
            None => "{msg} {bytes}  {bytes_per_sec}",
        };
        let bar = n_bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
        self.bar = bar.with_style(style(template)).with_message(name.to_owned());
    }

    fn advanced(&mut self, n_bytes: u64) {
        self.bar.inc(n_bytes);
    }

    fn finished(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Whether standard error is a terminal that bars can be drawn on.
pub fn has_bars() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

pub fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are fixed").progress_chars("=> ")
}
