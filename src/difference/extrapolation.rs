//! One coordinate's derivative by differences with ever shorter steps, extrapolated to a step of 0, and how far the result
//! can be trusted.
//!
//! ```text
//! T[k, 0] = (f(x + h_k) - f(x - h_k)) / 2h_k,  h_k = h_0 / 2.2^k
//! T[k, j] = T[k, j-1] + (T[k, j-1] - T[k-1, j-1]) / (2.2^(2j) - 1)
//! ```
//!
//! An entry is believed as far as it agrees with its three neighbours of row k - 1 and column j - 1, and as far as rounding
//! allows. Six things keep the belief honest:
//!
//! - The steps go on where entries do not agree yet: a function may live on a scale far below the first step.
//! - Their ratio is not 2: multiples of a period stay multiples of it when they are halved, and a wave that is seen once a
//!   period looks like a constant.
//! - A column that moves on after its best entry takes back that entry's credit: it agreed by chance, or there is noise.
//! - Where the differences move away from it steadily, not to and fro, that is no noise.
//! - Where the function turns flat after multiples of a quantum, flatness is not believed.
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
                Ok(Best { value, error, scale, nearby, .. }) => {
                    let converged = error <= self.precision().sqrt() * value.abs().max(scale);
                    return Ok(Estimate { value, error, n_evaluations, converged, nearby });
                }
                Err(not_finite) => not_finite,
            };
            let overflows = delta == 0.0 && base.is_some();
            if matches!(self.non_finite, NonFinite::Nan | NonFinite::Propagate) {
                let (value, error) = (f64::NAN, f64::NAN);
                return Ok(Estimate { value, error, n_evaluations, ..Estimate::default() });
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
        let mut departure = Departure::default();
        let mut stairs = Stairs::new(base);
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
            if let Some(quantum) = stairs.quantum(ends, values, self.precision() * largest) {
                // It may be the edge of something flat, by chance. Values between there and x are then no multiples.
                let mut is_proven = true;
                for part in [0.8, 0.9, 0.97].iter().filter(|_| n_above + 2 < n_rows) {
                    let between = at(inside(x, part * stairs.nearest, lower, upper))?;
                    is_proven &= stairs.is_multiple(between, quantum, self.precision() * largest);
                }
                if is_proven {
                    // What flat stairs agree about is nothing: only what was seen from afar counts, to a quantum.
                    best.error = best.error.min(f64::MAX).max(2.0 * quantum / best.row.width);
                    break;
                }
            }
            let above = entries;
            entries[0] = (values[0] - values[1]) / (ends[0] - ends[1]);
            if n_above == 0 {
                (best.value, best.row.width) = (entries[0], width);
            }
            let mut factor = 1.0;
            for j in 1..=n_above.min(N_COLUMNS - 1) {
                factor *= power;
                entries[j] = entries[j - 1] + (entries[j - 1] - above[j - 1]) / (factor - 1.0);
            }
            // What the values are off by: their own last digits, and what the last digits of x make of them.
            let rounding = 2.0 * self.precision() * (largest / width + (x / width * entries[0]).abs());
            if n_above == 0 {
                let slope = |(value, end): (&f64, &f64)| match base {
                    Some(base) if *end != 0.0 => ((value - base) / end).abs(),
                    _ => entries[0].abs(),
                };
                let steepest = values.iter().zip(&ends).map(slope).fold(0.0, f64::max);
                best.nearby = (steepest - 2.0 * rounding).max(0.0);
            }
            let jump = match base {
                Some(base) if central => ((values[0] - base) / ends[0] - (values[1] - base) / ends[1]).abs(),
                _ => 0.0,
            };
            let kink = if n_above > 0 && jump > 0.7 * last_jump && jump > 4.0 * rounding { 0.5 * jump } else { 0.0 };
            last_jump = jump;
            best.scale = best.scale.max(largest / size);
            best.doubt(&entries, n_above, width);
            if departure.is_real(&best, entries[0]) {
                best.error = best.error.max((entries[0] - best.value).abs());
            }
            let (error_before, value_before) = (best.error, best.value);
            best.consider(Row { n_above, entries, width, rounding }, &above, kink);
            // Polynomials agree all at once, and multiples of a quantum by chance: the next row tells.
            let contradicts = (best.value - value_before).abs() > 3.0 * error_before;
            let is_sudden = best.row.n_above == n_above && (best.error < 1e-5 * error_before || contradicts);
            let agreed = best.error <= best.row.rounding;
            let near = (entries[0] - best.value).abs() <= 10.0 * best.error.max(rounding);
            let drowned = best.error <= RATIO * rounding && near;
            let worsens = n_above > best.row.n_above + 2 && best.error <= 1e-6 * best.value.abs().max(best.scale);
            if n_above > 1 && !is_sudden && (agreed || drowned || worsens) {
                break;
            }
            h /= RATIO;
        }
        Ok(if best.value.is_finite() { Ok(best) } else { Err((0.0, best.value)) })
    }
}

