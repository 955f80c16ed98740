//! What a training shows while it lasts, what interrupts it, and how its accuracy is measured.

use numgrad::cli::progress::Progress;
use numgrad::dataset::Dataset;
use numgrad::nn::Network;
use numgrad::train::{Accuracy, Evaluation, Record, Session, Watcher};

use crate::args::Options;
use crate::interrupts::Interrupts;

pub struct Onlooker<'a> {
    data: &'a Dataset,
    interrupts: &'a Interrupts,
    progress: Progress,
    answers: Option<Evaluation>,
}

impl<'a> Onlooker<'a> {
    pub fn new(options: &Options, data: &'a Dataset, session: &Session, interrupts: &'a Interrupts) -> Self {
        let trainer = session.trainer();
        let n_parameters = trainer.gradient().values().len() as u64;
        let (done, elapsed_s) = (trainer.iteration(), trainer.elapsed().as_secs_f64());
        let progress = Progress::start(done, elapsed_s, options.settings.iterations, n_parameters, options.quiet);
        Self { data, interrupts, progress, answers: None }
    }

    /// Ends what is shown. Returns the network's answers after the last iteration to the samples that the report is about,
    /// where they are known.
    pub fn finish(self) -> Option<Evaluation> {
        self.answers
    }
}

impl Watcher for Onlooker<'_> {
    fn coordinates_done(&self, n: usize) {
        self.progress.coordinates_done(n);
    }

    fn wants_to_stop(&self) -> bool {
        self.interrupts.requested()
    }

    fn measure(&mut self, net: &Network, is_last: bool) -> Option<Accuracy> {
        let evaluate = |samples| Evaluation::new_unless(net, samples, || self.interrupts.requested());
        let train = evaluate(&self.data.train)?;
        let test = match &self.data.test {
            Some(test) => Some(evaluate(test)?),
            None => None,
        };
        let accuracy = Accuracy { train: Some(train.accuracy()), test: test.as_ref().map(Evaluation::accuracy) };
        self.answers = is_last.then(|| test.unwrap_or(train));
        Some(accuracy)
    }

    fn iteration_done(&mut self, record: &Record) {
        self.progress.iteration_done(record);
    }
}
