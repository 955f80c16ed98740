//! The whole test set: how many are right, what is taken for what, and the worst mistakes.

use std::cmp::Reverse;
use std::fmt::Write;

use ndarray::{Array2, Array3, ArrayRef1, ArrayRef2, ArrayRef3, Axis, Slice, s};
use numgrad::cli::data::named_classes;
use numgrad::dataset::{Name, Samples};
use numgrad::report::numbers::{grouped, percent};
use numgrad::train::Evaluation;

use crate::drawing::{self, Medium, WIDTH};
use crate::model::Model;

/// Columns between two mistakes.
const GAP: usize = 4;
/// Columns for "taken for 255 (100.0%)".
const CAPTION_WIDTH: usize = 22;
const LABEL_WIDTH: usize = 5;
const PERCENT_WIDTH: usize = 9;
/// Where there are many classes, each is told with this many that it is taken for.
const MOST_OFTEN: usize = 4;

/// A test set and the network's answers to it.
pub struct WholeSet<'a> {
    pub model: &'a Model,
    pub name: Name,
    pub samples: &'a Samples,
    pub evaluation: &'a Evaluation,
}

impl WholeSet<'_> {
    pub fn text(&self, medium: Medium, n_mistakes: usize) -> String {
        let mut text = String::new();
        // A String takes whatever is written.
        let _ = self.write(&mut text, medium, n_mistakes);
        text
    }

    fn write(&self, out: &mut impl Write, medium: Medium, n_mistakes: usize) -> std::fmt::Result {
        let predictions = self.evaluation.predictions();
        let n_correct = predictions.iter().filter(|prediction| prediction.is_correct()).count();
        let n_samples = predictions.len();
        writeln!(out, "Model:    {}", self.model)?;
        writeln!(out, "Data:     {}, {} test samples", self.name, grouped(n_samples))?;
        writeln!(out, "Accuracy: {} ({} right)\n", percent(self.evaluation.accuracy(), 2), grouped(n_correct))?;
        write_confusion(out, &self.evaluation.confusion())?;
        self.write_class_names(out)?;

        let mistakes = self.evaluation.worst_mistakes(n_mistakes);
        if !mistakes.is_empty() {
            let n_wrong = grouped(n_samples - n_correct);
            writeln!(out, "\nThe worst {} of {n_wrong} mistakes, by the label's probability", mistakes.len())?;
            self.write_mistakes(out, medium, &mistakes)?;
        }
        Ok(())
    }

    /// Which class is which, if they have names.
    fn write_class_names(&self, out: &mut impl Write) -> std::fmt::Result {
        let names = self.model.class_names.as_deref().map(named_classes).unwrap_or_default();
        let mut line = "The classes:".to_owned();
        for name in names.split(", ").filter(|name| !name.is_empty()) {
            if line.chars().count() + name.chars().count() + 2 > WIDTH {
                writeln!(out, "{line}")?;
                line.clear();
            } else {
                line.push(' ');
            }
            line += name;
            line.push(',');
        }
        if names.is_empty() { Ok(()) } else { writeln!(out, "{}", line.trim_end_matches(',')) }
    }

    /// Side by side, as many as fit, without what is empty around all of them.
    fn write_mistakes(&self, out: &mut impl Write, medium: Medium, mistakes: &[usize]) -> std::fmt::Result {
        let pictures = pictures(self.samples, mistakes);
        let (rows, columns) = (extent(&pictures, Axis(1)), extent(&pictures, Axis(2)));
        let pictures = pictures.slice(s![.., rows, columns]);
        let pictures: Vec<_> = pictures.outer_iter().map(|picture| drawing::fitted(picture, WIDTH)).collect();
        let picture_width = pictures[0].ncols();
        let width = picture_width.max(CAPTION_WIDTH);
        let per_line = ((WIDTH + GAP) / (width + GAP)).max(1);
        for (mistakes, pictures) in mistakes.chunks(per_line).zip(pictures.chunks(per_line)) {
            let blanks = " ".repeat(width + GAP - picture_width);
            let lines: Vec<_> = pictures.iter().map(|picture| drawing::lines(picture, medium)).collect();
            writeln!(out)?;
            for line in 0..lines[0].len() {
                let parts: Vec<_> = lines.iter().map(|lines| lines[line].as_str()).collect();
                writeln!(out, "{}", parts.join(&blanks).trim_end())?;
            }
            let answers = mistakes.iter().map(|&sample| self.evaluation.predictions()[sample]);
            let labels = answers.clone().zip(mistakes).map(|(answer, sample)| {
                format!("#{sample}: a {} ({})", answer.label, percent(answer.label_probability, 1))
            });
            let classes =
                answers.map(|answer| format!("taken for {} ({})", answer.class, percent(answer.probability, 1)));
            write_side_by_side(out, labels, width)?;
            write_side_by_side(out, classes, width)?;
        }
        Ok(())
    }
}

