//! The core: coordinate by coordinate, a worker moves the point to where the stencil has its own, evaluates the function
//! there and weighs the values.
//!
//! What is known before the first coordinate is found by a survey: points outside their bounds, whether `f(x)` is needed,
//! and for how many coordinates the budget suffices.

use std::time::Instant;

use super::call::Call;
use super::coordinates::Coordinates;
use super::differentiator::{Differentiator, NonFinite};
use super::driver::{Costs, Crew, Stop};
use super::error::{Error, Partial, StopReason, TryError};
use super::probe::Probe;
use super::scheme::{LocalMoves, Scheme, weighted_difference};
use super::shorten::{Longer, Room};
use super::sweep::{Parallelism, Sweep, chunk_len};

/// What to do about `f(x)` itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Base<'v> {
    /// Evaluated if a stencil needs it.
    IfNeeded,
    /// Evaluated in any case.
    Wanted,
    /// Not evaluated.
    Known(&'v [f64]),
    /// Evaluated for each coordinate that needs it.
    Own,
}

impl Differentiator {
    /// The derivatives of `coordinates`, one into each slot by `store`; `f(x)`, if it was evaluated or known.
    /// What there is of a derivative that was stopped is told by `values`.
    #[allow(clippy::too_many_arguments, reason = "what is asked for, of whom, and where it goes")]
    pub(super) fn each<P, S>(
        &self,
        call: &Call,
        Crew { own, make }: Crew<P, impl Fn() -> P + Sync>,
        coordinates: &Coordinates,
        base: Base,
        slots: &mut [S],
        store: impl Fn(&mut S, &[f64]) + Sync,
        values: impl FnOnce(&[S], &[bool]) -> Vec<f64>,
    ) -> Result<Option<Vec<f64>>, TryError<P::Error>>
    where
        P: Probe,
        P::Error: Send,
        S: Send,
    {
        let scheme = self.scheme_of(&own, coordinates);
        let mut own = Worker::new(own);
        let survey = self.survey(call, &scheme, &mut own, coordinates, base)?;
        let base = survey.base.as_deref();
        let of_slot = |position: usize| survey.costs.get(position).copied().unwrap_or(survey.per_coordinate);
        let costs = Costs { n_before: survey.n_evaluations, of_slot };
        let crew = Crew { own, make: make.map(|make| move || Worker::new(make())) };
        let outcome = self.drive(call, crew, costs, slots, chunk_len, |sweep, worker, position, slot| {
            // The calling thread's next derivative may be better off without the others.
            let begins = (position == 0 && self.parallelism == Parallelism::Pool).then(Instant::now);
            let n_evaluations = self.one(&scheme, sweep, worker, coordinates.get(position), base)?;
            if let Some(begins) = begins {
                self.pace.note(begins.elapsed(), 1);
            }
            store(slot, &worker.sum);
            Ok(n_evaluations)
        })?;
        outcome.complete(|done| values(slots, done))?;
        Ok(survey.base)
    }

    /// The derivatives of a function of one value; `f(x)`, if it was evaluated or known.
    pub(super) fn each_scalar<P>(
        &self,
        call: &Call,
        crew: Crew<P, impl Fn() -> P + Sync>,
        coordinates: &Coordinates,
        base: Base,
        out: &mut [f64],
    ) -> Result<Option<f64>, TryError<P::Error>>
    where
        P: Probe,
        P::Error: Send,
    {
        // A coordinate that is not moved at all has no values: its derivative is 0.
        let store = |slot: &mut f64, sum: &[f64]| *slot = sum.first().copied().unwrap_or(0.0);
        let base = self.each(call, crew, coordinates, base, out, store, masked)?;
        Ok(base.map(|base| base[0]))
    }

