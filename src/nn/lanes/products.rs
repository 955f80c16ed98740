//! The matrix products of the forward pass: `x·W1` for sparse inputs, and `z·W` for the units of a hidden layer.

use std::ops::Range;

use super::packed::PackedLayer;
use super::simd::{Arithmetic, F64x8};
use super::sparse::SparseBatch;

/// Calls a function for a panel of this many vectors. The width is the function's last generic argument, so that the compiler
/// unrolls the loops over it.
macro_rules! with_panel_width {
    ($width:expr, $function:ident::<$arithmetic:ty>($($argument:expr),*)) => {
        match $width {
            1 => $function::<$arithmetic, 1>($($argument),*),
            2 => $function::<$arithmetic, 2>($($argument),*),
            3 => $function::<$arithmetic, 3>($($argument),*),
            4 => $function::<$arithmetic, 4>($($argument),*),
            5 => $function::<$arithmetic, 5>($($argument),*),
            6 => $function::<$arithmetic, 6>($($argument),*),
            _ => $function::<$arithmetic, MAX_PANEL>($($argument),*),
        }
    };
}

/// The widest panel: with AVX2 its sums and a factor take 15 of 16 registers, and one more would have them go through memory.
const MAX_PANEL: usize = 7;

/// What goes into the units of the first layer in samples, `x·W1 + b1`, into `sums` (N, H/8).
#[inline(always)]
pub(in super::super) fn sparse_product<A: Arithmetic>(
    batch: &SparseBatch,
    samples: Range<usize>,
    layer: &PackedLayer,
    sums: &mut [F64x8],
) {
    let n_vectors = layer.n_vectors();
    sums.fill(F64x8::ZERO);
    for block in 0..batch.n_blocks() {
        for (n, sums) in samples.clone().zip(sums.chunks_exact_mut(n_vectors)) {
            let inputs = batch.block(n, block).iter().map(|&(i, x)| (i as usize, x));
            add_weighted_rows::<A>(inputs, layer.rows(), sums);
        }
    }
}

/// What goes into the units of a further layer in one sample, `z·W + b`, into `sums` (units/8), from the units `z` of the
/// layer before (inputs/8, with anything behind the last of them).
#[inline(always)]
pub(in super::super) fn dense_product<A: Arithmetic>(z: &[F64x8], layer: &PackedLayer, sums: &mut [F64x8]) {
    let n_inputs = layer.layer().n_inputs;
    let units = z.iter().flat_map(|z| z.0).take(n_inputs).enumerate();
    sums.fill(F64x8::ZERO);
    add_weighted_rows::<A>(units.chain([(n_inputs, 1.0)]), layer.rows(), sums);
}

/// `sums += Σ_(row, factor) factor · rows[row]`, in panels of about one width whose sums stay in registers.
#[inline(always)]
fn add_weighted_rows<A: Arithmetic>(
    terms: impl Iterator<Item = (usize, f64)> + Clone,
    rows: &[F64x8],
    sums: &mut [F64x8],
) {
    let mut first = 0;
    while first < sums.len() {
        let (terms, remaining) = (terms.clone(), sums.len() - first);
        let width = remaining.div_ceil(remaining.div_ceil(MAX_PANEL));
        first += with_panel_width!(width, add_panel::<A>(terms, rows, first, sums));
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
    let panel: &mut [F64x8; V] = sums[first..].first_chunk_mut().expect("a panel of this width");
    let mut registers = *panel;
    for (row, factor) in terms {
        let factor = F64x8::splat(factor);
        let row = &rows[row * stride + first..][..V];
        // A loop over numbers: whether adapters of iterators are inlined depends on the profile.
        for v in 0..V {
            registers[v] = factor.mul_add::<A>(row[v], registers[v]);
        }
    }
    *panel = registers;
    V
}
