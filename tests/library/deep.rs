//! Networks of any depth: the incremental differences against 40-digit arithmetic, against whole passes, and the series
//! against the general way.

use std::fs::File;

use ndarray::{Array1, Array2, Axis};
use numgrad::dataset::embedded;
use numgrad::difference::{Differentiator, NonFinite, Objective, Stencil, Step};
use numgrad::nn::simd::Isa;
use numgrad::nn::{
    Activation, FullLoss, IncrementalLoss, Network, NetworkShape, Parameters, TwoLayerNet, backprop_into,
};
use numgrad::random::LegacyRandom;
use proptest::prelude::*;

use crate::support::numbers::{SplitMix64, bits, with_threads};

/// A network and a batch.
#[derive(Debug, Clone)]
struct Problem {
    parameters: Parameters,
    x: Array2<f64>,
    classes: Vec<usize>,
}

impl Problem {
    /// Weights drawn by SplitMix64, of a size that keeps the layers' outputs alike, times `scale`; inputs of which half are 0.
    fn draw(seed: u64, n_samples: usize, shape: &NetworkShape, scale: f64) -> Self {
        let mut random = SplitMix64(seed);
        let mut parameters = Parameters::zeros(shape);
        for layer in shape.layers() {
            let scale = scale * (3.0 / layer.n_inputs as f64).sqrt();
            parameters.weights_mut(layer.number).mapv_inplace(|_| scale * random.signed());
            parameters.biases_mut(layer.number).mapv_inplace(|_| 0.3 * scale * random.signed());
        }
        let x = Array2::from_shape_simple_fn((n_samples, shape.n_inputs()), || match random.below(2) {
            0 => 0.0,
            _ => f64::from((random.below(255) + 1) as f32 / 255.0),
        });
        let classes = (0..n_samples).map(|_| random.below(shape.n_classes())).collect();
        Self { parameters, x, classes }
    }

    /// The first batch of a run of `golden/deep-*`, and the weights before it.
    fn golden(folder: &str, sizes: &[usize], activation: Activation, seed: u32) -> Self {
        let mut random = LegacyRandom::seed(seed);
        let shape = NetworkShape::new(sizes).with_activation(activation);
        let mut parameters = Parameters::zeros(&shape);
        for layer in shape.layers() {
            let variance = if activation == Activation::Relu { 2.0 } else { 1.0 } / layer.n_inputs as f64;
            let weights = variance.sqrt() * random.randn((layer.n_inputs, layer.n_units));
            parameters.weights_mut(layer.number).assign(&weights);
        }
        let batch: Array1<i64> = ndarray_npy::read_npy(format!("tests/golden/{folder}/batch_0.npy")).unwrap();
        let batch: Vec<usize> = batch.iter().map(|&sample| sample as usize).collect();
        let (mut x, mut classes) = (Array2::zeros((batch.len(), 784)), vec![0; batch.len()]);
        embedded(10).unwrap().train.gather_into(&batch, &mut x, &mut classes);
        Self { parameters, x, classes }
    }

    /// The mean of the absolute values of each derivative over the samples one by one.
    fn sizes_of_terms(&self, isa: Isa, h: f64) -> Vec<f64> {
        let mut sizes = vec![0.0; self.parameters.values().len()];
        for (x, class) in self.x.rows().into_iter().zip(&self.classes) {
            let x = x.insert_axis(Axis(0));
            let mut loss = IncrementalLoss::new(&self.parameters, &x, &[*class]).with_isa(isa);
            for (size, g) in sizes.iter_mut().zip(gradient(&mut loss, h)) {
                *size += g.abs() / self.classes.len() as f64;
            }
        }
        sizes
    }

    fn incremental(&self) -> IncrementalLoss {
        IncrementalLoss::new(&self.parameters, &self.x, &self.classes)
    }

