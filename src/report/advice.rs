//! What went wrong with a run that learned nothing or unlearned what it had learned, and which settings to change.

use std::fmt::Display;

use super::log::MeanLoss;
use super::numbers::{self, chosen, loss, power_below, power_of_ten};
use super::run::Run;
use super::summary::Summary;
use super::words::{Language, Words, filled};
use crate::dataset::Name;
use crate::nn::Activation;
use crate::train::{Ended, Forward, GradientMethod, Init, InitScale, TrainingSettings};

/// A loss is above another one where it is so by more than this many standard errors,
const N_ERRORS: f64 = 4.0;
/// and a run's loss has risen where it is above the lowest one by this share of it.
const RISE: f64 = 0.1;
/// Within this share of the loss of a network that knows nothing, one has hardly learned anything.
const NEAR_CHANCE: f64 = 0.95;
/// A loss above that of a network that knows nothing by this share is not what learning leads to.
const ABOVE_CHANCE: f64 = 1.02;
/// With MNIST, learning rates up to 5 were seen to learn, and 10 was not.
const LARGE_LEARNING_RATE: f64 = 5.0;
/// With MNIST, standard normal weights times 0.3 were seen to learn, and uniform ones times 1 were not.
const LARGE_INIT_SCALE: f64 = 0.3;
/// Networks were seen to leave chance once the iterations, each times the learning rate, came to about a third of this.
const ENOUGH_UPDATES: f64 = 100.0;
/// Where that takes more iterations than this, the learning rate is too small.
const MOST_ITERATIONS: f64 = 1e6;

/// What a run's loss and accuracy tell about it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Finding {
    /// The loss ends above that of a network that knows nothing.
    AboveChance { end: f64, falls: bool },
    /// The loss has risen again.
    Rises { lowest: f64, end: f64 },
    /// The network answers as if by chance.
    AtChance { end: f64 },
}

impl Run {
    /// What to change of a run that ends at chance or above it, or whose loss rises: a sentence or two that name flags. None
    /// where the run learned something, has stopped for another reason, or is one whose labels can't be learned.
    pub fn advice(&self, language: Language) -> Option<String> {
        let Self { summary, curves, .. } = self;
        let accuracy = summary.test_accuracy.or(summary.train_accuracy);
        let finding = finding(&curves.tenths, summary.dataset.classes, accuracy)?;
        match (summary.ended(), finding) {
            // It may still learn.
            (Some(Ended::Interrupted), Finding::AtChance { .. }) => None,
            // Its labels are drawn by chance.
            (_, Finding::AtChance { .. }) if summary.dataset.name == Name::Synthetic => None,
            (Some(Ended::Done | Ended::Interrupted), finding) => Some(text(finding, summary, language.words())),
            _ => None,
        }
    }
}

fn finding(tenths: &[MeanLoss], n_classes: usize, accuracy: Option<f64>) -> Option<Finding> {
    let (first, end) = (tenths.first()?, tenths.last()?);
    let chance = (n_classes as f64).ln();
    // Of one iteration alone nothing tells how far it is to be trusted.
    let is_trusted = |a: &MeanLoss, b: Option<&MeanLoss>| {
        let errors = (a.standard_error, b.map_or(Some(0.0), |b| b.standard_error));
        let (Some(a_error), Some(b_error)) = errors else { return false };
        (a.mean - b.map_or(chance, |b| b.mean)).abs() > N_ERRORS * a_error.hypot(b_error)
    };
    let is_far_above = end.standard_error.is_none() && end.mean > 1.5 * chance;
    if end.mean > ABOVE_CHANCE * chance && (is_trusted(end, None) || is_far_above) {
        let falls = end.mean < first.mean && is_trusted(end, Some(first));
        return Some(Finding::AboveChance { end: end.mean, falls });
    }
    let lowest = tenths.iter().min_by(|a, b| a.mean.total_cmp(&b.mean))?;
    if end.mean > (1.0 + RISE) * lowest.mean && is_trusted(end, Some(lowest)) {
        return Some(Finding::Rises { lowest: lowest.mean, end: end.mean });
    }
    // An accuracy that is well above chance comes before the loss falls.
    let share = 1.0 / n_classes as f64;
    let answers_by_chance = accuracy.is_none_or(|accuracy| accuracy < share + 0.5 * share * (1.0 - share));
    (answers_by_chance && end.mean > NEAR_CHANCE * chance).then_some(Finding::AtChance { end: end.mean })
}

fn text(finding: Finding, summary: &Summary, words: &Words) -> String {
    let TrainingSettings { learning_rate, step, .. } = summary.settings.training;
    let chance = filled(words.chance_is, &[("classes", &summary.dataset.classes), ("loss", &loss(summary.chance()))]);
    let n = summary.iterations_done();
    let begun = match finding {
        Finding::AboveChance { end, .. } => filled(words.ends_above, &[("loss", &loss(end)), ("chance", &chance)]),
        Finding::Rises { lowest, end } => filled(words.rises, &[("lowest", &loss(lowest)), ("loss", &loss(end))]),
        Finding::AtChance { end } => {
            let iterations = words.iterations(n);
            filled(words.at_chance, &[("iterations", &iterations), ("loss", &loss(end)), ("chance", &chance)])
        }
    };
    let (rate, smaller) = (chosen(learning_rate), chosen(tenth_of(learning_rate)));
    let init_scale = summary.settings.init_scale;
    let what_to_do = match finding {
        _ if drowns(summary) => filled(words.drowns, &[("step", &numbers::step(step))]),
        _ if learning_rate > LARGE_LEARNING_RATE => filled(words.large_rate, &[("rate", &rate)]),
        Finding::Rises { .. } => filled(words.overshoot, &[("rate", &smaller)]),
        _ if let InitScale::Number(scale) = init_scale
            && scale > LARGE_INIT_SCALE =>
        {
            filled(words.large_scale, &[("scale", &chosen(scale))])
        }
        Finding::AboveChance { falls: true, .. } => words.still_falls.to_owned(),
        Finding::AboveChance { falls: false, .. } => filled(words.smaller_rate, &[("rate", &smaller)]),
        Finding::AtChance { .. } => deep(summary, words).unwrap_or_else(|| patience(summary, n, words)),
    };
    [begun, what_to_do].join(words.between)
}

