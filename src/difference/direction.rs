//! Derivatives along a direction: of a function, of its gradient, and of another directional derivative.

use std::borrow::Cow;

use ndarray::ArrayView2;

use super::call::Call;
use super::check::{CheckReport, Comparison, Sample, SplitMix64, check_rows};
use super::coordinates::Coordinates;
use super::differentiator::{Differentiator, NonFinite};
use super::driver::Crew;
use super::error::{Error, TryError};
use super::estimate::Estimate;
use super::extrapolation::FIRST_STEP;
use super::probe::{FunctionCrew, FunctionProbe, Probe};
use super::scheme::{LocalMoves, MAX_ONE_SIDED_ORDER, Scheme, inside, weighted_difference};
use super::step::{PerCoordinate, Step};
use super::worker::Base;

impl Differentiator {
    /// The derivative of each value along a direction: nothing, if the direction leads nowhere.
    pub(super) fn along<E: Send>(
        &self,
        call: &Call,
        mut probe: FunctionProbe<E>,
        direction: &[f64],
        base: Base,
    ) -> Result<Vec<f64>, TryError<E>> {
        let scheme = self.own_scheme(direction.len());
        let lines = self.lines(&scheme, probe.origin(), direction)?;
        let along = match &lines[..] {
            [] => return Ok(Vec::new()),
            [line] => line.how.clone(),
            several => self.along_several(several),
        };
        let mut by_line = vec![Vec::new(); lines.len()];
        let probe = DirectionProbe::new(&mut probe, &lines, scheme);
        let crew = Crew { own: probe, make: None::<fn() -> _> };
        let store = |values: &mut Vec<f64>, sum: &[f64]| values.extend_from_slice(sum);
        let all = Coordinates::Range(0..lines.len());
        along.each(call, crew, &all, base, &mut by_line, store, |_, _| Vec::new())?;
        let mut slopes: Vec<f64> = Vec::new();
        for values in by_line {
            if slopes.is_empty() {
                slopes = values;
            } else {
                assert!(
                    values.len() == slopes.len(),
                    "{} values after {} at another point",
                    values.len(),
                    slopes.len()
                );
                slopes.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        // Those along each line were checked.
        match slopes.iter().find(|slope| self.non_finite == NonFinite::Error && !slope.is_finite()) {
            Some(&value) => Err(Error::Overflow { coordinate: 0, value }.into()),
            None => Ok(slopes),
        }
    }

    /// The product of the Hessian and a vector, from the function alone, into `out`: the gradient of its derivative along
    /// the vector.
    pub(super) fn second_along<'o, E: Send>(
        &self,
        call: &Call,
        Crew { own, make }: FunctionCrew<'o, E>,
        vector: &[f64],
        out: &mut [f64],
    ) -> Result<(), TryError<E>> {
        let origin = own.origin();
        let order = f64::from(self.stencil.order());
        // So that ε'^(1/(order + 1)) is ε^(1/(order + 2)).
        let mut outer = self.with_precision_power((order + 1.0) / (order + 2.0));
        let mut lines = Vec::new();
        {
            let scheme = outer.own_scheme(origin.len());
            for line in outer.lines(&scheme, origin, vector)? {
                let mut moves = LocalMoves::default();
                let scheme = line.how.own_scheme(1);
                scheme.plan(0, 0.0, scheme.limits(0), &mut moves)?;
                if !moves.deltas.is_empty() {
                    lines.push((line.direction.into_owned(), moves));
                }
            }
        }
        if lines.is_empty() {
            out.fill(0.0);
            return Ok(());
        }
        let call = call.of_evaluations_of(lines.iter().map(|(_, moves)| moves.deltas.len() as u64).sum());
        if outer.is_bounded() {
            // The derivative along v is taken at points that are moved once more: there must be room for both.
            let scheme = outer.own_scheme(origin.len());
            let (mut lower, mut upper) = (Vec::new(), Vec::new());
            for (i, &x) in origin.iter().enumerate() {
                let (low, high) = scheme.limits(i);
                let reach = lines.iter().flat_map(|(v, moves)| moves.deltas.iter().map(move |t| t * v[i]));
                let (least, most) = reach.fold((0.0_f64, 0.0_f64), |(a, b), r| (a.min(r), b.max(r)));
                lower.push((low - least).min(x));
                upper.push((high - most).max(x));
            }
            outer = outer.with_bounds(lower, upper);
        }
        let limits = self.is_bounded().then(|| self.own_scheme(origin.len()));
        let slope = |probe| SlopeProbe { probe, lines: &lines, limits, rule: self.non_finite, slope: [0.0] };
        let crew = Crew { own: slope(own), make: make.map(|make| move || slope(make())) };
        let all = Coordinates::Range(0..out.len());
        outer.each_scalar(&call, crew, &all, Base::IfNeeded, out).map(drop).map_err(|error| match error {
            TryError::Engine(error) => error.into(),
            TryError::Function { coordinate, source: SlopeError::Overflow(value), .. } => {
                Error::Overflow { coordinate, value }.into()
            }
            TryError::Function { coordinate, point, source: SlopeError::Function(source) } => {
                TryError::Function { coordinate, point, source }
            }
        })
    }

    /// Compares a Jacobian with the function along random directions, of the coordinates' own sizes.
    pub(super) fn check_directions<E: Send>(
        &self,
        call: &Call,
        mut probe: FunctionProbe<E>,
        jacobian: ArrayView2<f64>,
        sample: Sample,
    ) -> Result<CheckReport, TryError<E>> {
        let mut comparisons = Vec::new();
        if let Sample::Directions { n, seed } = sample {
            let mut random = SplitMix64::new(seed);
            // Where a corner of the box leaves a line no room for the first step, it is split.
            let first_step = self.with_step(Step::Relative(FIRST_STEP));
            let origin = probe.origin();
            let scheme = first_step.own_scheme(origin.len());
            for index in 0..n {
                let of_own_size = |(i, x): (usize, &f64)| random.symmetric() * scheme.size(i, *x);
                let direction: Vec<f64> = origin.iter().enumerate().map(of_own_size).collect();
                let mut found = vec![Estimate { converged: true, ..Estimate::default() }; jacobian.nrows()];
                let mut analytic = vec![0.0; jacobian.nrows()];
                for line in first_step.lines(&scheme, origin, &direction)? {
                    let probe = LineProbe { probe: &mut probe, direction: &line.direction, scheme };
                    let crew = Crew { own: probe, make: None::<fn() -> _> };
                    let mut along = [Vec::new()];
                    let n_values = line.how.estimate_columns(call, crew, &Coordinates::Range(0..1), &mut along)?;
                    check_rows(&jacobian, n_values);
                    for (row, along) in along[0].iter().enumerate() {
                        let found = &mut found[row];
                        found.value += along.value;
                        found.error += along.error;
                        found.n_evaluations += along.n_evaluations;
                        found.converged &= along.converged;
                        found.nearby += along.nearby;
                        let terms = jacobian.row(row).into_iter().zip(&*line.direction).map(|(slope, v)| slope * v);
                        analytic[row] += terms.sum::<f64>();
                    }
                }
                let moved = found.iter().zip(analytic).enumerate().filter(|(_, (found, _))| found.n_evaluations > 0);
                comparisons
                    .extend(moved.map(|(row, (found, analytic))| Comparison::new(Some(row), index, analytic, found)));
            }
        }
        Ok(CheckReport::of_directions(comparisons))
    }

    /// How to differentiate along a direction: along one line, if bounds leave it room. At a corner of the box, where some
    /// coordinates can be moved forwards alone and others backwards alone, the direction is split into lines that have
    /// room, and its derivative is the sum of theirs. Pinned coordinates are on none of them.
    ///
    /// # Errors
    /// [`Error::Point`], [`Error::Direction`], and [`Error::Step`] where t is absolute and vanishes beside every coordinate.
    pub(super) fn lines<'a>(&self, scheme: &Scheme, x: &[f64], direction: &'a [f64]) -> Result<Vec<Line<'a>>, Error> {
        for (coordinate, (&x, &v)) in x.iter().zip(direction).enumerate() {
            scheme.limits_at(coordinate, x)?;
            if scheme.checked && !v.is_finite() {
                return Err(Error::Direction { coordinate, value: v });
            }
        }
        let is_pinned = |i| matches!(scheme.limits(i), (lower, upper) if lower == upper);
        let direction = if self.is_bounded() && (0..x.len()).any(is_pinned) {
            let unpinned = direction.iter().enumerate().map(|(i, v)| if is_pinned(i) { 0.0 } else { *v });
            Cow::Owned(unpinned.collect::<Vec<f64>>())
        } else {
            Cow::Borrowed(direction)
        };
        if direction.iter().all(|v| *v == 0.0) {
            return Ok(Vec::new());
        }
        if !self.is_bounded() || !scheme.checked || self.has_room(scheme, x, &direction) {
            return Ok(vec![self.line(scheme, x, direction)?]);
        }
        // The longest t of each coordinate, forwards and backwards.
        let room: Vec<(f64, f64)> = (0..x.len()).map(|i| room(scheme, i, x[i], direction[i])).collect();
        let mut remaining = direction.into_owned();
        let mut lines = Vec::new();
        while remaining.iter().any(|v| *v != 0.0) {
            // Coordinates that have much less room than others do not shorten their step.
            let widest = |of: &[f64]| {
                let moved = of.iter().zip(&room).filter(|(v, _)| **v != 0.0);
                moved.fold(0.0_f64, |widest, (_, (forwards, backwards))| widest.max(*forwards).max(*backwards))
            };
            let order = f64::from(self.stencil.order().min(MAX_ONE_SIDED_ORDER));
            let needed = widest(&remaining).min(order * self.asked_t(scheme, x, &remaining)) / SHORTENING;
            let mut sides = [vec![0.0; x.len()], vec![0.0; x.len()]];
            for (i, v) in remaining.iter_mut().enumerate().filter(|(_, v)| **v != 0.0) {
                let (forwards, backwards) = room[i];
                if forwards.max(backwards) >= needed {
                    sides[usize::from(backwards > forwards)][i] = std::mem::take(v);
                }
            }
            for side in sides.into_iter().filter(|side| side.iter().any(|v| *v != 0.0)) {
                lines.push(self.line(scheme, x, side.into())?);
            }
        }
        Ok(lines)
    }

    /// Whether the bounds shorten the step along a direction by little.
    fn has_room(&self, scheme: &Scheme, x: &[f64], direction: &[f64]) -> bool {
        let asked = self.asked_t(scheme, x, direction);
        let (forwards, backwards) = rooms(scheme, x, direction);
        let furthest = |side: f64| self.stencil.points().iter().fold(0.0_f64, |furthest, p| furthest.max(p * side));
        let shortened = (forwards / furthest(1.0)).min(backwards / furthest(-1.0));
        let one_sided = forwards.max(backwards) / f64::from(self.stencil.order().min(MAX_ONE_SIDED_ORDER));
        SHORTENING * shortened.max(one_sided) >= asked
    }

    /// The t that moves the coordinates by their own steps together, or the absolute one.
    fn asked_t(&self, scheme: &Scheme, x: &[f64], direction: &[f64]) -> f64 {
        if let Step::Absolute(t) = *scheme.step {
            return t;
        }
        // The t that moves each coordinate by its own step; the shortest of them.
        let own_t = |(i, (x, v)): (usize, (&f64, &f64))| (scheme.step_length(i, *x) / v.abs()).min(f64::MAX);
        let moved = || x.iter().zip(direction).enumerate().filter(|(_, (_, v))| **v != 0.0);
        let shortest = moved().map(own_t).fold(f64::INFINITY, f64::min);
        let sum = moved().fold(0.0, |sum, coordinate| sum + (shortest / own_t(coordinate)).powi(2));
        // A number for any direction, be it as short or long as numbers get, or not checked.
        (shortest / f64::sqrt(sum)).max(f64::MIN_POSITIVE)
    }

    /// How to differentiate by t along a direction that is not 0.
    fn line<'a>(&self, scheme: &Scheme, x: &[f64], direction: Cow<'a, [f64]>) -> Result<Line<'a>, Error> {
        let t = self.asked_t(scheme, x, &direction);
        let mut moved = x.iter().zip(&*direction).enumerate().filter(|(_, (_, v))| **v != 0.0);
        let vanishes = moved.clone().all(|(_, (x, v))| x + t * v == *x && x - t * v == *x);
        if let Some((coordinate, (&point, v))) = moved.next().filter(|_| scheme.checked && vanishes) {
            return Err(Error::Step { coordinate, step: t * v.abs(), point });
        }
        let (forwards, backwards) = rooms(scheme, x, &direction);
        let bounds = (PerCoordinate::Same(-backwards), PerCoordinate::Same(forwards));
        // Beyond the largest numbers there is no room either.
        let reach = self.stencil.points().iter().fold(0.0_f64, |reach, point| reach.max(point.abs())) * t;
        let is_bounded = self.is_bounded() || (scheme.checked && reach > forwards.min(backwards));
        let grain = if self.is_bounded() { grain(scheme, x, &direction) } else { 0.0 };
        let how = self.with_step_and_bounds(Step::Absolute(t), is_bounded.then_some(bounds)).with_grain(grain.into());
        Ok(Line { how, direction })
    }

    /// How to differentiate along several lines, each of which is a coordinate.
    fn along_several(&self, lines: &[Line]) -> Self {
        let t = |line: &Line| if let Step::Absolute(t) = line.how.step { t } else { unreachable!("t is absolute") };
        let limits = |line: &Line| line.how.own_scheme(1).limits(0);
        let (lower, upper): (Vec<f64>, Vec<f64>) = lines.iter().map(limits).unzip();
        let step = Step::PerCoordinate(lines.iter().map(t).collect());
        let grains: Vec<f64> = lines.iter().map(|line| line.how.own_scheme(1).grain(0)).collect();
        self.with_step_and_bounds(step, Some((lower.into(), upper.into()))).with_grain(grains.into())
    }
}

