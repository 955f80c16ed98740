//! The READMEs' commands do what the READMEs say: each is run as it stands there, but with fewer iterations or less work in
//! each where it would take long, one after the other, in an empty folder.
//!
//! `.ci/run` runs `cargo test` and what is for Python. `cargo bench`, `cargo doc`, `cargo install` and `cargo add` are left
//! out: they take long, or a registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::support::programs::process;
use tempfile::TempDir;

fn text(readme: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(readme)).unwrap()
}

/// The lines of all blocks of a language.
fn block_lines(readme: &str, language: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut is_inside = false;
    for line in text(readme).lines() {
        if line.starts_with("```") {
            is_inside = !is_inside && line == format!("```{language}");
        } else if is_inside {
            lines.push(line.to_owned());
        }
    }
    assert!(!lines.is_empty(), "{readme} has no {language}");
    lines
}

/// What stands in a line that takes long, and what is run in its place.
const SHORTER: [(&str, &str); 4] = [
    ("--iterations 10000 --eval-every 500 ", "--iterations 300 --eval-every 50 "),
    ("--step-study results/step-study.svg", "--step-study results/step-study.svg --hidden 5 --batch-size 20"),
    ("--hidden 5 --forward full ", "--hidden 5 --forward full --iterations 3 "),
    ("--hidden 5 --out results/incremental", "--hidden 5 --out results/incremental --iterations 3"),
];

/// The line, less work in it where that is possible.
fn shorter(line: &str) -> String {
    SHORTER.iter().fold(line.to_owned(), |line, (long, short)| line.replace(long, short))
}

/// The program that a line starts, in `folder`; none where the line is not for this test.
fn command(line: &str, folder: &TempDir) -> Option<Command> {
    let elsewhere = ["cargo test", "cargo bench", "cargo add ", "python ", "pip "];
    if elsewhere.iter().any(|prefix| line.starts_with(prefix)) {
        return None;
    }
    let rest = line.strip_prefix("cargo run --release ").unwrap_or_else(|| panic!("nobody runs \"{line}\""));
    let (program, args) = match rest.strip_prefix("--bin ") {
        Some(rest) => rest.split_once(" -- ").unwrap(),
        None => ("numgrad-train", rest.strip_prefix("-- ").unwrap()),
    };
    let mut command = process(program, folder);
    // The digits that are built in, as files: the same program as on MNIST, and no network.
    let digits: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist-subset");
    command.args(args.split_whitespace()).env("NUMGRAD_DATA_DIR", digits);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Starts a run that has no end in sight, and presses Ctrl-C after some iterations.
fn interrupt(mut command: Command, log: &Path) -> Output {
    let n_rows = || fs::read_to_string(log).map_or(0, |log| log.lines().count());
    let before = n_rows();
    let mut child = command.spawn().unwrap();
    while n_rows() < before + 100 {
        assert!(child.try_wait().unwrap().is_none(), "ended too early");
        sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    child.wait_with_output().unwrap()
}

#[test]
fn every_command_of_the_readme_works_as_it_stands() {
    let folder = TempDir::new().unwrap();
    for (long, _) in SHORTER {
        assert!(block_lines("README.md", "sh").iter().any(|line| line.contains(long)), "no command has \"{long}\"");
    }
    let mut n_interrupted = 0;
    for line in block_lines("README.md", "sh") {
        let Some(mut command) = command(&shorter(&line), &folder) else { continue };
        if line.contains("results/long") {
            let output = interrupt(command, &folder.path().join("results/long/loss.csv"));
            assert_eq!(output.status.code(), Some(130), "{line}: {}", errors(&output));
            assert!(errors(&output).contains("--resume results/long"), "{line}: {}", errors(&output));
            n_interrupted += 1;
        } else {
            let output = command.output().unwrap();
            assert!(output.status.success(), "{line}: {}", errors(&output));
        }
    }
    assert_eq!(n_interrupted, 2);
    for file in ["book/report.html", "book/model.npz", "step-study.svg", "compared.html", "long/checkpoint.npz"] {
        assert!(folder.path().join("results").join(file).exists(), "{file}");
    }
}

#[test]
fn both_languages_have_the_same_commands_code_and_tables() {
    for language in ["sh", "rust", "python"] {
        assert_eq!(block_lines("README.md", language), block_lines("README.ja.md", language));
    }
    // Sections, rows of tables, pictures.
    for mark in ["## ", "| ", "!["] {
        let n_lines = |readme| text(readme).lines().filter(|line| line.starts_with(mark)).count();
        assert_eq!(n_lines("README.md"), n_lines("README.ja.md"), "lines with {mark:?}");
    }
}
