//! A page of one run.

use askama::Template;
use ndarray::s;

use super::answers::{Answers, Mistake};
use super::chart::{self, Axis, Chart, Numbers, Series, Size, Stroke};
use super::log::{Over, along};
use super::numbers::{duration, grouped, percent, with_unit};
use super::picture::{self, Picture};
use super::{Run, Summary};
use crate::train::GradientMethod;

/// More classes are a picture; a table of them is too large to be read.
const MAX_TABLE: usize = 20;

/// How wide the picture is shown at least, about, where there is room.
const MAP_WIDTH: usize = 512;

/// So many hidden units are shown at most,
const MAX_UNITS: usize = 100;
/// and no more than so many pixels of them.
const MAX_PIXELS: usize = 120_000;
/// Pictures of units beside each other.
const UNITS_PER_ROW: usize = 10;

/// How wide a row of them is shown where there is room.
const UNITS_WIDTH: usize = 720;

#[derive(Template)]
#[template(path = "run.html")]
struct Page {
    version: &'static str,
    chart_css: String,
    name: String,
    lead: String,
    notice: Option<String>,
    tiles: Vec<Tile>,
    loss: Figure,
    accuracy: Option<Figure>,
    answers: Option<AnswersPart>,
    weights: Option<WeightsPart>,
    settings: Vec<(&'static str, String)>,
    missing: Option<&'static str>,
}

struct Tile {
    name: &'static str,
    value: String,
    more: String,
}

/// A chart in two sizes, of which the page shows one.
pub(super) struct Figure {
    pub wide: String,
    pub narrow: String,
    pub caption: String,
}

impl Figure {
    /// Under a heading that says what the title says.
    pub fn new(chart: Chart, caption: String) -> Self {
        let chart = Chart { shows_title: false, ..chart };
        Self { wide: chart.svg(Size::WIDE), narrow: chart.svg(Size::NARROW), caption }
    }
}

struct AnswersPart {
    lead: String,
    classes: Vec<usize>,
    rows: Vec<ConfusionRow>,
    /// In place of the rows.
    map: Option<Picture>,
    map_width: usize,
    /// Beside a map: label, class, how often.
    confusions: Vec<(usize, usize, String)>,
    mistakes_lead: String,
    mistakes: Vec<MistakePart>,
}

struct ConfusionRow {
    label: usize,
    cells: Vec<ConfusionCell>,
    right: String,
}

struct ConfusionCell {
    kind: &'static str,
    /// The square root of the share of the row, so that rare mistakes are seen.
    shade: String,
    count: String,
}

struct MistakePart {
    picture: Picture,
    sample: usize,
    label: usize,
    class: usize,
    probability: String,
    label_probability: String,
}

struct WeightsPart {
    lead: String,
    alt: String,
    caption: String,
    picture: Picture,
    shown_width: usize,
}

/// A self-contained HTML page of a run. `answers` are those of the network to the test set, or to the training set where
/// there is none; without them the page says less.
pub fn run_page(run: &Run, answers: Option<&Answers>) -> String {
    let Run { summary, curves, .. } = run;
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        chart_css: chart::css(),
        name: run.name(),
        lead: lead(summary),
        notice: notice(summary),
        tiles: tiles(summary),
        loss: Figure::new(run.loss_chart(), loss_caption(summary, curves.mean_over)),
        accuracy: accuracy_chart(run).map(|chart| Figure::new(chart, String::new())),
        answers: answers.map(AnswersPart::new),
        weights: WeightsPart::new(run),
        settings: summary.settings(),
        missing: (answers.is_none() && summary.stopped.is_none()).then_some(
            "What the network takes for what, and what it gets most wrong, is told by the samples; they were not at hand \
             when this page was written.",
        ),
    };
    page.render().expect("a page is written into memory, where nothing fails")
}

/// Why it has not done all that was asked for.
fn notice(summary: &Summary) -> Option<String> {
    let (done, asked_for) = (grouped(summary.iterations_done()), grouped(summary.iterations));
    match &summary.stopped {
        Some(reason) => Some(format!(
            "Stopped after iteration {done} of {asked_for}. What follows is of the iterations that were done. The next one \
             failed: {reason}."
        )),
        None if summary.is_interrupted() => Some(format!(
            "Interrupted after iteration {done} of {asked_for}. What follows is of the iterations that were done; \
             numgrad-train --resume goes on with the others."
        )),
        None => None,
    }
}

