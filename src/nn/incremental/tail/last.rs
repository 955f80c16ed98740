//! The last hidden layer: its units move the scores directly.

use super::super::base_pass::BasePass;
use super::super::series::GrowthSeries;
use super::growth::Place;

/// The growth as a series in the moves of eight units.
#[inline(always)]
pub(super) fn growth<const M: usize>(base: &BasePass, place: Place) -> GrowthSeries<M> {
    let Place { sample, vector, .. } = place;
    let hidden = base.last_hidden();
    GrowthSeries::new(&base.output(sample), hidden.slope_vector(sample, vector), |k| hidden.next_weights(k, vector))
}
