//! `numgrad-predict` as a user meets it: answers as text and as JSON, pictures, and what it refuses.

use std::fs;

use crate::support::programs::{process, program, succeeds_without_a_reader, train};
use ndarray::{Array1, Array2};
use ndarray_npy::NpzWriter;
use numgrad::dataset::embedded;
use predicates::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

fn run(folder: &TempDir, args: &str) -> assert_cmd::assert::Assert {
    program("numgrad-predict", folder).args(args.split_whitespace()).assert()
}

fn json(folder: &TempDir, args: &str) -> Value {
    let stdout = run(folder, args).success().stderr("").get_output().stdout.clone();
    serde_json::from_slice(&stdout).unwrap()
}

/// A folder with a run on the embedded digits in it.
fn trained() -> TempDir {
    let folder = TempDir::new().unwrap();
    train(&folder)
        .args(
            "--dataset embedded --gradient backprop --init normal --learning-rate 0.5 -n 300 --quiet --out run"
                .split(' '),
        )
        .assert()
        .success();
    folder
}

/// Weights as NumPy keeps them, all 0 but for the biases of the classes.
fn write_model(folder: &TempDir, name: &str, n_inputs: usize, b2: Vec<f64>) {
    let mut npz = NpzWriter::new(fs::File::create(folder.path().join(name)).unwrap());
    npz.add_array("W1", &Array2::<f64>::zeros((n_inputs, 3))).unwrap();
    npz.add_array("b1", &Array1::<f64>::zeros(3)).unwrap();
    npz.add_array("W2", &Array2::<f64>::zeros((3, b2.len()))).unwrap();
    npz.add_array("b2", &Array1::from(b2)).unwrap();
    npz.finish().unwrap();
}

fn write_picture(folder: &TempDir, name: &str, size: u32, pixels: &[u8]) {
    let mut encoder = png::Encoder::new(fs::File::create(folder.path().join(name)).unwrap(), size, size);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
}

#[test]
fn the_whole_test_set_is_told_with_accuracy_confusion_and_the_worst_mistakes_in_80_columns() {
    let folder = trained();
    let report = fs::read_to_string(folder.path().join("run/run.json")).unwrap();
    let accuracy = serde_json::from_str::<Value>(&report).unwrap()["test_accuracy"].as_f64().unwrap();
    let stdout = run(&folder, "--model run --dataset embedded").success().stderr("").get_output().stdout.clone();
    let text = String::from_utf8(stdout).unwrap();
    assert!(text.contains(&format!("Accuracy: {:.2}%", 100.0 * accuracy)), "{text}");
    assert!(text.contains("The worst 6 of") && text.matches("taken for ").count() >= 6, "{text}");
    assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 80), "{text}");
    run(&folder, "--model run --dataset embedded --mistakes 0")
        .success()
        .stdout(predicate::str::contains("worst").not());
}

#[test]
fn the_json_of_the_whole_set_agrees_with_itself() {
    let folder = trained();
    let answer = json(&folder, "--model run --dataset embedded --json");
    let numbers = |name: &str| -> Vec<usize> { serde_json::from_value(answer[name].clone()).unwrap() };
    let (labels, predictions) = (numbers("labels"), numbers("predictions"));
    assert_eq!(labels, embedded(10).unwrap().test.unwrap().label_indices());
    assert_eq!(answer["network"], serde_json::json!([784, 50, 10]));
    let n_right = labels.iter().zip(&predictions).filter(|(label, class)| label == class).count();
    assert_eq!(answer["accuracy"], n_right as f64 / 1000.0);
    // 300 iterations at a learning rate of 0.5 are well beyond chance, which is 0.1.
    assert!(n_right > 700, "{n_right}");
    let confusion: Vec<Vec<usize>> = serde_json::from_value(answer["confusion"].clone()).unwrap();
    let mut expected = vec![vec![0; 10]; 10];
    labels.iter().zip(&predictions).for_each(|(&label, &class)| expected[label][class] += 1);
    assert_eq!(confusion, expected);
}