fn lead(summary: &Summary) -> String {
    let how = match summary.gradient {
        GradientMethod::Numerical => format!("numerical gradients alone ({})", summary.forward),
        GradientMethod::Backprop => "backpropagation".to_owned(),
    };
    let n = summary.iterations_done();
    format!(
        "A two-layer network of {} on the data set \u{201c}{}\u{201d}, trained by {how} for {} iteration{} with batches of {}.",
        summary.shape(),
        summary.dataset.name,
        grouped(n),
        if n == 1 { "" } else { "s" },
        grouped(summary.batch_size),
    )
}

fn tiles(summary: &Summary) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut tile = |name, value: Option<String>, more: String| {
        if let Some(value) = value {
            tiles.push(Tile { name, value, more });
        }
    };
    let of = |n: usize| format!("of {} samples", grouped(n));
    tile("Test accuracy", summary.test_accuracy.map(|share| percent(share, 2)), of(summary.dataset.test_samples));
    tile("Training accuracy", summary.train_accuracy.map(|share| percent(share, 2)), of(summary.dataset.train_samples));
    let chance = format!("chance: ln {} = {:.4}", summary.dataset.classes, summary.chance());
    tile("Final loss", summary.final_loss.map(|loss| format!("{loss:.4}")), chance);
    let gradient = summary.seconds_per_gradient().map_or(String::new(), |s| format!("{} a gradient", duration(s)));
    tile("Training time", Some(duration(summary.train_s)), gradient);
    let in_all = format!("{} in all", grouped(summary.n_evaluations));
    tile("Evaluations a second", summary.evaluations_per_second().map(with_unit), in_all);
    tiles
}

fn loss_caption(summary: &Summary, mean_over: u64) -> String {
    let smoothed = match mean_over {
        0 | 1 => String::new(),
        n => format!(
            " Pale: each batch; strong: the mean of {} iterations around each, fewer towards both ends.",
            grouped(n)
        ),
    };
    format!(
        "The loss on each iteration\u{2019}s batch, after the update. A network that takes all {} classes for equally \
         probable has the loss ln {} = {:.4}.{smoothed}",
        summary.dataset.classes,
        summary.dataset.classes,
        summary.chance(),
    )
}

/// Nothing where accuracy was measured once: the number is enough then.
fn accuracy_chart(run: &Run) -> Option<Chart> {
    let curves = &run.curves;
    let sets = [("training set", &curves.train_accuracy), ("test set", &curves.test_accuracy)];
    let series = |(colour, (name, points)): (usize, (&str, &Vec<_>))| Series {
        name: name.to_owned(),
        points: along(Over::Iterations, points),
        colour,
        stroke: Stroke::Bold,
    };
    (curves.train_accuracy.len().max(curves.test_accuracy.len()) > 1).then(|| Chart {
        title: "Accuracy over iterations".to_owned(),
        shows_title: false,
        x: Axis::linear("iteration", Numbers::Whole),
        y: Axis::linear("share that is classified right", Numbers::Percent),
        series: sets.into_iter().enumerate().filter(|(_, (_, points))| !points.is_empty()).map(series).collect(),
        levels: Vec::new(),
    })
}

