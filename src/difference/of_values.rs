//! A function of many values at a point, and every derivative of it.

use ndarray::{Array2, ArrayRef2};

use super::call::{Call, call_settings};
use super::check::{CheckReport, Sample, check_rows};
use super::coordinates::Coordinates;
use super::differentiator::Differentiator;
use super::estimate::Estimate;
use super::function::Source;
use super::point::{Point, Target, check_shapes};
use super::probe::{FunctionCrew, FunctionProbe, crew};
use super::sparse::SparsityPattern;
use super::worker::Base;

/// A function of many values at a point, ready to be differentiated: made by [`Differentiator::of_values`] and the five like
/// it, or by [`Differentiator::of_writing`] and the two like it.
///
/// | made by | the function | parallel |
/// | --- | --- | --- |
/// | [`of_values`](Differentiator::of_values), [`try_of_values`](Differentiator::try_of_values), [`of_writing`](Differentiator::of_writing) | is shared by the workers | yes |
/// | [`of_values_mut`](Differentiator::of_values_mut), [`try_of_values_mut`](Differentiator::try_of_values_mut), [`of_writing_mut`](Differentiator::of_writing_mut) | changes its own state | no |
/// | [`of_values_each_worker`](Differentiator::of_values_each_worker), [`try_of_values_each_worker`](Differentiator::try_of_values_each_worker), [`of_writing_each_worker`](Differentiator::of_writing_each_worker) | is made for each worker | yes |
///
/// Where the values are a gradient, their Jacobian is a Hessian, and their derivative along v is its product with v.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::Differentiator;
///
/// let (central, x) = (Differentiator::default(), array![0.0, 3.0]);
/// let at_x = central.of_values(|x| array![x[0] * x[1], x[0] + x[1], x[0].exp()], &x);
/// assert!((&at_x.jacobian()? - &array![[3.0, 0.0], [1.0, 1.0], [1.0, 0.0]]).iter().all(|error| error.abs() < 1e-9));
/// assert!((&at_x.along(&[1.0, -1.0])? - &array![3.0, 0.0, 1.0]).iter().all(|error| error.abs() < 1e-9));
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[must_use = "it has no derivative until one is asked for"]
pub struct OfValues<'a, S, P: ?Sized> {
    how: &'a Differentiator,
    source: S,
    point: &'a P,
    /// For how many values a function finds room: 0 where it returns them.
    n_written: usize,
    call: Call<'a>,
}

/// What belongs to this call.
impl<'a, S, P: Point + ?Sized> OfValues<'a, S, P> {
    pub(super) fn new(how: &'a Differentiator, source: S, point: &'a P, n_written: usize) -> Self {
        Self { how, source, point, n_written, call: Call::default() }
    }

    call_settings!('a);
}

/// Derivatives.
impl<S, P: Point + ?Sized> OfValues<'_, S, P>
where
    S: Source<P::Seen>,
{
    /// The Jacobian: `J[i, j] = ∂f_i/∂x_j`, of shape (values, coordinates).
    ///
    /// Costs as many evaluations as a gradient: `n + 1` forward, `2n` central.
    ///
    /// # Errors
    /// See [`Error`](super::Error) and [`TryError`](super::TryError). In a [`Partial`](super::Partial) one, `done` is about
    /// columns, `values` row by row.
    ///
    /// # Panics
    /// If the function does not always return as many values, or the settings have bounds, scales or steps for another number
    /// of coordinates than the point has.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let jacobian = Differentiator::default().of_values(|[a, b]| vec![a * b, a + b], &[2.0, 3.0]).jacobian()?;
    /// assert!((&jacobian - &array![[3.0, 2.0], [1.0, 1.0]]).iter().all(|error| error.abs() < 1e-9));
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn jacobian(&self) -> Result<Array2<f64>, S::Failure> {
        let origin = self.point.in_order();
        Ok(self.how.jacobian_by(&self.call, self.crew(&origin))?)
    }

    /// As [`jacobian`](Self::jacobian), into `out`, whose rows say how many values there are. Of a function that writes its
    /// values nothing is allocated for a column.
    ///
    /// # Errors
    /// See [`jacobian`](Self::jacobian). The columns that were not computed then are left as they were in `out`.
    ///
    /// # Panics
    /// As [`jacobian`](Self::jacobian), and if `out` has not one row for each value and one column for each coordinate.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use numgrad::difference::Differentiator;
    /// let mut jacobian = Array2::zeros((2, 2));
    /// Differentiator::default().of_values(|[a, b]| vec![a * b, a + b], &[2.0, 3.0]).jacobian_into(&mut jacobian)?;
    /// assert!((jacobian[[0, 0]] - 3.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn jacobian_into(&self, out: &mut ArrayRef2<f64>) -> Result<(), S::Failure> {
        let origin = self.point.in_order();
        let (n_rows, n_written) = (out.nrows(), self.n_written);
        assert!(n_written == 0 || n_written == n_rows, "a Jacobian of {n_rows} rows for {n_written} values");
        Ok(self.how.fill_jacobian(&self.call, self.crew(&origin), out)?)
    }

