//! The compiled half of the Python package `numgrad_rs`: what computes, with arguments that `numgrad_rs/*.py` have made arrays
//! of the right types. What a user sees is documented there, in `__init__.pyi` and in the docstrings.

mod batch;
mod callable;
mod derivative;
mod kept;
mod mnist;
mod network;
mod numbers;
mod pool;
mod regularly;
mod report;
mod settings;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::derivative::Derivative;
    #[pymodule_export]
    use super::mnist::load_mnist;
    #[pymodule_export]
    use super::network::NetworkLoss;
    #[pymodule_export]
    use super::report::Report;
}
