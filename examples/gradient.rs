//! A gradient in five lines.

use numgrad::ndarray::array;

fn main() -> Result<(), numgrad::difference::Error> {
    let gradient = numgrad::gradient(|x| x[0] * x[0] + x[1].sin(), &array![3.0, 4.0])?;
    println!("{gradient:.8}");
    Ok(())
}
