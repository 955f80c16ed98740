//! How a function and a point become one value: of one number or of many, shared or not, that can fail or not.

use super::differentiator::Differentiator;
use super::function::{EachWorker, Exclusive, Returning, Shared, Writing, Written};
use super::of::Of;
use super::of_values::OfValues;
use super::point::Point;

/// Functions of one value.
impl Differentiator {
    /// A function at `x`, which all workers share.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let central = Differentiator::default().parallel();
    /// let gradient = central.of(|x| x.iter().map(|x| x * x).sum(), &array![[3.0, 4.0]]).gradient()?;
    /// assert!((gradient[[0, 1]] - 8.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn of<'a, P, F>(&'a self, f: F, x: &'a P) -> Of<'a, Shared<F, Returning<f64>>, P>
    where
        P: Point + ?Sized,
        F: Fn(&P::Seen) -> f64 + Sync,
    {
        Of::new(self, Shared::new(f), x)
    }

    /// As [`of`](Self::of), for a function that changes its own state: scratch memory, a cache, a counter. Always serial; the
    /// coordinates come in order.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let mut n_evaluations = 0;
    /// let counted = |[a, b]: &[f64; 2]| {
    ///     n_evaluations += 1;
    ///     a * b
    /// };
    /// Differentiator::default().of_mut(counted, &[3.0, 4.0]).gradient()?;
    /// assert_eq!(n_evaluations, 4);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn of_mut<'a, P, F>(&'a self, f: F, x: &'a P) -> Of<'a, Exclusive<F, Returning<f64>>, P>
    where
        P: Point + ?Sized,
        F: FnMut(&P::Seen) -> f64,
    {
        Of::new(self, Exclusive::new(f), x)
    }

    /// As [`of`](Self::of), for a function that cannot be shared by threads or carries state: `make` makes one for each
    /// worker, and one for the calling thread.
    ///
    /// What is made is used by one thread only. For the same bits with any number of threads, an evaluation must leave
    /// nothing behind that changes the next.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let make = || {
    ///     let mut squares = vec![0.0; 2];
    ///     move |x: &[f64; 2]| {
    ///         squares.iter_mut().zip(x).for_each(|(square, x)| *square = x * x);
    ///         squares.iter().sum()
    ///     }
    /// };
    /// let gradient = Differentiator::default().parallel().of_each_worker(make, &[3.0, 4.0]).gradient()?;
    /// assert!((gradient[0] - 6.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn of_each_worker<'a, P, M, F>(&'a self, make: M, x: &'a P) -> Of<'a, EachWorker<M, Returning<f64>>, P>
    where
        P: Point + ?Sized,
        M: Fn() -> F + Sync,
        F: FnMut(&P::Seen) -> f64,
    {
        Of::new(self, EachWorker::new(make), x)
    }

    /// As [`of`](Self::of), for a function that can fail.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, TryError};
    /// let root = |x: &[f64; 2]| if x[1] < 0.0 { Err("negative") } else { Ok(x[0] * x[1].sqrt()) };
    /// let central = Differentiator::default();
    /// assert!((central.try_of(root, &[1.0, 4.0]).gradient()?[1] - 0.25).abs() < 1e-9);
    /// let error = central.try_of(root, &[1.0, 0.0]).gradient().unwrap_err();
    /// assert!(matches!(error, TryError::Function { coordinate: 1, source: "negative", .. }));
    /// # Ok::<(), TryError<&str>>(())
    /// ```
    pub fn try_of<'a, P, F, E>(&'a self, f: F, x: &'a P) -> Of<'a, Shared<F, Returning<Result<f64, E>>>, P>
    where
        P: Point + ?Sized,
        F: Fn(&P::Seen) -> Result<f64, E> + Sync,
        E: Send,
    {
        Of::new(self, Shared::new(f), x)
    }

