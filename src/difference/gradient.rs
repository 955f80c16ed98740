//! Gradients: the entry points for functions of arrays, for slices, and for structured objectives.

use std::convert::Infallible;

use ndarray::{Array, ArrayRef, Dimension};

use super::probe::{FunctionProbe, ObjectiveProbe};
use super::run::Outcome;
use super::worker::{Base, Worker};
use super::{Coordinates, Differentiator, Error, Moves, NonFinite, Objective, Parallelism, Stencil, Step};

/// The gradient of a function of an array of any shape, with the best defaults: central differences, the automatic step,
/// serial.
///
/// ```text
/// ∂f/∂x_i ≈ (f(x + h·e_i) - f(x - h·e_i)) / 2h,    h = ε^(1/3) · max(1, |x_i|)
/// ```
///
/// Costs two evaluations a coordinate. A smooth function's derivative is right to about 10 digits; a [`Differentiator`]
/// gives more of them, bounds, threads and the rest.
///
/// # Errors
/// [`Error::NonFinite`] where the function is NaN or infinite, [`Error::Point`] where `x` is.
///
/// ```
/// use ndarray::array;
///
/// let gradient = numgrad::gradient(|x| x[0] * x[0] + x[1], &array![3.0, 4.0])?;
/// assert!((gradient[0] - 6.0).abs() < 1e-9 && (gradient[1] - 1.0).abs() < 1e-9);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
pub fn gradient<D, F>(f: F, x: &ArrayRef<f64, D>) -> Result<Array<f64, D>, Error>
where
    D: Dimension,
    F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
{
    Differentiator::default().gradient(f, x)
}

/// The gradient as the book's `numerical_gradient(f, x)` takes it: central differences with `h = 1e-4`, for an array of
/// any dimension, serial.
///
/// ```text
/// ∂f/∂x_i ≈ (f(x + h·e_i) - f(x - h·e_i)) / 2h
/// ```
///
/// Costs two evaluations a coordinate; error O(h²) by truncation plus about `ε·|f|/h = 1e-12·|f|` by rounding. NaN and
/// infinity go where the arithmetic takes them.
///
/// ```
/// use numgrad::numerical_gradient;
/// use ndarray::array;
///
/// let gradient = numerical_gradient(|x| x[[0, 0]] * x[[0, 0]] + x[[0, 1]], &array![[3.0, 4.0]]);
/// assert!((gradient[[0, 0]] - 6.0).abs() < 1e-8);
/// ```
pub fn numerical_gradient<D, F>(f: F, x: &ArrayRef<f64, D>) -> Array<f64, D>
where
    D: Dimension,
    F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
{
    let book = Differentiator::new(Stencil::central(), Step::BOOK).with_non_finite(NonFinite::Propagate);
    book.gradient(f, x).expect("nothing is checked, so nothing fails")
}

