//! The parameters of a network, in one flat array.

use ndarray::{Array1, ArrayView1, ArrayView2, ArrayViewD, ArrayViewMut1, ArrayViewMut2};

use super::lanes::split::{NUMBERS_PER_TASK, for_each_chunk};
use super::shape::{Layer, NetworkShape};

/// The parameters of a network, or one number for each of them (their gradient).
///
/// They lie in one flat array in the order W1, b1, W2, b2, …, each matrix row-major with a row for each input; an index into
/// it is what the engine calls a coordinate. Layers count from 1: with D inputs, H hidden units and K classes W1 is (D, H), b1
/// is (H,), W2 is (H, K) and b2 is (K,).
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    shape: NetworkShape,
    values: Array1<f64>,
}

impl Parameters {
    /// Parameters that are all 0.
    ///
    /// # Panics
    /// If their number overflows `usize`.
    pub fn zeros(shape: &NetworkShape) -> Self {
        Self { shape: shape.clone(), values: Array1::zeros(shape.n_parameters()) }
    }

    /// The sizes of the network, and its activation.
    pub fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    /// All parameters in the flat order W1, b1, W2, b2, ….
    pub fn values(&self) -> &Array1<f64> {
        &self.values
    }

    /// All parameters in the flat order, to change.
    pub fn values_mut(&mut self) -> &mut Array1<f64> {
        &mut self.values
    }

    /// All parameters in the flat order, as a slice.
    pub fn as_slice(&self) -> &[f64] {
        self.values.as_slice().expect("flat parameters are contiguous")
    }

    /// All parameters in the flat order, as a slice to change.
    pub fn as_slice_mut(&mut self) -> &mut [f64] {
        self.values.as_slice_mut().expect("flat parameters are contiguous")
    }

    /// The weights of a layer, a row for each input and a column for each unit.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn weights(&self, layer: usize) -> ArrayView2<'_, f64> {
        let layer = self.shape.layer(layer);
        ArrayView2::from_shape((layer.n_inputs, layer.n_units), &self.as_slice()[layer.begin..layer.biases()])
            .expect(FITS)
    }

    /// The biases of a layer, one for each unit.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn biases(&self, layer: usize) -> ArrayView1<'_, f64> {
        let layer = self.shape.layer(layer);
        ArrayView1::from(&self.as_slice()[layer.biases()..layer.end()])
    }

    /// The weights of a layer, to change.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn weights_mut(&mut self, layer: usize) -> ArrayViewMut2<'_, f64> {
        let layer = self.shape.layer(layer);
        let values = &mut self.as_slice_mut()[layer.begin..layer.biases()];
        ArrayViewMut2::from_shape((layer.n_inputs, layer.n_units), values).expect(FITS)
    }

    /// The biases of a layer, to change.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn biases_mut(&mut self, layer: usize) -> ArrayViewMut1<'_, f64> {
        let layer = self.shape.layer(layer);
        ArrayViewMut1::from(&mut self.as_slice_mut()[layer.biases()..layer.end()])
    }

    /// All numbers of a layer: a row for each input, then the row of its biases.
    pub(super) fn block(&self, layer: Layer) -> &[f64] {
        &self.as_slice()[layer.begin..layer.end()]
    }

    /// The arrays with their names, in the flat order: W1, b1, W2, b2, ….
    pub fn arrays(&self) -> impl Iterator<Item = (String, ArrayViewD<'_, f64>)> {
        self.shape.layers().flat_map(|Layer { number, .. }| {
            [
                (format!("W{number}"), self.weights(number).into_dyn()),
                (format!("b{number}"), self.biases(number).into_dyn()),
            ]
        })
    }

    /// One step of gradient descent: `w ← w - learning_rate · gradient`, on the current rayon pool.
    ///
    /// # Panics
    /// If the gradient is of a network of another shape.
    pub fn descend(&mut self, gradient: &Parameters, learning_rate: f64) {
        assert!(self.shape == gradient.shape, "a gradient of {} for a network of {}", gradient.shape, self.shape);
        let (values, gradient) = (self.as_slice_mut(), gradient.as_slice());
        for_each_chunk((values, gradient), NUMBERS_PER_TASK, &|(values, gradient)| {
            values.iter_mut().zip(gradient).for_each(|(w, g)| *w -= learning_rate * g);
        });
    }
}

const FITS: &str = "a slice takes the shape of its layer";
