//! Several learning rates in one go, as a user meets them.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::support::programs::{iteration, loss_bits, run, train_process};
use numgrad::report::Run;
use predicates::prelude::*;
use tempfile::TempDir;

const SYNTHETIC: &str = "--dataset synthetic --batch-size 20";

#[test]
fn each_learning_rate_has_a_run_of_its_own_and_one_page_compares_them() {
    let folder = TempDir::new().unwrap();
    let table = predicate::function(|stdout: &str| {
        let begins: Vec<&str> = stdout.lines().map(|line| line.split(' ').next().unwrap()).collect();
        begins == ["Learning", "0.01", "0.1", "1", "Page:"]
    });
    run(&folder, &format!("{SYNTHETIC} -n 5 --out sweep --learning-rate 0.01,0.1,1"))
        .success()
        .stdout(table)
        .stderr(predicate::str::contains("Learning rate 0.1 (2 of 3)"));
    let page = fs::read_to_string(folder.path().join("sweep/comparison.html")).unwrap();
    assert!(page.contains("learning-rate-0.01, learning-rate-0.1, learning-rate-1"));
    // Each is the run that it would be alone, and is continued alone.
    run(&folder, &format!("{SYNTHETIC} -n 5 --out alone --learning-rate 0.1 --quiet")).success();
    assert_eq!(loss_bits(folder.path().join("alone")), loss_bits(folder.path().join("sweep/learning-rate-0.1")));
    run(&folder, "--resume sweep/learning-rate-0.1 -n 7 --quiet").success();
    let run = Run::read(&folder.path().join("sweep/learning-rate-0.1")).unwrap();
    assert_eq!((run.summary.iterations_done(), run.summary.settings.training.learning_rate), (7, 0.1));
}

#[test]
fn one_that_diverges_does_not_keep_the_others_from_being_tried() {
    let folder = TempDir::new().unwrap();
    run(&folder, "--dataset synthetic --hidden 100 -n 4 --out sweep --learning-rate 0.1,1.7e308,1 --quiet")
        .code(1)
        .stdout(predicate::str::contains("(diverged)").and(predicate::str::contains("Page:")))
        .stderr(
            predicate::str::starts_with("error: the run in sweep")
                .and(predicate::str::contains("learning-rate-1.7e308 stopped")),
        );
    let done = |name: &str| Run::read(&folder.path().join("sweep").join(name)).unwrap().summary.iterations_done();
    assert_eq!((done("learning-rate-0.1"), done("learning-rate-1")), (4, 4));
    let page = fs::read_to_string(folder.path().join("sweep/comparison.html")).unwrap();
    assert!(page.contains("learning-rate-1.7e308") && !page.contains("NaN<"));
}

#[test]
fn what_does_not_go_with_several_learning_rates_is_refused_before_anything_is_done() {
    let folder = TempDir::new().unwrap();
    run(&folder, &format!("{SYNTHETIC} -n 2 --out run --quiet")).success();
    for (args, flag) in [
        ("--resume run --learning-rate 0.1,1", "--resume"),
        ("--dataset synthetic --save-gradient g.npz --learning-rate 0.1,1", "--save-gradient"),
        ("--dataset synthetic --step-study s.svg --learning-rate 0.1,1", "--step-study"),
        ("--dataset synthetic --learning-rate 0.1,0.1", "twice"),
        ("--dataset synthetic --learning-rate 0.1,0", "above 0"),
    ] {
        run(&folder, args).code(2).stdout("").stderr(predicate::str::contains(flag));
    }
    // A folder with runs in it is not written to, unless --force says so, which leaves what is not replaced.
    let several = format!("{SYNTHETIC} -n 1 --out run --learning-rate 0.1,1 --quiet");
    run(&folder, &several)
        .code(1)
        .stdout("")
        .stderr(predicate::str::contains("--out run: expected a new or empty folder"));
    assert!(!folder.path().join("run/learning-rate-0.1").exists());
    run(&folder, &format!("{several} --force")).success();
    assert_eq!(iteration(folder.path().join("run")), 2);
    assert_eq!(iteration(folder.path().join("run/learning-rate-1")), 1);
    assert!(!folder.path().join("results").exists());
}

#[test]
fn the_gradient_is_checked_once_and_without_out_the_folder_is_named_by_time() {
    let folder = TempDir::new().unwrap();
    run(&folder, &format!("{SYNTHETIC} -n 1 --check-gradient --learning-rate 0.1,1 --quiet"))
        .success()
        .stdout(predicate::str::contains("beside backpropagation").count(1));
    let sweeps: Vec<_> = fs::read_dir(folder.path().join("results")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(sweeps.len(), 1);
    assert!(sweeps[0].join("comparison.html").is_file() && sweeps[0].join("learning-rate-1/run.json").is_file());
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_sweep_and_says_what_was_not_begun() {
    let folder = TempDir::new().unwrap();
    let mut child = train_process(&folder, &format!("{SYNTHETIC} -n 100000000 --out sweep --learning-rate 0.1,1,0.5"))
        .spawn()
        .unwrap();
    let log = folder.path().join("sweep/learning-rate-0.1/loss.csv");
    while fs::read_to_string(&log).map_or(0, |log| log.lines().count()) < 5 {
        assert!(child.try_wait().unwrap().is_none(), "ended too early");
        sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("--resume sweep/learning-rate-0.1\n"), "{stderr}");
    assert!(stderr.contains("not begun: learning rates 1, 0.5\n"), "{stderr}");
    assert!(!folder.path().join("sweep/learning-rate-1").exists());
}