    /// As [`of_mut`](Self::of_mut), for a function that can fail.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, TryError};
    /// let mut seen = Vec::new();
    /// let f = |[x]: &[f64; 1]| {
    ///     seen.push(*x);
    ///     if seen.len() > 10 { Err("worn out") } else { Ok(x.sin()) }
    /// };
    /// assert!((Differentiator::default().try_of_mut(f, &[0.0]).gradient()?[0] - 1.0).abs() < 1e-9);
    /// assert!(seen[0] > 0.0 && seen[1] < 0.0);
    /// # Ok::<(), TryError<&str>>(())
    /// ```
    pub fn try_of_mut<'a, P, F, E>(&'a self, f: F, x: &'a P) -> Of<'a, Exclusive<F, Returning<Result<f64, E>>>, P>
    where
        P: Point + ?Sized,
        F: FnMut(&P::Seen) -> Result<f64, E>,
        E: Send,
    {
        Of::new(self, Exclusive::new(f), x)
    }

    /// As [`of_each_worker`](Self::of_each_worker), for functions that can fail: the handle of a simulator for each thread.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, TryError};
    /// let start = || {
    ///     let mut n_runs = 0;
    ///     move |x: &[f64; 1]| {
    ///         n_runs += 1;
    ///         if x[0] < 0.0 { Err(format!("run {n_runs} has not converged")) } else { Ok(x[0].sqrt()) }
    ///     }
    /// };
    /// let central = Differentiator::default().parallel();
    /// assert!((central.try_of_each_worker(start, &[4.0]).gradient()?[0] - 0.25).abs() < 1e-9);
    /// let error = central.try_of_each_worker(start, &[0.0]).gradient().unwrap_err();
    /// assert!(error.to_string().ends_with("run 2 has not converged"));
    /// # Ok::<(), TryError<String>>(())
    /// ```
    pub fn try_of_each_worker<'a, P, M, F, E>(
        &'a self,
        make: M,
        x: &'a P,
    ) -> Of<'a, EachWorker<M, Returning<Result<f64, E>>>, P>
    where
        P: Point + ?Sized,
        M: Fn() -> F + Sync,
        F: FnMut(&P::Seen) -> Result<f64, E>,
        E: Send,
    {
        Of::new(self, EachWorker::new(make), x)
    }
}

/// Functions of many values.
impl Differentiator {
    /// A function of many values at `x`, which all workers share. It returns an `Array1` where `x` is an array, and a `Vec`
    /// where it is not.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let squares = |x: &[f64; 3]| x.iter().map(|x| x * x).collect();
    /// let jacobian = Differentiator::default().of_values(squares, &[1.0, 2.0, 3.0]).jacobian()?;
    /// assert!((jacobian[[2, 2]] - 6.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn of_values<'a, P, F>(&'a self, f: F, x: &'a P) -> OfValues<'a, Shared<F, Returning<P::Values>>, P>
    where
        P: Point + ?Sized,
        F: Fn(&P::Seen) -> P::Values + Sync,
    {
        OfValues::new(self, Shared::new(f), x, 0)
    }

    /// As [`of_values`](Self::of_values), for a function that changes its own state. Always serial; the columns come in order.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let mut n_evaluations = 0;
    /// let counted = |[a, b]: &[f64; 2]| {
    ///     n_evaluations += 1;
    ///     vec![a * b, a + b]
    /// };
    /// Differentiator::default().of_values_mut(counted, &[2.0, 3.0]).jacobian()?;
    /// assert_eq!(n_evaluations, 4);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn of_values_mut<'a, P, F>(&'a self, f: F, x: &'a P) -> OfValues<'a, Exclusive<F, Returning<P::Values>>, P>
    where
        P: Point + ?Sized,
        F: FnMut(&P::Seen) -> P::Values,
    {
        OfValues::new(self, Exclusive::new(f), x, 0)
    }

