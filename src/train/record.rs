//! What is kept of an iteration.

use serde::{Deserialize, Serialize};

/// One iteration, as a row of `loss.csv`: the fields are its columns, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The number of the iteration, counted from 1.
    pub iteration: u64,
    /// The loss on this iteration's batch, after the update.
    pub loss: f64,
    /// How many seconds the training took up to here; loading data and measuring accuracy are not in it.
    pub elapsed_s: f64,
    /// How many seconds this iteration's gradient took: with gathering the samples that were drawn, and with the forward
    /// pass at the parameters themselves.
    pub gradient_s: f64,
    /// How many loss evaluations all gradients so far stand for: two a parameter and iteration.
    pub n_evaluations: u64,
    /// The Euclidean norm of the gradient.
    pub gradient_norm: f64,
    /// The share of the training set that is classified right, 0 to 1, where it was measured.
    pub train_accuracy: Option<f64>,
    /// The share of the test set that is classified right, 0 to 1, where it was measured.
    pub test_accuracy: Option<f64>,
}
