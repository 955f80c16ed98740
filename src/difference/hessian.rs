//! Hessians: second derivatives of a function, or first ones of its gradient.

use ndarray::{Array, Array2, ArrayRef, ArrayRef2, ArrayViewMut1, Axis, Dimension};

use super::gradient::{fallible, infallible, slice};
use super::jacobian::returning;
use super::moves::{LocalMoves, Scheme};
use super::probe::{FunctionProbe, Probe};
use super::stencil::fornberg;
use super::{Differentiator, Error, NonFinite, Parallelism, Stencil};

impl Differentiator<'_> {
    /// The Hessian of a function: `H[i, j] = ∂²f/∂x_i∂x_j`, symmetric, of shape (n, n).
    ///
    /// ```text
    /// H[i, j] ≈ Σ_p Σ_q w_p·w_q·f(x + p·h_i·e_i + q·h_j·e_j) / (h_i·h_j),    h_i = ε^(1/4) · scale_i
    /// ```
    ///
    /// By central differences of the stencil's order, rounded up to an even p; for p = 2 that costs
    /// `1 + 2n + 4·n(n - 1)/2 = 2n² + 1` evaluations, in general `1 + p·n + p²·n(n - 1)/2`. The automatic step is
    /// `ε^(1/(p + 2))`. At bounds they turn one-sided, which costs up to `(p + 1)²` an entry, and the diagonal loses one
    /// order. The progress is of rows. [`NonFinite::Shorten`] is taken as [`NonFinite::Error`].
    ///
    /// # Errors
    /// See [`Error`]. In a [`Partial`](super::Partial) one, `done` is about rows up to their diagonal.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let hessian = Differentiator::default().hessian(|x| (x[0] - x[1]).cos(), &array![0.0, 0.0])?;
    /// assert!((&hessian - &array![[-1.0, 1.0], [1.0, -1.0]]).iter().all(|error| error.abs() < 1e-7));
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian<D, F>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array2<f64>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let mut hessian = Array2::zeros((x.len(), x.len()));
        self.hessian_into(f, x, &mut hessian).map(|()| hessian)
    }

    /// As [`hessian`](Self::hessian), for a function that can fail.
    ///
    /// # Errors
    /// [`Error::Function`] with the function's error, and the others of [`Error`]. Of two coordinates that were moved it
    /// names the row's.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Error};
    /// let entropy = |x: &ndarray::ArrayRef1<f64>| if x[1] > 0.0 { Ok(x[0] * x[1].ln()) } else { Err("not positive") };
    /// let central = Differentiator::default();
    /// assert!((central.try_hessian(entropy, &array![1.0, 2.0])?[[1, 0]] - 0.5).abs() < 1e-6);
    /// let error = central.try_hessian(entropy, &array![1.0, 1e-9]).unwrap_err();
    /// assert!(matches!(error, Error::Function { coordinate: 1, source: "not positive", .. }));
    /// # Ok::<(), Error<&str>>(())
    /// ```
    pub fn try_hessian<D, F, E>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array2<f64>, Error<E>>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> Result<f64, E> + Sync,
        E: Send,
    {
        let mut hessian = Array2::zeros((x.len(), x.len()));
        self.try_hessian_into(f, x, &mut hessian).map(|()| hessian)
    }

    /// As [`hessian`](Self::hessian), into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If `out` is not of shape (n, n).
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// let mut hessian = Array2::zeros((2, 2));
    /// let central = numgrad::difference::Differentiator::default();
    /// central.hessian_into(|x| x[0] * x[1], &array![1.0, 2.0], &mut hessian)?;
    /// assert!((hessian[[0, 1]] - 1.0).abs() < 1e-7);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian_into<D, F>(&self, f: F, x: &ArrayRef<f64, D>, out: &mut ArrayRef2<f64>) -> Result<(), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        self.hessian_of_into(|| infallible(&f), x, out)
    }

    /// As [`try_hessian`](Self::try_hessian), into `out`.
    ///
    /// # Errors
    /// As of [`try_hessian`](Self::try_hessian).
    ///
    /// # Panics
    /// If `out` is not of shape (n, n).
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use numgrad::difference::{Differentiator, Error};
    /// let mut hessian = Array2::zeros((2, 2));
    /// let f = |x: &ndarray::ArrayRef1<f64>| Ok::<f64, String>(x[0] * x[1]);
    /// Differentiator::default().try_hessian_into(f, &array![1.0, 2.0], &mut hessian)?;
    /// assert!((hessian[[0, 1]] - 1.0).abs() < 1e-7);
    /// # Ok::<(), Error<String>>(())
    /// ```
    pub fn try_hessian_into<D, F, E>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        out: &mut ArrayRef2<f64>,
    ) -> Result<(), Error<E>>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> Result<f64, E> + Sync,
        E: Send,
    {
        self.hessian_of_into(|| fallible(&f), x, out)
    }

    fn hessian_of_into<D, M, F, E>(
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
        let n = x.len();
        check_square(out, n);
        let origin = x.as_standard_layout();
        let stencil = Stencil::central_of_order(self.stencil.order().next_multiple_of(2));
        let scheme = self.scheme(&stencil, 2, n);
        let make = || RowWorker {
            probe: FunctionProbe::new(make(), x.raw_dim(), slice(&origin), 1),
            scheme,
            rule: self.non_finite,
            base: 0.0,
            moves: Default::default(),
            n_evaluations: 0,
        };
        let mut own = make();
        (0..n).try_for_each(|i| scheme.limits_at(i, own.probe.position(i)).map(|_| ()))?;
        let can_begin = n > 0 && self.budget() > 0;
        let base = if can_begin { own.unmoved()? } else { 0.0 };
        // Near bounds a stencil of order p may have p + 1 points.
        let n_points = u64::from(stencil.order()) + u64::from(self.is_bounded());
        let mut spare = self.budget().saturating_sub(1);
        let affordable = |row: &u64| {
            let rest = spare.checked_sub(n_points + n_points * n_points * row);
            rest.inspect(|rest| spare = *rest).is_some()
        };
        let n_affordable = if can_begin { (0..n as u64).take_while(affordable).count() } else { 0 };
        let run = self.start(n, u64::from(can_begin), 0);
        let mut done = vec![false; n];
        let mut rows: Vec<_> = out.axis_iter_mut(Axis(0)).collect();
        let make = (self.parallelism == Parallelism::Pool).then_some(make);
        let slots = (&mut rows[..n_affordable], &mut done[..n_affordable]);
        run.drive(own, make, slots, 1, |worker, first, rows, done| {
            worker.base = base;
            for (k, (row, done)) in rows.iter_mut().zip(done).enumerate() {
                if run.wants(first + k) {
                    match worker.row(first + k, row) {
                        Ok(()) => {
                            *done = true;
                            run.advance(1, worker.n_evaluations);
                        }
                        Err(error) => run.fail(first + k, error),
                    }
                }
            }
        });
        let outcome = run.finish(None, done)?;
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

    /// The Hessian from the gradient of a function, made symmetric: `(J + Jᵀ)/2` for the Jacobian J of the gradient.
    ///
    /// Costs `2n` evaluations of the gradient by central differences, and has their ten digits.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the gradient has not one value for each coordinate.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// // f = x²y
    /// let gradient = |x: &ndarray::ArrayRef1<f64>| array![2.0 * x[0] * x[1], x[0] * x[0]];
    /// let hessian = Differentiator::default().hessian_from_gradient(gradient, &array![1.0, 2.0])?;
    /// assert!((hessian[[0, 1]] - 2.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian_from_gradient<D, F>(&self, gradient: F, x: &ArrayRef<f64, D>) -> Result<Array2<f64>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> Array<f64, D> + Sync,
    {
        let make = || returning(&gradient);
        let mut hessian = self.jacobian_of(make(), Some(make), x)?;
        check_square(&hessian, x.len());
        symmetrise(&mut hessian);
        Ok(hessian)
    }

    /// As [`hessian_from_gradient`](Self::hessian_from_gradient), in place: the function writes the gradient.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If `out` is not of shape (n, n).
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// let mut hessian = Array2::zeros((1, 1));
    /// let gradient = |x: &ndarray::ArrayRef1<f64>, out: &mut [f64]| out[0] = 3.0 * x[0] * x[0];
    /// let central = numgrad::difference::Differentiator::default();
    /// central.hessian_from_gradient_into(gradient, &array![2.0], &mut hessian)?;
    /// assert!((hessian[[0, 0]] - 12.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian_from_gradient_into<D, F>(
        &self,
        gradient: F,
        x: &ArrayRef<f64, D>,
        out: &mut ArrayRef2<f64>,
    ) -> Result<(), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>, &mut [f64]) + Sync,
    {
        check_square(out, x.len());
        self.jacobian_into(gradient, x, out)?;
        symmetrise(out);
        Ok(())
    }
}

