//! What is shown on standard error while files arrive.

use std::io::{self, IsTerminal};

use crate::dataset::download::Observer;
use indicatif::{ProgressBar, ProgressStyle};

use super::terminal::say;

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
