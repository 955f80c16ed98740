//! A team of threads that talk through channels: what members of a team say to one another, without MPI.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use numgrad::dataset::{Dataset, synthetic};
use numgrad::nn::{Activation, Network};
use numgrad::random::LegacyRandom;
use numgrad::train::{
    Accuracy, Checkpoint, CheckpointSettings, Checkpoints, Ended, Error, Every, Forward, GradientMethod, Init, Log,
    Record, RunFiles, RunSettings, SavedRun, Session, SessionError, Team, TeamError, Trainer, TrainingSettings,
    Watcher, check_alike, initial_parameters,
};
use tempfile::TempDir;

/// One of several threads. It ends for the others when it is dropped.
#[derive(Debug)]
struct Member {
    rank: usize,
    /// To every member, itself among them, and from every member.
    to: Vec<Sender<Vec<f64>>>,
    from: Vec<Mutex<Receiver<Vec<f64>>>>,
    /// How often each member has called to stop, and how many of these calls this one has taken as heard.
    calls: Arc<Vec<AtomicUsize>>,
    heard: Vec<AtomicUsize>,
}

fn team(size: usize) -> Vec<Member> {
    let (mut to, mut from): (Vec<Vec<_>>, Vec<Vec<_>>) = (0..size).map(|_| (Vec::new(), Vec::new())).unzip();
    for to in &mut to {
        for receiver in &mut from {
            let (tx, rx) = channel();
            to.push(tx);
            receiver.push(Mutex::new(rx));
        }
    }
    let counters = || (0..size).map(|_| AtomicUsize::new(0)).collect::<Vec<_>>();
    let calls = Arc::new(counters());
    let members = to.into_iter().zip(from).enumerate();
    members.map(|(rank, (to, from))| Member { rank, to, from, calls: calls.clone(), heard: counters() }).collect()
}

impl Team for Member {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.to.len()
    }

    fn all_gather(&self, mine: &[f64], counts: &[usize], mut all: &mut [f64]) -> Result<(), TeamError> {
        assert_eq!((mine.len(), all.len()), (counts[self.rank], counts.iter().sum()));
        for to in &self.to {
            let _ = to.send(mine.to_vec());
        }
        for (rank, from) in self.from.iter().enumerate() {
            let numbers = from.lock().unwrap().recv().map_err(|_| TeamError::Lost { rank })?;
            let (here, behind) = all.split_at_mut(counts[rank]);
            here.copy_from_slice(&numbers);
            all = behind;
        }
        Ok(())
    }

    fn call_stop(&self) {
        self.calls[self.rank].fetch_add(1, Relaxed);
    }

    fn is_stop_called(&self) -> bool {
        let mut calls = self.calls.iter().zip(&self.heard).enumerate();
        calls.any(|(rank, (calls, heard))| rank != self.rank && calls.load(Relaxed) > heard.load(Relaxed))
    }

    fn forget_stop(&self, callers: &[usize]) {
        callers.iter().for_each(|&rank| _ = self.heard[rank].fetch_add(1, Relaxed));
    }
}

/// Runs `what` as every member of a team, each in a thread and on a pool of its own with one thread more for each rank. What
/// takes longer than 30 s hangs, and fails.
fn together<T: Debug + Send + 'static>(
    size: usize,
    what: impl Fn(&Member) -> T + Send + Sync + 'static,
) -> Vec<thread::Result<T>> {
    let what = Arc::new(what);
    let (tx, rx) = channel();
    for member in team(size) {
        let (what, tx) = (what.clone(), tx.clone());
        thread::spawn(move || {
            let rank = member.rank;
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1 + rank % 3).build().unwrap();
                pool.install(|| what(&member))
            }));
            drop(member);
            tx.send((rank, done)).unwrap();
        });
    }
    let mut results: Vec<_> =
        (0..size).map(|_| rx.recv_timeout(Duration::from_secs(30)).expect("a member of the team hangs")).collect();
    results.sort_by_key(|(rank, _)| *rank);
    results.into_iter().map(|(_, result)| result).collect()
}

