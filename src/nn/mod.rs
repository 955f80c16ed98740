//! The network of chapter 4: sigmoid, softmax, cross-entropy, two layers. Arrays in, arrays out: this module opens no
//! file and owns no thread pool.
//!
//! [`TwoLayerNet`] is the readable reference (plain `ndarray`, as the book writes it). [`FullLoss`] and
//! [`IncrementalLoss`] are the same loss as an [`Objective`](crate::difference::Objective) of the engine: the first runs a
//! whole forward pass an evaluation, the second recomputes only what a moved parameter reaches. [`backprop_into`] is the
//! analytic gradient, to compare with.

mod backprop;
mod full;
mod functions;
mod incremental;
mod n_bytes;
mod packed;
mod parameters;
mod products;
pub mod simd;
mod sparse;
mod split;
mod two_layer;

pub use backprop::{backprop_into, backprop_n_bytes};
pub use full::FullLoss;
pub use functions::{LOG_OFFSET, Targets, argmax, cross_entropy_error, relu, sigmoid, softmax};
pub use incremental::IncrementalLoss;
#[cfg(feature = "train")]
pub(crate) use n_bytes::{n_bytes_of, together};
pub use parameters::{NetworkShape, Parameters};
#[cfg(feature = "train")]
pub(crate) use sparse::{Rows, nonzero_into, nonzero_of_row_into};
#[cfg(feature = "train")]
pub(crate) use split::sum;
pub use two_layer::TwoLayerNet;