/// Gradients of functions of an array.
impl Differentiator<'_> {
    /// The gradient of a function of an array of any shape, at `x`: an array of the same shape.
    ///
    /// Costs one evaluation for each point of the stencil but 0 and coordinate, and one of `f(x)` where a stencil has the
    /// point 0: `n + 1` forward, `2n` central, `4n` five-point.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If steps, bounds or scales were given for another number of coordinates than `x` has.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let gradient = Differentiator::default().parallel().gradient(|x| x[0] * x[0], &array![3.0])?;
    /// assert!((gradient[0] - 6.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient<D, F>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array<f64, D>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        self.array_gradient(|| infallible(&f), x, Base::IfNeeded).map(|(_, gradient)| gradient)
    }

    /// As [`gradient`](Self::gradient), into `out`.
    ///
    /// # Errors
    /// See [`Error`]. What was not computed then is left as it was in `out`.
    ///
    /// # Panics
    /// If `out` has another shape than `x`.
    ///
    /// ```
    /// use ndarray::{Array1, array};
    /// use numgrad::difference::Differentiator;
    /// let mut gradient = Array1::zeros(2);
    /// Differentiator::default().gradient_into(|x| x[0] * x[1], &array![3.0, 4.0], &mut gradient)?;
    /// assert!((gradient[0] - 4.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient_into<D, F>(&self, f: F, x: &ArrayRef<f64, D>, out: &mut ArrayRef<f64, D>) -> Result<(), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        self.array_gradient_into(|| infallible(&f), x, Base::IfNeeded, out).map(|_| ())
    }

    /// As [`gradient`](Self::gradient), for a function that can fail.
    ///
    /// # Errors
    /// [`Error::Function`] with the function's error, and the others of [`Error`].
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Error};
    /// let parse = |x: &ndarray::ArrayRef1<f64>| "1.5".parse::<f64>().map(|factor| factor * x[0]);
    /// assert!((Differentiator::default().try_gradient(parse, &array![1.0])?[0] - 1.5).abs() < 1e-9);
    ///
    /// let fail = |x: &ndarray::ArrayRef1<f64>| if x[1] > 2.0 { Err("too large") } else { Ok(x[0]) };
    /// let error = Differentiator::default().try_gradient(fail, &array![1.0, 2.0]).unwrap_err();
    /// assert!(matches!(error, Error::Function { coordinate: 1, source: "too large", .. }));
    /// # Ok::<(), Error<std::num::ParseFloatError>>(())
    /// ```
    pub fn try_gradient<D, F, E>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array<f64, D>, Error<E>>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> Result<f64, E> + Sync,
        E: Send,
    {
        self.array_gradient(|| fallible(&f), x, Base::IfNeeded).map(|(_, gradient)| gradient)
    }

    /// As [`try_gradient`](Self::try_gradient), into `out`.
    ///
    /// # Errors
    /// [`Error::Function`] with the function's error, and the others of [`Error`].
    ///
    /// # Panics
    /// If `out` has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Error};
    /// let mut gradient = array![0.0];
    /// let f = |x: &ndarray::ArrayRef1<f64>| Ok::<f64, String>(2.0 * x[0]);
    /// Differentiator::default().try_gradient_into(f, &array![1.0], &mut gradient)?;
    /// # Ok::<(), Error<String>>(())
    /// ```
    pub fn try_gradient_into<D, F, E>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        out: &mut ArrayRef<f64, D>,
    ) -> Result<(), Error<E>>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> Result<f64, E> + Sync,
        E: Send,
    {
        self.array_gradient_into(|| fallible(&f), x, Base::IfNeeded, out).map(|_| ())
    }

    /// As [`gradient`](Self::gradient), for a function that changes its own state: scratch memory, a cache, a counter.
    /// Always serial; the coordinates come in order.
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
    ///     x[0] * x[1]
    /// };
    /// Differentiator::default().gradient_mut(counted, &array![3.0, 4.0])?;
    /// assert_eq!(n_evaluations, 4);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient_mut<D, F>(&self, mut f: F, x: &ArrayRef<f64, D>) -> Result<Array<f64, D>, Error>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>) -> f64,
    {
        let mut gradient = Array::zeros(x.raw_dim());
        self.gradient_mut_into(&mut f, x, &mut gradient).map(|()| gradient)
    }

    /// As [`gradient_mut`](Self::gradient_mut), into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If `out` has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// let (mut gradient, mut seen) = (array![0.0], Vec::new());
    /// let f = |x: &ndarray::ArrayRef1<f64>| { seen.push(x[0]); 2.0 * x[0] };
    /// numgrad::difference::Differentiator::default().gradient_mut_into(f, &array![1.0], &mut gradient)?;
    /// assert!(seen[0] > 1.0 && seen[1] < 1.0);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient_mut_into<D, F>(&self, f: F, x: &ArrayRef<f64, D>, out: &mut ArrayRef<f64, D>) -> Result<(), Error>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>) -> f64,
    {
        check_shapes(x, out);
        let origin = x.as_standard_layout();
        let probe = FunctionProbe::new(infallible(f), x.raw_dim(), slice(&origin), 1);
        with_slots(out, |slots| {
            let all = Coordinates::Range(0..slots.len());
            let serial = None::<fn() -> _>;
            let outcome = self.each(probe, serial, &all, Base::IfNeeded, slots, store_scalar)?;
            complete(outcome, slots)
        })
        .map(|_| ())
    }

    /// As [`gradient`](Self::gradient), for a function that cannot be shared by threads or carries state: `make` makes one
    /// for each worker, and one for the calling thread.
    ///
    /// What is made is used by one thread only. For the same bits with any number of threads, an evaluation must leave
    /// nothing behind that changes the next.
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
    /// let gradient = Differentiator::default().parallel().gradient_per_worker(make, &array![3.0, 4.0])?;
    /// assert!((gradient[0] - 4.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient_per_worker<D, M, F>(&self, make: M, x: &ArrayRef<f64, D>) -> Result<Array<f64, D>, Error>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>) -> f64,
    {
        self.array_gradient(|| infallible(make()), x, Base::IfNeeded).map(|(_, gradient)| gradient)
    }

    /// As [`gradient_per_worker`](Self::gradient_per_worker), into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If `out` has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// let mut gradient = array![0.0];
    /// let make = || |x: &ndarray::ArrayRef1<f64>| 2.0 * x[0];
    /// numgrad::difference::Differentiator::default().gradient_per_worker_into(make, &array![1.0], &mut gradient)?;
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient_per_worker_into<D, M, F>(
        &self,
        make: M,
        x: &ArrayRef<f64, D>,
        out: &mut ArrayRef<f64, D>,
    ) -> Result<(), Error>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>) -> f64,
    {
        self.array_gradient_into(|| infallible(make()), x, Base::IfNeeded, out).map(|_| ())
    }

    /// `f(x)` and the gradient there. The value is used where a stencil needs it: forward differences cost `n + 1`
    /// evaluations with it or without, central ones `2n + 1`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let (value, gradient) = Differentiator::default().value_and_gradient(|x| x[0] * x[0], &array![3.0])?;
    /// assert!(value == 9.0 && (gradient[0] - 6.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn value_and_gradient<D, F>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<(f64, Array<f64, D>), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        self.array_gradient(|| infallible(&f), x, Base::Wanted)
    }

    /// As [`value_and_gradient`](Self::value_and_gradient): the gradient into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If `out` has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// let (mut gradient, central) = (array![0.0], numgrad::difference::Differentiator::default());
    /// assert_eq!(central.value_and_gradient_into(|x| x[0] * x[0], &array![3.0], &mut gradient)?, 9.0);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn value_and_gradient_into<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        out: &mut ArrayRef<f64, D>,
    ) -> Result<f64, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        self.array_gradient_into(|| infallible(&f), x, Base::Wanted, out)
    }

    /// As [`gradient`](Self::gradient), where `value = f(x)` is known already: forward differences cost `n` evaluations.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Step, Stencil};
    /// let forward = Differentiator::new(Stencil::forward(), Step::Automatic);
    /// let gradient = forward.gradient_with_value(|x| x[0] * x[0], &array![3.0], 9.0)?;
    /// assert!((gradient[0] - 6.0).abs() < 1e-6);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient_with_value<D, F>(&self, f: F, x: &ArrayRef<f64, D>, value: f64) -> Result<Array<f64, D>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        self.array_gradient(|| infallible(&f), x, Base::Known(value)).map(|(_, gradient)| gradient)
    }

    /// As [`gradient_with_value`](Self::gradient_with_value), into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If `out` has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Step, Stencil};
    /// let (mut gradient, forward) = (array![0.0], Differentiator::new(Stencil::forward(), Step::Automatic));
    /// forward.gradient_with_value_into(|x| x[0] * x[0], &array![3.0], 9.0, &mut gradient)?;
    /// assert!((gradient[0] - 6.0).abs() < 1e-6);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient_with_value_into<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        value: f64,
        out: &mut ArrayRef<f64, D>,
    ) -> Result<(), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        self.array_gradient_into(|| infallible(&f), x, Base::Known(value), out).map(|_| ())
    }

    /// Chosen coordinates of the gradient, in the order asked for. They have the bits of the whole gradient.
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
    /// let last = Differentiator::default().partials(|x| x[0] * x[1], &array![3.0, 4.0], [1])?;
    /// assert!((last[0] - 3.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn partials<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        coordinates: impl Into<Coordinates>,
    ) -> Result<Vec<f64>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let coordinates = coordinates.into();
        let mut out = vec![0.0; coordinates.len()];
        self.partials_into(f, x, coordinates, &mut out).map(|()| out)
    }

    /// As [`partials`](Self::partials), into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If one of the coordinates is not below the number of elements of `x`, or `out` has not one slot for each.
    ///
    /// ```
    /// use ndarray::array;
    /// let mut last_two = [0.0; 2];
    /// let (central, x) = (numgrad::difference::Differentiator::default(), array![3.0, 4.0, 5.0]);
    /// central.partials_into(|x| x[0] * x[1] * x[2], &x, 1..3, &mut last_two)?;
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn partials_into<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        coordinates: impl Into<Coordinates>,
        out: &mut [f64],
    ) -> Result<(), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let coordinates = coordinates.into();
        check_slots(&coordinates, out);
        let origin = x.as_standard_layout();
        let make = || FunctionProbe::new(infallible(&f), x.raw_dim(), slice(&origin), 1);
        let outcome = self.each(make(), Some(make), &coordinates, Base::IfNeeded, out, store_scalar)?;
        complete(outcome, out).map(|_| ())
    }

    /// As [`gradient`](Self::gradient), for a function of a slice.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let gradient = Differentiator::default().slice_gradient(|x| x.iter().product(), &[3.0, 4.0])?;
    /// assert!((gradient[0] - 4.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn slice_gradient<F: Fn(&[f64]) -> f64 + Sync>(&self, f: F, x: &[f64]) -> Result<Vec<f64>, Error> {
        let mut out = vec![0.0; x.len()];
        self.slice_gradient_into(f, x, &mut out).map(|()| out)
    }

    /// As [`slice_gradient`](Self::slice_gradient), into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If `out` has another length than `x`.
    ///
    /// ```
    /// let mut gradient = [0.0; 2];
    /// let central = numgrad::difference::Differentiator::default();
    /// central.slice_gradient_into(|x| x[0] * x[1], &[3.0, 4.0], &mut gradient)?;
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn slice_gradient_into<F: Fn(&[f64]) -> f64 + Sync>(
        &self,
        f: F,
        x: &[f64],
        out: &mut [f64],
    ) -> Result<(), Error> {
        self.partials_into(|x| f(slice(x)), &ndarray::aview1(x), 0..x.len(), out)
    }

    /// The gradient by the functions that `make` makes, and `f(x)` if it is wanted (else NaN).
    fn array_gradient<D, M, F, E>(
        &self,
        make: M,
        x: &ArrayRef<f64, D>,
        base: Base,
    ) -> Result<(f64, Array<f64, D>), Error<E>>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
        E: Send,
    {
        let mut gradient = Array::zeros(x.raw_dim());
        let value = self.array_gradient_into(make, x, base, &mut gradient)?;
        Ok((value, gradient))
    }

    pub(super) fn array_gradient_into<D, M, F, E>(
        &self,
        make: M,
        x: &ArrayRef<f64, D>,
        base: Base,
        out: &mut ArrayRef<f64, D>,
    ) -> Result<f64, Error<E>>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
        E: Send,
    {
        check_shapes(x, out);
        let origin = x.as_standard_layout();
        let make = || FunctionProbe::new(make(), x.raw_dim(), slice(&origin), 1);
        with_slots(out, |slots| {
            let all = Coordinates::Range(0..slots.len());
            let outcome = self.each(make(), Some(make), &all, base, slots, store_scalar)?;
            complete(outcome, slots)
        })
    }
}

