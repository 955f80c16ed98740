//! Lines at the end of the terminal that are drawn over again and again.
//!
//! The cursor rests at the beginning of the first line, not behind the last. Terminals that break lines anew when they are
//! made narrower keep it on the character it is on, so that whatever the lines have become lies behind it: one clearing to
//! the end of the screen takes all of it away, and nothing above it, on terminals that do not break lines as well.

use std::io;

use console::Term;

/// Where the terminal does not say how wide it is.
const ASSUMED_WIDTH: usize = 80;

/// The last lines of the terminal that standard error is.
pub struct Screen {
    term: Term,
    /// When lines were last drawn.
    width: Option<usize>,
}

impl Screen {
    pub fn of_standard_error() -> Self {
        Self { term: Term::buffered_stderr(), width: None }
    }

    /// Draws lines, made for a width, in place of the last ones. What is longer is cut off.
    pub fn draw(&mut self, lines: impl FnOnce(usize) -> Vec<String>) {
        // A terminal that is gone shows nothing; the run goes on.
        let _ = self.try_draw(lines);
    }

    /// Takes the lines away.
    pub fn clear(&mut self) {
        if self.width.take().is_some() {
            let _ = self.clear_below().and_then(|()| self.term.flush());
        }
    }

    fn try_draw(&mut self, lines: impl FnOnce(usize) -> Vec<String>) -> io::Result<()> {
        // A character in the last column would make some terminals begin another line.
        let columns = self.term.size_checked().map_or(ASSUMED_WIDTH, |(_, columns)| columns.into());
        let width = columns.saturating_sub(1);
        if self.width.is_some_and(|last| last != width) {
            self.clear_below()?;
        }
        let lines = lines(width);
        // Blanks overwrite what is left of the last lines, without the flicker of a line that is cleared first.
        let padded: Vec<_> = lines.iter().map(|line| format!("\r{line:<width$.width$}")).collect();
        self.term.write_str(&padded.join("\n"))?;
        self.term.move_cursor_up(lines.len().saturating_sub(1))?;
        self.term.write_str("\r")?;
        self.term.flush()?;
        self.width = Some(width);
        Ok(())
    }

    fn clear_below(&self) -> io::Result<()> {
        self.term.write_str("\r")?;
        self.term.clear_to_end_of_screen()
    }
}
