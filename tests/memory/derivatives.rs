//! Nothing is allocated for a coordinate: what a derivative allocates does not depend on how many there are.

use super::counting::n_allocations;
use ndarray::{Array1, Array2};
use numgrad::difference::{Differentiator, Objective, Stencil, Step};

fn sum_of_squares(x: &Array1<f64>) -> f64 {
    x.iter().map(|x| x * x).sum()
}

/// Σ x_i² at (1, …, 1).
struct Squares(usize);

impl Objective for Squares {
    type Workspace = ();

    fn n_coordinates(&self) -> usize {
        self.0
    }

    fn coordinate_value(&self, _: usize) -> f64 {
        1.0
    }

    fn workspace(&self) {}

    fn evaluate(&self, (): &mut (), _: usize, delta: f64) -> f64 {
        delta * (2.0 + delta)
    }
}

/// How often `f` allocates. What is made at its first use, as a thread pool's queues are, does not count: what `f` allocates
/// for a coordinate it allocates in every run, so the least of several is its own.
fn fewest_allocations(mut f: impl FnMut()) -> usize {
    (0..5).map(|_| n_allocations(&mut f)).min().unwrap()
}

pub fn the_number_of_allocations_does_not_depend_on_the_number_of_coordinates() {
    let central = Differentiator::default();
    let five_point = Differentiator::new(Stencil::five_point(), Step::Relative(1e-3));
    // x_i is 1 and its upper bound too: every stencil turns one-sided.
    let bounded = Differentiator::default().with_bounds(0.0, 1.0);
    let gradient = |how: &Differentiator, n| {
        let (x, mut out) = (Array1::ones(n), Array1::zeros(n));
        fewest_allocations(|| how.of(sum_of_squares, &x).gradient_into(&mut out).unwrap())
    };
    for how in [&central, &five_point] {
        assert_eq!(gradient(how, 10), gradient(how, 1000));
    }
    // Every kind of function and derivative that writes into what it is given; the views of columns are one list.
    let by_kind = |how: &Differentiator, n| {
        let (x, mut out) = (Array1::ones(n), Array1::zeros(n));
        let slots = &mut vec![Default::default(); n];
        let mut jacobian = Array2::zeros((3, n));
        let values = |x: &Array1<f64>, values: &mut [f64]| values.fill(sum_of_squares(x));
        let try_values = |x: &Array1<f64>, slots: &mut [f64]| {
            values(x, slots);
            Ok::<_, ()>(())
        };
        let squares = |x: &Array1<f64>, values: &mut [f64]| values.copy_from_slice(x.as_slice().unwrap());
        [
            fewest_allocations(|| how.try_of(|x| Ok::<_, ()>(sum_of_squares(x)), &x).gradient_into(&mut out).unwrap()),
            fewest_allocations(|| how.of_mut(sum_of_squares, &x).gradient_into(&mut out).unwrap()),
            fewest_allocations(|| how.of_each_worker(|| sum_of_squares, &x).gradient_into(&mut out).unwrap()),
            fewest_allocations(|| {
                how.of(|x| x[0], x.as_slice().unwrap()).gradient_into(out.as_slice_mut().unwrap()).unwrap()
            }),
            fewest_allocations(|| _ = how.of(sum_of_squares, &x).value_and_gradient_into(&mut out).unwrap()),
            fewest_allocations(|| how.of(sum_of_squares, &x).estimates_of_into(0..n, slots).unwrap()),
            fewest_allocations(|| _ = how.of_each_worker(|| sum_of_squares, &x).estimates().unwrap()),
            fewest_allocations(|| how.of_writing(values, jacobian.nrows(), &x).jacobian_into(&mut jacobian).unwrap()),
            fewest_allocations(|| {
                how.of_writing_mut(values, jacobian.nrows(), &x).jacobian_into(&mut jacobian).unwrap()
            }),
            fewest_allocations(|| {
                how.of_writing_each_worker(|| values, jacobian.nrows(), &x).jacobian_into(&mut jacobian).unwrap()
            }),
            fewest_allocations(|| {
                how.of_writing(try_values, jacobian.nrows(), &x).jacobian_into(&mut jacobian).unwrap()
            }),
            fewest_allocations(|| how.of_writing(squares, n, &x).along_into(&Array1::ones(n), &mut out).unwrap()),
            fewest_allocations(|| _ = how.of(sum_of_squares, &x).along(&Array1::ones(n)).unwrap()),
            fewest_allocations(|| {
                how.of_objective(&mut Squares(n)).gradient_into(out.as_slice_mut().unwrap()).unwrap()
            }),
        ]
    };
    for how in [&central, &five_point] {
        assert_eq!(by_kind(how, 10), by_kind(how, 1000));
    }
    // Each worker has its own copy and scratch, and a pool of two makes at most two: the first run starts the pool.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let parallel = central.clone().parallel();
    let (x, mut out) = (Array1::ones(1_000), Array1::zeros(1_000));
    let mut in_pool =
        || pool.install(|| n_allocations(|| parallel.of(sum_of_squares, &x).gradient_into(&mut out).unwrap()));
    in_pool();
    let most = (0..20).map(|_| in_pool()).max().unwrap();
    // A budget makes the calling thread go the way that workers go, though alone.
    let (few, mut few_out) = (Array1::ones(10), Array1::zeros(10));
    let alone =
        fewest_allocations(|| central.of(sum_of_squares, &few).within(u64::MAX).gradient_into(&mut few_out).unwrap());
    assert!(most <= 4 * alone, "{most} beside {alone}");
    // The counts of evaluations near bounds are a list that grows by doubling: not one allocation a coordinate.
    assert!(gradient(&bounded, 1000) <= gradient(&bounded, 10) + 8);
}

