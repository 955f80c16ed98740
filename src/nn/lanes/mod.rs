//! What the fast forward passes are built from: vector units, elementary functions on them, the matrix of a layer laid out for
//! them, samples without their zeros, matrix products of the two, and work cut into tasks.

pub(super) mod elementary;
pub(super) mod packed;
pub(super) mod products;
pub mod simd;
pub(super) mod sparse;
pub(super) mod split;
