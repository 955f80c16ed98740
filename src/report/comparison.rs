//! A page of several runs beside each other.

use askama::Template;

use super::chart::{Axis, Chart, Numbers, Series, Stroke};
use super::colours;
use super::drawing::Look;
use super::error::Error;
use super::figure::Figure;
use super::log::{self, Over, along};
use super::numbers::{MISSING, bound, duration, grouped, loss, percent, three_digits, with_unit};
use super::run::{Run, chance, loss_axis};
use crate::train::{Ended, RunFiles};

/// Where the longest run took more than this many times as long as the shortest, the axis of seconds is logarithmic.
const FAR_APART: f64 = 8.0;

/// Longer names are cut in the middle, or a legend would not fit a phone.
const MAX_NAME: usize = 38;

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page {
    version: &'static str,
    colours_css: String,
    heading: String,
    lead: String,
    by_iteration: Figure,
    by_seconds: Figure,
    accuracy: Option<Figure>,
    result_names: [&'static str; 8],
    differing: Vec<&'static str>,
    shared: Vec<(&'static str, String)>,
    runs: Vec<RunPart>,
}

struct RunPart {
    name: String,
    folder: String,
    /// How the curve of the run looks beside its name in the table: wider than in the chart, as there is less of it.
    look: Look,
    results: [String; 8],
    /// What to change of a run that learned nothing.
    advice: Option<String>,
    /// The values of the settings that differ.
    differing: Vec<String>,
}

/// An HTML page that compares runs and needs no other file.
///
/// # Errors
/// [`Error`] if a log has changed since the run was read.
pub fn comparison_page(runs: &[Run]) -> Result<String, Error> {
    let settings: Vec<_> = runs.iter().map(|run| run.summary.settings_as_text()).collect();
    let n_settings = settings.first().map_or(0, Vec::len);
    let differs = |i: &usize| settings.windows(2).any(|pair| pair[0][*i].1 != pair[1][*i].1);
    let (differing, shared): (Vec<usize>, Vec<usize>) = (0..n_settings).partition(differs);
    let names = names(runs);
    let agreement = Agreement::of(runs)?;
    let part = |(i, (run, name)): (usize, (&Run, &String))| RunPart {
        name: name.clone(),
        folder: run.folder.display().to_string(),
        look: Look::new(i, Stroke::Wide(4)),
        results: results(run, runs),
        advice: run.advice(),
        differing: differing.iter().map(|&setting| settings[i][setting].1.clone()).collect(),
    };
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        colours_css: colours::css(),
        heading: if runs.len() <= 3 { names.join(", ") } else { format!("{} runs", runs.len()) },
        lead: agreement.sentence(),
        by_iteration: loss_figure(runs, &names, Over::Iterations, &agreement),
        by_seconds: loss_figure(runs, &names, Over::Seconds, &agreement),
        accuracy: accuracy_figure(runs, &names, &agreement),
        result_names: RESULTS,
        differing: differing.iter().map(|&i| settings[0][i].0).collect(),
        shared: shared.iter().map(|&i| settings[0][i].clone()).collect(),
        runs: runs.iter().zip(&names).enumerate().map(part).collect(),
    };
    Ok(page.render().expect("a page is written into memory, where nothing fails"))
}

/// What each run is called: the last part of its folder's path, or the whole path where that is another run's too.
fn names(runs: &[Run]) -> Vec<String> {
    let short: Vec<String> = runs.iter().map(Run::name).collect();
    let is_alone = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    let name = |(run, name): (&Run, &String)| {
        cut(if is_alone(name) { name.clone() } else { run.folder.display().to_string() })
    };
    runs.iter().zip(&short).map(name).collect()
}

/// The beginning and the end of a long name.
fn cut(name: String) -> String {
    let n = name.chars().count();
    if n <= MAX_NAME {
        return name;
    }
    let chars = |range: std::ops::Range<usize>| name.chars().skip(range.start).take(range.len()).collect::<String>();
    format!("{}…{}", chars(0..MAX_NAME / 3), chars(n - MAX_NAME * 2 / 3..n))
}

/// How far the losses of the runs are from those of the first, iteration by iteration.
struct Agreement {
    /// How many iterations all runs have.
    n: u64,
    largest_difference: f64,
}

impl Agreement {
    fn of(runs: &[Run]) -> Result<Self, Error> {
        let n = runs.iter().map(|run| run.summary.iterations_done()).min().unwrap_or(0);
        let mut largest_difference = 0_f64;
        for pair in runs.windows(2) {
            let rows = |run: &Run| log::read(&RunFiles::of(&run.folder).log());
            for (a, b) in rows(&pair[0])?.zip(rows(&pair[1])?).take(n as usize) {
                largest_difference = largest_difference.max((a?.loss - b?.loss).abs());
            }
        }
        Ok(Self { n, largest_difference })
    }

    /// Whether curves lie on each other.
    fn is_close(&self) -> bool {
        self.n > 0 && self.largest_difference < 1e-6
    }

    fn sentence(&self) -> String {
        let difference = self.largest_difference;
        let over = match self.n {
            0 => return "One of the runs has done no iteration yet.".to_owned(),
            1 => "After the one iteration that all of them have, the losses".to_owned(),
            n => format!("Over the {} iterations that all of them have, the losses", grouped(n)),
        };
        match difference {
            0.0 => format!("{over} are equal."),
            _ if self.is_close() => format!("{over} differ by less than {}.", bound(difference)),
            _ => format!("{over} differ by up to {difference:.3}."),
        }
    }
}

/// How the curve that is drawn as number `i` looks, where `n` curves lie on each other: the later the thinner, or the last
/// one would be all that is seen.
fn below_others(i: usize, n: usize) -> Stroke {
    Stroke::Wide(2 + 4 * (n - 1 - i).min(4) as u32)
}

fn loss_figure(runs: &[Run], names: &[String], over: Over, agreement: &Agreement) -> Figure {
    let mut series = Vec::new();
    for (i, (run, name)) in runs.iter().zip(names).enumerate() {
        let mut curves = run.curves.loss_series(over, name, i);
        if over == Over::Iterations && agreement.is_close() {
            curves.retain(|curve| curve.stroke != Stroke::Thin);
            curves.iter_mut().for_each(|curve| curve.stroke = below_others(i, runs.len()));
        }
        series.append(&mut curves);
    }
    // Pale ones first, behind all that is to be looked at.
    series.sort_by_key(|series| series.stroke != Stroke::Thin);
    let first = &runs[0].summary;
    let have_same_classes = runs.iter().all(|run| run.summary.dataset.classes == first.dataset.classes);
    let (x, title, caption) = match over {
        Over::Iterations => {
            let caption = if agreement.is_close() {
                "The curves lie on each other and are drawn in different widths, so that each is seen."
            } else {
                ""
            };
            (Axis::linear("iteration", Numbers::Whole), "Loss by iteration", caption)
        }
        Over::Seconds if are_far_apart(runs) => (
            Axis::logarithmic("seconds of training (logarithmic)"),
            "Loss by seconds",
            "The axis of seconds is logarithmic.",
        ),
        Over::Seconds => (Axis::linear("seconds of training", Numbers::Decimal), "Loss by seconds", ""),
    };
    let smoothed = runs.iter().any(|run| !run.curves.mean_loss.is_empty());
    let pale = if series.iter().any(|series| series.stroke == Stroke::Thin) { "Pale: each batch. " } else { "" };
    let strong = if smoothed { "Strong: the mean over a twentieth of a run\u{2019}s iterations. " } else { "" };
    let chart = Chart {
        title: format!("{title}: {}", names.join(", ")),
        x,
        y: loss_axis(),
        series,
        levels: if have_same_classes { vec![chance(first)] } else { Vec::new() },
    };
    Figure::new(&chart, format!("{pale}{strong}{caption}"))
}

fn are_far_apart(runs: &[Run]) -> bool {
    let seconds = || runs.iter().map(|run| run.summary.train_s).filter(|&seconds| seconds > 0.0);
    seconds().fold(0.0, f64::max) > FAR_APART * seconds().fold(f64::INFINITY, f64::min)
}

/// Accuracy over iterations; none where no run measured it more than once.
fn accuracy_figure(runs: &[Run], names: &[String], agreement: &Agreement) -> Option<Figure> {
    // Of the samples that were not trained with, where there are any.
    let is_test = runs.iter().any(|run| run.curves.test_accuracy.len() > 1);
    let points = |run: &Run| if is_test { run.curves.test_accuracy.clone() } else { run.curves.train_accuracy.clone() };
    if runs.iter().all(|run| points(run).len() < 2) {
        return None;
    }
    let series = |(colour, (run, name)): (usize, (&Run, &String))| Series {
        name: name.clone(),
        points: along(Over::Iterations, &points(run)),
        colour,
        stroke: if agreement.is_close() { below_others(colour, runs.len()) } else { Stroke::Marked },
    };
    let set = if is_test { "test set" } else { "training set" };
    let chart = Chart {
        title: format!("Accuracy on the {set} by iteration: {}", names.join(", ")),
        x: Axis::linear("iteration", Numbers::Whole),
        y: Axis::linear(&format!("share of the {set} that is classified right"), Numbers::Percent),
        series: runs.iter().zip(names).enumerate().map(series).collect(),
        levels: Vec::new(),
    };
    Some(Figure::new(&chart, String::new()))
}

const RESULTS: [&str; 8] = [
    "Iterations",
    "Final loss",
    "Training accuracy",
    "Test accuracy",
    "Time",
    "A gradient",
    "Against the slowest",
    "Evaluations a second",
];

/// What came of a run, in the order of [`RESULTS`].
fn results(run: &Run, runs: &[Run]) -> [String; 8] {
    let summary = &run.summary;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| MISSING.to_owned());
    let done = grouped(summary.iterations_done());
    let slowest = runs.iter().filter_map(|run| run.summary.seconds_per_gradient()).fold(0.0, f64::max);
    let times = |seconds: f64| format!("{} ×", grouped(three_digits(slowest / seconds.max(1e-12))));
    [
        if summary.ended() == Some(Ended::Done) {
            done
        } else {
            format!("{done} of {}", grouped(summary.settings.iterations))
        },
        or_dash(summary.final_loss.map(loss)),
        or_dash(summary.train_accuracy.map(|share| percent(share, 2))),
        or_dash(summary.test_accuracy.map(|share| percent(share, 2))),
        duration(summary.train_s),
        or_dash(summary.seconds_per_gradient().map(duration)),
        or_dash(summary.seconds_per_gradient().map(times)),
        or_dash(summary.evaluations_per_second().map(with_unit)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        assert_eq!(cut("short".to_owned()), "short");
        let name = cut(format!("{}é{}", "a".repeat(60), "b".repeat(20)));
        assert_eq!(
            (name.chars().count(), name.starts_with("aaaaaaaaaaaa…"), name.ends_with("ébbbbbbbbbbbbbbbbbbbb")),
            (38, true, true)
        );
    }
}
