//! What a run shows on standard error while it lasts: bars on a terminal, a few plain lines elsewhere.
//!
//! The training loop and the workers only store numbers; a thread of its own draws them ten times a second, so drawing
//! costs the same for an iteration of a millisecond as for one of minutes. There is no colour that `NO_COLOR` could ask to
//! leave out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::report::numbers::{grouped, three_digits, with_unit};
use crate::train::Record;

use super::downloads::has_bars;
use super::screen::Screen;
use super::terminal::say;

pub const REDRAW: Duration = Duration::from_millis(100);

/// The rates change more slowly, or nobody could read them: so often, as the mean of about so many measurements.
const MEASURE_RATE: Duration = Duration::from_millis(500);
const RATES_IN_MEAN: u32 = 20;

/// The loss is shown as it is, and as the mean of about so many iterations.
const LOSSES_IN_MEAN: u32 = 50;

/// A bar that is shorter tells nothing.
const MIN_BAR: usize = 10;

/// Iterations that take this many seconds get a bar of its own.
const LONG_ITERATION_S: f64 = 0.5;

/// Without a terminal: so many lines a run, in even distances,
const LINES_PER_RUN: u64 = 10;
/// and one more whenever this many seconds of training have gone by without one.
const LONGEST_SILENCE_S: f64 = 60.0;

/// Shows how far a run is, until it is dropped.
pub struct Progress {
    counts: Arc<Counts>,
    n_iterations: u64,
    mean_loss: Mean,
    shown: Shown,
}

enum Shown {
    /// Drawn for as long as this is held.
    Bars {
        _drawer: Drawer,
    },
    Lines {
        last_s: f64,
    },
    Nothing,
}

/// What the loop and the workers store and the drawing thread reads. The numbers need not be of the same moment.
struct Counts {
    n_parameters: u64,
    iterations: AtomicU64,
    /// Of the iteration at hand.
    coordinates: AtomicU64,
    /// The bits of an f64; NaN before the first iteration is done.
    loss: AtomicU64,
    mean_loss: AtomicU64,
}

/// The mean of what comes: of all at first, then with weights that fall with age.
#[derive(Debug, Clone, Copy)]
struct Mean {
    value: f64,
    n: u32,
    max_n: u32,
}

impl Mean {
    fn of_about(max_n: u32) -> Self {
        Self { value: f64::NAN, n: 0, max_n }
    }

    fn push(&mut self, x: f64) {
        self.n = self.max_n.min(self.n + 1);
        self.value = if self.n == 1 { x } else { self.value + (x - self.value) / f64::from(self.n) };
    }
}

impl Progress {
    /// `done` iterations have been done before, in `elapsed_s` seconds of training.
    pub fn start(done: u64, elapsed_s: f64, n_iterations: u64, n_parameters: u64, quiet: bool) -> Self {
        let no_number = || AtomicU64::new(f64::NAN.to_bits());
        let counts = Arc::new(Counts {
            n_parameters,
            iterations: AtomicU64::new(done),
            coordinates: AtomicU64::new(0),
            loss: no_number(),
            mean_loss: no_number(),
        });
        let shown = if quiet {
            Shown::Nothing
        } else if has_bars() {
            Shown::Bars { _drawer: Drawer::start(counts.clone(), n_iterations, elapsed_s) }
        } else {
            Shown::Lines { last_s: elapsed_s }
        };
        Self { counts, n_iterations, mean_loss: Mean::of_about(LOSSES_IN_MEAN), shown }
    }

    /// Told by the workers, while a gradient is computed.
    pub fn coordinates_done(&self, n: usize) {
        self.counts.coordinates.fetch_add(n as u64, Relaxed);
    }

    /// Told by the loop.
    pub fn iteration_done(&mut self, record: &Record) {
        self.mean_loss.push(record.loss);
        self.counts.coordinates.store(0, Relaxed);
        self.counts.iterations.store(record.iteration, Relaxed);
        self.counts.loss.store(record.loss.to_bits(), Relaxed);
        self.counts.mean_loss.store(self.mean_loss.value.to_bits(), Relaxed);
        if let Shown::Lines { last_s } = &mut self.shown {
            let is_due = record.iteration.is_multiple_of(self.n_iterations.div_ceil(LINES_PER_RUN))
                || record.iteration == self.n_iterations
                || record.elapsed_s - *last_s > LONGEST_SILENCE_S;
            if is_due {
                *last_s = record.elapsed_s;
                say(format_args!("Iteration {}: Loss = {:.4}", record.iteration, record.loss));
            }
        }
    }
}

