//! Jacobians of functions that return vectors: dense, column by column.

use std::convert::Infallible;

use ndarray::{Array, Array1, Array2, ArrayRef, ArrayRef2, Axis, Dimension};

use super::gradient::slice;
use super::probe::FunctionProbe;
use super::worker::Base;
use super::{Coordinates, Differentiator, Error};

impl Differentiator<'_> {
    /// The Jacobian of a function that returns a vector: `J[i, j] = ∂f_i/∂x_j`, of shape (values, coordinates).
    ///
    /// Costs as many evaluations as a gradient: `n + 1` forward, `2n` central.
    ///
    /// # Errors
    /// See [`Error`]. In a [`Partial`](super::Partial) one, `done` is about columns, `values` row by row.
    ///
    /// # Panics
    /// If the function does not always return as many values.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let jacobian = Differentiator::default().jacobian(|x| array![x[0] * x[1], x[0] + x[1]], &array![2.0, 3.0])?;
    /// assert!((&jacobian - &array![[3.0, 2.0], [1.0, 1.0]]).iter().all(|error| error.abs() < 1e-9));
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn jacobian<D, F>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array2<f64>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> Array1<f64> + Sync,
    {
        let make = || returning(&f);
        self.jacobian_of(make(), Some(make), x)
    }

    /// As [`jacobian`](Self::jacobian), for a function that can fail.
    ///
    /// # Errors
    /// [`Error::Function`] with the function's error, and the others of [`Error`].
    ///
    /// # Panics
    /// If the function does not always return as many values.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Error};
    /// let reactor = |x: &ndarray::ArrayRef1<f64>| {
    ///     if x[0] < 400.0 { Ok(array![x[0] * x[1]]) } else { Err("too hot") }
    /// };
    /// let central = Differentiator::default();
    /// assert!((central.try_jacobian(reactor, &array![300.0, 2.0])?[[0, 0]] - 2.0).abs() < 1e-9);
    /// let error = central.try_jacobian(reactor, &array![399.9999, 2.0]).unwrap_err();
    /// assert!(matches!(error, Error::Function { coordinate: 0, source: "too hot", .. }));
    /// # Ok::<(), Error<&str>>(())
    /// ```
    pub fn try_jacobian<D, F, E>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array2<f64>, Error<E>>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> Result<Array1<f64>, E> + Sync,
        E: Send,
    {
        let make = || try_returning(&f);
        self.jacobian_of(make(), Some(make), x)
    }

    /// As [`jacobian`](Self::jacobian), for a function that changes its own state: scratch memory, a cache, a counter.
    /// Always serial; the columns come in order.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the function does not always return as many values.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let mut n_evaluations = 0;
    /// let counted = |x: &ndarray::ArrayRef1<f64>| {
    ///     n_evaluations += 1;
    ///     array![x[0] * x[1], x[0] + x[1]]
    /// };
    /// Differentiator::default().jacobian_mut(counted, &array![2.0, 3.0])?;
    /// assert_eq!(n_evaluations, 4);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn jacobian_mut<D, F>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array2<f64>, Error>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>) -> Array1<f64>,
    {
        self.jacobian_of(returning(f), None::<fn() -> _>, x)
    }

    /// As [`jacobian`](Self::jacobian), for a function that cannot be shared by threads or carries state: `make` makes one
    /// for each worker, and one for the calling thread. See [`gradient_per_worker`](Self::gradient_per_worker).
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the function does not always return as many values.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let make = || {
    ///     let calls = Cell::new(0);
    ///     move |x: &ndarray::ArrayRef1<f64>| { calls.set(calls.get() + 1); array![x[0] * x[1], x[0]] }
    /// };
    /// let jacobian = Differentiator::default().parallel().jacobian_per_worker(make, &array![2.0, 3.0])?;
    /// assert!((jacobian[[0, 0]] - 3.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn jacobian_per_worker<D, M, F>(&self, make: M, x: &ArrayRef<f64, D>) -> Result<Array2<f64>, Error>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>) -> Array1<f64>,
    {
        let make = || returning(make());
        self.jacobian_of(make(), Some(make), x)
    }

    /// As [`jacobian`](Self::jacobian), in place: the function writes its values, and the Jacobian goes into `out`, whose
    /// rows say how many values there are. Nothing is allocated for a column.
    ///
    /// # Errors
    /// See [`Error`]. The columns that were not computed then are left as they were in `out`.
    ///
    /// # Panics
    /// If `out` has not one column for each coordinate.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use numgrad::difference::Differentiator;
    /// let mut jacobian = Array2::zeros((2, 2));
    /// let f = |x: &ndarray::ArrayRef1<f64>, values: &mut [f64]| {
    ///     values[0] = x[0] * x[1];
    ///     values[1] = x[0] + x[1];
    /// };
    /// Differentiator::default().jacobian_into(f, &array![2.0, 3.0], &mut jacobian)?;
    /// assert!((jacobian[[0, 0]] - 3.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn jacobian_into<D, F>(&self, f: F, x: &ArrayRef<f64, D>, out: &mut ArrayRef2<f64>) -> Result<(), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>, &mut [f64]) + Sync,
    {
        let make = || in_place(&f);
        self.jacobian_of_into(make(), Some(make), x, out)
    }

    /// As [`jacobian_into`](Self::jacobian_into), for a function that can fail.
    ///
    /// # Errors
    /// [`Error::Function`] with the function's error, and the others of [`Error`].
    ///
    /// # Panics
    /// If `out` has not one column for each coordinate.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use numgrad::difference::{Differentiator, Error};
    /// let mut jacobian = Array2::zeros((1, 2));
    /// let product = |x: &ndarray::ArrayRef1<f64>, values: &mut [f64]| {
    ///     values[0] = x[0] * x[1];
    ///     if values[0].is_normal() { Ok(()) } else { Err("underflow") }
    /// };
    /// Differentiator::default().try_jacobian_into(product, &array![2.0, 3.0], &mut jacobian)?;
    /// assert!((jacobian[[0, 0]] - 3.0).abs() < 1e-9);
    /// # Ok::<(), Error<&str>>(())
    /// ```
    pub fn try_jacobian_into<D, F, E>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        out: &mut ArrayRef2<f64>,
    ) -> Result<(), Error<E>>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>, &mut [f64]) -> Result<(), E> + Sync,
        E: Send,
    {
        let make = || try_in_place(&f);
        self.jacobian_of_into(make(), Some(make), x, out)
    }

    /// As [`jacobian_mut`](Self::jacobian_mut), in place: the function writes its values, and the Jacobian goes into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If `out` has not one column for each coordinate.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// let (mut jacobian, mut seen) = (Array2::zeros((1, 1)), Vec::new());
    /// let f = |x: &ndarray::ArrayRef1<f64>, values: &mut [f64]| {
    ///     seen.push(x[0]);
    ///     values[0] = 2.0 * x[0];
    /// };
    /// numgrad::difference::Differentiator::default().jacobian_mut_into(f, &array![1.0], &mut jacobian)?;
    /// assert!(seen[0] > 1.0 && seen[1] < 1.0);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn jacobian_mut_into<D, F>(&self, f: F, x: &ArrayRef<f64, D>, out: &mut ArrayRef2<f64>) -> Result<(), Error>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>, &mut [f64]),
    {
        self.jacobian_of_into(in_place(f), None::<fn() -> _>, x, out)
    }

    /// As [`jacobian_per_worker`](Self::jacobian_per_worker), in place: what is made writes its values, and the Jacobian
    /// goes into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If `out` has not one column for each coordinate.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use numgrad::difference::Differentiator;
    /// let mut jacobian = Array2::zeros((1, 2));
    /// let make = || {
    ///     let mut squares = [0.0; 2];
    ///     move |x: &ndarray::ArrayRef1<f64>, values: &mut [f64]| {
    ///         squares.iter_mut().zip(x).for_each(|(square, x)| *square = x * x);
    ///         values[0] = squares.iter().sum();
    ///     }
    /// };
    /// Differentiator::default().parallel().jacobian_per_worker_into(make, &array![2.0, 3.0], &mut jacobian)?;
    /// assert!((jacobian[[0, 1]] - 6.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn jacobian_per_worker_into<D, M, F>(
        &self,
        make: M,
        x: &ArrayRef<f64, D>,
        out: &mut ArrayRef2<f64>,
    ) -> Result<(), Error>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>, &mut [f64]),
    {
        let make = || in_place(make());
        self.jacobian_of_into(make(), Some(make), x, out)
    }

    /// `own` is the calling thread's function, `make` makes those of others; without it the run is serial.
    pub(super) fn jacobian_of<D, M, F, E>(
        &self,
        own: F,
        make: Option<M>,
        x: &ArrayRef<f64, D>,
    ) -> Result<Array2<f64>, Error<E>>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
        E: Send,
    {
        let origin = x.as_standard_layout();
        let probe = |f| FunctionProbe::new(f, x.raw_dim(), slice(&origin), 0);
        let make = make.map(|make| move || probe(make()));
        let all = Coordinates::Range(0..x.len());
        // A column that is not moved at all is empty; where all are, f(x) tells how many values there are.
        let scheme = self.scheme(&self.stencil, 1, x.len());
        let is_pinned = |i| matches!(scheme.limits(i), (lower, upper) if lower == upper);
        let base = if (0..x.len()).all(is_pinned) { Base::Wanted } else { Base::IfNeeded };
        let mut columns = vec![Vec::new(); x.len()];
        let store = |column: &mut Vec<f64>, sum: &[f64]| column.extend_from_slice(sum);
        let outcome = self.each(probe(own), make, &all, base, &mut columns, store)?;
        let n_moved = columns.iter().map(Vec::len).max().unwrap_or(0);
        let matrix = |n_values, done: &[bool]| {
            Array2::from_shape_fn((n_values, x.len()), |(i, j)| match &columns[j][..] {
                _ if !done[j] => f64::NAN,
                [] => 0.0,
                column => {
                    assert!(column.len() == n_values, "{} values after {n_values} at another point", column.len());
                    column[i]
                }
            })
        };
        let base = outcome.complete(|done| matrix(n_moved, done).into_raw_vec_and_offset().0)?;
        Ok(matrix(base.map_or(n_moved, |base| base.len()), &vec![true; x.len()]))
    }

    fn jacobian_of_into<D, M, F, E>(
        &self,
        own: F,
        make: Option<M>,
        x: &ArrayRef<f64, D>,
        out: &mut ArrayRef2<f64>,
    ) -> Result<(), Error<E>>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
        E: Send,
    {
        assert!(out.ncols() == x.len(), "a Jacobian of shape {:?} for {} coordinates", out.dim(), x.len());
        let origin = x.as_standard_layout();
        let n_values = out.nrows();
        let probe = |f| FunctionProbe::new(f, x.raw_dim(), slice(&origin), n_values);
        let make = make.map(|make| move || probe(make()));
        let all = Coordinates::Range(0..x.len());
        let mut columns: Vec<_> = out.axis_iter_mut(Axis(1)).collect();
        let outcome = self.each(probe(own), make, &all, Base::IfNeeded, &mut columns, |column, sum| {
            // A coordinate that is not moved at all may have no values.
            column.iter_mut().zip(sum.iter().chain(std::iter::repeat(&0.0))).for_each(|(slot, sum)| *slot = *sum);
        })?;
        outcome.complete(|done| out.indexed_iter().map(|((_, j), v)| if done[j] { *v } else { f64::NAN }).collect())?;
        Ok(())
    }
}

/// A function that returns its values, as a worker calls it.
pub(super) fn returning<D, V, F>(mut f: F) -> impl FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), Infallible>
where
    V: Dimension,
    F: FnMut(&ArrayRef<f64, D>) -> Array<f64, V>,
{
    try_returning(move |x: &ArrayRef<f64, D>| Ok(f(x)))
}

/// The same of one that can fail.
pub(super) fn try_returning<D, V, F, E>(mut f: F) -> impl FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>
where
    V: Dimension,
    F: FnMut(&ArrayRef<f64, D>) -> Result<Array<f64, V>, E>,
{
    move |x, values| {
        values.clear();
        values.extend(f(x)?);
        Ok(())
    }
}

/// A function that writes its values, as a worker calls it.
pub(super) fn in_place<D, F>(mut f: F) -> impl FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), Infallible>
where
    F: FnMut(&ArrayRef<f64, D>, &mut [f64]),
{
    move |x, values| {
        f(x, values);
        Ok(())
    }
}

/// The same of one that can fail.
pub(super) fn try_in_place<D, F, E>(mut f: F) -> impl FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>
where
    F: FnMut(&ArrayRef<f64, D>, &mut [f64]) -> Result<(), E>,
{
    move |x, values| f(x, values)
}
