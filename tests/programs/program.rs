//! `numgrad-train` as a user meets it: what it prints, what it writes, what it refuses to overwrite.

use std::fs;
use std::path::Path;

use crate::support::mnist;
use crate::support::programs::{loss_bits, process, records, run, succeeds_without_a_reader, train};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzReader;
use numgrad::train::Record;
use predicates::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

const FILES: [&str; 7] = [".lock", "checkpoint.npz", "loss.csv", "loss.svg", "model.npz", "report.html", "run.json"];
const HEADER: &str = "iteration,loss,elapsed_s,gradient_s,n_evaluations,gradient_norm,train_accuracy,test_accuracy\n";

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn golden_losses(name: &str) -> Vec<f64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let rows = csv::Reader::from_path(path).unwrap().into_deserialize::<(u64, f64)>();
    rows.map(|row| row.unwrap().1).collect()
}

#[test]
fn a_run_on_the_synthetic_data_follows_numpys_losses_in_either_forward_mode() {
    // A full pass takes long; what is wrong with one shows within twenty updates.
    for (forward, n) in [("full", 20), ("incremental", 100)] {
        let folder = TempDir::new().unwrap();
        run(&folder, &format!("--dataset synthetic --out run --forward {forward} -n {n}")).success();
        let log = fs::read_to_string(folder.path().join("run/loss.csv")).unwrap();
        assert!(log.starts_with(HEADER), "{log}");
        let records = records(folder.path().join("run"));
        let golden = golden_losses("synthetic/losses.csv");
        assert_eq!((records.len(), golden.len()), (n, 100));
        for (record, golden) in records.iter().zip(golden) {
            // The rounding of a gradient is about 1e-16·loss/h = 1e-12 a weight; a hundred updates of 0.1 stay far below
            // 1e-9.
            let Record { iteration, loss, .. } = record;
            assert!((loss - golden).abs() < 1e-9, "{forward}, iteration {iteration}: {loss}, NumPy has {golden}");
        }
    }
}

#[test]
fn a_run_leaves_its_log_its_picture_its_weights_and_its_settings() {
    let folder = TempDir::new().unwrap();
    let summary = "Final loss:";
    run(&folder, "--dataset synthetic -n 7 --eval-every 3 --threads 2 --out a/b/run --save-gradient g.npz")
        .success()
        .stdout(predicate::str::starts_with(summary).and(predicate::str::contains("a/b/run")))
        .stderr(predicate::str::contains("100-10-10").and(predicate::str::contains(summary).not()));
    let run = folder.path().join("a/b/run");
    let mut names: Vec<_> =
        fs::read_dir(&run).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, FILES);

    let records = records(&run);
    let measured: Vec<u64> = records.iter().filter(|r| r.train_accuracy.is_some()).map(|r| r.iteration).collect();
    assert_eq!(measured, [3, 6, 7]);
    assert!(records.iter().all(|r| r.test_accuracy.is_none()));
    // 100·10 + 10 + 10·10 + 10 parameters, two evaluations each.
    assert!(records.iter().all(|r| r.n_evaluations == 2 * 1120 * r.iteration));
    assert!(records.is_sorted_by(|a, b| a.elapsed_s < b.elapsed_s));
    assert!(records.iter().all(|r| 0.0 < r.gradient_s && r.gradient_s < r.elapsed_s && r.gradient_norm > 0.0));

    let last = records.last().unwrap();
    let json = json(&run.join("run.json"));
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["dataset"]["name"], "synthetic");
    assert_eq!(json["dataset"]["train_samples"], 100);
    assert_eq!(json["dataset"]["test_samples"], 0);
    assert_eq!(json["dataset"]["input_size"], 100);
    assert_eq!(json["dataset"]["classes"], 10);
    assert_eq!(
        (&json["iterations"], &json["batch_size"], &json["hidden"]),
        (&7.into(), &100.into(), &[10].to_vec().into())
    );
    assert_eq!(json["activation"], "sigmoid");
    assert_eq!((&json["learning_rate"], &json["step"], &json["seed"]), (&0.1.into(), &1e-4.into(), &42.into()));
    assert_eq!((&json["init"], &json["init_scale"], &json["eval_every"]), (&"uniform".into(), &0.01.into(), &3.into()));
    assert_eq!((&json["threads"], &json["n_parameters"]), (&2.into(), &1120.into()));
    assert_eq!(json["n_evaluations"], last.n_evaluations);
    assert_eq!(json["final_loss"].as_f64(), Some(last.loss));
    assert_eq!(json["train_s"].as_f64(), Some(last.elapsed_s));
    assert_eq!(json["train_accuracy"].as_f64(), last.train_accuracy);
    assert_eq!(json["test_accuracy"], Value::Null);
    let gradient_s: f64 = records.iter().map(|r| r.gradient_s).sum();
    assert!((json["gradient_s"].as_f64().unwrap() - gradient_s).abs() < 1e-9);
    let batch_s = json["batch_s"].as_f64().unwrap();
    assert!(0.0 < batch_s && batch_s < gradient_s);
    assert!(json["isa"].is_string() && json["forward"].is_string());

    for path in [run.join("model.npz"), folder.path().join("g.npz")] {
        let mut npz = NpzReader::new(fs::File::open(path).unwrap()).unwrap();
        assert_eq!(npz.by_name::<ndarray::OwnedRepr<f64>, ndarray::Ix2>("W1").unwrap().dim(), (100, 10));
        let b1: Array1<f64> = npz.by_name("b1").unwrap();
        let w2: Array2<f64> = npz.by_name("W2").unwrap();
        let b2: Array1<f64> = npz.by_name("b2").unwrap();
        assert_eq!((b1.len(), w2.dim(), b2.len()), (10, (10, 10), 10));
    }

    let svg = fs::read_to_string(run.join("loss.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    for text in ["Training loss", "iteration", "cross-entropy", "ln 10 = 2.3026"] {
        assert!(svg.contains(text), "the picture lacks \"{text}\"");
    }
}

