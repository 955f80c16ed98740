//! The weights of the first layer at several times of a run: small pictures of how they came about.
//!
//! They are taken before the first iteration and after 1, 3, 10, 30, 100, … of them, as most happens to the weights early, and
//! so that they do not depend on how long a run is to be, on the clock, or on whether it was interrupted. They are not kept in
//! the rhythm of the checkpoints, which is one of seconds: a run that takes less than half a minute has a checkpoint at its
//! beginning and one at its end, and another machine would keep other weights. Those that a continued run had taken after
//! its checkpoint are taken again, with the same bits.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use ndarray::{Array2, Ix2, s};

use super::error::FileError;
use crate::files::npz::{NpzError, Reader, Writer};
use crate::files::{self, OpenError};
use crate::nn::Parameters;

/// This many hidden units are kept at most,
const MAX_UNITS: usize = 10;
/// and this many weights of them all.
const MAX_WEIGHTS: usize = 60_000;
/// A file of another program's would hardly have such names.
const PREFIX: &str = "W1_after_";
/// More snapshots than a run can have: two for each power of ten of a `u64`.
const MAX_SNAPSHOTS: usize = 50;

/// The weights of the first hidden units after some iterations, in single precision.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshots {
    /// How many iterations were done, and then the weights: (D, units).
    taken: Vec<(u64, Array2<f32>)>,
}

impl Snapshots {
    /// Whether weights are kept after this many iterations.
    pub fn is_due(iteration: u64) -> bool {
        let mut power = iteration;
        while power != 0 && power.is_multiple_of(10) {
            power /= 10;
        }
        matches!(power, 0 | 1 | 3)
    }

    /// The snapshots in the order in which they were taken: how many iterations were done, and the weights, (D, units).
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Array2<f32>)> {
        self.taken.iter().map(|(iteration, weights)| (*iteration, weights))
    }

    /// Keeps the first layer's weights after this many iterations. Inputs that are too many for pictures are not kept.
    pub fn take(&mut self, iteration: u64, parameters: &Parameters) {
        let weights = parameters.weights(1);
        let n_units = weights.ncols().min(MAX_UNITS).min(MAX_WEIGHTS / weights.nrows());
        if n_units > 0 {
            self.taken.push((iteration, weights.slice(s![.., ..n_units]).mapv(|weight| weight as f32)));
        }
    }

    /// Forgets what was taken after this many iterations.
    pub fn truncate(&mut self, iteration: u64) {
        self.taken.retain(|(taken, _)| *taken <= iteration);
    }

    /// Whether there are weights after this many iterations.
    pub fn has(&self, iteration: u64) -> bool {
        self.taken.iter().any(|(taken, _)| *taken == iteration)
    }

    /// Writes the file as a whole: an array `W1_after_100` for each, as `numpy.load` reads it.
    ///
    /// # Errors
    /// [`FileError`] if it can't be written; the old file is as it was then.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let archive = || {
            let mut npz = Writer::with_capacity(self.taken.iter().map(|(_, weights)| 4 * weights.len() + 1024).sum());
            self.taken
                .iter()
                .try_for_each(|(iteration, weights)| npz.array(&format!("{PREFIX}{iteration}"), weights))?;
            npz.finish()
        };
        let written =
            archive().and_then(|bytes| files::write_whole(path, |file| std::io::Write::write_all(file, &bytes)));
        written.map_err(|reason| FileError::io("write", path, reason))
    }

    /// Reads what [`write`](Self::write) wrote; none where there is no such file.
    ///
    /// # Errors
    /// [`FileError`] if it can't be read, or is another's.
    pub fn read(path: &Path) -> Result<Option<Self>, FileError> {
        let file = match files::open(path) {
            Ok((file, _)) => file,
            Err(OpenError::Io(reason)) if reason.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(OpenError::Io(reason)) => return Err(FileError::io("read", path, reason)),
            Err(error) => return Err(FileError::content(path, error.to_string())),
        };
        let taken = Reader::new(BufReader::new(file)).and_then(|mut npz| snapshots(&mut npz));
        taken.map(|taken| Some(Self { taken })).map_err(|error| FileError::content(path, error.to_string()))
    }
}

