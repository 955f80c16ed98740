//! `checkpoint.npz`: when it is written, what it says of its run, and how a run is continued from it.

use std::fmt::{self, Display};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use numgrad::cli::free_memory::free_bytes;
use numgrad::cli::output::{open, write_whole};
use numgrad::cli::terminal::say;
use numgrad::dataset::{Dataset, Name};
use numgrad::nn::NetworkShape;
use numgrad::train::{Checkpoint, Forward, GradientMethod, Init, Record, Trainer};
use serde::{Deserialize, Serialize};

use crate::args::{MAX_THREADS, Options};
use crate::csv_log::CsvLog;
use crate::run_folder::RunFolder;

/// What a checkpoint keeps beside the numbers of the training.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    /// Of the program that wrote it.
    version: String,
    settings: Settings,
    /// Of the data set that the run was begun with.
    data_crc32: u32,
    /// How long the log is. What follows in it was written after the checkpoint.
    log_bytes: u64,
    /// Seconds in gradients so far.
    gradient_s: f64,
    /// The last iteration, where its row is not in the log yet: measuring its accuracy was interrupted.
    unlogged: Option<Record>,
}

/// The settings that a continued run takes over where no flag says otherwise. The names are the flags'.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Settings {
    iterations: u64,
    batch_size: usize,
    learning_rate: f64,
    hidden: usize,
    step: f64,
    seed: u32,
    init: Init,
    init_scale: f64,
    eval_every: Option<u64>,
    dataset: Name,
    /// Where its files were; none where they are in the cache, where there are none, or where the name is no text.
    data_dir: Option<String>,
    mirror: Option<String>,
    classes: usize,
    /// As asked for: none is the default.
    threads: Option<u64>,
    forward: Forward,
    gradient: GradientMethod,
    isa: String,
    checkpoint_every: String,
}

/// How often a checkpoint is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Every {
    Iterations(u64),
    Time(Duration),
}

impl Every {
    pub const DEFAULT: &str = "30s";
}

impl Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Every::Iterations(n) => write!(f, "{n}"),
            Every::Time(time) => write!(f, "{}s", time.as_secs_f64()),
        }
    }
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let every = match text.strip_suffix('s') {
            Some(seconds) => seconds.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok()).map(Every::Time),
            None => text.parse().ok().map(Every::Iterations),
        };
        every
            .filter(|every| !matches!(every, Every::Iterations(0) | Every::Time(Duration::ZERO)))
            .ok_or_else(|| "expected iterations (50) or seconds (30s), above 0".to_owned())
    }
}

/// Writes the checkpoints of a run.
pub struct Checkpoints {
    path: PathBuf,
    every: Every,
    run: Run,
    /// Of the last one: how many iterations were done, and when it was written.
    last: Option<(u64, Instant)>,
}

impl Checkpoints {
    pub fn new(folder: &RunFolder, options: &Options, data: &Dataset) -> Self {
        let run = Run {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: Settings::of(options, data.name),
            data_crc32: data.crc32(),
            log_bytes: 0,
            gradient_s: 0.0,
            unlogged: None,
        };
        let path = folder.files.checkpoint();
        Self { path, every: options.checkpoint_every, run, last: None }
    }

    pub fn write_if_due(&mut self, trainer: &Trainer, log: &CsvLog, gradient_s: f64) -> Result<()> {
        let is_due = self.last.is_none_or(|(iteration, time)| match self.every {
            Every::Iterations(n) => trainer.iteration() - iteration >= n,
            Every::Time(interval) => time.elapsed() >= interval,
        });
        if is_due { self.write(trainer, log, gradient_s) } else { Ok(()) }
    }

    /// Replaces the last checkpoint by one that is on the disk when this returns, and so is the log that it tells of.
    pub fn write(&mut self, trainer: &Trainer, log: &CsvLog, gradient_s: f64) -> Result<()> {
        self.write_unlogged(trainer, log, gradient_s, None)
    }

    /// As [`write`](Self::write), where the row of the last iteration is still to be written.
    pub fn write_unlogged(
        &mut self,
        trainer: &Trainer,
        log: &CsvLog,
        gradient_s: f64,
        unlogged: Option<Record>,
    ) -> Result<()> {
        self.run.unlogged = unlogged;
        self.run.log_bytes = log.sync()?;
        self.run.gradient_s = gradient_s;
        let run = serde_json::to_string_pretty(&self.run).expect("the settings are plain data");
        write_whole(&self.path, |file| trainer.checkpoint().write(file, &run))?;
        self.last = Some((trainer.iteration(), Instant::now()));
        Ok(())
    }

    /// The iteration of the checkpoint that is there to continue from, if this run has written one.
    pub fn last_iteration(&self) -> Option<u64> {
        self.last.map(|(iteration, _)| iteration).filter(|_| self.path.is_file())
    }
}

