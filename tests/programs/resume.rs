//! A run that was interrupted and continued: the same bits as one that never was, and nothing continued that must not be.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::programs::{process, records, run, shown, train};
use numgrad::dataset::synthetic;
use numgrad::nn::NetworkShape;
use numgrad::nn::simd::Isa;
use numgrad::random::LegacyRandom;
use numgrad::train::{
    Checkpoint, Forward, GradientMethod, Init, Record, Trainer, TrainingSettings, initial_parameters,
};
use predicates::prelude::*;
use tempfile::TempDir;

/// All that must not depend on interruptions, of each iteration.
fn bits(folder: &TempDir, run: &str) -> Vec<(u64, u64, u64, u64)> {
    let bits = |r: &Record| (r.iteration, r.loss.to_bits(), r.gradient_norm.to_bits(), r.n_evaluations);
    records(folder.path().join(run)).iter().map(bits).collect()
}

#[track_caller]
fn assert_same(folder: &TempDir, continued: &str, uninterrupted: &str) {
    assert_eq!(bits(folder, continued), bits(folder, uninterrupted));
    let model = |run: &str| fs::read(folder.path().join(run).join("model.npz")).unwrap();
    assert!(model(continued) == model(uninterrupted), "the weights differ");
    let snapshots = |run: &str| fs::read(folder.path().join(run).join("first-layer.npz")).ok();
    assert!(snapshots(continued) == snapshots(uninterrupted), "the first layer at several times differs");
    let records = records(folder.path().join(continued));
    assert!(records.is_sorted_by(|a, b| a.elapsed_s < b.elapsed_s), "the time of training does not go on");
    assert!(folder.path().join(continued).join("run.json").exists());
}

#[test]
fn a_training_continues_from_a_checkpoint_with_the_same_bits() {
    let shape = NetworkShape::new([100, 7, 10]);
    for (gradient, forward) in [
        (GradientMethod::Numerical, Forward::Full),
        (GradientMethod::Numerical, Forward::Incremental),
        (GradientMethod::Backprop, Forward::Full),
    ] {
        let mut random = LegacyRandom::seed(42);
        let data = synthetic(10, &mut random);
        let parameters = initial_parameters(&shape, Init::Normal, 0.1, &mut random);
        let settings = TrainingSettings { batch_size: 32, gradient, forward, ..TrainingSettings::default() };
        let mut trainer = Trainer::new(&data.train, parameters, random, settings);
        let mut file = Cursor::new(Vec::new());
        for iteration in 0..12 {
            if iteration == 5 {
                trainer.checkpoint().write(&mut file, "").unwrap();
            }
            trainer.iterate(None).unwrap();
        }
        let (checkpoint, _) = Checkpoint::read(&mut file).unwrap();
        let mut continued = Trainer::resume(&data.train, checkpoint, settings);
        assert_eq!(continued.iteration(), 5);
        for _ in 5..12 {
            continued.iterate(None).unwrap();
        }
        assert_eq!(continued.net(), trainer.net(), "{gradient}, {forward}");
        let random = |trainer: &Trainer| trainer.checkpoint().random;
        assert_eq!(random(&continued), random(&trainer));
    }
}