/// Bounds may shorten the step along a direction to this part of it; where they would shorten it more, the direction is
/// split.
const SHORTENING: f64 = 8.0;

/// How many last digits are enough for points to be evenly spaced.
const DIGITS: f64 = 16.0;

/// A direction, or the part of it that has room, and how to differentiate by t along it.
pub(super) struct Line<'a> {
    pub how: Differentiator,
    pub direction: Cow<'a, [f64]>,
}

/// How far t may go forwards and backwards, for one coordinate.
fn room(scheme: &Scheme, coordinate: usize, x: f64, v: f64) -> (f64, f64) {
    if v == 0.0 {
        return (f64::MAX, f64::MAX);
    }
    let (lower, upper) = scheme.limits(coordinate);
    let (one, other) = ((lower - x) / v, (upper - x) / v);
    (one.max(other).min(f64::MAX), -one.min(other).max(f64::MIN))
}

/// How far t may go forwards and backwards, for all coordinates.
fn rooms(scheme: &Scheme, x: &[f64], direction: &[f64]) -> (f64, f64) {
    let each = x.iter().zip(direction).enumerate().map(|(i, (x, v))| room(scheme, i, *x, *v));
    each.fold((f64::MAX, f64::MAX), |(a, b), (forwards, backwards)| (a.min(forwards), b.min(backwards)))
}

