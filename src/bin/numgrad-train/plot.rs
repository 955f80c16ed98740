//! The loss curve as a picture, drawn from the log.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use numgrad::report::chart::{Axis, Chart, Level, Numbers, Series, Size, Stroke, Thinner};

use crate::csv_log;
use crate::whole_file::write_whole;

/// Points are taken from the log in so many stretches at most, more than a picture shows.
const MAX_STRETCHES: usize = 1500;

/// Draws `log`, of a run of `n_iterations`, into the SVG file `path`.
pub fn draw(log: &Path, path: &Path, n_iterations: u64, title: &str, n_classes: usize) -> Result<()> {
    let mut thinner = Thinner::new(MAX_STRETCHES, 1.0, n_iterations as f64);
    for record in csv_log::read(log)? {
        let record = record?;
        thinner.push((record.iteration as f64, record.loss));
    }
    let chance = (n_classes as f64).ln();
    let chart = Chart {
        title: title.to_owned(),
        shows_title: true,
        x: Axis::linear("iteration", Numbers::Whole),
        y: Axis::linear("loss (mean cross-entropy of the batch)", Numbers::Decimal),
        series: vec![Series { name: String::new(), points: thinner.finish(), colour: 0, stroke: Stroke::Bold }],
        levels: vec![Level { y: chance, label: format!("chance: ln {n_classes} = {chance:.4}") }],
    };
    write_whole(path, |file| Ok(file.write_all(chart.svg(Size::WIDE).as_bytes())?))
}