#[test]
fn a_finished_run_can_be_given_more_iterations() {
    let folder = TempDir::new().unwrap();
    for forward in ["incremental", "full"] {
        let args = format!("--dataset synthetic --seed 7 --init normal --forward {forward} --hidden 7");
        run(&folder, &format!("{args} -n 9 --out whole-{forward} --threads 2")).success();
        run(&folder, &format!("{args} -n 4 --out {forward} --threads 3")).success();
        // Nothing but the number of iterations has to be given again.
        run(&folder, &format!("--resume {forward} -n 6 --threads 1"))
            .success()
            .stderr(predicate::str::contains("continued after iteration 4"))
            .stdout(predicate::str::contains("(iteration 6)"));
        run(&folder, &format!("--resume {forward} --iterations 9")).success();
        assert_same(&folder, forward, &format!("whole-{forward}"));
        let json = fs::read_to_string(folder.path().join(forward).join("run.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let gradient_s: f64 = records(folder.path().join(forward)).iter().map(|r| r.gradient_s).sum();
        assert!((json["gradient_s"].as_f64().unwrap() - gradient_s).abs() < 1e-9);
        assert!(json.get("batch_s").is_none(), "what new batches took before is not known");
        assert_eq!((&json["iterations"], &json["seed"], &json["hidden"][0]), (&9.into(), &7.into(), &7.into()));
    }
}

// Normal numbers are drawn with the logarithm of the C library, which is another one elsewhere.
#[cfg_attr(not(all(target_os = "linux", target_env = "gnu")), ignore = "the synthetic samples are others")]
#[test]
fn a_run_of_an_older_version_goes_on_as_if_it_were_one_of_this() {
    if !Isa::Avx2.is_available() {
        println!("skipped: the run was computed with AVX2, which this processor does not have");
        return;
    }
    let folder = TempDir::new().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/run-0.1.0");
    fs::create_dir(folder.path().join("run")).unwrap();
    for file in ["checkpoint.npz", "loss.csv", "run.json", "model.npz"] {
        fs::copy(fixture.join(file), folder.path().join("run").join(file)).unwrap();
    }
    run(&folder, "--resume run -n 20").success().stderr(predicate::str::contains("continued after iteration 12"));
    let args = "--dataset synthetic --hidden 5 --batch-size 20 --eval-every 5 -n 20 --out whole";
    train(&folder).args(args.split(' ')).env("NUMGRAD_ISA", "avx2").assert().success();
    // The gradients of this version are the same differences, rounded in other places.
    let [continued, whole] = ["run", "whole"].map(|name| records(folder.path().join(name)));
    assert_eq!((continued.len(), whole.len()), (20, 20));
    for (continued, whole) in continued.iter().zip(&whole) {
        let [found, expected] = [continued, whole].map(|record| record.loss);
        assert!((found - expected).abs() <= 1e-13 * expected, "iteration {}: {found} and {expected}", whole.iteration);
        assert_eq!((continued.iteration, continued.n_evaluations), (whole.iteration, whole.n_evaluations));
        assert_eq!(continued.test_accuracy, whole.test_accuracy);
    }

    // And whoever reads its files finds all that was in them, and the activation and a worked derivative.
    let json = |folder: &Path| {
        let summary = fs::read_to_string(folder.join("run.json")).unwrap();
        let state = Checkpoint::read(fs::File::open(folder.join("checkpoint.npz")).unwrap()).unwrap().1;
        [summary, state].map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap())
    };
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let with = |value: &serde_json::Value, new: &[&str]| {
        &names(value) | &new.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>()
    };
    let [[summary, state], [old_summary, old_state]] = [json(&folder.path().join("run")), json(&fixture)];
    assert_eq!(names(&summary), with(&old_summary, &["activation", "worked_weight"]));
    assert_eq!(names(&state), names(&old_state));
    assert_eq!(names(&state["settings"]), with(&old_state["settings"], &["activation"]));
}

#[test]
fn a_finished_run_that_is_continued_says_again_what_came_of_it() {
    let folder = TempDir::new().unwrap();
    let first = run(&folder, "--dataset synthetic -n 3 --out run").success().get_output().stdout.clone();
    let before = bits(&folder, "run");
    for file in ["model.npz", "loss.svg", "run.json"] {
        fs::remove_file(folder.path().join("run").join(file)).unwrap();
    }
    let second = run(&folder, "--resume run").success().get_output().stdout.clone();
    assert_eq!(first, second);
    assert_eq!(bits(&folder, "run"), before);
    for file in ["model.npz", "loss.svg", "run.json"] {
        assert!(folder.path().join("run").join(file).exists(), "{file}");
    }
    run(&folder, "--resume run --save-gradient g.npz").code(1).stderr(predicate::str::contains("--save-gradient"));
}

#[test]
fn killed_at_any_moment_a_run_continues_with_the_same_bits() {
    const N: u64 = 3000;
    let folder = TempDir::new().unwrap();
    // Every iteration a checkpoint, and every hundredth of a second: both in the midst of writing and between.
    for (out, every) in [("a", "1"), ("b", "0.01s")] {
        let settings = [
            "--dataset",
            "synthetic",
            "--seed",
            "3",
            "--init",
            "normal",
            "-n",
            "3000",
            "--batch-size",
            "10",
            "--hidden",
            "3",
        ];
        train(&folder).args(settings).args(["--out", "whole", "--force", "--quiet"]).assert().success();
        let run_folder = folder.path().join(out);
        // A different moment of each attempt, in no order; what the machine does besides makes them random.
        let mut moments = LegacyRandom::seed(1);
        let mut reached = vec![0];
        for attempt in 0..10 {
            let mut command = process("numgrad-train", &folder);
            if run_folder.join("checkpoint.npz").exists() {
                command.args(["--resume", out]);
            } else {
                command.args(settings).args(["--out", out, "--force", "--checkpoint-every", every]);
            }
            command.args(["--threads", ["1", "2", "3"][attempt % 3], "--quiet"]);
            let mut child = command.stdout(Stdio::null()).spawn().unwrap();
            // Every other attempt may end before it has got anywhere.
            let before = *reached.last().unwrap();
            while attempt % 2 == 0 && iteration(&run_folder) <= before && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(moments.randint(0, 60) as u64));
            // SIGKILL.
            child.kill().unwrap();
            child.wait().unwrap();
            reached.push(iteration(&run_folder));
            if attempt == 5 {
                // What power loss in the midst of a row leaves.
                let mut log = fs::File::options().append(true).open(run_folder.join("loss.csv")).unwrap();
                log.write_all(b"2999,0.5,1.2").unwrap();
            }
        }
        assert!(reached.is_sorted(), "{reached:?}");
        assert!(reached.iter().any(|n| (1..N).contains(n)), "no attempt was killed in mid-run: {reached:?}");
        run(&folder, &format!("--resume {out} --quiet")).success();
        assert_same(&folder, out, "whole");
    }
}

