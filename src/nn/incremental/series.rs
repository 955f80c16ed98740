//! The same changes as in the neighbouring module, for small moves and eight hidden units at a time.
//!
//! Every function that the change of a loss goes through is replaced by its power series, cut after `M` terms, wherever
//! the move is so small that what is cut off is below the rounding of f64:
//!
//! ```text
//! sigmoid(a + δ) - sigmoid(a) = z(1 - z)·2τ/(1 + cτ),  τ = tanh(δ/2),  c = 2z - 1
//!     2τ/(1 ± q) = u ∓ u·q,  q = cτ,  u = 2τ·(1 + q² + q⁴ + …)                 cut: (δ/2)^(2⌈M/2⌉)
//! R(Δ)          = Σ_k p_k·expm1(Δ·v_k) = c_1·Δ + … + c_M·Δᴹ,  c_m = Σ_k p_k·v_kᵐ/m!
//! log1p(q·R/(1 + q̄·R)) = ln(1 + R) - ln(1 + q̄·R) = Σ_m (-1)ᵐ⁺¹·(1 - q̄ᵐ)/m·Rᵐ
//! ```
//!
//! The last two compose: per sample and unit one series is the loss's change in the unit's. Its coefficients are at most those of
//! `-ln(2 - eˣ) = x + x² + x³ + 13/12·x⁴ + 5/4·x⁵ + …` in `x = Δ·max_k |v_k|`, which is within the limit of M terms: relative to x,
//! what is cut is at most 1.25·xᴹ for 4 terms, 1.5·xᴹ for 5 and 3.9·xᴹ for 9, with `xᴹ ≤ 2⁻⁵³`.
//!
//! Only the sum over the classes is regrouped (its coefficients are computed once per sample and unit): for every weight both
//! moves of its hidden unit are formed (in units of the sigmoid's slope there), and each loss's change is evaluated from its own.
//! So the result is the finite difference at the step asked for, not its limit.

use super::super::activation::Activation;
use super::super::lanes::elementary::INVERSE_FACTORIALS;
use super::super::lanes::simd::{Arithmetic, F64x8, one_round_at_a_time};
use super::output::Output;

/// The number of terms for moves up to 1.03e-4: the book's step, on inputs and weights up to 1.
pub(super) const SHORT: usize = 4;

/// The number of terms for moves up to 6.4e-4: the book's step, once weights have grown.
pub(super) const MEDIUM: usize = 5;

/// The number of terms for moves up to 0.0169; above that the exact evaluation is used.
pub(super) const LONG: usize = 9;

/// The largest move for which a series of `m` terms is exact to f64: `limit^m ≤ 2⁻⁵³`.
pub(super) fn limit(m: usize) -> f64 {
    (-53.0 / m as f64).exp2()
}

/// `expm1(delta)` for `|delta| ≤ limit(M)`, in each lane.
#[inline(always)]
pub(super) fn expm1<A: Arithmetic, const M: usize>(delta: F64x8) -> F64x8 {
    delta * polynomial::<A, M>(delta, |m| F64x8::splat(INVERSE_FACTORIALS[m + 1]))
}

/// The first M derivatives of the activation of eight units divided by their factorials: its change by a move t of its
/// input is `c_1·t + c_2·t² + …`. `logistic` is the sigmoid z that it is made of, and `slope` the length of one slope
/// (`base_pass.rs`).
///
/// The sigmoid's change is a slope `z(1-z)` times `g(t) = e/(1 + z·e)` with `e = expm1(t)`, hence `g_p = 1/p! - z·Σ_i
/// g_(p-i)/i!`. The hyperbolic tangent's is that of a sigmoid at `2a`, whose argument and value are doubled.
#[inline(always)]
pub(super) fn activation_series<const M: usize>(activation: Activation, logistic: F64x8, slope: F64x8) -> Series<M> {
    let inverse_factorial = |n: usize| F64x8::splat(INVERSE_FACTORIALS[n]);
    let mut series = [F64x8::ZERO; M];
    for p in 0..M {
        let mut products = F64x8::ZERO;
        for (i, &before) in series[..p].iter().enumerate() {
            products = products + inverse_factorial(p - i) * before;
        }
        series[p] = inverse_factorial(p + 1) - logistic * products;
    }
    let factor = F64x8::splat(if activation == Activation::Tanh { 2.0 } else { 1.0 });
    let mut scale = factor * slope;
    for c in &mut series {
        *c = *c * scale;
        scale = scale * factor;
    }
    series
}

