//! `loss.csv`, read back: row by row, or as the curves that a picture shows.

use std::path::{Path, PathBuf};

use super::chart::{Series, Stroke};
use super::error::Error;
use super::numbers::{power_below, power_of_ten};
use super::thinner::Thinner;
use crate::train::Record;

/// A curve is kept in no more stretches than this, which are more than a picture shows.
const MAX_STRETCHES: u64 = 1500;

/// Each point of a smoothed curve is the mean over about this share of the run's iterations,
const SMOOTHING: f64 = 0.05;
/// but over no fewer than this many, and none is smoothed in which that would be more than an eighth of it.
const LEAST_SMOOTHING: u64 = 5;

/// The rows of a log, one at a time.
///
/// # Errors
/// [`Error`] if the file can't be opened. A row is an [`Error`] where it can't be read or is damaged.
pub fn read(path: &Path) -> Result<impl Iterator<Item = Result<Record, Error>> + use<>, Error> {
    fn error(path: PathBuf, reason: csv::Error) -> Error {
        match reason.is_io_error() {
            true => match reason.into_kind() {
                csv::ErrorKind::Io(reason) => Error::Read { path, reason },
                kind => unreachable!("{kind:?} is no error of reading"),
            },
            false => Error::Log { path, reason },
        }
    }
    let reader = csv::Reader::from_path(path).map_err(|reason| error(path.to_owned(), reason))?;
    let path = path.to_owned();
    Ok(reader.into_deserialize().map(move |row| row.map_err(|reason| error(path.clone(), reason))))
}

/// What a run's log tells: as curves of no more points than a picture shows, however long the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// The loss after each iteration; of long runs the lowest and the highest of each of many equal stretches.
    pub loss: Vec<Point>,
    /// The smoothed loss: the mean over [`mean_over`](Self::mean_over) iterations around each, and over fewer towards both
    /// ends of the run. Empty where that shows no more than the loss itself.
    pub mean_loss: Vec<Point>,
    /// How many iterations a point of a smoothed curve is the mean of: 5, 10, 20, 50, 100, …, or 1 where none is smoothed.
    pub mean_over: u64,
    /// The norm of the gradient of each iteration, kept as the loss is.
    pub gradient_norm: Vec<Point>,
    /// The smoothed norm, as the smoothed loss.
    pub mean_gradient_norm: Vec<Point>,
    /// The share of the training set that is classified right, where it was measured.
    pub train_accuracy: Vec<Point>,
    /// The share of the test set that is classified right, where it was measured.
    pub test_accuracy: Vec<Point>,
    /// The loss over each tenth of the run's iterations, in their order; of fewer than ten iterations, over each.
    pub tenths: Vec<MeanLoss>,
    /// How many seconds all gradients together took.
    pub gradient_s: f64,
    /// The last row of the log; none where no iteration is done.
    pub last: Option<Record>,
}

/// What was measured at one moment of a run: a loss, or a share that is classified right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The number of the iteration after which it was measured. Of a mean over several iterations it is the mean of their
    /// numbers.
    pub iteration: f64,
    /// How many seconds the run had trained by then.
    pub elapsed_s: f64,
    /// The loss, or the share.
    pub value: f64,
}

/// The loss over some iterations that follow one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanLoss {
    /// The mean over the iterations.
    pub mean: f64,
    /// By how much the mean would vary if other batches had been drawn: the standard error. None of one iteration alone, which
    /// does not tell.
    pub standard_error: Option<f64>,
}

/// What lies along a curve's axis to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The numbers of the iterations.
    Iterations,
    /// The seconds of training.
    Seconds,
}

