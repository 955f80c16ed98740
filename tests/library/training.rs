//! The loop's parts as a library: drawn weights, gradients and losses against NumPy's, and what stops a training.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use crate::support::mnist;
use crate::support::numbers::with_threads;
use numgrad::dataset::{Sampler, Samples, embedded, from_directory, synthetic};
use numgrad::difference::Objective;
use numgrad::nn::simd::Isa;
use numgrad::nn::{Activation, FullLoss, Network, NetworkShape, Parameters};
use numgrad::random::LegacyRandom;
use numgrad::train::{
    Divergence, Error, Evaluation, Forward, GradientMethod, Init, InitScale, Quantity, Record, Trainer,
    TrainingSettings, initial_parameters,
};

const SETTINGS: fn() -> TrainingSettings =
    || TrainingSettings { forward: Forward::Full, ..TrainingSettings::default() };

fn digits() -> NetworkShape {
    NetworkShape::new([784, 50, 10])
}

fn of_synthetic() -> NetworkShape {
    NetworkShape::new([100, 10, 10])
}

/// A file of `tests/golden`, row by row.
fn golden<Row: serde::de::DeserializeOwned>(name: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    csv::Reader::from_path(path).unwrap().into_deserialize().map(|row| row.unwrap()).collect()
}

/// The first `n` losses of a training on the embedded digits, or on the synthetic data where `shape` is theirs.
fn losses(shape: &NetworkShape, settings: TrainingSettings, n: usize) -> Vec<f64> {
    train(shape, settings, n).0.into_iter().map(|record| record.loss).collect()
}

/// The first `n` records of such a training, and the parameters after them.
fn train(shape: &NetworkShape, settings: TrainingSettings, n: usize) -> (Vec<Record>, Parameters) {
    let mut random = LegacyRandom::seed(42);
    let data = if shape == &of_synthetic() { synthetic(10, &mut random) } else { embedded(10).unwrap() };
    let parameters = initial_parameters(shape, Init::Uniform, 0.01, &mut random);
    let mut trainer = Trainer::new(&data.train, parameters, random, settings);
    let records = (0..n).map(|_| trainer.iterate(None).unwrap()).collect();
    (records, trainer.net().parameters().clone())
}

/// The embedded digits' first batch and the weights before it, as drawn with seed 42.
fn first_batch(samples: &Samples) -> (Parameters, ndarray::Array2<f64>, Vec<usize>) {
    let mut random = LegacyRandom::seed(42);
    let parameters = initial_parameters(&digits(), Init::Uniform, 0.01, &mut random);
    let (mut x, mut classes) = (ndarray::Array2::zeros((100, 784)), vec![0; 100]);
    samples.gather_into(Sampler::new(samples.len(), 100).draw(&mut random), &mut x, &mut classes);
    (parameters, x, classes)
}

#[test]
fn the_losses_on_the_embedded_digits_are_numpys() {
    let golden: Vec<(u64, f64)> = golden("subset/losses.csv");
    let backprop = TrainingSettings { gradient: GradientMethod::Backprop, ..SETTINGS() };
    let incremental = TrainingSettings { forward: Forward::Incremental, ..SETTINGS() };
    for (settings, n) in [(SETTINGS(), 1), (incremental, 3), (backprop, 3)] {
        for (loss, (iteration, golden)) in losses(&digits(), settings, n).into_iter().zip(&golden) {
            // NumPy's rounding of a derivative is 6e-12, and truncation is 2e-9 times its third derivative, 1e-3 of it;
            // what updates of 0.1 make of either is far below 1e-9.
            assert!((loss - golden).abs() < 1e-9, "{settings:?}, iteration {iteration}: {loss}, NumPy has {golden}");
        }
    }
}

