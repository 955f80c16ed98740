//! What the engine evaluates: a function at a point, one coordinate of which is moved.

use super::coordinates::Coordinates;
use super::parts::PartsRequest;

/// A function of many coordinates at a fixed point, which can be evaluated with one coordinate moved.
///
/// Implement it where the function has structure that a closure hides: scratch memory to reuse, or a cheaper way to
/// re-evaluate when only one coordinate has moved. For a plain function there are entry points that take the closure.
///
/// The engine asks each worker for one [`workspace`](Self::workspace) and calls [`evaluate`](Self::evaluate) for each coordinate
/// and point of the stencil. With an absolute step and no bounds, where all coordinates are moved alike, it first offers the
/// whole work to [`differences`](Self::differences).
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

    /// How many coordinates a part has. To be overridden where they can be counted for less than to list them.
    ///
    /// # Panics
    /// If there is no such part.
    fn part_len(&self, part: usize) -> usize {
        self.part(part).len()
    }

    /// The part that a coordinate belongs to.
    fn part_of(&self, coordinate: usize) -> usize {
        coordinate
    }

    /// Computes the finite differences of whole parts, where the objective has a better way than to
    /// [`evaluate`](Self::evaluate) each; returns whether it has. By default it has none, and writes nothing.
    ///
    /// For each part that is [wanted](PartsRequest::wants) it writes `Σ_p weight_p · f(x + delta_p·e) / divisor` for each of the
    /// part's coordinates into that coordinate's slot of `out`, which has one for every coordinate of the point, and
    /// [says so](PartsRequest::done). A part should cost no more than its share, whichever others are asked for. The slots of the
    /// others stay as they are. How the parts are shared out to threads is the objective's own affair.
    ///
    /// What is not finite then is evaluated once more by `evaluate`, unless nothing is checked.
    fn differences(&mut self, request: &PartsRequest, out: &mut [f64]) -> bool {
        let _ = (request, out);
        false
    }
}
