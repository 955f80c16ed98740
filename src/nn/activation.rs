//! What the units of a hidden layer make of their inputs, and by how much that changes when an input moves.

use std::fmt;
use std::str::FromStr;

use ndarray::{Array, ArrayRef, Dimension};

use super::functions::{relu, sigmoid};

/// The function that each unit of a hidden layer applies to the weighted sum of its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Activation {
    /// `1 / (1 + exp(-a))`, the book's.
    #[default]
    Sigmoid,
    /// `max(0, a)`.
    Relu,
    /// The hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// All that there are.
    pub const ALL: [Activation; 3] = [Activation::Sigmoid, Activation::Relu, Activation::Tanh];

    /// The activation of every element; any shape, the result has the same.
    ///
    /// ```
    /// use ndarray::array;
    /// use numgrad::nn::Activation;
    ///
    /// assert_eq!(Activation::Relu.of(&array![-1.0, 2.0]), array![0.0, 2.0]);
    /// assert_eq!(Activation::Tanh.of(&array![0.0]), array![0.0]);
    /// ```
    pub fn of<D: Dimension>(self, a: &ArrayRef<f64, D>) -> Array<f64, D> {
        match self {
            Activation::Sigmoid => sigmoid(a),
            Activation::Relu => relu(a),
            Activation::Tanh => a.map(|a| a.tanh()),
        }
    }

    /// The derivative of every element, from what goes into the units, `a`. The rectifier's is 0 at 0, as the book has it.
    pub fn slopes<D: Dimension>(self, a: &ArrayRef<f64, D>) -> Array<f64, D> {
        match self {
            // With 1 - z as sigmoid(-a), which does not cancel.
            Activation::Sigmoid => sigmoid(a) * sigmoid(&-a.to_owned()),
            Activation::Relu => a.map(|&a| if a > 0.0 { 1.0 } else { a * 0.0 }),
            // tanh' = 4·sigmoid'(2a).
            Activation::Tanh => 4.0 * sigmoid(&(2.0 * a.to_owned())) * sigmoid(&(-2.0 * a.to_owned())),
        }
    }

    /// The derivative, from what comes out of the unit.
    #[inline]
    pub(super) fn slope_at_output(self, z: f64) -> f64 {
        match self {
            Activation::Sigmoid => z * (1.0 - z),
            Activation::Relu => {
                if z > 0.0 {
                    1.0
                } else {
                    z * 0.0
                }
            }
            Activation::Tanh => (1.0 - z) * (1.0 + z),
        }
    }

    /// By how much the activation of `a` changes when `a` moves by `delta`, for a move of any size.
    ///
    /// No two nearly equal activations are subtracted: it is correct to a few units in the last place of the change, however
    /// small that is. The rectifier's kink counts: a move over 0 changes it by what lies on the side where it is not flat.
    pub(super) fn change(self, a: f64, delta: f64) -> f64 {
        match self {
            Activation::Sigmoid => sigmoid_change(a, delta),
            Activation::Relu => relu_change(a, delta),
            // tanh(a) = 2·sigmoid(2a) - 1.
            Activation::Tanh => 2.0 * sigmoid_change(2.0 * a, 2.0 * delta),
        }
    }

    /// The largest derivative that there is.
    pub(super) fn max_slope(self) -> f64 {
        match self {
            Activation::Sigmoid => 0.25,
            Activation::Relu | Activation::Tanh => 1.0,
        }
    }
}

/// `sigmoid(a + delta) - sigmoid(a)`.
///
/// With `z = sigmoid(a)` and `e = expm1(delta)` it is `z(1-z)e / (1 + z·e)`, for z exactly 0 or 1 in f64 too, where
/// `1-z` is taken as `sigmoid(-a)`. A move above 1 changes z or 1-z by its own size, so there the difference of the two
/// smaller ones of them is exact enough and nothing can overflow.
fn sigmoid_change(a: f64, delta: f64) -> f64 {
    let sigmoid = |a: f64| 1.0 / (1.0 + (-a).exp());
    let (z, rest) = (sigmoid(a), sigmoid(-a));
    if delta.abs() <= 1.0 {
        let e = delta.exp_m1();
        z * rest * e / (1.0 + z * e)
    } else {
        let (moved, moved_rest) = (sigmoid(a + delta), sigmoid(-a - delta));
        if z + moved < 1.0 { moved - z } else { rest - moved_rest }
    }
}

/// `relu(a + delta) - relu(a)`: the move itself where both ends are above 0, and nothing where both are below. NaN stays NaN.
fn relu_change(a: f64, delta: f64) -> f64 {
    if a > 0.0 {
        if delta < -a { -a } else { delta }
    } else {
        let moved = a + delta;
        if moved < 0.0 { 0.0 } else { moved }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Activation::Sigmoid => "sigmoid",
            Activation::Relu => "relu",
            Activation::Tanh => "tanh",
        })
    }
}

impl FromStr for Activation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Activation::ALL.into_iter().find(|activation| activation.to_string() == name).ok_or_else(|| {
            let names = Activation::ALL.map(|activation| activation.to_string());
            format!("expected an activation ({}), found \"{name}\"", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_the_difference_of_two_activations() {
        for activation in Activation::ALL {
            for a in [-30.0, -2.0, -0.5, -1e-9, 0.0, 1e-9, 0.3, 2.0, 30.0] {
                for delta in [-3.0, -0.5, -1e-2, 0.0, 1e-2, 0.5, 3.0] {
                    let both = activation.of(&ndarray::array![a, a + delta]);
                    let (found, expected) = (activation.change(a, delta), both[1] - both[0]);
                    // The two activations are rounded, and so is their difference.
                    let tolerance = 4e-16 * (1.0 + both[0].abs());
                    assert!(
                        (found - expected).abs() <= tolerance,
                        "{activation} from {a} by {delta}: {found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_small_change_is_its_slope_times_the_move_to_every_digit() {
        for activation in Activation::ALL {
            for a in [-20.0, -0.7, -1e-3, 1e-3, 0.7, 20.0] {
                let slope = activation.slopes(&ndarray::array![a])[0];
                let (found, expected) = (activation.change(a, 1e-20), slope * 1e-20);
                assert!((found - expected).abs() <= 1e-15 * expected, "{activation} at {a}: {found:e}, {expected:e}");
            }
        }
    }

    #[test]
    fn the_kink_of_the_rectifier_counts() {
        for (a, delta, change) in [
            (1.0, -3.0, -1.0),
            (-1.0, 3.0, 2.0),
            (0.0, 0.5, 0.5),
            (0.0, -0.5, 0.0),
            (-1.0, 0.5, 0.0),
            (1.0, 0.5, 0.5),
            (1.0, -1.0, -1.0),
        ] {
            assert_eq!(Activation::Relu.change(a, delta), change, "from {a} by {delta}");
        }
    }

    #[test]
    fn nan_stays_nan() {
        for activation in Activation::ALL {
            assert!(activation.change(f64::NAN, 0.1).is_nan(), "{activation}");
            assert!(activation.change(0.5, f64::NAN).is_nan(), "{activation}");
            assert!(activation.slopes(&ndarray::array![f64::NAN])[0].is_nan(), "{activation}");
        }
    }

    #[test]
    fn a_name_reads_back() {
        for activation in Activation::ALL {
            assert_eq!(activation.to_string().parse(), Ok(activation));
        }
        let error = "swish".parse::<Activation>().unwrap_err();
        assert_eq!(error, "expected an activation (sigmoid, relu, tanh), found \"swish\"");
    }
}
