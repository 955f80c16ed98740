//! A simulator for each thread, which may fail: its handle is started by the thread that uses it, keeps its scratch memory, and
//! reports what went wrong.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use numgrad::difference::{Differentiator, StopReason, TryError};

/// A pendulum with friction, integrated step by step: how far it has swung in ten seconds.
struct Simulator {
    /// Angle and speed at every step. Not to be shared by threads.
    history: Vec<(f64, f64)>,
}

#[derive(Debug)]
struct Diverged {
    after_s: f64,
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "the simulation has diverged after {:.1} s", self.after_s)
    }
}

impl std::error::Error for Diverged {}

const STEP_S: f64 = 1e-3;

impl Simulator {
    fn start(n_started: &AtomicU32) -> Self {
        n_started.fetch_add(1, Relaxed);
        Self { history: Vec::with_capacity(10_001) }
    }

    /// From length, friction and the first angle.
    fn run(&mut self, [length, friction, angle]: [f64; 3]) -> Result<f64, Diverged> {
        self.history.clear();
        self.history.push((angle, 0.0));
        for step in 0..10_000 {
            let (angle, speed) = self.history[step];
            let speed = speed - STEP_S * (9.81 / length * angle.sin() + friction * speed);
            if speed.abs() > 1e3 {
                return Err(Diverged { after_s: step as f64 * STEP_S });
            }
            self.history.push((angle + STEP_S * speed, speed));
        }
        Ok(self.history.windows(2).map(|two| (two[1].0 - two[0].0).abs()).sum())
    }
}

fn main() -> Result<(), TryError<Diverged>> {
    let n_started = AtomicU32::new(0);
    let start = || {
        let mut simulator = Simulator::start(&n_started);
        move |x: &[f64; 3]| simulator.run(*x)
    };
    let parallel = Differentiator::default().parallel();
    let (swung, gradient) = parallel.try_of_each_worker(start, &[1.0, 0.1, 0.5]).value_and_gradient()?;
    println!("it swings {swung:.6} rad, and by length, friction and angle it changes by {gradient:.4?}");
    let hessian = parallel.try_of_each_worker(start, &[1.0, 0.1, 0.5]).hessian()?;
    println!("its second derivatives are\n{hessian:.3}");
    println!("simulators were started {} times", if n_started.into_inner() > 2 { "a few" } else { "two" });

    // The friction drives it on: the error is the simulator's own, and names what was moved.
    let n_started = AtomicU32::new(0);
    let start = || {
        let mut simulator = Simulator::start(&n_started);
        move |x: &[f64; 3]| simulator.run(*x)
    };
    match parallel.try_of_each_worker(start, &[1.0, -3.0, 0.5]).gradient() {
        Err(TryError::Function { coordinate, source, .. }) => println!("coordinate {coordinate} moved: {source}"),
        other => println!("expected a failure, found {other:?}"),
    }

    // A flag that another thread or a signal sets stops it before the next run.
    let flag = Arc::new(AtomicBool::new(false));
    flag.store(true, Relaxed);
    let stopped = parallel.try_of_each_worker(start, &[1.0, 0.1, 0.5]).cancelled_by(flag).gradient().unwrap_err();
    assert_eq!(stopped.partial().map(|partial| partial.reason), Some(StopReason::Cancelled));
    println!("stopped: {stopped}");
    Ok(())
}
