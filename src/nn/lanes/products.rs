//! The matrix products of the forward pass: `x·W1` for sparse inputs, and `z·W` for the units of a hidden layer.
//!
//! Sums of a panel of vectors stay in registers while rows of weights are added to them. Those of every sample are made in the
//! order of the inputs, however many vectors or samples are worked on at a time, so that the bits do not depend on it.

use std::array;
use std::ops::Range;

use super::packed::PackedLayer;
use super::simd::{Arithmetic, F64x8};
use super::sparse::SparseBatch;

/// Calls a function for a panel of this many vectors. The width is the function's last generic argument, so that the compiler
/// unrolls the loops over it.
macro_rules! with_panel_width {
    ($width:expr, $function:ident::<$arithmetic:ty $(, $n_samples:tt)?>($($argument:expr),*)) => {
        match $width {
            1 => $function::<$arithmetic, $($n_samples,)? 1>($($argument),*),
            2 => $function::<$arithmetic, $($n_samples,)? 2>($($argument),*),
            3 => $function::<$arithmetic, $($n_samples,)? 3>($($argument),*),
            4 => $function::<$arithmetic, $($n_samples,)? 4>($($argument),*),
            5 => $function::<$arithmetic, $($n_samples,)? 5>($($argument),*),
            6 => $function::<$arithmetic, $($n_samples,)? 6>($($argument),*),
            _ => $function::<$arithmetic, $($n_samples,)? MAX_PANEL>($($argument),*),
        }
    };
}

/// The widest panel: with AVX2 the sums of one sample and a factor take 15 of 16 registers, and one more would have them go
/// through memory. With AVX-512 those of four samples, a row's vector and a factor take 30 of 32.
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
            let (inputs, mut first) = (batch.block(n, block), 0);
            while first < n_vectors {
                let width = panel_width(n_vectors - first);
                first += with_panel_width!(width, add_sparse_panel::<A>(inputs, layer.rows(), first, sums));
            }
        }
    }
}

/// `sums += Σ_(row, factor) factor · rows[row]` in the `V` vectors from `first` on; returns `V`.
#[inline(always)]
fn add_sparse_panel<A: Arithmetic, const V: usize>(
    terms: &[(u32, f64)],
    rows: &[F64x8],
    first: usize,
    sums: &mut [F64x8],
) -> usize {
    let stride = sums.len();
    let panel: &mut [F64x8; V] = sums[first..].first_chunk_mut().expect("a panel of this width");
    let mut registers = *panel;
    for &(row, factor) in terms {
        let factor = F64x8::splat(factor);
        let row = &rows[row as usize * stride + first..][..V];
        // A loop over numbers: whether adapters of iterators are inlined depends on the profile.
        for v in 0..V {
            registers[v] = factor.mul_add::<A>(row[v], registers[v]);
        }
    }
    *panel = registers;
    V
}

/// What goes into the units of a further layer in samples, `z·W + b`: each of `samples` has the units `z` of the layer before
/// (inputs/8, with anything behind the last of them) and what becomes the sums (units/8).
#[inline(always)]
pub(in super::super) fn dense_product<'a, A: Arithmetic>(
    samples: impl Iterator<Item = (&'a [F64x8], &'a mut [F64x8])>,
    layer: &PackedLayer,
) {
    // With registers for it four samples at a time share the rows of weights, of which a layer seldom fits into the first-level
    // cache; with AVX2 there are too few for two samples to be any quicker than one.
    match A::N_REGISTERS {
        32.. => dense_products::<A, 4>(samples, layer),
        _ => dense_products::<A, 1>(samples, layer),
    }
}

/// The same, `S` samples at a time.
#[inline(always)]
fn dense_products<'a, A: Arithmetic, const S: usize>(
    mut samples: impl Iterator<Item = (&'a [F64x8], &'a mut [F64x8])>,
    layer: &PackedLayer,
) {
    loop {
        let mut z: [&[F64x8]; S] = [&[]; S];
        let mut sums: [&mut [F64x8]; S] = array::from_fn(|_| &mut [][..]);
        let mut n = 0;
        while n < S
            && let Some(sample) = samples.next()
        {
            (z[n], sums[n]) = sample;
            n += 1;
        }
        if n < S {
            // No closure: it would not be compiled for the instruction set wherever it is not inlined.
            for (z, sums) in z.into_iter().zip(sums).take(n) {
                set_dense_rows::<A, 1>([z], layer, [sums]);
            }
            return;
        }
        set_dense_rows::<A, S>(z, layer, sums);
    }
}

