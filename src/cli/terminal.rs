//! Lines on standard error, texts on standard output.
//!
//! In a terminal the word that says what a line is (error, warning, note) has a colour, unless `NO_COLOR` is set.

use std::fmt;
use std::io::{self, StdoutLock, Write};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use console::{Term, style};

/// Lines that are broken at words are no longer than this.
const MAX_COLUMNS: usize = 80;

static SPEAKER: OnceLock<String> = OnceLock::new();

/// Has every line that is [said](say) from here on begin with who says it: one of several processes that share a terminal.
pub fn speak_as(name: &str) {
    SPEAKER.get_or_init(|| format!("{name}: "));
}

/// Prints a line on standard error. A closed one is no reason to stop a run.
pub fn say(line: fmt::Arguments) {
    let (line, speaker) = (line.to_string(), SPEAKER.get().map_or("", String::as_str));
    let (kind, rest) = match line.split_once(": ") {
        Some(("error", rest)) => (Some(style("error:").red()), rest),
        Some(("warning", rest)) => (Some(style("warning:").yellow()), rest),
        Some(("note", rest)) => (Some(style("note:").cyan()), rest),
        _ => (None, &*line),
    };
    let kind = kind.map_or(String::new(), |kind| format!("{} ", kind.bold().for_stderr()));
    let _ = writeln!(io::stderr(), "{speaker}{kind}{rest}");
}

/// Prints sentences on standard error: in a terminal broken at words, so that each line fits 80 columns, or those of a narrower
/// terminal, with what follows the first line indented; elsewhere in one line, as programs read it.
pub fn say_wrapped_in_terminal(text: &str) {
    let term = Term::stderr();
    match term.is_term() {
        true => {
            let columns = term.size_checked().map_or(MAX_COLUMNS, |(_, columns)| usize::from(columns));
            say(format_args!("{}", wrapped(text, columns.min(MAX_COLUMNS))));
        }
        false => say(format_args!("{text}")),
    }
}

/// A text in lines of at most `columns` characters, but for words that are longer.
fn wrapped(text: &str, columns: usize) -> String {
    let (mut lines, mut n) = (String::new(), 0);
    for word in text.split_whitespace() {
        let n_word = console::measure_text_width(word);
        if n > 0 && n + 1 + n_word > columns {
            lines.push_str("\n  ");
            n = 2;
        } else if n > 0 {
            lines.push(' ');
            n += 1;
        }
        lines.push_str(word);
        n += n_word;
    }
    lines
}

/// Prints `what` on standard output. Where nobody reads it any more that is no error.
pub fn print(what: &str, write: impl FnOnce(&mut StdoutLock) -> io::Result<()>) -> Result<()> {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.with_context(|| format!("cannot write {what} to standard output")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_words_and_what_is_longer_than_a_line_stays_whole() {
        assert_eq!(wrapped("one two three", 9), "one two\n  three");
        assert_eq!(wrapped("one two three", 80), "one two three");
        assert_eq!(wrapped("a verylongwordindeed b", 6), "a\n  verylongwordindeed\n  b");
        assert_eq!(wrapped("", 6), "");
    }
}
