//! The progress of what is counted: the parameters of a check, the bytes of a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::bars::{Bars, Display};
use super::line::Line;
use super::meter::Meter;
use crate::cli::terminal::say;

/// Shows how much of something is done, until this is dropped.
pub struct Counted {
    n_done: Arc<AtomicU64>,
    /// Drawn for as long as this is held.
    _bars: Option<Bars>,
}

/// What has been counted at one moment.
pub struct Count {
    pub n_done: u64,
    /// How many there are to do, where that is known.
    pub n_total: Option<u64>,
    /// How many are done in a second.
    pub rate: f64,
}

impl Count {
    /// The part that is done; NaN where it is not known.
    pub fn share(&self) -> f64 {
        self.n_total.map_or(f64::NAN, |n_total| self.n_done as f64 / n_total as f64)
    }

    /// The seconds that the rest will take; NaN where that is not known.
    pub fn left_s(&self) -> f64 {
        self.n_total.map_or(f64::NAN, |n_total| n_total.saturating_sub(self.n_done) as f64 / self.rate)
    }
}

impl Counted {
    /// On a terminal `line` is shown again and again; elsewhere `instead` is said, once.
    pub fn start(
        quiet: bool,
        instead: &str,
        n_total: Option<u64>,
        line: impl Fn(&Count) -> Line + Send + 'static,
    ) -> Self {
        let n_done = Arc::new(AtomicU64::new(0));
        let bars = match Display::choose(quiet) {
            Display::Bars => {
                let (counted, mut meter) = (n_done.clone(), Meter::start(0.0));
                Some(Bars::draw(move |width| {
                    let n_done = counted.load(Relaxed);
                    let rate = meter.rate(n_done as f64);
                    vec![line(&Count { n_done, n_total, rate }).fitted(width)]
                }))
            }
            Display::Lines => {
                say(format_args!("{instead}"));
                None
            }
            Display::Nothing => None,
        };
        Self { n_done, _bars: bars }
    }

    /// `n` more are done.
    pub fn advance(&self, n: u64) {
        self.n_done.fetch_add(n, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_and_time_left_are_known_where_the_whole_is() {
        let count = |n_total| Count { n_done: 30, n_total, rate: 5.0 };
        assert_eq!((count(Some(40)).share(), count(Some(40)).left_s()), (0.75, 2.0));
        assert_eq!(count(Some(20)).left_s(), 0.0);
        assert!(count(None).share().is_nan() && count(None).left_s().is_nan());
    }
}
