//! The article's first gradient against central differences in 40-digit arithmetic (`golden/README.md`).

use std::fs::File;

use ndarray::Array2;
use numgrad::dataset::idx;
use numgrad::difference::{Differentiator, Stencil, Step};
use numgrad::nn::simd::Isa;
use numgrad::nn::{IncrementalLoss, NetworkShape, Parameters};
use numgrad::random::LegacyRandom;

/// At h = 0.5 the difference is far from the derivative: it tells a finite difference from an analytic gradient.
#[test]
fn every_coordinate_is_within_1e_11_of_the_exact_difference_at_small_and_large_steps() {
    let (parameters, x, classes) = first_iteration_of_the_article();
    let golden: serde_json::Value =
        serde_json::from_reader(File::open("tests/golden/article/exact_difference.json").unwrap()).unwrap();
    for (key, h) in [("h=1e-4", 1e-4), ("h=0.5", 0.5)] {
        for isa in Isa::available() {
            let mut loss = IncrementalLoss::new(&parameters, &x, &classes).with_isa(isa);
            let mut gradient = Parameters::zeros(parameters.shape());
            let out = gradient.values_mut().as_slice_mut().unwrap();
            Differentiator::new(Stencil::central(), Step::Absolute(h))
                .of_objective(&mut loss)
                .gradient_into(out)
                .unwrap();
            for entry in golden.as_array().unwrap() {
                let index: Vec<usize> = serde_json::from_value(entry["index"].clone()).unwrap();
                let name = entry["array"].as_str().unwrap();
                let (_, array) = gradient.arrays().find(|(n, _)| *n == name).unwrap();
                let expected: f64 = entry[key].as_str().unwrap().parse().unwrap();
                let error = ((array[&index[..]] - expected) / expected).abs();
                assert!(error < 1e-11, "{isa}, {key}, {name}{index:?}: relative error {error:e}");
            }
        }
    }
}

fn first_iteration_of_the_article() -> (Parameters, Array2<f64>, Vec<usize>) {
    let mut random = LegacyRandom::seed(42);
    let shape = NetworkShape::new([784, 50, 10]);
    let mut parameters = Parameters::zeros(&shape);
    parameters.weights_mut(1).assign(&(0.01 * random.rand((784, 50))));
    parameters.weights_mut(2).assign(&(0.01 * random.rand((50, 10))));
    let open = |name: &str| File::open(format!("tests/golden/article/batch_0-{name}-ubyte.gz")).unwrap();
    let images = idx::read_images(open("images-idx3")).unwrap();
    let labels = idx::read_labels(open("labels-idx1")).unwrap();
    let pixels = images.pixels.iter().map(|&p| f64::from(f32::from(p) / 255.0)).collect();
    let x = Array2::from_shape_vec((100, 784), pixels).unwrap();
    (parameters, x, labels.into_iter().map(usize::from).collect())
}
