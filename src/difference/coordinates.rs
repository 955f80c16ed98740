//! Which coordinates are asked for.

use std::ops::Range;

/// Some of a function's coordinates, numbered in the array's standard order: a range or a list.
///
/// Several machines may share one gradient: the parts have the bits of the whole.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::Differentiator;
///
/// let (central, x) = (Differentiator::default(), array![[1.0, 2.0], [3.0, 4.0]]);
/// let at_x = central.of(|x| x.iter().map(|x| x * x).sum(), &x);
/// let whole = at_x.gradient()?;
/// assert_eq!(at_x.partials(1..3)?, [whole[[0, 1]], whole[[1, 0]]]);
/// assert_eq!(at_x.partials([3, 0])?, [whole[[1, 1]], whole[[0, 0]]]);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coordinates {
    /// The coordinates of a range, in their order.
    Range(Range<usize>),
    /// The coordinates of a list, in its order.
    List(Vec<usize>),
}

impl Coordinates {
    /// The part of `0..n` that falls to `rank` of `size` machines, counted from 0, that share a gradient: one follows the other,
    /// and their lengths differ by at most one.
    ///
    /// # Panics
    /// If `rank` is not below `size`.
    ///
    /// ```
    /// use numgrad::difference::Coordinates;
    /// let shares: Vec<_> = (0..3).map(|rank| Coordinates::share(10, rank, 3)).collect();
    /// assert_eq!(shares, [0..3, 3..6, 6..10]);
    /// ```
    pub fn share(n: usize, rank: usize, size: usize) -> Range<usize> {
        assert!(rank < size, "rank {rank} is outside 0..{size}");
        let begin = |rank: usize| (n as u128 * rank as u128 / size as u128) as usize;
        begin(rank)..begin(rank + 1)
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Coordinates::Range(range) => range.len(),
            Coordinates::List(list) => list.len(),
        }
    }

    /// # Panics
    /// If there is not one slot for each.
    pub(super) fn check_slots<T>(&self, slots: &[T]) {
        assert!(slots.len() == self.len(), "{} slots for {} coordinates", slots.len(), self.len());
    }

    pub(crate) fn get(&self, position: usize) -> usize {
        match self {
            Coordinates::Range(range) => range.start + position,
            Coordinates::List(list) => list[position],
        }
    }

    /// # Panics
    /// If one of them is not below `n`.
    pub(super) fn check(&self, n: usize) {
        let outside = match self {
            Coordinates::Range(range) => (range.end > n && !range.is_empty()).then_some(range.end.wrapping_sub(1)),
            Coordinates::List(list) => list.iter().copied().find(|&coordinate| coordinate >= n),
        };
        if let Some(outside) = outside {
            panic!("coordinate {outside} of a function of {n} coordinates");
        }
    }
}

impl From<Range<usize>> for Coordinates {
    fn from(range: Range<usize>) -> Self {
        Coordinates::Range(range)
    }
}

impl From<Vec<usize>> for Coordinates {
    fn from(list: Vec<usize>) -> Self {
        Coordinates::List(list)
    }
}

impl From<&[usize]> for Coordinates {
    fn from(list: &[usize]) -> Self {
        Coordinates::List(list.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Coordinates {
    fn from(list: [usize; N]) -> Self {
        Coordinates::List(list.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_one_another_and_differ_by_one_at_most() {
        for (n, size) in [(0, 3), (1, 4), (10, 3), (39_760, 7), (usize::MAX, 2)] {
            let ranges: Vec<_> = (0..size).map(|rank| Coordinates::share(n, rank, size)).collect();
            assert_eq!((ranges[0].start, ranges[size - 1].end), (0, n));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(ranges.iter().all(|range| (n / size..=n / size + 1).contains(&range.len())), "{ranges:?}");
        }
    }
}
