//! What the engine evaluates: a function at a point, one coordinate of which is moved.

use std::ops::Range;

use super::Parallelism;

/// A function of many coordinates at a fixed point, which can be evaluated with one coordinate moved.
///
/// Implement it where the function has structure that a closure hides: scratch memory to reuse, or a cheaper way to
/// re-evaluate when only one coordinate has moved. For a plain function there are entry points that take the closure.
///
/// The engine asks each worker for one [`workspace`](Self::workspace) and calls [`differences`](Self::differences) with
/// blocks of coordinates. The provided `differences` calls [`evaluate`](Self::evaluate) for each coordinate and point; an
/// objective that can do a whole block better overrides it and [`block_len`](Self::block_len).
pub trait Objective: Sync {
    /// One worker's private memory: its clone of the point, its scratch buffers.
    type Workspace;

    /// How many coordinates the point has.
    fn n_coordinates(&self) -> usize;

    /// Private memory for one worker. Called a few times a worker and gradient, never for each coordinate.
    fn workspace(&self) -> Self::Workspace;

    /// `f(x + delta·e)` for the unit vector `e` of `coordinate`, up to one constant that is the same for every call.
    ///
    /// The result must depend on nothing but the arguments: what was evaluated before in this workspace leaves no trace.
    fn evaluate(&self, workspace: &mut Self::Workspace, coordinate: usize, delta: f64) -> f64;

    /// Prepares what the moves of a coming gradient share, serially or on the current rayon pool.
    ///
    /// Called once before the calls of [`differences`](Self::differences) with the same `moves`. By default nothing.
    fn prepare(&mut self, moves: &Moves, parallelism: Parallelism) {
        let _ = (moves, parallelism);
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
#[derive(Debug, Clone, Copy)]
pub struct Moves<'a> {
    /// By how much the coordinate is moved, for each point of the stencil.
    pub deltas: &'a [f64],
    /// The weight of the value at each point; they sum to zero.
    pub weights: &'a [f64],
    /// What the weighted sum is divided by: the step.
    pub divisor: f64,
}