    fn full(&self) -> FullLoss<'_> {
        FullLoss::new(&self.parameters, &self.x, &self.classes)
    }

    fn backprop(&self) -> Parameters {
        let mut gradient = Parameters::zeros(self.parameters.shape());
        backprop_into(&self.parameters, &self.x, &self.classes, &mut gradient);
        gradient
    }

    /// Coordinates of all arrays, first and last ones included.
    fn some_coordinates(&self, n: usize) -> Vec<usize> {
        let shape = self.parameters.shape();
        let ends = shape.layers().flat_map(|layer| [layer.begin, layer.biases() - 1, layer.biases(), layer.end() - 1]);
        let mut random = SplitMix64(7);
        let others: Vec<usize> = (0..n).map(|_| random.below(shape.n_parameters())).collect();
        ends.chain(others).collect()
    }
}

fn gradient(loss: &mut IncrementalLoss, h: f64) -> Vec<f64> {
    let mut out = vec![f64::NAN; loss.n_coordinates()];
    central(h).of_objective(loss).gradient_into(&mut out).unwrap();
    out
}

fn central(h: f64) -> Differentiator {
    Differentiator::new(Stencil::central(), Step::Absolute(h)).with_non_finite(NonFinite::Propagate)
}

fn shape(sizes: &[usize], activation: Activation) -> NetworkShape {
    NetworkShape::new(sizes).with_activation(activation)
}

