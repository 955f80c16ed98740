//! How to differentiate, as Python says it: a dictionary that `numgrad_rs/_engine.py` has checked.

use numgrad::difference::{Differentiator, NonFinite, Stencil, Step};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The settings of a derivative and of its call.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Settings {
    stencil: StencilOf,
    step: Option<StepOf>,
    rel_step: Option<f64>,
    scale: Option<Vec<f64>>,
    bounds: Option<(Vec<f64>, Vec<f64>)>,
    precision: Option<f64>,
    non_finite: String,
    pub budget: Option<u64>,
    /// More than one only where Python has no lock that all threads share.
    pub n_threads: usize,
    /// Called with how many coordinates are done, and of how many.
    pub progress: Option<Py<PyAny>>,
}

#[derive(FromPyObject)]
enum StencilOf {
    Name(String),
    Order(u32),
    Points(Vec<f64>),
}

#[derive(FromPyObject)]
enum StepOf {
    Same(f64),
    Each(Vec<f64>),
}

impl Settings {
    pub fn differentiator(&self) -> PyResult<Differentiator> {
        let unknown = |what: &str, found: &str| Err(PyValueError::new_err(format!("{what} is {found:?}")));
        let stencil = match &self.stencil {
            StencilOf::Order(order) => Stencil::central_of_order(*order),
            StencilOf::Points(points) => Stencil::custom(points),
            StencilOf::Name(name) => match name.as_str() {
                "forward" => Stencil::forward(),
                "backward" => Stencil::backward(),
                "central" => Stencil::central(),
                "five-point" => Stencil::five_point(),
                name => return unknown("stencil", name),
            },
        };
        let step = match (&self.step, self.rel_step) {
            (Some(StepOf::Same(h)), _) => Step::Absolute(*h),
            (Some(StepOf::Each(lengths)), _) => Step::PerCoordinate(lengths.clone()),
            (None, Some(rel)) => Step::Relative(rel),
            (None, None) => Step::Automatic,
        };
        let non_finite = match self.non_finite.as_str() {
            "error" => NonFinite::Error,
            "shorten" => NonFinite::Shorten,
            "nan" => NonFinite::Nan,
            "propagate" => NonFinite::Propagate,
            rule => return unknown("non_finite", rule),
        };
        let mut how = Differentiator::new(stencil, step).with_non_finite(non_finite);
        if let Some(scale) = &self.scale {
            how = how.with_scale(scale.clone());
        }
        if let Some((lower, upper)) = &self.bounds {
            how = how.with_bounds(lower.clone(), upper.clone());
        }
        if let Some(precision) = self.precision {
            how = how.with_precision(precision);
        }
        Ok(if self.n_threads > 1 { how.parallel() } else { how })
    }
}
