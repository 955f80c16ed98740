//! Every example runs to its end and says something.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The folder in which `cargo test` has put the examples: beside the one of this test.
#[test]
fn every_example_runs_and_prints_what_it_found() {
    let this = std::env::current_exe().unwrap();
    let built = this.parent().and_then(Path::parent).unwrap().join("examples");
    let sources = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap();
    let names: Vec<String> = sources
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !name.starts_with("mpi") || cfg!(feature = "mpi"))
        .collect();
    assert!(!names.is_empty());
    let program = |name: &String| built.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    if !names.iter().any(|name| program(name).exists()) {
        // As `cargo test --test engine` leaves it.
        println!("skipped: the examples are not built");
        return;
    }
    let start = |name: &String| -> Child {
        let mut command = Command::new(program(name));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    // Side by side.
    let children: Vec<Child> = names.iter().map(start).collect();
    for (name, child) in names.iter().zip(children) {
        let output = child.wait_with_output().unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{name}: {stderr}");
        assert!(!stdout.trim().is_empty() && !stdout.contains("NaN"), "{name}: {stdout}");
    }
}
