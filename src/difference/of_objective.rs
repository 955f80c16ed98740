//! A structured objective, and every derivative that moves one coordinate at a time.

use super::call::{Call, call_settings};
use super::check::{CheckReport, Sample};
use super::coordinates::Coordinates;
use super::differentiator::{Differentiator, NonFinite};
use super::driver::{Costs, Crew, Stop};
use super::error::Error;
use super::estimate::Estimate;
use super::objective::{Moves, Objective};
use super::probe::ObjectiveProbe;
use super::step::Step;
use super::worker::{Base, Worker, masked};

/// How many tasks each worker gets on average where an objective is done in blocks.
const TASKS_PER_WORKER: usize = 16;

/// A structured objective, ready to be differentiated: made by [`Differentiator::of_objective`].
#[must_use = "it has no derivative until one is asked for"]
pub struct OfObjective<'a, O> {
    how: &'a Differentiator,
    objective: &'a mut O,
    call: Call<'a>,
}

impl Differentiator {
    /// An objective that knows its structure, at its own point.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Objective};
    ///
    /// /// Σ sin x_i, of which a moved coordinate changes its own term alone.
    /// struct Sines(Vec<f64>);
    ///
    /// impl Objective for Sines {
    ///     type Workspace = ();
    ///
    ///     fn n_coordinates(&self) -> usize {
    ///         self.0.len()
    ///     }
    ///
    ///     fn coordinate_value(&self, coordinate: usize) -> f64 {
    ///         self.0[coordinate]
    ///     }
    ///
    ///     fn workspace(&self) {}
    ///
    ///     fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 {
    ///         (self.0[coordinate] + delta).sin()
    ///     }
    /// }
    ///
    /// let gradient = Differentiator::default().of_objective(&mut Sines(vec![0.0, 1.0])).gradient()?;
    /// assert!((gradient[1] - 1_f64.cos()).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn of_objective<'a, O: Objective>(&'a self, objective: &'a mut O) -> OfObjective<'a, O> {
        OfObjective { how: self, objective, call: Call::default() }
    }
}