/// Gradients of structured objectives.
impl Differentiator<'_> {
    /// The gradient of an objective.
    ///
    /// With an absolute step and no bounds by whole blocks ([`Objective::differences`]), at the objective's own cost;
    /// otherwise by [`Objective::evaluate`], one evaluation for each point of the stencil and coordinate.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// # struct Sum(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sum {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 { delta * (coordinate + 1) as f64 }
    /// # }
    /// // `Sum` implements `Objective`.
    /// let gradient = Differentiator::default().objective_gradient(&mut Sum(vec![0.0; 2]))?;
    /// assert!((gradient[1] - 2.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn objective_gradient<O: Objective>(&self, objective: &mut O) -> Result<Vec<f64>, Error> {
        let mut out = vec![0.0; objective.n_coordinates()];
        self.objective_gradient_into(objective, &mut out).map(|()| out)
    }

    /// As [`objective_gradient`](Self::objective_gradient), into `out`, one slot a coordinate.
    ///
    /// # Errors
    /// See [`Error`]. What was not computed then is left as it was in `out`.
    ///
    /// # Panics
    /// If `out` does not have one slot for each coordinate.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// # struct Sum(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sum {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 { delta * (coordinate + 1) as f64 }
    /// # }
    /// // `Sum` implements `Objective`.
    /// let mut gradient = [0.0; 2];
    /// Differentiator::default().objective_gradient_into(&mut Sum(vec![0.0; 2]), &mut gradient)?;
    /// assert!((gradient[1] - 2.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn objective_gradient_into<O: Objective>(&self, objective: &mut O, out: &mut [f64]) -> Result<(), Error> {
        self.objective_partials_into(objective, 0..objective.n_coordinates(), out)
    }

    /// Chosen coordinates of the gradient of an objective, into `out` in the order asked for.
    ///
    /// # Errors
    /// See [`Error`]. What was not computed then is left as it was in `out`.
    ///
    /// # Panics
    /// If one of the coordinates does not exist, or `out` has not one slot for each.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// # struct Sum(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sum {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 { delta * (coordinate + 1) as f64 }
    /// # }
    /// // `Sum` implements `Objective`.
    /// let mut second_half = [0.0; 2];
    /// Differentiator::default().objective_partials_into(&mut Sum(vec![0.0; 4]), 2..4, &mut second_half)?;
    /// assert!((second_half[0] - 3.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn objective_partials_into<O: Objective>(
        &self,
        objective: &mut O,
        coordinates: impl Into<Coordinates>,
        out: &mut [f64],
    ) -> Result<(), Error> {
        let coordinates = coordinates.into();
        check_slots(&coordinates, out);
        coordinates.check(objective.n_coordinates());
        let outcome = match self.step {
            Step::Absolute(h) if !self.is_bounded() => self.in_blocks(objective, h, &coordinates, out)?,
            _ => {
                let objective = &*objective;
                let make = || ObjectiveProbe::new(objective);
                self.each(make(), Some(make), &coordinates, Base::Own, out, store_scalar)?
            }
        };
        complete(outcome, out).map(|_| ())
    }

    /// The same moves for every coordinate: by whole blocks.
    fn in_blocks<O: Objective>(
        &self,
        objective: &mut O,
        h: f64,
        coordinates: &Coordinates,
        out: &mut [f64],
    ) -> Result<Outcome, Error> {
        let n = coordinates.len();
        let scheme = self.scheme(&self.stencil, 1, objective.n_coordinates());
        let moves = Moves { deltas: &self.deltas, weights: self.stencil.weights(), divisor: h };
        objective.prepare(&moves, self.parallelism);
        let objective = &*objective;
        let block_len = objective.block_len().max(1);
        let per_coordinate = self.deltas.len() as u64;
        let n_affordable = usize::try_from(self.budget() / per_coordinate).unwrap_or(usize::MAX).min(n);
        let run = self.start(n, 0, self.budget() - n_affordable as u64 * per_coordinate);
        let make = || Worker::new(ObjectiveProbe::new(objective));
        let parallel = self.parallelism == Parallelism::Pool;
        let n_tasks = if parallel { rayon::current_num_threads() * TASKS_PER_WORKER } else { 1 };
        let task_len = n.div_ceil(n_tasks).next_multiple_of(block_len).max(1);
        let mut done = vec![false; if self.may_stop() { n } else { 0 }];
        let n_noted = done.len().min(n_affordable);
        let slots = (&mut out[..n_affordable], &mut done[..n_noted]);
        run.drive(make(), parallel.then_some(make), slots, task_len, |worker, first, slots, done| {
            let mut begin = 0;
            while begin < slots.len() && run.wants(first + begin) {
                let position = first + begin;
                let range = coordinates.run(position, position + block_len.min(slots.len() - begin));
                let block = begin..begin + range.len();
                let slots = &mut slots[block.clone()];
                objective.differences(&mut worker.probe.workspace, range.clone(), &moves, slots);
                let done = done.get_mut(block.clone()).unwrap_or_default();
                done.fill(true);
                if self.non_finite != NonFinite::Propagate {
                    for (k, slot) in slots.iter_mut().enumerate().filter(|(_, slot)| !slot.is_finite()) {
                        // Once more by itself, to see which evaluation it is.
                        let is_done = self.one(&scheme, &run, worker, (position + k, range.start + k), None);
                        if let Some(done) = done.get_mut(k) {
                            *done = is_done;
                        }
                        *slot = worker.sum.first().copied().unwrap_or(f64::NAN);
                    }
                }
                run.advance(range.len(), per_coordinate * range.len() as u64);
                begin = block.end;
            }
        });
        run.finish(None, done)
    }
}

