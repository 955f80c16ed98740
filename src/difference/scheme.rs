//! Where one coordinate is moved to: the stencil's points at the step's length, within the bounds.
//!
//! A stencil that would leave the bounds turns one-sided, of the same order up to 10, or shortens, whichever leaves the
//! longer step: a longer step loses less to rounding. Its weights then come from the points that can in fact be represented.

use super::stencil::{all_differ, fornberg};
use super::{Error, PerCoordinate, Stencil, Step};

/// The lowest and highest value a coordinate may take. Beyond the finite numbers nothing is ever evaluated.
pub(super) const EVERYWHERE: (f64, f64) = (f64::MIN, f64::MAX);

/// A one-sided stencil has no higher order: its weights double from order to order, and rounding with them.
pub(super) const MAX_ONE_SIDED_ORDER: u32 = 10;

/// How the coordinates of one derivative are moved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scheme<'a> {
    pub stencil: &'a Stencil,
    pub step: &'a Step,
    /// The automatic step, for coordinates of scale 1.
    pub automatic_step: f64,
    /// The coordinates' own sizes, where they were given.
    pub scale: Option<&'a PerCoordinate>,
    pub bounds: Option<&'a (PerCoordinate, PerCoordinate)>,
    /// By how much points must differ at least, where bounds shorten the step.
    pub grain: &'a PerCoordinate,
    /// Whether anything is checked at all.
    pub checked: bool,
    /// Whether the derivative of a coordinate is NaN where the coordinate or a value is not finite, and the others are not.
    pub is_nan_by_rule: bool,
}

/// The moves of one coordinate, and the scratch memory to find them.
#[derive(Debug, Default)]
pub(super) struct LocalMoves {
    pub deltas: Vec<f64>,
    pub weights: Vec<f64>,
    pub divisor: f64,
    pub table: Vec<[f64; 3]>,
}

impl LocalMoves {
    /// How far the coordinate is moved at most.
    pub fn reach(&self) -> f64 {
        self.deltas.iter().fold(0.0_f64, |reach, delta| reach.max(delta.abs()))
    }

    /// By how much the derivative may be off for each unit of the values, which are exact to a few times this precision.
    pub fn rounding(&self, precision: f64) -> f64 {
        8.0 * precision * self.weights.iter().map(|weight| weight.abs()).sum::<f64>() / self.divisor.abs()
    }
}