#[test]
fn one_digit_of_the_test_set_has_the_answer_that_it_has_among_all() {
    let folder = trained();
    let all = json(&folder, "--model run --dataset embedded --json");
    for index in [0, 8, 999] {
        let one = json(&folder, &format!("--model run/model.npz --dataset embedded --index {index} --json"));
        assert_eq!((&one["class"], &one["label"]), (&all["predictions"][index], &all["labels"][index]));
        let probabilities: Vec<f64> = serde_json::from_value(one["probabilities"].clone()).unwrap();
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12 && probabilities.len() == 10);
        assert_eq!((one["index"].as_u64(), one["dataset"].as_str()), (Some(index as u64), Some("embedded")));
    }
    run(&folder, "--model run --dataset embedded --index 0")
        .success()
        .stdout(predicate::str::contains("@").and(predicate::str::contains("Prediction: 7 (")))
        .stdout(predicate::str::contains("Label:      7, so it is right"));
}

#[test]
fn a_picture_dark_on_light_is_shown_and_answered_as_the_digit_that_it_is() {
    let folder = trained();
    let test = embedded(10).unwrap().test.unwrap();
    let digit = test.raw().images().unwrap();
    let pixels: Vec<u8> = (0..56 * 56).map(|i| 255 - digit[[0, 0, i / 56 / 2, i % 56 / 2]] as u8).collect();
    write_picture(&folder, "seven.png", 56, &pixels);
    let answer = json(&folder, "--model run --image seven.png --json");
    assert_eq!((&answer["class"], &answer["label"], &answer["image"]), (&7.into(), &Value::Null, &"seven.png".into()));
    let seen: Vec<Vec<f64>> = serde_json::from_value(answer["pixels"].clone()).unwrap();
    // The picture's 255 - 254 is the darkest; full ink is one shade more than the digit's own.
    let same = |(i, row): (usize, &Vec<f64>)| row.iter().zip(0..).all(|(x, j)| (x - digit[[0, 0, i, j]]).abs() <= 2.0);
    assert!(seen.iter().enumerate().all(same), "{seen:?}");
    run(&folder, "--model run --image seven.png").success().stdout(predicate::str::contains("as the network sees it"));
}

#[test]
fn a_picture_that_may_not_be_one_digit_is_answered_with_a_warning_that_says_what_to_do() {
    let folder = trained();
    let test = embedded(10).unwrap().test.unwrap();
    let digits = test.raw().images().unwrap();
    // A 7 and a 2 side by side.
    let shade = |i: usize, j: usize| if i < 28 { 255 - digits[[j / 28, 0, i, j % 28]] as u8 } else { 255 };
    let pixels: Vec<u8> = (0..56 * 56).map(|i| shade(i / 56, i % 56)).collect();
    write_picture(&folder, "two.png", 56, &pixels);
    let expected = "warning: --image two.png: there seems to be more than one digit; crop the picture to the one digit";
    for quiet in ["", " --quiet"] {
        run(&folder, &format!("--model run --image two.png{quiet}"))
            .success()
            .stderr(predicate::str::starts_with(expected))
            .stdout(predicate::str::contains("Prediction: "));
    }
    let answer = run(&folder, "--model run --image two.png --json").success();
    let answer: Value = serde_json::from_slice(&answer.get_output().stdout).unwrap();
    assert!(answer["warnings"][0].as_str().unwrap().starts_with("there seems to be more than one digit"), "{answer}");
}

#[test]
fn colours_are_used_where_they_are_wanted_and_only_there() {
    let folder = trained();
    let args = ["--model", "run", "--dataset", "embedded", "--index", "0"];
    let coloured = predicate::str::contains("\x1b[38;5;").and(predicate::str::contains("▀"));
    program("numgrad-predict", &folder).args(args).env("CLICOLOR_FORCE", "1").assert().success().stdout(coloured);
    let plain = || predicate::function(|text: &str| text.is_ascii() && !text.contains('\x1b'));
    program("numgrad-predict", &folder).args(args).assert().success().stdout(plain());
    program("numgrad-predict", &folder)
        .args(args)
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .assert()
        .success()
        .stdout(plain());
}