/// The t by which points along a line must differ at least, lest they are rounded out of their even spacing: by which the
/// coordinate that needs the longest changes by some of its last digits. Those between whose bounds there are many more
/// numbers do not matter.
fn grain(scheme: &Scheme, x: &[f64], direction: &[f64]) -> f64 {
    let moved = x.iter().zip(direction).enumerate().filter(|(_, (_, v))| **v != 0.0);
    moved.fold(0.0, |grain: f64, (i, (x, v))| {
        let ((lower, upper), digits) = (scheme.limits(i), DIGITS * (x.abs().next_up() - x.abs()));
        let is_narrow = upper - lower < digits * f64::from(2 * MAX_ONE_SIDED_ORDER);
        if is_narrow { grain.max(digits / v.abs()) } else { grain }
    })
}

/// A function along lines: its coordinates are their t.
pub(super) struct DirectionProbe<'a, 'o, E> {
    probe: &'a mut FunctionProbe<'o, E>,
    lines: &'a [Line<'a>],
    scheme: Scheme<'a>,
    moves: Vec<(usize, f64)>,
}

impl<'a, 'o, E> DirectionProbe<'a, 'o, E> {
    pub fn new(probe: &'a mut FunctionProbe<'o, E>, lines: &'a [Line<'a>], scheme: Scheme<'a>) -> Self {
        Self { probe, lines, scheme, moves: Vec::new() }
    }
}

