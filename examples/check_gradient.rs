//! Checking a gradient that was derived by hand: of the logistic loss, once right and once with a sign that was forgotten.

use ndarray::{Array1, Array2};
use numgrad::difference::{Differentiator, Error, Sample};

fn main() -> Result<(), Error> {
    let (n_samples, n_weights) = (50, 8);
    let data = Array2::from_shape_fn((n_samples, n_weights), |(n, i)| ((n * n_weights + i) as f64 * 0.7).sin());
    let labels = Array1::from_shape_fn(n_samples, |n| f64::from(u8::from(data[[n, 0]] > 0.2)));
    let loss = |w: &Array1<f64>| {
        let scores = data.dot(w);
        scores.iter().zip(&labels).map(|(score, label)| score.exp().ln_1p() - label * score).sum()
    };
    let w = Array1::from_elem(n_weights, 0.3);
    let probabilities = data.dot(&w).mapv(|score| 1.0 / (1.0 + (-score).exp()));
    let right = data.t().dot(&(&probabilities - &labels));
    let mut wrong = right.clone();
    wrong[5] = -wrong[5];

    for (name, gradient) in [("right", &right), ("wrong", &wrong)] {
        let check = Differentiator::default().of(loss, &w).check(gradient, Sample::All)?;
        println!("{name}: {}\n{check}\n", if check.passes(1e-8) { "passes" } else { "fails" });
    }
    // With millions of weights a few random directions see them all.
    let few = Sample::Directions { n: 3, seed: 1 };
    println!("{}", Differentiator::default().of(loss, &w).check(&right, few)?);
    Ok(())
}
