//! Finding the files of a data set: in a folder, below it, and under all the names in which they are published.
//!
//! What lies in the folder itself comes first; only where nothing there belongs to a data set, the folders below it are
//! searched: `MNIST/raw`, as torchvision unpacks it, or EMNIST's `gzip`. Where the files of several sets lie side by side,
//! the beginning of their names chooses: `gzip/emnist-letters`. A folder without any such file may have Keras' archive or
//! Kaggle's tables in their place.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{Error, Missing};
use super::file_name::{Role, Told, distance, prefix, told};
use super::name::Name;
use crate::files::OpenError;
use crate::files::form::Form;

/// How deep below the folder is searched.
const MAX_DEPTH: usize = 2;
/// How many files and folders are looked at, all together: a data set is not looked for in a whole disk.
const MAX_ENTRIES: usize = 20_000;
/// How many names of a folder an error lists.
const MAX_LISTED: usize = 12;
/// How many characters of a name an error shows.
const MAX_NAME_LEN: usize = 60;
/// What to do with pictures in a file each.
const ADVICE_ON_PICTURES: &str = "; pictures in a file each are not read: numpy.savez puts them into an archive, as the arrays x_train \
                                  (N, rows, columns), y_train (N), x_test and y_test";
/// Two names are alike where at most one character in this many differs.
const ALIKE: usize = 5;

/// The files of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Located {
    /// Four IDX files: training images and labels, test images and labels.
    Idx([PathBuf; 4]),
    /// An archive of arrays, as Keras has it.
    Arrays(PathBuf),
    /// Tables of labels and pixels, as Kaggle has them.
    Tables { train: PathBuf, test: Option<PathBuf> },
}

impl Located {
    /// What the data set is called if its samples are not known to be another's.
    pub(super) fn name(&self) -> Name {
        match self {
            Self::Idx(_) => match self.home() {
                (folder, prefix) if prefix.is_empty() => Name::of_folder(folder),
                (_, prefix) => Name::of_files(&prefix, &prefix),
            },
            Self::Arrays(file) => {
                let name = |name: Option<&OsStr>| name.unwrap_or_default().to_string_lossy().into_owned();
                Name::of_files(&name(file.file_stem()), &name(file.file_name()))
            }
            Self::Tables { train, .. } => {
                let name = train.file_name().unwrap_or_default().to_string_lossy();
                match told_of_table(&name) {
                    Some(told) if told.rest.is_empty() => Name::of_folder(parent(train)),
                    Some(told) => Name::of_files(&told.rest.join("-"), &name),
                    None => Name::of_files(name.split('.').next().unwrap_or_default(), &name),
                }
            }
        }
    }

    /// The folder that the files are in, and what the names of IDX files begin with.
    pub(super) fn home(&self) -> (&Path, String) {
        match self {
            Self::Idx([file, ..]) => {
                let prefix = told_of(file).map(|told| told.prefix).unwrap_or_default();
                match parent(file) {
                    // Of a file's own name.
                    folder if told_of(folder).is_some() => (parent(folder), prefix),
                    folder => (folder, prefix),
                }
            }
            Self::Arrays(file) | Self::Tables { train: file, .. } => (parent(file), String::new()),
        }
    }
}

fn told_of(path: &Path) -> Option<Told> {
    told(&path.file_name()?.to_string_lossy())
}

/// Finds the files of a data set in a folder. A path that is no folder is taken for the beginning of the files' names, or
/// for one of the files.
///
/// # Errors
/// If there is no such folder, not all of the files, or several sets of them; if a folder can't be read.
pub(super) fn locate(path: &Path) -> Result<Located, Error> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => in_folder(path, None),
        Ok(_) => by_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => by_beginning(path),
        Err(reason) => Err(Error::Open { path: path.into(), reason }),
    }
}

/// One of the files stands for all.
fn by_file(path: &Path) -> Result<Located, Error> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some(told) = told(&name) {
        return in_folder(parent(path), Some(&Beginning { prefix: told.prefix, is_whole: true }));
    }
    match kind(&name) {
        Some(Other::Arrays) => Ok(Located::Arrays(path.into())),
        Some(Other::Pickle) => Err(Error::Pickle { path: path.into() }),
        Some(Other::Table) => {
            let Some(told) = told_of_table(&name) else {
                return Ok(Located::Tables { train: path.into(), test: None });
            };
            let found = entries(parent(path)).map_err(|reason| Error::Open { path: path.into(), reason })?;
            let other = found.into_iter().find(|entry| {
                told_of_table(&entry.name)
                    .is_some_and(|other| other.rest == told.rest && other.is_train != told.is_train)
            });
            let other = other.map(|entry| entry.path);
            match (told.is_train, other) {
                (true, test) => Ok(Located::Tables { train: path.into(), test }),
                (false, Some(train)) => Ok(Located::Tables { train, test: Some(path.into()) }),
                (false, None) => Err(Error::NoTrainingTable { path: path.into() }),
            }
        }
        None => by_content(path),
    }
}

