//! What can go wrong while training.

/// The hook cancelled the gradient of an iteration; some of its coordinates were not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the gradient was cancelled before all of its coordinates were computed")]
pub struct Cancelled;

/// Why an iteration was not finished. The parameters are finite, and those of the iteration before or, where the loss is
/// what failed, those after the update.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number is NaN or infinite.
    #[error(
        "iteration {iteration}: {quantity} is {value}, expected a finite number; \
         the numbers have grown too large: try a smaller learning rate or initial scale, or another step"
    )]
    Diverged {
        /// The iteration that failed, counted from 1.
        iteration: u64,
        /// What is not finite; of several arrays the first in the order W1, b1, W2, b2.
        quantity: Quantity,
        /// The first such value in it.
        value: f64,
    },
    /// The hook cancelled the gradient.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// What an iteration computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// The gradient of the array of this name.
    Gradient(&'static str),
    /// The array of this name, after the update.
    Parameters(&'static str),
    /// The loss after the update.
    Loss,
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Quantity::Gradient(array) => write!(f, "the gradient of {array}"),
            Quantity::Parameters(array) => write!(f, "{array} after the update"),
            Quantity::Loss => f.write_str("the loss after the update"),
        }
    }
}
