//! The connected parts of what is drawn.

use std::ops::Range;

use ndarray::{Array2, ArrayRef2, Zip};

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
    let mut numbers = Array2::zeros(drawn.raw_dim());
    let mut parts = Vec::new();
    let mut to_visit = Vec::new();
    for (place, _) in drawn.indexed_iter().filter(|(_, drawn)| **drawn) {
        if numbers[place] != 0 {
            continue;
        }
        let number = parts.len() + 1;
        numbers[place] = number;
        to_visit.push(place);
        let mut part = Part { n_pixels: 0, rows: place.0..place.0 + 1, columns: place.1..place.1 + 1 };
        while let Some((row, column)) = to_visit.pop() {
            part = part.with(&Part { n_pixels: 1, rows: row..row + 1, columns: column..column + 1 });
            for row in row.saturating_sub(1)..(row + 2).min(n_rows) {
                for column in column.saturating_sub(1)..(column + 2).min(n_columns) {
                    if drawn[[row, column]] && numbers[[row, column]] == 0 {
                        numbers[[row, column]] = number;
                        to_visit.push((row, column));
                    }
                }
            }
        }
        parts.push(part);
    }
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
    let mut sums = Array2::<usize>::zeros((n_rows + 1, n_columns + 1));
    for ((row, column), &drawn) in drawn.indexed_iter() {
        sums[[row + 1, column + 1]] =
            usize::from(drawn) + sums[[row, column + 1]] + sums[[row + 1, column]] - sums[[row, column]];
    }
    let mut widened = Array2::from_elem(drawn.raw_dim(), false);
    Zip::indexed(&mut widened).for_each(|(row, column), widened| {
        let (top, bottom) = (row.saturating_sub(radius), (row + radius + 1).min(n_rows));
        let (left, right) = (column.saturating_sub(radius), (column + radius + 1).min(n_columns));
        let n_drawn = sums[[bottom, right]] + sums[[top, left]] - sums[[top, right]] - sums[[bottom, left]];
        *widened = n_drawn > 0;
    });
    widened
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
