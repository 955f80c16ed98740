//! The gradient of a function of one value with estimates of its error, and the check of one that somebody derived.

use ndarray::ArrayView2;

use super::check::{CheckReport, Sample};
use super::coordinates::Coordinates;
use super::estimate::Estimate;
use super::function::Source;
use super::of::Of;
use super::point::{Point, check_shapes};
use super::worker::Base;

/// Estimates.
impl<S, P: Point + ?Sized> Of<'_, S, P>
where
    S: Source<P::Seen>,
{
    /// The gradient by extrapolation, each partial derivative with an estimate of its error, in the point's own form.
    ///
    /// ```text
    /// T[k, 0] = (f(x + h_k) - f(x - h_k)) / 2h_k,  h_k = 0.02·scale_i / 2.2^k
    /// T[k, j] = T[k, j-1] + (T[k, j-1] - T[k-1, j-1]) / (2.2^(2j) - 1)
    /// ```
    ///
    /// Costs one evaluation of f(x) and 6 to 48 a coordinate, mostly 8 or 10, for 12 to 15 digits; more where the function
    /// changes on a scale far below the first step, has a kink, or more noise than its precision says (up to all 48 then:
    /// noise and a ripple look alike from afar). Stencil and step are not used; bounds, precision, parallelism and what
    /// belongs to the call are. Near a bound the first step is half the distance to it, at a bound the differences are
    /// one-sided. [`NonFinite::Shorten`](super::NonFinite::Shorten) begins again, nearer to the point. A coordinate is begun
    /// where the budget suffices for 48 more evaluations.
    ///
    /// # Errors
    /// See [`gradient`](Self::gradient).
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient).
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let [slope] = Differentiator::default().of(|[x]| x.tan(), &[0.5]).estimates()?;
    /// assert!((slope.value - 1.2984464104095248).abs() < 1e-12);
    /// assert!(slope.converged && slope.error < 1e-11);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn estimates(&self) -> Result<P::Out<Estimate>, S::Failure> {
        let n = self.point.in_order().len();
        let estimates = self.estimates_of(0..n)?;
        Ok(self.point.form(estimates))
    }

    /// As [`estimates`](Self::estimates), into `out`, in standard order. Nothing is allocated for a coordinate.
    ///
    /// # Errors
    /// See [`gradient_into`](Self::gradient_into).
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if `out` has not one slot for each coordinate.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Estimate};
    /// let mut out = [Estimate::default()];
    /// Differentiator::default().of(|[x]| x.sin(), &[0.0]).estimates_into(&mut out)?;
    /// assert!((out[0].value - 1.0).abs() < 1e-14);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn estimates_into(&self, out: &mut [Estimate]) -> Result<(), S::Failure> {
        let n = self.point.in_order().len();
        self.estimates_of_into(0..n, out)
    }

    /// As [`estimates`](Self::estimates), for chosen coordinates, in the order asked for.
    ///
    /// # Errors
    /// See [`gradient`](Self::gradient).
    ///
    /// # Panics
    /// As [`partials`](Self::partials).
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let last = Differentiator::default().of(|x| x[0].exp() * x[1], &[1.0, 2.0]).estimates_of([1])?;
    /// assert!((last[0].value - 1_f64.exp()).abs() < 1e-12);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn estimates_of(&self, coordinates: impl Into<Coordinates>) -> Result<Vec<Estimate>, S::Failure> {
        let coordinates = coordinates.into();
        let mut out = vec![Estimate::default(); coordinates.len()];
        self.estimates_of_into(coordinates, &mut out).map(|()| out)
    }

    /// As [`estimates_of`](Self::estimates_of), into `out`.
    ///
    /// # Errors
    /// See [`gradient_into`](Self::gradient_into).
    ///
    /// # Panics
    /// As [`partials_into`](Self::partials_into).
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Estimate};
    /// let mut out = [Estimate::default()];
    /// Differentiator::default().of(|x| x[0] * x[1].sin(), &[2.0, 0.0]).estimates_of_into([1], &mut out)?;
    /// assert!((out[0].value - 2.0).abs() < 1e-14);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn estimates_of_into(
        &self,
        coordinates: impl Into<Coordinates>,
        out: &mut [Estimate],
    ) -> Result<(), S::Failure> {
        let coordinates = coordinates.into();
        coordinates.check_slots(out);
        let (origin, value) = (self.point.in_order(), self.value);
        let base = value.as_ref().map_or(Base::IfNeeded, |value| Base::Known(std::slice::from_ref(value)));
        Ok(self.how.estimate(&self.call, self.crew(&origin), &coordinates, base, out)?)
    }

    /// Compares a gradient that somebody derived with [`estimates`](Self::estimates).
    ///
    /// Costs as much as these, mostly 8 or 10 evaluations a coordinate or direction. Directions are random, of the
    /// coordinates' own sizes, and their derivatives are computed one after the other.
    ///
    /// # Errors
    /// See [`gradient`](Self::gradient).
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if the gradient has another shape than the point.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Sample};
    ///
    /// let (central, f) = (Differentiator::default(), |[a, b]: &[f64; 2]| a * a * b);
    /// let check = |gradient| central.of(f, &[1.0, 2.0]).check(gradient, Sample::All);
    /// assert!(check(&[4.0, 1.0])?.passes(1e-9));
    ///
    /// let report = check(&[4.0, 2.0])?;
    /// assert!(!report.passes(1e-9));
    /// assert_eq!(report.worst().unwrap().index, 1);
    /// println!("{report}");
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn check(&self, gradient: &(impl Point + ?Sized), sample: Sample) -> Result<CheckReport, S::Failure> {
        check_shapes(self.point, gradient, "a gradient");
        let (origin, gradient) = (self.point.in_order(), gradient.in_order());
        let Some(coordinates) = sample.coordinates(origin.len()) else {
            let row = ArrayView2::from_shape((1, origin.len()), &gradient).expect("a gradient of the point's shape");
            return Ok(self.how.check_directions(&self.call, self.own(&origin), row, sample)?.without_rows());
        };
        let found = self.estimates_of(&coordinates[..])?;
        Ok(CheckReport::of_coordinates(&coordinates, &gradient, &found))
    }
}
