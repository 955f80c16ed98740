//! The engine: functions, points and steps. It knows no network and no file, and needs ndarray and rayon alone.
//!
//! A [`Stencil`] says at which multiples of the step a function is evaluated and how the values are weighed; a [`Step`]
//! says how long the step is; an [`Objective`] evaluates; a [`Differentiator`] puts them together, serially or on the
//! current rayon pool. Every partial derivative is computed by one worker in a fixed order and written to its own slot,
//! so the bits do not depend on the number of threads.

mod gradient;
mod objective;
mod stencil;
mod step;

pub use gradient::{Cancelled, Differentiator, Hook, Parallelism, numerical_gradient};
pub use objective::{Moves, Objective};
pub use stencil::Stencil;
pub use step::Step;
