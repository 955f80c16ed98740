//! The core: coordinate by coordinate, a worker moves the point to where the stencil has its own, evaluates the function
//! there and weighs the values.
//!
//! What is known before the first coordinate is found by a survey: points outside their bounds, whether `f(x)` is needed,
//! and for how many coordinates the budget suffices.

use super::moves::{LocalMoves, Scheme};
use super::probe::Probe;
use super::run::{Outcome, Run, chunk_len};
use super::{Coordinates, Differentiator, Error, NonFinite, Parallelism, Partial, StopReason};

/// How often [`NonFinite::Shorten`] tries a coordinate again with a shorter step, and how often one-sided.
const SHORTER_ATTEMPTS: usize = 8;
const ONE_SIDED_ATTEMPTS: usize = 8;
/// How often it tries a coordinate at most, steps that confirm one another included: the last is shorter than the first by
/// more than all digits.
const MAX_ATTEMPTS: usize = 40;
/// Derivatives by two steps agree if they are apart by this part of them.
const AGREEMENT: f64 = 0.01;

/// What to do about `f(x)` itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Base {
    /// Evaluated if a stencil needs it.
    IfNeeded,
    /// Evaluated in any case.
    Wanted,
    /// Not evaluated.
    Known(f64),
    /// Evaluated for each coordinate that needs it.
    Own,
}