#[test]
fn the_saved_gradient_is_the_last_update_divided_by_the_learning_rate() {
    let folder = TempDir::new().unwrap();
    run(&folder, "--dataset synthetic -n 1 --out one").success();
    run(&folder, "--dataset synthetic -n 2 --out two --save-gradient two/gradient.npz").success();
    let w1 = |path: &str| -> Array2<f64> {
        NpzReader::new(fs::File::open(folder.path().join(path)).unwrap()).unwrap().by_name("W1").unwrap()
    };
    let moved = (w1("one/model.npz") - w1("two/model.npz")) / 0.1;
    // Subtracting weights of about 0.01 loses 1e-18, divided by 0.1.
    assert!((moved - w1("two/gradient.npz")).iter().all(|difference| difference.abs() < 1e-16));
}

#[test]
fn weights_and_losses_have_the_same_bits_for_any_number_of_threads() {
    let folder = TempDir::new().unwrap();
    for threads in [1, 2, 3, 8] {
        run(&folder, &format!("--dataset synthetic -n 10 --threads {threads} --out {threads}")).success();
    }
    let losses = |threads: &str| -> Vec<u64> { loss_bits(folder.path().join(threads)) };
    let weights = |threads: &str| fs::read(folder.path().join(threads).join("model.npz")).unwrap();
    for threads in ["2", "3", "8"] {
        assert_eq!(losses("1"), losses(threads), "{threads} threads");
        assert!(weights("1") == weights(threads), "{threads} threads");
    }
}

#[test]
fn rows_hold_the_shortest_text_that_reads_back_to_the_same_number() {
    let folder = TempDir::new().unwrap();
    run(&folder, "--dataset synthetic -n 3 --out run").success();
    let mut log = csv::Reader::from_path(folder.path().join("run/loss.csv")).unwrap();
    for row in log.records() {
        for text in row.unwrap().iter().filter(|text| !text.is_empty()) {
            let number: f64 = text.parse().unwrap();
            let n_digits = |text: &str| {
                let mantissa = text.split('e').next().unwrap().replace('.', "");
                mantissa.trim_start_matches('0').trim_end_matches('0').len()
            };
            assert_eq!(n_digits(text), n_digits(&format!("{number:e}")), "{text}");
        }
    }
}

#[test]
fn without_a_terminal_a_few_plain_lines_tell_of_progress_and_quiet_silences_them() {
    let folder = TempDir::new().unwrap();
    let lines = predicate::function(|stderr: &str| {
        let iterations: Vec<_> = stderr.lines().filter(|line| line.starts_with("Iteration ")).collect();
        iterations.len() == 10 && iterations[0].starts_with("Iteration 2: Loss = 2.2972") && !stderr.contains('\x1b')
    });
    run(&folder, "--dataset synthetic -n 20 --out loud").success().stderr(lines);
    run(&folder, "--dataset synthetic -n 20 --out quiet --quiet")
        .success()
        .stderr("")
        .stdout(predicate::str::contains("Final loss:"));
}

