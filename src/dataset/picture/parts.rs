//! The connected parts of what is drawn.

use std::ops::Range;

use ndarray::{Array2, ArrayRef2};

/// One connected part: pixels that share an edge or a corner.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) n_pixels: usize,
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

impl Part {
    /// Rows or columns, whichever it has more of.
    pub(super) fn longest(&self) -> usize {
        self.rows.len().max(self.columns.len())
    }

    /// The part that two would be together.
    pub(super) fn with(&self, other: &Self) -> Self {
        let both = |a: &Range<usize>, b: &Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        Self {
            n_pixels: self.n_pixels + other.n_pixels,
            rows: both(&self.rows, &other.rows),
            columns: both(&self.columns, &other.columns),
        }
    }

    /// How many rows or columns, whichever are more, lie between the boxes of two parts.
    pub(super) fn gap(&self, other: &Self) -> usize {
        let between = |a: &Range<usize>, b: &Range<usize>| a.start.max(b.start).saturating_sub(a.end.min(b.end));
        between(&self.rows, &other.rows).max(between(&self.columns, &other.columns))
    }

    pub(super) fn touches_edge_of(&self, (n_rows, n_columns): (usize, usize)) -> bool {
        self.rows.start == 0 || self.columns.start == 0 || self.rows.end == n_rows || self.columns.end == n_columns
    }
}

/// The parts of a drawing, and for each pixel the number of its part, counted from 1; 0 where there is nothing.
pub(super) fn parts(drawn: &ArrayRef2<bool>) -> (Vec<Part>, Array2<usize>) {
    let (n_rows, n_columns) = drawn.dim();
    let drawn: Vec<bool> = drawn.iter().copied().collect();
    let mut numbers = vec![0; drawn.len()];
    let mut parts = Vec::new();
    let mut to_visit = Vec::new();
    for first in 0..drawn.len() {
        if !drawn[first] || numbers[first] != 0 {
            continue;
        }
        let number = parts.len() + 1;
        numbers[first] = number;
        to_visit.push(first);
        let (mut n_pixels, mut rows, mut columns) = (0, n_rows..0, n_columns..0);
        while let Some(place) = to_visit.pop() {
            let (row, column) = (place / n_columns, place % n_columns);
            n_pixels += 1;
            rows = rows.start.min(row)..rows.end.max(row + 1);
            columns = columns.start.min(column)..columns.end.max(column + 1);
            for row in row.saturating_sub(1)..(row + 2).min(n_rows) {
                for place in row * n_columns + column.saturating_sub(1)..row * n_columns + (column + 2).min(n_columns) {
                    if drawn[place] && numbers[place] == 0 {
                        numbers[place] = number;
                        to_visit.push(place);
                    }
                }
            }
        }
        parts.push(Part { n_pixels, rows, columns });
    }
    let numbers = Array2::from_shape_vec((n_rows, n_columns), numbers).expect("a number for each pixel");
    (parts, numbers)
}

/// The side of the largest square that fits into what is drawn.
pub(super) fn thickness(drawn: &ArrayRef2<bool>) -> usize {
    // The largest square that ends at each pixel, of those that end at three of its neighbours.
    let mut largest = Array2::<usize>::zeros(drawn.raw_dim());
    for ((row, column), _) in drawn.indexed_iter().filter(|(_, drawn)| **drawn) {
        let before = match row.min(column) {
            0 => 0,
            _ => largest[[row - 1, column]].min(largest[[row, column - 1]]).min(largest[[row - 1, column - 1]]),
        };
        largest[[row, column]] = before + 1;
    }
    largest.iter().copied().max().unwrap_or(0)
}

/// What is drawn and all that is at most `radius` rows and columns away.
pub(super) fn widened(drawn: &ArrayRef2<bool>, radius: usize) -> Array2<bool> {
    let (n_rows, n_columns) = drawn.dim();
    // How many of the pixels above and to the left are drawn: any rectangle is a difference of four.
    let width = n_columns + 1;
    let mut sums = vec![0_usize; (n_rows + 1) * width];
    for (row, drawn) in drawn.rows().into_iter().enumerate() {
        let mut n_drawn = 0;
        for (column, &drawn) in drawn.iter().enumerate() {
            n_drawn += usize::from(drawn);
            let place = (row + 1) * width + column + 1;
            sums[place] = n_drawn + sums[place - width];
        }
    }
    let mut widened = Vec::with_capacity(n_rows * n_columns);
    for row in 0..n_rows {
        let (top, bottom) = (row.saturating_sub(radius) * width, (row + radius + 1).min(n_rows) * width);
        for column in 0..n_columns {
            let (left, right) = (column.saturating_sub(radius), (column + radius + 1).min(n_columns));
            widened.push(sums[bottom + right] + sums[top + left] > sums[top + right] + sums[bottom + left]);
        }
    }
    Array2::from_shape_vec((n_rows, n_columns), widened).expect("a number for each pixel")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(lines: &[&str]) -> Array2<bool> {
        Array2::from_shape_fn((lines.len(), lines[0].len()), |(row, column)| lines[row].as_bytes()[column] == b'#')
    }

    #[test]
    fn parts_hang_together_by_edges_and_corners() {
        let (parts, numbers) = parts(&drawing(&["##..#", "..#.#", ".....", "#####"]));
        assert_eq!(parts.len(), 3);
        assert_eq!((parts[0].n_pixels, parts[0].rows.clone(), parts[0].columns.clone()), (3, 0..2, 0..3));
        assert_eq!((parts[1].n_pixels, parts[2].longest()), (2, 5));
        assert_eq!((numbers[[1, 2]], numbers[[1, 4]], numbers[[3, 0]], numbers[[2, 2]]), (1, 2, 3, 0));
        assert!(parts.iter().all(|part| part.touches_edge_of((4, 5))) && parts[0].touches_edge_of((9, 9)));
    }

    #[test]
    fn the_largest_square_is_found_and_what_is_drawn_gets_wider() {
        let drawn = drawing(&[".....", ".###.", ".###.", "....."]);
        assert_eq!((thickness(&drawn), thickness(&drawing(&["...."]))), (2, 0));
        assert!(widened(&drawn, 1).iter().all(|&drawn| drawn));
        assert_eq!(widened(&drawn, 0), drawn);
    }
}
