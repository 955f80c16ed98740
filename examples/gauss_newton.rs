//! A Jacobian in a Gauss-Newton step: a curve `a·exp(b·t)` is fitted to points.

use ndarray::{Array1, ArrayRef1, array};
use numgrad::difference::{Differentiator, Error};

fn main() -> Result<(), Error> {
    let times = Array1::linspace(0.0, 2.0, 21);
    let points = times.mapv(|t: f64| 2.5 * (-1.3 * t).exp());
    let residuals = |p: &ArrayRef1<f64>| times.mapv(|t| p[0] * (p[1] * t).exp()) - &points;

    let mut p = array![1.0, 0.0];
    for iteration in 1..=8 {
        let jacobian = Differentiator::default().jacobian(residuals, &p)?;
        let (normal, slope) = (jacobian.t().dot(&jacobian), jacobian.t().dot(&residuals(&p)));
        // (JᵀJ) s = Jᵀr, two by two.
        let determinant = normal[[0, 0]] * normal[[1, 1]] - normal[[0, 1]] * normal[[1, 0]];
        p[0] -= (normal[[1, 1]] * slope[0] - normal[[0, 1]] * slope[1]) / determinant;
        p[1] -= (normal[[0, 0]] * slope[1] - normal[[1, 0]] * slope[0]) / determinant;
        println!(
            "{iteration}: a = {:.10}, b = {:.10}, |r| = {:.1e}",
            p[0],
            p[1],
            residuals(&p).dot(&residuals(&p)).sqrt()
        );
    }
    Ok(())
}
