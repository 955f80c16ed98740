//! What a check of a gradient found.

use numgrad::difference::{Agreement, CheckReport};
use pyo3::prelude::*;

/// What `check_gradient` returns wraps this one.
#[pyclass(frozen, module = "numgrad_rs._core")]
pub struct Report(CheckReport);

impl Report {
    pub fn new(report: CheckReport) -> Self {
        Self(report)
    }
}

#[pymethods]
impl Report {
    /// "agrees", "differs" or "undetermined", to this many digits: `rel` is a relative error.
    fn agreement(&self, rel: f64) -> &'static str {
        match self.0.agreement(rel) {
            Agreement::Agrees => "agrees",
            Agreement::Differs => "differs",
            Agreement::Undetermined => "undetermined",
        }
    }

    /// Row (of a Jacobian), index, the derivative that is checked, the numerical one and its error, for each comparison.
    fn comparisons(&self) -> Vec<(Option<usize>, usize, f64, f64, f64)> {
        let all = self.0.comparisons().iter();
        all.map(|c| (c.row, c.index, c.analytic, c.numerical, c.numerical_error)).collect()
    }

    /// The table of the worst ten, with what they tell to `10^-digits`.
    fn table(&self, digits: usize) -> String {
        format!("{:.digits$}", self.0)
    }
}
