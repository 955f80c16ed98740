//! Sparse Jacobians: columns that share no row are moved together.
//!
//! Source: Curtis, Powell and Reid, "On the estimation of sparse Jacobian matrices", J. Inst. Maths Applics 13 (1974).

use ndarray::Array2;

use super::call::Call;
use super::differentiator::{Differentiator, NonFinite};
use super::driver::{Costs, Crew, Stop};
use super::error::{Error, TryError};
use super::probe::{FunctionCrew, FunctionProbe, Probe};
use super::scheme::{LocalMoves, Scheme, weighted_difference};
use super::shorten::{Longer, Room};
use super::sweep::{Sweep, chunk_len};

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
    is_checked: bool,
}

impl SparsityPattern {
    /// The pattern of a Jacobian of this many rows and columns with these entries `(row, column)`, in any order.
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
        Self { n_rows, rows: columns.concat(), begins, groups, n_groups, is_checked: true }
    }

    /// The pattern with this many diagonals below and above the main one.
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

    /// The same pattern, trusted to name every entry that is not 0: without the check of
    /// [`OfValues::sparse_jacobian`](super::OfValues::sparse_jacobian).
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, SparsityPattern};
    /// let wrong = SparsityPattern::banded(2, 2, 0, 0);
    /// let of = |pattern| Differentiator::default().of_values(|[a, b]| vec![a * b, *b], &[1.0, 2.0]).sparse_jacobian(&pattern);
    /// // ∂f_0/∂x_1 is missing: it is added to ∂f_0/∂x_0, which is 2.
    /// assert!(of(wrong.clone()).is_err());
    /// assert!(of(wrong.unchecked())?[0] > 2.5);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self { is_checked: false, ..self }
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

    /// # Panics
    /// If there is not one value for each row.
    fn check_rows(&self, values: &[f64]) {
        assert!(values.len() == self.n_rows, "{} values for a pattern of {} rows", values.len(), self.n_rows);
    }

    /// For each row its columns up to the diagonal, of a symmetric matrix that has the entries `(i, j)` and `(j, i)`.
    ///
    /// # Panics
    /// If there is not one row and one column for each of `n` coordinates.
    pub(super) fn lower_rows(&self, n: usize) -> Vec<Vec<usize>> {
        let shape = (self.n_rows, self.groups.len());
        assert!(shape == (n, n), "a pattern of {} × {} for a Hessian of {n} coordinates", shape.0, shape.1);
        let mut lower = vec![Vec::new(); n];
        self.entries().for_each(|(i, j)| lower[i.max(j)].push(i.min(j)));
        for columns in &mut lower {
            columns.sort_unstable();
            columns.dedup();
        }
        lower
    }

    pub(super) fn is_checked(&self) -> bool {
        self.is_checked
    }

    /// How many entries there are.
    pub(super) fn n_entries(&self) -> usize {
        self.rows.len()
    }
}

impl Differentiator {
    /// The entries of a sparse Jacobian into `out`, group by group; f(x), if it was evaluated.
    pub(super) fn in_groups<'o, E: Send>(
        &self,
        call: &Call,
        Crew { own, make }: FunctionCrew<'o, E>,
        pattern: &SparsityPattern,
        out: &mut [f64],
    ) -> Result<Option<Vec<f64>>, TryError<E>> {
        assert!(out.len() == pattern.rows.len(), "{} slots for {} entries", out.len(), pattern.rows.len());
        let n = own.n_coordinates();
        assert!(n == pattern.groups.len(), "a pattern of {} columns for {n} coordinates", pattern.groups.len());
        let scheme = self.own_scheme(n);
        let group_worker = |probe| GroupWorker {
            probe,
            how: self,
            scheme,
            pattern,
            moves: LocalMoves::default(),
            plans: Vec::new(),
            shifts: Vec::new(),
            first: Vec::new(),
            longer: Longer::default(),
            n_evaluations: 0,
        };
        let mut own = group_worker(own);
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
        let needs_base = self.stencil.has_centre() && !is_empty && call.budget() > 0;
        let base = if needs_base { Some(own.unmoved()?) } else { None };
        let costs = Costs { n_before: u64::from(needs_base), of_slot: |_| per_group };
        let crew = Crew { own, make: make.map(|make| move || group_worker(make())) };
        let outcome = self.drive(call, crew, costs, &mut groups, chunk_len, |sweep, worker, _, group| {
            worker.group(sweep, base.as_deref(), group)
        })?;
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
        Ok(base)
    }
}

