//! The engine: functions, points and steps. It knows no network and no file, and needs ndarray and rayon alone.
//!
//! A [`Stencil`] says at which multiples of the step a function is evaluated and how the values are weighed; a [`Step`]
//! says how long the step is; a [`Differentiator`] puts them together with bounds, a budget and a hook, serially or on the
//! current rayon pool, and takes functions of arrays or a structured [`Objective`]. Every partial derivative is computed by
//! one worker in a fixed order and written to its own slot, so the bits do not depend on the number of threads.

mod adaptive;
mod check;
pub mod choosing_a_step;
mod coordinates;
mod differentiator;
mod direction;
mod error;
mod extrapolation;
mod gradient;
mod hessian;
mod jacobian;
mod moves;
mod objective;
mod probe;
mod run;
mod sparse;
mod stencil;
mod step;
mod worker;

pub use adaptive::Estimate;
#[cfg(feature = "train")]
pub(crate) use check::chosen;
pub use check::{Comparison, GradientCheck, Sample};
pub use coordinates::Coordinates;
pub use differentiator::{Differentiator, NonFinite};
pub use error::{Error, Partial, StopReason};
pub use gradient::{gradient, numerical_gradient};
pub use objective::{Moves, Objective};
pub use run::{Hook, Parallelism, Progress};
pub use sparse::SparsityPattern;
pub use stencil::Stencil;
pub use step::{PerCoordinate, Step};
