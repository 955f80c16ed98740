//! A gradient that somebody derived, compared with the numerical one.

use std::fmt;

use ndarray::{Array1, ArrayRef, ArrayRef1, Dimension, array};

use super::extrapolation::FIRST_STEP;
use super::gradient::{check_shapes, slice};
use super::{Coordinates, Differentiator, Error, Estimate, Objective, Step};

/// Which derivatives a check compares. Random choices depend on nothing but the seed.
///
/// ```
/// use ndarray::Array1;
/// use numgrad::difference::{Differentiator, Sample};
///
/// let (x, f) = (Array1::ones(10_000), |x: &ndarray::ArrayRef1<f64>| x.iter().map(|x| x * x).sum());
/// let gradient = &x * 2.0;
/// for sample in [Sample::Coordinates { n: 20, seed: 1 }, Sample::Directions { n: 3, seed: 1 }] {
///     assert!(Differentiator::default().check_gradient(f, &x, &gradient, sample)?.passes(1e-6));
/// }
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sample {
    /// Every coordinate.
    All,
    /// So many different coordinates.
    Coordinates {
        /// How many; all, if there are fewer.
        n: usize,
        /// Where the random numbers begin.
        seed: u64,
    },
    /// The derivatives along so many directions, each of which sees every coordinate.
    Directions {
        /// How many.
        n: usize,
        /// Where the random numbers begin.
        seed: u64,
    },
}

impl Sample {
    /// Which of `n` coordinates; `None` where it is of directions.
    fn coordinates(self, n: usize) -> Option<Vec<usize>> {
        match self {
            Sample::All => Some((0..n).collect()),
            Sample::Coordinates { n: n_chosen, seed } => Some(chosen(n_chosen, n, seed)),
            Sample::Directions { .. } => None,
        }
    }
}

/// One derivative, twice.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::{Differentiator, Sample};
/// let check = Differentiator::default().check_gradient(|x| x[0].sin(), &array![0.0], &array![1.1], Sample::All)?;
/// let slope = &check.comparisons()[0];
/// assert!((slope.absolute_error() - 0.1).abs() < 1e-9 && (slope.relative_error() - 0.1 / 1.1).abs() < 1e-9);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// The number of the coordinate, or of the direction.
    pub index: usize,
    /// What is checked.
    pub analytic: f64,
    /// What it is checked against.
    pub numerical: f64,
    /// About how far the numerical one may be off.
    pub numerical_error: f64,
    /// Whether that is little: see [`Estimate::converged`].
    pub converged: bool,
}

impl Comparison {
    fn new(index: usize, analytic: f64, found: &Estimate) -> Self {
        let Estimate { value: numerical, error: numerical_error, converged, .. } = *found;
        Self { index, analytic, numerical, numerical_error, converged }
    }

    /// The larger of the two.
    fn size(&self) -> f64 {
        self.analytic.abs().max(self.numerical.abs())
    }

    /// `|analytic - numerical|`. See [`Comparison`] for an example.
    pub fn absolute_error(&self) -> f64 {
        (self.analytic - self.numerical).abs()
    }

    /// The absolute error beside the larger of the two; 0 where both are 0. See [`Comparison`] for an example.
    pub fn relative_error(&self) -> f64 {
        if self.size() == 0.0 { 0.0 } else { self.absolute_error() / self.size() }
    }
}

/// What a check found. Printed, it is a table of the worst ten.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::{Differentiator, Sample};
/// let (x, gradient) = (array![1.0, 2.0], array![2.0, 5.0]);
/// let check = Differentiator::default().check_gradient(|x| x[0] * x[1] + x[1], &x, &gradient, Sample::All)?;
/// // ∂/∂x_1 is 2, not 5.
/// assert!(!check.passes(1e-6));
/// assert_eq!((check.comparisons().len(), check.worst().unwrap().index), (2, 1));
/// assert!(check.to_string().ends_with("2 compared"));
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GradientCheck {
    comparisons: Vec<Comparison>,
    what: &'static str,
}

