//! The parameters of a two-layer network, in one flat array, and their shape.
//!
//! Shapes: D inputs, H hidden units, K classes.

use ndarray::{Array1, ArrayView1, ArrayView2, ArrayViewD, ArrayViewMut1, ArrayViewMut2};

use super::n_bytes::n_bytes_of;

/// The sizes of a two-layer network: D inputs, H hidden units, K classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkShape {
    /// How many inputs a sample has: D.
    pub n_inputs: usize,
    /// How many hidden units there are: H.
    pub n_hidden: usize,
    /// How many classes are told apart: K.
    pub n_classes: usize,
}

impl NetworkShape {
    /// The number of weights and biases, `D·H + H + H·K + K`, or `None` where that overflows.
    pub fn checked_n_parameters(&self) -> Option<usize> {
        let w1 = self.n_inputs.checked_mul(self.n_hidden)?;
        let w2 = self.n_hidden.checked_mul(self.n_classes)?;
        w1.checked_add(self.n_hidden)?.checked_add(w2)?.checked_add(self.n_classes)
    }

    /// The number of weights and biases, `D·H + H + H·K + K`: 39,760 for 784-50-10.
    ///
    /// # Panics
    /// If it overflows `usize`.
    pub fn n_parameters(&self) -> usize {
        self.checked_n_parameters().unwrap_or_else(|| panic!("the number of parameters of {self} overflows"))
    }

    /// How much memory [`Parameters`] of this shape take; `u64::MAX` where the number overflows.
    pub fn n_bytes(&self) -> u64 {
        self.checked_n_parameters().map_or(u64::MAX, |n| n_bytes_of::<f64>(&[n]))
    }

    /// Where each array begins in the flat order W1, b1, W2, b2.
    pub(super) fn offsets(&self) -> Offsets {
        let b1 = self.n_inputs * self.n_hidden;
        let w2 = b1 + self.n_hidden;
        Offsets { b1, w2, b2: w2 + self.n_hidden * self.n_classes }
    }
}

impl std::fmt::Display for NetworkShape {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.n_inputs, self.n_hidden, self.n_classes)
    }
}

/// Where b1, W2 and b2 begin in the flat order; W1 begins at 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offsets {
    pub b1: usize,
    pub w2: usize,
    pub b2: usize,
}

/// The parameters of a two-layer network, or one number for each of them (their gradient).
///
/// They lie in one flat array in the order W1 (D×H, row-major), b1 (H), W2 (H×K), b2 (K); an index into it is what the
/// engine calls a coordinate.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    shape: NetworkShape,
    values: Array1<f64>,
}

impl Parameters {
    /// Parameters that are all 0.
    pub fn zeros(shape: NetworkShape) -> Self {
        Self { shape, values: Array1::zeros(shape.n_parameters()) }
    }

    /// Puts four arrays together: `w1` (D, H), `b1` (H,), `w2` (H, K), `b2` (K,).
    ///
    /// # Panics
    /// If the shapes do not fit each other; all four are named.
    pub fn from_arrays(w1: ArrayView2<f64>, b1: ArrayView1<f64>, w2: ArrayView2<f64>, b2: ArrayView1<f64>) -> Self {
        let shape = NetworkShape { n_inputs: w1.nrows(), n_hidden: w1.ncols(), n_classes: w2.ncols() };
        assert!(
            b1.len() == shape.n_hidden && w2.nrows() == shape.n_hidden && b2.len() == shape.n_classes,
            "W1 {:?}, b1 {:?}, W2 {:?} and b2 {:?} do not make a network",
            w1.dim(),
            b1.dim(),
            w2.dim(),
            b2.dim()
        );
        let values = w1.iter().chain(b1).chain(w2.iter()).chain(b2).copied().collect();
        Self { shape, values }
    }

    /// The sizes of the network: D, H and K.
    pub fn shape(&self) -> NetworkShape {
        self.shape
    }

    /// All parameters in the flat order W1, b1, W2, b2.
    pub fn values(&self) -> &Array1<f64> {
        &self.values
    }

    /// All parameters in the flat order, to change.
    pub fn values_mut(&mut self) -> &mut Array1<f64> {
        &mut self.values
    }

    /// W1, (D, H).
    pub fn w1(&self) -> ArrayView2<'_, f64> {
        self.matrix(0, self.shape.n_inputs, self.shape.n_hidden)
    }

    /// b1, (H,).
    pub fn b1(&self) -> ArrayView1<'_, f64> {
        self.vector(self.shape.offsets().b1, self.shape.n_hidden)
    }

    /// W2, (H, K).
    pub fn w2(&self) -> ArrayView2<'_, f64> {
        self.matrix(self.shape.offsets().w2, self.shape.n_hidden, self.shape.n_classes)
    }

    /// b2, (K,).
    pub fn b2(&self) -> ArrayView1<'_, f64> {
        self.vector(self.shape.offsets().b2, self.shape.n_classes)
    }

    /// W1, (D, H), to change.
    pub fn w1_mut(&mut self) -> ArrayViewMut2<'_, f64> {
        self.matrix_mut(0, self.shape.n_inputs, self.shape.n_hidden)
    }

    /// b1, (H,), to change.
    pub fn b1_mut(&mut self) -> ArrayViewMut1<'_, f64> {
        self.vector_mut(self.shape.offsets().b1, self.shape.n_hidden)
    }

    /// W2, (H, K), to change.
    pub fn w2_mut(&mut self) -> ArrayViewMut2<'_, f64> {
        self.matrix_mut(self.shape.offsets().w2, self.shape.n_hidden, self.shape.n_classes)
    }

    /// b2, (K,), to change.
    pub fn b2_mut(&mut self) -> ArrayViewMut1<'_, f64> {
        self.vector_mut(self.shape.offsets().b2, self.shape.n_classes)
    }

    /// The four arrays with their names, in the flat order.
    pub fn arrays(&self) -> [(&'static str, ArrayViewD<'_, f64>); 4] {
        [
            ("W1", self.w1().into_dyn()),
            ("b1", self.b1().into_dyn()),
            ("W2", self.w2().into_dyn()),
            ("b2", self.b2().into_dyn()),
        ]
    }

    fn matrix(&self, begin: usize, n_rows: usize, n_columns: usize) -> ArrayView2<'_, f64> {
        self.vector(begin, n_rows * n_columns)
            .into_shape_with_order((n_rows, n_columns))
            .expect("a flat slice takes any shape of its length")
    }

    fn vector(&self, begin: usize, len: usize) -> ArrayView1<'_, f64> {
        self.values.slice(ndarray::s![begin..begin + len])
    }

    fn matrix_mut(&mut self, begin: usize, n_rows: usize, n_columns: usize) -> ArrayViewMut2<'_, f64> {
        self.vector_mut(begin, n_rows * n_columns)
            .into_shape_with_order((n_rows, n_columns))
            .expect("a flat slice takes any shape of its length")
    }

    fn vector_mut(&mut self, begin: usize, len: usize) -> ArrayViewMut1<'_, f64> {
        self.values.slice_mut(ndarray::s![begin..begin + len])
    }
}
