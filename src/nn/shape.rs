//! The sizes of a network's layers.

use std::fmt;

use super::activation::Activation;
use super::n_bytes::n_bytes_of;

/// What a network is made of: the sizes of its inputs, hidden layers and classes, and the activation of its hidden layers.
///
/// It prints as its sizes: `784-50-10`, and with its activation behind them where that is not the sigmoid: `784-50-10 relu`.
///
/// ```
/// use numgrad::nn::{Activation, NetworkShape};
///
/// let shape = NetworkShape::new([784, 100, 50, 10]).with_activation(Activation::Relu);
/// assert_eq!(shape.to_string(), "784-100-50-10 relu");
/// assert_eq!((shape.n_inputs(), shape.hidden(), shape.n_classes()), (784, &[100, 50][..], 10));
/// assert_eq!(NetworkShape::new([784, 50, 10]).n_parameters(), 39_760);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkShape {
    /// D, the units of each hidden layer, K: at least three numbers, none of them 0.
    sizes: Vec<usize>,
    activation: Activation,
}

impl NetworkShape {
    /// A network of these sizes: inputs, then the units of each hidden layer, then classes. Its hidden layers are sigmoids;
    /// see [`with_activation`](Self::with_activation).
    ///
    /// # Panics
    /// If there is no hidden layer, or one of the sizes is 0.
    pub fn new(sizes: impl Into<Vec<usize>>) -> Self {
        let sizes = sizes.into();
        assert!(
            sizes.len() >= 3 && !sizes.contains(&0),
            "a network has inputs, one or more hidden layers and classes, and at least one of each; these are the sizes \
             {sizes:?}"
        );
        Self { sizes, activation: Activation::Sigmoid }
    }

    /// The same sizes with another activation.
    pub fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// How many inputs a sample has: D.
    pub fn n_inputs(&self) -> usize {
        self.sizes[0]
    }

    /// How many units each hidden layer has: H, or one number for each of several layers.
    pub fn hidden(&self) -> &[usize] {
        &self.sizes[1..self.sizes.len() - 1]
    }

    /// How many classes are told apart: K.
    pub fn n_classes(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    /// D, the units of each hidden layer, K.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// What the hidden layers make of their inputs.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// How many layers of weights there are: one more than hidden layers.
    pub fn n_layers(&self) -> usize {
        self.sizes.len() - 1
    }

    /// The layers of weights from the inputs to the classes.
    pub fn layers(&self) -> impl Iterator<Item = Layer> + '_ {
        (1..=self.n_layers()).map(|number| self.layer(number))
    }

    /// One layer of weights; layers count from 1.
    ///
    /// # Panics
    /// If there is no such layer, or the number of parameters before it overflows `usize`.
    pub fn layer(&self, number: usize) -> Layer {
        let begin = checked_n_parameters(&self.sizes[..number]).unwrap_or_else(|| self.overflow());
        Layer { number, n_inputs: self.sizes[number - 1], n_units: self.sizes[number], begin }
    }

    /// The layer that a coordinate of the flat order belongs to.
    pub(super) fn layer_of(&self, coordinate: usize) -> Layer {
        let holds = |layer: &Layer| coordinate < layer.end();
        self.layers().find(holds).unwrap_or_else(|| panic!("coordinate {coordinate} is outside {self}"))
    }

    /// The number of weights and biases, `Σ (inputs + 1)·units` over the layers, or `None` where that overflows.
    pub fn checked_n_parameters(&self) -> Option<usize> {
        checked_n_parameters(&self.sizes)
    }

    /// The number of weights and biases, `Σ (inputs + 1)·units` over the layers: 39,760 for 784-50-10.
    ///
    /// # Panics
    /// If it overflows `usize`.
    pub fn n_parameters(&self) -> usize {
        self.checked_n_parameters().unwrap_or_else(|| self.overflow())
    }

    /// How much memory [`Parameters`](super::Parameters) of this shape take; `u64::MAX` where the number overflows.
    pub fn n_bytes(&self) -> u64 {
        self.checked_n_parameters().map_or(u64::MAX, |n| n_bytes_of::<f64>(&[n]))
    }

    fn overflow(&self) -> ! {
        panic!("the number of parameters of {self} overflows")
    }
}

fn checked_n_parameters(sizes: &[usize]) -> Option<usize> {
    sizes.windows(2).try_fold(0_usize, |sum, sizes| {
        let n = sizes[0].checked_add(1)?.checked_mul(sizes[1])?;
        sum.checked_add(n)
    })
}

impl fmt::Display for NetworkShape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (i, size) in self.sizes.iter().enumerate() {
            write!(f, "{}{size}", if i > 0 { "-" } else { "" })?;
        }
        match self.activation {
            Activation::Sigmoid => Ok(()),
            other => write!(f, " {other}"),
        }
    }
}

/// One layer of weights: where it stands in the network, and where its parameters lie in the flat order.
///
/// A layer is one contiguous block of (inputs + 1)×units numbers, row-major: a row for each input, and last the biases, the
/// weights of an input that is always 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Its number; layers count from 1.
    pub number: usize,
    /// How many numbers go into each of its units, the bias not counted.
    pub n_inputs: usize,
    /// How many units it has.
    pub n_units: usize,
    /// The coordinate of its first weight.
    pub begin: usize,
}

impl Layer {
    /// The coordinate of its first bias.
    pub fn biases(&self) -> usize {
        self.begin + self.n_inputs * self.n_units
    }

    /// The coordinate behind its last bias.
    pub fn end(&self) -> usize {
        self.biases() + self.n_units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layers_of_a_network_follow_one_another_and_hold_every_parameter() {
        let shape = NetworkShape::new([7, 5, 4, 3]);
        let mut end = 0;
        for (layer, (n_inputs, n_units)) in shape.layers().zip([(7, 5), (5, 4), (4, 3)]) {
            assert_eq!((layer.n_inputs, layer.n_units, layer.begin), (n_inputs, n_units, end));
            assert_eq!(layer.biases() + n_units, layer.end());
            for coordinate in [layer.begin, layer.end() - 1] {
                assert_eq!(shape.layer_of(coordinate), layer);
            }
            end = layer.end();
        }
        assert_eq!(end, shape.n_parameters());
    }

    #[test]
    fn a_number_of_parameters_that_overflows_is_none() {
        for sizes in [[usize::MAX, 2, 2], [2, usize::MAX, 2], [1 << 33, 1 << 33, 1]] {
            let shape = NetworkShape::new(sizes);
            assert_eq!((shape.checked_n_parameters(), shape.n_bytes()), (None, u64::MAX), "{shape}");
        }
    }

    #[test]
    fn no_layer_is_empty() {
        for sizes in [&[][..], &[3], &[3, 2], &[3, 0, 2], &[0, 3, 2], &[3, 2, 0]] {
            assert!(std::panic::catch_unwind(|| NetworkShape::new(sizes)).is_err(), "{sizes:?}");
        }
    }
}
