//! How long the ranks of an MPI job need to gather a gradient, by its size: what sharing costs on these machines.
//!
//! ```text
//! cargo build --release --example mpi_exchange --features mpi
//! mpirun -n 4 target/release/examples/mpi_exchange
//! ```

use std::error::Error;
use std::time::{Duration, Instant};

use numgrad::mpi::World;

/// The parameters of 784-50-10, 784-100-100-10 and 784-1000-10, and less and more.
const SIZES: [usize; 5] = [1_000, 39_760, 89_610, 795_010, 8_000_000];

fn main() -> Result<(), Box<dyn Error>> {
    let world = World::init()?;
    for n in SIZES {
        let mine: Vec<f64> = world.share(n).map(|i| i as f64).collect();
        let mut all = vec![0.0; n];
        let n_times = (20_000_000 / n).clamp(10, 1_000);
        let mut times: Vec<Duration> = (0..n_times)
            .map(|_| {
                let begun = Instant::now();
                world.gather_into(&mine, &mut all);
                begun.elapsed()
            })
            .collect();
        assert!(all.iter().enumerate().all(|(i, &number)| number == i as f64), "each number arrives in its place");
        times.sort_unstable();
        if world.rank() == 0 {
            println!(
                "{n:>9} numbers by {} ranks: the quickest of {n_times} gathers {:?}, the median {:?}",
                world.size(),
                times[0],
                times[n_times / 2]
            );
        }
    }
    Ok(())
}
