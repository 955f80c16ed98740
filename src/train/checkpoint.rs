//! A training at rest: all that it needs to go on as if it had never stopped, and the file that it is kept in.
//!
//! The file is an `.npz` archive, so that NumPy shows what is in it:
//!
//! | part | what |
//! | --- | --- |
//! | `format` | the number of this format, 2 |
//! | `W1`, `b1`, `W2`, `b2`, … | the parameters |
//! | `activation` | what the hidden layers make of their inputs; left out for two layers of sigmoids |
//! | `iteration`, `elapsed_ns` | iterations done, and the nanoseconds that they took |
//! | `generator` | the next 624 words of the random generator, which determine all further ones |
//! | `held_normal` | the normal number that it holds back: one or none |
//! | `run.json` | what the caller wants to find again |
//!
//! Format 1 had two layers of sigmoids, and is still read.

use std::io::{self, Read, Seek, Write};
use std::time::Duration;

use ndarray::{arr0, aview1};

use super::model::{n_bytes, read_parameters, write_parameters};
use crate::files::npz::{Element, NpzError, Reader, Writer};
use crate::nn::Parameters;
use crate::random::{LegacyRandom, RandomState, STATE_LEN};

const FORMAT: u64 = 2;

/// The part of the archive that says what run it is of.
const RUN: &str = "run.json";

/// The most bytes that `run.json` may have: a hundred times what a program has to say of a run.
const MAX_RUN_LEN: u64 = 1 << 20;

/// A training between two iterations. [`Trainer::resume`](super::Trainer::resume) continues it with the same bits as if it
/// had never stopped, on the same platform and with the same instructions; the C libraries of others round `ln` and `exp_m1`
/// differently.
///
/// ```
/// use std::io::Cursor;
///
/// use numgrad::nn::{NetworkShape, Parameters};
/// use numgrad::random::LegacyRandom;
/// use numgrad::train::Checkpoint;
///
/// let parameters = Parameters::zeros(&NetworkShape::new([2, 3, 2]));
/// let random = LegacyRandom::seed(42);
/// let checkpoint = Checkpoint { parameters, random, iteration: 7, elapsed: Default::default() };
/// let mut file = Vec::new();
/// checkpoint.write(&mut file, "{}")?;
/// assert_eq!(Checkpoint::read(Cursor::new(file)).unwrap(), (checkpoint, "{}".to_owned()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The parameters after the last iteration.
    pub parameters: Parameters,
    /// What draws the next batch.
    pub random: LegacyRandom,
    /// How many iterations are done.
    pub iteration: u64,
    /// How long the iterations took.
    pub elapsed: Duration,
}

impl Checkpoint {
    /// Writes the checkpoint, and with it `run`, JSON by convention, that says what run it is of in at most 1 MiB.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write(&self, mut writer: impl Write, run: &str) -> io::Result<()> {
        let RandomState { words, held_normal } = self.random.state();
        let elapsed_ns = u64::try_from(self.elapsed.as_nanos()).unwrap_or(u64::MAX);
        let mut npz = Writer::with_capacity(n_bytes(&self.parameters));
        npz.array("format", &arr0(FORMAT))?;
        write_parameters(&mut npz, &self.parameters)?;
        npz.array("iteration", &arr0(self.iteration))?;
        npz.array("elapsed_ns", &arr0(elapsed_ns))?;
        npz.array("generator", &aview1(&words))?;
        npz.array("held_normal", &aview1(held_normal.as_slice()))?;
        npz.bytes(RUN, run.as_bytes())?;
        writer.write_all(&npz.finish()?)
    }

    /// Reads what [`write`](Self::write) wrote: the checkpoint and `run`.
    ///
    /// # Errors
    /// [`NpzError`] if a part is missing, damaged, or not what it should be, or if the format is a later one.
    pub fn read(reader: impl Read + Seek) -> Result<(Self, String), NpzError> {
        Self::from_archive(&mut Reader::new(reader)?)
    }

    fn from_archive(npz: &mut Reader) -> Result<(Self, String), NpzError> {
        let format = number(npz, "format")?;
        if !(1..=FORMAT).contains(&format) {
            let expected = format!("at most {FORMAT}, the format that this version of the program writes");
            return Err(NpzError::unexpected("format", expected, format));
        }
        let parameters = read_parameters(npz)?;
        let iteration = number(npz, "iteration")?;
        let elapsed = Duration::from_nanos(number(npz, "elapsed_ns")?);

        let words = vector(npz, "generator")?;
        let words: [u32; STATE_LEN] = words
            .try_into()
            .map_err(|words: Vec<u32>| NpzError::unexpected("generator", format!("{STATE_LEN} words"), words.len()))?;
        let held_normal = match vector(npz, "held_normal")?[..] {
            [] => None,
            [held] if f64::is_finite(held) => Some(held),
            ref other => {
                let expected = "one finite number or none";
                return Err(NpzError::unexpected("held_normal", expected, format!("{other:?}")));
            }
        };
        let random = LegacyRandom::from_state(&RandomState { words, held_normal });
        let run = String::from_utf8(npz.bytes(RUN, MAX_RUN_LEN)?).map_err(|error| NpzError::damaged(RUN, error))?;
        Ok((Self { parameters, random, iteration, elapsed }, run))
    }
}

fn number(npz: &mut Reader, name: &str) -> Result<u64, NpzError> {
    let is_number = |shape: &[usize]| if shape.is_empty() { Ok(()) } else { Err("a single number".to_owned()) };
    Ok(npz.array(name, is_number)?[[]])
}

fn vector<T: Element>(npz: &mut Reader, name: &str) -> Result<Vec<T>, NpzError> {
    let array = npz.array(name, |shape| match shape {
        [0..=STATE_LEN] => Ok(()),
        [_] => Err(format!("at most {STATE_LEN} numbers")),
        _ => Err("one dimension".to_owned()),
    })?;
    Ok(array.into_iter().collect())
}
