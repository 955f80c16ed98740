//! What of the curves lies within the frame of a chart.

use super::super::axis::{Numbers, Scale};
use super::super::chart::{Chart, Series, Stroke};

/// The points of a curve where they lie, without those that lie nowhere.
pub(super) fn placed(chart: &Chart, series: &Series) -> Vec<(f64, f64)> {
    series.points.iter().filter_map(|&(x, y)| Some((chart.x.place(x)?, chart.y.place(y)?))).collect()
}

/// How many times as high as the others a curve may be within the frame of all.
const FAR_ABOVE: f64 = 3.0;

/// Up to where the frame goes where a curve lies far above the others, as a place: curves of numbers above 0 that are compared
/// are not flattened by one that has diverged. None where all curves are within it.
pub(super) fn ceiling(chart: &Chart, placed: &[Vec<(f64, f64)>]) -> Option<f64> {
    if chart.y.scale != Scale::Linear || chart.y.numbers != Numbers::Decimal {
        return None;
    }
    // A run has a pale curve and a strong one, in one colour.
    let mut groups: Vec<(usize, f64)> = Vec::new();
    for (series, points) in chart.series.iter().zip(placed).filter(|(_, points)| !points.is_empty()) {
        let high = if series.stroke == Stroke::Thin { nearly_highest(points) } else { highest(points) };
        match groups.iter_mut().find(|(colour, _)| *colour == series.colour) {
            Some((_, highest)) => *highest = highest.max(high),
            None => groups.push((series.colour, high)),
        }
    }
    if groups.len() < 2 || placed.iter().flatten().any(|point| point.1 < 0.0) {
        return None;
    }
    let mut highs: Vec<f64> =
        groups.into_iter().map(|(_, high)| high).chain(chart.levels.iter().map(|level| level.y)).collect();
    highs.sort_by(f64::total_cmp);
    let first_beyond = highs.windows(2).position(|pair| pair[1] > FAR_ABOVE * pair[0])?;
    Some(1.1 * highs[first_beyond]).filter(|ceiling| *ceiling > 0.0)
}

pub(super) fn highest(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max)
}

/// What all but one in a hundred are not above.
fn nearly_highest(points: &[(f64, f64)]) -> f64 {
    let mut ys: Vec<f64> = points.iter().map(|point| point.1).collect();
    ys.sort_by(f64::total_cmp);
    ys[(ys.len() - 1) * 99 / 100]
}

/// The parts of a curve that are not above `top`, each up to where it crosses it.
pub(super) fn below(curve: &[(f64, f64)], top: f64) -> Vec<Vec<(f64, f64)>> {
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    let mut last: Option<(f64, f64)> = None;
    for &(x, y) in curve {
        if let Some((last_x, last_y)) = last.filter(|last| (last.1 > top) != (y > top)) {
            line.push((last_x + (top - last_y) / (y - last_y) * (x - last_x), top));
        }
        if y > top {
            lines.extend(Some(std::mem::take(&mut line)).filter(|line| !line.is_empty()));
        } else {
            line.push((x, y));
        }
        last = Some((x, y));
    }
    lines.extend(Some(line).filter(|line| !line.is_empty()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_the_frame_is_cut_where_it_crosses_it() {
        let curve = [(0.0, 0.0), (1.0, 4.0), (2.0, 4.0), (3.0, 0.0), (4.0, 1.0)];
        assert_eq!(below(&curve, 2.0), [vec![(0.0, 0.0), (0.5, 2.0)], vec![(2.5, 2.0), (3.0, 0.0), (4.0, 1.0)]]);
        assert_eq!(below(&curve, 5.0), [curve.to_vec()]);
        assert_eq!(below(&curve[1..3], 2.0), [[(0.0, 0.0); 0]; 0]);
    }
}