#[test]
fn the_losses_of_deeper_networks_are_numpys_in_both_forward_modes() {
    let data = embedded(10).unwrap();
    for (folder, sizes, activation, scale, seed) in [
        ("deep-relu", &[784, 20, 15, 10][..], Activation::Relu, InitScale::He, 42),
        ("deep-sigmoid", &[784, 20, 15, 10], Activation::Sigmoid, InitScale::Xavier, 42),
        ("deep-tanh", &[784, 12, 10, 8, 10], Activation::Tanh, InitScale::Xavier, 7),
    ] {
        let golden: Vec<(u64, f64)> = golden(&format!("{folder}/losses.csv"));
        let batches = TrainingSettings { batch_size: 20, ..SETTINGS() };
        let incremental = TrainingSettings { forward: Forward::Incremental, ..batches };
        // Backpropagation would not do for rectifiers: it knows nothing of the kinks that a move of h goes over.
        for settings in [batches, incremental] {
            let mut random = LegacyRandom::seed(seed);
            let shape = NetworkShape::new(sizes).with_activation(activation);
            let parameters = initial_parameters(&shape, Init::Normal, scale, &mut random);
            let mut trainer = Trainer::new(&data.train, parameters, random, settings);
            // Whole passes take seconds an iteration.
            let n = if settings.forward == Forward::Full { 2 } else { golden.len() };
            for (iteration, golden) in &golden[..n] {
                let loss = trainer.iterate(None).unwrap().loss;
                // NumPy's rounding of a derivative is 5e-12 here, and what updates of 0.1 make of it far below 1e-9.
                assert!(
                    (loss - golden).abs() < 1e-9,
                    "{folder}, {settings:?}, iteration {iteration}: {loss}, NumPy has {golden}"
                );
            }
        }
    }
}

#[test]
fn the_articles_hundred_iterations_on_mnist_are_numpys() {
    let Some(folder) = mnist::folder() else { return };
    let data = from_directory(&folder, 10).unwrap();
    let mut random = LegacyRandom::seed(42);
    let parameters = initial_parameters(&digits(), Init::Uniform, 0.01, &mut random);
    let settings = TrainingSettings { forward: Forward::Incremental, ..SETTINGS() };
    let mut trainer = Trainer::new(&data.train, parameters, random, settings);
    let golden: Vec<(u64, f64)> = golden("article/losses.csv");
    assert_eq!(golden.len(), 100);
    for (iteration, golden) in golden {
        let loss = trainer.iterate(None).unwrap().loss;
        assert!((loss - golden).abs() < 1e-9, "iteration {iteration}: {loss}, NumPy has {golden}");
    }
    // As the article prints them.
    assert_eq!(format!("{:.4}", Evaluation::new(trainer.net(), &data.train).accuracy()), "0.1124");
    assert_eq!(format!("{:.4}", Evaluation::new(trainer.net(), &data.test.unwrap()).accuracy()), "0.1135");
}

#[test]
fn the_first_gradient_on_the_embedded_digits_is_numpys() {
    let data = embedded(10).unwrap();
    let (parameters, x, classes) = first_batch(&data.train);
    for isa in Isa::available() {
        let objective = FullLoss::new(&parameters, &x, &classes).with_isa(isa);
        let mut workspace = objective.workspace();
        for (array, row, column, golden) in golden::<(String, usize, usize, f64)>("subset/gradient.csv") {
            let coordinate = match &array[..] {
                "W1" => row * 50 + column,
                "b1" => 784 * 50 + column,
                "W2" => 784 * 50 + 50 + row * 10 + column,
                _ => 784 * 50 + 50 + 50 * 10 + column,
            };
            let h = 1e-4;
            let mut moved = |delta| objective.evaluate(&mut workspace, coordinate, delta);
            let derivative = (moved(h) - moved(-h)) / (2.0 * h);
            // Two losses of 2.3 with rounding errors of a few 1e-16 each, over 2e-4: 6e-12 for NumPy, the same for us.
            assert!(
                (derivative - golden).abs() < 2e-11,
                "{isa}, {array}[{row}, {column}]: {derivative:e}, NumPy has {golden:e}"
            );
        }
    }
}

#[test]
fn the_full_loss_is_the_networks_loss() {
    let data = embedded(10).unwrap();
    let (parameters, x, classes) = first_batch(&data.train);
    let net = Network::new(parameters.clone());
    for isa in Isa::available() {
        let difference = FullLoss::new(&parameters, &x, &classes).with_isa(isa).value() - net.loss(&x, &classes[..]);
        assert!(difference.abs() < 1e-14, "{isa}: {difference:e}");
    }
}

#[test]
fn an_update_subtracts_the_rate_times_the_gradient_from_every_parameter() {
    let mut random = LegacyRandom::seed(42);
    let [before, gradient] = [(); 2].map(|()| initial_parameters(&digits(), Init::Normal, 0.1, &mut random));
    let mut net = Network::new(before.clone());
    net.update(&gradient, 0.1);
    // The same two operations, so the same bits.
    assert_eq!(net.parameters().values(), before.values() - 0.1 * gradient.values());
}

