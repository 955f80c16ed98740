//! One gradient of the article's network, 784-50-10 on a batch of 100 digits: serial code without rayon, then rayon on 1, 2,
//! 4, … threads, up to the cores.
//!
//! Throughput is nominal loss evaluations a second, two a weight in every mode. `full` takes seconds a gradient, so it is
//! measured on a tenth of the hidden units, 784-5-10; its time for one evaluation of 784-50-10 is a row of its own.
//!
//! `cargo bench --bench gradient`

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array2;
use numgrad::dataset::{Sampler, embedded};
use numgrad::difference::{Differentiator, Objective, Stencil, Step};
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
        let shape = NetworkShape { n_inputs: 784, n_hidden, n_classes: 10 };
        let parameters = initial_parameters(shape, Init::Uniform, 0.01, &mut random);
        let (mut x, mut classes) = (Array2::zeros((100, 784)), vec![0; 100]);
        samples.gather_into(Sampler::new(samples.len(), 100).draw(&mut random), &mut x, &mut classes);
        Self { parameters, x, classes }
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

fn central() -> Differentiator<'static> {
    Differentiator::new(Stencil::central(), Step::BOOK)
}

/// Pools of 1, 2, 4, … threads up to the cores, and 16 if there are as many.
fn pools() -> impl Iterator<Item = (usize, ThreadPool)> {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let sizes = (0..).map(|power| 1 << power).take_while(move |&n| n <= n_cores.min(16));
    sizes.map(|n| (n, ThreadPoolBuilder::new().num_threads(n).build().expect("a pool of a few threads starts")))
}

fn full(c: &mut Criterion) {
    let problem = Problem::digits(5);
    let mut gradient = vec![0.0; problem.parameters.values().len()];
    let mut group = c.benchmark_group("full 784-5-10");
    group.throughput(Throughput::Elements(problem.n_evaluations())).sample_size(10);
    group.bench_function("serial", |b| {
        b.iter(|| central().objective_gradient_into(&mut problem.full(), &mut gradient).unwrap())
    });
    for (n_threads, pool) in pools() {
        group.bench_function(BenchmarkId::new("threads", n_threads), |b| {
            pool.install(|| {
                b.iter(|| central().parallel().objective_gradient_into(&mut problem.full(), &mut gradient).unwrap())
            })
        });
    }
}

fn incremental(c: &mut Criterion) {
    for n_hidden in [50, 200] {
        let problem = Problem::digits(n_hidden);
        let mut gradient = vec![0.0; problem.parameters.values().len()];
        let mut group = c.benchmark_group(format!("incremental 784-{n_hidden}-10"));
        group.throughput(Throughput::Elements(problem.n_evaluations()));
        let mut objective = problem.incremental();
        group.bench_function("serial", |b| {
            b.iter(|| central().objective_gradient_into(&mut objective, &mut gradient).unwrap())
        });
        for (n_threads, pool) in pools() {
            let mut objective = problem.incremental().parallel();
            let central = central().parallel();
            group.bench_function(BenchmarkId::new("threads", n_threads), |b| {
                pool.install(|| b.iter(|| central.objective_gradient_into(&mut objective, &mut gradient).unwrap()))
            });
        }
    }
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
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    targets = full, incremental, parts
}
criterion_main!(benches);