impl Differentiator<'_> {
    /// The derivatives of `coordinates`, one into each slot by `store`.
    ///
    /// `own` is the calling thread's worker, `make` makes those of others; without it the run is serial.
    pub(super) fn each<P, M, S>(
        &self,
        own: P,
        make: Option<M>,
        coordinates: &Coordinates,
        base: Base,
        slots: &mut [S],
        store: impl Fn(&mut S, &[f64]) + Sync,
    ) -> Result<Outcome, Error<P::Error>>
    where
        P: Probe,
        P::Error: Send,
        M: Fn() -> P + Sync,
        S: Send,
    {
        let n = coordinates.len();
        let scheme = self.scheme_of(&own, coordinates);
        let mut own = Worker::new(own);
        let survey = self.survey(&scheme, &mut own, coordinates, base)?;
        let mut done = vec![false; n];
        let n_before = survey.n_evaluations;
        let run = self.start(n, n_before, survey.spare);
        let base = survey.base.as_deref();
        let affordable = ..survey.n_affordable;
        let make = make.filter(|_| self.parallelism == Parallelism::Pool).map(|make| move || Worker::new(make()));
        let chunk_len = if make.is_some() { chunk_len(n) } else { 1 };
        let slots_and_done = (&mut slots[affordable], &mut done[affordable]);
        run.drive(own, make, slots_and_done, chunk_len, |worker, first, slots, done| {
            for (k, (slot, done)) in slots.iter_mut().zip(done).enumerate() {
                let position = first + k;
                if run.wants(position) && self.one(&scheme, &run, worker, (position, coordinates.get(position)), base) {
                    store(slot, &worker.sum);
                    *done = true;
                    run.advance(1, worker.n_evaluations);
                }
            }
        });
        run.finish(survey.base, done)
    }

    fn scheme_of<P: Probe>(&self, own: &P, coordinates: &Coordinates) -> Scheme<'_> {
        coordinates.check(own.n_coordinates());
        self.scheme(&self.stencil, 1, own.n_coordinates())
    }

    /// Finds what is known before the first coordinate: whether `f(x)` is needed, and how many coordinates the budget
    /// suffices for. Points outside their bounds are found here, before anything is evaluated.
    fn survey<P: Probe>(
        &self,
        scheme: &Scheme,
        worker: &mut Worker<P>,
        coordinates: &Coordinates,
        base: Base,
    ) -> Result<Survey, Error<P::Error>> {
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
            Base::IfNeeded => needs_base && n > 0 && self.budget() > 0,
            Base::Wanted => self.budget() > 0,
            Base::Known(_) | Base::Own => false,
        };
        if n == 0 && matches!(base, Base::Wanted) && !evaluates_base {
            let nothing = Partial { reason: StopReason::Budget, values: Vec::new(), done: Vec::new() };
            return Err(Error::Stopped(Box::new(nothing)));
        }
        let n_evaluations = u64::from(evaluates_base);
        let base = match base {
            Base::Known(value) => Some(vec![value]),
            _ if evaluates_base => Some(self.base(scheme, worker, coordinates)?),
            _ => None,
        };
        let mut spare = self.budget().saturating_sub(n_evaluations);
        let mut n_affordable = 0;
        while n_affordable < n {
            let Some(rest) = spare.checked_sub(costs.get(n_affordable).copied().unwrap_or(per_coordinate)) else {
                break;
            };
            spare = rest;
            n_affordable += 1;
        }
        Ok(Survey { base, n_evaluations, n_affordable, spare })
    }

    /// `f(x)`.
    fn base<P: Probe>(
        &self,
        scheme: &Scheme,
        worker: &mut Worker<P>,
        coordinates: &Coordinates,
    ) -> Result<Vec<f64>, Error<P::Error>> {
        let coordinate = if coordinates.len() > 0 { coordinates.get(0) } else { 0 };
        let point = if coordinates.len() > 0 { worker.probe.position(coordinate) } else { f64::NAN };
        let unmoved = worker.probe.unmoved().map_err(|source| Error::Function { coordinate, point, source })?;
        match unmoved.iter().find(|value| !value.is_finite()) {
            Some(&value) if scheme.checked && self.non_finite != NonFinite::Nan => {
                Err(Error::NonFinite { coordinate, point, value })
            }
            _ => Ok(unmoved.to_vec()),
        }
    }

    /// The derivative of one coordinate, into the worker's `sum`; false where it is not to be had.
    pub(super) fn one<P: Probe>(
        &self,
        scheme: &Scheme,
        run: &Run<P::Error>,
        worker: &mut Worker<P>,
        (position, coordinate): (usize, usize),
        base: Option<&[f64]>,
    ) -> bool
    where
        P::Error: Send,
    {
        worker.n_evaluations = 0;
        let x = worker.probe.position(coordinate);
        let widest = match scheme.limits_at(coordinate, x) {
            Ok(limits) => limits,
            Err(error) => {
                run.fail(position, error);
                return false;
            }
        };
        if scheme.is_lost(x) {
            let lost = worker.lose(coordinate, x, base);
            return lost.map_err(|error| run.fail(position, error)).is_ok();
        }
        let mut limits = widest;
        // The last value that was not finite, and how many there were.
        let mut failure = None;
        let mut n_failures = 0;
        worker.longer.clear();
        for n_attempts in 0.. {
            let weighed = scheme
                .plan(coordinate, x, limits, &mut worker.moves)
                .and_then(|()| worker.weigh(coordinate, x, base, scheme.checked));
            let nearer = match weighed {
                Err(error) => {
                    run.fail(position, error);
                    return false;
                }
                // Near the edge of its domain a function may have any shape: a shorter step has to say the same.
                Ok(None) if failure.is_none() || worker.is_confirmed(self.precision()) => return true,
                Ok(None) => worker.confirmation(x, limits).filter(|_| n_attempts < MAX_ATTEMPTS),
                Ok(Some(NotFinite { delta, value, overflows })) => {
                    if self.non_finite == NonFinite::Nan {
                        worker.sum.iter_mut().for_each(|sum| *sum = f64::NAN);
                        return true;
                    }
                    worker.longer.clear();
                    failure = Some(if overflows {
                        Error::Overflow { coordinate, value }
                    } else {
                        Error::NonFinite { coordinate, point: x + delta, value }
                    });
                    n_failures += 1;
                    self.nearer(n_failures - 1, x, delta, limits, widest)
                }
            };
            let Some(nearer) = nearer else {
                run.fail(position, failure.expect("without a failure it was done"));
                return false;
            };
            limits = nearer;
            // No stencil moves a coordinate to more points than this.
            if !run.reserve(scheme.stencil.points().len().max(scheme.stencil.order() as usize) as u64 + 1) {
                return false;
            }
        }
        unreachable!("the last attempt fails")
    }

    /// Limits for another attempt after a value that was not finite; `None` where there should not be one.
    pub(super) fn nearer(
        &self,
        attempt: usize,
        x: f64,
        delta: f64,
        limits: (f64, f64),
        widest: (f64, f64),
    ) -> Option<(f64, f64)> {
        if self.non_finite != NonFinite::Shorten || delta == 0.0 {
            return None;
        }
        let reach = delta.abs() / 8.0;
        let (lower, upper) = match attempt {
            0..SHORTER_ATTEMPTS => (widest.0.max(x - reach), widest.1.min(x + reach)),
            SHORTER_ATTEMPTS if delta > 0.0 => (widest.0, x),
            SHORTER_ATTEMPTS => (x, widest.1),
            _ if delta > 0.0 => (limits.0, x + reach),
            _ => (x - reach, limits.1),
        };
        (lower < upper && attempt < SHORTER_ATTEMPTS + ONE_SIDED_ATTEMPTS).then_some((lower, upper))
    }
}

