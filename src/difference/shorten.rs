//! [`NonFinite::Shorten`]: where a coordinate may still be moved after a value that was not finite, and when a derivative by a
//! shortened step is believed.

use super::differentiator::{Differentiator, NonFinite};

/// How often a coordinate is tried again with a shorter step, and how often one-sided.
const SHORTER_ATTEMPTS: usize = 8;
const ONE_SIDED_ATTEMPTS: usize = 8;
/// How often a coordinate is tried at most, steps that confirm one another included: the last is shorter than the first by more
/// than all digits.
const MAX_ATTEMPTS: usize = 40;
/// Derivatives by two steps agree if they are apart by this part of them.
const AGREEMENT: f64 = 0.01;

impl Differentiator {
    /// Limits for another attempt after a value that was not finite; `None` where there should not be one.
    pub(super) fn nearer(
        &self,
        attempt: usize,
        x: f64,
        delta: f64,
        limits: (f64, f64),
        widest: (f64, f64),
    ) -> Option<(f64, f64)> {
        if self.non_finite != NonFinite::Shorten || delta == 0.0 {
            return None;
        }
        let reach = delta.abs() / 8.0;
        let (lower, upper) = match attempt {
            0..SHORTER_ATTEMPTS => (widest.0.max(x - reach), widest.1.min(x + reach)),
            SHORTER_ATTEMPTS if delta > 0.0 => (widest.0, x),
            SHORTER_ATTEMPTS => (x, widest.1),
            _ if delta > 0.0 => (limits.0, x + reach),
            _ => (x - reach, limits.1),
        };
        (lower < upper && attempt < SHORTER_ATTEMPTS + ONE_SIDED_ATTEMPTS).then_some((lower, upper))
    }
}

/// Where a coordinate may be moved to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    x: f64,
    widest: (f64, f64),
    pub limits: (f64, f64),
    n_failures: usize,
    n_attempts: usize,
}

impl Room {
    pub fn new(x: f64, widest: (f64, f64)) -> Self {
        Self { x, widest, limits: widest, n_failures: 0, n_attempts: 0 }
    }

    /// Draws nearer after a value that was not finite with the coordinate moved by `delta`; false where there should be no
    /// other attempt.
    pub fn shrink(&mut self, how: &Differentiator, delta: f64) -> bool {
        let nearer = how.nearer(self.n_failures, self.x, delta, self.limits, self.widest);
        self.n_failures += 1;
        self.n_attempts += 1;
        self.limits = nearer.unwrap_or(self.limits);
        nearer.is_some()
    }

    /// Draws nearer for an attempt that confirms the one before, which reached this far: to an eighth of it. False where so few
    /// numbers lie within that a difference would tell nothing.
    pub fn confirm(&mut self, reach: f64) -> bool {
        let (x, reach) = (self.x, reach / 8.0);
        let is_apart = x + reach / 8.0 != x || x - reach / 8.0 != x;
        self.limits = (self.limits.0.max(x - reach), self.limits.1.min(x + reach));
        self.n_attempts += 1;
        is_apart && self.n_attempts <= MAX_ATTEMPTS
    }

    /// Whether a value was not finite.
    pub fn is_shortened(&self) -> bool {
        self.n_failures > 0
    }
}

/// What longer steps gave after a value that was not finite, each with the distance of what followed. Near the edge of its domain
/// a function may have any shape: a shorter step has to say the same.
#[derive(Debug, Default)]
pub(super) struct Longer(Vec<(f64, f64)>);

impl Longer {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether these derivatives agree with those by a longer step, or the last three approach one another by more than half
    /// each time. If so, they are in `found`: the longer step's where they agree, else the shorter one's. `rounding` tells by how
    /// much each may be off.
    pub fn confirms(&mut self, found: &mut [f64], rounding: impl Fn(usize) -> f64) -> bool {
        let longer = &mut self.0;
        if longer.is_empty() {
            longer.extend(found.iter().map(|found| (*found, f64::INFINITY)));
            return false;
        }
        let agrees = |(index, ((long, _), short)): (usize, (&(f64, f64), &f64))| {
            (long - short).abs() <= AGREEMENT * long.abs().max(short.abs()) + rounding(index)
        };
        if longer.iter().zip(&*found).enumerate().all(agrees) {
            found.iter_mut().zip(longer).for_each(|(found, (long, _))| *found = *long);
            return true;
        }
        let mut approaches = true;
        for ((long, apart), short) in longer.iter_mut().zip(&*found) {
            let now_apart = (*long - short).abs();
            approaches &= now_apart <= 0.5 * *apart && apart.is_finite();
            (*long, *apart) = (*short, now_apart);
        }
        approaches
    }
}
