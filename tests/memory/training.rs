//! A training allocates nothing from one iteration to the next.

use std::ops::ControlFlow;

use super::counting::n_allocations;
use numgrad::dataset::embedded;
use numgrad::difference::{Differentiator, Stencil, Step};
use numgrad::nn::{Activation, IncrementalLoss, NetworkShape};
use numgrad::random::LegacyRandom;
use numgrad::train::{Init, Trainer, TrainingSettings, initial_parameters};
use rayon::ThreadPoolBuilder;

pub fn in_steady_state_neither_a_gradient_nor_an_iteration_allocates() {
    let mut random = LegacyRandom::seed(42);
    let samples = embedded(10).unwrap().train;
    let shape = NetworkShape::new([784, 50, 10]);
    let parameters = initial_parameters(&shape, Init::Uniform, 0.01, &mut random);
    assert!(n_allocations(|| drop(std::hint::black_box(parameters.clone()))) > 0, "the counter counts");

    let (x, classes) = (samples.normalised().flat(), samples.label_indices());
    let (x, classes) = (x.slice(ndarray::s![..100, ..]), &classes[..100]);
    let mut gradient = vec![0.0; parameters.values().len()];
    let mut serial = IncrementalLoss::new(&parameters, &x, classes);
    let central = Differentiator::new(Stencil::central(), Step::BOOK);
    central.of_objective(&mut serial).gradient_into(&mut gradient).unwrap();
    assert_eq!(n_allocations(|| central.of_objective(&mut serial).gradient_into(&mut gradient).unwrap()), 0);

    for activation in Activation::ALL {
        let shape = NetworkShape::new([784, 20, 30, 25, 10]).with_activation(activation);
        let deep = initial_parameters(&shape, Init::Normal, 0.1, &mut random.clone());
        let mut loss = IncrementalLoss::new(&deep, &x, classes);
        let mut gradient = vec![0.0; deep.values().len()];
        let mut again = || {
            loss.set_batch(&x, classes);
            loss.set_parameters(&deep);
            central.of_objective(&mut loss).gradient_into(&mut gradient).unwrap();
        };
        again();
        assert_eq!(n_allocations(again), 0, "{shape}");
    }

    let settings = TrainingSettings::default();
    // As the program does: with a hook, which keeps its progress and may cancel.
    let hook = |_| ControlFlow::Continue(());
    for n_threads in [1, 2, 4] {
        let mut trainer = Trainer::new(&samples, parameters.clone(), random.clone(), settings);
        let pool = ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| {
            // Batches differ in how many values they have, and rayon's queues grow: so the last of ten rounds counts.
            let in_rounds: Vec<usize> = (0..10)
                .map(|_| n_allocations(|| (0..10).for_each(|_| _ = trainer.iterate(Some(&hook)).unwrap())))
                .collect();
            assert_eq!(in_rounds[9], 0, "{n_threads} threads: {in_rounds:?}");
        });
    }
}
