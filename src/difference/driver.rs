//! The driver under every derivative: gradients, Jacobians, Hessians, sparse ones and estimates are slots that workers fill.
//!
//! The budget buys the first slots, each at its price; [`Sweep`] shares them out; each is computed or fails; what is done is
//! told to the hook. What a slot is, and how a worker computes it, is the derivative's own affair.

use super::call::Call;
use super::differentiator::Differentiator;
use super::error::{Error, TryError};
use super::sweep::{Outcome, Parallelism, Sweep};

/// Why a slot has not been computed.
#[derive(Debug)]
pub(super) enum Stop<E> {
    Failed(TryError<E>),
    /// There was a value that is not finite, and the budget has nothing left for another attempt.
    OutOfBudget,
}

impl<E> From<TryError<E>> for Stop<E> {
    fn from(error: TryError<E>) -> Self {
        Stop::Failed(error)
    }
}

impl<E> From<Error> for Stop<E> {
    fn from(error: Error) -> Self {
        Stop::Failed(error.into())
    }
}

/// The workers: the calling thread's own, and what makes those of others. Without that the sweep is serial.
pub(super) struct Crew<W, M> {
    pub own: W,
    pub make: Option<M>,
}

/// What has been spent before the first slot, and what each slot costs.
pub(super) struct Costs<C> {
    pub n_before: u64,
    /// By position.
    pub of_slot: C,
}

impl Differentiator {
    /// Computes as many slots as the budget buys. In a pool a worker takes `chunk_len` of `n` at a time.
    ///
    /// `compute` gets a worker, the position of a slot and the slot, and returns how many evaluations it took.
    pub(super) fn drive<W, S: Send, E: Send>(
        &self,
        call: &Call,
        crew: Crew<W, impl Fn() -> W + Sync>,
        costs: Costs<impl FnMut(usize) -> u64>,
        slots: &mut [S],
        chunk_len: impl Fn(usize) -> usize,
        compute: impl Fn(&Sweep<E>, &mut W, usize, &mut S) -> Result<u64, Stop<E>> + Sync,
    ) -> Result<Outcome, TryError<E>> {
        self.drive_chunks(call, crew, costs, slots, true, chunk_len, |sweep, worker, first, slots, done| {
            for (k, (slot, done)) in slots.iter_mut().zip(done).enumerate() {
                if sweep.wants(first + k) {
                    match compute(sweep, worker, first + k, slot) {
                        Ok(n_evaluations) => {
                            *done = true;
                            sweep.advance(1, n_evaluations);
                        }
                        Err(Stop::Failed(error)) => sweep.fail(first + k, error),
                        Err(Stop::OutOfBudget) => (),
                    }
                }
            }
        })
    }

    /// The same for workers that do whole chunks: `work` gets the position of the first slot, the slots, and where to note
    /// that they are done, which is nowhere without `notes`.
    #[allow(clippy::too_many_arguments, reason = "the one place where everything meets")]
    pub(super) fn drive_chunks<W, S: Send, E: Send>(
        &self,
        call: &Call,
        Crew { own, make }: Crew<W, impl Fn() -> W + Sync>,
        Costs { n_before, mut of_slot }: Costs<impl FnMut(usize) -> u64>,
        slots: &mut [S],
        notes: bool,
        chunk_len: impl Fn(usize) -> usize,
        work: impl Fn(&Sweep<E>, &mut W, usize, &mut [S], &mut [bool]) + Sync,
    ) -> Result<Outcome, TryError<E>> {
        let n = slots.len();
        let (mut n_affordable, mut spare) = (n, u64::MAX);
        if call.budget() < u64::MAX {
            spare = call.budget().saturating_sub(n_before);
            n_affordable = 0;
            while n_affordable < n {
                let Some(rest) = spare.checked_sub(of_slot(n_affordable)) else { break };
                spare = rest;
                n_affordable += 1;
            }
        }
        let sweep = Sweep::new(call, n, n_before, spare);
        let mut done = vec![false; if notes { n } else { 0 }];
        let n_noted = done.len().min(n_affordable);
        let make = make.filter(|_| self.parallelism == Parallelism::Pool);
        let chunk_len = if make.is_some() { chunk_len(n) } else { 1 };
        let slots = (&mut slots[..n_affordable], &mut done[..n_noted]);
        sweep.drive(own, make, slots, chunk_len, |worker, first, slots, done| work(&sweep, worker, first, slots, done));
        sweep.finish(done)
    }
}
