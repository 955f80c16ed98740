//! The names of the data sets.

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a data set is called where a run is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Name {
    /// The 60,000 + 10,000 digits of MNIST.
    Mnist,
    /// The 6,000 + 1,000 digits of MNIST that are compiled in.
    Embedded,
    /// Samples drawn by chance.
    Synthetic,
    /// Files that are not MNIST's own, by the name of their folder or the beginning of their own names. Older runs have
    /// `directory` here.
    Files(String),
}

/// No longer name of files is kept.
const MAX_LEN: usize = 100;

impl Name {
    /// The name of files that are called so, or of which `longer` is the longer name: it counts where the other is that of
    /// another data set. Where both are, a slash is put behind it, as folders have it.
    pub(super) fn of_files(name: &str, longer: &str) -> Self {
        let is_free = |name: &str| matches!(Self::of_text(&name.to_lowercase()), Self::Files(_));
        let name: String =
            if is_free(name.trim()) { name } else { longer }.chars().filter(|c| !c.is_control()).collect();
        let name: String = name.trim().chars().take(MAX_LEN).collect();
        match &name[..] {
            "" => Self::Files("directory".to_owned()),
            name if is_free(name) => Self::Files(name.to_owned()),
            name => Self::Files(format!("{name}/")),
        }
    }

    /// The name of files in this folder. Folders that only say how the files are packed are left out: `FashionMNIST/raw` is
    /// FashionMNIST. The one above tells what lies where MNIST should be: `fashion/MNIST/raw`.
    pub(super) fn of_folder(folder: &Path) -> Self {
        // `.` and `..` have a name all the same.
        let whole = fs::canonicalize(folder).unwrap_or_default();
        let named = if folder.file_name().is_some() { folder } else { &whole };
        let is_packing = |name: &str| ["raw", "gzip"].iter().any(|known| name.eq_ignore_ascii_case(known));
        let names = named.ancestors().chain(whole.ancestors()).filter_map(Path::file_name);
        let mut names = names.map(|name| name.to_string_lossy()).filter(|name| !is_packing(name));
        let name = names.next().unwrap_or_default();
        let longer = names.find(|above| *above != name).map_or(name.to_string(), |above| format!("{above}/{name}"));
        Self::of_files(&name, &longer)
    }

    fn of_text(text: &str) -> Self {
        match text {
            "mnist" => Self::Mnist,
            "embedded" => Self::Embedded,
            "synthetic" => Self::Synthetic,
            other => Self::Files(other.to_owned()),
        }
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let is_text = !name.is_empty() && name.chars().count() <= MAX_LEN + 1 && !name.contains(char::is_control);
        let expected = || {
            format!(
                "expected the name of a data set, 1 to {MAX_LEN} characters in a line, found \"{}\"",
                name.escape_debug()
            )
        };
        if is_text { Ok(Self::of_text(name)) } else { Err(expected()) }
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.to_string()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::Mnist => "mnist",
            Self::Embedded => "embedded",
            Self::Synthetic => "synthetic",
            Self::Files(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_as_their_folder_and_never_as_another_data_set() {
        for (folder, name) in [
            ("data/fashion", "fashion"),
            ("data/FashionMNIST/raw", "FashionMNIST"),
            ("emnist/gzip", "emnist"),
            ("MNIST/raw", "MNIST/"),
            ("fashion/MNIST/raw", "fashion/MNIST"),
            ("a/embedded", "a/embedded"),
            ("a\u{1b}[31m", "a[31m"),
        ] {
            let found = Name::of_folder(Path::new(folder));
            assert_eq!(found, Name::Files(name.to_owned()), "{folder}");
            assert_eq!(found.to_string().parse(), Ok(found));
        }
        assert_eq!(Name::of_files("MNIST", "MNIST.npz"), Name::Files("MNIST.npz".to_owned()));
        assert_eq!(Name::of_files("mnist", "mnist"), Name::Files("mnist/".to_owned()));
        assert_eq!(Name::of_files("letters", "letters.npz"), Name::Files("letters".to_owned()));
        assert!(matches!(Name::of_folder(Path::new(".")), Name::Files(name) if name != "." && name != "directory"));
        assert_eq!("directory".parse(), Ok(Name::Files("directory".to_owned())));
        assert!("".parse::<Name>().is_err() && "a\nb".parse::<Name>().is_err());
        assert!("x".repeat(102).parse::<Name>().is_err());
    }
}
