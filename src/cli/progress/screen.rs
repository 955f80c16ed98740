//! Lines at the end of the terminal that are drawn over again and again.
//!
//! The cursor rests at the beginning of the first line, not behind the last. Terminals that break lines anew when they are
//! made narrower keep it on the character it is on, so that whatever the lines have become lies behind it: one clearing to
//! the end of the screen takes all of it away, and nothing above it, on terminals that do not break lines as well.
//!
//! A terminal is narrower a moment before it says so (tmux takes a quarter of a second). What is drawn in between is too
//! long; it must not go on in another row, as the cursor would come back to a row too low: so no line is broken while lines
//! are drawn.
//!
//! Why not indicatif: its cursor rests behind the bar, and it goes back by as many rows as the bar had at the old width, so
//! each narrowing of such a terminal leaves a piece of the bar for good (0.18.6 in tmux, 120 to 40 columns).

use std::io;

use console::Term;

/// How wide the terminal is taken to be where it does not say it.
const ASSUMED_WIDTH: usize = 80;

/// What is written before the lines: from here on the terminal does not break lines. Not on Windows, where only what `Term`
/// does works on every terminal.
const BEFORE: &str = if cfg!(windows) { "" } else { "\x1b[?7l" };
/// What is written behind them: what a wider or a narrower terminal has left below goes, and lines are broken again.
const BEHIND: &str = if cfg!(windows) { "" } else { "\x1b[J\x1b[?7h" };

/// The last lines of the terminal that standard error is.
pub struct Screen {
    term: Term,
    /// The width that the lines were last drawn for, and how many there are; none where nothing is drawn.
    drawn: Option<(usize, usize)>,
}

impl Screen {
    pub fn of_standard_error() -> Self {
        Self { term: Term::buffered_stderr(), drawn: None }
    }

    /// Draws lines, made for a width, in place of the last ones. What is longer is cut off.
    pub fn draw(&mut self, lines: impl FnOnce(usize) -> Vec<String>) {
        let columns = self.term.size_checked().map_or(ASSUMED_WIDTH, |(_, columns)| columns.into());
        // A terminal that is gone shows nothing; the run goes on.
        let _ = self.draw_within(columns, lines);
    }

    /// Takes the lines away.
    pub fn clear(&mut self) {
        if self.drawn.take().is_some() {
            let _ = self.clear_below().and_then(|()| self.term.flush());
        }
    }

    fn draw_within(&mut self, columns: usize, lines: impl FnOnce(usize) -> Vec<String>) -> io::Result<()> {
        // A character in the last column would make some terminals begin another line.
        let width = columns.saturating_sub(1);
        let lines = lines(width);
        if self.drawn.is_some_and(|(last_width, n_lines)| last_width != width || n_lines > lines.len()) {
            self.clear_below()?;
        }
        // Blanks overwrite what is left of the last lines, without the flicker of a line that is cleared first.
        let padded: Vec<_> = lines.iter().map(|line| format!("\r{line:<width$.width$}")).collect();
        self.term.write_str(&format!("{BEFORE}{}{BEHIND}", padded.join("\n")))?;
        self.term.move_cursor_up(lines.len().saturating_sub(1))?;
        self.term.write_str("\r")?;
        self.term.flush()?;
        self.drawn = Some((width, lines.len()));
        Ok(())
    }

