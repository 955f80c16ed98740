//! How to differentiate: the settings that all derivatives have in common.

use super::pace::Pace;
use super::scheme::Scheme;
use super::stencil::Stencil;
use super::step::{PerCoordinate, Step};
use super::sweep::Parallelism;

/// What happens where the function is NaN or infinite.
///
/// ```
/// use numgrad::difference::{Differentiator, NonFinite};
///
/// let f = |[a, b]: &[f64; 2]| a.ln() + b;
/// let by_rule = |rule| Differentiator::default().with_non_finite(rule).gradient(f, &[1e-9, 1.0]);
/// assert!(by_rule(NonFinite::Error).is_err());
/// assert!((by_rule(NonFinite::Shorten)?[0] / 1e9 - 1.0).abs() < 0.02);
/// let gradient = by_rule(NonFinite::Nan)?;
/// assert!(gradient[0].is_nan() && (gradient[1] - 1.0).abs() < 1e-9);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NonFinite {
    /// [`Error::NonFinite`](super::Error::NonFinite), which names coordinate, point and value.
    #[default]
    Error,
    /// The coordinate is tried again with points an eighth as far away as the one that failed; after the eighth time on the
    /// other side of `x` alone, from the full step on. What comes of it is believed if a step an eighth as long agrees to a
    /// hundredth, or if shorter steps approach a number. After the sixteenth failure it is an error; so are a value at `x`
    /// itself, and steps that never agree, as those of `√x` at 0.
    Shorten,
    /// The derivative of a coordinate that is not finite, or at whose moves the function is not, is NaN; the others are what
    /// they are.
    Nan,
    /// Nothing is checked, neither the values nor the point nor the step: the result is what the arithmetic gives, as in the
    /// book.
    Propagate,
}

/// How to differentiate: stencil, step, bounds, serial or parallel, and what to do when something goes wrong.
///
/// [`of`](Self::of) and its like take the function and the point, and what they give has the derivatives. The function must
/// depend on nothing but its argument; the point is never changed, and the result has the same bits for any number of threads.
/// A function of a [`Point`](super::Point) is one of its *coordinates*, numbered in standard (row-major) order.
///
/// ```
/// use numgrad::difference::{Differentiator, Stencil, Step};
///
/// let f = |[a, b]: &[f64; 2]| a.ln() + b;
/// let precise = Differentiator::new(Stencil::five_point(), Step::Automatic).parallel();
/// assert!((precise.gradient(f, &[1.0, 0.0])?[0] - 1.0).abs() < 1e-11);
///
/// // ln is not defined below 0: no point is evaluated there.
/// let bounded = Differentiator::default().with_bounds([1e-9, -1.0], 1e9);
/// assert!((bounded.gradient(f, &[1e-3, 0.0])?[0] / 1000.0 - 1.0).abs() < 1e-4);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Differentiator {
    pub(super) stencil: Stencil,
    pub(super) step: Step,
    /// `points · step` of an absolute step, made once so that a gradient by blocks allocates nothing.
    pub(super) deltas: Vec<f64>,
    precision: f64,
    /// The automatic step of the stencil for a first derivative and coordinates of scale 1: made once, for it is a power.
    automatic_step: f64,
    bounds: Option<(PerCoordinate, PerCoordinate)>,
    scale: Option<PerCoordinate>,
    /// By how much points must differ at least, where bounds shorten the step.
    grain: PerCoordinate,
    pub(super) parallelism: Parallelism,
    pub(super) non_finite: NonFinite,
    pub(super) pace: Pace,
}

impl Default for Differentiator {
    /// Central differences with the automatic step, serial, of functions that are exact to the last bit or so.
    fn default() -> Self {
        Self::new(Stencil::central(), Step::Automatic)
    }
}

