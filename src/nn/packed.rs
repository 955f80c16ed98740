//! Parameters and batches laid out for the vector units, as both objectives of the network use them.
//!
//! A bias is a weight whose input is always 1: b1 is row D of W1 and b2 is row H of W2, which is also how they lie in the
//! flat order of [`Parameters`]. So the code below knows two matrices and no biases.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView2, s};

use super::simd::{Arithmetic, F64x8, LANES};
use super::split::{Places, for_each_run};
use super::two_layer::{NetworkShape, Parameters};

/// A clone of all parameters with hidden units and classes padded to whole vectors.
#[derive(Debug, Clone)]
pub(super) struct PackedParameters {
    shape: NetworkShape,
    /// (D + 1, H/8): W1 and, as its last row, b1.
    pub w1: Vec<F64x8>,
    /// (H + 1, K/8): W2 and, as its last row, b2. The classes that only pad have a bias of -∞ and so a probability of 0.
    pub w2: Vec<F64x8>,
}

impl PackedParameters {
    pub fn new(parameters: &Parameters) -> Self {
        let shape = parameters.shape();
        let (n_unit_vectors, n_class_vectors) = vectors(shape);
        let mut packed = Self {
            shape,
            w1: vec![F64x8::ZERO; (shape.n_inputs + 1) * n_unit_vectors],
            w2: vec![F64x8::ZERO; (shape.n_hidden + 1) * n_class_vectors],
        };
        packed.w2[shape.n_hidden * n_class_vectors..].fill(F64x8::splat(f64::NEG_INFINITY));
        packed.copy_from(parameters, usize::MAX);
        packed
    }

    /// Takes over other values of the same shape, in runs of at most `max_run` rows of W1.
    pub fn copy_from(&mut self, parameters: &Parameters, max_run: usize) {
        let (n_unit_vectors, n_class_vectors) = vectors(self.shape);
        let NetworkShape { n_inputs, n_hidden, n_classes } = self.shape;
        let values = parameters.values().as_slice().expect("flat parameters are contiguous");
        let (w1, w2) = values.split_at(self.shape.offsets().w2);
        for_each_run((0..n_inputs + 1, Places::new(&mut self.w1, n_unit_vectors)), max_run, &|(rows, packed)| {
            pack_rows(&w1[rows.start * n_hidden..rows.end * n_hidden], n_hidden, packed);
        });
        pack_rows(w2, n_classes, Places::new(&mut self.w2, n_class_vectors));
    }

    /// The place of a coordinate of the flat order.
    pub fn parameter(&mut self, coordinate: usize) -> &mut f64 {
        let (vector, lane) = self.place(coordinate);
        let rows = if coordinate < self.shape.offsets().w2 { &mut self.w1 } else { &mut self.w2 };
        &mut rows[vector].0[lane]
    }

    /// The value of a coordinate of the flat order.
    pub fn value(&self, coordinate: usize) -> f64 {
        let (vector, lane) = self.place(coordinate);
        let rows = if coordinate < self.shape.offsets().w2 { &self.w1 } else { &self.w2 };
        rows[vector].0[lane]
    }

    /// The vector of its matrix that a coordinate is in, and where in it.
    fn place(&self, coordinate: usize) -> (usize, usize) {
        let (n_unit_vectors, n_class_vectors) = vectors(self.shape);
        let w2_begin = self.shape.offsets().w2;
        let (n_vectors, row_len, within) = if coordinate < w2_begin {
            (n_unit_vectors, self.shape.n_hidden, coordinate)
        } else {
            (n_class_vectors, self.shape.n_classes, coordinate - w2_begin)
        };
        let (row, column) = (within / row_len, within % row_len);
        (row * n_vectors + column / LANES, column % LANES)
    }
}

