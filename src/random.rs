//! Random numbers draw for draw as NumPy's legacy generator, `numpy.random.RandomState`.
//!
//! The article's program calls `np.random.seed(42)` and then draws weights and batches. A Rust run with the same seed
//! draws the same bits, so that its losses can be compared with the article's one by one. The generator underneath is
//! the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded by their `init_genrand`. How its 32-bit words
//! become numbers follows NumPy's `legacy-distributions.c` and `distributions.c`, which NumPy froze in version 1.16.

use ndarray::{Array, Dimension, IntoDimension};
use rand_mt::Mt;

/// NumPy's `RandomState`: the generator and the normal number that it holds back.
///
/// A clone continues with the same draws as the original, and so does what is made of its [`state`](Self::state). Two are
/// equal if all that they will ever draw is.
///
/// ```
/// use numgrad::random::LegacyRandom;
///
/// let mut random = LegacyRandom::seed(42); // np.random.seed(42)
/// assert_eq!(random.random_sample(), 0.3745401188473625); // np.random.random_sample()
/// ```
#[derive(Clone, Debug)]
pub struct LegacyRandom {
    twister: Mt,
    /// Words that come before the twister's, the next one last: what a restored generator begins with.
    ahead: Vec<u32>,
    /// The polar method makes normal numbers in pairs; this is the second of a pair whose first has been handed out.
    held_normal: Option<f64>,
}

/// Where a [`LegacyRandom`] stands, to be kept in a file.
///
/// MT19937's recurrence makes every word from the 624 before it, so any 624 words in a row determine all that follow.
/// Those that come next are therefore as good as the generator's own memory, however many were drawn before.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomState {
    /// The 624 words that come next.
    pub words: [u32; STATE_LEN],
    /// The normal number that is held back, if there is one.
    pub held_normal: Option<f64>,
}

/// How many words MT19937 remembers.
pub const STATE_LEN: usize = 624;

impl LegacyRandom {
    /// Starts the sequence of `np.random.seed(seed)`.
    pub fn seed(seed: u32) -> Self {
        Self { twister: Mt::new(seed), ahead: Vec::new(), held_normal: None }
    }

    /// Where it stands, without moving it. Costs 624 draws of a clone.
    ///
    /// ```
    /// use numgrad::random::LegacyRandom;
    ///
    /// let mut random = LegacyRandom::seed(42);
    /// random.standard_normal();
    /// let mut restored = LegacyRandom::from_state(&random.state());
    /// assert_eq!(restored.standard_normal(), random.standard_normal());
    /// ```
    pub fn state(&self) -> RandomState {
        let mut ahead = self.clone();
        RandomState { words: std::array::from_fn(|_| ahead.next_u32()), held_normal: self.held_normal }
    }

    /// Continues from where [`state`](Self::state) was taken, to the bit.
    pub fn from_state(state: &RandomState) -> Self {
        let ahead = state.words.iter().rev().copied().collect();
        Self { twister: Mt::from(state.words), ahead, held_normal: state.held_normal }
    }

    /// Draws one number of [0, 1), a multiple of 2⁻⁵³, as `np.random.random_sample()`.
    pub fn random_sample(&mut self) -> f64 {
        let high = f64::from(self.next_u32() >> 5); // 27 bits
        let low = f64::from(self.next_u32() >> 6); // 26 bits
        (high * f64::from(1 << 26) + low) / (1_u64 << 53) as f64
    }

    /// Draws an array of numbers of [0, 1) in row-major order, as `np.random.rand(...)`.
    pub fn rand<D: Dimension>(&mut self, shape: impl IntoDimension<Dim = D>) -> Array<f64, D> {
        Array::from_shape_simple_fn(shape.into_dimension(), || self.random_sample())
    }

    /// Draws one standard normal number, as `np.random.standard_normal()`.
    ///
    /// Marsaglia's polar method (1964): a point (u, v) within the unit circle, s = u² + v², gives the two numbers
    /// u √(-2 ln s / s) and v √(-2 ln s / s). The bits are NumPy's where the system's `log` rounds as NumPy's does.
    pub fn standard_normal(&mut self) -> f64 {
        if let Some(held) = self.held_normal.take() {
            return held;
        }
        loop {
            let u = 2.0 * self.random_sample() - 1.0;
            let v = 2.0 * self.random_sample() - 1.0;
            let s = u * u + v * v;
            if s < 1.0 && s != 0.0 {
                let factor = (-2.0 * s.ln() / s).sqrt();
                self.held_normal = Some(factor * u);
                return factor * v;
            }
        }
    }

    /// Draws an array of standard normal numbers in row-major order, as `np.random.randn(...)`.
    pub fn randn<D: Dimension>(&mut self, shape: impl IntoDimension<Dim = D>) -> Array<f64, D> {
        Array::from_shape_simple_fn(shape.into_dimension(), || self.standard_normal())
    }

    /// Draws one integer of `low..high`, as `np.random.randint(low, high)` with its default type, int64.
    ///
    /// Masked rejection: draw as many bits as the largest value has, until it is within the range. A range that holds
    /// a single value draws nothing.
    ///
    /// # Panics
    /// If the range is empty.
    pub fn randint(&mut self, low: i64, high: i64) -> i64 {
        assert!(low < high, "randint: the range {low}..{high} is empty");
        let largest = (high - 1).wrapping_sub(low) as u64;
        low.wrapping_add(self.at_most(largest) as i64)
    }

    /// Fills `out` with draws from `0..n` with replacement, as `np.random.choice(n, out.len())`.
    ///
    /// # Panics
    /// If `n` is 0 and `out` is not empty.
    pub fn choice_into(&mut self, n: usize, out: &mut [usize]) {
        assert!(n > 0 || out.is_empty(), "choice_into: there is nothing to choose {} items from", out.len());
        for index in out {
            *index = self.at_most(n as u64 - 1) as usize;
        }
    }

    /// Draws an integer of `0..=largest`: from single words where it fits into one, else from pairs, high word first.
    fn at_most(&mut self, largest: u64) -> u64 {
        if largest == 0 {
            return 0;
        }
        let mask = u64::MAX >> largest.leading_zeros();
        loop {
            let word = if largest <= u64::from(u32::MAX) {
                u64::from(self.next_u32())
            } else {
                u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
            };
            if word & mask <= largest {
                return word & mask;
            }
        }
    }

    fn next_u32(&mut self) -> u32 {
        match self.ahead.pop() {
            Some(word) => word,
            None => self.twister.next_u32(),
        }
    }
}

impl PartialEq for LegacyRandom {
    fn eq(&self, other: &Self) -> bool {
        self.state() == other.state()
    }
}
