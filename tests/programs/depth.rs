//! Networks of several hidden layers, from the flags to the pages: trained, checked, continued, asked and compared.

use std::fs;
use std::path::Path;

use crate::support::programs::{program, records, train};
use ndarray::{Array1, Array2};
use ndarray_npy::{NpzReader, NpzWriter};
use numgrad::dataset::embedded;
use numgrad::nn::NetworkShape;
use numgrad::random::LegacyRandom;
use numgrad::report::Summary;
use numgrad::train::{Init, InitScale, initial_parameters, read_model};
use predicates::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

const RECTIFIERS: &str =
    "--dataset embedded --hidden 12,8 --activation relu --init normal --init-scale he --batch-size 20";

/// `train …`, `predict …` or `report …`, and what it writes on standard output and standard error.
#[track_caller]
fn succeeds(folder: &TempDir, line: &str) -> (String, String) {
    let (name, args) = line.split_once(' ').unwrap();
    let assert = program(&format!("numgrad-{name}"), folder).args(args.split_whitespace()).assert().success();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).unwrap();
    (text(&assert.get_output().stdout), text(&assert.get_output().stderr))
}

fn bits(run: &Path) -> Vec<(u64, u64)> {
    records(run).iter().map(|record| (record.iteration, record.loss.to_bits())).collect()
}

#[test]
fn a_deeper_network_is_trained_checked_continued_and_asked() {
    let folder = TempDir::new().unwrap();
    let (stdout, stderr) = succeeds(
        &folder,
        &format!("train {RECTIFIERS} -n 6 --check-gradient --save-gradient gradient.npz --out whole"),
    );
    assert!(
        stderr.contains("network 784-12-8-10 relu: 9614 parameters") || stderr.contains("9,614 parameters"),
        "{stderr}"
    );
    let table: Vec<&str> = stdout.lines().skip(3).map(|line| line.split(' ').next().unwrap()).take(6).collect();
    assert_eq!(table, ["W1", "b1", "W2", "b2", "W3", "b3"], "{stdout}");
    let mut gradient = NpzReader::new(fs::File::open(folder.path().join("gradient.npz")).unwrap()).unwrap();
    assert_eq!(gradient.names().unwrap(), ["W1", "b1", "W2", "b2", "W3", "b3"]);
    assert_eq!(gradient.by_name::<ndarray::OwnedRepr<f64>, ndarray::Ix2>("W2").unwrap().dim(), (12, 8));

    succeeds(&folder, &format!("train {RECTIFIERS} -n 3 --out run"));
    let (_, stderr) = succeeds(&folder, "train --resume run -n 6");
    assert!(stderr.contains("784-12-8-10 relu") && stderr.contains("continued after iteration 3"), "{stderr}");
    let [run, whole] = ["run", "whole"].map(|name| folder.path().join(name));
    assert_eq!(bits(&run), bits(&whole));
    let model = |run: &Path| fs::read(run.join("model.npz")).unwrap();
    assert!(model(&run) == model(&whole), "the weights differ");
    let parameters = read_model(fs::File::open(run.join("model.npz")).unwrap()).unwrap();
    let summary = Summary::read(&run.join("run.json")).unwrap();
    assert_eq!((parameters.shape(), summary.n_parameters), (&summary.shape(), 9614));

    let written: Value = serde_json::from_str(&fs::read_to_string(run.join("run.json")).unwrap()).unwrap();
    assert_eq!((&written["hidden"], &written["activation"]), (&json!([12, 8]), &json!("relu")));
    assert_eq!((&written["init"], &written["init_scale"]), (&json!("normal"), &json!("he")));
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    for part in [
        "A network of 3 layers, 784-12-8-10 relu,",
        "Each of the 12 hidden units of the first layer",
        "normal, times √(2/inputs) of each layer (he)",
    ] {
        assert!(page.contains(part), "the page lacks \"{part}\"");
    }

    let (text, _) = succeeds(&folder, "predict --model run --dataset embedded");
    assert!(text.contains("model.npz (network 784-12-8-10 relu)"), "{text}");
    let (answer, _) = succeeds(&folder, "predict --model run --dataset embedded --index 3 --json");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["network"], &answer["activation"]), (&json!([784, 12, 8, 10]), &json!("relu")));
}

#[test]
fn both_forward_modes_train_a_deeper_network_alike_and_are_compared_with_a_flat_one() {
    let folder = TempDir::new().unwrap();
    let deep = "--dataset synthetic --hidden 7,6,5 --activation tanh --init normal --init-scale xavier -n 8 --quiet";
    succeeds(&folder, &format!("train {deep} --out incremental"));
    succeeds(&folder, &format!("train {deep} --forward full --out full"));
    let losses = |name: &str| -> Vec<f64> { records(folder.path().join(name)).iter().map(|row| row.loss).collect() };
    let furthest = losses("incremental").iter().zip(losses("full")).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    // A derivative by whole passes is rounded to 1e-12, which eight updates of 0.1 do not make more than a loss's digits.
    assert!(furthest < 1e-10, "{furthest:e}");
    succeeds(&folder, "train --dataset synthetic -n 8 --quiet --out flat");
    succeeds(&folder, "report incremental full flat");
    let page = fs::read_to_string(folder.path().join("comparison.html")).unwrap();
    assert!(page.contains("100-7-6-5-10 tanh, ") && page.contains("100-10-10, "), "{page}");
    let (table, _) = succeeds(&folder, &format!("train {deep} --batch-size 10 --step-study study.svg"));
    assert!(table.contains("central, incremental"), "{table}");
    let svg = fs::read_to_string(folder.path().join("study.svg")).unwrap();
    assert!(svg.contains("100-7-6-5-10 tanh"));
}

