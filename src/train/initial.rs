//! The weights before training.

use serde::{Deserialize, Serialize};

use super::as_text::variants_as_text;
use crate::nn::{NetworkShape, Parameters};
use crate::random::LegacyRandom;

/// The distribution that initial weights are drawn from, before they are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// `rand`: uniform in [0, 1), as the article has it.
    Uniform,
    /// `randn`: the standard normal distribution, as the book has it.
    Normal,
}

variants_as_text!(Init, "an initialisation", Uniform = "uniform", Normal = "normal");

/// Weights `scale · draw`, first all of W1 and then all of W2, row by row; biases are 0.
pub fn initial_parameters(shape: &NetworkShape, init: Init, scale: f64, random: &mut LegacyRandom) -> Parameters {
    let mut parameters = Parameters::zeros(shape);
    let mut draw = || match init {
        Init::Uniform => random.random_sample(),
        Init::Normal => random.standard_normal(),
    };
    parameters.weights_mut(1).map_inplace(|weight| *weight = scale * draw());
    parameters.weights_mut(2).map_inplace(|weight| *weight = scale * draw());
    parameters
}