impl GradientCheck {
    fn of_coordinates(coordinates: &[usize], gradient: &[f64], found: &[Estimate]) -> Self {
        let compare = |(&index, found): (&usize, &Estimate)| Comparison::new(index, gradient[index], found);
        Self { comparisons: coordinates.iter().zip(found).map(compare).collect(), what: "coordinate" }
    }

    /// All comparisons, in the order of coordinates or directions. See [`GradientCheck`] for an example.
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// The one that is off the most beyond the error of the numerical one; `None` where nothing was compared.
    /// See [`GradientCheck`] for an example.
    pub fn worst(&self) -> Option<&Comparison> {
        self.by_badness().into_iter().next()
    }

    /// Whether every derivative agrees to `rel` of itself, beyond the numerical error, and agreement means something: the
    /// numerical error is itself below `rel` of the largest derivative compared, or both are 0 to within one that has
    /// converged. What compared nothing does not pass. See [`GradientCheck`] for an example.
    pub fn passes(&self, rel: f64) -> bool {
        let largest = self.comparisons.iter().map(Comparison::size).fold(0.0, f64::max);
        let passes = |c: &Comparison| {
            let agrees = c.absolute_error() <= rel * c.size() + c.numerical_error;
            let are_zero = c.converged && c.size() <= c.numerical_error;
            agrees && (c.numerical_error <= rel * largest || are_zero)
        };
        !self.comparisons.is_empty() && self.comparisons.iter().all(passes)
    }

    fn by_badness(&self) -> Vec<&Comparison> {
        // What is NaN is worse than anything.
        let badness = |c: &Comparison| {
            let excess = (c.absolute_error() - c.numerical_error) / c.size();
            if c.absolute_error() == 0.0 {
                f64::NEG_INFINITY
            } else if excess.is_nan() {
                f64::INFINITY
            } else {
                excess
            }
        };
        let mut sorted: Vec<_> = self.comparisons.iter().collect();
        sorted.sort_by(|a, b| badness(b).total_cmp(&badness(a)));
        sorted
    }
}

impl fmt::Display for GradientCheck {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let heads = [self.what, "analytic", "numerical", "absolute error", "relative error", "numerical error"];
        writeln!(
            f,
            "{:>12} {:>24} {:>24} {:>15} {:>15} {:>16}",
            heads[0], heads[1], heads[2], heads[3], heads[4], heads[5]
        )?;
        for c in self.by_badness().into_iter().take(10) {
            let Comparison { index, analytic, numerical, numerical_error, .. } = c;
            let (absolute, relative) = (c.absolute_error(), c.relative_error());
            writeln!(
                f,
                "{index:>12} {analytic:>24.16e} {numerical:>24.16e} {absolute:>15.1e} {relative:>15.1e} {numerical_error:>16.1e}"
            )?;
        }
        write!(f, "{} compared", self.comparisons.len())
    }
}

