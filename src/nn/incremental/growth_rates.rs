//! How fast the loss can change with the output of a hidden unit: the bounds that tell how long the series have to be.
//!
//! The output of unit j of a hidden layer moves by Δ. What that does to the layers above is a power series in Δ, and the
//! question is how small its later terms are beside the first. A series `v(Δ)` whose p-th coefficient is at most `μ·θᵖ⁻¹` is
//! written as `μ·Δ/(1 - θΔ)`: its size is μ, and each further term costs another θΔ. Layer by layer upwards:
//!
//! ```text
//! weighted sums of the next layer   size = |w_j|, rate 0: they are w_j·Δ
//! units          f(v)               size·s, rate + β·size
//! weighted sums  u·W                size·|W|, the same rate
//! relative scores                   size·ρ, the same rate
//! growth         Σ p_k·expm1(d_k)   the same size, rate + size/2
//! ```
//!
//! s is the largest slope of the activation and β the ratio of its later Taylor coefficients to its slope: the p-th one is at
//! most `βᵖ⁻¹` of it, for the sigmoid with β = 1/2 and for the hyperbolic tangent with β = 1 (a test), and the rectifier has
//! none where no kink is within reach. `expm1` has `1/p! ≤ (1/2)ᵖ⁻¹`. That rates add is the rule for compositions:
//! `x/(1-βx)` of `μΔ/(1-θΔ)` is `μΔ/(1-(θ+βμ)Δ)`. So behind M terms of the growth there is at most `(θΔ)ᴹ/(1-θΔ)` of its size,
//! which is below rounding where `(θΔ)ᴹ ≤ 2⁻⁵³`. The loss is a series of its own in the growth R, cut where `Rᴹ` is below
//! rounding (`series.rs`): so the rate that counts is never below the growth's size.
//!
//! Sizes may be measured by the largest entry, with `|W|` the largest sum of sizes in a column and ρ the sum of the ranges of
//! the units' weights to the classes; or by the Euclidean norm, with `|W|` the spectral norm (at most the fourth root of the
//! Frobenius norm of `(WᵀW)²`) and ρ twice the largest distance of a class's weights from their mean. Products of entrywise
//! powers obey the rule in both. The smaller one of the two bounds is taken: the first is better for few layers and saturated
//! ones, the second for wide layers above one another.

use ndarray::{ArrayView2, Axis};

use super::super::activation::Activation;
use super::super::lanes::simd::LANES;
use super::super::parameters::Parameters;
use super::super::shape::NetworkShape;
use super::hidden_layer::HiddenLayer;

/// Sets the growth rates of all hidden layers; allocates only if `scratch` is smaller than ever before.
pub(super) fn set_growth_rates(hidden: &mut [HiddenLayer], parameters: &Parameters, scratch: &mut Vec<f64>) {
    let (last, deeper) = hidden.split_last_mut().expect("a network has a hidden layer");
    let scores = parameters.weights(last.layer().number + 1);
    // Directly below the scores the series is that of the growth in a score's move: its rate is at most the largest
    // difference between two weights of a unit.
    let n_units = last.n_units();
    for (vector, rate) in last.growth_rates_mut().iter_mut().enumerate() {
        let units = vector * LANES..(vector * LANES + LANES).min(n_units);
        *rate = units.map(|j| range(scores.row(j).iter().copied())).fold(0.0, larger);
    }
    if deeper.is_empty() {
        return;
    }
    let activation = last.activation();
    let (max_slope, ratio) = (activation.max_slope(), ratio(activation));
    // What a size of 1 in the weighted sums of a layer comes to, by either measure.
    let mut by_entries = OfGrowth::above_units(max_slope * sum_of_ranges(scores), ratio);
    let mut by_norms = OfGrowth::above_units(max_slope * distance(scores, scratch), ratio);
    for hidden in deeper.iter_mut().rev() {
        let number = hidden.layer().number;
        let next = parameters.weights(number + 1);
        for (vector, rate) in hidden.growth_rates_mut().iter_mut().enumerate() {
            let rows = next.rows().into_iter().skip(vector * LANES).take(LANES);
            let (mut entry, mut norm) = (0.0, 0.0);
            for row in rows {
                entry = row.iter().fold(entry, |max, w| larger(max, w.abs()));
                norm = larger(norm, row.iter().map(|w| w * w).sum::<f64>().sqrt());
            }
            *rate = smaller(entry * by_entries.largest(), norm * by_norms.largest());
        }
        if number > 1 {
            by_entries = by_entries.below(max_slope * largest_column(next), ratio);
            by_norms = by_norms.below(max_slope * spectral_norm(next, scratch), ratio);
        }
    }
}

/// What a size of 1 in the weighted sums of a hidden layer comes to in the growth.
struct OfGrowth {
    size: f64,
    rate: f64,
}

