//! The progress of a training.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::bars::{Bars, Display};
use super::line::{Line, clock};
use super::meter::{Mean, Meter};
use crate::cli::terminal::say;
use crate::report::numbers::{grouped, loss, three_digits, with_unit};
use crate::train::Record;

/// The loss is shown as it is, and as the mean of about this many iterations.
const LOSSES_IN_MEAN: u32 = 50;

/// An iteration that takes this many seconds gets a bar of its own.
const LONG_ITERATION_S: f64 = 0.5;

/// Without a terminal this many lines, at equal distances, tell of a run.
const LINES_PER_RUN: u64 = 10;
/// One more line tells of the run whenever this many seconds of training have gone by without one.
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
        _bars: Bars,
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
    /// How many coordinates of the gradient at hand are done.
    coordinates: AtomicU64,
    /// The loss, as the bits of an f64; NaN before the first iteration is done.
    loss: AtomicU64,
    mean_loss: AtomicU64,
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
        let shown = match Display::choose(quiet) {
            Display::Bars => {
                let (counts, mut clocks) = (counts.clone(), Clocks::start(&counts, n_iterations, elapsed_s));
                Shown::Bars { _bars: Bars::draw(move |width| clocks.read(&counts).lines(width)) }
            }
            Display::Lines => Shown::Lines { last_s: elapsed_s },
            Display::Nothing => Shown::Nothing,
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
        self.counts.mean_loss.store(self.mean_loss.value().to_bits(), Relaxed);
        if let Shown::Lines { last_s } = &mut self.shown {
            let is_due = record.iteration.is_multiple_of(self.n_iterations.div_ceil(LINES_PER_RUN))
                || record.iteration == self.n_iterations
                || record.elapsed_s - *last_s > LONGEST_SILENCE_S;
            if is_due {
                *last_s = record.elapsed_s;
                say(format_args!("Iteration {}: Loss = {}", record.iteration, loss(record.loss)));
            }
        }
    }
}

/// What the drawing thread knows of the time.
struct Clocks {
    n_iterations: u64,
    /// The seconds of training before this process.
    elapsed_before_s: f64,
    started: Instant,
    /// How many iterations were done when this process started.
    done_before: u64,
    /// How fast iterations get done; the part of the one at hand that is done counts too.
    meter: Meter,
    /// Whether iterations have turned out to be long.
    is_slow: bool,
}

impl Clocks {
    fn start(counts: &Counts, n_iterations: u64, elapsed_before_s: f64) -> Self {
        let done_before = counts.iterations.load(Relaxed);
        let (started, meter) = (Instant::now(), Meter::start(done_before as f64));
        Self { n_iterations, elapsed_before_s, started, done_before, meter, is_slow: false }
    }

    fn read(&mut self, counts: &Counts) -> Moment {
        let number = |bits: &AtomicU64| Some(f64::from_bits(bits.load(Relaxed))).filter(|number| !number.is_nan());
        let n_parameters = counts.n_parameters;
        let coordinates = counts.coordinates.load(Relaxed).min(n_parameters);
        let iterations = counts.iterations.load(Relaxed);
        let done = iterations as f64 + coordinates as f64 / n_parameters as f64;
        let rate = self.meter.rate(done);
        let elapsed_s = self.started.elapsed().as_secs_f64();
        let n_begun = iterations - self.done_before + 1;
        self.is_slow |= elapsed_s > LONG_ITERATION_S * n_begun as f64;
        Moment {
            iterations,
            n_iterations: self.n_iterations,
            loss: number(&counts.loss),
            mean_loss: number(&counts.mean_loss),
            rate,
            n_parameters,
            elapsed_s: self.elapsed_before_s + elapsed_s,
            left_s: (self.n_iterations as f64 - done) / rate,
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
    /// How many coordinates of the gradient at hand are done, where the iteration is worth a line.
    coordinates: Option<u64>,
}

impl Moment {
    /// A line of the run, and one of the iteration where it is long.
    fn lines(&self, width: usize) -> Vec<String> {
        let mut lines = vec![self.run_line().fitted(width)];
        if let Some(done) = self.coordinates {
            let text = format!("{}/{} parameters of this iteration", grouped(done), grouped(self.n_parameters));
            let line = Line::new([(0, text)]).with_bar(1, done as f64 / self.n_parameters as f64);
            lines.push(line.fitted(width));
        }
        lines
    }

    /// Where there is no room for everything, the least important goes first: evaluations, the time so far, the bar, the
    /// mean of the loss, iterations a second, the time left, the loss.
    fn run_line(&self) -> Line {
        let or_dash = |shown: Option<f64>| shown.map_or("-".to_owned(), loss);
        let n_digits = self.n_iterations.to_string().len();
        let parts = [
            (0, format!("{:>n_digits$}/{}", self.iterations, self.n_iterations)),
            (1, format!("loss {}", or_dash(self.loss))),
            (4, format!("mean {}", or_dash(self.mean_loss))),
            (3, format!("{} it/s", three_digits(self.rate))),
            (7, format!("{} evaluations/s", with_unit(2.0 * self.n_parameters as f64 * self.rate))),
            (6, format!("{} elapsed", clock(self.elapsed_s))),
            (2, format!("{} left", clock(self.left_s))),
        ];
        Line::new(parts).with_bar(5, self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let line = moment().run_line().fitted(width);
            let kept: Vec<_> = parts.iter().map(|part| line.contains(part)).collect();
            let n_dropped = parts.len() - n_kept;
            assert!(kept[..n_dropped].iter().all(|kept| !kept) && kept[n_dropped..].iter().all(|kept| *kept), "{line}");
            assert!(line.contains("  512/20000  loss 0.5254"), "{line}");
        }
        let wide = "[===========>           ]   512/20000  loss 0.5254  mean 0.5301  1234 it/s  98.1M evaluations/s  \
                    0:05 elapsed  1:09 left";
        assert_eq!(moment().run_line().fitted(wide.len()), wide);
        for width in 0..200 {
            // The number of iterations itself may be wider; then the screen cuts it off.
            assert!(moment().run_line().fitted(width).len() <= width.max(11), "{width}");
        }
    }

    #[test]
    fn before_the_first_iteration_is_done_what_is_not_known_is_a_dash() {
        let nothing =
            Moment { iterations: 0, loss: None, mean_loss: None, rate: 0.0, left_s: f64::INFINITY, ..moment() };
        let line = nothing.run_line().fitted(200);
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
}
