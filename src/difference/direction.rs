//! Derivatives along a direction: of a function, of its gradient, and of another directional derivative.

use std::borrow::Cow;

use ndarray::{Array, ArrayRef, Dimension};

use super::gradient::{check_shapes, fallible, infallible, slice};
use super::jacobian::{in_place, returning};
use super::moves::{LocalMoves, MAX_ONE_SIDED_ORDER, Scheme, inside};
use super::probe::{FunctionProbe, Probe};
use super::worker::Base;
use super::{Coordinates, Differentiator, Error, PerCoordinate, Step};

impl<'h> Differentiator<'h> {
    /// The derivative of a function along a direction v: `d/dt f(x + t·v)` at t = 0, which is `∇f(x)·v`.
    ///
    /// Costs one stencil: two evaluations central. The step of t is `1/√Σ(v_i/h_i)²` for the steps h_i of the coordinates,
    /// or the absolute one. Bounds are kept as by a gradient: a coordinate without room counts as 0, and at a corner of the
    /// box the direction is split into what can be moved forwards and what backwards, which costs a stencil each. In errors
    /// the coordinate is the number of that part, mostly 0, and the point is t. Always serial, so the function may change its
    /// own state.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the direction has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let slope = Differentiator::default().directional_derivative(|x| x[0] * x[1], &array![2.0, 3.0], &array![1.0, -1.0])?;
    /// assert!((slope - 1.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn directional_derivative<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        direction: &ArrayRef<f64, D>,
    ) -> Result<f64, Error>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>) -> f64,
    {
        self.slope(infallible(f), x, direction)
    }

    /// As [`directional_derivative`](Self::directional_derivative), for a function that can fail.
    ///
    /// # Errors
    /// [`Error::Function`] with the function's error, and the others of [`Error`]. The coordinate is 0, the point t.
    ///
    /// # Panics
    /// If the direction has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::{Differentiator, Error};
    /// let root = |x: &ndarray::ArrayRef1<f64>| if x[1] < 0.0 { Err("negative") } else { Ok(x[0] * x[1].sqrt()) };
    /// let (central, v) = (Differentiator::default(), array![1.0, 1.0]);
    /// assert!((central.try_directional_derivative(root, &array![1.0, 1.0], &v)? - 1.5).abs() < 1e-9);
    /// let error = central.try_directional_derivative(root, &array![1.0, 0.0], &v).unwrap_err();
    /// assert!(matches!(error, Error::Function { point: ..0.0, source: "negative", .. }));
    /// # Ok::<(), Error<&str>>(())
    /// ```
    pub fn try_directional_derivative<D, F, E>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        direction: &ArrayRef<f64, D>,
    ) -> Result<f64, Error<E>>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>) -> Result<f64, E>,
        E: Send,
    {
        self.slope(fallible(f), x, direction)
    }

    /// The product of the Hessian and a vector v, `H·v`, from the gradient of a function: its derivative along v.
    ///
    /// Costs two evaluations of the gradient by central differences, whatever n. Always serial, so the function may change its
    /// own state.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the vector has another shape than `x`, or the gradient has not one value for each coordinate.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// // f = x²y
    /// let gradient = |x: &ndarray::ArrayRef1<f64>| array![2.0 * x[0] * x[1], x[0] * x[0]];
    /// let (x, v) = (array![1.0, 2.0], array![1.0, 1.0]);
    /// let product = Differentiator::default().hessian_vector_from_gradient(gradient, &x, &v)?;
    /// assert!((product[0] - 6.0).abs() < 1e-8 && (product[1] - 2.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian_vector_from_gradient<D, F>(
        &self,
        gradient: F,
        x: &ArrayRef<f64, D>,
        vector: &ArrayRef<f64, D>,
    ) -> Result<Array<f64, D>, Error>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>) -> Array<f64, D>,
    {
        let mut product = Vec::new();
        self.along_into(returning(gradient), x, vector, 0, &mut product)?;
        product.resize(if product.is_empty() { x.len() } else { product.len() }, 0.0);
        assert!(product.len() == x.len(), "a gradient of {} values for {} coordinates", product.len(), x.len());
        Ok(Array::from_shape_vec(x.raw_dim(), product).expect("one value a coordinate"))
    }

    /// As [`hessian_vector_from_gradient`](Self::hessian_vector_from_gradient), in place: the function writes the gradient,
    /// and the product goes into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the vector or `out` has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// let gradient = |x: &ndarray::ArrayRef1<f64>, out: &mut [f64]| out[0] = x[0] * x[0];
    /// let (central, mut product) = (numgrad::difference::Differentiator::default(), array![0.0]);
    /// central.hessian_vector_from_gradient_into(gradient, &array![3.0], &array![1.0], &mut product)?;
    /// assert!((product[0] - 6.0).abs() < 1e-8);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian_vector_from_gradient_into<D, F>(
        &self,
        gradient: F,
        x: &ArrayRef<f64, D>,
        vector: &ArrayRef<f64, D>,
        out: &mut ArrayRef<f64, D>,
    ) -> Result<(), Error>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>, &mut [f64]),
    {
        check_shapes(x, out);
        let mut product = Vec::with_capacity(x.len());
        self.along_into(in_place(gradient), x, vector, x.len(), &mut product)?;
        out.iter_mut().zip(product.iter().chain(std::iter::repeat(&0.0))).for_each(|(slot, value)| *slot = *value);
        Ok(())
    }

    /// The product of the Hessian and a vector v, `H·v`, from the function alone: the gradient of its derivative along v.
    ///
    /// Costs `4n` evaluations by central differences; the automatic steps are those of a second derivative, `ε^(1/4)`. The
    /// evaluations that a hook is told of are of the derivative along v, two of the function each.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the vector has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::difference::Differentiator;
    /// let (x, v) = (array![1.0, 2.0], array![1.0, 1.0]);
    /// let product = Differentiator::default().hessian_vector(|x| x[0] * x[0] * x[1], &x, &v)?;
    /// assert!((product[0] - 6.0).abs() < 1e-6 && (product[1] - 2.0).abs() < 1e-6);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian_vector<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        vector: &ArrayRef<f64, D>,
    ) -> Result<Array<f64, D>, Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let mut product = Array::zeros(x.raw_dim());
        self.hessian_vector_into(f, x, vector, &mut product).map(|()| product)
    }

    /// As [`hessian_vector`](Self::hessian_vector), into `out`.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the vector or `out` has another shape than `x`.
    ///
    /// ```
    /// use ndarray::array;
    /// let (central, mut product) = (numgrad::difference::Differentiator::default(), array![0.0]);
    /// central.hessian_vector_into(|x| x[0].powi(3), &array![2.0], &array![1.0], &mut product)?;
    /// assert!((product[0] - 12.0).abs() < 1e-6);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn hessian_vector_into<D, F>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        vector: &ArrayRef<f64, D>,
        out: &mut ArrayRef<f64, D>,
    ) -> Result<(), Error>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        check_shapes(x, vector);
        check_shapes(x, out);
        let (origin, direction) = (x.as_standard_layout(), vector.as_standard_layout());
        let order = f64::from(self.stencil.order());
        // So that ε'^(1/(order + 1)) is ε^(1/(order + 2)).
        let mut outer = self.with_precision_power((order + 1.0) / (order + 2.0));
        let mut lines = Vec::new();
        {
            let scheme = outer.scheme(&outer.stencil, 1, x.len());
            for line in outer.lines(&scheme, slice(&origin), slice(&direction))? {
                let mut moves = LocalMoves::default();
                let scheme = line.how.scheme(&line.how.stencil, 1, 1);
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
        outer.divide_budget(lines.iter().map(|(_, moves)| moves.deltas.len() as u64).sum());
        if outer.is_bounded() {
            // The derivative along v is taken at points that are moved once more: there must be room for both.
            let scheme = outer.scheme(&outer.stencil, 1, x.len());
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
        // Rounding must not lead out of them either. What is not finite stays so, for infinite limits.
        let scheme = self.scheme(&self.stencil, 1, x.len());
        let limits = |i| if self.is_bounded() { scheme.limits(i) } else { (f64::NEG_INFINITY, f64::INFINITY) };
        let (f, lines, limits) = (&f, &lines, &limits);
        let make = || {
            let mut moved = x.to_owned();
            infallible(move |x: &ArrayRef<f64, D>| {
                let mut along = |(direction, moves): &(Vec<f64>, LocalMoves)| {
                    let mut sum = 0.0;
                    let mut first = None;
                    for (t, weight) in moves.deltas.iter().zip(&moves.weights) {
                        for (i, ((moved, x), v)) in moved.iter_mut().zip(x).zip(direction).enumerate() {
                            let (lower, upper) = limits(i);
                            *moved = if *v == 0.0 { *x } else { (x + t * v).clamp(lower, upper) };
                        }
                        let value = f(&moved);
                        sum += weight * (value - *first.get_or_insert(value));
                    }
                    sum / moves.divisor
                };
                let first = along(&lines[0]);
                lines[1..].iter().fold(first, |sum, line| sum + along(line))
            })
        };
        outer.array_gradient_into(make, x, Base::IfNeeded, out).map(|_| ())
    }

    /// The derivative of the only value along a direction: 0, if it leads nowhere.
    fn slope<D, F, E>(&self, f: F, x: &ArrayRef<f64, D>, direction: &ArrayRef<f64, D>) -> Result<f64, Error<E>>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
        E: Send,
    {
        let mut slope = Vec::new();
        self.along_into(f, x, direction, 1, &mut slope).map(|()| slope.first().copied().unwrap_or(0.0))
    }

    /// The derivative of each value along a direction, into `out`: nothing, if the direction leads nowhere.
    fn along_into<D, F, E>(
        &self,
        f: F,
        x: &ArrayRef<f64, D>,
        direction: &ArrayRef<f64, D>,
        n_values: usize,
        out: &mut Vec<f64>,
    ) -> Result<(), Error<E>>
    where
        D: Dimension,
        F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
        E: Send,
    {
        check_shapes(x, direction);
        let (origin, direction) = (x.as_standard_layout(), direction.as_standard_layout());
        let scheme = self.scheme(&self.stencil, 1, x.len());
        let lines = self.lines(&scheme, slice(&origin), slice(&direction))?;
        let along = match &lines[..] {
            [] => return Ok(()),
            [line] => line.how.clone(),
            several => self.along_several(several),
        };
        let mut by_line = vec![Vec::new(); lines.len()];
        let probe = DirectionProbe {
            probe: FunctionProbe::new(f, x.raw_dim(), slice(&origin), n_values),
            lines: &lines,
            scheme,
            moves: Vec::with_capacity(x.len()),
        };
        let all = Coordinates::Range(0..lines.len());
        let serial = None::<fn() -> _>;
        let store = |values: &mut Vec<f64>, sum: &[f64]| values.extend_from_slice(sum);
        along.each(probe, serial, &all, Base::IfNeeded, &mut by_line, store)?.complete(|_| Vec::new())?;
        for values in by_line {
            if out.is_empty() {
                *out = values;
            } else {
                assert!(values.len() == out.len(), "{} values after {} at another point", values.len(), out.len());
                out.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        Ok(())
    }

    /// How to differentiate along a direction: along one line, if bounds leave it room. At a corner of the box, where some
    /// coordinates can be moved forwards alone and others backwards alone, the direction is split into lines that have
    /// room, and its derivative is the sum of theirs. Pinned coordinates are on none of them.
    ///
    /// # Errors
    /// [`Error::Point`], [`Error::Direction`], and [`Error::Step`] where t is absolute and vanishes beside every coordinate.
    pub(super) fn lines<'a, E>(
        &self,
        scheme: &Scheme,
        x: &[f64],
        direction: &'a [f64],
    ) -> Result<Vec<Line<'a, 'h>>, Error<E>> {
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
    fn line<'a, E>(&self, scheme: &Scheme, x: &[f64], direction: Cow<'a, [f64]>) -> Result<Line<'a, 'h>, Error<E>> {
        let t = self.asked_t(scheme, x, &direction);
        let mut moved = x.iter().zip(&*direction).enumerate().filter(|(_, (_, v))| **v != 0.0);
        let vanishes = moved.clone().all(|(_, (x, v))| x + t * v == *x && x - t * v == *x);
        if let Some((coordinate, (&point, v))) = moved.next().filter(|_| scheme.checked && vanishes) {
            return Err(Error::Step { coordinate, step: t * v.abs(), point });
        }
        let (forwards, backwards) = rooms(scheme, x, &direction);
        let bounds = (PerCoordinate::Same(-backwards), PerCoordinate::Same(forwards));
        let how = self.with_step_and_bounds(Step::Absolute(t), self.is_bounded().then_some(bounds));
        Ok(Line { how, direction })
    }

    /// How to differentiate along several lines, each of which is a coordinate.
    fn along_several(&self, lines: &[Line<'_, 'h>]) -> Self {
        let t = |line: &Line| if let Step::Absolute(t) = line.how.step { t } else { unreachable!("t is absolute") };
        let limits = |line: &Line| line.how.scheme(&line.how.stencil, 1, 1).limits(0);
        let (lower, upper): (Vec<f64>, Vec<f64>) = lines.iter().map(limits).unzip();
        let step = Step::PerCoordinate(lines.iter().map(t).collect());
        self.with_step_and_bounds(step, Some((lower.into(), upper.into())))
    }
}

/// Bounds may shorten the step along a direction to this part of it; where they would shorten it more, the direction is
/// split.
const SHORTENING: f64 = 8.0;

/// A direction, or the part of it that has room, and how to differentiate by t along it.
pub(super) struct Line<'a, 'h> {
    pub how: Differentiator<'h>,
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

/// A function along lines: its coordinates are their t.
struct DirectionProbe<'a, 'h, D: Dimension, F> {
    probe: FunctionProbe<'a, D, F>,
    lines: &'a [Line<'a, 'h>],
    scheme: Scheme<'a>,
    moves: Vec<(usize, f64)>,
}

impl<D, F, E> Probe for DirectionProbe<'_, '_, D, F>
where
    D: Dimension,
    F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
{
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
