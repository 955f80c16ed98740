//! What can go wrong while differentiating, and what is kept of a gradient that was stopped.

use std::convert::Infallible;
use std::fmt;

use super::moves::EVERYWHERE;

/// Why there is no derivative. `E` is the error of a fallible function; others have none.
///
/// Of several coordinates that fail, the first in the order asked for is reported, for any number of threads.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::Error;
///
/// let error = numgrad::gradient(|x| x[0] + (x[1] - 2.0).sqrt(), &array![0.0, 2.0]).unwrap_err();
/// assert!(matches!(error, Error::NonFinite { coordinate: 1, .. }));
/// assert!(error.to_string().contains("coordinate 1"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error<E = Infallible> {
    /// A coordinate of the point is not finite, or outside its bounds. Nothing was evaluated at it.
    Point {
        /// Which one, in standard order.
        coordinate: usize,
        /// Its value.
        value: f64,
        /// Its bounds.
        bounds: (f64, f64),
    },
    /// A step is so short that adding it to the coordinate changes nothing.
    Step {
        /// Which coordinate, in standard order.
        coordinate: usize,
        /// The step.
        step: f64,
        /// The value that it vanishes beside.
        point: f64,
    },
    /// A component of a direction is NaN or infinite. Nothing was evaluated.
    Direction {
        /// Which one, in standard order.
        coordinate: usize,
        /// Its value.
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
        /// To where it was moved.
        point: f64,
        /// What the function returned.
        value: f64,
    },
    /// A fallible function failed.
    Function {
        /// The coordinate that was moved, in standard order.
        coordinate: usize,
        /// To where it was moved.
        point: f64,
        /// What it says.
        source: E,
    },
    /// The hook cancelled, or the budget ran out. What was done is here.
    Stopped(Box<Partial>),
}

/// What was done of a derivative that was stopped.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::{Differentiator, StopReason};
///
/// let (x, central) = (array![1.0, 2.0, 3.0], Differentiator::default());
/// let error = central.clone().with_budget(5).gradient(|x| x.dot(x), &x).unwrap_err();
/// let partial = error.partial().unwrap();
/// assert_eq!(partial.reason, StopReason::Budget);
/// // What is missing, later.
/// let missing: Vec<usize> = (0..3).filter(|&i| !partial.done[i]).collect();
/// assert_eq!(missing, [2]);
/// assert!((central.partials(|x| x.dot(x), &x, missing)?[0] - 6.0).abs() < 1e-9);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Partial {
    /// Why it was stopped.
    pub reason: StopReason,
    /// The result in standard order, NaN where it was not computed.
    pub values: Vec<f64>,
    /// For each coordinate that was asked for, whether it was done. Those are final: the bits of an undisturbed run.
    pub done: Vec<bool>,
}

/// Why a derivative was stopped. See [`Partial`] for an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The hook returned `ControlFlow::Break`.
    Cancelled,
    /// Another coordinate would have gone over the budget of evaluations.
    Budget,
}

impl<E> Error<E> {
    /// What is kept when it was stopped.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    ///
    /// let short = Differentiator::default().with_budget(5);
    /// let error = short.gradient(|x| x.sum(), &array![1.0, 2.0, 3.0]).unwrap_err();
    /// assert_eq!(error.partial().unwrap().done, [true, true, false]);
    /// ```
    pub fn partial(&self) -> Option<&Partial> {
        if let Error::Stopped(partial) = self { Some(partial) } else { None }
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Point { coordinate, value, bounds } => {
                write!(f, "coordinate {coordinate} is {value}, expected a finite number")?;
                match *bounds {
                    EVERYWHERE => Ok(()),
                    (lower, upper) => write!(f, " within {lower:e}..={upper:e}"),
                }
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
            Error::Function { coordinate, point, source } => {
                write!(f, "the function failed with coordinate {coordinate} at {point:e}: {source}")
            }
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

impl<E: std::error::Error + 'static> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Error::Function { source, .. } = self { Some(source) } else { None }
    }
}