impl<E> Probe for DirectionProbe<'_, '_, E> {
    type Error = E;

    fn n_coordinates(&self) -> usize {
        self.lines.len()
    }

    fn position(&self, _: usize) -> f64 {
        0.0
    }

    fn unmoved(&mut self) -> Result<&[f64], E> {
        self.probe.unmoved()
    }

    fn at(&mut self, line: usize, t: f64) -> Result<&[f64], E> {
        self.moves.clear();
        let moves = self.probe.origin().iter().zip(&*self.lines[line].direction).enumerate();
        self.moves.extend(moves.map(|(i, (&x, v))| {
            let (lower, upper) = self.scheme.limits(i);
            (i, if self.scheme.checked { inside(x, t * v, lower, upper) } else { t * v })
        }));
        self.probe.at_all(&self.moves)
    }
}

/// A function along one line, for estimates: each coordinate is within its bounds, whatever the rounding.
struct LineProbe<'a, 'o, E> {
    probe: &'a mut FunctionProbe<'o, E>,
    direction: &'a [f64],
    scheme: Scheme<'a>,
}

impl<E> Probe for LineProbe<'_, '_, E> {
    type Error = E;

    fn n_coordinates(&self) -> usize {
        1
    }

    fn position(&self, _: usize) -> f64 {
        0.0
    }

