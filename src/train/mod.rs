//! The training loop's one turn and what is kept of it. Whoever calls it owns the loop, the clock's display, the files
//! and the thread pool.
//!
//! [`initial_parameters`] draws the weights, a [`Trainer`] iterates, [`accuracy`] measures what was learnt; a
//! [`Checkpoint`] keeps a training, and [`write_model`] what came of it.

mod accuracy;
mod checkpoint;
mod error;
mod evaluator;
mod initial;
mod npz;
mod record;
mod trainer;

pub use accuracy::{accuracy, accuracy_unless};
pub use checkpoint::Checkpoint;
pub use error::{Cancelled, Error, Quantity};
pub use evaluator::{Forward, GradientMethod, Hook};
pub use initial::{Init, initial_parameters};
pub use npz::{NpzError, read_model, write_model};
pub use record::Record;
pub use trainer::{Trainer, TrainingSettings};
