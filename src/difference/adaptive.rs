//! Derivatives that estimate their own error: gradients by extrapolation.

use ndarray::{Array, ArrayRef, Dimension};

use super::extrapolation::MAX_EVALUATIONS;
use super::gradient::{fallible, infallible, slice};
use super::probe::{FunctionProbe, ObjectiveProbe, Probe};
use super::run::chunk_len;
use super::{Coordinates, Differentiator, Error, Objective, Parallelism};

/// A derivative and how far it can be trusted.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::Differentiator;
/// let slopes = Differentiator::default().adaptive_gradient(|x| x[0].exp() + x[1].abs(), &array![0.0, 0.0])?;
/// assert!((slopes[0].value - 1.0).abs() <= slopes[0].error && slopes[0].error < 1e-12);
/// // At a kink there is no derivative.
/// assert!(slopes[0].converged && !slopes[1].converged);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Estimate {
    /// The derivative.
    pub value: f64,
    /// About how far it is off at most: by extrapolations that disagree, by rounding of values as precise as the
    /// [`Differentiator`] was told, or by a kink, whichever is most. Infinite where the bounds leave room for one difference
    /// only.
    pub error: f64,
    /// How many evaluations it took, besides that of `f(x)`.
    pub n_evaluations: u64,
    /// Whether the error is below `√ε` of the derivative or of the function's own size (for a coordinate of size 1).
    pub converged: bool,
}

