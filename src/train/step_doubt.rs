//! What speaks against a step before a run is begun with it: that it vanishes beside a weight, or that rounding or truncation
//! leaves little of the derivatives.

use super::settings::{Forward, GradientMethod, TrainingSettings};
use super::worked_weight::WorkedWeight;
use crate::nn::{Parameters, vanishes};

/// An error of this share of the largest derivative is worth a word.
const LARGE_ERROR: f64 = 0.1;

/// An error of this share of the largest derivative still lets a network learn.
const SMALL_ERROR: f64 = 0.01;

/// Rounding is hardly ever larger than it is expected to be by this factor.
const UNUSUAL_ROUNDING: f64 = 8.0;

/// What is wrong with a step, for a network as it is and its next batch.
#[derive(Debug, Clone, PartialEq)]
pub enum StepDoubt {
    /// Parameters stay as they are when the step is added to them and when it is subtracted, so that whole forward passes
    /// would make their derivatives 0.
    Vanishes {
        /// How many parameters stay as they are.
        n_parameters: usize,
        /// The array that the first of them is in.
        array: String,
        /// The first of them.
        parameter: f64,
        /// About the shortest step that is of use.
        shortest: f64,
    },
    /// The rounding of the losses is a large part of every difference of theirs.
    Rounds {
        /// By how much rounding changes a derivative, about.
        error: f64,
        /// The largest derivative, without its sign.
        largest: f64,
        /// About the shortest step that is of use.
        shortest: f64,
    },
    /// The step is so long that the difference says little about the derivative.
    Truncates {
        /// The largest derivative, analytically.
        analytic: f64,
        /// The central difference by the same weight.
        numerical: f64,
    },
}

impl StepDoubt {
    /// What is wrong with the step of these settings at `parameters`; none where nothing is, or where gradients are
    /// analytic. `worked` is the largest derivative of a batch at the weights that a run begins with.
    ///
    /// Costs two additions a parameter.
    ///
    /// ```
    /// use numgrad::nn::{NetworkShape, Parameters};
    /// use numgrad::train::{Forward, StepDoubt, TrainingSettings};
    ///
    /// let mut parameters = Parameters::zeros(&NetworkShape::new([2, 3, 2]));
    /// parameters.values_mut().fill(0.5);
    /// let mut settings = TrainingSettings { step: 1e-300, forward: Forward::Full, ..TrainingSettings::default() };
    /// let doubt = StepDoubt::of(&parameters, &settings, None);
    /// assert!(matches!(doubt, Some(StepDoubt::Vanishes { n_parameters: 17, .. })));
    /// // No weight is moved there: what a move changes is computed from the move itself.
    /// settings.forward = Forward::Incremental;
    /// assert_eq!(StepDoubt::of(&parameters, &settings, None), None);
    /// ```
    pub fn of(parameters: &Parameters, settings: &TrainingSettings, worked: Option<&WorkedWeight>) -> Option<Self> {
        let TrainingSettings { step, forward, gradient, .. } = *settings;
        if gradient != GradientMethod::Numerical {
            return None;
        }
        // Two sums of a batch's losses are rounded to a few ulps each, and their difference is divided by 2h.
        let rounding_at_1 =
            |worked: &WorkedWeight| 4.0 * f64::EPSILON * worked.loss_up.abs().max(worked.loss_down.abs());
        if forward == Forward::Full {
            let shortest = worked.map_or(0.0, |worked| rounding_at_1(worked) / (SMALL_ERROR * worked.analytic.abs()));
            if let Some((array, parameter)) = first_vanishing(parameters, step) {
                let largest = parameters.as_slice().iter().fold(0.0_f64, |largest, w| largest.max(w.abs()));
                let shortest = shortest.max(f64::EPSILON * largest / SMALL_ERROR);
                let n_parameters = parameters.as_slice().iter().filter(|&&w| vanishes(w, step)).count();
                return Some(Self::Vanishes { n_parameters, array, parameter, shortest: power_above(shortest) });
            }
            if let Some(worked) = worked {
                let (error, largest) = (rounding_at_1(worked) / step, worked.analytic.abs());
                if largest > 0.0 && error > LARGE_ERROR * largest {
                    return Some(Self::Rounds { error, largest, shortest: power_above(shortest) });
                }
            }
        }
        let worked = worked?;
        let (analytic, numerical) = (worked.analytic, worked.numerical(step));
        let allowed = LARGE_ERROR * analytic.abs() + UNUSUAL_ROUNDING * rounding_at_1(worked) / step;
        ((numerical - analytic).abs() > allowed).then_some(Self::Truncates { analytic, numerical })
    }
}

