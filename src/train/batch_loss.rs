//! The loss of a network on one batch after another, and its gradient: one variant for each way that a run can choose.

use std::ops::ControlFlow;

use ndarray::Array2;

use super::error::Cancelled;
use super::selection::Selection;
use super::settings::{Forward, GradientMethod, TrainingSettings};
use crate::dataset::Samples;
use crate::difference::{self, Differentiator, NonFinite, Objective, Progress, Stencil, Step};
use crate::nn::simd::Isa;
use crate::nn::{
    FullLoss, IncrementalLoss, Network, NetworkShape, Parameters, backprop_into, backprop_n_bytes, n_bytes_of, together,
};

/// Called with how many coordinates were done since the last call, from whichever worker did them: between blocks of
/// coordinates where a gradient takes seconds ([`Forward::Full`]), else once at its end. `ControlFlow::Break` cancels the
/// gradient.
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
        Self { net: Network::new(parameters), isa, mode, classes: vec![0; batch_size] }
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
        together(&[n_bytes_of::<usize>(&[n_samples]), objective])
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
            objective.set_parameters(self.net.parameters());
        }
    }

    /// The gradient of the batch's loss at the network's parameters.
    pub fn gradient(
        &mut self,
        differentiator: &Differentiator,
        hook: Option<Hook>,
        gradient: &mut Parameters,
    ) -> Result<(), Cancelled> {
        let parameters = self.net.parameters();
        match &mut self.mode {
            Mode::Full(x) => {
                let mut objective = FullLoss::new(parameters, x, &self.classes).with_isa(self.isa);
                return differentiate(differentiator, &mut objective, hook, gradient);
            }
            // Told of a hook, the engine notes of each coordinate whether it is done: memory, and a twentieth of the time.
            Mode::Incremental(objective) => differentiate(differentiator, &mut **objective, None, gradient)?,
            Mode::Backprop(x) => backprop_into(parameters, x, &self.classes, gradient),
        }
        match hook.map(|hook| hook(gradient.values().len())) {
            Some(ControlFlow::Break(())) => Err(Cancelled),
            _ => Ok(()),
        }
    }

    /// The batch's loss at the network's parameters.
    pub fn value(&mut self) -> f64 {
        match &mut self.mode {
            Mode::Incremental(objective) => objective.value(),
            Mode::Full(x) | Mode::Backprop(x) => {
                FullLoss::new(self.net.parameters(), x, &self.classes).with_isa(self.isa).value()
            }
        }
    }
}

/// Central differences at this step. Nothing is checked: what is not finite is found by who looks at the gradient.
pub(super) fn central(step: f64) -> Differentiator {
    Differentiator::new(Stencil::central(), Step::Absolute(step)).with_non_finite(NonFinite::Propagate).parallel()
}

pub(super) fn differentiate<O: Objective>(
    differentiator: &Differentiator,
    objective: &mut O,
    hook: Option<Hook>,
    gradient: &mut Parameters,
) -> Result<(), Cancelled> {
    let out = gradient.values_mut().as_slice_mut().expect("flat parameters are contiguous");
    let found = match hook {
        Some(hook) => {
            let told = |progress: Progress| hook(progress.newly_done);
            differentiator.of_objective(objective).watched(&told).gradient_into(out)
        }
        None => differentiator.of_objective(objective).gradient_into(out),
    };
    match found {
        Err(difference::Error::Stopped(_)) => Err(Cancelled),
        found => {
            found.expect("nothing is checked, so nothing fails");
            Ok(())
        }
    }
}
