//! How the loss of a batch is evaluated: one variant for each way that a run can choose.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use ndarray::ArrayRef2;
use serde::{Deserialize, Serialize};

use super::Cancelled;
use crate::difference::{self, Differentiator, Objective, Progress};
use crate::nn::simd::Isa;
use crate::nn::{FullLoss, IncrementalLoss, Parameters, backprop_into};

/// Called between blocks of coordinates with how many were done since the last call, from whichever worker did them.
/// `ControlFlow::Break` cancels the gradient.
pub type Hook<'a> = &'a (dyn Fn(usize) -> ControlFlow<()> + Sync);

/// How a gradient is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum GradientMethod {
    /// By central differences of the loss, two evaluations a parameter.
    Numerical,
    /// Analytically, by backpropagation: to compare with.
    Backprop,
}

/// What a perturbed evaluation computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Forward {
    /// The whole forward pass, for every weight and both moves.
    Full,
    /// Only what the moved weight reaches.
    Incremental,
}

/// The names by which an enum is read and printed.
macro_rules! named {
    ($type:ident, $what:literal, $($variant:ident = $name:literal),+) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(match self { $($type::$variant => $name),+ })
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                match name {
                    $($name => Ok($type::$variant),)+
                    _ => Err(format!("expected {} ({}), found \"{name}\"", $what, [$($name),+].join(" or "))),
                }
            }
        }
    };
}

named!(GradientMethod, "a way to compute gradients", Numerical = "numerical", Backprop = "backprop");
named!(Forward, "a forward mode", Full = "full", Incremental = "incremental");

/// Evaluates losses and gradients, and owns what it keeps from one iteration to the next.
#[derive(Debug)]
pub(super) enum Evaluator {
    Full(Isa),
    /// Made with the first batch. It holds the parameters that `loss` was last asked about.
    Incremental(Isa, Option<Box<IncrementalLoss>>),
    Backprop(Isa),
}

impl Evaluator {
    pub fn new(method: GradientMethod, forward: Forward, isa: Isa) -> Self {
        match (method, forward) {
            (GradientMethod::Backprop, _) => Evaluator::Backprop(isa),
            (GradientMethod::Numerical, Forward::Full) => Evaluator::Full(isa),
            (GradientMethod::Numerical, Forward::Incremental) => Evaluator::Incremental(isa, None),
        }
    }

    /// The gradient of the loss of a new batch. `parameters` are those of the last call of [`loss`](Self::loss), if there
    /// was one.
    pub fn gradient(
        &mut self,
        differentiator: &Differentiator,
        parameters: &Parameters,
        (x, classes): (&ArrayRef2<f64>, &[usize]),
        hook: Option<Hook>,
        gradient: &mut Parameters,
    ) -> Result<(), Cancelled> {
        match self {
            Evaluator::Full(isa) => {
                let mut objective = FullLoss::new(parameters, x, classes).with_isa(*isa);
                differentiate(differentiator, &mut objective, hook, gradient)
            }
            Evaluator::Incremental(isa, kept) => {
                let objective = match kept {
                    Some(objective) => {
                        objective.set_batch(x, classes);
                        objective
                    }
                    None => {
                        let new = IncrementalLoss::new(parameters, x, classes).with_isa(*isa).parallel();
                        kept.insert(Box::new(new))
                    }
                };
                differentiate(differentiator, &mut **objective, hook, gradient)
            }
            Evaluator::Backprop(_) => {
                backprop_into(parameters, x, classes, gradient);
                Ok(())
            }
        }
    }

    /// The loss at `parameters` of the batch that the last gradient was of.
    pub fn loss(&mut self, parameters: &Parameters, (x, classes): (&ArrayRef2<f64>, &[usize])) -> f64 {
        match self {
            Evaluator::Incremental(_, Some(objective)) => {
                objective.set_parameters(parameters);
                objective.value()
            }
            Evaluator::Full(isa) | Evaluator::Backprop(isa) | Evaluator::Incremental(isa, None) => {
                FullLoss::new(parameters, x, classes).with_isa(*isa).value()
            }
        }
    }
}

fn differentiate<O: Objective>(
    differentiator: &Differentiator,
    objective: &mut O,
    hook: Option<Hook>,
    gradient: &mut Parameters,
) -> Result<(), Cancelled> {
    let out = gradient.values_mut().as_slice_mut().expect("flat parameters are contiguous");
    let found = match hook {
        Some(hook) => {
            let told = |progress: Progress| hook(progress.newly_done);
            differentiator.clone().with_hook(&told).objective_gradient_into(objective, out)
        }
        None => differentiator.objective_gradient_into(objective, out),
    };
    match found {
        Err(difference::Error::Stopped(_)) => Err(Cancelled),
        found => {
            found.expect("nothing is checked, so nothing fails");
            Ok(())
        }
    }
}
