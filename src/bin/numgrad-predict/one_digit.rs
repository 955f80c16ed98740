//! One digit: the picture, the probabilities, the answer.

use std::fmt::Write;
use std::path::Path;

use ndarray::{Array2, ArrayView1};
use numgrad::dataset::{Doubt, Name};
use numgrad::nn::argmax;
use numgrad::report::numbers::{grouped, percent};

use crate::drawing::{self, Medium, WIDTH};
use crate::model::Model;

/// Networks of more classes show the most probable ones.
const MAX_BARS: usize = 16;
const SHOWN_OF_MANY: usize = 10;
const BAR_WIDTH: usize = 40;

/// A digit and the network's answer to it.
pub struct OneDigit<'a> {
    pub model: &'a Model,
    pub origin: Origin<'a>,
    /// The picture as the network sees it, 0 to 1.
    pub picture: Array2<f64>,
    pub probabilities: Vec<f64>,
}

/// Where a digit is from.
pub enum Origin<'a> {
    TestSet { dataset: Name, index: usize, n_samples: usize, label: usize },
    Image { path: &'a Path, doubts: &'a [Doubt] },
}

impl OneDigit<'_> {
    /// The most probable class.
    pub fn class(&self) -> usize {
        argmax(&ArrayView1::from(&self.probabilities))
    }

    pub fn label(&self) -> Option<usize> {
        match &self.origin {
            Origin::TestSet { label, .. } => Some(*label),
            Origin::Image { .. } => None,
        }
    }

    pub fn text(&self, medium: Medium) -> String {
        let mut text = String::new();
        // A String takes whatever is written.
        let _ = self.write(&mut text, medium);
        text
    }

    fn write(&self, out: &mut impl Write, medium: Medium) -> std::fmt::Result {
        writeln!(out, "Model:      {}", self.model)?;
        match &self.origin {
            Origin::TestSet { dataset, index, n_samples, .. } => {
                writeln!(
                    out,
                    "Digit:      {index} of {dataset}'s {} test samples, counted from 0\n",
                    grouped(n_samples)
                )?;
            }
            Origin::Image { path, .. } => {
                let (n_rows, n_columns) = self.picture.dim();
                writeln!(out, "Picture:    {}", path.display())?;
                writeln!(out, "            as the network sees it: {n_rows} × {n_columns}, scaled and centred\n")?;
            }
        }
        for line in drawing::lines(&drawing::fitted(self.picture.view(), WIDTH), medium) {
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(out)?;
        self.write_bars(out, medium)?;
        let class = self.class();
        writeln!(out, "\nPrediction: {} ({})", self.model.called(class), percent(self.probabilities[class], 1))?;
        match self.label() {
            Some(label) if label == class => writeln!(out, "Label:      {}, so it is right", self.model.called(label)),
            Some(label) => writeln!(out, "Label:      {}, so it is wrong", self.model.called(label)),
            None => Ok(()),
        }
    }

    fn write_bars(&self, out: &mut impl Write, medium: Medium) -> std::fmt::Result {
        let n_classes = self.probabilities.len();
        let mut shown: Vec<usize> = (0..n_classes).collect();
        if n_classes > MAX_BARS {
            shown.sort_by(|&a, &b| self.probabilities[b].total_cmp(&self.probabilities[a]));
            let rank_of_label = self.label().and_then(|label| shown.iter().position(|&class| class == label));
            let label_behind = rank_of_label.filter(|&rank| rank >= SHOWN_OF_MANY).map(|rank| shown[rank]);
            shown.truncate(SHOWN_OF_MANY);
            shown.extend(label_behind);
        }
        let width = (n_classes - 1).to_string().len().max(3);
        for &class in &shown {
            let probability = self.probabilities[class];
            let bar = drawing::bar(probability, BAR_WIDTH, medium);
            let mark = if self.label() == Some(class) { "  label" } else { "" };
            writeln!(out, "{class:>width$}  {bar} {:>6}{mark}", percent(probability, 1))?;
        }
        if shown.len() < n_classes {
            let rest: f64 = 1.0 - shown.iter().map(|&class| self.probabilities[class]).sum::<f64>();
            let n_others = n_classes - shown.len();
            writeln!(out, "The other {n_others} classes together: {}", percent(rest.max(0.0), 1))?;
        }
        Ok(())
    }
}
