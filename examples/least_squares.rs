//! Least squares: a curve `a·exp(b·t) + c` is fitted to points by the method of Levenberg and Marquardt, with numerical Jacobians
//! whose scales are those of the parameters.

use ndarray::{Array1, Array2, array};
use numgrad::difference::{Differentiator, Error, Sample};

fn main() -> Result<(), Error> {
    let times = Array1::linspace(0.0, 2.0, 21);
    let points = times.mapv(|t: f64| 2.5e-3 * (-1.3 * t).exp() + 4e-4);
    let residuals = |p: &Array1<f64>| times.mapv(|t| p[0] * (p[1] * t).exp() + p[2]) - &points;

    // Parameters of a thousandth beside one of about 1: without their scales the steps of the small ones would be too long.
    let how = Differentiator::default().with_scale([1e-3, 1.0, 1e-3]);
    let (mut p, mut damping) = (array![1e-3, 0.0, 0.0], 1e-3);
    for iteration in 1..=12 {
        let jacobian = how.jacobian(residuals, &p)?;
        let r = residuals(&p);
        let slope = jacobian.t().dot(&r);
        let mut normal = jacobian.t().dot(&jacobian);
        normal.diag_mut().mapv_inplace(|entry| entry * (1.0 + damping));
        let moved = &p - &solve(normal, slope);
        let (before, after) = (r.dot(&r), residuals(&moved).dot(&residuals(&moved)));
        if after <= before {
            p = moved;
            damping *= 0.1;
        } else {
            damping *= 10.0;
        }
        println!(
            "{iteration:>2}: a = {:.9}, b = {:.9}, c = {:.9}, |r| = {:.1e}",
            p[0],
            p[1],
            p[2],
            before.min(after).sqrt()
        );
    }

    // The gradient of the sum of squares is 2·Jᵀr: worth a check before a long fit.
    let p = array![2e-3, -1.0, 5e-4];
    let gradient = how.jacobian(residuals, &p)?.t().dot(&residuals(&p)) * 2.0;
    let sum_of_squares = |p: &Array1<f64>| residuals(p).dot(&residuals(p));
    println!("{}", how.of(sum_of_squares, &p).check(&gradient, Sample::All)?);
    Ok(())
}

/// The solution of `a·x = b` by elimination, for matrices without zeros on the way.
fn solve(mut a: Array2<f64>, mut b: Array1<f64>) -> Array1<f64> {
    let n = b.len();
    for i in 0..n {
        for row in i + 1..n {
            let factor = a[[row, i]] / a[[i, i]];
            for column in i..n {
                a[[row, column]] -= factor * a[[i, column]];
            }
            b[row] -= factor * b[i];
        }
    }
    for i in (0..n).rev() {
        for column in i + 1..n {
            b[i] -= a[[i, column]] * b[column];
        }
        b[i] /= a[[i, i]];
    }
    b
}
