//! The training loop's one turn and what is kept of it. Whoever calls it owns the loop, the clock's display, the files
//! and the thread pool.
//!
//! [`initial_parameters`] draws the weights, a [`Trainer`] iterates, an [`Evaluation`] tells what was learnt; a
//! [`Checkpoint`] keeps a training, and [`write_model`] what came of it. [`check_gradient`] compares a batch's numerical
//! gradient with the analytic one, and [`step_study`] the errors of several differences at several steps.

mod check;
mod checkpoint;
mod error;
mod evaluation;
mod evaluator;
mod initial;
mod model;
mod npz;
mod record;
mod run_files;
mod selection;
mod step_study;
mod trainer;

pub use check::{ArrayCheck, GradientComparison, RESOLUTION, Verdict, check_gradient, check_gradient_n_bytes};
pub use checkpoint::Checkpoint;
pub use error::{Cancelled, Error, Quantity};
pub use evaluation::{Evaluation, Prediction};
pub use evaluator::{Forward, GradientMethod, Hook};
pub use initial::{Init, initial_parameters};
pub use model::{read_model, write_model};
pub use npz::NpzError;
pub use record::Record;
pub use run_files::RunFiles;
pub use step_study::{MethodErrors, StepStudy, logarithmic_steps, step_study};
pub use trainer::{Trainer, TrainingSettings};