impl Differentiator<'_> {
    /// Compares a gradient that somebody derived with the adaptive one.
    ///
    /// Costs as much as [`adaptive_gradient`](Self::adaptive_gradient), mostly 8 or 10 evaluations a coordinate or direction.
    /// Stencil and step are not used; bounds are. Directions are random, of the coordinates' own sizes, and their
    /// derivatives are computed one after the other.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the gradient has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Sample};
    ///
    /// let f = |x: &ndarray::ArrayRef1<f64>| x[0] * x[0] * x[1];
    /// let (x, right, wrong) = (array![1.0, 2.0], array![4.0, 1.0], array![4.0, 2.0]);
    /// let check = |gradient| Differentiator::default().check_gradient(f, &x, gradient, Sample::All);
    /// assert!(check(&right)?.passes(1e-9));
    ///
    /// let report = check(&wrong)?;
    /// assert!(!report.passes(1e-9));
    /// assert_eq!(report.worst().unwrap().index, 1);
    /// println!("{report}");
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn check_gradient<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        gradient: &ArrayRef<f64, D>,
        sample: Sample,
    ) -> Result<GradientCheck, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        check_shapes(x, gradient);
        let (origin, gradient) = (x.as_standard_layout(), gradient.as_standard_layout());
        let (origin, gradient) = (slice(&origin), slice(&gradient));
        let Some(coordinates) = sample.coordinates(x.len()) else {
            return self.check_directions(f, x, origin, gradient, sample);
        };
        let found = self.adaptive_partials(f, x, &coordinates[..])?;
        Ok(GradientCheck::of_coordinates(&coordinates, gradient, &found))
    }

    /// As [`check_gradient`](Self::check_gradient), for a structured objective.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the gradient has not one value for each coordinate, or the sample is of directions: an objective moves one
    /// coordinate at a time.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Sample};
    /// # struct Sines(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sines {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), i: usize, delta: f64) -> f64 { (self.0[i] + delta).sin() }
    /// # }
    /// // `Sines`, Σ sin x_i, implements `Objective`.
    /// let gradient = [1.0, 1_f64.cos()];
    /// let sines = Sines(vec![0.0, 1.0]);
    /// assert!(Differentiator::default().check_objective_gradient(&sines, &gradient, Sample::All)?.passes(1e-10));
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn check_objective_gradient<O: Objective>(
        &self,
        objective: &O,
        gradient: &[f64],
        sample: Sample,
    ) -> Result<GradientCheck, Error> {
        let n = objective.n_coordinates();
        assert!(gradient.len() == n, "a gradient of {} values for {n} coordinates", gradient.len());
        let coordinates = sample.coordinates(n).expect("an objective is checked by coordinates, not by directions");
        let found = self.adaptive_objective_partials(objective, Coordinates::List(coordinates.clone()))?;
        Ok(GradientCheck::of_coordinates(&coordinates, gradient, &found))
    }

    fn check_directions<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        origin: &[f64],
        gradient: &[f64],
        sample: Sample,
    ) -> Result<GradientCheck, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let mut comparisons = Vec::new();
        if let Sample::Directions { n, seed } = sample {
            let mut random = SplitMix64(seed);
            // Where a corner of the box leaves a line no room for the first step, it is split.
            let first_step = self.with_step(Step::Relative(FIRST_STEP));
            let scheme = first_step.scheme(&first_step.stencil, 1, x.len());
            for index in 0..n {
                let of_own_size = |(i, x): (usize, &f64)| random.symmetric() * scheme.size(i, *x);
                let direction: Array1<f64> = origin.iter().enumerate().map(of_own_size).collect();
                let mut found = Estimate { converged: true, ..Estimate::default() };
                let mut analytic = 0.0;
                for line in first_step.lines(&scheme, origin, slice(&direction))? {
                    let on_the_line = |t: &ArrayRef1<f64>| {
                        let mut point = x.to_owned();
                        for (i, (slot, v)) in point.iter_mut().zip(&*line.direction).enumerate() {
                            let (lower, upper) = scheme.limits(i);
                            if *v != 0.0 {
                                *slot = (*slot + t[0] * v).clamp(lower, upper);
                            }
                        }
                        f(&point)
                    };
                    let along = line.how.adaptive_gradient(on_the_line, &array![0.0])?[0];
                    found.value += along.value;
                    found.error += along.error;
                    found.n_evaluations += along.n_evaluations;
                    found.converged &= along.converged;
                    analytic += gradient.iter().zip(&*line.direction).map(|(slope, v)| slope * v).sum::<f64>();
                }
                if found.n_evaluations == 0 {
                    continue;
                }
                comparisons.push(Comparison::new(index, analytic, &found));
            }
        }
        Ok(GradientCheck { comparisons, what: "direction" })
    }
}

/// `n` different numbers below `len`, in order.
pub(crate) fn chosen(n: usize, len: usize, seed: u64) -> Vec<usize> {
    let mut random = SplitMix64(seed);
    let mut all: Vec<usize> = (0..len).collect();
    for k in 0..n.min(len) {
        let other = k + (random.next() % (len - k) as u64) as usize;
        all.swap(k, other);
    }
    all.truncate(n);
    all.sort_unstable();
    all
}

/// Random numbers good enough to choose coordinates: SplitMix64 (Steele, Lea and Flood, 2014).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Between -1 and 1.
    fn symmetric(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the reference implementation for seed 1234567.
    #[test]
    fn the_random_numbers_are_those_of_the_reference_implementation() {
        let mut random = SplitMix64(1_234_567);
        let first = [random.next(), random.next(), random.next()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }
}