    /// As [`of_values`](Self::of_values), for a function that cannot be shared by threads or carries state: `make` makes one
    /// for each worker, and one for the calling thread. See [`of_each_worker`](Self::of_each_worker).
    ///
    /// ```
    /// use std::cell::Cell;
    /// use numgrad::difference::Differentiator;
    /// let make = || {
    ///     let calls = Cell::new(0);
    ///     move |[a, b]: &[f64; 2]| { calls.set(calls.get() + 1); vec![a * b, *a] }
    /// };
    /// let parallel = Differentiator::default().parallel();
    /// let jacobian = parallel.of_values_each_worker(make, &[2.0, 3.0]).jacobian()?;
    /// assert!((jacobian[[0, 0]] - 3.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn of_values_each_worker<'a, P, M, F>(
        &'a self,
        make: M,
        x: &'a P,
    ) -> OfValues<'a, EachWorker<M, Returning<P::Values>>, P>
    where
        P: Point + ?Sized,
        M: Fn() -> F + Sync,
        F: FnMut(&P::Seen) -> P::Values,
    {
        OfValues::new(self, EachWorker::new(make), x, 0)
    }

    /// As [`of_values`](Self::of_values), for a function that can fail.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, TryError};
    /// let reactor = |[heat, flow]: &[f64; 2]| if *heat < 400.0 { Ok(vec![heat * flow]) } else { Err("too hot") };
    /// let central = Differentiator::default();
    /// assert!((central.try_of_values(reactor, &[300.0, 2.0]).jacobian()?[[0, 0]] - 2.0).abs() < 1e-9);
    /// let error = central.try_of_values(reactor, &[399.9999, 2.0]).jacobian().unwrap_err();
    /// assert!(matches!(error, TryError::Function { coordinate: 0, source: "too hot", .. }));
    /// # Ok::<(), TryError<&str>>(())
    /// ```
    #[allow(clippy::type_complexity, reason = "it is named by nobody")]
    pub fn try_of_values<'a, P, F, E>(
        &'a self,
        f: F,
        x: &'a P,
    ) -> OfValues<'a, Shared<F, Returning<Result<P::Values, E>>>, P>
    where
        P: Point + ?Sized,
        F: Fn(&P::Seen) -> Result<P::Values, E> + Sync,
        E: Send,
    {
        OfValues::new(self, Shared::new(f), x, 0)
    }

    /// As [`of_values_mut`](Self::of_values_mut), for a function that can fail.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, TryError};
    /// let mut fuel = 10;
    /// let f = |[x]: &[f64; 1]| {
    ///     fuel -= 1;
    ///     if fuel > 0 { Ok(vec![x.sin(), x.cos()]) } else { Err("no fuel") }
    /// };
    /// assert!((Differentiator::default().try_of_values_mut(f, &[0.0]).jacobian()?[[0, 0]] - 1.0).abs() < 1e-9);
    /// # Ok::<(), TryError<&str>>(())
    /// ```
    #[allow(clippy::type_complexity, reason = "it is named by nobody")]
    pub fn try_of_values_mut<'a, P, F, E>(
        &'a self,
        f: F,
        x: &'a P,
    ) -> OfValues<'a, Exclusive<F, Returning<Result<P::Values, E>>>, P>
    where
        P: Point + ?Sized,
        F: FnMut(&P::Seen) -> Result<P::Values, E>,
        E: Send,
    {
        OfValues::new(self, Exclusive::new(f), x, 0)
    }

    /// As [`of_values_each_worker`](Self::of_values_each_worker), for functions that can fail.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, TryError};
    /// let start = || {
    ///     let mut last = 0.0;
    ///     move |[x]: &[f64; 1]| {
    ///         last = x.sqrt();
    ///         if last > 0.0 { Ok(vec![last, 2.0 * last]) } else { Err("no root") }
    ///     }
    /// };
    /// let jacobian = Differentiator::default().try_of_values_each_worker(start, &[4.0]).jacobian()?;
    /// assert!((jacobian[[1, 0]] - 0.5).abs() < 1e-9);
    /// # Ok::<(), TryError<&str>>(())
    /// ```
    #[allow(clippy::type_complexity, reason = "it is named by nobody")]
    pub fn try_of_values_each_worker<'a, P, M, F, E>(
        &'a self,
        make: M,
        x: &'a P,
    ) -> OfValues<'a, EachWorker<M, Returning<Result<P::Values, E>>>, P>
    where
        P: Point + ?Sized,
        M: Fn() -> F + Sync,
        F: FnMut(&P::Seen) -> Result<P::Values, E>,
        E: Send,
    {
        OfValues::new(self, EachWorker::new(make), x, 0)
    }

    /// As [`of_values`](Self::of_values), for a function that writes its `n_values` values: nothing is allocated for an
    /// evaluation. It returns nothing, or a `Result<(), E>` where it can fail.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, TryError};
    /// let central = Differentiator::default();
    /// let f = |[a, b]: &[f64; 2], values: &mut [f64]| {
    ///     values[0] = a * b;
    ///     values[1] = a + b;
    /// };
    /// assert!((central.of_writing(f, 2, &[2.0, 3.0]).jacobian()?[[0, 0]] - 3.0).abs() < 1e-9);
    ///
    /// let overflows = |[a, b]: &[f64; 2], values: &mut [f64]| {
    ///     values[0] = a * b;
    ///     if values[0].is_finite() { Ok(()) } else { Err("overflow") }
    /// };
    /// let error = central.of_writing(overflows, 1, &[1e300, 1e300]).jacobian().unwrap_err();
    /// assert!(matches!(error, TryError::Function { source: "overflow", .. }));
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn of_writing<'a, P, F, R>(&'a self, f: F, n_values: usize, x: &'a P) -> OfValues<'a, Shared<F, Writing<R>>, P>
    where
        P: Point + ?Sized,
        F: Fn(&P::Seen, &mut [f64]) -> R + Sync,
        R: Written,
    {
        OfValues::new(self, Shared::new(f), x, n_values)
    }

    /// As [`of_writing`](Self::of_writing), for a function that changes its own state. Always serial; the columns come in
    /// order.
    ///
    /// ```
    /// let mut seen = Vec::new();
    /// let f = |[x]: &[f64; 1], values: &mut [f64]| {
    ///     seen.push(*x);
    ///     values[0] = 2.0 * x;
    /// };
    /// numgrad::difference::Differentiator::default().of_writing_mut(f, 1, &[1.0]).jacobian()?;
    /// assert!(seen[0] > 1.0 && seen[1] < 1.0);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn of_writing_mut<'a, P, F, R>(
        &'a self,
        f: F,
        n_values: usize,
        x: &'a P,
    ) -> OfValues<'a, Exclusive<F, Writing<R>>, P>
    where
        P: Point + ?Sized,
        F: FnMut(&P::Seen, &mut [f64]) -> R,
        R: Written,
    {
        OfValues::new(self, Exclusive::new(f), x, n_values)
    }

    /// As [`of_writing`](Self::of_writing), for a function that cannot be shared by threads or carries state: `make` makes one
    /// for each worker, and one for the calling thread. See [`of_each_worker`](Self::of_each_worker).
    ///
    /// ```
    /// let make = || {
    ///     let mut squares = [0.0; 2];
    ///     move |x: &[f64; 2], values: &mut [f64]| {
    ///         squares.iter_mut().zip(x).for_each(|(square, x)| *square = x * x);
    ///         values[0] = squares.iter().sum();
    ///     }
    /// };
    /// let parallel = numgrad::difference::Differentiator::default().parallel();
    /// let jacobian = parallel.of_writing_each_worker(make, 1, &[2.0, 3.0]).jacobian()?;
    /// assert!((jacobian[[0, 1]] - 6.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn of_writing_each_worker<'a, P, M, F, R>(
        &'a self,
        make: M,
        n_values: usize,
        x: &'a P,
    ) -> OfValues<'a, EachWorker<M, Writing<R>>, P>
    where
        P: Point + ?Sized,
        M: Fn() -> F + Sync,
        F: FnMut(&P::Seen, &mut [f64]) -> R,
        R: Written,
    {
        OfValues::new(self, EachWorker::new(make), x, n_values)
    }
}
