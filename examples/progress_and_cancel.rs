//! A long gradient that tells how far it is and is cancelled; what is done is kept, and the rest is computed later.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use ndarray::Array1;
use numgrad::difference::{Differentiator, Error, Progress};

/// A simulation that takes two milliseconds.
fn simulate(x: &Array1<f64>) -> f64 {
    std::thread::sleep(Duration::from_millis(2));
    x.iter().map(|x| x.sin()).sum()
}

fn main() -> Result<(), Error> {
    let x = Array1::linspace(0.0, 1.0, 200);
    let started = Instant::now();
    let hook = |progress: Progress| {
        if progress.n_done.is_multiple_of(20) {
            eprintln!("{} of {}, {} evaluations", progress.n_done, progress.n_total, progress.n_evaluations);
        }
        if started.elapsed() < Duration::from_millis(200) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let how = Differentiator::default().parallel();
    let error = match how.of(simulate, &x).watched(&hook).gradient() {
        Ok(gradient) => {
            println!("done in time: {gradient:.3}");
            return Ok(());
        }
        Err(error) => error,
    };
    println!("{error}");
    let Some(partial) = error.partial() else { return Err(error) };

    let missing: Vec<usize> = (0..x.len()).filter(|&i| !partial.done[i]).collect();
    let rest = how.of(simulate, &x).partials(&missing[..])?;
    let mut gradient = partial.values.clone();
    missing.iter().zip(rest).for_each(|(&i, value)| gradient[i] = value);
    let largest = gradient.iter().zip(&x).map(|(slope, x)| (slope - x.cos()).abs()).fold(0.0, f64::max);
    println!("the other {} computed afterwards; largest error {largest:.1e}", missing.len());
    Ok(())
}
