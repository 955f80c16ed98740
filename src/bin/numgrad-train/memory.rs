//! Whether a run fits into memory, asked before any of it is taken.

use anyhow::{Result, bail};
use numgrad::dataset::Dataset;
use numgrad::free_memory::free_bytes;
use numgrad::nn::NetworkShape;
use numgrad::train::{Evaluation, Team, Trainer, WorkedWeight, check_gradient_n_bytes};

use crate::args::Options;

/// Fails where the run needs more memory than is free, or where the number of its evaluations overflows.
pub fn check(options: &Options, data: &Dataset, shape: &NetworkShape, team: &dyn Team) -> Result<()> {
    let of_team = Trainer::n_bytes_in_team(shape, &options.settings.training, team.size());
    let needed = needed_bytes(options, data, shape).saturating_add(of_team);
    // Where the system does not say what is free, only what no machine has is refused.
    let free = free_bytes().unwrap_or(u64::MAX - 1);
    if needed > free {
        let needed = if needed == u64::MAX { "more than any".to_owned() } else { gigabytes(needed) };
        bail!(
            "a network {shape} (--hidden {}), batches of {} (--batch-size) and {} threads (--threads) need {needed} of \
             memory, expected at most the {} that are free; choose smaller numbers",
            options.settings.hidden,
            options.settings.training.batch_size,
            options.n_threads(),
            gigabytes(free)
        );
    }
    let n_evaluations = 2 * shape.n_parameters() as u128 * options.settings.iterations as u128;
    if n_evaluations > u64::MAX as u128 {
        bail!(
            "--iterations {} makes {n_evaluations:e} evaluations, expected at most {:e}",
            options.settings.iterations,
            u64::MAX
        );
    }
    Ok(())
}

fn needed_bytes(options: &Options, data: &Dataset, shape: &NetworkShape) -> u64 {
    let settings = &options.settings.training;
    let n_threads = options.n_threads();
    let n_samples = data.train.len().max(data.test.as_ref().map_or(0, |test| test.len()));
    let training = Trainer::n_bytes(shape, settings, n_threads)
        .saturating_add(Evaluation::n_bytes(shape, n_samples, n_threads))
        // The parameters once more, for the page.
        .saturating_add(shape.n_bytes());
    // One derivative is worked out before the training too, at the initial weights.
    let worked = WorkedWeight::n_bytes(shape, settings.batch_size).saturating_add(shape.n_bytes().saturating_mul(3));
    // A check is over before the training begins, but the parameters are there.
    let check = if options.check_gradient { check_gradient_n_bytes(shape, settings, n_threads) } else { 0 };
    training.max(worked).max(check.saturating_add(shape.n_bytes()))
}

fn gigabytes(n_bytes: u64) -> String {
    format!("{:.1} GB", n_bytes as f64 / 1e9)
}
