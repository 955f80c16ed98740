//! The part of a run's page that works out one derivative, with the run's own numbers.

use std::fmt::Display;

use super::numbers::{self, chosen, grouped};
use super::run::Run;
use super::summary::Summary;
use super::words::{Words, filled};
use crate::nn::Activation;
use crate::train::{Forward, GradientMethod, TrainingSettings, WorkedWeight};

/// An error of a derivative that is this share of it hardly changes what is shown of the weight after the update.
const HARDLY_SEEN: f64 = 1e-6;

/// Derivatives of rectifiers that differ by more than this share have a kink between the two losses.
const KINK: f64 = 1e-4;

/// One derivative, step by step.
pub(super) struct WorkedSection {
    pub lead: String,
    /// What each number is, and the number.
    pub rows: Vec<(String, String)>,
    pub end: String,
}

impl WorkedSection {
    /// None where the run did not keep the numbers, as older ones did not.
    pub fn new(Run { summary, .. }: &Run, words: &Words) -> Option<Self> {
        let worked = summary.worked_weight.as_ref()?;
        let TrainingSettings { step, learning_rate, gradient, forward, batch_size, .. } = summary.settings.training;
        let (from, to) = ends(worked, summary, words)?;
        let values: [(&str, &dyn Display); 7] = [
            ("batch", &grouped(batch_size)),
            ("array", &format!("W{}", worked.layer)),
            ("row", &worked.row),
            ("column", &worked.column),
            ("from", &from),
            ("to", &to),
            ("h", &numbers::step(step)),
        ];
        let numerical = worked.numerical(step);
        // The run's own derivative. The incremental mode subtracts no losses: where these are nearly equal, so that their
        // difference is rounding, it has the analytic derivative.
        let rounding = f64::EPSILON * worked.loss_up / step;
        let derivative = match (gradient, forward) {
            (GradientMethod::Backprop, _) => worked.analytic,
            (_, Forward::Incremental) if rounding > HARDLY_SEEN * worked.analytic.abs() => worked.analytic,
            _ => numerical,
        };
        let updated = worked.weight - learning_rate * derivative;
        // Between the two derivatives stands the truncation, of about h² beside the derivative, and where a rectifier changes
        // from one line to the other within the move much more.
        let apart = (numerical - worked.analytic).abs() - 32.0 * rounding;
        let kink = match summary.settings.activation {
            Activation::Relu if apart > KINK * worked.analytic.abs() => words.worked_kink,
            _ => "",
        };
        let how = match (gradient, forward) {
            (GradientMethod::Backprop, _) => words.worked_backprop,
            (_, Forward::Full) => words.worked_full,
            (_, Forward::Incremental) => words.worked_incremental,
        };
        let rate = chosen(learning_rate);
        let rows = [
            (words.worked_w.to_owned(), digits(worked.weight, 12)),
            (words.worked_up.to_owned(), digits(worked.loss_up, 16)),
            (words.worked_down.to_owned(), digits(worked.loss_down, 16)),
            (words.worked_difference.to_owned(), digits(worked.loss_up - worked.loss_down, 12)),
            (words.worked_numerical.to_owned(), digits(numerical, 12)),
            (words.worked_analytic.to_owned(), digits(worked.analytic, 12)),
            (filled(words.worked_update, &[("rate", &rate)]), digits(updated, 12)),
        ];
        let others = grouped(summary.n_parameters.saturating_sub(1));
        let evaluations = grouped(2 * summary.n_parameters);
        let all = filled(words.worked_all, &[("n", &others), ("evaluations", &evaluations), ("how", &how)]);
        Some(Self {
            lead: filled(words.worked_lead, &values),
            rows: rows.to_vec(),
            end: if kink.is_empty() { all } else { [kink, &all].join(words.between) },
        })
    }
}

/// What the weight leads from and to. None where the network has no such weight.
fn ends(worked: &WorkedWeight, summary: &Summary, words: &Words) -> Option<(String, String)> {
    let shape = summary.shape();
    let sizes = shape.sizes();
    let is_there = (1..sizes.len()).contains(&worked.layer)
        && worked.row < sizes[worked.layer - 1]
        && worked.column < sizes[worked.layer];
    if !is_there {
        return None;
    }
    let unit = |layer: usize, n: usize| match shape.hidden().len() {
        1 => filled(words.hidden_unit, &[("n", &n)]),
        _ => filled(words.unit_of_layer, &[("n", &n), ("layer", &layer)]),
    };
    let from = match (worked.layer, summary.dataset.image_size) {
        (1, Some((_, columns))) => {
            let (row, column) = (worked.row / columns, worked.row % columns);
            filled(words.from_pixel, &[("row", &row), ("column", &column)])
        }
        (1, None) => filled(words.from_input, &[("n", &worked.row)]),
        (layer, _) => unit(layer - 1, worked.row),
    };
    let to = if worked.layer < shape.n_layers() {
        unit(worked.layer, worked.column)
    } else {
        let name = summary.dataset.class_names.as_ref().and_then(|names| names.get(worked.column));
        let class = worked.column.to_string();
        let class = name.filter(|name| **name != class).map_or(class.clone(), |name| format!("{class} {name}"));
        filled(words.to_class, &[("class", &class)])
    };
    Some((from, to))
}

/// A number in this many digits that count, with a power of ten where it is small: -1.23456789012e-5.
fn digits(x: f64, n: usize) -> String {
    let scientific = format!("{x:.*e}", n - 1);
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    match power {
        _ if x == 0.0 => "0".to_owned(),
        -3..=6 => format!("{x:.*}", (n as i32 - 1 - power).max(0) as usize),
        _ => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_are_asked_for() {
        let shown = [2.345678901234567, -0.012345678901234, 1.5e-5, 0.0].map(|x| digits(x, 12));
        assert_eq!(shown, ["2.34567890123", "-0.0123456789012", "1.50000000000e-5", "0"]);
    }
}
