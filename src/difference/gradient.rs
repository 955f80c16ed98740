//! Perturb and evaluate every coordinate, serially or in parallel.
//!
//! In parallel the coordinates are split into many more tasks than there are workers, and rayon's stealing balances them.
//! A task owns its workspace and its slots of the output; nothing shared is written, and no sum is split, so the result
//! has the same bits for any number of threads.

use std::ops::ControlFlow;

use ndarray::{Array, ArrayRef, Dimension};
use rayon::prelude::*;

use super::{Moves, Objective, Stencil, Step};

/// How many tasks each worker gets on average: enough to balance evaluations of unequal cost, few enough that a
/// workspace for each costs nothing beside it.
const TASKS_PER_WORKER: usize = 16;

/// Serial, or on rayon's current pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parallelism {
    /// On the calling thread; rayon is not touched.
    Serial,
    /// On the rayon pool that the caller is in (`ThreadPool::install`), or the global one.
    Pool,
}

/// Called between blocks of coordinates with how many were done since the last call, from whichever worker did them.
/// `ControlFlow::Break` cancels the gradient.
pub type Hook<'a> = &'a (dyn Fn(usize) -> ControlFlow<()> + Sync);

/// The gradient was cancelled by its [`Hook`]; some of the slots were not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

impl std::fmt::Display for Cancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("the gradient was cancelled before all of its coordinates were computed")
    }
}

impl std::error::Error for Cancelled {}

/// How to differentiate: a stencil, a step, serial or parallel.
///
/// ```
/// use numgrad::difference::{Differentiator, Stencil, Step};
/// use ndarray::array;
///
/// let central = Differentiator::new(Stencil::central(), Step::Absolute(1e-4)).parallel();
/// let gradient = central.gradient(|x| x[0] * x[0] + x[1], &array![3.0, 4.0]);
/// assert!((gradient[0] - 6.0).abs() < 1e-8 && (gradient[1] - 1.0).abs() < 1e-8);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Differentiator {
    stencil: Stencil,
    step: f64,
    /// `points · step`, made once so that a gradient allocates nothing.
    deltas: Vec<f64>,
    parallelism: Parallelism,
}

impl Differentiator {
    /// Serial, with this stencil and step.
    ///
    /// # Panics
    /// If the step is not positive and finite.
    pub fn new(stencil: Stencil, step: Step) -> Self {
        let Step::Absolute(step) = step;
        assert!(step > 0.0 && step.is_finite(), "a step must be positive and finite, found {step}");
        let deltas = stencil.points().iter().map(|point| point * step).collect();
        Self { stencil, step, deltas, parallelism: Parallelism::Serial }
    }

    /// The same on rayon's current pool.
    pub fn parallel(self) -> Self {
        self.with_parallelism(Parallelism::Pool)
    }

    /// The same, serial or parallel.
    pub fn with_parallelism(self, parallelism: Parallelism) -> Self {
        Self { parallelism, ..self }
    }

    /// The gradient of a function of an array of any shape, at `x`: an array of the same shape.
    ///
    /// `f` must depend on nothing but its argument. Each coordinate costs as many evaluations as the stencil has points.
    pub fn gradient<D, F>(&self, f: F, x: &ArrayRef<f64, D>) -> Array<f64, D>
    where
        D: Dimension,
        F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
    {
        let mut gradient = Array::zeros(x.raw_dim());
        let mut objective = Function { f, x };
        self.gradient_into(&mut objective, gradient.as_slice_mut().expect("a new array is contiguous"));
        gradient
    }

    /// The gradient of an objective, into `out`, one slot a coordinate.
    ///
    /// # Panics
    /// If `out` does not have one slot for each coordinate.
    pub fn gradient_into<O: Objective>(&self, objective: &mut O, out: &mut [f64]) {
        let never = self.run(objective, None, out);
        debug_assert!(never.is_ok(), "without a hook nothing cancels");
    }