struct Survey {
    base: Option<Vec<f64>>,
    n_evaluations: u64,
    n_affordable: usize,
    spare: u64,
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
    /// What longer steps gave after a value that was not finite, with the distance of the following from it.
    longer: Vec<(f64, f64)>,
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
            longer: Vec::new(),
            n_evaluations: 0,
        }
    }

    /// Whether the derivative agrees with the one by a longer step, or the two before approached it by more than half; if
    /// so, that is in `sum`: the longer step's where they agree, else the shorter one's.
    fn is_confirmed(&mut self, precision: f64) -> bool {
        let Self { moves, sum, first, longer, .. } = self;
        if longer.is_empty() && !moves.deltas.is_empty() {
            longer.extend(sum.iter().map(|sum| (*sum, f64::INFINITY)));
            return false;
        }
        let per_value = 8.0 * precision * moves.weights.iter().map(|w| w.abs()).sum::<f64>() / moves.divisor.abs();
        let agrees = |((long, _), (short, first)): (&(f64, f64), (&f64, &f64))| {
            (long - short).abs() <= AGREEMENT * long.abs().max(short.abs()) + per_value * first.abs()
        };
        if longer.iter().zip(sum.iter().zip(&*first)).all(agrees) {
            sum.iter_mut().zip(&*longer).for_each(|(sum, (long, _))| *sum = *long);
            return true;
        }
        let mut approaches = true;
        for ((long, apart), short) in longer.iter_mut().zip(&*sum) {
            let now_apart = (*long - short).abs();
            approaches &= now_apart <= 0.5 * *apart && apart.is_finite();
            (*long, *apart) = (*short, now_apart);
        }
        approaches
    }

    /// Limits for an attempt that confirms the one before: an eighth as far. `None` where so few numbers lie within them that
    /// a difference would tell nothing.
    fn confirmation(&self, x: f64, limits: (f64, f64)) -> Option<(f64, f64)> {
        let reach = self.moves.deltas.iter().fold(0.0_f64, |reach, delta| reach.max(delta.abs())) / 8.0;
        let is_apart = x + reach / 8.0 != x || x - reach / 8.0 != x;
        is_apart.then_some((limits.0.max(x - reach), limits.1.min(x + reach)))
    }

    /// NaN for each value, of a coordinate that is not finite. How many there are the function itself tells.
    fn lose(&mut self, coordinate: usize, x: f64, base: Option<&[f64]>) -> Result<(), Error<P::Error>> {
        let n_values = match base {
            Some(base) => base.len(),
            None => {
                self.n_evaluations += 1;
                let values = self.probe.at(coordinate, 0.0);
                values.map_err(|source| Error::Function { coordinate, point: x, source })?.len()
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
    ) -> Result<Option<NotFinite>, Error<P::Error>> {
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
                    at.map_err(|source| Error::Function { coordinate, point: x + delta, source })?
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
                let difference = value - first;
                // That of two values of the size of the largest numbers may overflow.
                *sum += if checked && difference.is_infinite() {
                    weight * value - weight * first
                } else {
                    weight * difference
                };
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
