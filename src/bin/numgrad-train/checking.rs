//! What is asked before a training begins: whether its step is of use, and with `--check-gradient` whether its gradient is
//! right. That prints a table on standard output; an error says where training must not begin.

use std::io::Write;
use std::ops::ControlFlow;

use anyhow::{Result, bail};
use numgrad::cli::progress::{Count, Counted, Line, clock};
use numgrad::cli::terminal::{print, say_wrapped_in_terminal};
use numgrad::dataset::Samples;
use numgrad::difference::Agreement;
use numgrad::nn::Parameters;
use numgrad::random::LegacyRandom;
use numgrad::report::numbers::{self, chosen, grouped, significant};
use numgrad::train::{self, ArrayCheck, Forward, GradientCheck, RESOLUTION, StepDoubt, TrainingSettings, WorkedWeight};

use crate::args::Options;
use crate::interrupts::Interrupts;

/// Compares the gradients of the batch that `random` draws next. Fails where they differ, or where that can't be told.
pub fn check_gradient(
    samples: &Samples,
    parameters: &Parameters,
    random: &LegacyRandom,
    settings: &TrainingSettings,
    interrupts: &Interrupts,
    quiet: bool,
) -> Result<()> {
    let TrainingSettings { step, forward, .. } = *settings;
    let n_parameters = parameters.values().len() as u64;
    // The incremental mode is done before anything could be shown.
    let is_silent = quiet || forward == Forward::Incremental;
    let instead = format!("Checking the gradient of {} parameters", grouped(n_parameters));
    let progress = Counted::start(is_silent, &instead, Some(n_parameters), line);
    let hook = |n_newly_done: usize| {
        progress.advance(n_newly_done as u64);
        if interrupts.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let compared = train::check_gradient(samples, parameters, random, settings, Some(&hook));
    drop(progress);
    let Ok(comparison) = compared else { return Err(interrupts.before_training().into()) };
    print("the table of --check-gradient", |out| {
        let h = numbers::step(step);
        writeln!(out, "Central differences at h = {h} (forward {forward}) beside backpropagation:")?;
        writeln!(out, "{comparison}")
    })?;
    judge(&comparison, forward, step)
}

fn line(now: &Count) -> Line {
    let done = format!("checking parameter {}/{}", grouped(now.n_done), grouped(now.n_total.unwrap_or(now.n_done)));
    Line::new([(0, done), (1, format!("{} left", clock(now.left_s())))]).with_bar(2, now.share())
}

fn judge(comparison: &GradientCheck, forward: Forward, step: f64) -> Result<()> {
    let step = numbers::step(step);
    if let Some(ArrayCheck { name, worst_index, worst, .. }) = comparison.first(Agreement::Differs) {
        let other = if forward == Forward::Full { Forward::Incremental } else { Forward::Full };
        bail!(
            "--check-gradient: {name}{worst_index:?} is {:e} by central differences (--forward {forward}, --step {step}) and \
             {:e} by backpropagation: expected a difference of at most {:.1e}, found {:.1e}. One of the two is wrong; see \
             what --forward {other} gives, which evaluates the loss in another way",
            worst.numerical,
            worst.analytic,
            worst.numerical_error,
            worst.absolute_error()
        );
    }
    if let Some(ArrayCheck { name, largest, allowed, .. }) = comparison.first(Agreement::Undetermined) {
        let advice = match comparison.advice {
            Some((advised, step)) if advised == forward => format!("--step {} can tell", numbers::step(step)),
            Some((advised, step)) => format!("--step {} --forward {advised} can tell", numbers::step(step)),
            None => "no step can tell, as rounding alone makes that much: are the hidden units saturated? A smaller \
                     --init-scale helps then"
                .to_owned(),
        };
        bail!(
            "--check-gradient can't tell at --step {step} with --forward {forward}: an error of up to {allowed:.1e} in {name} \
             would pass, expected at most {RESOLUTION:e} of its largest derivative, which is {largest:.1e}; {advice}"
        );
    }
    Ok(())
}

/// Warns of a step that rounding or truncation makes doubtful. Fails where it can't move every weight.
pub fn doubt_step(options: &Options, parameters: &Parameters, worked: Option<&WorkedWeight>) -> Result<()> {
    let training = &options.settings.training;
    let Some(doubt) = StepDoubt::of(parameters, training, worked) else { return Ok(()) };
    let told = told(&doubt, training.step, parameters.values().len());
    if let StepDoubt::Vanishes { .. } = doubt {
        bail!("{told}");
    }
    // Of several runs, which have the same first batch, it is said once.
    if options.place_in_sweep.is_none_or(|place| place == 0) {
        say_wrapped_in_terminal(&format!("warning: {told}"));
    }
    Ok(())
}

fn told(doubt: &StepDoubt, step: f64, n_parameters: usize) -> String {
    let step = numbers::step(step);
    let instead = |shortest: f64| {
        // Where every derivative is 0, as of saturated units, no step makes whole passes tell.
        let longer = if shortest.is_finite() {
            format!("a step of {} or more, or ", numbers::step(shortest))
        } else {
            String::new()
        };
        format!("Take {longer}--forward incremental, which does not round so")
    };
    match doubt {
        StepDoubt::Vanishes { n_parameters: n, array, parameter, shortest } => format!(
            "--step {step} is too short for --forward full: {} of {} parameters stay the same when it is added (the first is \
             {} in {array}), so that their derivatives would be 0. {}",
            grouped(*n),
            grouped(n_parameters),
            significant(*parameter),
            instead(*shortest)
        ),
        StepDoubt::Rounds { error, largest, shortest } => format!(
            "--step {step} is so short that rounding changes each derivative by about {}, while the largest is {}. {}",
            one_digit(*error),
            one_digit(*largest),
            instead(*shortest)
        ),
        StepDoubt::Truncates { analytic, numerical } => format!(
            "--step {step} is long: the largest derivative of the first batch is {}, but the difference at this step makes it \
             {}. A shorter step, such as 1e-4, comes closer",
            significant(*analytic),
            significant(*numerical)
        ),
    }
}

/// A number of which only the size counts: 0.02, 4, 3e-7.
fn one_digit(x: f64) -> String {
    chosen(format!("{x:.0e}").parse().unwrap_or(x))
}

#[cfg(test)]
mod tests {
    use numgrad::nn::NetworkShape;
    use numgrad::train::{Init, initial_parameters};

    use super::*;

    #[test]
    fn where_no_step_is_long_enough_none_is_advised() {
        let vanishing = |shortest| {
            told(&StepDoubt::Vanishes { n_parameters: 1, array: "W1".to_owned(), parameter: 1e12, shortest }, 1e-4, 9)
        };
        assert!(
            vanishing(0.1).ends_with("Take a step of 0.1 or more, or --forward incremental, which does not round so")
        );
        assert!(vanishing(f64::INFINITY).ends_with("Take --forward incremental, which does not round so"));
    }

    /// What a check of the synthetic data finds at this step.
    fn comparison(step: f64, forward: Forward) -> GradientCheck {
        let mut random = LegacyRandom::seed(42);
        let data = numgrad::dataset::synthetic(10, &mut random);
        let shape = NetworkShape::new([100, 10, 10]);
        let parameters = initial_parameters(&shape, Init::Uniform, 0.01, &mut random);
        let settings = TrainingSettings { step, forward, ..TrainingSettings::default() };
        train::check_gradient(&data.train, &parameters, &random, &settings, None).unwrap()
    }

    #[test]
    fn gradients_that_differ_are_told_by_array_index_both_values_the_expected_error_and_what_to_do() {
        let mut comparison = comparison(1e-4, Forward::Incremental);
        assert!(judge(&comparison, Forward::Incremental, 1e-4).is_ok());
        comparison.arrays[2].agreement = Agreement::Differs;
        let ArrayCheck { worst_index, worst, .. } = &comparison.arrays[2];
        let parts = [
            format!("W2{worst_index:?} is {:e} by central differences", worst.numerical),
            format!("{:e} by backpropagation", worst.analytic),
            format!("at most {:.1e}, found", worst.numerical_error),
            "--forward full".to_owned(),
        ];
        let error = judge(&comparison, Forward::Incremental, 1e-4).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(&part), "\"{part}\" is not in: {error}");
        }
    }

    #[test]
    fn where_no_step_can_tell_the_error_says_so() {
        let mut comparison = comparison(1e-12, Forward::Full);
        comparison.advice = None;
        let error = judge(&comparison, Forward::Full, 1e-12).unwrap_err().to_string();
        assert!(error.contains("no step can tell") && error.contains("--init-scale"), "{error}");
    }
}
