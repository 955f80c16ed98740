//! The loss of a network on one batch after another, and its gradient: one variant for each way that a run can choose.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ndarray::Array2;

use super::cut::evenly;
use super::error::Cancelled;
use super::selection::Selection;
use super::settings::{Forward, GradientMethod, TrainingSettings};
use crate::dataset::Samples;
use crate::difference::{self, Coordinates, Differentiator, NonFinite, Objective, Progress, Stencil, Step};
use crate::nn::simd::Isa;
use crate::nn::{
    Activation, FullLoss, IncrementalLoss, Network, NetworkShape, Parameters, backprop_into, backprop_n_bytes, mean,
    n_bytes_of, together,
};

/// Called with how many coordinates were done since the last call, from whichever worker did them; with none, now and then,
/// where they take long. `ControlFlow::Break` cancels the gradient.
pub type Hook<'a> = &'a (dyn Fn(usize) -> ControlFlow<()> + Sync);

/// The loss of a network as a function of its parameters, on one batch after another. It owns the network, so that losses
/// and gradients are always those of the parameters that the network has.
#[derive(Debug)]
pub(super) struct BatchLoss {
    net: Network,
    isa: Isa,
    mode: Mode,
    /// The right answers of the batch at hand: (N).
    classes: Vec<usize>,
    /// The losses of its samples, where they are known one by one: (N).
    losses: Vec<f64>,
}

#[derive(Debug)]
enum Mode {
    /// Whole forward passes; holds the inputs of the batch at hand: (N, D).
    Full(Array2<f64>),
    /// Incremental evaluation; holds the batch at hand, and the network's parameters in a layout of its own.
    Incremental(Box<IncrementalLoss>),
    /// Backpropagation; holds the inputs of the batch at hand: (N, D).
    Backprop(Array2<f64>),
}

impl BatchLoss {
    /// The loss of a network with these parameters, on batches of the size that the settings say.
    pub fn new(settings: &TrainingSettings, parameters: Parameters) -> Self {
        let TrainingSettings { batch_size, isa, .. } = *settings;
        let x = || Array2::zeros((batch_size, parameters.shape().n_inputs()));
        let mode = match (settings.gradient, settings.forward) {
            (GradientMethod::Backprop, _) => Mode::Backprop(x()),
            (GradientMethod::Numerical, Forward::Full) => Mode::Full(x()),
            (GradientMethod::Numerical, Forward::Incremental) => {
                Mode::Incremental(Box::new(IncrementalLoss::without_batch(&parameters).with_isa(isa).parallel()))
            }
        };
        Self { net: Network::new(parameters), isa, mode, classes: vec![0; batch_size], losses: vec![0.0; batch_size] }
    }

    /// How much memory the loss takes beside the network, with a gradient computed by `n_workers` at a time.
    pub fn n_bytes(settings: &TrainingSettings, shape: &NetworkShape, n_workers: usize) -> u64 {
        let n_samples = settings.batch_size;
        let x = n_bytes_of::<f64>(&[n_samples, shape.n_inputs()]);
        let objective = match (settings.gradient, settings.forward) {
            (GradientMethod::Backprop, _) => {
                together(&[x, backprop_n_bytes(shape, n_samples), FullLoss::n_bytes(shape, n_samples, 1)])
            }
            (GradientMethod::Numerical, Forward::Full) => {
                // The engine notes of each coordinate whether it is done.
                let done = shape.n_bytes() / 8;
                together(&[x, FullLoss::n_bytes(shape, n_samples, n_workers), done])
            }
            (GradientMethod::Numerical, Forward::Incremental) => IncrementalLoss::n_bytes(shape, n_samples, n_workers),
        };
        together(&[n_bytes_of::<(usize, f64)>(&[n_samples]), objective])
    }

    /// Takes the samples of the next batch.
    pub fn set_batch(&mut self, samples: &Samples, indices: &[usize]) {
        match &mut self.mode {
            Mode::Full(x) | Mode::Backprop(x) => samples.gather_into(indices, x, &mut self.classes),
            Mode::Incremental(objective) => {
                self.classes.clear();
                self.classes.extend(indices.iter().map(|&sample| usize::from(samples.labels()[sample])));
                objective.set_rows(&Selection { samples, indices }, &self.classes);
            }
        }
    }

