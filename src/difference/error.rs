//! What can go wrong while differentiating, and what is kept of a gradient that was stopped.

use std::convert::Infallible;
use std::fmt;

/// Why there is no derivative. A function that can itself fail has [`TryError`] instead.
///
/// Of several coordinates that fail, the first in the order asked for is reported, for any number of threads.
///
/// ```
/// use numgrad::difference::Error;
///
/// let error = numgrad::gradient(|x| x[0] + (x[1] - 2.0).sqrt(), &[0.0, 2.0]).unwrap_err();
/// assert!(matches!(error, Error::NonFinite { coordinate: 1, .. }));
/// assert!(error.to_string().contains("coordinate 1"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A coordinate of the point is not finite, or outside its bounds. Nothing was evaluated at it.
    Point {
        /// The number of the coordinate, in standard order.
        coordinate: usize,
        /// The value that is refused.
        value: f64,
        /// The lower and the upper bound of the coordinate.
        bounds: (f64, f64),
    },
    /// A step is so short that adding it to the coordinate changes nothing.
    Step {
        /// The number of the coordinate, in standard order.
        coordinate: usize,
        /// The length of the step.
        step: f64,
        /// The value that it vanishes beside.
        point: f64,
    },
    /// A component of a direction is NaN or infinite. Nothing was evaluated.
    Direction {
        /// The number of the component, in standard order.
        coordinate: usize,
        /// The value that is refused.
        value: f64,
    },
    /// The function's values are finite, but the derivative that was made of them is not.
    Overflow {
        /// The coordinate that was moved, in standard order.
        coordinate: usize,
        /// The derivative.
        value: f64,
    },
    /// The function is NaN or infinite.
    NonFinite {
        /// The coordinate that was moved, in standard order.
        coordinate: usize,
        /// The value that the coordinate was moved to.
        point: f64,
        /// What the function returned.
        value: f64,
    },
    /// A sparsity pattern leaves out an entry that is not 0, and what it leaves out was added to other entries.
    Pattern {
        /// The row that the entry is missing in.
        row: usize,
        /// The derivative of its value along a random direction, by the entries that the pattern names.
        product: f64,
        /// The same by the function itself.
        slope: f64,
    },
    /// The hook cancelled, or the budget ran out. It holds what was done until then.
    Stopped(Box<Partial>),
}

/// Why there is no derivative of a function that can fail: the function's own error, or one of the engine's.
///
/// ```
/// use numgrad::difference::{Differentiator, Error, TryError};
///
/// let f = |x: &[f64; 2]| if x[1] > 2.0 { Err("too large") } else { Ok(x[0] / (x[1] - 1.0)) };
/// let gradient = |x| Differentiator::default().try_of(f, &x).gradient();
/// assert!((gradient([3.0, 1.5])?[0] - 2.0).abs() < 1e-9);
/// assert!(matches!(gradient([3.0, 2.0]).unwrap_err(), TryError::Function { coordinate: 1, source: "too large", .. }));
/// assert!(matches!(gradient([f64::NAN, 1.0]).unwrap_err(), TryError::Engine(Error::Point { coordinate: 0, .. })));
/// # Ok::<(), TryError<&str>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TryError<E> {
    /// The function failed.
    Function {
        /// The coordinate that was moved, in standard order.
        coordinate: usize,
        /// The value that the coordinate was moved to.
        point: f64,
        /// The error that the function returned.
        source: E,
    },
    /// The function did not fail, and yet there is no derivative.
    Engine(Error),
}

/// What was done of a derivative that was stopped.
///
/// ```
/// use ndarray::{Array1, array};
/// use numgrad::difference::{Differentiator, StopReason};
///
/// let (x, central) = (array![1.0, 2.0, 3.0], Differentiator::default());
/// let f = |x: &Array1<f64>| x.dot(x);
/// let error = central.of(f, &x).within(5).gradient().unwrap_err();
/// let partial = error.partial().unwrap();
/// assert_eq!(partial.reason, StopReason::Budget);
/// // What is missing, later.
/// let missing: Vec<usize> = (0..3).filter(|&i| !partial.done[i]).collect();
/// assert_eq!(missing, [2]);
/// assert!((central.of(f, &x).partials(missing)?[0] - 6.0).abs() < 1e-9);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Partial {
    /// Why it was stopped.
    pub reason: StopReason,
    /// The result in standard order, NaN where it was not computed.
    pub values: Vec<f64>,
    /// For each coordinate that was asked for, whether it was done. A value that was done is final: it has the bits
    /// of an undisturbed run.
    pub done: Vec<bool>,
}

