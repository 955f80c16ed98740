//! What is asked of an objective that computes whole parts of a gradient by itself.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::call::Call;
use super::sweep::{Outcome, Parallelism, Sweep};

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

/// Which [parts](super::Objective::part) of a gradient an objective is to compute, by which moves, and whom it tells of it: the
/// argument of [`Objective::differences`](super::Objective::differences).
pub struct PartsRequest<'a> {
    moves: Moves<'a>,
    parallelism: Parallelism,
    sweep: Sweep<'a, Infallible>,
    /// How many coordinates of each part are asked for, at most; nothing where all of all parts are.
    n_asked: Vec<usize>,
    done: Done,
}

impl<'a> PartsRequest<'a> {
    /// Of `n_asked` coordinates of each of `n_parts` parts, or of all of them; `n_total` in all.
    pub(super) fn new(
        call: &'a Call<'a>,
        parallelism: Parallelism,
        moves: Moves<'a>,
        n_asked: Vec<usize>,
        (n_parts, n_total): (usize, usize),
    ) -> Self {
        Self { moves, parallelism, sweep: Sweep::new(call, n_total, 0, 0), n_asked, done: Done::none_of(n_parts) }
    }

    /// The moves of every coordinate.
    pub fn moves(&self) -> Moves<'a> {
        self.moves
    }

    /// Whether the work may be shared out on the current rayon pool.
    pub fn parallelism(&self) -> Parallelism {
        self.parallelism
    }

    /// Whether a part is to be computed: it was asked for, and nothing has been [stopped](Self::is_stopped) since.
    pub fn wants(&self, part: usize) -> bool {
        !self.is_stopped() && self.n_asked.get(part).is_none_or(|&n| n > 0)
    }

    /// Whether all has to stop; a part that is not done then need not be finished. Costs no more than to read a number or two.
    pub fn is_stopped(&self) -> bool {
        !self.sweep.wants(0)
    }

    /// Asks whether all has to stop, of who is told of progress too. For once in a while, where a part takes long.
    pub fn ask(&self) -> bool {
        self.sweep.advance(0, 0);
        self.is_stopped()
    }

    /// A part of `n_coordinates` is done: its differences are in their slots.
    pub fn done(&self, part: usize, n_coordinates: usize) {
        self.done.insert(part);
        let n = self.n_asked.get(part).map_or(n_coordinates, |&n_asked| n_asked.min(n_coordinates));
        self.sweep.advance(n, (n * self.moves.deltas.len()) as u64);
    }

    /// Whether a part is done.
    pub(super) fn is_done(&self, part: usize) -> bool {
        self.done.contains(part)
    }

    /// How it went, with these coordinates done.
    pub(super) fn finish(self, done: Vec<bool>) -> Outcome {
        match self.sweep.finish(done) {
            Ok(outcome) => outcome,
            Err(_) => unreachable!("an objective has no errors"),
        }
    }
}

impl std::fmt::Debug for PartsRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartsRequest")
            .field("moves", &self.moves)
            .field("n_asked", &self.n_asked)
            .finish_non_exhaustive()
    }
}

/// Which parts are done, a bit each. Of as few as most objectives have none is on the heap.
struct Done {
    first: AtomicU64,
    others: Vec<AtomicU64>,
}

impl Done {
    fn none_of(n_parts: usize) -> Self {
        let n_others = n_parts.div_ceil(64).saturating_sub(1);
        Self { first: AtomicU64::new(0), others: (0..n_others).map(|_| AtomicU64::new(0)).collect() }
    }

    fn insert(&self, part: usize) {
        self.bits(part).fetch_or(1 << (part % 64), Relaxed);
    }

    fn contains(&self, part: usize) -> bool {
        self.bits(part).load(Relaxed) >> (part % 64) & 1 == 1
    }

    fn bits(&self, part: usize) -> &AtomicU64 {
        match part / 64 {
            0 => &self.first,
            n => &self.others[n - 1],
        }
    }
}
