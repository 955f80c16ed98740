//! A page of several runs beside each other.

use askama::Template;

use super::chart::{Axis, Chart, Numbers, Series, Stroke};
use super::colours;
use super::drawing::Look;
use super::error::Error;
use super::figure::Figure;
use super::flagged::{Piece, flagged};
use super::log::{self, Over, along};
use super::numbers::{MISSING, bound, grouped, loss, percent, significant, three_digits, with_unit};
use super::page::footer;
use super::run::{Run, chance, loss_axis};
use super::words::{Language, Words, filled};
use crate::train::{Ended, RunFiles};

/// Where the longest run took more than this many times as long as the shortest, the axis of seconds is logarithmic.
const FAR_APART: f64 = 8.0;

/// Longer names are cut in the middle, or a legend would not fit a phone.
const MAX_NAME: usize = 38;
/// Names of this many characters stand in a line of their table.
const LONG_NAME: usize = 18;

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page {
    version: &'static str,
    words: &'static Words,
    footer: String,
    title: String,
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
    /// Whether the name may be broken in the table.
    is_long: bool,
    folder: String,
    /// How the curve of the run looks beside its name in the table: wider than in the chart, as there is less of it.
    look: Look,
    results: [String; 8],
    /// What to change of a run that learned nothing.
    advice: Option<Vec<Piece>>,
    /// The values of the settings that differ.
    differing: Vec<String>,
}

/// An HTML page, in a language, that compares runs and needs no other file.
///
/// # Errors
/// [`Error`] if a log has changed since the run was read.
pub fn comparison_page(runs: &[Run], language: Language) -> Result<String, Error> {
    let words = language.words();
    let settings: Vec<_> = runs.iter().map(|run| run.summary.settings_as_text(words)).collect();
    let n_settings = settings.first().map_or(0, Vec::len);
    let differs = |i: &usize| settings.windows(2).any(|pair| pair[0][*i].1 != pair[1][*i].1);
    let (differing, shared): (Vec<usize>, Vec<usize>) = (0..n_settings).partition(differs);
    let names = names(runs);
    let agreement = Agreement::of(runs)?;
    let part = |(i, (run, name)): (usize, (&Run, &String))| RunPart {
        name: name.clone(),
        is_long: name.chars().count() > LONG_NAME,
        folder: run.folder.display().to_string(),
        look: Look::new(i, Stroke::Wide(4)),
        results: results(run, runs, words),
        advice: run.advice(language).as_deref().map(flagged),
        differing: differing.iter().map(|&setting| settings[i][setting].1.clone()).collect(),
    };
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        words,
        footer: footer(words),
        title: filled(words.runs_compared, &[("n", &runs.len())]),
        colours_css: colours::css(),
        heading: if runs.len() <= 3 { names.join(", ") } else { filled(words.n_runs, &[("n", &runs.len())]) },
        lead: lead(runs, &names, &agreement, words),
        by_iteration: loss_figure(runs, &names, Over::Iterations, &agreement, words),
        by_seconds: loss_figure(runs, &names, Over::Seconds, &agreement, words),
        accuracy: accuracy_figure(runs, &names, &agreement, words),
        result_names: result_names(words),
        differing: differing.iter().map(|&i| settings[0][i].0).collect(),
        shared: shared.iter().map(|&i| settings[0][i].clone()).collect(),
        runs: runs.iter().zip(&names).enumerate().map(part).collect(),
    };
    Ok(page.render().expect("a page is written into memory, where nothing fails"))
}

/// How far apart the runs are, and which one is best.
fn lead(runs: &[Run], names: &[String], agreement: &Agreement, words: &Words) -> String {
    let sentence = agreement.sentence(words);
    let losses = runs.iter().zip(names).filter_map(|(run, name)| Some((run.end_loss()?, name)));
    let best = losses.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|_| !agreement.is_close() && runs.len() > 1);
    let best = best.map(|(best, name)| filled(words.best, &[("name", name), ("loss", &loss(best))]));
    [Some(sentence), best].into_iter().flatten().collect::<Vec<_>>().join(words.between)
}

