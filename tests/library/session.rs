//! A session as a caller of the library drives it: with watchers of its own, with and without files, and continued.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use numgrad::dataset::{Dataset, Name, synthetic};
use numgrad::nn::simd::Isa;
use numgrad::nn::{Activation, Network};
use numgrad::random::LegacyRandom;
use numgrad::report::Run;
use numgrad::train::{
    Accuracy, CheckpointSettings, Checkpoints, Ended, Evaluation, Every, FileError, Init, Log, Quantity, Record,
    RunFiles, RunSettings, SavedRun, Session, Trainer, TrainingSettings, Watcher, initial_parameters,
};
use tempfile::TempDir;

fn settings(iterations: u64) -> RunSettings {
    let training = TrainingSettings { batch_size: 20, ..TrainingSettings::default() };
    RunSettings { iterations, hidden: 5.into(), eval_every: Some(4), training, ..RunSettings::default() }
}

/// The samples, and what draws the weights and the batches after them.
fn data(settings: &RunSettings) -> (Dataset, LegacyRandom) {
    let mut random = LegacyRandom::seed(settings.seed);
    (synthetic(10, &mut random), random)
}

fn trainer<'a>(data: &'a Dataset, random: &LegacyRandom, settings: &RunSettings) -> Trainer<'a> {
    let mut random = random.clone();
    let parameters = initial_parameters(&settings.shape(100, 10), settings.init, settings.init_scale, &mut random);
    Trainer::new(&data.train, parameters, random, settings.training)
}

fn checkpoints(files: &RunFiles, data: &Dataset, settings: &RunSettings) -> Checkpoints {
    let checkpoint_every = Every::Iterations(3);
    let settings = CheckpointSettings {
        dataset: data.name.clone(),
        checkpoint_every,
        run: settings.clone(),
        ..CheckpointSettings::default()
    };
    Checkpoints::new(files.checkpoint(), settings, data.crc32())
}

/// Keeps the records, measures accuracy, and stops where it is told to.
struct Recorder<'a> {
    data: &'a Dataset,
    records: Vec<Record>,
    n_coordinates: AtomicUsize,
    stop_after: Option<u64>,
    interrupt_measuring_at: Option<usize>,
}

impl<'a> Recorder<'a> {
    fn new(data: &'a Dataset) -> Self {
        let n_coordinates = AtomicUsize::new(0);
        Self { data, records: Vec::new(), n_coordinates, stop_after: None, interrupt_measuring_at: None }
    }
}

impl Watcher for Recorder<'_> {
    fn coordinates_done(&self, n: usize) {
        self.n_coordinates.fetch_add(n, Relaxed);
    }

    fn wants_to_stop(&self) -> bool {
        let done = self.records.last().map_or(0, |record| record.iteration);
        self.stop_after.is_some_and(|n| done >= n)
    }

    fn measure(&mut self, net: &Network, _is_last: bool) -> Option<Accuracy> {
        if self.interrupt_measuring_at == Some(self.records.len() + 1) {
            return None;
        }
        Some(Accuracy { train: Some(Evaluation::new(net, &self.data.train).accuracy()), test: None })
    }

    fn iteration_done(&mut self, record: &Record) {
        self.records.push(*record);
    }
}

/// What must not depend on how often a training was interrupted.
fn bits(records: &[Record]) -> Vec<(u64, u64, u64, Option<f64>)> {
    let bits = |r: &Record| (r.iteration, r.loss.to_bits(), r.gradient_norm.to_bits(), r.train_accuracy);
    records.iter().map(bits).collect()
}

