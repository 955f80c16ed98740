//! One iteration of training: batch → gradient → update → record.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::batch_loss::{BatchLoss, Hook, central};
use super::model::AROUND_A_LAYER;
use super::settings::{Forward, GradientMethod, TrainingSettings};
use super::share::{Share, Sharing};
use super::step_doubt::first_vanishing;
use super::team::{Alone, Team, TeamError};
use super::{Checkpoint, Divergence, Error, Quantity, Record};
use crate::dataset::{Sampler, Samples};
use crate::difference::Differentiator;
use crate::nn::{Network, NetworkShape, Parameters, n_bytes_of, sum, together};
use crate::random::{LegacyRandom, RandomState};

/// Where no parameter is larger after an update, none has to be looked at.
const MAX_UNCHECKED: f64 = 1e300;

/// More than what a checkpoint's archive has beside the layers.
const ARCHIVE_BYTES: u64 = 64 << 10;

/// Stochastic gradient descent with numerical gradients: a network, its training samples, and the random numbers that
/// choose the batches.
///
/// Gradients and updates are computed on rayon's current pool. Nothing but [`Record`]'s times depends on it, or on the clock.
#[derive(Debug)]
pub struct Trainer<'a> {
    samples: &'a Samples,
    random: LegacyRandom,
    settings: TrainingSettings,
    loss: BatchLoss,
    gradient: Parameters,
    /// No parameter is larger.
    largest_parameter: f64,
    differentiator: Differentiator,
    sampler: Sampler,
    team: &'a dyn Team,
    /// None where all is computed alone.
    share: Option<Share<'a>>,
    iteration: u64,
    elapsed: Duration,
    /// How much of that went into taking new batches; not known of what was done before a resume.
    batch_time: Option<Duration>,
}

impl<'a> Trainer<'a> {
    /// Training from `parameters` on `samples`; `random` draws the batches from here on.
    ///
    /// # Panics
    /// If the samples do not fit the network, the batch is empty, or the step is not positive and finite.
    pub fn new(samples: &'a Samples, parameters: Parameters, random: LegacyRandom, settings: TrainingSettings) -> Self {
        let shape = parameters.shape();
        assert!(settings.batch_size > 0, "a batch of 0 samples has no loss");
        assert!(
            (samples.input_size(), samples.n_classes()) == (shape.n_inputs(), shape.n_classes()),
            "samples of {} inputs and {} classes for a network of {shape}",
            samples.input_size(),
            samples.n_classes()
        );
        Self {
            samples,
            random,
            settings,
            gradient: Parameters::zeros(shape),
            largest_parameter: largest(&parameters),
            // What is not finite is found by the norm, and named by its array.
            differentiator: central(settings.step),
            sampler: Sampler::new(samples.len(), settings.batch_size),
            loss: BatchLoss::new(&settings, parameters),
            team: &Alone,
            share: None,
            iteration: 0,
            elapsed: Duration::ZERO,
            batch_time: Some(Duration::ZERO),
        }
    }

    /// How much memory a training takes at most, without its samples, while `n_workers` compute a gradient and while a
    /// checkpoint is written; `u64::MAX` where the number overflows.
    pub fn n_bytes(shape: &NetworkShape, settings: &TrainingSettings, n_workers: usize) -> u64 {
        // The parameters and the gradient; a checkpoint, and the archive that it is written as.
        let arrays = shape.n_bytes().saturating_mul(4);
        let archive = ARCHIVE_BYTES + n_bytes_of::<u8>(&[shape.n_layers(), AROUND_A_LAYER]);
        let sampler = n_bytes_of::<usize>(&[settings.batch_size]);
        together(&[arrays, sampler, BatchLoss::n_bytes(settings, shape, n_workers), archive])
    }