/// The thread that draws.
struct Drawer {
    /// Dropped to stop it.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drawer {
    fn start(counts: Arc<Counts>, n_iterations: u64, elapsed_s: f64) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut screen = Screen::of_standard_error();
            let mut meter = Meter::start(&counts, n_iterations, elapsed_s);
            while stopped.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
                let moment = meter.read(&counts);
                screen.draw(|width| moment.lines(width));
            }
            screen.clear();
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

/// Takes the bars off the screen.
impl Drop for Drawer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A drawing thread that panicked has nothing left to draw.
            let _ = thread.join();
        }
    }
}

/// Reads the counts and measures how fast they grow.
struct Meter {
    n_iterations: u64,
    /// Of the training before this process.
    elapsed_before_s: f64,
    started: Instant,
    /// Iterations that were done before that.
    done: f64,
    /// When the rate was last measured, and how many iterations were done then, with the part of the one at hand.
    last: (Instant, f64),
    /// Iterations a second.
    rate: Mean,
    /// Whether iterations have turned out to be long.
    is_slow: bool,
}

impl Meter {
    fn start(counts: &Counts, n_iterations: u64, elapsed_before_s: f64) -> Self {
        let started = Instant::now();
        let done = counts.iterations.load(Relaxed) as f64;
        let (last, rate) = ((started, done), Mean::of_about(RATES_IN_MEAN));
        Self { n_iterations, elapsed_before_s, started, done, last, rate, is_slow: false }
    }

    fn read(&mut self, counts: &Counts) -> Moment {
        let number = |bits: &AtomicU64| Some(f64::from_bits(bits.load(Relaxed))).filter(|number| !number.is_nan());
        let n_parameters = counts.n_parameters;
        let coordinates = counts.coordinates.load(Relaxed).min(n_parameters);
        let iterations = counts.iterations.load(Relaxed);
        let done = iterations as f64 + coordinates as f64 / n_parameters as f64;

        let since_last = self.last.0.elapsed();
        if since_last >= MEASURE_RATE || self.rate.n == 0 {
            // An iteration may just be between its last coordinate and its end.
            self.rate.push((done - self.last.1).max(0.0) / since_last.as_secs_f64());
            self.last = (Instant::now(), done);
        }
        let elapsed_s = self.started.elapsed().as_secs_f64();
        self.is_slow |= elapsed_s > LONG_ITERATION_S * (iterations as f64 - self.done + 1.0);
        Moment {
            iterations,
            n_iterations: self.n_iterations,
            loss: number(&counts.loss),
            mean_loss: number(&counts.mean_loss),
            rate: self.rate.value,
            n_parameters,
            elapsed_s: self.elapsed_before_s + elapsed_s,
            left_s: (self.n_iterations as f64 - done) / self.rate.value,
            share: done / self.n_iterations as f64,
            coordinates: self.is_slow.then_some(coordinates),
        }
    }
}

/// What is shown at one moment.
struct Moment {
    iterations: u64,
    n_iterations: u64,
    loss: Option<f64>,
    mean_loss: Option<f64>,
    /// Iterations a second.
    rate: f64,
    n_parameters: u64,
    elapsed_s: f64,
    left_s: f64,
    /// How much of the run is done.
    share: f64,
    /// Of the iteration at hand, where it is worth a line.
    coordinates: Option<u64>,
}

impl Moment {
    /// A line of the run, and one of the iteration where it is long, of at most `width` characters.
    fn lines(&self, width: usize) -> Vec<String> {
        let mut lines = vec![self.run_line(width)];
        if let Some(done) = self.coordinates {
            let text = format!("{}/{} parameters of this iteration", grouped(done), grouped(self.n_parameters));
            lines.push(with_bar(&text, done as f64 / self.n_parameters as f64, width).unwrap_or(text));
        }
        lines
    }