#[test]
fn a_training_has_the_same_bits_for_any_number_of_threads() {
    let incremental = TrainingSettings { forward: Forward::Incremental, ..SETTINGS() };
    for (shape, settings) in [(&of_synthetic(), SETTINGS()), (&of_synthetic(), incremental), (&digits(), incremental)] {
        let bits = |n_threads| -> Vec<u64> {
            let (records, parameters) = with_threads(n_threads, || train(shape, settings, 5));
            let of_records = records.iter().flat_map(|record| [record.loss, record.gradient_norm]);
            of_records.chain(parameters.values().iter().copied()).map(f64::to_bits).collect()
        };
        let serial = bits(1);
        for n_threads in [2, 3, 8] {
            assert_eq!(bits(n_threads), serial, "{settings:?}, {n_threads} threads");
        }
    }
}

#[test]
fn a_record_tells_of_the_gradient_and_of_the_loss_after_the_update() {
    let mut random = LegacyRandom::seed(1);
    let data = synthetic(10, &mut random);
    let parameters = initial_parameters(&of_synthetic(), Init::Normal, 0.1, &mut random);
    let mut batches = random.clone();
    let mut trainer = Trainer::new(&data.train, parameters.clone(), random, SETTINGS());
    let record = trainer.iterate(None).unwrap();

    let (mut x, mut classes) = (ndarray::Array2::zeros((100, 100)), vec![0; 100]);
    data.train.gather_into(Sampler::new(100, 100).draw(&mut batches), &mut x, &mut classes);
    let mut net = Network::new(parameters);
    let gradient = net.numerical_gradient(&x, &classes, 1e-4);
    net.update(&gradient, 0.1);
    assert_eq!(trainer.gradient(), &gradient);
    assert_eq!(trainer.net(), &net);
    assert!((record.loss - net.loss(&x, &classes[..])).abs() < 1e-14);
    let norm = gradient.values().mapv(|g| g * g).sum().sqrt();
    assert!((record.gradient_norm / norm - 1.0).abs() < 1e-14);
    assert_eq!((record.iteration, record.n_evaluations), (1, 2 * 1120));
}

#[test]
fn accuracy_counts_every_sample_once_in_any_pool() {
    let data = embedded(10).unwrap();
    let test = data.test.unwrap();
    let mut random = LegacyRandom::seed(42);
    let net = Network::new(initial_parameters(&digits(), Init::Normal, 0.1, &mut random));
    let whole = net.accuracy(&test.normalised().flat(), &test.label_indices());
    assert!(whole > 0.0);
    for n_threads in [1, 3] {
        assert_eq!(with_threads(n_threads, || Evaluation::new(&net, &test).accuracy()), whole);
    }
}

#[test]
fn a_gradient_that_is_not_finite_stops_the_training_and_leaves_the_weights() {
    let mut random = LegacyRandom::seed(42);
    let data = synthetic(10, &mut random);
    // Sums over 100 inputs overflow, and infinities of both signs meet.
    let parameters = initial_parameters(&of_synthetic(), Init::Normal, 3e307, &mut random);
    let mut trainer = Trainer::new(&data.train, parameters.clone(), random, SETTINGS());
    let error = trainer.iterate(None).unwrap_err();
    let Error::Diverged(Divergence { iteration, quantity, .. }) = &error else { panic!("{error}") };
    assert_eq!((*iteration, quantity), (1, &Quantity::Gradient("W1".to_owned())), "{error}");
    assert_eq!(trainer.net().parameters(), &parameters);
}

#[test]
fn a_weight_that_has_grown_until_the_step_vanishes_beside_it_stops_a_training_by_whole_passes() {
    let mut random = LegacyRandom::seed(42);
    let data = synthetic(10, &mut random);
    let parameters = initial_parameters(&of_synthetic(), Init::Uniform, 0.01, &mut random);
    // The first update makes weights of about 1e13, whose neighbours are 1e-3 away.
    let settings = TrainingSettings { learning_rate: 1e15, ..SETTINGS() };
    let mut trainer = Trainer::new(&data.train, parameters.clone(), random.clone(), settings);
    trainer.iterate(None).unwrap();
    let error = trainer.iterate(None).unwrap_err();
    let Error::Diverged(Divergence { iteration, quantity, value }) = &error else { panic!("{error}") };
    assert_eq!((*iteration, quantity), (2, &Quantity::Unmoved("W2".to_owned())), "{error}");
    assert!(value + settings.step == *value && error.to_string().contains("longer step"), "{error}");

    let incremental = TrainingSettings { forward: Forward::Incremental, ..settings };
    let mut trainer = Trainer::new(&data.train, parameters.clone(), random, incremental);
    assert!((0..2).all(|_| trainer.iterate(None).is_ok()));
    // The network alone has no iteration to stop: there is no number.
    let (x, classes) = (data.train.normalised().flat(), data.train.label_indices());
    let gradient = Network::new(parameters).numerical_gradient(&x, &classes, 1e-300);
    assert!(gradient.weights(1).iter().all(|derivative| derivative.is_nan()));
}