fn rows(files: &RunFiles) -> Vec<Record> {
    csv::Reader::from_path(files.log()).unwrap().into_deserialize().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_session_without_files_trains_and_tells_its_watcher_of_every_iteration() {
    let settings = settings(10);
    let (data, random) = data(&settings);
    let mut session = Session::new(trainer(&data, &random, &settings), &settings);
    let mut recorder = Recorder::new(&data);
    assert_eq!(session.run(&mut recorder).unwrap(), Ended::Done);
    assert_eq!(recorder.records.iter().map(|r| r.iteration).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    let measured: Vec<u64> =
        recorder.records.iter().filter(|r| r.train_accuracy.is_some()).map(|r| r.iteration).collect();
    assert_eq!(measured, [4, 8, 10]);
    // 100·5 + 5 + 5·10 + 10 coordinates a gradient.
    assert_eq!(recorder.n_coordinates.into_inner(), 10 * 565);
    assert_eq!(session.last_checkpoint(), None);

    // The same by hand, and with a watcher that does nothing.
    let mut by_hand = trainer(&data, &random, &settings);
    let mut stepwise = Session::new(trainer(&data, &random, &settings), &settings);
    for record in &recorder.records {
        assert_eq!(by_hand.iterate(None).unwrap().loss.to_bits(), record.loss.to_bits());
        let is_last = record.iteration == 10;
        assert_eq!(stepwise.step(&mut ()).unwrap().is_break(), is_last);
    }
    assert_eq!(stepwise.trainer().net(), session.trainer().net());
    // Once it is done there is nothing more to do.
    assert_eq!(stepwise.step(&mut ()).unwrap(), ControlFlow::Break(Ended::Done));
    assert_eq!(stepwise.trainer().iteration(), 10);
}

#[test]
fn an_interrupted_session_is_continued_from_its_files_with_the_same_bits() {
    let settings = settings(13);
    let (data, random) = data(&settings);
    let mut whole = Recorder::new(&data);
    let mut session = Session::new(trainer(&data, &random, &settings), &settings);
    session.run(&mut whole).unwrap();
    let net = session.trainer().net().clone();

    // After an iteration, in the midst of measuring accuracy, and both.
    for (stop_after, interrupt_measuring_at) in [(Some(6), None), (None, Some(8)), (None, Some(13)), (Some(3), Some(4))]
    {
        let folder = TempDir::new().unwrap();
        let files = RunFiles::of(folder.path());
        let log = Log::create(files.log()).unwrap();
        let mut session = Session::new(trainer(&data, &random, &settings), &settings)
            .with_files(log, checkpoints(&files, &data, &settings));
        let mut recorder = Recorder { stop_after, interrupt_measuring_at, ..Recorder::new(&data) };
        assert_eq!(session.run(&mut recorder).unwrap(), Ended::Interrupted);
        assert_eq!(session.last_checkpoint(), Some(session.trainer().iteration()));
        assert_eq!(session.n_logged(), recorder.records.len() as u64);

        // Interrupted again and again while the accuracy of the same iteration is measured, nothing is computed twice.
        for attempt in 0..3 {
            let saved = SavedRun::read(&files.checkpoint(), u64::MAX).unwrap();
            assert_eq!(saved.state.unlogged.is_some(), interrupt_measuring_at.is_some() && stop_after.is_none());
            let gradient_s: f64 = rows(&files).iter().chain(&saved.state.unlogged).map(|row| row.gradient_s).sum();
            assert_eq!(saved.state.gradient_s, gradient_s);
            let log = Log::reopen(files.log(), saved.state.log_bytes).unwrap();
            let before = saved.checkpoint.iteration;
            let mut continued =
                Session::new(Trainer::resume(&data.train, saved.checkpoint, settings.training), &settings)
                    .with_files(log, checkpoints(&files, &data, &settings))
                    .with_unlogged(saved.state.unlogged);
            let is_last_attempt = attempt == 2 || stop_after.is_some();
            let mut recorder = Recorder::new(&data);
            if !is_last_attempt {
                recorder.interrupt_measuring_at = Some(1);
            }
            let ended = continued.run(&mut recorder).unwrap();
            if is_last_attempt {
                assert_eq!(ended, Ended::Done);
                assert_eq!(continued.trainer().net(), &net);
                break;
            }
            assert_eq!((ended, continued.trainer().iteration()), (Ended::Interrupted, before));
        }
        assert_eq!(bits(&rows(&files)), bits(&whole.records));
    }
}

#[test]
fn numbers_that_are_no_longer_finite_end_a_session_and_are_named() {
    let mut settings = settings(5);
    // Weights near the largest f64: sums over 100 inputs overflow, and infinities of both signs meet.
    (settings.init, settings.init_scale, settings.hidden, settings.training.batch_size) =
        (Init::Normal, 3e307.into(), 10.into(), 100);
    let (data, random) = data(&settings);
    let mut session = Session::new(trainer(&data, &random, &settings), &settings);
    let Ended::Diverged(divergence) = session.run(&mut ()).unwrap() else { panic!("it did not diverge") };
    assert_eq!((divergence.iteration, divergence.quantity), (1, Quantity::Gradient("W1".to_owned())));
    assert_eq!(session.trainer().iteration(), 0);
}

#[test]
fn what_a_deeper_network_makes_infinite_is_named_by_its_array() {
    let mut settings = settings(5);
    // The book's scale once more for each layer: activations of 1e306 meet weights of 1e3 in the third.
    (settings.init, settings.init_scale, settings.hidden, settings.activation) =
        (Init::Normal, 1e103.into(), [6, 5].into(), Activation::Relu);
    let (data, random) = data(&settings);
    let mut session = Session::new(trainer(&data, &random, &settings), &settings);
    let Ended::Diverged(divergence) = session.run(&mut ()).unwrap() else { panic!("it did not diverge") };
    let Quantity::Gradient(array) = &divergence.quantity else { panic!("{divergence}") };
    assert!(["W1", "b1", "W2", "b2", "W3", "b3"].contains(&array.as_str()), "{divergence}");
}

#[test]
fn a_run_of_an_older_version_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/run-0.1.0");
    let files = RunFiles::of(&folder);
    let SavedRun { checkpoint, state } = SavedRun::read(&files.checkpoint(), u64::MAX).unwrap();
    assert_eq!((checkpoint.iteration, state.version.as_str(), state.log_bytes), (12, "0.1.0", 956));
    let mut run = settings(12);
    (run.eval_every, run.threads, run.training.isa) = (Some(5), Some(2), Isa::Avx2);
    let expected = CheckpointSettings { dataset: Name::Synthetic, run: run.clone(), ..CheckpointSettings::default() };
    assert_eq!(state.settings, expected);
    assert_eq!(state.data_crc32, data(&run).0.crc32());

    let Run { summary, curves, parameters, .. } = Run::read(&folder).unwrap();
    assert_eq!((&summary.settings, summary.ended()), (&run, Some(Ended::Done)));
    assert_eq!((summary.n_evaluations, summary.final_loss), (13_560, Some(2.289867100104303)));
    assert_eq!(summary.gradient_s, curves.gradient_s);
    assert_eq!(parameters, Some(checkpoint.parameters));
}

#[test]
fn a_checkpoint_that_does_not_fit_into_memory_or_is_none_is_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/run-0.1.0");
    let path = RunFiles::of(&folder).checkpoint();
    let n_bytes = File::open(&path).unwrap().metadata().unwrap().len();
    assert!(SavedRun::read(&path, n_bytes).is_ok());
    let error = SavedRun::read(&path, n_bytes - 1).unwrap_err();
    assert!(matches!(error, FileError::Content { .. }) && error.to_string().contains("bytes of memory"), "{error}");
    let error = SavedRun::read(&folder, u64::MAX).unwrap_err().to_string();
    assert!(error.ends_with("expected a file, found a folder"), "{error}");
}