/// How the differences move away from the best entry as the steps shrink: to and fro where there is noise, but steadily where
/// the function lives on a scale far below the steps so far.
#[derive(Debug, Default)]
struct Departure {
    /// Of the row above: its difference, and the best row then.
    last: f64,
    best_row: usize,
    /// How many signs of it there are: one for each row on the same side, and three where two rows nearly agree.
    n_signs: u32,
}

impl Departure {
    /// By chance noise has as many signs once in a hundred times.
    const ENOUGH: u32 = 6;

    fn is_real(&mut self, best: &Best, difference: f64) -> bool {
        let (last, away) = (self.last - best.value, difference - best.value);
        let is_gross = away.abs() > (0.01 * difference.abs().max(best.value.abs())).max(3.0 * best.error);
        if self.best_row != best.row.n_above || !is_gross || away * last <= 0.0 {
            self.n_signs = 0;
        } else {
            self.n_signs += if (away - last).abs() <= 0.3 * away.abs() { 3 } else { 1 };
        }
        (self.last, self.best_row) = (difference, best.row.n_above);
        self.n_signs >= Self::ENOUGH
    }
}

/// Values that are rounded to multiples of a quantum: below it the function is flat, and says nothing about its slope.
struct Stairs {
    /// f(x), or else the first value.
    reference: Option<f64>,
    /// By how much other values are more, and the shortest move to one of them.
    differences: [f64; MAX_EVALUATIONS as usize],
    n: usize,
    nearest: f64,
}

impl Stairs {
    fn new(reference: Option<f64>) -> Self {
        Self { reference, differences: [0.0; MAX_EVALUATIONS as usize], n: 0, nearest: 0.0 }
    }

    /// What the quantum may be, once the function is flat, of values that were multiples of more than their rounding.
    fn quantum(&mut self, ends: [f64; 2], values: [f64; 2], rounding: f64) -> Option<f64> {
        let reference = *self.reference.get_or_insert(values[0]);
        if values.iter().any(|value| *value != reference) {
            for (end, value) in ends.into_iter().zip(values).filter(|(_, value)| *value != reference) {
                (self.differences[self.n], self.nearest) = (value - reference, end);
                self.n += 1;
            }
            return None;
        }
        let differences = &self.differences[..std::mem::take(&mut self.n)];
        let least = differences.iter().fold(f64::INFINITY, |least, difference| least.min(difference.abs()));
        // The least may be a few quanta.
        let mut quanta = [1.0, 2.0, 3.0, 4.0].map(|n| least / n).into_iter();
        let are_multiples = |quantum: f64| differences.iter().all(|d| is_multiple(*d, quantum, rounding));
        quanta.find(|quantum| *quantum > 16.0 * rounding && quantum.is_finite() && are_multiples(*quantum))
    }

    fn is_multiple(&self, value: f64, quantum: f64, rounding: f64) -> bool {
        is_multiple(value - self.reference.unwrap_or(value), quantum, rounding)
    }
}

fn is_multiple(difference: f64, quantum: f64, rounding: f64) -> bool {
    let n = difference / quantum;
    (n - n.round()).abs() <= 1e-9 * n.abs() + 4.0 * rounding / quantum
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
    /// The steeper of the slopes from x to the points of the first row, less its rounding.
    nearby: f64,
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
