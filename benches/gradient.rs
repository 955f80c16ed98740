//! Gradients, serial and parallel: plain serial code without rayon, then rayon on 1, 2, 4, … threads up to the cores, and on
//! the mission's 16.
//!
//! The network is the article's, D-H-K for a batch of 100 digits; H is 5 where `full` is measured with threads, so that the
//! suite keeps its time, and 50 as in the article; then deeper ones. Throughput is nominal loss evaluations a second, two a weight in every
//! mode. `cargo bench --bench report` makes tables and a picture of what was measured.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ndarray::{Array1, Array2};
use numgrad::dataset::{Sampler, embedded, from_directory};
use numgrad::difference::{Differentiator, Error, Objective, Stencil, Step};
use numgrad::nn::{FullLoss, IncrementalLoss, NetworkShape, Parameters, TwoLayerNet, backprop_into};
use numgrad::random::LegacyRandom;
use numgrad::train::{Init, initial_parameters};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The first batch of the embedded digits and the weights before it, as drawn with seed 42.
struct Problem {
    parameters: Parameters,
    x: Array2<f64>,
    classes: Vec<usize>,
}

impl Problem {
    fn digits(n_hidden: usize) -> Self {
        let mut random = LegacyRandom::seed(42);
        let samples = embedded(10).expect("the embedded digits are whole").train;
        let shape = NetworkShape::new([784, n_hidden, 10]);
        let parameters = initial_parameters(&shape, Init::Uniform, 0.01, &mut random);
        let (mut x, mut classes) = (Array2::zeros((100, 784)), vec![0; 100]);
        samples.gather_into(Sampler::new(samples.len(), 100).draw(&mut random), &mut x, &mut classes);
        Self { parameters, x, classes }
    }

    /// The same batch for a network of these hidden layers, whose weights have the size that keeps the layers' outputs alike.
    fn deep(hidden: &[usize]) -> Self {
        let sizes: Vec<usize> = [784].iter().chain(hidden).chain(&[10]).copied().collect();
        let mut parameters = Parameters::zeros(&NetworkShape::new(sizes));
        let mut random = LegacyRandom::seed(42);
        for layer in parameters.shape().clone().layers() {
            let scale = (1.0 / layer.n_inputs as f64).sqrt();
            parameters.weights_mut(layer.number).map_inplace(|weight| *weight = scale * random.standard_normal());
        }
        Self { parameters, ..Self::digits(5) }
    }

    fn n_evaluations(&self) -> u64 {
        2 * self.parameters.values().len() as u64
    }

    fn full(&self) -> FullLoss<'_> {
        FullLoss::new(&self.parameters, &self.x, &self.classes)
    }

    fn incremental(&self) -> IncrementalLoss {
        IncrementalLoss::new(&self.parameters, &self.x, &self.classes)
    }
}

fn central() -> Differentiator {
    Differentiator::new(Stencil::central(), Step::BOOK)
}

/// Pools of 1, 2, 4, … threads up to the cores, and of 16.
fn pools() -> impl Iterator<Item = (usize, ThreadPool)> {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let sizes = (0..).map(|power| 1 << power).take_while(move |&n| n <= n_cores).filter(|&n| n != 16);
    let pool = |n| ThreadPoolBuilder::new().num_threads(n).build().expect("a pool of a few threads starts");
    sizes.chain([16]).map(move |n| (n, pool(n)))
}

/// The rows of one group: `gradient` with a serial differentiator, then in each pool with a parallel one.
fn serial_and_threads(
    group: &mut BenchmarkGroup<WallTime>,
    mut gradient: impl FnMut(&Differentiator) -> Result<(), Error> + Send,
) {
    group.bench_function("serial", |b| b.iter(|| gradient(&central())));
    for (n_threads, pool) in pools() {
        let central = central().parallel();
        group
            .bench_function(BenchmarkId::new("threads", n_threads), |b| pool.install(|| b.iter(|| gradient(&central))));
    }
}

fn full(c: &mut Criterion) {
    let problem = Problem::digits(5);
    let mut gradient = vec![0.0; problem.parameters.values().len()];
    let mut group = c.benchmark_group("full 784-5-10");
    group.throughput(Throughput::Elements(problem.n_evaluations())).sample_size(10);
    serial_and_threads(&mut group, |central| central.of_objective(&mut problem.full()).gradient_into(&mut gradient));
    group.finish();

    let problem = Problem::digits(50);
    let mut gradient = vec![0.0; problem.parameters.values().len()];
    let mut group = c.benchmark_group("full 784-50-10");
    group.throughput(Throughput::Elements(problem.n_evaluations())).sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function("serial", |b| {
        b.iter(|| central().of_objective(&mut problem.full()).gradient_into(&mut gradient))
    });
    group.finish();
}

fn incremental(c: &mut Criterion) {
    for n_hidden in [5, 50, 200] {
        let problem = Problem::digits(n_hidden);
        let mut gradient = vec![0.0; problem.parameters.values().len()];
        let mut group = c.benchmark_group(format!("incremental 784-{n_hidden}-10"));
        group.throughput(Throughput::Elements(problem.n_evaluations()));
        let mut objective = problem.incremental();
        serial_and_threads(&mut group, |central| central.of_objective(&mut objective).gradient_into(&mut gradient));
    }
}

