//! What is done some times a second, however often it could be done.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often it is looked whether Ctrl-C was pressed, and told of progress.
pub const INTERVAL: Duration = Duration::from_millis(50);

/// Tells when something is due again.
pub struct Regularly {
    begin: Instant,
    /// In nanoseconds since then.
    last: AtomicU64,
}

impl Default for Regularly {
    fn default() -> Self {
        Self { begin: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl Regularly {
    pub fn is_time(&self) -> bool {
        let now = self.begin.elapsed().as_nanos() as u64;
        let last = self.last.load(Relaxed);
        now.saturating_sub(last) >= INTERVAL.as_nanos() as u64
            && self.last.compare_exchange(last, now, Relaxed, Relaxed).is_ok()
    }
}
