//! Slices that hold something for each of a run of samples, cut between samples for parallel work.
//!
//! `rayon::join` on halves needs neither a lock nor an allocation, which an iterator over slices of unequal length would.

use std::ops::Range;

/// Something with a place for each sample of a run, that can be cut in two between samples.
pub(super) trait Split: Sized + Send {
    fn n_samples(&self) -> usize;

    /// The first `n` samples and the rest.
    fn split(self, n: usize) -> (Self, Self);
}

/// Calls `f` with runs of at most `max_len` samples, on the current rayon pool; at once where there is but one run.
pub(super) fn for_each_run<S: Split>(samples: S, max_len: usize, f: &(impl Fn(S) + Sync)) {
    let n = samples.n_samples();
    if n <= max_len {
        return f(samples);
    }
    let (left, right) = samples.split(n / 2);
    rayon::join(|| for_each_run(left, max_len, f), || for_each_run(right, max_len, f));
}

/// Places of equal length.
pub(super) struct Places<'a, T> {
    pub values: &'a mut [T],
    pub row_len: usize,
}

impl<'a, T> Places<'a, T> {
    pub fn new(values: &'a mut [T], row_len: usize) -> Self {
        Self { values, row_len }
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        self.values.chunks_exact_mut(self.row_len)
    }
}

impl<T: Send> Split for Places<'_, T> {
    fn n_samples(&self) -> usize {
        self.values.len() / self.row_len
    }

    fn split(self, n: usize) -> (Self, Self) {
        let (left, right) = self.values.split_at_mut(n * self.row_len);
        (Places::new(left, self.row_len), Places::new(right, self.row_len))
    }
}

impl Split for Range<usize> {
    fn n_samples(&self) -> usize {
        self.len()
    }

    fn split(self, n: usize) -> (Self, Self) {
        (self.start..self.start + n, self.start + n..self.end)
    }
}

impl<A: Split, B: Split> Split for (A, B) {
    fn n_samples(&self) -> usize {
        self.0.n_samples()
    }

    fn split(self, n: usize) -> (Self, Self) {
        let ((a, b), (c, d)) = (self.0.split(n), self.1.split(n));
        ((a, c), (b, d))
    }
}
