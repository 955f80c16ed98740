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
    pub(super) fn len(&self) -> usize {
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

    pub(super) fn get(&self, position: usize) -> usize {
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