fn settings(forward: Forward) -> RunSettings {
    let training = TrainingSettings { batch_size: 20, forward, ..TrainingSettings::default() };
    RunSettings { iterations: 5, hidden: 9.into(), init: Init::Normal, training, ..RunSettings::default() }
}

fn data(settings: &RunSettings) -> (Dataset, LegacyRandom) {
    let mut random = LegacyRandom::seed(settings.seed);
    (synthetic(10, &mut random), random)
}

fn trainer<'a>(data: &'a Dataset, random: &LegacyRandom, settings: &RunSettings) -> Trainer<'a> {
    let mut random = random.clone();
    let parameters = initial_parameters(&settings.shape(100, 10), settings.init, settings.init_scale, &mut random);
    Trainer::new(&data.train, parameters, random, settings.training)
}

/// Keeps the bits of the iterations.
#[derive(Debug, Default)]
struct Bits(Vec<(u64, u64, u64)>);

fn bits(record: &Record) -> (u64, u64, u64) {
    (record.iteration, record.loss.to_bits(), record.gradient_norm.to_bits())
}

impl Watcher for Bits {
    fn iteration_done(&mut self, record: &Record) {
        self.0.push(bits(record));
    }
}

fn trained(mut session: Session) -> (Vec<(u64, u64, u64)>, Checkpoint) {
    let mut watcher = Bits::default();
    assert_eq!(session.run(&mut watcher).unwrap(), Ended::Done);
    (watcher.0, Checkpoint { elapsed: Duration::ZERO, ..session.trainer().checkpoint() })
}

fn alone(settings: &RunSettings) -> (Vec<(u64, u64, u64)>, Checkpoint) {
    let (data, random) = data(settings);
    trained(Session::new(trainer(&data, &random, settings), settings))
}

#[test]
fn any_number_of_members_computes_the_bits_of_one_process() {
    let deep = |forward| RunSettings {
        hidden: vec![17, 8, 30].into(),
        activation: Activation::Tanh,
        iterations: 2,
        ..settings(forward)
    };
    let book = settings(Forward::Incremental);
    for settings in [settings(Forward::Full), book, deep(Forward::Incremental), deep(Forward::Full)] {
        let expected = alone(&settings);
        // 9 units are two parts: some of five members have none.
        for size in [1, 2, 3, 5] {
            let of_run = settings.clone();
            let found = together(size, move |team| {
                let (data, random) = data(&of_run);
                trained(Session::new(trainer(&data, &random, &of_run).in_team(team), &of_run))
            });
            for (rank, found) in found.into_iter().enumerate() {
                assert!(found.unwrap() == expected, "rank {rank} of {size}: {settings:?}");
            }
        }
    }
}

/// Stops where it is told to.
#[derive(Debug, Default)]
struct Stopper {
    /// Wants to stop once this many coordinates of the iteration after this one are done.
    stop_at: Option<(u64, usize)>,
    interrupt_measuring_at: Option<u64>,
    iteration: u64,
    n_coordinates: AtomicUsize,
}

impl Watcher for Stopper {
    fn coordinates_done(&self, n: usize) {
        self.n_coordinates.fetch_add(n, Relaxed);
    }

    fn wants_to_stop(&self) -> bool {
        self.stop_at.is_some_and(|(iteration, n_coordinates)| {
            self.iteration == iteration && self.n_coordinates.load(Relaxed) >= n_coordinates
        })
    }

    fn measure(&mut self, _net: &Network, is_last: bool) -> Option<Accuracy> {
        let is_interrupted = self.interrupt_measuring_at == Some(self.iteration + 1);
        (is_last || !is_interrupted).then(Accuracy::default)
    }

    fn iteration_done(&mut self, record: &Record) {
        (self.iteration, self.n_coordinates) = (record.iteration, AtomicUsize::new(0));
    }
}

fn checkpoints(folder: &Path, data: &Dataset, settings: &RunSettings) -> (Log, Checkpoints) {
    let checkpoint_every = Every::Iterations(1000);
    let (dataset, run) = (data.name.clone(), settings.clone());
    let settings = CheckpointSettings { dataset, checkpoint_every, run, ..CheckpointSettings::default() };
    let files = RunFiles::of(folder);
    (Log::create(files.log()).unwrap(), Checkpoints::new(files.checkpoint(), settings, data.crc32()))
}