/// A power series in the move of each of eight hidden units, from its first power on; there is no constant term.
pub(super) type Series<const M: usize> = [F64x8; M];

/// `outer(inner(Δ))`, where `outer` too is given from its first power on.
#[inline(always)]
pub(super) fn compose<A: Arithmetic, const M: usize>(outer: &[f64], inner: &Series<M>) -> Series<M> {
    // By Horner's rule: (…(c_M·inner + c_(M-1))·inner + …)·inner.
    let mut sum = [F64x8::ZERO; M];
    for q in (0..M).rev() {
        let mut product = [F64x8::ZERO; M];
        for p in 0..M {
            let mut term = F64x8::splat(outer[q]) * inner[p];
            for i in 0..p {
                term = sum[i].mul_add::<A>(inner[p - 1 - i], term);
            }
            product[p] = term;
        }
        sum = product;
    }
    sum
}

/// `Σ_i weights[i]·series[i]`.
#[inline(always)]
pub(super) fn weighted_sum<A: Arithmetic, const M: usize>(weights: &[f64], series: &[Series<M>]) -> Series<M> {
    let mut sum = [F64x8::ZERO; M];
    // A loop over numbers: whether adapters of iterators are inlined depends on the profile.
    for (i, series) in series.iter().enumerate() {
        let weight = F64x8::splat(weights[i]);
        for p in 0..M {
            sum[p] = weight.mul_add::<A>(series[p], sum[p]);
        }
    }
    sum
}

/// How many weighted differences of series of M terms are best made at a time, of `n`: as many as leave registers for the series
/// that they share.
#[inline(always)]
pub(super) fn n_differences_at_a_time<A: Arithmetic, const M: usize>(n: usize) -> usize {
    [4, 2].into_iter().find(|&k| k <= n && k * M < A::N_REGISTERS).unwrap_or(1)
}

/// `Σ_i (weights[i] - others[i])·series[i]` for each of K rows of weights.
#[inline(always)]
pub(super) fn weighted_differences<A: Arithmetic, const M: usize, const K: usize>(
    weights: [&[f64]; K],
    others: &[f64],
    series: &[Series<M>],
) -> [Series<M>; K] {
    let mut sums = [[F64x8::ZERO; M]; K];
    for (i, series) in series.iter().enumerate() {
        one_round_at_a_time();
        for k in 0..K {
            let weight = F64x8::splat(weights[k][i] - others[i]);
            for p in 0..M {
                sums[k][p] = weight.mul_add::<A>(series[p], sums[k][p]);
            }
        }
    }
    sums
}

/// The change of one sample's loss as a series in R, the relative growth of the softmax's denominator. Its first terms are
/// the shorter series.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogSeries([f64; LONG]);

impl LogSeries {
    pub fn new(output: &Output) -> Self {
        let (share, offset_share) = output.shares();
        // 1 - q̄ᵐ = q·(1 + q̄ + … + q̄ᵐ⁻¹), which does not cancel.
        let (mut sum, mut power, mut sign) = (0.0, 1.0, 1.0);
        Self(std::array::from_fn(|i| {
            sum += power;
            power *= offset_share;
            sign = -sign;
            -sign * share * sum / (i + 1) as f64
        }))
    }