/// A run to be continued: its folder, which is locked, and its last checkpoint.
pub struct Resumed {
    pub folder: RunFolder,
    pub checkpoint: Checkpoint,
    run: Run,
}

impl Resumed {
    /// Opens the run in `folder` and takes its settings over into `options`.
    ///
    /// Fails where a flag contradicts them.
    pub fn open(folder: &Path, options: &mut Options) -> Result<Self> {
        let resumed = Self::read(folder).with_context(|| format!("--resume {}", folder.display()))?;
        let settings = &resumed.run.settings;
        settings.take_over(options).with_context(|| format!("--resume {}", folder.display()))?;
        if resumed.run.version != env!("CARGO_PKG_VERSION") {
            say(format_args!(
                "warning: the run was begun by version {}, this is {}: its losses may differ in their last digits",
                resumed.run.version,
                env!("CARGO_PKG_VERSION")
            ));
        }
        Ok(resumed)
    }

    fn read(folder: &Path) -> Result<Self> {
        let folder = RunFolder::reopen(folder)?;
        let path = folder.files.checkpoint();
        let (file, n_bytes) = open(&path).with_context(|| path.display().to_string())?;
        if let Some(free) = free_bytes().filter(|&free| n_bytes > free) {
            bail!("{}: expected at most the {free} bytes of memory that are free, found {n_bytes}", path.display());
        }
        let (checkpoint, run) = Checkpoint::read(BufReader::new(file)).with_context(|| path.display().to_string())?;
        let in_it = || format!("{}: run.json in it", path.display());
        let run: Run = serde_json::from_str(&run).with_context(in_it)?;
        run.settings.check().with_context(in_it)?;
        if checkpoint.iteration > run.settings.iterations {
            bail!(
                "{}: expected at most {} iterations, found {}",
                path.display(),
                run.settings.iterations,
                checkpoint.iteration
            );
        }
        if let Some(record) = run.unlogged.filter(|record| record.iteration != checkpoint.iteration) {
            bail!(
                "{}: expected the row to be written to be of iteration {}, found {}",
                path.display(),
                checkpoint.iteration,
                record.iteration
            );
        }
        Ok(Self { folder, checkpoint, run })
    }

    /// Fails where these are not the data that the run was begun with.
    pub fn check_data(&self, data: &Dataset, shape: NetworkShape) -> Result<()> {
        let (expected, found) = (self.run.data_crc32, data.crc32());
        if (self.run.settings.dataset, expected) != (data.name, found) {
            bail!(
                "--resume {}: expected the samples that the run was begun with ({}, CRC-32 {expected:08x}), found others \
                 ({}, CRC-32 {found:08x}); --data-dir names the folder where they are",
                self.folder.files.folder().display(),
                self.run.settings.dataset,
                data.name
            );
        }
        let saved = self.checkpoint.parameters.shape();
        if saved != shape {
            let path = self.folder.files.checkpoint();
            bail!("{}: expected the parameters of a network {shape}, found {saved}", path.display());
        }
        Ok(())
    }

    /// The log as it was at the checkpoint.
    pub fn log(&self) -> Result<CsvLog> {
        CsvLog::reopen(self.folder.files.log(), self.run.log_bytes)
    }

    /// The last iteration before the checkpoint, where its row is still to be written.
    pub fn unlogged(&self) -> Option<Record> {
        self.run.unlogged
    }

    /// Seconds in gradients before the checkpoint.
    pub fn gradient_s(&self) -> f64 {
        self.run.gradient_s
    }
}

impl Settings {
    fn of(options: &Options, dataset: Name) -> Self {
        // Absolute, so that it is found from another folder too.
        let absolute = |dir: &PathBuf| std::path::absolute(dir).ok()?.to_str().map(str::to_owned);
        Self {
            iterations: options.iterations,
            batch_size: options.batch_size,
            learning_rate: options.learning_rate,
            hidden: options.n_hidden,
            step: options.step,
            seed: options.seed,
            init: options.init,
            init_scale: options.init_scale,
            eval_every: options.eval_every,
            dataset,
            data_dir: options.data.data_dir.as_ref().and_then(absolute),
            mirror: options.data.mirror.clone(),
            classes: options.data.n_classes,
            threads: options.threads,
            forward: options.forward,
            gradient: options.gradient,
            isa: options.isa.to_string(),
            checkpoint_every: options.checkpoint_every.to_string(),
        }
    }

    /// Fails where a value is none that a flag could have: then it is not this program that wrote it.
    fn check(&self) -> Result<()> {
        let numbers = [self.learning_rate, self.step, self.init_scale];
        let counts = [self.batch_size, self.hidden, usize::try_from(self.iterations).unwrap_or(usize::MAX)];
        let is_valid = numbers.iter().all(|&x| x > 0.0 && x.is_finite())
            && counts.iter().all(|&n| n > 0)
            && self.eval_every != Some(0)
            && (2..=256).contains(&self.classes)
            && self.threads.is_none_or(|n| n <= MAX_THREADS as u64);
        if !is_valid {
            bail!("expected settings as the flags take them, found {self:?}");
        }
        Ok(())
    }

