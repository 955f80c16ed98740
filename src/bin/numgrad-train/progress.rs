//! What a run shows on standard error while it lasts: bars on a terminal, a few plain lines elsewhere.
//!
//! The training loop and the workers only store numbers; a thread of its own draws them ten times a second, so drawing
//! costs the same for an iteration of a millisecond as for one of minutes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use numgrad::report::numbers::{three_digits, with_unit};
use numgrad::train::Record;

use crate::terminal::{has_bars, say, style};

const REDRAW: Duration = Duration::from_millis(100);

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
}

impl Progress {
    /// `done` iterations have been done before, in `elapsed_s` seconds of training.
    pub fn start(done: u64, elapsed_s: f64, n_iterations: u64, n_parameters: u64, quiet: bool) -> Self {
        let counts = Arc::new(Counts {
            n_parameters,
            iterations: AtomicU64::new(done),
            coordinates: AtomicU64::new(0),
            loss: AtomicU64::new(f64::NAN.to_bits()),
        });
        let shown = if quiet {
            Shown::Nothing
        } else if has_bars() {
            Shown::Bars { _drawer: Drawer::start(counts.clone(), n_iterations) }
        } else {
            Shown::Lines { last_s: elapsed_s }
        };
        Self { counts, n_iterations, shown }
    }

    /// Told by the workers, while a gradient is computed.
    pub fn coordinates_done(&self, n: usize) {
        self.counts.coordinates.fetch_add(n as u64, Relaxed);
    }

    /// Told by the loop.
    pub fn iteration_done(&mut self, record: &Record) {
        self.counts.coordinates.store(0, Relaxed);
        self.counts.iterations.store(record.iteration, Relaxed);
        self.counts.loss.store(record.loss.to_bits(), Relaxed);
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
    fn start(counts: Arc<Counts>, n_iterations: u64) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut bars = Bars::new(&counts, n_iterations);
            while stopped.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
                bars.draw(&counts);
            }
            bars.clear();
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

struct Bars {
    all: MultiProgress,
    /// Counts coordinates, so that it moves, and estimates, within an iteration too.
    run: ProgressBar,
    /// From the moment on when iterations have turned out to be long.
    iteration: Option<ProgressBar>,
    started: Instant,
    /// Iterations that were done before that.
    done: u64,
}

impl Bars {
    fn new(counts: &Arc<Counts>, n_iterations: u64) -> Self {
        let all = MultiProgress::new();
        let run = all.add(ProgressBar::new(n_iterations.saturating_mul(counts.n_parameters)));
        run.set_style(run_style(counts, n_iterations));
        let done = counts.iterations.load(Relaxed);
        run.set_position(done.saturating_mul(counts.n_parameters));
        run.reset_eta();
        Self { all, run, iteration: None, started: Instant::now(), done }
    }

    fn draw(&mut self, counts: &Counts) {
        let coordinates = counts.coordinates.load(Relaxed).min(counts.n_parameters);
        let iterations = counts.iterations.load(Relaxed);
        self.run.set_position(iterations.saturating_mul(counts.n_parameters).saturating_add(coordinates));
        self.run.tick();
        let n_begun = iterations - self.done + 1;
        if self.iteration.is_none() && self.started.elapsed().as_secs_f64() > LONG_ITERATION_S * n_begun as f64 {
            let bar = self.all.add(ProgressBar::new(counts.n_parameters));
            self.iteration =
                Some(bar.with_style(style("[{wide_bar}] {human_pos}/{human_len} parameters of this iteration")));
        }
        if let Some(bar) = &self.iteration {
            bar.set_position(coordinates);
            bar.tick();
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.iteration {
            bar.finish_and_clear();
        }
        self.run.finish_and_clear();
        // Where the terminal is gone there is nothing to clear.
        let _ = self.all.clear();
    }
}

fn run_style(counts: &Arc<Counts>, n_iterations: u64) -> ProgressStyle {
    let n_parameters = counts.n_parameters as f64;
    let (done, loss) = (counts.clone(), counts.clone());
    style("[{wide_bar}] {iterations}  loss {loss}  {rate} it/s  {evaluations} evaluations/s  {eta} left")
        .with_key("iterations", move |_: &ProgressState, f: &mut dyn fmt::Write| {
            let _ = write!(f, "{}/{n_iterations}", done.iterations.load(Relaxed));
        })
        .with_key("loss", move |_: &ProgressState, f: &mut dyn fmt::Write| {
            let loss = f64::from_bits(loss.loss.load(Relaxed));
            let _ = if loss.is_nan() { f.write_str("-") } else { write!(f, "{loss:.4}") };
        })
        .with_key("rate", move |state: &ProgressState, f: &mut dyn fmt::Write| {
            let _ = f.write_str(&three_digits(state.per_sec() / n_parameters));
        })
        .with_key("evaluations", move |state: &ProgressState, f: &mut dyn fmt::Write| {
            let _ = f.write_str(&with_unit(2.0 * state.per_sec()));
        })
}
