//! Who draws: a thread of its own, ten times a second.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::screen::Screen;

const REDRAW: Duration = Duration::from_millis(100);

/// How something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    Bars,
    Lines,
    Nothing,
}

impl Display {
    /// What standard error takes: bars if it is a terminal that can move its cursor.
    pub fn choose(quiet: bool) -> Self {
        let has_bars = || io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        match quiet {
            true => Display::Nothing,
            false if has_bars() => Display::Bars,
            false => Display::Lines,
        }
    }
}

/// Lines at the end of the terminal, drawn until this is dropped, which takes them away.
pub struct Bars {
    /// Dropped to stop the thread.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bars {
    /// `lines` says what there is to see at the moment when it is called, in lines for a width.
    pub fn draw(mut lines: impl FnMut(usize) -> Vec<String> + Send + 'static) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut screen = Screen::of_standard_error();
            while stopped.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
                screen.draw(&mut lines);
            }
            screen.clear();
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A drawing thread that panicked has nothing left to draw.
            let _ = thread.join();
        }
    }
}
