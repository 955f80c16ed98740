//! The parts of a run's page that show the first layer's weights as pictures: at the end, and how they came about.

use ndarray::{ArrayView2, s};

use super::Run;
use super::numbers::{chosen, grouped, significant};
use super::picture::{self, Picture};
use super::words::{Words, filled};
use crate::train::{Init, InitScale, Snapshots};

/// This many hidden units are shown at most.
const MAX_UNITS: usize = 100;
/// The pictures of the units have no more pixels than this, all together.
const MAX_PIXELS: usize = 120_000;
/// This many pictures of units are beside each other.
const UNITS_PER_ROW: usize = 10;
/// How wide a row of units is shown where there is room, in pixels.
const ROW_WIDTH: usize = 720;
/// The snapshots of a run, and the last weights, are at most this many rows; the first, the last and some between are shown.
const MAX_TIMES: usize = 8;

/// The weights of hidden units, with the texts around them.
pub(super) struct WeightsSection {
    pub lead: String,
    pub why: String,
    pub alt: String,
    pub caption: String,
    pub picture: Picture,
    /// How wide the picture is shown where there is room, in pixels.
    pub shown_width: usize,
    /// The first units at several times.
    pub times: Option<TimesSection>,
}

/// The weights of the first hidden units at several times.
pub(super) struct TimesSection {
    pub lead: String,
    pub rows: Vec<TimeRow>,
}

/// The weights after some iterations.
pub(super) struct TimeRow {
    pub iteration: String,
    pub range: String,
    pub alt: String,
    pub picture: Picture,
}

impl WeightsSection {
    /// The weights of a run; none where they are not there, or the inputs are no pictures.
    pub fn new(run: &Run, words: &Words) -> Option<Self> {
        let parameters = run.parameters.as_ref()?;
        let size = run.summary.dataset.image_size?;
        let n_hidden = parameters.weights(1).ncols();
        let n_shown = n_hidden.min(MAX_UNITS).min(MAX_PIXELS / (size.0 * size.1).max(1));
        if n_shown == 0 {
            return None;
        }
        let shown = parameters.weights(1);
        let shown = shown.slice(s![.., ..n_shown]);
        let (lowest, highest) =
            shown.iter().fold((f64::MAX, f64::MIN), |(low, high), &weight| (low.min(weight), high.max(weight)));
        let layer = if parameters.shape().n_layers() > 2 { words.of_the_first_layer } else { "" };
        let which = match n_hidden == n_shown {
            true if n_hidden == 1 => filled(words.unit_alone, &[("layer", &layer)]),
            true => filled(words.all_units, &[("n", &n_hidden), ("layer", &layer)]),
            false => filled(words.first_units, &[("shown", &n_shown), ("n", &grouped(n_hidden)), ("layer", &layer)]),
        };
        let settings = &run.summary.settings;
        let scale = match settings.init_scale {
            InitScale::Number(scale) => chosen(scale),
            scale => significant(scale.of(run.summary.dataset.input_size)),
        };
        let init = match settings.init {
            Init::Uniform => filled(words.why_uniform, &[("scale", &scale)]),
            Init::Normal => words.why_normal.to_owned(),
        };
        let (low, high) = (significant(lowest), significant(highest));
        Some(Self {
            lead: filled(words.weights_lead, &[("units", &which)]),
            why: filled(words.why_weights, &[("init", &init)]),
            alt: filled(words.weights_alt, &[("n", &n_shown)]),
            caption: filled(words.weights_caption, &[("low", &low), ("high", &high)]),
            shown_width: ROW_WIDTH * n_shown.min(UNITS_PER_ROW) / UNITS_PER_ROW,
            picture: picture::weights(shown, size, UNITS_PER_ROW),
            times: run.snapshots.as_ref().and_then(|snapshots| TimesSection::new(run, snapshots, words)),
        })
    }
}

impl TimesSection {
    /// None where there are fewer than two times, or the weights are not of this run's shape.
    fn new(run: &Run, snapshots: &Snapshots, words: &Words) -> Option<Self> {
        let size = run.summary.dataset.image_size?;
        let last = run.parameters.as_ref()?.weights(1);
        let (_, first) = snapshots.iter().next()?;
        let n_units = first.ncols();
        if snapshots.iter().any(|(_, weights)| weights.dim() != (last.nrows(), n_units)) || n_units > last.ncols() {
            return None;
        }
        let n_done = run.summary.iterations_done();
        let mut times: Vec<(u64, ndarray::Array2<f64>)> = snapshots
            .iter()
            // They are kept as f32, in which weights of a run that diverges may have no place.
            .filter(|(iteration, weights)| *iteration < n_done && weights.iter().all(|weight| weight.is_finite()))
            .map(|(iteration, weights)| (iteration, weights.mapv(f64::from)))
            .collect();
        times.push((n_done, last.slice(s![.., ..n_units]).to_owned()));
        // The first and the last stay; of the others the earliest, which differ least, go.
        let surplus = times.len().saturating_sub(MAX_TIMES);
        times.drain(1..1 + surplus);
        if times.len() < 2 {
            return None;
        }
        Some(Self {
            lead: filled(words.over_time_lead, &[("n", &n_units)]),
            rows: times.iter().map(|(iteration, weights)| row(*iteration, weights.view(), size, words)).collect(),
        })
    }
}

fn row(iteration: u64, weights: ArrayView2<f64>, size: (usize, usize), words: &Words) -> TimeRow {
    let largest = weights.iter().fold(0.0, |largest: f64, weight| largest.max(weight.abs()));
    TimeRow {
        iteration: filled(words.at_iteration, &[("n", &grouped(iteration))]),
        range: filled(words.over_time_range, &[("largest", &significant(largest))]),
        alt: filled(words.over_time_alt, &[("units", &weights.ncols()), ("n", &grouped(iteration))]),
        picture: picture::weights(weights, size, UNITS_PER_ROW),
    }
}
