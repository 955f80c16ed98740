//! From the move of a hidden unit to the growth of the softmax's denominator: what lies between is regrouped as a series in
//! the unit's own move, whose coefficients are computed once for each sample and unit.
//!
//! Directly below the scores they are sums over the classes (`last.rs`). Further down the series of the layers between are
//! carried upwards first (`deeper.rs`). How long a series has to be is told by `growth_rates.rs`, and the general way of
//! `upward.rs` takes over where none is long enough, and for the units within whose reach a rectifier has its kink.

mod deeper;
mod growth;
mod last;

use super::super::lanes::simd::{Arithmetic, F64x8};
use super::base_pass::BasePass;

pub(super) use self::deeper::{scratch_len, steepest_line};
pub(super) use self::growth::{Growth, Place};

/// The growth in the moves of eight units.
#[inline(always)]
pub(super) fn growth<A: Arithmetic, const M: usize>(base: &BasePass, place: Place, scratch: &mut [F64x8]) -> Growth<M> {
    if place.hidden + 1 == base.hidden().len() {
        Growth { series: last::growth(base, place), safe_move: F64x8::splat(f64::INFINITY) }
    } else {
        deeper::growth::<A, M>(base, place, scratch)
    }
}
