//! Central-difference gradients beside those of the crates `finitediff` and `numdiff`, on the same functions of a slice:
//! serial code first, then rayon on 1, 2, … threads up to the cores.
//!
//! Throughput is evaluations of the function a second, two a coordinate.
//!
//! `cargo bench --bench engine && cargo bench --bench report` writes a table of it.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array1, Array2};
use numgrad::difference::Differentiator;
use rayon::ThreadPoolBuilder;

fn rosenbrock(x: &[f64]) -> f64 {
    x.windows(2).map(|w| (1.0 - w[0]).powi(2) + 100.0 * (w[1] - w[0] * w[0]).powi(2)).sum()
}

/// |A·x - b|².
struct LeastSquares {
    a: Array2<f64>,
}

impl LeastSquares {
    fn new(n_equations: usize, n: usize) -> Self {
        Self { a: Array2::from_shape_fn((n_equations, n), |(i, j)| ((i * n + j) as f64).sin()) }
    }

    fn value(&self, x: &[f64]) -> f64 {
        let dot = |row: &[f64]| row.iter().zip(x).fold(0.0, |sum, (a, x)| sum + a * x);
        self.a.rows().into_iter().map(|row| (dot(row.to_slice().expect("rows are contiguous")) - 1.0).powi(2)).sum()
    }
}

fn compare(c: &mut Criterion, name: &str, n: usize, f: impl Fn(&[f64]) -> f64 + Sync) {
    let x: Array1<f64> = (0..n).map(|i| 0.5 + (i as f64).cos() * 0.1).collect();
    let as_vec = x.to_vec();
    let mut group = c.benchmark_group(format!("{name} n={n}"));
    group.throughput(Throughput::Elements(2 * n as u64)).sample_size(10);
    let of_array = |x: &Array1<f64>| f(x.as_slice().expect("the engine's points are contiguous"));
    let of_vec = |x: &Vec<f64>| f(x);
    let central = Differentiator::default();
    group.bench_function("serial", |b| b.iter(|| central.gradient(of_array, black_box(&x)).expect("finite")));
    let fallible = |x: &Vec<f64>| Ok(f(x));
    let finitediff = finitediff::vec::central_diff(&fallible);
    group.bench_function("finitediff", |b| b.iter(|| finitediff(black_box(&as_vec)).expect("finite")));
    group.bench_function("numdiff", |b| {
        b.iter(|| numdiff::central_difference::gradient(&of_vec, black_box(&as_vec), None))
    });
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    for n_threads in (0..).map(|power| 1 << power).take_while(|&n| n <= n_cores) {
        let pool = ThreadPoolBuilder::new().num_threads(n_threads).build().expect("a pool of a few threads starts");
        let parallel = central.clone().parallel();
        group.bench_function(BenchmarkId::new("threads", n_threads), |b| {
            pool.install(|| b.iter(|| parallel.gradient(of_array, black_box(&x)).expect("finite")))
        });
    }
}

fn engine(c: &mut Criterion) {
    compare(c, "rosenbrock", 10, rosenbrock);
    compare(c, "rosenbrock", 1_000, rosenbrock);
    compare(c, "rosenbrock", 10_000, rosenbrock);
    // An evaluation of about 20 µs, and one of ten times that.
    for n_equations in [25, 200] {
        let least_squares = LeastSquares::new(n_equations, 1_000);
        compare(c, &format!("least squares of {n_equations} equations"), 1_000, |x| least_squares.value(x));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = engine
}
criterion_main!(benches);
