//! How the error of a numerical gradient depends on the step: the picture that every teacher draws.
//!
//! A long step truncates: the error grows as `h^order`. A short one rounds: the loss is known to about `ε·|L|`, and what is
//! lost is divided by h. Between the two lies the best step. The incremental form never subtracts two nearly equal losses,
//! so it has no such branch: its error falls to the rounding of the gradient itself and stays there.

use super::check::{batch_objective, next_batch};
use crate::dataset::Samples;
use crate::difference::{Differentiator, NonFinite, Objective, Stencil, Step, chosen};
use crate::nn::simd::Isa;
use crate::nn::{FullLoss, Parameters, backprop_into};
use crate::random::LegacyRandom;

/// How many derivatives of each array are compared; all, if there are fewer.
const PER_ARRAY: usize = 64;

/// The errors of one kind of difference.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodErrors {
    /// The difference and how it is evaluated.
    pub name: &'static str,
    /// `‖numerical - analytic‖ / ‖analytic‖` at each step.
    pub errors: Vec<f64>,
}

/// Errors against steps, for several kinds of difference.
#[derive(Debug, Clone, PartialEq)]
pub struct StepStudy {
    /// The steps, in the order asked for.
    pub steps: Vec<f64>,
    /// How many derivatives were compared.
    pub n_coordinates: usize,
    /// Forward, central and five-point differences by whole forward passes, and incremental central ones.
    pub methods: [MethodErrors; 4],
}

impl StepStudy {
    /// The step with the smallest error of a method, the longest of several, and that error; `None` where there are no
    /// steps.
    pub fn best(&self, method: &MethodErrors) -> Option<(f64, f64)> {
        let points = self.steps.iter().copied().zip(method.errors.iter().copied());
        points.min_by(|(h, error), (other_h, other)| error.total_cmp(other).then(other_h.total_cmp(h)))
    }
}

/// Steps from `10^from` to `10^to`, of which `per_decade` make a factor of ten.
///
/// ```
/// let steps = numgrad::train::logarithmic_steps(-15, 0, 3);
/// assert_eq!((steps.len(), steps[0], steps[45]), (46, 1e-15, 1.0));
/// ```
pub fn logarithmic_steps(from: i32, to: i32, per_decade: i32) -> Vec<f64> {
    let power = |i: i32| match i.rem_euclid(per_decade) {
        // As it would be written.
        0 => format!("1e{}", i / per_decade).parse().expect("a power of ten"),
        _ => 10_f64.powf(f64::from(i) / f64::from(per_decade)),
    };
    (from * per_decade..=to * per_decade).map(power).collect()
}

/// Compares differences with backpropagation at each of `steps`, on the batch of `batch_size` that `random` draws next, at
/// `parameters`.
///
/// Of each array the same 64 derivatives that are not 0 are compared, chosen at random. Costs 8 forward passes a derivative
/// and step.
///
/// # Panics
/// If the samples do not fit the network, the batch is empty, or a step is not positive and finite.
///
/// ```
/// use numgrad::dataset::synthetic;
/// use numgrad::nn::{NetworkShape, simd::Isa};
/// use numgrad::random::LegacyRandom;
/// use numgrad::train::{Init, initial_parameters, step_study};
///
/// let mut random = LegacyRandom::seed(42);
/// let data = synthetic(10, &mut random);
/// let shape = NetworkShape::new([100, 10, 10]);
/// let parameters = initial_parameters(&shape, Init::Normal, 0.01, &mut random);
/// let study = step_study(&data.train, &parameters, &random, 100, Isa::best(), &[1e-2, 1e-12]);
/// let [_, central, _, incremental] = &study.methods;
/// assert!(central.errors[0] < 1e-4 && central.errors[1] > 1e-4);
/// assert!(incremental.errors[1] < 1e-14);
/// ```
pub fn step_study(
    samples: &Samples,
    parameters: &Parameters,
    random: &LegacyRandom,
    batch_size: usize,
    isa: Isa,
    steps: &[f64],
) -> StepStudy {
    let (x, classes) = next_batch(samples, random, batch_size);
    let mut analytic = Parameters::zeros(parameters.shape());
    backprop_into(parameters, &x, &classes, &mut analytic);
    let coordinates = some_of_each_array(&analytic);
    let analytic: Vec<f64> = coordinates.iter().map(|&coordinate| analytic.values()[coordinate]).collect();

    let mut full = FullLoss::new(parameters, &x, &classes).with_isa(isa);
    let mut incremental = batch_objective(parameters, &x, &classes, isa);
    let mut numerical = vec![0.0; coordinates.len()];
    let mut errors = |name, stencil: Stencil, is_full: bool| {
        let error = |&step: &f64| {
            // A loss that overflows at a long step has no derivative there; its error is NaN.
            let differentiator = Differentiator::new(stencil.clone(), Step::Absolute(step))
                .with_non_finite(NonFinite::Propagate)
                .parallel();
            if is_full {
                partials(&differentiator, &mut full, &coordinates, &mut numerical);
            } else {
                partials(&differentiator, &mut incremental, &coordinates, &mut numerical);
            }
            let differences = numerical.iter().zip(&analytic).map(|(numerical, analytic)| numerical - analytic);
            norm(differences) / norm(analytic.iter().copied())
        };
        MethodErrors { name, errors: steps.iter().map(error).collect() }
    };
    let methods = [
        errors("forward", Stencil::forward(), true),
        errors("central", Stencil::central(), true),
        errors("five-point", Stencil::five_point(), true),
        errors("central, incremental", Stencil::central(), false),
    ];
    StepStudy { steps: steps.to_vec(), n_coordinates: coordinates.len(), methods }
}

