//! `numgrad-train`: parse, run, report.
//!
//! Standard output carries the summary, and the tables that were asked for, and nothing else; progress, warnings and errors
//! go to standard error. The exit code is 2 for a flag that is wrong in itself, 130 or 143 where Ctrl-C or SIGTERM
//! interrupts the run, and 1 where anything else stops it.

mod args;
mod begin;
mod checking;
mod ending;
mod interrupts;
mod memory;
mod onlooker;
mod results;
mod resumed;
mod run_folder;
mod step_study;

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use numgrad::cli::data;
use numgrad::cli::terminal::{say, say_wrapped};
use numgrad::random::LegacyRandom;

use args::Options;
use interrupts::{Interrupted, Interrupts};
use onlooker::Onlooker;
use resumed::Resumed;

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
    if options.class_names.is_some() || options.names_of_classes.is_none() {
        let place = options.data.data_dir.as_deref();
        options.names_of_classes = data::class_names(options.class_names.as_deref(), place, options.data.n_classes)?;
    }
    on_threads(options.n_threads(), || train(&options, resumed))
}

fn on_threads<T: Send>(n_threads: usize, run: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
    pool.map_err(|error| anyhow!("cannot start {n_threads} threads ({error}); --threads takes fewer"))?.install(run)
}

fn train(options: &Options, resumed: Option<Resumed>) -> Result<ExitCode> {
    // The order of the draws is NumPy's in the article: data, if they are random, then weights, then batches.
    let mut random = LegacyRandom::seed(options.settings.seed);
    let data = data::load(&options.data, &mut random, options.quiet).map_err(data::with_classes_flag)?;
    let shape = options.settings.shape(data.train.input_size(), data.train.n_classes());
    memory::check(options, &data, &shape)?;
    if let Some(path) = &options.step_study {
        step_study::draw(path, options, &data, &shape, &mut random)?;
        return Ok(ExitCode::SUCCESS);
    }

    let interrupts = Interrupts::listen().context("cannot listen to signals")?;
    let mut begun = match resumed {
        Some(resumed) => begin::continued(options, &data, &shape, resumed, &interrupts)?,
        None => begin::anew(options, &data, &shape, random, &interrupts)?,
    };
    if !options.quiet {
        say_wrapped(&begin::first_line(options, &data, &shape, begun.session.trainer().iteration()));
    }
    let mut onlooker = Onlooker::new(options, &data, &begun.session, &interrupts);
    let ended = begun.session.run(&mut onlooker);
    let answers = onlooker.finish();
    ending::conclude(options, &data, &begun, ended, answers, &interrupts)
}
