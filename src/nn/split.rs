//! Rows, samples and numbers cut into runs for parallel work.
//!
//! `rayon::join` on halves needs neither a lock nor an allocation, which an iterator over slices of unequal length would.
//! And the same half mostly goes to the same thread again, in pass after pass: what one pass wrote is in that core's cache
//! when the next one reads it. Between cores that share no cache a line costs a tenth of a microsecond.

use std::ops::Range;

/// Something that has a place for each of a number of items and can be cut in two between them.
pub(crate) trait Split: Sized + Send {
    fn n_items(&self) -> usize;

    /// The places of the first `n` items and of the rest.
    fn split(self, n: usize) -> (Self, Self);
}

/// Calls `f` with runs of at most `max_len` items, on the current rayon pool; at once where there is but one run.
pub(crate) fn for_each_run<S: Split>(items: S, max_len: usize, f: &(impl Fn(S) + Sync)) {
    reduce_runs(items, max_len, f, &|(), ()| ());
}

/// As [`for_each_run`], and combines the results in an order that depends on the number of items alone.
pub(crate) fn reduce_runs<S: Split, R: Send>(
    items: S,
    max_len: usize,
    f: &(impl Fn(S) -> R + Sync),
    combine: &(impl Fn(R, R) -> R + Sync),
) -> R {
    let n = items.n_items();
    if n <= max_len {
        return f(items);
    }
    let (left, right) = items.split(n / 2);
    let (left, right) =
        rayon::join(|| reduce_runs(left, max_len, f, combine), || reduce_runs(right, max_len, f, combine));
    combine(left, right)
}

/// Places of equal length, all in one slice.
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
    fn n_items(&self) -> usize {
        self.values.len() / self.row_len
    }

    fn split(self, n: usize) -> (Self, Self) {
        let (left, right) = self.values.split_at_mut(n * self.row_len);
        (Places::new(left, self.row_len), Places::new(right, self.row_len))
    }
}

impl<T: Sync> Split for &[T] {
    fn n_items(&self) -> usize {
        self.len()
    }

    fn split(self, n: usize) -> (Self, Self) {
        self.split_at(n)
    }
}

impl<T: Send> Split for &mut [T] {
    fn n_items(&self) -> usize {
        self.len()
    }

    fn split(self, n: usize) -> (Self, Self) {
        self.split_at_mut(n)
    }
}

impl Split for Range<usize> {
    fn n_items(&self) -> usize {
        self.len()
    }

    fn split(self, n: usize) -> (Self, Self) {
        (self.start..self.start + n, self.start + n..self.end)
    }
}

impl<A: Split, B: Split> Split for (A, B) {
    fn n_items(&self) -> usize {
        self.0.n_items()
    }

    fn split(self, n: usize) -> (Self, Self) {
        let ((a, b), (c, d)) = (self.0.split(n), self.1.split(n));
        ((a, c), (b, d))
    }
}