#[test]
fn a_folder_with_files_in_it_is_refused_until_force_replaces_the_run() {
    let folder = TempDir::new().unwrap();
    run(&folder, "--dataset synthetic -n 3 --out run").success();
    fs::write(folder.path().join("run/notes.txt"), "mine").unwrap();
    let before = fs::read(folder.path().join("run/loss.csv")).unwrap();

    run(&folder, "--dataset synthetic -n 1 --out run")
        .code(1)
        .stderr(predicate::str::contains("--out run").and(predicate::str::contains("--force")));
    assert_eq!(fs::read(folder.path().join("run/loss.csv")).unwrap(), before);

    run(&folder, "--dataset synthetic -n 1 --out run --force").success();
    assert_eq!(records(folder.path().join("run")).len(), 1);
    assert_eq!(fs::read_to_string(folder.path().join("run/notes.txt")).unwrap(), "mine");
}

#[test]
fn a_saved_gradient_is_not_replaced_without_force() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("g.npz"), "mine").unwrap();
    run(&folder, "--dataset synthetic -n 1 --out run --save-gradient g.npz")
        .code(1)
        .stderr(predicate::str::contains("g.npz").and(predicate::str::contains("--force")));
    assert_eq!(fs::read_to_string(folder.path().join("g.npz")).unwrap(), "mine");
    assert!(!folder.path().join("run").exists());
}