impl AnswersPart {
    fn new(answers: &Answers) -> Self {
        let n_classes = answers.confusion.nrows();
        let as_table = n_classes <= MAX_TABLE;
        let shares = || {
            let sums = answers.confusion.rows().into_iter().map(|row| row.sum().max(1) as f64).collect::<Vec<_>>();
            ndarray::Array2::from_shape_fn(answers.confusion.dim(), |(label, class)| {
                answers.confusion[[label, class]] as f64 / sums[label]
            })
        };
        let rows = answers.confusion.rows().into_iter().enumerate().map(|(label, row)| {
            let sum = row.sum();
            let share = |n: usize| n as f64 / sum.max(1) as f64;
            let cell = |(class, &n): (usize, &usize)| ConfusionCell {
                kind: match (n, class == label) {
                    (0, _) => "none",
                    (_, true) => "right",
                    (_, false) => "wrong",
                },
                shade: format!("{:.3}", share(n).sqrt()),
                count: grouped(n),
            };
            let right = if sum == 0 { "\u{2013}".to_owned() } else { percent(share(row[label]), 1) };
            ConfusionRow { label, cells: row.iter().enumerate().map(cell).collect(), right }
        });
        let mut confusions: Vec<(usize, usize, usize)> = answers
            .confusion
            .indexed_iter()
            .filter(|&((label, class), &n)| label != class && n > 0)
            .map(|((label, class), &n)| (label, class, n))
            .collect();
        // The sort is stable: what is equally frequent stays in order.
        confusions.sort_by_key(|&(_, _, n)| std::cmp::Reverse(n));
        confusions.truncate(if as_table { 0 } else { 10 });
        Self {
            lead: format!(
                "Of the {} samples of the {}, {} ({}) are classified right.",
                grouped(answers.n_samples),
                answers.set,
                grouped(answers.n_samples - answers.n_mistakes),
                percent(answers.accuracy, 2),
            ),
            classes: (0..n_classes).collect(),
            rows: if as_table { rows.collect() } else { Vec::new() },
            map: (!as_table).then(|| picture::shares(&shares())),
            // Each class has as many pixels.
            map_width: n_classes * (MAP_WIDTH / n_classes).max(3),
            confusions: confusions.into_iter().map(|(label, class, n)| (label, class, grouped(n))).collect(),
            mistakes_lead: format!(
                "{} of {} mistakes in the {}: those whose label seemed least probable. Above, what it was taken for and how \
                 probable that seemed; below, the same of what it is, and its number, counted from 0.",
                answers.mistakes.len(),
                grouped(answers.n_mistakes),
                answers.set,
            ),
            mistakes: answers.mistakes.iter().map(MistakePart::new).collect(),
        }
    }
}

impl MistakePart {
    fn new(mistake: &Mistake) -> Self {
        let prediction = mistake.prediction;
        Self {
            picture: mistake.picture.clone(),
            sample: mistake.sample,
            label: prediction.label,
            class: prediction.class,
            probability: probability(prediction.probability),
            label_probability: probability(prediction.label_probability),
        }
    }
}

/// In per cent, with more than zeros.
fn probability(p: f64) -> String {
    match p {
        p if p > 0.0 && p < 1e-4 => format!("{:.0e}", p),
        p if p < 0.1 => percent(p, 2),
        p => percent(p, 1),
    }
}

impl WeightsPart {
    /// Nothing where the weights are not there, or the inputs are no pictures.
    fn new(run: &Run) -> Option<Self> {
        let parameters = run.parameters.as_ref()?;
        let size = run.summary.dataset.image_size?;
        let n_hidden = parameters.w1().ncols();
        let n_shown = n_hidden.min(MAX_UNITS).min(MAX_PIXELS / (size.0 * size.1).max(1));
        if n_shown == 0 {
            return None;
        }
        let shown = parameters.w1();
        let shown = shown.slice(s![.., ..n_shown]);
        let (lowest, highest) =
            shown.iter().fold((f64::MAX, f64::MIN), |(low, high), &weight| (low.min(weight), high.max(weight)));
        let is_usual = (1e-3..1e6).contains(&lowest.abs().max(highest.abs()));
        let weight = |x: f64| if is_usual { format!("{x:.4}") } else { format!("{x:.3e}") };
        let which = match n_hidden == n_shown {
            true if n_hidden == 1 => "The hidden unit".to_owned(),
            true => format!("Each of the {n_hidden} hidden units"),
            false => format!("The first {n_shown} of {} hidden units", grouped(n_hidden)),
        };
        let picture = picture::weights(shown, size, UNITS_PER_ROW);
        Some(Self {
            lead: format!("{which} as a picture: the weight W1 of each pixel, where the pixel is."),
            alt: format!("First-layer weights of {n_shown} hidden units as pictures"),
            caption: format!(
                "Orange: above 0; blue: below; the stronger, the farther from 0. From {} to {}.",
                weight(lowest),
                weight(highest)
            ),
            shown_width: UNITS_WIDTH * n_shown.min(UNITS_PER_ROW) / UNITS_PER_ROW,
            picture,
        })
    }
}
