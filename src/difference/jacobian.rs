//! Jacobians of functions that return vectors: dense, column by column.

use std::convert::Infallible;

use ndarray::{Array, Array1, Array2, ArrayRef, ArrayRef2, Axis, Dimension};

use super::differentiator::Base;
use super::gradient::slice;
use super::probe::{FunctionProbe, Probe};
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
        self.jacobian_of(|| returning(&f), x)
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
        let make = || {
            |x: &ArrayRef<f64, D>, values: &mut Vec<f64>| {
                values.clear();
                values.extend(f(x)?);
                Ok(())
            }
        };
        self.jacobian_of(make, x)
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
        self.jacobian_of_into(|| in_place(&f), x, out)
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
        self.jacobian_of_into(|| |x: &ArrayRef<f64, D>, values: &mut Vec<f64>| f(x, values), x, out)
    }

    pub(super) fn jacobian_of<D, M, F, E>(&self, make: M, x: &ArrayRef<f64, D>) -> Result<Array2<f64>, Error<E>>
    where
        D: Dimension,
        M: Fn() -> F + Sync,
        F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
        E: Send,
    {
        let origin = x.as_standard_layout();
        let make = || FunctionProbe::new(make(), x.raw_dim(), slice(&origin), 0);
        let all = Coordinates::Range(0..x.len());
        let mut columns = vec![Vec::new(); x.len()];
        let store = |column: &mut Vec<f64>, sum: &[f64]| column.extend_from_slice(sum);
        let outcome = self.each(make(), Some(make), &all, Base::IfNeeded, &mut columns, store)?;
        // A column that is not moved at all may be empty; where all are, the function has not been seen yet.
        let n_values = match columns.iter().map(Vec::len).max() {
            Some(n_values) if n_values > 0 || self.may_stop() => n_values,
            _ => {
                let point = x.iter().next().copied().unwrap_or(f64::NAN);
                let mut probe = make();
                let values = probe.unmoved();
                values.map_err(|source| Error::Function { coordinate: 0, point, source })?.len()
            }
        };
        let entry = |(i, j): (usize, usize)| match &columns[j][..] {
            [] => 0.0,
            column => {
                assert!(column.len() == n_values, "{} values after {n_values} at another point", column.len());
                column[i]
            }
        };
        let shape = (n_values, x.len());
        outcome.complete(|done| {
            let known = |(i, j)| if done[j] { entry((i, j)) } else { f64::NAN };
            Array2::from_shape_fn(shape, known).into_raw_vec_and_offset().0
        })?;
        Ok(Array2::from_shape_fn(shape, entry))
    }

    fn jacobian_of_into<D, M, F, E>(
        &self,
        make: M,
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
        let make = || FunctionProbe::new(make(), x.raw_dim(), slice(&origin), n_values);
        let all = Coordinates::Range(0..x.len());
        let mut columns: Vec<_> = out.axis_iter_mut(Axis(1)).collect();
        let outcome = self.each(make(), Some(make), &all, Base::IfNeeded, &mut columns, |column, sum| {
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
    move |x, values| {
        values.clear();
        values.extend(f(x));
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