/// What helps a deeper network that has not left chance, and whose layers were not scaled by their inputs.
fn deep(summary: &Summary, words: &Words) -> Option<String> {
    let settings = &summary.settings;
    let InitScale::Number(scale) = settings.init_scale else { return None };
    let name = if settings.activation == Activation::Relu { InitScale::He } else { InitScale::Xavier };
    let (n, scale) = (summary.shape().n_layers(), chosen(scale));
    (n > 2).then(|| filled(words.deep, &[("n", &n), ("scale", &scale), ("name", &name)]))
}

/// What helps a run that has not left chance, and whose settings are within reason.
fn patience(summary: &Summary, n: u64, words: &Words) -> String {
    let rate = summary.settings.training.learning_rate;
    let init = if summary.settings.init == Init::Uniform { words.normal_helps } else { "" };
    let enough = round_up(ENOUGH_UPDATES / rate);
    let rate_text = chosen(rate);
    if enough > MOST_ITERATIONS {
        return filled(words.small_rate, &[("rate", &rate_text), ("init", &init)]);
    }
    if (n as f64) < enough {
        let larger = if rate < 0.5 { words.larger_rate } else { "" };
        let values: [(&str, &dyn Display); 4] =
            [("rate", &rate_text), ("enough", &enough), ("larger", &larger), ("init", &init)];
        return filled(words.few_iterations, &values);
    }
    filled(words.another_rate, &[("init", &init)])
}

/// Whether the gradients are mostly rounding. The incremental mode subtracts no nearly equal losses.
fn drowns(summary: &Summary) -> bool {
    let TrainingSettings { gradient, forward, step, .. } = summary.settings.training;
    gradient == GradientMethod::Numerical && forward == Forward::Full && step < 1e-11
}

/// To one digit: 0.01 of 0.1.
fn tenth_of(x: f64) -> f64 {
    format!("{:.0e}", x / 10.0).parse().unwrap_or(x / 10.0)
}

/// The next number with one digit before its zeros: 400 for 333.3.
fn round_up(x: f64) -> f64 {
    let power = power_of_ten(power_below(x));
    (x / power).ceil() * power
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten tenths whose means go straight from one loss to another, each this far to be trusted.
    fn tenths(from: f64, to: f64, standard_error: f64) -> Vec<MeanLoss> {
        let mean = |i: usize| from + (to - from) * i as f64 / 9.0;
        (0..10).map(|i| MeanLoss { mean: mean(i), standard_error: Some(standard_error) }).collect()
    }

    #[test]
    fn a_run_is_judged_by_its_first_lowest_and_last_losses_and_its_accuracy() {
        let found = |from, to, error, accuracy| finding(&tenths(from, to, error), 10, Some(accuracy));
        // As measured with MNIST: the article's run, with learning rate 1, with 100, and with large initial weights.
        assert_eq!(found(2.287, 2.285, 0.001, 0.1135), Some(Finding::AtChance { end: 2.285 }));
        assert_eq!(found(2.346, 0.677, 0.01, 0.79), None);
        assert_eq!(found(14.26, 14.93, 0.2, 0.098), Some(Finding::AboveChance { end: 14.93, falls: false }));
        assert_eq!(found(9.85, 5.75, 0.1, 0.101), Some(Finding::AboveChance { end: 5.75, falls: true }));
        // On its way: the accuracy rises first.
        assert_eq!(found(2.345, 2.255, 0.005, 0.167), None);
        // What rises, and what may be noise.
        assert_eq!(found(0.3, 0.6, 0.02, 0.9), Some(Finding::Rises { lowest: 0.3, end: 0.6 }));
        assert_eq!(found(0.3, 0.6, 0.1, 0.9), None);
        assert_eq!(found(2.2, 2.4, 0.1, 0.3), None);
        // It fell before it rose.
        let mut falls_and_rises = tenths(2.3, 0.5, 0.01);
        falls_and_rises[9].mean = 1.2;
        let lowest = falls_and_rises[8].mean;
        assert_eq!(finding(&falls_and_rises, 10, Some(0.6)), Some(Finding::Rises { lowest, end: 1.2 }));
    }

    #[test]
    fn of_a_handful_of_iterations_only_what_is_plain_is_told() {
        let found = |losses: &[f64]| {
            let tenths: Vec<_> = losses.iter().map(|&mean| MeanLoss { mean, standard_error: None }).collect();
            finding(&tenths, 10, None)
        };
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[2.29]), Some(Finding::AtChance { end: 2.29 }));
        assert_eq!(found(&[1.0, 2.0]), None);
        assert_eq!(found(&[2.3, 2.4]), Some(Finding::AtChance { end: 2.4 }));
        assert_eq!(found(&[13.9, 14.2]), Some(Finding::AboveChance { end: 14.2, falls: false }));
    }

    #[test]
    fn advised_numbers_have_one_digit() {
        assert_eq!([0.1, 0.7, 3.0].map(tenth_of), [0.01, 0.07, 0.3]);
        assert_eq!(
            [0.1, 0.3, 1.0, 1e-3].map(|rate| round_up(ENOUGH_UPDATES / rate)),
            [1000.0, 400.0, 100.0, 100_000.0]
        );
    }
}
