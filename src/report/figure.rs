//! A chart as a page shows it.

use serde_json::{Value, json};

use super::axis::{Numbers, Scale};
use super::chart::{Chart, Series, Size, Stroke};
use super::drawing::Look;
use super::numbers::significant;
use super::thinner::Thinner;
use super::words::{Words, filled};

/// A curve's points are handed to the script in no more stretches than this, which is about what a picture shows.
const MAX_STRETCHES: usize = 900;

/// A chart in two sizes, of which a page shows the one that suits the screen, with the text below it and the numbers that a
/// script shows.
pub(super) struct Figure {
    pub wide: String,
    pub narrow: String,
    /// The text below the chart; empty where there is none.
    pub caption: String,
    /// The curves as JSON that may stand within an HTML page.
    pub data: String,
}

impl Figure {
    /// A figure of a chart below a heading that already says what the chart's title says. `file` is what it is called where it
    /// is saved.
    pub fn new(chart: &Chart, file: &str, caption: String, words: &Words) -> Self {
        let beyond = chart.beyond();
        let beyond =
            beyond.iter().map(|(name, value)| filled(words.beyond, &[("name", name), ("value", &significant(*value))]));
        let texts: Vec<String> = [caption].into_iter().chain(beyond).filter(|text| !text.is_empty()).collect();
        Self {
            wide: chart.element(Size::WIDE, words),
            narrow: chart.element(Size::NARROW, words),
            caption: texts.join(words.between),
            data: data(chart, file, words).to_string().replace('<', "\\u003c"),
        }
    }
}

fn data(chart: &Chart, file: &str, words: &Words) -> Value {
    json!({
        "file": file,
        // Without what stands in brackets.
        "x": {
            "short": chart.x.label.split(['(', '\u{ff08}']).next().map(str::trim),
            "log": chart.x.scale == Scale::Logarithmic,
            "whole": chart.x.numbers == Numbers::Whole,
        },
        "y": { "log": chart.y.scale == Scale::Logarithmic, "percent": chart.y.numbers == Numbers::Percent },
        "curves": chart.series.iter().map(|series| curve(chart, series)).collect::<Vec<_>>(),
        "levels": chart.levels.iter().map(|level| level.y).collect::<Vec<_>>(),
        "words": {
            "each": words.each_batch,
            "logarithmic": words.logarithmic,
            "svg": words.save_svg,
            "png": words.save_png,
            "off": words.switch_off,
        },
    })
}

fn curve(chart: &Chart, series: &Series) -> Value {
    let placed = |&(x, y): &(f64, f64)| Some(((chart.x.place(x)?, chart.y.place(y)?), (x, y)));
    let points: Vec<_> = series.points.iter().filter_map(placed).collect();
    let kept = match (points.first(), points.last()) {
        (Some(first), Some(last)) if points.len() > 2 * MAX_STRETCHES => {
            let mut thinner = Thinner::new(MAX_STRETCHES, first.0.0, last.0.0);
            points.iter().for_each(|&(place, point)| thinner.push(place, point));
            thinner.finish()
        }
        _ => points.into_iter().map(|(_, point)| point).collect(),
    };
    let short = |x: f64| format!("{x:.5e}").parse::<f64>().unwrap_or(x);
    json!({
        "name": series.name,
        "group": series.colour,
        "pale": series.stroke == Stroke::Thin,
        "look": Look::new(series.colour, series.stroke).class,
        "x": kept.iter().map(|(x, _)| if x.fract() == 0.0 { *x } else { short(*x) }).collect::<Vec<_>>(),
        "y": kept.iter().map(|(_, y)| short(*y)).collect::<Vec<_>>(),
    })
}