/// Lays rows out as whole vectors.
fn pack_rows(rows: &[f64], row_len: usize, mut packed: Places<F64x8>) {
    for (row, packed) in rows.chunks_exact(row_len).zip(packed.iter_mut()) {
        let (eights, rest) = row.as_chunks::<LANES>();
        packed.iter_mut().zip(eights).for_each(|(vector, eight)| vector.0 = *eight);
        if let Some(vector) = packed.get_mut(eights.len()) {
            vector.0[..rest.len()].copy_from_slice(rest);
        }
    }
}

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

/// How many vectors the hidden units and the classes take.
pub(super) fn vectors(shape: NetworkShape) -> (usize, usize) {
    (shape.n_hidden.div_ceil(LANES), shape.n_classes.div_ceil(LANES))
}

/// N samples of D inputs each, of which only those matter that are not 0.
pub(crate) trait Rows: Sync {
    /// (N, D).
    fn dim(&self) -> (usize, usize);

    /// Writes the number and the value of each input of a sample that is not 0, among those of a range and in their
    /// order; returns how many they are. `out` has a place for each of the range.
    fn nonzero_into(&self, sample: usize, inputs: Range<usize>, out: &mut [(u32, f64)]) -> usize;

    /// The inputs of a sample will be asked for soon. By default nothing; where samples lie far apart in memory, a prefetch.
    fn prefetch(&self, sample: usize) {
        let _ = sample;
    }
}

impl Rows for ArrayView2<'_, f64> {
    fn dim(&self) -> (usize, usize) {
        (self.nrows(), self.ncols())
    }

    fn nonzero_into(&self, sample: usize, inputs: Range<usize>, out: &mut [(u32, f64)]) -> usize {
        nonzero_of_row_into(self.row(sample), inputs, out)
    }
}

/// [`Rows::nonzero_into`] for a sample that is a row of an array.
pub(crate) fn nonzero_of_row_into(row: ArrayView1<f64>, inputs: Range<usize>, out: &mut [(u32, f64)]) -> usize {
    let first = inputs.start;
    let row = row.slice_move(s![inputs]);
    match row.to_slice() {
        Some(values) => nonzero_into(first, values, |x| x, out),
        None => nonzero_into(first, &row.to_vec(), |x| x, out),
    }
}

/// [`Rows::nonzero_into`] for inputs from number `first` on, and what each stands for.
#[inline(always)]
pub(crate) fn nonzero_into<T: Copy + Default + PartialEq>(
    first: usize,
    inputs: &[T],
    value: impl Fn(T) -> f64,
    out: &mut [(u32, f64)],
) -> usize {
    let mut len = 0;
    let mut put = |i: usize, x: T| {
        // Written in any case and kept only where it is not 0: cheaper than a branch that is hard to foresee.
        out[len] = (i as u32, value(x));
        len += usize::from(x != T::default());
    };
    let (eights, rest) = inputs.as_chunks::<8>();
    for (eight, i) in eights.iter().zip((first..).step_by(8)) {
        // Most of an image is empty, and empty in long runs.
        if *eight != [T::default(); 8] {
            (i..).zip(eight).for_each(|(i, &x)| put(i, x));
        }
    }
    (first + inputs.len() - rest.len()..).zip(rest).for_each(|(i, &x)| put(i, x));
    len
}

/// How many inputs make a block. In the forward pass the rows of W1 of one block are worked through for many samples
/// before the next block: eight vectors of each are 32 KiB, so they stay in the first-level cache, where every sample
/// would stream all of W1 from the second level.
const BLOCK_INPUTS: usize = 64;

/// The inputs of a batch that are not 0, sample by sample, each sample's last one being the 1 of the bias.
#[derive(Debug, Clone, Default)]
pub(super) struct SparseBatch {
    n_inputs: usize,
    n_blocks: usize,
    /// Where each block of a sample's inputs ends, counted from the sample's first: (N, blocks).
    ends: Vec<u32>,
    /// The inputs' numbers and values; D + 1 places a sample, of which the last ones are not in use: (N, D + 1).
    inputs: Vec<(u32, f64)>,
}

