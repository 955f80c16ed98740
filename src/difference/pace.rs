//! How long a coordinate took the last time: whether a pool is worth its waking up.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The time that a coordinate took the last time, if it is known. It decides who computes, not what.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// In picoseconds; 0 is none.
    of_one: AtomicU64,
}

impl Pace {
    /// What this many coordinates will take.
    pub fn of(&self, n: usize) -> Option<Duration> {
        let of_one = self.of_one.load(Relaxed);
        (of_one > 0).then(|| Duration::from_nanos((of_one / 1000).saturating_mul(n as u64)))
    }

    /// That many took this long.
    pub fn note(&self, time: Duration, n: usize) {
        let of_one = time.as_nanos() * 1000 / n.max(1) as u128;
        self.of_one.store(u64::try_from(of_one).unwrap_or(u64::MAX).max(1), Relaxed);
    }
}

impl Clone for Pace {
    fn clone(&self) -> Self {
        Self { of_one: AtomicU64::new(self.of_one.load(Relaxed)) }
    }
}