/// A file whose name says nothing.
fn by_content(path: &Path) -> Result<Located, Error> {
    let form = match Form::of_file(path) {
        Ok(form) => form,
        Err(OpenError::NotAFile(found)) => return Err(Error::NotAFile { path: path.into(), found }),
        Err(OpenError::Io(reason)) => return Err(Error::Open { path: path.into(), reason }),
    };
    match form {
        Form::Npz => Ok(Located::Arrays(path.into())),
        Form::Pickle => Err(Error::Pickle { path: path.into() }),
        // Numbers may have an exponent.
        Form::Text(begins) if begins.chars().all(|c| !c.is_alphabetic() || matches!(c, 'e' | 'E')) => {
            Ok(Located::Tables { train: path.into(), test: None })
        }
        form => Err(Error::NotAFolder { path: path.into(), found: form.to_string() }),
    }
}

/// Files that hold something else than IDX.
enum Other {
    Arrays,
    Table,
    Pickle,
}

fn kind(name: &str) -> Option<Other> {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "npz" => Some(Other::Arrays),
        "csv" | "tsv" => Some(Other::Table),
        "pkl" | "pickle" => Some(Other::Pickle),
        _ => None,
    }
}

/// What the name of a table says: `emnist-letters-train.csv`, `mnist_test.csv`, `train.csv`.
#[derive(PartialEq, Eq)]
struct TableName {
    is_train: bool,
    /// The other words of the name.
    rest: Vec<String>,
}

fn told_of_table(name: &str) -> Option<TableName> {
    if !matches!(kind(name), Some(Other::Table)) {
        return None;
    }
    let name = name.to_lowercase();
    let mut words: Vec<String> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !["", "csv", "gz"].contains(word))
        .map(str::to_owned)
        .collect();
    let at = words.iter().position(|word| ["train", "training", "test", "testing"].contains(&word.as_str()))?;
    let is_train = words.remove(at).starts_with("train");
    Some(TableName { is_train, rest: words })
}

/// Archives and tables in a folder that has no IDX files, each with the path that asks for it.
fn others(folder: &Path) -> Vec<(PathBuf, Result<Located, Error>)> {
    let found = entries(folder).unwrap_or_default();
    let asks = found.into_iter().filter(|entry| !entry.is_folder).filter(|entry| match kind(&entry.name) {
        Some(Other::Arrays) => true,
        // Some keep labels apart.
        Some(Other::Table) => told_of_table(&entry.name).is_some_and(|told| {
            told.is_train && !told.rest.iter().any(|word| matches!(word.as_str(), "y" | "label" | "labels"))
        }),
        _ => false,
    });
    asks.map(|entry| (entry.path.clone(), by_file(&entry.path))).collect()
}

/// What the names of the wanted files begin with.
struct Beginning {
    prefix: String,
    /// Whether the prefix is all that the names have before `train` or `test`.
    is_whole: bool,
}

impl Beginning {
    fn fits(&self, set: &Set) -> bool {
        if self.is_whole { set.prefix == self.prefix } else { set.prefix.starts_with(&self.prefix) }
    }
}

/// `folder/emnist-letters` for the files in `folder` whose names begin so.
fn by_beginning(path: &Path) -> Result<Located, Error> {
    let folder = parent(path);
    let no_folder = |found: &[Entry]| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let nearest = nearest(&name, found).map(|nearest| path.with_file_name(nearest));
        Error::NoDirectory { path: path.into(), nearest }
    };
    let Some(name) = path.file_name().filter(|_| folder.is_dir()) else { return Err(no_folder(&[])) };
    let beginning = Beginning { prefix: prefix(&name.to_string_lossy()), is_whole: false };
    if beginning.prefix.is_empty() {
        return Err(no_folder(&[]));
    }
    match in_folder(folder, Some(&beginning)) {
        Err(Error::Missing { missing, .. }) if missing.len() == Role::ALL.len() => {
            Err(no_folder(&entries(folder).unwrap_or_default()))
        }
        result => result,
    }
}

