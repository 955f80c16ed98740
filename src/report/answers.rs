//! The part of a run's page that tells what the network answers: which classes it takes for which, and its worst mistakes.

use std::cmp::Reverse;
use std::fmt;

use ndarray::{Array2, ArrayView2};

use super::numbers::{MISSING, grouped, percent, probability};
use super::picture::{self, Picture};
use super::words::{Language, Words, filled};
use crate::dataset::Samples;
use crate::train::{Evaluation, Prediction};

/// This many mistakes are shown at most.
const MAX_MISTAKES: usize = 24;
/// The pictures of the mistakes have no more pixels than this, all together.
const MAX_PIXELS: usize = 60_000;

/// More classes are shown as a picture; a table of them is too large to be read.
const MAX_TABLE: usize = 20;
/// About how wide that picture is shown where there is room, in pixels.
const MAP_WIDTH: usize = 512;
/// Beside the picture stand this many of the most frequent confusions.
const MAX_CONFUSIONS: usize = 10;

/// An [`Evaluation`] with its samples as a page shows it: texts, a table and pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswersSection {
    pub(super) lead: String,
    pub(super) classes: Vec<Class>,
    /// The confusion matrix as a table; empty where it is a [`map`](Self::map).
    pub(super) rows: Vec<ConfusionRow>,
    pub(super) map: Option<Picture>,
    /// How wide the map is shown, in pixels.
    pub(super) map_width: usize,
    /// The most frequent confusions, beside a map.
    pub(super) confusions: Vec<Confusion>,
    pub(super) mistakes_lead: String,
    /// The mistakes, those first whose label seemed least probable; empty where the inputs are no pictures.
    pub(super) mistakes: Vec<Mistake>,
}

/// Which samples of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleSet {
    /// Those that a network is trained with.
    Training,
    /// Those that it is tested with.
    Test,
}

impl SampleSet {
    pub(super) fn name(self, words: &Words) -> &'static str {
        match self {
            Self::Training => words.training_set,
            Self::Test => words.test_set,
        }
    }
}

/// What a class is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    pub number: usize,
    /// Its name, where it has another than its number.
    pub name: Option<String>,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} {name}", self.number),
            None => write!(f, "{}", self.number),
        }
    }
}

/// How the samples of one label were classified.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ConfusionRow {
    pub label: Class,
    pub cells: Vec<ConfusionCell>,
    /// The share that is classified right.
    pub right: String,
}

/// How many samples of one label were taken for one class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ConfusionCell {
    /// The name of a style rule: `right`, `wrong` or `none`.
    pub kind: &'static str,
    /// The square root of the share of the row, so that rare mistakes are seen.
    pub shade: String,
    pub count: String,
}

/// A label and the class that samples of it were taken for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Confusion {
    pub label: Class,
    pub class: Class,
    pub count: String,
}

/// A sample that was taken for another class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mistake {
    pub picture: Picture,
    pub class: Class,
    pub probability: String,
    /// What it is in truth, and how probable that seemed.
    pub is_label: String,
    pub number: String,
    pub alt: String,
}

impl AnswersSection {
    /// Shows the answers to `samples`, which are `set`, in a language. `names` are what the classes are called, if that is
    /// known; a class without a name is called by its number.
    ///
    /// # Panics
    /// If the evaluation is of another number of samples.
    pub fn new(
        set: SampleSet,
        evaluation: &Evaluation,
        samples: &Samples,
        names: Option<&[String]>,
        language: Language,
    ) -> Self {
        let words = language.words();
        let set = set.name(words);
        let class = |number: usize| {
            let name = names.and_then(|names| names.get(number)).filter(|name| **name != number.to_string());
            Class { number, name: name.cloned() }
        };
        let predictions = evaluation.predictions();
        let (n_answers, n_samples) = (predictions.len(), samples.len());
        assert_eq!(n_answers, n_samples, "{n_answers} answers can't be those to {n_samples} samples");
        let n_mistakes = predictions.iter().filter(|prediction| !prediction.is_correct()).count();
        let n_shown = match samples.image_size() {
            Some((rows, columns)) => MAX_MISTAKES.min(MAX_PIXELS / (rows * columns).max(1)),
            None => 0,
        };
        let worst = evaluation.worst_mistakes(n_shown).into_iter();
        let mistakes: Vec<_> =
            worst.map(|sample| Mistake::new(sample, predictions[sample], samples, class, words)).collect();
        let confusion = evaluation.confusion();
        let n_classes = confusion.nrows();
        let is_table = n_classes <= MAX_TABLE;
        Self {
            lead: filled(
                words.answers_lead,
                &[
                    ("n", &grouped(n_samples)),
                    ("set", &set),
                    ("right", &grouped(n_samples - n_mistakes)),
                    ("share", &percent(evaluation.accuracy(), 2)),
                ],
            ),
            classes: (0..n_classes).map(class).collect(),
            rows: if is_table { rows(&confusion, class) } else { Vec::new() },
            map: (!is_table).then(|| picture::shares(&shares(&confusion))),
            // A whole number of pixels for each class.
            map_width: n_classes * (MAP_WIDTH / n_classes).max(3),
            confusions: if is_table { Vec::new() } else { most_frequent(&confusion, class) },
            mistakes_lead: filled(
                words.mistakes_lead,
                &[("shown", &mistakes.len()), ("n", &grouped(n_mistakes)), ("set", &set)],
            ),
            mistakes,
        }
    }
}

