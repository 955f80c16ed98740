//! The batch loss as an objective, in full: every evaluation is a whole forward pass over the whole batch.
//!
//! A worker owns a clone of all parameters; one evaluation moves one of them, runs the pass and restores it by assignment.
//! Nothing is known here of which terms the moved weight reaches: this is the reference for everything faster. It is made
//! quick where that changes no term: inputs that are 0 add nothing to a sum and are left out (81 % of MNIST's pixels),
//! eight hidden units are computed at a time, and nothing is allocated.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ndarray::ArrayRef2;

use super::activation::Activation;
use super::functions::LOG_OFFSET;
use super::lanes::packed::{PackedLayer, PackedParameters};
use super::lanes::products::{dense_product, sparse_product};
use super::lanes::simd::{Arithmetic, F64x8, Isa, Kernel, LANES, one_round_at_a_time};
use super::lanes::sparse::{SparseBatch, check_batch};
use super::n_bytes::{n_bytes_of, together};
use super::parameters::Parameters;
use super::shape::NetworkShape;
use crate::difference::{Differentiator, NonFinite, Objective, Stencil, Step};

/// The central difference of the loss for every parameter, on the current rayon pool; see
/// [`Network::numerical_gradient`](super::Network::numerical_gradient).
pub(super) fn full_gradient(parameters: &Parameters, x: &ArrayRef2<f64>, classes: &[usize], h: f64) -> Parameters {
    let mut gradient = Parameters::zeros(parameters.shape());
    let mut objective = FullLoss::new(parameters, x, classes);
    let central = Differentiator::new(Stencil::central(), Step::Absolute(h)).with_non_finite(NonFinite::Propagate);
    let found = central.parallel().of_objective(&mut objective).gradient_into(gradient.as_slice_mut());
    found.expect("nothing is checked, so nothing fails");
    for (derivative, &parameter) in gradient.as_slice_mut().iter_mut().zip(parameters.as_slice()) {
        if vanishes(parameter, h) {
            *derivative = f64::NAN;
        }
    }
    gradient
}

/// How many samples a pass takes at a time through all layers: enough that the rows of W1 which it loads serve several, and few
/// enough that what it keeps of them stays in a cache.
const PASS_SAMPLES: usize = 128;

/// How many of these go through the layers above the first at a time: a few vectors of each, which stay in the cache beside
/// the weights.
const GROUP_SAMPLES: usize = 8;

/// Whether a parameter stays as it is when `h` is added to it and when it is subtracted: the two losses are the same then,
/// and their difference says nothing about the derivative.
pub(crate) fn vanishes(parameter: f64, h: f64) -> bool {
    parameter + h == parameter && parameter - h == parameter
}

/// The mean cross-entropy of a batch as a function of all parameters, evaluated by whole forward passes.
///
/// Coordinates are numbered as in [`Parameters::values`]. One evaluation costs about `nnz·H + N·H·(K + 1)` multiplications for
/// one hidden layer, where `nnz` counts the inputs of the batch that are not 0, and `N·H·H'` more for each further one.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::{Differentiator, Objective, Step, Stencil};
/// use numgrad::nn::{FullLoss, NetworkShape, Parameters};
///
/// let parameters = Parameters::zeros(&NetworkShape::new([2, 3, 2]));
/// let mut objective = FullLoss::new(&parameters, &array![[0.5, 1.0]], &[1]);
/// let mut gradient = vec![0.0; objective.n_coordinates()];
/// Differentiator::new(Stencil::central(), Step::BOOK).of_objective(&mut objective).gradient_into(&mut gradient)?;
/// assert!((gradient[16] + 0.5).abs() < 1e-6);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
pub struct FullLoss<'a> {
    parameters: &'a Parameters,
    batch: SparseBatch,
    classes: &'a [usize],
    isa: Isa,
    /// Asked whether to stop, once in a while.
    stops: Option<&'a (dyn Fn() -> bool + Sync)>,
    /// Whether an evaluation was broken off.
    is_broken_off: AtomicBool,
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
        Self { parameters, batch, classes, isa: Isa::best(), stops: None, is_broken_off: AtomicBool::new(false) }
    }

    /// Makes every evaluation ask, once for every 128 samples, whether it is to be broken off; it is NaN then. Of batches that
    /// large one evaluation may take seconds, and a hook is told of whole derivatives alone. Whatever stops an evaluation has to
    /// stop what is made of it as well: see [`is_broken_off`](Self::is_broken_off).
    pub fn stopped_by(self, stops: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { stops: Some(stops), ..self }
    }

    /// Whether an evaluation was broken off, so that a gradient by this objective is none.
    pub fn is_broken_off(&self) -> bool {
        self.is_broken_off.load(Relaxed)
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
    pub fn n_bytes(shape: &NetworkShape, n_samples: usize, n_workers: usize) -> u64 {
        if shape.checked_n_parameters().is_none() {
            return u64::MAX;
        }
        let workspace = FullWorkspace::n_bytes(shape, n_samples);
        let workspaces = workspace.saturating_mul(n_workers as u64);
        together(&[SparseBatch::n_bytes(n_samples, shape.n_inputs()), workspaces])
    }

    /// The loss at the parameters themselves.
    pub fn value(&self) -> f64 {
        self.loss(&mut self.workspace())
    }

    fn loss(&self, workspace: &mut FullWorkspace) -> f64 {
        self.isa.run(ForwardPass { loss: self, workspace })
    }
}

