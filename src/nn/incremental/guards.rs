//! At the edges of the guards the series and the general way agree, and each of them is taken on its side.

use std::cell::Cell;

use ndarray::Array2;

use super::super::activation::Activation;
use super::super::parameters::Parameters;
use super::super::shape::NetworkShape;
use super::IncrementalLoss;
use super::hidden_changes::{Way, own_rate, rate_above};
use super::large_moves::{GROWTH_LIMIT, OWN_LIMIT};
use super::series::{self, LONG, MEDIUM, SHORT};
use crate::difference::{Coordinates, Differentiator, NonFinite, Objective, Stencil, Step};

thread_local! {
    /// How often each [`Way`] was taken.
    static TAKEN: Cell<[usize; 6]> = const { Cell::new([0; 6]) };
}

pub(super) fn count(way: Way) {
    TAKEN.with(|taken| {
        let mut counts = taken.get();
        counts[way as usize] += 1;
        taken.set(counts);
    });
}

fn problem(sizes: &[usize], activation: Activation, seed: u64) -> (Parameters, Array2<f64>, Vec<usize>) {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    let mut parameters = Parameters::zeros(&NetworkShape::new(sizes).with_activation(activation));
    for layer in parameters.shape().clone().layers() {
        let scale = 1.7 / (layer.n_inputs as f64).sqrt();
        parameters.weights_mut(layer.number).map_inplace(|weight| *weight = scale * draw());
        parameters.biases_mut(layer.number).map_inplace(|bias| *bias = 0.3 * draw());
    }
    let x = Array2::from_shape_simple_fn((7, sizes[0]), || draw().max(0.0));
    (parameters, x, (0..7).map(|n| n % sizes[sizes.len() - 1]).collect())
}

#[test]
fn just_below_and_just_above_each_guard_the_differences_are_those_of_the_general_way() {
    for activation in Activation::ALL {
        for sizes in [&[12, 9, 5][..], &[12, 9, 17, 5], &[12, 8, 9, 10, 5], &[12, 8, 9, 6, 7, 5]] {
            let (parameters, x, classes) = problem(sizes, activation, 3);
            let mut loss = IncrementalLoss::new(&parameters, &x, &classes);
            loss.prepare(0.0);
            for hidden in 0..sizes.len() - 2 {
                // The largest reach of a move of 1 in this layer: in the units themselves, and above them.
                let layer = &loss.base.hidden()[hidden];
                let largest_value = (0..7).map(|n| layer.inputs.largest_value(n)).fold(0.0, f64::max);
                let rates_above = (0..layer.n_vectors()).map(|vector| rate_above(layer, vector));
                let (own, above) = (own_rate(activation), rates_above.fold(0.0, f64::max));
                let (reach, is_last) = (own.max(above), hidden + 3 == sizes.len());
                let edges = [
                    (series::limit(SHORT) / reach, [Some(Way::Short), Some(Way::Medium)]),
                    (series::limit(MEDIUM) / reach, [Some(Way::Medium), Some(Way::Long)]),
                    (series::limit(LONG) / reach, [Some(Way::Long), None]),
                    (series::limit(LONG) / above, [(own > above).then_some(Way::LongAbove), None]),
                    (GROWTH_LIMIT / above, [is_last.then_some(Way::ByClasses), None]),
                    (OWN_LIMIT / own, [None, Some(Way::General)]),
                ];
                for (edge, ways) in edges.into_iter().filter(|(edge, _)| edge.is_finite()) {
                    for (way, factor) in ways.into_iter().zip([0.999, 1.001]) {
                        let h = factor * edge / largest_value;
                        TAKEN.set([0; 6]);
                        check(&mut loss, &parameters, h);
                        let taken = TAKEN.get();
                        // Of rectifiers with others above the lines tell, which are less steep than the bound. And where the
                        // units themselves are at their limit first, the one above them is beyond.
                        let is_bound = activation != Activation::Relu || is_last;
                        let is_within = h * largest_value * own <= OWN_LIMIT;
                        let Some(way) = way.filter(|_| is_bound && is_within || edge == OWN_LIMIT / own) else {
                            continue;
                        };
                        assert!(
                            taken[way as usize] > 0,
                            "{activation} {sizes:?}, layer {hidden}, {way:?} at {edge:e}: {taken:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_part_has_the_bits_of_the_whole_and_costs_its_share() {
    for sizes in [&[12, 9, 5][..], &[12, 17, 25, 5], &[12, 8, 9, 16, 7, 5]] {
        let (parameters, x, classes) = problem(sizes, Activation::Tanh, 4);
        let mut loss = IncrementalLoss::new(&parameters, &x, &classes);
        let central = Differentiator::new(Stencil::central(), Step::BOOK);
        TAKEN.set([0; 6]);
        let whole = central.of_objective(&mut loss).gradient().unwrap();
        let (of_whole, mut of_parts) = (TAKEN.get().iter().sum::<usize>(), 0);
        for part in 0..loss.n_parts() {
            let coordinates = loss.part(part);
            TAKEN.set([0; 6]);
            let found = central.of_objective(&mut loss).partials(coordinates.clone()).unwrap();
            let changes: usize = TAKEN.get().iter().sum();
            assert!(changes <= x.nrows(), "{sizes:?}, part {part}: {changes} of {of_whole}");
            of_parts += changes;
            let Coordinates::List(list) = coordinates else { panic!("a list") };
            for (coordinate, found) in list.into_iter().zip(found) {
                assert_eq!(found.to_bits(), whole[coordinate].to_bits(), "{sizes:?}, {coordinate}");
            }
        }
        assert_eq!(of_parts, of_whole);
    }
}

fn check(loss: &mut IncrementalLoss, parameters: &Parameters, h: f64) {
    let central = Differentiator::new(Stencil::central(), Step::Absolute(h)).with_non_finite(NonFinite::Propagate);
    let found = central.of_objective(loss).gradient().unwrap();
    let mut workspace = loss.workspace();
    for layer in parameters.shape().layers() {
        let scale = found[layer.begin..layer.end()].iter().fold(0.0, |max: f64, g| max.max(g.abs()));
        for coordinate in layer.begin..layer.end() {
            let mut at = |delta| loss.evaluate(&mut workspace, coordinate, delta);
            let (found, expected) = (found[coordinate], (at(h) - at(-h)) / (2.0 * h));
            assert!(
                (found - expected).abs() <= 1e-14 * scale,
                "{}, h {h:e}, coordinate {coordinate} of layer {}: {found:e}, expected {expected:e}",
                parameters.shape(),
                layer.number
            );
        }
    }
}
