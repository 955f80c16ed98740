//! A page of one run.

use std::fmt::Display;

use askama::Template;

use super::answers::{AnswersSection, SampleSet};
use super::chart::{Axis, Chart, Numbers, Series, Stroke};
use super::colours;
use super::figure::Figure;
use super::flagged::{Piece, flagged};
use super::log::{Over, along};
use super::numbers::{chosen, grouped, loss, percent, with_unit};
use super::run::Run;
use super::summary::{Stopped, Summary};
use super::weights::WeightsSection;
use super::words::{Language, Words, filled};
use super::worked::WorkedSection;
use crate::train::{Ended, GradientMethod};

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    version: &'static str,
    words: &'static Words,
    footer: String,
    colours_css: String,
    title: String,
    name: String,
    lead: String,
    notice: Option<Vec<Piece>>,
    advice: Option<Vec<Piece>>,
    tiles: Vec<Tile>,
    /// None where no iteration is done.
    loss: Option<Figure>,
    norm: Option<Figure>,
    accuracy: Option<Figure>,
    answers: Option<&'a AnswersSection>,
    map_alt: String,
    worked: Option<WorkedSection>,
    weights: Option<WeightsSection>,
    settings: Vec<(&'static str, String)>,
    missing: Option<&'static str>,
}

struct Tile {
    name: &'static str,
    value: String,
    more: String,
}

/// An HTML page of a run, in a language, that needs no other file. `answers` are those of the network to the test set, or to the
/// training set where there is no test set; without them the page says less.
pub fn run_page(run: &Run, answers: Option<&AnswersSection>, language: Language) -> String {
    let Run { summary, curves, .. } = run;
    let words = language.words();
    let name = run.name();
    let is_missing = answers.is_none() && summary.stopped.is_none();
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        words,
        footer: footer(words),
        colours_css: colours::css(),
        title: filled(words.a_run_of, &[("name", &name)]),
        name,
        lead: lead(summary, words),
        notice: notice(summary, words).as_deref().map(flagged),
        advice: run.advice(language).as_deref().map(flagged),
        tiles: tiles(summary, words),
        loss: (summary.iterations_done() > 0).then(|| {
            Figure::new(&run.loss_chart(language), "loss", loss_caption(summary, curves.mean_over, words), words)
        }),
        norm: norm_figure(run, words),
        accuracy: accuracy_chart(run, words).map(|chart| Figure::new(&chart, "accuracy", String::new(), words)),
        answers,
        map_alt: filled(words.map_alt, &[("n", &summary.dataset.classes)]),
        worked: WorkedSection::new(run, words),
        weights: WeightsSection::new(run, words),
        settings: summary.settings_as_text(words),
        missing: is_missing.then_some(words.not_at_hand),
    };
    page.render().expect("a page is written into memory, where nothing fails")
}

/// What stands below every page.
pub(super) fn footer(words: &Words) -> String {
    filled(words.footer, &[("version", &env!("CARGO_PKG_VERSION"))])
}

/// Why the run has not done all iterations that were asked for; none where it has.
fn notice(summary: &Summary, words: &Words) -> Option<String> {
    let (done, asked) = (grouped(summary.iterations_done()), grouped(summary.settings.iterations));
    let values: [(&str, &dyn Display); 2] = [("done", &done), ("asked", &asked)];
    if let Some(stopped) = &summary.stopped {
        let reason = match stopped {
            Stopped::Diverged(divergence) => words.divergence(divergence),
            Stopped::Other(reason) => reason.clone(),
        };
        return Some(filled(words.stopped, &[values[0], values[1], ("reason", &reason)]));
    }
    (summary.ended() == Some(Ended::Interrupted)).then(|| filled(words.interrupted, &values))
}

