//! One coordinate's derivative by differences with ever shorter steps, extrapolated to a step of 0, and how far the result
//! can be trusted.
//!
//! ```text
//! T[k, 0] = (f(x + h_k) - f(x - h_k)) / 2h_k,  h_k = h_0 / 2.2^k
//! T[k, j] = T[k, j-1] + (T[k, j-1] - T[k-1, j-1]) / (2.2^(2j) - 1)
//! ```
//!
//! An entry is believed as far as it agrees with its three neighbours of row k - 1 and column j - 1, and as far as rounding
//! allows. Four things keep the belief honest:
//!
//! - The steps go on where entries do not agree yet: a function may live on a scale far below the first step.
//! - Their ratio is not 2: multiples of a period stay multiples of it when they are halved, and a wave that is seen once a
//!   period looks like a constant.
//! - A column that moves on after its best entry takes back that entry's credit: it agreed by chance, or there is noise.
//! - The slopes to the two sides of x approach each other as the steps do, unless there is a kink.
//!
//! Source: Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Adv. Eng. Software 4 (1982).

use super::differentiator::{Differentiator, NonFinite};
use super::error::{Error, TryError};
use super::estimate::Estimate;
use super::probe::Probe;
use super::scheme::{Scheme, inside, realised};

/// A coordinate's at most: two for each of 24 rows, or less where values that are not finite have used some up.
pub(super) const MAX_EVALUATIONS: u64 = 48;
/// Fewer do not tell how far they can be trusted.
const MIN_ROWS: u64 = 3;
/// More columns than this bring nothing but rows of long steps.
const N_COLUMNS: usize = 7;
const RATIO: f64 = 2.2;
/// For coordinates of size 1 and less, and functions that are exact to the last bit or so.
pub(super) const FIRST_STEP: f64 = 0.02;

impl Differentiator {
    /// The derivative by one coordinate. `base` is f(x), where it is known.
    ///
    /// With [`NonFinite::Shorten`] a value that is not finite begins it again, nearer to the point.
    pub(super) fn extrapolate<E>(
        &self,
        scheme: &Scheme,
        probe: &mut impl Probe<Error = E>,
        coordinate: usize,
        base: Option<f64>,
    ) -> Result<Estimate, TryError<E>> {
        let x = probe.position(coordinate);
        let widest = scheme.limits(coordinate);
        let mut limits = widest;
        let mut n_evaluations = 0;
        let base = match base {
            None if widest.0 < widest.1 => {
                n_evaluations += 1;
                let values = probe.at(coordinate, 0.0);
                Some(values.map_err(|source| TryError::Function { coordinate, point: x, source })?[0])
            }
            base => base,
        };
        // It may be no number where those around are: then nothing is compared with it.
        let base = base.filter(|base| base.is_finite());
        for attempt in 0.. {
            let n_rows = (MAX_EVALUATIONS - n_evaluations) / 2;
            let mut at = |delta: f64| match base {
                Some(base) if delta == 0.0 => Ok(base),
                _ => {
                    n_evaluations += 1;
                    let values = probe.at(coordinate, delta);
                    values.map(|values| values[0]).map_err(|source| TryError::Function {
                        coordinate,
                        point: x + delta,
                        source,
                    })
                }
            };
            let size = scheme.size(coordinate, x);
            let (delta, value) = match self.in_rows(&mut at, n_rows as usize, (x, size), limits, base)? {
                Ok(Best { value, error, scale, .. }) => {
                    let converged = error <= self.precision().sqrt() * value.abs().max(scale);
                    return Ok(Estimate { value, error, n_evaluations, converged });
                }
                Err(not_finite) => not_finite,
            };
            let overflows = delta == 0.0 && base.is_some();
            if matches!(self.non_finite, NonFinite::Nan | NonFinite::Propagate) {
                return Ok(Estimate { value: f64::NAN, error: f64::NAN, n_evaluations, converged: false });
            }
            let nearer = self.nearer(attempt, x, delta, limits, widest);
            let affordable = nearer.filter(|_| n_evaluations + 2 * MIN_ROWS <= MAX_EVALUATIONS);
            limits = affordable.ok_or(if overflows {
                Error::Overflow { coordinate, value }
            } else {
                Error::NonFinite { coordinate, point: x + delta, value }
            })?;
        }
        unreachable!("the last attempt fails")
    }