    fn clear_below(&self) -> io::Result<()> {
        self.term.write_str("\r")?;
        self.term.clear_to_end_of_screen()
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::NamedTempFile;

    use super::*;

    /// As much of a terminal as a screen uses: what is written shows at the cursor, and the window changes its width.
    struct Terminal {
        /// Lines end where a line feed ended them, not where the window does.
        lines: Vec<Vec<char>>,
        /// The line, and how many characters are before the cursor in it.
        cursor: (usize, usize),
        columns: usize,
        /// Whether lines that the window became too narrow for go on in its next row, or are cut off.
        breaks_lines: bool,
        /// Whether what is written goes on in the next row. A screen is not to let it come to that.
        wraps: bool,
    }

    impl Terminal {
        fn new(columns: usize, breaks_lines: bool) -> Self {
            Self { lines: vec![Vec::new()], cursor: (0, 0), columns, breaks_lines, wraps: true }
        }

        /// The rows of the window: a line and where in it the row begins.
        fn rows(&self) -> Vec<(usize, usize)> {
            let starts = |n_chars: usize| (0..n_chars.max(1)).step_by(self.columns);
            let rows = self.lines.iter().enumerate();
            rows.flat_map(|(line, chars)| starts(chars.len()).map(move |start| (line, start))).collect()
        }

        /// The row that the cursor is in, and its column.
        fn place(&self) -> (usize, usize) {
            let (line, n_before) = self.cursor;
            let column = n_before % self.columns;
            (self.rows().iter().position(|row| *row == (line, n_before - column)).unwrap(), column)
        }

        fn move_to(&mut self, row: usize, column: usize) {
            let (line, start) = self.rows()[row];
            self.cursor = (line, start + column);
        }

        fn show(&mut self, text: &str) {
            let mut rest = text;
            while let Some(c) = rest.chars().next() {
                let (row, column) = self.place();
                if let Some(sequence) = rest.strip_prefix("\x1b[") {
                    let (n, command) = sequence.split_at(sequence.find(char::is_alphabetic).unwrap());
                    match (n, &command[..1]) {
                        (n, "A") => self.move_to(row - n.parse::<usize>().unwrap(), column),
                        ("" | "0", "J") => {
                            self.lines[self.cursor.0].truncate(self.cursor.1);
                            self.lines.truncate(self.cursor.0 + 1);
                        }
                        ("?7", "l") => self.wraps = false,
                        ("?7", "h") => self.wraps = true,
                        other => panic!("the terminal does not know {other:?}"),
                    }
                    rest = &command[1..];
                    continue;
                }
                match c {
                    '\r' => self.move_to(row, 0),
                    '\n' => {
                        if row + 1 == self.rows().len() {
                            self.lines.push(Vec::new());
                        }
                        self.move_to(row + 1, 0);
                    }
                    c => {
                        let is_last = column + 1 == self.columns;
                        assert!(!(is_last && self.wraps), "what is written goes on in the next row");
                        let (line, n_before) = self.cursor;
                        let line = &mut self.lines[line];
                        line.splice(n_before..(n_before + 1).min(line.len()), [c]);
                        self.cursor.1 += usize::from(!is_last);
                    }
                }
                rest = &rest[c.len_utf8()..];
            }
        }

        fn resize(&mut self, columns: usize) {
            self.columns = columns;
            if !self.breaks_lines {
                self.lines.iter_mut().for_each(|line| line.truncate(columns));
            }
        }

        /// The lines without the blanks at their ends.
        fn text(&self) -> Vec<String> {
            self.lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned()).collect()
        }
    }

    /// Draws at each width, in turn, and says what is to be seen after each time, and when all is cleared. Of each pair the
    /// first is the terminal's width, and the second what it says of it.
    fn seen_at(
        widths: &[(usize, usize)],
        breaks_lines: bool,
        mut lines: impl FnMut(usize) -> Vec<String>,
    ) -> Vec<Vec<String>> {
        let mut terminal = Terminal::new(widths[0].0, breaks_lines);
        terminal.show("before\n");
        let file = NamedTempFile::new().unwrap();
        let term = Term::read_write_pair(file.reopen().unwrap(), file.reopen().unwrap());
        let mut screen = Screen { term, drawn: None };
        let mut n_shown = 0;
        let mut see = |terminal: &mut Terminal| {
            let written = fs::read_to_string(file.path()).unwrap();
            terminal.show(&written[n_shown..]);
            n_shown = written.len();
            terminal.text()
        };
        let mut seen = Vec::new();
        for &(columns, said) in widths {
            terminal.resize(columns);
            screen.draw_within(said, &mut lines).unwrap();
            seen.push(see(&mut terminal));
        }
        screen.clear();
        seen.push(see(&mut terminal));
        seen
    }

    #[test]
    fn nothing_is_left_behind_when_the_terminal_is_made_narrower_or_wider() {
        let lines = |width: usize| vec!["=".repeat(width), "-".repeat(width.min(50))];
        let at_once = [120, 119, 80, 40, 17, 60, 120, 30].map(|columns| (columns, columns));
        // The terminal says its width too late: once while it is made narrower and wider, once when it has changed back.
        let late = [(120, 120), (80, 120), (40, 80), (40, 40), (90, 40), (90, 90), (30, 90), (90, 90), (25, 90)];
        for widths in [&at_once[..], &late] {
            for breaks_lines in [true, false] {
                let seen = seen_at(widths, breaks_lines, lines);
                for (&(columns, said), seen) in widths.iter().zip(&seen).filter(|((columns, said), _)| columns == said)
                {
                    let [run, iteration] = lines(said - 1).try_into().unwrap();
                    assert_eq!(*seen, ["before", &run, &iteration], "{columns} columns, {breaks_lines}");
                }
                assert_eq!(*seen.last().unwrap(), ["before", ""], "{breaks_lines}");
            }
        }
    }

    #[test]
    fn lines_that_get_shorter_or_more_or_are_too_long_show_as_they_are() {
        let mut texts = ["a long line", "short", "a\nb", "0123456789012345678901234"].into_iter();
        let seen = seen_at(&[(20, 20); 4], true, |_| texts.next().unwrap().lines().map(str::to_owned).collect());
        assert_eq!(seen[0], ["before", "a long line"]);
        assert_eq!(seen[1], ["before", "short"]);
        assert_eq!(seen[2], ["before", "a", "b"]);
        assert_eq!(seen[3], ["before", "0123456789012345678"]);
        assert_eq!(seen[4], ["before", ""]);
    }
}
