//! Ctrl-C and SIGTERM: the run stops where it is, says how to go on, and goes on with the same bits.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use crate::support::programs::{iteration, path_of, records, train_process};
use numgrad::report::numbers::grouped;
use numgrad::report::{Run, Summary};
use numgrad::train::Record;
use tempfile::TempDir;

fn run(folder: &TempDir, args: &str) {
    let output = train_process(folder, args).output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Starts a run and waits until it is in the midst of its iterations: more than `n` of them are done.
fn start(folder: &TempDir, args: &str, run: &Path, n: usize) -> Child {
    let checkpoint = || fs::metadata(run.join("checkpoint.npz")).and_then(|metadata| metadata.modified()).ok();
    let before = checkpoint();
    let mut child = train_process(folder, args).spawn().unwrap();
    // A row a line; the header comes with the first.
    let n_rows = || fs::read_to_string(run.join("loss.csv")).map_or(0, |log| log.lines().count());
    // One is written before the first iteration, also where there was one; from then on the program listens to signals.
    while checkpoint() == before || (n > 0 && n_rows() < n + 1) {
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

#[test]
fn a_signal_stops_the_run_which_then_continues_with_the_same_bits() {
    let folder = TempDir::new().unwrap();
    for (mode, n) in [("--forward incremental", 600), ("--forward full", 40), ("--gradient backprop", 5000)] {
        let args = format!("--dataset synthetic --hidden 5 --batch-size 50 --init normal {mode} -n {n} --threads 2");
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
                "interrupted by {name} after iteration {} of {}; to continue: {} --resume {out}",
                grouped(done),
                grouped(n),
                path_of("numgrad-train")
            );
            assert_eq!(last_line, expected, "{stderr}");
            assert!((2..n).contains(&done), "{done}");
            assert_eq!(records(&run_folder).len() as u64, done, "{mode}, {signal}");
            for file in ["model.npz", "loss.svg", "report.html"] {
                assert!(run_folder.join(file).exists(), "{file}");
            }
            let summary = Summary::read(&run_folder.join("run.json")).unwrap();
            assert_eq!((summary.settings.iterations, summary.iterations_done()), (n, done));
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
fn a_signal_while_accuracy_is_measured_stops_that_too_and_the_row_is_written_later() {
    let folder = TempDir::new().unwrap();
    // A gradient of one sample is nothing beside the forward passes of 7,000.
    let args = "--dataset embedded --gradient backprop --batch-size 1 --hidden 300 --eval-every 1 -n 5";
    run(&folder, &format!("{args} --quiet --out whole"));
    let run_folder = folder.path().join("run");
    let mut n_unlogged = 0;
    for attempt in 0.. {
        let args = if attempt == 0 { format!("{args} --out run") } else { "--resume run --quiet".to_owned() };
        let child = start(&folder, &args, &run_folder, 0);
        std::thread::sleep(Duration::from_millis(30 * attempt));
        send("-INT", &child);
        let (code, stderr) = end(child);
        if code == Some(0) {
            break;
        }
        // None: the signal came before the program listened to any.
        assert!(matches!(code, Some(130) | None), "{code:?}: {stderr}");
        let (done, n_rows) = (iteration(&run_folder), records(&run_folder).len() as u64);
        assert!(n_rows == done || n_rows + 1 == done, "{n_rows} rows, {done} iterations");
        n_unlogged += done - n_rows;
    }
    assert!(n_unlogged > 0, "no signal came while accuracy was measured");
    let bits = |run: &Path| -> Vec<_> {
        let accuracies = |r: &Record| (r.train_accuracy.unwrap(), r.test_accuracy.unwrap());
        records(run).iter().map(|r| (r.iteration, r.loss.to_bits(), accuracies(r))).collect()
    };
    assert_eq!(bits(&run_folder), bits(&folder.path().join("whole")));
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    let folder = TempDir::new().unwrap();
    // A pipe that is full and that nobody reads from: what the first signal has the program say is never done.
    let (reader, mut writer) = std::io::pipe().unwrap();
    let stderr = writer.try_clone().unwrap();
    let n_written = Arc::new(AtomicUsize::new(0));
    let count = n_written.clone();
    std::thread::spawn(move || {
        while let Ok(n) = writer.write(&[0; 512]) {
            count.fetch_add(n, Relaxed);
        }
    });
    loop {
        let before = n_written.load(Relaxed);
        std::thread::sleep(Duration::from_millis(200));
        if before > 0 && before == n_written.load(Relaxed) {
            break;
        }
    }
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let out = signal.trim_start_matches('-');
        let run_folder = folder.path().join(out);
        let args = format!("--dataset synthetic -n 1000000000 --checkpoint-every 1000s --quiet --out {out}");
        let mut child = train_process(&folder, &args).stderr(stderr.try_clone().unwrap()).spawn().unwrap();
        while fs::read_to_string(run_folder.join("loss.csv")).map_or(0, |log| log.lines().count()) < 2 {
            std::thread::sleep(Duration::from_millis(2));
        }
        send(signal, &child);
        while !run_folder.join("loss.svg").exists() {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().unwrap().is_none(), "the first signal ended the program before it was done");
        send(signal, &child);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        // What the first one asked for stays.
        assert!(iteration(&run_folder) > 0);
    }
    drop(reader);
}

#[test]
fn how_to_continue_is_said_as_a_shell_takes_it() {
    let folder = TempDir::new().unwrap();
    for (name, quoted) in [(&b"it's mine"[..], r"'it'\''s mine'"), (b"no\xfftext", r"$'no\xfftext'")] {
        let name = OsStr::from_bytes(name);
        let run_folder = folder.path().join(name);
        if fs::create_dir(&run_folder).is_err() {
            println!("skipped: this file system takes UTF-8 names only");
            continue;
        }
        let mut command = train_process(&folder, "--dataset synthetic -n 1000000000 --quiet --out");
        let child = command.arg(name).spawn().unwrap();
        while !run_folder.join("checkpoint.npz").exists() {
            std::thread::sleep(Duration::from_millis(2));
        }
        send("-INT", &child);
        let (code, stderr) = end(child);
        assert_eq!(code, Some(130));
        assert!(stderr.trim_end().ends_with(&format!("--resume {quoted}")), "{stderr}");
    }
}
