//! A whole training: one iteration after another, each of them logged, with a checkpoint now and then, until it ends.
//!
//! The session owns the loop, and whoever calls it all that surrounds it: what is shown of it, what interrupts it, and how
//! accuracy is measured come in as a [`Watcher`].

use std::ops::ControlFlow;

use super::{
    Cancelled, Checkpoints, Divergence, Error, FileError, Log, Record, RunSettings, SessionError, TeamError, Trainer,
};
use crate::nn::Network;

/// Watches a session, and may stop it. Every method has a default, by which nothing is shown, measured or stopped: `()` is
/// a watcher.
pub trait Watcher: Sync {
    /// `n` more coordinates of this iteration's gradient are done: told by the workers, whenever it suits them.
    fn coordinates_done(&self, n: usize) {
        let _ = n;
    }

    /// Whether the training is to stop as soon as it can. Asked often, while a gradient is computed too.
    fn wants_to_stop(&self) -> bool {
        false
    }

    /// Measures how often the network is right, where that is due: after the last iteration and after every
    /// [`RunSettings::eval_every`]. None where it was interrupted, which stops the training.
    fn measure(&mut self, net: &Network, is_last: bool) -> Option<Accuracy> {
        let _ = (net, is_last);
        Some(Accuracy::default())
    }

    /// An iteration is done and logged.
    fn iteration_done(&mut self, record: &Record) {
        let _ = record;
    }
}

impl Watcher for () {}

/// How often a network is right, where it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    /// The share of the training set that is classified right, 0 to 1.
    pub train: Option<f64>,
    /// The share of the test set that is classified right, 0 to 1.
    pub test: Option<f64>,
}

/// How a training ended where nothing hindered it.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// All iterations are done.
    Done,
    /// The watcher stopped it, or that of another member of the team; a checkpoint is of the same iteration.
    Interrupted,
    /// A number is no longer finite. The weights still are: where the loss is what failed, they are those after the update,
    /// and otherwise those of the iteration before.
    Diverged(Divergence),
}

/// A training on its way.
///
/// ```
/// use numgrad::dataset::{Name, synthetic};
/// use numgrad::random::LegacyRandom;
/// use numgrad::train::{Ended, Record, RunSettings, Session, Trainer, Watcher, initial_parameters};
///
/// /// Stops at a loss that is low enough.
/// #[derive(Default)]
/// struct UntilBelow(f64, Option<Record>);
///
/// impl Watcher for UntilBelow {
///     fn wants_to_stop(&self) -> bool {
///         self.1.is_some_and(|record| record.loss < self.0)
///     }
///
///     fn iteration_done(&mut self, record: &Record) {
///         self.1 = Some(*record);
///     }
/// }
///
/// let settings = RunSettings { iterations: 1000, hidden: 10.into(), ..RunSettings::default() };
/// let mut random = LegacyRandom::seed(settings.seed);
/// let data = synthetic(10, &mut random);
/// let parameters = initial_parameters(&settings.shape(100, 10), settings.init, settings.init_scale, &mut random);
/// let mut session = Session::new(Trainer::new(&data.train, parameters, random, settings.training), &settings);
/// let mut watcher = UntilBelow(2.29, None);
/// assert_eq!(session.run(&mut watcher).unwrap(), Ended::Interrupted);
/// assert!(watcher.1.unwrap().loss < 2.29 && session.trainer().iteration() < 1000);
/// ```
#[derive(Debug)]
pub struct Session<'a> {
    trainer: Trainer<'a>,
    n_iterations: u64,
    eval_every: Option<u64>,
    files: Option<SessionFiles>,
    /// The last iteration, where it is not in the log yet: measuring its accuracy was interrupted.
    unlogged: Option<Record>,
}

#[derive(Debug)]
struct SessionFiles {
    log: Log,
    checkpoints: Checkpoints,
}

impl<'a> Session<'a> {
    /// A session that goes on from where the trainer is, and writes no files.
    pub fn new(trainer: Trainer<'a>, settings: &RunSettings) -> Self {
        let RunSettings { iterations: n_iterations, eval_every, .. } = *settings;
        Self { trainer, n_iterations, eval_every, files: None, unlogged: None }
    }

    /// The same session, which logs its iterations and writes checkpoints: one before the first iteration, one after the
    /// last, and those that are due in between.
    pub fn with_files(self, log: Log, checkpoints: Checkpoints) -> Self {
        Self { files: Some(SessionFiles { log, checkpoints }), ..self }
    }

