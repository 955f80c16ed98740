//! The differences that the weights out of eight units of the last hidden layer cause through the scores.

use super::super::lanes::simd::{Arithmetic, F64x8, LANES};
use super::sample::Sample;
use super::series::{self, LONG, MEDIUM, SHORT};
use super::tail::Place;

impl Sample<'_> {
    /// Adds the differences that moves of each unit's weights to each class cause, for moves of a score up to `max_move`: (K).
    #[inline(always)]
    pub fn add_changes_by_units<A: Arithmetic>(&self, max_move: f64, scratch: &mut [F64x8], sums: &mut [F64x8]) {
        if max_move <= series::limit(SHORT) {
            self.add_changes_by_series::<A, SHORT>(scratch, sums);
        } else if max_move <= series::limit(MEDIUM) {
            self.add_changes_by_series::<A, MEDIUM>(scratch, sums);
        } else if max_move <= series::limit(LONG) {
            self.add_changes_by_series::<A, LONG>(scratch, sums);
        } else {
            self.add_exact_changes(sums);
        }
    }

    #[inline(always)]
    fn add_changes_by_series<A: Arithmetic, const M: usize>(&self, scratch: &mut [F64x8], sums: &mut [F64x8]) {
        let z = self.layer.unit_vector(self.place.sample, self.place.vector);
        let moves = &mut scratch[..2 * self.pairs.len()];
        for (pair, moves) in self.pairs.iter().zip(moves.chunks_exact_mut(2)) {
            moves[0] = series::expm1::<A, M>(F64x8::splat(pair.delta) * z);
            moves[1] = series::expm1::<A, M>(F64x8::splat(-pair.delta) * z);
        }
        let output = self.base.output(self.place.sample);
        let log_series = self.base.log_series(self.place.sample);
        for (k, (sum, &p)) in sums.iter_mut().zip(output.probabilities).enumerate() {
            // The right class's score up is all others' down.
            let (p, up, down) = if k == output.class { (output.others().sum(), 1, 0) } else { (p, 0, 1) };
            for (pair, moves) in self.pairs.iter().zip(moves.chunks_exact(2)) {
                for (growth, weight) in [(moves[up], pair.up), (moves[down], pair.down)] {
                    let loss_change = log_series.loss_change::<A, M>(F64x8::splat(p) * growth);
                    *sum = F64x8::splat(weight).mul_add::<A>(loss_change, *sum);
                }
            }
        }
    }

    /// What [`add_changes_by_units`](Self::add_changes_by_units) adds, computed for moves of any size.
    fn add_exact_changes(&self, sums: &mut [F64x8]) {
        let Place { sample, vector, .. } = self.place;
        let n_units = (self.layer.n_units() + 1 - vector * LANES).min(LANES);
        for (k, sum) in sums.iter_mut().enumerate() {
            for (lane, sum) in sum.0[..n_units].iter_mut().enumerate() {
                let z = self.layer.unit(sample, vector * LANES + lane);
                *sum += self.difference(|delta| self.base.score_change(sample, k, delta * z));
            }
        }
    }
}
