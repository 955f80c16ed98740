//! Sparse Jacobians: columns that share no row are moved together.
//!
//! Source: Curtis, Powell and Reid, "On the estimation of sparse Jacobian matrices", J. Inst. Maths Applics 13 (1974).

use ndarray::{Array1, Array2, ArrayRef, Dimension};

use super::gradient::slice;
use super::jacobian::{in_place, returning, try_in_place, try_returning};
use super::moves::{LocalMoves, Scheme};
use super::probe::{FunctionProbe, Probe};
use super::run::chunk_len;
use super::{Differentiator, Error, NonFinite, Parallelism};

/// Where a Jacobian may be other than 0, and the groups of columns that can be moved together.
///
/// The groups are chosen greedily: each column joins the first group that has none of its rows yet. Making them costs about
/// the sum of the squares of the rows' entries.
///
/// ```
/// use numgrad::difference::SparsityPattern;
/// let tridiagonal = SparsityPattern::banded(7, 6, 1, 1);
/// assert_eq!(tridiagonal.n_groups(), 3);
/// assert_eq!(tridiagonal.groups(), [0, 1, 2, 0, 1, 2]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparsityPattern {
    n_rows: usize,
    /// The rows of all columns, one column after the other.
    rows: Vec<usize>,
    /// Where each column begins in `rows`, and the end.
    begins: Vec<usize>,
    groups: Vec<usize>,
    n_groups: usize,
}

impl SparsityPattern {
    /// The pattern of a Jacobian of so many rows and columns with these entries `(row, column)`, in any order.
    ///
    /// # Panics
    /// If an entry is outside.
    ///
    /// ```
    /// use numgrad::difference::SparsityPattern;
    /// let arrow = SparsityPattern::new(3, 3, [(0, 0), (1, 1), (2, 2), (2, 0), (2, 1)]);
    /// assert_eq!(arrow.n_groups(), 3);
    /// assert_eq!(arrow.entries().collect::<Vec<_>>(), [(0, 0), (2, 0), (1, 1), (2, 1), (2, 2)]);
    /// ```
    pub fn new(n_rows: usize, n_columns: usize, entries: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut columns: Vec<Vec<usize>> = vec![Vec::new(); n_columns];
        for (row, column) in entries {
            assert!(
                row < n_rows && column < n_columns,
                "entry ({row}, {column}) of a pattern of {n_rows} × {n_columns}"
            );
            columns[column].push(row);
        }
        let mut begins = vec![0];
        for rows in &mut columns {
            rows.sort_unstable();
            rows.dedup();
            begins.push(begins[begins.len() - 1] + rows.len());
        }
        // For each row, the groups that have it already.
        let mut taken: Vec<Vec<usize>> = vec![Vec::new(); n_rows];
        let mut n_groups = 0;
        let mut groups = Vec::with_capacity(n_columns);
        // Which column last found a group taken.
        let mut taken_for: Vec<usize> = Vec::new();
        for (column, rows) in columns.iter().enumerate() {
            for &group in rows.iter().flat_map(|&row| &taken[row]) {
                taken_for[group] = column + 1;
            }
            let group = (0..n_groups).find(|&group| taken_for[group] != column + 1).unwrap_or_else(|| {
                n_groups += 1;
                taken_for.push(0);
                n_groups - 1
            });
            rows.iter().for_each(|&row| taken[row].push(group));
            groups.push(group);
        }
        Self { n_rows, rows: columns.concat(), begins, groups, n_groups }
    }

    /// The pattern with so many diagonals below and above the main one.
    ///
    /// ```
    /// let tridiagonal = numgrad::difference::SparsityPattern::banded(30, 30, 1, 1);
    /// assert_eq!((tridiagonal.entries().count(), tridiagonal.n_groups()), (88, 3));
    /// ```
    pub fn banded(n_rows: usize, n_columns: usize, n_below: usize, n_above: usize) -> Self {
        let rows = |column: usize| {
            column.saturating_sub(n_above)..column.saturating_add(n_below).saturating_add(1).min(n_rows)
        };
        Self::new(n_rows, n_columns, (0..n_columns).flat_map(|column| rows(column).map(move |row| (row, column))))
    }