/// Networks with several hidden layers, and what backpropagation of the same takes.
fn deep(c: &mut Criterion) {
    for hidden in [&[100][..], &[100, 100], &[100, 50], &[100; 3], &[100; 5]] {
        let problem = Problem::deep(hidden);
        let mut gradient = problem.parameters.clone();
        let mut group = c.benchmark_group(format!("incremental {}", problem.parameters.shape()));
        group.throughput(Throughput::Elements(problem.n_evaluations())).sample_size(10);
        let mut objective = problem.incremental();
        let out = gradient.as_slice_mut();
        serial_and_threads(&mut group, |central| central.of_objective(&mut objective).gradient_into(out));
        group.bench_function("backpropagation", |b| {
            b.iter(|| backprop_into(&problem.parameters, &problem.x, &problem.classes, &mut gradient))
        });
        let (full, mut evaluations) = (problem.full(), 0);
        let mut workspace = full.workspace();
        group.throughput(Throughput::Elements(1)).bench_function("one full evaluation", |b| {
            b.iter(|| {
                evaluations += 1;
                full.evaluate(&mut workspace, evaluations % problem.parameters.values().len(), 1e-4)
            })
        });
    }
}

/// Batches with more and more inputs that are not 0: of 256 values as pixels have them, or all different.
fn incremental_by_inputs(c: &mut Criterion) {
    let Problem { parameters, x, classes } = Problem::digits(50);
    let mut gradient = vec![0.0; parameters.values().len()];
    let mut group = c.benchmark_group("incremental 784-50-10, by inputs");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for (kind, largest) in [("bytes", Some(255.0)), ("reals", None)] {
        for percent in [10, 20, 40, 80] {
            let mut random = LegacyRandom::seed(1);
            let x = Array2::from_shape_simple_fn(x.dim(), || {
                let (value, is_zero) = (random.random_sample(), random.random_sample() * 100.0 >= f64::from(percent));
                let value = largest.map_or(value, |largest: f64| (value * largest).ceil() / largest);
                if is_zero { 0.0 } else { value }
            });
            let n_inputs = x.iter().filter(|x| **x != 0.0).count();
            let mut objective = IncrementalLoss::new(&parameters, &x, &classes);
            group.throughput(Throughput::Elements((n_inputs * parameters.shape().hidden()[0]) as u64));
            group.bench_function(BenchmarkId::new(kind, format!("{percent} %")), |b| {
                b.iter(|| central().of_objective(&mut objective).gradient_into(&mut gradient))
            });
        }
    }
}

/// A function of 1,000 parameters that the engine knows nothing of: about a microsecond, and a thousand times that.
fn black_box_function(c: &mut Criterion) {
    let x = Array1::from_shape_fn(1_000, |i| (i as f64).sin());
    for (name, n_rounds) in [("black box of 1 us 1000", 1), ("black box of 1 ms 1000", 1_200)] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(2 * x.len() as u64)).sample_size(10);
        let mut gradient = Array1::zeros(x.len());
        let rosenbrock = |x: &Array1<f64>| rosenbrock(x, n_rounds);
        serial_and_threads(&mut group, |central| central.of(rosenbrock, &x).gradient_into(&mut gradient));
    }
}

/// Rosenbrock's function of many parameters, added up `n_rounds` times for its cost.
fn rosenbrock(x: &Array1<f64>, n_rounds: usize) -> f64 {
    let x = x.as_slice().expect("a vector is contiguous");
    let sum = |round: usize| {
        let a = 100.0 + black_box(round) as f64;
        x.windows(2).map(|x| a * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2)).sum::<f64>()
    };
    (0..n_rounds).map(sum).sum()
}

fn parts(c: &mut Criterion) {
    let problem = Problem::digits(50);
    let mut group = c.benchmark_group("parts 784-50-10");
    let objective = problem.full();
    let mut workspace = objective.workspace();
    group.bench_function("one full evaluation", |b| b.iter(|| objective.evaluate(&mut workspace, black_box(5), 1e-4)));
    let net = TwoLayerNet::new(problem.parameters.clone());
    group.bench_function("one evaluation by ndarray", |b| b.iter(|| net.loss(&problem.x, &problem.classes[..])));
    let mut incremental = problem.incremental();
    group.bench_function("a new batch, its forward pass included", |b| {
        b.iter(|| incremental.set_batch(&problem.x, &problem.classes))
    });
    group.bench_function("new parameters, their forward pass included", |b| {
        b.iter(|| incremental.set_parameters(&problem.parameters))
    });
    let mut gradient = problem.parameters.clone();
    group.bench_function("backpropagation", |b| {
        b.iter(|| backprop_into(&problem.parameters, &problem.x, &problem.classes, &mut gradient))
    });
    let samples = embedded(10).expect("the embedded digits are whole").train;
    let (mut random, mut sampler) = (LegacyRandom::seed(1), Sampler::new(samples.len(), 100));
    let (mut x, mut classes) = (Array2::zeros((100, 784)), vec![0; 100]);
    group.bench_function("sampling a batch", |b| {
        b.iter(|| samples.gather_into(sampler.draw(&mut random), &mut x, &mut classes))
    });
    group.sample_size(10);
    group.bench_function("reading the embedded digits", |b| b.iter(|| embedded(10)));
    if let Some(folder) = std::env::var_os("NUMGRAD_DATA_DIR").filter(|folder| !folder.is_empty()) {
        group.bench_function("reading MNIST", |b| b.iter(|| from_directory(Path::new(&folder), 10)));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    targets = full, incremental, deep, incremental_by_inputs, black_box_function, parts
}
criterion_main!(benches);
