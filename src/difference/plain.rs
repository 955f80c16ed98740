//! The plain case: a gradient without bounds, and nothing that may stop it, computed by the calling thread alone.
//!
//! Most functions that are fitted have a handful of parameters and cost less than a list or a lock. Here the points and
//! weights of a coordinate stay in registers, the only memory is the copy of the point, and that is the thread's own, used
//! again and again. The bits, the evaluations and the errors are those of the general way (`worker.rs`), which takes over from
//! any coordinate whose moves are not the stencil's own, and which a test compares with.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::call::Call;
use super::differentiator::{Differentiator, NonFinite};
use super::error::{Error, TryError};
use super::function::Evaluate;
use super::pace::Pace;
use super::point::Point;
use super::scheme::{Scheme, coincide, realised, weighted_difference};
use super::step::Step;
use super::sweep::Parallelism;
use super::worker::Base;

/// The slopes of this many coordinates have room on the stack until they are all there.
pub(super) const A_HANDFUL: usize = 16;

/// What has been computed by the calling thread alone.
pub(super) struct Begun {
    /// How many coordinates, the first ones.
    pub n_done: usize,
    /// `f(x)`, where it was evaluated or known.
    pub value: Option<f64>,
}

/// How long the calling thread goes on alone where there is a pool: what it takes to wake that up.
const ALONE: Duration = Duration::from_micros(20);

/// After how many coordinates the time is looked at again.
const BETWEEN_LOOKS: usize = 8;

thread_local! {
    /// The memory of the last copy of a point.
    static BUFFER: Cell<Vec<f64>> = const { Cell::new(Vec::new()) };
}

/// A thread keeps no more memory than for this many coordinates.
const MOST_KEPT: usize = 1 << 12;

/// A copy of a point, whose memory is the thread's own.
struct Copy<P: Point + ?Sized>(Option<P::Out<f64>>);

impl<P: Point + ?Sized> Copy<P> {
    fn new(point: &P, in_order: &[f64]) -> Self {
        let buffer = if P::NEEDS_BUFFER { BUFFER.take() } else { Vec::new() };
        Self(Some(point.copy(in_order, buffer)))
    }

    fn get(&mut self) -> &mut P::Out<f64> {
        self.0.as_mut().expect("it is there until it is dropped")
    }
}

impl<P: Point + ?Sized> Drop for Copy<P> {
    fn drop(&mut self) {
        if let Some(copy) = self.0.take().filter(|_| P::NEEDS_BUFFER) {
            let buffer = P::into_buffer(copy);
            if buffer.capacity() <= MOST_KEPT {
                BUFFER.set(buffer);
            }
        }
    }
}

impl Differentiator {
    /// Whether a gradient of `n` coordinates may be begun here.
    #[inline]
    pub(super) fn is_plain(&self, call: &Call, n: usize) -> bool {
        let is_alone = match self.parallelism {
            Parallelism::Serial => true,
            Parallelism::Pool => self.pace.of(n).is_some_and(|time| time < ALONE),
        };
        is_alone && n > 0 && !self.is_bounded() && self.non_finite != NonFinite::Shorten && !call.may_stop()
    }

    /// Begins a gradient: all of it, but for coordinates that are not plain, or that others may compute as well.
    #[inline(always)]
    pub(super) fn begin<P: Point + ?Sized, F: Evaluate<P::Seen>>(
        &self,
        function: F,
        point: &P,
        origin: &[f64],
        base: Base,
        out: &mut [f64],
    ) -> Result<Begun, TryError<F::Error>> {
        let mut copy = Copy::new(point, origin);
        self.begin_in::<P, F>(function, copy.get(), origin, base, out)
    }