/// The first parameter that whole forward passes can't move by this step, and the array that it is in.
pub(super) fn first_vanishing(parameters: &Parameters, step: f64) -> Option<(String, f64)> {
    let coordinate = parameters.as_slice().iter().position(|&w| vanishes(w, step))?;
    let mut end = 0;
    let of_coordinate = |(name, array): (String, ndarray::ArrayViewD<f64>)| {
        end += array.len();
        (coordinate < end).then_some(name)
    };
    let array = parameters.arrays().find_map(of_coordinate)?;
    Some((array, parameters.as_slice()[coordinate]))
}

/// The next power of ten.
fn power_above(x: f64) -> f64 {
    let power = x.log10().ceil();
    format!("1e{power}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::synthetic;
    use crate::nn::NetworkShape;
    use crate::random::LegacyRandom;
    use crate::train::{Init, check_gradient, initial_parameters};

    /// The doubt about a step, and by how much the numerical gradient is off as a share of the largest derivative.
    fn doubt_and_error(step: f64, forward: Forward) -> (Option<StepDoubt>, f64) {
        let mut random = LegacyRandom::seed(42);
        let data = synthetic(10, &mut random);
        let shape = NetworkShape::new([100, 10, 10]);
        let parameters = initial_parameters(&shape, Init::Normal, 0.3, &mut random);
        let settings = TrainingSettings { step, forward, ..TrainingSettings::default() };
        let worked = WorkedWeight::of_largest_derivative(&data.train, &parameters, &random, &settings);
        let checked = check_gradient(&data.train, &parameters, &random, &settings, None).unwrap();
        let largest =
            checked.arrays.iter().map(|array| array.worst.analytic.abs().max(array.largest)).fold(0.0, f64::max);
        let error = checked.arrays.iter().map(|array| array.max_absolute_error).fold(0.0, f64::max);
        (StepDoubt::of(&parameters, &settings, worked.as_ref()), error / largest)
    }

    #[test]
    fn a_step_in_no_doubt_gives_the_gradient_and_one_in_doubt_does_not() {
        for forward in [Forward::Full, Forward::Incremental] {
            for exponent in [-300, -20, -17, -16, -15, -14, -12, -10, -6, -4, -3, 1, 2, 3, 10, 100, 300] {
                let (doubt, error) = doubt_and_error(10_f64.powi(exponent), forward);
                // Of the derivative that is looked at chance may make more or less than of the others.
                assert!(error < 3.0 * LARGE_ERROR || doubt.is_some(), "1e{exponent} {forward}: off by {error}");
                assert!(error > LARGE_ERROR / 3.0 || doubt.is_none(), "1e{exponent} {forward}: {doubt:?}");
            }
        }
    }

    #[test]
    fn the_shortest_step_that_is_advised_is_in_no_doubt() {
        for step in [1e-300, 1e-18, 1e-15] {
            let (doubt, _) = doubt_and_error(step, Forward::Full);
            let Some(StepDoubt::Vanishes { shortest, .. } | StepDoubt::Rounds { shortest, .. }) = doubt else {
                panic!("{step:e}: {doubt:?}")
            };
            assert!((1e-14..1e-9).contains(&shortest), "{shortest:e}");
            let (doubt, error) = doubt_and_error(shortest, Forward::Full);
            assert!(doubt.is_none() && error < 3.0 * SMALL_ERROR, "{shortest:e}: {doubt:?}, {error}");
        }
    }

    #[test]
    fn an_analytic_gradient_has_no_step() {
        let parameters = Parameters::zeros(&NetworkShape::new([2, 3, 2]));
        let settings = TrainingSettings {
            step: 1e-300,
            gradient: GradientMethod::Backprop,
            forward: Forward::Full,
            ..TrainingSettings::default()
        };
        assert_eq!(StepDoubt::of(&parameters, &settings, None), None);
    }
}
