//! A world as the team of a training: the exchange of every iteration, and calls to stop, which are messages of their own.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{MutexGuard, PoisonError};

use ::mpi::topology::{Communicator, SimpleCommunicator};
use ::mpi::traits::{Destination, Source};

use super::World;
use crate::train::{Team, TeamError};

/// The tag of a call to stop.
const STOP: i32 = 1;

/// How long it takes, in nanoseconds, until it is looked for calls again: looking costs from a tenth of a microsecond to some
/// microseconds, and it is offered after every coordinate.
const BETWEEN_LOOKS_NS: u64 = 5_000_000;

impl Team for World {
    fn rank(&self) -> usize {
        World::rank(self)
    }

    fn size(&self) -> usize {
        World::size(self)
    }

    /// MPI ends the job itself where a rank is lost.
    fn all_gather(&self, mine: &[f64], counts: &[usize], all: &mut [f64]) -> Result<(), TeamError> {
        World::all_gather(self, mine, counts, all);
        Ok(())
    }

    fn call_stop(&self) {
        let _calls = self.calls();
        let world = SimpleCommunicator::world();
        // One byte leaves at once, whether it is waited for or not.
        for rank in (0..World::size(self)).filter(|&rank| rank != World::rank(self)) {
            world.process_at_rank(rank as i32).send_with_tag(&0_u8, STOP);
        }
    }

    fn is_stop_called(&self) -> bool {
        let now = self.begun.elapsed().as_nanos() as u64;
        let last = self.last_look.load(Relaxed);
        if now < last + BETWEEN_LOOKS_NS || self.last_look.compare_exchange(last, now, Relaxed, Relaxed).is_err() {
            return false;
        }
        let mut calls = self.calls();
        let world = SimpleCommunicator::world();
        while let Some(status) = world.any_process().immediate_probe_with_tag(STOP) {
            let caller = status.source_rank() as usize;
            hear(caller, &mut calls);
        }
        calls.contains(&true)
    }

    fn forget_stop(&self, callers: &[usize]) {
        let mut calls = self.calls();
        for &caller in callers {
            if !calls[caller] {
                hear(caller, &mut calls);
            }
            calls[caller] = false;
        }
    }
}

impl World {
    fn calls(&self) -> MutexGuard<'_, Vec<bool>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Receives a call that was sent.
fn hear(caller: usize, calls: &mut [bool]) {
    SimpleCommunicator::world().process_at_rank(caller as i32).receive_with_tag::<u8>(STOP);
    calls[caller] = true;
}
