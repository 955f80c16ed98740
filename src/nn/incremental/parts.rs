//! How the work of a gradient splits: into vectors of eight units of one hidden layer, whose changes all weights into them
//! share.
//!
//! The parts are numbered layer by layer. One of the last hidden layer also has the weights out of its units, and the last
//! part of all the biases of the scores, whose unit comes after the others.

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

/// The coordinates of a part, in increasing order.
///
/// # Panics
/// If there is no such part.
pub(super) fn coordinates(shape: &NetworkShape, part: usize) -> Coordinates {
    let mut vector = part;
    for layer in hidden(shape) {
        let n_vectors = n_parts_of(shape, layer);
        if vector >= n_vectors {
            vector -= n_vectors;
            continue;
        }
        // The weights into the units, row by row, and their biases.
        let units = vector * LANES..(vector * LANES + LANES).min(layer.n_units);
        let mut coordinates: Vec<usize> = (0..=layer.n_inputs)
            .flat_map(|input| units.clone().map(move |unit| layer.begin + input * layer.n_units + unit))
            .collect();
        if layer.number + 1 == shape.n_layers() {
            // The weights out of the units, whose rows follow one another, and the biases of the scores.
            let scores = shape.layer(shape.n_layers());
            let rows = vector * LANES..(vector * LANES + LANES).min(layer.n_units + 1);
            coordinates.extend(scores.begin + rows.start * scores.n_units..scores.begin + rows.end * scores.n_units);
        }
        return Coordinates::List(coordinates);
    }
    panic!("part {part} is outside 0..{}", n_parts(shape));
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
                assert!(list.is_sorted_by(|a, b| a < b) && !list.is_empty(), "{sizes:?}, part {part}: {list:?}");
                assert!(list.iter().all(|&coordinate| part_of(&shape, coordinate) == part), "{sizes:?}, part {part}");
                list.iter().for_each(|&coordinate| times[coordinate] += 1);
            }
            assert!(times.iter().all(|&n| n == 1), "{sizes:?}: {times:?}");
        }
    }
}
