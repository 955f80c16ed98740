//! What goes into a layer in each sample of a batch, and which of it is equal.

use super::super::lanes::simd::{F64x8, LANES};
use super::super::lanes::sparse::{Rows, SparseBatch, pack_sample};
use super::super::lanes::split::{RowsMut, for_each_chunk};
use super::super::n_bytes::{n_bytes_of, together};

/// How many bits of a hash find a value in a [`Memo`].
const MEMO_BITS: u32 = 10;

/// N samples of D inputs, of which one more, the bias's, is always 1: pixels, or the units of the layer before.
#[derive(Debug, Clone, Default)]
pub(super) struct DistinctInputs {
    pub inputs: SparseBatch,
    /// The numbers of `inputs`, each with which of its sample's `values` it has: (N, D + 1). Close together, as they are read
    /// once for every eight units.
    with_values: Vec<(u32, u32)>,
    /// The distinct inputs of each sample other than 0: (N, D + 1), of which the last ones are not in use.
    values: Vec<f64>,
    /// How many values all samples before one have: (N + 1).
    value_ends: Vec<usize>,
    /// The largest absolute value of each sample: (N).
    largest: Vec<f64>,
}

impl DistinctInputs {
    /// How much memory they take.
    pub fn n_bytes(n_samples: usize, n_inputs: usize) -> u64 {
        let row_len = n_inputs + 1;
        together(&[
            SparseBatch::n_bytes(n_samples, n_inputs),
            n_bytes_of::<(u32, u32)>(&[n_samples, row_len]),
            n_bytes_of::<f64>(&[n_samples, row_len]),
            n_bytes_of::<usize>(&[n_samples.saturating_add(1)]),
            n_bytes_of::<f64>(&[n_samples]),
        ])
    }

    /// Takes over samples in chunks of at most `max_chunk`; allocates only if they are more than ever before.
    pub fn set(&mut self, batch: &impl Rows, max_chunk: usize) {
        let (n_samples, n_inputs) = batch.dim();
        let row_len = n_inputs + 1;
        self.with_values.resize(n_samples * row_len, (0, 0));
        self.values.resize(n_samples * row_len, 0.0);
        self.value_ends.resize(n_samples + 1, 0);
        self.largest.resize(n_samples, 0.0);
        let inputs = self.inputs.make_room((n_samples, n_inputs));
        let values = (RowsMut::new(&mut self.with_values, row_len), RowsMut::new(&mut self.values, row_len));
        let counts = (&mut self.value_ends[1..], &mut self.largest[..]);
        for_each_chunk((0..n_samples, (inputs, (values, counts))), max_chunk, &|(
            samples,
            (inputs, (values, counts)),
        )| {
            samples.clone().for_each(|n| batch.prefetch(n));
            let ((mut ends, mut inputs), (mut indices, mut values), (counts, largest)) = (inputs, values, counts);
            let inputs = ends.iter_mut().zip(inputs.iter_mut());
            let values = indices.iter_mut().zip(values.iter_mut());
            let counts = counts.iter_mut().zip(largest);
            let mut search = Search::default();
            for (n, ((inputs, values), counts)) in samples.zip(inputs.zip(values).zip(counts)) {
                let ((ends, inputs), (indices, values), (count, largest)) = (inputs, values, counts);
                *count = search.distinct_values(pack_sample(batch, n, ends, inputs), indices, values);
                *largest = max_abs(&values[..*count]);
            }
        });
        for n in 0..n_samples {
            self.value_ends[n + 1] += self.value_ends[n];
        }
    }

    /// The distinct inputs of a sample.
    pub fn values(&self, sample: usize) -> &[f64] {
        let row_len = self.values.len() / self.largest.len();
        &self.values[sample * row_len..][..self.value_ends[sample + 1] - self.value_ends[sample]]
    }

