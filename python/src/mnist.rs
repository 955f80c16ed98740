//! MNIST, as the crate finds, verifies and reads it.

use std::path::PathBuf;

use numgrad::dataset::{self, Name, Request, Samples};
use numgrad::free_memory::free_bytes;
use numgrad::random::LegacyRandom;
use numpy::{PyArray1, PyArray3, PyArrayMethods};
use pyo3::exceptions::{PyFileNotFoundError, PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::pool;

type Set<'py> = (Bound<'py, PyArray3<u8>>, Bound<'py, PyArray1<u8>>);

/// The images (N, rows, columns) and the labels (N) for training, those for testing, and what the user should be warned of.
/// `folder` names a folder with the files; without one they are in the user's cache, or are downloaded.
#[pyfunction]
#[pyo3(signature = (folder, embedded))]
pub fn load_mnist(py: Python, folder: Option<PathBuf>, embedded: bool) -> PyResult<(Set, Set, Vec<String>)> {
    let name = if embedded { Name::Embedded } else { Name::Mnist };
    let place = folder.as_ref().map(|folder| folder.display().to_string());
    let request = Request { name: Some(name), data_dir: folder, max_bytes: free_bytes(), ..Request::default() };
    let loaded = pool::on_this_thread(py, || dataset::load(&request, &mut LegacyRandom::seed(0), &mut ()))?;
    let loaded = loaded.map_err(|error| of_dataset(&error))?;
    let place = place.as_deref().unwrap_or("the data set");
    let test = loaded.dataset.test.as_ref();
    let test = test.ok_or_else(|| PyValueError::new_err(format!("{place} has no samples for testing")))?;
    Ok((arrays(py, &loaded.dataset.train, place)?, arrays(py, test, place)?, loaded.warnings))
}

fn arrays<'py>(py: Python<'py>, samples: &Samples, place: &str) -> PyResult<Set<'py>> {
    let (Some(pixels), Some((n_rows, n_columns))) = (samples.pixels(), samples.image_size()) else {
        return Err(PyValueError::new_err(format!("the inputs of {place} are not pixels")));
    };
    let images = PyArray1::from_slice(py, pixels).reshape([samples.len(), n_rows, n_columns])?;
    Ok((images, PyArray1::from_slice(py, samples.labels())))
}

fn of_dataset(error: &dataset::Error) -> PyErr {
    use dataset::Error::{Missing, NoDirectory, NoMnist, NotAFolder, Open};
    let message = match error {
        NoMnist(reason) => format!(
            "MNIST is out of reach. Try again with a network, name the folder of its four files (data_dir, or the \
             environment's NUMGRAD_DATA_DIR), or take the digits that are built in (embedded=True). The reason: {reason}"
        ),
        error => error.to_string(),
    };
    match error {
        NoDirectory { .. } | NotAFolder { .. } | Missing { .. } => PyFileNotFoundError::new_err(message),
        NoMnist(_) | Open { .. } => PyOSError::new_err(message),
        _ => PyValueError::new_err(message),
    }
}
