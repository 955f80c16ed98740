//! How curves differ from each other: colours, widths and dashes.

use super::super::chart::{Series, Stroke};
use super::super::colours::{self, Rgb};

/// The lengths of dashes and of the gaps between them, in pixels: none for a curve that has its colour for itself, and
/// different ones for each that shares it with others. Only the 33rd curve looks like the first.
const DASHES: [&str; 4] = ["", "7 4", "2 3", "8 3 2 3"];

/// How a curve is drawn: in the chart, in its legend, and beside its name in a table.
pub(in crate::report) struct Look {
    /// The class by which style rules find the curve.
    pub class: String,
    pub colour: Rgb,
    /// The width of the line in pixels.
    pub width: u32,
    /// The lengths of dashes and of the gaps between them; empty for an unbroken line.
    pub dashes: &'static str,
    pub is_pale: bool,
}

impl Look {
    pub(super) fn of(series: &Series) -> Self {
        Self::new(series.colour, series.stroke)
    }

    /// The look of a level.
    pub(super) fn of_level() -> Self {
        Self { class: "level".to_owned(), colour: colours::WARM.light, width: 1, dashes: "", is_pale: false }
    }

    /// The look of the curve of this number.
    pub fn new(curve: usize, stroke: Stroke) -> Self {
        let n = colours::CURVES.len();
        let (class, colour) = match stroke {
            Stroke::Guide => ("guide".to_owned(), colours::MUTED.light),
            _ => (format!("curve-{}", curve % n), colours::CURVES[curve % n].light),
        };
        let (width, is_dashed) = match stroke {
            Stroke::Thin | Stroke::Guide => (1, false),
            Stroke::Bold | Stroke::Marked => (2, true),
            Stroke::Wide(width) => (width, true),
        };
        let dashes = if is_dashed { DASHES[curve / n % DASHES.len()] } else { "" };
        Self { class, colour, width, dashes, is_pale: stroke == Stroke::Thin }
    }
}
