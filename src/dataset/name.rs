//! The names of the data sets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a data set is called where a run is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Name {
    /// The 60,000 + 10,000 digits of MNIST.
    Mnist,
    /// The 6,000 + 1,000 digits of MNIST that are compiled in.
    Embedded,
    /// Samples drawn by chance.
    Synthetic,
    /// Files of a folder that are not MNIST's own.
    Directory,
}

impl FromStr for Name {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = [Self::Mnist, Self::Embedded, Self::Synthetic, Self::Directory];
        let found = names.into_iter().find(|known| known.to_string() == name);
        found.ok_or_else(|| format!("expected mnist, embedded, synthetic or directory, found \"{name}\""))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::Mnist => "mnist",
            Self::Embedded => "embedded",
            Self::Synthetic => "synthetic",
            Self::Directory => "directory",
        })
    }
}