    /// The change of the loss by the first `M` terms.
    #[inline(always)]
    pub fn loss_change<A: Arithmetic, const M: usize>(&self, growth: F64x8) -> F64x8 {
        growth * polynomial::<A, M>(growth, |m| F64x8::splat(self.0[m]))
    }

    /// The change of the loss as a series in the moves that `growth` is a series in.
    #[inline(always)]
    pub fn of_growth<A: Arithmetic, const M: usize>(&self, growth: &GrowthSeries<M>) -> LossSeries<M> {
        LossSeries(compose::<A, M>(&self.0, &growth.0))
    }
}

/// The change of a loss as a series in the move of each of eight hidden units, in units of the sigmoid's slope there.
#[derive(Debug, Clone, Copy)]
pub(super) struct LossSeries<const M: usize>(Series<M>);

impl<const M: usize> LossSeries<M> {
    /// When each unit moves up by `change` slopes.
    #[inline(always)]
    pub fn up<A: Arithmetic>(&self, change: F64x8) -> F64x8 {
        change * polynomial::<A, M>(change, |m| self.0[m])
    }

    /// When each unit moves down by `change` slopes, with its sign turned.
    #[inline(always)]
    pub fn minus_down<A: Arithmetic>(&self, change: F64x8) -> F64x8 {
        change * polynomial::<A, M>(-change, |m| self.0[m])
    }
}

/// The growth R as a series in the move of each of eight hidden units, in units of the sigmoid's slope there.
#[derive(Debug, Clone, Copy)]
pub(super) struct GrowthSeries<const M: usize>([F64x8; M]);

impl<const M: usize> GrowthSeries<M> {
    /// Made of the slopes `z(1 - z)` of the eight units and the rows of W2ᵀ: `weights(k)` are their weights to class k.
    #[inline(always)]
    pub fn new(output: &Output, slope: F64x8, weights: impl Fn(usize) -> F64x8) -> Self {
        let mut coefficients = [F64x8::ZERO; M];
        let right = weights(output.class);
        for (k, &p) in output.probabilities.iter().enumerate() {
            let relative = (weights(k) - right) * slope;
            let mut term = F64x8::splat(p);
            for coefficient in &mut coefficients {
                term = term * relative;
                *coefficient = *coefficient + term;
            }
        }
        for (m, coefficient) in coefficients.iter_mut().enumerate() {
            *coefficient = *coefficient * F64x8::splat(INVERSE_FACTORIALS[m + 1]);
        }
        Self(coefficients)
    }

    /// Made of the series of the scores less the right class's in the units' moves, in slopes.
    #[inline(always)]
    pub fn of_scores<A: Arithmetic>(output: &Output, relative_scores: &[Series<M>]) -> Self {
        let mut coefficients = [F64x8::ZERO; M];
        for (k, &p) in output.probabilities.iter().enumerate() {
            if k != output.class {
                let growth = compose::<A, M>(&INVERSE_FACTORIALS[1..], &relative_scores[k]);
                for m in 0..M {
                    coefficients[m] = F64x8::splat(p).mul_add::<A>(growth[m], coefficients[m]);
                }
            }
        }
        Self(coefficients)
    }

    /// Made of the slopes of the scores less the right class's in the units' moves, where they are straight lines.
    #[inline(always)]
    pub fn of_lines(output: &Output, relative_scores: &[Series<1>]) -> Self {
        Self::new(output, F64x8::splat(1.0), |k| relative_scores[k][0])
    }
}

/// `2·tanh(delta/2)` for `|delta| ≤ limit(LONG)`, in each lane.
#[inline(always)]
pub(super) fn twice_tanh_of_half<A: Arithmetic>(delta: F64x8) -> F64x8 {
    // Of tanh(x)/x in x², with x² below 7.2e-5: the next term is below 6e-19.
    const TERMS: [f64; 4] = [1.0, -1.0 / 3.0, 2.0 / 15.0, -17.0 / 315.0];
    let half = delta * F64x8::splat(0.5);
    delta * polynomial::<A, 4>(half * half, |m| F64x8::splat(TERMS[m]))
}

