//! `numgrad-train`: parse, run, report.
//!
//! Standard output carries the summary, and the tables that were asked for, and nothing else; progress, warnings and errors
//! go to standard error. The exit code is 2 for a flag that is wrong in itself, 130 or 143 where Ctrl-C or SIGTERM
//! interrupts the run, and 1 where anything else stops it.

mod args;
mod begin;
mod checking;
mod ending;
mod flag_values;
mod interrupts;
mod membership;
mod memory;
mod onlooker;
mod ranks;
mod results;
mod resumed;
mod run_folder;
mod step_study;
mod sweep;
mod tips;
mod training;

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use numgrad::cli::data;
use numgrad::cli::terminal::say;
use numgrad::random::LegacyRandom;
use numgrad::train::Team;

use args::Options;
use interrupts::Interrupts;
use membership::Membership;
use resumed::Resumed;
use training::Prepared;

fn main() -> ExitCode {
    let options = Options::from_command_line();
    let membership = match Membership::join(options.mpi) {
        Ok(membership) => membership,
        Err(error) => {
            say(format_args!("error: {error:#}"));
            return ExitCode::FAILURE;
        }
    };
    run(options, membership.team()).unwrap_or_else(|error| membership.fail(&error))
}

fn run(mut options: Options, team: &dyn Team) -> Result<ExitCode> {
    let resumed = match options.resume.clone() {
        Some(folder) => Some(Resumed::open(&folder, &mut options, team)?),
        None => None,
    };
    if options.class_names.is_some() || options.names_of_classes.is_none() {
        let place = options.data.data_dir.as_deref();
        options.names_of_classes = data::class_names(options.class_names.as_deref(), place, options.data.n_classes)?;
    }
    on_threads(options.n_threads(), || train(&options, resumed, team))
}

fn on_threads<T: Send>(n_threads: usize, run: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
    pool.map_err(|error| anyhow!("cannot start {n_threads} threads ({error}); --threads takes fewer"))?.install(run)
}

fn train(options: &Options, resumed: Option<Resumed>, team: &dyn Team) -> Result<ExitCode> {
    // The order of the draws is NumPy's in the article: data, if they are random, then weights, then batches.
    let mut random = LegacyRandom::seed(options.settings.seed);
    let data =
        data::load(&options.data, &mut random, options.quiet || team.rank() > 0).map_err(data::with_classes_flag)?;
    let shape = options.settings.shape(data.train.input_size(), data.train.n_classes());
    memory::check(options, &data, &shape, team)?;
    if let Some(path) = &options.step_study {
        step_study::draw(path, options, &data, &shape, &mut random)?;
        return Ok(ExitCode::SUCCESS);
    }
    let interrupts = Interrupts::listen().context("cannot listen to signals")?;
    if team.rank() > 0 {
        let trainer = begin::trainer(options, &data, &shape, resumed, random)?;
        return ranks::follow(options, &data, trainer.in_team(team), &interrupts);
    }
    let prepared = Prepared { data, shape, random, interrupts, team };
    if options.learning_rates.len() > 1 {
        sweep::train(options, &prepared)
    } else {
        training::train(options, &prepared, resumed)
    }
}
