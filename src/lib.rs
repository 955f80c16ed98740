#[cfg(feature = "cli")]
pub mod dataset;
#[cfg(feature = "cli")]
pub mod random;