#[test]
fn whoever_stops_all_stop_at_the_same_iteration_and_any_number_goes_on_with_the_same_bits() {
    let n = 1120;
    for (forward, eval_every, stoppers) in [
        (Forward::Incremental, None, vec![(1, Stopper { stop_at: Some((3, 0)), ..Stopper::default() })]),
        // In the midst of a gradient, at the beginning of the first, and two at once.
        (Forward::Full, None, vec![(2, Stopper { stop_at: Some((2, 1)), ..Stopper::default() })]),
        (Forward::Full, None, vec![(0, Stopper { stop_at: Some((0, 0)), ..Stopper::default() })]),
        (
            Forward::Full,
            None,
            vec![
                (0, Stopper { stop_at: Some((4, n / 2)), ..Stopper::default() }),
                (2, Stopper { stop_at: Some((4, n / 3)), ..Stopper::default() }),
            ],
        ),
        // Where accuracy is measured, on the first rank and on another.
        (Forward::Incremental, Some(2), vec![(0, Stopper { interrupt_measuring_at: Some(2), ..Stopper::default() })]),
        (Forward::Incremental, Some(2), vec![(1, Stopper { interrupt_measuring_at: Some(4), ..Stopper::default() })]),
    ] {
        let settings = RunSettings { eval_every, ..settings(forward) };
        let expected = alone(&settings);
        let folder = Arc::new(TempDir::new().unwrap());
        let says = format!("{forward}, {stoppers:?}");
        let stoppers = Mutex::new(stoppers);
        let (of_run, run_folder) = (settings.clone(), folder.clone());
        let ended = together(3, move |team| {
            let (data, random) = data(&of_run);
            let mut session = Session::new(trainer(&data, &random, &of_run).in_team(team), &of_run);
            if team.rank() == 0 {
                let (log, checkpoints) = checkpoints(run_folder.path(), &data, &of_run);
                session = session.with_files(log, checkpoints);
            }
            let mut stoppers = stoppers.lock().unwrap();
            let mine = stoppers.iter().position(|(rank, _)| *rank == team.rank());
            let mut watcher = mine.map(|i| stoppers.swap_remove(i).1).unwrap_or_default();
            drop(stoppers);
            let ended = session.run(&mut watcher).unwrap();
            assert_eq!(ended, Ended::Interrupted);
            assert!(!team.is_stop_called(), "a call to stop would be heard again in the next training");
            session.trainer().iteration()
        });
        let ended: Vec<u64> = ended.into_iter().map(Result::unwrap).collect();
        let saved = SavedRun::read(&RunFiles::of(folder.path()).checkpoint(), u64::MAX).unwrap();
        assert!(ended.iter().all(|&n| n == saved.checkpoint.iteration), "{ended:?}, {says}");

        for size in [1, 2, 4] {
            let (of_run, saved) = (settings.clone(), saved.clone());
            let found = together(size, move |team| {
                let (data, _) = data(&of_run);
                let trainer = Trainer::resume(&data.train, saved.checkpoint.clone(), of_run.training);
                let mut session = Session::new(trainer.in_team(team), &of_run);
                if team.rank() == 0 {
                    session = session.with_unlogged(saved.state.unlogged);
                }
                trained(session)
            });
            for found in found {
                let (bits, checkpoint) = found.unwrap();
                assert!(checkpoint == expected.1 && expected.0.ends_with(&bits), "{size} members, {says}");
            }
        }
    }
}

