//! What a run leaves behind: `model.npz`, `loss.svg`, `run.json`, `report.html`, and the summary on standard output.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use console::style;
use numgrad::cli::output::write_whole;
use numgrad::cli::terminal;
use numgrad::dataset::Dataset;
use numgrad::report::chart::Size;
use numgrad::report::numbers::{duration, grouped, loss, percent, with_unit};
use numgrad::report::{AnswersSection, Curves, DatasetSummary, Language, Run, SampleSet, Stopped, Summary, run_page};
use numgrad::train::{Ended, Evaluation, RunFiles, RunSettings, Trainer, write_model};

use crate::args::Options;
use crate::begin::{Begun, n_test};

/// Writes the weights and the picture of the losses; returns the run as it is so far.
pub fn keep(options: &Options, data: &Dataset, files: &RunFiles, begun: &Begun) -> Result<Run> {
    let session = &begun.session;
    let parameters = session.trainer().net().parameters();
    write_whole(&files.model(), |file| write_model(file, parameters))?;
    let curves = Curves::read(&files.log(), session.n_logged())?;
    let run = Run {
        folder: files.folder().to_owned(),
        summary: summary(options, data, &curves, begun),
        curves,
        parameters: Some(parameters.clone()),
        snapshots: begun.snapshots.as_ref().map(|file| file.snapshots().clone()),
    };
    write_text(&files.chart(), &run.loss_chart(Language::English).svg(Size::WIDE))?;
    Ok(run)
}

/// An interrupted run has to end soon: what the network makes of the samples is left out of its page beyond this.
const LONGEST_EVALUATION: Duration = Duration::from_millis(300);

/// Writes the summary and the page. `answers` are the network's to the samples that the page is about, if they are known.
pub fn report(
    options: &Options,
    data: &Dataset,
    trainer: &Trainer,
    run: &mut Run,
    answers: Option<Evaluation>,
    ended: &Ended,
) -> Result<()> {
    let (set, samples) = match &data.test {
        Some(test) => (SampleSet::Test, test),
        None => (SampleSet::Training, &data.train),
    };
    if let Ended::Diverged(divergence) = ended {
        run.summary.stopped = Some(Stopped::Diverged(divergence.clone()));
    }
    let begun = Instant::now();
    let is_interrupted = *ended == Ended::Interrupted;
    let takes_too_long = || is_interrupted && begun.elapsed() > LONGEST_EVALUATION;
    let answers = answers.or_else(|| Evaluation::new_unless(trainer.net(), samples, takes_too_long));
    // Weights that are finite may have sums that are not, and probabilities that are NaN then.
    let are_numbers = |answers: &Evaluation| answers.predictions().iter().all(|answer| answer.probability.is_finite());
    let answers = answers.filter(are_numbers);
    if let Some(answers) = &answers {
        let accuracy = match &data.test {
            Some(_) => &mut run.summary.test_accuracy,
            None => &mut run.summary.train_accuracy,
        };
        accuracy.get_or_insert(answers.accuracy());
    }
    let files = RunFiles::of(&run.folder);
    write_whole(&files.summary(), |file| run.summary.write(file))?;
    let names = run.summary.dataset.class_names.as_deref();
    let language = options.language;
    let answers = answers.map(|answers| AnswersSection::new(set, &answers, samples, names, language));
    write_text(&files.page(), &run_page(run, answers.as_ref(), language))
}

fn summary(options: &Options, data: &Dataset, curves: &Curves, begun: &Begun) -> Summary {
    let last = curves.last.as_ref();
    let dataset = DatasetSummary {
        name: data.name.clone(),
        train_samples: data.train.len(),
        test_samples: n_test(data),
        input_size: data.train.input_size(),
        image_size: data.train.image_size(),
        classes: data.train.n_classes(),
        class_names: options.names_of_classes.clone(),
    };
    let mut summary = Summary {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        dataset,
        settings: RunSettings { threads: Some(options.n_threads() as u64), ..options.settings.clone() },
        iterations_done: Some(last.map_or(0, |last| last.iteration)),
        n_parameters: 0,
        n_evaluations: last.map_or(0, |last| last.n_evaluations),
        train_s: last.map_or(0.0, |last| last.elapsed_s),
        gradient_s: curves.gradient_s,
        batch_s: begun.session.trainer().batch_time().map(|time| time.as_secs_f64()),
        final_loss: last.map(|last| last.loss),
        train_accuracy: last.and_then(|last| last.train_accuracy),
        test_accuracy: last.and_then(|last| last.test_accuracy),
        stopped: None,
        worked_weight: begun.worked_weight.clone(),
    };
    summary.n_parameters = summary.shape().n_parameters();
    summary
}

/// What came of a run, in a line that stays where its progress was shown; none where no iteration is done.
pub fn course(Run { summary, curves, .. }: &Run, page: &Path) -> Option<String> {
    let (first, last) = (curves.loss.first()?, curves.last.as_ref()?);
    let n = summary.iterations_done();
    Some(format!(
        "{} iteration{} in {}: loss {} \u{2192} {}; page: {}",
        grouped(n),
        if n == 1 { "" } else { "s" },
        duration(summary.train_s),
        loss(first.value),
        loss(last.loss),
        page.display()
    ))
}

/// The summary, on standard output: in a terminal with what matters most in bold, unless `NO_COLOR` is set.
pub fn print(run: &Run) -> Result<()> {
    terminal::print("the summary", |out| print_to(out, run))
}

fn print_to(out: &mut impl Write, Run { folder, summary, .. }: &Run) -> io::Result<()> {
    if let Some(final_loss) = summary.final_loss {
        writeln!(
            out,
            "Final loss:        {} (iteration {})",
            style(loss(final_loss)).bold(),
            grouped(summary.iterations_done())
        )?;
    }
    if let Some(share) = summary.train_accuracy {
        writeln!(out, "Training accuracy: {}", style(percent(share, 2)).bold())?;
    }
    match summary.test_accuracy {
        Some(share) => writeln!(out, "Test accuracy:     {}", style(percent(share, 2)).bold().green())?,
        None => writeln!(out, "Test accuracy:     - (no test set)")?,
    }
    writeln!(
        out,
        "Time:              {}, of it gradients {}",
        duration(summary.train_s),
        duration(summary.gradient_s)
    )?;
    if let Some(speed) = summary.evaluations_per_second() {
        writeln!(out, "Evaluations:       {}, {} a second", grouped(summary.n_evaluations), with_unit(speed))?;
    }
    writeln!(out, "Files:             {}", style(folder.display()).cyan())
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    write_whole(path, |file| file.write_all(text.as_bytes()))
}