impl fmt::Debug for FullLoss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { parameters, batch, classes, isa, is_broken_off, stops: _ } = self;
        f.debug_struct("FullLoss")
            .field("parameters", parameters)
            .field("batch", batch)
            .field("classes", classes)
            .field("isa", isa)
            .field("is_broken_off", is_broken_off)
            .finish_non_exhaustive()
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
        let [first, unit, class] = workspace_vectors(self.parameters.shape());
        let n_samples = self.classes.len();
        let (in_pass, in_group) = (n_samples.min(PASS_SAMPLES), n_samples.min(GROUP_SAMPLES));
        FullWorkspace {
            parameters: PackedParameters::new(self.parameters),
            first: vec![F64x8::ZERO; in_pass * first],
            units: [vec![F64x8::ZERO; in_group * unit], vec![F64x8::ZERO; in_group * unit]],
            scores: vec![F64x8::ZERO; in_group * class],
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
    /// The units of the first hidden layer in each of the samples that are taken at a time: (128 or N, H/8).
    first: Vec<F64x8>,
    /// The units of two further hidden layers, one after the other, in the samples that go through them: (8 or N, H/8).
    units: [Vec<F64x8>; 2],
    /// The scores of these samples, then their exponentials: (8 or N, K/8).
    scores: Vec<F64x8>,
}

impl FullWorkspace {
    fn n_bytes(shape: &NetworkShape, n_samples: usize) -> u64 {
        let [first, unit, class] = workspace_vectors(shape);
        together(&[
            PackedParameters::n_bytes(shape),
            n_bytes_of::<F64x8>(&[n_samples.min(PASS_SAMPLES), first]),
            n_bytes_of::<[F64x8; 2]>(&[n_samples.min(GROUP_SAMPLES), unit]),
            n_bytes_of::<F64x8>(&[n_samples.min(GROUP_SAMPLES), class]),
        ])
    }
}

/// How many vectors a workspace has for the units of the first hidden layer in one sample, for those of a further one, and
/// for the scores.
fn workspace_vectors(shape: &NetworkShape) -> [usize; 3] {
    let further = shape.hidden()[1..].iter().copied().max().unwrap_or(0);
    [shape.hidden()[0], further, shape.n_classes()].map(|n| n.div_ceil(LANES))
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
        let FullLoss { batch, classes, parameters, stops, is_broken_off, .. } = self.loss;
        let activation = parameters.shape().activation();
        let FullWorkspace { parameters, first, units: [even, odd], scores } = self.workspace;
        let [first_layer, hidden_layers @ .., last_layer] = parameters.layers() else {
            unreachable!("a network has a hidden layer");
        };
        let mut log_sum = 0.0;
        for begin in (0..classes.len()).step_by(PASS_SAMPLES) {
            if begin > 0 && stops.is_some_and(|stops| stops()) {
                is_broken_off.store(true, Relaxed);
                return f64::NAN;
            }
            let samples = begin..(begin + PASS_SAMPLES).min(classes.len());
            let first = &mut first[..samples.len() * first_layer.n_vectors()];
            sparse_product::<A>(batch, samples.clone(), first_layer, first);
            let groups = first.chunks_mut(GROUP_SAMPLES * first_layer.n_vectors());
            for (first, classes) in groups.zip(classes[samples].chunks(GROUP_SAMPLES)) {
                activate::<A>(activation, first);
                // Two buffers in turn.
                for (i, layer) in hidden_layers.iter().enumerate() {
                    let (before, out) = if i % 2 == 0 { (&*odd, &mut *even) } else { (&*even, &mut *odd) };
                    let before = if i == 0 { &*first } else { &before[..] };
                    let out = &mut out[..classes.len() * layer.n_vectors()];
                    dense_product::<A>(in_samples(before, out, layer), layer);
                    activate::<A>(activation, out);
                }
                let units = match hidden_layers.len() {
                    0 => &*first,
                    n if n % 2 == 1 => &even[..],
                    _ => &odd[..],
                };
                let scores = &mut scores[..classes.len() * last_layer.n_vectors()];
                dense_product::<A>(in_samples(units, scores, last_layer), last_layer);
                for (scores, &class) in scores.chunks_exact_mut(last_layer.n_vectors()).zip(classes) {
                    log_sum += (probability::<A>(scores, class) + LOG_OFFSET).ln();
                }
            }
        }
        -log_sum / classes.len() as f64
    }
}

/// What goes into a layer and what comes out of it, sample by sample.
#[inline(always)]
fn in_samples<'a>(
    before: &'a [F64x8],
    out: &'a mut [F64x8],
    layer: &PackedLayer,
) -> impl Iterator<Item = (&'a [F64x8], &'a mut [F64x8])> {
    let n_vectors_before = layer.layer().n_inputs.div_ceil(LANES);
    before.chunks_exact(n_vectors_before).zip(out.chunks_exact_mut(layer.n_vectors()))
}

/// The units of a layer from what goes into them.
#[inline(always)]
fn activate<A: Arithmetic>(activation: Activation, units: &mut [F64x8]) {
    for z in units {
        one_round_at_a_time();
        *z = match activation {
            Activation::Sigmoid => F64x8::splat(1.0) / (F64x8::splat(1.0) + (-*z).exp::<A>()),
            Activation::Relu => z.map(|a| if a < 0.0 { 0.0 } else { a }),
            Activation::Tanh => z.tanh::<A>(),
        };
    }
}

/// The softmax of `scores` at `class`; `scores` is used up.
#[inline(always)]
fn probability<A: Arithmetic>(scores: &mut [F64x8], class: usize) -> f64 {
    let max = scores.iter().fold(F64x8::splat(f64::NEG_INFINITY), |max, &s| max.zip(s, larger)).reduce(larger);
    let mut sum = F64x8::ZERO;
    for s in scores.iter_mut() {
        one_round_at_a_time();
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