#[test]
fn of_many_classes_only_those_are_told_that_occur_or_are_most_probable_and_the_label() {
    let folder = TempDir::new().unwrap();
    // More classes than the digits have are those of a run that asked for them.
    let args = "--dataset embedded --gradient backprop --classes 256 --hidden 3 -n 1 --quiet --out run";
    train(&folder).args(args.split(' ')).assert().success();
    let mut b2 = vec![0.0; 256];
    b2[200] = 9.0;
    write_model(&folder, "run/model.npz", 784, b2);
    let stdout = run(&folder, "--model run --dataset embedded").success().get_output().stdout.clone();
    let text = String::from_utf8(stdout).unwrap();
    // Everything is taken for 200: ten labels, and that class.
    assert!(
        text.contains("Accuracy: 0.00% (0 right)") && text.contains("The other 245 classes do not occur."),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    // It is a nine, which is not among the ten most probable.
    run(&folder, "--model run --dataset embedded --index 7").success().stdout(
        predicate::str::contains("The other 245 classes together").and(predicate::str::contains("so it is wrong")),
    );
}

#[test]
fn classes_are_called_by_their_names_in_page_matrix_and_prediction() {
    let folder = TempDir::new().unwrap();
    let rows: String = (0..6).map(|i| format!("{},{},0,0,{}\n", i % 3, 40 * i, 255 - 40 * i)).collect();
    fs::create_dir(folder.path().join("clothes")).unwrap();
    fs::write(folder.path().join("clothes/train.csv"), &rows).unwrap();
    fs::write(folder.path().join("clothes/test.csv"), &rows).unwrap();
    fs::write(folder.path().join("clothes/classes.txt"), "Shirt\nBag\nBoot\n").unwrap();
    let args = "--data-dir clothes --classes 3 -n 2 --batch-size 2 --quiet --out run";
    train(&folder).args(args.split(' ')).assert().success().stderr("");
    let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(
        page.contains(">Bag</span> 1</th>")
            && page.contains(">2 Boot</th>")
            && page.contains("\u{201c}clothes\u{201d}")
    );
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("run/run.json")).unwrap()).unwrap();
    assert_eq!(summary["dataset"]["class_names"], serde_json::json!(["Shirt", "Bag", "Boot"]));
    assert_eq!(summary["dataset"]["name"], "clothes");

    let matrix = predicate::str::contains("The classes: 0 Shirt, 1 Bag, 2 Boot\n");
    run(&folder, "--model run --data-dir clothes").success().stdout(matrix);
    // The run knows the names where the files are not named with theirs, and a flag wins over both.
    fs::remove_file(folder.path().join("clothes/classes.txt")).unwrap();
    let label = predicate::str::contains("Label:      1 Bag, so it is");
    run(&folder, "--model run --data-dir clothes --index 1").success().stdout(label);
    fs::write(folder.path().join("others.txt"), "0: Hat\n").unwrap();
    let args = "--model run --data-dir clothes --class-names others.txt --index 1 --json";
    assert_eq!(json(&folder, args)["class_names"], serde_json::json!(["Hat", "1", "2"]));
    let wrong = predicate::str::contains("--class-names nowhere.txt: ");
    run(&folder, "--model run --data-dir clothes --class-names nowhere.txt").code(1).stderr(wrong);
}

