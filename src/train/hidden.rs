//! How many units each hidden layer of a run's network has.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use super::model::MAX_LAYERS;

/// The units of each hidden layer, from the inputs to the classes: one or more numbers above 0.
///
/// It prints as the flag takes it, `100,50`, and stands in files as a list. A plain number, which older versions wrote, is
/// read as well.
///
/// ```
/// use numgrad::train::HiddenSizes;
///
/// let sizes = HiddenSizes::from([100, 50]);
/// assert_eq!((sizes.to_string().as_str(), sizes.as_slice()), ("100,50", &[100, 50][..]));
/// assert_eq!(HiddenSizes::from(50).as_slice(), [50]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<usize>", try_from = "InFile")]
pub struct HiddenSizes(Vec<usize>);

impl HiddenSizes {
    /// The most hidden layers that a network may have: one less than layers of weights.
    pub const MAX_LEN: usize = MAX_LAYERS - 1;

    /// One number a layer.
    pub fn as_slice(&self) -> &[usize] {
        &self.0
    }
}

/// # Panics
/// If there is no layer, one of them has no units, or there are more of them than [`MAX_LEN`](HiddenSizes::MAX_LEN).
impl From<Vec<usize>> for HiddenSizes {
    fn from(sizes: Vec<usize>) -> Self {
        checked(sizes).unwrap_or_else(|expected| panic!("{expected}"))
    }
}

/// # Panics
/// As of a vector.
impl<const N: usize> From<[usize; N]> for HiddenSizes {
    fn from(sizes: [usize; N]) -> Self {
        Self::from(sizes.to_vec())
    }
}

/// # Panics
/// If it is 0.
impl From<usize> for HiddenSizes {
    fn from(size: usize) -> Self {
        Self::from([size])
    }
}

impl From<HiddenSizes> for Vec<usize> {
    fn from(sizes: HiddenSizes) -> Self {
        sizes.0
    }
}

impl Display for HiddenSizes {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let sizes: Vec<String> = self.0.iter().map(usize::to_string).collect();
        f.write_str(&sizes.join(","))
    }
}

/// What a file may say.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected how many units each hidden layer has: a list of whole numbers")]
enum InFile {
    List(Vec<usize>),
    One(usize),
}

impl TryFrom<InFile> for HiddenSizes {
    type Error = String;

    fn try_from(sizes: InFile) -> Result<Self, String> {
        checked(match sizes {
            InFile::List(sizes) => sizes,
            InFile::One(size) => vec![size],
        })
    }
}

fn checked(sizes: Vec<usize>) -> Result<HiddenSizes, String> {
    let n = sizes.len();
    if n == 0 || n > HiddenSizes::MAX_LEN {
        return Err(format!("expected 1 to {} hidden layers, found {n}", HiddenSizes::MAX_LEN));
    }
    if sizes.contains(&0) {
        return Err(format!("expected one or more units in each hidden layer, found {sizes:?}"));
    }
    Ok(HiddenSizes(sizes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_a_list_in_files_and_an_older_number_is_read() {
        let sizes = HiddenSizes::from([100, 50]);
        assert_eq!(serde_json::to_string(&sizes).unwrap(), "[100,50]");
        assert_eq!(serde_json::from_str::<HiddenSizes>("[100, 50]").unwrap(), sizes);
        assert_eq!(serde_json::from_str::<HiddenSizes>("7").unwrap(), HiddenSizes::from(7));
    }

    #[test]
    fn what_is_no_network_is_an_error() {
        let many = format!("{:?}", [3; HiddenSizes::MAX_LEN + 1]);
        for (text, part) in [
            ("[]", "1 to 999 hidden layers"),
            (&*many, "found 1000"),
            ("0", "one or more units"),
            ("[5, 0]", "[5, 0]"),
            ("-1", "a list of whole numbers"),
            ("[1.5]", "a list of whole numbers"),
            ("\"5\"", "a list of whole numbers"),
        ] {
            let error = serde_json::from_str::<HiddenSizes>(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
