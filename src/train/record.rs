//! What is kept of an iteration.

use serde::{Deserialize, Serialize};

/// One iteration, as a row of `loss.csv`: the fields are its columns, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counted from 1.
    pub iteration: u64,
    /// The loss on this iteration's batch, after the update.
    pub loss: f64,
    /// Seconds of training since the first iteration began; loading data and measuring accuracy are not in it.
    pub elapsed_s: f64,
    /// Seconds that this iteration's gradient took: from the samples drawn, which have to be gathered, and the forward pass at
    /// the parameters to the last partial derivative.
    pub gradient_s: f64,
    /// Loss evaluations that all gradients so far stand for: two a parameter and iteration.
    pub n_evaluations: u64,
    /// The Euclidean norm of the gradient.
    pub gradient_norm: f64,
    /// The share of the training set that is classified right, 0 to 1, where it was measured.
    pub train_accuracy: Option<f64>,
    /// The share of the test set that is classified right, 0 to 1, where it was measured.
    pub test_accuracy: Option<f64>,
}