impl Curves {
    /// Reads the log of a run of `n` iterations.
    ///
    /// # Errors
    /// [`Error`] if it can't be read, or holds other iterations than 1 to `n`.
    pub fn read(path: &Path, n: u64) -> Result<Self, Error> {
        let thinner = || Thinner::new(MAX_STRETCHES as usize, 1.0, n as f64 + 1.0);
        let (mut loss, mut norm, mut train, mut test) = (thinner(), thinner(), thinner(), thinner());
        let (mut loss_means, mut norm_means) = (Means::new(n), Means::new(n));
        let mut tenths = Tenths::new(n);
        let mut gradient_s = 0.0;
        let mut last: Option<Record> = None;
        let n_done = |last: &Option<Record>| last.as_ref().map_or(0, |record| record.iteration);
        for record in read(path)? {
            let record = record?;
            let next = n_done(&last) + 1;
            if record.iteration != next || next > n {
                let expected = if next <= n { format!("iteration {next}") } else { format!("{n} iterations") };
                return Err(Error::unexpected(path, expected, format!("a row of iteration {}", record.iteration)));
            }
            last = Some(record);
            gradient_s += record.gradient_s;
            let point = |value| Point { iteration: next as f64, elapsed_s: record.elapsed_s, value };
            let push = |thinner: &mut Thinner<Point>, value| thinner.push((next as f64, value), point(value));
            push(&mut loss, record.loss);
            loss_means.push(point(record.loss));
            // The norm of finite numbers may be infinite.
            if record.gradient_norm.is_finite() {
                push(&mut norm, record.gradient_norm);
                norm_means.push(point(record.gradient_norm));
            }
            tenths.push(next, record.loss);
            record.train_accuracy.into_iter().for_each(|share| push(&mut train, share));
            record.test_accuracy.into_iter().for_each(|share| push(&mut test, share));
        }
        if n_done(&last) < n {
            return Err(Error::unexpected(path, format!("{n} iterations"), n_done(&last)));
        }
        Ok(Self {
            loss: loss.finish(),
            mean_over: loss_means.mean_over(),
            mean_loss: loss_means.finish(),
            gradient_norm: norm.finish(),
            mean_gradient_norm: norm_means.finish(),
            train_accuracy: train.finish(),
            test_accuracy: test.finish(),
            tenths: tenths.finish(),
            gradient_s,
            last,
        })
    }

    /// The loss as curves for a chart: that of each batch, pale, with the smoothed one above it; or that of each batch alone
    /// where it is not smoothed. `name` is that of the strong curve.
    pub fn loss_series(&self, over: Over, name: &str, colour: usize) -> Vec<Series> {
        series_with_mean(&along(over, &self.loss), along(over, &self.mean_loss), name, colour)
    }

    /// The gradient's norm over iterations, as [`loss_series`](Self::loss_series) has the loss.
    pub fn norm_series(&self, name: &str, colour: usize) -> Vec<Series> {
        let [norm, mean] =
            [&self.gradient_norm, &self.mean_gradient_norm].map(|points| along(Over::Iterations, points));
        series_with_mean(&norm, mean, name, colour)
    }
}

/// A curve, pale, and above it its mean, strong; or strong and alone where there is no mean.
fn series_with_mean(each: &[(f64, f64)], mean: Vec<(f64, f64)>, name: &str, colour: usize) -> Vec<Series> {
    let series = |points, name: &str, stroke| Series { name: name.to_owned(), points, colour, stroke };
    if mean.is_empty() {
        return vec![series(each.to_vec(), name, Stroke::Marked)];
    }
    vec![series(each.to_vec(), "", Stroke::Thin), series(mean, name, Stroke::Bold)]
}

/// Points as a chart takes them, over iterations or over seconds.
pub(super) fn along(over: Over, points: &[Point]) -> Vec<(f64, f64)> {
    let x = |point: &Point| match over {
        Over::Iterations => point.iteration,
        Over::Seconds => point.elapsed_s,
    };
    points.iter().map(|point| (x(point), point.value)).collect()
}