/// `z·W + b` in `S` samples.
#[inline(always)]
fn set_dense_rows<A: Arithmetic, const S: usize>(z: [&[F64x8]; S], layer: &PackedLayer, mut sums: [&mut [F64x8]; S]) {
    let mut first = 0;
    while first < layer.n_vectors() {
        let width = panel_width(layer.n_vectors() - first);
        first += with_panel_width!(width, set_dense_panel::<A, S>(z, layer, first, &mut sums));
    }
}

/// The `V` vectors of [`set_dense_rows`] from `first` on; returns `V`.
#[inline(always)]
fn set_dense_panel<A: Arithmetic, const S: usize, const V: usize>(
    z: [&[F64x8]; S],
    layer: &PackedLayer,
    first: usize,
    sums: &mut [&mut [F64x8]; S],
) -> usize {
    let (n_inputs, stride) = (layer.layer().n_inputs, layer.n_vectors());
    let z = z.map(|z| &F64x8::as_lanes(z)[..n_inputs]);
    let mut registers = [[F64x8::ZERO; V]; S];
    for (input, row) in layer.rows().chunks_exact(stride).enumerate() {
        let row: &[F64x8; V] = row[first..].first_chunk().expect("a panel of this width");
        for s in 0..S {
            // The last row is the biases'.
            let factor = F64x8::splat(if input < n_inputs { z[s][input] } else { 1.0 });
            for v in 0..V {
                registers[s][v] = factor.mul_add::<A>(row[v], registers[s][v]);
            }
        }
    }
    for s in 0..S {
        sums[s][first..][..V].copy_from_slice(&registers[s]);
    }
    V
}

/// How wide the next panel is best made of `n_vectors` that are left: all that are left of about one width.
#[inline(always)]
fn panel_width(n_vectors: usize) -> usize {
    n_vectors.div_ceil(n_vectors.div_ceil(MAX_PANEL))
}

#[cfg(test)]
mod tests {
    use super::super::super::{NetworkShape, Parameters};
    use super::super::simd::{Isa, Kernel, LANES};
    use super::*;

    /// Whether the products of some samples have the bits of one sum after the other.
    struct Compare<'a> {
        z: &'a [Vec<F64x8>],
        layer: &'a PackedLayer,
    }

    impl Kernel for Compare<'_> {
        type Output = bool;

        #[inline(always)]
        fn run<A: Arithmetic>(self) -> bool {
            let Self { z, layer } = self;
            let mut found = vec![vec![F64x8::splat(f64::NAN); layer.n_vectors()]; z.len()];
            dense_product::<A>(z.iter().map(Vec::as_slice).zip(found.iter_mut().map(Vec::as_mut_slice)), layer);
            let n_inputs = layer.layer().n_inputs;
            z.iter().zip(&found).all(|(z, found)| {
                (0..layer.layer().n_units).all(|unit| {
                    let factor = |input| if input < n_inputs { F64x8::as_lanes(z)[input] } else { 1.0 };
                    let sum = (0..=n_inputs).fold(0.0, |sum, i| A::mul_add(factor(i), layer.row(i)[unit], sum));
                    F64x8::as_lanes(found)[unit].to_bits() == sum.to_bits()
                })
            })
        }
    }

    #[test]
    fn dense_products_have_the_bits_of_one_sum_after_the_other_for_any_number_of_samples_and_units() {
        for (n_inputs, n_units) in [(1, 1), (7, 8), (8, 10), (9, 50), (13, 57), (16, 100), (3, 130)] {
            let shape = NetworkShape::new([2, n_inputs, n_units]);
            let mut parameters = Parameters::zeros(&shape);
            (1..).zip(parameters.values_mut()).for_each(|(i, w)| *w = f64::from(i).sin());
            let layer = PackedLayer::new(&parameters, shape.layer(2), 0.0);
            for n_samples in 0..10_usize {
                // Behind the last unit comes what is of no account.
                let unit = |n: usize, i: usize| if i < n_inputs { ((n + 3 * i) as f64).cos() } else { f64::NAN };
                let row =
                    |n| (0..n_inputs.div_ceil(LANES)).map(move |v| F64x8(array::from_fn(|i| unit(n, v * LANES + i))));
                let z: Vec<Vec<F64x8>> = (0..n_samples).map(|n| row(n).collect()).collect();
                for isa in Isa::available() {
                    let is_equal = isa.run(Compare { z: &z, layer: &layer });
                    assert!(is_equal, "{isa}, {n_samples} samples of {n_inputs} inputs and {n_units} units");
                }
            }
        }
    }
}
