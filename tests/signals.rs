//! Ctrl-C and SIGTERM: the run stops where it is, says how to go on, and goes on with the same bits.
#![cfg(all(feature = "cli", unix))]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use numgrad::report::{Run, Summary};
use numgrad::train::{Checkpoint, Record};
use tempfile::TempDir;

fn program(folder: &TempDir, args: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("numgrad-train"));
    for variable in ["NUMGRAD_DATA_DIR", "NUMGRAD_ISA", "RAYON_NUM_THREADS"] {
        command.env_remove(variable);
    }
    command.args(args.split_whitespace()).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(folder: &TempDir, args: &str) {
    let output = program(folder, args).output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Starts a run and waits until it is in the midst of its iterations: more than `n` of them are done.
fn start(folder: &TempDir, args: &str, run: &Path, n: usize) -> Child {
    let mut child = program(folder, args).spawn().unwrap();
    // A row a line; the header comes with the first.
    let n_rows = || fs::read_to_string(run.join("loss.csv")).map_or(0, |log| log.lines().count());
    while !run.join("checkpoint.npz").exists() || (n > 0 && n_rows() < n + 1) {
        assert!(child.try_wait().unwrap().is_none(), "{args}: ended too early");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

/// Waits for the end: the exit code and what was written to standard error.
fn end(mut child: Child) -> (Option<i32>, String) {
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap().code(), stderr)
}

fn records(run: &Path) -> Vec<Record> {
    let rows = csv::Reader::from_path(run.join("loss.csv")).unwrap().into_deserialize();
    rows.collect::<Result<_, _>>().unwrap()
}

fn iteration(run: &Path) -> u64 {
    Checkpoint::read(fs::File::open(run.join("checkpoint.npz")).unwrap()).unwrap().0.iteration
}

#[test]
fn a_signal_stops_the_run_which_then_continues_with_the_same_bits() {
    let folder = TempDir::new().unwrap();
    for (mode, n) in [("--forward incremental", 600), ("--forward full", 40), ("--gradient backprop", 5000)] {
        let args = format!("--dataset synthetic --init normal {mode} -n {n} --threads 2");
        run(&folder, &format!("{args} --quiet --force --out whole"));
        let whole = folder.path().join("whole");
        for (signal, code, name) in [("-INT", 130, "Ctrl-C"), ("-TERM", 143, "SIGTERM")] {
            let out = format!("run {signal}{mode}").replace([' ', '-'], "_");
            let run_folder = folder.path().join(&out);
            // No checkpoint but the first and the one that the signal asks for.
            let child = start(&folder, &format!("{args} --out {out} --checkpoint-every 1000s"), &run_folder, 2);
            send(signal, &child);
            let (exit_code, stderr) = end(child);
            assert_eq!(exit_code, Some(code), "{mode}, {signal}: {stderr}");

            let done = iteration(&run_folder);
            let last_line = stderr.lines().last().unwrap();
            let expected = format!(
                "interrupted by {name} after iteration {done} of {n}; to continue: numgrad-train --resume {out}"
            );
            assert_eq!(last_line, expected, "{stderr}");
            assert!((2..n).contains(&done), "{done}");
            assert_eq!(records(&run_folder).len() as u64, done, "{mode}, {signal}");
            for file in ["model.npz", "loss.svg", "report.html"] {
                assert!(run_folder.join(file).exists(), "{file}");
            }
            let summary = Summary::read(&run_folder.join("run.json")).unwrap();
            assert_eq!((summary.iterations, summary.iterations_done()), (n, done));
            assert_eq!(summary.final_loss, records(&run_folder).last().map(|record| record.loss));
            let page = fs::read_to_string(run_folder.join("report.html")).unwrap();
            assert!(page.contains("Interrupted after iteration"));

            run(&folder, &format!("--resume {out} --threads 3"));
            let bits = |run: &Path| -> Vec<_> {
                records(run).iter().map(|r| (r.iteration, r.loss.to_bits(), r.gradient_norm.to_bits())).collect()
            };
            assert_eq!(bits(&run_folder), bits(&whole), "{mode}, {signal}");
            let model = |run: &Path| fs::read(run.join("model.npz")).unwrap();
            assert!(model(&run_folder) == model(&whole), "{mode}, {signal}");
            let summary = |run: &Path| Summary::read(&run.join("run.json")).unwrap();
            let (continued, uninterrupted) = (summary(&run_folder), summary(&whole));
            assert_eq!(continued.iterations_done(), n);
            assert_eq!(continued.train_accuracy, uninterrupted.train_accuracy);
            assert!(!fs::read_to_string(run_folder.join("report.html")).unwrap().contains("Interrupted"));
        }
    }
}

#[test]
fn a_gradient_of_minutes_is_abandoned_and_begun_anew() {
    let folder = TempDir::new().unwrap();
    let run_folder = folder.path().join("run");
    // 400,000 weights, two forward passes of a millisecond each: the first gradient takes many minutes.
    let args = "--dataset embedded --forward full --hidden 500 --batch-size 500 -n 3 --out run";
    for args in [args, "--resume run"] {
        let child = start(&folder, args, &run_folder, 0);
        std::thread::sleep(Duration::from_millis(300));
        send("-INT", &child);
        let (code, stderr) = end(child);
        assert_eq!(code, Some(130), "{stderr}");
        assert!(stderr.contains("interrupted by Ctrl-C after iteration 0 of 3"), "{stderr}");
        assert_eq!(iteration(&run_folder), 0);
        assert_eq!(fs::read_to_string(run_folder.join("loss.csv")).unwrap(), "");
        // Nothing has come of it yet, and the summary says so.
        let summary = Summary::read(&run_folder.join("run.json")).unwrap();
        assert_eq!((summary.iterations_done(), summary.final_loss, summary.n_evaluations), (0, None, 0));
        assert!(Run::read(&run_folder).is_ok());
    }
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    let folder = TempDir::new().unwrap();
    let args = "--dataset synthetic -n 1000000000 --checkpoint-every 1000s --out";
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let run_folder = folder.path().join(signal.trim_start_matches('-'));
        let mut child = start(&folder, &format!("{args} {}", run_folder.display()), &run_folder, 1);
        // The checkpoint that the first signal asks for is never done: nobody reads from this pipe.
        let pipe = run_folder.join("checkpoint.npz.part");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        send(signal, &child);
        std::thread::sleep(Duration::from_millis(500));
        assert!(child.try_wait().unwrap().is_none(), "the first signal ended the program before its checkpoint");
        send(signal, &child);
        let (exit_code, stderr) = end(child);
        assert_eq!(exit_code, Some(code), "{stderr}");
        assert!(!stderr.contains("interrupted"), "{stderr}");
        // The checkpoint before is as it was.
        assert_eq!(iteration(&run_folder), 0);
    }
}

#[test]
fn how_to_continue_is_said_as_a_shell_takes_it() {
    let folder = TempDir::new().unwrap();
    let run_folder = folder.path().join("it's mine");
    let mut command = program(&folder, "--dataset synthetic -n 1000000000 --quiet --out");
    let child = command.arg("it's mine").spawn().unwrap();
    while !run_folder.join("checkpoint.npz").exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    send("-INT", &child);
    let (code, stderr) = end(child);
    assert_eq!(code, Some(130));
    assert!(stderr.trim_end().ends_with(r"--resume 'it'\''s mine'"), "{stderr}");
}
