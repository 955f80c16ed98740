//! Hessians from a function alone: second differences, entry by entry.

use ndarray::{Array2, ArrayRef2, Axis};

use super::call::Call;
use super::differentiator::{Differentiator, NonFinite};
use super::driver::{Costs, Crew, Stop};
use super::error::{Error, TryError};
use super::probe::{FunctionCrew, FunctionProbe, Probe};
use super::scheme::{LocalMoves, Scheme};
use super::shorten::{Longer, Room};
use super::sparse::SparsityPattern;
use super::stencil::{Stencil, fornberg};
use super::sweep::{Outcome, Sweep};

impl Differentiator {
    /// The Hessian into `out`; `value` is f(x), where it is known.
    pub(super) fn fill_hessian<'a, E: Send>(
        &'a self,
        call: &Call,
        crew: FunctionCrew<'a, E>,
        value: Option<f64>,
        out: &mut ArrayRef2<f64>,
    ) -> Result<(), TryError<E>> {
        let n = crew.own.n_coordinates();
        assert!(out.dim() == (n, n), "a Hessian of shape {:?} for {n} coordinates", out.dim());
        let mut rows: Vec<_> = out.axis_iter_mut(Axis(0)).collect();
        let outcome = self.lower_rows(call, crew, value, &mut rows, |i| 0..=i, |row, _, j, entry| row[j] = entry)?;
        drop(rows);
        outcome.complete(|done| {
            let lower = |(i, j): (usize, usize)| (i.max(j), i.min(j));
            let known = |at| if done[lower(at).0] { out[lower(at)] } else { f64::NAN };
            Array2::from_shape_fn((n, n), known).into_raw_vec_and_offset().0
        })?;
        for i in 0..n {
            for j in 0..i {
                out[[j, i]] = out[[i, j]];
            }
        }
        Ok(())
    }

    /// The entries of a sparse Hessian into `out`, in the pattern's order; `value` is f(x), where it is known.
    pub(super) fn fill_sparse_hessian<'a, E: Send>(
        &'a self,
        call: &Call,
        crew: FunctionCrew<'a, E>,
        value: Option<f64>,
        pattern: &SparsityPattern,
        out: &mut [f64],
    ) -> Result<(), TryError<E>> {
        let lower = pattern.lower_rows(crew.own.n_coordinates());
        assert!(out.len() == pattern.n_entries(), "{} slots for {} entries", out.len(), pattern.n_entries());
        let mut rows: Vec<Vec<f64>> = lower.iter().map(|columns| vec![0.0; columns.len()]).collect();
        let columns = |i: usize| lower[i].iter().copied();
        let outcome = self.lower_rows(call, crew, value, &mut rows, columns, |row, k, _, entry| row[k] = entry)?;
        for ((i, j), slot) in pattern.entries().zip(&mut *out) {
            let (row, column) = (i.max(j), i.min(j));
            *slot = rows[row][lower[row].binary_search(&column).expect("an entry of the pattern")];
        }
        outcome.complete(|done| {
            let known = |((i, j), value): ((usize, usize), &f64)| if done[i.max(j)] { *value } else { f64::NAN };
            pattern.entries().zip(&*out).map(known).collect()
        })?;
        Ok(())
    }

    /// The entries of each row up to its diagonal, those that `columns` names in ascending order. `put` gets a row's slot,
    /// how many entries of the row came before, the column, and the entry.
    ///
    /// `value` is f(x), where it is known.
    fn lower_rows<'a, E, S, C>(
        &'a self,
        call: &Call,
        Crew { own, make }: FunctionCrew<'a, E>,
        value: Option<f64>,
        slots: &mut [S],
        columns: impl Fn(usize) -> C + Sync,
        put: impl Fn(&mut S, usize, usize, f64) + Sync,
    ) -> Result<Outcome, TryError<E>>
    where
        E: Send,
        S: Send,
        C: Iterator<Item = usize>,
    {
        let n = slots.len();
        let stencil = Stencil::central_of_order(self.stencil.order().next_multiple_of(2));
        let scheme = self.scheme(&stencil, 2, n);
        let row_worker =
            |probe| RowWorker { probe, scheme, how: self, base: 0.0, moves: Default::default(), n_evaluations: 0 };
        let mut own = row_worker(own);
        (0..n).try_for_each(|i| scheme.limits_at(i, own.probe.position(i)).map(|_| ()))?;
        let evaluates_base = value.is_none() && call.budget() > 0 && (0..n).any(|i| columns(i).next().is_some());
        let base = match value {
            Some(value) => value,
            None if evaluates_base => own.unmoved()?,
            None => 0.0,
        };
        // Near bounds a stencil of order p may have p + 1 points.
        let n_points = u64::from(stencil.order()) + u64::from(self.is_bounded());
        let of_entry = |i, j| if i == j { n_points } else { n_points * n_points };
        let of_row = |i: usize| columns(i).map(|j| of_entry(i, j)).sum();
        let costs = Costs { n_before: u64::from(evaluates_base), of_slot: of_row };
        let crew = Crew { own, make: make.map(|make| move || row_worker(make())) };
        self.drive(
            call,
            crew,
            costs,
            slots,
            |_| 1,
            |sweep, worker, i, slot| {
                worker.base = base;
                worker.n_evaluations = 0;
                for (k, j) in columns(i).enumerate() {
                    put(slot, k, j, worker.entry(sweep, i, j)?);
                }
                Ok(worker.n_evaluations)
            },
        )
    }
}

