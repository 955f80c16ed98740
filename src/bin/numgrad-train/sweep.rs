//! `--learning-rate 0.01,0.1,1`: a run for each learning rate, one after the other, and a page that compares them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use numgrad::cli::browser;
use numgrad::cli::output::write_whole;
use numgrad::cli::terminal::{print, say};
use numgrad::report::numbers::{MISSING, chosen, duration, grouped, loss, percent};
use numgrad::report::{Run, comparison_page};
use numgrad::train::{Divergence, Ended, RunFiles};

use crate::args::Options;
use crate::run_folder::Place;
use crate::training::{self, Prepared};

/// The page that compares the runs, in the folder that holds theirs.
const PAGE: &str = "comparison.html";

/// Trains with each learning rate in turn. One that diverges does not keep the others from being tried; an interrupt does.
///
/// Each run has a folder of its own within that of the sweep, and is continued by itself.
pub fn train(options: &Options, prepared: &Prepared) -> Result<ExitCode> {
    let place = Place::choose(options.out.as_deref(), options.force)?;
    let folder_of = |folder: &Path, rate: f64| folder.join(format!("learning-rate-{}", chosen(rate)));
    for &rate in &options.learning_rates {
        Place::choose(Some(&folder_of(place.path(), rate)), options.force)?;
    }
    let folder = place.make_folder()?;
    let n = options.learning_rates.len();
    let (mut begun, mut code) = (Vec::new(), ExitCode::SUCCESS);
    for (i, &rate) in options.learning_rates.iter().enumerate() {
        if prepared.interrupts.requested() {
            break;
        }
        if !options.quiet {
            say(format_args!("Learning rate {} ({} of {n})", chosen(rate), i + 1));
        }
        let run = one_of_several(options, i, rate, folder_of(&folder, rate));
        begun.push((rate, folder_of(&folder, rate)));
        match training::train(&run, prepared, None) {
            Ok(_) if !prepared.interrupts.requested() => {}
            Ok(interrupted) => code = interrupted,
            Err(error) if error.downcast_ref::<Divergence>().is_some() => {
                say(format_args!("error: {error:#}"));
                code = ExitCode::FAILURE;
            }
            Err(error) => return Err(error),
        }
    }
    if prepared.interrupts.requested() {
        let left: Vec<_> = options.learning_rates[begun.len()..].iter().map(|&rate| chosen(rate)).collect();
        if !left.is_empty() {
            say(format_args!("not begun: learning rate{} {}", if left.len() == 1 { "" } else { "s" }, left.join(", ")));
        }
    }
    conclude(options, &folder, &begun)?;
    Ok(code)
}

/// The options of the run of one learning rate. The gradient of the first batch is the same for all, and is checked once.
fn one_of_several(options: &Options, i: usize, rate: f64, folder: PathBuf) -> Options {
    let mut run = options.clone();
    run.settings.training.learning_rate = rate;
    run.learning_rates = vec![rate];
    run.out = Some(folder);
    run.check_gradient = options.check_gradient && i == 0;
    run.open = false;
    run.place_in_sweep = Some(i);
    run
}

/// Writes the page that compares the runs, and prints what came of each.
fn conclude(options: &Options, folder: &Path, begun: &[(f64, PathBuf)]) -> Result<()> {
    let mut runs = Vec::new();
    for (rate, folder) in begun.iter().filter(|(_, folder)| RunFiles::of(folder).summary().exists()) {
        // The page shows no weights, which may be large.
        runs.push((*rate, Run { parameters: None, snapshots: None, ..Run::read(folder)? }));
    }
    let (rates, runs): (Vec<f64>, Vec<Run>) = runs.into_iter().unzip();
    let page = folder.join(PAGE);
    if runs.len() > 1 {
        let text = comparison_page(&runs, options.language)?;
        write_whole(&page, |file| file.write_all(text.as_bytes()))?;
    }
    print("the table of the sweep", |out| print_to(out, &rates, &runs, folder))?;
    if options.open && runs.len() > 1 {
        browser::open(&page);
    }
    Ok(())
}

fn print_to(out: &mut impl Write, rates: &[f64], runs: &[Run], folder: &Path) -> io::Result<()> {
    let mut row = |cells: [&str; 6]| {
        let [rate, iterations, final_loss, train, test, time] = cells;
        let line = format!("{rate:<13} {iterations:>12} {final_loss:>10} {train:>17} {test:>13}  {time}");
        writeln!(out, "{}", line.trim_end())
    };
    row(["Learning rate", "Iterations", "Final loss", "Training accuracy", "Test accuracy", "Time"])?;
    for (rate, Run { summary, .. }) in rates.iter().zip(runs) {
        let or_missing = |text: Option<String>| text.unwrap_or_else(|| MISSING.to_owned());
        let note = match summary.ended() {
            Some(Ended::Diverged(_)) => " (diverged)",
            Some(Ended::Interrupted) => " (interrupted)",
            _ => "",
        };
        row([
            &chosen(*rate),
            &grouped(summary.iterations_done()),
            &or_missing(summary.final_loss.map(loss)),
            &or_missing(summary.train_accuracy.map(|share| percent(share, 2))),
            &or_missing(summary.test_accuracy.map(|share| percent(share, 2))),
            &format!("{}{note}", duration(summary.train_s)),
        ])?;
    }
    let shown = if fs::exists(folder.join(PAGE))? { folder.join(PAGE) } else { folder.to_owned() };
    writeln!(out, "{} {}", if shown.is_dir() { "Files:" } else { "Page: " }, shown.display())
}