fn in_folder(folder: &Path, beginning: Option<&Beginning>) -> Result<Located, Error> {
    let fits = |set: &Set| beginning.is_none_or(|beginning| beginning.fits(set));
    let mut search = Search { n_left: MAX_ENTRIES };
    let (here, below) = search.folder(folder)?;
    let here: Vec<Set> = here.into_iter().filter(fits).collect();
    if !here.is_empty() {
        return choose(folder, here, beginning, true);
    }
    let mut folders = below;
    let mut found = Vec::new();
    for _ in 0..MAX_DEPTH {
        let mut next = Vec::new();
        for folder in folders {
            // What can't be read below holds nothing that was asked for by name.
            if let Ok((sets, below)) = search.folder(&folder) {
                found.extend(sets.into_iter().filter(fits));
                next.extend(below);
            }
        }
        folders = next;
    }
    if found.is_empty() && beginning.is_none() {
        let mut others = others(folder);
        match others.len() {
            0 => {}
            1 => return others.remove(0).1,
            _ => {
                let sets = others.into_iter().map(|(path, _)| path).collect();
                return Err(Error::SeveralSets { folder: folder.into(), sets });
            }
        }
        let is_pickle = |entry: &Entry| matches!(kind(&entry.name), Some(Other::Pickle));
        if let Some(pickle) = entries(folder).unwrap_or_default().into_iter().find(is_pickle) {
            return Err(Error::Pickle { path: pickle.path });
        }
    }
    choose(folder, found, beginning, false)
}

/// The one complete set. `are_here` says that the sets lie in the folder itself, where MNIST's own names need no other
/// beginning to be told from the rest.
fn choose(folder: &Path, sets: Vec<Set>, beginning: Option<&Beginning>, are_here: bool) -> Result<Located, Error> {
    let (mut complete, partial): (Vec<Set>, Vec<Set>) = sets.into_iter().partition(Set::is_complete);
    let exact = match beginning {
        Some(beginning) => complete.iter().position(|set| set.prefix == beginning.prefix),
        None => complete.iter().position(|set| are_here && set.prefix.is_empty()),
    };
    let is_only_one_so_called = |at: &usize| {
        let prefix = &complete[*at].prefix;
        complete.iter().filter(|set| set.prefix == *prefix).count() == 1
    };
    match exact.filter(is_only_one_so_called) {
        Some(at) => Ok(complete.swap_remove(at).located()),
        None if complete.len() == 1 => Ok(complete.remove(0).located()),
        None if complete.is_empty() => Err(missing(folder, partial)),
        None => {
            Err(Error::SeveralSets { folder: folder.into(), sets: complete.iter().map(Set::as_is_asked_for).collect() })
        }
    }
}

/// Says what the set that is nearest to being complete lacks.
fn missing(folder: &Path, partial: Vec<Set>) -> Error {
    let set = partial.into_iter().max_by_key(Set::n_files);
    let folder = set.as_ref().map_or(folder, |set| &set.folder);
    let is_there = |role: Role| set.as_ref().is_some_and(|set| set.file(role).is_some());
    let entries = entries(folder).unwrap_or_default();
    let prefix = set.as_ref().map(|set| set.prefix.as_str()).filter(|prefix| !prefix.is_empty());
    let others: Vec<Entry> = entries.iter().filter(|entry| told(&entry.name).is_none()).cloned().collect();
    let lacking = Role::ALL.into_iter().filter(|role| !is_there(*role)).map(|role| {
        let name = prefix.map_or(role.name().to_owned(), |prefix| format!("{prefix}-{}", role.name()));
        // Some leave the format out of the name.
        let short = name.rsplitn(3, '-').last().unwrap_or(&name);
        Missing { nearest: nearest(&name, &others).or_else(|| nearest(short, &others)), name }
    });
    let told = if set.is_none() { what_is_there(folder) } else { None };
    let found = listed(&entries) + &told.map_or(String::new(), |told| format!("; {told}"));
    Error::Missing { directory: folder.into(), missing: lacking.collect(), found }
}

/// What a file is that lies there in place of a data set's: an archive, a file of another program, pictures.
fn what_is_there(folder: &Path) -> Option<String> {
    let mut folders = vec![folder.to_owned()];
    for _ in 0..=MAX_DEPTH {
        let mut below = Vec::new();
        // The first ones tell as much as all.
        for place in folders.iter().take(MAX_LISTED) {
            for entry in entries(place).unwrap_or_default().into_iter().take(MAX_LISTED) {
                if entry.is_folder {
                    below.push(entry.path);
                    continue;
                }
                let (what, advice) = match Form::of_file(&entry.path) {
                    Ok(Form::Known(what)) if what.starts_with("a picture") => (what, ADVICE_ON_PICTURES),
                    Ok(Form::Known(what)) => (what, ""),
                    Ok(Form::Text(_)) if matches!(kind(&entry.name), Some(Other::Table)) => {
                        ("a table", ": if it is that of the samples, name it in place of the folder")
                    }
                    _ => continue,
                };
                let name = entry.path.strip_prefix(folder).unwrap_or(&entry.path).display().to_string();
                return Some(format!("{} is {what}{advice}", shown(&name)));
            }
        }
        folders = below;
    }
    None
}