#[test]
fn a_continued_run_keeps_the_first_layer_after_the_same_iterations_as_one_never_interrupted() {
    let folder = TempDir::new().unwrap();
    let args = "--dataset embedded --init normal --hidden 5 --batch-size 20";
    run(&folder, &format!("{args} -n 31 --out whole")).success();
    let snapshots = |run: &str| folder.path().join(run).join("first-layer.npz");
    assert!(snapshots("whole").exists());
    run(&folder, &format!("{args} -n 2 --out run")).success();
    assert!(fs::read(snapshots("run")).unwrap() != fs::read(snapshots("whole")).unwrap());
    run(&folder, "--resume run -n 12").success();
    // As a run leaves it that was killed after iteration 31, with a checkpoint of iteration 12.
    fs::copy(snapshots("whole"), snapshots("run")).unwrap();
    run(&folder, "--resume run -n 31").success();
    assert_same(&folder, "run", "whole");
}

#[test]
fn rows_after_the_checkpoint_are_computed_again_and_half_a_row_is_no_obstacle() {
    let folder = TempDir::new().unwrap();
    run(&folder, "--dataset synthetic -n 8 --out whole").success();
    run(&folder, "--dataset synthetic -n 5 --out run").success();
    let log = folder.path().join("run/loss.csv");
    let rows = fs::read_to_string(&log).unwrap();
    for after in ["6", "6,9.9,", "6,9.9,1,1,1,1,,\n7,9.9,1,1,1,1,,\n8,9."] {
        fs::write(&log, format!("{rows}{after}")).unwrap();
        run(&folder, "--resume run").success();
        assert_eq!(fs::read_to_string(&log).unwrap(), rows);
    }
    fs::write(&log, format!("{rows}6,9.9,")).unwrap();
    run(&folder, "--resume run -n 8").success();
    assert_same(&folder, "run", "whole");
}