    /// The entries `(row, column)`, column by column: the order of the values of a sparse Jacobian.
    ///
    /// ```
    /// let diagonal = numgrad::difference::SparsityPattern::banded(2, 2, 0, 0);
    /// assert_eq!(diagonal.entries().collect::<Vec<_>>(), [(0, 0), (1, 1)]);
    /// ```
    pub fn entries(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.groups.len()).flat_map(|column| self.rows_of(column).iter().map(move |&row| (row, column)))
    }

    /// The group of each column.
    ///
    /// ```
    /// assert_eq!(numgrad::difference::SparsityPattern::banded(2, 2, 0, 0).groups(), [0, 0]);
    /// ```
    pub fn groups(&self) -> &[usize] {
        &self.groups
    }

    /// How many groups there are.
    ///
    /// ```
    /// assert_eq!(numgrad::difference::SparsityPattern::banded(9, 9, 2, 2).n_groups(), 5);
    /// ```
    pub fn n_groups(&self) -> usize {
        self.n_groups
    }

    /// The values of a sparse Jacobian as a matrix.
    ///
    /// # Panics
    /// If there is not one value for each entry.
    ///
    /// ```
    /// let diagonal = numgrad::difference::SparsityPattern::banded(2, 2, 0, 0);
    /// assert_eq!(diagonal.to_dense(&[3.0, 4.0]), ndarray::array![[3.0, 0.0], [0.0, 4.0]]);
    /// ```
    pub fn to_dense(&self, values: &[f64]) -> Array2<f64> {
        assert!(values.len() == self.rows.len(), "{} values for {} entries", values.len(), self.rows.len());
        let mut dense = Array2::zeros((self.n_rows, self.groups.len()));
        self.entries().zip(values).for_each(|(entry, value)| dense[entry] = *value);
        dense
    }

    fn rows_of(&self, column: usize) -> &[usize] {
        &self.rows[self.begins[column]..self.begins[column + 1]]
    }
}