    /// The Jacobian of a gradient, made symmetric: the Hessian `(J + Jᵀ)/2`.
    ///
    /// Costs `2n` evaluations of the gradient by central differences, and has their ten digits.
    ///
    /// # Errors
    /// See [`jacobian`](Self::jacobian).
    ///
    /// # Panics
    /// As [`jacobian`](Self::jacobian), and if there is not one value for each coordinate.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// // The gradient of f = x²y.
    /// let gradient = |[x, y]: &[f64; 2]| vec![2.0 * x * y, x * x];
    /// let hessian = Differentiator::default().of_values(gradient, &[1.0, 2.0]).symmetric_jacobian()?;
    /// assert!((hessian[[0, 1]] - 2.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn symmetric_jacobian(&self) -> Result<Array2<f64>, S::Failure> {
        let mut jacobian = self.jacobian()?;
        self.symmetrise(&mut jacobian);
        Ok(jacobian)
    }

    /// As [`symmetric_jacobian`](Self::symmetric_jacobian), into `out`.
    ///
    /// # Errors
    /// See [`jacobian_into`](Self::jacobian_into).
    ///
    /// # Panics
    /// As [`symmetric_jacobian`](Self::symmetric_jacobian), and if `out` is not of shape (n, n).
    ///
    /// ```
    /// use ndarray::Array2;
    /// let (mut hessian, central) = (Array2::zeros((1, 1)), numgrad::difference::Differentiator::default());
    /// central.of_values(|[x]| vec![3.0 * x * x], &[2.0]).symmetric_jacobian_into(&mut hessian)?;
    /// assert!((hessian[[0, 0]] - 12.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn symmetric_jacobian_into(&self, out: &mut ArrayRef2<f64>) -> Result<(), S::Failure> {
        self.jacobian_into(out)?;
        self.symmetrise(out);
        Ok(())
    }

    /// The entries of a sparse Jacobian, in the order of [`SparsityPattern::entries`]; see
    /// [`to_dense`](SparsityPattern::to_dense).
    ///
    /// Costs a stencil for each group of columns, not for each column, and one for the check of the pattern: `groups + 2`
    /// evaluations forward, `2·groups + 2` central; a tridiagonal one has 3 groups. What the pattern leaves out must be 0, or it
    /// is added to other entries: so the product with a random vector is compared with the derivative along it. Rows in which
    /// they differ (the eight that do most) are looked at more closely, with two to four stencils each that move the other
    /// columns, which no budget counts; a row that changes by these is [`Error::Pattern`](super::Error::Pattern).
    /// [`unchecked`](SparsityPattern::unchecked) leaves the check out. The progress is of groups.
    ///
    /// # Errors
    /// See [`jacobian`](Self::jacobian). In a [`Partial`](super::Partial) one, `done` is about groups; where the function
    /// itself fails, the coordinate is the first column of the group that was moved.
    ///
    /// # Panics
    /// As [`jacobian`](Self::jacobian), and if the pattern has another shape than the Jacobian.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, SparsityPattern};
    ///
    /// let squares = |x: &[f64; 3]| x.iter().map(|x| x * x).collect();
    /// let diagonal = SparsityPattern::banded(3, 3, 0, 0);
    /// let values = Differentiator::default().of_values(squares, &[1.0, 2.0, 3.0]).sparse_jacobian(&diagonal)?;
    /// assert!((values[2] - 6.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn sparse_jacobian(&self, pattern: &SparsityPattern) -> Result<Vec<f64>, S::Failure> {
        let mut out = vec![0.0; pattern.n_entries()];
        self.sparse_jacobian_into(pattern, &mut out).map(|()| out)
    }

    /// As [`sparse_jacobian`](Self::sparse_jacobian), into `out`.
    ///
    /// # Errors
    /// See [`sparse_jacobian`](Self::sparse_jacobian).
    ///
    /// # Panics
    /// As [`sparse_jacobian`](Self::sparse_jacobian), and if `out` has not one slot for each entry.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, SparsityPattern};
    /// let squares = |x: &[f64; 2], values: &mut [f64]| {
    ///     values.iter_mut().zip(x).for_each(|(value, x)| *value = x * x);
    /// };
    /// let (diagonal, mut out) = (SparsityPattern::banded(2, 2, 0, 0), [0.0; 2]);
    /// Differentiator::default().of_writing(squares, 2, &[1.0, 2.0]).sparse_jacobian_into(&diagonal, &mut out)?;
    /// assert!((out[1] - 4.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn sparse_jacobian_into(&self, pattern: &SparsityPattern, out: &mut [f64]) -> Result<(), S::Failure> {
        let origin = self.point.in_order();
        Ok(self.how.checked_sparse(&self.call, &|| self.crew(&origin), pattern, out)?)
    }

    /// The derivative of each value along a direction v: the product `J·v`; of a gradient, `H·v`.
    ///
    /// Costs one stencil, whatever n: two evaluations central. The step is that of [`Of::along`](super::Of::along). In errors
    /// the coordinate is 0, the point t. Always serial.
    ///
    /// # Errors
    /// See [`jacobian`](Self::jacobian).
    ///
    /// # Panics
    /// As [`jacobian`](Self::jacobian), and if the direction has another shape than the point.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let product = Differentiator::default().of_values(|[a, b]| vec![a * b, *a, a - b], &[2.0, 3.0]).along(&[1.0, 1.0])?;
    /// assert!((product[0] - 5.0).abs() < 1e-9 && product.len() == 3);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn along(&self, direction: &(impl Point + ?Sized)) -> Result<P::Values, S::Failure> {
        Ok(self.slopes(direction)?.into_iter().collect())
    }

    /// As [`along`](Self::along), into `out`, in standard order.
    ///
    /// # Errors
    /// See [`jacobian`](Self::jacobian).
    ///
    /// # Panics
    /// As [`along`](Self::along), and if `out` has not one slot for each value.
    ///
    /// ```
    /// let (central, mut product) = (numgrad::difference::Differentiator::default(), [0.0]);
    /// central.of_values(|[x]| vec![x * x], &[3.0]).along_into(&[1.0], &mut product)?;
    /// assert!((product[0] - 6.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn along_into(
        &self,
        direction: &(impl Point + ?Sized),
        out: &mut (impl Target + ?Sized),
    ) -> Result<(), S::Failure> {
        let slopes = self.slopes(direction)?;
        out.fill_by(|out| {
            assert!(slopes.len() == out.len(), "{} slots for {} values", out.len(), slopes.len());
            out.copy_from_slice(&slopes);
        });
        Ok(())
    }

    /// The Jacobian by extrapolation, each entry with an estimate of its error, of shape (values, coordinates).
    ///
    /// Entries have the bits that [`Of::estimates`](super::Of::estimates) gives for their value alone, and say how many
    /// evaluations they would have cost so. The entries of a column share theirs: it costs as many as the one that needs the
    /// most, mostly 8 to 14 and at most 48, besides one of f(x) for all. (Where values have kinks, quanta or edges of their
    /// domain in different places it may be more.) The values at all points of a column are kept until it is done.
    ///
    /// # Errors
    /// See [`jacobian`](Self::jacobian).
    ///
    /// # Panics
    /// As [`jacobian`](Self::jacobian).
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let f = |[a, b]: &[f64; 2]| vec![a.exp() * b, a.abs()];
    /// let found = Differentiator::default().of_values(f, &[0.0, 2.0]).estimates()?;
    /// assert!((found[[0, 0]].value - 2.0).abs() <= found[[0, 0]].error && found[[0, 0]].error < 1e-11);
    /// // At a kink there is no derivative.
    /// assert!(found[[0, 1]].converged && !found[[1, 0]].converged);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn estimates(&self) -> Result<Array2<Estimate>, S::Failure> {
        let (n_values, columns) = self.estimated_columns()?;
        Ok(Array2::from_shape_fn((n_values, columns.len()), |(i, j)| columns[j][i]))
    }

    /// As [`estimates`](Self::estimates), into `out`, of shape (values, coordinates).
    ///
    /// # Errors
    /// See [`jacobian`](Self::jacobian). `out` is as it was then.
    ///
    /// # Panics
    /// As [`estimates`](Self::estimates), and if `out` is of another shape.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use numgrad::difference::{Differentiator, Estimate};
    /// let mut out = Array2::from_elem((1, 2), Estimate::default());
    /// Differentiator::default().of_values(|[a, b]| vec![a * b], &[2.0, 3.0]).estimates_into(&mut out)?;
    /// assert!((out[[0, 1]].value - 2.0).abs() <= out[[0, 1]].error);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn estimates_into(&self, out: &mut ArrayRef2<Estimate>) -> Result<(), S::Failure> {
        let (n_values, columns) = self.estimated_columns()?;
        let shape = (n_values, columns.len());
        assert!(out.dim() == shape, "room for estimates of shape {:?} for a Jacobian of shape {shape:?}", out.dim());
        out.indexed_iter_mut().for_each(|((i, j), slot)| *slot = columns[j][i]);
        Ok(())
    }

    /// How many values there are, and the estimates of each column.
    fn estimated_columns(&self) -> Result<(usize, Vec<Vec<Estimate>>), S::Failure> {
        let origin = self.point.in_order();
        let mut columns = vec![Vec::new(); origin.len()];
        let all = Coordinates::Range(0..origin.len());
        let n_values = self.how.estimate_columns(&self.call, self.crew(&origin), &all, &mut columns)?;
        Ok((n_values, columns))
    }

    /// Compares a Jacobian that somebody derived with [`estimates`](Self::estimates).
    ///
    /// Costs as much as these: of all columns, of chosen ones, or of random directions v, along which `J·v` is compared value
    /// by value. Directions are random, of the coordinates' own sizes, and computed one after the other.
    ///
    /// # Errors
    /// See [`jacobian`](Self::jacobian).
    ///
    /// # Panics
    /// As [`jacobian`](Self::jacobian), and if the Jacobian has not one row for each value and one column for each coordinate.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Sample};
    ///
    /// let central = Differentiator::default();
    /// let at_x = central.of_values(|[a, b]| vec![a * b, a + b], &[2.0, 3.0]);
    /// assert!(at_x.check(&array![[3.0, 2.0], [1.0, 1.0]], Sample::All)?.passes(1e-9));
    /// let wrong = at_x.check(&array![[3.0, 2.0], [1.0, 0.0]], Sample::All)?;
    /// let worst = wrong.worst().unwrap();
    /// assert_eq!((worst.row, worst.index, wrong.passes(1e-9)), (Some(1), 1, false));
    /// let along_three = Sample::Directions { n: 3, seed: 1 };
    /// assert!(!at_x.check(&array![[3.0, 2.0], [1.0, 0.0]], along_three)?.passes(1e-9));
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn check(&self, jacobian: &ArrayRef2<f64>, sample: Sample) -> Result<CheckReport, S::Failure> {
        let origin = self.point.in_order();
        let n = origin.len();
        assert!(jacobian.ncols() == n, "a Jacobian of shape {:?} for {n} coordinates", jacobian.dim());
        let Some(columns) = sample.coordinates(n) else {
            return Ok(self.how.check_directions(&self.call, self.own(&origin), jacobian.view(), sample)?);
        };
        let mut found = vec![Vec::new(); columns.len()];
        let of_columns = Coordinates::from(&columns[..]);
        let n_values = self.how.estimate_columns(&self.call, self.crew(&origin), &of_columns, &mut found)?;
        check_rows(&jacobian.view(), n_values);
        Ok(CheckReport::of_columns(&columns, jacobian.view(), &found))
    }

    fn slopes(&self, direction: &(impl Point + ?Sized)) -> Result<Vec<f64>, S::Failure> {
        check_shapes(self.point, direction, "a direction");
        let origin = self.point.in_order();
        let slopes = self.how.along(&self.call, self.own(&origin), &direction.in_order(), Base::IfNeeded)?;
        if !slopes.is_empty() {
            return Ok(slopes);
        }
        // The direction leads nowhere: f(x) tells how many zeros that are, unless it is known.
        let n_values =
            if self.n_written > 0 { self.n_written } else { self.how.n_values(&self.call, self.crew(&origin))? };
        Ok(vec![0.0; n_values])
    }

    /// # Panics
    /// If the matrix is not square.
    fn symmetrise(&self, matrix: &mut ArrayRef2<f64>) {
        let n = self.point.in_order().len();
        assert!(matrix.dim() == (n, n), "a Hessian of shape {:?} for {n} coordinates", matrix.dim());
        for i in 0..n {
            for j in 0..i {
                let mean = 0.5 * matrix[[i, j]] + 0.5 * matrix[[j, i]];
                (matrix[[i, j]], matrix[[j, i]]) = (mean, mean);
            }
        }
    }

    /// The calling thread's function, with its copy of the point.
    fn own<'o>(&'o self, origin: &'o [f64]) -> FunctionProbe<'o, S::Error> {
        self.crew(origin).own
    }

    fn crew<'o>(&'o self, origin: &'o [f64]) -> FunctionCrew<'o, S::Error> {
        crew(&self.source, self.point, origin, self.n_written)
    }
}