/// What each run is called: the last part of its folder's path, or the whole path where that is another run's too.
fn names(runs: &[Run]) -> Vec<String> {
    let short: Vec<String> = runs.iter().map(Run::name).collect();
    let is_alone = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    let name = |(run, name): (&Run, &String)| {
        if is_alone(name) { name.clone() } else { run.folder.display().to_string() }
    };
    shortened(&runs.iter().zip(&short).map(name).collect::<Vec<_>>())
}

/// Names of at most [`MAX_NAME`] characters, or a few more, that are all different.
fn shortened(names: &[String]) -> Vec<String> {
    let cut: Vec<String> = names.iter().map(|name| cut(name)).collect();
    let told_apart = |i: usize| {
        let alike: Vec<&str> =
            names.iter().zip(&cut).filter(|(_, other)| **other == cut[i]).map(|(n, _)| &**n).collect();
        if alike.len() == 1 { cut[i].clone() } else { around_difference(&names[i], &alike) }
    };
    let shortened: Vec<String> = (0..names.len()).map(told_apart).collect();
    let is_alone = |name: &String| shortened.iter().filter(|other| *other == name).count() == 1;
    let numbered =
        (0..names.len()).map(|i| if is_alone(&shortened[i]) { String::new() } else { format!("{}: ", i + 1) });
    numbered.zip(&shortened).map(|(number, name)| number + name).collect()
}

/// The beginning and the end of a long name.
fn cut(name: &str) -> String {
    let name: Vec<char> = name.chars().collect();
    let n = name.len();
    if n <= MAX_NAME {
        return name.into_iter().collect();
    }
    part(&name[..MAX_NAME / 3]) + "…" + &part(&name[n - MAX_NAME * 2 / 3..])
}

/// The part of a name that ends where it has become different from all of these, at the end of a word.
fn around_difference(name: &str, alike: &[&str]) -> String {
    let name: Vec<char> = name.chars().collect();
    let n_common = |other: &&str| other.chars().rev().zip(name.iter().rev()).take_while(|(a, b)| a == *b).count();
    let different = alike.iter().map(n_common).filter(|&n| n < name.len());
    let mut end = name.len() - different.min().unwrap_or(0);
    while end < name.len() && name[end].is_alphanumeric() {
        end += 1;
    }
    let begin = (end + 2).saturating_sub(MAX_NAME);
    let dots = |is_cut: bool| if is_cut { "…" } else { "" };
    format!("{}{}{}", dots(begin > 0), part(&name[begin..end]), dots(end < name.len()))
}

fn part(name: &[char]) -> String {
    name.iter().collect()
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

    fn sentence(&self, words: &Words) -> String {
        let difference = self.largest_difference;
        let over = match self.n {
            0 => return words.no_iteration.to_owned(),
            1 => words.over_one.to_owned(),
            n => filled(words.over_many, &[("n", &grouped(n))]),
        };
        match difference {
            0.0 => filled(words.equal, &[("over", &over)]),
            _ if self.is_close() => filled(words.close, &[("over", &over), ("bound", &bound(difference))]),
            _ if difference < 100.0 => {
                filled(words.apart, &[("over", &over), ("difference", &format!("{difference:.3}"))])
            }
            _ => filled(words.apart, &[("over", &over), ("difference", &significant(difference))]),
        }
    }
}

/// How the curve that is drawn as number `i` looks, where `n` curves lie on each other: the later the thinner, or the last
/// one would be all that is seen.
fn below_others(i: usize, n: usize) -> Stroke {
    Stroke::Wide(2 + 4 * (n - 1 - i).min(4) as u32)
}

fn loss_figure(runs: &[Run], names: &[String], over: Over, agreement: &Agreement, words: &Words) -> Figure {
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
    let (x, title, file) = match over {
        Over::Iterations => {
            (Axis::linear(words.iteration, Numbers::Whole), words.loss_by_iteration, "loss-by-iteration")
        }
        Over::Seconds if are_far_apart(runs) => {
            (Axis::logarithmic(words.seconds_logarithmic), words.loss_by_seconds, "loss-by-seconds")
        }
        Over::Seconds => (Axis::linear(words.seconds, Numbers::Decimal), words.loss_by_seconds, "loss-by-seconds"),
    };
    let has_pale = series.iter().any(|series| series.stroke == Stroke::Thin);
    let smoothed = if has_pale { words.smoothed_runs } else { "" };
    let lie = if over == Over::Iterations && agreement.is_close() { words.lie_on_each_other } else { "" };
    let chart = Chart {
        title: filled(words.loss_by_title, &[("title", &title), ("names", &names.join(", "))]),
        x,
        y: loss_axis(words),
        series,
        levels: if have_same_classes { vec![chance(first, words)] } else { Vec::new() },
    };
    Figure::new(&chart, file, [smoothed, lie].join(words.between).trim().to_owned(), words)
}

