//! Commands that a user can type as they are printed.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What reads the commands that a user types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// sh and its kind.
    Posix,
    /// Windows' command prompt.
    Cmd,
    /// PowerShell, on Windows.
    PowerShell,
}

impl Shell {
    /// The shell that this program was started from, as far as the system and the environment tell.
    pub fn here() -> Self {
        Self::by(cfg!(windows), |variable| env::var_os(variable).is_some())
    }

    fn by(is_windows: bool, is_set: impl Fn(&str) -> bool) -> Self {
        match is_windows {
            // Git's and MSYS's bash.
            true if is_set("MSYSTEM") => Self::Posix,
            // The command prompt sets it for the programs that it starts.
            true if is_set("PROMPT") => Self::Cmd,
            true => Self::PowerShell,
            false => Self::Posix,
        }
    }

    /// A path as this shell takes it for an argument: within quotes where it is more than a plain word.
    pub fn quoted(self, path: &Path) -> String {
        let Some(text) = path.to_str() else {
            return match self {
                // No text, so byte by byte.
                Self::Posix => format!("$'{}'", path.as_os_str().as_encoded_bytes().escape_ascii()),
                _ => self.within_quotes(&path.to_string_lossy()),
            };
        };
        let plain = match self {
            Self::Posix => "/.:_-+=,@%",
            Self::Cmd | Self::PowerShell => "\\/.:_-+",
        };
        let is_plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || plain.contains(c));
        if is_plain { text.to_owned() } else { self.within_quotes(text) }
    }

    fn within_quotes(self, text: &str) -> String {
        match self {
            Self::Posix => format!("'{}'", text.replace('\'', r"'\''")),
            // It knows no other quotes, and no path on Windows has them in it.
            Self::Cmd => format!("\"{text}\""),
            Self::PowerShell => format!("'{}'", text.replace('\'', "''")),
        }
    }

    /// The command by which a program was started: through cargo, by its path, or by its name.
    fn command(self, name: &str, started_as: &Path, is_run_by_cargo: bool) -> String {
        let folder = started_as.parent().filter(|folder| !folder.as_os_str().is_empty());
        let Some(folder) = folder else { return name.to_owned() };
        if is_run_by_cargo && let Some(profile) = folder.file_name().and_then(OsStr::to_str) {
            let profile = match profile {
                "debug" => String::new(),
                "release" => " --release".to_owned(),
                other => format!(" --profile {other}"),
            };
            return format!("cargo run{profile} --bin {name} --");
        }
        let path = self.quoted(started_as);
        // To PowerShell a text within quotes is no program, unless it is called.
        if self == Self::PowerShell && path.starts_with('\'') { format!("& {path}") } else { path }
    }
}

/// The command by which this program was started. `name` is the program's.
pub fn this_program(name: &str) -> String {
    // What cargo tells a program that it runs. Its own programs lie in a folder of the profile's name.
    let is_run_by_cargo = env::var_os("CARGO").is_some() && env::var("CARGO_PKG_NAME").is_ok_and(|p| p == "numgrad");
    let started_as = PathBuf::from(env::args_os().next().unwrap_or_default());
    // PowerShell tells the whole path, whatever was typed.
    let is_below = |here: PathBuf| started_as.strip_prefix(here).map(|below| Path::new(".").join(below)).ok();
    let below = if cfg!(windows) { env::current_dir().ok().and_then(is_below) } else { None };
    Shell::here().command(name, &below.unwrap_or(started_as), is_run_by_cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_is_told_by_the_system_and_the_environment() {
        let on_windows = |set: &'static [&str]| Shell::by(true, |variable| set.contains(&variable));
        assert_eq!(on_windows(&["PROMPT"]), Shell::Cmd);
        assert_eq!(on_windows(&[]), Shell::PowerShell);
        assert_eq!(on_windows(&["MSYSTEM", "PROMPT"]), Shell::Posix);
        assert_eq!(Shell::by(false, |_| true), Shell::Posix);
    }

    #[test]
    fn the_command_is_the_one_that_the_program_was_started_by() {
        for shell in [Shell::Posix, Shell::Cmd, Shell::PowerShell] {
            let command = |started_as: &str, by_cargo| shell.command("numgrad-train", Path::new(started_as), by_cargo);
            assert_eq!(command("target/release/numgrad-train", true), "cargo run --release --bin numgrad-train --");
            assert_eq!(command("target/debug/numgrad-train", true), "cargo run --bin numgrad-train --");
            let dist = command("/a/target/dist/numgrad-train", true);
            assert_eq!(dist, "cargo run --profile dist --bin numgrad-train --");
            assert_eq!(command("target/release/numgrad-train", false), "target/release/numgrad-train");
            for by_cargo in [false, true] {
                assert_eq!(command("numgrad-train", by_cargo), "numgrad-train");
                assert_eq!(command("", by_cargo), "numgrad-train");
            }
        }
        let with_space = |shell: Shell| shell.command("numgrad-train", Path::new("my programs/numgrad-train"), false);
        assert_eq!(with_space(Shell::Posix), "'my programs/numgrad-train'");
        assert_eq!(with_space(Shell::Cmd), "\"my programs/numgrad-train\"");
        assert_eq!(with_space(Shell::PowerShell), "& 'my programs/numgrad-train'");
    }

    #[test]
    fn a_path_that_is_more_than_a_plain_word_is_quoted_as_each_shell_wants_it() {
        for (path, posix, cmd, power_shell) in [
            ("results/book", "results/book", "results/book", "results/book"),
            ("結果", "結果", "結果", "結果"),
            ("it's mine", r"'it'\''s mine'", "\"it's mine\"", "'it''s mine'"),
            (r"C:\a", r"'C:\a'", r"C:\a", r"C:\a"),
            ("~", "'~'", "\"~\"", "'~'"),
            ("$x", "'$x'", "\"$x\"", "'$x'"),
            ("a&b", "'a&b'", "\"a&b\"", "'a&b'"),
            ("a,b", "a,b", "\"a,b\"", "'a,b'"),
            ("", "''", "\"\"", "''"),
        ] {
            let quoted = [Shell::Posix, Shell::Cmd, Shell::PowerShell].map(|shell| shell.quoted(Path::new(path)));
            assert_eq!(quoted, [posix, cmd, power_shell]);
        }
    }
}
