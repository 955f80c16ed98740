//! Nothing is allocated for a coordinate: what a derivative allocates does not depend on how many there are.

use super::counting::n_allocations;
use ndarray::{Array1, Array2, ArrayRef1};
use numgrad::difference::{Differentiator, Objective, Stencil, Step};

fn sum_of_squares(x: &ArrayRef1<f64>) -> f64 {
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
        fewest_allocations(|| how.gradient_into(sum_of_squares, &x, &mut out).unwrap())
    };
    for how in [&central, &five_point] {
        assert_eq!(gradient(how, 10), gradient(how, 1000));
    }
    // Every kind of function and derivative that writes into what it is given; the views of columns are one list.
    let by_kind = |how: &Differentiator, n| {
        let (x, mut out) = (Array1::ones(n), Array1::zeros(n));
        let slots = &mut vec![Default::default(); n];
        let mut jacobian = Array2::zeros((3, n));
        let values = |x: &ArrayRef1<f64>, values: &mut [f64]| values.fill(sum_of_squares(x));
        let try_values = |x: &ArrayRef1<f64>, slots: &mut [f64]| {
            values(x, slots);
            Ok::<_, ()>(())
        };
        let squares = |x: &ArrayRef1<f64>, values: &mut [f64]| values.copy_from_slice(x.as_slice().unwrap());
        [
            fewest_allocations(|| how.try_gradient_into(|x| Ok::<_, ()>(sum_of_squares(x)), &x, &mut out).unwrap()),
            fewest_allocations(|| how.gradient_mut_into(sum_of_squares, &x, &mut out).unwrap()),
            fewest_allocations(|| how.gradient_per_worker_into(|| sum_of_squares, &x, &mut out).unwrap()),
            fewest_allocations(|| {
                how.slice_gradient_into(|x| x[0], x.as_slice().unwrap(), out.as_slice_mut().unwrap()).unwrap()
            }),
            fewest_allocations(|| _ = how.value_and_gradient_into(sum_of_squares, &x, &mut out).unwrap()),
            fewest_allocations(|| how.adaptive_partials_into(sum_of_squares, &x, 0..n, slots).unwrap()),
            fewest_allocations(|| _ = how.adaptive_gradient_per_worker(|| sum_of_squares, &x).unwrap()),
            fewest_allocations(|| how.jacobian_into(values, &x, &mut jacobian).unwrap()),
            fewest_allocations(|| how.jacobian_mut_into(values, &x, &mut jacobian).unwrap()),
            fewest_allocations(|| how.jacobian_per_worker_into(|| values, &x, &mut jacobian).unwrap()),
            fewest_allocations(|| how.try_jacobian_into(try_values, &x, &mut jacobian).unwrap()),
            fewest_allocations(|| {
                how.hessian_vector_from_gradient_into(squares, &x, &Array1::ones(n), &mut out).unwrap()
            }),
            fewest_allocations(|| _ = how.directional_derivative(sum_of_squares, &x, &Array1::ones(n)).unwrap()),
            fewest_allocations(|| how.objective_gradient_into(&mut Squares(n), out.as_slice_mut().unwrap()).unwrap()),
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
        || pool.install(|| n_allocations(|| parallel.gradient_into(sum_of_squares, &x, &mut out).unwrap()));
    in_pool();
    let most = (0..20).map(|_| in_pool()).max().unwrap();
    assert!(most <= 4 * gradient(&central, 10), "{most}");
    // The counts of evaluations near bounds are a list that grows by doubling: not one allocation a coordinate.
    assert!(gradient(&bounded, 1000) <= gradient(&bounded, 10) + 8);
}
