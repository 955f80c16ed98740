pub mod difference;
pub mod nn;

pub use difference::numerical_gradient;
