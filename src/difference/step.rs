//! How long a step is, and numbers given for every coordinate at once or for each.

use ndarray::{Array, Dimension};

use super::point::Point;

/// The length of the step `h`, in the units of the coordinate.
///
/// Where the engine has a say, it divides by the distance between the points that were in fact evaluated, `(x + h) - x`,
/// not by the `h` that was asked for.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::{Differentiator, Stencil, Step};
///
/// for step in [Step::Automatic, Step::Relative(1e-6), Step::PerCoordinate(vec![1e-6, 1e3])] {
///     let gradient = Differentiator::new(Stencil::central(), step).gradient(|x| x[0] + x[1] * x[1], &array![1.0, 1e9])?;
///     assert!((gradient[1] / 2e9 - 1.0).abs() < 1e-9);
/// }
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Chosen by the order of the stencil and the precision of the function: `ε^(1/(order + 1)) · scale_i`, which is divided by
    /// the stencil's furthest point if the order is above 4.
    ///
    /// There the error of truncation and the error of rounding are about equal. ε is
    /// [`Differentiator::with_precision`](super::Differentiator::with_precision)'s, by default 2.2e-16. The scale is
    /// [`Differentiator::with_scale`](super::Differentiator::with_scale)'s, by default `max(1, |x_i|)`: that fails where the
    /// function changes its shape over much less (or only over much more) than 1 and than `|x_i|`.
    Automatic,
    /// The same length for every coordinate; the difference is divided by this very number, as the book does.
    Absolute(f64),
    /// `rel · scale_i`, where the scale is [`Differentiator::with_scale`](super::Differentiator::with_scale)'s, by default
    /// `max(1, |x_i|)`: below 1 the default is not relative to `x_i`.
    Relative(f64),
    /// A length for each coordinate.
    PerCoordinate(Vec<f64>),
}

impl Step {
    /// The book's step: `h = 1e-4` for every coordinate.
    ///
    /// ```
    /// use numgrad::difference::Step;
    /// assert_eq!(Step::BOOK, Step::Absolute(1e-4));
    /// ```
    pub const BOOK: Step = Step::Absolute(1e-4);

    /// A length for each coordinate, of a slice, a vector, an array or a view, in standard order.
    ///
    /// ```
    /// use numgrad::difference::Step;
    /// assert_eq!(Step::per_coordinate(&ndarray::array![[1e-6], [1e3]]), Step::PerCoordinate(vec![1e-6, 1e3]));
    /// ```
    pub fn per_coordinate(lengths: &(impl Point + ?Sized)) -> Self {
        Step::PerCoordinate(lengths.in_order().into_owned())
    }

    /// # Panics
    /// If a length is not positive and finite.
    pub(super) fn check(&self) {
        let lengths = match self {
            Step::Automatic => &[],
            Step::Absolute(h) | Step::Relative(h) => std::slice::from_ref(h),
            Step::PerCoordinate(lengths) => &lengths[..],
        };
        for h in lengths {
            assert!(*h > 0.0 && h.is_finite(), "a step must be positive and finite, found {h}");
        }
    }
}

/// One number for all coordinates, or one for each.
///
/// ```
/// use numgrad::difference::PerCoordinate;
/// assert_eq!(PerCoordinate::from(1.0), PerCoordinate::Same(1.0));
/// assert_eq!(PerCoordinate::from([1.0, 2.0]), PerCoordinate::Each(vec![1.0, 2.0]));
/// assert_eq!(PerCoordinate::from(&ndarray::array![[1.0], [2.0]]), PerCoordinate::Each(vec![1.0, 2.0]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum PerCoordinate {
    /// The same number for all coordinates.
    Same(f64),
    /// One number for each coordinate, in the array's standard order.
    Each(Vec<f64>),
}

impl PerCoordinate {
    pub(super) fn get(&self, coordinate: usize) -> f64 {
        match self {
            PerCoordinate::Same(value) => *value,
            PerCoordinate::Each(values) => values[coordinate],
        }
    }

    /// How many coordinates it was made for, if that matters.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            PerCoordinate::Same(_) => None,
            PerCoordinate::Each(values) => Some(values.len()),
        }
    }
}

impl From<f64> for PerCoordinate {
    fn from(value: f64) -> Self {
        PerCoordinate::Same(value)
    }
}

impl From<Vec<f64>> for PerCoordinate {
    fn from(values: Vec<f64>) -> Self {
        PerCoordinate::Each(values)
    }
}

/// Of a slice, a vector, an array or a view, in standard order.
impl<P: Point + ?Sized> From<&P> for PerCoordinate {
    fn from(values: &P) -> Self {
        PerCoordinate::Each(values.in_order().into_owned())
    }
}

impl<D: Dimension> From<Array<f64, D>> for PerCoordinate {
    fn from(values: Array<f64, D>) -> Self {
        PerCoordinate::from(&values)
    }
}

impl<const N: usize> From<[f64; N]> for PerCoordinate {
    fn from(values: [f64; N]) -> Self {
        PerCoordinate::Each(values.to_vec())
    }
}
