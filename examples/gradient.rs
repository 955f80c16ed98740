//! A gradient in five lines.

use ndarray::array;

fn main() -> Result<(), numgrad::difference::Error> {
    let x = array![3.0, 4.0];
    let gradient = numgrad::gradient(|x| x[0] * x[0] + x[1].sin(), &x)?;
    println!("{gradient:.10}");
    Ok(())
}