    /// The largest absolute value of a sample. What it is where one of them is NaN makes no difference: the sample's units
    /// are NaN then, and so is every result.
    pub fn largest_value(&self, sample: usize) -> f64 {
        self.largest[sample]
    }

    /// The largest [`largest_value`](Self::largest_value) of all samples.
    pub fn largest(&self) -> f64 {
        max_abs(&self.largest)
    }

    /// The inputs of a sample by their numbers, each with the index of its value.
    #[inline(always)]
    pub fn inputs_with_values(&self, sample: usize) -> impl Iterator<Item = (usize, usize)> {
        let row_len = self.values.len() / self.largest.len();
        let with_values = &self.with_values[sample * row_len..][..self.inputs.sample(sample).len()];
        with_values.iter().map(|&(input, value)| (input as usize, value as usize))
    }

    /// The largest number of values that a sample has.
    pub fn max_values(&self) -> usize {
        self.value_ends.windows(2).map(|ends| ends[1] - ends[0]).max().unwrap_or(0)
    }

    /// How many values all samples have.
    pub fn n_values(&self) -> usize {
        self.value_ends.last().copied().unwrap_or(0)
    }
}

/// Finds the distinct inputs of one sample after another: by their places in a grid, until a sample has two in one place.
#[derive(Default)]
struct Search {
    grid: Grid,
    /// Where a sample had two values in one place.
    memo: Option<Memo>,
}

impl Search {
    /// Writes each distinct input other than 0 into `values`, and each input's number with the index of its value into
    /// `with_values`; returns how many values there are.
    fn distinct_values(&mut self, inputs: &[(u32, f64)], with_values: &mut [(u32, u32)], values: &mut [f64]) -> usize {
        if self.memo.is_none()
            && let Some(len) = self.grid.distinct_values(inputs, with_values, values)
        {
            return len;
        }
        self.memo.get_or_insert_default().distinct_values(inputs, with_values, values)
    }
}

/// How many places a [`Grid`] has.
const N_PLACES: usize = 256;

/// What is added to a number up to 2⁵⁰ to have it rounded to a whole number, which is in the last bits then.
const ROUNDING: f64 = 1.5 * (1_u64 << 52) as f64;

/// The values of a sample by their places: what is nearest to them among the multiples of 1/255, which pixels are, counted modulo
/// 256.
///
/// What is done for an input depends on it in nothing but where it is written, so that no branch has to be foreseen.
struct Grid {
    /// The bits of the value in each place; those of 0, which is never looked for, where there is none.
    known: [u64; N_PLACES],
    indices: [u32; N_PLACES],
    /// The values in the order of their places, and one more.
    values: [f64; N_PLACES + 1],
}

impl Default for Grid {
    fn default() -> Self {
        Self { known: [0; N_PLACES], indices: [0; N_PLACES], values: [0.0; N_PLACES + 1] }
    }
}

impl Grid {
    /// The place of a number.
    fn place(x: f64) -> usize {
        (x * 255.0 + ROUNDING).to_bits() as usize % N_PLACES
    }

    /// As [`Search::distinct_values`], where all values have a place to themselves.
    fn distinct_values(
        &mut self,
        inputs: &[(u32, f64)],
        with_values: &mut [(u32, u32)],
        values: &mut [f64],
    ) -> Option<usize> {
        self.known.fill(0);
        inputs.iter().for_each(|&(_, x)| self.known[Self::place(x)] = x.to_bits());
        let mut len = 0;
        for (&bits, index) in self.known.iter().zip(&mut self.indices) {
            (self.values[len], *index) = (f64::from_bits(bits), len as u32);
            len += usize::from(bits != 0);
        }
        let mut are_alone = true;
        // Reckoned once more and not kept in the meantime: what is written where other threads have read is slow to come back.
        for (&(input, x), with_value) in inputs.iter().zip(with_values) {
            let place = Self::place(x);
            are_alone &= self.known[place] == x.to_bits();
            *with_value = (input, self.indices[place]);
        }
        if !are_alone {
            return None;
        }
        values[..len].copy_from_slice(&self.values[..len]);
        Some(len)
    }
}