impl Mistake {
    fn new(
        sample: usize,
        prediction: Prediction,
        samples: &Samples,
        class: impl Fn(usize) -> Class,
        words: &Words,
    ) -> Self {
        let (label, label_probability) = (class(prediction.label), probability(prediction.label_probability));
        Self {
            picture: picture_of(samples, sample),
            class: class(prediction.class),
            probability: probability(prediction.probability),
            is_label: filled(words.is_label, &[("label", &label), ("probability", &label_probability)]),
            number: filled(words.sample_number, &[("n", &sample)]),
            alt: filled(words.mistake_alt, &[("sample", &sample), ("class", &label)]),
        }
    }
}

/// The share of each label's samples (rows) that were taken for each class (columns); 0 where the label does not occur.
fn shares(confusion: &Array2<usize>) -> Array2<f64> {
    let sums: Vec<_> = confusion.rows().into_iter().map(|row| row.sum().max(1) as f64).collect();
    Array2::from_shape_fn(confusion.dim(), |(label, class)| confusion[[label, class]] as f64 / sums[label])
}

fn rows(confusion: &Array2<usize>, called: impl Fn(usize) -> Class) -> Vec<ConfusionRow> {
    let shares = shares(confusion);
    let cell = |label: usize, class: usize| ConfusionCell {
        kind: match confusion[[label, class]] {
            0 => "none",
            _ if label == class => "right",
            _ => "wrong",
        },
        shade: format!("{:.3}", shares[[label, class]].sqrt()),
        count: grouped(confusion[[label, class]]),
    };
    let row = |label: usize| ConfusionRow {
        label: called(label),
        cells: (0..confusion.ncols()).map(|class| cell(label, class)).collect(),
        right: match confusion.row(label).sum() {
            0 => MISSING.to_owned(),
            _ => percent(shares[[label, label]], 1),
        },
    };
    (0..confusion.nrows()).map(row).collect()
}

fn most_frequent(confusion: &Array2<usize>, called: impl Fn(usize) -> Class) -> Vec<Confusion> {
    let is_confusion = |&((label, class), &n): &((usize, usize), &usize)| label != class && n > 0;
    let mut confusions: Vec<_> = confusion.indexed_iter().filter(is_confusion).collect();
    // The sort is stable: what is equally frequent stays in order.
    confusions.sort_by_key(|&(_, &n)| Reverse(n));
    confusions.truncate(MAX_CONFUSIONS);
    let shown = |((label, class), n): ((usize, usize), &usize)| Confusion {
        label: called(label),
        class: called(class),
        count: grouped(n),
    };
    confusions.into_iter().map(shown).collect()
}

fn picture_of(samples: &Samples, sample: usize) -> Picture {
    let size = samples.image_size().expect("only pictures are shown");
    let mut pixels = Array2::zeros((1, samples.input_size()));
    samples.gather_into(&[sample], &mut pixels, &mut [0]);
    let pixels = ArrayView2::from_shape(size, pixels.as_slice().expect("a new array has no gaps"));
    picture::ink(pixels.expect("an image has rows × columns pixels"))
}