    /// Continues where [`checkpoint`](Self::checkpoint) was taken, with the same bits for the same samples and settings on the
    /// same platform.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn resume(samples: &'a Samples, checkpoint: Checkpoint, settings: TrainingSettings) -> Self {
        let Checkpoint { parameters, random, iteration, elapsed } = checkpoint;
        let batch_time = if iteration == 0 { Some(Duration::ZERO) } else { None };
        Self { iteration, elapsed, batch_time, ..Self::new(samples, parameters, random, settings) }
    }

    /// The same training as a member of a team, all of whose trainers have to be made alike and make the same calls of
    /// [`iterate`](Self::iterate): each computes its share of every gradient and of the loss after it, and all of them have the bits
    /// of one that trains alone.
    ///
    /// # Panics
    /// If the gradients of a team of several are analytic, as those are not shared.
    pub fn in_team(self, team: &'a dyn Team) -> Self {
        let is_shared = team.size() == 1 || self.settings.gradient == GradientMethod::Numerical;
        assert!(is_shared, "{} members for an analytic gradient, which is not shared", team.size());
        Self { team, share: Share::of(&self.loss, team), ..self }
    }

    /// How much more memory a training takes as a member of a team of this size.
    pub fn n_bytes_in_team(shape: &NetworkShape, settings: &TrainingSettings, team_size: usize) -> u64 {
        if team_size == 1 { 0 } else { Share::n_bytes(shape, settings.batch_size, team_size) }
    }

    /// All that is needed to continue later.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            parameters: self.net().parameters().clone(),
            random: self.random.clone(),
            iteration: self.iteration,
            elapsed: self.elapsed,
        }
    }

    /// One batch, one gradient, one update. `hook` is told of the gradient's progress and may cancel it.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the gradient, the updated parameters or the loss are not finite, or where parameters have grown
    /// so large that whole forward passes can't move them by the step: the parameters are finite then, but training cannot
    /// go on. [`Error::Cancelled`] where the hook said so, or that of another member of the
    /// team: the next call begins the same iteration anew. [`Error::Team`] where the team can't go on.
    pub fn iterate(&mut self, hook: Option<Hook>) -> Result<Record, Error> {
        let started = Instant::now();
        let before = self.random.clone();
        let batch = self.sampler.draw(&mut self.random);

        let gradient_started = Instant::now();
        self.loss.set_batch(self.samples, batch);
        let batch_time = gradient_started.elapsed();
        let (loss, differentiator, gradient) = (&mut self.loss, &self.differentiator, &mut self.gradient);
        let computed = match &mut self.share {
            None => loss.gradient(differentiator, hook, gradient).map_err(Error::from),
            Some(share) => share.gradient(loss, differentiator, (self.iteration + 1, batch), hook, gradient),
        };
        computed.inspect_err(|_| self.random = before)?;
        let gradient_time = gradient_started.elapsed();

        let gradient_norm = self.checked_gradient_norm()?;
        self.check_step()?;
        self.update(gradient_norm)?;
        let loss = self.checked_loss()?;

        self.iteration += 1;
        self.elapsed += started.elapsed();
        self.batch_time = self.batch_time.map(|time| time + batch_time);
        Ok(Record {
            iteration: self.iteration,
            loss,
            elapsed_s: self.elapsed.as_secs_f64(),
            gradient_s: gradient_time.as_secs_f64(),
            n_evaluations: self.iteration * self.n_evaluations_per_iteration(),
            gradient_norm,
            train_accuracy: None,
            test_accuracy: None,
        })
    }

    /// The network as it is now.
    pub fn net(&self) -> &Network {
        self.loss.net()
    }

    /// The team that shares the gradients.
    pub fn team(&self) -> &'a dyn Team {
        self.team
    }

    /// The rank of the member that wanted to stop, where it is another and the last iteration was cancelled by it.
    pub fn stopped_by(&self) -> Option<usize> {
        self.share.as_ref().and_then(Share::stopped_by)
    }

    /// The last gradient, at the parameters before the last update.
    pub fn gradient(&self) -> &Parameters {
        &self.gradient
    }

    /// How long the iterations took that are done.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// How much of that went into taking new batches, with the forward pass at the parameters themselves where gradients are
    /// incremental; none after a resume, where what was before is not known.
    pub fn batch_time(&self) -> Option<Duration> {
        self.batch_time
    }

    /// How many iterations are done.
    pub fn iteration(&self) -> u64 {
        self.iteration
    }

    /// The SHA-256 of the parameters and of the random numbers to come, in hexadecimal digits.
    pub fn state_sha256(&self) -> String {
        let RandomState { words, held_normal } = self.random.state();
        let mut hash = Sha256::new();
        self.net().parameters().as_slice().iter().for_each(|number| hash.update(number.to_bits().to_le_bytes()));
        words.iter().for_each(|word| hash.update(word.to_le_bytes()));
        held_normal.iter().for_each(|number| hash.update(number.to_bits().to_le_bytes()));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Measures what sharing brings to the gradient of the next batch, where there is a team and gradients are so quick that it
    /// is a question: all of its members have to call it. The training stands as it stood.
    ///
    /// # Errors
    /// [`TeamError`] where the team can't go on.
    pub fn measure_sharing(&mut self) -> Result<Option<Sharing>, TeamError> {
        let Some(share) = self.share.as_mut().filter(|_| self.settings.forward == Forward::Incremental) else {
            return Ok(None);
        };
        let batch = self.sampler.draw(&mut self.random.clone());
        self.loss.set_batch(self.samples, batch);
        share.measure(&mut self.loss, &self.differentiator, &mut self.gradient)
    }

    /// Fails where the derivative of a parameter would be 0 since the step vanishes beside it.
    fn check_step(&self) -> Result<(), Error> {
        let TrainingSettings { step, gradient, forward, .. } = self.settings;
        if (gradient, forward) != (GradientMethod::Numerical, Forward::Full) {
            return Ok(());
        }
        match first_vanishing(self.net().parameters(), step) {
            Some((array, parameter)) => Err(self.diverged(Quantity::Unmoved(array), parameter)),
            None => Ok(()),
        }
    }

    fn checked_gradient_norm(&self) -> Result<f64, Error> {
        let norm = sum(self.gradient.as_slice(), self.gradient.as_slice(), |g, same| g * same).sqrt();
        // The norm of finite numbers may still be infinite; that is no fault.
        if !norm.is_finite() {
            self.check_finite(&self.gradient, Quantity::Gradient)?;
        }
        Ok(norm)
    }

    /// Updates the parameters by a gradient of this norm; where one would not be finite, nothing is changed.
    fn update(&mut self, gradient_norm: f64) -> Result<(), Error> {
        let learning_rate = self.settings.learning_rate;
        // No derivative is larger than the norm, but for rounding. Far below the largest number it is enough to know that.
        let largest = self.largest_parameter + 1.001 * learning_rate.abs() * gradient_norm;
        let is_finite = largest < MAX_UNCHECKED || {
            // 0 times a number is 0, and NaN where the number is not finite.
            let (parameters, gradient) = (self.net().parameters().as_slice(), self.gradient.as_slice());
            sum(parameters, gradient, |w, g| (w - learning_rate * g) * 0.0) == 0.0
        };
        if is_finite {
            self.loss.update(&self.gradient, learning_rate);
            self.largest_parameter = largest;
            return Ok(());
        }
        let mut updated = self.net().clone();
        updated.update(&self.gradient, learning_rate);
        self.check_finite(updated.parameters(), Quantity::Parameters)
    }

    fn checked_loss(&mut self) -> Result<f64, Error> {
        let loss = match &mut self.share {
            None => self.loss.value(),
            Some(share) => share.loss(&mut self.loss, self.iteration + 1)?,
        };
        if loss.is_finite() { Ok(loss) } else { Err(self.diverged(Quantity::Loss, loss)) }
    }

    fn check_finite(&self, numbers: &Parameters, quantity: fn(String) -> Quantity) -> Result<(), Error> {
        for (name, array) in numbers.arrays() {
            if let Some(&value) = array.iter().find(|value| !value.is_finite()) {
                return Err(self.diverged(quantity(name), value));
            }
        }
        Ok(())
    }

    /// Loss evaluations that one gradient stands for, in every mode: two a parameter.
    fn n_evaluations_per_iteration(&self) -> u64 {
        2 * self.gradient.values().len() as u64
    }

    fn diverged(&self, quantity: Quantity, value: f64) -> Error {
        Error::Diverged(Divergence { iteration: self.iteration + 1, quantity, value })
    }
}

