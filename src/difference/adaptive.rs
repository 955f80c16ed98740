//! Derivatives that estimate their own error: differences with ever shorter steps, extrapolated to a step of 0.
//!
//! Source: Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Adv. Eng. Software 4 (1982), with steps that halve.

use ndarray::{Array, ArrayRef, Dimension};

use super::gradient::{infallible, slice};
use super::moves::{Scheme, inside, realised};
use super::probe::{FunctionProbe, Probe};
use super::run::chunk_len;
use super::{Coordinates, Differentiator, Error, NonFinite, Parallelism};

/// How often the step is halved at most, and the first step for coordinates of size 1 and less.
const MAX_LEVELS: usize = 10;
const FIRST_STEP: f64 = 0.02;
/// A coordinate costs two evaluations a level; at a bound f(x) and one a level.
const MAX_EVALUATIONS: u64 = 2 * MAX_LEVELS as u64;

/// A derivative and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Estimate {
    /// The derivative.
    pub value: f64,
    /// About how far it is off: by extrapolations that disagree, or by rounding, whichever is more.
    pub error: f64,
    /// How many evaluations it took.
    pub n_evaluations: u64,
    /// Whether the error is below `√ε` of the derivative or of the function's own size (for a coordinate of size 1).
    pub converged: bool,
}

