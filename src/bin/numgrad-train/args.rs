//! The command line: what can be asked for, and what contradicts itself. Nothing else of the program knows clap.
//!
//! A flag that is wrong in itself ends the program here with exit code 2.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches, Parser, ValueHint};
use numgrad::cli::about::AboutArgs;
use numgrad::cli::data::DataArgs;
use numgrad::cli::language::LanguageArgs;
use numgrad::cli::number::whole;
use numgrad::cli::one_of::one_of;
use numgrad::cli::tips::with_tip;
use numgrad::dataset::{Name, Request};
use numgrad::nn::Activation;
use numgrad::nn::simd::Isa;
use numgrad::report::Language;
use numgrad::train::{
    CheckpointSettings, Every, Forward, GradientMethod, HiddenSizes, Init, InitScale, RunSettings, TrainingSettings,
};

use crate::flag_values::{LearningRates, every, hidden, init_scale, learning_rates, step};
use crate::tips::tip;

/// More threads than any machine has cores; a larger number is taken for a slip.
const MAX_THREADS: usize = 1024;

/// Train a network on handwritten digits by numerical gradients alone.
///
/// Each iteration draws a batch, moves every weight of the network by +h and by -h, evaluates the loss each time, and
/// takes one step of gradient descent along the differences. Without any flag it repeats the training of the article that the
/// README tells of: MNIST, 50 hidden units, 100 iterations.
#[derive(Debug, Parser)]
#[command(name = "numgrad-train", version, max_term_width = 110)]
struct Args {
    /// Stop after this many iterations (one batch, one gradient, one update each)
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100, help_heading = "Training")]
    #[arg(value_parser = whole::<u64>(1..=u64::MAX), allow_negative_numbers = true)]
    iterations: u64,

    /// Draw this many samples, with replacement, for each batch
    #[arg(short, long, value_name = "N", default_value = "100", help_heading = "Training")]
    #[arg(value_parser = whole::<usize>(1..=u64::MAX), allow_negative_numbers = true)]
    batch_size: usize,

    /// Multiply the gradient by this before it is subtracted from the weights; several, as 0.01,0.1,1, are tried in turn
    ///
    /// Each of several has a run of its own, in a folder within that of --out, and all are compared in comparison.html there. One
    /// that diverges does not keep the others from being tried.
    #[arg(long, value_name = "X[,X...]", default_value = "0.1", help_heading = "Training")]
    #[arg(value_parser = learning_rates, allow_hyphen_values = true)]
    learning_rate: LearningRates,

    /// Hidden units; of several hidden layers with commas in between, as 100,50 [default: 50; 10 for the synthetic data]
    #[arg(long, value_name = "N[,N...]", help_heading = "Training")]
    #[arg(value_parser = hidden, allow_negative_numbers = true)]
    hidden: Option<HiddenSizes>,

    /// What each hidden unit makes of the weighted sum of its inputs
    #[arg(long, value_name = "KIND", default_value = "sigmoid", help_heading = "Training")]
    #[arg(value_parser = one_of::<Activation>(&["sigmoid", "relu", "tanh"]), ignore_case = true)]
    activation: Activation,

    /// Move each weight by this step h, up and down
    #[arg(long, value_name = "H", default_value = "1e-4", help_heading = "Training")]
    #[arg(value_parser = step, allow_hyphen_values = true)]
    step: f64,

    /// Seed the random numbers, which are those of numpy.random.seed (0 to 4294967295)
    #[arg(long, value_name = "N", default_value_t = 42, help_heading = "Training")]
    #[arg(value_parser = whole::<u32>(0..=u32::MAX.into()), allow_negative_numbers = true)]
    seed: u32,

    /// Draw the initial weights from [0, 1) (uniform) or from the standard normal distribution (normal)
    #[arg(long, value_name = "KIND", default_value = "uniform", help_heading = "Training")]
    #[arg(value_parser = one_of::<Init>(&["uniform", "normal"]), ignore_case = true)]
    init: Init,

    /// Multiply the drawn initial weights by this; biases begin at 0
    ///
    /// A number, or he or xavier with --init normal: √(2/inputs), made for relu, or √(1/inputs), made for sigmoid and tanh,
    /// where `inputs` are those of the layer that the weights belong to.
    #[arg(long, value_name = "X|he|xavier", default_value = "0.01", help_heading = "Training")]
    #[arg(value_parser = init_scale, allow_hyphen_values = true)]
    init_scale: InitScale,

    /// Measure accuracy after every N iterations too, not only after the last
    #[arg(long, value_name = "N", help_heading = "Training")]
    #[arg(value_parser = whole::<u64>(1..=u64::MAX), allow_negative_numbers = true)]
    eval_every: Option<u64>,

    #[command(flatten)]
    data: DataArgs,

    /// Distinguish K classes; every label must be below K
    ///
    /// 2 to 256. The synthetic labels are drawn from them.
    #[arg(long, value_name = "K", default_value_t = 10, help_heading = "Data")]
    #[arg(value_parser = whole::<u16>(2..=256), allow_negative_numbers = true)]
    classes: u16,

    /// Work on N threads; 0 takes every core [default: RAYON_NUM_THREADS, or every core]
    #[arg(short, long, value_name = "N", help_heading = "Computation")]
    #[arg(value_parser = whole::<u64>(0..=MAX_THREADS as u64), allow_negative_numbers = true)]
    threads: Option<u64>,

    /// How a moved weight's loss is evaluated: anew only as far as the weight reaches (incremental), or by the whole
    /// forward pass (full), which is thousands of times slower and gives the same differences
    #[arg(long, value_name = "MODE", default_value = "incremental", help_heading = "Computation")]
    #[arg(value_parser = one_of::<Forward>(&["incremental", "full"]), ignore_case = true)]
    forward: Forward,

    /// How gradients are computed: by moving each weight (numerical), or analytically (backprop), to compare with
    #[arg(long, value_name = "METHOD", default_value = "numerical", help_heading = "Computation")]
    #[arg(value_parser = one_of::<GradientMethod>(&["numerical", "backprop"]), ignore_case = true)]
    gradient: GradientMethod,

    /// Share every gradient with the other processes that mpirun has started, with the same bits as one process
    ///
    /// All of them need the same flags (but for --threads) and read the same data and checkpoint. The first, rank 0, writes the
    /// files of the run and shows its progress. Needs a program that is built with MPI (cargo install --features mpi).
    #[arg(long, help_heading = "Computation", conflicts_with = "step_study")]
    mpi: bool,

    /// Compare the numerical gradient of the first batch with the analytic one, and train only where they agree
    ///
    /// Prints a table by array: the largest errors, where the two are furthest apart, and the errors that truncation and
    /// rounding are expected to make. With --resume it is the next batch at the weights that the run continues from.
    #[arg(long, help_heading = "Computation")]
    check_gradient: bool,

    /// Draw the error of four kinds of difference against the step into this file, and end without training
    ///
    /// Forward, central and five-point differences by whole forward passes, and incremental central ones, of at most 64
    /// derivatives of each array (W1, b1, W2, b2, ...) of the first batch, for steps from 1e-15 to 1. Prints the best step of each.
    #[arg(long, value_name = "FILE.svg", value_hint = ValueHint::FilePath, help_heading = "Computation")]
    #[arg(conflicts_with_all = ["check_gradient", "out", "resume", "save_gradient"])]
    step_study: Option<PathBuf>,

    /// Write the run's files into this folder [default: a new one in results/, named by the time in UTC]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    out: Option<PathBuf>,

    /// Continue the run in this folder from its last checkpoint, as if it had never been interrupted
    ///
    /// Settings that are not given are taken from the checkpoint. --iterations may grow, and --threads, --eval-every,
    /// --checkpoint-every, --class-names and the place of the data may change; any other setting that differs is refused.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "out", help_heading = "Output")]
    resume: Option<PathBuf>,

    /// Write a checkpoint, which --resume continues from, every N iterations (50) or seconds (30s)
    ///
    /// One more is written before the first iteration, and one after the last.
    #[arg(long, value_name = "N|SECONDS", default_value = "30s", help_heading = "Output")]
    #[arg(value_parser = every, allow_hyphen_values = true)]
    checkpoint_every: Every,

    /// Replace the run that --out, or the file that --save-gradient or --step-study names
    #[arg(long, help_heading = "Output")]
    force: bool,

    /// Write the last iteration's gradient to this file: arrays W1, b1, W2, b2, ... for numpy.load
    #[arg(long, value_name = "FILE.npz", help_heading = "Output")]
    save_gradient: Option<PathBuf>,

    #[command(flatten, next_help_heading = "Output")]
    language: LanguageArgs,

    /// Show the report in the browser when the run is done
    #[arg(long, help_heading = "Output")]
    open: bool,

    /// No progress on standard error; warnings and errors stay
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,

    #[command(flatten)]
    about: AboutArgs,
}

