//! `--resume`: a run to be continued, and what the flags may still change of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use numgrad::cli::terminal::say;
use numgrad::dataset::{Dataset, Name};
use numgrad::free_memory::free_bytes;
use numgrad::nn::NetworkShape;
use numgrad::train::{CheckpointSettings, Contradiction, GradientMethod, OnResume, SavedRun, Team};

use crate::args::{self, Options};
use crate::run_folder::RunFolder;

/// A run to be continued: its folder, which the first rank of a team has locked, and its last checkpoint.
pub struct Resumed {
    pub folder: RunFolder,
    pub run: SavedRun,
}

impl Resumed {
    /// Opens the run in `folder` and takes its settings over into `options`.
    ///
    /// Fails where a flag contradicts them.
    pub fn open(folder: &Path, options: &mut Options, team: &dyn Team) -> Result<Self> {
        let flag = || format!("--resume {}", folder.display());
        let resumed = Self::read(folder, team).with_context(flag)?;
        take_over(&resumed.run.state.settings, options).with_context(flag)?;
        let (begun_by, this) = (&resumed.run.state.version, env!("CARGO_PKG_VERSION"));
        if begun_by != this && team.rank() == 0 {
            say(format_args!(
                "warning: the run was begun by version {begun_by}, this is {this}: its losses may differ in their last digits"
            ));
        }
        Ok(resumed)
    }

    fn read(folder: &Path, team: &dyn Team) -> Result<Self> {
        let folder = RunFolder::reopen(folder, team.rank() == 0)?;
        let path = folder.files.checkpoint();
        let run = SavedRun::read(&path, free_bytes().unwrap_or(u64::MAX))?;
        // What no flag takes was not written by this program.
        if let Some((name, value)) = run.state.settings.values().find(|(name, value)| !args::takes(name, value)) {
            bail!(
                "{}: run.json in it: expected settings as the flags take them, found {name}: {value}",
                path.display()
            );
        }
        Ok(Self { folder, run })
    }

    /// Fails where these are not the data that the run was begun with.
    pub fn check_data(&self, data: &Dataset, shape: &NetworkShape) -> Result<()> {
        let name = &self.run.state.settings.dataset;
        let (expected, found) = (self.run.state.data_crc32, data.crc32());
        // Files may have moved into a folder of another name.
        let are_files = |name: &Name| matches!(name, Name::Files(_));
        let is_so_called = *name == data.name || are_files(name) && are_files(&data.name);
        if !is_so_called || expected != found {
            bail!(
                "--resume {}: expected the samples that the run was begun with ({name}, CRC-32 {expected:08x}), found others \
                 ({}, CRC-32 {found:08x}); --data-dir names the folder where they are",
                self.folder.files.folder().display(),
                data.name
            );
        }
        let saved = self.run.checkpoint.parameters.shape();
        if saved != shape {
            let path = self.folder.files.checkpoint();
            bail!("{}: expected the parameters of a network {shape}, found {saved}", path.display());
        }
        Ok(())
    }
}

fn take_over(saved: &CheckpointSettings, options: &mut Options) -> Result<()> {
    let given: Vec<String> = options.given.clone();
    let is_given = |name: &str| given.iter().any(|given| given == name);
    let asked = options.checkpoint_settings(options.data.name.clone().unwrap_or(saved.dataset.clone()));
    let settings = saved.continued_with(&asked, is_given).map_err(with_flag)?;
    let isa = settings.run.training.isa;
    if !isa.is_available() {
        bail!(
            "the run was computed with {isa}, which this processor does not have, and other instructions round otherwise; \
             continue it on a processor that has them, or start a new run"
        );
    }
    if options.mpi && settings.run.training.gradient == GradientMethod::Backprop {
        bail!(
            "--mpi shares the evaluations of a numerical gradient; the run is one of --gradient backprop, which has none"
        );
    }
    options.settings = settings.run;
    options.checkpoint_every = settings.checkpoint_every;
    options.data.n_classes = settings.classes;
    options.data.transpose = settings.transpose;
    // Names that are asked for anew are read later.
    options.names_of_classes = settings.class_names.filter(|names| names.len() == settings.classes);
    options.data.name = Some(settings.dataset);
    take_over_place(saved, options, is_given)
}

fn with_flag(contradiction: Contradiction) -> anyhow::Error {
    let Contradiction { name, asked, saved, on_resume } = contradiction;
    let flag = if name == "isa" { "NUMGRAD_ISA".to_owned() } else { format!("--{}", name.replace('_', "-")) };
    match on_resume {
        OnResume::MayGrow => anyhow!("{flag} is {asked}, but the run has {saved}: expected as many or more"),
        OnResume::Fixed | OnResume::MayChange => {
            anyhow!("{flag} is {asked}, but the run has {saved}; leave it out, or start a new run")
        }
    }
}

/// The files may have moved; the samples must be the same, which is found out once they are read.
fn take_over_place(saved: &CheckpointSettings, options: &mut Options, is_given: impl Fn(&str) -> bool) -> Result<()> {
    let (name, data) = (&saved.dataset, &mut options.data);
    let is_of_files = matches!(name, Name::Files(_));
    let has_files = is_of_files || *name == Name::Mnist;
    if is_given("data_dir") && !has_files {
        bail!("--data-dir names files to read, but the run's data set is {name}, which has none");
    }
    if is_given("mirror") && *name != Name::Mnist {
        bail!("--mirror says where to download MNIST from, but the run's data set is {name}");
    }
    // One of the two flags says anew where the files are, whatever the other was. The environment does not: it may have been
    // another one when the run began.
    if !is_given("data_dir") && !is_given("mirror") {
        let of_environment = data.data_dir.take().filter(|_| is_of_files);
        data.data_dir = saved.data_dir.as_ref().map(PathBuf::from).or(of_environment);
        data.mirror.clone_from(&saved.mirror);
    }
    if data.data_dir.is_none() && is_of_files {
        bail!("the checkpoint does not say in which folder the run's data are ({name}); --data-dir names it anew");
    }
    Ok(())
}
