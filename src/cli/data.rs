//! Which samples: the flags that say it, and the samples themselves.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::dataset::{self, Dataset, Name, Request};
use crate::free_memory::free_bytes;
use crate::random::LegacyRandom;
use crate::report::numbers::grouped;
use anyhow::{anyhow, bail};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, ValueHint};

use super::downloads::Downloads;
use super::one_of::one_of;
use super::shell::Shell;
use super::terminal::say;

/// The flags under "Data" that every program has.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Take MNIST, the 7,000 of its digits that are built in (embedded), or random numbers (synthetic)
    ///
    /// Without this flag and without --data-dir: MNIST if it is in the cache or can be downloaded, else the embedded
    /// digits, with a warning.
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    #[arg(value_parser = one_of::<Name>(&["mnist", "embedded", "synthetic"]), ignore_case = true)]
    dataset: Option<Name>,

    /// Read the data set from this folder, or this file; nothing is downloaded then
    ///
    /// In a folder: the four IDX files, plain or .gz, or .npy or .npz files in their places, under all their usual names, and in
    /// folders below (MNIST/raw). Where there are several sets, the beginning of their names chooses: --data-dir
    /// emnist/gzip/emnist-letters. A file, in the folder or named itself: Keras' mnist.npz, or Kaggle's mnist_train.csv with
    /// mnist_test.csv beside it.
    ///
    /// Not together with --dataset embedded or synthetic, which have no files. When the folder comes from the
    /// environment, --dataset wins over it.
    #[arg(long, value_name = "DIR|FILE", env = "NUMGRAD_DATA_DIR", hide_env_values = true, help_heading = "Data")]
    #[arg(value_parser = clap::value_parser!(OsString), value_hint = ValueHint::AnyPath)]
    data_dir: Option<OsString>,

    /// Turn pictures that lie on their side: rows become columns, as EMNIST's files need it
    #[arg(long, help_heading = "Data")]
    transpose: bool,

    /// Read what the classes are called from this text file, a line for each
    ///
    /// In the order of the classes, or each behind its number. Without this flag: from class-names.txt, class_names.txt,
    /// classes.txt or labels.txt beside the files that --data-dir names, or EMNIST's mapping.txt, if one is there.
    #[arg(long, value_name = "FILE.txt", value_hint = ValueHint::FilePath, help_heading = "Data")]
    class_names: Option<PathBuf>,

    /// Download MNIST from this address and no other: an http(s) folder with the four .gz files
    ///
    /// Where that fails no other data take its place. Not together with --data-dir, or with --dataset embedded or synthetic:
    /// they download nothing.
    #[arg(long, value_name = "URL", help_heading = "Data")]
    #[arg(value_parser = web_address)]
    mirror: Option<String>,
}

impl DataArgs {
    /// What the flags ask for. `matches` tells where they come from: a folder from the environment is a default that the
    /// flags win over; one from the command line is not.
    pub fn request(&self, n_classes: usize, matches: &ArgMatches) -> Result<Request, clap::Error> {
        let from_environment = matches.value_source("data_dir") == Some(ValueSource::EnvVariable);
        let without_files = matches!(self.dataset, Some(Name::Embedded | Name::Synthetic));
        let data_dir = match &self.data_dir {
            Some(dir) if dir.is_empty() && !from_environment => {
                return Err(clap::Error::raw(ErrorKind::InvalidValue, "--data-dir: expected a folder, found nothing"));
            }
            Some(dir) if dir.is_empty() => None,
            Some(_) if without_files && from_environment => None,
            dir => dir.as_ref().map(PathBuf::from),
        };
        if without_files && data_dir.is_some() {
            return contradiction(
                "--data-dir names files to read, but this --dataset has none; leave one of the two out",
            );
        }
        if without_files && self.mirror.is_some() {
            return contradiction(
                "--mirror says where to download from, but this --dataset downloads nothing; leave one of the two out",
            );
        }
        if data_dir.is_some() && self.mirror.is_some() {
            let folder = if from_environment { "NUMGRAD_DATA_DIR" } else { "--data-dir" };
            return contradiction(&format!(
                "--mirror says where to download from, but with {folder} nothing is; leave one of the two out"
            ));
        }
        let (name, mirror) = (self.dataset.clone(), self.mirror.clone());
        Ok(Request { name, data_dir, cache_dir: None, mirror, transpose: self.transpose, n_classes, max_bytes: None })
    }

    /// Where the names of the classes are to be read from, if that is said.
    pub fn class_names(&self) -> Option<PathBuf> {
        self.class_names.clone()
    }

