//! The beginning of a run, up to its first iteration: all that can be refused is refused here.

use std::ops::ControlFlow;

use anyhow::{Result, bail};
use numgrad::cli::output::check_other_file;
use numgrad::cli::terminal::say;
use numgrad::dataset::Dataset;
use numgrad::nn::NetworkShape;
use numgrad::random::LegacyRandom;
use numgrad::report::numbers::grouped;
use numgrad::train::{
    Checkpoint, Checkpoints, Ended, GradientMethod, Log, RunFiles, Session, SessionError, SnapshotFile, Team, Trainer,
    Watcher, WorkedWeight, initial_parameters,
};

use crate::args::Options;
use crate::checking;
use crate::interrupts::Interrupts;
use crate::ranks;
use crate::resumed::Resumed;
use crate::run_folder::{Place, RunFolder};

/// A run that is about to do its next iteration, and the folder that it writes to.
pub struct Begun<'a> {
    pub folder: RunFolder,
    pub session: Session<'a>,
    /// How many threads each rank of the team has.
    pub n_threads: Vec<usize>,
    /// One derivative of the run's first batch, worked out; none where a number in it is not finite.
    pub worked_weight: Option<WorkedWeight>,
    /// The first layer's weights at several times; none where the samples are no pictures.
    pub snapshots: Option<SnapshotFile>,
}

impl Begun<'_> {
    /// Trains until it ends.
    pub fn run(&mut self, watcher: &mut impl Watcher) -> Result<Ended, SessionError> {
        loop {
            let trainer = self.session.trainer();
            if let Some(snapshots) = &mut self.snapshots {
                snapshots.look(trainer.iteration(), trainer.net().parameters())?;
            }
            if let ControlFlow::Break(ended) = self.session.step(watcher)? {
                return Ok(ended);
            }
        }
    }
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
    let worked_weight = WorkedWeight::of_largest_derivative(&data.train, &parameters, &random, &settings.training);
    checking::doubt_step(options, &parameters, worked_weight.as_ref())?;
    let mut trainer = Trainer::new(&data.train, parameters, random, settings.training).in_team(team);
    let n_threads = ranks::meet(options, data, &mut trainer)?;
    let folder = place.make()?;
    let log = Log::create(folder.files.log())?;
    let session = Session::new(trainer, settings).with_files(log, checkpoints(options, data, &folder));
    let snapshots = has_pictures(data).then(|| SnapshotFile::create(folder.files.snapshots()));
    Ok(Begun { folder, session, n_threads, worked_weight, snapshots })
}

/// A run that goes on from its checkpoint. `random` is as it was before the run's weights were drawn.
pub fn continued<'a>(
    options: &Options,
    data: &'a Dataset,
    shape: &NetworkShape,
    resumed: Resumed,
    mut random: LegacyRandom,
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
    let parameters = initial_parameters(shape, settings.init, settings.init_scale, &mut random);
    let worked_weight = WorkedWeight::of_largest_derivative(&data.train, &parameters, &random, &settings.training);
    drop(parameters);
    let Resumed { folder, run } = resumed;
    if !is_done {
        checking::doubt_step(options, &run.checkpoint.parameters, worked_weight.as_ref())?;
    }
    let mut trainer = Trainer::resume(&data.train, run.checkpoint, settings.training).in_team(team);
    let n_threads = ranks::meet(options, data, &mut trainer)?;
    // As it was at the checkpoint.
    let log = Log::reopen(folder.files.log(), run.state.log_bytes)?;
    if !is_done {
        folder.begin_again()?;
    }
    let snapshots = has_pictures(data).then(|| reopened(&folder.files, trainer.iteration())).flatten();
    let session = Session::new(trainer, settings)
        .with_files(log, checkpoints(options, data, &folder))
        .with_unlogged(run.state.unlogged);
    Ok(Begun { folder, session, n_threads, worked_weight, snapshots })
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

/// How many samples there are to test with.
pub fn n_test(data: &Dataset) -> usize {
    data.test.as_ref().map_or(0, |test| test.len())
}

fn has_pictures(data: &Dataset) -> bool {
    data.train.image_size().is_some()
}

/// The snapshots of a run that goes on. What can't be read stays as it is, and none are taken then: the page has fewer
/// pictures.
fn reopened(files: &RunFiles, iteration: u64) -> Option<SnapshotFile> {
    let opened = SnapshotFile::reopen(files.snapshots(), iteration);
    opened
        .inspect_err(|error| say(format_args!("warning: {error}; the page will show no weights at several times")))
        .ok()
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
