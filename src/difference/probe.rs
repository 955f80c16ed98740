//! One worker's way to evaluate a function with some coordinates moved.

use std::convert::Infallible;

use super::function::{Evaluate, Source};
use super::objective::Objective;
use super::point::Point;

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

/// A function with the worker's own copy of the point.
pub(super) struct FunctionProbe<'a, P: Point + ?Sized, F> {
    function: F,
    /// The point, in standard order.
    origin: &'a [f64],
    copy: P::Out<f64>,
    values: Vec<f64>,
}

/// The probe of a worker that has its function from `S`.
pub(super) type ProbeOf<'a, S, P> = FunctionProbe<'a, P, <S as Source<<P as Point>::Seen>>::Worker<'a>>;

impl<'a, P: Point + ?Sized, F: Evaluate<P::Seen>> FunctionProbe<'a, P, F> {
    /// `origin` is the point in standard order, `n_values` how many the function finds room for.
    pub fn new(function: F, point: &P, origin: &'a [f64], n_values: usize) -> Self {
        Self { function, origin, copy: point.form(origin.to_vec()), values: vec![0.0; n_values] }
    }

    pub fn origin(&self) -> &'a [f64] {
        self.origin
    }

    /// The values with several coordinates moved. They are put back by assignment.
    pub fn at_all(&mut self, moves: &[(usize, f64)]) -> Result<&[f64], F::Error> {
        let slots = P::coordinates(&mut self.copy);
        for &(coordinate, delta) in moves {
            // -0.0 + 0.0 is 0.0: what is not moved stays what it is.
            if delta != 0.0 {
                slots[coordinate] += delta;
            }
        }
        let evaluated = self.function.evaluate(P::seen(&self.copy), &mut self.values);
        let slots = P::coordinates(&mut self.copy);
        for &(coordinate, _) in moves {
            slots[coordinate] = self.origin[coordinate];
        }
        evaluated.map(|()| &self.values[..])
    }

    /// The values at another point altogether. Every coordinate is put back by assignment.
    pub fn at_point(&mut self, coordinate: impl Fn(usize) -> f64) -> Result<&[f64], F::Error> {
        P::coordinates(&mut self.copy).iter_mut().enumerate().for_each(|(i, slot)| *slot = coordinate(i));
        let evaluated = self.function.evaluate(P::seen(&self.copy), &mut self.values);
        P::coordinates(&mut self.copy).copy_from_slice(self.origin);
        evaluated.map(|()| &self.values[..])
    }
}

impl<P: Point + ?Sized, F: Evaluate<P::Seen>> Probe for FunctionProbe<'_, P, F> {
    type Error = F::Error;

    fn n_coordinates(&self) -> usize {
        self.origin.len()
    }

    fn position(&self, coordinate: usize) -> f64 {
        self.origin[coordinate]
    }

    fn unmoved(&mut self) -> Result<&[f64], F::Error> {
        self.at_all(&[])
    }

    fn at(&mut self, coordinate: usize, delta: f64) -> Result<&[f64], F::Error> {
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
