//! How much memory something says that it will take, beside how much it takes.

use ndarray::Array2;
use numgrad::dataset::{Samples, embedded};
use numgrad::difference::{Differentiator, Objective, Stencil, Step};
use numgrad::nn::simd::Isa;
use numgrad::nn::{Activation, FullLoss, IncrementalLoss, Network, NetworkShape, Parameters};
use numgrad::random::LegacyRandom;
use numgrad::train::{
    Evaluation, Forward, GradientMethod, Init, Trainer, TrainingSettings, check_gradient, check_gradient_n_bytes,
    initial_parameters,
};

use super::counting::{peak_and_kept_bytes, peak_bytes};

fn shapes() -> Vec<NetworkShape> {
    let two_layers = [[784, 50, 10], [63, 8, 9], [20, 301, 30]].map(NetworkShape::new);
    let deeper = Activation::ALL.map(|activation| NetworkShape::new([63, 70, 20, 41, 9]).with_activation(activation));
    two_layers.into_iter().chain(deeper).collect()
}

/// What a few vectors take that hold the layers.
const HEADERS: u64 = 4_000;

fn parameters(shape: &NetworkShape) -> Parameters {
    initial_parameters(shape, Init::Normal, 0.1, &mut LegacyRandom::seed(1))
}

/// Inputs of which no two of a sample are equal, nor 1 as the bias's.
fn distinct_inputs(n_samples: usize, n_inputs: usize) -> (Array2<f64>, Vec<usize>) {
    let x = Array2::from_shape_fn((n_samples, n_inputs), |(n, i)| 0.5 + (n * n_inputs + i) as f64 * 1e-6);
    (x, (0..n_samples).map(|n| n % 9).collect())
}

fn gradient(objective: &mut impl Objective) -> Vec<f64> {
    let mut gradient = vec![0.0; objective.n_coordinates()];
    let central = Differentiator::new(Stencil::central(), Step::BOOK);
    central.of_objective(objective).gradient_into(&mut gradient).unwrap();
    gradient
}

pub fn a_loss_takes_as_much_memory_as_it_says() {
    for shape in &shapes() {
        let (parameters, isa) = (parameters(shape), Isa::best());
        for n_samples in [8, 100] {
            let (x, classes) = distinct_inputs(n_samples, shape.n_inputs());
            let (_kept, _, kept) = peak_and_kept_bytes(|| {
                let mut loss = IncrementalLoss::new(&parameters, &x, &classes).with_isa(isa);
                gradient(&mut loss);
                loss
            });
            let said = IncrementalLoss::n_bytes(shape, n_samples, 1);
            // What comes out of a layer may be 0 or equal, and takes less than was said then.
            let least = if shape.n_layers() == 2 { said - HEADERS } else { said * 4 / 5 };
            let expected = least..said + HEADERS;
            assert!(expected.contains(&(kept as u64)), "{shape}, {n_samples} samples: said {said}, kept {kept}");
        }
        let (x, classes) = distinct_inputs(8, shape.n_inputs());
        let (_, peak, kept) = peak_and_kept_bytes(|| {
            let loss = FullLoss::new(&parameters, &x, &classes);
            let _ = (loss.workspace(), loss.workspace(), loss.workspace());
            let workspaces = [loss.workspace(), loss.workspace(), loss.workspace()];
            (loss, workspaces)
        });
        let said = FullLoss::n_bytes(shape, 8, 3);
        let is_said = |n_bytes: usize| (said..said + HEADERS).contains(&(n_bytes as u64));
        assert!(is_said(peak) && is_said(kept), "{shape}: said {said}, taken {peak}, kept {kept}");
    }
}

/// What the engine and rayon take for themselves, and what is written beside large arrays.
const SLACK: u64 = 300_000;

#[track_caller]
fn is_about(said: u64, taken: usize, what: &str) {
    let taken = taken as u64;
    println!("{what}: said {said}, taken {taken}");
    assert!(taken <= said + SLACK, "{what}: {said} bytes were said, {taken} taken");
    // The blocks of a matrix product have their largest size in it, and images fewer values than inputs.
    assert!(said <= taken * 5 / 4 + 9_000_000, "{what}: {said} bytes were said, only {taken} taken");
}

fn samples() -> Samples {
    embedded(10).unwrap().train
}

fn settings(gradient: GradientMethod, forward: Forward) -> TrainingSettings {
    TrainingSettings { batch_size: 50, gradient, forward, ..TrainingSettings::default() }
}

fn on_threads<T: Send>(n_threads: usize, f: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap().install(f)
}

pub fn a_training_takes_no_more_memory_than_it_says_and_not_much_less() {
    let samples = samples();
    for (gradient, forward, n_hidden, n_threads) in [
        (GradientMethod::Numerical, Forward::Incremental, 1000, 2),
        (GradientMethod::Backprop, Forward::Incremental, 1000, 2),
        (GradientMethod::Numerical, Forward::Full, 2, 1),
        (GradientMethod::Numerical, Forward::Full, 2, 3),
    ] {
        let shape = NetworkShape::new([784, n_hidden, 10]);
        let settings = settings(gradient, forward);
        let (_, peak) = on_threads(n_threads, || {
            peak_bytes(|| {
                let mut trainer = Trainer::new(&samples, parameters(&shape), LegacyRandom::seed(1), settings);
                trainer.iterate(Some(&|_| std::ops::ControlFlow::Continue(()))).unwrap();
                trainer.checkpoint().write(std::io::sink(), "{}").unwrap();
            })
        });
        is_about(Trainer::n_bytes(&shape, &settings, n_threads), peak, &format!("{gradient}, {forward}, {shape}"));
    }
}

pub fn so_do_the_answers_to_samples_and_a_check_of_a_gradient() {
    let samples = samples();
    let shape = NetworkShape::new([784, 500, 10]);
    let net = Network::new(parameters(&shape));
    for n_threads in [1, 3] {
        let (_, peak) = on_threads(n_threads, || peak_bytes(|| Evaluation::new(&net, &samples)));
        is_about(Evaluation::n_bytes(&shape, samples.len(), n_threads), peak, "answers");
    }
    for (forward, n_hidden) in [(Forward::Incremental, 500), (Forward::Full, 2)] {
        let shape = NetworkShape::new([784, n_hidden, 10]);
        let (parameters, settings) = (parameters(&shape), settings(GradientMethod::Numerical, forward));
        let check = || check_gradient(&samples, &parameters, &LegacyRandom::seed(1), &settings, None).unwrap();
        let (_, peak) = on_threads(2, || peak_bytes(check));
        is_about(check_gradient_n_bytes(&shape, &settings, 2), peak, &format!("check, {forward}"));
    }
}

pub fn what_overflows_is_more_than_any_memory() {
    let settings = settings(GradientMethod::Numerical, Forward::Incremental);
    for n_hidden in [usize::MAX, usize::MAX / 784, 1 << 55] {
        let shape = NetworkShape::new([784, n_hidden, 10]);
        assert_eq!(Trainer::n_bytes(&shape, &settings, 1), u64::MAX, "{n_hidden} hidden units");
        assert_eq!(check_gradient_n_bytes(&shape, &settings, 1), u64::MAX, "{n_hidden} hidden units");
    }
    let settings = TrainingSettings { batch_size: usize::MAX, ..settings };
    assert_eq!(Trainer::n_bytes(&shapes()[0], &settings, 1), u64::MAX);
    assert_eq!(FullLoss::n_bytes(&shapes()[0], 100, usize::MAX), u64::MAX);
}