/// At h = 0.5 the difference is far from the derivative: it tells a finite difference from an analytic gradient.
#[test]
fn every_coordinate_is_within_1e_11_of_the_exact_difference() {
    for (folder, sizes, activation, seed) in [
        ("deep-relu", &[784, 20, 15, 10][..], Activation::Relu, 42),
        ("deep-sigmoid", &[784, 20, 15, 10], Activation::Sigmoid, 42),
        ("deep-tanh", &[784, 12, 10, 8, 10], Activation::Tanh, 7),
    ] {
        let problem = Problem::golden(folder, sizes, activation, seed);
        let golden = File::open(format!("tests/golden/{folder}/exact_difference.json")).unwrap();
        let golden: serde_json::Value = serde_json::from_reader(golden).unwrap();
        for (key, h) in [("h=1e-4", 1e-4), ("h=0.5", 0.5)] {
            for isa in Isa::available() {
                let mut found = Parameters::zeros(problem.parameters.shape());
                found.values_mut().assign(&Array1::from_vec(gradient(&mut problem.incremental().with_isa(isa), h)));
                for entry in golden.as_array().unwrap() {
                    let index: Vec<usize> = serde_json::from_value(entry["index"].clone()).unwrap();
                    let name = entry["array"].as_str().unwrap();
                    let (_, array) = found.arrays().find(|(n, _)| n == name).unwrap();
                    let expected: f64 = entry[key].as_str().unwrap().parse().unwrap();
                    let (found, tolerance) = (array[&index[..]], 1e-11 * expected.abs() + 1e-16);
                    assert!(
                        (found - expected).abs() <= tolerance,
                        "{folder}, {isa}, {key}, {name}{index:?}: {found:e}, expected {expected:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_network_of_two_layers_has_the_bits_of_the_books() {
    let problem = Problem::draw(1, 9, &NetworkShape::new([30, 11, 5]), 2.0);
    let (two_layers, network) =
        (TwoLayerNet::new(problem.parameters.clone()), Network::new(problem.parameters.clone()));
    assert_eq!(bits(two_layers.predict(&problem.x)), bits(network.predict(&problem.x)));
    let loss = |loss: f64| loss.to_bits();
    assert_eq!(
        loss(two_layers.loss(&problem.x, &problem.classes[..])),
        loss(network.loss(&problem.x, &problem.classes[..]))
    );
}

#[test]
fn whole_passes_and_the_incremental_base_have_the_loss_of_the_readable_network() {
    for activation in Activation::ALL {
        for sizes in [&[7, 5, 3][..], &[20, 9, 8, 4], &[70, 17, 8, 30, 6, 5]] {
            let problem = Problem::draw(2, 13, &shape(sizes, activation), 1.5);
            let expected = Network::new(problem.parameters.clone()).loss(&problem.x, &problem.classes[..]);
            for isa in Isa::available() {
                for found in [problem.full().with_isa(isa).value(), problem.incremental().with_isa(isa).value()] {
                    assert!(
                        (found - expected).abs() < 1e-14 * (1.0 + expected),
                        "{sizes:?} {activation}, {isa}: {found} {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn backpropagation_is_the_limit_of_the_differences() {
    for (activation, sizes) in [
        (Activation::Sigmoid, &[20, 9, 8, 4][..]),
        (Activation::Tanh, &[20, 9, 8, 12, 4]),
        (Activation::Relu, &[20, 9, 8, 12, 4]),
    ] {
        let problem = Problem::draw(3, 11, &shape(sizes, activation), 1.0);
        let (analytic, numerical) = (problem.backprop(), gradient(&mut problem.incremental(), 1e-9));
        let largest = analytic.values().iter().fold(0.0, |max: f64, g| max.max(g.abs()));
        for (i, (a, n)) in analytic.values().iter().zip(&numerical).enumerate() {
            assert!((a - n).abs() <= 1e-13 * largest, "{activation}, coordinate {i}: {n:e}, analytic {a:e}");
        }
    }
}

/// Against the same differences evaluated one by one the general way, which rounds in other places. `scale` is the size of what a
/// layer's largest derivative is the sum of, sample by sample, as those of either sign may cancel.
fn assert_series_are_the_general_way(problem: &Problem, h: f64) {
    for isa in Isa::available() {
        let mut loss = problem.incremental().with_isa(isa);
        let found = gradient(&mut loss, h);
        let sizes = problem.sizes_of_terms(isa, h);
        let mut workspace = loss.workspace();
        for coordinate in problem.some_coordinates(40) {
            let mut at = |delta| loss.evaluate(&mut workspace, coordinate, delta);
            let expected = (at(h) - at(-h)) / (2.0 * h);
            let layer = problem.parameters.shape().layers().find(|layer| coordinate < layer.end()).unwrap();
            let scale = sizes[layer.begin..layer.end()].iter().copied().fold(0.0, f64::max);
            assert!(
                (found[coordinate] - expected).abs() <= 1e-13 * scale + 1e-300,
                "{}, {isa}, h {h:e}, coordinate {coordinate} of layer {}: {:e}, expected {expected:e}, largest {scale:e}",
                problem.parameters.shape(),
                layer.number,
                found[coordinate]
            );
        }
    }
}

/// A wrong class that is all but certain: the loss is a series in the growth of which no term is small by itself, at moves just
/// within the reach of each series. Forward, as in a central difference every other term that is cut off cancels.
#[test]
fn the_series_of_the_loss_is_long_enough_for_the_growth() {
    for (activation, slope, ratio) in
        [(Activation::Relu, 1.0, 0.0), (Activation::Tanh, 1.0, 1.0), (Activation::Sigmoid, 0.25, 0.5)]
    {
        // Every unit stands where it is steepest; the last weights are so large that the growth's own rate is half its size.
        let steepest = if activation == Activation::Relu { 1.0 } else { 0.0 };
        let range = 1e4;
        let output = Activation::of(activation, &ndarray::array![steepest])[0];
        let values = [0.0, steepest, 1.0, steepest - output, 0.0, range, 0.0, 40.0 - range * output];
        let mut parameters = Parameters::zeros(&shape(&[1, 1, 1, 2], activation));
        parameters.as_slice_mut().copy_from_slice(&values);
        let mut loss = IncrementalLoss::new(&parameters, &ndarray::array![[1.0]], &[0]);
        for n_terms in [4.0, 5.0, 9.0] {
            for part in [0.49, 0.499, 0.51, 0.98, 0.999, 1.01] {
                let rate = slope * (ratio + slope * range / 2.0);
                let h = part * f64::exp2(-53.0 / n_terms) / rate;
                let forward = Differentiator::new(Stencil::forward(), Step::Absolute(h));
                let found = forward.of_objective(&mut loss).partials([1]).unwrap()[0];
                let expected = loss.evaluate(&mut loss.workspace(), 1, h) / h;
                assert!(
                    (found - expected).abs() <= 2e-15 * expected.abs(),
                    "{activation}, {n_terms} terms, {part}: {found:e}, expected {expected:e}"
                );
            }
        }
    }
}

/// Weights to all classes that are nearly equal: only what they differ by moves the loss.
#[test]
fn the_series_keep_the_digits_of_weights_that_are_alike_for_all_classes() {
    for activation in Activation::ALL {
        let values = [0.5, 0.3, 0.7, 0.2, 1e6, 1e6 + 1.0 / 1024.0, 0.0, 0.0];
        let mut parameters = Parameters::zeros(&shape(&[1, 1, 1, 2], activation));
        parameters.as_slice_mut().copy_from_slice(&values);
        let mut loss = IncrementalLoss::new(&parameters, &ndarray::array![[0.9]], &[0]);
        let found = gradient(&mut loss, 1e-4);
        for (coordinate, found) in found.iter().enumerate().take(4) {
            let at = |delta| loss.evaluate(&mut loss.workspace(), coordinate, delta);
            let expected = (at(1e-4) - at(-1e-4)) / 2e-4;
            assert!(
                (found - expected).abs() <= 4e-15 * expected.abs(),
                "{activation}, coordinate {coordinate}: {found:e}, expected {expected:e}"
            );
        }
    }
}

fn problems() -> impl Strategy<Value = Problem> {
    let sizes = (1..80_usize, prop::collection::vec(1..40_usize, 1..5), 2..12_usize);
    let activation = prop::sample::select(Activation::ALL.to_vec());
    let scale = prop_oneof![Just(0.01), Just(0.3), Just(1.0), Just(3.0), Just(30.0), Just(1e3)];
    (any::<u64>(), 1..60_usize, sizes, activation, scale).prop_map(|(seed, n, (d, hidden, k), activation, scale)| {
        let sizes: Vec<usize> = [d].into_iter().chain(hidden).chain([k]).collect();
        Problem::draw(seed, n, &shape(&sizes, activation), scale)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_series_are_the_general_way_for_any_network_and_step(problem in problems(), exponent in -12.0..0.5f64) {
        assert_series_are_the_general_way(&problem, 10_f64.powf(exponent));
    }
}

/// A loss by whole passes is off by some ulps, which the step divides.
#[test]
fn differences_are_those_of_whole_passes_at_long_steps() {
    for activation in Activation::ALL {
        for sizes in [&[20, 9, 8, 4][..], &[30, 17, 8, 30, 6, 5]] {
            let problem = Problem::draw(4, 13, &shape(sizes, activation), 1.0);
            for h in [1e-4, 1e-2, 0.5, 3.0] {
                let (full, found) = (problem.full(), gradient(&mut problem.incremental(), h));
                let mut workspace = full.workspace();
                for coordinate in problem.some_coordinates(40) {
                    let mut at = |delta| full.evaluate(&mut workspace, coordinate, delta);
                    let expected = (at(h) - at(-h)) / (2.0 * h);
                    // The step that `w + h` realises is off by half an ulp of it.
                    let tolerance = 2e-14 / h + 1e-13 * expected.abs() + 1e-16 * expected.abs() / h;
                    let found = found[coordinate];
                    assert!(
                        (found - expected).abs() <= tolerance,
                        "{sizes:?} {activation}, h {h}, {coordinate}: {found:e}, full {expected:e}"
                    );
                }
            }
        }
    }
}

/// Weighted sums at, and by less than a move beside, the kink of a rectifier: in the moved layer and in those above.
#[test]
fn rectifiers_are_exact_at_and_around_their_kinks() {
    for sizes in [&[3, 9, 4][..], &[3, 9, 8, 4], &[3, 5, 9, 8, 4]] {
        let shape = shape(sizes, Activation::Relu);
        for distance in [0.0, 1e-9, 3e-5, 9e-5, 1.1e-4] {
            let mut problem = Problem::draw(5, 1, &shape, 1.0);
            problem.x.fill(0.75);
            // Every weighted sum becomes ±distance, layer by layer.
            for l in 1..shape.n_layers() {
                let below = Network::new(problem.parameters.clone());
                let a = weighted_sums(&below, &problem.x, l);
                let biases = problem.parameters.biases(l).to_owned();
                for (j, (bias, a)) in biases.iter().zip(&a).enumerate() {
                    let wanted = if j % 3 == 0 {
                        0.4
                    } else if j % 3 == 1 {
                        distance
                    } else {
                        -distance
                    };
                    problem.parameters.biases_mut(l)[j] = bias + (wanted - a);
                }
            }
            for h in [1e-6, 1e-4, 1e-2] {
                assert_series_are_the_general_way(&problem, h);
                let (full, found) = (problem.full(), gradient(&mut problem.incremental(), h));
                let mut workspace = full.workspace();
                for (coordinate, found) in found.iter().enumerate() {
                    let mut at = |delta| full.evaluate(&mut workspace, coordinate, delta);
                    let expected = (at(h) - at(-h)) / (2.0 * h);
                    assert!(
                        (found - expected).abs() <= 1e-14 / h,
                        "{sizes:?}, {distance}, h {h}, {coordinate}: {found:e}, full {expected:e}"
                    );
                }
            }
        }
    }
}

/// What goes into the units of layer `l` in the one sample.
fn weighted_sums(net: &Network, x: &Array2<f64>, l: usize) -> Vec<f64> {
    let mut z = x.clone();
    for below in 1..l {
        z = Activation::Relu.of(&(z.dot(&net.parameters().weights(below)) + net.parameters().biases(below)));
    }
    (z.dot(&net.parameters().weights(l)) + net.parameters().biases(l)).into_iter().collect()
}

#[test]
fn the_bits_are_the_same_for_every_number_of_threads_and_every_range() {
    for activation in Activation::ALL {
        let problem = Problem::draw(6, 60, &shape(&[150, 50, 21, 33, 10], activation), 1.0);
        let mut serial = problem.incremental();
        let expected = gradient(&mut serial, 1e-4);
        for n_threads in [1, 2, 3, 8] {
            with_threads(n_threads, || {
                let zeros = Parameters::zeros(problem.parameters.shape());
                let mut loss = IncrementalLoss::new(&zeros, &problem.x, &problem.classes).parallel();
                loss.set_parameters(&problem.parameters);
                let mut out = vec![f64::NAN; loss.n_coordinates()];
                let central = Differentiator::new(Stencil::central(), Step::BOOK).parallel();
                central.of_objective(&mut loss).gradient_into(&mut out).unwrap();
                assert_eq!(bits(&out), bits(&expected), "{activation}, {n_threads} threads");
            });
        }
        let n = expected.len();
        let ends: Vec<usize> =
            problem.parameters.shape().layers().flat_map(|l| [l.begin, l.biases(), l.end()]).collect();
        for end in ends {
            for range in [end.saturating_sub(30)..(end + 30).min(n), end..end, end.saturating_sub(1)..end] {
                let mut part = vec![f64::NAN; range.len()];
                central(1e-4).of_objective(&mut serial).partials_into(range.clone(), &mut part).unwrap();
                assert_eq!(bits(&part), bits(&expected[range.clone()]), "{range:?}");
            }
        }
    }
}

#[test]
fn nan_in_any_layer_reaches_the_gradient() {
    for activation in Activation::ALL {
        for layer in 1..4 {
            let mut problem = Problem::draw(7, 4, &shape(&[6, 9, 8, 3], activation), 1.0);
            problem.parameters.biases_mut(layer)[1] = f64::NAN;
            let found = gradient(&mut problem.incremental(), 1e-4);
            // A rectifier is NaN of NaN as well. What an input of 0 would move stays 0.
            assert!(found.iter().all(|g| g.is_nan() || *g == 0.0), "{activation}, layer {layer}");
            assert!(found.iter().filter(|g| g.is_nan()).count() > found.len() / 4, "{activation}, layer {layer}");
        }
    }
}
