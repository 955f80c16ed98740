//! A structured objective, and every derivative that moves one coordinate at a time.

use super::call::{Call, call_settings};
use super::check::{CheckReport, Sample};
use super::coordinates::Coordinates;
use super::differentiator::{Differentiator, NonFinite};
use super::driver::Crew;
use super::error::{Error, TryError};
use super::estimate::Estimate;
use super::objective::Objective;
use super::parts::{Moves, PartsRequest};
use super::probe::ObjectiveProbe;
use super::step::Step;
use super::sweep::Outcome;
use super::worker::{Base, masked};

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
    /// With an absolute step and no bounds by whole parts, at the objective's own cost, where it has a way of its own
    /// ([`Objective::differences`]); otherwise by [`Objective::evaluate`], one evaluation for each point of the stencil and
    /// coordinate.
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
        let n = self.objective.n_coordinates();
        let n_affordable = self.n_affordable(coordinates.len());
        let is_whole = coordinates == Coordinates::Range(0..n) && n_affordable == n;
        if is_whole {
            if let Some(outcome) = self.by_parts(Vec::new(), (n, n), &|_| coordinates.clone(), out) {
                return outcome?.complete(|done| masked(out, done));
            }
        } else {
            let mut n_asked = vec![0; self.objective.n_parts()];
            (0..n_affordable).for_each(|k| n_asked[self.objective.part_of(coordinates.get(k))] += 1);
            let mut slots = vec![0.0; n];
            let n_slots = (coordinates.len(), n_affordable);
            if let Some(outcome) = self.by_parts(n_asked, n_slots, &|_| coordinates.clone(), &mut slots) {
                let outcome = outcome?;
                for (k, slot) in out.iter_mut().enumerate().filter(|(k, _)| outcome.is_done(*k)) {
                    *slot = slots[coordinates.get(k)];
                }
                return outcome.complete(|done| masked(out, done));
            }
        }
        self.how.each_scalar(&self.call, self.crew(), &coordinates, Base::Own, out)?;
        Ok(())
    }

    /// The derivatives by all coordinates of some of the [parts](Objective::part) that the objective's work splits into, each
    /// into its slot of `out`, which has one for every coordinate of the point. The other slots stay as they are.
    ///
    /// This is what one of several machines computes of a gradient: a part costs its share and has the bits of the whole.
    ///
    /// # Errors
    /// See [`gradient_into`](Self::gradient_into). A [`Partial`](super::Partial) result is of the parts' coordinates, part after
    /// part.
    ///
    /// # Panics
    /// As [`gradient_into`](Self::gradient_into), and if there is no such part.
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
    /// // `Sum` implements `Objective`; each coordinate is a part of its own.
    /// let mut gradient = [0.0; 4];
    /// Differentiator::default().of_objective(&mut Sum(vec![0.0; 4])).parts_into(&[1, 3], &mut gradient)?;
    /// assert!((gradient[3] - 4.0).abs() < 1e-9 && gradient[2] == 0.0);
    /// # Ok::<(), numgrad::difference::Error>(())
    /// ```
    pub fn parts_into(&mut self, parts: &[usize], out: &mut [f64]) -> Result<(), Error> {
        let n = self.objective.n_coordinates();
        assert!(out.len() == n, "{} slots for {n} coordinates", out.len());
        let coordinates_of = |objective: &O| {
            let of_parts = parts.iter().map(|&part| objective.part(part));
            Coordinates::List(of_parts.flat_map(|part| (0..part.len()).map(move |k| part.get(k))).collect())
        };
        if self.call.budget() == u64::MAX {
            let mut n_asked = vec![0; self.objective.n_parts()];
            parts.iter().for_each(|&part| n_asked[part] = usize::MAX);
            // Only who is told of progress has to know how many there are.
            let n_total = self.call.hook.map_or(0, |_| parts.iter().map(|&part| self.objective.part_len(part)).sum());
            if let Some(outcome) = self.by_parts(n_asked, (n_total, usize::MAX), &coordinates_of, out) {
                let outcome = outcome?;
                let values = |done: &[bool]| {
                    let coordinates = coordinates_of(self.objective);
                    let found: Vec<f64> = (0..coordinates.len()).map(|k| out[coordinates.get(k)]).collect();
                    masked(&found, done)
                };
                return outcome.complete(values);
            }
        }
        let coordinates = coordinates_of(self.objective);
        let mut found: Vec<f64> = (0..coordinates.len()).map(|k| out[coordinates.get(k)]).collect();
        let outcome = self.partials_into(coordinates.clone(), &mut found);
        found.into_iter().enumerate().for_each(|(k, found)| out[coordinates.get(k)] = found);
        outcome
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

    /// How many of `n` coordinates that are all moved alike the budget buys.
    fn n_affordable(&self, n: usize) -> usize {
        let per_coordinate = self.how.deltas.len().max(1) as u64;
        usize::try_from(self.call.budget() / per_coordinate).unwrap_or(usize::MAX).min(n)
    }

    /// The whole of [`partials_into`](Self::partials_into) and [`parts_into`](Self::parts_into) where coordinates move alike and
    /// the objective has a way of its own to compute parts: `n_asked` coordinates of each, or all of all of them; `n_total` in
    /// all, of which the budget bought the first `n_affordable`. Each difference is written into the slot of its coordinate. The
    /// outcome is by position in `coordinates`.
    fn by_parts(
        &mut self,
        n_asked: Vec<usize>,
        (n_total, n_affordable): (usize, usize),
        coordinates: &dyn Fn(&O) -> Coordinates,
        slots: &mut [f64],
    ) -> Option<Result<Outcome, Error>> {
        let how = self.how;
        let Step::Absolute(h) = how.step else { return None };
        if how.is_bounded() {
            return None;
        }
        let moves = Moves { deltas: &how.deltas, weights: how.stencil.weights(), divisor: h };
        let n_parts = self.objective.n_parts();
        let request = PartsRequest::new(&self.call, how.parallelism, moves, n_asked, (n_parts, n_total));
        if !self.objective.differences(&request, slots) {
            return None;
        }
        let is_all_done = self.call.budget.is_none() && !request.is_stopped();
        // Without a way out of the loop it is done several at a time.
        let all_finite = || slots.iter().fold(true, |all, slot| all & slot.is_finite());
        if is_all_done && (how.non_finite == NonFinite::Propagate || all_finite()) {
            return Some(Ok(request.finish(Vec::new())));
        }
        let coordinates = coordinates(self.objective);
        let is_done = |k: usize| k < n_affordable && request.is_done(self.objective.part_of(coordinates.get(k)));
        let mut done =
            if is_all_done { vec![true; coordinates.len()] } else { (0..coordinates.len()).map(is_done).collect() };
        let outcome = self.once_more(&coordinates, n_affordable.min(coordinates.len()), &mut done, slots);
        Some(outcome.map(|()| request.finish(done)))
    }

    /// What is done and not finite, each by itself, to see which evaluation it is.
    fn once_more(
        &self,
        coordinates: &Coordinates,
        n_affordable: usize,
        done: &mut [bool],
        slots: &mut [f64],
    ) -> Result<(), Error> {
        let is_lost = |&k: &usize| done[k] && !slots[coordinates.get(k)].is_finite();
        let lost: Vec<usize> = match self.how.non_finite {
            NonFinite::Propagate => Vec::new(),
            _ => (0..coordinates.len()).filter(is_lost).collect(),
        };
        if lost.is_empty() {
            return Ok(());
        }
        let n_evaluations = (n_affordable * self.how.deltas.len()) as u64;
        let call = Call { hook: None, ..self.call.setting_aside(n_evaluations) };
        let again = Coordinates::List(lost.iter().map(|&k| coordinates.get(k)).collect());
        let mut found = vec![f64::NAN; lost.len()];
        let found_all = match self.how.each_scalar(&call, self.crew(), &again, Base::Own, &mut found) {
            Ok(_) => vec![true; lost.len()],
            Err(TryError::Engine(Error::Stopped(partial))) => partial.done,
            Err(error) => return Err(error.into()),
        };
        for ((k, found), is_found) in lost.into_iter().zip(found).zip(found_all) {
            slots[coordinates.get(k)] = found;
            done[k] = is_found;
        }
        Ok(())
    }
}
