//! By how much a numerical gradient is expected to differ from the analytic one.
//!
//! **Truncation.** The central difference at step h is `g(h) = f' + a·h² + b·h⁴ + c·h⁶ + …` with `a = f'''/6`. The
//! incremental gradients at h, h/2 and h/4, which have no cancellation at any step, give f' by two extrapolations
//! (Romberg, 1955), so `g(h) - f'` with its sign:
//!
//! ```text
//! r(h) = g(h/2) + (g(h/2) - g(h))/3          = f' - b·h⁴/4 + …
//! d    = r(h/2) + (r(h/2) - r(h))/15         = f' + c·h⁶/64 + …
//! ```
//!
//! What is left of it is smaller than the last correction, `|d - r(h/2)| = b·h⁴/64 + …`, of which the largest in an array is
//! allowed to every coordinate of the array.
//!
//! **Rounding.** Every operation is off by at most `u = 2⁻⁵³` of its result, and a sum of n terms by `4·√n·u` of the sum of
//! their sizes with overwhelming probability (Higham and Mary, "A new approach to probabilistic rounding error analysis",
//! SIAM J. Sci. Comput. 41, 2019). Carried through the forward pass and backpropagation (Higham, "Accuracy and Stability of
//! Numerical Algorithms", 2nd ed., chapter 3) that bounds the error of a derivative. Backpropagation and the incremental
//! differences sum the same terms, so one bound serves both.
//!
//! **Kinks.** A rectifier whose input is so near 0 that a move, or rounding, may bring it to the other side has any slope
//! between 0 and 1 in a difference: its slope counts as unknown there.
//!
//! A whole forward pass is off by about `ε·|L|`; a central difference divides that by h. It also moves a weight w not by h
//! but by `(w + h) - w`, which is off by half an ulp of w + h: `|g|·ulp/2h` for the two.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayRef2, ArrayView1, Axis, Zip, s};

use super::super::batch_loss::{central, differentiate};
use super::super::settings::Forward;
use super::largest::{largest, max};
use crate::nn::simd::Isa;
use crate::nn::{
    Activation, IncrementalLoss, LOG_OFFSET, Network, NetworkShape, Parameters, n_bytes_of, softmax, together,
};

const UNIT: f64 = f64::EPSILON / 2.0;

/// An exponential, a division and a subtraction, each with an ulp or two.
const FEW: f64 = 8.0 * UNIT;

/// The rounding of a sum of `n` terms, as a share of the sum of their sizes.
fn sum_error(n: usize) -> f64 {
    4.0 * (n as f64).sqrt() * UNIT
}

/// The batch's loss as the incremental mode evaluates it.
pub(in super::super) fn batch_objective(
    parameters: &Parameters,
    x: &ArrayRef2<f64>,
    classes: &[usize],
    isa: Isa,
) -> IncrementalLoss {
    IncrementalLoss::new(parameters, x, classes).with_isa(isa).parallel()
}

/// Incremental gradients at three steps, and what follows from them.
#[derive(Debug, Clone)]
pub(super) struct Extrapolation {
    /// The gradient at the step itself.
    pub at_step: Array1<f64>,
    /// The gradient that the three tend to.
    limit: Array1<f64>,
    /// The size of the last correction of each derivative.
    uncertainty: Array1<f64>,
}

impl Extrapolation {
    pub fn new(objective: &mut IncrementalLoss, shape: &NetworkShape, step: f64) -> Self {
        let mut gradient = |part: f64| {
            let mut gradient = Parameters::zeros(shape);
            // Where a part of the step is no number of full precision any more, truncation is far below anything.
            let step = if step * part >= f64::MIN_POSITIVE { step * part } else { step };
            differentiate(&central(step), objective, None, &mut gradient).expect("without a hook nothing cancels");
            gradient.values().to_owned()
        };
        let (at_step, at_half, at_quarter) = (gradient(1.0), gradient(0.5), gradient(0.25));
        let once = |coarse: &Array1<f64>, fine: &Array1<f64>, power: f64| fine + &((fine - coarse) / (power - 1.0));
        let (coarse, fine) = (once(&at_step, &at_half, 4.0), once(&at_half, &at_quarter, 4.0));
        let limit = once(&coarse, &fine, 16.0);
        let uncertainty = (&limit - &fine).mapv(f64::abs);
        Self { at_step, limit, uncertainty }
    }
}