/// The largest absolute value of a parameter; NaN where one of them is.
fn largest(parameters: &Parameters) -> f64 {
    let larger = |max: f64, w: &f64| if w.abs() > max || w.is_nan() { w.abs() } else { max };
    parameters.as_slice().iter().fold(0.0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::synthetic;
    use crate::nn::NetworkShape;

    #[test]
    fn weights_that_an_update_would_make_infinite_are_not_updated() {
        let mut random = LegacyRandom::seed(42);
        let data = synthetic(10, &mut random);
        let parameters = Parameters::zeros(&NetworkShape::new([100, 10, 10]));
        let settings = TrainingSettings { batch_size: 1, learning_rate: f64::MAX, ..TrainingSettings::default() };
        let mut trainer = Trainer::new(&data.train, parameters.clone(), random, settings);
        // In W2: the first 100·10 are W1, the next 10 are b1.
        trainer.gradient.values_mut()[1010] = -2.0;
        let (quantity, value) = (Quantity::Parameters("W2".into()), f64::INFINITY);
        assert_eq!(trainer.update(2.0), Err(Error::Diverged(Divergence { iteration: 1, quantity, value })));
        assert_eq!(trainer.net().parameters(), &parameters);

        trainer.gradient.values_mut()[1010] = -0.5;
        assert_eq!(trainer.update(0.5), Ok(()));
        assert_eq!(trainer.net().parameters().values()[1010], 0.5 * f64::MAX);
        assert!(trainer.update(0.5).is_ok() && trainer.update(0.5).is_err(), "0.5, 1 and 1.5 times the largest number");
    }
}
