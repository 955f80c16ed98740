//! How the work of a gradient splits: into vectors of eight units of one hidden layer, whose changes all weights into them
//! share.
//!
//! The parts are numbered layer by layer. One of the last hidden layer also has the weights out of its units, and the last
//! part of all the biases of the scores, whose unit comes after the others.

use std::ops::Range;

use super::super::lanes::simd::LANES;
use super::super::shape::{Layer, NetworkShape};
use super::hidden_layer::unit_vectors;
use crate::difference::Coordinates;

/// How many parts a hidden layer makes: its vectors of units, in the last one with the bias's unit.
pub(super) fn n_parts_of(shape: &NetworkShape, layer: Layer) -> usize {
    let is_last = layer.number + 1 == shape.n_layers();
    if is_last { unit_vectors(layer.n_units) } else { layer.n_units.div_ceil(LANES) }
}

/// How many parts there are.
pub(super) fn n_parts(shape: &NetworkShape) -> usize {
    hidden(shape).map(|layer| n_parts_of(shape, layer)).sum()
}

/// The layers of weights into hidden layers.
fn hidden(shape: &NetworkShape) -> impl Iterator<Item = Layer> + '_ {
    shape.layers().take(shape.n_layers() - 1)
}

/// The layer that a part is of, and which of its vectors of units it is.
///
/// # Panics
/// If there is no such part.
fn place(shape: &NetworkShape, part: usize) -> (Layer, usize) {
    let mut vector = part;
    for layer in hidden(shape) {
        let n_vectors = n_parts_of(shape, layer);
        if vector < n_vectors {
            return (layer, vector);
        }
        vector -= n_vectors;
    }
    panic!("part {part} is outside 0..{}", n_parts(shape));
}

/// The units of a part, and in the last hidden layer the rows of the weights out of them, the bias's among them.
fn units_and_rows(shape: &NetworkShape, layer: Layer, vector: usize) -> (Range<usize>, Range<usize>) {
    let among = |n: usize| (vector * LANES).min(n)..(vector * LANES + LANES).min(n);
    let is_last = layer.number + 1 == shape.n_layers();
    (among(layer.n_units), if is_last { among(layer.n_units + 1) } else { 0..0 })
}

/// How many coordinates a part has.
///
/// # Panics
/// If there is no such part.
pub(super) fn n_coordinates(shape: &NetworkShape, part: usize) -> usize {
    let (layer, vector) = place(shape, part);
    let (units, rows) = units_and_rows(shape, layer, vector);
    units.len() * (layer.n_inputs + 1) + rows.len() * shape.n_classes()
}

/// The coordinates of a part, in increasing order.
///
/// # Panics
/// If there is no such part.
pub(super) fn coordinates(shape: &NetworkShape, part: usize) -> Coordinates {
    let (layer, vector) = place(shape, part);
    let (units, rows) = units_and_rows(shape, layer, vector);
    // The weights into the units, row by row, and their biases.
    let mut coordinates: Vec<usize> = (0..=layer.n_inputs)
        .flat_map(|input| units.clone().map(move |unit| layer.begin + input * layer.n_units + unit))
        .collect();
    // The weights out of the units, whose rows follow one another, and the biases of the scores.
    let scores = shape.layer(shape.n_layers());
    coordinates.extend(scores.begin + rows.start * scores.n_units..scores.begin + rows.end * scores.n_units);
    Coordinates::List(coordinates)
}

/// The part that a coordinate belongs to.
pub(super) fn part_of(shape: &NetworkShape, coordinate: usize) -> usize {
    let layer = shape.layer_of(coordinate);
    let within = coordinate - layer.begin;
    let (input, unit) = (within / layer.n_units, within % layer.n_units);
    let (hidden_layer, unit) =
        if layer.number == shape.n_layers() { (layer.number - 1, input) } else { (layer.number, unit) };
    let before = hidden(shape).take(hidden_layer - 1).map(|layer| n_parts_of(shape, layer));
    before.sum::<usize>() + unit / LANES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coordinate_belongs_to_exactly_one_part() {
        for sizes in [&[3, 1, 2][..], &[3, 7, 2], &[3, 8, 2], &[5, 17, 8, 3], &[2, 8, 9, 1, 16, 11]] {
            let shape = NetworkShape::new(sizes);
            let mut times = vec![0; shape.n_parameters()];
            for part in 0..n_parts(&shape) {
                let Coordinates::List(list) = coordinates(&shape, part) else { panic!("a list") };
                assert_eq!(list.len(), n_coordinates(&shape, part), "{sizes:?}, part {part}");
                assert!(list.is_sorted_by(|a, b| a < b) && !list.is_empty(), "{sizes:?}, part {part}: {list:?}");
                assert!(list.iter().all(|&coordinate| part_of(&shape, coordinate) == part), "{sizes:?}, part {part}");
                list.iter().for_each(|&coordinate| times[coordinate] += 1);
            }
            assert!(times.iter().all(|&n| n == 1), "{sizes:?}: {times:?}");
        }
    }
}
