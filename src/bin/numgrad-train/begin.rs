//! The beginning of a run, up to its first iteration: all that can be refused is refused here.

use anyhow::{Result, bail};
use numgrad::cli::output::check_other_file;
use numgrad::dataset::Dataset;
use numgrad::nn::NetworkShape;
use numgrad::random::LegacyRandom;
use numgrad::report::numbers::grouped;
use numgrad::train::{Checkpoint, Checkpoints, GradientMethod, Log, Session, Team, Trainer, initial_parameters};

use crate::args::Options;
use crate::checking;
use crate::interrupts::Interrupts;
use crate::ranks;
use crate::results::n_test;
use crate::resumed::Resumed;
use crate::run_folder::{Place, RunFolder};

/// A run that is about to do its next iteration, and the folder that it writes to.
pub struct Begun<'a> {
    pub folder: RunFolder,
    pub session: Session<'a>,
    /// How many threads each rank of the team has.
    pub n_threads: Vec<usize>,
}

/// A new run. `random` draws its weights.
pub fn anew<'a>(
    options: &Options,
    data: &'a Dataset,
    shape: &NetworkShape,
    mut random: LegacyRandom,
    interrupts: &Interrupts,
    team: &'a dyn Team,
) -> Result<Begun<'a>> {
    let settings = &options.settings;
    let parameters = initial_parameters(shape, settings.init, settings.init_scale, &mut random);
    let place = Place::choose(options.out.as_deref(), options.force)?;
    if let Some(path) = &options.save_gradient {
        check_other_file("--save-gradient", path, options.force, Some(place.path()))?;
    }
    if options.check_gradient {
        checking::check_gradient(&data.train, &parameters, &random, &settings.training, interrupts, options.quiet)?;
    }
    let mut trainer = Trainer::new(&data.train, parameters, random, settings.training).in_team(team);
    let n_threads = ranks::meet(options, data, &mut trainer)?;
    let folder = place.make()?;
    let log = Log::create(folder.files.log())?;
    let session = Session::new(trainer, settings).with_files(log, checkpoints(options, data, &folder));
    Ok(Begun { folder, session, n_threads })
}

/// A run that goes on from its checkpoint.
pub fn continued<'a>(
    options: &Options,
    data: &'a Dataset,
    shape: &NetworkShape,
    resumed: Resumed,
    interrupts: &Interrupts,
    team: &'a dyn Team,
) -> Result<Begun<'a>> {
    let settings = &options.settings;
    resumed.check_data(data, shape)?;
    let is_done = resumed.run.checkpoint.iteration == settings.iterations;
    if let Some(path) = &options.save_gradient {
        check_other_file("--save-gradient", path, options.force, Some(resumed.folder.files.folder()))?;
        if is_done {
            bail!(
                "--save-gradient: all {} iterations are done, and no gradient is left to compute",
                settings.iterations
            );
        }
    }
    if options.check_gradient {
        let Checkpoint { parameters, random, .. } = &resumed.run.checkpoint;
        checking::check_gradient(&data.train, parameters, random, &settings.training, interrupts, options.quiet)?;
    }
    let Resumed { folder, run } = resumed;
    let mut trainer = Trainer::resume(&data.train, run.checkpoint, settings.training).in_team(team);
    let n_threads = ranks::meet(options, data, &mut trainer)?;
    // As it was at the checkpoint.
    let log = Log::reopen(folder.files.log(), run.state.log_bytes)?;
    if !is_done {
        folder.begin_again()?;
    }
    let session = Session::new(trainer, settings)
        .with_files(log, checkpoints(options, data, &folder))
        .with_unlogged(run.state.unlogged);
    Ok(Begun { folder, session, n_threads })
}

/// What a rank trains that has no folder of its own.
pub fn trainer<'a>(
    options: &Options,
    data: &'a Dataset,
    shape: &NetworkShape,
    resumed: Option<Resumed>,
    mut random: LegacyRandom,
) -> Result<Trainer<'a>> {
    let settings = &options.settings;
    if let Some(resumed) = resumed {
        resumed.check_data(data, shape)?;
        return Ok(Trainer::resume(&data.train, resumed.run.checkpoint, settings.training));
    }
    let parameters = initial_parameters(shape, settings.init, settings.init_scale, &mut random);
    Ok(Trainer::new(&data.train, parameters, random, settings.training))
}

fn checkpoints(options: &Options, data: &Dataset, folder: &RunFolder) -> Checkpoints {
    Checkpoints::new(folder.files.checkpoint(), options.checkpoint_settings(data.name.clone()), data.crc32())
}

/// What is about to be computed, in a line.
pub fn first_line(options: &Options, data: &Dataset, shape: &NetworkShape, begun: &Begun) -> String {
    let done = begun.session.trainer().iteration();
    let training = options.settings.training;
    let (n_train, n_test) = (grouped(data.train.len()), grouped(n_test(data)));
    let n_parameters = shape.n_parameters();
    let n_threads: usize = begun.n_threads.iter().sum();
    let threads = if n_threads == 1 { "1 thread".to_owned() } else { format!("{n_threads} threads") };
    let threads = match begun.n_threads.len() {
        1 => threads,
        n_ranks => format!("{threads} on {n_ranks} ranks"),
    };
    let mode = match training.gradient {
        GradientMethod::Numerical => format!("forward {}", training.forward),
        method => format!("gradient {method}"),
    };
    let continued = if done == 0 { String::new() } else { format!("; continued after iteration {}", grouped(done)) };
    format!(
        "{}: {n_train} training and {n_test} test samples; network {shape}: {} parameters, \
         {} evaluations an iteration; {mode}, {threads}, {}{continued}",
        data.name,
        grouped(n_parameters),
        grouped(2 * n_parameters),
        training.isa
    )
}
