//! Rows, samples and numbers cut into chunks for parallel work.
//!
//! `rayon::join` on halves needs neither a lock nor an allocation, which an iterator over slices of unequal length would.
//! And the same half mostly goes to the same thread again, in pass after pass: what one pass wrote is in that core's cache
//! when the next one reads it. Between cores that share no cache a line takes about 0.2 µs.

use std::ops::Range;

/// How many numbers one task goes through where each of them costs only an operation or two.
pub(in super::super) const NUMBERS_PER_TASK: usize = 8_192;

/// What belongs to a number of items (their numbers, or the memory that each of them has to itself) and can be cut in two
/// between any two of them.
pub(in super::super) trait Split: Sized + Send {
    /// How many items there are.
    fn n_items(&self) -> usize;

    /// What belongs to the first `n` items, and what belongs to the others.
    fn split(self, n: usize) -> (Self, Self);
}

/// Calls `f` with chunks of at most `max_len` items, on the current rayon pool; directly where one chunk holds them all.
pub(in super::super) fn for_each_chunk<S: Split>(items: S, max_len: usize, f: &(impl Fn(S) + Sync)) {
    reduce_chunks(items, max_len, f, &|(), ()| ());
}

/// Calls `f` as [`for_each_chunk`] does, and combines the results in an order that depends on the number of items alone.
pub(in super::super) fn reduce_chunks<S: Split, R: Send>(
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
        rayon::join(|| reduce_chunks(left, max_len, f, combine), || reduce_chunks(right, max_len, f, combine));
    combine(left, right)
}

/// `Σ_i term(a[i], b[i])`, on the current rayon pool, in an order that depends on the length alone.
#[cfg(feature = "train")]
pub(crate) fn sum(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64 + Sync) -> f64 {
    let sum_of_chunk = |(a, b): (&[f64], &[f64])| {
        // In eight sums at a time.
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
        let mut sums = [0.0; 8];
        for (a, b) in a.iter().zip(b) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum += term(a[lane], b[lane]);
            }
        }
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(&a, &b)| term(a, b)).sum();
        sums.iter().sum::<f64>() + rest
    };
    reduce_chunks((a, b), NUMBERS_PER_TASK, &sum_of_chunk, &|left, right| left + right)
}

/// Rows of equal length to be written, one after another in a slice: what each item of a [`Split`] has to itself.
pub(in super::super) struct RowsMut<'a, T> {
    pub values: &'a mut [T],
    pub row_len: usize,
}

impl<'a, T> RowsMut<'a, T> {
    pub fn new(values: &'a mut [T], row_len: usize) -> Self {
        Self { values, row_len }
    }

    /// Some of the rows that follow one another in `values`.
    pub fn among(values: &'a mut [T], row_len: usize, rows: Range<usize>) -> Self {
        Self::new(&mut values[rows.start * row_len..rows.end * row_len], row_len)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        self.values.chunks_exact_mut(self.row_len)
    }
}

impl<T: Send> Split for RowsMut<'_, T> {
    fn n_items(&self) -> usize {
        self.values.len() / self.row_len
    }

    fn split(self, n: usize) -> (Self, Self) {
        let (left, right) = self.values.split_at_mut(n * self.row_len);
        (RowsMut::new(left, self.row_len), RowsMut::new(right, self.row_len))
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
        debug_assert_eq!(self.0.n_items(), self.1.n_items(), "memory for other items");
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
    fn chunks_are_combined_in_the_order_of_their_items_for_any_number_of_threads() {
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
                let found = pool.install(|| reduce_chunks(0..n, 3, &text, &|left, right| format!("({left} {right})")));
                assert_eq!(found, expected, "{n_threads} threads");
            }
        }
    }

    #[test]
    fn each_item_keeps_its_row_wherever_the_cut_is() {
        for (n, max_chunk) in [(1, 1), (10, 1), (10, 3), (10, usize::MAX)] {
            let (mut rows, mut numbers) = (vec![0; 3 * n], vec![0; n]);
            let memory = (RowsMut::new(&mut rows, 3), &mut numbers[..]);
            for_each_chunk((0..n, memory), max_chunk, &|(items, (mut rows, numbers))| {
                assert!(items.len() <= max_chunk);
                for (item, (row, number)) in items.zip(rows.iter_mut().zip(numbers)) {
                    row.fill(item);
                    *number = item;
                }
            });
            assert!(rows.iter().enumerate().all(|(i, &item)| item == i / 3), "{n} in chunks of {max_chunk}: {rows:?}");
            assert!(
                numbers.iter().enumerate().all(|(i, &item)| item == i),
                "{n} in chunks of {max_chunk}: {numbers:?}"
            );
        }
    }

    #[cfg(feature = "train")]
    #[test]
    fn a_sum_of_any_length_has_every_term_once() {
        for n in [0, 1, 7, 8, 9, 50, 8_192, 8_193, 40_000] {
            let values: Vec<f64> = (1..=n).map(f64::from).collect();
            // Sums of whole numbers are exact.
            let n = f64::from(n);
            assert_eq!(sum(&values, &values, |v, same| v * same), n * (n + 1.0) * (2.0 * n + 1.0) / 6.0);
        }
    }
}
