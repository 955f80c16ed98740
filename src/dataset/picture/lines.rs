//! The lines of ruled paper, told from strokes: they run straight from border to border and are thin.

use std::ops::Range;

use ndarray::{Array2, ArrayViewMut2, s};

/// A line rises or falls by at most this much of the way that it goes.
const MAX_SLOPE: f64 = 0.2;
/// A line is drawn on at least this much of its way.
const MIN_DRAWN: f64 = 0.9;
/// Lines are thinner than this much of the way across them.
const MAX_THICKNESS: f64 = 0.04;

/// The drawing without the lines that run from border to border, and with the strokes that cross them; `None` where there
/// are none.
pub(super) fn without_lines(drawn: &Array2<bool>) -> Option<Array2<bool>> {
    let mut left = drawn.clone();
    let n_across = remove_level_lines(left.view_mut());
    let n_down = remove_level_lines(left.view_mut().reversed_axes());
    (n_across + n_down > 0).then_some(left)
}

/// Removes the lines from the first to the last column. Returns how many there were.
fn remove_level_lines(mut drawn: ArrayViewMut2<bool>) -> usize {
    let (n_rows, n_columns) = drawn.dim();
    if n_columns < 2 {
        return 0;
    }
    // A line down along the border hides where the others begin.
    let is_hidden = |column: &usize| 2 * drawn.column(*column).iter().filter(|drawn| **drawn).count() > n_rows;
    let most_hidden = (MAX_THICKNESS * n_columns as f64) as usize;
    let first = (0..=most_hidden).find(|column| !is_hidden(column)).unwrap_or(0);
    let last = (n_columns - 1 - most_hidden..n_columns).rfind(|column| !is_hidden(column)).unwrap_or(n_columns - 1);
    let begins = middles(&drawn, first);
    let ends = middles(&drawn, last);
    let mut lines = Vec::new();
    for &begin in &begins {
        for &end in &ends {
            if (end - begin).abs() <= MAX_SLOPE * n_columns as f64 {
                lines.extend(line(&drawn, begin, end, first..last + 1));
            }
        }
    }
    for (runs, thickness) in &lines {
        for &(column, begin, end) in runs {
            // What is much thicker is a stroke that crosses the line.
            if end - begin <= 2 * thickness + 1 {
                drawn.slice_mut(s![begin..end.min(n_rows), column]).fill(false);
            }
        }
    }
    lines.len()
}

/// Where a column is drawn: first row and the one behind the last.
fn runs(drawn: &ArrayViewMut2<bool>, column: usize) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for row in (0..drawn.nrows()).filter(|&row| drawn[[row, column]]) {
        match runs.last_mut() {
            Some((_, end)) if *end == row => *end += 1,
            _ => runs.push((row, row + 1)),
        }
    }
    runs
}

/// The middles of what a column has that is as thin as a line.
fn middles(drawn: &ArrayViewMut2<bool>, column: usize) -> Vec<f64> {
    let most = (MAX_THICKNESS * drawn.nrows() as f64).max(1.0);
    let is_thin = |&(begin, end): &(usize, usize)| (end - begin) as f64 <= most;
    let runs = runs(drawn, column).into_iter().filter(is_thin);
    runs.map(|(begin, end)| (begin + end - 1) as f64 / 2.0).collect()
}

/// For each column on the way from one row to another what is drawn there, and how thick that is in the middle, if there is
/// a line. `seen` are the columns in the first and last of which the rows were seen.
type Line = (Vec<(usize, usize, usize)>, usize);

fn line(drawn: &ArrayViewMut2<bool>, begin: f64, end: f64, seen: Range<usize>) -> Option<Line> {
    let (n_rows, n_columns) = drawn.dim();
    let mut found = Vec::new();
    for column in 0..n_columns {
        let way = (column as f64 - seen.start as f64) / (seen.len() - 1).max(1) as f64;
        let row = (begin + (end - begin) * way).clamp(0.0, (n_rows - 1) as f64);
        let row = row.round() as usize;
        // Paper is not quite flat, and lenses bend what is straight.
        let slack = 1 + n_rows / 150;
        let near = (0..=slack).flat_map(|away| [row.saturating_sub(away), (row + away).min(n_rows - 1)]);
        let Some(row) = near.into_iter().find(|&row| drawn[[row, column]]) else { continue };
        let first = (0..row).rev().take_while(|&row| drawn[[row, column]]).last().unwrap_or(row);
        let end = (row..n_rows).take_while(|&row| drawn[[row, column]]).last().unwrap_or(row) + 1;
        found.push((column, first, end));
    }
    if (found.len() as f64) < MIN_DRAWN * n_columns as f64 {
        return None;
    }
    let mut lengths: Vec<usize> = found.iter().map(|(_, begin, end)| end - begin).collect();
    let middle = lengths.len() / 2;
    let thickness = *lengths.select_nth_unstable(middle).1;
    (thickness as f64 <= (MAX_THICKNESS * n_rows as f64).max(1.0)).then_some((found, thickness))
}
