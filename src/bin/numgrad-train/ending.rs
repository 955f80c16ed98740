//! How a run ends: what is kept of it, what is said, and the exit code.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Error, Result};
use numgrad::cli::browser;
use numgrad::cli::output::write_whole;
use numgrad::cli::shell::{Shell, this_program};
use numgrad::cli::terminal::{say, say_wrapped_in_terminal};
use numgrad::dataset::Dataset;
use numgrad::report::Language;
use numgrad::report::numbers::grouped;
use numgrad::train::{Ended, Evaluation, RunFiles, write_gradient};

use crate::args::Options;
use crate::begin::Begun;
use crate::interrupts::Interrupts;
use crate::results;

/// Writes what came of a run that has `ended`, or was stopped by an error, and says so. `answers` are the network's to the
/// samples that the report is about, where they are known.
pub fn conclude<E: Into<Error>>(
    options: &Options,
    data: &Dataset,
    begun: &Begun,
    ended: Result<Ended, E>,
    answers: Option<Evaluation>,
    interrupts: &Interrupts,
) -> Result<ExitCode> {
    let files = &begun.folder.files;
    let trainer = begun.session.trainer();
    // Also where training did not end: the log so far and the last finite weights are worth keeping.
    let kept = results::keep(options, data, files, begun);
    let (ended, mut run) =
        ended.map_err(Into::into).and_then(|ended| Ok((ended, kept?))).map_err(|error| stopped(error, begun))?;
    let reported = results::report(options, data, trainer, &mut run, answers, &ended);
    if !options.quiet {
        if reported.is_ok()
            && let Some(course) = results::course(&run, &files.page())
        {
            say(format_args!("{course}"));
        }
        if let Some(advice) = run.advice(Language::English) {
            say_wrapped_in_terminal(&format!("note: {advice}"));
        }
    }
    match ended {
        Ended::Done => {
            if let Some(path) = &options.save_gradient {
                write_whole(path, |file| write_gradient(file, trainer.gradient()))?;
            }
            // Of several runs, what came of all is told at the end.
            if options.place_in_sweep.is_none() {
                results::print(&run)?;
            }
            reported?;
            if options.open {
                browser::open(&files.page());
            }
            Ok(ExitCode::SUCCESS)
        }
        Ended::Interrupted => {
            let (code, signal) = interrupts.signal();
            let signal = match trainer.stopped_by() {
                Some(rank) => format!("rank {rank}, which had a signal,"),
                None => signal.to_owned(),
            };
            say(format_args!(
                "interrupted by {signal} after iteration {} of {}; to continue: {}",
                grouped(trainer.iteration()),
                grouped(options.settings.iterations),
                resume(files.folder())
            ));
            reported?;
            Ok(ExitCode::from(code))
        }
        // Continued, it would stop at the same place.
        Ended::Diverged(divergence) => {
            reported?;
            Err(divergence).with_context(|| format!("the run in {} stopped", files.folder().display()))
        }
    }
}

/// Says where the run stopped and, where that is possible, how to continue it.
fn stopped(error: Error, Begun { folder, session, .. }: &Begun) -> Error {
    let path = folder.files.folder();
    let hint = match session.last_checkpoint() {
        Some(_) if !folder.files.log().exists() => {
            format!(" (its {} is gone, so it can't be continued)", RunFiles::LOG)
        }
        Some(n) => {
            format!(" (its checkpoint is of iteration {}; to continue: {})", grouped(n), resume(path))
        }
        None => String::new(),
    };
    error.context(format!("the run in {} stopped{hint}", path.display()))
}

/// The command that continues the run in a folder, as it can be typed.
fn resume(folder: &Path) -> String {
    // What begins like a flag is a folder all the same.
    let joined = if folder.as_os_str().as_encoded_bytes().starts_with(b"-") { "=" } else { " " };
    format!("{} --resume{joined}{}", this_program(env!("CARGO_BIN_NAME")), Shell::here().quoted(folder))
}