/// Bounds of what rounding makes of a batch's gradient and loss; with rectifiers also what a kink within reach does.
#[derive(Debug, Clone)]
pub(super) struct Rounding {
    /// The bound for each derivative, be it analytic or an incremental difference.
    gradient: Parameters,
    /// The bound for one loss by a whole forward pass.
    loss: f64,
}

impl Rounding {
    /// The bounds at `parameters`, for the batch `x` (N, D) with the right answers `classes` (N) and differences at `step`.
    pub fn new(parameters: &Parameters, x: &ArrayRef2<f64>, classes: &[usize], step: f64) -> Self {
        let shape = parameters.shape();
        let (n_samples, n_layers, n_classes) = (classes.len(), shape.n_layers(), shape.n_classes());
        let passes = hidden_passes(parameters, x, step);
        let last = &passes[n_layers - 2];

        // The scores, of which the largest error of a sample counts; the probabilities.
        let (weights, biases) = (parameters.weights(n_layers), parameters.biases(n_layers));
        let (weight_sizes, bias_sizes) = (weights.mapv(f64::abs), biases.mapv(f64::abs));
        let n_units = last.z.ncols();
        let score_error = last.z_error.dot(&weight_sizes)
            + (last.z.mapv(f64::abs).dot(&weight_sizes) + bias_sizes) * sum_error(n_units + 1);
        let score_error: Array1<f64> = score_error.rows().into_iter().map(|row| max(row.iter().copied())).collect();
        let p = softmax(&(last.z.dot(&weights) + biases));

        // The score slopes: (p - [k = t])·q/N with q = p_t/(p_t + 1e-7); the subtraction cancels.
        let mut size = p.clone();
        let mut error = Array2::zeros(p.raw_dim());
        let (mut squares, mut losses) = (0.0, 0.0);
        for (n, &class) in classes.iter().enumerate() {
            size[[n, class]] = p.row(n).iter().enumerate().filter(|(k, _)| *k != class).map(|(_, p)| p).sum();
            let right = p[[n, class]];
            let share = right / (right + LOG_OFFSET);
            let scale = share / n_samples as f64;
            let relative = 4.0 * score_error[n] + sum_error(n_classes) + FEW;
            for k in 0..n_classes {
                error[[n, k]] = scale * (size[[n, k]] * relative + p[[n, k]] * FEW);
                size[[n, k]] *= scale;
            }
            let loss = -(right + LOG_OFFSET).ln();
            squares += (share * (2.0 * score_error[n] + sum_error(n_classes) + FEW) + loss.abs() * FEW).powi(2);
            losses += loss.abs();
        }
        // The samples' errors are independent of one another; the partial sums grow from 0 to the whole.
        let loss = (squares.sqrt() + losses * sum_error(n_samples) / 3_f64.sqrt()) / n_samples as f64;

        // Back through each layer of weights and the activation below it: sizes of what is summed, and its errors.
        let mut gradient = Parameters::zeros(shape);
        for (l, HiddenPass { z, z_error, slope, slope_error }) in (2..n_layers + 1).zip(&passes).rev() {
            let weight_sizes = parameters.weights(l).mapv(f64::abs);
            let back = size.dot(&weight_sizes.t());
            let back_error = error.dot(&weight_sizes.t()) + &back * sum_error(size.ncols());
            let summed = error + &size * sum_error(n_samples);
            gradient.weights_mut(l).assign(&(z.mapv(f64::abs).t().dot(&summed) + z_error.t().dot(&(&size + &summed))));
            gradient.biases_mut(l).assign(&summed.sum_axis(Axis(0)));
            // The last product is nothing where errors are small; a kink's is not, and others may lie above it.
            error = slope * &back_error + slope_error * &(&back + &back_error);
            size = slope * &back;
        }
        let summed = error + size * sum_error(n_samples);
        gradient.weights_mut(1).assign(&x.mapv(f64::abs).t().dot(&summed));
        gradient.biases_mut(1).assign(&summed.sum_axis(Axis(0)));
        Self { gradient, loss }
    }
}

