//! The network of chapter 4: sigmoid, softmax, cross-entropy, two layers. Arrays in, arrays out: this module opens no
//! file and owns no thread pool.
//!
//! [`TwoLayerNet`] is the readable reference (plain `ndarray`, as the book writes it). [`FullLoss`] is the same loss as
//! an [`Objective`](crate::difference::Objective) of the engine: one whole forward pass an evaluation.

mod full;
mod functions;
mod incremental;
mod packed;
pub mod simd;
mod split;
mod two_layer;

pub use full::FullLoss;
pub use functions::{LOG_OFFSET, Targets, cross_entropy_error, relu, sigmoid, softmax};
pub use incremental::IncrementalLoss;
pub use two_layer::{NetworkShape, Parameters, TwoLayerNet};
