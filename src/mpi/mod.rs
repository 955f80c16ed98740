//! Several processes, on one machine or on many, that share a gradient by MPI.
//!
//! Each rank computes the partial derivatives of its own range of coordinates, and all gather them. The whole has the bits of a
//! gradient computed by one process, whatever the number of ranks and their threads. It is worth it where computing a gradient
//! takes much longer than sending its numbers around: 10⁵ of them take a tenth of a millisecond within a machine, about 10 ms
//! by a network of 1 Gbit/s.
//!
//! ```no_run
//! # #[cfg(feature = "mpi")] {
//! use numgrad::difference::Differentiator;
//! use numgrad::mpi::World;
//!
//! let world = World::init()?;
//! let (x, f) = (vec![1.0; 100], |x: &[f64]| x.iter().map(|x| x.sin()).sum::<f64>());
//! let mine = Differentiator::default().parallel().of(f, &x[..]).partials(world.share(x.len()))?;
//! let mut gradient = vec![0.0; x.len()];
//! world.gather_into(&mine, &mut gradient);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! All but [`launched`] needs the feature `mpi`. With the feature `train` too a `World` is the `Team` of a training.

mod launcher;
#[cfg(all(feature = "mpi", feature = "train"))]
mod team;
#[cfg(feature = "mpi")]
mod world;

pub use launcher::{Launched, launched};
#[cfg(feature = "mpi")]
pub use world::{InitError, World};