/// The pictures of some samples as the network sees them, 0 to 1: (samples, rows, columns).
pub fn pictures(samples: &Samples, indices: &[usize]) -> Array3<f64> {
    let (n_rows, n_columns) = samples.image_size().expect("samples for testing are read from files of images");
    let mut inputs = Array2::zeros((indices.len(), n_rows * n_columns));
    samples.gather_into(indices, &mut inputs, &mut vec![0; indices.len()]);
    inputs.into_shape_with_order((indices.len(), n_rows, n_columns)).expect("an image has rows × columns pixels")
}

/// From the first to the last row (or column) that is not empty in all pictures; everything where all are empty.
fn extent(pictures: &ArrayRef3<f64>, axis: Axis) -> Slice {
    let is_inked = |i: &usize| pictures.index_axis(axis, *i).iter().any(|&shade| shade > 0.0);
    let n = pictures.len_of(axis);
    let first = (0..n).find(is_inked).unwrap_or(0);
    let last = (0..n).rfind(is_inked).unwrap_or(n - 1);
    Slice::from(first..=last)
}

fn write_side_by_side(out: &mut impl Write, captions: impl Iterator<Item = String>, width: usize) -> std::fmt::Result {
    let line: String = captions.map(|caption| format!("{caption:<0$}", width + GAP)).collect();
    writeln!(out, "{}", line.trim_end())
}

/// A matrix where it fits, else a line for each label. Classes that do not occur are left out.
fn write_confusion(out: &mut impl Write, confusion: &ArrayRef2<usize>) -> std::fmt::Result {
    let n_classes = confusion.nrows();
    let occurs = |&class: &usize| confusion.row(class).sum() + confusion.column(class).sum() > 0;
    let classes: Vec<usize> = (0..n_classes).filter(occurs).collect();
    let most = confusion.iter().copied().max().unwrap_or(0).max(n_classes - 1);
    let width = most.to_string().len() + 2;
    if LABEL_WIDTH + classes.len() * width + PERCENT_WIDTH <= WIDTH {
        write_matrix(out, confusion, &classes, width)?;
    } else {
        write_list(out, confusion, &classes)?;
    }
    match n_classes - classes.len() {
        0 => Ok(()),
        1 => writeln!(out, "One other class does not occur."),
        n => writeln!(out, "The other {n} classes do not occur."),
    }
}

fn write_matrix(
    out: &mut impl Write,
    confusion: &ArrayRef2<usize>,
    classes: &[usize],
    width: usize,
) -> std::fmt::Result {
    writeln!(out, "How often each label (row) was taken for each class (column)\n")?;
    let header: String = classes.iter().map(|class| format!("{class:width$}")).collect();
    writeln!(out, "{:LABEL_WIDTH$}{header}{:>PERCENT_WIDTH$}", "", "right")?;
    for &label in classes {
        let row = confusion.row(label);
        let counts = classes.iter().map(|&class| match row[class] {
            0 => format!("{:>width$}", "."),
            n => format!("{n:width$}"),
        });
        writeln!(out, "{label:LABEL_WIDTH$}{}{:>PERCENT_WIDTH$}", counts.collect::<String>(), right(&row, label))?;
    }
    Ok(())
}

fn write_list(out: &mut impl Write, confusion: &ArrayRef2<usize>, classes: &[usize]) -> std::fmt::Result {
    writeln!(out, "Each label, and what it was most often taken for instead (how often)\n")?;
    writeln!(out, "{:>LABEL_WIDTH$}  samples{:>PERCENT_WIDTH$}  taken for", "", "right")?;
    for &label in classes {
        let row = confusion.row(label);
        let mut others: Vec<usize> =
            classes.iter().copied().filter(|&class| class != label && row[class] > 0).collect();
        others.sort_by_key(|&class| Reverse(row[class]));
        let shown = others.iter().take(MOST_OFTEN).map(|&class| format!("{class} ({})", row[class]));
        let more = if others.len() > MOST_OFTEN { ", ..." } else { "" };
        let taken_for = shown.collect::<Vec<_>>().join(", ") + more;
        let line = format!("{label:LABEL_WIDTH$}{:9}{:>PERCENT_WIDTH$}  {taken_for}", row.sum(), right(&row, label));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The share of a label's samples that are right, if there are any.
fn right(row: &ArrayRef1<usize>, label: usize) -> String {
    match row.sum() {
        0 => "-".to_owned(),
        n => percent(row[label] as f64 / n as f64, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confusion_too_wide_for_a_matrix_has_a_line_for_each_label_that_fits_80_columns() {
        // Each of 256 labels is right 60,000 times, taken for the next five once to five times, and 255 never occurs.
        let confusion = Array2::from_shape_fn((256, 256), |(label, class)| match class.wrapping_sub(label) {
            _ if label == 255 || class == 255 => 0,
            0 => 60_000,
            times @ 1..=5 => times,
            _ => 0,
        });
        let mut text = String::new();
        write_confusion(&mut text, &confusion).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[3], "    0    60015   100.0%  5 (5), 4 (4), 3 (3), 2 (2), ...");
        assert_eq!(lines[3 + 254], "  254    60000   100.0%");
        assert_eq!(lines.last(), Some(&"One other class does not occur."));
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
    }
}
