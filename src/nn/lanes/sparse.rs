//! A batch's inputs without those that are 0: they add nothing to any sum, and most pixels are 0.

use ndarray::{ArrayView1, ArrayView2};

use super::super::n_bytes::{n_bytes_of, together};
use super::super::shape::NetworkShape;
use super::split::RowsMut;

/// A batch as the network reads it: N samples of D inputs each, of which only those matter that are not 0.
pub(crate) trait Rows: Sync {
    /// (N, D).
    fn dim(&self) -> (usize, usize);

    /// Writes the number and the value of each input of a sample that is not 0, in their order; returns how many they are.
    /// `out` has room for all inputs.
    fn nonzero_into(&self, sample: usize, out: &mut [(u32, f64)]) -> usize;

    /// Is told that the inputs of a sample will be asked for soon. By default it does nothing; where samples lie far apart
    /// in memory, it may bring them into the cache.
    fn prefetch(&self, sample: usize) {
        let _ = sample;
    }
}

impl Rows for ArrayView2<'_, f64> {
    fn dim(&self) -> (usize, usize) {
        (self.nrows(), self.ncols())
    }

    fn nonzero_into(&self, sample: usize, out: &mut [(u32, f64)]) -> usize {
        nonzero_of_row_into(self.row(sample), out)
    }
}

/// Panics unless `x` (N, D) and `classes` (N, each below K) fit the network.
pub(in super::super) fn check_batch(shape: &NetworkShape, x: &impl Rows, classes: &[usize]) {
    assert!(
        x.dim() == (classes.len(), shape.n_inputs()) && !classes.is_empty(),
        "a batch of {:?} with {} classes for a network of {shape}",
        x.dim(),
        classes.len()
    );
    if let Some(class) = classes.iter().find(|&&class| class >= shape.n_classes()) {
        panic!("class {class} is outside 0..{}", shape.n_classes());
    }
}

/// [`Rows::nonzero_into`] for a sample that is a row of an array.
pub(crate) fn nonzero_of_row_into(row: ArrayView1<f64>, out: &mut [(u32, f64)]) -> usize {
    match row.to_slice() {
        Some(values) => nonzero_into(values, |x| x, out),
        None => nonzero_into(&row.to_vec(), |x| x, out),
    }
}

/// [`Rows::nonzero_into`] for inputs that follow one another in memory; `value` says what number each of them stands for.
#[inline(always)]
pub(crate) fn nonzero_into<T: Copy + Default + PartialEq>(
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
    for (eight, i) in eights.iter().zip((0..).step_by(8)) {
        // Most of an image is empty, and empty in long runs.
        if *eight != [T::default(); 8] {
            (i..).zip(eight).for_each(|(i, &x)| put(i, x));
        }
    }
    (inputs.len() - rest.len()..).zip(rest).for_each(|(i, &x)| put(i, x));
    len
}

/// How many inputs make a block. In the forward pass the rows of W1 of one block are worked through for many samples
/// before the next block: eight vectors of each are 32 KiB, so they stay in the first-level cache, where every sample
/// would stream all of W1 from the second level.
const BLOCK_INPUTS: usize = 64;

/// The inputs of a batch that are not 0, sample by sample, each sample's last one being the 1 of the bias.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct SparseBatch {
    n_inputs: usize,
    n_blocks: usize,
    /// Where each block of a sample's inputs ends, counted from the sample's first: (N, blocks).
    ends: Vec<u32>,
    /// The number and value of each input. A sample has room for D + 1 of them, of which the last ones are not in use:
    /// (N, D + 1).
    inputs: Vec<(u32, f64)>,
}

impl SparseBatch {
    /// Takes over a batch; allocates only if it is larger than all before.
    pub fn set(&mut self, batch: &impl Rows) {
        let (mut ends, mut inputs) = self.make_room(batch.dim());
        for (n, (ends, inputs)) in ends.iter_mut().zip(inputs.iter_mut()).enumerate() {
            pack_sample(batch, n, ends, inputs);
        }
    }

    /// Makes room for a batch of (N, D): for each sample where its blocks end, and its inputs, both to be filled by
    /// [`pack_sample`]. Allocates only if the batch is larger than all before.
    pub fn make_room(&mut self, (n_samples, n_inputs): (usize, usize)) -> (RowsMut<'_, u32>, RowsMut<'_, (u32, f64)>) {
        let row_len = n_inputs + 1;
        self.n_inputs = n_inputs;
        // The bias is input D, after the last of the others.
        self.n_blocks = row_len.div_ceil(BLOCK_INPUTS);
        self.ends.resize(n_samples * self.n_blocks, 0);
        self.inputs.resize(n_samples * row_len, (0, 0.0));
        (RowsMut::new(&mut self.ends, self.n_blocks), RowsMut::new(&mut self.inputs, row_len))
    }

    /// How much memory a batch takes.
    pub fn n_bytes(n_samples: usize, n_inputs: usize) -> u64 {
        let row_len = n_inputs + 1;
        together(&[
            n_bytes_of::<u32>(&[n_samples, row_len.div_ceil(BLOCK_INPUTS)]),
            n_bytes_of::<(u32, f64)>(&[n_samples, row_len]),
        ])
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

    /// How many blocks the inputs of each sample make.
    #[inline(always)]
    pub fn n_blocks(&self) -> usize {
        self.n_blocks
    }

    /// The inputs of a sample in one block.
    #[inline(always)]
    pub fn block(&self, sample: usize, block: usize) -> &[(u32, f64)] {
        let ends = &self.ends[sample * self.n_blocks..][..self.n_blocks];
        let begin = if block == 0 { 0 } else { ends[block - 1] };
        &self.inputs[sample * (self.n_inputs + 1)..][begin as usize..ends[block] as usize]
    }
}

/// Writes the inputs of a batch's sample `n` that are not 0, then the 1 of the bias, and where each block of them ends;
/// returns those inputs.
pub(in super::super) fn pack_sample<'a>(
    batch: &impl Rows,
    n: usize,
    ends: &mut [u32],
    inputs: &'a mut [(u32, f64)],
) -> &'a [(u32, f64)] {
    let n_inputs = inputs.len() - 1;
    let len = batch.nonzero_into(n, inputs);
    inputs[len] = (n_inputs as u32, 1.0);
    let inputs = &inputs[..=len];
    ends.fill(0);
    for (&(input, _), end) in inputs.iter().zip(1..) {
        ends[input as usize / BLOCK_INPUTS] = end;
    }
    // A block without inputs ends where the one before it does.
    let mut end_before = 0;
    for end in ends {
        end_before = end_before.max(*end);
        *end = end_before;
    }
    inputs
}