fn snapshots(npz: &mut Reader) -> Result<Vec<(u64, Array2<f32>)>, NpzError> {
    let iteration = |name: &str| name.strip_prefix(PREFIX).and_then(|digits| digits.parse::<u64>().ok());
    let mut iterations: Vec<u64> = npz.array_names().filter_map(iteration).collect();
    iterations.sort_unstable();
    iterations.truncate(MAX_SNAPSHOTS);
    let mut taken: Vec<(u64, Array2<f32>)> = Vec::new();
    for iteration in iterations {
        let fits = |shape: &[usize]| match shape {
            [_, 1..=MAX_UNITS] if shape.iter().product::<usize>() <= MAX_WEIGHTS => Ok(()),
            _ => Err(format!("the weights of at most {MAX_UNITS} hidden units, {MAX_WEIGHTS} in all")),
        };
        let weights = npz.array::<f32>(&format!("{PREFIX}{iteration}"), fits)?;
        taken.push((iteration, weights.into_dimensionality::<Ix2>().expect("it has two dimensions")));
    }
    Ok(taken)
}

/// The snapshots of a run that is on its way, and the file that they are kept in.
#[derive(Debug)]
pub struct SnapshotFile {
    path: PathBuf,
    snapshots: Snapshots,
}

impl SnapshotFile {
    /// Snapshots of a run that begins. The file is made with the first.
    pub fn create(path: PathBuf) -> Self {
        Self { path, snapshots: Snapshots::default() }
    }

    /// The snapshots of a run that goes on after this many iterations, with those that it has.
    ///
    /// # Errors
    /// [`FileError`] if there is a file that can't be read or is another's, which is not to be replaced then.
    pub fn reopen(path: PathBuf, iteration: u64) -> Result<Self, FileError> {
        let mut snapshots = Snapshots::read(&path)?.unwrap_or_default();
        snapshots.truncate(iteration);
        Ok(Self { path, snapshots })
    }

    /// Takes a snapshot of these parameters and writes the file, if that is due after this many iterations.
    ///
    /// # Errors
    /// [`FileError`] if the file can't be written.
    pub fn look(&mut self, iteration: u64, parameters: &Parameters) -> Result<(), FileError> {
        if !Snapshots::is_due(iteration) || self.snapshots.has(iteration) {
            return Ok(());
        }
        self.snapshots.take(iteration, parameters);
        self.snapshots.write(&self.path)
    }

    /// What was taken so far.
    pub fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::nn::NetworkShape;

    fn parameters(value: f64) -> Parameters {
        let mut parameters = Parameters::zeros(&NetworkShape::new([6, 12, 3]));
        parameters.values_mut().fill(value);
        parameters
    }

    #[test]
    fn weights_are_kept_at_the_beginning_and_then_ever_more_seldom() {
        let due: Vec<u64> = (0..=3000).filter(|&iteration| Snapshots::is_due(iteration)).collect();
        assert_eq!(due, [0, 1, 3, 10, 30, 100, 300, 1000, 3000]);
    }

    #[test]
    fn a_continued_run_has_the_snapshots_of_one_that_was_never_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let go = |file: &mut SnapshotFile, range: std::ops::RangeInclusive<u64>| {
            range.for_each(|iteration| file.look(iteration, &parameters(0.1 * iteration as f64)).unwrap());
        };
        let mut whole = SnapshotFile::create(path("whole"));
        go(&mut whole, 0..=40);
        // Killed after iteration 12, with a checkpoint of iteration 7.
        go(&mut SnapshotFile::create(path("parts")), 0..=12);
        let mut rest = SnapshotFile::reopen(path("parts"), 7).unwrap();
        assert!(rest.snapshots().has(3) && !rest.snapshots().has(10));
        go(&mut rest, 7..=40);
        assert_eq!(fs::read(path("whole")).unwrap(), fs::read(path("parts")).unwrap());
        let read = Snapshots::read(&path("parts")).unwrap().unwrap();
        assert_eq!(&read, whole.snapshots());
        let (iteration, weights) = read.iter().last().unwrap();
        assert_eq!((iteration, weights.dim(), weights[[5, 9]]), (30, (6, 10), 3.0));
    }

    #[test]
    fn a_file_that_is_no_archive_is_an_error_and_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("first-layer.npz");
        assert_eq!(Snapshots::read(&path).unwrap(), None);
        fs::write(&path, "mine").unwrap();
        assert!(SnapshotFile::reopen(path.clone(), 3).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
}
