//! A page of one run.

use askama::Template;

use super::answers::AnswersSection;
use super::chart::{Axis, Chart, Numbers, Series, Stroke};
use super::colours;
use super::figure::Figure;
use super::log::{Over, along};
use super::numbers::{duration, grouped, loss, percent, with_unit};
use super::run::Run;
use super::summary::Summary;
use super::weights::WeightsSection;
use crate::train::{Ended, GradientMethod};

#[derive(Template)]
#[template(path = "run.html")]
struct Page<'a> {
    version: &'static str,
    colours_css: String,
    name: String,
    lead: String,
    notice: Option<String>,
    advice: Option<String>,
    tiles: Vec<Tile>,
    loss: Figure,
    accuracy: Option<Figure>,
    answers: Option<&'a AnswersSection>,
    weights: Option<WeightsSection>,
    settings: Vec<(&'static str, String)>,
    missing: Option<&'static str>,
}

struct Tile {
    name: &'static str,
    value: String,
    more: String,
}

/// An HTML page of a run that needs no other file. `answers` are those of the network to the test set, or to the training
/// set where there is no test set; without them the page says less.
pub fn run_page(run: &Run, answers: Option<&AnswersSection>) -> String {
    let Run { summary, curves, .. } = run;
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        colours_css: colours::css(),
        name: run.name(),
        lead: lead(summary),
        notice: notice(summary),
        advice: run.advice(),
        tiles: tiles(summary),
        loss: Figure::new(&run.loss_chart(), loss_caption(summary, curves.mean_over)),
        accuracy: accuracy_chart(run).map(|chart| Figure::new(&chart, String::new())),
        answers,
        weights: WeightsSection::new(run),
        settings: summary.settings_as_text(),
        missing: (answers.is_none() && summary.stopped.is_none()).then_some(
            "What the network takes for what, and what it gets most wrong, is told by the samples; they were not at hand \
             when this page was written.",
        ),
    };
    page.render().expect("a page is written into memory, where nothing fails")
}

/// Why the run has not done all iterations that were asked for; none where it has.
fn notice(summary: &Summary) -> Option<String> {
    let (done, asked_for) = (grouped(summary.iterations_done()), grouped(summary.settings.iterations));
    if let Some(reason) = &summary.stopped {
        return Some(format!(
            "Stopped after iteration {done} of {asked_for}. What follows is of the iterations that were done. The next one \
             failed: {reason}."
        ));
    }
    (summary.ended() == Some(Ended::Interrupted)).then(|| {
        format!(
            "Interrupted after iteration {done} of {asked_for}. What follows is of the iterations that were done; \
             numgrad-train --resume goes on with the others."
        )
    })
}

fn lead(summary: &Summary) -> String {
    let how = match summary.settings.training.gradient {
        GradientMethod::Numerical => format!("numerical gradients alone ({})", summary.settings.training.forward),
        GradientMethod::Backprop => "backpropagation".to_owned(),
    };
    let n = summary.iterations_done();
    let shape = summary.shape();
    let network = match shape.n_layers() {
        2 => format!("A two-layer network of {shape}"),
        n_layers => format!("A network of {n_layers} layers, {shape},"),
    };
    format!(
        "{network} on the data set \u{201c}{}\u{201d}, trained by {how} for {} iteration{} with batches of {}.",
        summary.dataset.name,
        grouped(n),
        if n == 1 { "" } else { "s" },
        grouped(summary.settings.training.batch_size),
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
    let chance = format!("chance: ln {} = {}", summary.dataset.classes, loss(summary.chance()));
    tile("Final loss", summary.final_loss.map(loss), chance);
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
         probable has the loss ln {} = {}.{smoothed}",
        summary.dataset.classes,
        summary.dataset.classes,
        loss(summary.chance()),
    )
}

/// Accuracy over iterations; none where it was measured only once, as the number among the tiles says it all.
fn accuracy_chart(run: &Run) -> Option<Chart> {
    let curves = &run.curves;
    let sets = [("training set", &curves.train_accuracy), ("test set", &curves.test_accuracy)];
    let series = |(colour, (name, points)): (usize, (&str, &Vec<_>))| Series {
        name: name.to_owned(),
        points: along(Over::Iterations, points),
        colour,
        stroke: Stroke::Marked,
    };
    (curves.train_accuracy.len().max(curves.test_accuracy.len()) > 1).then(|| Chart {
        title: "Accuracy over iterations".to_owned(),
        x: Axis::linear("iteration", Numbers::Whole),
        y: Axis::linear("share that is classified right", Numbers::Percent),
        series: sets.into_iter().enumerate().filter(|(_, (_, points))| !points.is_empty()).map(series).collect(),
        levels: Vec::new(),
    })
}
