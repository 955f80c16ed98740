//! What tests of several files use.
#![allow(dead_code, reason = "no test binary uses it all")]

#[cfg(feature = "cli")]
pub mod idx_files;
pub mod mnist;
pub mod numbers;
#[cfg(feature = "cli")]
pub mod programs;