impl OfGrowth {
    /// Of the last hidden layer, above whose sums the scores have the size `size`.
    fn above_units(size: f64, ratio: f64) -> Self {
        Self { size, rate: ratio + size / 2.0 }
    }

    /// Of the layer before, whose sums of size 1 make those of this layer as large as `factor`.
    fn below(self, factor: f64, ratio: f64) -> Self {
        Self { size: factor * self.size, rate: ratio + factor * self.rate }
    }

    /// The rate that the growth's series and that of the loss in the growth both keep.
    fn largest(&self) -> f64 {
        larger(self.rate, self.size)
    }
}

/// β: by how much each further Taylor coefficient of the activation is smaller than the one before, at least.
fn ratio(activation: Activation) -> f64 {
    match activation {
        Activation::Sigmoid => 0.5,
        Activation::Tanh => 1.0,
        Activation::Relu => 0.0,
    }
}

/// The larger one; NaN where one of them is, so that nothing passes for small.
fn larger(a: f64, b: f64) -> f64 {
    if a >= b {
        a
    } else if b > a {
        b
    } else {
        f64::NAN
    }
}

/// The smaller one; the other one where one of them is NaN.
fn smaller(a: f64, b: f64) -> f64 {
    if a <= b || b.is_nan() { a } else { b }
}

/// The largest number less the smallest.
fn range(weights: impl Iterator<Item = f64>) -> f64 {
    let (min, max) =
        weights.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), weight| (min.min(weight), max.max(weight)));
    max - min
}

/// By how much a move of 1 in every unit can move two scores apart.
fn sum_of_ranges(scores: ArrayView2<f64>) -> f64 {
    scores.rows().into_iter().map(|row| range(row.iter().copied())).sum()
}

/// By how much a move of Euclidean length 1 can move two scores apart, at most.
fn distance(scores: ArrayView2<f64>, means: &mut Vec<f64>) -> f64 {
    let n_classes = scores.ncols() as f64;
    means.clear();
    means.extend(scores.rows().into_iter().map(|row| row.iter().sum::<f64>() / n_classes));
    let lengths = scores
        .columns()
        .into_iter()
        .map(|column| column.iter().zip(&*means).map(|(weight, mean)| (weight - mean).powi(2)).sum::<f64>().sqrt());
    2.0 * lengths.fold(0.0, larger)
}

/// The largest sum of sizes in a column.
fn largest_column(weights: ArrayView2<f64>) -> f64 {
    let sums = weights.axis_iter(Axis(1)).map(|column| column.iter().map(|w| w.abs()).sum());
    sums.fold(0.0, larger)
}

/// At least the spectral norm: the fourth root of the Frobenius norm of `(WᵀW)²`, which is `(Σ σ⁸)^(1/8)` of the singular
/// values σ.
fn spectral_norm(weights: ArrayView2<f64>, scratch: &mut Vec<f64>) -> f64 {
    let scale = weights.iter().fold(0.0, |max, w| larger(max, w.abs()));
    if !(scale > 0.0 && scale.is_finite()) {
        return scale;
    }
    // Of the two products that have these singular values the smaller one.
    let weights = if weights.nrows() < weights.ncols() { weights.reversed_axes() } else { weights };
    let n = weights.ncols();
    scratch.clear();
    scratch.resize(2 * n * n + n, 0.0);
    let (gram, rest) = scratch.split_at_mut(n * n);
    let (square, row) = rest.split_at_mut(n * n);
    for weights in weights.rows() {
        row.iter_mut().zip(weights).for_each(|(scaled, weight)| *scaled = weight / scale);
        add_products(row, row, gram);
    }
    for row in gram.chunks_exact(n) {
        add_products(row, row, square);
    }
    scale * square.iter().map(|x| x * x).sum::<f64>().powf(0.125) * (1.0 + 1e-9)
}

/// Adds the products of every number of `a` (rows) with every number of `b` (columns).
fn add_products(a: &[f64], b: &[f64], sums: &mut [f64]) {
    for (a, sums) in a.iter().zip(sums.chunks_exact_mut(b.len())) {
        sums.iter_mut().zip(b).for_each(|(sum, b)| *sum += a * b);
    }
}

/// How many numbers of scratch [`set_growth_rates`] needs.
pub(super) fn scratch_len(shape: &NetworkShape) -> usize {
    let [_, above @ ..] = shape.hidden() else { return 0 };
    let Some(last) = above.last() else { return 0 };
    let of_norms = above.windows(2).map(|pair| pair[0].min(pair[1]));
    let of_norms = of_norms.map(|n| n.saturating_mul(n).saturating_mul(2).saturating_add(n)).max().unwrap_or(0);
    of_norms.max(*last)
}
