//! What a run leaves behind when it is done: `model.npz`, `run.json`, and the summary on standard output.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use numgrad::nn::Parameters;
use numgrad::train::{Forward, GradientMethod, Init, write_model};
use serde::Serialize;

use crate::progress::with_unit;
use crate::terminal::print;
use crate::whole_file::write_whole;

/// `run.json`: the run's settings and its results. The names are the flags', where there is a flag.
#[derive(Debug, Serialize)]
pub struct Report {
    pub version: &'static str,
    pub dataset: DatasetReport,
    pub iterations: u64,
    pub batch_size: usize,
    pub learning_rate: f64,
    pub hidden: usize,
    pub step: f64,
    pub seed: u32,
    pub init: Init,
    pub init_scale: f64,
    pub eval_every: Option<u64>,
    pub gradient: GradientMethod,
    pub forward: Forward,
    pub threads: usize,
    pub isa: String,
    pub n_parameters: usize,
    pub n_evaluations: u64,
    /// Seconds of training, without loading and accuracy.
    pub train_s: f64,
    /// Seconds of it in gradients.
    pub gradient_s: f64,
    pub final_loss: f64,
    pub train_accuracy: Option<f64>,
    pub test_accuracy: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct DatasetReport {
    pub name: String,
    pub train_samples: usize,
    pub test_samples: usize,
    pub input_size: usize,
    pub classes: usize,
}

impl Report {
    pub fn write_json(&self, path: &Path) -> Result<()> {
        write_whole(path, |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            Ok(writeln!(file)?)
        })
    }

    /// The summary, on standard output.
    pub fn print(&self, folder: &Path) -> Result<()> {
        print("the summary", |out| self.print_to(out, folder))
    }

    fn print_to(&self, out: &mut impl Write, folder: &Path) -> io::Result<()> {
        let percent = |share: f64| format!("{:.2}%", 100.0 * share);
        let per_second = self.n_evaluations as f64 / self.gradient_s.max(1e-9);
        writeln!(out, "Final loss:        {:.4} (iteration {})", self.final_loss, self.iterations)?;
        if let Some(share) = self.train_accuracy {
            writeln!(out, "Training accuracy: {}", percent(share))?;
        }
        match self.test_accuracy {
            Some(share) => writeln!(out, "Test accuracy:     {}", percent(share))?,
            None => writeln!(out, "Test accuracy:     - (no test set)")?,
        }
        writeln!(out, "Time:              {:.2} s, of it gradients {:.2} s", self.train_s, self.gradient_s)?;
        writeln!(out, "Evaluations:       {}, {} a second", self.n_evaluations, with_unit(per_second))?;
        writeln!(out, "Files:             {}", folder.display())
    }
}

/// Parameters, or their gradient, as `numpy.load` reads them: W1, b1, W2, b2 in float64.
pub fn write_npz(path: &Path, parameters: &Parameters) -> Result<()> {
    write_whole(path, |file| Ok(write_model(file, parameters)?))
}