/// What comes out of a hidden layer in each sample, by how much rounding may have changed it, and the same of the derivative
/// of the activation: all (N, H).
struct HiddenPass {
    z: Array2<f64>,
    z_error: Array2<f64>,
    slope: Array2<f64>,
    slope_error: Array2<f64>,
}

/// The forward pass of the hidden layers, with errors.
fn hidden_passes(parameters: &Parameters, x: &ArrayRef2<f64>, step: f64) -> Vec<HiddenPass> {
    let shape = parameters.shape();
    let activation = shape.activation();
    let n_inputs = x.rows().into_iter().map(|row| row.iter().filter(|&&x| x != 0.0).count()).max().unwrap_or(0);
    let mut passes: Vec<HiddenPass> = Vec::with_capacity(shape.n_layers() - 1);
    let mut reach = Reach::default();
    for l in 1..shape.n_layers() {
        let (weights, biases) = (parameters.weights(l), parameters.biases(l));
        let weight_sizes = weights.mapv(f64::abs);
        let (inputs, n_inputs) = match passes.last() {
            Some(below) => (below.z.view(), below.z.ncols()),
            None => (x.view(), n_inputs),
        };
        let input_sizes = inputs.mapv(f64::abs);
        let a = inputs.dot(&weights) + biases;
        let mut a_error = (input_sizes.dot(&weight_sizes) + biases.mapv(f64::abs)) * sum_error(n_inputs + 1);
        if let Some(below) = passes.last() {
            a_error += &below.z_error.dot(&weight_sizes);
        }
        let z = activation.of(&a);
        let slope = activation.slopes(&a);
        let z_error = &slope * &a_error + z.mapv(|z| z.abs() * FEW);
        reach = reach.of_next(step * max(input_sizes.iter().copied()).max(1.0), &weight_sizes);
        let slope_error = match activation {
            // 1 - z cancels: off by as much as z. The tangent's 1 - z² by twice that.
            Activation::Sigmoid => &z_error + &slope * FEW,
            Activation::Tanh => 2.0 * &z_error + &slope * FEW,
            // On which side of its kink a unit is matters only where a move or rounding may bring it to the other one.
            _ => Zip::from(&a)
                .and(&a_error)
                .map_collect(|a, error| if a.abs() <= reach.largest() + error { 1.0 } else { 0.0 }),
        };
        passes.push(HiddenPass { z, z_error, slope, slope_error });
    }
    passes
}

/// How far moved weights can move the weighted sums of a layer, for the most.
#[derive(Debug, Clone, Copy, Default)]
struct Reach {
    /// Of one unit at a time, by the weights that lead into it.
    one: f64,
    /// Of all units at a time, by weights of layers below.
    all: f64,
}

impl Reach {
    /// The same of the layer above, whose own weights move a sum by `one` at most and have the sizes `weights`.
    fn of_next(self, one: f64, weights: &Array2<f64>) -> Self {
        let largest_weight = weights.iter().copied().fold(0.0, f64::max);
        let largest_sum = max(weights.sum_axis(Axis(0)).iter().copied());
        // Activations have slopes of at most 1.
        Self { one, all: (self.one * largest_weight).max(self.all * largest_sum) }
    }

    fn largest(self) -> f64 {
        self.one.max(self.all)
    }
}