fn check_square(out: &ArrayRef2<f64>, n: usize) {
    assert!(out.dim() == (n, n), "a Hessian of shape {:?} for {n} coordinates", out.dim());
}

fn symmetrise(matrix: &mut ArrayRef2<f64>) {
    for i in 0..matrix.nrows() {
        for j in 0..i {
            let mean = 0.5 * matrix[[i, j]] + 0.5 * matrix[[j, i]];
            (matrix[[i, j]], matrix[[j, i]]) = (mean, mean);
        }
    }
}

struct RowWorker<'a, P> {
    probe: P,
    scheme: Scheme<'a>,
    rule: NonFinite,
    /// f(x), which all values are taken relative to.
    base: f64,
    /// Of the row's coordinate, and of the column's.
    moves: [LocalMoves; 2],
    n_evaluations: u64,
}

impl<D, F, E> RowWorker<'_, FunctionProbe<'_, D, F>>
where
    D: Dimension,
    F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
{
    /// `f(x)`.
    fn unmoved(&mut self) -> Result<f64, Error<E>> {
        let value = self.at(&[])?;
        Ok(value + self.base)
    }

    /// By how much the function is more than f(x).
    fn at(&mut self, moves: &[(usize, f64)]) -> Result<f64, Error<E>> {
        self.n_evaluations += 1;
        // Errors name the first coordinate that was in fact moved.
        let (coordinate, delta) = moves.iter().copied().find(|(_, delta)| *delta != 0.0).unwrap_or_default();
        let point = self.probe.position(coordinate) + delta;
        let values = self.probe.at_all(moves).map_err(|source| Error::Function { coordinate, point, source })?;
        let value = values[0];
        if self.scheme.checked && !value.is_finite() {
            if self.rule == NonFinite::Nan {
                return Ok(f64::NAN);
            }
            return Err(Error::NonFinite { coordinate, point, value });
        }
        Ok(value - self.base)
    }

    /// The entries of a row up to its diagonal.
    fn row(&mut self, i: usize, row: &mut ArrayViewMut1<f64>) -> Result<(), Error<E>> {
        self.n_evaluations = 0;
        let [mut of_row, mut of_column] = std::mem::take(&mut self.moves);
        self.plan(i, &mut of_row)?;
        for j in 0..i {
            self.plan(j, &mut of_column)?;
            let mut sum = 0.0;
            for (&delta_i, weight_i) in of_row.deltas.iter().zip(&of_row.weights) {
                for (&delta_j, weight_j) in of_column.deltas.iter().zip(&of_column.weights) {
                    if delta_i != 0.0 || delta_j != 0.0 {
                        sum += weight_i * weight_j * self.at(&[(i, delta_i), (j, delta_j)])?;
                    }
                }
            }
            let moves = !of_row.deltas.is_empty() && !of_column.deltas.is_empty();
            row[j] = if moves { sum / (of_row.divisor * of_column.divisor) } else { 0.0 };
        }
        row[i] = self.second(i, &mut of_row)?;
        self.moves = [of_row, of_column];
        Ok(())
    }

    fn plan(&self, i: usize, moves: &mut LocalMoves) -> Result<(), Error<E>> {
        self.scheme.plan(i, self.probe.position(i), self.scheme.limits(i), moves)
    }

    /// The second derivative along one coordinate, from its points and x itself.
    fn second(&mut self, i: usize, moves: &mut LocalMoves) -> Result<f64, Error<E>> {
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
            sum += row[2] * self.at(&[(i, delta)])?;
        }
        Ok(sum / (*divisor * *divisor))
    }
}