    fn take_over(&self, options: &mut Options) -> Result<()> {
        let given = options.given.clone();
        let is_given = |flag: &str| given.iter().any(|name| name == flag);
        fixed("--batch-size", is_given("batch_size"), &mut options.batch_size, self.batch_size)?;
        fixed("--learning-rate", is_given("learning_rate"), &mut options.learning_rate, self.learning_rate)?;
        fixed("--hidden", is_given("hidden"), &mut options.n_hidden, self.hidden)?;
        fixed("--step", is_given("step"), &mut options.step, self.step)?;
        fixed("--seed", is_given("seed"), &mut options.seed, self.seed)?;
        fixed("--init", is_given("init"), &mut options.init, self.init)?;
        fixed("--init-scale", is_given("init_scale"), &mut options.init_scale, self.init_scale)?;
        fixed("--classes", is_given("classes"), &mut options.data.n_classes, self.classes)?;
        fixed("--forward", is_given("forward"), &mut options.forward, self.forward)?;
        fixed("--gradient", is_given("gradient"), &mut options.gradient, self.gradient)?;

        let isa = self.isa.parse().map_err(|reason| anyhow::anyhow!("NUMGRAD_ISA of the run: {reason}"))?;
        fixed("NUMGRAD_ISA", is_given("isa"), &mut options.isa, isa)?;
        if !isa.is_available() {
            bail!(
                "the run was computed with {isa}, which this processor does not have, and other instructions round \
                 otherwise; continue it on a processor that has them, or start a new run"
            );
        }

        let (iterations, saved) = (&mut options.iterations, self.iterations);
        if !is_given("iterations") {
            *iterations = saved;
        } else if *iterations < saved {
            bail!("--iterations is {iterations}, but the run has {saved}: expected as many or more");
        }
        if !is_given("eval_every") {
            options.eval_every = self.eval_every;
        }
        if !is_given("threads") {
            options.threads = self.threads;
        }
        if !is_given("checkpoint_every") {
            options.checkpoint_every = self.checkpoint_every.parse().map_err(anyhow::Error::msg)?;
        }
        self.take_over_data(options, is_given)
    }

    /// The files may have moved; the samples must be the same, which is found out once they are read.
    fn take_over_data(&self, options: &mut Options, is_given: impl Fn(&str) -> bool) -> Result<()> {
        let data = &mut options.data;
        if is_given("dataset") && data.name != Some(self.dataset) {
            let given = data.name.map_or("none".to_owned(), |name| name.to_string());
            bail!("--dataset is {given}, but the run has {}; leave it out, or start a new run", self.dataset);
        }
        let has_files = matches!(self.dataset, Name::Mnist | Name::Directory);
        if is_given("data_dir") && !has_files {
            bail!("--data-dir names files to read, but the run's data set is {}, which has none", self.dataset);
        }
        if is_given("mirror") && self.dataset != Name::Mnist {
            bail!("--mirror says where to download MNIST from, but the run's data set is {}", self.dataset);
        }
        // A flag says anew where the files are. The environment does not: it may have been another one when the run began.
        if !is_given("data_dir") && !is_given("mirror") {
            let of_environment = data.data_dir.take().filter(|_| self.dataset == Name::Directory);
            data.data_dir = self.data_dir.as_ref().map(PathBuf::from).or(of_environment);
            data.mirror.clone_from(&self.mirror);
        }
        if data.data_dir.is_none() && self.dataset == Name::Directory {
            bail!("the folder of the run's data has a name that is no text; --data-dir names it anew");
        }
        data.name = Some(self.dataset);
        Ok(())
    }
}

/// A setting that a run keeps: a flag may repeat it, but not change it.
fn fixed<T: PartialEq + Display>(flag: &str, is_given: bool, value: &mut T, saved: T) -> Result<()> {
    if is_given && *value != saved {
        bail!("{flag} is {value}, but the run has {saved}; leave it out, or start a new run");
    }
    *value = saved;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_iterations_or_seconds_and_reads_back() {
        for (text, every) in [
            ("50", Every::Iterations(50)),
            ("30s", Every::Time(Duration::from_secs(30))),
            ("0.5s", Every::Time(Duration::from_millis(500))),
        ] {
            assert_eq!(text.parse(), Ok(every));
            assert_eq!(every.to_string(), text);
        }
        for text in ["", "0", "-1", "0s", "-1s", "s", "nans", "infs", "1e300s", "1.5", "30 m", "99999999999999999999"] {
            assert!(text.parse::<Every>().is_err(), "{text:?}");
        }
    }
}