fn are_far_apart(runs: &[Run]) -> bool {
    let seconds = || runs.iter().map(|run| run.summary.train_s).filter(|&seconds| seconds > 0.0);
    seconds().fold(0.0, f64::max) > FAR_APART * seconds().fold(f64::INFINITY, f64::min)
}

/// Accuracy over iterations; none where no run measured it more than once.
fn accuracy_figure(runs: &[Run], names: &[String], agreement: &Agreement, words: &Words) -> Option<Figure> {
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
    let set = if is_test { words.test_set } else { words.training_set };
    let chart = Chart {
        title: filled(words.accuracy_by_title, &[("set", &set), ("names", &names.join(", "))]),
        x: Axis::linear(words.iteration, Numbers::Whole),
        y: Axis::linear(&filled(words.accuracy_by_axis, &[("set", &set)]), Numbers::Percent),
        series: runs.iter().zip(names).enumerate().map(series).collect(),
        levels: Vec::new(),
    };
    Some(Figure::new(&chart, "accuracy", String::new(), words))
}

fn result_names(words: &Words) -> [&'static str; 8] {
    [
        words.iterations,
        words.final_loss,
        words.training_accuracy,
        words.test_accuracy,
        words.time,
        words.a_gradient,
        words.against_the_slowest,
        words.evaluations_a_second,
    ]
}

/// What came of a run, in the order of [`result_names`].
fn results(run: &Run, runs: &[Run], words: &Words) -> [String; 8] {
    let summary = &run.summary;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| MISSING.to_owned());
    let done = grouped(summary.iterations_done());
    let slowest = runs.iter().filter_map(|run| run.summary.seconds_per_gradient()).fold(0.0, f64::max);
    let times = |seconds: f64| format!("{} ×", grouped(three_digits(slowest / seconds.max(1e-12))));
    [
        if summary.ended() == Some(Ended::Done) {
            done
        } else {
            filled(words.done_of, &[("done", &done), ("asked", &grouped(summary.settings.iterations))])
        },
        or_dash(summary.final_loss.map(loss)),
        or_dash(summary.train_accuracy.map(|share| percent(share, 2))),
        or_dash(summary.test_accuracy.map(|share| percent(share, 2))),
        words.duration(summary.train_s),
        or_dash(summary.seconds_per_gradient().map(|seconds| words.duration(seconds))),
        or_dash(summary.seconds_per_gradient().map(times)),
        or_dash(summary.evaluations_per_second().map(with_unit)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        assert_eq!(cut("short"), "short");
        let name = cut(&format!("{}é{}", "a".repeat(60), "b".repeat(20)));
        assert_eq!(
            (name.chars().count(), name.starts_with("aaaaaaaaaaaa…"), name.ends_with("ébbbbbbbbbbbbbbbbbbbb")),
            (38, true, true)
        );
    }

    #[test]
    fn long_names_that_differ_only_in_their_middle_are_told_apart() {
        let name =
            |seed: u32| format!("{}-learning-rate-0.1-seed-{seed}-{}", "a".repeat(60), "weights-normal".repeat(3));
        let names: Vec<String> = [1, 2, 31].map(name).into_iter().chain(["short".to_owned()]).collect();
        let ends = ["-seed-1…", "-seed-2…", "-seed-31…"];
        let shown = shortened(&names);
        assert!(
            shown.iter().zip(ends).all(|(name, end)| name.ends_with(end) && name.chars().count() <= 38),
            "{shown:?}"
        );
        assert_eq!(shown[3], "short");
        // Different only far before what else differs.
        let name =
            |first: &str, last: &str| format!("{}{first}{}{last}{}", "x".repeat(20), "y".repeat(60), "z".repeat(30));
        let shown = shortened(&[("1", "1"), ("2", "1"), ("1", "2")].map(|(first, last)| name(first, last)));
        assert!((0..3).all(|i| !shown[..i].contains(&shown[i])), "{shown:?}");
    }
}
