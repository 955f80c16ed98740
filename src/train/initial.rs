//! The weights before training.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use super::as_text::variants_as_text;
use crate::nn::{Layer, NetworkShape, Parameters};
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

/// What drawn weights are multiplied by: one number, or one for each layer by how many inputs it has.
///
/// The two by the inputs keep the outputs of each layer about as large as its inputs, where weights are drawn from the
/// standard normal distribution. In files and on the command line it is a number, `he` or `xavier`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "InFile", from = "InFile")]
pub enum InitScale {
    /// The same number for every layer.
    Number(f64),
    /// `√(2/inputs)`, made for rectifiers, which let half through (He et al., 2015).
    He,
    /// `√(1/inputs)`, made for sigmoids and tanh (after Glorot and Bengio, 2010), as the book has it.
    Xavier,
}

impl InitScale {
    /// What the weights of a layer of this many inputs are multiplied by.
    ///
    /// ```
    /// use numgrad::train::InitScale;
    ///
    /// assert_eq!([InitScale::He, InitScale::Xavier, 0.01.into()].map(|scale| scale.of(8)), [0.5, 0.125_f64.sqrt(), 0.01]);
    /// ```
    pub fn of(self, n_inputs: usize) -> f64 {
        match self {
            InitScale::Number(scale) => scale,
            InitScale::He => (2.0 / n_inputs as f64).sqrt(),
            InitScale::Xavier => (1.0 / n_inputs as f64).sqrt(),
        }
    }
}

impl From<f64> for InitScale {
    fn from(scale: f64) -> Self {
        InitScale::Number(scale)
    }
}

impl Display for InitScale {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            InitScale::Number(scale) => write!(f, "{scale:?}"),
            InitScale::He => f.write_str("he"),
            InitScale::Xavier => f.write_str("xavier"),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected what initial weights are multiplied by: a number, \"he\" or \"xavier\"")]
enum InFile {
    Number(f64),
    ByInputs(ByInputs),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ByInputs {
    He,
    Xavier,
}

impl From<InFile> for InitScale {
    fn from(scale: InFile) -> Self {
        match scale {
            InFile::Number(scale) => InitScale::Number(scale),
            InFile::ByInputs(ByInputs::He) => InitScale::He,
            InFile::ByInputs(ByInputs::Xavier) => InitScale::Xavier,
        }
    }
}

impl From<InitScale> for InFile {
    fn from(scale: InitScale) -> Self {
        match scale {
            InitScale::Number(scale) => InFile::Number(scale),
            InitScale::He => InFile::ByInputs(ByInputs::He),
            InitScale::Xavier => InFile::ByInputs(ByInputs::Xavier),
        }
    }
}

/// Weights `scale · draw`, all of W1, then all of W2, and so on, row by row; biases are 0.
///
/// ```
/// use numgrad::nn::NetworkShape;
/// use numgrad::random::LegacyRandom;
/// use numgrad::train::{Init, InitScale, initial_parameters};
///
/// let shape = NetworkShape::new([16, 8, 6, 4]);
/// let parameters = initial_parameters(&shape, Init::Normal, InitScale::Xavier, &mut LegacyRandom::seed(42));
/// assert_eq!(parameters.weights(1)[[0, 0]], 0.25 * 0.4967141530112327);
/// ```
pub fn initial_parameters(
    shape: &NetworkShape,
    init: Init,
    scale: impl Into<InitScale>,
    random: &mut LegacyRandom,
) -> Parameters {
    let scale = scale.into();
    let mut parameters = Parameters::zeros(shape);
    let mut draw = || match init {
        Init::Uniform => random.random_sample(),
        Init::Normal => random.standard_normal(),
    };
    for Layer { number, n_inputs, .. } in shape.layers() {
        let scale = scale.of(n_inputs);
        parameters.weights_mut(number).map_inplace(|weight| *weight = scale * draw());
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_reads_back_from_files_and_another_name_is_an_error() {
        for (scale, text) in
            [(InitScale::Number(0.01), "0.01"), (InitScale::He, "\"he\""), (InitScale::Xavier, "\"xavier\"")]
        {
            assert_eq!(serde_json::to_string(&scale).unwrap(), text);
            assert_eq!(serde_json::from_str::<InitScale>(text).unwrap(), scale);
        }
        assert_eq!(serde_json::from_str::<InitScale>("1").unwrap(), InitScale::Number(1.0));
        let error = serde_json::from_str::<InitScale>("\"orthogonal\"").unwrap_err().to_string();
        assert!(error.starts_with("expected what initial weights are multiplied by"), "{error}");
    }
}
