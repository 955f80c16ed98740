//! What belongs to one call of a derivative and not to the settings: a hook, a budget, a flag that cancels.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// How far a derivative is, as its [`Hook`] is told. See [`Of::watched`](super::Of::watched) for an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Coordinates done since the last call by any worker.
    pub newly_done: usize,
    /// Coordinates done in all.
    pub n_done: usize,
    /// Coordinates asked for.
    pub n_total: usize,
    /// Evaluations in all.
    pub n_evaluations: u64,
}

/// Called after each coordinate (each block of a structured objective), from whichever worker did it.
/// `ControlFlow::Break` cancels. Calls of several workers may overtake one another. See
/// [`Of::watched`](super::Of::watched) for an example.
pub type Hook<'h> = &'h (dyn Fn(Progress) -> ControlFlow<()> + Sync);

/// What belongs to one call and not to the settings.
#[derive(Clone, Default)]
pub(super) struct Call<'c> {
    pub hook: Option<Hook<'c>>,
    /// How many evaluations there may be.
    pub budget: Option<u64>,
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Call<'_> {
    /// How many evaluations there may be.
    pub fn budget(&self) -> u64 {
        if self.is_cancelled() { 0 } else { self.budget.unwrap_or(u64::MAX) }
    }

    /// Whether a derivative may be stopped before it is done.
    pub fn may_stop(&self) -> bool {
        self.budget.is_some() || self.hook.is_some() || self.cancel.is_some()
    }

    /// The same for evaluations that are `n` of the function each.
    pub fn of_evaluations_of(&self, n: u64) -> Self {
        Self { budget: self.budget.map(|budget| budget / n), ..self.clone() }
    }

    /// The same with this many evaluations less.
    pub fn setting_aside(&self, n: u64) -> Self {
        Self { budget: self.budget.map(|budget| budget.saturating_sub(n)), ..self.clone() }
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(|flag| flag.load(Relaxed))
    }
}

/// The methods by which each of the nouns is told what belongs to its call, which lives for `$call`.
macro_rules! call_settings {
    ($call:lifetime) => {
        /// The same, telling this hook of progress, which is of coordinates, or of a matrix's columns, rows or groups of
        /// columns; it may cancel.
        ///
        /// ```
        /// use std::ops::ControlFlow;
        /// use numgrad::difference::{Differentiator, Progress};
        ///
        /// let at_most_two = |progress: Progress| {
        ///     if progress.n_done < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        /// };
        /// let central = Differentiator::default();
        /// let cancelled = central.of(|x| x.iter().sum(), &[1.0, 2.0, 3.0]).watched(&at_most_two).gradient().unwrap_err();
        /// assert_eq!(cancelled.partial().unwrap().done, [true, true, false]);
        /// ```
        pub fn watched(mut self, hook: $crate::difference::Hook<$call>) -> Self {
            self.call.hook = Some(hook);
            self
        }

        /// The same, stopping with [`Error::Stopped`](crate::difference::Error::Stopped) before a derivative costs more than
        /// this many evaluations.
        ///
        /// What the budget suffices for is the same for any number of threads: the first coordinates that were asked for.
        ///
        /// ```
        /// use numgrad::difference::Differentiator;
        /// let stopped = Differentiator::default().of(|x| x[0] + x[1], &[1.0, 2.0]).within(3).gradient().unwrap_err();
        /// assert_eq!(stopped.to_string(), "out of its budget of evaluations after 1 of 2 coordinates");
        /// ```
        pub fn within(mut self, n_evaluations: u64) -> Self {
            self.call.budget = Some(n_evaluations);
            self
        }

        /// The same, stopping with [`Error::Stopped`](crate::difference::Error::Stopped) soon after another thread, or a
        /// signal, has set this flag: no coordinate is begun any more.
        ///
        /// ```
        /// use std::sync::Arc;
        /// use std::sync::atomic::AtomicBool;
        /// use numgrad::difference::{Differentiator, StopReason};
        ///
        /// let flag = Arc::new(AtomicBool::new(true));
        /// let stopped = Differentiator::default().of(|x| x[0], &[1.0]).cancelled_by(flag).gradient().unwrap_err();
        /// assert_eq!(stopped.partial().unwrap().reason, StopReason::Cancelled);
        /// ```
        pub fn cancelled_by(mut self, flag: std::sync::Arc<std::sync::atomic::AtomicBool>) -> Self {
            self.call.cancel = Some(flag);
            self
        }
    };
}
pub(super) use call_settings;