/// Why a derivative was stopped. See [`Partial`] for an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The hook returned `ControlFlow::Break`, or the flag that cancels was set.
    Cancelled,
    /// Another coordinate would have gone over the budget of evaluations.
    Budget,
}

impl Error {
    /// What is kept when it was stopped.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    ///
    /// let central = Differentiator::default();
    /// let error = central.of(|x| x.iter().sum(), &[1.0, 2.0, 3.0]).within(5).gradient().unwrap_err();
    /// assert_eq!(error.partial().unwrap().done, [true, true, false]);
    /// ```
    pub fn partial(&self) -> Option<&Partial> {
        if let Error::Stopped(partial) = self { Some(partial) } else { None }
    }
}

impl<E> TryError<E> {
    /// What is kept when it was stopped. See [`Error::partial`] for an example.
    pub fn partial(&self) -> Option<&Partial> {
        if let TryError::Engine(error) = self { error.partial() } else { None }
    }
}

impl<E> From<Error> for TryError<E> {
    fn from(error: Error) -> Self {
        TryError::Engine(error)
    }
}

/// A function that cannot fail leaves the engine's errors.
impl From<TryError<Infallible>> for Error {
    fn from(error: TryError<Infallible>) -> Self {
        match error {
            TryError::Engine(error) => error,
            TryError::Function { source, .. } => match source {},
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Point { coordinate, value, bounds: (lower, upper) } => {
                write!(f, "coordinate {coordinate} is {value}, expected a finite number")?;
                let is_bounded = (*lower, *upper) != (f64::MIN, f64::MAX);
                if is_bounded { write!(f, " within {lower:e}..={upper:e}") } else { Ok(()) }
            }
            Error::Direction { coordinate, value } => {
                write!(f, "component {coordinate} of the direction is {value}, expected a finite number")
            }
            Error::Step { coordinate, step, point } => write!(
                f,
                "the step {step:e} of coordinate {coordinate} vanishes beside its value {point:e}, for one point of the \
                 stencil at least; choose a longer, a relative or the automatic step"
            ),
            Error::Overflow { coordinate, value } => write!(
                f,
                "the derivative by coordinate {coordinate} is {value} though the function's values are finite: their \
                 difference or its quotient by the step overflows; divide the function by its size"
            ),
            Error::NonFinite { coordinate, point, value } => write!(
                f,
                "the function is {value} with coordinate {coordinate} at {point:e}, expected a finite number; \
                 say how small the coordinate's scale is if the step leads too far, set bounds that keep away from there, \
                 or another rule for such values"
            ),
            Error::Pattern { row, product, slope } => write!(
                f,
                "the sparsity pattern leaves out an entry of row {row}: along a random direction its value changes by \
                 {slope:e}, by the entries of the pattern it would be {product:e}; add the entry, or leave the check \
                 out by `unchecked` of the pattern"
            ),
            Error::Stopped(partial) => {
                let n_done = partial.done.iter().filter(|done| **done).count();
                let why = match partial.reason {
                    StopReason::Cancelled => "cancelled",
                    StopReason::Budget => "out of its budget of evaluations",
                };
                write!(f, "{why} after {n_done} of {} coordinates", partial.done.len())
            }
        }
    }
}

impl std::error::Error for Error {}

impl<E: fmt::Display> fmt::Display for TryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            TryError::Function { coordinate, point, source } => {
                write!(f, "the function failed with coordinate {coordinate} at {point:e}: {source}")
            }
            TryError::Engine(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for TryError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let TryError::Function { source, .. } = self { Some(source) } else { None }
    }
}
