//! Nothing is allocated for a coordinate: what a derivative allocates does not depend on how many there are.

mod counting;

use counting::n_allocations;
use ndarray::{Array1, ArrayRef1};
use numgrad::difference::{Differentiator, Stencil, Step};

fn sum_of_squares(x: &ArrayRef1<f64>) -> f64 {
    x.iter().map(|x| x * x).sum()
}

/// One test, so that no other one allocates meanwhile.
#[test]
fn the_number_of_allocations_does_not_depend_on_the_number_of_coordinates() {
    let central = Differentiator::default();
    let five_point = Differentiator::new(Stencil::five_point(), Step::Relative(1e-3));
    // x_i is 1 and its upper bound too: every stencil turns one-sided.
    let bounded = Differentiator::default().with_bounds(0.0, 1.0);
    let gradient = |how: &Differentiator, n| {
        let (x, mut out) = (Array1::ones(n), Array1::zeros(n));
        n_allocations(|| how.gradient_into(sum_of_squares, &x, &mut out).unwrap())
    };
    for how in [&central, &five_point] {
        assert_eq!(gradient(how, 10), gradient(how, 1000));
    }
    // The counts of evaluations near bounds are a list that grows by doubling: not one allocation a coordinate.
    assert!(gradient(&bounded, 1000) <= gradient(&bounded, 10) + 8);
}
