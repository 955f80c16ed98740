//! Networks of dense layers: sigmoid, rectifier or tanh, then softmax and cross-entropy. Arrays in, arrays out: this module
//! opens no file and owns no thread pool.
//!
//! [`TwoLayerNet`] is the readable reference (plain `ndarray`, as chapter 4 of the book writes it), and [`Network`] the same
//! for any number of layers. [`FullLoss`] and [`IncrementalLoss`] are the same loss as an
//! [`Objective`](crate::difference::Objective) of the engine: the first runs a whole forward pass an evaluation, the second
//! recomputes only what a moved parameter reaches. [`backprop_into`] is the analytic gradient, to compare with.

mod activation;
mod backprop;
mod full;
mod functions;
mod incremental;
mod lanes;
mod n_bytes;
mod network;
mod parameters;
mod shape;
mod two_layer;

pub use activation::Activation;
pub use backprop::{backprop_into, backprop_n_bytes};
pub use full::FullLoss;
#[cfg(feature = "train")]
pub(crate) use full::vanishes;
pub use functions::{LOG_OFFSET, Targets, argmax, cross_entropy_error, relu, sigmoid, softmax};
pub use incremental::IncrementalLoss;
#[cfg(feature = "train")]
pub(crate) use incremental::mean;
pub use lanes::simd;
#[cfg(feature = "train")]
pub(crate) use lanes::sparse::{Rows, nonzero_into, nonzero_of_row_into};
#[cfg(feature = "train")]
pub(crate) use lanes::split::sum;
#[cfg(feature = "train")]
pub(crate) use n_bytes::{n_bytes_of, together};
pub use network::Network;
pub use parameters::Parameters;
pub use shape::{Layer, NetworkShape};
pub use two_layer::TwoLayerNet;
