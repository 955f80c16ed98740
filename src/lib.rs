#[cfg(feature = "cli")]
pub mod dataset;
pub mod difference;
pub mod nn;
#[cfg(feature = "cli")]
pub mod random;
#[cfg(feature = "cli")]
pub mod train;

pub use difference::numerical_gradient;