impl Differentiator {
    /// Settings with this stencil and step, and serial.
    ///
    /// # Panics
    /// If a step is not positive and finite.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Stencil, Step};
    /// let books = Differentiator::new(Stencil::central(), Step::BOOK);
    /// assert!((books.gradient(|x| x[0] * x[0], &ndarray::array![3.0])?[0] - 6.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn new(stencil: Stencil, step: Step) -> Self {
        step.check();
        let deltas = match step {
            Step::Absolute(h) => stencil.points().iter().map(|point| point * h).collect(),
            _ => Vec::new(),
        };
        Self {
            automatic_step: stencil.automatic_step(f64::EPSILON, 1),
            stencil,
            deltas,
            step,
            precision: f64::EPSILON,
            bounds: None,
            scale: None,
            grain: PerCoordinate::Same(0.0),
            parallelism: Parallelism::Serial,
            non_finite: NonFinite::Error,
            pace: Pace::default(),
        }
    }

    /// The same settings, computing on rayon's current pool.
    ///
    /// A few cheap coordinates are computed by the calling thread alone, for waking up a pool takes longer: whether they are
    /// cheap is known from the derivative before by these settings.
    ///
    /// ```
    /// let parallel = numgrad::difference::Differentiator::default().parallel();
    /// assert_eq!(parallel.gradient(|x| x.sum(), &ndarray::array![0.0])?[0], 1.0);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn parallel(self) -> Self {
        self.with_parallelism(Parallelism::Pool)
    }

    /// The same, serial or parallel.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Parallelism};
    /// let serial = Differentiator::default().parallel().with_parallelism(Parallelism::Serial);
    /// ```
    pub fn with_parallelism(self, parallelism: Parallelism) -> Self {
        Self { parallelism, ..self }
    }

    /// The same for a function whose values are exact to this relative precision: 6e-8 for one in single precision, more
    /// for a noisy one. It makes the automatic step longer.
    ///
    /// # Panics
    /// If the precision is not between 0 and 1.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let single = Differentiator::default().with_precision(f64::from(f32::EPSILON));
    /// let slope = single.gradient(|x| f64::from((x[0] as f32).sin()), &ndarray::array![1.0])?[0];
    /// assert!((slope - 1_f64.cos()).abs() < 1e-4);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn with_precision(self, precision: f64) -> Self {
        assert!(precision > 0.0 && precision < 1.0, "a relative precision of {precision}");
        self.at_precision(precision)
    }

    fn at_precision(self, precision: f64) -> Self {
        Self { precision, automatic_step: self.stencil.automatic_step(precision, 1), ..self }
    }

    /// The same, evaluating nothing outside `lower..=upper`: one number for all coordinates or one for each.
    ///
    /// A stencil that would leave the bounds turns one-sided, of the same order up to 10, or shortens. The derivative of a
    /// coordinate that they leave no room is 0.
    ///
    /// # Panics
    /// If a lower bound is above its upper one, or one of them is NaN.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let bounded = Differentiator::default().with_bounds(0.0, [4.0, 9.0]);
    /// let gradient = bounded.gradient(|x| x[0].sqrt() * x[1].sqrt(), &ndarray::array![4.0, 9.0])?;
    /// assert!((gradient[0] - 0.75).abs() < 1e-9 && (gradient[1] - 1.0 / 3.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn with_bounds(self, lower: impl Into<PerCoordinate>, upper: impl Into<PerCoordinate>) -> Self {
        let (lower, upper) = (lower.into(), upper.into());
        if let (Some(n_lower), Some(n_upper)) = (lower.len(), upper.len()) {
            assert!(n_lower == n_upper, "{n_lower} lower and {n_upper} upper bounds");
        }
        for coordinate in 0..lower.len().or(upper.len()).unwrap_or(1) {
            let (lower, upper) = (lower.get(coordinate), upper.get(coordinate));
            assert!(lower <= upper, "coordinate {coordinate} is bounded by {lower}..={upper}");
        }
        Self { bounds: Some((lower, upper)), ..self }
    }

    /// The same for coordinates of this scale: by how much one has to change for the function to change its shape. One number
    /// for all coordinates or one for each, in their own units (MATLAB's `TypicalX`, R's `parscale`).
    ///
    /// It takes the place of `max(1, |x_i|)` in the automatic and relative steps, along directions too, and in the first step
    /// of the adaptive derivatives. Without it they fail, with a finite and wrong number, where a function lives on a scale far
    /// from that: a rate of 1e-6 with a threshold of 1e-6, a time of 1.7e9 seconds in a wave of ten minutes. See
    /// [choosing a step](super::choosing_a_step).
    ///
    /// # Panics
    /// If a scale is not positive and finite. A derivative panics where there is not one for each of its coordinates.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// let scaled = Differentiator::default().with_scale(1e-6);
    /// assert!((scaled.derivative(|x| x / (1e-6 + x), 1e-6)? / 250_000.0 - 1.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn with_scale(self, scale: impl Into<PerCoordinate>) -> Self {
        let scale = scale.into();
        for coordinate in 0..scale.len().unwrap_or(1) {
            let size = scale.get(coordinate);
            assert!(size > 0.0 && size.is_finite(), "coordinate {coordinate} has a scale of {size}");
        }
        Self { scale: Some(scale), ..self }
    }

    /// The same, with another rule for values that are NaN or infinite.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, NonFinite};
    /// let away = Differentiator::default().with_non_finite(NonFinite::Shorten);
    /// // (-1e-9).powf(1.5) is NaN.
    /// assert!(away.gradient(|x| x[0].powf(1.5), &ndarray::array![0.0])?[0].abs() < 1e-2);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn with_non_finite(self, non_finite: NonFinite) -> Self {
        Self { non_finite, ..self }
    }

    /// The same with another step that is not absolute.
    pub(super) fn with_step(&self, step: Step) -> Self {
        Self { step, deltas: Vec::new(), ..self.clone() }
    }

    /// The same with another step, bounds that may be none, and without a scale.
    pub(super) fn with_step_and_bounds(&self, step: Step, bounds: Option<(PerCoordinate, PerCoordinate)>) -> Self {
        let Self { precision, automatic_step, parallelism, non_finite, .. } = *self;
        let new = Self::new(self.stencil.clone(), step);
        Self { bounds, precision, automatic_step, parallelism, non_finite, ..new }
    }

    /// The same, using no more than the two ends of what the bounds leave, where they leave so little that the points of a
    /// stencil would be nearer together than this.
    pub(super) fn with_grain(self, grain: PerCoordinate) -> Self {
        Self { grain, ..self }
    }

    pub(super) fn precision(&self) -> f64 {
        self.precision
    }

    pub(super) fn with_precision_power(&self, power: f64) -> Self {
        self.clone().at_precision(self.precision.powf(power))
    }

    pub(super) fn automatic_step(&self) -> f64 {
        self.automatic_step
    }

    pub(super) fn has_no_scale(&self) -> bool {
        self.scale.is_none()
    }

    pub(super) fn is_bounded(&self) -> bool {
        self.bounds.is_some()
    }

    /// How `n` coordinates are moved for a first derivative by the stencil itself.
    ///
    /// # Panics
    /// If steps, bounds or scales are for another number of coordinates than `n`.
    pub(super) fn own_scheme(&self, n: usize) -> Scheme<'_> {
        self.scheme_of_step(&self.stencil, self.automatic_step, n)
    }

    /// How coordinates are moved, for the derivative of this order.
    ///
    /// # Panics
    /// If steps, bounds or scales are for another number of coordinates than `n`.
    pub(super) fn scheme<'a>(&'a self, stencil: &'a Stencil, derivative: u32, n: usize) -> Scheme<'a> {
        self.scheme_of_step(stencil, stencil.automatic_step(self.precision, derivative), n)
    }

    fn scheme_of_step<'a>(&'a self, stencil: &'a Stencil, automatic_step: f64, n: usize) -> Scheme<'a> {
        let check = |found: Option<usize>, what| {
            if let Some(found) = found {
                assert!(found == n, "{found} {what} for {n} coordinates");
            }
        };
        if let Step::PerCoordinate(lengths) = &self.step {
            check(Some(lengths.len()), "steps");
        }
        if let Some((lower, upper)) = &self.bounds {
            check(lower.len().or(upper.len()), "bounds");
        }
        if let Some(scale) = &self.scale {
            check(scale.len(), "scales");
        }
        Scheme {
            stencil,
            step: &self.step,
            automatic_step,
            scale: self.scale.as_ref(),
            bounds: self.bounds.as_ref(),
            grain: &self.grain,
            checked: self.non_finite != NonFinite::Propagate,
            is_nan_by_rule: self.non_finite == NonFinite::Nan,
        }
    }
}
