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

/// What longer steps gave after a value that was not finite. Near the edge of its domain a function may have any shape: a shorter
/// step has to say the same.
#[derive(Debug, Default)]
pub(super) struct Longer(Vec<ByLonger>);

/// What longer steps gave for one value.
#[derive(Debug, Clone, Copy)]
struct ByLonger {
    derivative: f64,
    /// How far apart the last two derivatives were, and the closest ones so far.
    apart: f64,
    closest: f64,
    /// What is believed.
    settled: Option<f64>,
}

impl Longer {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether each of these derivatives has agreed with that by a longer step, or its last three have approached one another by
    /// more than half each time. If so, they are in `found`: the longer step's where they agreed, else the shorter one's.
    /// `rounding` tells by how much each may be off by rounding.
    ///
    /// Rounding excuses a disagreement, but not where steps have disagreed less before: derivatives that grow from step to
    /// step, as those of `√x` do, end in digits that are all rounding, where any two agree.
    pub fn confirms(&mut self, found: &mut [f64], rounding: impl Fn(usize) -> f64) -> bool {
        let first = |derivative: &f64| ByLonger {
            derivative: *derivative,
            apart: f64::INFINITY,
            closest: f64::INFINITY,
            settled: None,
        };
        if self.0.is_empty() {
            self.0.extend(found.iter().map(first));
            return false;
        }
        for (index, (longer, &short)) in self.0.iter_mut().zip(&*found).enumerate() {
            let ByLonger { derivative: long, apart, closest, settled } = *longer;
            if settled.is_some() {
                continue;
            }
            let (now_apart, rounding) = ((long - short).abs(), rounding(index));
            let enough = AGREEMENT * long.abs().max(short.abs());
            // The next step's rounding is eight times that of this one.
            let settled = if rounding > enough.max(8.0 * closest) {
                None
            } else if now_apart <= enough + rounding {
                Some(long)
            } else {
                (apart.is_finite() && now_apart <= 0.5 * apart).then_some(short)
            };
            *longer = ByLonger { derivative: short, apart: now_apart, closest: closest.min(now_apart), settled };
        }
        let all = self.0.iter().all(|longer| longer.settled.is_some());
        if all {
            found.iter_mut().zip(&self.0).for_each(|(found, longer)| *found = longer.settled.unwrap_or(*found));
        }
        all
    }
}
