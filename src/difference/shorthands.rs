//! The everyday derivatives: one word each.

use ndarray::Array2;

use super::differentiator::{Differentiator, NonFinite};
use super::error::Error;
use super::point::Point;
use super::stencil::Stencil;
use super::step::Step;

/// The gradient of a function at a point of any kind, with the best defaults: central differences, the automatic step, serial.
/// The step fits a function that changes its shape when a coordinate changes by about `max(1, |x_i|)`. Where it does so
/// over much less, 1e-9 say, the result is finite and wrong without a sign: tell the scale
/// ([`with_scale`](Differentiator::with_scale)), or take [estimates](super::Of::estimates), which cost more and say
/// whether they converged. [Choosing a step](super::choosing_a_step) has more.
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
pub fn gradient<P, F>(f: F, x: &P) -> Result<P::Out<f64>, Error>
where
    P: Point + ?Sized,
    F: Fn(&P::Seen) -> f64 + Sync,
{
    Differentiator::default().gradient(f, x)
}

/// The derivative of a function of one number, with the best defaults: central differences, the automatic step. As for
/// [`gradient`], the result is finite and wrong, without a sign, where the function changes its shape over much less than
/// `max(1, |x|)`: [`with_scale`](Differentiator::with_scale) mends it.
///
/// Costs two evaluations.
///
/// # Errors
/// [`Error::NonFinite`] where the function is NaN or infinite, [`Error::Point`] where `x` is.
///
/// ```
/// assert!((numgrad::derivative(f64::sin, 1.0)? - 1_f64.cos()).abs() < 1e-9);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
pub fn derivative(f: impl FnMut(f64) -> f64, x: f64) -> Result<f64, Error> {
    Differentiator::default().derivative(f, x)
}

/// The gradient as the book's `numerical_gradient(f, x)` takes it: central differences with `h = 1e-4`, serial.
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
pub fn numerical_gradient<P, F>(f: F, x: &P) -> P::Out<f64>
where
    P: Point + ?Sized,
    F: Fn(&P::Seen) -> f64 + Sync,
{
    let book = Differentiator::new(Stencil::central(), Step::BOOK).with_non_finite(NonFinite::Propagate);
    book.gradient(f, x).expect("nothing is checked, so nothing fails")
}

/// Shorthands for the everyday derivatives.
impl Differentiator {
    /// The gradient of a function at `x`, in the point's own form: short for `of(f, x).gradient()`. See
    /// [`Of::gradient`](super::Of::gradient). Without [`with_scale`](Self::with_scale) it is finite and wrong, without a
    /// sign, where the function changes its shape over much less than `max(1, |x_i|)`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the settings have bounds, scales or steps for another number of coordinates than the point has.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let gradient = Differentiator::default().parallel().gradient(|x| x[0] * x[0], &array![3.0])?;
    /// assert!((gradient[0] - 6.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient<P, F>(&self, f: F, x: &P) -> Result<P::Out<f64>, Error>
    where
        P: Point + ?Sized,
        F: Fn(&P::Seen) -> f64 + Sync,
    {
        self.of(f, x).gradient()
    }

    /// The derivative of a function of one number. Always serial, so the function may change its own state.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient).
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Stencil, Step};
    /// let precise = Differentiator::new(Stencil::five_point(), Step::Automatic);
    /// assert!((precise.derivative(|x| x.exp(), 0.0)? - 1.0).abs() < 1e-12);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn derivative(&self, mut f: impl FnMut(f64) -> f64, x: f64) -> Result<f64, Error> {
        self.of_mut(|[x]: &[f64; 1]| f(*x), &[x]).gradient().map(|[slope]| slope)
    }

    /// The Jacobian of a function of many values at `x`: short for `of_values(f, x).jacobian()`. See
    /// [`OfValues::jacobian`](super::OfValues::jacobian).
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if the function does not always return as many values.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let jacobian = Differentiator::default().jacobian(|x| array![x[0] * x[1], x[0] + x[1]], &array![2.0, 3.0])?;
    /// assert!((&jacobian - &array![[3.0, 2.0], [1.0, 1.0]]).iter().all(|error| error.abs() < 1e-9));
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn jacobian<P, F>(&self, f: F, x: &P) -> Result<Array2<f64>, Error>
    where
        P: Point + ?Sized,
        F: Fn(&P::Seen) -> P::Values + Sync,
    {
        self.of_values(f, x).jacobian()
    }

    /// The Hessian of a function at `x`: short for `of(f, x).hessian()`. See [`Of::hessian`](super::Of::hessian).
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient).
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let hessian = Differentiator::default().hessian(|x| (x[0] - x[1]).cos(), &array![0.0, 0.0])?;
    /// assert!((&hessian - &array![[-1.0, 1.0], [1.0, -1.0]]).iter().all(|error| error.abs() < 1e-7));
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian<P, F>(&self, f: F, x: &P) -> Result<Array2<f64>, Error>
    where
        P: Point + ?Sized,
        F: Fn(&P::Seen) -> f64 + Sync,
    {
        self.of(f, x).hessian()
    }
}
