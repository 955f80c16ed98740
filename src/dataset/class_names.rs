//! What the classes of a data set are called: a text with a line for each.
//!
//! ```text
//! T-shirt/top        0 T-shirt/top      1 65 97
//! Trouser            1 Trouser          2 66 98
//! ```
//!
//! Names in the order of the classes; or each behind its class; or, as EMNIST's `mapping.txt` has them, behind its class the
//! codes of the characters that it stands for.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::folder::locate;
use crate::files;
use crate::files::form::{Form, START_LEN};

/// Where the names of a folder's classes are looked for, beside what ends with `mapping.txt`.
const FILE_NAMES: [&str; 4] = ["class-names.txt", "class_names.txt", "classes.txt", "labels.txt"];
/// No longer file is read.
const MAX_BYTES: u64 = 64 << 10;
/// No more of a name is kept.
const MAX_LEN: usize = 40;

/// Reads the names of `n_classes` classes. A class that has no name is called by its number.
///
/// # Errors
/// A text that says what was expected and found, without the file's name.
pub fn read_class_names(path: &Path, n_classes: usize) -> Result<Vec<String>, String> {
    let (file, _) = files::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("it can't be read: {error}"))?;
    match Form::of(&bytes[..bytes.len().min(START_LEN)]) {
        Form::Text(_) => {}
        other => return Err(format!("expected a text with a line for each class, found {other}")),
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("expected a text of at most {MAX_BYTES} bytes, a line for each class, found a longer one"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "expected a text in UTF-8, found one in another encoding")?;
    parse(&text, n_classes)
}

/// The file with the names of the classes of the data set in `place`: in that folder, or beside the files that are found
/// from there. `emnist-letters-mapping.txt` is that of files whose names begin with `emnist-letters`.
pub fn find_class_names(place: &Path) -> Option<PathBuf> {
    let (folder, prefix) = match place.is_dir() {
        true => (place, String::new()),
        false => (place.parent()?, place.file_name()?.to_string_lossy().into_owned()),
    };
    in_folder(folder, &prefix).or_else(|| {
        let located = locate(place).ok()?;
        let (folder, prefix) = located.home();
        in_folder(folder, &prefix)
    })
}

fn in_folder(folder: &Path, prefix: &str) -> Option<PathBuf> {
    let mapping = (!prefix.is_empty()).then(|| folder.join(format!("{}-mapping.txt", prefix.to_lowercase())));
    mapping.into_iter().chain(FILE_NAMES.map(|name| folder.join(name))).find(|path| path.is_file())
}

fn parse(text: &str, n_classes: usize) -> Result<Vec<String>, String> {
    let lines: Vec<&str> =
        text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut names: Vec<String> = (0..n_classes).map(|class| class.to_string()).collect();
    let numbered: Option<Vec<(usize, &str)>> = lines.iter().map(|line| numbered(line)).collect();
    let is_codes = |(_, rest): &(usize, &str)| rest.split_whitespace().all(|code| character(code).is_some());
    let named: Vec<(usize, String)> = match numbered {
        Some(numbered) if numbered.iter().all(is_codes) => numbered
            .into_iter()
            .map(|(class, codes)| {
                let characters: Vec<String> =
                    codes.split_whitespace().filter_map(character).map(String::from).collect();
                (class, characters.join("/"))
            })
            .collect(),
        Some(numbered) => numbered.into_iter().map(|(class, name)| (class, name.to_owned())).collect(),
        None => lines.iter().map(|line| (*line).to_owned()).enumerate().collect(),
    };
    if named.is_empty() {
        return Err("expected a line for each class, found none".to_owned());
    }
    for (class, name) in named {
        let place = names.get_mut(class);
        let place = place
            .ok_or_else(|| format!("expected names of {n_classes} classes from 0 on, found one of class {class}"))?;
        *place = name.chars().filter(|c| !c.is_control()).take(MAX_LEN).collect();
    }
    Ok(names)
}

/// A class and what follows it, parted by a blank, a comma, a colon or the like.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let end = line.find(|c: char| !c.is_ascii_digit())?;
    let rest = &line[end..];
    let name = rest.trim_start_matches(|c: char| c.is_whitespace() || ",;:.)=".contains(c));
    let is_parted = name.len() < rest.len() && !name.is_empty();
    Some((line[..end].parse().ok()?, name)).filter(|_| is_parted)
}

/// The printable character of a code in decimal digits.
fn character(code: &str) -> Option<char> {
    code.parse().ok().and_then(char::from_u32).filter(|c| c.is_alphanumeric() || c.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_order_behind_their_class_or_as_codes_of_characters() {
        for (text, expected) in [
            ("Top\nTrouser\r\n\nBag\n", ["Top", "Trouser", "Bag"]),
            ("2: Bag\n0: Top", ["Top", "1", "Bag"]),
            ("0,Top\n1,Trouser dress\n2,Bag\n", ["Top", "Trouser dress", "Bag"]),
            ("1 65 97\n2 66 98\n", ["0", "A/a", "B/b"]),
            ("\u{feff}0 48\n1 49\n2 50", ["0", "1", "2"]),
            ("4ever\n2day\nb\u{1b}ag", ["4ever", "2day", "bag"]),
        ] {
            assert_eq!(parse(text, 3).unwrap(), expected, "{text:?}");
        }
        assert!(parse("\n", 3).unwrap_err().contains("found none"));
        assert!(parse("a\nb\nc\nd", 3).unwrap_err().contains("3 classes from 0 on, found one of class 3"));
        assert!(parse("a", 0).is_err());
    }
}
