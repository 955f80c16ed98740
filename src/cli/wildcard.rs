//! Paths with a `*`, as the shells of Windows hand them over: there each program looks itself for what is meant.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::parent_of;

/// The paths, and in the place of one whose last part has a `*` those that it stands for, sorted; itself where there are none,
/// or where it is one. As in other shells, what begins with a point is meant only by what begins with one.
pub fn expanded(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().flat_map(|path| meant_by(path).unwrap_or_else(|| vec![path.clone()])).collect()
}

fn meant_by(path: &Path) -> Option<Vec<PathBuf>> {
    let pattern = path.file_name()?.to_str().filter(|name| name.contains('*'))?;
    if path.exists() {
        return None;
    }
    let names = fs::read_dir(parent_of(path)).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut meant: Vec<_> = names
        .filter(|name| name.starts_with('.') == pattern.starts_with('.') && matches(pattern, name))
        .map(|name| path.with_file_name(name))
        .collect();
    meant.sort();
    (!meant.is_empty()).then_some(meant)
}

/// Whether a name is the pattern with something, or nothing, in the place of each `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(begin) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, name) in
            [("*", "a"), ("a*", "a"), ("*c", "abc"), ("a*c", "abcbc"), ("a*b*c", "axbxbxc"), ("**", "")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a*", "b"), ("*c", "ca"), ("ab*ba", "aba"), ("a*b*c", "acb"), ("a*b*b", "ab")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_path_with_a_star_is_what_it_stands_for() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["run-b", "run-a", "other", ".hidden"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let expanded = |names: &[&str]| -> Vec<String> {
            let paths: Vec<_> = names.iter().map(|name| folder.path().join(name)).collect();
            let names = expanded(&paths).into_iter().map(|path| path.file_name().unwrap().to_owned());
            names.map(|name| name.into_string().unwrap()).collect()
        };
        assert_eq!(expanded(&["*"]), ["other", "run-a", "run-b"]);
        assert_eq!(expanded(&["other", "run*"]), ["other", "run-a", "run-b"]);
        assert_eq!(expanded(&["none*", "nowhere"]), ["none*", "nowhere"]);
        assert_eq!(expanded(&[".*"]), [".hidden"]);
    }
}