#[test]
fn a_hook_hears_of_every_coordinate_and_may_cancel() {
    let mut random = LegacyRandom::seed(42);
    let data = synthetic(10, &mut random);
    let parameters = initial_parameters(&of_synthetic(), Init::Uniform, 0.01, &mut random);
    let incremental = TrainingSettings { forward: Forward::Incremental, ..SETTINGS() };
    let backprop = TrainingSettings { gradient: GradientMethod::Backprop, ..SETTINGS() };
    for settings in [SETTINGS(), incremental, backprop] {
        let mut trainer = Trainer::new(&data.train, parameters.clone(), random.clone(), settings);
        let heard = std::sync::atomic::AtomicUsize::new(0);
        let hook = |n| {
            heard.fetch_add(n, std::sync::atomic::Ordering::Relaxed);
            ControlFlow::Continue(())
        };
        trainer.iterate(Some(&hook)).unwrap();
        assert_eq!(heard.into_inner(), 1120, "{settings:?}");
        assert!(matches!(trainer.iterate(Some(&|_| ControlFlow::Break(()))), Err(Error::Cancelled(_))), "{settings:?}");
        assert_eq!(trainer.iteration(), 1, "{settings:?}");
        // The cancelled iteration is begun anew, with the same batch.
        let mut undisturbed = Trainer::new(&data.train, parameters.clone(), random.clone(), settings);
        undisturbed.iterate(None).unwrap();
        assert_eq!(trainer.iterate(None).unwrap().loss, undisturbed.iterate(None).unwrap().loss, "{settings:?}");
    }
}

/// A batch of some thousand samples and a thousand units takes seconds an evaluation.
#[test]
fn an_evaluation_of_a_large_batch_is_broken_off_where_it_is_asked_to() {
    let mut random = LegacyRandom::seed(3);
    let shape = NetworkShape::new([20, 11, 10]);
    let parameters = initial_parameters(&shape, Init::Normal, 1.0, &mut random);
    let (x, classes) = (random.rand((300, 20)), (0..300).map(|n| n % 10).collect::<Vec<_>>());
    let plain = FullLoss::new(&parameters, &x, &classes);
    let asked = AtomicUsize::new(0);
    let goes_on = || {
        asked.fetch_add(1, Relaxed);
        false
    };
    let watched = FullLoss::new(&parameters, &x, &classes).stopped_by(&goes_on);
    let of = |loss: &FullLoss| loss.evaluate(&mut loss.workspace(), 7, 0.1);
    assert_eq!(of(&watched).to_bits(), of(&plain).to_bits());
    assert_eq!((asked.load(Relaxed), watched.is_broken_off()), (2, false));
    let stopped = FullLoss::new(&parameters, &x, &classes).stopped_by(&|| true);
    assert!(of(&stopped).is_nan() && stopped.is_broken_off());

    // And a training abandons the gradient, though it is told so only once.
    let data = synthetic(10, &mut random);
    let parameters = initial_parameters(&of_synthetic(), Init::Normal, 1.0, &mut random);
    let settings = TrainingSettings { batch_size: 1_000, ..SETTINGS() };
    let mut trainer = Trainer::new(&data.train, parameters, random, settings);
    let (n_done, is_told) = (AtomicUsize::new(0), AtomicBool::new(false));
    let hook = |n| {
        n_done.fetch_add(n, Relaxed);
        if n == 0 && !is_told.swap(true, Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let error = trainer.iterate(Some(&hook)).unwrap_err();
    assert!(matches!(error, Error::Cancelled(_)), "{error}");
    assert_eq!((trainer.iteration(), n_done.into_inner()), (0, 0));
}