/// Sums over equal stretches of a run's iterations, of which the means are taken in the end.
struct Means {
    stretch_len: u64,
    /// How many stretches a mean is over; 1 where nothing is smoothed.
    n_stretches: usize,
    /// The sum of each stretch, and how many points it is of.
    sums: Vec<(Point, f64)>,
}

impl Means {
    /// Both lengths are round, and the longer one is a whole number of the shorter.
    fn new(n: u64) -> Self {
        let stretch_len = if n <= MAX_STRETCHES { 1 } else { round_up(n.div_ceil(MAX_STRETCHES)) };
        let mean_over = nearest_round(SMOOTHING * n as f64).max(LEAST_SMOOTHING);
        let is_smoothed = 8 * mean_over <= n;
        let n_stretches = if is_smoothed { (mean_over / stretch_len) as usize } else { 1 };
        Self { stretch_len, n_stretches, sums: Vec::new() }
    }

    fn mean_over(&self) -> u64 {
        if self.n_stretches == 1 { 1 } else { self.n_stretches as u64 * self.stretch_len }
    }

    fn push(&mut self, Point { iteration, elapsed_s, value }: Point) {
        let stretch = (iteration as u64 - 1) / self.stretch_len;
        if stretch >= self.sums.len() as u64 {
            self.sums.push((Point { iteration: 0.0, elapsed_s: 0.0, value: 0.0 }, 0.0));
        }
        let (sum, count) = self.sums.last_mut().expect("one was added");
        sum.iteration += iteration;
        sum.elapsed_s += elapsed_s;
        sum.value += value;
        *count += 1.0;
    }

    fn finish(self) -> Vec<Point> {
        if self.n_stretches == 1 {
            return Vec::new();
        }
        // A mean is over as many stretches on either side of its middle, which is a stretch or, of an even number, between two:
        // or the ends of a falling curve would be drawn too low or too high. `twice` counts in halves of a stretch.
        let (len, parity) = (self.sums.len(), self.n_stretches % 2);
        let mean = |begin: usize, end: usize| {
            let mut total = (Point { iteration: 0.0, elapsed_s: 0.0, value: 0.0 }, 0.0);
            for (sum, count) in &self.sums[begin..end] {
                total.0.iteration += sum.iteration;
                total.0.elapsed_s += sum.elapsed_s;
                total.0.value += sum.value;
                total.1 += count;
            }
            let (sum, count) = total;
            Point { iteration: sum.iteration / count, elapsed_s: sum.elapsed_s / count, value: sum.value / count }
        };
        let smallest = self.n_stretches / 4;
        let middles = smallest..(len + 1 - parity).saturating_sub(smallest);
        let radius = |middle: usize| (self.n_stretches / 2).min(middle).min(len - parity - middle);
        let means = middles.map(|middle| (middle, radius(middle)));
        // A mean of none is no mean.
        let means = means.filter(|&(_, radius)| radius + parity > 0);
        means.map(|(middle, radius)| mean(middle - radius, middle + radius + parity)).collect()
    }
}

/// The nearest of 1, 2, 5, 10, 20, 50, …, by ratio.
fn nearest_round(x: f64) -> u64 {
    let power = power_of_ten(power_below(x.max(1.0)));
    // Between 1 and 2 the middle is √2, between 2 and 5 √10, between 5 and 10 √50.
    let digit = match x / power {
        r if r < 2_f64.sqrt() => 1.0,
        r if r < 10_f64.sqrt() => 2.0,
        r if r < 50_f64.sqrt() => 5.0,
        _ => 10.0,
    };
    (digit * power) as u64
}

/// The next of 1, 2, 5, 10, 20, 50, … that is not below.
fn round_up(n: u64) -> u64 {
    let power = power_of_ten(power_below(n as f64)) as u64;
    [1, 2, 5, 10].map(|digit| digit * power).into_iter().find(|&round| round >= n).unwrap_or(n)
}

/// Sums over the tenths of a run's iterations.
struct Tenths {
    n: u64,
    sums: Vec<Sums>,
}

