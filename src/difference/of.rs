//! A function of one value at a point, and every derivative of it.

use ndarray::{Array2, ArrayRef2};

use super::call::{Call, call_settings};
use super::coordinates::Coordinates;
use super::differentiator::Differentiator;
use super::function::Source;
use super::plain::{A_HANDFUL, Begun};
use super::point::{Point, Target, check_shapes};
use super::probe::{FunctionCrew, FunctionProbe, crew};
use super::sparse::SparsityPattern;
use super::worker::Base;

/// A function of one value at a point, ready to be differentiated: made by [`Differentiator::of`] and the five like it.
///
/// | made by | the function | parallel |
/// | --- | --- | --- |
/// | [`of`](Differentiator::of), [`try_of`](Differentiator::try_of) | is shared by the workers | yes |
/// | [`of_mut`](Differentiator::of_mut), [`try_of_mut`](Differentiator::try_of_mut) | changes its own state | no |
/// | [`of_each_worker`](Differentiator::of_each_worker), [`try_of_each_worker`](Differentiator::try_of_each_worker) | is made for each worker | yes |
///
/// Those that begin with `try_` take functions that can fail; their derivatives fail with a
/// [`TryError`](super::TryError). Every derivative can be had of every kind of function.
///
/// ```
/// use numgrad::difference::{Differentiator, SparsityPattern, Stencil, Step};
///
/// let forward = Differentiator::new(Stencil::forward(), Step::Automatic).parallel();
/// let at_x = forward.of(|[a, b]| a * a * b, &[1.0, 2.0]).with_value(2.0);
/// let ([by_a, by_b], along) = (at_x.gradient()?, at_x.along(&[1.0, 1.0])?);
/// assert!((by_a - 4.0).abs() < 1e-6 && (by_b - 1.0).abs() < 1e-6 && (along - 5.0).abs() < 1e-6);
/// let hessian = at_x.hessian()?;
/// assert!((hessian[[0, 1]] - 2.0).abs() < 1e-6);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[must_use = "it has no derivative until one is asked for"]
pub struct Of<'a, S, P: ?Sized> {
    pub(super) how: &'a Differentiator,
    source: S,
    pub(super) point: &'a P,
    pub(super) value: Option<f64>,
    pub(super) call: Call<'a>,
}

/// What belongs to this call.
impl<'a, S, P: Point + ?Sized> Of<'a, S, P> {
    pub(super) fn new(how: &'a Differentiator, source: S, point: &'a P) -> Self {
        Self { how, source, point, value: None, call: Call::default() }
    }

    /// The same where `value = f(x)` is known already: what would need it saves an evaluation.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Stencil, Step};
    /// let forward = Differentiator::new(Stencil::forward(), Step::Automatic);
    /// let mut n_evaluations = 0;
    /// let square = |[x]: &[f64; 1]| { n_evaluations += 1; x * x };
    /// let [slope] = forward.of_mut(square, &[3.0]).with_value(9.0).gradient()?;
    /// assert!((slope - 6.0).abs() < 1e-6 && n_evaluations == 1);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn with_value(self, value: f64) -> Self {
        Self { value: Some(value), ..self }
    }

    call_settings!('a);
}

