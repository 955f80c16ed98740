//! A chart in words, for those who do not see it.

use super::super::axis::Axis;
use super::super::chart::{Chart, Series};
use super::super::words::{Words, filled};

/// What the picture shows, in words: from where to where each axis goes, and each curve.
pub(super) fn description(chart: &Chart, words: &Words) -> String {
    let finite = |series: &Series| -> Vec<(f64, f64)> {
        let is_placed = |&(x, y): &(f64, f64)| chart.x.place(x).is_some() && chart.y.place(y).is_some();
        series.points.iter().copied().filter(is_placed).collect()
    };
    let curves: Vec<(&Series, Vec<(f64, f64)>)> = chart.series.iter().map(|series| (series, finite(series))).collect();
    let range = |axis: &Axis, numbers: &mut dyn Iterator<Item = f64>| {
        let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        if low <= high {
            let (low, high) = (axis.in_words(low), axis.in_words(high));
            filled(words.axis_range, &[("axis", &axis.label), ("low", &low), ("high", &high)])
        } else {
            filled(words.axis_without_points, &[("axis", &axis.label)])
        }
    };
    let x = range(&chart.x, &mut curves.iter().flat_map(|(_, points)| points).map(|point| point.0));
    let y = range(&chart.y, &mut curves.iter().flat_map(|(_, points)| points).map(|point| point.1));
    let mut text = filled(words.line_chart, &[("x", &x), ("y", &y)]);
    for (series, points) in &curves {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { continue };
        if series.name.is_empty() {
            continue;
        }
        let (first, last) = (chart.y.in_words(first.1), chart.y.in_words(last.1));
        text += &filled(words.curve_ends, &[("name", &series.name), ("first", &first), ("last", &last)]);
    }
    for level in &chart.levels {
        text += &filled(words.level_named, &[("name", &level.label)]);
    }
    text
}