impl Differentiator<'_> {
    /// The entries of a sparse Jacobian, in the order of [`SparsityPattern::entries`]; see
    /// [`to_dense`](SparsityPattern::to_dense).
    ///
    /// Costs a stencil for each group of columns, not for each column: `groups + 1` evaluations forward, `2·groups` central;
    /// a tridiagonal one has 3 groups. What the pattern leaves out must be 0, or it is added to other entries. The progress
    /// is of groups. [`NonFinite::Shorten`] is taken as [`NonFinite::Error`].
    ///
    /// # Errors
    /// See [`Error`]. In a [`Partial`](super::Partial) one, `done` is about groups.
    ///
    /// # Panics
    /// If the pattern has another shape than the Jacobian.
    ///
    /// ```
    /// use ndarray::{Array1, array};
    /// use numgrad::difference::{Differentiator, SparsityPattern};
    ///
    /// let squares = |x: &ndarray::ArrayRef1<f64>| x.iter().map(|x| x * x).collect::<Array1<f64>>();
    /// let diagonal = SparsityPattern::banded(3, 3, 0, 0);
    /// let values = Differentiator::default().sparse_jacobian(squares, &array![1.0, 2.0, 3.0], &diagonal)?;
    /// assert!((values[2] - 6.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn sparse_jacobian<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        pattern: &SparsityPattern,
    ) -> Result<Vec<f64>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> Array1<f64> + Sync,
    {
        let mut out = vec![0.0; pattern.rows.len()];
        self.in_groups(|| returning(&f), x, 0, pattern, &mut out).map(|()| out)
    }

    /// As [`sparse_jacobian`](Self::sparse_jacobian), for a function that can fail.
    ///
    /// # Errors
    /// [`Error::Function`] with the function's error, and the others of [`Error`]. The coordinate is the first column of the
    /// group that was moved.
    ///
    /// # Panics
    /// If the pattern has another shape than the Jacobian.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Error, SparsityPattern};
    ///
    /// let roots = |x: &ndarray::ArrayRef1<f64>| {
    ///     if x.iter().all(|x| *x > 0.0) { Ok(x.mapv(f64::sqrt)) } else { Err("not positive") }
    /// };
    /// let (central, diagonal) = (Differentiator::default(), SparsityPattern::banded(2, 2, 0, 0));
    /// assert!((central.try_sparse_jacobian(roots, &array![1.0, 4.0], &diagonal)?[1] - 0.25).abs() < 1e-9);
    /// let error = central.try_sparse_jacobian(roots, &array![1.0, 0.0], &diagonal).unwrap_err();
    /// assert!(matches!(error, Error::Function { coordinate: 0, source: "not positive", .. }));
    /// # Ok::<(), Error<&str>>(())
    /// ```
    pub fn try_sparse_jacobian<D, F, E>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        pattern: &SparsityPattern,
    ) -> Result<Vec<f64>, Error<E>>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> Result<Array1<f64>, E> + Sync,
        E: Send,
    {
        let mut out = vec![0.0; pattern.rows.len()];
        self.in_groups(|| try_returning(&f), x, 0, pattern, &mut out).map(|()| out)
    }

    /// As [`sparse_jacobian`](Self::sparse_jacobian), in place: the function writes its values, and the entries go into
    /// `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the pattern has another shape than the Jacobian, or `out` has not one slot for each entry.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, SparsityPattern};
    ///
    /// let squares = |x: &ndarray::ArrayRef1<f64>, values: &mut [f64]| {
    ///     values.iter_mut().zip(x).for_each(|(value, x)| *value = x * x);
    /// };
    /// let (diagonal, mut out) = (SparsityPattern::banded(3, 3, 0, 0), [0.0; 3]);
    /// Differentiator::default().sparse_jacobian_into(squares, &array![1.0, 2.0, 3.0], &diagonal, &mut out)?;
    /// assert!((out[2] - 6.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn sparse_jacobian_into<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        pattern: &SparsityPattern,
        out: &mut [f64],
    ) -> Result<(), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>, &mut [f64]) + Sync,
    {
        self.in_groups(|| in_place(&f), x, pattern.n_rows, pattern, out)
    }

    /// As [`sparse_jacobian_into`](Self::sparse_jacobian_into), for a function that can fail.
    ///
    /// # Errors
    /// [`Error::Function`] with the function's error, and the others of [`Error`]. The coordinate is the first column of the
    /// group that was moved.
    ///
    /// # Panics
    /// If the pattern has another shape than the Jacobian, or `out` has not one slot for each entry.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Error, SparsityPattern};
    ///
    /// let squares = |x: &ndarray::ArrayRef1<f64>, values: &mut [f64]| {
    ///     values.iter_mut().zip(x).for_each(|(value, x)| *value = x * x);
    ///     if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err("overflow") }
    /// };
    /// let (diagonal, mut out) = (SparsityPattern::banded(2, 2, 0, 0), [0.0; 2]);
    /// Differentiator::default().try_sparse_jacobian_into(squares, &array![1.0, 2.0], &diagonal, &mut out)?;
    /// assert!((out[1] - 4.0).abs() < 1e-9);
    /// # Ok::<(), Error<&str>>(())
    /// ```
    pub fn try_sparse_jacobian_into<D, F, E>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        pattern: &SparsityPattern,
        out: &mut [f64],
    ) -> Result<(), Error<E>>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>, &mut [f64]) -> Result<(), E> + Sync,
        E: Send,
    {
        self.in_groups(|| try_in_place(&f), x, pattern.n_rows, pattern, out)
    }

    /// `n_values` is how many the functions find room for.
    fn in_groups<D, F, E>(
        &self,
        make: impl Fn() -> F + Sync,
        x: &ArrayRef<f64, D>,
        n_values: usize,
        pattern: &SparsityPattern,
        out: &mut [f64],
    ) -> Result<(), Error<E>>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
        E: Send,
    {
        assert!(out.len() == pattern.rows.len(), "{} slots for {} entries", out.len(), pattern.rows.len());
        let origin = x.as_standard_layout();
        let make = || GroupWorker::new(FunctionProbe::new(make(), x.raw_dim(), slice(&origin), n_values));
        let mut own = make();
        let n = own.probe.n_coordinates();
        assert!(n == pattern.groups.len(), "a pattern of {} columns for {n} coordinates", pattern.groups.len());
        let scheme = self.scheme(&self.stencil, 1, n);
        (0..n).try_for_each(|column| scheme.limits_at(column, own.probe.position(column)).map(|_| ()))?;
        // A column without entries is not moved, and a pattern without entries costs nothing.
        let is_empty = pattern.rows.is_empty();
        let n_groups = if is_empty { 0 } else { pattern.n_groups };
        let mut groups: Vec<Group> = (0..n_groups).map(|_| Group::default()).collect();
        let with_entries = |(column, _): &(usize, &usize)| !pattern.rows_of(*column).is_empty();
        for (column, &group) in pattern.groups.iter().enumerate().filter(with_entries) {
            groups[group].columns.push(column);
            groups[group].values.extend(pattern.rows_of(column).iter().map(|_| 0.0));
        }
        // Near bounds a stencil of order p may have p + 1 points.
        let mut per_group = self.stencil.n_moved() as u64;
        if self.is_bounded() {
            per_group = per_group.max(u64::from(self.stencil.order()) + 1);
        }
        let needs_base = self.stencil.has_centre() && !is_empty && self.budget() > 0;
        let base = if needs_base { Some(own.unmoved(pattern, &scheme, self.non_finite)?) } else { None };
        let budget = self.budget().saturating_sub(u64::from(needs_base));
        let n_affordable = usize::try_from(budget / per_group).unwrap_or(usize::MAX).min(groups.len());
        let run = self.start(groups.len(), u64::from(needs_base), 0);
        let mut done = vec![false; groups.len()];
        let parallel = (self.parallelism == Parallelism::Pool).then_some(make);
        let chunk_len = if parallel.is_some() { chunk_len(groups.len()) } else { 1 };
        let slots = (&mut groups[..n_affordable], &mut done[..n_affordable]);
        run.drive(own, parallel, slots, chunk_len, |worker, first, groups, done| {
            for (k, (group, done)) in groups.iter_mut().zip(done).enumerate() {
                if run.wants(first + k) {
                    match worker.group(&scheme, self.non_finite, pattern, base.as_deref(), group) {
                        Ok(n_evaluations) => {
                            *done = true;
                            run.advance(1, n_evaluations);
                        }
                        Err(error) => run.fail(first + k, error),
                    }
                }
            }
        });
        let outcome = run.finish(None, done)?;
        for group in &groups {
            let mut values = &group.values[..];
            for &column in &group.columns {
                let (of_column, rest) = values.split_at(pattern.rows_of(column).len());
                out[pattern.begins[column]..][..of_column.len()].copy_from_slice(of_column);
                values = rest;
            }
        }
        let columns = || pattern.entries().map(|(_, column)| pattern.groups[column]);
        outcome.complete(|done| {
            columns().zip(&*out).map(|(group, value)| if done[group] { *value } else { f64::NAN }).collect()
        })?;
        Ok(())
    }
}

