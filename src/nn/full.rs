//! The batch loss as an objective, in full: every evaluation is a whole forward pass over the whole batch.
//!
//! A worker owns a clone of all parameters; one evaluation moves one of them, runs the pass and restores it by assignment.
//! Nothing is known here of which terms the moved weight reaches: this is the reference for everything faster. It is made
//! quick where that changes no term: inputs that are 0 add nothing to a sum and are left out (81 % of MNIST's pixels),
//! eight hidden units are computed at a time, and nothing is allocated.

use ndarray::ArrayRef2;

use super::functions::LOG_OFFSET;
use super::n_bytes::{n_bytes_of, together};
use super::packed::{PackedParameters, vectors};
use super::parameters::{NetworkShape, Parameters};
use super::products::{self, hidden_inputs};
use super::simd::{Arithmetic, F64x8, Isa, Kernel, LANES};
use super::sparse::{SparseBatch, check_batch};
use crate::difference::Objective;

/// The mean cross-entropy of a batch as a function of all parameters, evaluated by whole forward passes.
///
/// Coordinates are numbered as in [`Parameters::values`]. One evaluation costs about `nnz·H + N·H·(K + 1)`
/// multiplications, where `nnz` counts the inputs of the batch that are not 0.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::{Differentiator, Objective, Step, Stencil};
/// use numgrad::nn::{FullLoss, NetworkShape, Parameters};
///
/// let parameters = Parameters::zeros(NetworkShape { n_inputs: 2, n_hidden: 3, n_classes: 2 });
/// let mut objective = FullLoss::new(&parameters, &array![[0.5, 1.0]], &[1]);
/// let mut gradient = vec![0.0; objective.n_coordinates()];
/// Differentiator::new(Stencil::central(), Step::BOOK).of_objective(&mut objective).gradient_into(&mut gradient)?;
/// assert!((gradient[16] + 0.5).abs() < 1e-6);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug)]
pub struct FullLoss<'a> {
    parameters: &'a Parameters,
    batch: SparseBatch,
    classes: &'a [usize],
    isa: Isa,
}

impl<'a> FullLoss<'a> {
    /// The loss at `parameters` of the batch `x` (N, D) with the right answers `classes` (N), for the processor's best
    /// instruction set.
    ///
    /// # Panics
    /// If the shapes disagree, a class is not below K, or the batch is empty.
    pub fn new(parameters: &'a Parameters, x: &ArrayRef2<f64>, classes: &'a [usize]) -> Self {
        let shape = parameters.shape();
        check_batch(shape, &x.view(), classes);
        let mut batch = SparseBatch::default();
        batch.set(&x.view());
        Self { parameters, batch, classes, isa: Isa::best() }
    }

    /// Makes the loss be evaluated with the instruction set `isa`.
    ///
    /// # Panics
    /// If this processor does not have it.
    pub fn with_isa(self, isa: Isa) -> Self {
        assert!(isa.is_available(), "this processor has no {isa}");
        Self { isa, ..self }
    }

    /// How much memory the losses of a network and batches of `n_samples` take, with a workspace for each of `n_workers`;
    /// `u64::MAX` where the number overflows.
    pub fn n_bytes(shape: NetworkShape, n_samples: usize, n_workers: usize) -> u64 {
        if shape.checked_n_parameters().is_none() {
            return u64::MAX;
        }
        let workspace = FullWorkspace::n_bytes(shape, n_samples);
        let workspaces = workspace.saturating_mul(n_workers as u64);
        together(&[SparseBatch::n_bytes(n_samples, shape.n_inputs), workspaces])
    }

    /// The loss at the parameters themselves.
    pub fn value(&self) -> f64 {
        self.loss(&mut self.workspace())
    }

    fn loss(&self, workspace: &mut FullWorkspace) -> f64 {
        self.isa.run(ForwardPass { loss: self, workspace })
    }
}

impl Objective for FullLoss<'_> {
    type Workspace = FullWorkspace;

    fn n_coordinates(&self) -> usize {
        self.parameters.values().len()
    }

    fn coordinate_value(&self, coordinate: usize) -> f64 {
        self.parameters.values()[coordinate]
    }

    fn workspace(&self) -> FullWorkspace {
        let (n_unit_vectors, n_class_vectors) = vectors(self.parameters.shape());
        FullWorkspace {
            parameters: PackedParameters::new(self.parameters),
            hidden: vec![F64x8::ZERO; self.classes.len() * n_unit_vectors],
            scores: vec![F64x8::ZERO; n_class_vectors],
        }
    }

    fn evaluate(&self, workspace: &mut FullWorkspace, coordinate: usize, delta: f64) -> f64 {
        let before = *workspace.parameters.parameter(coordinate);
        *workspace.parameters.parameter(coordinate) = before + delta;
        let loss = self.loss(workspace);
        *workspace.parameters.parameter(coordinate) = before;
        loss
    }
}

/// A worker's clone of the parameters and its scratch memory.
#[derive(Debug)]
pub struct FullWorkspace {
    parameters: PackedParameters,
    /// The hidden units of every sample: (N, H/8).
    hidden: Vec<F64x8>,
    /// The scores of the sample at hand, then their exponentials: (K/8).
    scores: Vec<F64x8>,
}

impl FullWorkspace {
    fn n_bytes(shape: NetworkShape, n_samples: usize) -> u64 {
        let (n_unit_vectors, n_class_vectors) = vectors(shape);
        together(&[
            PackedParameters::n_bytes(shape),
            n_bytes_of::<F64x8>(&[n_samples, n_unit_vectors]),
            n_bytes_of::<F64x8>(&[n_class_vectors]),
        ])
    }
}

/// One evaluation: the loss of the whole batch with a workspace's parameters.
struct ForwardPass<'a> {
    loss: &'a FullLoss<'a>,
    workspace: &'a mut FullWorkspace,
}

impl Kernel for ForwardPass<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> f64 {
        let FullLoss { batch, classes, .. } = self.loss;
        let FullWorkspace { parameters, hidden, scores } = self.workspace;
        hidden_inputs::<A>(batch, 0..classes.len(), parameters, hidden);
        let mut log_sum = 0.0;
        let n_vectors = hidden.len() / classes.len();
        for (hidden, &class) in hidden.chunks_exact_mut(n_vectors).zip(*classes) {
            for z in hidden.iter_mut() {
                *z = F64x8::splat(1.0) / (F64x8::splat(1.0) + (-*z).exp::<A>());
            }
            products::scores::<A>(hidden, parameters, scores);
            log_sum += (probability::<A>(scores, class) + LOG_OFFSET).ln();
        }
        -log_sum / classes.len() as f64
    }
}

/// The softmax of `scores` at `class`; `scores` is used up.
#[inline(always)]
fn probability<A: Arithmetic>(scores: &mut [F64x8], class: usize) -> f64 {
    let max = scores.iter().fold(F64x8::splat(f64::NEG_INFINITY), |max, &s| max.zip(s, larger)).reduce(larger);
    let mut sum = F64x8::ZERO;
    for s in scores.iter_mut() {
        *s = (*s - F64x8::splat(max)).exp::<A>();
        sum = sum + *s;
    }
    scores[class / LANES].0[class % LANES] / sum.reduce(|a, b| a + b)
}

/// One comparison; where one is NaN the softmax is NaN whichever is taken.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}
