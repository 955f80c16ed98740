//! What the engine evaluates: a function at a point, one coordinate of which is moved.

use std::ops::Range;

use super::Parallelism;
use super::coordinates::Coordinates;

/// A function of many coordinates at a fixed point, which can be evaluated with one coordinate moved.
///
/// Implement it where the function has structure that a closure hides: scratch memory to reuse, or a cheaper way to
/// re-evaluate when only one coordinate has moved. For a plain function there are entry points that take the closure.
///
/// The engine asks each worker for one [`workspace`](Self::workspace). With an absolute step and no bounds it calls
/// [`differences`](Self::differences) with blocks of coordinates: the provided one calls [`evaluate`](Self::evaluate) for
/// each coordinate and point; an objective that can do a whole block better overrides it and
/// [`block_len`](Self::block_len). Where moves differ from coordinate to coordinate (other steps, bounds, a second attempt
/// after a value that is not finite) the engine calls `evaluate` itself, without [`prepare`](Self::prepare).
///
/// An objective that can fail returns NaN: [`NonFinite`](super::NonFinite) says what becomes of it.
///
/// ```
/// use numgrad::difference::{Differentiator, Objective};
///
/// /// Σ (x_i - i)²: of all the terms a moved coordinate changes its own only.
/// struct Distances(Vec<f64>);
///
/// impl Objective for Distances {
///     type Workspace = ();
///
///     fn n_coordinates(&self) -> usize {
///         self.0.len()
///     }
///
///     fn coordinate_value(&self, coordinate: usize) -> f64 {
///         self.0[coordinate]
///     }
///
///     fn workspace(&self) {}
///
///     fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 {
///         (self.0[coordinate] + delta - coordinate as f64).powi(2)
///     }
/// }
///
/// let gradient = Differentiator::default().of_objective(&mut Distances(vec![5.0; 3])).gradient()?;
/// assert!(gradient.iter().zip([10.0, 8.0, 6.0]).all(|(found, exact)| (found - exact).abs() < 1e-8));
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
pub trait Objective: Sync {
    /// One worker's private memory: its clone of the point, its scratch buffers.
    type Workspace;

    /// How many coordinates the point has.
    fn n_coordinates(&self) -> usize;

    /// The value of a coordinate at the point: relative steps and bounds need it.
    fn coordinate_value(&self, coordinate: usize) -> f64;

    /// Private memory for one worker. Called once a worker and gradient, never for each coordinate.
    fn workspace(&self) -> Self::Workspace;

    /// `f(x + delta·e)` for the unit vector `e` of `coordinate`, up to a constant that depends on the coordinate alone: terms
    /// that it does not reach may be left out. So a stencil that has the point 0 evaluates it for each coordinate.
    ///
    /// The result must depend on nothing but the arguments: what was evaluated before in this workspace leaves no trace.
    fn evaluate(&self, workspace: &mut Self::Workspace, coordinate: usize, delta: f64) -> f64;

    /// How many parts the work of a gradient splits into: sets of coordinates that cost their share when they are computed by
    /// themselves. By default every coordinate is one.
    fn n_parts(&self) -> usize {
        self.n_coordinates()
    }

    /// The coordinates of one part, in increasing order. Every coordinate belongs to exactly one part, and which one depends on
    /// the objective's shape alone: so several machines agree on it.
    ///
    /// # Panics
    /// If there is no such part.
    fn part(&self, part: usize) -> Coordinates {
        assert!(part < self.n_parts(), "part {part} is outside 0..{}", self.n_parts());
        Coordinates::Range(part..part + 1)
    }

    /// Prepares what the moves of `coordinates` share in a coming gradient, serially or on the current rayon pool. It should cost
    /// no more than those coordinates' share, as far as they are whole [parts](Self::part).
    ///
    /// Called once before the calls of [`differences`](Self::differences) with some of these coordinates and the same `moves`. By
    /// default it does nothing.
    fn prepare(&mut self, coordinates: &Coordinates, moves: &Moves, parallelism: Parallelism) {
        let _ = (coordinates, moves, parallelism);
    }

    /// The finite difference of each of `coordinates`, into the slots of `out`:
    /// `Σ_p weight_p · f(x + delta_p·e) / divisor`.
    fn differences(&self, workspace: &mut Self::Workspace, coordinates: Range<usize>, moves: &Moves, out: &mut [f64]) {
        for (coordinate, slot) in coordinates.zip(out) {
            let mut sum = 0.0;
            for (&delta, &weight) in moves.deltas.iter().zip(moves.weights) {
                sum += weight * self.evaluate(workspace, coordinate, delta);
            }
            *slot = sum / moves.divisor;
        }
    }

    /// How many coordinates one call of [`differences`](Self::differences) should get: 1 where blocks bring nothing.
    ///
    /// Progress is reported, and a request to cancel is obeyed, between blocks.
    fn block_len(&self) -> usize {
        1
    }
}

/// The moves that one finite difference makes, the same for every coordinate.
///
/// ```
/// use numgrad::difference::Moves;
/// // Central, with a step of 0.1, of x² at 3.
/// let moves = Moves { deltas: &[0.1, -0.1], weights: &[0.5, -0.5], divisor: 0.1 };
/// let sum: f64 = moves.deltas.iter().zip(moves.weights).map(|(delta, weight)| weight * (3.0 + delta).powi(2)).sum();
/// assert!((sum / moves.divisor - 6.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Moves<'a> {
    /// By how much the coordinate is moved, for each point of the stencil.
    pub deltas: &'a [f64],
    /// The weight of the value at each point; they sum to zero.
    pub weights: &'a [f64],
    /// What the weighted sum is divided by: the step.
    pub divisor: f64,
}