/// How far a sigmoid z moves up and down when its argument moves by δ up and down, in slopes `z(1 - z)`, for
/// `half_c = z - 1/2` and `t = 2·tanh(δ/2)`.
#[inline(always)]
pub(super) fn sigmoid_changes<A: Arithmetic, const M: usize>(half_c: F64x8, t: F64x8) -> (F64x8, F64x8) {
    let q = half_c * t;
    let square = q * q;
    // q² + q⁴ + …
    let mut sum = square;
    for _ in 2..M.div_ceil(2) {
        sum = sum.mul_add::<A>(square, square);
    }
    let u = t.mul_add::<A>(sum, t);
    ((-u).mul_add::<A>(q, u), u.mul_add::<A>(q, u))
}

/// `relu(a + δ) - relu(a)` in each lane: exact, over the kink as well.
#[inline(always)]
pub(super) fn relu_change(a: F64x8, delta: F64x8) -> F64x8 {
    a.zip(delta, |a, delta| {
        let down = if delta < -a { -a } else { delta };
        let moved = a + delta;
        let up = if moved < 0.0 { 0.0 } else { moved };
        if a > 0.0 { down } else { up }
    })
}

/// `c_0 + c_1·x + … + c_{M-1}·xᴹ⁻¹`, by Horner's rule. A loop and no iterator's adapter: whether those are inlined, and so
/// compiled for the instruction set, depends on the profile that the caller's crate is built with.
#[inline(always)]
fn polynomial<A: Arithmetic, const M: usize>(x: F64x8, coefficient: impl Fn(usize) -> F64x8) -> F64x8 {
    let mut sum = coefficient(M - 1);
    for m in (0..M - 1).rev() {
        sum = sum.mul_add::<A>(x, coefficient(m));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `growth_rates.rs` builds on: the p-th coefficient is at most `βᵖ⁻¹` slopes.
    #[test]
    fn the_coefficients_of_an_activation_fall_as_the_growth_rates_say() {
        for (activation, ratio, max_slope) in [(Activation::Sigmoid, 0.5, 1.0), (Activation::Tanh, 1.0, 2.0)] {
            for step in 0..=1000 {
                let z = F64x8::splat(f64::from(step) / 1000.0);
                let series = activation_series::<LONG>(activation, z, F64x8::splat(1.0)).map(|c| c.0[0]);
                for (p, c) in series.iter().enumerate() {
                    let bound = max_slope * f64::powi(ratio, p as i32) * (1.0 + 1e-12);
                    assert!(c.abs() <= bound, "{activation}, z {step}/1000, coefficient {}: {c} > {bound}", p + 1);
                }
            }
        }
    }

    #[test]
    fn the_coefficients_of_an_activation_are_those_of_its_change() {
        for activation in [Activation::Sigmoid, Activation::Tanh] {
            for a in [-3.0, -0.4, 0.0, 0.9, 5.0] {
                let doubled = if activation == Activation::Tanh { 2.0 * a } else { a };
                let sigmoid = |a: f64| 1.0 / (1.0 + (-a).exp());
                let z = sigmoid(doubled);
                let slope = z * sigmoid(-doubled) * if activation == Activation::Tanh { 2.0 } else { 1.0 };
                let series =
                    activation_series::<LONG>(activation, F64x8::splat(z), F64x8::splat(slope)).map(|c| c.0[7]);
                for t in [-0.01, 1e-3, 0.01] {
                    let found = series.iter().rev().fold(0.0, |sum, c| (sum + c) * t);
                    let expected = activation.change(a, t);
                    assert!((found - expected).abs() <= 4e-15 * expected.abs(), "{activation} from {a} by {t}");
                }
            }
        }
    }
}
