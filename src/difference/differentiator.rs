//! How to differentiate: what all derivatives have in common, and the core that perturbs and evaluates.

use std::fmt;

use super::moves::{LocalMoves, Scheme};
use super::probe::Probe;
use super::run::{Outcome, Run, chunk_len};
use super::{Coordinates, Error, Hook, Parallelism, PerCoordinate, Stencil, Step};

/// What happens where the function is NaN or infinite.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::{Differentiator, NonFinite};
///
/// let (x, f) = (array![1e-9, 1.0], |x: &ndarray::ArrayRef1<f64>| x[0].ln() + x[1]);
/// let by_rule = |rule| Differentiator::default().with_non_finite(rule).gradient(f, &x);
/// assert!(by_rule(NonFinite::Error).is_err());
/// assert!((by_rule(NonFinite::Shorten)?[0] / 1e9 - 1.0).abs() < 0.02);
/// let gradient = by_rule(NonFinite::Nan)?;
/// assert!(gradient[0].is_nan() && (gradient[1] - 1.0).abs() < 1e-9);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NonFinite {
    /// [`Error::NonFinite`], which names coordinate, point and value.
    #[default]
    Error,
    /// The coordinate is tried again with points an eighth as far away as the one that failed; after the eighth time on the
    /// other side of `x` alone, from the full step on. After the sixteenth it is an error, and so is a value at `x` itself.
    Shorten,
    /// The derivative of this coordinate is NaN; the others are what they are.
    Nan,
    /// Nothing is checked, not the values, the point nor the step: what the arithmetic gives, as in the book.
    Propagate,
}

/// How often [`NonFinite::Shorten`] tries a coordinate again with a shorter step, and how often one-sided.
const SHORTER_ATTEMPTS: usize = 8;
const ONE_SIDED_ATTEMPTS: usize = 8;

/// How to differentiate: stencil, step, bounds, serial or parallel, and what to do when something goes wrong.
///
/// Its methods take the function and the point. The function must depend on nothing but its argument; the point is never
/// changed, and the result has the same bits for any number of threads. A function of an array of any shape is one of its
/// *coordinates*, numbered in standard (row-major) order.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::{Differentiator, Stencil, Step};
///
/// let f = |x: &ndarray::ArrayRef1<f64>| x[0].ln() + x[1];
/// let precise = Differentiator::new(Stencil::five_point(), Step::Automatic).parallel();
/// assert!((precise.gradient(f, &array![1.0, 0.0])?[0] - 1.0).abs() < 1e-11);
///
/// // ln is not defined below 0: no point is evaluated there.
/// let bounded = Differentiator::default().with_bounds([1e-9, -1.0], 1e9);
/// assert!((bounded.gradient(f, &array![1e-3, 0.0])?[0] / 1000.0 - 1.0).abs() < 1e-4);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Differentiator<'h> {
    pub(super) stencil: Stencil,
    pub(super) step: Step,
    /// `points · step` of an absolute step, made once so that a gradient by blocks allocates nothing.
    pub(super) deltas: Vec<f64>,
    precision: f64,
    bounds: Option<(PerCoordinate, PerCoordinate)>,
    pub(super) parallelism: Parallelism,
    pub(super) non_finite: NonFinite,
    budget: Option<u64>,
    hook: HookSlot<'h>,
}

#[derive(Clone, Copy)]
struct HookSlot<'h>(Option<Hook<'h>>);

impl fmt::Debug for HookSlot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some(..)" } else { "None" })
    }
}

impl Default for Differentiator<'_> {
    /// Central differences with the automatic step, serial, of functions that are exact to the last bit or so.
    fn default() -> Self {
        Self::new(Stencil::central(), Step::Automatic)
    }
}