/// What is expected of every coordinate, in their flat order.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// The limit that the truncation is taken from.
    limit: Array1<f64>,
    /// `g(h) - f'`, with its sign.
    truncation: Array1<f64>,
    /// How uncertain the truncation is.
    uncertainty: Array1<f64>,
    rounding: Array1<f64>,
}

/// How much memory [`Rounding`], [`Extrapolation`] and [`Expected`] take at a time, at most.
pub(super) fn n_bytes(shape: &NetworkShape, n_samples: usize) -> u64 {
    together(&[
        // The bounds; three gradients, two and one extrapolated from them, the uncertainty, and two arrays on the way.
        shape.n_bytes().saturating_mul(1 + 3 + 2 + 1 + 1 + 2),
        // The sizes of the inputs, and ten arrays of units and eight of scores in all.
        n_bytes_of::<f64>(&[n_samples, shape.n_inputs()]),
        n_bytes_of::<[f64; 10]>(&[n_samples, shape.hidden().iter().fold(0, |sum, &n| sum.saturating_add(n))]),
        n_bytes_of::<[f64; 8]>(&[n_samples, shape.n_classes()]),
        Network::predict_n_bytes(shape, n_samples),
    ])
}

/// What is expected of the coordinates of one array.
pub(super) struct Part<'a> {
    limit: ArrayView1<'a, f64>,
    pub truncation: ArrayView1<'a, f64>,
    pub rounding: ArrayView1<'a, f64>,
    /// By how much a difference may be off beyond the truncation.
    pub allowed: Array1<f64>,
}

impl Expected {
    pub fn new(
        parameters: &Parameters,
        rounding: &Rounding,
        forward: Forward,
        step: f64,
        extrapolation: Extrapolation,
    ) -> Self {
        let Extrapolation { at_step, limit, uncertainty } = extrapolation;
        let truncation = &at_step - &limit;
        // Moves that are smaller than any number of full precision lose digits.
        let underflow = FEW / UNIT * f64::from_bits(1) / step;
        let error_of = |&gradient: &f64, &limit: &f64, &w: &f64| {
            // A parameter that reaches nothing changes no evaluation.
            if gradient == 0.0 {
                return 0.0;
            }
            // One for the analytic gradient, two for the limit, whose weights 64/45, -20/45 and 1/45 have the sizes 1.9.
            let both = 3.0 * gradient + underflow;
            match forward {
                Forward::Incremental => both,
                Forward::Full => {
                    let moved = limit.abs() * f64::EPSILON * (w.abs() + step) / (2.0 * step);
                    // Two losses at half their weight, independent of one another.
                    let losses = rounding.loss / 2_f64.sqrt() / step;
                    // And one more gradient for the difference at the step, which the truncation is of.
                    both + gradient + losses + moved
                }
            }
        };
        let rounding = Zip::from(rounding.gradient.values()).and(&limit).and(parameters.values()).map_collect(error_of);
        Self { limit, truncation, uncertainty, rounding }
    }

    pub fn part(&self, range: Range<usize>) -> Part<'_> {
        let of = |array| ArrayView1::from(array).slice_move(s![range.clone()]);
        let [limit, truncation, uncertainty, rounding] =
            [&self.limit, &self.truncation, &self.uncertainty, &self.rounding]
                .map(|array| of(array.as_slice().expect("flat arrays are contiguous")));
        let allowed = &rounding + largest(uncertainty);
        Part { limit, truncation, rounding, allowed }
    }

    /// The largest [`Part::share`] of the arrays.
    pub fn largest_share(&self, parameters: &Parameters) -> f64 {
        let mut begin = 0;
        max(parameters.arrays().map(|(_, array)| {
            let part = self.part(begin..begin + array.len());
            begin += array.len();
            part.share()
        }))
    }
}

impl Part<'_> {
    /// What may be off as a share of the largest derivative.
    pub fn share(&self) -> f64 {
        let allowed = largest(self.allowed.view());
        if allowed == 0.0 { 0.0 } else { allowed / largest(self.limit) }
    }
}