    /// The same session, where the last iteration before it is not in the log yet: [`RunState::unlogged`] of the run that is
    /// continued.
    ///
    /// [`RunState::unlogged`]: super::RunState::unlogged
    pub fn with_unlogged(self, unlogged: Option<Record>) -> Self {
        Self { unlogged, ..self }
    }

    /// Trains until it ends.
    ///
    /// # Errors
    /// [`SessionError`] if log or checkpoint can't be written, or if the team can't go on.
    pub fn run(&mut self, watcher: &mut impl Watcher) -> Result<Ended, SessionError> {
        loop {
            if let ControlFlow::Break(ended) = self.step(watcher)? {
                return Ok(ended);
            }
        }
    }

    /// One iteration, with all that belongs to it; `Break` where it was the last one. Does nothing once all are done.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn step(&mut self, watcher: &mut impl Watcher) -> Result<ControlFlow<Ended>, SessionError> {
        if self.files.as_ref().is_some_and(|files| !files.checkpoints.is_begun()) {
            self.write_checkpoint()?;
        }
        let iterated = match self.unlogged.take() {
            Some(record) => Ok(record),
            None if self.trainer.iteration() >= self.n_iterations => return Ok(ControlFlow::Break(Ended::Done)),
            None => iterate(&mut self.trainer, watcher),
        };
        let mut record = match iterated {
            Ok(record) => record,
            Err(Error::Cancelled(Cancelled)) => return self.interrupted(),
            Err(Error::Diverged(divergence)) => return Ok(ControlFlow::Break(Ended::Diverged(divergence))),
            Err(Error::Team(error)) => return Err(error.into()),
        };
        let is_last = record.iteration >= self.n_iterations;
        if is_last || self.eval_every.is_some_and(|every| record.iteration.is_multiple_of(every)) {
            let Some(accuracy) = watcher.measure(self.trainer.net(), is_last) else {
                self.unlogged = Some(record);
                if !is_last {
                    self.stop_team()?;
                }
                return self.interrupted();
            };
            (record.train_accuracy, record.test_accuracy) = (accuracy.train, accuracy.test);
        }
        if let Some(SessionFiles { log, .. }) = &mut self.files {
            log.write(&record)?;
        }
        watcher.iteration_done(&record);
        if is_last {
            self.write_checkpoint()?;
            return Ok(ControlFlow::Break(Ended::Done));
        }
        // The members of a team stop together, when they next meet: in an iteration, which is cancelled.
        if watcher.wants_to_stop() && self.trainer.team().size() == 1 {
            return self.interrupted();
        }
        if self.files.as_ref().is_some_and(|files| files.checkpoints.is_due(record.iteration)) {
            self.write_checkpoint()?;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The training, as far as it is.
    pub fn trainer(&self) -> &Trainer<'a> {
        &self.trainer
    }

    /// The last iteration that is in the log; 0 before the first one.
    pub fn n_logged(&self) -> u64 {
        self.trainer.iteration() - u64::from(self.unlogged.is_some())
    }

    /// The iteration of the last checkpoint, if this session has written one and it is still there to continue from.
    pub fn last_checkpoint(&self) -> Option<u64> {
        self.files.as_ref()?.checkpoints.last_iteration()
    }

    /// Meets the others of a team in the next iteration, which they have begun, to cancel it.
    fn stop_team(&mut self) -> Result<(), TeamError> {
        if self.trainer.team().size() == 1 {
            return Ok(());
        }
        match self.trainer.iterate(Some(&|_| ControlFlow::Break(()))) {
            Err(Error::Team(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn interrupted(&mut self) -> Result<ControlFlow<Ended>, SessionError> {
        self.write_checkpoint()?;
        Ok(ControlFlow::Break(Ended::Interrupted))
    }

    fn write_checkpoint(&mut self) -> Result<(), FileError> {
        match &mut self.files {
            Some(SessionFiles { log, checkpoints }) => checkpoints.write(&self.trainer, log, self.unlogged),
            None => Ok(()),
        }
    }
}

fn iterate(trainer: &mut Trainer, watcher: &impl Watcher) -> Result<Record, Error> {
    trainer.iterate(Some(&|n| {
        watcher.coordinates_done(n);
        if watcher.wants_to_stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }))
}
