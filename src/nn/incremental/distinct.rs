//! What goes into a layer in each sample of a batch, and which of it is equal.

use super::super::lanes::simd::{F64x8, LANES};
use super::super::lanes::sparse::{N_BYTES, Rows, SparseBatch, pack_sample};
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
            let (mut memo, mut of_bytes) = (Memo::default(), DistinctBytes::default());
            for (n, ((inputs, values), counts)) in samples.zip(inputs.zip(values).zip(counts)) {
                let ((ends, inputs), (indices, values), (count, largest)) = (inputs, values, counts);
                let inputs = pack_sample(batch, n, ends, inputs);
                *count = match batch.bytes(n) {
                    Some(bytes) => of_bytes.distinct_values(bytes, inputs, indices, values),
                    None => memo.distinct_values(inputs, indices, values),
                };
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

/// Which bytes a sample has, and where what they stand for is among the values.
struct DistinctBytes {
    are_known: [bool; N_BYTES],
    indices: [u32; N_BYTES],
    /// What each of the bytes stands for, one after the other.
    values: [f64; N_BYTES],
}

impl Default for DistinctBytes {
    fn default() -> Self {
        Self { are_known: [false; N_BYTES], indices: [0; N_BYTES], values: [0.0; N_BYTES] }
    }
}

impl DistinctBytes {
    /// As [`Memo::distinct_values`], of inputs that are bytes, in the bytes' order. Nothing here depends on what a byte is but
    /// where it is written, so that no branch has to be foreseen.
    fn distinct_values(
        &mut self,
        (bytes, numbers): (&[u8], &[f64; N_BYTES]),
        inputs: &[(u32, f64)],
        with_values: &mut [(u32, u32)],
        values: &mut [f64],
    ) -> usize {
        let (bias, inputs) = inputs.split_last().expect("the bias's 1 is the last input");
        self.are_known.fill(false);
        inputs.iter().for_each(|&(input, _)| self.are_known[usize::from(bytes[input as usize])] = true);
        debug_assert_eq!(numbers[N_BYTES - 1], 1.0, "what the last byte stands for");
        self.are_known[N_BYTES - 1] = true;
        let mut len = 0;
        for ((&number, index), &is_known) in numbers.iter().zip(&mut self.indices).zip(&self.are_known) {
            (self.values[len], *index) = (number, len as u32);
            len += usize::from(is_known);
        }
        values[..len].copy_from_slice(&self.values[..len]);
        for (&(input, _), with_value) in inputs.iter().zip(&mut *with_values) {
            *with_value = (input, self.indices[usize::from(bytes[input as usize])]);
        }
        with_values[inputs.len()] = (bias.0, len as u32 - 1);
        len
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
    /// Writes each distinct input other than 0 into `values`, and each input's number with the index of its value into
    /// `with_values`; returns how many values there are.
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
    use ndarray::Array2;

    use super::super::super::lanes::sparse::nonzero_into;
    use super::*;

    /// Samples of pixels: (N, D).
    struct Pixels(Array2<u8>);

    static NUMBERS: [f64; N_BYTES] = {
        let mut numbers = [0.0; N_BYTES];
        let mut byte = 0;
        while byte < N_BYTES {
            numbers[byte] = byte as f64 / 255.0;
            byte += 1;
        }
        numbers
    };

    impl Rows for Pixels {
        fn dim(&self) -> (usize, usize) {
            self.0.dim()
        }

        fn nonzero_into(&self, sample: usize, out: &mut [(u32, f64)]) -> usize {
            nonzero_into(self.bytes(sample).unwrap().0, |byte| NUMBERS[usize::from(byte)], out)
        }

        fn bytes(&self, sample: usize) -> Option<(&[u8], &[f64; N_BYTES])> {
            Some((self.0.row(sample).to_slice().unwrap(), &NUMBERS))
        }
    }

    #[test]
    fn every_input_finds_its_value_among_the_distinct_ones_whether_it_is_a_byte_or_a_number() {
        let every_byte = Array2::from_shape_fn((3, 700), |(n, i)| (i * (n + 1) / 2) as u8);
        let few = Array2::from_shape_vec((4, 2), vec![0, 0, 255, 0, 255, 255, 7, 7]).unwrap();
        for pixels in [every_byte, few, Array2::zeros((1, 1)), Array2::from_elem((1, 9), 1)] {
            let numbers = pixels.mapv(|byte| NUMBERS[usize::from(byte)]);
            let (mut of_bytes, mut of_numbers) = (DistinctInputs::default(), DistinctInputs::default());
            of_bytes.set(&Pixels(pixels.clone()), 2);
            of_numbers.set(&numbers.view(), usize::MAX);
            for (n, numbers) in numbers.rows().into_iter().enumerate() {
                let values = of_bytes.values(n);
                assert!(values.is_sorted_by(|a, b| a < b), "each once: {values:?}");
                for found in [&of_bytes, &of_numbers] {
                    let values = found.values(n);
                    let inputs: Vec<(usize, f64)> =
                        found.inputs_with_values(n).map(|(input, value)| (input, values[value])).collect();
                    let expected = numbers.iter().chain([&1.0]).copied().enumerate().filter(|&(_, x)| x != 0.0);
                    assert_eq!(inputs, expected.collect::<Vec<_>>());
                    // The bias's, where no pixel is as bright.
                    assert_eq!(found.largest_value(n), 1.0);
                }
            }
        }
    }
}