#[test]
fn without_out_every_run_gets_a_folder_of_its_own_named_by_time() {
    let folder = TempDir::new().unwrap();
    for _ in 0..3 {
        run(&folder, "--dataset synthetic -n 1").success();
    }
    let runs: Vec<_> = fs::read_dir(folder.path().join("results")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(runs.len(), 3);
    for run in runs {
        let name = run.file_name().unwrap().to_str().unwrap();
        let pattern = "dddd-dd-ddTdd-dd-ddZ";
        let digits_hidden: String = name.chars().map(|c| if c.is_ascii_digit() { 'd' } else { c }).collect();
        assert!(digits_hidden.starts_with(pattern), "{name}");
        assert!(FILES.iter().all(|file| run.join(file).is_file()), "{name}");
    }
}

#[test]
fn a_closed_standard_output_ends_the_program_quietly() {
    let folder = TempDir::new().unwrap();
    for args in [&["--help"][..], &["--dataset", "synthetic", "-n", "1", "--quiet"]] {
        let mut command = process("numgrad-train", &folder);
        command.args(args);
        succeeds_without_a_reader(command);
    }
}

#[test]
fn the_help_tells_every_flag_and_its_default() {
    let folder = TempDir::new().unwrap();
    let help = run(&folder, "--help").success().get_output().stdout.clone();
    let help = String::from_utf8(help).unwrap();
    let flags = "-t, --threads|-n, --iterations|-b, --batch-size|--learning-rate|--hidden|--activation|--step|--seed|--init|\
                 --init-scale|--dataset|--data-dir|--transpose|--classes|--mirror|--forward|--eval-every|--out|--force|\
                 --resume|--checkpoint-every|--save-gradient|--open|-q, --quiet|-h, --help|-V, --version";
    for flag in flags.split('|') {
        assert!(help.contains(flag), "{flag} is not in the help");
    }
    for default in ["100", "0.1", "50; 10", "1e-4", "42", "uniform", "0.01", "10", "full", "results/", "30s"] {
        assert!(help.contains(&format!("[default: {default}")) || help.contains(default), "{default}");
    }
    run(&folder, "--version").success().stdout(concat!("numgrad-train ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn the_environment_gives_the_number_of_threads_and_the_flag_wins_over_it() {
    let folder = TempDir::new().unwrap();
    let threads = |args: &str, variable: &str, out: &str| {
        let args = format!("--dataset synthetic -n 1 --out {out} {args}");
        train(&folder).args(args.split_whitespace()).env("RAYON_NUM_THREADS", variable).assert().success();
        json(&folder.path().join(out).join("run.json"))["threads"].as_u64().unwrap()
    };
    assert_eq!(threads("", "3", "a"), 3);
    assert_eq!(threads("--threads 2", "3", "b"), 2);
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    assert_eq!(threads("--threads 0", "3", "c"), cores);
    assert_eq!(threads("", "", "d"), cores);
}

#[test]
fn an_instruction_set_can_be_forced_and_is_recorded() {
    let folder = TempDir::new().unwrap();
    let args = "--dataset synthetic -n 1 --out run";
    train(&folder).args(args.split(' ')).env("NUMGRAD_ISA", "plain").assert().success();
    assert_eq!(json(&folder.path().join("run/run.json"))["isa"], "plain");
    train(&folder)
        .args(args.split(' '))
        .env("NUMGRAD_ISA", "mmx")
        .assert()
        .code(2)
        .stderr(predicate::str::contains("NUMGRAD_ISA").and(predicate::str::contains("plain")));
}

#[test]
fn the_dataset_flag_wins_over_the_environment_and_an_empty_variable_counts_as_unset() {
    let folder = TempDir::new().unwrap();
    for variable in ["/nonexistent", ""] {
        train(&folder).args(["--dataset", "synthetic", "-n", "1"]).env("NUMGRAD_DATA_DIR", variable).assert().success();
    }
    train(&folder)
        .args(["-n", "1"])
        .env("NUMGRAD_DATA_DIR", "/nonexistent")
        .assert()
        .code(1)
        .stderr(predicate::str::contains("/nonexistent"));
}

#[test]
fn weights_that_grow_beyond_all_bounds_stop_the_run_and_are_kept() {
    let folder = TempDir::new().unwrap();
    // Weights near the largest f64: sums over 100 inputs overflow, and infinities of both signs meet.
    run(&folder, "--dataset synthetic -n 5 --init normal --init-scale 3e307 --out run").code(1).stderr(
        predicate::str::contains("the run in run stopped: iteration 1")
            .and(predicate::str::contains("gradient of W1"))
            .and(predicate::str::contains("learning rate"))
            .and(predicate::str::contains("panicked").not()),
    );
    assert!(folder.path().join("run/model.npz").exists());
    // What there is is reported, with the reason that there is no more.
    let summary = json(&folder.path().join("run/run.json"));
    assert_eq!((&summary["iterations_done"], &summary["test_accuracy"]), (&0.into(), &Value::Null));
    assert!(summary["stopped"].as_str().unwrap().starts_with("iteration 1: the gradient of W1 is "), "{summary}");
    let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    for part in ["Stopped after iteration 0 of 5", "the gradient of W1 is", "try a smaller learning rate", "e307"] {
        assert!(page.contains(part), "\"{part}\" is not in the page");
    }
    assert!(!page.contains("class=\"chart\""), "there is nothing to draw");
    assert!(!page.contains("--resume") && !page.contains("NaN%"));
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_which_keeps_the_last_finite_weights_and_says_what_to_change() {
    let folder = TempDir::new().unwrap();
    // Weights of 1e307 are finite, but not the sum over a hundred hidden units.
    let first = "--dataset synthetic -n 50 --hidden 100 --learning-rate 1.7e308 --out run";
    // Continued, it stops at the same place.
    for args in [first, "--resume run"] {
        run(&folder, args).code(1).stderr(
            predicate::str::contains("error: the run in run stopped: iteration 1: the loss after the update is NaN")
                .and(predicate::str::contains("try a smaller learning rate"))
                .and(predicate::str::contains("to continue").not()),
        );
        assert_eq!(fs::read_to_string(folder.path().join("run/loss.csv")).unwrap(), "");
        let model = fs::File::open(folder.path().join("run/model.npz")).unwrap();
        assert!(numgrad::train::read_model(model).unwrap().values().iter().all(|weight| weight.is_finite()));
    }
}

#[test]
fn the_first_iteration_on_mnist_has_the_articles_loss() {
    let Some(mnist) = mnist::folder() else { return };
    let mnist = fs::canonicalize(mnist).expect("NUMGRAD_DATA_DIR names a folder");
    let folder = TempDir::new().unwrap();
    train(&folder)
        .args(["-n", "1", "--forward", "full", "--out", "run"])
        .env("NUMGRAD_DATA_DIR", mnist)
        .assert()
        .success();
    let loss = records(folder.path().join("run"))[0].loss;
    let golden = golden_losses("article/losses.csv")[0];
    assert!((loss - golden).abs() < 1e-9, "{loss}, NumPy has {golden}");
}
