//! `numgrad-train`: parse, run, report.
//!
//! Standard output carries the summary and nothing else; progress, warnings and errors go to standard error. The exit
//! code is 2 for a flag that is wrong in itself, and 1 where anything else stops the run.

mod args;
mod csv_log;
mod data;
mod memory;
mod plot;
mod progress;
mod report;
mod run_folder;

use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::{Context, Result};
use numgrad::dataset::{Dataset, Samples};
use numgrad::nn::NetworkShape;
use numgrad::random::LegacyRandom;
use numgrad::train::{GradientMethod, Record, Trainer, TrainingSettings, accuracy, initial_parameters};

use args::Options;
use csv_log::CsvLog;
use progress::{Progress, say};
use report::{DatasetReport, Report};
use run_folder::RunFolder;

fn main() -> ExitCode {
    let options = Options::from_command_line();
    match on_threads(options.n_threads, || train(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn on_threads(n_threads: usize, run: impl FnOnce() -> Result<()> + Send) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
    pool.with_context(|| format!("cannot start {n_threads} threads; --threads takes fewer"))?.install(run)
}

fn train(options: &Options) -> Result<()> {
    // The order of the draws is NumPy's in the article: data, if they are random, then weights, then batches.
    let mut random = LegacyRandom::seed(options.seed);
    let data = data::load(options, &mut random)?;
    let shape = NetworkShape {
        n_inputs: data.train.input_size(),
        n_hidden: options.n_hidden,
        n_classes: data.train.n_classes(),
    };
    memory::check(options, shape)?;
    let parameters = initial_parameters(shape, options.init, options.init_scale, &mut random);
    let settings = TrainingSettings {
        batch_size: options.batch_size,
        learning_rate: options.learning_rate,
        step: options.step,
        gradient: options.gradient,
        forward: options.forward,
        isa: options.isa,
    };
    let mut trainer = Trainer::new(&data.train, parameters, random, settings);

    let mut folder = RunFolder::create(options.out.as_deref(), options.force)?;
    if let Some(path) = &options.save_gradient {
        folder.check_other_file("--save-gradient", path, options.force)?;
    }
    let mut log = folder.begin()?;
    if !options.quiet {
        say(format_args!("{}", first_line(options, &data, shape)));
    }
    let trained = run_iterations(options, &data, &mut trainer, &mut log);

    // Also where training failed: the log so far and the last finite weights are worth keeping.
    let kept = keep(&folder, &data, &trainer, options.seed);
    let (last, gradient_s) = trained.with_context(|| format!("the run in {} stopped", folder.path().display()))?;
    kept?;
    if let Some(path) = &options.save_gradient {
        report::write_npz(path, trainer.gradient())?;
    }
    let report = report(options, &data, shape, &last, gradient_s);
    report.write_json(&folder.file("run.json"))?;
    report.print(folder.path())
}

fn keep(folder: &RunFolder, data: &Dataset, trainer: &Trainer, seed: u32) -> Result<()> {
    let parameters = trainer.net().parameters();
    report::write_npz(&folder.file("model.npz"), parameters)?;
    let shape = parameters.shape();
    let title = format!("Training loss: {}, {shape}, seed {seed}", data.name);
    plot::draw(&folder.file("loss.csv"), &folder.file("loss.svg"), trainer.iteration(), &title, shape.n_classes)
}

/// Returns the last iteration and the sum of the gradients' times.
fn run_iterations(options: &Options, data: &Dataset, trainer: &mut Trainer, log: &mut CsvLog) -> Result<(Record, f64)> {
    let n_parameters = trainer.gradient().values().len() as u64;
    let mut progress = Progress::start(options.iterations, n_parameters, options.quiet);
    let mut gradient_s = 0.0;
    loop {
        let mut record = trainer.iterate(Some(&|n| {
            progress.coordinates_done(n);
            ControlFlow::Continue(())
        }))?;
        gradient_s += record.gradient_s;
        let is_last = record.iteration == options.iterations;
        if is_last || options.eval_every.is_some_and(|every| record.iteration.is_multiple_of(every)) {
            record.train_accuracy = Some(accuracy(trainer.net(), &data.train));
            record.test_accuracy = data.test.as_ref().map(|test| accuracy(trainer.net(), test));
        }
        log.write(&record)?;
        progress.iteration_done(&record);
        if is_last {
            return Ok((record, gradient_s));
        }
    }
}

fn first_line(options: &Options, data: &Dataset, shape: NetworkShape) -> String {
    let (n_train, n_test) = (data.train.len(), n_test(data));
    let n_parameters = shape.n_parameters();
    let threads = if options.n_threads == 1 { "1 thread".to_owned() } else { format!("{} threads", options.n_threads) };
    let mode = match options.gradient {
        GradientMethod::Numerical => format!("forward {}", options.forward),
        method => format!("gradient {method}"),
    };
    format!(
        "{}: {n_train} training and {n_test} test samples; network {shape}: {n_parameters} parameters, \
         {} evaluations an iteration; {mode}, {threads}, {}",
        data.name,
        2 * n_parameters,
        options.isa
    )
}

fn n_test(data: &Dataset) -> usize {
    data.test.as_ref().map_or(0, Samples::len)
}

fn report(options: &Options, data: &Dataset, shape: NetworkShape, last: &Record, gradient_s: f64) -> Report {
    Report {
        version: env!("CARGO_PKG_VERSION"),
        dataset: DatasetReport {
            name: data.name.to_string(),
            train_samples: data.train.len(),
            test_samples: n_test(data),
            input_size: shape.n_inputs,
            classes: shape.n_classes,
        },
        iterations: options.iterations,
        batch_size: options.batch_size,
        learning_rate: options.learning_rate,
        hidden: shape.n_hidden,
        step: options.step,
        seed: options.seed,
        init: options.init,
        init_scale: options.init_scale,
        eval_every: options.eval_every,
        gradient: options.gradient,
        forward: options.forward,
        threads: options.n_threads,
        isa: options.isa.to_string(),
        n_parameters: shape.n_parameters(),
        n_evaluations: last.n_evaluations,
        train_s: last.elapsed_s,
        gradient_s,
        final_loss: last.loss,
        train_accuracy: last.train_accuracy,
        test_accuracy: last.test_accuracy,
    }
}