fn lead(summary: &Summary, words: &Words) -> String {
    let how = match summary.settings.training.gradient {
        GradientMethod::Numerical => filled(words.by_numerical, &[("forward", &summary.settings.training.forward)]),
        GradientMethod::Backprop => words.by_backprop.to_owned(),
    };
    let shape = summary.shape();
    let network = match shape.n_layers() {
        2 => filled(words.two_layers, &[("shape", &shape)]),
        n => filled(words.many_layers, &[("n", &n), ("shape", &shape)]),
    };
    filled(
        words.lead,
        &[
            ("network", &network),
            ("data", &summary.dataset.name),
            ("how", &how),
            ("iterations", &words.iterations(summary.iterations_done())),
            ("batch", &grouped(summary.settings.training.batch_size)),
        ],
    )
}

fn tiles(summary: &Summary, words: &Words) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut tile = |name, value: Option<String>, more: String| {
        if let Some(value) = value {
            tiles.push(Tile { name, value, more });
        }
    };
    let of = |n: usize| filled(words.of_samples, &[("n", &grouped(n))]);
    let share = |share: Option<f64>| share.map(|share| percent(share, 2));
    tile(words.test_accuracy, share(summary.test_accuracy), of(summary.dataset.test_samples));
    tile(words.training_accuracy, share(summary.train_accuracy), of(summary.dataset.train_samples));
    let chance = [("classes", &summary.dataset.classes as &dyn Display), ("loss", &loss(summary.chance()))];
    tile(words.final_loss, summary.final_loss.map(loss), filled(words.chance, &chance));
    let gradient = |seconds| filled(words.a_gradient_takes, &[("time", &words.duration(seconds))]);
    let gradient = summary.seconds_per_gradient().map_or(String::new(), gradient);
    tile(words.training_time, Some(words.duration(summary.train_s)), gradient);
    let in_all = filled(words.in_all, &[("n", &grouped(summary.n_evaluations))]);
    tile(words.evaluations_a_second, summary.evaluations_per_second().map(with_unit), in_all);
    tiles
}

fn loss_caption(summary: &Summary, mean_over: u64, words: &Words) -> String {
    let smoothed = match mean_over {
        0 | 1 => String::new(),
        n => filled(words.smoothed, &[("n", &grouped(n))]),
    };
    let (classes, chance) = (summary.dataset.classes, loss(summary.chance()));
    [filled(words.loss_caption, &[("classes", &classes), ("loss", &chance)]), smoothed]
        .join(words.between)
        .trim()
        .to_owned()
}

/// The length of the gradient over iterations; none where there is none.
fn norm_figure(run: &Run, words: &Words) -> Option<Figure> {
    let curves = &run.curves;
    let mean = match curves.mean_gradient_norm.is_empty() {
        true => String::new(),
        false => filled(words.mean_of, &[("n", &grouped(curves.mean_over))]),
    };
    let chart = Chart {
        title: words.norm_title.to_owned(),
        x: Axis::linear(words.iteration, Numbers::Whole),
        y: Axis::linear(words.norm_axis, Numbers::Decimal),
        series: curves.norm_series(&mean, 1),
        levels: Vec::new(),
    };
    let rate = chosen(run.summary.settings.training.learning_rate);
    let caption = filled(words.norm_caption, &[("rate", &rate)]);
    (!curves.gradient_norm.is_empty()).then(|| Figure::new(&chart, "gradient", caption, words))
}

/// Accuracy over iterations; none where it was measured only once, as the number among the tiles says it all.
fn accuracy_chart(run: &Run, words: &Words) -> Option<Chart> {
    let curves = &run.curves;
    let sets = [(SampleSet::Training, &curves.train_accuracy), (SampleSet::Test, &curves.test_accuracy)];
    let series = |(colour, (set, points)): (usize, (SampleSet, &Vec<_>))| Series {
        name: set.name(words).to_owned(),
        points: along(Over::Iterations, points),
        colour,
        stroke: Stroke::Marked,
    };
    (curves.train_accuracy.len().max(curves.test_accuracy.len()) > 1).then(|| Chart {
        title: words.accuracy_title.to_owned(),
        x: Axis::linear(words.iteration, Numbers::Whole),
        y: Axis::linear(words.accuracy_axis, Numbers::Percent),
        series: sets.into_iter().enumerate().filter(|(_, (_, points))| !points.is_empty()).map(series).collect(),
        levels: Vec::new(),
    })
}