/// A run as it was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The number of threads is as given: none and 0 leave it to [`n_threads`](Self::n_threads).
    pub settings: RunSettings,
    /// The learning rates that are to be tried; the first is that of the settings.
    pub learning_rates: Vec<f64>,
    /// Which one of several learning rates this run is of, counted from 0.
    pub place_in_sweep: Option<usize>,
    pub data: Request,
    /// The file with the names of the classes, if one is asked for.
    pub class_names: Option<PathBuf>,
    /// What the classes are called, once that is read.
    pub names_of_classes: Option<Vec<String>>,
    pub checkpoint_every: Every,
    pub mpi: bool,
    pub check_gradient: bool,
    pub step_study: Option<PathBuf>,
    pub out: Option<PathBuf>,
    pub resume: Option<PathBuf>,
    pub force: bool,
    pub save_gradient: Option<PathBuf>,
    pub open: bool,
    pub quiet: bool,
    /// The language of the page.
    pub language: Language,
    /// What was given on the command line, by the names of [`Args`]' fields, and `isa` where the environment gives it.
    pub given: Vec<String>,
}

impl Options {
    /// The options of this process. Ends the program where they are wrong, and after `--help` and its like.
    pub fn from_command_line() -> Self {
        let matches = Args::command().try_get_matches().unwrap_or_else(|error| with_tip(error, tip).exit());
        let on_command_line = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let mut given: Vec<_> =
            matches.ids().map(|id| id.as_str()).filter(on_command_line).map(str::to_owned).collect();
        let options = Args::from_arg_matches(&matches).and_then(|args| {
            args.about.print_if_asked(Args::command());
            let isa = isa()?;
            given.extend(isa.map(|_| "isa".to_owned()));
            args.resolve(&matches, isa.unwrap_or_else(Isa::best), given)
        });
        options.unwrap_or_else(|error| error.exit())
    }