    fn scheme_of<P: Probe>(&self, own: &P, coordinates: &Coordinates) -> Scheme<'_> {
        coordinates.check(own.n_coordinates());
        self.own_scheme(own.n_coordinates())
    }

    /// Finds what is known before the first coordinate: whether `f(x)` is needed, and how many coordinates the budget
    /// suffices for. Points outside their bounds are found here, before anything is evaluated.
    fn survey<P: Probe>(
        &self,
        call: &Call,
        scheme: &Scheme,
        worker: &mut Worker<P>,
        coordinates: &Coordinates,
        base: Base,
    ) -> Result<Survey, TryError<P::Error>> {
        let n = coordinates.len();
        let is_shared = !matches!(base, Base::Own);
        let costs_one = |delta: &f64| !is_shared || *delta != 0.0;
        let per_coordinate = scheme.stencil.points().iter().filter(|point| costs_one(point)).count() as u64;
        let mut needs_base = scheme.stencil.has_centre();
        // Near bounds a stencil may be another: how many points it has then is known when it is planned.
        let mut costs = Vec::new();
        for coordinate in (0..n).map(|position| coordinates.get(position)) {
            let x = worker.probe.position(coordinate);
            let limits = scheme.limits_at(coordinate, x)?;
            if self.is_bounded() && scheme.is_lost(x) {
                costs.push(1);
            } else if self.is_bounded() {
                scheme.plan(coordinate, x, limits, &mut worker.moves)?;
                let deltas = &worker.moves.deltas;
                needs_base |= deltas.contains(&0.0);
                costs.push(deltas.iter().filter(|delta| costs_one(delta)).count() as u64);
            }
        }
        let evaluates_base = match base {
            Base::IfNeeded => needs_base && n > 0 && call.budget() > 0,
            Base::Wanted => call.budget() > 0,
            Base::Known(_) | Base::Own => false,
        };
        if n == 0 && matches!(base, Base::Wanted) && !evaluates_base {
            let nothing = Partial { reason: StopReason::Budget, values: Vec::new(), done: Vec::new() };
            return Err(Error::Stopped(Box::new(nothing)).into());
        }
        let n_evaluations = u64::from(evaluates_base);
        let base = match base {
            Base::Known(values) => Some(values.to_vec()),
            _ if evaluates_base => Some(self.base(scheme, worker, coordinates)?),
            _ => None,
        };
        Ok(Survey { base, n_evaluations, costs, per_coordinate })
    }

    /// `f(x)`.
    fn base<P: Probe>(
        &self,
        scheme: &Scheme,
        worker: &mut Worker<P>,
        coordinates: &Coordinates,
    ) -> Result<Vec<f64>, TryError<P::Error>> {
        let coordinate = if coordinates.len() > 0 { coordinates.get(0) } else { 0 };
        let point = if coordinates.len() > 0 { worker.probe.position(coordinate) } else { f64::NAN };
        let unmoved = worker.probe.unmoved().map_err(|source| TryError::Function { coordinate, point, source })?;
        match unmoved.iter().find(|value| !value.is_finite()) {
            Some(&value) if scheme.checked && self.non_finite != NonFinite::Nan => {
                Err(Error::NonFinite { coordinate, point, value }.into())
            }
            _ => Ok(unmoved.to_vec()),
        }
    }

    /// The derivative of one coordinate, into the worker's `sum`; returns how many evaluations it took.
    pub(super) fn one<P: Probe>(
        &self,
        scheme: &Scheme,
        sweep: &Sweep<P::Error>,
        worker: &mut Worker<P>,
        coordinate: usize,
        base: Option<&[f64]>,
    ) -> Result<u64, Stop<P::Error>>
    where
        P::Error: Send,
    {
        worker.n_evaluations = 0;
        let x = worker.probe.position(coordinate);
        let widest = scheme.limits_at(coordinate, x)?;
        if scheme.is_lost(x) {
            worker.lose(coordinate, x, base)?;
            return Ok(worker.n_evaluations);
        }
        let mut room = Room::new(x, widest);
        // What was wrong with the last value that was not finite.
        let mut failure = None;
        worker.longer.clear();
        loop {
            scheme.plan(coordinate, x, room.limits, &mut worker.moves)?;
            let has_room = match worker.weigh(coordinate, x, base, scheme.checked)? {
                None if failure.is_none() || worker.is_confirmed(self.precision()) => break,
                None => room.confirm(worker.moves.reach()),
                Some(_) if self.non_finite == NonFinite::Nan => {
                    worker.sum.iter_mut().for_each(|sum| *sum = f64::NAN);
                    break;
                }
                Some(NotFinite { delta, value, overflows }) => {
                    worker.longer.clear();
                    failure = Some(if overflows {
                        Error::Overflow { coordinate, value }
                    } else {
                        Error::NonFinite { coordinate, point: x + delta, value }
                    });
                    room.shrink(self, delta)
                }
            };
            if !has_room {
                return Err(failure.expect("without a failure it was done").into());
            }
            // No stencil moves a coordinate to more points than this.
            if !sweep.reserve(scheme.stencil.points().len().max(scheme.stencil.order() as usize) as u64 + 1) {
                return Err(Stop::OutOfBudget);
            }
        }
        Ok(worker.n_evaluations)
    }
}

