//! The training loop's one turn and what is kept of it. Whoever calls it owns the loop, the clock's display, the files
//! and the thread pool.
//!
//! [`initial_parameters`] draws the weights, a [`Trainer`] iterates, [`accuracy`] measures what was learnt.

mod accuracy;
mod error;
mod evaluator;
mod initial;
mod record;
mod trainer;

pub use accuracy::accuracy;
pub use error::{Cancelled, Error, Quantity};
pub use evaluator::{Forward, GradientMethod, Hook};
pub use initial::{Init, initial_parameters};
pub use record::Record;
pub use trainer::{Trainer, TrainingSettings};
