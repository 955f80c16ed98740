//! One training from its beginning to its end.

use std::process::ExitCode;

use anyhow::Result;
use numgrad::cli::terminal::say_wrapped_in_terminal;
use numgrad::dataset::Dataset;
use numgrad::nn::NetworkShape;
use numgrad::random::LegacyRandom;
use numgrad::train::Team;

use crate::args::Options;
use crate::interrupts::Interrupts;
use crate::onlooker::Onlooker;
use crate::resumed::Resumed;
use crate::{begin, ending};

/// What a training needs: all of it is there before the first one begins.
pub struct Prepared<'a> {
    pub data: Dataset,
    pub shape: NetworkShape,
    /// As it is before the weights are drawn.
    pub random: LegacyRandom,
    pub interrupts: Interrupts,
    /// Who shares the gradients.
    pub team: &'a dyn Team,
}

/// Trains once, from the beginning or from a checkpoint, and leaves what came of it.
pub fn train(options: &Options, prepared: &Prepared, resumed: Option<Resumed>) -> Result<ExitCode> {
    let Prepared { data, shape, random, interrupts, team } = prepared;
    let mut begun = match resumed {
        Some(resumed) => begin::continued(options, data, shape, resumed, random.clone(), interrupts, *team)?,
        None => begin::anew(options, data, shape, random.clone(), interrupts, *team)?,
    };
    // Of several runs it is said once.
    if !options.quiet && options.place_in_sweep.is_none_or(|place| place == 0) {
        say_wrapped_in_terminal(&begin::first_line(options, data, shape, &begun));
    }
    let mut onlooker = Onlooker::new(options, data, &begun.session, interrupts);
    let ended = begun.run(&mut onlooker);
    let answers = onlooker.finish();
    ending::conclude(options, data, &begun, ended, answers, interrupts)
}