#[test]
fn a_gradient_of_minutes_is_abandoned_by_all_when_one_wants_to_stop() {
    let ended = together(3, |team| {
        // Two forward passes of a millisecond for each of 55,000 weights.
        let run = RunSettings { hidden: 500.into(), ..settings(Forward::Full) };
        let settings = RunSettings { training: TrainingSettings { batch_size: 500, ..run.training }, ..run };
        let (data, random) = data(&settings);
        let mut session = Session::new(trainer(&data, &random, &settings).in_team(team), &settings);
        let stop_at = (team.rank() == 2).then_some((0, 30));
        let ended = session.run(&mut Stopper { stop_at, ..Stopper::default() });
        (ended.unwrap(), session.trainer().stopped_by())
    });
    let ended: Vec<_> = ended.into_iter().map(Result::unwrap).collect();
    assert_eq!(ended, [(Ended::Interrupted, Some(2)), (Ended::Interrupted, Some(2)), (Ended::Interrupted, None)]);
}

#[test]
fn members_that_have_come_apart_are_named_before_their_gradient_is_used() {
    // Another weight in its last bit; another batch at the same weights.
    for what in ["weight", "batch"] {
        let errors = together(3, move |team| {
            let settings = settings(Forward::Incremental);
            let (data, random) = data(&settings);
            let trainer = trainer(&data, &random, &settings);
            let mut checkpoint = trainer.checkpoint();
            if team.rank() == 2 {
                match what {
                    "weight" => checkpoint.parameters.as_slice_mut()[700] *= 1.0 + f64::EPSILON,
                    _ => checkpoint.random = LegacyRandom::seed(7),
                }
            }
            let mut trainer = Trainer::resume(&data.train, checkpoint, settings.training).in_team(team);
            trainer.iterate(None).unwrap_err()
        });
        for error in errors {
            assert_eq!(error.unwrap(), Error::Team(TeamError::Apart { iteration: 1, rank: 2 }), "{what}");
        }
    }
}

#[test]
fn a_member_that_fails_lets_no_other_wait() {
    let ended = together(3, |team| {
        struct Fails;
        impl Watcher for Fails {
            fn iteration_done(&mut self, record: &Record) {
                assert!(record.iteration < 3, "this member fails");
            }
        }
        let settings = settings(Forward::Incremental);
        let (data, random) = data(&settings);
        let mut session = Session::new(trainer(&data, &random, &settings).in_team(team), &settings);
        if team.rank() == 1 { session.run(&mut Fails) } else { session.run(&mut ()) }
    });
    for (rank, ended) in ended.into_iter().enumerate() {
        match (rank, ended) {
            (1, ended) => assert!(ended.is_err()),
            // Another that waited for it may be gone by then too.
            (_, ended) => assert!(matches!(ended.unwrap(), Err(SessionError::Team(TeamError::Lost { .. })))),
        }
    }
}

#[test]
fn facts_that_differ_are_named_with_both_values_and_the_rank_on_every_member() {
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (facts, expected) in [
        (vec![fact("version", "1"), fact("seed", "42")], None),
        (vec![fact("version", "1"), fact("seed", "7")], Some(("seed", "42", "7"))),
        (vec![fact("version", "1")], Some(("seed", "42", "nothing of that name"))),
        (vec![fact("isa", "avx2"), fact("seed", "42")], Some(("version", "1", "nothing of that name"))),
        (vec![fact("version", "1"), fact("seed", "42"), fact("step", "")], Some(("step", "nothing of that name", ""))),
    ] {
        let found = together(4, move |team| {
            let usual = [("version", "1"), ("seed", "42")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            check_alike(team, if team.rank() == 2 { &facts } else { &usual })
        });
        for found in found {
            let expected = expected.map_or(Ok(()), |(what, first, other)| {
                Err(TeamError::Unlike { rank: 2, what: what.into(), first: first.into(), other: other.into() })
            });
            assert_eq!(found.unwrap(), expected);
        }
    }
}

#[test]
fn analytic_gradients_are_not_shared() {
    let found = together(2, |team| {
        let mut settings = settings(Forward::Full);
        settings.training.gradient = GradientMethod::Backprop;
        let (data, random) = data(&settings);
        let mut trainer = trainer(&data, &random, &settings).in_team(team);
        trainer.iterate(Some(&|_| ControlFlow::Continue(()))).is_ok()
    });
    assert!(found.into_iter().all(|found| found.is_err()));
}
