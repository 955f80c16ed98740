//! One worker's way to evaluate a function with some coordinates moved.

use std::convert::Infallible;

use super::driver::Crew;
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
///
/// Which function that is, and of which kind of point, is known behind a `dyn` alone: what works with it is compiled once,
/// instead of once for each function that a program differentiates.
pub(super) struct FunctionProbe<'a, E> {
    /// The point, in standard order.
    origin: &'a [f64],
    function: Box<dyn AtCopy<Error = E> + 'a>,
}

/// A function at a copy of the point, which may be changed.
trait AtCopy {
    type Error;

    /// The copy, in standard order.
    fn coordinates(&mut self) -> &mut [f64];

    fn evaluate(&mut self) -> Result<(), Self::Error>;

    /// Those of the last evaluation.
    fn values(&self) -> &[f64];
}

struct Copied<P: Point + ?Sized, F> {
    function: F,
    copy: P::Out<f64>,
    values: Vec<f64>,
}

impl<P: Point + ?Sized, F: Evaluate<P::Seen>> AtCopy for Copied<P, F> {
    type Error = F::Error;

    fn coordinates(&mut self) -> &mut [f64] {
        P::coordinates(&mut self.copy)
    }

    fn evaluate(&mut self) -> Result<(), F::Error> {
        self.function.evaluate(P::seen(&self.copy), &mut self.values)
    }

    fn values(&self) -> &[f64] {
        &self.values
    }
}

impl<'a, E> FunctionProbe<'a, E> {
    /// `origin` is the point in standard order, `n_values` how many the function finds room for.
    pub fn new<P, F>(function: F, point: &P, origin: &'a [f64], n_values: usize) -> Self
    where
        P: Point + ?Sized + 'a,
        F: Evaluate<P::Seen, Error = E> + 'a,
    {
        let copied = Copied::<P, F> { function, copy: point.form(origin.to_vec()), values: vec![0.0; n_values] };
        Self { origin, function: Box::new(copied) }
    }

    pub fn origin(&self) -> &'a [f64] {
        self.origin
    }

    /// The values with several coordinates moved. They are put back by assignment.
    pub fn at_all(&mut self, moves: &[(usize, f64)]) -> Result<&[f64], E> {
        let Self { origin, function } = self;
        let slots = function.coordinates();
        for &(coordinate, delta) in moves {
            // -0.0 + 0.0 is 0.0: what is not moved stays what it is.
            if delta != 0.0 {
                slots[coordinate] += delta;
            }
        }
        let evaluated = function.evaluate();
        let slots = function.coordinates();
        for &(coordinate, _) in moves {
            slots[coordinate] = origin[coordinate];
        }
        evaluated.map(|()| function.values())
    }

    /// The values at another point altogether. Every coordinate is put back by assignment.
    pub fn at_point(&mut self, coordinate: impl Fn(usize) -> f64) -> Result<&[f64], E> {
        let Self { origin, function } = self;
        function.coordinates().iter_mut().enumerate().for_each(|(i, slot)| *slot = coordinate(i));
        let evaluated = function.evaluate();
        function.coordinates().copy_from_slice(origin);
        evaluated.map(|()| function.values())
    }
}

impl<E> Probe for FunctionProbe<'_, E> {
    type Error = E;

    fn n_coordinates(&self) -> usize {
        self.origin.len()
    }

    fn position(&self, coordinate: usize) -> f64 {
        self.origin[coordinate]
    }

    fn unmoved(&mut self) -> Result<&[f64], E> {
        self.at_all(&[])
    }

    fn at(&mut self, coordinate: usize, delta: f64) -> Result<&[f64], E> {
        self.at_all(&[(coordinate, delta)])
    }
}

/// The workers of a function.
pub(super) type FunctionCrew<'a, E> = Crew<FunctionProbe<'a, E>, Box<dyn Fn() -> FunctionProbe<'a, E> + Sync + 'a>>;

/// Workers that have their function from `source`.
pub(super) fn crew<'a, S, P>(
    source: &'a S,
    point: &'a P,
    origin: &'a [f64],
    n_values: usize,
) -> FunctionCrew<'a, S::Error>
where
    S: Source<P::Seen>,
    P: Point + ?Sized,
{
    let own = FunctionProbe::new(source.own(), point, origin, n_values);
    let make = |common| -> Box<dyn Fn() -> _ + Sync> {
        Box::new(move || FunctionProbe::new(S::make(common), point, origin, n_values))
    };
    Crew { own, make: source.common().map(make) }
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
