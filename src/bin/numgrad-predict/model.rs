//! The network that is asked, and what it can be asked about.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ndarray::ArrayRef2;
use numgrad::cli::output::open;
use numgrad::dataset::{self, Name, Samples};
use numgrad::nn::{Network, NetworkShape};
use numgrad::report::Summary;
use numgrad::train::{RunFiles, read_model};

/// Pixels of MNIST's pictures.
const MNIST_SIZE: usize = 28 * 28;

/// A trained network and the file that it is from.
pub struct Model {
    pub path: PathBuf,
    pub net: Network,
    /// What the classes are called, if the run that the model is of knew it.
    pub class_names: Option<Vec<String>>,
}

impl Model {
    /// Reads a file of weights, or that of the run whose folder is named.
    pub fn read(path: &Path) -> Result<Self> {
        let flag = || format!("--model {}", path.display());
        let file = RunFiles::of(path).model();
        let path = match path.is_dir() {
            true if !file.exists() => {
                bail!("{}: expected a model or the folder of a run, found a folder without {}", flag(), RunFiles::MODEL)
            }
            true => file,
            false => path.to_owned(),
        };
        let parameters = read_model(open(&path).with_context(flag)?.0).with_context(flag)?;
        let class_names = run_of(&path, parameters.shape()).and_then(|summary| summary.dataset.class_names);
        let class_names = class_names.filter(|names| names.len() == parameters.shape().n_classes());
        Ok(Self { path, net: Network::new(parameters), class_names })
    }

    pub fn shape(&self) -> &NetworkShape {
        self.net.parameters().shape()
    }

    /// A class as people read it: its number and, if it has one, its name.
    pub fn called(&self, class: usize) -> String {
        match self.class_names.as_ref().map(|names| &names[class]) {
            Some(name) if *name != class.to_string() => format!("{class} {name}"),
            _ => class.to_string(),
        }
    }

    /// The probability of each class for one picture.
    pub fn probabilities(&self, picture: &ArrayRef2<f64>) -> Result<Vec<f64>> {
        let input = picture.to_shape((1, picture.len())).expect("a row takes any picture");
        let probabilities = self.net.predict(&input).into_raw_vec_and_offset().0;
        self.check_numbers(probabilities.iter().copied())?;
        Ok(probabilities)
    }

    /// Fails where weights are finite but their sums are not.
    pub fn check_numbers(&self, mut probabilities: impl Iterator<Item = f64>) -> Result<()> {
        let are_numbers = probabilities.all(f64::is_finite);
        ensure!(are_numbers, "{self}: expected probabilities, found NaN; its weights are too large to add up");
        Ok(())
    }

    /// Fails where the network takes other inputs.
    pub fn check_fits(&self, name: &Name, test: &Samples) -> Result<()> {
        let (n_inputs, found) = (self.shape().n_inputs(), test.input_size());
        let size = test.image_size().map_or(String::new(), |(rows, columns)| format!(" ({rows} × {columns} pixels)"));
        ensure!(
            n_inputs == found,
            "{self} takes {n_inputs} inputs, but the samples of {name} have {found}{size}; name the data it was trained on"
        );
        Ok(())
    }

    /// Fails where the network tells more classes apart than the data have, unless it is that of a run that asked for as many.
    pub fn check_classes(&self, name: &Name, highest: u8) -> Result<()> {
        let (n_classes, expected) = (self.shape().n_classes(), usize::from(highest) + 1);
        let was_asked_for = || run_of(&self.path, self.shape()).is_some();
        ensure!(
            n_classes <= expected || was_asked_for(),
            "{self} tells {n_classes} classes apart, but the samples of {name} have the labels 0 to {highest}: expected \
             {expected} classes; name the data it was trained on"
        );
        Ok(())
    }

    /// Fails where the network does not take pictures of MNIST's size.
    pub fn check_takes_mnist(&self) -> Result<()> {
        let n_inputs = self.shape().n_inputs();
        ensure!(
            n_inputs == MNIST_SIZE,
            "{self} takes {n_inputs} inputs, but --image makes pictures of 28 × 28 = {MNIST_SIZE} pixels, as MNIST's are"
        );
        Ok(())
    }

    /// Says of an error about classes that the network fixes their number.
    pub fn about_classes(&self, error: anyhow::Error) -> anyhow::Error {
        let n_classes = self.shape().n_classes();
        match error.downcast_ref() {
            Some(dataset::Error::Label { .. } | dataset::Error::Classes(_)) => {
                error.context(format!("{self} knows {n_classes} classes; name the data it was trained on"))
            }
            _ => error,
        }
    }
}

/// The summary of the run that a model lies beside, if it is one of such a network.
fn run_of(model: &Path, shape: &NetworkShape) -> Option<Summary> {
    let run = RunFiles::of(model.parent()?).summary();
    // Whatever else lies there says nothing about the model.
    Summary::read(&run).ok().filter(|summary| &summary.shape() == shape)
}

/// The model as errors and answers call it.
impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} (network {})", self.path.display(), self.shape())
    }
}