    /// As [`gradient_into`](Self::gradient_into), with a hook that is told of progress and may cancel.
    ///
    /// # Errors
    /// [`Cancelled`] when the hook said so; what was not computed then is left as it was in `out`.
    ///
    /// # Panics
    /// If `out` does not have one slot for each coordinate.
    pub fn gradient_with_hook<O: Objective>(
        &self,
        objective: &mut O,
        hook: Hook,
        out: &mut [f64],
    ) -> Result<(), Cancelled> {
        self.run(objective, Some(hook), out)
    }

    fn run<O: Objective>(&self, objective: &mut O, hook: Option<Hook>, out: &mut [f64]) -> Result<(), Cancelled> {
        let n = objective.n_coordinates();
        assert!(out.len() == n, "{} slots for the gradient of {n} coordinates", out.len());
        let moves = Moves { deltas: &self.deltas, weights: self.stencil.weights(), divisor: self.step };
        let parallel = self.parallelism == Parallelism::Pool;
        objective.prepare(&moves, self.parallelism);
        let objective = &*objective;
        let block_len = objective.block_len().max(1);
        let done = if parallel {
            let n_tasks = rayon::current_num_threads() * TASKS_PER_WORKER;
            let task_len = n.div_ceil(n_tasks).next_multiple_of(block_len).max(1);
            out.par_chunks_mut(task_len).enumerate().with_max_len(1).try_for_each(|(task, out)| {
                differences_in_blocks(objective, task * task_len, block_len, &moves, hook, out)
            })
        } else {
            differences_in_blocks(objective, 0, block_len, &moves, hook, out)
        };
        match done {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Cancelled),
        }
    }
}

/// One task: the coordinates from `first` on, block by block, with a workspace of its own.
fn differences_in_blocks<O: Objective>(
    objective: &O,
    first: usize,
    block_len: usize,
    moves: &Moves,
    hook: Option<Hook>,
    out: &mut [f64],
) -> ControlFlow<()> {
    let mut workspace = objective.workspace();
    for (block, out) in out.chunks_mut(block_len).enumerate() {
        let begin = first + block * block_len;
        objective.differences(&mut workspace, begin..begin + out.len(), moves, out);
        if let Some(hook) = hook {
            hook(out.len())?;
        }
    }
    ControlFlow::Continue(())
}

/// The gradient as the book's `numerical_gradient(f, x)` takes it: central differences with `h = 1e-4`, for an array of
/// any dimension, serial.
///
/// ```text
/// ∂f/∂x_i ≈ (f(x + h·e_i) - f(x - h·e_i)) / 2h
/// ```
///
/// Costs two evaluations a coordinate; error O(h²) by truncation plus about `ε·|f|/h = 1e-12·|f|` by rounding.
///
/// ```
/// use numgrad::numerical_gradient;
/// use ndarray::array;
///
/// let gradient = numerical_gradient(|x| x[[0, 0]] * x[[0, 0]] + x[[0, 1]], &array![[3.0, 4.0]]);
/// assert!((gradient[[0, 0]] - 6.0).abs() < 1e-8);
/// ```
pub fn numerical_gradient<D, F>(f: F, x: &ArrayRef<f64, D>) -> Array<f64, D>
where
    D: Dimension,
    F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
{
    Differentiator::new(Stencil::central(), Step::BOOK).gradient(f, x)
}

/// A plain function as an objective: a workspace is a clone of the point.
struct Function<'a, F, D: Dimension> {
    f: F,
    x: &'a ArrayRef<f64, D>,
}

impl<F, D> Objective for Function<'_, F, D>
where
    D: Dimension,
    F: Fn(&ArrayRef<f64, D>) -> f64 + Sync,
{
    type Workspace = Array<f64, D>;

    fn n_coordinates(&self) -> usize {
        self.x.len()
    }

    fn workspace(&self) -> Self::Workspace {
        self.x.as_standard_layout().into_owned()
    }

    fn evaluate(&self, point: &mut Self::Workspace, coordinate: usize, delta: f64) -> f64 {
        let before = *slot(point, coordinate);
        *slot(point, coordinate) = before + delta;
        let value = (self.f)(point);
        *slot(point, coordinate) = before;
        value
    }
}

fn slot<D: Dimension>(point: &mut Array<f64, D>, coordinate: usize) -> &mut f64 {
    &mut point.as_slice_mut().expect("a workspace is made in standard layout")[coordinate]
}
