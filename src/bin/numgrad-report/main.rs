//! `numgrad-report`: one run's page, or a page that compares several.
//!
//! The exit code is 2 for a flag that is wrong in itself, and 1 where anything else goes wrong.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{CommandFactory, Parser};
use numgrad::cli::about::AboutArgs;
use numgrad::cli::browser;
use numgrad::cli::language::LanguageArgs;
use numgrad::cli::output::{check_file, check_other_file, is_in, write_whole};
use numgrad::cli::terminal::{print, say, say_wrapped_in_terminal};
use numgrad::cli::wildcard::expanded;
use numgrad::report::{self, Language, Run, comparison_page, run_page};
use numgrad::train::RunFiles;

/// Show runs of numgrad-train in one HTML page that needs no other file and no network.
///
/// Several runs are compared: their losses by iteration and by seconds, what came of them, and the settings that differ. Of
/// one run its page is written anew from its files, without what only the samples tell; numgrad-train --resume DIR writes the
/// whole page.
#[derive(Debug, Parser)]
#[command(name = "numgrad-report", version, max_term_width = 110)]
struct Args {
    /// The folders of the runs; of several, such as results/*, those that are no run are left out, with a line for each
    #[arg(value_name = "DIR", required_unless_present_any = ["completions", "man"])]
    runs: Vec<PathBuf>,

    /// Write the page here [default: report.html in the run's folder; comparison.html for several runs]
    #[arg(short, long, value_name = "FILE.html")]
    out: Option<PathBuf>,

    /// Replace the page where there is one
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    language: LanguageArgs,

    /// Show the page in the browser
    #[arg(long)]
    open: bool,

    #[command(flatten)]
    about: AboutArgs,
}

fn main() -> ExitCode {
    let args = Args::parse();
    args.about.print_if_asked(Args::command());
    match report(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn report(args: &Args) -> Result<()> {
    let runs = read(&each_once(expanded(&args.runs)))?;
    let out = match (&args.out, &runs[..]) {
        (Some(out), _) => out.clone(),
        (None, [run]) => RunFiles::of(&run.folder).page(),
        (None, _) => PathBuf::from("comparison.html"),
    };
    match &runs[..] {
        // The one page of a run that may be written anew: its own.
        [run] if out.file_name() == Some(OsStr::new(RunFiles::PAGE)) && is_in(&run.folder, &out) => {
            check_file("--out", &out, args.force)?
        }
        _ => check_other_file("--out", &out, args.force, None)?,
    }
    let language = args.language.language();
    let page = match &runs[..] {
        [run] => run_page(run, None, language),
        runs => comparison_page(runs, language)?,
    };
    write_whole(&out, |file| file.write_all(page.as_bytes()))?;
    for run in &runs {
        if let Some(advice) = run.advice(Language::English) {
            say_wrapped_in_terminal(&format!("note: {}: {advice}", run.folder.display()));
        }
    }
    print("the name of the page", |stdout| writeln!(stdout, "{}", out.display()))?;
    if args.open {
        browser::open(&out);
    }
    Ok(())
}

/// The runs among the paths. Of several, what is there and is no run is told of and left out.
fn read(paths: &[PathBuf]) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for path in paths {
        match Run::read(path) {
            Ok(run) => runs.push(run),
            Err(no_run @ report::Error::NotARun { .. }) if paths.len() > 1 && path.exists() => {
                say(format_args!("left out: {no_run}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if runs.is_empty() {
        bail!("expected the folders of runs, found none among these {}", paths.len());
    }
    Ok(runs)
}

/// The paths, but of those that lead to the same place only one, with a line for each of the others: the first that is no
/// link, such as `latest` beside the run that it stands for.
fn each_once(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    // What is not there is told of when it is read.
    let places: Vec<_> = paths.iter().map(|path| fs::canonicalize(path).ok()).collect();
    let taken = |i: usize| {
        let same: Vec<_> =
            (0..paths.len()).filter(|&j| j == i || places[i].is_some() && places[j] == places[i]).collect();
        same.iter().copied().find(|&j| !paths[j].is_symlink()).unwrap_or(same[0])
    };
    let mut once = Vec::new();
    for (i, path) in paths.iter().enumerate() {
        match &paths[taken(i)] {
            _ if taken(i) == i => once.push(path.clone()),
            other => say(format_args!("left out: {}: the same as {}", path.display(), other.display())),
        }
    }
    once
}