fn partials<O: Objective>(differentiator: &Differentiator, objective: &mut O, coordinates: &[usize], out: &mut [f64]) {
    let computed = differentiator.of_objective(objective).partials_into(coordinates, out);
    computed.expect("nothing is checked, so nothing fails");
}

/// Coordinates whose derivatives are not 0. What reaches nothing, as an input that is 0 in all samples, has no error.
fn some_of_each_array(analytic: &Parameters) -> Vec<usize> {
    let mut begin = 0;
    let of_each = analytic.arrays().map(|(_, array)| {
        let all = begin..begin + array.len();
        begin = all.end;
        let candidates: Vec<usize> = all.filter(|&coordinate| analytic.values()[coordinate] != 0.0).collect();
        let places = chosen(PER_ARRAY, candidates.len(), 1);
        places.into_iter().map(move |place| candidates[place]).collect::<Vec<_>>()
    });
    of_each.flatten().collect()
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::synthetic;
    use crate::nn::NetworkShape;
    use crate::train::{Init, initial_parameters};

    fn study(steps: &[f64]) -> StepStudy {
        let mut random = LegacyRandom::seed(42);
        let data = synthetic(10, &mut random);
        let shape = NetworkShape::new([100, 10, 10]);
        let parameters = initial_parameters(&shape, Init::Normal, 0.1, &mut random);
        step_study(&data.train, &parameters, &random, 50, Isa::best(), steps)
    }

    #[test]
    fn truncation_falls_with_the_order_of_the_stencil() {
        // Short enough that the next term of the error is below 1 % of the first, long enough that rounding is too.
        let study = study(&[2e-2, 1e-2]);
        for (method, order) in study.methods.iter().zip([1, 2, 4, 2]) {
            let observed = (method.errors[0] / method.errors[1]).log2();
            assert!((observed - f64::from(order)).abs() < 0.03, "{}: order {observed}", method.name);
        }
    }

    #[test]
    fn rounding_grows_as_the_step_shortens_but_for_the_incremental_form() {
        let study = study(&[1e-8, 1e-11, 1e-14]);
        for method in &study.methods[..3] {
            // A factor of a thousand each, within what chance does to the root mean square of 148 errors.
            for pair in method.errors.windows(2) {
                assert!((300.0..3000.0).contains(&(pair[1] / pair[0])), "{}: {:?}", method.name, method.errors);
            }
        }
        // Sums of 50 terms, a few ulps each.
        assert!(study.methods[3].errors.iter().all(|&error| error < 1e-14), "{:?}", study.methods[3]);
    }

    #[test]
    fn the_derivatives_are_of_all_arrays_and_the_same_each_time() {
        let mut gradient = Parameters::zeros(&NetworkShape::new([30, 10, 10]));
        gradient.values_mut().fill(1.0);
        gradient.weights_mut(1).row_mut(3).fill(0.0);
        let coordinates = some_of_each_array(&gradient);
        assert_eq!(coordinates, some_of_each_array(&gradient));
        assert!(coordinates.is_sorted_by(|a, b| a < b));
        let n_in = |range: std::ops::Range<usize>| coordinates.iter().filter(|&c| range.contains(c)).count();
        assert_eq!([n_in(0..300), n_in(30..40), n_in(300..310), n_in(310..410), n_in(410..420)], [64, 0, 10, 64, 10]);
    }

    #[test]
    fn the_best_step_is_the_one_with_the_smallest_error() {
        let methods = ["a", "b", "c", "d"].map(|name| MethodErrors { name, errors: vec![3.0, 1.0, 1.0, f64::NAN] });
        let study = StepStudy { steps: vec![1e-3, 1e-2, 1e-1, 1.0], n_coordinates: 1, methods };
        assert_eq!(study.best(&study.methods[0]), Some((1e-1, 1.0)));
    }
}
