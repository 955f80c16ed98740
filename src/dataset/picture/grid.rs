//! What is done with the shades of a picture as a whole: made smaller, smoothed, and freed of what is narrow.

use ndarray::{Array2, ArrayRef2, Axis, s};

/// Means over squares of `factor` × `factor` pixels; those at the end may be smaller.
pub(super) fn reduced(shades: &ArrayRef2<f64>, factor: usize) -> Array2<f64> {
    let (n_rows, n_columns) = shades.dim();
    Array2::from_shape_fn((n_rows.div_ceil(factor), n_columns.div_ceil(factor)), |(row, column)| {
        let (row, column) = (row * factor, column * factor);
        let square = shades.slice(s![row..(row + factor).min(n_rows), column..(column + factor).min(n_columns)]);
        square.sum() / square.len() as f64
    })
}

/// Means over squares that reach `radius` pixels from the one in their middle, or to the edge.
pub(super) fn smoothed(shades: &ArrayRef2<f64>, radius: usize) -> Array2<f64> {
    along_both(shades, |line, out| {
        for (i, out) in out.iter_mut().enumerate() {
            let window = &line[i.saturating_sub(radius)..(i + radius + 1).min(line.len())];
            *out = window.iter().sum::<f64>() / window.len() as f64;
        }
    })
}

/// The shades without what is dark and, in one direction at least, narrower than a square that reaches `radius` pixels from
/// the one in its middle: a morphological closing. Slopes and edges of what is wider stay as they are.
pub(super) fn without_narrow_dark(shades: &ArrayRef2<f64>, radius: usize) -> Array2<f64> {
    let lightest = along_both(shades, |line, out| extremes(line, out, radius, f64::max));
    along_both(&lightest, |line, out| extremes(line, out, radius, f64::min))
}

/// Does to all rows, and then to all columns of what comes of it, what makes a line out of a line.
fn along_both(shades: &ArrayRef2<f64>, mut change: impl FnMut(&[f64], &mut [f64])) -> Array2<f64> {
    let mut changed = shades.to_owned();
    for axis in [Axis(1), Axis(0)] {
        let (mut line, mut out) = (Vec::new(), vec![0.0; shades.len_of(axis)]);
        for mut lane in changed.lanes_mut(axis) {
            line.clear();
            line.extend(lane.iter());
            change(&line, &mut out);
            lane.iter_mut().zip(&out).for_each(|(shade, &changed)| *shade = changed);
        }
    }
    changed
}

/// For each place in a line the extreme of what is at most `radius` away, in time that does not depend on it: the extremes
/// from the beginning and from the end of blocks as long as the window tell it.
///
/// Source: van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels" (1992).
fn extremes(line: &[f64], out: &mut [f64], radius: usize, extreme: fn(f64, f64) -> f64) {
    let (n, width) = (line.len(), 2 * radius + 1);
    let mut from_begin = line.to_vec();
    let mut from_end = line.to_vec();
    for i in 1..n {
        if i % width != 0 {
            from_begin[i] = extreme(from_begin[i - 1], line[i]);
        }
        let j = n - 1 - i;
        if (j + 1) % width != 0 {
            from_end[j] = extreme(from_end[j + 1], line[j]);
        }
    }
    for (i, out) in out.iter_mut().enumerate() {
        let (first, last) = (i.saturating_sub(radius), (i + radius).min(n - 1));
        *out = match first / width == last / width {
            // Within one block that the line, not the window, cuts off.
            true if first % width == 0 => from_begin[last],
            true if last + 1 == n || (last + 1) % width == 0 => from_end[first],
            _ => extreme(from_end[first], from_begin[last]),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn extremes_are_those_of_every_window(
            line in proptest::collection::vec(0.0..1.0_f64, 1..40), radius in 0..50_usize
        ) {
            let mut found = vec![0.0; line.len()];
            extremes(&line, &mut found, radius, f64::max);
            for (i, &found) in found.iter().enumerate() {
                let window = &line[i.saturating_sub(radius)..(i + radius + 1).min(line.len())];
                prop_assert_eq!(found, window.iter().copied().fold(0.0, f64::max));
            }
        }
    }

    #[test]
    fn what_is_narrow_and_dark_goes_and_a_slope_and_an_edge_stay() {
        let slope = Array2::from_shape_fn((9, 9), |(i, j)| 0.5 + 0.02 * (i as f64 - j as f64));
        let found = without_narrow_dark(&slope, 1);
        assert!((&found - &slope).iter().all(|difference| difference.abs() < 0.05), "{found}");
        let mut drawn = slope.clone();
        drawn.column_mut(4).fill(0.0);
        let found = without_narrow_dark(&drawn, 1);
        assert!((&found - &slope).iter().all(|difference| difference.abs() < 0.05), "{found}");
        let edge = Array2::from_shape_fn((9, 9), |(_, j)| if j < 4 { 0.2 } else { 0.9 });
        assert_eq!(without_narrow_dark(&edge, 1), edge);
    }

    #[test]
    fn squares_at_the_end_may_be_smaller() {
        let shades = array![[0.0, 1.0, 0.5], [1.0, 0.0, 0.5], [0.25, 0.75, 1.0]];
        assert_eq!(reduced(&shades, 2), array![[0.5, 0.5], [0.5, 1.0]]);
        assert_eq!(smoothed(&shades, 0), shades);
        assert_eq!(smoothed(&array![[0.0, 3.0, 6.0]], 1), array![[1.5, 3.0, 4.5]]);
    }
}
