//! Central-difference gradients beside those of the crates `finitediff` and `numdiff`, on the same functions of a slice:
//! serial code first, then rayon on 1, 2, … threads up to the cores.
//!
//! Throughput is evaluations of the function a second, two a coordinate.
//!
//! Then a handful of parameters, where it counts what is done beside the evaluations. All rows of a size are measured in turn,
//! some microseconds each, thousands of times, so that whatever the machine does besides meets them alike.
//!
//! `cargo bench --bench engine && cargo bench --bench report` writes tables of it; `cargo bench --bench engine -- handful`
//! measures the handful alone, in some seconds.

use std::fmt::Write;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
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

fn main() {
    benches();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let mut filters = arguments.iter().filter(|argument| !argument.starts_with('-'));
    if !has("--list") && filters.all(|filter| "handful".contains(filter.as_str())) {
        // Without the flag the benches are tested, once each.
        handful(if has("--bench") { 3_000 } else { 1 });
    }
    Criterion::default().configure_from_args().final_summary();
}

/// Rosenbrock's function and a term for the first coordinate, so that it is one of a single coordinate too.
fn valley(x: &[f64]) -> f64 {
    rosenbrock(x) + (1.0 - x[0]).powi(2)
}

/// How long a row is measured before it is the next one's turn.
const TURN: Duration = Duration::from_micros(50);

/// Gradients of a handful of parameters: medians over this many turns, printed and left beside what criterion leaves.
fn handful(n_turns: usize) {
    let mut csv = "n,row,seconds\n".to_owned();
    for n in [1, 2, 5, 10, 20] {
        let x: Vec<f64> = (0..n).map(|i| 0.5 + f64::from(i).cos() * 0.1).collect();
        let mut out = vec![0.0; x.len()];
        let central = Differentiator::default();
        let parallel = central.clone().parallel();
        let of_vec = |x: &Vec<f64>| valley(x);
        let fallible = |x: &Vec<f64>| Ok(valley(x));
        let finitediff = finitediff::vec::central_diff(&fallible);
        let mut rows: [Row; 5] = [
            Row::new("gradient_into", || {
                central.of(of_vec, black_box(&x)).gradient_into(&mut out[..]).expect("finite");
                black_box(&out);
            }),
            Row::new("gradient", || _ = black_box(central.gradient(of_vec, black_box(&x)).expect("finite"))),
            // From outside a pool, as most callers are.
            Row::new("parallel", || _ = black_box(parallel.gradient(of_vec, black_box(&x)).expect("finite"))),
            Row::new("finitediff", || _ = black_box(finitediff(black_box(&x)).expect("finite"))),
            Row::new("numdiff", || {
                _ = black_box(numdiff::central_difference::gradient(&of_vec, black_box(&x), None));
            }),
        ];
        let n_rows = rows.len();
        for turn in 0..n_turns {
            for place in 0..n_rows {
                rows[(turn + place) % n_rows].measure();
            }
        }
        for row in &mut rows {
            let seconds = row.median();
            println!("handful n={n} {}: {:.1} ns", row.name, seconds * 1e9);
            let _ = writeln!(csv, "{n},{},{seconds:e}", row.name);
        }
    }
    if n_turns > 1 {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let folder = target.join("criterion");
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join("handful.csv"), csv));
        written.unwrap_or_else(|error| panic!("cannot write to {}: {error}", folder.display()));
    }
}

/// What is measured in turn with others.
struct Row<'a> {
    name: &'static str,
    run: Box<dyn FnMut() + 'a>,
    /// How many runs a turn has.
    n_runs: u32,
    /// Seconds that a run took, turn by turn.
    seconds: Vec<f64>,
}

impl<'a> Row<'a> {
    fn new(name: &'static str, mut run: impl FnMut() + 'a) -> Self {
        run();
        let begins = Instant::now();
        (0..100).for_each(|_| run());
        let n_runs = TURN.as_secs_f64() / (begins.elapsed().as_secs_f64() / 100.0).max(1e-9);
        Self { name, n_runs: n_runs.ceil() as u32, run: Box::new(run), seconds: Vec::new() }
    }

    fn measure(&mut self) {
        let begins = Instant::now();
        (0..self.n_runs).for_each(|_| (self.run)());
        self.seconds.push(begins.elapsed().as_secs_f64() / f64::from(self.n_runs));
    }

    fn median(&mut self) -> f64 {
        self.seconds.sort_by(f64::total_cmp);
        self.seconds[self.seconds.len() / 2]
    }
}