#[test]
fn a_log_that_was_changed_since_the_checkpoint_is_refused() {
    let folder = TempDir::new().unwrap();
    run(&folder, "--dataset synthetic -n 5 --out run").success();
    let log = folder.path().join("run/loss.csv");
    let rows = fs::read_to_string(&log).unwrap();
    for changed in [&rows[..rows.len() - 1], &rows.replace('\n', "\r\n"), "", &rows.replace("\n3,", "\nx,")] {
        fs::write(&log, changed).unwrap();
        run(&folder, "--resume run -n 9")
            .code(1)
            .stderr(predicate::str::contains(shown("run/loss.csv") + ": expected"));
        assert_eq!(fs::read_to_string(&log).unwrap(), *changed);
    }
    fs::remove_file(&log).unwrap();
    run(&folder, "--resume run -n 9").code(1).stderr(predicate::str::contains(shown("run/loss.csv")));
}

#[test]
fn a_setting_that_would_change_the_result_is_refused_with_both_values() {
    let folder = TempDir::new().unwrap();
    run(&folder, "--dataset synthetic -n 4 --out run").success();
    let before = fs::read(folder.path().join("run/checkpoint.npz")).unwrap();
    for (flag, given, saved) in [
        ("--batch-size", "99", "100"),
        ("--learning-rate", "0.2", "0.1"),
        ("--hidden", "50", "10"),
        ("--hidden", "10,5", "10"),
        ("--activation", "relu", "sigmoid"),
        ("--step", "0.001", "0.0001"),
        ("--seed", "43", "42"),
        ("--init", "normal", "uniform"),
        ("--init-scale", "1", "0.01"),
        ("--init-scale", "he", "0.01"),
        ("--classes", "9", "10"),
        ("--forward", "full", "incremental"),
        ("--gradient", "backprop", "numerical"),
        ("--dataset", "embedded", "synthetic"),
        ("--iterations", "3", "4"),
    ] {
        let both = predicate::str::contains(format!("{flag} is {given}, but the run has {saved}"));
        run(&folder, &format!("--resume run {flag} {given}")).code(1).stdout("").stderr(both);
    }
    let other = if Isa::best().to_string() == "plain" { return } else { "plain" };
    let both = predicate::str::contains(format!("NUMGRAD_ISA is {other}, but the run has {}", Isa::best()));
    train(&folder).args(["--resume", "run"]).env("NUMGRAD_ISA", other).assert().code(1).stderr(both);
    assert!(fs::read(folder.path().join("run/checkpoint.npz")).unwrap() == before);

    // The same values again are no contradiction, and what does not change the result may change.
    let same = "--batch-size 100 --learning-rate 0.1 --hidden 10 --step 1e-4 --seed 42 --dataset synthetic -n 6";
    run(&folder, &format!("--resume run {same} --eval-every 1 --checkpoint-every 1 --threads 2 --force")).success();
    assert_eq!(records(folder.path().join("run")).iter().filter(|r| r.train_accuracy.is_some()).count(), 3);
}

