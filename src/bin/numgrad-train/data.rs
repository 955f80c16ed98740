//! The samples that the options ask for.

use anyhow::{Result, bail};
use numgrad::dataset::{self, Dataset, Name, Request};
use numgrad::random::LegacyRandom;

use crate::args::Options;
use crate::memory;
use crate::progress::{Downloads, say};

/// Synthetic samples are drawn from `random`; the other data sets leave it as it is.
pub fn load(options: &Options, random: &mut LegacyRandom) -> Result<Dataset> {
    let request = &Request { max_bytes: Some(memory::free_bytes()), ..options.data.clone() };
    let loaded = dataset::load(request, random, &mut Downloads::new(options.quiet))?;
    if let Some(warning) = &loaded.warning {
        say(format_args!("warning: {warning}"));
    }
    match (request.name, &request.data_dir) {
        (Some(Name::Mnist), Some(folder)) if loaded.dataset.name != Name::Mnist => bail!(
            "{}: expected MNIST's own files, as --dataset mnist asks for, found others; leave --dataset out to train on them",
            folder.display()
        ),
        _ => Ok(loaded.dataset),
    }
}