/// The name that is most like another, if one is.
fn nearest(name: &str, entries: &[Entry]) -> Option<String> {
    let alike = entries.iter().map(|entry| {
        let found = entry.name.to_lowercase();
        let found = found.strip_suffix(".gz").unwrap_or(&found);
        // Whatever is far longer is not alike.
        let found: String = found.chars().take(2 * MAX_NAME_LEN).collect();
        (distance(name, &found), entry)
    });
    let (distance, entry) = alike.min_by_key(|(distance, _)| *distance)?;
    (distance * ALIKE <= name.chars().count()).then(|| shown(&entry.name))
}

/// What a folder holds, as far as a line takes it.
fn listed(entries: &[Entry]) -> String {
    let mut names: Vec<String> = entries
        .iter()
        .take(MAX_LISTED)
        .map(|entry| if entry.is_folder { shown(&entry.name) + "/" } else { shown(&entry.name) })
        .collect();
    match entries.len() {
        0 => return "nothing".to_owned(),
        n if n > MAX_LISTED => names.push(format!("and {} more", n - MAX_LISTED)),
        _ => {}
    }
    names.join(", ")
}

/// A name within a line.
fn shown(name: &str) -> String {
    name.chars().take(MAX_NAME_LEN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What is in a folder.
#[derive(Clone, Debug)]
struct Entry {
    path: PathBuf,
    name: String,
    is_folder: bool,
}

/// What is in a folder, by name. Names that begin with a dot are left out: macOS puts such files beside those that it packs.
fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)?.take(MAX_ENTRIES) {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.starts_with('.') && name != "__MACOSX" {
            entries.push(Entry { is_folder: path.is_dir(), path, name });
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Files of one data set: those in one folder whose names begin alike.
#[derive(Debug)]
struct Set {
    folder: PathBuf,
    prefix: String,
    /// The best candidate for each role.
    files: [Option<Candidate>; 4],
}

#[derive(Debug)]
struct Candidate {
    path: PathBuf,
    /// Of several files for one role the one with the smallest rank is taken: a file before a folder, the first before a copy
    /// of it, the compressed one first.
    rank: (bool, bool, bool, bool),
}

impl Set {
    fn file(&self, role: Role) -> Option<&Candidate> {
        self.files[role as usize].as_ref()
    }

    fn n_files(&self) -> usize {
        self.files.iter().flatten().count()
    }

    fn is_complete(&self) -> bool {
        self.n_files() == self.files.len()
    }

    /// The path that asks for this set and no other.
    fn as_is_asked_for(&self) -> PathBuf {
        if self.prefix.is_empty() { self.folder.clone() } else { self.folder.join(&self.prefix) }
    }

    fn located(self) -> Located {
        Located::Idx(self.files.map(|file| file.expect("the set is complete").path))
    }
}

/// A search through folders, which ends by itself.
struct Search {
    n_left: usize,
}

impl Search {
    /// The sets in a folder, and the folders in it.
    fn folder(&mut self, folder: &Path) -> Result<(Vec<Set>, Vec<PathBuf>), Error> {
        if self.n_left == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let found = entries(folder).map_err(|reason| Error::Open { path: folder.into(), reason })?;
        self.n_left = self.n_left.saturating_sub(found.len());
        let mut sets: Vec<Set> = Vec::new();
        let mut below = Vec::new();
        for entry in found {
            let Some(told) = told(&entry.name) else {
                if entry.is_folder {
                    below.push(entry.path);
                }
                continue;
            };
            // Some archives unpack each file into a folder of its own name.
            let wrapped = if entry.is_folder { self.wrapped(&entry.path, told.role, &told.prefix) } else { None };
            let is_folder = entry.is_folder && wrapped.is_none();
            let rank = (is_folder, told.is_copy, wrapped.is_some(), !told.is_gzip);
            let candidate = Candidate { path: wrapped.unwrap_or(entry.path), rank };
            let at = sets.iter().position(|set| set.prefix == told.prefix).unwrap_or_else(|| {
                sets.push(Set { folder: folder.into(), prefix: told.prefix, files: [const { None }; 4] });
                sets.len() - 1
            });
            let place = &mut sets[at].files[told.role as usize];
            if place.as_ref().is_none_or(|other| candidate.rank < other.rank) {
                *place = Some(candidate);
            }
        }
        Ok((sets, below))
    }

    /// The file in a folder of its own name.
    fn wrapped(&mut self, folder: &Path, role: Role, prefix: &str) -> Option<PathBuf> {
        let found = entries(folder).ok()?;
        self.n_left = self.n_left.saturating_sub(found.len());
        let fits = |entry: &Entry| {
            !entry.is_folder && told(&entry.name).is_some_and(|told| told.role == role && told.prefix == prefix)
        };
        found.into_iter().find(fits).map(|entry| entry.path)
    }
}