impl Scheme<'_> {
    pub fn limits(&self, coordinate: usize) -> (f64, f64) {
        self.bounds.map_or(EVERYWHERE, |(lower, upper)| {
            (lower.get(coordinate).max(f64::MIN), upper.get(coordinate).min(f64::MAX))
        })
    }

    /// By how much points must differ at least, where bounds shorten the step.
    pub fn grain(&self, coordinate: usize) -> f64 {
        self.grain.get(coordinate)
    }

    /// The limits of a coordinate that is at `x`.
    ///
    /// # Errors
    /// [`Error::Point`] where `x` is not within them, unless it is not finite and that makes the derivative NaN.
    pub fn limits_at(&self, coordinate: usize, x: f64) -> Result<(f64, f64), Error> {
        let limits = self.limits(coordinate);
        if self.checked && !self.is_lost(x) && !(limits.0 <= x && x <= limits.1) {
            return Err(Error::Point { coordinate, value: x, bounds: limits });
        }
        Ok(limits)
    }

    /// The size that a coordinate at `x` is taken to have: its scale, or else `max(1, |x|)`.
    pub fn size(&self, coordinate: usize, x: f64) -> f64 {
        self.scale.map_or(x.abs().max(1.0), |scale| scale.get(coordinate))
    }

    /// Whether the derivative by a coordinate at `x` is NaN because `x` is not finite.
    pub fn is_lost(&self, x: f64) -> bool {
        self.is_nan_by_rule && !x.is_finite()
    }

    pub fn step_length(&self, coordinate: usize, x: f64) -> f64 {
        match self.step {
            Step::Automatic => self.automatic_step * self.size(coordinate, x),
            Step::Absolute(h) => *h,
            Step::Relative(rel) => rel * self.size(coordinate, x),
            Step::PerCoordinate(lengths) => lengths[coordinate],
        }
    }

    /// Finds the moves of a coordinate at `x` within these limits. There are none where they leave no room.
    ///
    /// # Errors
    /// [`Error::Step`] where the step vanishes, or is so short that two points of the stencil are the same number.
    pub fn plan(&self, coordinate: usize, x: f64, limits: (f64, f64), moves: &mut LocalMoves) -> Result<(), Error> {
        let (lower, upper) = limits;
        moves.deltas.clear();
        moves.weights.clear();
        if lower == upper {
            return Ok(());
        }
        let asked = self.step_length(coordinate, x);
        let is_absolute = matches!(self.step, Step::Absolute(_));
        let h = if is_absolute { asked } else { realised(x, asked) };
        if self.checked && (h == 0.0 || (x + h == x && x - h == x)) {
            return Err(Error::Step { coordinate, step: asked, point: x });
        }
        let (mut fits, mut realised_h) = (true, 0.0);
        for (point, weight) in self.stencil.points().iter().zip(self.stencil.weights()) {
            let delta = if is_absolute { point * h } else { (x + point * h) - x };
            fits &= lower <= x + delta && x + delta <= upper;
            realised_h += delta * weight;
            moves.deltas.push(delta);
        }
        if fits && self.checked && coincide(x, &moves.deltas) {
            return Err(Error::Step { coordinate, step: asked, point: x });
        }
        if fits || !self.checked {
            moves.weights.extend_from_slice(self.stencil.weights());
            moves.divisor = if is_absolute { h } else { realised_h };
        } else {
            self.fit(coordinate, x, h, limits, moves);
        }
        Ok(())
    }

    /// Finds moves that are one-sided or shortened.
    fn fit(&self, coordinate: usize, x: f64, h: f64, (lower, upper): (f64, f64), moves: &mut LocalMoves) {
        let (left, right) = (x - lower, upper - x);
        let points = self.stencil.points();
        let shortened = points.iter().fold(h, |h, &point| match point {
            p if p > 0.0 => h.min(right / p),
            p if p < 0.0 => h.min(left / -p),
            _ => h,
        });
        let order = self.stencil.order().min(MAX_ONE_SIDED_ORDER);
        let (room, side) = if right >= left { (right, 1.0) } else { (left, -1.0) };
        let one_sided = h.min(room / f64::from(order));
        let LocalMoves { deltas, weights, divisor, table } = moves;
        deltas.clear();
        let unit = if shortened >= one_sided {
            let unit = realised(x, shortened);
            deltas.extend(points.iter().map(|point| inside(x, point * unit, lower, upper)));
            unit
        } else {
            let unit = realised(x, one_sided);
            deltas.extend((0..=order).map(|k| inside(x, side * f64::from(k) * unit, lower, upper)));
            unit
        };
        if unit == 0.0 || unit < self.grain(coordinate) || !all_differ(deltas) {
            // So few numbers lie within the bounds that points coincide, or nearly: the two ends are what is left.
            deltas.clear();
            deltas.extend([inside(x, right, lower, upper), inside(x, -left, lower, upper)]);
        }
        *divisor = deltas.iter().fold(0.0, |max: f64, delta| max.max(delta.abs()));
        weights.extend(deltas.iter().map(|delta| delta / *divisor));
        fornberg(weights, table);
        weights.clear();
        weights.extend(table.iter().map(|row| row[1]));
    }
}

/// `weight · (value - first)`, also where the difference of two values of the size of the largest numbers overflows.
#[inline(always)]
pub(super) fn weighted_difference(weight: f64, value: f64, first: f64) -> f64 {
    let difference = value - first;
    if difference.is_infinite() { weight * value - weight * first } else { weight * difference }
}

/// Whether two of these moves lead from `x` to the same number.
#[inline]
pub(super) fn coincide(x: f64, deltas: &[f64]) -> bool {
    deltas.iter().enumerate().any(|(i, a)| deltas[..i].iter().any(|b| x + a == x + b))
}

/// By how much a coordinate at `x` moves when `h` is added to it.
#[inline]
pub(super) fn realised(x: f64, h: f64) -> f64 {
    let up = (x + h) - x;
    if up.is_finite() { up } else { x - (x - h) }
}

/// The move from `x` to `x + delta`, or as far as the limits let it, such that adding it to `x` stays within them.
pub(super) fn inside(x: f64, delta: f64, lower: f64, upper: f64) -> f64 {
    let mut delta = (x + delta).clamp(lower, upper) - x;
    while x + delta > upper {
        delta = delta.next_down();
    }
    while x + delta < lower {
        delta = delta.next_up();
    }
    delta
}
