//! One worker's way to evaluate a function with some coordinates moved.

use std::convert::Infallible;

use ndarray::{Array, ArrayRef, Dimension};

use super::Objective;

/// A worker: it owns everything that an evaluation writes to.
pub(super) trait Probe {
    type Error;

    fn n_coordinates(&self) -> usize;

    /// The value of a coordinate at the point itself.
    fn position(&self, coordinate: usize) -> f64;

    /// The values at the point itself.
    fn unmoved(&mut self) -> Result<&[f64], Self::Error>;

    /// The values with one coordinate moved.
    fn at(&mut self, coordinate: usize, delta: f64) -> Result<&[f64], Self::Error>;
}

/// A function of an array that writes its values: one for a function, m for a vector of them.
pub(super) struct FunctionProbe<'a, D: Dimension, F> {
    f: F,
    /// The point, in standard order.
    origin: &'a [f64],
    /// The worker's copy, in standard layout.
    point: Array<f64, D>,
    values: Vec<f64>,
}

impl<'a, D, F, E> FunctionProbe<'a, D, F>
where
    D: Dimension,
    F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
{
    /// `n_values` is how many the function finds room for.
    pub fn new(f: F, dim: D, origin: &'a [f64], n_values: usize) -> Self {
        let point = Array::from_shape_vec(dim, origin.to_vec()).expect("the origin has the point's shape");
        Self { f, origin, point, values: vec![0.0; n_values] }
    }

    pub fn origin(&self) -> &'a [f64] {
        self.origin
    }

    /// The values with several coordinates moved. They are put back by assignment.
    pub fn at_all(&mut self, moves: &[(usize, f64)]) -> Result<&[f64], E> {
        let slots = self.point.as_slice_mut().expect("a copy in standard layout");
        for &(coordinate, delta) in moves {
            // -0.0 + 0.0 is 0.0: what is not moved stays what it is.
            if delta != 0.0 {
                slots[coordinate] += delta;
            }
        }
        let evaluated = (self.f)(&self.point, &mut self.values);
        let slots = self.point.as_slice_mut().expect("a copy in standard layout");
        for &(coordinate, _) in moves {
            slots[coordinate] = self.origin[coordinate];
        }
        evaluated.map(|()| &self.values[..])
    }
}

impl<D, F, E> Probe for FunctionProbe<'_, D, F>
where
    D: Dimension,
    F: FnMut(&ArrayRef<f64, D>, &mut Vec<f64>) -> Result<(), E>,
{
    type Error = E;

    fn n_coordinates(&self) -> usize {
        self.origin.len()
    }

    fn unmoved(&mut self) -> Result<&[f64], E> {
        self.at_all(&[])
    }

    fn position(&self, coordinate: usize) -> f64 {
        self.origin[coordinate]
    }

    fn at(&mut self, coordinate: usize, delta: f64) -> Result<&[f64], E> {
        self.at_all(&[(coordinate, delta)])
    }
}

/// A structured objective with one of its workspaces.
pub(super) struct ObjectiveProbe<'a, O: Objective> {
    pub objective: &'a O,
    pub workspace: O::Workspace,
    value: [f64; 1],
}

impl<'a, O: Objective> ObjectiveProbe<'a, O> {
    pub fn new(objective: &'a O) -> Self {
        Self { objective, workspace: objective.workspace(), value: [0.0] }
    }
}

impl<O: Objective> Probe for ObjectiveProbe<'_, O> {
    type Error = Infallible;

    fn n_coordinates(&self) -> usize {
        self.objective.n_coordinates()
    }

    fn unmoved(&mut self) -> Result<&[f64], Infallible> {
        self.at(0, 0.0)
    }

    fn position(&self, coordinate: usize) -> f64 {
        self.objective.coordinate_value(coordinate)
    }

    fn at(&mut self, coordinate: usize, delta: f64) -> Result<&[f64], Infallible> {
        self.value = [self.objective.evaluate(&mut self.workspace, coordinate, delta)];
        Ok(&self.value)
    }
}