impl Differentiator<'_> {
    /// The gradient by extrapolation, with an estimate of its error: an array of the shape of `x`.
    ///
    /// ```text
    /// T[k, 0] = (f(x + h_k) - f(x - h_k)) / 2h_k,  h_k = 0.02·max(1, |x_i|) / 2^k
    /// T[k, j] = T[k, j-1] + (T[k, j-1] - T[k-1, j-1]) / (4^j - 1)
    /// ```
    ///
    /// Costs 4 to 20 evaluations a coordinate, often 8, for 12 to 15 digits. Stencil and step are not used; bounds,
    /// precision, parallelism, budget and hook are. Near a bound the first step is half the distance to it, at a bound the
    /// differences are one-sided. [`NonFinite::Shorten`] begins again with half the step. A coordinate is begun where the
    /// budget suffices for 20 more evaluations.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let slope = Differentiator::default().adaptive_gradient(|x| x[0].tan(), &array![0.5])?[0];
    /// assert!((slope.value - 1.2984464104095248).abs() < 1e-12);
    /// assert!(slope.converged && slope.error < 1e-11);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn adaptive_gradient<D, F>(&self, f: F, x: &ArrayRef<f64, D>) -> Result<Array<Estimate, D>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let estimates = self.adaptive_partials(f, x, 0..x.len())?;
        Ok(Array::from_shape_vec(x.raw_dim(), estimates).expect("one estimate a coordinate"))
    }

    /// As [`adaptive_gradient`](Self::adaptive_gradient), for chosen coordinates.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If one of the coordinates is not below the number of elements of `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let last = Differentiator::default().adaptive_partials(|x| x[0].exp() * x[1], &array![1.0, 2.0], [1])?;
    /// assert!((last[0].value - 1_f64.exp()).abs() < 1e-12);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn adaptive_partials<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        coordinates: impl Into<Coordinates>,
    ) -> Result<Vec<Estimate>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let coordinates = coordinates.into();
        let mut out = vec![Estimate::default(); coordinates.len()];
        self.adaptive_partials_into(f, x, coordinates, &mut out).map(|()| out)
    }

    /// As [`adaptive_partials`](Self::adaptive_partials), into `out`. Nothing is allocated for a coordinate.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If one of the coordinates does not exist, or `out` has not one slot for each.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Estimate};
    /// let mut out = [Estimate::default(); 1];
    /// Differentiator::default().adaptive_partials_into(|x| x[0].sin(), &ndarray::array![0.0], 0..1, &mut out)?;
    /// assert!((out[0].value - 1.0).abs() < 1e-14);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn adaptive_partials_into<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        coordinates: impl Into<Coordinates>,
        out: &mut [Estimate],
    ) -> Result<(), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let coordinates = coordinates.into();
        let n = coordinates.len();
        coordinates.check(x.len());
        assert!(out.len() == n, "{} slots for {n} coordinates", out.len());
        let origin = x.as_standard_layout();
        let scheme = self.scheme(&self.stencil, 1, x.len());
        let make = || FunctionProbe::new(infallible(&f), x.raw_dim(), slice(&origin), 1);
        let n_affordable = usize::try_from(self.budget() / MAX_EVALUATIONS).unwrap_or(usize::MAX).min(n);
        let run = self.start(n, 0, 0);
        let mut done = vec![false; n];
        let parallel = (self.parallelism == Parallelism::Pool).then_some(make);
        let chunk_len = if parallel.is_some() { chunk_len(n) } else { 1 };
        let slots = (&mut out[..n_affordable], &mut done[..n_affordable]);
        run.drive(make(), parallel, slots, chunk_len, |probe, first, slots, done| {
            for (k, (slot, done)) in slots.iter_mut().zip(done).enumerate() {
                if run.wants(first + k) {
                    match self.extrapolate(&scheme, probe, coordinates.get(first + k)) {
                        Ok(estimate) => {
                            (*slot, *done) = (estimate, true);
                            run.advance(1, estimate.n_evaluations);
                        }
                        Err(error) => run.fail(first + k, error),
                    }
                }
            }
        });
        let outcome = run.finish(None, done)?;
        let masked = |(slot, done): (&Estimate, &bool)| if *done { slot.value } else { f64::NAN };
        outcome.complete(|done| out.iter().zip(done).map(masked).collect())?;
        Ok(())
    }

    fn extrapolate<E>(
        &self,
        scheme: &Scheme,
        probe: &mut impl Probe<Error = E>,
        coordinate: usize,
    ) -> Result<Estimate, Error<E>> {
        let x = probe.position(coordinate);
        let (lower, upper) = scheme.limits(coordinate);
        if !(lower <= x && x <= upper) {
            return Err(Error::Point { coordinate, value: x, bounds: (lower, upper) });
        }
        let mut best = Estimate { value: 0.0, error: f64::INFINITY, n_evaluations: 0, converged: true };
        if lower == upper {
            return Ok(Estimate { error: 0.0, ..best });
        }
        let size = x.abs().max(1.0);
        let (left, right) = (x - lower, upper - x);
        // Where one side has hardly any room, the other one alone.
        let side = match () {
            _ if left.min(right) >= 0.05 * left.max(right).min(FIRST_STEP * size) => 0.0,
            _ if right >= left => 1.0,
            _ => -1.0,
        };
        let room = if side == 0.0 { left.min(right) } else { left.max(right) };
        let mut h = (FIRST_STEP * size).min(0.5 * room);
        // One-sided differences have errors of all powers of h, central ones of the even ones.
        let power: f64 = if side == 0.0 { 4.0 } else { 2.0 };
        let (mut row, mut previous) = ([0.0_f64; MAX_LEVELS], [0.0_f64; MAX_LEVELS]);
        let (mut n_rows, mut largest) = (0, 0.0_f64);
        let mut failure = None;
        let mut base = None;
        for _ in 0..MAX_LEVELS {
            let up = if side == 0.0 { 1.0 } else { side };
            let ends = [up * realised(x, h), if side == 0.0 { -realised(x, h) } else { 0.0 }];
            let ends = ends.map(|delta| inside(x, delta, lower, upper));
            let mut values = [0.0; 2];
            for (value, &delta) in values.iter_mut().zip(&ends) {
                *value = match base {
                    Some(base) if delta == 0.0 => base,
                    _ => {
                        best.n_evaluations += 1;
                        let at = probe.at(coordinate, delta);
                        at.map_err(|source| Error::Function { coordinate, point: x + delta, source })?[0]
                    }
                };
                if delta == 0.0 {
                    base = Some(*value);
                }
                if !value.is_finite() {
                    failure = Some(Error::NonFinite { coordinate, point: x + delta, value: *value });
                }
            }
            h *= 0.5;
            if values.iter().any(|value| !value.is_finite()) {
                match self.non_finite {
                    NonFinite::Nan | NonFinite::Propagate => {
                        return Ok(Estimate { value: f64::NAN, error: f64::NAN, converged: false, ..best });
                    }
                    NonFinite::Shorten => {
                        n_rows = 0;
                        continue;
                    }
                    NonFinite::Error => break,
                }
            }
            if ends[0] == ends[1] {
                break;
            }
            failure = None;
            largest = values.iter().fold(largest, |max, value| max.max(value.abs()));
            row[0] = (values[0] - values[1]) / (ends[0] - ends[1]);
            let rounding = self.precision() * largest / (ends[0] - ends[1]).abs();
            let mut factor = 1.0;
            for j in 1..=n_rows {
                factor *= power;
                row[j] = row[j - 1] + (row[j - 1] - previous[j - 1]) / (factor - 1.0);
                let disagreement = (row[j] - row[j - 1]).abs().max((row[j] - previous[j - 1]).abs());
                let error = disagreement.max(rounding);
                if error <= best.error {
                    (best.value, best.error) = (row[j], error);
                }
            }
            // Nothing is left to gain, or the differences begin to drown in rounding.
            let apart = if n_rows > 0 { (row[n_rows] - previous[n_rows - 1]).abs() } else { 0.0 };
            if n_rows > 1 && (best.error <= 2.0 * rounding || apart >= 2.0 * best.error) {
                break;
            }
            previous = row;
            n_rows += 1;
        }
        if let Some(error) = failure {
            return Err(error);
        }
        if !best.value.is_finite() {
            return Err(Error::NonFinite { coordinate, point: x, value: best.value });
        }
        best.converged = best.error <= self.precision().sqrt() * best.value.abs().max(largest / size);
        Ok(best)
    }
}
