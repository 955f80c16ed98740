//! The engine: functions, points and steps. It knows no network and no file, and needs ndarray and rayon alone.
//!
//! A [`Stencil`] says at which multiples of the step a function is evaluated and how the values are weighed; a [`Step`]
//! says how long the step is; a [`Differentiator`] puts them together with bounds and the rest. Its [`of`](Differentiator::of)
//! takes a function and a point, and gives what every derivative can be had of. Every partial derivative is computed by
//! one worker in a fixed order and written to its own slot, so the bits do not depend on the number of threads.
//!
//! What happens in `gradient()`, from the call to the slot, is told in `src/difference/README.md`.

mod adaptive;
mod call;
mod check;
pub mod choosing_a_step;
mod constructors;
mod coordinates;
mod differentiator;
mod direction;
mod driver;
mod error;
mod estimate;
mod extrapolation;
mod function;
mod hessian;
mod jacobian;
mod objective;
mod of;
mod of_estimates;
mod of_objective;
mod of_values;
mod pace;
mod parts;
mod pattern_check;
mod plain;
mod point;
mod probe;
mod scheme;
mod shorten;
mod shorthands;
mod sparse;
mod stencil;
mod step;
mod sweep;
mod worker;

pub use call::{Hook, Progress};
#[cfg(feature = "train")]
pub(crate) use check::chosen;
pub use check::{Agreement, CheckReport, Comparison, Sample};
pub use coordinates::Coordinates;
pub use differentiator::{Differentiator, NonFinite};
pub use error::{Error, Partial, StopReason, TryError};
pub use estimate::Estimate;
pub use function::{Source, Written};
pub use objective::Objective;
pub use of::Of;
pub use of_objective::OfObjective;
pub use of_values::OfValues;
pub use parts::{Moves, PartsRequest};
pub use point::{Point, Shaped, Target};
pub use shorthands::{derivative, gradient, numerical_gradient};
pub use sparse::SparsityPattern;
pub use stencil::Stencil;
pub use step::{PerCoordinate, Step};
pub use sweep::Parallelism;