/// What has been computed, and NaN where nothing was.
pub(super) fn masked(slots: &[f64], done: &[bool]) -> Vec<f64> {
    slots.iter().zip(done).map(|(&slot, &done)| if done { slot } else { f64::NAN }).collect()
}

struct Survey {
    base: Option<Vec<f64>>,
    n_evaluations: u64,
    /// What each coordinate costs, where that is not the same for all.
    costs: Vec<u64>,
    per_coordinate: u64,
}

/// A probe with the scratch memory of its worker.
pub(super) struct Worker<P> {
    pub probe: P,
    moves: LocalMoves,
    /// The derivative of each value.
    pub sum: Vec<f64>,
    /// The values at the first point. The weights sum to zero, so all values may be taken relative to these: a difference
    /// of two close numbers is exact, while products of the numbers themselves would be rounded.
    first: Vec<f64>,
    /// What longer steps gave after a value that was not finite.
    longer: Longer,
    /// Of the coordinate at hand.
    pub n_evaluations: u64,
}

/// A value that no derivative can be made of.
struct NotFinite {
    delta: f64,
    value: f64,
    /// Whether it is the derivative, made of finite values.
    overflows: bool,
}

impl<P: Probe> Worker<P> {
    pub fn new(probe: P) -> Self {
        Self {
            probe,
            moves: LocalMoves::default(),
            sum: Vec::new(),
            first: Vec::new(),
            longer: Longer::default(),
            n_evaluations: 0,
        }
    }

    /// Whether a shorter step confirms the derivative of each value: see [`Longer::confirms`].
    fn is_confirmed(&mut self, precision: f64) -> bool {
        let Self { moves, sum, first, longer, .. } = self;
        let per_value = moves.rounding(precision);
        moves.deltas.is_empty() || longer.confirms(sum, |value| per_value * first[value].abs())
    }

    /// NaN for each value, of a coordinate that is not finite. How many there are the function itself tells.
    fn lose(&mut self, coordinate: usize, x: f64, base: Option<&[f64]>) -> Result<(), TryError<P::Error>> {
        let n_values = match base {
            Some(base) => base.len(),
            None => {
                self.n_evaluations += 1;
                let values = self.probe.at(coordinate, 0.0);
                values.map_err(|source| TryError::Function { coordinate, point: x, source })?.len()
            }
        };
        self.sum.clear();
        self.sum.resize(n_values, f64::NAN);
        Ok(())
    }

    /// The weighted sum of the values at the planned points, divided; or the first value that is not finite.
    fn weigh(
        &mut self,
        coordinate: usize,
        x: f64,
        base: Option<&[f64]>,
        checked: bool,
    ) -> Result<Option<NotFinite>, TryError<P::Error>> {
        let Self { probe, moves, sum, first, n_evaluations, .. } = self;
        // Without a move the derivative is 0 for every value.
        sum.fill(0.0);
        first.clear();
        for (&delta, &weight) in moves.deltas.iter().zip(&moves.weights) {
            let values = match base {
                Some(base) if delta == 0.0 => base,
                _ => {
                    *n_evaluations += 1;
                    let at = probe.at(coordinate, delta);
                    at.map_err(|source| TryError::Function { coordinate, point: x + delta, source })?
                }
            };
            if first.is_empty() {
                sum.resize(values.len(), 0.0);
                first.extend(values.iter().map(|value| if checked { *value } else { 0.0 }));
            }
            assert!(values.len() == sum.len(), "{} values after {} at another point", values.len(), sum.len());
            for ((sum, &value), first) in sum.iter_mut().zip(values).zip(&*first) {
                if checked && !value.is_finite() {
                    return Ok(Some(NotFinite { delta, value, overflows: false }));
                }
                *sum += if checked { weighted_difference(weight, value, *first) } else { weight * (value - first) };
            }
        }
        for sum in sum.iter_mut() {
            if !moves.deltas.is_empty() {
                *sum /= moves.divisor;
            }
            if checked && !sum.is_finite() {
                return Ok(Some(NotFinite { delta: 0.0, value: *sum, overflows: true }));
            }
        }
        Ok(None)
    }
}