    /// The network as it is now.
    pub fn net(&self) -> &Network {
        &self.net
    }

    /// Subtracts `learning_rate` times the gradient from the network's parameters.
    pub fn update(&mut self, gradient: &Parameters, learning_rate: f64) {
        self.net.update(gradient, learning_rate);
        if let Mode::Incremental(objective) = &mut self.mode {
            objective.replace_parameters(self.net.parameters());
        }
    }

    /// The gradient of the batch's loss at the network's parameters.
    pub fn gradient(
        &mut self,
        differentiator: &Differentiator,
        hook: Option<Hook>,
        gradient: &mut Parameters,
    ) -> Result<(), Cancelled> {
        if let Mode::Backprop(x) = &self.mode {
            backprop_into(self.net.parameters(), x, &self.classes, gradient);
            return all_done(hook, gradient.as_slice().len());
        }
        let all = Piece::Coordinates(0..gradient.as_slice().len());
        self.piece_into(differentiator, &all, hook, gradient)
    }

    /// What each of `size` members of a team computes of a numerical gradient: together every coordinate once.
    pub fn pieces(&self, size: usize) -> Vec<Piece> {
        let shape = self.net.parameters().shape();
        let Mode::Incremental(objective) = &self.mode else {
            // Every coordinate costs the same.
            let n = shape.n_parameters();
            return (0..size).map(|rank| Piece::Coordinates(Coordinates::share(n, rank, size))).collect();
        };
        let parts = (0..objective.n_parts()).map(|part| objective.part(part));
        let costs: Vec<f64> = parts.map(|part| part_cost(shape, part.get(0))).collect();
        evenly(&costs, size).into_iter().map(Piece::Parts).collect()
    }

    /// The coordinates of a piece, in increasing order, as ranges of those that follow one another.
    pub fn runs(&self, piece: &Piece) -> Vec<Range<usize>> {
        let mut coordinates: Vec<usize> = match (piece, &self.mode) {
            (Piece::Coordinates(range), _) => return vec![range.clone()],
            (Piece::Parts(parts), Mode::Incremental(objective)) => {
                let parts = parts.iter().map(|&part| objective.part(part));
                parts.flat_map(|part| (0..part.len()).map(move |k| part.get(k))).collect()
            }
            (Piece::Parts(parts), _) => parts.clone(),
        };
        coordinates.sort_unstable();
        let mut runs: Vec<Range<usize>> = Vec::new();
        for coordinate in coordinates {
            match runs.last_mut() {
                Some(last) if last.end == coordinate => last.end += 1,
                _ => runs.push(coordinate..coordinate + 1),
            }
        }
        runs
    }

    /// A piece of a numerical gradient at its share of the cost, into the slots of its coordinates.
    pub fn piece_into(
        &mut self,
        differentiator: &Differentiator,
        piece: &Piece,
        hook: Option<Hook>,
        gradient: &mut Parameters,
    ) -> Result<(), Cancelled> {
        let parameters = self.net.parameters();
        match &mut self.mode {
            Mode::Full(x) => {
                // Who looks rarely, as it is dear, may say once that all is over, and not again at once.
                let is_over = AtomicBool::new(false);
                let lasting = hook.map(|hook| {
                    |newly_done| {
                        if is_over.load(Relaxed) || hook(newly_done).is_break() {
                            is_over.store(true, Relaxed);
                            return ControlFlow::Break(());
                        }
                        ControlFlow::Continue(())
                    }
                });
                // Of a large batch one evaluation may take seconds.
                let stops = || lasting.as_ref().is_some_and(|hook| hook(0).is_break());
                let objective = FullLoss::new(parameters, x, &self.classes).with_isa(self.isa);
                let mut objective = objective.stopped_by(&stops);
                let hook = lasting.as_ref().map(|hook| hook as Hook);
                differentiate_piece(differentiator, &mut objective, piece, hook, gradient)?;
                if objective.is_broken_off() { Err(Cancelled) } else { Ok(()) }
            }
            Mode::Incremental(objective) => {
                differentiate_piece(differentiator, &mut **objective, piece, hook, gradient)
            }
            Mode::Backprop(_) => panic!("an analytic gradient has no pieces"),
        }
    }

