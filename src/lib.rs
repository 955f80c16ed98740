//! Numerical differentiation that is parallel, exact and fast.
//!
//! ```
//! use ndarray::array;
//!
//! let gradient = numgrad::numerical_gradient(|x| x[0] * x[0] + x[1], &array![3.0, 4.0]);
//! assert!((gradient[0] - 6.0).abs() < 1e-8 && (gradient[1] - 1.0).abs() < 1e-8);
//! ```
//!
//! The crate has an engine and a network that shows what it can do:
//!
//! - [`difference`]: stencils, steps, objectives, and gradients of them, serial or on the current rayon pool, with the same
//!   bits for any number of threads. It needs ndarray and rayon alone (`default-features = false`).
//! - [`nn`]: the two-layer network of chapter 4 of "Deep Learning from Scratch", its loss as an objective that runs whole
//!   forward passes ([`nn::FullLoss`]) and as one that recomputes only what a moved weight reaches
//!   ([`nn::IncrementalLoss`]), and backpropagation to compare with.
//! - `dataset`, `random`, `train` (feature `cli`, on by default): MNIST and the digits that are built in, NumPy's random
//!   numbers draw for draw, and the training loop of the program `numgrad-train`.
//!
//! Words: a *stencil* says at which multiples of the *step* `h` a function is evaluated; `delta` is by how much one
//! coordinate is moved; an *objective* is what is evaluated; one update of the parameters is an *iteration*, and what the
//! gradient is multiplied by is the *learning rate*. Shapes: N samples, D inputs, H hidden units, K classes.
//!
//! The embedded digits are the first 6,000 training and 1,000 test digits of MNIST (Yann LeCun, Corinna Cortes, Christopher
//! J. C. Burges), under the Creative Commons Attribution-Share Alike 3.0 licence.

#[cfg(feature = "cli")]
pub mod dataset;
pub mod difference;
pub mod nn;
#[cfg(feature = "cli")]
pub mod random;
#[cfg(feature = "cli")]
pub mod train;

pub use difference::{gradient, numerical_gradient};
