#[cfg(feature = "cli")]
pub mod dataset;
pub mod difference;
pub mod nn;
#[cfg(feature = "cli")]
pub mod random;

pub use difference::numerical_gradient;
