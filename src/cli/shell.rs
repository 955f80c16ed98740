//! Commands that a user can type as they are printed.

use std::env;
use std::ffi::OsStr;
use std::path::Path;

/// The command by which this program was started: through cargo, by its path, or by its name.
///
/// `name` is the program's.
pub fn this_program(name: &str) -> String {
    // What cargo tells a program that it runs. Its own programs lie in a folder of the profile's name.
    let is_run_by_cargo = env::var_os("CARGO").is_some() && env::var("CARGO_PKG_NAME").is_ok_and(|p| p == "numgrad");
    let started_as = env::args_os().next().unwrap_or_default();
    command(name, Path::new(&started_as), is_run_by_cargo)
}

fn command(name: &str, started_as: &Path, is_run_by_cargo: bool) -> String {
    let folder = started_as.parent().filter(|folder| !folder.as_os_str().is_empty());
    if is_run_by_cargo && let Some(profile) = folder.and_then(Path::file_name).and_then(OsStr::to_str) {
        let profile = match profile {
            "debug" => String::new(),
            "release" => " --release".to_owned(),
            other => format!(" --profile {other}"),
        };
        return format!("cargo run{profile} --bin {name} --");
    }
    let path = quoted(started_as);
    match folder {
        // A quoted path is a text to PowerShell, and no program.
        Some(_) if !cfg!(windows) || !path.starts_with(['"', '\'']) => path,
        _ => name.to_owned(),
    }
}

/// A path as a shell takes it: within quotes where it is more than a plain word.
#[cfg(not(windows))]
pub fn quoted(path: &Path) -> String {
    let Some(path) = path.to_str() else {
        // No text, so byte by byte.
        return format!("$'{}'", path.as_os_str().as_encoded_bytes().escape_ascii());
    };
    if is_plain(path) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// A path as PowerShell and `cmd` take it: within quotes where it is more than a plain word. No path has a `"` in it.
#[cfg(windows)]
pub fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    // Within double quotes PowerShell replaces what begins with these; `cmd` knows no other quotes.
    let quote = if path.contains(['$', '`']) { '\'' } else { '"' };
    match quote {
        _ if is_plain(&path) => path,
        '\'' => format!("'{}'", path.replace('\'', "''")),
        _ => format!("\"{path}\""),
    }
}

fn is_plain(path: &str) -> bool {
    // PowerShell and `cmd` read more of these than other shells do.
    let others = if cfg!(windows) { "/\\.:_-+" } else { "/.:_-+=,@%" };
    !path.is_empty() && path.chars().all(|c| c.is_alphanumeric() || others.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_one_that_the_program_was_started_by() {
        let command = |started_as: &str, by_cargo| command("numgrad-train", Path::new(started_as), by_cargo);
        assert_eq!(command("target/release/numgrad-train", true), "cargo run --release --bin numgrad-train --");
        assert_eq!(command("target/debug/numgrad-train", true), "cargo run --bin numgrad-train --");
        assert_eq!(command("/a/target/dist/numgrad-train", true), "cargo run --profile dist --bin numgrad-train --");
        assert_eq!(command("target/release/numgrad-train", false), "target/release/numgrad-train");
        for by_cargo in [false, true] {
            assert_eq!(command("numgrad-train", by_cargo), "numgrad-train");
            assert_eq!(command("", by_cargo), "numgrad-train");
        }
    }

    #[cfg(not(windows))]
    #[test]
    fn a_path_that_is_more_than_a_plain_word_is_quoted() {
        for (path, expected) in
            [("results/book", "results/book"), ("it's mine", r"'it'\''s mine'"), ("~", "'~'"), (r"a\b", r"'a\b'")]
        {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }

    #[cfg(windows)]
    #[test]
    fn a_path_that_is_more_than_a_plain_word_is_quoted() {
        for (path, expected) in [
            (r"C:\results\book", r"C:\results\book"),
            ("it's mine", "\"it's mine\""),
            ("50% $x it's", "'50% $x it''s'"),
            ("a&b", "\"a&b\""),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