impl SparseBatch {
    /// Takes over a batch; allocates only if it is larger than all before.
    pub fn set(&mut self, batch: &impl Rows) {
        let (mut ends, mut inputs) = self.places(batch.dim());
        for (n, (ends, inputs)) in ends.iter_mut().zip(inputs.iter_mut()).enumerate() {
            pack_sample(batch, n, ends, inputs);
        }
    }

    /// The places for a batch of (N, D), each sample's to be filled by [`pack_sample`]; allocates only if the batch is larger
    /// than all before.
    pub fn places(&mut self, (n_samples, n_inputs): (usize, usize)) -> (Places<'_, u32>, Places<'_, (u32, f64)>) {
        let n_places = n_inputs + 1;
        self.n_inputs = n_inputs;
        // The bias is input D, after the last of the others.
        self.n_blocks = n_places.div_ceil(BLOCK_INPUTS);
        self.ends.resize(n_samples * self.n_blocks, 0);
        self.inputs.resize(n_samples * n_places, (0, 0.0));
        (Places::new(&mut self.ends, self.n_blocks), Places::new(&mut self.inputs, n_places))
    }

    /// How many inputs there are, biases included.
    pub fn len(&self) -> usize {
        self.ends.chunks_exact(self.n_blocks.max(1)).filter_map(|ends| ends.last()).map(|&end| end as usize).sum()
    }

    /// The inputs of a sample.
    #[inline(always)]
    pub fn sample(&self, sample: usize) -> &[(u32, f64)] {
        let len = self.ends[(sample + 1) * self.n_blocks - 1];
        &self.inputs[sample * (self.n_inputs + 1)..][..len as usize]
    }

    /// The value of an input of a sample, if it is not 0.
    pub fn input(&self, sample: usize, input: usize) -> Option<f64> {
        let block = self.block(sample, input / BLOCK_INPUTS);
        block.iter().find(|&&(i, _)| i as usize == input).map(|&(_, x)| x)
    }

    /// The inputs of a sample in one block.
    #[inline(always)]
    fn block(&self, sample: usize, block: usize) -> &[(u32, f64)] {
        let ends = &self.ends[sample * self.n_blocks..][..self.n_blocks];
        let begin = if block == 0 { 0 } else { ends[block - 1] };
        &self.inputs[sample * (self.n_inputs + 1)..][begin as usize..ends[block] as usize]
    }
}

/// Writes the inputs of a batch's sample `n` that are not 0, then the 1 of the bias, and where each block of them ends;
/// returns those inputs.
pub(super) fn pack_sample<'a>(
    batch: &impl Rows,
    n: usize,
    ends: &mut [u32],
    inputs: &'a mut [(u32, f64)],
) -> &'a [(u32, f64)] {
    let n_inputs = inputs.len() - 1;
    let mut len = 0;
    for (block, end) in ends.iter_mut().enumerate() {
        let first = block * BLOCK_INPUTS;
        len += batch.nonzero_into(n, first..(first + BLOCK_INPUTS).min(n_inputs), &mut inputs[len..]);
        *end = len as u32;
    }
    inputs[len] = (n_inputs as u32, 1.0);
    ends[ends.len() - 1] += 1;
    &inputs[..=len]
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
    for block in 0..batch.n_blocks {
        for (n, hidden) in samples.clone().zip(hidden.chunks_exact_mut(n_vectors)) {
            let inputs = batch.block(n, block).iter().map(|&(i, x)| (i as usize, x));
            add_weighted_rows::<A>(inputs, &parameters.w1, hidden);
        }
    }
}

/// The scores of a sample, `z·W2 + b2`, into `scores` (K/8), from its hidden units `z` (H/8).
#[inline(always)]
pub(super) fn scores<A: Arithmetic>(hidden: &[F64x8], parameters: &PackedParameters, scores: &mut [F64x8]) {
    let n_hidden = parameters.shape.n_hidden;
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
        for (sum, &weight) in registers.iter_mut().zip(row) {
            *sum = factor.mul_add::<A>(weight, *sum);
        }
    }
    panel.copy_from_slice(&registers);
    V
}