#[test]
fn what_can_not_be_is_refused_in_one_line_that_says_what_was_expected_and_found() {
    let folder = TempDir::new().unwrap();
    write_model(&folder, "ten.npz", 784, vec![0.0; 10]);
    write_model(&folder, "five.npz", 784, vec![0.0; 5]);
    write_model(&folder, "many.npz", 784, vec![0.0; 300]);
    write_model(&folder, "hundred.npz", 784, vec![0.0; 100]);
    write_model(&folder, "small.npz", 100, vec![0.0; 10]);
    fs::write(folder.path().join("text.txt"), "no model, no picture").unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    write_picture(&folder, "blank.png", 20, &[255; 400]);
    let refused: [(&str, i32, &[&str]); 18] = [
        ("", 2, &["--model"]),
        ("--model missing.npz", 1, &["--model missing.npz"]),
        ("--model text.txt", 1, &["--model text.txt", "expected an .npz archive"]),
        ("--model empty", 1, &["--model empty", "without model.npz"]),
        ("--model small.npz --dataset embedded", 1, &["small.npz (network 100-3-10)", "100 inputs", "28 × 28 pixels"]),
        ("--model hundred.npz --dataset embedded", 1, &["100 classes apart", "labels 0 to 9", "expected 10 classes"]),
        ("--model five.npz --dataset embedded", 1, &["five.npz (network 784-3-5)", "5 classes", "the label 5"]),
        ("--model many.npz --dataset embedded", 1, &["300 classes"]),
        ("--model ten.npz --dataset embedded --index 1000", 1, &["--index 1000", "0 to 999"]),
        ("--model ten.npz --dataset embedded --index -1", 2, &["--index"]),
        ("--model ten.npz --dataset synthetic", 2, &["synthetic has no test samples"]),
        ("--model ten.npz --index 1 --image blank.png", 2, &["--index", "--image"]),
        ("--model ten.npz --index 1 --mistakes 2", 2, &["--mistakes"]),
        ("--model ten.npz --dataset embedded --image blank.png", 2, &["--image needs no data set"]),
        ("--model ten.npz --image blank.png", 1, &["--image blank.png", "expected a digit", "one shade"]),
        (
            "--model ten.npz --image text.txt",
            1,
            &["--image text.txt", "expected a PNG or JPEG picture, found a text that begins with"],
        ),
        ("--model ten.npz --image empty", 1, &["--image empty", "found a folder"]),
        ("--model small.npz --image blank.png", 1, &["network 100-3-10", "28 × 28 = 784"]),
    ];
    for (args, code, words) in refused {
        let assert = run(&folder, args).code(code).stdout("");
        let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(code == 2 || stderr.lines().count() == 1, "{args}: {stderr}");
        assert!(stderr.starts_with("error: ") && !stderr.contains("panicked"), "{args}: {stderr}");
        for word in words {
            assert!(stderr.contains(word), "{args}: \"{word}\" is not in: {stderr}");
        }
    }
}

#[test]
fn weights_that_add_up_to_no_number_are_refused() {
    let folder = TempDir::new().unwrap();
    write_model(&folder, "large.npz", 784, vec![-f64::MAX, f64::MAX]);
    write_picture(&folder, "dot.png", 3, &[0, 0, 0, 0, 255, 0, 0, 0, 0]);
    // A difference of 2·MAX is infinite, and softmax still makes 0 and 1 of it.
    assert_eq!(
        json(&folder, "--model large.npz --image dot.png --json")["probabilities"],
        serde_json::json!([0.0, 1.0])
    );
    let mut npz = NpzWriter::new(fs::File::create(folder.path().join("larger.npz")).unwrap());
    npz.add_array("W1", &Array2::<f64>::zeros((784, 4))).unwrap();
    npz.add_array("b1", &Array1::<f64>::zeros(4)).unwrap();
    npz.add_array("W2", &Array2::<f64>::from_elem((4, 2), f64::MAX)).unwrap();
    npz.add_array("b2", &Array1::<f64>::zeros(2)).unwrap();
    npz.finish().unwrap();
    run(&folder, "--model larger.npz --image dot.png")
        .code(1)
        .stderr(predicate::str::contains("weights are too large"));
}

#[test]
fn a_closed_standard_output_ends_the_program_quietly() {
    let folder = TempDir::new().unwrap();
    write_model(&folder, "ten.npz", 784, vec![0.0; 10]);
    for args in [&["--help"][..], &["--model", "ten.npz", "--dataset", "embedded"]] {
        let mut command = process("numgrad-predict", &folder);
        command.args(args);
        succeeds_without_a_reader(command);
    }
}