#[test]
fn other_samples_are_refused_and_moved_ones_are_found_by_their_new_folder() {
    let folder = TempDir::new().unwrap();
    let file = |header: &[u32], body: &[u8]| -> Vec<u8> {
        header.iter().flat_map(|n| n.to_be_bytes()).chain(body.iter().copied()).collect()
    };
    let write = |name: &str, labels: &[u8]| {
        let data = folder.path().join(name);
        fs::create_dir_all(&data).unwrap();
        for set in ["train", "t10k"] {
            fs::write(data.join(format!("{set}-images-idx3-ubyte")), file(&[2051, 3, 2, 2], &[9; 12])).unwrap();
            fs::write(data.join(format!("{set}-labels-idx1-ubyte")), file(&[2049, 3], labels)).unwrap();
        }
    };
    write("data", &[0, 1, 2]);
    run(&folder, "--data-dir data -n 2 --out run").success();
    // The folder is known from the checkpoint, from wherever the program is called.
    let elsewhere = TempDir::new().unwrap();
    train(&elsewhere).arg("--resume").arg(folder.path().join("run")).args(["-n", "3"]).assert().success();

    fs::rename(folder.path().join("data"), folder.path().join("moved")).unwrap();
    run(&folder, "--resume run -n 4").code(1).stderr(predicate::str::contains("data"));
    run(&folder, "--resume run -n 4 --data-dir moved").success();
    // The environment may have changed; it is not asked where the checkpoint knows better.
    write("other", &[0, 1, 1]);
    train(&folder).args(["--resume", "run", "-n", "4"]).env("NUMGRAD_DATA_DIR", "other").assert().success();
    for (args, words) in [
        ("--resume run --mirror http://localhost", "--mirror says where to download MNIST from"),
        ("--resume synthetic --data-dir moved", "--data-dir names files to read"),
    ] {
        run(&folder, "--dataset synthetic -n 1 --out synthetic --force").success();
        run(&folder, args).code(1).stderr(predicate::str::contains(words));
    }
    run(&folder, "--resume run -n 5 --data-dir other")
        .code(1)
        .stderr(predicate::str::contains("expected the samples").and(predicate::str::contains("CRC-32")));
    assert_eq!(records(folder.path().join("run")).len(), 4);
}

#[test]
fn a_run_on_pictures_that_were_turned_goes_on_with_them_turned() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("train.csv"), "1,0,1,2,255\n0,4,5,6,7\n").unwrap();
    run(&folder, "--data-dir train.csv --transpose -n 2 --batch-size 2 --out run").success();
    run(&folder, "--resume run -n 3").success();
    run(&folder, "--resume run -n 4 --transpose").success();
    run(&folder, "--data-dir train.csv -n 2 --batch-size 2 --out plain").success();
    let words = predicate::str::contains("--transpose is true, but the run has none");
    run(&folder, "--resume plain -n 3 --transpose").code(1).stderr(words);
}

#[test]
fn the_names_of_the_classes_are_kept_and_a_flag_changes_them() {
    let folder = TempDir::new().unwrap();
    let names = |expected: serde_json::Value| {
        let summary = fs::read_to_string(folder.path().join("run/run.json")).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["dataset"]["class_names"], expected);
        let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
        assert_eq!(page.contains("0 Cat"), !expected.is_null(), "{page}");
    };
    let run = |args: &str| run(&folder, args).success();
    fs::write(folder.path().join("names.txt"), "Cat\n\u{201c}Dog\u{201d}\n").unwrap();
    run("--dataset synthetic --classes 2 -n 1 --out run --class-names names.txt");
    let kept = serde_json::json!(["Cat", "\u{201c}Dog\u{201d}"]);
    names(kept.clone());
    fs::remove_file(folder.path().join("names.txt")).unwrap();
    run("--resume run -n 2");
    names(kept);
    fs::write(folder.path().join("other.txt"), "1 Cow\n0 Cat\n").unwrap();
    run("--resume run -n 3 --class-names other.txt");
    names(serde_json::json!(["Cat", "Cow"]));
    run("--resume run -n 4");
    names(serde_json::json!(["Cat", "Cow"]));
}

#[test]
fn a_folder_without_a_checkpoint_is_named() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for name in ["nowhere", "empty"] {
        let error = format!("error: --resume {name}: expected the folder of a run");
        run(&folder, &format!("--resume {name}")).code(1).stdout("").stderr(predicate::str::starts_with(error));
    }
    assert!(fs::read_dir(folder.path().join("empty")).unwrap().next().is_none());
    run(&folder, "--resume a --out b").code(2).stderr(predicate::str::contains("--resume"));
    for every in ["0", "-1", "0s", "-1s", "1.5", "x", ""] {
        train(&folder)
            .args(["--checkpoint-every", every])
            .assert()
            .code(2)
            .stderr(predicate::str::contains("--checkpoint-every"));
    }
}