    /// Whether the data are the random ones.
    pub fn is_synthetic(&self) -> bool {
        self.dataset == Some(Name::Synthetic)
    }
}

/// Flags that do not go together.
pub fn contradiction<T>(message: &str) -> Result<T, clap::Error> {
    Err(clap::Error::raw(ErrorKind::ArgumentConflict, message))
}

/// The samples of a request. Synthetic ones are drawn from `random`; the other data sets leave it as it is.
pub fn load(request: &Request, random: &mut LegacyRandom, quiet: bool) -> anyhow::Result<Dataset> {
    let bounded = Request { max_bytes: free_bytes(), ..request.clone() };
    let loaded = dataset::load(&bounded, random, &mut Downloads::new(quiet)).map_err(with_flags)?;
    for warning in &loaded.warnings {
        say(format_args!("warning: {warning}"));
    }
    if let Some(reason) = &loaded.out_of_reach {
        let Dataset { train, test, .. } = &loaded.dataset;
        let n_samples = train.len() + test.as_ref().map_or(0, |test| test.len());
        say(format_args!(
            "warning: MNIST can't be downloaded, so {} of its digits that are built in take its place.\n  \
             For all 70,000: try again with a network, or name the folder of MNIST's files (--data-dir).\n  \
             Why: {reason}",
            grouped(n_samples)
        ));
    }
    let name = &loaded.dataset.name;
    let may_lie_on_its_side = matches!(name, Name::Files(name) if name.to_lowercase().contains("emnist"));
    if may_lie_on_its_side && !request.transpose && !quiet {
        say(format_args!("{name}: as published, EMNIST's pictures lie on their side; --transpose turns them"));
    }
    match (&request.name, &request.data_dir) {
        (Some(Name::Mnist), Some(folder)) if loaded.dataset.name != Name::Mnist => bail!(
            "{}: expected MNIST's own files, as --dataset mnist asks for, found others; leave --dataset out to take them",
            folder.display()
        ),
        _ => Ok(loaded.dataset),
    }
}

/// What `n_classes` classes are called: by the file that is `asked` for, or by one beside the files of the data set, if there
/// is one.
pub fn class_names(
    asked: Option<&Path>,
    data_dir: Option<&Path>,
    n_classes: usize,
) -> anyhow::Result<Option<Vec<String>>> {
    if let Some(path) = asked {
        let names = dataset::read_class_names(path, n_classes);
        return names.map(Some).map_err(|problem| anyhow!("--class-names {}: {problem}", path.display()));
    }
    let Some(path) = data_dir.and_then(dataset::find_class_names) else { return Ok(None) };
    match dataset::read_class_names(&path, n_classes) {
        Ok(names) => Ok(Some(names)),
        // Nobody has asked for it.
        Err(problem) => {
            say(format_args!("warning: {}: {problem}; classes are called by their numbers", path.display()));
            Ok(None)
        }
    }
}

/// Classes with their names in a line; none where these are but their numbers.
pub fn named_classes(names: &[String]) -> String {
    let named = names.iter().enumerate().filter(|(class, name)| **name != class.to_string());
    named.map(|(class, name)| format!("{class} {name}")).collect::<Vec<_>>().join(", ")
}

/// Adds the flags that every program has for what an error advises.
fn with_flags(error: dataset::Error) -> anyhow::Error {
    match error {
        dataset::Error::NoMnist(reason) => anyhow!(
            "MNIST can't be downloaded. Try again with a network, name the folder of its files (--data-dir) or another \
             mirror (--mirror), or take the digits that are built in (--dataset embedded).\n  Why: {reason}"
        ),
        dataset::Error::NothingToTranspose => anyhow!("{error} (--transpose, --data-dir)"),
        dataset::Error::Mirror { .. } => anyhow!("--mirror: {error}"),
        dataset::Error::SeveralSets { ref sets, .. } => {
            anyhow!("{error} (--data-dir {})", Shell::here().quoted(&sets[0]))
        }
        error => error.into(),
    }
}

/// Adds `--classes`, which not every program has, to an error of [`load`] that it would help with.
pub fn with_classes_flag(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(&dataset::Error::Label { highest, .. }) => {
            let n_classes = usize::from(highest) + 1;
            anyhow!("{error}; if the labels are right, ask for more classes (--classes {n_classes})")
        }
        _ => error,
    }
}

fn web_address(text: &str) -> Result<String, String> {
    let known = ["http://", "https://"].into_iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    if known { Ok(text.to_owned()) } else { Err("expected an address that begins with https:// or http://".to_owned()) }
}
