//! The two matrix products of the forward pass, `x·W1` and `z·W2`, for packed parameters and sparse inputs.

use std::ops::Range;

use super::packed::PackedParameters;
use super::simd::{Arithmetic, F64x8};
use super::sparse::SparseBatch;

/// Calls a function for a panel of as many vectors as remain, at most eight: what fits into registers. The width is the
/// function's last generic argument, so that the compiler unrolls the loops over it.
macro_rules! with_panel_width {
    ($remaining:expr, $function:ident::<$arithmetic:ty>($($argument:expr),*)) => {
        match $remaining {
            1 => $function::<$arithmetic, 1>($($argument),*),
            2 => $function::<$arithmetic, 2>($($argument),*),
            3 => $function::<$arithmetic, 3>($($argument),*),
            4 => $function::<$arithmetic, 4>($($argument),*),
            5 => $function::<$arithmetic, 5>($($argument),*),
            6 => $function::<$arithmetic, 6>($($argument),*),
            7 => $function::<$arithmetic, 7>($($argument),*),
            _ => $function::<$arithmetic, 8>($($argument),*),
        }
    };
}

/// The inputs of the hidden units of samples, `x·W1 + b1`, into `hidden` (N, H/8).
#[inline(always)]
pub(super) fn hidden_inputs<A: Arithmetic>(
    batch: &SparseBatch,
    samples: Range<usize>,
    parameters: &PackedParameters,
    hidden: &mut [F64x8],
) {
    let n_vectors = hidden.len() / samples.len();
    hidden.fill(F64x8::ZERO);
    for block in 0..batch.n_blocks() {
        for (n, hidden) in samples.clone().zip(hidden.chunks_exact_mut(n_vectors)) {
            let inputs = batch.block(n, block).iter().map(|&(i, x)| (i as usize, x));
            add_weighted_rows::<A>(inputs, &parameters.w1, hidden);
        }
    }
}

/// The scores of a sample, `z·W2 + b2`, into `scores` (K/8), from its hidden units `z` (H/8).
#[inline(always)]
pub(super) fn scores<A: Arithmetic>(hidden: &[F64x8], parameters: &PackedParameters, scores: &mut [F64x8]) {
    let n_hidden = parameters.n_hidden();
    let units = hidden.iter().flat_map(|z| z.0).take(n_hidden).enumerate();
    scores.fill(F64x8::ZERO);
    add_weighted_rows::<A>(units.chain([(n_hidden, 1.0)]), &parameters.w2, scores);
}

/// `sums += Σ_(row, factor) factor · rows[row]`, up to eight vectors at a time in registers.
#[inline(always)]
fn add_weighted_rows<A: Arithmetic>(
    terms: impl Iterator<Item = (usize, f64)> + Clone,
    rows: &[F64x8],
    sums: &mut [F64x8],
) {
    let mut first = 0;
    while first < sums.len() {
        let terms = terms.clone();
        first += with_panel_width!(sums.len() - first, add_panel::<A>(terms, rows, first, sums));
    }
}

/// The `V` vectors of [`add_weighted_rows`] from `first` on; returns `V`.
#[inline(always)]
fn add_panel<A: Arithmetic, const V: usize>(
    terms: impl Iterator<Item = (usize, f64)>,
    rows: &[F64x8],
    first: usize,
    sums: &mut [F64x8],
) -> usize {
    let stride = sums.len();
    let panel = &mut sums[first..][..V];
    let mut registers: [F64x8; V] = std::array::from_fn(|v| panel[v]);
    for (row, factor) in terms {
        let factor = F64x8::splat(factor);
        let row = &rows[row * stride + first..][..V];
        // A loop over numbers: whether adapters of iterators are inlined depends on the profile.
        for v in 0..V {
            registers[v] = factor.mul_add::<A>(row[v], registers[v]);
        }
    }
    panel.copy_from_slice(&registers);
    V
}