struct RowWorker<'a, E> {
    probe: FunctionProbe<'a, E>,
    scheme: Scheme<'a>,
    how: &'a Differentiator,
    /// f(x), which all values are taken relative to.
    base: f64,
    /// Of the row's coordinate, and of the column's.
    moves: [LocalMoves; 2],
    n_evaluations: u64,
}

/// Why an entry has not been computed at the points where it was tried.
enum Missed<E> {
    Failed(TryError<E>),
    /// The value is not finite where the row's and the column's coordinate are moved by this much.
    NotFinite {
        deltas: [f64; 2],
        error: Error,
    },
}

impl<E> From<TryError<E>> for Missed<E> {
    fn from(error: TryError<E>) -> Self {
        Missed::Failed(error)
    }
}

impl<E: Send> RowWorker<'_, E> {
    /// `f(x)`.
    fn unmoved(&mut self) -> Result<f64, TryError<E>> {
        match self.at([0, 0], [0.0, 0.0]) {
            Ok(value) => Ok(value),
            Err(Missed::Failed(error)) => Err(error),
            Err(Missed::NotFinite { error, .. }) => Err(error.into()),
        }
    }

    /// The entry of row i and column j, by points ever nearer to x where the rule is to shorten.
    fn entry(&mut self, sweep: &Sweep<E>, i: usize, j: usize) -> Result<f64, Stop<E>> {
        let mut rooms =
            [i, j].map(|coordinate| Room::new(self.probe.position(coordinate), self.scheme.limits(coordinate)));
        // What was wrong with the last value that was not finite.
        let mut failure = None;
        let mut longer = Longer::default();
        loop {
            for ((moves, coordinate), room) in self.moves.iter_mut().zip([i, j]).zip(&rooms) {
                self.scheme.plan(coordinate, self.probe.position(coordinate), room.limits, moves)?;
            }
            let [mut of_row, of_column] = std::mem::take(&mut self.moves);
            let reaches = [of_row.reach(), of_column.reach()];
            // On the diagonal the row's moves are all there are.
            let other = if i == j { &of_row } else { &of_column };
            let rounding = of_row.rounding(self.how.precision()) * other.rounding(1.0) * self.base.abs();
            let found = if i == j { self.second(i, &mut of_row) } else { self.mixed([i, j], &of_row, &of_column) };
            self.moves = [of_row, of_column];
            let mut has_room = false;
            match found {
                Ok(entry) if self.scheme.checked && !entry.is_finite() => {
                    if self.how.non_finite == NonFinite::Nan {
                        return Ok(f64::NAN);
                    }
                    return Err(Error::Overflow { coordinate: i, value: entry }.into());
                }
                Ok(entry) => {
                    let mut entry = [entry];
                    if failure.is_none() || longer.confirms(&mut entry, |_| rounding) {
                        return Ok(entry[0]);
                    }
                    for (room, reach) in rooms.iter_mut().zip(reaches).filter(|(room, _)| room.is_shortened()) {
                        has_room |= room.confirm(reach);
                    }
                }
                Err(Missed::Failed(error)) => return Err(error.into()),
                Err(Missed::NotFinite { deltas, error }) => {
                    longer.clear();
                    failure = Some(error);
                    // Both coordinates draw nearer, as far as they were moved.
                    for (room, delta) in rooms.iter_mut().zip(deltas).filter(|(_, delta)| *delta != 0.0) {
                        has_room |= room.shrink(self.how, delta);
                    }
                }
            }
            if !has_room {
                return Err(failure.expect("without a failure it was done").into());
            }
            let most = u64::from(self.scheme.stencil.order()) + 1;
            if !sweep.reserve(most * most) {
                return Err(Stop::OutOfBudget);
            }
        }
    }

    /// By how much the function is more than f(x) with the row's and the column's coordinate moved.
    fn at(&mut self, coordinates: [usize; 2], deltas: [f64; 2]) -> Result<f64, Missed<E>> {
        self.n_evaluations += 1;
        // Errors name the first coordinate that was in fact moved.
        let first = usize::from(deltas[0] == 0.0 && deltas[1] != 0.0);
        let coordinate = coordinates[first];
        let point = self.probe.position(coordinate) + deltas[first];
        let both = [(coordinates[0], deltas[0]), (coordinates[1], deltas[1])];
        let moves = &both[usize::from(deltas[0] == 0.0)..1 + usize::from(deltas[1] != 0.0)];
        let values = self.probe.at_all(moves).map_err(|source| TryError::Function { coordinate, point, source })?;
        let value = values[0];
        if self.scheme.checked && !value.is_finite() {
            if self.how.non_finite == NonFinite::Nan {
                return Ok(f64::NAN);
            }
            return Err(Missed::NotFinite { deltas, error: Error::NonFinite { coordinate, point, value } });
        }
        Ok(value - self.base)
    }

    /// The derivative by two coordinates.
    fn mixed(
        &mut self,
        coordinates: [usize; 2],
        of_row: &LocalMoves,
        of_column: &LocalMoves,
    ) -> Result<f64, Missed<E>> {
        if of_row.deltas.is_empty() || of_column.deltas.is_empty() {
            return Ok(0.0);
        }
        let mut sum = 0.0;
        for (&delta_i, weight_i) in of_row.deltas.iter().zip(&of_row.weights) {
            for (&delta_j, weight_j) in of_column.deltas.iter().zip(&of_column.weights) {
                if delta_i != 0.0 || delta_j != 0.0 {
                    sum += weight_i * weight_j * self.at(coordinates, [delta_i, delta_j])?;
                }
            }
        }
        Ok(sum / (of_row.divisor * of_column.divisor))
    }

    /// The second derivative by one coordinate, from its points and x itself.
    fn second(&mut self, i: usize, moves: &mut LocalMoves) -> Result<f64, Missed<E>> {
        let LocalMoves { deltas, weights, divisor, table } = moves;
        if deltas.is_empty() {
            return Ok(0.0);
        }
        deltas.retain(|delta| *delta != 0.0);
        weights.clear();
        weights.extend(deltas.iter().map(|delta| delta / *divisor));
        weights.push(0.0);
        fornberg(weights, table);
        let mut sum = 0.0;
        for (&delta, row) in deltas.iter().zip(&*table) {
            sum += row[2] * self.at([i, i], [delta, 0.0])?;
        }
        Ok(sum / (*divisor * *divisor))
    }
}