    /// `--threads`, else `RAYON_NUM_THREADS` as rayon reads it (0 and what is no number do not count), else the cores.
    pub fn n_threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        match self.settings.threads.map(|n| n as usize).or_else(threads_of_environment).unwrap_or(0) {
            0 => cores(),
            n => n,
        }
    }

    /// What a checkpoint keeps of all this, for a run on this data set.
    pub fn checkpoint_settings(&self, dataset: Name) -> CheckpointSettings {
        // Absolute, so that it is found from another folder too.
        let absolute = |dir: &PathBuf| std::path::absolute(dir).ok()?.to_str().map(str::to_owned);
        CheckpointSettings {
            dataset,
            classes: self.data.n_classes,
            data_dir: self.data.data_dir.as_ref().and_then(absolute),
            mirror: self.data.mirror.clone(),
            transpose: self.data.transpose,
            class_names: self.names_of_classes.clone(),
            checkpoint_every: self.checkpoint_every,
            run: self.settings.clone(),
        }
    }
}

impl Args {
    fn resolve(self, matches: &ArgMatches, isa: Isa, given: Vec<String>) -> Result<Options, clap::Error> {
        check_environment(&self)?;
        check_init_scale(&self)?;
        check_mpi(&self)?;
        check_sweep(&self)?;
        let LearningRates(learning_rates) = self.learning_rate;
        let training = TrainingSettings {
            batch_size: self.batch_size,
            learning_rate: learning_rates[0],
            step: self.step,
            gradient: self.gradient,
            forward: self.forward,
            isa,
        };
        let settings = RunSettings {
            iterations: self.iterations,
            hidden: self.hidden.unwrap_or_else(|| if self.data.is_synthetic() { 10.into() } else { 50.into() }),
            activation: self.activation,
            seed: self.seed,
            init: self.init,
            init_scale: self.init_scale,
            eval_every: self.eval_every,
            threads: self.threads,
            training,
        };
        let data = self.data.request(self.classes.into(), matches);
        Ok(Options {
            settings,
            learning_rates,
            place_in_sweep: None,
            class_names: self.data.class_names(),
            names_of_classes: None,
            data: data.map_err(|error| error.format(&mut Args::command()))?,
            checkpoint_every: self.checkpoint_every,
            mpi: self.mpi,
            check_gradient: self.check_gradient,
            step_study: self.step_study,
            out: self.out,
            resume: self.resume,
            force: self.force,
            save_gradient: self.save_gradient,
            open: self.open,
            quiet: self.quiet,
            language: self.language.language(),
            given,
        })
    }
}

/// Whether the flag of a setting takes this value; true for what is no flag. `name` is that of a field of [`Args`].
pub fn takes(name: &str, value: &str) -> bool {
    let command = Args::command();
    let arg = command.get_arguments().find(|arg| arg.get_id() == name);
    if arg.is_some_and(|arg| !arg.get_action().takes_values()) {
        return value == "true";
    }
    let flag = arg.and_then(Arg::get_long);
    // A run can be on a folder's data set, which no flag names.
    let Some(flag) = flag.filter(|_| name != "dataset") else { return true };
    let args = [env!("CARGO_BIN_NAME").to_owned(), format!("--{flag}={value}")];
    Args::command().try_get_matches_from(args).is_ok()
}

fn threads_of_environment() -> Option<usize> {
    std::env::var("RAYON_NUM_THREADS").ok()?.parse().ok()
}

