//! Rows, samples and numbers cut into runs for parallel work.
//!
//! `rayon::join` on halves needs neither a lock nor an allocation, which an iterator over slices of unequal length would.
//! And the same half mostly goes to the same thread again, in pass after pass: what one pass wrote is in that core's cache
//! when the next one reads it. Between cores that share no cache a line takes about 0.2 µs.

use std::ops::Range;

/// How many numbers one task goes through where each of them costs but an operation or two.
pub(crate) const RUN_OF_NUMBERS: usize = 8_192;

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
        debug_assert_eq!(self.0.n_items(), self.1.n_items(), "places for other items");
        self.0.n_items()
    }

    fn split(self, n: usize) -> (Self, Self) {
        let ((a, b), (c, d)) = (self.0.split(n), self.1.split(n));
        ((a, c), (b, d))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_combined_in_the_order_of_their_items_for_any_number_of_threads() {
        let text = |range: Range<usize>| format!("{}-{}", range.start, range.end);
        for (n, expected) in [
            (0, "0-0"),
            (1, "0-1"),
            (3, "0-3"),
            (4, "(0-2 2-4)"),
            (7, "(0-3 (3-5 5-7))"),
            (11, "((0-2 2-5) (5-8 8-11))"),
        ] {
            for n_threads in [1, 2, 3, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                let found = pool.install(|| reduce_runs(0..n, 3, &text, &|left, right| format!("({left} {right})")));
                assert_eq!(found, expected, "{n_threads} threads");
            }
        }
    }

    #[test]
    fn each_item_keeps_its_places_wherever_the_cut_is() {
        for (n, max_run) in [(1, 1), (10, 1), (10, 3), (10, usize::MAX)] {
            let (mut rows, mut numbers) = (vec![0; 3 * n], vec![0; n]);
            let places = (Places::new(&mut rows, 3), &mut numbers[..]);
            for_each_run((0..n, places), max_run, &|(items, (mut rows, numbers))| {
                assert!(items.len() <= max_run);
                for (item, (row, number)) in items.zip(rows.iter_mut().zip(numbers)) {
                    row.fill(item);
                    *number = item;
                }
            });
            assert!(rows.iter().enumerate().all(|(i, &item)| item == i / 3), "{n} in runs of {max_run}: {rows:?}");
            assert!(numbers.iter().enumerate().all(|(i, &item)| item == i), "{n} in runs of {max_run}: {numbers:?}");
        }
    }
}