#[test]
fn a_deeper_network_that_does_not_learn_is_told_how_to_scale_its_weights() {
    let folder = TempDir::new().unwrap();
    let (_, stderr) = succeeds(&folder, "train --dataset embedded --hidden 10,10 --gradient backprop -n 40 --out run");
    assert!(stderr.contains("note: ") && stderr.contains("try --init normal --init-scale xavier"), "{stderr}");
}

/// The book's `sample_weight.pkl` is such a network, as the arrays of a dictionary.
#[test]
fn the_books_network_of_three_layers_predicts() {
    let folder = TempDir::new().unwrap();
    let shape = NetworkShape::new([784, 50, 100, 10]);
    let network = initial_parameters(&shape, Init::Normal, InitScale::Xavier, &mut LegacyRandom::seed(1));
    let mut npz = NpzWriter::new(fs::File::create(folder.path().join("sample.npz")).unwrap());
    for (name, array) in network.arrays() {
        npz.add_array(name, &array.mapv(|value| value as f32)).unwrap();
    }
    npz.finish().unwrap();
    let (answer, _) = succeeds(&folder, "predict --model sample.npz --dataset embedded --json");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["network"], &answer["activation"]), (&json!([784, 50, 100, 10]), &json!("sigmoid")));
    // As the book's chapter 3 writes it, with the weights as they stand in the file.
    let arrays: Vec<_> = network.arrays().map(|(_, array)| array.mapv(|value| f64::from(value as f32))).collect();
    let weights = |i: usize| -> Array2<f64> { arrays[2 * i].clone().into_dimensionality().unwrap() };
    let biases = |i: usize| -> Array1<f64> { arrays[2 * i + 1].clone().into_dimensionality().unwrap() };
    let sigmoid = |a: Array2<f64>| a.mapv(|a| 1.0 / (1.0 + (-a).exp()));
    let test = embedded(10).unwrap().test.unwrap();
    let (mut x, mut labels) = (Array2::zeros((50, 784)), vec![0; 50]);
    test.gather_into(&(0..50).collect::<Vec<_>>(), &mut x, &mut labels);
    let z1 = sigmoid(x.dot(&weights(0)) + biases(0));
    let z2 = sigmoid(z1.dot(&weights(1)) + biases(1));
    let a3 = z2.dot(&weights(2)) + biases(2);
    for (sample, scores) in a3.outer_iter().enumerate() {
        let exps = scores.mapv(|score| (score - scores.fold(f64::MIN, |a, &b| a.max(b))).exp());
        let class = answer["predictions"][sample].as_u64().unwrap() as usize;
        let probability = answer["probabilities"][sample].as_f64().unwrap();
        assert!((probability - exps[class] / exps.sum()).abs() < 1e-14, "{sample}");
        assert!(scores.iter().all(|&score| score <= scores[class]), "{sample}");
    }
}

#[test]
fn a_model_whose_layers_have_a_gap_or_whose_activation_is_unknown_is_refused() {
    let folder = TempDir::new().unwrap();
    train(&folder).args(format!("{RECTIFIERS} -n 1 --quiet --out run").split(' ')).assert().success();
    let parameters = read_model(fs::File::open(folder.path().join("run/model.npz")).unwrap()).unwrap();
    let mut npz = NpzWriter::new(fs::File::create(folder.path().join("gap.npz")).unwrap());
    for (name, array) in parameters.arrays().filter(|(name, _)| name != "W2") {
        npz.add_array(name, &array).unwrap();
    }
    npz.finish().unwrap();
    let refused = predicate::str::starts_with("error: --model gap.npz: expected W2 in it, found W1, b1, b2, W3, b3");
    program("numgrad-predict", &folder)
        .args("--model gap.npz --dataset embedded".split(' '))
        .assert()
        .code(1)
        .stderr(refused);
    // An activation of another program, of as many letters.
    let path = folder.path().join("run/model.npz");
    let mut model = fs::read(&path).unwrap();
    let relu = b"r\0\0\0e\0\0\0l\0\0\0u\0\0\0";
    let at = model.windows(relu.len()).position(|part| part == relu).unwrap();
    model[at] = b'q';
    fs::write(&path, model).unwrap();
    program("numgrad-predict", &folder)
        .args("--model run --dataset embedded".split(' '))
        .assert()
        .code(1)
        .stderr(predicate::str::contains("activation in it"));
}