    /// The best entry that moves within these limits give, or the move and the value that is not finite. Where so few numbers
    /// lie within the limits that there is one difference only, nothing tells its error.
    fn in_rows<E>(
        &self,
        at: &mut impl FnMut(f64) -> Result<f64, E>,
        n_rows: usize,
        (x, size): (f64, f64),
        (lower, upper): (f64, f64),
        base: Option<f64>,
    ) -> Result<Result<Best, (f64, f64)>, E> {
        if lower == upper {
            return Ok(Ok(Best::default()));
        }
        // The error is of about the eighth order of the step: so it grows as noise does.
        let first_step = FIRST_STEP * size * (self.precision() / f64::EPSILON).powf(1.0 / 9.0);
        let (left, right) = (x - lower, upper - x);
        // Where one side has hardly any room, the other one alone.
        let central = left.min(right) >= 0.05 * left.max(right).min(first_step);
        let side = if central || right >= left { 1.0 } else { -1.0 };
        let room = if central { left.min(right) } else { left.max(right) };
        let mut h = first_step.min(0.5 * room);
        if realised(x, h) == 0.0 {
            h = room;
        }
        // Central differences have errors of the even powers of h, one-sided ones of all.
        let power = if central { RATIO * RATIO } else { RATIO };
        let mut best = Best { error: f64::INFINITY, ..Best::default() };
        let mut entries = [0.0; N_COLUMNS];
        let mut last_jump = 0.0;
        for n_above in 0..n_rows {
            let ends = [side * realised(x, h), if central { -realised(x, h) } else { 0.0 }];
            let ends = ends.map(|delta| inside(x, delta, lower, upper));
            let width = (ends[0] - ends[1]).abs();
            if width == 0.0 {
                break;
            }
            let mut values = [0.0; 2];
            for (value, delta) in values.iter_mut().zip(ends) {
                *value = at(delta)?;
                if !value.is_finite() {
                    return Ok(Err((delta, *value)));
                }
            }
            let largest = values[0].abs().max(values[1].abs());
            let above = entries;
            entries[0] = (values[0] - values[1]) / (ends[0] - ends[1]);
            if n_above == 0 {
                best.value = entries[0];
            }
            let mut factor = 1.0;
            for j in 1..=n_above.min(N_COLUMNS - 1) {
                factor *= power;
                entries[j] = entries[j - 1] + (entries[j - 1] - above[j - 1]) / (factor - 1.0);
            }
            // What the values are off by: their own last digits, and what the last digits of x make of them.
            let rounding = 2.0 * self.precision() * (largest / width + (x / width * entries[0]).abs());
            let jump = match base {
                Some(base) if central => ((values[0] - base) / ends[0] - (values[1] - base) / ends[1]).abs(),
                _ => 0.0,
            };
            let kink = if n_above > 0 && jump > 0.7 * last_jump && jump > 4.0 * rounding { 0.5 * jump } else { 0.0 };
            last_jump = jump;
            best.scale = best.scale.max(largest / size);
            best.doubt(&entries, n_above, width);
            best.consider(Row { n_above, entries, width, rounding }, &above, kink);
            let agreed = best.error <= best.row.rounding;
            let drowned = best.error <= RATIO * rounding;
            let worsens = n_above > best.row.n_above + 2 && best.error <= 1e-3 * best.value.abs().max(best.scale);
            if n_above > 1 && (agreed || drowned || worsens) {
                break;
            }
            h /= RATIO;
        }
        Ok(if best.value.is_finite() { Ok(best) } else { Err((0.0, best.value)) })
    }
}

/// One row of the tableau: what two points gave.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    /// How many rows are above it.
    n_above: usize,
    entries: [f64; N_COLUMNS],
    /// The distance of the points.
    width: f64,
    /// The error of its entries by rounding.
    rounding: f64,
}

/// The entry that is believed most so far.
#[derive(Debug, Default)]
struct Best {
    value: f64,
    error: f64,
    row: Row,
    column: usize,
    /// The function's own size, for a coordinate of size 1.
    scale: f64,
}

impl Best {
    /// With shorter steps the same column can only get better, but for rounding, which grows as they shrink.
    fn doubt(&mut self, entries: &[f64; N_COLUMNS], n_above: usize, width: f64) {
        if self.error.is_finite() && n_above >= self.column {
            let moved = (entries[self.column] - self.value).abs();
            self.error = self.error.max(moved * width / self.row.width);
        }
    }

    /// Believes an entry of this row more, if it agrees better with its neighbours.
    fn consider(&mut self, row: Row, above: &[f64; N_COLUMNS], kink: f64) {
        let Row { n_above, entries, rounding, .. } = row;
        for j in 1..=n_above.min(N_COLUMNS - 1) {
            let apart = |other: f64| (entries[j] - other).abs();
            let mut disagreement = apart(entries[j - 1]).max(apart(above[j - 1]));
            if j < n_above {
                disagreement = disagreement.max(apart(above[j]));
            }
            let error = disagreement.max(rounding).max(kink);
            if error <= self.error {
                (self.value, self.error, self.row, self.column) = (entries[j], error, row, j);
            }
        }
    }
}