    /// As [`begin`](Self::begin), moving this copy of the point.
    pub(super) fn begin_in<P: Point + ?Sized, F: Evaluate<P::Seen>>(
        &self,
        mut function: F,
        copy: &mut P::Out<f64>,
        origin: &[f64],
        base: Base,
        out: &mut [f64],
    ) -> Result<Begun, TryError<F::Error>> {
        let mut begun = Begun { n_done: 0, value: None };
        if !origin.iter().all(|x| x.is_finite()) {
            return Ok(begun);
        }
        begun.value = match base {
            Base::Known(value) => Some(value[0]),
            Base::IfNeeded if !self.stencil.has_centre() => None,
            _ => {
                let (coordinate, point) = (0, origin[0]);
                let value = function.value(P::seen(copy));
                let value = value.map_err(|source| TryError::Function { coordinate, point, source })?;
                if !value.is_finite() && matches!(self.non_finite, NonFinite::Error | NonFinite::Shorten) {
                    return Err(Error::NonFinite { coordinate, point, value }.into());
                }
                Some(value)
            }
        };
        let mut watch = Watch::new(self);
        if let Some(rel) = self.rel_if_central() {
            for (coordinate, (&x, slot)) in origin.iter().zip(&mut *out).enumerate() {
                begun.n_done = coordinate;
                if watch.is_over(coordinate) {
                    return Ok(begun);
                }
                let Some(moves) = Central::at(x, rel) else { break };
                *slot = self.central_slope(coordinate, moves, |place| {
                    P::coordinates(copy)[coordinate] = place;
                    function.value(P::seen(copy))
                })?;
                P::coordinates(copy)[coordinate] = x;
                begun.n_done = origin.len();
            }
        }
        if begun.n_done < origin.len() {
            self.go_on::<P, F>(function, copy, origin, watch, &mut begun, out)?;
        }
        Ok(begun)
    }

    /// The step beside `max(1, |x|)`, where the difference is central and the step is such a multiple, as is usual.
    #[inline]
    fn rel_if_central(&self) -> Option<f64> {
        let is_usual = self.stencil.is_central() && self.has_no_scale() && self.non_finite != NonFinite::Propagate;
        match self.step {
            Step::Automatic if is_usual => Some(self.automatic_step()),
            Step::Relative(rel) if is_usual => Some(rel),
            _ => None,
        }
    }

    /// The derivative by a coordinate, of which `evaluate` is told the places, by a central difference.
    #[inline(always)]
    fn central_slope<E>(
        &self,
        coordinate: usize,
        Central { above, below, divisor }: Central,
        mut evaluate: impl FnMut(f64) -> Result<f64, E>,
    ) -> Result<f64, TryError<E>> {
        let failed = |point: f64| move |source| TryError::Function { coordinate, point, source };
        let first = evaluate(above).map_err(failed(above))?;
        if !first.is_finite() {
            return Ok(self.not_finite(coordinate, &[above], &[first], divisor)?);
        }
        let second = evaluate(below).map_err(failed(below))?;
        // Values are taken relative to the first, so it adds 0 itself.
        let slope = (0.0 + -0.5 * (second - first)) / divisor;
        if !slope.is_finite() {
            return Ok(self.not_finite(coordinate, &[above, below], &[first, second], divisor)?);
        }
        Ok(slope)
    }

    /// Goes on with stencils and steps that are less usual.
    #[inline(never)]
    fn go_on<P: Point + ?Sized, F: Evaluate<P::Seen>>(
        &self,
        mut function: F,
        copy: &mut P::Out<f64>,
        origin: &[f64],
        mut watch: Watch,
        begun: &mut Begun,
        out: &mut [f64],
    ) -> Result<(), TryError<F::Error>> {
        let scheme = self.own_scheme(origin.len());
        if scheme.stencil.points().len() > MOST_POINTS {
            return Ok(());
        }
        for coordinate in begun.n_done..origin.len() {
            if watch.is_over(coordinate) {
                break;
            }
            let slope = self.slope(&scheme, coordinate, origin[coordinate], begun.value, |place| {
                P::coordinates(copy)[coordinate] = place;
                function.value(P::seen(copy))
            })?;
            let Some(slope) = slope else { break };
            out[coordinate] = slope;
            P::coordinates(copy)[coordinate] = origin[coordinate];
            begun.n_done = coordinate + 1;
        }
        Ok(())
    }

