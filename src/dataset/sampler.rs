//! Which samples a batch is made of.

use crate::random::LegacyRandom;

/// Draws the indices of one batch after another, with replacement: NumPy's `choice(n_samples, batch_size)`.
///
/// ```
/// use numgrad::{dataset::Sampler, random::LegacyRandom};
///
/// let mut random = LegacyRandom::seed(42);
/// let mut sampler = Sampler::new(60_000, 100);
/// let batch = sampler.draw(&mut random);
/// assert_eq!(batch[0], 56422);
/// ```
#[derive(Clone, Debug)]
pub struct Sampler {
    n_samples: usize,
    indices: Vec<usize>,
}

impl Sampler {
    /// Batches of `batch_size` out of `n_samples`.
    ///
    /// # Panics
    /// If `n_samples` is 0.
    pub fn new(n_samples: usize, batch_size: usize) -> Self {
        assert!(n_samples > 0, "Sampler: there are no samples to draw from");
        Self { n_samples, indices: vec![0; batch_size] }
    }

    /// Draws the next batch into the same memory as the one before.
    pub fn draw(&mut self, random: &mut LegacyRandom) -> &[usize] {
        random.choice_into(self.n_samples, &mut self.indices);
        &self.indices
    }
}
