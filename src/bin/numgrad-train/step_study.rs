//! `--step-study`: how the error of a gradient depends on the step, as a picture and a short table.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use numgrad::cli::output::{check_other_file, write_whole};
use numgrad::cli::terminal::{print, say};
use numgrad::dataset::Dataset;
use numgrad::nn::NetworkShape;
use numgrad::random::LegacyRandom;
use numgrad::report::chart::{Axis, Chart, Level, Series, Size, Stroke};
use numgrad::report::numbers::grouped;
use numgrad::train::{self, RunSettings, StepStudy, initial_parameters, logarithmic_steps};

use crate::args::Options;

/// Studies the first batch at the initial weights, as a run with these options would draw them.
pub fn draw(
    path: &Path,
    options: &Options,
    data: &Dataset,
    shape: &NetworkShape,
    random: &mut LegacyRandom,
) -> Result<()> {
    check_other_file("--step-study", path, options.force, None)?;
    let steps = logarithmic_steps(-15, 0, 3);
    if !options.quiet {
        say(format_args!("Computing derivatives at {} steps", steps.len()));
    }
    let RunSettings { init, init_scale, training, .. } = &options.settings;
    let parameters = initial_parameters(shape, *init, *init_scale, random);
    let study = train::step_study(&data.train, &parameters, random, training.batch_size, training.isa, &steps);
    let title = format!(
        "Error of the gradient against the step: {}, {shape}, first batch, {} of {} derivatives",
        data.name,
        study.n_coordinates,
        grouped(shape.n_parameters())
    );
    let svg = chart(&study, title).svg(Size::WIDE);
    write_whole(path, |file| file.write_all(svg.as_bytes()))?;
    print("the table of --step-study", |out| {
        writeln!(out, "{:<22} {:>9} {:>15}", "difference", "best step", "relative error")?;
        for method in &study.methods {
            if let Some((step, error)) = study.best(method) {
                writeln!(out, "{:<22} {step:>9.1e} {error:>15.1e}", method.name)?;
            }
        }
        writeln!(out, "Picture: {}", path.display())
    })
}

fn chart(study: &StepStudy, title: String) -> Chart {
    let series = |(colour, method): (usize, &train::MethodErrors)| Series {
        name: method.name.to_owned(),
        points: study.steps.iter().copied().zip(method.errors.iter().copied()).collect(),
        colour,
        stroke: Stroke::Marked,
    };
    Chart {
        title,
        x: Axis::logarithmic("step h"),
        y: Axis::logarithmic("relative error: ‖numerical - analytic‖ / ‖analytic‖"),
        series: study.methods.iter().enumerate().map(series).collect(),
        levels: vec![Level { y: f64::EPSILON, label: "rounding of one number: 2.2e-16".to_owned() }],
    }
}
