//! Jacobians, column by column.

use ndarray::{Array2, ArrayRef2, ArrayViewMut1, Axis};

use super::call::Call;
use super::coordinates::Coordinates;
use super::differentiator::Differentiator;
use super::error::TryError;
use super::probe::{FunctionCrew, Probe};
use super::worker::Base;

impl Differentiator {
    /// A Jacobian with as many rows as the function has values.
    pub(super) fn jacobian_by<E: Send>(&self, call: &Call, crew: FunctionCrew<E>) -> Result<Array2<f64>, TryError<E>> {
        let n = crew.own.n_coordinates();
        // A column that is not moved at all is empty; where all are, f(x) tells how many values there are.
        let scheme = self.own_scheme(n);
        let is_pinned = |i| matches!(scheme.limits(i), (lower, upper) if lower == upper);
        let base = if (0..n).all(is_pinned) { Base::Wanted } else { Base::IfNeeded };
        let mut columns = vec![Vec::new(); n];
        let store = |column: &mut Vec<f64>, sum: &[f64]| column.extend_from_slice(sum);
        let matrix = |n_values, columns: &[Vec<f64>], done: &[bool]| {
            Array2::from_shape_fn((n_values, n), |(i, j)| match &columns[j][..] {
                _ if !done[j] => f64::NAN,
                [] => 0.0,
                column => {
                    assert!(column.len() == n_values, "{} values after {n_values} at another point", column.len());
                    column[i]
                }
            })
        };
        let n_moved = |columns: &[Vec<f64>]| columns.iter().map(Vec::len).max().unwrap_or(0);
        let partial =
            |columns: &[Vec<f64>], done: &[bool]| matrix(n_moved(columns), columns, done).into_raw_vec_and_offset().0;
        let all = Coordinates::Range(0..n);
        let base = self.each(call, crew, &all, base, &mut columns, store, partial)?;
        Ok(matrix(base.map_or(n_moved(&columns), |base| base.len()), &columns, &vec![true; n]))
    }

    /// The Jacobian into `out`.
    pub(super) fn fill_jacobian<E: Send>(
        &self,
        call: &Call,
        crew: FunctionCrew<E>,
        out: &mut ArrayRef2<f64>,
    ) -> Result<(), TryError<E>> {
        let (n_rows, n) = (out.nrows(), crew.own.n_coordinates());
        assert!(out.ncols() == n, "a Jacobian of shape {:?} for {n} coordinates", out.dim());
        let mut columns: Vec<_> = out.axis_iter_mut(Axis(1)).collect();
        let store = |column: &mut ArrayViewMut1<f64>, sum: &[f64]| {
            // A coordinate that is not moved at all may have no values.
            assert!(sum.is_empty() || sum.len() == n_rows, "a Jacobian of {n_rows} rows for {} values", sum.len());
            column.iter_mut().zip(sum.iter().chain(std::iter::repeat(&0.0))).for_each(|(slot, sum)| *slot = *sum);
        };
        let partial = |columns: &[ArrayViewMut1<f64>], done: &[bool]| {
            let by_row =
                (0..n_rows).flat_map(|i| columns.iter().zip(done).map(move |(column, done)| (column, done, i)));
            by_row.map(|(column, done, i)| if *done { column[i] } else { f64::NAN }).collect()
        };
        let all = Coordinates::Range(0..n);
        self.each(call, crew, &all, Base::IfNeeded, &mut columns, store, partial).map(drop)
    }

    /// How many values the function has, as it says at x.
    pub(super) fn n_values<E: Send>(&self, call: &Call, crew: FunctionCrew<E>) -> Result<usize, TryError<E>> {
        let (none, nothing) = (Coordinates::Range(0..0), |_: &mut (), _: &[f64]| ());
        let base = self.each(call, crew, &none, Base::Wanted, &mut [], nothing, |_, _| Vec::new())?;
        Ok(base.map_or(0, |base| base.len()))
    }
}
