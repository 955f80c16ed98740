//! Whether a run fits into memory, asked before any of it is touched.

use anyhow::{Result, bail};
use numgrad::cli::free_memory::free_bytes;
use numgrad::nn::NetworkShape;

use crate::args::Options;

/// Fails where the network, a clone of it for each thread and a batch need more memory than is free, or where the number
/// of evaluations of the whole run overflows.
pub fn check(options: &Options, shape: NetworkShape) -> Result<()> {
    let needed = needed_bytes(options, shape);
    let free = free_bytes();
    if needed.is_none_or(|needed| needed > free as u128) {
        let needed = needed.map_or("more than any".to_owned(), gigabytes);
        bail!(
            "a network {shape} (--hidden {}), batches of {} (--batch-size) and {} threads (--threads) need {needed} of \
             memory, expected at most the {} that are free; choose smaller numbers",
            shape.n_hidden,
            options.batch_size,
            options.n_threads(),
            gigabytes(free as u128)
        );
    }
    let n_evaluations = 2 * shape.n_parameters() as u128 * options.iterations as u128;
    if n_evaluations > u64::MAX as u128 {
        bail!(
            "--iterations {} makes {n_evaluations:e} evaluations, expected at most {:e}",
            options.iterations,
            u64::MAX
        );
    }
    Ok(())
}

fn needed_bytes(options: &Options, shape: NetworkShape) -> Option<u128> {
    let NetworkShape { n_inputs, n_hidden, n_classes } = shape;
    // Parameters, gradient, a copy of each while files are written, the incremental mode's packed copy and its sums. A check
    // has two more gradients, three to extrapolate, and what is expected of each derivative.
    let n_copies = if options.check_gradient { 30 } else { 6 };
    let shared = (shape.checked_n_parameters()? as u128).checked_mul(n_copies)?;
    // Whole vectors of eight.
    let (hidden, classes) = (n_hidden.checked_next_multiple_of(8)? as u128, n_classes.next_multiple_of(8) as u128);
    let clone = (n_inputs as u128 + 2 + classes).checked_mul(hidden)?;
    // Each input as it is, with its number, and among the distinct ones; each unit with its slope and its input.
    let sample = (5 * n_inputs as u128).checked_add(hidden.checked_mul(3)?)?.checked_add(2 * classes)?;
    let batch = (options.batch_size as u128).checked_mul(sample)?;
    shared.checked_add(clone.checked_mul(options.n_threads() as u128)?)?.checked_add(batch)?.checked_mul(8)
}

fn gigabytes(bytes: u128) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
