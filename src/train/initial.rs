//! The weights before training.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Init::Uniform => "uniform",
            Init::Normal => "normal",
        })
    }
}

impl FromStr for Init {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "uniform" => Ok(Init::Uniform),
            "normal" => Ok(Init::Normal),
            _ => Err(format!("expected an initialisation (uniform, normal), found \"{name}\"")),
        }
    }
}

/// Weights `scale · draw`, first all of W1 and then all of W2, row by row; biases are 0.
pub fn initial_parameters(shape: NetworkShape, init: Init, scale: f64, random: &mut LegacyRandom) -> Parameters {
    let mut parameters = Parameters::zeros(shape);
    let mut draw = || match init {
        Init::Uniform => random.random_sample(),
        Init::Normal => random.standard_normal(),
    };
    parameters.w1_mut().map_inplace(|weight| *weight = scale * draw());
    parameters.w2_mut().map_inplace(|weight| *weight = scale * draw());
    parameters
}
