//! How fast a number grows.

use std::time::{Duration, Instant};

/// A rate that changed more often could not be read.
const MEASURE: Duration = Duration::from_millis(500);
/// A rate is the mean of about this many measurements.
const RATES_IN_MEAN: u32 = 20;

/// Measures the rate of a number that is looked at now and then.
pub struct Meter {
    /// When the rate was last measured, and the number then.
    last: (Instant, f64),
    /// The rate, in units a second.
    rate: Mean,
}

impl Meter {
    /// The number is `done` now.
    pub fn start(done: f64) -> Self {
        Self { last: (Instant::now(), done), rate: Mean::of_about(RATES_IN_MEAN) }
    }

    /// The rate, in units a second, now that the number is `done`.
    pub fn rate(&mut self, done: f64) -> f64 {
        let since_last = self.last.0.elapsed();
        if since_last >= MEASURE || self.rate.n == 0 {
            // The number may fall a little: an iteration's part is gone a moment before it counts as a whole.
            self.rate.push((done - self.last.1).max(0.0) / since_last.as_secs_f64());
            self.last = (Instant::now(), done);
        }
        self.rate.value
    }
}

/// The mean of what comes: of all at first, then with weights that fall with age.
#[derive(Debug, Clone, Copy)]
pub struct Mean {
    value: f64,
    n: u32,
    max_n: u32,
}

impl Mean {
    pub fn of_about(max_n: u32) -> Self {
        Self { value: f64::NAN, n: 0, max_n }
    }

    pub fn push(&mut self, x: f64) {
        self.n = self.max_n.min(self.n + 1);
        self.value = if self.n == 1 { x } else { self.value + (x - self.value) / f64::from(self.n) };
    }

    /// The mean; NaN before anything came.
    pub fn value(&self) -> f64 {
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_of_all_at_first_and_then_follows() {
        let mut mean = Mean::of_about(4);
        let means = [1.0, 3.0, 5.0, 7.0, 12.0].map(|x| {
            mean.push(x);
            mean.value()
        });
        assert_eq!(means, [1.0, 2.0, 3.0, 4.0, 6.0]);
    }
}
