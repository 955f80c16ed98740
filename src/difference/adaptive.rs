//! Estimates of many coordinates: one extrapolation each, or one for each value of a function that has many.

use super::call::Call;
use super::coordinates::Coordinates;
use super::differentiator::Differentiator;
use super::driver::{Costs, Crew, Stop};
use super::error::{Error, Partial, StopReason, TryError};
use super::estimate::Estimate;
use super::extrapolation::MAX_EVALUATIONS;
use super::probe::Probe;
use super::sweep::{Sweep, chunk_len};
use super::worker::Base;

impl Differentiator {
    pub(super) fn estimate<P: Probe>(
        &self,
        call: &Call,
        Crew { mut own, make }: Crew<P, impl Fn() -> P + Sync>,
        coordinates: &Coordinates,
        base: Base,
        out: &mut [Estimate],
    ) -> Result<(), TryError<P::Error>>
    where
        P::Error: Send,
    {
        let n = coordinates.len();
        assert!(out.len() == n, "{} slots for {n} coordinates", out.len());
        coordinates.check(own.n_coordinates());
        let scheme = self.own_scheme(own.n_coordinates());
        // f(x) is worth an evaluation where some coordinate can move.
        let mut first_moved = None;
        for coordinate in (0..n).map(|position| coordinates.get(position)) {
            let point = own.position(coordinate);
            let (lower, upper) = scheme.limits_at(coordinate, point)?;
            if first_moved.is_none() && lower < upper {
                first_moved = Some((coordinate, point));
            }
        }
        let mut n_before = 0;
        let base = match first_moved {
            Some((coordinate, point)) if matches!(base, Base::IfNeeded) && call.budget() > 0 => {
                n_before = 1;
                let at = own.unmoved().map_err(|source| TryError::Function { coordinate, point, source })?;
                Some(at[0])
            }
            _ => {
                if let Base::Known(values) = base {
                    Some(values[0])
                } else {
                    None
                }
            }
        };
        let costs = Costs { n_before, of_slot: |_| MAX_EVALUATIONS };
        let outcome = self.drive(call, Crew { own, make }, costs, out, chunk_len, |_, probe, position, slot| {
            *slot = self.extrapolate(&scheme, probe, coordinates.get(position), base)?;
            Ok(slot.n_evaluations)
        })?;
        let masked = |(slot, done): (&Estimate, &bool)| if *done { slot.value } else { f64::NAN };
        outcome.complete(|done| out.iter().zip(done).map(masked).collect())?;
        Ok(())
    }

    /// Estimates for every value of a function, one slot for each coordinate; returns how many values there are.
    ///
    /// Each has the bits that it has by itself. Values of the same coordinate share its evaluations.
    pub(super) fn estimate_columns<P: Probe>(
        &self,
        call: &Call,
        Crew { mut own, make }: Crew<P, impl Fn() -> P + Sync>,
        coordinates: &Coordinates,
        out: &mut [Vec<Estimate>],
    ) -> Result<usize, TryError<P::Error>>
    where
        P::Error: Send,
    {
        let n = coordinates.len();
        assert!(out.len() == n, "{} slots for {n} coordinates", out.len());
        coordinates.check(own.n_coordinates());
        let scheme = self.own_scheme(own.n_coordinates());
        for coordinate in (0..n).map(|position| coordinates.get(position)) {
            scheme.limits_at(coordinate, own.position(coordinate))?;
        }
        if call.budget() == 0 {
            let reason = if call.is_cancelled() { StopReason::Cancelled } else { StopReason::Budget };
            return Err(Error::Stopped(Box::new(Partial { reason, values: Vec::new(), done: vec![false; n] })).into());
        }
        // f(x) tells how many values there are.
        let coordinate = if n > 0 { coordinates.get(0) } else { 0 };
        let point = if n > 0 { own.position(coordinate) } else { f64::NAN };
        let at_x = own.unmoved().map_err(|source| TryError::Function { coordinate, point, source })?;
        let base = at_x.to_vec();
        let costs = Costs { n_before: 1, of_slot: |_| MAX_EVALUATIONS };
        let one_at_a_time = |_| 1;
        let outcome =
            self.drive(call, Crew { own, make }, costs, out, one_at_a_time, |sweep, probe, position, slot| {
                let mut column = Column { probe, sweep, seen: Vec::new(), index: 0 };
                slot.clear();
                for (index, base) in base.iter().enumerate() {
                    column.index = index;
                    slot.push(self.extrapolate(&scheme, &mut column, coordinates.get(position), Some(*base))?);
                }
                Ok(column.seen.len() as u64)
            })?;
        let n_values = base.len();
        outcome.complete(|done| {
            let entry = |(slot, done): (&Vec<Estimate>, &bool), i: usize| if *done { slot[i].value } else { f64::NAN };
            (0..n_values).flat_map(|i| out.iter().zip(done).map(move |column| entry(column, i))).collect()
        })?;
        Ok(n_values)
    }
}

/// One value of a function with one coordinate moved. The values of each point are kept for the others.
struct Column<'a, 'c, P: Probe> {
    probe: &'a mut P,
    sweep: &'a Sweep<'c, P::Error>,
    /// By move.
    seen: Vec<(f64, Vec<f64>)>,
    /// Which value.
    index: usize,
}

/// Why a value has not been computed.
enum Refused<E> {
    Failed(E),
    /// The values differ in where they need to be known, and the budget has nothing left.
    OutOfBudget,
}

impl<E> From<TryError<Refused<E>>> for Stop<E> {
    fn from(error: TryError<Refused<E>>) -> Self {
        match error {
            TryError::Function { source: Refused::OutOfBudget, .. } => Stop::OutOfBudget,
            TryError::Function { coordinate, point, source: Refused::Failed(source) } => {
                Stop::Failed(TryError::Function { coordinate, point, source })
            }
            TryError::Engine(error) => Stop::Failed(TryError::Engine(error)),
        }
    }
}

impl<P: Probe> Probe for Column<'_, '_, P>
where
    P::Error: Send,
{
    type Error = Refused<P::Error>;

    fn n_coordinates(&self) -> usize {
        self.probe.n_coordinates()
    }

    fn position(&self, coordinate: usize) -> f64 {
        self.probe.position(coordinate)
    }

    fn unmoved(&mut self) -> Result<&[f64], Self::Error> {
        self.at(0, 0.0)
    }

    fn at(&mut self, coordinate: usize, delta: f64) -> Result<&[f64], Self::Error> {
        let place = match self.seen.iter().position(|(seen, _)| *seen == delta) {
            Some(place) => place,
            None => {
                if self.seen.len() as u64 >= MAX_EVALUATIONS && !self.sweep.reserve(1) {
                    return Err(Refused::OutOfBudget);
                }
                let values = self.probe.at(coordinate, delta).map_err(Refused::Failed)?;
                self.seen.push((delta, values.to_vec()));
                self.seen.len() - 1
            }
        };
        let values = &self.seen[place].1;
        assert!(self.index < values.len(), "{} values after {} at another point", values.len(), self.seen[0].1.len());
        Ok(&values[self.index..=self.index])
    }
}