/// The columns that are moved together, and their entries one column after the other.
#[derive(Default)]
struct Group {
    columns: Vec<usize>,
    values: Vec<f64>,
}

struct GroupWorker<P> {
    probe: P,
    moves: LocalMoves,
    /// For each column of the group its moves: (delta, weight), and the divisor.
    plans: Vec<(Vec<(f64, f64)>, f64)>,
    shifts: Vec<(usize, f64)>,
    /// The function's values at the first point, which the others are taken relative to.
    first: Vec<f64>,
}

impl<P> GroupWorker<P> {
    fn new(probe: P) -> Self {
        Self { probe, moves: LocalMoves::default(), plans: Vec::new(), shifts: Vec::new(), first: Vec::new() }
    }
}

impl<D, F, E> GroupWorker<FunctionProbe<'_, D, F>>
where
    D: Dimension,
    F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
{
    /// `f(x)`.
    fn unmoved(&mut self, pattern: &SparsityPattern, scheme: &Scheme, rule: NonFinite) -> Result<Vec<f64>, Error<E>> {
        let point = self.probe.position(0);
        let values = self.probe.unmoved().map_err(|source| Error::Function { coordinate: 0, point, source })?;
        assert!(values.len() == pattern.n_rows, "{} values for a pattern of {} rows", values.len(), pattern.n_rows);
        match values.iter().find(|value| !value.is_finite()) {
            Some(&value) if scheme.checked && rule != NonFinite::Nan => {
                Err(Error::NonFinite { coordinate: 0, point, value })
            }
            _ => Ok(values.to_vec()),
        }
    }

    /// Fills the entries of a group; returns how many evaluations it took.
    fn group(
        &mut self,
        scheme: &Scheme,
        rule: NonFinite,
        pattern: &SparsityPattern,
        base: Option<&[f64]>,
        Group { columns, values: out }: &mut Group,
    ) -> Result<u64, Error<E>> {
        let Self { probe, moves, plans, shifts, first } = self;
        first.clear();
        plans.resize_with(columns.len(), Default::default);
        for (&column, (points, divisor)) in columns.iter().zip(&mut *plans) {
            scheme.plan(column, probe.position(column), scheme.limits(column), moves)?;
            points.clear();
            points.extend(moves.deltas.iter().copied().zip(moves.weights.iter().copied()));
            *divisor = if points.is_empty() { 1.0 } else { moves.divisor };
        }
        let origin = probe.origin();
        let mut n_evaluations = 0;
        for point in 0..plans.iter().map(|(points, _)| points.len()).max().unwrap_or(0) {
            shifts.clear();
            let moved =
                columns.iter().zip(&*plans).filter_map(|(&column, (points, _))| Some((column, points.get(point)?.0)));
            shifts.extend(moved.filter(|(_, delta)| *delta != 0.0));
            let (coordinate, delta) = shifts.first().copied().unwrap_or((columns[0], 0.0));
            let values = match base {
                Some(base) if shifts.is_empty() => base,
                _ => {
                    n_evaluations += 1;
                    let at = probe.at_all(shifts);
                    at.map_err(|source| Error::Function { coordinate, point: origin[coordinate] + delta, source })?
                }
            };
            assert!(values.len() == pattern.n_rows, "{} values for a pattern of {} rows", values.len(), pattern.n_rows);
            if point == 0 {
                first.extend_from_slice(values);
            }
            let mut slots = out.iter_mut();
            for (&column, (points, _)) in columns.iter().zip(&*plans) {
                for (&row, slot) in pattern.rows_of(column).iter().zip(&mut slots) {
                    let Some(&(delta, weight)) = points.get(point) else { continue };
                    let value = values[row];
                    if scheme.checked && !value.is_finite() {
                        if rule != NonFinite::Nan {
                            let point = origin[column] + delta;
                            return Err(Error::NonFinite { coordinate: column, point, value });
                        }
                        *slot = f64::NAN;
                    }
                    *slot += weight * (value - first[row]);
                }
            }
        }
        let mut slots = out.iter_mut();
        for (&column, (_, divisor)) in columns.iter().zip(&*plans) {
            for slot in slots.by_ref().take(pattern.rows_of(column).len()) {
                *slot /= divisor;
                if scheme.checked && rule != NonFinite::Nan && !slot.is_finite() {
                    return Err(Error::Overflow { coordinate: column, value: *slot });
                }
            }
        }
        Ok(n_evaluations)
    }
}
