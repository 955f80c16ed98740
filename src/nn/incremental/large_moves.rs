//! Changes by moves that are too large for series: the functions themselves, for eight units at a time.
//!
//! ```text
//! sigmoid(a + δ) - sigmoid(a) = z(1 - z)·2τ/(1 + q),  τ = tanh(δ/2),  q = cτ,  c = 2z - 1        |δ| ≤ 2
//! R(Δ)                        = Σ_k p_k·expm1(Δ·v_k),  v_k the unit's weight to class k less that to the right class
//! the change of the loss      = log1p(q·R/(1 + q̄·R))                                             |Δ·v_k| ≤ ln 2
//! ```
//!
//! with the shares q and q̄ of [`Output::shares`](super::output::Output::shares). Nothing cancels within these limits: `1 - q²`, by
//! which both moves are divided, is at least 0.41, R at least -1/2 and so the logarithm's argument at least 1/2. Each result is
//! right to a few units in the last place, as the general way's are, which takes over beyond.

use std::f64::consts::LN_2;

use super::super::lanes::simd::{Arithmetic, F64x8};
use super::base_pass::BasePass;
use super::output::Output;

/// The largest move of a sigmoid's argument.
pub(super) const OWN_LIMIT: f64 = 2.0;

/// The largest move of a score beside that of the right class.
pub(super) const GROWTH_LIMIT: f64 = LN_2;

/// How far a sigmoid z moves up and down when its argument moves by δ up and down, in slopes `z(1 - z)`, for
/// `half_c = z - 1/2` and `t = 2·tanh(δ/2)`.
#[inline(always)]
pub(super) fn sigmoid_changes<A: Arithmetic>(half_c: F64x8, t: F64x8) -> (F64x8, F64x8) {
    let q = half_c * t;
    let u = t / (-q).mul_add::<A>(q, F64x8::splat(1.0));
    ((-u).mul_add::<A>(q, u), u.mul_add::<A>(q, u))
}

/// The change of a sample's loss when each of eight units of the last hidden layer moves.
pub(super) struct LossByClasses<'a> {
    probabilities: &'a [f64],
    /// The moves of the scores less that of the right class, by one slope of each unit: (K).
    relative: &'a [F64x8],
    loss: LossOfGrowth,
}

impl<'a> LossByClasses<'a> {
    /// Of a vector of units in a sample; `scratch` has room for a vector for each class.
    #[inline(always)]
    pub fn new(base: &'a BasePass, sample: usize, vector: usize, scratch: &'a mut [F64x8]) -> Self {
        let (output, hidden) = (base.output(sample), base.last_hidden());
        let (slope, right) = (hidden.slope_vector(sample, vector), hidden.next_weights(output.class, vector));
        let relative = &mut scratch[..output.probabilities.len()];
        for (k, relative) in relative.iter_mut().enumerate() {
            *relative = (hidden.next_weights(k, vector) - right) * slope;
        }
        Self { probabilities: output.probabilities, relative, loss: LossOfGrowth::new(&output) }
    }

    /// When each unit moves by `change` slopes, up or down.
    #[inline(always)]
    pub fn change<A: Arithmetic>(&self, change: F64x8) -> F64x8 {
        let mut growth = F64x8::ZERO;
        for (k, &relative) in self.relative.iter().enumerate() {
            let p = F64x8::splat(self.probabilities[k]);
            growth = p.mul_add::<A>((change * relative).small_exp_m1::<A>(), growth);
        }
        self.loss.change::<A>(growth)
    }
}

/// The change of a sample's loss by that of the softmax's denominator.
#[derive(Clone, Copy)]
pub(super) struct LossOfGrowth {
    share: f64,
    offset_share: f64,
}

impl LossOfGrowth {
    #[inline(always)]
    pub fn new(output: &Output) -> Self {
        let (share, offset_share) = output.shares();
        Self { share, offset_share }
    }

    /// For a relative growth R of -1/2 or more.
    #[inline(always)]
    pub fn change<A: Arithmetic>(self, growth: F64x8) -> F64x8 {
        let denominator = F64x8::splat(self.offset_share).mul_add::<A>(growth, F64x8::splat(1.0));
        (F64x8::splat(self.share) * growth / denominator).ln_1p::<A>()
    }
}