    /// The batch's loss at the network's parameters after an update.
    pub fn value(&mut self) -> f64 {
        if let Some(losses) = self.sample_losses(0..self.classes.len()) {
            return mean(losses.iter().copied());
        }
        match &self.mode {
            Mode::Full(x) | Mode::Backprop(x) => {
                FullLoss::new(self.net.parameters(), x, &self.classes).with_isa(self.isa).value()
            }
            Mode::Incremental(_) => unreachable!("its losses are known one by one"),
        }
    }

    /// How many samples a batch has.
    pub fn n_samples(&self) -> usize {
        self.classes.len()
    }

    /// The loss of each of some samples at the network's parameters after an update, where those are known; the mean of all is
    /// the batch's.
    pub fn sample_losses(&mut self, samples: Range<usize>) -> Option<&[f64]> {
        let Mode::Incremental(objective) = &mut self.mode else { return None };
        let losses = &mut self.losses[..samples.len()];
        objective.sample_losses_into(samples, losses);
        Some(losses)
    }
}

/// Central differences at this step. Nothing is checked: what is not finite is found by who looks at the gradient.
pub(super) fn central(step: f64) -> Differentiator {
    Differentiator::new(Stencil::central(), Step::Absolute(step)).with_non_finite(NonFinite::Propagate).parallel()
}

/// Some of a gradient's coordinates.
#[derive(Debug)]
pub(super) enum Piece {
    /// The coordinates of a range.
    Coordinates(Range<usize>),
    /// Parts of the objective, in increasing order.
    Parts(Vec<usize>),
}

pub(super) fn differentiate<O: Objective>(
    differentiator: &Differentiator,
    objective: &mut O,
    hook: Option<Hook>,
    gradient: &mut Parameters,
) -> Result<(), Cancelled> {
    let all = Piece::Coordinates(0..gradient.as_slice().len());
    differentiate_piece(differentiator, objective, &all, hook, gradient)
}

fn differentiate_piece<O: Objective>(
    differentiator: &Differentiator,
    objective: &mut O,
    piece: &Piece,
    hook: Option<Hook>,
    gradient: &mut Parameters,
) -> Result<(), Cancelled> {
    let told = hook.map(|hook| move |progress: Progress| hook(progress.newly_done));
    let mut of_objective = differentiator.of_objective(objective);
    if let Some(told) = &told {
        of_objective = of_objective.watched(told);
    }
    let found = match piece {
        Piece::Coordinates(range) => {
            of_objective.partials_into(range.clone(), &mut gradient.as_slice_mut()[range.clone()])
        }
        Piece::Parts(parts) => of_objective.parts_into(parts, gradient.as_slice_mut()),
    };
    match found {
        Err(difference::Error::Stopped(_)) => Err(Cancelled),
        found => {
            found.expect("nothing is checked, so nothing fails");
            Ok(())
        }
    }
}

/// Tells of a gradient's `n` coordinates at once.
fn all_done(hook: Option<Hook>, n: usize) -> Result<(), Cancelled> {
    match hook.map(|hook| hook(n)) {
        Some(ControlFlow::Break(())) => Err(Cancelled),
        _ => Ok(()),
    }
}

/// What an image costs beside inputs that are all different, by their number: MNIST's have 66 values in 151 pixels.
const IMAGE_VALUES: usize = 90;

/// About what a part of an incremental gradient costs, by a coordinate of it, in units of one input of its layer. It has to
/// depend on the network's shape alone, as all members of a team have to agree on it.
///
/// For each product of all matrices above the next layer it is what networks of two to four hidden layers took with AVX-512, and
/// with AVX2 mostly a fifth more. Hyperbolic tangents take up to four times that where moves are large, and rectifiers at a kink go
/// another way, so that theirs depends on the weights.
fn part_cost(shape: &NetworkShape, coordinate: usize) -> f64 {
    let layer = shape.layers().find(|layer| coordinate < layer.end()).expect("a coordinate of the network");
    let n_inputs = if layer.number == 1 { layer.n_inputs.min(IMAGE_VALUES) } else { layer.n_inputs };
    let n_products: usize = shape.layers().skip(layer.number + 1).map(|layer| layer.n_inputs * layer.n_units).sum();
    let per_product = match shape.activation() {
        Activation::Sigmoid => 0.25,
        Activation::Tanh => 0.35,
        Activation::Relu => 0.5,
    };
    n_inputs as f64 + per_product * n_products as f64
}
