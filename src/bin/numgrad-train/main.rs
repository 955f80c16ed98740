//! `numgrad-train`: parse, run, report.
//!
//! Standard output carries the summary, and the tables that were asked for, and nothing else; progress, warnings and errors
//! go to standard error. The exit code is 2 for a flag that is wrong in itself, 130 or 143 where Ctrl-C or SIGTERM
//! interrupts the run, and 1 where anything else stops it.

mod args;
mod checking;
mod checkpoints;
mod csv_log;
mod interrupts;
mod memory;
mod results;
mod run_folder;
mod step_study;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use numgrad::cli::output::check_other_file;
use numgrad::cli::progress::Progress;
use numgrad::cli::terminal::say;
use numgrad::cli::{browser, data};
use numgrad::dataset::Dataset;
use numgrad::nn::NetworkShape;
use numgrad::random::LegacyRandom;
use numgrad::report::numbers::grouped;
use numgrad::train::{
    self, Checkpoint, Evaluation, GradientMethod, Record, Trainer, TrainingSettings, initial_parameters,
};

use args::Options;
use checkpoints::{Checkpoints, Resumed};
use csv_log::CsvLog;
use interrupts::{Interrupted, Interrupts};
use run_folder::{Place, RunFolder};

fn main() -> ExitCode {
    match run(Options::from_command_line()) {
        Ok(code) => code,
        Err(error) => {
            if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
                say(format_args!("{interrupted}"));
                return ExitCode::from(interrupted.code);
            }
            say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(mut options: Options) -> Result<ExitCode> {
    let resumed = match options.resume.clone() {
        Some(folder) => Some(Resumed::open(&folder, &mut options)?),
        None => None,
    };
    on_threads(options.n_threads(), || train(&options, resumed))
}

fn on_threads<T: Send>(n_threads: usize, run: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
    pool.map_err(|error| anyhow!("cannot start {n_threads} threads ({error}); --threads takes fewer"))?.install(run)
}

fn train(options: &Options, resumed: Option<Resumed>) -> Result<ExitCode> {
    // The order of the draws is NumPy's in the article: data, if they are random, then weights, then batches.
    let mut random = LegacyRandom::seed(options.seed);
    let data = data::load(&options.data, &mut random, options.quiet).map_err(data::with_classes_flag)?;
    let shape = NetworkShape {
        n_inputs: data.train.input_size(),
        n_hidden: options.n_hidden,
        n_classes: data.train.n_classes(),
    };
    let settings = TrainingSettings {
        batch_size: options.batch_size,
        learning_rate: options.learning_rate,
        step: options.step,
        gradient: options.gradient,
        forward: options.forward,
        isa: options.isa,
    };
    memory::check(options, &data, shape, &settings)?;
    if let Some(path) = &options.step_study {
        step_study::draw(path, options, &data, shape, &mut random)?;
        return Ok(ExitCode::SUCCESS);
    }
    let interrupts = Interrupts::listen().context("cannot listen to signals")?;
    let mut begun = match resumed {
        Some(resumed) => continue_run(options, &data, shape, settings, resumed, &interrupts)?,
        None => begin_run(options, &data, shape, settings, random, &interrupts)?,
    };
    if !options.quiet {
        say(format_args!("{}", first_line(options, &data, shape, begun.trainer.iteration())));
    }
    let trained = run_iterations(options, &data, &mut begun, &interrupts);

    // Also where training did not end: the log so far and the last finite weights are worth keeping.
    let kept = results::keep(options, &data, &begun);
    let Begun { folder, trainer, checkpoints, answers, .. } = &mut begun;
    let (outcome, mut run) =
        trained.and_then(|outcome| Ok((outcome, kept?))).map_err(|error| stopped(error, folder, checkpoints))?;
    results::report(&data, trainer, &mut run, answers.take(), &outcome)?;
    let exit_code = match outcome {
        Outcome::Done => {
            if let Some(path) = &options.save_gradient {
                results::write_npz(path, trainer.gradient())?;
            }
            results::print(&run)?;
            ExitCode::SUCCESS
        }
        Outcome::Interrupted => {
            let (code, signal) = interrupts.signal();
            say(format_args!(
                "interrupted by {signal} after iteration {} of {}; to continue: numgrad-train --resume {}",
                trainer.iteration(),
                options.iterations,
                in_a_shell(folder.files.folder())
            ));
            return Ok(ExitCode::from(code));
        }
        // Continued, it would stop at the same place.
        Outcome::Diverged(error) => {
            return Err(error).with_context(|| format!("the run in {} stopped", folder.files.folder().display()));
        }
    };
    if options.open {
        browser::open(&folder.files.page());
    }
    Ok(exit_code)
}

/// Says where the run stopped and, where that is possible, how to continue it.
fn stopped(error: anyhow::Error, folder: &RunFolder, checkpoints: &Checkpoints) -> anyhow::Error {
    let path = folder.files.folder();
    let hint = match checkpoints.last_iteration() {
        Some(_) if !folder.files.log().exists() => " (its loss.csv is gone, so it can't be continued)".to_owned(),
        Some(n) => {
            format!(" (its checkpoint is of iteration {n}; to continue: numgrad-train --resume {})", in_a_shell(path))
        }
        None => String::new(),
    };
    error.context(format!("the run in {} stopped{hint}", path.display()))
}

/// A path as a shell takes it: within quotes where it is more than a plain word.
fn in_a_shell(path: &Path) -> String {
    let Some(path) = path.to_str() else {
        // No text, so byte by byte.
        return format!("$'{}'", path.as_os_str().as_encoded_bytes().escape_ascii());
    };
    let is_plain = path.chars().all(|c| c.is_alphanumeric() || "/\\.:_-+=,@%~".contains(c));
    if is_plain { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// All that a run needs from its first iteration on.
struct Begun<'a> {
    trainer: Trainer<'a>,
    folder: RunFolder,
    log: CsvLog,
    checkpoints: Checkpoints,
    /// The sum of the gradients' times.
    gradient_s: f64,
    /// The last iteration, where its row has not been written.
    unlogged: Option<Record>,
    /// Of the last iteration, where its accuracy was measured: to the samples that the report is about.
    answers: Option<Evaluation>,
}

/// How training ended where nothing hindered it.
enum Outcome {
    Done,
    /// By a signal; a checkpoint is of the same iteration.
    Interrupted,
    /// By numbers that are no longer finite; the weights are those of the iteration before.
    Diverged(train::Error),
}

fn begin_run<'a>(
    options: &Options,
    data: &'a Dataset,
    shape: NetworkShape,
    settings: TrainingSettings,
    mut random: LegacyRandom,
    interrupts: &Interrupts,
) -> Result<Begun<'a>> {
    let parameters = initial_parameters(shape, options.init, options.init_scale, &mut random);
    let place = Place::choose(options.out.as_deref(), options.force)?;
    if let Some(path) = &options.save_gradient {
        check_other_file("--save-gradient", path, options.force, Some(place.path()))?;
    }
    if options.check_gradient {
        checking::check_gradient(&data.train, &parameters, &random, &settings, interrupts, options.quiet)?;
    }
    let trainer = Trainer::new(&data.train, parameters, random, settings);
    let folder = place.make()?;
    let log = CsvLog::create(folder.files.log())?;
    let checkpoints = Checkpoints::new(&folder, options, data);
    Ok(Begun { trainer, folder, log, checkpoints, gradient_s: 0.0, unlogged: None, answers: None })
}

fn continue_run<'a>(
    options: &Options,
    data: &'a Dataset,
    shape: NetworkShape,
    settings: TrainingSettings,
    resumed: Resumed,
    interrupts: &Interrupts,
) -> Result<Begun<'a>> {
    resumed.check_data(data, shape)?;
    let is_done = resumed.checkpoint.iteration == options.iterations;
    if let Some(path) = &options.save_gradient {
        check_other_file("--save-gradient", path, options.force, Some(resumed.folder.files.folder()))?;
        if is_done {
            bail!(
                "--save-gradient: all {} iterations are done, and no gradient is left to compute",
                options.iterations
            );
        }
    }
    if options.check_gradient {
        let Checkpoint { parameters, random, .. } = &resumed.checkpoint;
        checking::check_gradient(&data.train, parameters, random, &settings, interrupts, options.quiet)?;
    }
    let log = resumed.log()?;
    let (gradient_s, unlogged) = (resumed.gradient_s(), resumed.unlogged());
    let Resumed { folder, checkpoint, .. } = resumed;
    if !is_done {
        folder.begin_again()?;
    }
    let trainer = Trainer::resume(&data.train, checkpoint, settings);
    let checkpoints = Checkpoints::new(&folder, options, data);
    Ok(Begun { trainer, folder, log, checkpoints, gradient_s, unlogged, answers: None })
}