    /// Where there is no room for everything, the least important goes first: evaluations, the time so far, the bar, the
    /// mean of the loss, iterations a second, the time left.
    fn run_line(&self, width: usize) -> String {
        const BAR: u32 = 5;
        let loss = |loss: Option<f64>| loss.map_or("-".to_owned(), |loss| format!("{loss:.4}"));
        let n_digits = self.n_iterations.to_string().len();
        let ranked = [
            (0, format!("{:>n_digits$}/{}", self.iterations, self.n_iterations)),
            (1, format!("loss {}", loss(self.loss))),
            (4, format!("mean {}", loss(self.mean_loss))),
            (3, format!("{} it/s", three_digits(self.rate))),
            (7, format!("{} evaluations/s", with_unit(2.0 * self.n_parameters as f64 * self.rate))),
            (6, format!("{} elapsed", clock(self.elapsed_s))),
            (2, format!("{} left", clock(self.left_s))),
        ];
        let text = |last: u32| {
            let kept = ranked.iter().filter(|(rank, _)| *rank <= last).map(|(_, part)| part.as_str());
            kept.collect::<Vec<_>>().join("  ")
        };
        let fitting = (0..=7).rev().find_map(|last| match text(last) {
            text if last >= BAR => with_bar(&text, self.share, width),
            text => (text.len() <= width).then_some(text),
        });
        fitting.unwrap_or_else(|| text(0))
    }
}

/// A bar and a text, if there is room for both.
pub fn with_bar(text: &str, share: f64, width: usize) -> Option<String> {
    let inside = width.checked_sub(text.len() + 3).filter(|inside| *inside >= MIN_BAR)?;
    let n_done = ((share * inside as f64) as usize).min(inside);
    let head = if n_done < inside { ">" } else { "" };
    Some(format!("[{:<inside$}] {text}", "=".repeat(n_done) + head))
}

/// Seconds as 0:05, 12:34 or 1:02:03; `-:--` where they are not known.
pub fn clock(seconds: f64) -> String {
    if !(0.0..1e12).contains(&seconds) {
        return "-:--".to_owned();
    }
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 { format!("{minutes}:{seconds:02}") } else { format!("{hours}:{minutes:02}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_a_clock_shows_them() {
        let shown = [0.0, 5.4, 59.6, 754.0, 3723.0, 360_000.0, f64::INFINITY, f64::NAN, -1.0].map(clock);
        assert_eq!(shown, ["0:00", "0:05", "1:00", "12:34", "1:02:03", "100:00:00", "-:--", "-:--", "-:--"]);
    }

    fn moment() -> Moment {
        Moment {
            iterations: 512,
            n_iterations: 20_000,
            loss: Some(0.52541),
            mean_loss: Some(0.53012),
            rate: 1234.0,
            n_parameters: 39_760,
            elapsed_s: 5.0,
            left_s: 69.0,
            share: 0.5,
            coordinates: None,
        }
    }

    #[test]
    fn on_a_narrow_terminal_the_least_important_goes_first() {
        let parts = ["evaluations/s", "elapsed", "[", "mean", "it/s", "left"];
        let expected = [(120, 6), (100, 5), (80, 4), (61, 3), (55, 2), (40, 1), (30, 0)];
        for (width, n_kept) in expected {
            let line = moment().run_line(width);
            let kept: Vec<_> = parts.iter().map(|part| line.contains(part)).collect();
            let n_dropped = parts.len() - n_kept;
            assert!(kept[..n_dropped].iter().all(|kept| !kept) && kept[n_dropped..].iter().all(|kept| *kept), "{line}");
            assert!(line.contains("  512/20000  loss 0.5254"), "{line}");
        }
        let wide = "[===========>           ]   512/20000  loss 0.5254  mean 0.5301  1234 it/s  98.1M evaluations/s  \
                    0:05 elapsed  1:09 left";
        assert_eq!(moment().run_line(wide.len()), wide);
        for width in 0..200 {
            // The number of iterations itself may be wider; then the screen cuts it off.
            assert!(moment().run_line(width).len() <= width.max(11), "{width}");
        }
    }

    #[test]
    fn before_the_first_iteration_is_done_what_is_not_known_is_a_dash() {
        let nothing =
            Moment { iterations: 0, loss: None, mean_loss: None, rate: 0.0, left_s: f64::INFINITY, ..moment() };
        let line = nothing.run_line(200);
        for part in ["    0/20000  loss -  mean -", "-:-- left"] {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn a_long_iteration_has_a_line_of_its_own() {
        let lines = Moment { coordinates: Some(9_940), ..moment() }.lines(80);
        assert!(lines[1].ends_with(" 9,940/39,760 parameters of this iteration") && lines[1].len() == 80, "{lines:?}");
        assert_eq!(moment().lines(80).len(), 1);
    }

    #[test]
    fn a_mean_is_of_all_at_first_and_then_follows() {
        let mut mean = Mean::of_about(4);
        let means = [1.0, 3.0, 5.0, 7.0, 12.0].map(|x| {
            mean.push(x);
            mean.value
        });
        assert_eq!(means, [1.0, 2.0, 3.0, 4.0, 6.0]);
    }
}