/// What belongs to this call.
impl<'a, O: Objective> OfObjective<'a, O> {
    call_settings!('a);
}

/// Derivatives.
impl<O: Objective> OfObjective<'_, O> {
    /// The gradient.
    ///
    /// With an absolute step and no bounds by whole blocks ([`Objective::differences`]), at the objective's own cost;
    /// otherwise by [`Objective::evaluate`], one evaluation for each point of the stencil and coordinate.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// If the settings have bounds, scales or steps for another number of coordinates than the objective has.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// # struct Sum(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sum {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 { delta * (coordinate + 1) as f64 }
    /// # }
    /// // `Sum` implements `Objective`.
    /// let gradient = Differentiator::default().of_objective(&mut Sum(vec![0.0; 2])).gradient()?;
    /// assert!((gradient[1] - 2.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient(&mut self) -> Result<Vec<f64>, Error> {
        let mut out = vec![0.0; self.objective.n_coordinates()];
        self.gradient_into(&mut out).map(|()| out)
    }

    /// As [`gradient`](Self::gradient), into `out`.
    ///
    /// # Errors
    /// See [`Error`]. What was not computed then is left as it was in `out`.
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if `out` has not one slot for each coordinate.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// # struct Sum(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sum {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 { delta * (coordinate + 1) as f64 }
    /// # }
    /// // `Sum` implements `Objective`.
    /// let mut gradient = [0.0; 2];
    /// Differentiator::default().of_objective(&mut Sum(vec![0.0; 2])).gradient_into(&mut gradient)?;
    /// assert!((gradient[1] - 2.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn gradient_into(&mut self, out: &mut [f64]) -> Result<(), Error> {
        self.partials_into(0..self.objective.n_coordinates(), out)
    }

    /// Chosen coordinates of the gradient, in the order asked for.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if one of the coordinates does not exist.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// # struct Sum(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sum {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 { delta * (coordinate + 1) as f64 }
    /// # }
    /// // `Sum` implements `Objective`.
    /// let second_half = Differentiator::default().of_objective(&mut Sum(vec![0.0; 4])).partials(2..4)?;
    /// assert!((second_half[0] - 3.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn partials(&mut self, coordinates: impl Into<Coordinates>) -> Result<Vec<f64>, Error> {
        let coordinates = coordinates.into();
        let mut out = vec![0.0; coordinates.len()];
        self.partials_into(coordinates, &mut out).map(|()| out)
    }

    /// As [`partials`](Self::partials), into `out`.
    ///
    /// # Errors
    /// See [`gradient_into`](Self::gradient_into).
    ///
    /// # Panics
    /// As [`partials`](Self::partials), and if `out` has not one slot for each coordinate asked for.
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// # struct Sum(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sum {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), coordinate: usize, delta: f64) -> f64 { delta * (coordinate + 1) as f64 }
    /// # }
    /// // `Sum` implements `Objective`.
    /// let mut last = [0.0];
    /// Differentiator::default().of_objective(&mut Sum(vec![0.0; 4])).partials_into([3], &mut last)?;
    /// assert!((last[0] - 4.0).abs() < 1e-9);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn partials_into(&mut self, coordinates: impl Into<Coordinates>, out: &mut [f64]) -> Result<(), Error> {
        let coordinates = coordinates.into();
        coordinates.check_slots(out);
        coordinates.check(self.objective.n_coordinates());
        match self.how.step {
            Step::Absolute(h) if !self.how.is_bounded() => self.in_blocks(h, &coordinates, out),
            _ => {
                self.how.each_scalar(&self.call, self.crew(), &coordinates, Base::Own, out)?;
                Ok(())
            }
        }
    }

    /// The gradient by extrapolation, each partial derivative with an estimate of its error.
    ///
    /// Costs what [`Of::estimates`](super::Of::estimates) costs, and an evaluation of its own at the point for each
    /// coordinate. The objective is moved by [`Objective::evaluate`]; an estimate knows of the rounding of what that returns,
    /// not of a constant left out there.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient).
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// # struct Sines(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sines {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), i: usize, delta: f64) -> f64 { (self.0[i] + delta).sin() }
    /// # }
    /// // `Sines`, Σ sin x_i, implements `Objective`.
    /// let slopes = Differentiator::default().of_objective(&mut Sines(vec![0.0, 1.0])).estimates()?;
    /// assert!((slopes[1].value - 1_f64.cos()).abs() < 1e-12 && slopes[1].converged);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn estimates(&self) -> Result<Vec<Estimate>, Error> {
        self.estimates_of(0..self.objective.n_coordinates())
    }

    /// As [`estimates`](Self::estimates), for chosen coordinates, in the order asked for.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// As [`partials`](Self::partials).
    ///
    /// ```
    /// use numgrad::difference::Differentiator;
    /// # struct Sines(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sines {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), i: usize, delta: f64) -> f64 { (self.0[i] + delta).sin() }
    /// # }
    /// // `Sines`, Σ sin x_i, implements `Objective`.
    /// let last = Differentiator::default().of_objective(&mut Sines(vec![0.0, 1.0])).estimates_of([1])?;
    /// assert!((last[0].value - 1_f64.cos()).abs() < 1e-12);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn estimates_of(&self, coordinates: impl Into<Coordinates>) -> Result<Vec<Estimate>, Error> {
        let coordinates = coordinates.into();
        let mut out = vec![Estimate::default(); coordinates.len()];
        self.estimates_of_into(coordinates, &mut out).map(|()| out)
    }

    /// As [`estimates_of`](Self::estimates_of), into `out`.
    ///
    /// # Errors
    /// See [`Error`]. What was not computed then is left as it was in `out`.
    ///
    /// # Panics
    /// As [`partials`](Self::partials), and if `out` has not one slot for each coordinate asked for.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Estimate};
    /// # struct Sines(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sines {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), i: usize, delta: f64) -> f64 { (self.0[i] + delta).sin() }
    /// # }
    /// // `Sines`, Σ sin x_i, implements `Objective`.
    /// let mut all = [Estimate::default(); 2];
    /// Differentiator::default().of_objective(&mut Sines(vec![0.0, 1.0])).estimates_of_into(0..2, &mut all)?;
    /// assert!((all[1].value - 1_f64.cos()).abs() < 1e-12);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn estimates_of_into(&self, coordinates: impl Into<Coordinates>, out: &mut [Estimate]) -> Result<(), Error> {
        let coordinates = coordinates.into();
        coordinates.check_slots(out);
        self.how.estimate(&self.call, self.crew(), &coordinates, Base::Own, out)?;
        Ok(())
    }

    /// Compares a gradient that somebody derived with [`estimates`](Self::estimates).
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient), and if `gradient` has not one value for each coordinate, or the sample is of
    /// directions: an objective moves one coordinate at a time.
    ///
    /// ```
    /// use numgrad::difference::{Differentiator, Sample};
    /// # struct Sines(Vec<f64>);
    /// # impl numgrad::difference::Objective for Sines {
    /// #     type Workspace = ();
    /// #     fn n_coordinates(&self) -> usize { self.0.len() }
    /// #     fn coordinate_value(&self, coordinate: usize) -> f64 { self.0[coordinate] }
    /// #     fn workspace(&self) {}
    /// #     fn evaluate(&self, (): &mut (), i: usize, delta: f64) -> f64 { (self.0[i] + delta).sin() }
    /// # }
    /// // `Sines`, Σ sin x_i, implements `Objective`.
    /// let (central, mut sines) = (Differentiator::default(), Sines(vec![0.0, 1.0]));
    /// assert!(central.of_objective(&mut sines).check(&[1.0, 1_f64.cos()], Sample::All)?.passes(1e-10));
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn check(&self, gradient: &[f64], sample: Sample) -> Result<CheckReport, Error> {
        let n = self.objective.n_coordinates();
        assert!(gradient.len() == n, "a gradient of {} values for {n} coordinates", gradient.len());
        let coordinates = sample.coordinates(n).expect("an objective is checked by coordinates, not by directions");
        let found = self.estimates_of(&coordinates[..])?;
        Ok(CheckReport::of_coordinates(&coordinates, gradient, &found))
    }

    fn crew<'o>(&'o self) -> Crew<ObjectiveProbe<'o, O>, impl Fn() -> ObjectiveProbe<'o, O> + Sync> {
        let objective = &*self.objective;
        let make = move || ObjectiveProbe::new(objective);
        Crew { own: make(), make: Some(make) }
    }

    /// The same moves for every coordinate: by whole blocks.
    fn in_blocks(&mut self, h: f64, coordinates: &Coordinates, out: &mut [f64]) -> Result<(), Error> {
        let how = self.how;
        let scheme = how.own_scheme(self.objective.n_coordinates());
        let moves = Moves { deltas: &how.deltas, weights: how.stencil.weights(), divisor: h };
        self.objective.prepare(coordinates, &moves, how.parallelism);
        let objective = &*self.objective;
        let block_len = objective.block_len().max(1);
        let per_coordinate = how.deltas.len() as u64;
        let make = || Worker::new(ObjectiveProbe::new(objective));
        let crew = Crew { own: make(), make: Some(make) };
        let costs = Costs { n_before: 0, of_slot: |_| per_coordinate };
        let task_len = |n: usize| {
            let n_tasks = rayon::current_num_threads() * TASKS_PER_WORKER;
            n.div_ceil(n_tasks).next_multiple_of(block_len).max(1)
        };
        let notes = self.call.may_stop();
        let outcome =
            how.drive_chunks(&self.call, crew, costs, out, notes, task_len, |sweep, worker, first, slots, done| {
                let mut begin = 0;
                while begin < slots.len() && sweep.wants(first + begin) {
                    let position = first + begin;
                    let range = coordinates.consecutive(position, position + block_len.min(slots.len() - begin));
                    let block = begin..begin + range.len();
                    let slots = &mut slots[block.clone()];
                    objective.differences(&mut worker.probe.workspace, range.clone(), &moves, slots);
                    let done = done.get_mut(block.clone()).unwrap_or_default();
                    done.fill(true);
                    if how.non_finite != NonFinite::Propagate {
                        for (k, slot) in slots.iter_mut().enumerate().filter(|(_, slot)| !slot.is_finite()) {
                            // Once more by itself, to see which evaluation it is.
                            let again = how.one(&scheme, sweep, worker, range.start + k, None);
                            if let Some(done) = done.get_mut(k) {
                                *done = again.is_ok();
                            }
                            if let Err(Stop::Failed(error)) = again {
                                sweep.fail(position + k, error);
                            }
                            *slot = worker.sum.first().copied().unwrap_or(f64::NAN);
                        }
                    }
                    sweep.advance(range.len(), per_coordinate * range.len() as u64);
                    begin = block.end;
                }
            })?;
        outcome.complete(|done| masked(out, done))
    }
}
