//! An objective that knows its structure: a chain of springs, of which a moved mass stretches two. Its gradient costs O(n),
//! where a closure that adds up the whole chain for each coordinate costs O(n²).

use std::time::Instant;

use ndarray::Array1;
use numgrad::difference::{Differentiator, Error, Objective};

/// The energy of springs between neighbours: Σ (x_{i+1} - x_i - 1)⁴.
struct Chain {
    positions: Vec<f64>,
}

fn spring(from: f64, to: f64) -> f64 {
    (to - from - 1.0).powi(4)
}

impl Objective for Chain {
    type Workspace = ();

    fn n_coordinates(&self) -> usize {
        self.positions.len()
    }

    fn coordinate_value(&self, coordinate: usize) -> f64 {
        self.positions[coordinate]
    }

    fn workspace(&self) {}

    /// The two springs at the moved mass: the others are a constant, and the weights of a stencil sum to zero.
    fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 {
        let moved = self.positions[coordinate] + delta;
        let left = coordinate.checked_sub(1).map_or(0.0, |i| spring(self.positions[i], moved));
        left + self.positions.get(coordinate + 1).map_or(0.0, |&right| spring(moved, right))
    }
}

fn main() -> Result<(), Error> {
    let positions: Array1<f64> = (0..3000).map(|i| 1.1 * f64::from(i) + f64::from(i).sin() * 0.2).collect();
    let how = Differentiator::default().parallel();

    let started = Instant::now();
    let whole = |x: &ndarray::Array1<f64>| x.windows(2).into_iter().map(|w| spring(w[0], w[1])).sum();
    let by_closure = how.gradient(whole, &positions)?;
    println!("a closure:               {:?}", started.elapsed());

    let started = Instant::now();
    let by_structure = how.of_objective(&mut Chain { positions: positions.to_vec() }).gradient()?;
    println!("a structured objective:  {:?}", started.elapsed());

    let largest = by_closure.iter().zip(&by_structure).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("largest difference:      {largest:.1e}");
    Ok(())
}
