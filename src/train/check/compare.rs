//! Both gradients of every array, beside what is expected of their difference.

use ndarray::ArrayViewD;

use super::expected::Expected;
use super::found::{ArrayCheck, RESOLUTION};
use super::largest::{largest, max};
use crate::difference::{Agreement, Comparison};
use crate::nn::Parameters;

/// Both gradients of every array, beside what is expected.
pub(super) fn compare(analytic: &Parameters, numerical: &Parameters, expected: &Expected) -> Vec<ArrayCheck> {
    let mut begin = 0;
    let of_array = |(name, array): (String, ArrayViewD<f64>)| {
        let range = begin..begin + array.len();
        begin = range.end;
        let of = |parameters: &Parameters| parameters.values().slice(ndarray::s![range.clone()]).to_owned();
        let (analytic, numerical) = (of(analytic), of(numerical));
        let part = expected.part(range.clone());
        let mut worst = (f64::NEG_INFINITY, 0);
        for i in 0..array.len() {
            let beyond = (numerical[i] - part.truncation[i] - analytic[i]).abs();
            // As a share of what may be; 0 of 0 is nothing, NaN more than anything.
            let share = if beyond == 0.0 { 0.0 } else { beyond / part.allowed[i] };
            let share = if share.is_nan() { f64::INFINITY } else { share };
            if share > worst.0 {
                worst = (share, i);
            }
        }
        let (share, i) = worst;
        let can_tell = part.share() <= RESOLUTION;
        let compared = |i: usize| Comparison {
            row: None,
            index: range.start + i,
            analytic: analytic[i],
            numerical: numerical[i],
            numerical_error: part.truncation[i].abs() + part.allowed[i],
            converged: can_tell,
            nearby: 0.0,
        };
        let largest_of = |error: fn(&Comparison) -> f64| max((0..array.len()).map(|i| error(&compared(i))));
        let agreement = match share {
            _ if !can_tell => Agreement::Undetermined,
            ..=1.0 => Agreement::Agrees,
            _ => Agreement::Differs,
        };
        ArrayCheck {
            name,
            shape: array.shape().to_vec(),
            largest: largest(analytic.view()).max(largest(numerical.view())),
            max_absolute_error: largest_of(Comparison::absolute_error),
            max_relative_error: largest_of(Comparison::relative_error),
            truncation: largest(part.truncation),
            rounding: largest(part.rounding),
            allowed: largest(part.allowed.view()),
            worst_index: place(i, array.shape()),
            worst: compared(i),
            agreement,
        }
    };
    analytic.arrays().map(of_array).collect()
}

