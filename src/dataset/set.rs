//! A data set as a whole: its name, and its samples for training and for testing.

use super::name::Name;
use super::samples::Samples;

/// Samples to train with and samples to test with, of one input size and number of classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What the data set is called.
    pub name: Name,
    /// The samples that batches are drawn from.
    pub train: Samples,
    /// Samples that training never sees; synthetic data have none.
    pub test: Option<Samples>,
}

impl Dataset {
    /// The CRC-32 of all inputs and labels, to recognise the data set when it is met again.
    pub fn crc32(&self) -> u32 {
        let mut crc = flate2::Crc::new();
        [Some(&self.train), self.test.as_ref()].into_iter().flatten().for_each(|samples| samples.add_to(&mut crc));
        crc.sum()
    }
}
