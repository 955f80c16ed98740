//! The numbers of arrays, as fast as they can be looked through: all of a piece are looked at, several at once, which takes less
//! time than to stop at the first that decides.

use numpy::Element;

/// How many numbers make a piece.
const PIECE: usize = 1024;

/// A type of numbers that is computed with as it is.
pub trait Number: Element + Copy + Default + Into<f64> {
    /// Whether both have the same bits.
    fn is_same(self, other: Self) -> bool;

    fn is_finite(self) -> bool;
}

impl Number for f64 {
    fn is_same(self, other: Self) -> bool {
        self.to_bits() == other.to_bits()
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl Number for f32 {
    fn is_same(self, other: Self) -> bool {
        self.to_bits() == other.to_bits()
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

/// Whether all numbers have the bits of those of a copy.
pub fn are_same<T: Number>(numbers: &[T], copy: &[T]) -> bool {
    let mut pieces = numbers.chunks(PIECE).zip(copy.chunks(PIECE));
    pieces.all(|(numbers, copy)| numbers.iter().zip(copy).fold(true, |same, (a, b)| same & a.is_same(*b)))
}

/// Whether none of them is NaN or infinite.
pub fn are_finite<T: Number>(numbers: &[T]) -> bool {
    numbers.iter().fold(true, |finite, x| finite & x.is_finite())
}
