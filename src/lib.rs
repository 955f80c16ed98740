//! Numerical differentiation that is parallel, exact and fast.
//!
//! In a project beside a clone of the repository, `cargo add numgrad --path ../numgrad --no-default-features`, and a function
//! has a gradient:
//!
//! ```
//! use numgrad::ndarray::array;
//!
//! let gradient = numgrad::gradient(|x| x[0] * x[0] + x[1].sin(), &array![3.0, 4.0])?;
//! assert!((gradient[0] - 6.0).abs() < 1e-9 && (gradient[1] - 4_f64.cos()).abs() < 1e-9);
//! # Ok::<(), numgrad::difference::Error>(())
//! ```
//!
//! That is central differences with a step that fits the numbers. "Exact" is said of differences: from the derivative they
//! differ by what a step of h truncates, and those of a closure by the rounding of its values as well. A
//! [`Differentiator`](difference::Differentiator) takes more digits, threads, bounds, a budget, or a hook that tells of progress
//! and cancels:
//!
//! ```
//! use numgrad::ndarray::{Array1, array};
//! use numgrad::difference::{Differentiator, Stencil, Step};
//!
//! let entropy = |p: &Array1<f64>| -p.iter().map(|p| p * p.ln()).sum::<f64>();
//! let how = Differentiator::new(Stencil::five_point(), Step::Automatic).with_bounds(0.0, 1.0).parallel();
//! let gradient = how.gradient(entropy, &array![0.25, 0.75])?;
//! assert!((gradient[0] - (4_f64.ln() - 1.0)).abs() < 1e-9);
//! # Ok::<(), numgrad::difference::Error>(())
//! ```
//!
//! The same object gives Jacobians, dense and sparse, Hessians, derivatives along a direction, derivatives with an estimate
//! of their error, and checks a gradient that was derived by hand. The result has the same bits for any number of threads;
//! on another platform functions such as `ln` may round otherwise.
//!
//! Where a function has structure that a closure hides, it is an [`Objective`](difference::Objective): a moved coordinate
//! recomputes only what it reaches, and the gradient costs a fraction.
//!
//! ```
//! use numgrad::difference::{Differentiator, Error, Objective};
//!
//! /// Σ (x_{i+1} - x_i)²: a moved coordinate reaches two of the terms.
//! struct Chain(Vec<f64>);
//!
//! impl Objective for Chain {
//!     type Workspace = ();
//!
//!     fn n_coordinates(&self) -> usize {
//!         self.0.len()
//!     }
//!
//!     fn coordinate_value(&self, coordinate: usize) -> f64 {
//!         self.0[coordinate]
//!     }
//!
//!     fn workspace(&self) {}
//!
//!     fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 {
//!         let moved = self.0[coordinate] + delta;
//!         let left = coordinate.checked_sub(1).map_or(0.0, |i| (moved - self.0[i]).powi(2));
//!         left + self.0.get(coordinate + 1).map_or(0.0, |right| (right - moved).powi(2))
//!     }
//! }
//!
//! let gradient = Differentiator::default().of_objective(&mut Chain(vec![0.0, 1.0, 3.0])).gradient()?;
//! assert!(gradient.iter().zip([-2.0, -2.0, 4.0]).all(|(found, exact)| (found - exact).abs() < 1e-8));
//! # Ok::<(), Error>(())
//! ```
//!
//! The crate has an engine and a network that shows what it can do. The network is that of the article
//! 「2層ニューラルネットワークの実装(数値微分)その2」, 784-50-10 trained on MNIST by numerical gradients alone, and so is the training
//! that the program `numgrad-train` repeats, in a tenth of a second where NumPy needed 20 minutes:
//!
//! - [`difference`]: stencils, steps, objectives and derivatives of them. It needs ndarray and rayon alone
//!   (`default-features = false`).
//! - [`nn`]: the two-layer network of chapter 4 of "Deep Learning from Scratch" and networks of any depth, with sigmoids,
//!   rectifiers or tanh, their loss as an objective that runs whole forward passes ([`nn::FullLoss`]) and as one that
//!   recomputes only what a moved weight reaches ([`nn::IncrementalLoss`]), and backpropagation to compare with.
//! - `dataset`, `random` (feature `data`): MNIST and the digits that are built in, and NumPy's random numbers draw for draw.
//! - `train` (feature `train`, with `data`): the training loop of the program `numgrad-train`.
//! - `mpi` (feature `mpi`): a gradient shared by several processes, on one machine or on many.
//! - `report` (feature `cli`, on by default, with both): charts and pages of what a run left behind.
//!
//! Words: a *stencil* says at which multiples of the *step* `h` a function is evaluated; `delta` is by how much one
//! coordinate is moved; an *objective* is what is evaluated; one update of the parameters is an *iteration*, and what the
//! gradient is multiplied by is the *learning rate*. Shapes: N samples, D inputs, H hidden units, K classes.
//!
//! The embedded digits are the first 6,000 training and 1,000 test digits of MNIST (Yann LeCun, Corinna Cortes, Christopher
//! J. C. Burges), under the Creative Commons Attribution-Share Alike 3.0 licence.

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "data")]
pub mod dataset;
pub mod difference;
#[cfg(feature = "data")]
mod files;
#[cfg(feature = "data")]
#[doc(hidden)]
pub mod free_memory;
#[cfg(any(feature = "mpi", feature = "cli"))]
pub mod mpi;
pub mod nn;
#[cfg(feature = "data")]
pub mod random;
#[cfg(feature = "cli")]
pub mod report;
#[cfg(feature = "train")]
pub mod train;

pub use difference::{derivative, gradient, numerical_gradient};
pub use ndarray;