    /// The derivative by a coordinate, of which `evaluate` is told the places. `None`, before it is told of any, where they are
    /// not the stencil's own.
    fn slope<E>(
        &self,
        scheme: &Scheme,
        coordinate: usize,
        x: f64,
        base: Option<f64>,
        mut evaluate: impl FnMut(f64) -> Result<f64, E>,
    ) -> Result<Option<f64>, TryError<E>> {
        let (checked, is_absolute) = (scheme.checked, matches!(scheme.step, Step::Absolute(_)));
        let asked = scheme.step_length(coordinate, x);
        let h = if is_absolute { asked } else { realised(x, asked) };
        let vanishes = h == 0.0 || (x + h == x && x - h == x);
        let (points, weights) = (scheme.stencil.points(), scheme.stencil.weights());
        let (mut deltas, mut values) = ([0.0; MOST_POINTS], [0.0; MOST_POINTS]);
        let (deltas, values) = (&mut deltas[..points.len()], &mut values[..points.len()]);
        let mut realised_h = 0.0;
        for ((delta, point), weight) in deltas.iter_mut().zip(points).zip(weights) {
            *delta = if is_absolute { point * h } else { (x + point * h) - x };
            realised_h += *delta * weight;
        }
        if checked {
            if !vanishes && !deltas.iter().all(|delta| (x + delta).is_finite()) {
                return Ok(None);
            }
            if vanishes || coincide(x, deltas) {
                return Err(Error::Step { coordinate, step: asked, point: x }.into());
            }
        }
        let divisor = if is_absolute { h } else { realised_h };
        let mut sum = 0.0;
        for (k, (&delta, weight)) in deltas.iter().zip(weights).enumerate() {
            // -0.0 + 0.0 is 0.0: what is not moved stays what it is.
            let place = if delta == 0.0 { x } else { x + delta };
            values[k] = match base {
                Some(base) if delta == 0.0 => base,
                _ => evaluate(place).map_err(|source| TryError::Function { coordinate, point: x + delta, source })?,
            };
            if checked && !values[k].is_finite() {
                return Ok(Some(self.not_finite(coordinate, &[x + delta], &values[k..=k], divisor)?));
            }
            sum += weight * (values[k] - if checked { values[0] } else { 0.0 });
        }
        let slope = sum / divisor;
        if checked && !slope.is_finite() {
            return Ok(Some(self.not_finite(coordinate, deltas, values, divisor)?));
        }
        Ok(Some(slope))
    }

    /// What becomes of a value that is not finite, at the first of `places`, or of a sum of finite ones that is not.
    #[cold]
    fn not_finite(&self, coordinate: usize, places: &[f64], values: &[f64], divisor: f64) -> Result<f64, Error> {
        let mut sum = 0.0;
        for ((&point, &value), weight) in places.iter().zip(values).zip(self.stencil.weights()) {
            if !value.is_finite() {
                let error = Error::NonFinite { coordinate, point, value };
                return if self.non_finite == NonFinite::Nan { Ok(f64::NAN) } else { Err(error) };
            }
            sum += weighted_difference(*weight, value, values[0]);
        }
        match sum / divisor {
            slope if slope.is_finite() => Ok(slope),
            _ if self.non_finite == NonFinite::Nan => Ok(f64::NAN),
            value => Err(Error::Overflow { coordinate, value }),
        }
    }
}

/// No stencil with more points is plain.
const MOST_POINTS: usize = 4;

/// The two moves of a central difference: where to, and what the difference is divided by.
struct Central {
    above: f64,
    below: f64,
    divisor: f64,
}

impl Central {
    /// `None` where there is anything unusual about them: a step that vanishes, or leads out of the numbers.
    #[inline(always)]
    fn at(x: f64, rel: f64) -> Option<Self> {
        let h = (x + rel * x.abs().max(1.0)) - x;
        let (up, down) = ((x + h) - x, (x - h) - x);
        let (above, below) = (x + up, x + down);
        // 0 where one of them is x, not finite where one of them is not. Its bits tell both at once.
        let spread = ((above - x) * (x - below)).to_bits();
        let is_usual = spread.wrapping_sub(1) < f64::INFINITY.to_bits() - 1;
        is_usual.then_some(Self { above, below, divisor: up * 0.5 + down * -0.5 })
    }
}

/// Looks at the time now and then, where there is a pool that could help.
struct Watch<'a> {
    begins: Option<(Instant, &'a Pace)>,
    next_look: usize,
}

impl<'a> Watch<'a> {
    #[inline]
    fn new(how: &'a Differentiator) -> Self {
        let begins = (how.parallelism == Parallelism::Pool).then(|| (Instant::now(), &how.pace));
        Self { next_look: if begins.is_some() { 1 } else { usize::MAX }, begins }
    }

    /// Whether the calling thread has been alone for long enough, with this many coordinates done.
    #[inline(always)]
    fn is_over(&mut self, n_done: usize) -> bool {
        n_done == self.next_look && self.look(n_done)
    }

    #[cold]
    fn look(&mut self, n_done: usize) -> bool {
        self.next_look += BETWEEN_LOOKS;
        self.begins.is_some_and(|(begins, pace)| {
            let time = begins.elapsed();
            pace.note(time, n_done);
            time > ALONE
        })
    }
}
