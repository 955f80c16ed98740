//! Where samples come from.
//!
//! | data set | from |
//! | --- | --- |
//! | [`Name::Mnist`] | the user's cache, completed by download, or a folder |
//! | [`Name::Embedded`] | the library itself: the first digits of MNIST |
//! | [`Name::Synthetic`] | the random generator |
//! | [`Name::Files`] | a folder of IDX files, an archive of arrays or tables that are not MNIST |
//!
//! Whatever the source, it becomes [`Samples`]: one set for training and, but for synthetic data, one for testing.

mod arrays;
mod class_names;
mod deadline;
pub mod download;
mod embedded;
mod error;
mod file_name;
mod files;
mod folder;
pub mod idx;
mod load;
mod mnist;
mod name;
mod numbers;
mod picture;
mod sampler;
mod samples;
mod set;
mod sha256;
mod synthetic;
mod table;

pub use class_names::{find_class_names, read_class_names};
pub use embedded::embedded;
pub use error::{Error, Missing};
pub use load::{Loaded, Request, load};
pub use mnist::from_directory;
pub use name::Name;
pub use picture::{DigitPicture, Doubt, PictureError, digit_from_picture};
pub use sampler::Sampler;
#[cfg(feature = "train")]
pub(crate) use samples::{BYTE_AS_FRACTION, SampleInputs};
pub use samples::{Inputs, Samples};
pub use set::Dataset;
pub use synthetic::synthetic;
pub use table::{TableError, read_table};