fn run_iterations(options: &Options, data: &Dataset, begun: &mut Begun, interrupts: &Interrupts) -> Result<Outcome> {
    let Begun { trainer, log, checkpoints, gradient_s, unlogged, answers, .. } = begun;
    checkpoints.write_unlogged(trainer, log, *gradient_s, *unlogged)?;
    if trainer.iteration() == options.iterations && unlogged.is_none() {
        return Ok(Outcome::Done);
    }
    let n_parameters = trainer.gradient().values().len() as u64;
    let elapsed_s = trainer.checkpoint().elapsed.as_secs_f64();
    let mut progress = Progress::start(trainer.iteration(), elapsed_s, options.iterations, n_parameters, options.quiet);
    loop {
        let iterated = unlogged.take().map_or_else(
            || {
                trainer
                    .iterate(Some(&|n| {
                        progress.coordinates_done(n);
                        if interrupts.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                    }))
                    .inspect(|record| *gradient_s += record.gradient_s)
            },
            Ok,
        );
        let mut record = match iterated {
            Err(train::Error::Cancelled(_)) => {
                checkpoints.write(trainer, log, *gradient_s)?;
                return Ok(Outcome::Interrupted);
            }
            Err(error) => return Ok(Outcome::Diverged(error)),
            Ok(record) => record,
        };
        let is_last = record.iteration == options.iterations;
        if is_last || options.eval_every.is_some_and(|every| record.iteration.is_multiple_of(every)) {
            let evaluate = |samples| Evaluation::new_unless(trainer.net(), samples, || interrupts.requested());
            let (train, test) = (evaluate(&data.train), data.test.as_ref().map(evaluate));
            let (Some(train), None | Some(Some(_))) = (train, &test) else {
                *unlogged = Some(record);
                checkpoints.write_unlogged(trainer, log, *gradient_s, *unlogged)?;
                return Ok(Outcome::Interrupted);
            };
            let test = test.flatten();
            record.train_accuracy = Some(train.accuracy());
            record.test_accuracy = test.as_ref().map(Evaluation::accuracy);
            *answers = is_last.then(|| test.unwrap_or(train));
        }
        log.write(&record)?;
        progress.iteration_done(&record);
        if is_last {
            checkpoints.write(trainer, log, *gradient_s)?;
            return Ok(Outcome::Done);
        }
        if interrupts.requested() {
            checkpoints.write(trainer, log, *gradient_s)?;
            return Ok(Outcome::Interrupted);
        }
        checkpoints.write_if_due(trainer, log, *gradient_s)?;
    }
}

fn first_line(options: &Options, data: &Dataset, shape: NetworkShape, done: u64) -> String {
    let (n_train, n_test) = (grouped(data.train.len()), grouped(results::n_test(data)));
    let n_parameters = shape.n_parameters();
    let n_threads = options.n_threads();
    let threads = if n_threads == 1 { "1 thread".to_owned() } else { format!("{n_threads} threads") };
    let mode = match options.gradient {
        GradientMethod::Numerical => format!("forward {}", options.forward),
        method => format!("gradient {method}"),
    };
    let continued = if done == 0 { String::new() } else { format!("; continued after iteration {}", grouped(done)) };
    format!(
        "{}: {n_train} training and {n_test} test samples; network {shape}: {} parameters, \
         {} evaluations an iteration; {mode}, {threads}, {}{continued}",
        data.name,
        grouped(n_parameters),
        grouped(2 * n_parameters),
        options.isa
    )
}
