//! The differences that the weights out of eight units of the last hidden layer cause through the scores.

use super::super::lanes::simd::{Arithmetic, F64x8, LANES, one_round_at_a_time};
use super::large_moves::{GROWTH_LIMIT, LossOfGrowth};
use super::sample::Sample;
use super::series::{self, LONG, LogSeries, MEDIUM, SHORT};
use super::tail::Place;

impl Sample<'_> {
    /// Adds the differences that moves of each unit's weights to each class cause, for moves of a score up to `max_move`: (K).
    #[inline(always)]
    pub fn add_changes_by_units<A: Arithmetic>(&self, max_move: f64, scratch: &mut [F64x8], sums: &mut [F64x8]) {
        let log_series = self.base.log_series(self.place.sample);
        if max_move <= series::limit(SHORT) {
            self.add_changes_by_vectors::<A>(&BySeries::<SHORT>(log_series), scratch, sums);
        } else if max_move <= series::limit(MEDIUM) {
            self.add_changes_by_vectors::<A>(&BySeries::<MEDIUM>(log_series), scratch, sums);
        } else if max_move <= series::limit(LONG) {
            self.add_changes_by_vectors::<A>(&BySeries::<LONG>(log_series), scratch, sums);
        } else if max_move <= GROWTH_LIMIT {
            let loss = LossOfGrowth::new(&self.base.output(self.place.sample));
            self.add_changes_by_vectors::<A>(&loss, scratch, sums);
        } else {
            self.add_exact_changes(sums);
        }
    }

    /// The same for eight units at a time.
    #[inline(always)]
    fn add_changes_by_vectors<A: Arithmetic>(
        &self,
        changes: &impl ScoreChanges,
        scratch: &mut [F64x8],
        sums: &mut [F64x8],
    ) {
        let z = self.layer.unit_vector(self.place.sample, self.place.vector);
        let moves = &mut scratch[..2 * self.pairs.len()];
        for (pair, moves) in self.pairs.iter().zip(moves.chunks_exact_mut(2)) {
            one_round_at_a_time();
            moves[0] = changes.expm1::<A>(F64x8::splat(pair.delta) * z);
            moves[1] = changes.expm1::<A>(F64x8::splat(-pair.delta) * z);
        }
        let output = self.base.output(self.place.sample);
        for (k, (sum, &p)) in sums.iter_mut().zip(output.probabilities).enumerate() {
            // The right class's score up is all others' down.
            let (p, up, down) = if k == output.class { (output.others().sum(), 1, 0) } else { (p, 0, 1) };
            for (pair, moves) in self.pairs.iter().zip(moves.chunks_exact(2)) {
                for (growth, weight) in [(moves[up], pair.up), (moves[down], pair.down)] {
                    let loss_change = changes.of_loss::<A>(F64x8::splat(p) * growth);
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

/// The exponential and the logarithm that a score's move goes through. A trait and no closures, which would not always be
/// inlined and so not be compiled for the instruction set.
trait ScoreChanges {
    fn expm1<A: Arithmetic>(&self, delta: F64x8) -> F64x8;

    /// The change of the loss by the relative growth of the softmax's denominator.
    fn of_loss<A: Arithmetic>(&self, growth: F64x8) -> F64x8;
}

/// By series of `M` terms.
struct BySeries<'a, const M: usize>(&'a LogSeries);

impl<const M: usize> ScoreChanges for BySeries<'_, M> {
    #[inline(always)]
    fn expm1<A: Arithmetic>(&self, delta: F64x8) -> F64x8 {
        series::expm1::<A, M>(delta)
    }

    #[inline(always)]
    fn of_loss<A: Arithmetic>(&self, growth: F64x8) -> F64x8 {
        self.0.loss_change::<A, M>(growth)
    }
}

impl ScoreChanges for LossOfGrowth {
    #[inline(always)]
    fn expm1<A: Arithmetic>(&self, delta: F64x8) -> F64x8 {
        delta.small_exp_m1::<A>()
    }

    #[inline(always)]
    fn of_loss<A: Arithmetic>(&self, growth: F64x8) -> F64x8 {
        self.change::<A>(growth)
    }
}
