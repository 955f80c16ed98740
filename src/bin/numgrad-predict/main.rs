//! `numgrad-predict`: read a model, ask it, say what it answers.
//!
//! Standard output carries the answer and nothing else; progress, warnings and errors go to standard error. The exit code
//! is 2 for a flag that is wrong in itself, and 1 where anything else goes wrong. A wrong answer of the network is none of
//! this.

mod args;
mod drawing;
mod json;
mod model;
mod one_digit;
mod whole_set;

use std::io::{BufReader, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use ndarray::{Array2, Axis};
use numgrad::cli::data;
use numgrad::cli::output::open;
use numgrad::cli::terminal::{print, say};
use numgrad::dataset::{self, Dataset, DigitPicture, Samples};
use numgrad::random::LegacyRandom;
use numgrad::train::Evaluation;

use args::{Options, Subject};
use drawing::Medium;
use model::Model;
use one_digit::{OneDigit, Origin};
use whole_set::WholeSet;

fn main() -> ExitCode {
    match run(&Options::from_command_line()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let mut model = Model::read(&options.model)?;
    let place = options.data.data_dir.as_deref();
    if let Some(names) = data::class_names(options.class_names.as_deref(), place, model.shape().n_classes())? {
        model.class_names = Some(names);
    }
    match &options.subject {
        Subject::TestSet => {
            let (name, test) = test_set(options, &model)?;
            let evaluation = evaluate(&model, &test)?;
            let set = WholeSet { model: &model, name, samples: &test, evaluation: &evaluation };
            answer(options.json, |medium| set.text(medium, options.n_mistakes), || json::whole_set(&set))
        }
        &Subject::Index(index) => {
            let (dataset, test) = test_set(options, &model)?;
            let n_samples = test.len();
            if index >= n_samples {
                bail!(
                    "--index {index}: expected 0 to {}, as {dataset} has {n_samples} test samples",
                    n_samples.saturating_sub(1)
                );
            }
            let label = test.labels()[index].into();
            let picture = whole_set::pictures(&test, &[index]).index_axis_move(Axis(0), 0);
            tell(options, &model, Origin::TestSet { dataset, index, n_samples, label }, picture)
        }
        Subject::Image(path) => {
            let DigitPicture { pixels, doubts } = picture_from_file(path, &model)?;
            for doubt in &doubts {
                say(format_args!("warning: --image {}: {doubt}", path.display()));
            }
            tell(options, &model, Origin::Image { path, doubts: &doubts }, pixels)
        }
    }
}

/// The test set that the flags name, if it fits the model.
fn test_set(options: &Options, model: &Model) -> Result<(dataset::Name, Samples)> {
    let request = dataset::Request { n_classes: model.shape().n_classes(), ..options.data.clone() };
    let loaded = data::load(&request, &mut LegacyRandom::seed(0), options.quiet);
    let Dataset { name, train, test } = loaded.map_err(|error| model.about_classes(error))?;
    let test = test.with_context(|| format!("the data set {name} has no test samples to predict"))?;
    model.check_fits(&name, &test)?;
    let labels = train.labels().iter().chain(test.labels());
    model.check_classes(&name, labels.copied().max().unwrap_or(0))?;
    Ok((name, test))
}

/// All answers, worked out on every core.
fn evaluate(model: &Model, test: &Samples) -> Result<Evaluation> {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
    let pool = pool.with_context(|| format!("cannot start {n_threads} threads"))?;
    let evaluation = pool.install(|| Evaluation::new(&model.net, test));
    model.check_numbers(evaluation.predictions().iter().map(|prediction| prediction.probability))?;
    Ok(evaluation)
}

/// A digit from anywhere, as the network is used to see them.
fn picture_from_file(path: &Path, model: &Model) -> Result<DigitPicture> {
    model.check_takes_mnist()?;
    let flag = || format!("--image {}", path.display());
    let file = BufReader::new(open(path).with_context(flag)?.0);
    dataset::digit_from_picture(file).with_context(flag)
}

fn tell(options: &Options, model: &Model, origin: Origin, picture: Array2<f64>) -> Result<()> {
    let probabilities = model.probabilities(&picture)?;
    let digit = OneDigit { model, origin, picture, probabilities };
    answer(options.json, |medium| digit.text(medium), || json::one_digit(&digit))
}

/// The answer, as JSON or as text.
fn answer(as_json: bool, text: impl FnOnce(Medium) -> String, json: impl FnOnce() -> String) -> Result<()> {
    let answer = if as_json { json() } else { text(Medium::of_standard_output()) };
    print("the answer", |out| out.write_all(answer.as_bytes()))
}