/// A coordinate that is not moved at all has no values: its derivative is 0.
fn store_scalar(slot: &mut f64, sum: &[f64]) {
    *slot = sum.first().copied().unwrap_or(0.0);
}

/// How many tasks each worker gets on average where an objective is done in blocks.
const TASKS_PER_WORKER: usize = 16;

type Scalar<E> = Result<(), E>;

/// A function as a worker calls it.
pub(super) fn infallible<D, F>(mut f: F) -> impl FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Scalar<Infallible>
where
    F: FnMut(&ArrayRef<f64, D>) -> f64,
{
    move |x, values| {
        values[0] = f(x);
        Ok(())
    }
}

pub(super) fn fallible<D, F, E>(mut f: F) -> impl FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Scalar<E>
where
    F: FnMut(&ArrayRef<f64, D>) -> Result<f64, E>,
{
    move |x, values| {
        values[0] = f(x)?;
        Ok(())
    }
}

/// What is in standard layout, as a slice.
pub(super) fn slice<D: Dimension>(array: &ArrayRef<f64, D>) -> &[f64] {
    array.as_slice().expect("an array in standard layout")
}

/// `f(x)`, if it was wanted and all is done.
fn complete<E>(outcome: Outcome, slots: &[f64]) -> Result<f64, Error<E>> {
    let masked =
        |done: &[bool]| slots.iter().zip(done).map(|(&slot, &done)| if done { slot } else { f64::NAN }).collect();
    outcome.complete(masked).map(|base| base.map_or(f64::NAN, |base| base[0]))
}

/// Lets `fill` write an array in standard order, whatever its layout.
fn with_slots<D: Dimension, R>(out: &mut ArrayRef<f64, D>, fill: impl FnOnce(&mut [f64]) -> R) -> R {
    if let Some(slots) = out.as_slice_mut() {
        return fill(slots);
    }
    let mut copy = out.as_standard_layout().into_owned();
    let filled = fill(copy.as_slice_mut().expect("a copy in standard layout"));
    out.assign(&copy);
    filled
}

pub(super) fn check_shapes<D: Dimension>(x: &ArrayRef<f64, D>, out: &ArrayRef<f64, D>) {
    assert!(x.shape() == out.shape(), "an array of {:?} for a gradient of {:?}", out.shape(), x.shape());
}

fn check_slots(coordinates: &Coordinates, out: &[f64]) {
    assert!(out.len() == coordinates.len(), "{} slots for {} coordinates", out.len(), coordinates.len());
}