#[test]
fn a_checkpoint_that_is_damaged_or_no_file_is_named_and_nothing_is_changed() {
    let folder = TempDir::new().unwrap();
    run(&folder, "--dataset synthetic -n 3 --out run").success();
    let (path, log) = (folder.path().join("run/checkpoint.npz"), folder.path().join("run/loss.csv"));
    let (good, rows) = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    let refused = |words: &str| {
        run(&folder, "--resume run -n 9").code(1).stdout("").stderr(
            predicate::str::starts_with(format!("error: --resume run: {}: ", shown("run/checkpoint.npz")))
                .and(predicate::str::contains(words))
                .and(predicate::str::contains("panicked").not()),
        );
        assert!(fs::read(&log).unwrap() == rows);
        assert!(folder.path().join("run/run.json").exists());
    };
    let mut flipped = good.clone();
    flipped[good.len() / 3] ^= 1; // within W1
    for (content, words) in [(&good[..good.len() / 2], "archive"), (b"", "archive"), (&flipped, "damaged")] {
        fs::write(&path, content).unwrap();
        refused(words);
    }
    // Settings that no flag can have; the check sum is right.
    let (checkpoint, settings) = Checkpoint::read(Cursor::new(good)).unwrap();
    for (from, to, words) in [
        ("\"batch_size\": 100", "\"batch_size\": 0", "batch_size: 0"),
        ("\"step\": 0.0001", "\"step\": -1", "step: -1"),
        ("\"threads\": null", "\"threads\": 1000000000", "1000000000"),
        ("\"iterations\": 3", "\"iterations\": 2", "at most 2 iterations, found 3"),
        ("\"seed\": 42", "\"seed\": null", "run.json"),
        ("\"dataset\": \"synthetic\"", "\"dataset\": \"\"", "run.json"),
        // Without it the run would go on with other numbers.
        ("\"seed\": 42", "\"seed\": 42, \"momentum\": 0.9", "settings that this version knows, found momentum"),
    ] {
        assert!(settings.contains(from), "{settings}");
        checkpoint.write(fs::File::create(&path).unwrap(), &settings.replace(from, to)).unwrap();
        refused(words);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("expected a file");
    #[cfg(unix)]
    {
        fs::remove_dir(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        refused("expected a file");
    }
}

#[cfg(unix)]
#[test]
fn a_run_in_a_folder_whose_name_is_no_text_is_continued() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = TempDir::new().unwrap();
    let name = OsStr::from_bytes(b"run\xfe");
    if fs::create_dir(folder.path().join(name)).is_err() {
        println!("skipped: this file system takes UTF-8 names only");
        return;
    }
    train(&folder).args(["--dataset", "synthetic", "-n", "2", "--out"]).arg(name).assert().success();
    train(&folder).args(["-n", "3", "--resume"]).arg(name).assert().success();
}

#[test]
fn a_checkpoint_is_there_before_the_first_iteration_and_then_as_often_as_asked() {
    let folder = TempDir::new().unwrap();
    // The first gradient overflows: no iteration is ever done.
    run(&folder, "--dataset synthetic -n 5 --init normal --init-scale 3e307 --out run").code(1);
    assert!(folder.path().join("run/checkpoint.npz").exists());
    assert_eq!(iteration(&folder.path().join("run")), 0);
    run(&folder, "--dataset synthetic -n 5 --out run --force --checkpoint-every 2").success();
    assert_eq!(iteration(&folder.path().join("run")), 5);
}

/// Of the checkpoint in a run's folder; 0 where there is none yet.
fn iteration(run: &Path) -> u64 {
    fs::File::open(run.join("checkpoint.npz")).map_or(0, |file| Checkpoint::read(file).unwrap().0.iteration)
}