/// Row and column of the element that has this number in an array's standard order.
fn place(number: usize, shape: &[usize]) -> Vec<usize> {
    match shape {
        [_, n_columns] => vec![number / n_columns, number % n_columns],
        _ => vec![number],
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use proptest::prelude::*;

    use super::super::super::batch_loss::{central, differentiate};
    use super::super::super::settings::Forward;
    use super::super::expected::{Extrapolation, Rounding, batch_objective};
    use super::*;
    use crate::nn::simd::Isa;
    use crate::nn::{FullLoss, LOG_OFFSET, NetworkShape, backprop_into, sigmoid, softmax};
    use crate::random::LegacyRandom;

    /// A network, a batch, and the two gradients.
    struct Problem {
        parameters: Parameters,
        x: Array2<f64>,
        classes: Vec<usize>,
        analytic: Parameters,
    }

    impl Problem {
        fn draw(seed: u32, n_samples: usize, shape: &NetworkShape, scale: f64) -> Self {
            let mut random = LegacyRandom::seed(seed);
            let mut parameters = Parameters::zeros(shape);
            parameters.values_mut().mapv_inplace(|_| scale * random.standard_normal());
            // Half of the inputs are 0, as of an image.
            let mut x = Array2::zeros((n_samples, shape.n_inputs()));
            x.mapv_inplace(|_: f64| (2.0 * random.random_sample() - 1.0).max(0.0));
            let classes = (0..n_samples).map(|n| (7 * n + seed as usize) % shape.n_classes()).collect::<Vec<_>>();
            let mut analytic = Parameters::zeros(shape);
            backprop_into(&parameters, &x, &classes, &mut analytic);
            Self { parameters, x, classes, analytic }
        }

        fn check(&self, analytic: &Parameters, forward: Forward, step: f64) -> Vec<ArrayCheck> {
            let Self { parameters, x, classes, .. } = self;
            let mut objective = batch_objective(parameters, x, classes, Isa::best());
            let extrapolation = Extrapolation::new(&mut objective, parameters.shape(), step);
            let mut numerical = Parameters::zeros(parameters.shape());
            match forward {
                Forward::Incremental => numerical.values_mut().assign(&extrapolation.at_step),
                Forward::Full => {
                    let mut full = FullLoss::new(parameters, x, classes);
                    differentiate(&central(step), &mut full, None, &mut numerical).unwrap();
                }
            }
            let rounding = Rounding::new(parameters, x, classes, step);
            compare(analytic, &numerical, &Expected::new(parameters, &rounding, forward, step, extrapolation))
        }
    }

    fn shape() -> NetworkShape {
        NetworkShape::new([30, 10, 5])
    }
    const BOTH: [Forward; 2] = [Forward::Incremental, Forward::Full];

    fn agreements(arrays: &[ArrayCheck]) -> Vec<Agreement> {
        arrays.iter().map(|array| array.agreement).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn right_gradients_agree_for_any_shape_and_step(
            seed: u32,
            n_samples in 1..30_usize,
            (n_inputs, n_hidden, n_classes) in (1..40_usize, 1..20_usize, 2..12_usize),
            log_scale in -2.0..0.5_f64,
            log_step in -7.0..-2.0_f64,
        ) {
            let problem = Problem::draw(
                seed, n_samples, &NetworkShape::new([n_inputs, n_hidden, n_classes]), 10_f64.powf(log_scale),
            );
            let step = 10_f64.powf(log_step);
            let arrays = problem.check(&problem.analytic, Forward::Incremental, step);
            // Large weights may make the network so sure of all samples that 1 - p cancels in backpropagation itself.
            if log_scale < -0.3 {
                prop_assert_eq!(agreements(&arrays), [Agreement::Agrees; 4], "{:?}", arrays);
            }
            prop_assert!(!agreements(&arrays).contains(&Agreement::Differs), "{:?}", arrays);
            // Whole forward passes at a short step can't tell of small derivatives, but never accuse a right one.
            let arrays = problem.check(&problem.analytic, Forward::Full, step);
            prop_assert!(!agreements(&arrays).contains(&Agreement::Differs), "{:?}", arrays);
        }
    }

    #[test]
    fn one_derivative_off_by_a_millionth_of_the_largest_is_found_and_named() {
        let problem = Problem::draw(1, 20, &shape(), 0.5);
        for (forward, step) in BOTH.into_iter().flat_map(|forward| [(forward, 1e-2), (forward, 1e-4)]) {
            let whole = problem.check(&problem.analytic, forward, step);
            assert_eq!(agreements(&whole), [Agreement::Agrees; 4]);
            for (which, coordinate, index) in
                [(0, 0, vec![0, 0]), (0, 123, vec![12, 3]), (1, 309, vec![9]), (2, 356, vec![9, 1]), (3, 360, vec![0])]
            {
                let mut wrong = problem.analytic.clone();
                wrong.values_mut()[coordinate] += 1e-6 * whole[which].largest;
                let arrays = problem.check(&wrong, forward, step);
                let mut expected = [Agreement::Agrees; 4];
                expected[which] = Agreement::Differs;
                assert_eq!(agreements(&arrays), expected, "{forward}, {step}, {index:?}");
                assert_eq!((&arrays[which].worst_index, arrays[which].worst.index), (&index, coordinate));
                assert_eq!(arrays[which].worst.analytic, wrong.values()[coordinate]);
            }
        }
    }

    #[test]
    fn a_swapped_sign_is_found() {
        let problem = Problem::draw(2, 20, &shape(), 0.5);
        for forward in BOTH {
            for coordinate in [5, 305, 320, 362] {
                let mut wrong = problem.analytic.clone();
                wrong.values_mut()[coordinate] *= -1.0;
                let arrays = problem.check(&wrong, forward, 1e-4);
                let found = arrays.iter().find(|array| array.agreement == Agreement::Differs).unwrap();
                assert_eq!(found.worst.index, coordinate);
                // x beside -x.
                assert!((found.max_relative_error - 2.0).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_transposed_array_is_found() {
        // Square, so that the shapes do not tell.
        let problem = Problem::draw(3, 20, &NetworkShape::new([8, 8, 8]), 0.5);
        for forward in BOTH {
            for which in [0, 2] {
                let mut wrong = problem.analytic.clone();
                let mut array = if which == 0 { wrong.weights_mut(1) } else { wrong.weights_mut(2) };
                let turned = array.t().to_owned();
                array.assign(&turned);
                let mut expected = [Agreement::Agrees; 4];
                expected[which] = Agreement::Differs;
                assert_eq!(agreements(&problem.check(&wrong, forward, 1e-4)), expected, "{forward}");
            }
        }
    }

    /// The book's own backpropagation leaves out the `1e-7` of its loss.
    #[test]
    fn a_forgotten_offset_in_the_logarithm_is_found() {
        let problem = Problem::draw(4, 1, &shape(), 0.5);
        let Problem { parameters, x, classes, .. } = &problem;
        let hidden = sigmoid(&(x.dot(&parameters.weights(1)) + parameters.biases(1)));
        let p = softmax(&(hidden.dot(&parameters.weights(2)) + parameters.biases(2)))[[0, classes[0]]];
        // Of one sample every derivative has the factor p/(p + 1e-7).
        let mut wrong = problem.analytic.clone();
        wrong.values_mut().mapv_inplace(|slope| slope / p * (p + LOG_OFFSET));
        assert_eq!(agreements(&problem.check(&wrong, Forward::Incremental, 1e-4)), [Agreement::Differs; 4]);
        assert!(agreements(&problem.check(&wrong, Forward::Full, 1e-4)).contains(&Agreement::Differs));
    }

    /// Biases are 0 at the start of a training, so where all units of a layer are 0 in a sample, every unit above is at its kink.
    #[test]
    fn right_gradients_of_rectifiers_at_kinks_above_one_another_are_not_accused() {
        for (sizes, seed) in [&[2, 2, 2, 2][..], &[2, 3, 3, 2, 2], &[1, 9, 3, 8, 6]].into_iter().zip(1..) {
            let shape = NetworkShape::new(sizes).with_activation(crate::nn::Activation::Relu);
            for n_samples in [1, 12] {
                let mut problem = Problem::draw(seed, n_samples, &shape, 0.5);
                (1..=shape.n_layers()).for_each(|l| problem.parameters.biases_mut(l).fill(0.0));
                problem.x.row_mut(0).fill(0.0);
                backprop_into(&problem.parameters, &problem.x, &problem.classes, &mut problem.analytic);
                for forward in BOTH {
                    let arrays = problem.check(&problem.analytic, forward, 1e-4);
                    assert!(!agreements(&arrays).contains(&Agreement::Differs), "{forward}, {shape}: {arrays:?}");
                }
            }
        }
    }

    #[test]
    fn where_the_step_is_far_too_large_or_too_small_it_says_that_it_cannot_tell() {
        let problem = Problem::draw(5, 20, &shape(), 0.5);
        let too_large = [2.0, 10.0, 1e5, 1e300, f64::MAX];
        let cases = BOTH.into_iter().flat_map(|forward| too_large.map(|step| (forward, step)));
        let too_small = [1e-9, 1e-14, 1e-20, 1e-300, 1e-320].map(|step| (Forward::Full, step));
        for (forward, step) in cases.chain(too_small) {
            let arrays = problem.check(&problem.analytic, forward, step);
            assert_eq!(agreements(&arrays), [Agreement::Undetermined; 4], "{forward}, {step:e}");
        }
        // The incremental form has no step that is too small, as long as its moves are numbers of full precision.
        for step in [1e-9, 1e-20, 1e-100, 1e-290] {
            let arrays = problem.check(&problem.analytic, Forward::Incremental, step);
            assert_eq!(agreements(&arrays), [Agreement::Agrees; 4], "{step:e}");
        }
        let arrays = problem.check(&problem.analytic, Forward::Incremental, 5e-324);
        assert_eq!(agreements(&arrays), [Agreement::Undetermined; 4]);
    }

    #[test]
    fn a_derivative_that_is_no_number_never_agrees() {
        let problem = Problem::draw(6, 20, &shape(), 0.5);
        for value in [f64::NAN, f64::INFINITY] {
            let mut wrong = problem.analytic.clone();
            wrong.values_mut()[7] = value;
            let arrays = problem.check(&wrong, Forward::Incremental, 1e-4);
            assert_eq!((arrays[0].agreement, &arrays[0].worst_index), (Agreement::Differs, &vec![0, 7]));
        }
    }
}