/// The columns that are moved together, and their entries one column after the other.
#[derive(Default)]
struct Group {
    columns: Vec<usize>,
    values: Vec<f64>,
}

struct GroupWorker<'a, E> {
    probe: FunctionProbe<'a, E>,
    how: &'a Differentiator,
    scheme: Scheme<'a>,
    pattern: &'a SparsityPattern,
    moves: LocalMoves,
    plans: Vec<ColumnPlan>,
    shifts: Vec<(usize, f64)>,
    /// The function's values at the first point, which the others are taken relative to.
    first: Vec<f64>,
    /// What longer steps gave after a value that was not finite.
    longer: Longer,
    n_evaluations: u64,
}

/// How one column of a group is moved.
struct ColumnPlan {
    room: Room,
    /// (delta, weight)
    points: Vec<(f64, f64)>,
    divisor: f64,
    reach: f64,
    /// By how much its entries may be off for each unit of the values.
    rounding: f64,
}

/// A value that no derivative can be made of: of which of the group's columns, and at which point.
struct NotFinite {
    k: usize,
    delta: f64,
    value: f64,
    /// Whether it is the derivative, made of finite values.
    overflows: bool,
}

impl<E: Send> GroupWorker<'_, E> {
    /// `f(x)`.
    fn unmoved(&mut self) -> Result<Vec<f64>, TryError<E>> {
        let Self { probe, pattern, .. } = self;
        let point = probe.position(0);
        let values = probe.unmoved().map_err(|source| TryError::Function { coordinate: 0, point, source })?;
        pattern.check_rows(values);
        match values.iter().find(|value| !value.is_finite()) {
            Some(&value) if self.scheme.checked && self.how.non_finite != NonFinite::Nan => {
                Err(Error::NonFinite { coordinate: 0, point, value }.into())
            }
            _ => Ok(values.to_vec()),
        }
    }

    /// Fills the entries of a group; returns how many evaluations it took.
    fn group(
        &mut self,
        sweep: &Sweep<E>,
        base: Option<&[f64]>,
        Group { columns, values: out }: &mut Group,
    ) -> Result<u64, Stop<E>> {
        self.n_evaluations = 0;
        let rooms = columns.iter().map(|&column| Room::new(self.probe.position(column), self.scheme.limits(column)));
        self.plans.clear();
        self.plans.extend(rooms.map(|room| ColumnPlan {
            room,
            points: Vec::new(),
            divisor: 1.0,
            reach: 0.0,
            rounding: 0.0,
        }));
        // What was wrong with the last value that was not finite.
        let mut failure = None;
        self.longer.clear();
        loop {
            for (&column, plan) in columns.iter().zip(&mut self.plans) {
                self.scheme.plan(column, self.probe.position(column), plan.room.limits, &mut self.moves)?;
                plan.points.clear();
                plan.points.extend(self.moves.deltas.iter().copied().zip(self.moves.weights.iter().copied()));
                plan.divisor = if plan.points.is_empty() { 1.0 } else { self.moves.divisor };
                (plan.reach, plan.rounding) = (self.moves.reach(), self.moves.rounding(self.how.precision()));
            }
            let mut has_room = false;
            if let Some(NotFinite { k, delta, value, overflows }) = self.weigh(base, columns, out)? {
                let coordinate = columns[k];
                let point = self.probe.position(coordinate) + delta;
                self.longer.clear();
                failure = Some(if overflows {
                    Error::Overflow { coordinate, value }
                } else {
                    Error::NonFinite { coordinate, point, value }
                });
                has_room = self.plans[k].room.shrink(self.how, delta);
            } else {
                if failure.is_none() || self.is_confirmed(columns, out) {
                    return Ok(self.n_evaluations);
                }
                for plan in self.plans.iter_mut().filter(|plan| plan.room.is_shortened()) {
                    has_room |= plan.room.confirm(plan.reach);
                }
            }
            if !has_room {
                return Err(failure.expect("without a failure it was done").into());
            }
            let stencil = self.scheme.stencil;
            if !sweep.reserve(stencil.points().len().max(stencil.order() as usize) as u64 + 1) {
                return Err(Stop::OutOfBudget);
            }
        }
    }

    /// Whether a shorter step confirms the entries: see [`Longer::confirms`].
    fn is_confirmed(&mut self, columns: &[usize], out: &mut [f64]) -> bool {
        let Self { pattern, plans, first, longer, .. } = self;
        let of_column = |(column, plan): (&usize, &ColumnPlan)| {
            let rounding = plan.rounding;
            pattern.rows_of(*column).iter().map(move |row| (rounding, *row))
        };
        let by_entry: Vec<f64> =
            columns.iter().zip(&*plans).flat_map(of_column).map(|(r, row)| r * first[row].abs()).collect();
        longer.confirms(out, |entry| by_entry[entry])
    }

    /// The weighted sums of the values at the planned points, divided; or the first value that is not finite.
    fn weigh(
        &mut self,
        base: Option<&[f64]>,
        columns: &[usize],
        out: &mut [f64],
    ) -> Result<Option<NotFinite>, TryError<E>> {
        let Self { probe, how, scheme, pattern, plans, shifts, first, n_evaluations, .. } = self;
        let origin = probe.origin();
        let is_nan = how.non_finite == NonFinite::Nan;
        first.clear();
        out.fill(0.0);
        for point in 0..plans.iter().map(|plan| plan.points.len()).max().unwrap_or(0) {
            shifts.clear();
            let moved =
                columns.iter().zip(&*plans).filter_map(|(&column, plan)| Some((column, plan.points.get(point)?.0)));
            shifts.extend(moved.filter(|(_, delta)| *delta != 0.0));
            let (coordinate, delta) = shifts.first().copied().unwrap_or((columns[0], 0.0));
            let values = match base {
                Some(base) if shifts.is_empty() => base,
                _ => {
                    *n_evaluations += 1;
                    let at = probe.at_all(shifts);
                    at.map_err(|source| TryError::Function { coordinate, point: origin[coordinate] + delta, source })?
                }
            };
            pattern.check_rows(values);
            if point == 0 {
                first.extend_from_slice(values);
            }
            let mut slots = out.iter_mut();
            for (k, (&column, plan)) in columns.iter().zip(&*plans).enumerate() {
                for (&row, slot) in pattern.rows_of(column).iter().zip(&mut slots) {
                    let Some(&(delta, weight)) = plan.points.get(point) else { continue };
                    let value = values[row];
                    if scheme.checked && !value.is_finite() {
                        if !is_nan {
                            return Ok(Some(NotFinite { k, delta, value, overflows: false }));
                        }
                        *slot = f64::NAN;
                    }
                    *slot += if scheme.checked {
                        weighted_difference(weight, value, first[row])
                    } else {
                        weight * (value - first[row])
                    };
                }
            }
        }
        let mut slots = out.iter_mut();
        for (k, (&column, plan)) in columns.iter().zip(&*plans).enumerate() {
            for slot in slots.by_ref().take(pattern.rows_of(column).len()) {
                *slot /= plan.divisor;
                if scheme.checked && !is_nan && !slot.is_finite() {
                    return Ok(Some(NotFinite { k, delta: 0.0, value: *slot, overflows: true }));
                }
            }
        }
        Ok(None)
    }
}