impl Differentiator<'_> {
    /// The gradient by extrapolation, with an estimate of its error: an array of the shape of `x`.
    ///
    /// ```text
    /// T[k, 0] = (f(x + h_k) - f(x - h_k)) / 2h_k,  h_k = 0.02·scale_i / 2.2^k
    /// T[k, j] = T[k, j-1] + (T[k, j-1] - T[k-1, j-1]) / (2.2^(2j) - 1)
    /// ```
    ///
    /// Costs one evaluation of f(x) and 6 to 48 a coordinate, mostly 8 or 10, for 12 to 15 digits; more where the function
    /// changes on a scale far below the first step, has a kink, or more noise than its precision says. Stencil and step are
    /// not used; bounds, precision, parallelism, budget and hook are. Near a bound the first step is half the distance to
    /// it, at a bound the differences are one-sided. [`NonFinite::Shorten`](super::NonFinite::Shorten) begins again, nearer
    /// to the point. A coordinate is begun where the budget suffices for 48 more evaluations.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let slope = Differentiator::default().adaptive_gradient(|x| x[0].tan(), &array![0.5])?[0];
    /// assert!((slope.value - 1.2984464104095248).abs() < 1e-12);
    /// assert!(slope.converged && slope.error < 1e-11);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn adaptive_gradient<D, F>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array<Estimate, D>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let make = || infallible(&f);
        self.estimates(make(), Some(make), x)
    }

    /// As [`adaptive_gradient`](Self::adaptive_gradient), for a function that can fail.
    ///
    /// # Errors
    /// [`Error::Function`] with the function's error, and the others of [`Error`].
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Error};
    /// let root = |x: &ndarray::ArrayRef1<f64>| if x[0] < 0.0 { Err("negative") } else { Ok(x[0].sqrt()) };
    /// let how = Differentiator::default();
    /// assert!((how.try_adaptive_gradient(root, &array![1.0])?[0].value - 0.5).abs() < 1e-12);
    /// let error = how.try_adaptive_gradient(root, &array![1e-3]).unwrap_err();
    /// assert!(matches!(error, Error::Function { coordinate: 0, source: "negative", .. }));
    /// # Ok::<(), Error<&str>>(())
    /// ```
    pub fn try_adaptive_gradient<D, F, E>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array<Estimate, D>, Error<E>>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> Result<f64, E> + Sync,
        E: Send,
    {
        let make = || fallible(&f);
        self.estimates(make(), Some(make), x)
    }

    /// As [`adaptive_gradient`](Self::adaptive_gradient), for a function that changes its own state: scratch memory, a cache,
    /// a counter. Always serial; the coordinates come in order.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let mut n_evaluations = 0;
    /// let counted = |x: &ndarray::ArrayRef1<f64>| {
    ///     n_evaluations += 1;
    ///     x[0].exp()
    /// };
    /// let slope = Differentiator::default().adaptive_gradient_mut(counted, &array![0.0])?[0];
    /// assert_eq!(n_evaluations, 1 + slope.n_evaluations);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn adaptive_gradient_mut<D, F>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array<Estimate, D>, Error>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>) -> f64,
    {
        self.estimates(infallible(f), None::<fn() -> _>, x)
    }

    /// As [`adaptive_gradient`](Self::adaptive_gradient), for a function that cannot be shared by threads or carries state:
    /// `make` makes one for each worker, and one for the calling thread. See
    /// [`gradient_per_worker`](Self::gradient_per_worker).
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use std::cell::Cell;
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let make = || {
    ///     let calls = Cell::new(0);
    ///     move |x: &ndarray::ArrayRef1<f64>| { calls.set(calls.get() + 1); x[0] * x[1] }
    /// };
    /// let slopes = Differentiator::default().parallel().adaptive_gradient_per_worker(make, &array![3.0, 4.0])?;
    /// assert!((slopes[0].value - 4.0).abs() < 1e-12);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn adaptive_gradient_per_worker<D, M, F>(
        &self,
        make: M,
        x: &ArrayRef<f64, D>,
    ) -> Result<Array<Estimate, D>, Error>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>) -> f64,
    {
        let make = || infallible(make());
        self.estimates(make(), Some(make), x)
    }

    /// As [`adaptive_gradient`](Self::adaptive_gradient), for chosen coordinates.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If one of the coordinates is not below the number of elements of `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let last = Differentiator::default().adaptive_partials(|x| x[0].exp() * x[1], &array![1.0, 2.0], [1])?;
    /// assert!((last[0].value - 1_f64.exp()).abs() < 1e-12);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn adaptive_partials<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        coordinates: impl Into<Coordinates>,
    ) -> Result<Vec<Estimate>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let coordinates = coordinates.into();
        let mut out = vec![Estimate::default(); coordinates.len()];
        self.adaptive_partials_into(f, x, coordinates, &mut out).map(|()| out)
    }

    /// As [`adaptive_partials`](Self::adaptive_partials), into `out`. Nothing is allocated for a coordinate.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If one of the coordinates does not exist, or `out` has not one slot for each.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Estimate};
    /// let mut out = [Estimate::default(); 1];
    /// Differentiator::default().adaptive_partials_into(|x| x[0].sin(), &ndarray::array![0.0], 0..1, &mut out)?;
    /// assert!((out[0].value - 1.0).abs() < 1e-14);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn adaptive_partials_into<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        coordinates: impl Into<Coordinates>,
        out: &mut [Estimate],
    ) -> Result<(), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let origin = x.as_standard_layout();
        let make = || FunctionProbe::new(infallible(&f), x.raw_dim(), slice(&origin), 1);
        self.estimates_into(make(), Some(make), coordinates.into(), true, out)
    }

    /// As [`adaptive_gradient`](Self::adaptive_gradient), for a structured objective. It is moved by
    /// [`Objective::evaluate`]; the estimate knows of the rounding of what that returns, not of a constant left out there.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// # struct Sines(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sines {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), i: usize, delta: f64) -> f64 { (self.0[i] + delta).sin() }
    /// # }
    /// // `Sines`, Σ sin x_i, implements `Objective`.
    /// let slopes = Differentiator::default().adaptive_objective_gradient(&Sines(vec![0.0, 1.0]))?;
    /// assert!((slopes[1].value - 1_f64.cos()).abs() < 1e-12 && slopes[1].converged);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn adaptive_objective_gradient<O: Objective>(&self, objective: &O) -> Result<Vec<Estimate>, Error> {
        self.adaptive_objective_partials(objective, Coordinates::Range(0..objective.n_coordinates()))
    }

    pub(super) fn adaptive_objective_partials<O: Objective>(
        &self,
        objective: &O,
        coordinates: Coordinates,
    ) -> Result<Vec<Estimate>, Error> {
        let mut out = vec![Estimate::default(); coordinates.len()];
        let make = || ObjectiveProbe::new(objective);
        self.estimates_into(make(), Some(make), coordinates, false, &mut out).map(|()| out)
    }

    /// `own` is the calling thread's function, `make` makes those of others; without it the run is serial.
    fn estimates<D, M, F, E>(
        &self,
        own: F,
        make: Option<M>,
        x: &ArrayRef<f64, D>,
    ) -> Result<Array<Estimate, D>, Error<E>>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
        E: Send,
    {
        let origin = x.as_standard_layout();
        let probe = |f| FunctionProbe::new(f, x.raw_dim(), slice(&origin), 1);
        let make = make.map(|make| move || probe(make()));
        let mut out = vec![Estimate::default(); x.len()];
        self.estimates_into(probe(own), make, Coordinates::Range(0..x.len()), true, &mut out)?;
        Ok(Array::from_shape_vec(x.raw_dim(), out).expect("one estimate a coordinate"))
    }

    /// Coordinates share f(x), or each one evaluates its own.
    fn estimates_into<P: Probe>(
        &self,
        mut own: P,
        make: Option<impl Fn() -> P + Sync>,
        coordinates: Coordinates,
        share_base: bool,
        out: &mut [Estimate],
    ) -> Result<(), Error<P::Error>>
    where
        P::Error: Send,
    {
        let n = coordinates.len();
        assert!(out.len() == n, "{} slots for {n} coordinates", out.len());
        coordinates.check(own.n_coordinates());
        let scheme = self.scheme(&self.stencil, 1, own.n_coordinates());
        // f(x) is worth an evaluation where some coordinate can move.
        let mut first_moved = None;
        for coordinate in (0..n).map(|position| coordinates.get(position)) {
            let point = own.position(coordinate);
            let (lower, upper) = scheme.limits_at(coordinate, point)?;
            if first_moved.is_none() && lower < upper {
                first_moved = Some((coordinate, point));
            }
        }
        let base = match first_moved {
            Some((coordinate, point)) if share_base && self.budget() > 0 => {
                let at = own.unmoved().map_err(|source| Error::Function { coordinate, point, source })?;
                Some(at[0])
            }
            _ => None,
        };
        let n_before = u64::from(base.is_some());
        let n_affordable = (self.budget() - n_before) / MAX_EVALUATIONS;
        let n_affordable = usize::try_from(n_affordable).unwrap_or(usize::MAX).min(n);
        let run = self.start(n, n_before, 0);
        let mut done = vec![false; n];
        let parallel = make.filter(|_| self.parallelism == Parallelism::Pool);
        let chunk_len = if parallel.is_some() { chunk_len(n) } else { 1 };
        let slots = (&mut out[..n_affordable], &mut done[..n_affordable]);
        run.drive(own, parallel, slots, chunk_len, |probe, first, slots, done| {
            for (k, (slot, done)) in slots.iter_mut().zip(done).enumerate() {
                if run.wants(first + k) {
                    match self.extrapolate(&scheme, probe, coordinates.get(first + k), base) {
                        Ok(estimate) => {
                            (*slot, *done) = (estimate, true);
                            run.advance(1, estimate.n_evaluations);
                        }
                        Err(error) => run.fail(first + k, error),
                    }
                }
            }
        });
        let outcome = run.finish(None, done)?;
        let masked = |(slot, done): (&Estimate, &bool)| if *done { slot.value } else { f64::NAN };
        outcome.complete(|done| out.iter().zip(done).map(masked).collect())?;
        Ok(())
    }
}
