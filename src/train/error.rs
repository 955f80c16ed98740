//! What can go wrong while training.

use std::fmt::{self, Display};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::as_text;
use super::team::TeamError;
use crate::files::npz::NpzError;

/// The hook cancelled the gradient of an iteration; some of its coordinates were not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the gradient was cancelled before all of its coordinates were computed")]
pub struct Cancelled;

/// Why an iteration was not finished. The parameters are finite: where the loss is what failed, they are those after the
/// update, and otherwise those of the iteration before.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number is NaN or infinite.
    #[error(transparent)]
    Diverged(#[from] Divergence),
    /// The hook cancelled the gradient, or that of another member of the team did.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The members of the team can't go on together.
    #[error(transparent)]
    Team(#[from] TeamError),
}

/// What hinders a session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Its log or its checkpoint can't be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The members of the team can't go on together.
    #[error(transparent)]
    Team(#[from] TeamError),
}

/// The first number of a training that was not finite, or the first parameter that the step can't move any more. Training
/// cannot go on from there.
///
/// It is printed as a text that tells what to change, which [`str::parse`] reads back and which stands for it where it is
/// serialised.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("iteration {iteration}: {quantity} is {value}{}", quantity.advice())]
pub struct Divergence {
    /// The iteration that failed, counted from 1.
    pub iteration: u64,
    /// What is at fault; of several arrays the first in the order W1, b1, W2, b2, ….
    pub quantity: Quantity,
    /// The first such value in it.
    pub value: f64,
}

const ADVICE: &str = ", expected a finite number; the numbers have grown too large: try a smaller learning rate or initial \
                      scale, or another step";
const UNMOVED_ADVICE: &str = ", which stays the same when the step is added, so that its derivative would be 0: try a \
                              smaller learning rate, a longer step or the incremental mode";

impl FromStr for Divergence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (iteration, rest) = text.strip_prefix("iteration ")?.split_once(": ")?;
            // Another version may advise otherwise.
            let (quantity, rest) = rest.split_once(" is ")?;
            let (value, _advice) = rest.split_once(", ").unwrap_or((rest, ""));
            let quantity = Quantity::from_text(quantity)?;
            Some(Self { iteration: iteration.parse().ok()?, quantity, value: value.parse().ok()? })
        };
        parse().ok_or_else(|| format!("expected the text that tells of a number that is not finite, found \"{text}\""))
    }
}

impl Serialize for Divergence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_text::serialize(self, serializer)
    }
}

impl<'a> Deserialize<'a> for Divergence {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        as_text::deserialize(deserializer)
    }
}

/// What an iteration computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quantity {
    /// The gradient of the array of this name.
    Gradient(String),
    /// The array of this name, after the update.
    Parameters(String),
    /// The loss after the update.
    Loss,
    /// A parameter of the array of this name, which stays as it is when the step is added to it and when it is subtracted.
    Unmoved(String),
}

const GRADIENT_OF: &str = "the gradient of ";
const AFTER_THE_UPDATE: &str = " after the update";
const LOSS: &str = "the loss after the update";
const PARAMETER_OF: &str = "the parameter of ";
const VANISHES_BESIDE: &str = " that the step vanishes beside";

impl Quantity {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            LOSS => Some(Self::Loss),
            text => {
                let gradient = text.strip_prefix(GRADIENT_OF).map(|array| Self::Gradient(array.to_owned()));
                let parameters = || text.strip_suffix(AFTER_THE_UPDATE).map(|array| Self::Parameters(array.to_owned()));
                let unmoved = || {
                    let array = text.strip_prefix(PARAMETER_OF)?.strip_suffix(VANISHES_BESIDE)?;
                    Some(Self::Unmoved(array.to_owned()))
                };
                gradient.or_else(parameters).or_else(unmoved)
            }
        }
    }

    /// What is wrong with it, and what to do.
    fn advice(&self) -> &'static str {
        if let Self::Unmoved(_) = self { UNMOVED_ADVICE } else { ADVICE }
    }
}

impl Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Gradient(array) => write!(f, "{GRADIENT_OF}{array}"),
            Self::Parameters(array) => write!(f, "{array}{AFTER_THE_UPDATE}"),
            Self::Loss => f.write_str(LOSS),
            Self::Unmoved(array) => write!(f, "{PARAMETER_OF}{array}{VANISHES_BESIDE}"),
        }
    }
}

/// What is wrong with a file that a run writes or is continued from. Each names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system does not allow what was to be done.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// What was to be done with the file: create, open, read or write it.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// The row of an iteration can't be added to the log.
    #[error("cannot write iteration {iteration} to {}: {reason}", path.display())]
    Row {
        /// The iteration.
        iteration: u64,
        /// The log.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// The checkpoint is not there as a whole.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: NpzError,
    },
    /// The file does not hold what it should.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was expected, what was found, and what can be done.
        problem: String,
    },
}

impl FileError {
    pub(super) fn io(action: &'static str, path: &Path, reason: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), reason }
    }

    pub(super) fn content(path: &Path, problem: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), problem: problem.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_reads_back_from_its_text() {
        for quantity in [Quantity::Gradient("W1".into()), Quantity::Parameters("b2".into()), Quantity::Loss] {
            for value in [f64::INFINITY, f64::NEG_INFINITY] {
                let divergence = Divergence { iteration: 12, quantity: quantity.clone(), value };
                assert_eq!(divergence.to_string().parse(), Ok(divergence));
            }
        }
        let unmoved = Divergence { iteration: 3, quantity: Quantity::Unmoved("W1".into()), value: 2e16 };
        assert_eq!(unmoved.to_string().parse(), Ok(unmoved));
        let text = "iteration 1: the loss after the update is NaN, expected a finite number; the numbers have grown too \
                    large: try a smaller learning rate or initial scale, or another step";
        let divergence: Divergence = text.parse().unwrap();
        assert!(divergence.value.is_nan() && divergence.to_string() == text);
        assert_eq!(
            "iteration 1: the loss after the update is inf, so buy a larger one"
                .parse::<Divergence>()
                .unwrap()
                .iteration,
            1
        );
        assert!("iteration 1: something else".parse::<Divergence>().is_err());
    }
}