fn check_environment(args: &Args) -> Result<(), clap::Error> {
    match threads_of_environment() {
        Some(n) if args.threads.is_none() && n > MAX_THREADS => {
            let message = format!("RAYON_NUM_THREADS: expected at most {MAX_THREADS} threads, found {n}");
            Err(Args::command().error(ErrorKind::InvalidValue, message))
        }
        _ => Ok(()),
    }
}

/// The instruction set that `NUMGRAD_ISA` forces.
fn isa() -> Result<Option<Isa>, clap::Error> {
    let Some(name) = std::env::var_os("NUMGRAD_ISA").filter(|name| !name.is_empty()) else { return Ok(None) };
    let name = name.to_string_lossy().to_lowercase();
    Isa::available().find(|isa| isa.to_string() == name).map(Some).ok_or_else(|| {
        let names: Vec<_> = Isa::available().map(|isa| isa.to_string()).collect();
        let message =
            format!("NUMGRAD_ISA names an instruction set: this processor has {}, not \"{name}\"", names.join(", "));
        Args::command().error(ErrorKind::InvalidValue, message)
    })
}

/// Fails where there is nothing to share a gradient by, or nothing to share.
fn check_mpi(args: &Args) -> Result<(), clap::Error> {
    if args.mpi && !cfg!(feature = "mpi") {
        let message = "--mpi needs a program that is built with MPI, and this one is not: build it with --features mpi";
        return Err(Args::command().error(ErrorKind::InvalidValue, message));
    }
    if args.mpi && args.gradient == GradientMethod::Backprop {
        let message = "--mpi shares the evaluations of a numerical gradient; --gradient backprop has none";
        return Err(Args::command().error(ErrorKind::ArgumentConflict, message));
    }
    Ok(())
}

/// Fails where weights would be scaled by what is not meant for their distribution. A run that is continued has its weights.
fn check_init_scale(args: &Args) -> Result<(), clap::Error> {
    match (args.init, args.init_scale) {
        (Init::Uniform, scale @ (InitScale::He | InitScale::Xavier)) if args.resume.is_none() => {
            let message = format!(
                "--init-scale {scale} is made for weights around 0, as --init normal draws them; those of --init uniform are \
                 all positive, so that what comes out of a layer would grow with its inputs"
            );
            Err(Args::command().error(ErrorKind::ArgumentConflict, message))
        }
        _ => Ok(()),
    }
}

/// Fails where several learning rates are tried together with what one run alone has.
fn check_sweep(args: &Args) -> Result<(), clap::Error> {
    let flags = [
        ("--resume", args.resume.is_some(), "continue each run by itself, from its folder within that of the sweep"),
        ("--save-gradient", args.save_gradient.is_some(), "the gradient is that of one run"),
        ("--step-study", args.step_study.is_some(), "it does not depend on the learning rate"),
        ("--mpi", args.mpi, "the processes share one run"),
    ];
    match flags.into_iter().find(|(_, is_given, _)| *is_given && args.learning_rate.0.len() > 1) {
        Some((flag, _, reason)) => {
            let message = format!("--learning-rate has several values, which do not go with {flag}: {reason}");
            Err(Args::command().error(ErrorKind::ArgumentConflict, message))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_flags_the_settings_are_those_of_the_article() {
        let matches = Args::command().get_matches_from(["numgrad-train"]);
        let options = Args::from_arg_matches(&matches).unwrap().resolve(&matches, Isa::best(), Vec::new()).unwrap();
        assert_eq!(options.settings, RunSettings::default());
        let Options { data, checkpoint_every, .. } = options;
        let CheckpointSettings { classes, checkpoint_every: expected, .. } = CheckpointSettings::default();
        assert_eq!((data.n_classes, checkpoint_every), (classes, expected));
    }

    #[test]
    fn a_flag_takes_what_a_user_could_give_it_and_nothing_else() {
        for (name, value) in [
            ("batch_size", "7"),
            ("step", "0.0001"),
            ("threads", "0"),
            ("checkpoint_every", "30s"),
            ("hidden", "100,50"),
            ("learning_rate", "0.5"),
            ("activation", "tanh"),
            ("init_scale", "0.01"),
        ] {
            assert!(takes(name, value), "{name}");
        }
        for (name, value) in [
            ("batch_size", "0"),
            ("step", "-1"),
            ("threads", "1025"),
            ("classes", "1"),
            ("hidden", "100,0"),
            ("activation", "swish"),
            ("init_scale", "glorot"),
        ] {
            assert!(!takes(name, value), "{name}");
        }
        // Neither has a flag for all its values, and both are checked where they are read.
        assert!(takes("isa", "avx2") && takes("dataset", "fashion"));
    }
}