/// Derivatives.
impl<S, P: Point + ?Sized> Of<'_, S, P>
where
    S: Source<P::Seen>,
{
    /// The gradient: `∂f/∂x_i` for each coordinate, in the point's own form. Without
    /// [`with_scale`](super::Differentiator::with_scale) it is finite and wrong, without a sign, where the function changes
    /// its shape over much less than `max(1, |x_i|)`; [`estimates`](Self::estimates) say whether they converged.
    ///
    /// Costs one evaluation for each coordinate and point of the stencil but 0, and one of `f(x)` where a stencil has the
    /// point 0: `n + 1` forward, `2n` central, `4n` five-point.
    ///
    /// # Errors
    /// See [`Error`](super::Error) and [`TryError`](super::TryError).
    ///
    /// # Panics
    /// If the settings have bounds, scales or steps for another number of coordinates than the point has.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let gradient = Differentiator::default().of(|x| x[0] * x[0], &array![3.0]).gradient()?;
    /// assert!((gradient[0] - 6.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient(&self) -> Result<P::Out<f64>, S::Failure> {
        self.filled(Base::IfNeeded).map(|(_, gradient)| gradient)
    }

    /// As [`gradient`](Self::gradient), into `out`.
    ///
    /// # Errors
    /// See [`Error`](super::Error). What was not computed then is left as it was in `out`.
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if `out` has another shape than the point.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let mut gradient = [0.0; 2];
    /// Differentiator::default().of(|x| x[0] * x[1], &[3.0, 4.0]).gradient_into(&mut gradient)?;
    /// assert!((gradient[0] - 4.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient_into(&self, out: &mut (impl Target + ?Sized)) -> Result<(), S::Failure> {
        check_shapes(self.point, out, "a gradient");
        out.fill_by(|out| self.fill(Base::IfNeeded, out)).map(|_| ())
    }

    /// `f(x)` and the gradient there. The value is used where a stencil needs it: forward differences cost `n + 1`
    /// evaluations with it or without, central ones `2n + 1`.
    ///
    /// # Errors
    /// See [`gradient`](Self::gradient).
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient).
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let (value, [slope]) = Differentiator::default().of(|[x]| x * x, &[3.0]).value_and_gradient()?;
    /// assert!(value == 9.0 && (slope - 6.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn value_and_gradient(&self) -> Result<(f64, P::Out<f64>), S::Failure> {
        self.filled(Base::Wanted)
    }

    /// As [`value_and_gradient`](Self::value_and_gradient): the gradient into `out`.
    ///
    /// # Errors
    /// See [`gradient_into`](Self::gradient_into).
    ///
    /// # Panics
    /// As [`gradient_into`](Self::gradient_into).
    ///
    /// ```
    /// let (mut gradient, central) = ([0.0], numgrad::difference::Differentiator::default());
    /// assert_eq!(central.of(|[x]| x * x, &[3.0]).value_and_gradient_into(&mut gradient)?, 9.0);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn value_and_gradient_into(&self, out: &mut (impl Target + ?Sized)) -> Result<f64, S::Failure> {
        check_shapes(self.point, out, "a gradient");
        out.fill_by(|out| self.fill(Base::Wanted, out))
    }

    /// Chosen coordinates of the gradient, in the order asked for. They have the bits of the whole gradient.
    ///
    /// # Errors
    /// See [`gradient`](Self::gradient).
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if one of the coordinates does not exist.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let last = Differentiator::default().of(|x| x[0] * x[1], &[3.0, 4.0]).partials([1])?;
    /// assert!((last[0] - 3.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn partials(&self, coordinates: impl Into<Coordinates>) -> Result<Vec<f64>, S::Failure> {
        let coordinates = coordinates.into();
        let mut out = vec![0.0; coordinates.len()];
        self.partials_into(coordinates, &mut out).map(|()| out)
    }

    /// As [`partials`](Self::partials), into `out`.
    ///
    /// # Errors
    /// See [`gradient_into`](Self::gradient_into).
    ///
    /// # Panics
    /// As [`partials`](Self::partials), and if `out` has not one slot for each coordinate asked for.
    ///
    /// ```
    /// let (mut last_two, central) = ([0.0; 2], numgrad::difference::Differentiator::default());
    /// central.of(|[a, b, c]| a * b * c, &[3.0, 4.0, 5.0]).partials_into(1..3, &mut last_two)?;
    /// assert!((last_two[1] - 12.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn partials_into(&self, coordinates: impl Into<Coordinates>, out: &mut [f64]) -> Result<(), S::Failure> {
        let coordinates = coordinates.into();
        coordinates.check_slots(out);
        let (origin, value) = (self.point.in_order(), self.value);
        let base = value.as_ref().map_or(Base::IfNeeded, |value| Base::Known(std::slice::from_ref(value)));
        self.how.each_scalar(&self.call, self.crew(&origin), &coordinates, base, out)?;
        Ok(())
    }

    /// The derivative along a direction v: `d/dt f(x + t·v)` at t = 0, which is `∇f(x)·v`.
    ///
    /// Costs one stencil: two evaluations central. The step of t is `1/√Σ(v_i/h_i)²` for the steps h_i of the coordinates,
    /// or the absolute one. Bounds are kept as by a gradient. In errors the coordinate is 0, the point t. Always serial.
    ///
    /// # Errors
    /// See [`gradient`](Self::gradient).
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if the direction has another shape than the point.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let slope = Differentiator::default().of(|[a, b]| a * b, &[2.0, 3.0]).along(&[1.0, -1.0])?;
    /// assert!((slope - 1.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn along(&self, direction: &(impl Point + ?Sized)) -> Result<f64, S::Failure> {
        check_shapes(self.point, direction, "a direction");
        let (origin, value) = (self.point.in_order(), self.value);
        let base = value.as_ref().map_or(Base::IfNeeded, |value| Base::Known(std::slice::from_ref(value)));
        let slopes = self.how.along(&self.call, self.own(&origin), &direction.in_order(), base)?;
        Ok(slopes.first().copied().unwrap_or(0.0))
    }

    /// The Hessian: `H[i, j] = ∂²f/∂x_i∂x_j`, symmetric, of shape (n, n).
    ///
    /// ```text
    /// H[i, j] ≈ Σ_p Σ_q w_p·w_q·f(x + p·h_i·e_i + q·h_j·e_j) / (h_i·h_j),    h_i = ε^(1/4) · scale_i
    /// ```
    ///
    /// By central differences of the stencil's order, rounded up to an even p; for p = 2 that costs
    /// `1 + 2n + 4·n(n - 1)/2 = 2n² + 1` evaluations, in general `1 + p·n + p²·n(n - 1)/2`. The automatic step is
    /// `ε^(1/(p + 2))`. At bounds they turn one-sided, which costs up to `(p + 1)²` an entry, and the diagonal loses one
    /// order. The progress is of rows. From a gradient it is cheaper and has more digits:
    /// [`OfValues::symmetric_jacobian`](super::OfValues::symmetric_jacobian).
    ///
    /// # Errors
    /// See [`gradient`](Self::gradient). In a [`Partial`](super::Partial) one, `done` is about rows up to their diagonal. Of
    /// two coordinates that were moved an error names the row's.
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient).
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let hessian = Differentiator::default().of(|[a, b]| (a - b).cos(), &[0.0, 0.0]).hessian()?;
    /// assert!((&hessian - &array![[-1.0, 1.0], [1.0, -1.0]]).iter().all(|error| error.abs() < 1e-7));
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian(&self) -> Result<Array2<f64>, S::Failure> {
        let n = self.point.in_order().len();
        let mut hessian = Array2::zeros((n, n));
        self.hessian_into(&mut hessian).map(|()| hessian)
    }

    /// As [`hessian`](Self::hessian), into `out`.
    ///
    /// # Errors
    /// See [`gradient_into`](Self::gradient_into).
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if `out` is not of shape (n, n).
    ///
    /// ```
    /// use ndarray::Array2;
    /// let (mut hessian, central) = (Array2::zeros((2, 2)), numgrad::difference::Differentiator::default());
    /// central.of(|[a, b]| a * b, &[1.0, 2.0]).hessian_into(&mut hessian)?;
    /// assert!((hessian[[0, 1]] - 1.0).abs() < 1e-7);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian_into(&self, out: &mut ArrayRef2<f64>) -> Result<(), S::Failure> {
        let origin = self.point.in_order();
        Ok(self.how.fill_hessian(&self.call, self.crew(&origin), self.value, out)?)
    }

    /// The entries of a sparse Hessian, in the order of [`SparsityPattern::entries`]. Those that the pattern leaves out are
    /// not evaluated.
    ///
    /// Costs as much as [`hessian`](Self::hessian) would for these entries alone, where `(i, j)` and `(j, i)` count once. What
    /// the pattern leaves out does not spoil what it names. From a gradient, columns are moved together:
    /// [`OfValues::sparse_jacobian`](super::OfValues::sparse_jacobian).
    ///
    /// # Errors
    /// See [`hessian`](Self::hessian).
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if the pattern has not one row and one column for each coordinate.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, SparsityPattern};
    /// let chain = |x: &[f64; 4]| x.windows(2).map(|w| w[0] * w[1] * w[1]).sum();
    /// let tridiagonal = SparsityPattern::banded(4, 4, 1, 1);
    /// let hessian = Differentiator::default().of(chain, &[1.0, 2.0, 3.0, 4.0]).sparse_hessian(&tridiagonal)?;
    /// // ∂²/∂x_0∂x_1 = 2·x_1, once in column 0 and once in column 1.
    /// assert!((hessian[1] - 4.0).abs() < 1e-6 && hessian[1] == hessian[2]);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn sparse_hessian(&self, pattern: &SparsityPattern) -> Result<Vec<f64>, S::Failure> {
        let mut out = vec![0.0; pattern.n_entries()];
        self.sparse_hessian_into(pattern, &mut out).map(|()| out)
    }

    /// As [`sparse_hessian`](Self::sparse_hessian), into `out`.
    ///
    /// # Errors
    /// See [`hessian`](Self::hessian).
    ///
    /// # Panics
    /// As [`sparse_hessian`](Self::sparse_hessian), and if `out` has not one slot for each entry.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, SparsityPattern};
    /// let (diagonal, mut out) = (SparsityPattern::banded(2, 2, 0, 0), [0.0; 2]);
    /// let squares = |[a, b]: &[f64; 2]| a * a + b.powi(3);
    /// Differentiator::default().of(squares, &[1.0, 2.0]).sparse_hessian_into(&diagonal, &mut out)?;
    /// assert!((out[1] - 12.0).abs() < 1e-6);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn sparse_hessian_into(&self, pattern: &SparsityPattern, out: &mut [f64]) -> Result<(), S::Failure> {
        let origin = self.point.in_order();
        Ok(self.how.fill_sparse_hessian(&self.call, self.crew(&origin), self.value, pattern, out)?)
    }

    /// The product of the Hessian and a vector v, `H·v`, from the function alone: the gradient of its derivative along v.
    ///
    /// Costs `4n` evaluations by central differences; the automatic steps are those of a second derivative, `ε^(1/4)`. The
    /// evaluations that a hook is told of are of the derivative along v, two of the function each. From a gradient it costs
    /// two evaluations of that, whatever n: [`OfValues::along`](super::OfValues::along).
    ///
    /// # Errors
    /// See [`gradient`](Self::gradient).
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if the vector has another shape than the point.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let product = Differentiator::default().of(|[a, b]| a * a * b, &[1.0, 2.0]).hessian_vector(&[1.0, 1.0])?;
    /// assert!((product[0] - 6.0).abs() < 1e-6 && (product[1] - 2.0).abs() < 1e-6);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian_vector(&self, vector: &(impl Point + ?Sized)) -> Result<P::Out<f64>, S::Failure> {
        let mut product = self.room(&self.point.in_order());
        self.fill_second_along(vector, P::coordinates(&mut product)).map(|()| product)
    }

    /// As [`hessian_vector`](Self::hessian_vector), into `out`.
    ///
    /// # Errors
    /// See [`gradient_into`](Self::gradient_into).
    ///
    /// # Panics
    /// As [`hessian_vector`](Self::hessian_vector), and if `out` has another shape than the point.
    ///
    /// ```
    /// let (central, mut product) = (numgrad::difference::Differentiator::default(), [0.0]);
    /// central.of(|[x]| x.powi(3), &[2.0]).hessian_vector_into(&[1.0], &mut product)?;
    /// assert!((product[0] - 12.0).abs() < 1e-6);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian_vector_into(
        &self,
        vector: &(impl Point + ?Sized),
        out: &mut (impl Target + ?Sized),
    ) -> Result<(), S::Failure> {
        check_shapes(self.point, out, "a product of the Hessian");
        out.fill_by(|out| self.fill_second_along(vector, out))
    }

    /// `f(x)` if it is wanted or known (else NaN), and the whole gradient.
    fn filled(&self, base: Base) -> Result<(f64, P::Out<f64>), S::Failure> {
        let origin = self.point.in_order();
        let (n, mut gradient) = (origin.len(), self.room(&origin));
        if n > A_HANDFUL || !self.how.is_plain(&self.call, n) {
            return self.fill(base, P::coordinates(&mut gradient)).map(|value| (value, gradient));
        }
        // What becomes the gradient is, until then, the copy of the point that is moved: one less to make.
        let mut slopes = [0.0; A_HANDFUL];
        let base = self.known_or(base);
        let begun = self.how.begin_in::<P, _>(self.source.own(), &mut gradient, &origin, base, &mut slopes[..n])?;
        let out = P::coordinates(&mut gradient);
        out.copy_from_slice(&slopes[..n]);
        self.finish(begun, base, &origin, out).map(|value| (value, gradient))
    }

    /// The whole gradient, and `f(x)` if it is wanted or known (else NaN).
    fn fill(&self, base: Base, out: &mut [f64]) -> Result<f64, S::Failure> {
        let (origin, base) = (self.point.in_order(), self.known_or(base));
        let mut begun = Begun { n_done: 0, value: None };
        if self.how.is_plain(&self.call, out.len()) {
            begun = self.how.begin(self.source.own(), self.point, &origin, base, out)?;
        }
        self.finish(begun, base, &origin, out)
    }

    /// The rest of a gradient that was begun, in the general way.
    #[inline(always)]
    fn finish(&self, begun: Begun, base: Base, origin: &[f64], out: &mut [f64]) -> Result<f64, S::Failure> {
        if begun.n_done == out.len() && begun.n_done > 0 {
            return Ok(begun.value.unwrap_or(f64::NAN));
        }
        let base = begun.value.as_ref().map_or(base, |value| Base::Known(std::slice::from_ref(value)));
        let rest = Coordinates::Range(begun.n_done..out.len());
        let value = self.how.each_scalar(&self.call, self.crew(origin), &rest, base, &mut out[begun.n_done..])?;
        Ok(value.unwrap_or(f64::NAN))
    }

    /// The value at the point if it is known, else what is asked for.
    fn known_or<'v>(&'v self, base: Base<'v>) -> Base<'v> {
        self.value.as_ref().map_or(base, |value| Base::Known(std::slice::from_ref(value)))
    }

    fn fill_second_along(&self, vector: &(impl Point + ?Sized), out: &mut [f64]) -> Result<(), S::Failure> {
        check_shapes(self.point, vector, "a vector");
        let origin = self.point.in_order();
        Ok(self.how.second_along(&self.call, self.crew(&origin), &vector.in_order(), out)?)
    }

    /// Room for a gradient at a point of these coordinates. The numbers in it are theirs: zeroed memory takes longer to get, and a copy of a point of fixed
    /// length takes none.
    fn room(&self, origin: &[f64]) -> P::Out<f64> {
        let memory = if P::NEEDS_BUFFER { Vec::with_capacity(origin.len()) } else { Vec::new() };
        self.point.copy(origin, memory)
    }

    /// The calling thread's function, with its copy of the point.
    pub(super) fn own<'o>(&'o self, origin: &'o [f64]) -> FunctionProbe<'o, S::Error> {
        self.crew(origin).own
    }

    pub(super) fn crew<'o>(&'o self, origin: &'o [f64]) -> FunctionCrew<'o, S::Error> {
        crew(&self.source, self.point, origin, 1)
    }
}
