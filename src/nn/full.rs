//! The batch loss as an objective, in full: every evaluation is a whole forward pass over the whole batch.
//!
//! A worker owns a clone of all parameters; one evaluation moves one of them, runs the pass and restores it by assignment.
//! Nothing is known here of which terms the moved weight reaches: this is the reference for everything faster. It is made
//! quick where that changes no term: inputs that are 0 add nothing to a sum and are left out (81 % of MNIST's pixels),
//! eight hidden units are computed at a time, and nothing is allocated.

use ndarray::{ArrayRef2, Axis};

use super::functions::LOG_OFFSET;
use super::simd::{Arithmetic, F64x8, Isa, Kernel, LANES};
use super::two_layer::{NetworkShape, Offsets, Parameters};
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
/// Differentiator::new(Stencil::central(), Step::BOOK).gradient_into(&mut objective, &mut gradient);
/// assert!((gradient[16] + 0.5).abs() < 1e-6);
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
        check_batch(shape, x, classes);
        Self { parameters, batch: SparseBatch::new(x), classes, isa: Isa::best() }
    }

    /// The same, compiled for `isa`.
    ///
    /// # Panics
    /// If this processor does not have it.
    pub fn with_isa(self, isa: Isa) -> Self {
        assert!(isa.is_available(), "this processor has no {isa}");
        Self { isa, ..self }
    }

    /// The loss at the parameters themselves.
    pub fn value(&self) -> f64 {
        self.loss(&mut self.workspace())
    }

    fn loss(&self, workspace: &mut FullWorkspace) -> f64 {
        self.isa.run(ForwardPass { loss: self, workspace })
    }
}

/// Panics unless `x` (N, D) and `classes` (N, each below K) fit the network.
fn check_batch(shape: NetworkShape, x: &ArrayRef2<f64>, classes: &[usize]) {
    assert!(
        x.ncols() == shape.n_inputs && x.nrows() == classes.len() && !classes.is_empty(),
        "a batch of {:?} with {} classes for a network of {shape}",
        x.dim(),
        classes.len()
    );
    if let Some(class) = classes.iter().find(|&&class| class >= shape.n_classes) {
        panic!("class {class} is outside 0..{}", shape.n_classes);
    }
}

impl Objective for FullLoss<'_> {
    type Workspace = FullWorkspace;

    fn n_coordinates(&self) -> usize {
        self.parameters.values().len()
    }

    fn workspace(&self) -> FullWorkspace {
        FullWorkspace::new(self.parameters, self.classes.len())
    }

    fn evaluate(&self, workspace: &mut FullWorkspace, coordinate: usize, delta: f64) -> f64 {
        let before = *workspace.parameter(coordinate);
        *workspace.parameter(coordinate) = before + delta;
        let loss = self.loss(workspace);
        *workspace.parameter(coordinate) = before;
        loss
    }
}

/// How many rows of W1 are worked through for the whole batch before the next ones: eight vectors of each are 32 KiB, so
/// they stay in the first-level cache for all samples. Without it every sample streams W1 from the second level.
const BLOCK_ROWS: usize = 64;

/// The inputs that are not 0, by block of [`BLOCK_ROWS`] inputs, then by sample, then by input.
#[derive(Debug)]
struct SparseBatch {
    /// Where the entries of each block and sample end in `entries`: (D/64, N).
    ends: Vec<usize>,
    entries: Vec<(usize, f64)>,
}

impl SparseBatch {
    fn new(x: &ArrayRef2<f64>) -> Self {
        let mut batch = Self { ends: Vec::new(), entries: Vec::new() };
        for (block, columns) in x.axis_chunks_iter(Axis(1), BLOCK_ROWS).enumerate() {
            for row in columns.rows() {
                let entries = row.into_iter().enumerate().filter(|(_, x)| **x != 0.0);
                batch.entries.extend(entries.map(|(i, &x)| (block * BLOCK_ROWS + i, x)));
                batch.ends.push(batch.entries.len());
            }
        }
        batch
    }

    /// The entries of each block and sample, with the sample's number.
    #[inline(always)]
    fn parts(&self, n_samples: usize) -> impl Iterator<Item = (usize, &[(usize, f64)])> {
        let mut begin = 0;
        self.ends.iter().enumerate().map(move |(part, &end)| {
            let entries = &self.entries[begin..end];
            begin = end;
            (part % n_samples, entries)
        })
    }
}

/// A worker's clone of the parameters, hidden units and classes padded to whole vectors, and its scratch memory.
#[derive(Debug)]
pub struct FullWorkspace {
    shape: NetworkShape,
    offsets: Offsets,
    /// (D, H/8)
    w1: Vec<F64x8>,
    /// (H/8)
    b1: Vec<F64x8>,
    /// (H, K/8)
    w2: Vec<F64x8>,
    /// (K/8); the classes that only pad have a bias of -∞ and so a probability of 0.
    b2: Vec<F64x8>,
    /// The hidden units of every sample: (N, H/8)
    hidden: Vec<F64x8>,
    /// The scores of the sample at hand, then their exponentials: (K/8)
    scores: Vec<F64x8>,
}

