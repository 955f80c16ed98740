//! Training: what a run can be told, the loop, and what is kept of it. Whoever calls it owns what is shown, what interrupts
//! it, and the thread pool.
//!
//! [`initial_parameters`] draws the weights; a [`Trainer`] does one iteration after another; a [`Session`] does all that
//! [`RunSettings`] ask for, with a [`Log`] and [`Checkpoints`] in the run's folder ([`RunFiles`]), and is continued from a
//! [`SavedRun`]. An [`Evaluation`] tells what was learnt, and [`write_model`] keeps it. [`check_gradient`] compares a batch's
//! numerical gradient with the analytic one, and [`step_study`] the errors of several differences at several steps.
//!
//! Several processes train together as a [`Team`], each with a trainer and a session of its own.

mod as_text;
mod batch_loss;
mod check;
mod checkpoint;
mod cut;
mod error;
mod evaluation;
mod hidden;
mod initial;
mod log;
mod model;
mod record;
mod run_files;
mod saved_run;
mod selection;
mod session;
mod settings;
mod share;
mod snapshots;
mod state_hash;
mod step_doubt;
mod step_study;
mod team;
mod trainer;
mod worked_weight;

pub use crate::files::npz::NpzError;
pub use batch_loss::Hook;
pub use check::{ArrayCheck, GradientCheck, RESOLUTION, check_gradient, check_gradient_n_bytes};
pub use checkpoint::Checkpoint;
pub use error::{Cancelled, Divergence, Error, FileError, Quantity, SessionError};
pub use evaluation::{Evaluation, Prediction};
pub use hidden::HiddenSizes;
pub use initial::{Init, InitScale, initial_parameters};
pub use log::Log;
pub use model::{read_model, write_gradient, write_model};
pub use record::Record;
pub use run_files::RunFiles;
#[cfg(feature = "cli")]
pub(crate) use saved_run::by_another_version;
pub use saved_run::{Checkpoints, RunState, SavedRun};
pub use session::{Accuracy, Ended, Session, Watcher};
pub use settings::{
    CheckpointSettings, Contradiction, Every, Forward, GradientMethod, OnResume, RunSettings, TrainingSettings,
};
pub use share::Sharing;
pub use snapshots::{SnapshotFile, Snapshots};
pub use step_doubt::StepDoubt;
pub use step_study::{MethodErrors, StepStudy, logarithmic_steps, step_study};
pub use team::{Alone, Team, TeamError, check_alike, gather_texts};
pub use trainer::Trainer;
pub use worked_weight::WorkedWeight;
