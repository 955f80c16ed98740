//! By how much one sample's loss changes when its scores move, for moves of any size.
//!
//! No two nearly equal numbers are subtracted: every change is built from `expm1` and `log1p` of the move, so it is
//! correct to a few units in the last place however small the move is. The series in the neighbouring module compute the
//! same numbers faster where the move is small.

use super::super::functions::LOG_OFFSET;

/// The output of one sample's forward pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output<'a> {
    /// p: (K).
    pub probabilities: &'a [f64],
    /// ln p: (K).
    pub log_probabilities: &'a [f64],
    /// The right class t.
    pub class: usize,
}

impl Output<'_> {
    /// `-ln(p_t + 1e-7)`.
    pub fn loss(&self) -> f64 {
        -(self.probabilities[self.class] + LOG_OFFSET).ln()
    }

    /// The probabilities of the other classes; their sum is `1 - p_t` without the cancellation.
    pub fn others(&self) -> impl Iterator<Item = f64> {
        self.probabilities.iter().enumerate().filter(|(k, _)| *k != self.class).map(|(_, &p)| p)
    }

    /// How much of `p_t + 1e-7` is `p_t`, and how much is `1e-7`.
    pub fn shares(&self) -> (f64, f64) {
        let p = self.probabilities[self.class];
        (p / (p + LOG_OFFSET), LOG_OFFSET / (p + LOG_OFFSET))
    }

    /// The change of the loss when each score k moves by `d_k`, given as `relative_moves`: `d_k - d_t`, so 0 at t.
    ///
    /// The right probability becomes `p_t / (1 + R)` with `R = Σ_k p_k·expm1(d_k - d_t)`, so with the shares q and q̄ of
    /// [`shares`](Self::shares) the loss changes by `log1p(q·R / (1 + q̄·R))`.
    pub fn loss_change(&self, relative_moves: impl Iterator<Item = f64> + Clone) -> f64 {
        let terms = self.probabilities.iter().zip(self.log_probabilities).zip(relative_moves);
        let growth: f64 = terms
            .clone()
            // Where a score rises by much, its probability may have underflowed to 0 before: the logarithm has not.
            .map(|((p, ln_p), d)| if d <= 1.0 { p * d.exp_m1() } else { (ln_p + d).exp() - p })
            .sum();
        let (share, offset_share) = self.shares();
        if growth > -0.5 {
            // Divided by `growth` above and below, so that an infinite one gives the limit.
            (share / (1.0 / growth + offset_share)).ln_1p()
        } else {
            // The right class at least doubles, perhaps from nothing: from the logarithms, which do not underflow.
            let moved = terms.map(|((_, ln_p), d)| ln_p + d);
            let max = moved.clone().fold(f64::NEG_INFINITY, f64::max);
            let ln_sum = max + moved.map(|score| (score - max).exp()).sum::<f64>().ln();
            let p = self.probabilities[self.class];
            let moved_p = (self.log_probabilities[self.class] - ln_sum).exp();
            -((moved_p - p) / (p + LOG_OFFSET)).ln_1p()
        }
    }
}
