//! With nalgebra: its vectors are slices or arrays to the engine, and a Jacobian becomes one of its matrices. Newton's method
//! finds where a circle and a parabola meet.

use nalgebra::{DVector, Matrix2, Vector2};
use numgrad::difference::{Differentiator, Error};

/// `x² + y² - 4` and `y - x²`.
fn equations(v: &Vector2<f64>) -> Vector2<f64> {
    Vector2::new(v.x * v.x + v.y * v.y - 4.0, v.y - v.x * v.x)
}

fn main() -> Result<(), Error> {
    let central = Differentiator::default();
    let mut v = Vector2::new(1.0, 1.0);
    for iteration in 1..=6 {
        // A vector of fixed length is an array of that length.
        let point: [f64; 2] = v.into();
        let jacobian = central.jacobian(|&x| equations(&x.into()).as_slice().to_vec(), &point)?;
        // ndarray's elements come row by row.
        let jacobian = Matrix2::from_row_iterator(jacobian);
        v -= jacobian.lu().solve(&equations(&v)).expect("the Jacobian is not singular");
        println!("{iteration}: ({:.12}, {:.12})", v.x, v.y);
    }

    // A vector of any length is a slice. One that is changed in place needs no new vector for an evaluation.
    let x = DVector::from_vec(vec![1.0, 2.0, 3.0]);
    let mut scratch = x.clone();
    let norm = |x: &[f64]| {
        scratch.as_mut_slice().copy_from_slice(x);
        scratch.norm()
    };
    let gradient = DVector::from_vec(central.of_mut(norm, x.as_slice()).gradient()?);
    println!("the norm's gradient: {:.10?}, of length {:.10}", gradient.as_slice(), gradient.norm());
    Ok(())
}
