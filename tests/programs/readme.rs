//! The commands of the READMEs and of the pages in `docs/` do what is said there: each is run as it stands, but with fewer
//! iterations or less work in each where it would take long, one after the other, in an empty folder that has the repository's
//! digits and picture.
//!
//! `.ci/run` runs `cargo test` and what is for Python. `cargo bench`, `cargo doc`, `cargo install` and what makes a new project
//! are left out: they take long, or a registry.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::support::programs::process;
use tempfile::TempDir;

/// The pages, in the order in which their commands are typed.
const PAGES: [&str; 5] = ["README.md", "docs/data.md", "docs/flags.md", "docs/how-it-works.md", "docs/runs.md"];
/// The folder of the digits that are built in, and a picture of one; commands name both.
const DIGITS: &str = "data/mnist-subset";
const PICTURE: &str = "docs/digit.png";

/// Where a file of the repository lies.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(page: &str) -> String {
    fs::read_to_string(repository(page)).unwrap()
}

fn copy_digits(to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(repository(DIGITS)).unwrap().map(|file| file.unwrap().path()) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
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
    ("--iterations 60 --forward full ", "--iterations 3 --forward full "),
    ("--iterations 60 --out results/incremental", "--iterations 3 --out results/incremental"),
];

/// The line, less work in it where that is possible.
fn shorter(line: &str) -> String {
    SHORTER.iter().fold(line.to_owned(), |line, (long, short)| line.replace(long, short))
}

/// The program that a line starts, in `folder`; none where the line is not for this test.
fn command(line: &str, folder: &Path) -> Option<Command> {
    let elsewhere = ["cargo new ", "cd ", "cargo add ", "python ", "pip "];
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
    command.args(args.split_whitespace()).env("NUMGRAD_DATA_DIR", repository(DIGITS));
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
fn every_command_of_the_pages_works_as_it_stands() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("numgrad");
    copy_digits(&folder.join(DIGITS));
    // The book's folder has more in it.
    let book = parent.path().join("deep-learning-from-scratch/dataset");
    copy_digits(&book);
    fs::write(book.join("mnist.pkl"), [0x80, 0x04]).unwrap();
    fs::write(book.join("mnist.py"), "import urllib.request\n").unwrap();
    fs::create_dir(folder.join("docs")).unwrap();
    fs::copy(repository(PICTURE), folder.join(PICTURE)).unwrap();

    let lines: Vec<String> = PAGES.iter().flat_map(|page| block_lines(page, "sh")).collect();
    for (long, _) in SHORTER {
        assert!(lines.iter().any(|line| line.contains(long)), "no command has \"{long}\"");
    }
    let mut n_interrupted = 0;
    for line in lines {
        let Some(mut command) = command(&shorter(&line), &folder) else { continue };
        if line.contains("results/long") {
            let output = interrupt(command, &folder.join("results/long/loss.csv"));
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
        assert!(folder.join("results").join(file).exists(), "{file}");
    }
}

#[test]
fn both_languages_have_the_same_commands_code_tables_and_links() {
    let (english, japanese) = ("README.md", "README.ja.md");
    for language in ["sh", "rust", "python numgrad_rs"] {
        assert_eq!(block_lines(english, language), block_lines(japanese, language));
    }
    // Sections, rows of tables, pictures.
    for mark in ["## ", "| ", "!["] {
        let n_lines = |readme| text(readme).lines().filter(|line| line.starts_with(mark)).count();
        assert_eq!(n_lines(english), n_lines(japanese), "lines with {mark:?}");
    }
    let sorted = |readme| {
        let mut links = links(readme);
        links.retain(|link| !link.starts_with("README"));
        links.sort();
        links
    };
    assert_eq!(sorted(english), sorted(japanese));
}

#[test]
fn the_program_of_the_readme_is_the_first_example() {
    let example = text("examples/gradient.rs");
    let program = example.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
    assert!(program.eq(block_lines("README.md", "rust")), "{example}");
}

/// What a page links to and shows.
fn links(page: &str) -> Vec<String> {
    let text = text(page);
    let ends = text.split("](").skip(1);
    ends.map(|rest| rest.split_once(')').unwrap().0.to_owned()).collect()
}

#[test]
fn what_the_pages_link_to_is_there() {
    for page in PAGES.into_iter().chain(["README.ja.md", "docs/mpi.md", "examples/README.md"]) {
        for link in links(page).iter().filter(|link| !link.starts_with("https://")) {
            let (path, section) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { PathBuf::from(page) } else { Path::new(page).with_file_name(path) };
            let target = repository(target.to_str().unwrap());
            assert!(target.exists(), "{page}: {link}");
            let is_title = |line: &str| {
                line.starts_with('#') && line.trim_matches(['#', ' ']).to_lowercase().replace(' ', "-") == section
            };
            assert!(section.is_empty() || fs::read_to_string(target).unwrap().lines().any(is_title), "{page}: {link}");
        }
    }
    let examples = fs::read_dir(repository("examples")).unwrap().map(|file| file.unwrap().file_name());
    for example in examples.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".rs")) {
        assert!(links("examples/README.md").contains(&example), "{example}");
    }
}

#[test]
fn the_page_of_flags_has_every_flag_and_no_other() {
    let page = text("docs/flags.md");
    let sections = page.split("\n## ").map(|section| section.split_once('\n').unwrap());
    let section = |title: &str| sections.clone().find(|(found, _)| *found == title).unwrap().1;
    for program in ["numgrad-train", "numgrad-predict", "numgrad-report"] {
        let output = process(program, repository("")).arg("--help").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        // Each flag has a line of its own; what is said of it stands further to the right, and the introduction at the left.
        let is_flag = |line: &&str| line.starts_with("  ") && !line.starts_with("       ");
        let flags: BTreeSet<&str> = help.lines().filter(is_flag).filter_map(flag).collect();
        let told = format!("{}{}", section(&format!("`{program}`")), section("All three"));
        let first_cells =
            told.lines().filter_map(|line| line.strip_prefix("| ")).filter_map(|row| row.split(" | ").next());
        let in_page: BTreeSet<&str> = first_cells.flat_map(|cell| cell.split('`')).filter_map(flag).collect();
        assert_eq!(in_page, flags, "{program}");
    }
}

/// The long name of the flag in `-n, --iterations <N>` or `--iterations N`.
fn flag(text: &str) -> Option<&str> {
    let name = &text[text.find("--")? + 2..];
    name.split(|c: char| !c.is_ascii_alphabetic() && c != '-')
        .next()
        .filter(|name| name.starts_with(char::is_alphabetic))
}