/// Of losses and their squares, each less the first loss of the tenth: squares of what lies far from 0 would drown the rest.
#[derive(Default)]
struct Sums {
    first: f64,
    count: f64,
    of_losses: f64,
    of_squares: f64,
}

impl Tenths {
    fn new(n: u64) -> Self {
        Self { n, sums: Vec::new() }
    }

    fn push(&mut self, iteration: u64, loss: f64) {
        let tenth = u128::from(iteration - 1) * u128::from(self.n.min(10)) / u128::from(self.n);
        if tenth >= self.sums.len() as u128 {
            self.sums.push(Sums { first: loss, ..Sums::default() });
        }
        let sums = self.sums.last_mut().expect("one was added");
        let difference = loss - sums.first;
        sums.count += 1.0;
        sums.of_losses += difference;
        sums.of_squares += difference * difference;
    }

    fn finish(self) -> Vec<MeanLoss> {
        let mean_loss = |Sums { first, count, of_losses, of_squares }: Sums| {
            let mean = of_losses / count;
            let variance = (of_squares - of_losses * mean).max(0.0) / (count - 1.0);
            MeanLoss { mean: first + mean, standard_error: (count > 1.0).then(|| (variance / count).sqrt()) }
        };
        self.sums.into_iter().map(mean_loss).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const HEADER: &str =
        "iteration,loss,elapsed_s,gradient_s,n_evaluations,gradient_norm,train_accuracy,test_accuracy\n";

    fn curves(rows: &str, n: u64) -> Result<Curves, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loss.csv");
        std::fs::write(&path, format!("{HEADER}{rows}")).unwrap();
        Curves::read(&path, n)
    }

    fn curves_of(losses: impl Iterator<Item = f64>) -> Curves {
        let mut rows = String::new();
        let mut n = 0;
        for (i, loss) in (1..).zip(losses) {
            writeln!(rows, "{i},{loss:?},{},1,1,1,,", 0.5 * i as f64).unwrap();
            n = i;
        }
        curves(&rows, n).unwrap()
    }

    #[test]
    fn a_short_log_is_kept_row_by_row_and_not_smoothed() {
        let curves = curves("1,2.5,0.1,0.1,10,1,,\n2,2.25,0.2,0.1,20,1,0.5,0.25\n", 2).unwrap();
        let point = |i: f64, value| Point { iteration: i, elapsed_s: i / 10.0, value };
        assert_eq!(curves.loss, [point(1.0, 2.5), point(2.0, 2.25)]);
        assert_eq!((curves.train_accuracy, curves.test_accuracy), (vec![point(2.0, 0.5)], vec![point(2.0, 0.25)]));
        assert!(curves.mean_loss.is_empty());
    }

    #[test]
    fn the_mean_of_a_straight_line_is_the_line_to_its_ends() {
        for (n, mean_over) in [(40, 5), (100, 5), (200, 10), (6000, 200), (20_000, 1000)] {
            let curves = curves_of((1..=n).map(|i| 5.0 - 0.0001 * f64::from(i)));
            assert_eq!(curves.mean_over, mean_over);
            for point in &curves.mean_loss {
                // Sums of at most 1000 numbers of about 5, each rounded to 5e-16.
                assert!((point.value - (5.0 - 0.0001 * point.iteration)).abs() < 1e-11, "{point:?}");
                assert!((point.elapsed_s - 0.5 * point.iteration).abs() < 1e-8, "{point:?}");
            }
            let (first, last) = (curves.mean_loss[0], curves.mean_loss[curves.mean_loss.len() - 1]);
            let (n, reach) = (f64::from(n), 0.4 * mean_over as f64 + 1.0);
            assert!(first.iteration < reach && last.iteration > n - reach, "{n}: {first:?}, {last:?}");
        }
    }

