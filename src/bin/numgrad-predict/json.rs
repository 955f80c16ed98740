//! Answers for programs, each one object on one line. `--help` tells what is in them.

use serde::Serialize;

use crate::one_digit::{OneDigit, Origin};
use crate::whole_set::WholeSet;

#[derive(Serialize)]
struct SetAnswer<'a> {
    model: String,
    network: &'a [usize],
    activation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    class_names: Option<&'a [String]>,
    dataset: String,
    accuracy: f64,
    confusion: Vec<Vec<usize>>,
    labels: Vec<usize>,
    predictions: Vec<usize>,
    probabilities: Vec<f64>,
    label_probabilities: Vec<f64>,
}

#[derive(Serialize)]
struct DigitAnswer<'a> {
    model: String,
    network: &'a [usize],
    activation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    class_names: Option<&'a [String]>,
    #[serde(flatten)]
    origin: OriginOfAnswer,
    label: Option<usize>,
    class: usize,
    probabilities: &'a [f64],
    pixels: Vec<Vec<u8>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OriginOfAnswer {
    TestSet {
        dataset: String,
        index: usize,
    },
    /// With what was said on standard error as well.
    Image {
        image: String,
        warnings: Vec<String>,
    },
}

pub fn whole_set(set: &WholeSet) -> String {
    let predictions = set.evaluation.predictions();
    line(&SetAnswer {
        model: set.model.path.display().to_string(),
        network: set.model.shape().sizes(),
        activation: set.model.shape().activation().to_string(),
        class_names: set.model.class_names.as_deref(),
        dataset: set.name.to_string(),
        accuracy: set.evaluation.accuracy(),
        confusion: set.evaluation.confusion().rows().into_iter().map(|row| row.to_vec()).collect(),
        labels: predictions.iter().map(|prediction| prediction.label).collect(),
        predictions: predictions.iter().map(|prediction| prediction.class).collect(),
        probabilities: predictions.iter().map(|prediction| prediction.probability).collect(),
        label_probabilities: predictions.iter().map(|prediction| prediction.label_probability).collect(),
    })
}

pub fn one_digit(digit: &OneDigit) -> String {
    let pixels = digit.picture.mapv(|shade| (255.0 * shade).round() as u8);
    line(&DigitAnswer {
        model: digit.model.path.display().to_string(),
        network: digit.model.shape().sizes(),
        activation: digit.model.shape().activation().to_string(),
        class_names: digit.model.class_names.as_deref(),
        origin: match &digit.origin {
            Origin::TestSet { dataset, index, .. } => {
                OriginOfAnswer::TestSet { dataset: dataset.to_string(), index: *index }
            }
            Origin::Image { path, doubts } => OriginOfAnswer::Image {
                image: path.display().to_string(),
                warnings: doubts.iter().map(ToString::to_string).collect(),
            },
        },
        label: digit.label(),
        class: digit.class(),
        probabilities: &digit.probabilities,
        pixels: pixels.rows().into_iter().map(|row| row.to_vec()).collect(),
    })
}

fn line(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).expect("names and numbers are always JSON") + "\n"
}
