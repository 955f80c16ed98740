//! Points, bits, random numbers and pools.

use std::borrow::Borrow;

use ndarray::Array1;

pub fn with_threads<R: Send>(n_threads: usize, run: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap().install(run)
}

/// A point of `n` coordinates of either sign.
pub fn points(n: usize) -> Array1<f64> {
    (0..n).map(|i| (i as f64 * 0.37).sin() * 3.0).collect()
}

pub fn bits<T: Borrow<f64>>(numbers: impl IntoIterator<Item = T>) -> Vec<u64> {
    numbers.into_iter().map(|number| number.borrow().to_bits()).collect()
}

/// The generator of Steele, Lea and Flood (2014).
pub struct SplitMix64(pub u64);

impl SplitMix64 {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in -1..1.
    pub fn signed(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}
