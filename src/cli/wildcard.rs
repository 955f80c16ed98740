//! Patterns of paths, such as `results/*`, as the shells of Windows hand them over: there each program looks itself for what
//! is meant.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, glob_with};

/// The paths, and in the place of one that is a pattern (`*`, `?`, `[a-c]`) those that it stands for, sorted; itself where there
/// are none, or where a file or folder has that very name. As in other shells, what begins with a point is meant only by what
/// begins with one.
pub fn expanded(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().flat_map(|path| meant_by(path).unwrap_or_else(|| vec![path.clone()])).collect()
}

fn meant_by(path: &Path) -> Option<Vec<PathBuf>> {
    let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']) && !path.exists())?;
    let options = MatchOptions {
        case_sensitive: !cfg!(windows),
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let meant: Vec<_> = glob_with(pattern, options).ok()?.flatten().collect();
    (!meant.is_empty()).then_some(meant)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_path_with_a_star_is_what_it_stands_for() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["run-b", "run-a", "other", ".hidden", "run-[1]"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let expanded = |names: &[&str]| -> Vec<String> {
            let paths: Vec<_> = names.iter().map(|name| folder.path().join(name)).collect();
            let names = expanded(&paths).into_iter().map(|path| path.file_name().unwrap().to_owned());
            names.map(|name| name.into_string().unwrap()).collect()
        };
        assert_eq!(expanded(&["*"]), ["other", "run-[1]", "run-a", "run-b"]);
        assert_eq!(expanded(&["other", "run-?"]), ["other", "run-a", "run-b"]);
        assert_eq!(expanded(&["run-[1]", "run-[b-c]"]), ["run-[1]", "run-b"]);
        assert_eq!(expanded(&["none*", "run[", "nowhere"]), ["none*", "run[", "nowhere"]);
    }
}
