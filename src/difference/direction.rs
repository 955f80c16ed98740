//! Derivatives along a direction: of a function, of its gradient, and of another directional derivative.

use ndarray::{Array, ArrayRef, Dimension};

use super::gradient::{check_shapes, fallible, infallible, slice};
use super::jacobian::{in_place, returning};
use super::moves::{LocalMoves, Scheme, inside};
use super::probe::{FunctionProbe, Probe};
use super::worker::Base;
use super::{Coordinates, Differentiator, Error, PerCoordinate, Step};

impl Differentiator<'_> {
    /// The derivative of a function along a direction v: `d/dt f(x + t·v)` at t = 0, which is `∇f(x)·v`.
    ///
    /// Costs one stencil: two evaluations central. The step of t is `1/√Σ(v_i/h_i)²` for the steps h_i of the coordinates,
    /// or the absolute one. Bounds are kept as by a gradient. In errors the coordinate is 0, the point t. Always serial, so
    /// the function may change its own state.
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
        let mut moves = LocalMoves::default();
        {
            let scheme = outer.scheme(&outer.stencil, 1, x.len());
            let Some((along, ..)) = outer.along(&scheme, slice(&origin), slice(&direction))? else {
                out.fill(0.0);
                return Ok(());
            };
            let scheme = along.scheme(&along.stencil, 1, 1);
            scheme.plan(0, 0.0, scheme.limits(0), &mut moves)?;
        }
        if moves.deltas.is_empty() {
            out.fill(0.0);
            return Ok(());
        }
        outer.divide_budget(moves.deltas.len() as u64);
        if outer.is_bounded() {
            // The derivative along v is taken at points that are moved once more: there must be room for both.
            let scheme = outer.scheme(&outer.stencil, 1, x.len());
            let (mut lower, mut upper) = (Vec::new(), Vec::new());
            for (i, (&x, &v)) in origin.iter().zip(&direction).enumerate() {
                let (low, high) = scheme.limits(i);
                let reach = moves.deltas.iter().map(|t| t * v);
                let (least, most) = reach.fold((0.0_f64, 0.0_f64), |(a, b), r| (a.min(r), b.max(r)));
                lower.push((low - least).min(x));
                upper.push((high - most).max(x));
            }
            outer = outer.with_bounds(lower, upper);
        }
        // Rounding must not lead out of them either. What is not finite stays so, for infinite limits.
        let scheme = self.scheme(&self.stencil, 1, x.len());
        let limits = |i| if self.is_bounded() { scheme.limits(i) } else { (f64::NEG_INFINITY, f64::INFINITY) };
        let (f, moves, limits) = (&f, &moves, &limits);
        let make = || {
            let mut moved = x.to_owned();
            infallible(move |x: &ArrayRef<f64, D>| {
                let mut sum = 0.0;
                let mut first = None;
                for (t, weight) in moves.deltas.iter().zip(&moves.weights) {
                    for (i, ((moved, x), v)) in moved.iter_mut().zip(x).zip(vector).enumerate() {
                        let (lower, upper) = limits(i);
                        *moved = if *v == 0.0 { *x } else { (x + t * v).clamp(lower, upper) };
                    }
                    let value = f(&moved);
                    sum += weight * (value - *first.get_or_insert(value));
                }
                sum / moves.divisor
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
        let Some((along, scheme)) = self.along(&scheme, slice(&origin), slice(&direction))? else { return Ok(()) };
        let probe = DirectionProbe {
            probe: FunctionProbe::new(f, x.raw_dim(), slice(&origin), n_values),
            direction: slice(&direction),
            scheme,
            moves: Vec::with_capacity(x.len()),
        };
        let one = Coordinates::Range(0..1);
        let serial = None::<fn() -> _>;
        let store = |out: &mut &mut Vec<f64>, sum: &[f64]| out.extend_from_slice(sum);
        let outcome = along.each(probe, serial, &one, Base::IfNeeded, &mut [&mut *out], store)?;
        outcome.complete(|_| out.clone())?;
        Ok(())
    }

    /// How to differentiate by t along a direction; `None` if it is 0. The scheme is handed on for its limits.
    ///
    /// # Errors
    /// [`Error::Point`], [`Error::Direction`], and [`Error::Step`] where t is absolute and vanishes beside every coordinate.
    #[allow(clippy::type_complexity, reason = "one caller's pair")]
    pub(super) fn along<'a, E>(
        &self,
        scheme: &Scheme<'a>,
        x: &[f64],
        direction: &[f64],
    ) -> Result<Option<(Self, Scheme<'a>)>, Error<E>> {
        // The t that moves each coordinate by its own step; the shortest of them.
        let own_t = |(i, (x, v)): (usize, (&f64, &f64))| (scheme.step_length(i, *x) / v.abs()).min(f64::MAX);
        let moved = || x.iter().zip(direction).enumerate().filter(|(_, (_, v))| **v != 0.0);
        let shortest = moved().map(own_t).fold(f64::INFINITY, f64::min);
        let (mut lower, mut upper, mut sum) = (f64::MIN, f64::MAX, 0.0);
        for (coordinate, (&x, &v)) in x.iter().zip(direction).enumerate() {
            let bounds = scheme.limits_at(coordinate, x)?;
            if scheme.checked && !v.is_finite() {
                return Err(Error::Direction { coordinate, value: v });
            }
            if v != 0.0 {
                let (one, other) = ((bounds.0 - x) / v, (bounds.1 - x) / v);
                lower = one.min(other).max(lower);
                upper = one.max(other).min(upper);
                sum += (shortest / own_t((coordinate, (&x, &v)))).powi(2);
            }
        }
        let Some((coordinate, (&point, &v))) = moved().next() else { return Ok(None) };
        let t = match *scheme.step {
            Step::Absolute(t) => t,
            // A number for any direction, be it as short or long as numbers get, or not checked.
            _ => (shortest / f64::sqrt(sum)).max(f64::MIN_POSITIVE),
        };
        if scheme.checked && moved().all(|(_, (x, v))| x + t * v == *x && x - t * v == *x) {
            return Err(Error::Step { coordinate, step: t * v.abs(), point });
        }
        let bounded = self.is_bounded().then_some((PerCoordinate::Same(lower), PerCoordinate::Same(upper)));
        Ok(Some((self.with_step_and_bounds(Step::Absolute(t), bounded), *scheme)))
    }
}

/// A function along a line: its only coordinate is t.
struct DirectionProbe<'a, D: Dimension, F> {
    probe: FunctionProbe<'a, D, F>,
    direction: &'a [f64],
    scheme: Scheme<'a>,
    moves: Vec<(usize, f64)>,
}

impl<D, F, E> Probe for DirectionProbe<'_, D, F>
where
    D: Dimension,
    F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
{
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
        self.moves.clear();
        let moves = self.probe.origin().iter().zip(self.direction).enumerate();
        self.moves.extend(moves.map(|(i, (&x, v))| {
            let (lower, upper) = self.scheme.limits(i);
            (i, if self.scheme.checked { inside(x, t * v, lower, upper) } else { t * v })
        }));
        self.probe.at_all(&self.moves)
    }
}