impl<'h> Differentiator<'h> {
    /// Serial, with this stencil and step.
    ///
    /// # Panics
    /// If a step is not positive and finite.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Stencil, Step};
    /// let books = Differentiator::new(Stencil::central(), Step::BOOK);
    /// assert!((books.gradient(|x| x[0] * x[0], &ndarray::array![3.0])?[0] - 6.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn new(stencil: Stencil, step: Step) -> Self {
        step.check();
        let deltas = match step {
            Step::Absolute(h) => stencil.points().iter().map(|point| point * h).collect(),
            _ => Vec::new(),
        };
        Self {
            stencil,
            deltas,
            step,
            precision: f64::EPSILON,
            bounds: None,
            parallelism: Parallelism::Serial,
            non_finite: NonFinite::Error,
            budget: None,
            hook: HookSlot(None),
        }
    }

    /// The same on rayon's current pool.
    ///
    /// ```
    /// let parallel = numgrad::difference::Differentiator::default().parallel();
    /// assert_eq!(parallel.gradient(|x| x.sum(), &ndarray::array![0.0])?[0], 1.0);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn parallel(self) -> Self {
        self.with_parallelism(Parallelism::Pool)
    }

    /// The same, serial or parallel.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Parallelism};
    /// let serial = Differentiator::default().parallel().with_parallelism(Parallelism::Serial);
    /// ```
    pub fn with_parallelism(self, parallelism: Parallelism) -> Self {
        Self { parallelism, ..self }
    }

    /// The same for a function whose values are exact to this relative precision: 6e-8 for one in single precision, more
    /// for a noisy one. It makes the automatic step longer.
    ///
    /// # Panics
    /// If the precision is not between 0 and 1.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let single = Differentiator::default().with_precision(f64::from(f32::EPSILON));
    /// let slope = single.gradient(|x| f64::from((x[0] as f32).sin()), &ndarray::array![1.0])?[0];
    /// assert!((slope - 1_f64.cos()).abs() < 1e-4);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn with_precision(self, precision: f64) -> Self {
        assert!(precision > 0.0 && precision < 1.0, "a relative precision of {precision}");
        Self { precision, ..self }
    }

    /// The same, evaluating nothing outside `lower..=upper`: one number for all coordinates or one for each.
    ///
    /// A stencil that would leave them turns one-sided, of the same order, or shortens. The derivative of a coordinate that
    /// they leave no room is 0.
    ///
    /// # Panics
    /// If a lower bound is above its upper one, or one of them is NaN.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let bounded = Differentiator::default().with_bounds(0.0, [4.0, 9.0]);
    /// let gradient = bounded.gradient(|x| x[0].sqrt() * x[1].sqrt(), &ndarray::array![4.0, 9.0])?;
    /// assert!((gradient[0] - 0.75).abs() < 1e-9 && (gradient[1] - 1.0 / 3.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn with_bounds(self, lower: impl Into<PerCoordinate>, upper: impl Into<PerCoordinate>) -> Self {
        let (lower, upper) = (lower.into(), upper.into());
        if let (Some(n_lower), Some(n_upper)) = (lower.len(), upper.len()) {
            assert!(n_lower == n_upper, "{n_lower} lower and {n_upper} upper bounds");
        }
        for coordinate in 0..lower.len().or(upper.len()).unwrap_or(1) {
            let (lower, upper) = (lower.get(coordinate), upper.get(coordinate));
            assert!(lower <= upper, "coordinate {coordinate} is bounded by {lower}..={upper}");
        }
        Self { bounds: Some((lower, upper)), ..self }
    }

    /// The same, with another rule for values that are NaN or infinite.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, NonFinite};
    /// let away = Differentiator::default().with_non_finite(NonFinite::Shorten);
    /// // (-1e-9).powf(1.5) is NaN.
    /// assert!(away.gradient(|x| x[0].powf(1.5), &ndarray::array![0.0])?[0].abs() < 1e-2);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn with_non_finite(self, non_finite: NonFinite) -> Self {
        Self { non_finite, ..self }
    }

    /// The same, stopping with [`Error::Stopped`] before a derivative costs more than so many evaluations.
    ///
    /// What the budget suffices for is the same for any number of threads: the first coordinates that were asked for.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let frugal = Differentiator::default().with_budget(3);
    /// let stopped = frugal.gradient(|x| x.sum(), &ndarray::array![1.0, 2.0]).unwrap_err();
    /// assert_eq!(stopped.to_string(), "out of its budget of evaluations after 1 of 2 coordinates");
    /// ```
    pub fn with_budget(self, n_evaluations: u64) -> Self {
        Self { budget: Some(n_evaluations), ..self }
    }

    /// The same, telling this hook of progress; it may cancel.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use numgrad::difference::{Differentiator, Progress};
    ///
    /// let at_most_two = |progress: Progress| {
    ///     if progress.n_done < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    /// };
    /// let watched = Differentiator::default().with_hook(&at_most_two);
    /// let cancelled = watched.gradient(|x| x.sum(), &ndarray::array![1.0, 2.0, 3.0]).unwrap_err();
    /// assert_eq!(cancelled.partial().unwrap().done, [true, true, false]);
    /// ```
    pub fn with_hook<'a>(self, hook: Hook<'a>) -> Differentiator<'a>
    where
        'h: 'a,
    {
        Differentiator { hook: HookSlot(Some(hook)), ..self }
    }

    /// The same with another step, and bounds that may be none.
    pub(super) fn with_step_and_bounds(&self, step: Step, bounds: Option<(PerCoordinate, PerCoordinate)>) -> Self {
        let Self { precision, parallelism, non_finite, budget, hook, .. } = *self;
        Self { bounds, precision, parallelism, non_finite, budget, hook, ..Self::new(self.stencil.clone(), step) }
    }

    pub(super) fn precision(&self) -> f64 {
        self.precision
    }

    pub(super) fn with_precision_power(&self, power: f64) -> Self {
        Self { precision: self.precision.powf(power), ..self.clone() }
    }

    /// For evaluations that are `n` of the function each.
    pub(super) fn divide_budget(&mut self, n: u64) {
        self.budget = self.budget.map(|budget| budget / n);
    }

    /// Whether a derivative may be stopped before it is done.
    pub(super) fn may_stop(&self) -> bool {
        self.budget.is_some() || self.hook.0.is_some()
    }

    pub(super) fn is_bounded(&self) -> bool {
        self.bounds.is_some()
    }

    /// How coordinates are moved, for the derivative of this order.
    ///
    /// # Panics
    /// If steps or bounds are for another number of coordinates than `n`.
    pub(super) fn scheme<'a>(&'a self, stencil: &'a Stencil, derivative: u32, n: usize) -> Scheme<'a> {
        let n_steps = if let Step::PerCoordinate(lengths) = &self.step { Some(lengths.len()) } else { None };
        let n_bounds = self.bounds.as_ref().and_then(|(lower, upper)| lower.len().or(upper.len()));
        for (found, what) in [(n_steps, "steps"), (n_bounds, "bounds")] {
            if let Some(found) = found {
                assert!(found == n, "{found} {what} for {n} coordinates");
            }
        }
        Scheme {
            stencil,
            step: &self.step,
            automatic_step: self.precision.powf(1.0 / f64::from(stencil.order() + derivative)),
            bounds: self.bounds.as_ref(),
            checked: self.non_finite != NonFinite::Propagate,
        }
    }

    /// A run over `n` slots that has already cost `n_evaluations`; `spare` are left for retries.
    pub(super) fn start<E: Send>(&self, n: usize, n_evaluations: u64, spare: u64) -> Run<'h, E> {
        Run::new(self.hook.0, n, n_evaluations, spare)
    }

    /// How many evaluations there may be.
    pub(super) fn budget(&self) -> u64 {
        self.budget.unwrap_or(u64::MAX)
    }

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
            if self.is_bounded() {
                scheme.plan(coordinate, x, limits, &mut worker.moves)?;
                let deltas = &worker.moves.deltas;
                needs_base |= deltas.contains(&0.0);
                costs.push(deltas.iter().filter(|delta| costs_one(delta)).count() as u64);
            }
        }
        let evaluates_base = match base {
            Base::IfNeeded => needs_base && n > 0 && self.budget() > 0,
            Base::Wanted => n == 0 || self.budget() > 0,
            Base::Known(_) | Base::Own => false,
        };
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
        let mut limits = widest;
        for attempt in 0.. {
            let weighed = scheme
                .plan(coordinate, x, limits, &mut worker.moves)
                .and_then(|()| worker.weigh(coordinate, x, base, scheme.checked));
            let NotFinite { delta, value } = match weighed {
                Ok(None) => return true,
                Ok(Some(not_finite)) => not_finite,
                Err(error) => {
                    run.fail(position, error);
                    return false;
                }
            };
            if self.non_finite == NonFinite::Nan {
                worker.sum.iter_mut().for_each(|sum| *sum = f64::NAN);
                return true;
            }
            let Some(nearer) = self.nearer(attempt, x, delta, limits, widest) else {
                run.fail(position, Error::NonFinite { coordinate, point: x + delta, value });
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
    /// Of the coordinate at hand.
    pub n_evaluations: u64,
}

/// A value that no derivative can be made of.
struct NotFinite {
    delta: f64,
    value: f64,
}

impl<P: Probe> Worker<P> {
    pub fn new(probe: P) -> Self {
        Self { probe, moves: LocalMoves::default(), sum: Vec::new(), first: Vec::new(), n_evaluations: 0 }
    }

    /// The weighted sum of the values at the planned points, divided; or the first value that is not finite.
    fn weigh(
        &mut self,
        coordinate: usize,
        x: f64,
        base: Option<&[f64]>,
        checked: bool,
    ) -> Result<Option<NotFinite>, Error<P::Error>> {
        let Self { probe, moves, sum, first, n_evaluations } = self;
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
                    return Ok(Some(NotFinite { delta, value }));
                }
                *sum += weight * (value - first);
            }
        }
        for sum in sum.iter_mut() {
            if !moves.deltas.is_empty() {
                *sum /= moves.divisor;
            }
            if checked && !sum.is_finite() {
                return Ok(Some(NotFinite { delta: 0.0, value: *sum }));
            }
        }
        Ok(None)
    }
}