    #[test]
    fn the_mean_is_over_as_many_iterations_as_it_says() {
        // One row stands out; each mean that holds it has an equal share of it.
        for (n, mean_over, share) in [(100, 5, 1.0), (200, 10, 0.5)] {
            let curves = curves_of((1..=n).map(|i| if i == 50 { 7.0 } else { 2.0 }));
            assert_eq!(curves.mean_over, mean_over);
            let touched: Vec<f64> = curves.mean_loss.iter().map(|p| p.value).filter(|&mean| mean != 2.0).collect();
            assert_eq!(touched, vec![2.0 + share; mean_over as usize]);
        }
        assert!(curves_of((1..40).map(f64::from)).mean_loss.is_empty());
    }

    #[test]
    fn means_are_over_round_numbers_of_iterations() {
        assert_eq!([0.5, 1.0, 3.0, 4.0, 8.0, 497.0, 720.0].map(nearest_round), [1, 1, 2, 5, 10, 500, 1000]);
        assert_eq!([1, 2, 3, 6, 14, 667].map(round_up), [1, 2, 5, 10, 20, 1000]);
        for n in (1..100_000).step_by(37) {
            let means = Means::new(n);
            assert!(means.mean_over() == 1 || means.mean_over().is_multiple_of(means.stretch_len), "{n}");
            assert!(n.div_ceil(means.stretch_len) <= MAX_STRETCHES, "{n}");
        }
    }

    #[test]
    fn each_tenth_of_a_run_has_its_mean_loss_and_how_far_that_is_to_be_trusted() {
        // Tenths of two iterations each: the standard error of a, a + 2 is √(2 / 2).
        let curves = curves_of((0..20).map(|i| f64::from(i / 2) + 2.0 * f64::from(i % 2)));
        let expected = (0..10).map(|i| MeanLoss { mean: f64::from(i) + 1.0, standard_error: Some(1.0) });
        assert_eq!(curves.tenths, expected.collect::<Vec<_>>());
        let few = curves_of([3.0, 2.0].into_iter());
        assert_eq!(few.tenths, [3.0, 2.0].map(|mean| MeanLoss { mean, standard_error: None }));
        assert_eq!(curves_of((0..25).map(|_| 2.5)).tenths, [MeanLoss { mean: 2.5, standard_error: Some(0.0) }; 10]);
        assert_eq!(self::curves("", 0).unwrap().tenths, []);
    }

    #[test]
    fn a_long_log_stays_small_and_keeps_its_lowest_and_highest_loss() {
        let curves = curves_of((1..=20_000).map(|i| match i {
            4322 => 0.5,
            8766 => 5.0,
            i => 2.0 + 0.1 * f64::from(i % 7),
        }));
        assert!(curves.loss.len() <= 3002 && curves.mean_loss.len() <= 1500);
        assert!(curves.loss.is_sorted_by(|a, b| a.iteration < b.iteration));
        for (iteration, value) in [(4322.0, 0.5), (8766.0, 5.0)] {
            assert!(curves.loss.contains(&Point { iteration, elapsed_s: 0.5 * iteration, value }));
        }
    }

    #[test]
    fn rows_that_are_missing_too_many_or_none_are_named() {
        for (rows, n, words) in [
            ("1,2,1,1,1,1,,\n", 2, "expected 2 iterations, found 1"),
            ("1,2,1,1,1,1,,\n2,2,1,1,1,1,,\n", 1, "expected 1 iterations, found a row of iteration 2"),
            ("2,2,1,1,1,1,,\n", 2, "expected iteration 1, found a row of iteration 2"),
            ("1,two,1,1,1,1,,\n", 1, "damaged"),
            ("1,2,1\n", 1, "damaged"),
        ] {
            let error = curves(rows, n).unwrap_err().to_string();
            assert!(error.contains("loss.csv: ") && error.contains(words), "{rows}: {error}");
        }
        assert_eq!(curves("", 0).unwrap().loss, []);
    }
}
