//! Every way to ask `numgrad-train` for what it can't do: one message that names the culprit, the right exit code, and
//! no folder left behind.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::support::programs::{process, program, shown, train};
use predicates::prelude::*;
use tempfile::TempDir;

/// Runs in `folder`, expects the exit code and all of `words` in one line on standard error, and the folder as it was.
#[track_caller]
fn refused(folder: &TempDir, args: &[&str], code: i32, words: &[&str]) {
    let before = tree(folder.path());
    let assert = train(folder).args(args).assert().code(code).stdout("");
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    let message =
        stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{args:?}: {stderr}"));
    for word in words {
        assert!(message.contains(word), "{args:?}: \"{word}\" is not in: {message}");
    }
    assert!(!stderr.contains("panicked") && !stderr.contains("Iteration"), "{args:?}: {stderr}");
    if code == 1 {
        assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    }
    assert_eq!(tree(folder.path()), before, "{args:?} left something behind");
}

fn tree(folder: &Path) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        paths.push(path.display().to_string());
        if path.is_dir() {
            paths.extend(tree(&path));
        }
    }
    paths.sort();
    paths
}

/// The content of an IDX file: `dimensions` in the header, then `bytes`.
fn idx(magic: u32, dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let header = [magic].into_iter().chain(dimensions.iter().copied()).flat_map(u32::to_be_bytes);
    header.chain(bytes.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder `data` with 6 training and 2 test images of 3×5 pixels and labels below 4, all of them plain files.
fn small_data() -> TempDir {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let pixels: Vec<u8> = (0..6 * 15).map(|i| (i * 37 % 256) as u8).collect();
    fs::write(data.join("train-images-idx3-ubyte"), idx(2051, &[6, 3, 5], &pixels)).unwrap();
    fs::write(data.join("train-labels-idx1-ubyte"), idx(2049, &[6], &[0, 1, 2, 3, 0, 1])).unwrap();
    fs::write(data.join("t10k-images-idx3-ubyte"), idx(2051, &[2, 3, 5], &pixels[..30])).unwrap();
    fs::write(data.join("t10k-labels-idx1-ubyte"), idx(2049, &[2], &[3, 2])).unwrap();
    folder
}

const ON_SMALL_DATA: [&str; 8] = ["--data-dir", "data", "--classes", "4", "-n", "2", "--out", "run"];

#[test]
fn images_of_another_size_and_with_fewer_classes_are_trained_on() {
    let folder = small_data();
    train(&folder)
        .args(ON_SMALL_DATA)
        .assert()
        .success()
        .stderr(predicate::str::contains("6 training and 2 test").and(predicate::str::contains("15-50-4")));
    let svg = fs::read_to_string(folder.path().join("run/loss.svg")).unwrap();
    assert!(svg.contains("ln 4 = 1.3863"));
}

#[test]
fn a_damaged_data_file_is_named_with_what_was_expected_and_found() {
    let pixels = [7; 90];
    let images = idx(2051, &[6, 3, 5], &pixels);
    let truncated_gzip = {
        let whole = gzip(&images);
        whole[..whole.len() / 2].to_vec()
    };
    let flipped_gzip = {
        let mut bytes = gzip(&images);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        bytes
    };
    let page = b"<!DOCTYPE html><html><body>Not here</body></html>".to_vec();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n".to_vec();
    let little_endian = [3, 8, 0, 0, 6, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0].into_iter().chain(pixels).collect();
    let cases: [(&str, Vec<u8>, &[&str]); 16] = [
        ("train-images-idx3-ubyte.gz", page, &["a web page (HTML)", "download the file itself"]),
        ("train-images-idx3-ubyte", pointer, &["a Git LFS pointer", "git lfs pull"]),
        ("train-images-idx3-ubyte", gzip(&gzip(&images)), &["compressed by gzip twice"]),
        ("train-images-idx3-ubyte", flipped_gzip, &["its gzip data are damaged"]),
        ("train-images-idx3-ubyte", little_endian, &["little-endian"]),
        ("train-labels-idx1-ubyte", b"PK\x03\x04\x14\0".to_vec(), &["a zip archive: unpack it"]),
        ("train-labels-idx1-ubyte", b"{\"error\": 404}".to_vec(), &["a JSON text", "{'error': 404}"]),
        ("train-images-idx3-ubyte", idx(2051, &[6, 3, 5], &pixels[..89]), &["106", "105"]),
        (
            "train-images-idx3-ubyte",
            idx(2049, &[6, 3, 5], &pixels),
            &["expected a file of images", "found a file of labels"],
        ),
        ("train-images-idx3-ubyte", idx(2051, &[5, 3, 5], &pixels[..75]), &["5", "6", "train-labels-idx1-ubyte"]),
        ("train-images-idx3-ubyte", Vec::new(), &["an empty file"]),
        (
            "train-images-idx3-ubyte.gz",
            b"an HTML page, no gzip".to_vec(),
            &["a text that begins with \"an HTML page, no gzip\""],
        ),
        ("train-images-idx3-ubyte.gz", truncated_gzip, &[]),
        ("train-labels-idx1-ubyte", idx(2049, &[6], &[0, 1, 2, 3, 0, 4]), &["label 4", "--classes 5"]),
        ("t10k-images-idx3-ubyte", idx(2051, &[2, 5, 3], &pixels[..30]), &["3 × 5", "5 × 3"]),
        ("t10k-labels-idx1-ubyte", idx(2049, &[0], &[]), &[]),
    ];
    for (name, content, words) in cases {
        let folder = small_data();
        fs::write(folder.path().join("data").join(name), content).unwrap();
        let name = shown(&format!("data/{name}"));
        refused(&folder, &ON_SMALL_DATA, 1, &[&[&name[..]], words].concat());
    }
}

#[test]
fn data_without_a_sample_are_refused() {
    let folder = small_data();
    let data = folder.path().join("data");
    fs::write(data.join("train-images-idx3-ubyte"), idx(2051, &[0, 3, 5], &[])).unwrap();
    fs::write(data.join("train-labels-idx1-ubyte"), idx(2049, &[0], &[])).unwrap();
    refused(&folder, &ON_SMALL_DATA, 1, &[&shown("data/train-"), "0"]);
}

#[test]
fn a_missing_file_or_folder_of_data_is_named_and_nothing_else_is_taken_instead() {
    let folder = small_data();
    fs::remove_file(folder.path().join("data/t10k-labels-idx1-ubyte")).unwrap();
    refused(&folder, &ON_SMALL_DATA, 1, &["data", "t10k-labels-idx1-ubyte"]);
    refused(&folder, &["--data-dir", "nowhere", "--out", "run"], 1, &["nowhere"]);
    fs::create_dir(folder.path().join("data/t10k-labels-idx1-ubyte")).unwrap();
    refused(&folder, &ON_SMALL_DATA, 1, &[&shown("data/t10k-labels-idx1-ubyte"), "folder"]);
}

#[test]
fn other_files_do_not_pass_for_mnist() {
    let folder = small_data();
    let args = [&ON_SMALL_DATA[..], &["--dataset", "mnist"]].concat();
    refused(&folder, &args, 1, &["data", "--dataset mnist"]);
}

#[cfg(unix)]
#[test]
fn paths_that_are_not_utf_8_are_as_good_as_any() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = small_data();
    let (data, run) = (OsStr::from_bytes(b"dat\xff"), OsStr::from_bytes(b"run\xfe"));
    if fs::rename(folder.path().join("data"), folder.path().join(data)).is_err() {
        println!("skipped: this file system takes UTF-8 names only");
        return;
    }
    train(&folder).args(&ON_SMALL_DATA[2..6]).arg("--data-dir").arg(data).arg("--out").arg(run).assert().success();
    assert!(folder.path().join(run).join("loss.csv").is_file());
    fs::remove_file(folder.path().join(data).join("t10k-labels-idx1-ubyte")).unwrap();
    train(&folder).arg("--data-dir").arg(data).assert().code(1).stderr(predicate::str::contains("t10k-labels"));
}

#[test]
fn a_flag_that_is_wrong_in_itself_is_named_with_exit_code_2() {
    let folder = TempDir::new().unwrap();
    let numbers = ["0", "-1", "inf", "-inf", "nan", "1e999", "1e-999", "x", ""];
    let counts = ["0", "-1", "1.5", "x", "", "99999999999999999999999"];
    for flag in ["--learning-rate", "--step", "--init-scale"] {
        for number in numbers {
            refused(&folder, &["--dataset", "synthetic", flag, number], 2, &[flag]);
        }
    }
    for flag in ["--iterations", "--batch-size", "--hidden", "--eval-every"] {
        for count in counts {
            refused(&folder, &["--dataset", "synthetic", flag, count], 2, &[flag]);
        }
    }
    let cases = [
        ("--seed", "4294967296"),
        ("--seed", "-1"),
        ("--classes", "1"),
        ("--classes", "257"),
        ("--threads", "-1"),
        ("--threads", "1025"),
        ("--threads", "99999999999999999999999"),
        ("--init", "zeros"),
        ("--forward", "backward"),
        ("--dataset", "cifar"),
        ("--mirror", "ftp://example.org"),
        ("--data-dir", ""),
        ("--out", ""),
        ("--frobnicate", "1"),
    ];
    for (flag, value) in cases {
        refused(&folder, &[flag, value], 2, &[flag]);
    }
}

#[test]
fn a_number_that_is_none_is_answered_with_what_is_wanted() {
    let folder = TempDir::new().unwrap();
    for (flag, value, words) in [
        ("--threads", "-1", "expected a whole number from 0 to 1024"),
        ("--iterations", "0", "expected a whole number, 1 or more"),
        ("--iterations", "1e4", "expected a whole number, 1 or more, in digits alone: 10000"),
        ("--iterations", "10,000", "in digits alone: 10000"),
        ("--iterations", "１００", "in digits alone: 100"),
        ("--batch-size", "-100", "expected a whole number, 1 or more"),
        ("--hidden", "fifty", "expected a whole number, 1 or more"),
        ("--hidden", "100,0", "expected a whole number, 1 or more; or one for each hidden layer, as 100,50"),
        ("--hidden", "10,000", "in digits alone: 10000; or one for each hidden layer"),
        ("--init-scale", "glorot", "expected a finite number above 0, or he or xavier"),
        ("--activation", "gelu", "gelu"),
        ("--eval-every", "0", "expected a whole number, 1 or more"),
        ("--classes", "1", "expected a whole number from 2 to 256"),
        ("--seed", "4294967296", "expected a whole number from 0 to 4294967295"),
        ("--step", "inf", "expected a finite number above 0"),
        ("--step", "1e-320", "expected a number of at least 1e-300"),
        ("--init-scale", "NaN", "expected a finite number above 0"),
        ("--learning-rate", "-0.1", "expected a finite number above 0"),
        ("--learning-rate", "0,1", "with a point before the decimals: 0.1"),
        ("--checkpoint-every", "0", "expected iterations (50) or seconds (30s), above 0"),
    ] {
        refused(&folder, &[flag, value], 2, &[flag, words]);
    }
    for (flag, value, words) in
        [("--index", "-1", "expected a whole number, 0 or more"), ("--mistakes", "1e1", "in digits alone: 10")]
    {
        let error = predicate::str::contains(flag).and(predicate::str::contains(words));
        program("numgrad-predict", &folder).args(["--model", "x", flag, value]).assert().code(2).stderr(error);
    }
    let args =
        "--dataset synthetic -n 1_0 --batch-size 1_00 --learning-rate 0.1_0 --checkpoint-every 1_000 --quiet --out run";
    train(&folder).args(args.split(' ')).assert().success().stdout(predicate::str::contains("(iteration 10)"));
}

#[test]
fn data_sets_and_modes_are_named_in_any_case() {
    let folder = TempDir::new().unwrap();
    let args =
        "--dataset Synthetic --init NORMAL --init-scale He --activation ReLU --forward Full -n 1 --quiet --out run";
    train(&folder).args(args.split(' ')).assert().success();
    // It would be downloaded, if a flag did not contradict it.
    refused(&folder, &["--dataset", "EMBEDDED", "--data-dir", "data"], 2, &["--dataset", "--data-dir"]);
}

#[test]
fn what_another_flag_does_is_told_by_a_tip() {
    let folder = TempDir::new().unwrap();
    for (name, args, words) in [
        ("numgrad-train", "--epochs 3", "--iterations"),
        ("numgrad-train", "--lr=0.1", "--learning-rate"),
        ("numgrad-train", "--fashion", "--data-dir"),
        ("numgrad-train", "--h 1e-4", "--step"),
        ("numgrad-train", "1000", "--iterations"),
        ("numgrad-train", "data", "--data-dir"),
        ("numgrad-train", "run/model.npz", "numgrad-predict --model"),
        ("numgrad-train", "--dataset cifar", "--data-dir"),
        ("numgrad-predict", "model.npz", "--model"),
        ("numgrad-predict", "--model model.npz 7", "--index"),
        ("numgrad-predict", "--model model.npz seven.png", "--image"),
    ] {
        let mut command = program(name, &folder);
        let is_told = |line: &str| line.trim_start().starts_with("tip: ") && line.contains(words);
        let tip = predicate::function(|stderr: &str| stderr.lines().any(is_told));
        // Which would be that of a flag which is spelled alike.
        let tip = tip.and(predicate::str::contains("Usage:").not());
        command.args(args.split(' ')).assert().code(2).stdout("").stderr(tip);
    }
}

#[test]
fn flags_that_contradict_each_other_are_named_with_exit_code_2() {
    let folder = TempDir::new().unwrap();
    for dataset in ["embedded", "synthetic"] {
        refused(&folder, &["--dataset", dataset, "--data-dir", "data"], 2, &["--dataset", "--data-dir"]);
        refused(&folder, &["--dataset", dataset, "--mirror", "http://localhost"], 2, &["--dataset", "--mirror"]);
    }
    refused(&folder, &["--data-dir", "data", "--mirror", "http://localhost"], 2, &["--data-dir", "--mirror"]);
    for scale in ["he", "xavier"] {
        let words = [&format!("--init-scale {scale} is made for weights around 0"), "--init normal"];
        refused(&folder, &["--dataset", "synthetic", "--init-scale", scale], 2, &words);
    }
}

#[test]
fn too_many_threads_from_the_environment_are_refused() {
    let folder = TempDir::new().unwrap();
    train(&folder)
        .args(["--dataset", "synthetic"])
        .env("RAYON_NUM_THREADS", "1000000")
        .assert()
        .code(2)
        .stderr(predicate::str::contains("RAYON_NUM_THREADS").and(predicate::str::contains("1024")));
}

#[test]
fn a_network_or_batch_that_memory_cannot_hold_is_refused_before_any_is_taken() {
    let folder = TempDir::new().unwrap();
    for n in ["100000000000", "18446744073709551615"] {
        refused(&folder, &["--dataset", "synthetic", "--hidden", n], 1, &["--hidden", "memory"]);
        refused(&folder, &["--dataset", "synthetic", "--batch-size", n], 1, &["--batch-size", "memory"]);
    }
    let hidden = "1000,100000000000,50";
    refused(&folder, &["--dataset", "synthetic", "--hidden", hidden], 1, &[&format!("--hidden {hidden}"), "memory"]);
    let args = ["--dataset", "synthetic", "--iterations", "18446744073709551615"];
    refused(&folder, &args, 1, &["--iterations", "evaluations"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_network_beyond_what_the_process_may_take_is_refused_before_any_is_taken() {
    let folder = TempDir::new().unwrap();
    // Two gigabytes may be addressed, and a hundredth of that is taken before the network is known.
    let script = r#"ulimit -v 2000000 || exit 99; exec "$@""#;
    let output = std::process::Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(crate::support::programs::path_of("numgrad-train"))
        .args(["--dataset", "synthetic", "--hidden", "1000000", "-n", "1", "--threads", "1", "--out", "run"])
        .current_dir(&folder)
        .output()
        .unwrap();
    if output.status.code() == Some(99) {
        println!("skipped: memory can't be limited here");
        return;
    }
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("--hidden 1000000") && stderr.contains("expected at most the 2.0 GB"), "{stderr}");
    assert!(!folder.path().join("run").exists());
}

#[test]
fn images_that_memory_cannot_hold_are_refused_before_any_is_read() {
    let folder = small_data();
    // Two hundred thousand gigabytes, if one believes the header.
    let header = idx(2051, &[60_000, 65_535, 65_535], &[0; 100]);
    fs::write(folder.path().join("data/train-images-idx3-ubyte"), &header).unwrap();
    fs::write(folder.path().join("data/train-labels-idx1-ubyte"), idx(2049, &[60_000], &[0; 60_000])).unwrap();
    let path = shown("data/train-images-idx3-ubyte");
    let words = [&path[..], "60000 images of 65535 × 65535 pixels", "memory"];
    refused(&folder, &ON_SMALL_DATA, 1, &words);
    fs::write(folder.path().join("data/train-images-idx3-ubyte.gz"), gzip(&header)).unwrap();
    refused(&folder, &ON_SMALL_DATA, 1, &words);
}

#[test]
fn an_output_folder_that_cannot_be_made_is_named() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for out in ["file", "file/run", "file/a/b"] {
        refused(&folder, &["--dataset", "synthetic", "-n", "1", "--out", out], 1, &[out]);
    }
    if Path::new("/proc/self").exists() {
        refused(&folder, &["--dataset", "synthetic", "-n", "1", "--out", "/proc/numgrad"], 1, &["/proc/numgrad"]);
    }
}

#[test]
fn a_full_disk_is_named() {
    if !Path::new("/dev/full").exists() {
        println!("skipped: there is no /dev/full here");
        return;
    }
    let folder = TempDir::new().unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = process("numgrad-train", &folder)
        .args(["--dataset", "synthetic", "-n", "1", "--quiet"])
        .current_dir(&folder)
        .stdout(full)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: cannot write the summary to standard output"), "{stderr}");
}

#[test]
fn a_gradient_file_that_cannot_be_written_is_named_before_training() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    for file in ["nowhere/g.npz", "folder", "a/b/model.npz", "a/../a/b/loss.csv"] {
        let args = ["--dataset", "synthetic", "-n", "1", "--out", "a/b", "--save-gradient", file];
        refused(&folder, &args, 1, &["--save-gradient", file]);
    }
}
