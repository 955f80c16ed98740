//! One gradient of any function, shared by all ranks of an MPI job:
//!
//! ```text
//! cargo build --example mpi --features mpi
//! mpirun -n 4 target/debug/examples/mpi 10000
//! ```

use std::error::Error;

use numgrad::difference::Differentiator;
use numgrad::mpi::World;

/// Rosenbrock's function of any number of coordinates.
fn rosenbrock(x: &[f64]) -> f64 {
    x.windows(2).map(|pair| 100.0 * (pair[1] - pair[0] * pair[0]).powi(2) + (1.0 - pair[0]).powi(2)).sum()
}

fn main() -> Result<(), Box<dyn Error>> {
    let world = World::init()?;
    // A panic on one rank ends all ranks; an error would have to call `abort`, as the others would wait for this one.
    let n: usize = std::env::args().nth(1).map_or(1000, |n| n.parse().expect("a number of coordinates"));
    let x: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();

    // Each rank computes the partial derivatives of its own coordinates, on all of its threads, and all gather them.
    let how = Differentiator::default().parallel();
    let mine = how.of(rosenbrock, &x[..]).partials(world.share(n)).expect("a function that is finite");
    let mut gradient = vec![0.0; n];
    world.gather_into(&mine, &mut gradient);

    // It is there on every rank, and has the bits of a gradient computed alone.
    if world.rank() == 0 {
        assert_eq!(gradient, how.of(rosenbrock, &x[..]).gradient()?);
        println!(
            "{n} partial derivatives by {} ranks, the first {} of them here: {:?}…",
            world.size(),
            mine.len(),
            &gradient[..3.min(n)]
        );
    }
    Ok(())
}
