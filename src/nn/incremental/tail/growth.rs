//! What the series of every hidden layer come to, and which of them is asked for.

use super::super::super::lanes::simd::F64x8;
use super::super::series::GrowthSeries;

/// One sample, seen through one vector of units of a hidden layer; hidden layers count from 0 here.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Place {
    pub sample: usize,
    pub hidden: usize,
    pub vector: usize,
}

/// The growth in the moves of eight units.
pub(in super::super) struct Growth<const M: usize> {
    /// The growth as a series in the moves, in slopes.
    pub series: GrowthSeries<M>,
    /// The largest move of each unit for which the series holds: up to the next kink of a rectifier above.
    pub safe_move: F64x8,
}