/// The last value seen for each hash, and where it stands among the values.
///
/// A value that was pushed out is listed again, which costs a row of changes and is no error; with a table of a thousand that is
/// rare for images and the best that could be had for reals.
struct Memo {
    /// The bits of each value; those of 0, which is never looked for, where there is none.
    known: [u64; 1 << MEMO_BITS],
    indices: [u32; 1 << MEMO_BITS],
}

impl Default for Memo {
    fn default() -> Self {
        Self { known: [0; 1 << MEMO_BITS], indices: [0; 1 << MEMO_BITS] }
    }
}

impl Memo {
    /// As [`Search::distinct_values`], but for a value that was pushed out.
    fn distinct_values(&mut self, inputs: &[(u32, f64)], with_values: &mut [(u32, u32)], values: &mut [f64]) -> usize {
        self.known.fill(0);
        let mut len = 0;
        for (&(input, x), with_value) in inputs.iter().zip(with_values) {
            let bits = x.to_bits();
            let hash = (bits.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - MEMO_BITS)) as usize;
            // With a branch that is hard to foresee, and still quicker than without: of equal inputs in a row none waits for
            // what the one before has written.
            if self.known[hash] != bits {
                (self.known[hash], self.indices[hash]) = (bits, len as u32);
                values[len] = x;
                len += 1;
            }
            *with_value = (input, self.indices[hash]);
        }
        len
    }
}

/// The largest absolute value, in eight chains that do not wait for one another.
pub(super) fn max_abs(values: &[f64]) -> f64 {
    let larger = |max: f64, value: f64| if value.abs() > max { value.abs() } else { max };
    let (eights, rest) = values.as_chunks::<LANES>();
    let eights = eights.iter().fold(F64x8::ZERO, |max, &eight| max.zip(F64x8(eight), larger));
    rest.iter().fold(eights.reduce(larger), |max, &value| larger(max, value))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, concatenate};

    use super::*;

    #[test]
    fn every_input_finds_its_value_among_the_distinct_ones_whether_it_is_a_pixel_or_any_number() {
        let pixels = Array2::from_shape_fn((3, 700), |(n, i)| f64::from((i * (n + 1) / 2) as u8) / 255.0);
        let single = pixels.mapv(|x| f64::from(x as f32));
        let small = [0.0, -0.0, 1.0, 0.0, 1e300, -1e300, 7.0, 7.0, f64::NAN, f64::INFINITY, 1e-300, 1.0];
        let small = Array2::from_shape_vec((6, 2), small.to_vec()).unwrap();
        let reals = Array2::from_shape_fn((3, 700), |(n, i)| ((7 * n + i) as f64).sin());
        // Pixels first, then two values in one place, then pixels again.
        let mixed = concatenate![Axis(0), pixels, reals, pixels];
        for (x, are_distinct) in [(&pixels, true), (&single, true), (&small, true), (&reals, false), (&mixed, false)] {
            for max_chunk in [2, usize::MAX] {
                let mut found = DistinctInputs::default();
                found.set(&x.view(), max_chunk);
                for (n, x) in x.rows().into_iter().enumerate() {
                    let values = found.values(n);
                    let is_new = |i: usize| values[..i].iter().all(|value| value.to_bits() != values[i].to_bits());
                    assert!(!are_distinct || (0..values.len()).all(is_new), "{values:?}");
                    let inputs = found.inputs_with_values(n).map(|(input, value)| (input, values[value].to_bits()));
                    let expected = x.iter().chain([&1.0]).enumerate().filter(|&(_, &x)| x != 0.0);
                    assert!(inputs.eq(expected.map(|(input, x)| (input, x.to_bits()))), "{x}: {values:?}");
                }
            }
        }
    }
}
