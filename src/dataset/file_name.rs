//! What the name of a file says about a data set: which of the four files it is, and of which set.
//!
//! MNIST's files are published as `train-images-idx3-ubyte.gz`, `train-images.idx3-ubyte`, `TRAIN-IMAGES.IDX3`,
//! `test-images-idx3-ubyte (1).gz`, `emnist-letters-train-images-idx3-ubyte`, `kmnist-train-imgs.npz` and more. What they have in
//! common: `train`, or `t10k` or `test`; then `images` or `labels`, or `x` or `y` in either order; and behind these only words
//! about the format.

/// One of the four files of a data set in IDX files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    TrainImages,
    TrainLabels,
    TestImages,
    TestLabels,
}

impl Role {
    pub(super) const ALL: [Self; 4] = [Self::TrainImages, Self::TrainLabels, Self::TestImages, Self::TestLabels];

    /// The name under which MNIST's own file was first published, without `.gz`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::TrainImages => "train-images-idx3-ubyte",
            Self::TrainLabels => "train-labels-idx1-ubyte",
            Self::TestImages => "t10k-images-idx3-ubyte",
            Self::TestLabels => "t10k-labels-idx1-ubyte",
        }
    }
}

/// What a file's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) role: Role,
    /// The beginning of the name, in lower case and without the hyphen: `emnist-letters`; empty for MNIST's own names.
    pub(super) prefix: String,
    /// Whether the name is marked as one more copy, as browsers do: ` (1)`.
    pub(super) is_copy: bool,
    pub(super) is_gzip: bool,
}

/// Words about the format, which change nothing: what is in a file is found out from its content.
const FORMAT_WORDS: [&str; 16] = [
    "idx", "idx1", "idx2", "idx3", "idx4", "ubyte", "ubytes", "byte", "uint8", "int", "float", "bin", "gz", "gzip",
    "npy", "npz",
];

/// What a name says, if it is that of one of the four files.
pub(super) fn told(name: &str) -> Option<Told> {
    let name = name.to_lowercase();
    let words: Vec<(usize, &str)> = words(&name).collect();
    let (at, role) = words.windows(2).enumerate().find_map(|(at, pair)| Some((at, role(pair[0].1, pair[1].1)?)))?;
    let (format, numbers): (Vec<&str>, Vec<&str>) =
        words[at + 2..].iter().map(|(_, word)| *word).partition(|word| FORMAT_WORDS.contains(word));
    let is_mark = |word: &&str| *word == "copy" || word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    numbers.iter().all(is_mark).then(|| Told {
        role,
        prefix: prefix(&name[..words[at].0]),
        is_copy: !numbers.is_empty(),
        is_gzip: format.iter().any(|word| word.starts_with("gz")),
    })
}

/// The beginning of names as it is compared: in lower case, without what parts it from the rest.
pub(super) fn prefix(text: &str) -> String {
    text.to_lowercase().trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

/// Runs of letters and digits, and where they begin.
fn words(name: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_start = |(at, _): &(usize, char)| !name[..*at].ends_with(char::is_alphanumeric);
    name.char_indices().filter(|(_, c)| c.is_alphanumeric()).filter(is_start).map(|(at, _)| {
        let word = &name[at..];
        (at, &word[..word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len())])
    })
}

fn role(set: &str, kind: &str) -> Option<Role> {
    let (set, kind) = if matches!(set, "x" | "y") { (kind, set) } else { (set, kind) };
    let is_train = match set {
        "train" | "training" => true,
        "t10k" | "test" | "testing" => false,
        _ => return None,
    };
    match (kind, is_train) {
        ("images" | "image" | "imgs" | "img" | "x", true) => Some(Role::TrainImages),
        ("images" | "image" | "imgs" | "img" | "x", false) => Some(Role::TestImages),
        ("labels" | "label" | "y", true) => Some(Role::TrainLabels),
        ("labels" | "label" | "y", false) => Some(Role::TestLabels),
        _ => None,
    }
}

/// How many characters have to be put in, left out or changed to make one text of the other (Levenshtein, 1965).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_file_it_is_in_whatever_way_it_is_published() {
        for (name, role, prefix) in [
            ("train-images-idx3-ubyte", Role::TrainImages, ""),
            ("train-images.idx3-ubyte", Role::TrainImages, ""),
            ("TRAIN-LABELS.IDX1-UBYTE.GZ", Role::TrainLabels, ""),
            ("t10k-images-idx3-ubyte (1).gz", Role::TestImages, ""),
            ("t10k-labels-idx1-ubyte(12).gz", Role::TestLabels, ""),
            ("t10k-labels-idx1-ubyte.gz.1", Role::TestLabels, ""),
            ("test-images-idx3-ubyte", Role::TestImages, ""),
            ("emnist-letters-train-images-idx3-ubyte.gz", Role::TrainImages, "emnist-letters"),
            ("qmnist-test-labels-idx2-int.gz", Role::TestLabels, "qmnist"),
            ("Kuzushiji_Test_Labels", Role::TestLabels, "kuzushiji"),
            ("kmnist-train-imgs.npz", Role::TrainImages, "kmnist"),
            ("test_images.npy", Role::TestImages, ""),
            ("X_train.npy", Role::TrainImages, ""),
            ("digits_test_y.npy", Role::TestLabels, "digits"),
        ] {
            let told = told(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((told.role, told.prefix.as_str()), (role, prefix), "{name}");
            assert_eq!(told.is_copy, name.contains('1') && (name.contains('(') || name.ends_with(".1")), "{name}");
            assert_eq!(told.is_gzip, name.to_lowercase().contains(".gz"), "{name}");
        }
        for name in ["", "train", "train-images.csv", "train-images.zip", "images-train", "a.txt", "train-images-2019"]
        {
            assert_eq!(told(name), None, "{name}");
        }
    }

    #[test]
    fn the_distance_of_names_counts_what_has_to_be_changed() {
        for (a, b, expected) in
            [("", "", 0), ("labels", "lables", 2), ("image", "images", 1), ("", "abc", 3), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