/// A handful of parameters: the copy of the point has the thread's own memory, and everything else is on the stack.
pub fn a_gradient_into_what_is_there_allocates_nothing_once_warm() {
    let forward = Differentiator::new(Stencil::forward(), Step::Relative(1e-6));
    let five_point = Differentiator::new(Stencil::five_point(), Step::Absolute(1e-3));
    let scaled = Differentiator::default().with_scale([1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e9]);
    for how in [Differentiator::default(), forward, five_point, scaled] {
        let (x, mut out) = ([0.5, 1.0, -2.0, 0.0, 3.0, 1e9], [0.0; 6]);
        let sum = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
        let (vec, array) = (x.to_vec(), Array1::from(x.to_vec()));
        let matrix = Array2::from_shape_vec((2, 3), x.to_vec()).unwrap();
        let (mut array_out, mut matrix_out) = (Array1::zeros(6), Array2::zeros((2, 3)));
        let mut all = || {
            how.of(sum, &x[..]).gradient_into(&mut out[..]).unwrap();
            how.of(|x: &Vec<f64>| sum(x), &vec).gradient_into(&mut out[..]).unwrap();
            how.of(|x: &[f64; 6]| sum(x), &x).gradient_into(&mut out).unwrap();
            how.of(sum_of_squares, &array).gradient_into(&mut array_out).unwrap();
            how.of(|x: &Array2<f64>| x.iter().map(|x| x * x).sum(), &matrix).gradient_into(&mut matrix_out).unwrap();
            how.of_mut(sum, &x[..]).value_and_gradient_into(&mut out[..]).unwrap();
            how.of(sum, &x[..]).with_value(1e18).gradient_into(&mut out[..]).unwrap();
            how.of(|x: &[f64; 6]| sum(x), &x).gradient().unwrap();
        };
        all();
        assert_eq!(n_allocations(&mut all), 0, "{how:?}");
        // A result that lives on the heap is the only one.
        assert_eq!(n_allocations(|| _ = how.gradient(sum, &x[..]).unwrap()), 1);
    }
}