impl FullWorkspace {
    fn new(parameters: &Parameters, n_samples: usize) -> Self {
        let shape = parameters.shape();
        let (n_unit_vectors, n_class_vectors) = (shape.n_hidden.div_ceil(LANES), shape.n_classes.div_ceil(LANES));
        let mut workspace = Self {
            shape,
            offsets: shape.offsets(),
            w1: vec![F64x8::ZERO; shape.n_inputs * n_unit_vectors],
            b1: vec![F64x8::ZERO; n_unit_vectors],
            w2: vec![F64x8::ZERO; shape.n_hidden * n_class_vectors],
            b2: vec![F64x8::splat(f64::NEG_INFINITY); n_class_vectors],
            hidden: vec![F64x8::ZERO; n_samples * n_unit_vectors],
            scores: vec![F64x8::ZERO; n_class_vectors],
        };
        for (coordinate, &value) in parameters.values().iter().enumerate() {
            *workspace.parameter(coordinate) = value;
        }
        workspace
    }

    fn parameter(&mut self, coordinate: usize) -> &mut f64 {
        let NetworkShape { n_hidden, n_classes, .. } = self.shape;
        let (n_unit_vectors, n_class_vectors) = (self.b1.len(), self.b2.len());
        let (rows, n_vectors, row, column) = if coordinate < self.offsets.b1 {
            (&mut self.w1, n_unit_vectors, coordinate / n_hidden, coordinate % n_hidden)
        } else if coordinate < self.offsets.w2 {
            (&mut self.b1, n_unit_vectors, 0, coordinate - self.offsets.b1)
        } else if coordinate < self.offsets.b2 {
            let within = coordinate - self.offsets.w2;
            (&mut self.w2, n_class_vectors, within / n_classes, within % n_classes)
        } else {
            (&mut self.b2, n_class_vectors, 0, coordinate - self.offsets.b2)
        };
        &mut rows[row * n_vectors + column / LANES].0[column % LANES]
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
        let FullWorkspace { w1, b1, w2, b2, hidden, scores, shape, .. } = self.workspace;
        let classes = self.loss.classes;
        let n_unit_vectors = b1.len();
        for hidden in hidden.chunks_exact_mut(n_unit_vectors) {
            hidden.copy_from_slice(b1);
        }
        for (sample, inputs) in self.loss.batch.parts(classes.len()) {
            add_weighted_rows::<A>(
                inputs.iter().copied(),
                w1,
                &mut hidden[sample * n_unit_vectors..][..n_unit_vectors],
            );
        }
        let mut log_sum = 0.0;
        for (hidden, &class) in hidden.chunks_exact_mut(n_unit_vectors).zip(classes) {
            for z in hidden.iter_mut() {
                *z = F64x8::splat(1.0) / (F64x8::splat(1.0) + (-*z).exp::<A>());
            }
            let units = hidden.iter().flat_map(|z| z.0).take(shape.n_hidden).enumerate();
            scores.copy_from_slice(b2);
            add_weighted_rows::<A>(units, w2, scores);
            log_sum += (probability::<A>(scores, class) + LOG_OFFSET).ln();
        }
        -log_sum / classes.len() as f64
    }
}

/// `sums += Σ_(row, factor) factor · rows[row]`, up to eight vectors at a time in registers.
#[inline(always)]
fn add_weighted_rows<A: Arithmetic>(
    terms: impl Iterator<Item = (usize, f64)> + Clone,
    rows: &[F64x8],
    sums: &mut [F64x8],
) {
    let mut first = 0;
    while first < sums.len() {
        let terms = terms.clone();
        first += match sums.len() - first {
            1 => add_panel::<A, 1>(terms, rows, first, sums),
            2 => add_panel::<A, 2>(terms, rows, first, sums),
            3 => add_panel::<A, 3>(terms, rows, first, sums),
            4 => add_panel::<A, 4>(terms, rows, first, sums),
            5 => add_panel::<A, 5>(terms, rows, first, sums),
            6 => add_panel::<A, 6>(terms, rows, first, sums),
            7 => add_panel::<A, 7>(terms, rows, first, sums),
            _ => add_panel::<A, 8>(terms, rows, first, sums),
        };
    }
}

/// The `V` vectors of [`add_weighted_rows`] from `first` on; returns `V`.
#[inline(always)]
fn add_panel<A: Arithmetic, const V: usize>(
    terms: impl Iterator<Item = (usize, f64)>,
    rows: &[F64x8],
    first: usize,
    sums: &mut [F64x8],
) -> usize {
    let stride = sums.len();
    let panel = &mut sums[first..][..V];
    let mut registers: [F64x8; V] = std::array::from_fn(|v| panel[v]);
    for (row, factor) in terms {
        let factor = F64x8::splat(factor);
        let row = &rows[row * stride + first..][..V];
        for (sum, &weight) in registers.iter_mut().zip(row) {
            *sum = factor.mul_add::<A>(weight, *sum);
        }
    }
    panel.copy_from_slice(&registers);
    V
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
