//! What a run left behind, read back and shown to people: charts, a page of one run, a page of several.
//!
//! A [`Run`] is read from its folder: the [`Summary`] (`run.json`), the [`Curves`] (`loss.csv`) and the weights
//! (`model.npz`). [`run_page`] and [`comparison_page`] make HTML pages that need no other file and no network.

mod advice;
mod answers;
mod axis;
pub mod chart;
mod colours;
mod comparison;
mod drawing;
mod error;
mod figure;
mod flagged;
pub mod log;
pub mod numbers;
mod page;
mod picture;
mod run;
mod summary;
mod thinner;
mod weights;
mod words;
mod worked;

pub use answers::{AnswersSection, SampleSet};
pub use comparison::comparison_page;
pub use error::Error;
pub use log::Curves;
pub use page::run_page;
pub use run::Run;
pub use summary::{DatasetSummary, Stopped, Summary};
pub use words::Language;
