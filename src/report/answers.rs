//! What a trained network answers, as a page shows it.

use ndarray::{Array2, ArrayView2};

use super::picture::{self, Picture};
use crate::dataset::Samples;
use crate::train::{Evaluation, Prediction};

/// So many mistakes are shown at most,
const MAX_MISTAKES: usize = 24;
/// and no more than so many pixels of them.
const MAX_PIXELS: usize = 60_000;

/// A network's answers to a set of samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// Which set, as in "the test set".
    pub(super) set: &'static str,
    pub(super) accuracy: f64,
    pub(super) n_samples: usize,
    pub(super) n_mistakes: usize,
    /// Samples with each label (rows) that were taken for each class (columns).
    pub(super) confusion: Array2<usize>,
    /// Those first whose label seemed least probable; none where the inputs are no pictures.
    pub(super) mistakes: Vec<Mistake>,
}

/// A sample that was taken for another class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mistake {
    /// Counted from 0.
    pub sample: usize,
    pub prediction: Prediction,
    pub picture: Picture,
}

impl Answers {
    /// The answers to `samples`, which are `set`, as in "test set".
    ///
    /// # Panics
    /// If the evaluation is not of as many samples.
    pub fn new(set: &'static str, evaluation: &Evaluation, samples: &Samples) -> Self {
        let predictions = evaluation.predictions();
        assert_eq!(predictions.len(), samples.len(), "answers to some samples are shown beside others");
        let n_shown = match samples.image_size() {
            Some((rows, columns)) => MAX_MISTAKES.min(MAX_PIXELS / (rows * columns).max(1)),
            None => 0,
        };
        let mistake =
            |sample| Mistake { sample, prediction: predictions[sample], picture: picture_of(samples, sample) };
        Self {
            set,
            accuracy: evaluation.accuracy(),
            n_samples: samples.len(),
            n_mistakes: predictions.iter().filter(|prediction| !prediction.is_correct()).count(),
            confusion: evaluation.confusion(),
            mistakes: evaluation.worst_mistakes(n_shown).into_iter().map(mistake).collect(),
        }
    }
}

fn picture_of(samples: &Samples, sample: usize) -> Picture {
    let size = samples.image_size().expect("only pictures are shown");
    let mut pixels = Array2::zeros((1, samples.input_size()));
    samples.gather_into(&[sample], &mut pixels, &mut [0]);
    let pixels = ArrayView2::from_shape(size, pixels.as_slice().expect("a new array has no gaps"));
    picture::ink(pixels.expect("an image has rows × columns pixels"))
}