    fn unmoved(&mut self) -> Result<&[f64], E> {
        self.probe.unmoved()
    }

    fn at(&mut self, _: usize, t: f64) -> Result<&[f64], E> {
        let Self { probe, direction, scheme } = self;
        let origin = probe.origin();
        probe.at_point(|i| {
            let (lower, upper) = scheme.limits(i);
            if direction[i] == 0.0 { origin[i] } else { (origin[i] + t * direction[i]).clamp(lower, upper) }
        })
    }
}

/// The derivative of a function along a vector, which may be split into lines, as a function of the point.
struct SlopeProbe<'a, E> {
    probe: FunctionProbe<'a, E>,
    /// The lines, and how the point moves along each.
    lines: &'a [(Vec<f64>, LocalMoves)],
    /// Rounding must not lead out of the bounds. Without any, what is not finite stays so.
    limits: Option<Scheme<'a>>,
    rule: NonFinite,
    slope: [f64; 1],
}

/// Why there is no derivative along a direction.
enum SlopeError<E> {
    /// The function failed.
    Function(E),
    /// The values are finite, and this, which was made of them, is not.
    Overflow(f64),
}

impl<E> Probe for SlopeProbe<'_, E> {
    type Error = SlopeError<E>;

    fn n_coordinates(&self) -> usize {
        self.probe.n_coordinates()
    }

    fn position(&self, coordinate: usize) -> f64 {
        self.probe.position(coordinate)
    }

    fn unmoved(&mut self) -> Result<&[f64], Self::Error> {
        self.at(0, 0.0)
    }

    fn at(&mut self, coordinate: usize, delta: f64) -> Result<&[f64], Self::Error> {
        let Self { probe, lines, limits, rule, slope } = self;
        let origin = probe.origin();
        let (mut total, mut are_finite) = (None, true);
        for (direction, moves) in *lines {
            let (mut sum, mut first) = (0.0, None);
            for (t, weight) in moves.deltas.iter().zip(&moves.weights) {
                let values = probe.at_point(|i| {
                    let x = if i == coordinate && delta != 0.0 { origin[i] + delta } else { origin[i] };
                    if direction[i] == 0.0 {
                        return x;
                    }
                    let moved = x + t * direction[i];
                    limits.map_or(moved, |scheme| {
                        let (lower, upper) = scheme.limits(i);
                        moved.clamp(lower, upper)
                    })
                });
                let values = values.map_err(SlopeError::Function)?;
                are_finite &= values[0].is_finite();
                let first = *first.get_or_insert(values[0]);
                sum += if *rule == NonFinite::Propagate {
                    weight * (values[0] - first)
                } else {
                    weighted_difference(*weight, values[0], first)
                };
            }
            let along = sum / moves.divisor;
            total = Some(total.map_or(along, |total: f64| total + along));
        }
        let total = total.unwrap_or(0.0);
        if *rule == NonFinite::Error && are_finite && !total.is_finite() {
            return Err(SlopeError::Overflow(total));
        }
        *slope = [total];
        Ok(slope)
    }
}
