//! One sweep over coordinates: shared out to workers, told to a hook, stopped where it has to be.
//!
//! Slots of the result lie in a queue. Each worker owns its copy of the point, takes the next few slots, writes them and
//! comes back; so evaluations that differ in cost balance, no sum is split and no slot depends on who computed it. In a pool
//! the calling thread is a worker itself and begins at once: a cheap sweep is over before the others have woken up. The queue
//! is never locked while a function is evaluated.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::call::{Call, Progress};
use super::error::{Error, Partial, StopReason, TryError};

/// Serial, or on rayon's current pool.
///
/// ```
/// use ndarray::array;
/// use numgrad::difference::{Differentiator, Parallelism};
/// let gradient = |how| Differentiator::default().with_parallelism(how).gradient(|x| x[0].sin(), &array![1.0]);
/// assert_eq!(gradient(Parallelism::Serial)?, gradient(Parallelism::Pool)?);
/// # Ok::<(), numgrad::difference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parallelism {
    /// On the calling thread; rayon is not touched.
    Serial,
    /// On the rayon pool that the caller is in (`ThreadPool::install`), or the global one.
    Pool,
}

/// What the workers of a sweep share.
pub(super) struct Sweep<'c, E> {
    call: &'c Call<'c>,
    n_total: usize,
    n_done: AtomicUsize,
    n_evaluations: AtomicU64,
    /// Evaluations left for retries.
    spare: AtomicU64,
    cancelled: AtomicBool,
    /// Positions from here on are not begun: an earlier one has failed, or all have to stop.
    end: AtomicUsize,
    failure: Mutex<Option<(usize, TryError<E>)>>,
}

impl<'c, E: Send> Sweep<'c, E> {
    /// A sweep over `n_total` slots that has already cost `n_evaluations`; `spare` are left for retries.
    pub fn new(call: &'c Call<'c>, n_total: usize, n_evaluations: u64, spare: u64) -> Self {
        Self {
            call,
            n_total,
            n_done: AtomicUsize::new(0),
            n_evaluations: AtomicU64::new(n_evaluations),
            spare: AtomicU64::new(spare),
            cancelled: AtomicBool::new(false),
            end: AtomicUsize::new(usize::MAX),
            failure: Mutex::new(None),
        }
    }

    /// Whether the slot at this position should still be computed.
    pub fn wants(&self, position: usize) -> bool {
        if self.call.is_cancelled() {
            self.cancel();
        }
        position < self.end.load(Relaxed)
    }

    /// Takes evaluations out of what the budget leaves for retries.
    pub fn reserve(&self, n: u64) -> bool {
        self.spare.fetch_update(Relaxed, Relaxed, |spare| spare.checked_sub(n)).is_ok()
    }

    /// This many more coordinates are done.
    pub fn advance(&self, newly_done: usize, n_evaluations: u64) {
        if let Some(hook) = self.call.hook {
            // Evaluations first, and read again at the end: whoever counts the last slot knows those of all.
            self.n_evaluations.fetch_add(n_evaluations, Relaxed);
            let n_done = self.n_done.fetch_add(newly_done, AcqRel) + newly_done;
            let n_evaluations = self.n_evaluations.load(Relaxed);
            if hook(Progress { newly_done, n_done, n_total: self.n_total, n_evaluations }).is_break() {
                self.cancel();
            }
        }
    }

    fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
        self.end.store(0, Relaxed);
    }

    /// The coordinate at this position failed. Those before it go on, for one of them may fail too.
    pub fn fail(&self, position: usize, error: TryError<E>) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.as_ref().is_none_or(|(first, _)| position < *first) {
            *failure = Some((position, error));
        }
        self.end.fetch_min(position, Relaxed);
    }

    /// Computes the slots: serially by `own`, or on the current pool by the workers that `make` makes.
    ///
    /// `work` gets a worker, the position of its first slot, the slots and where to note that they are done: nowhere, if
    /// `done` is empty. In either case nothing is allocated here.
    pub fn drive<S: Send, W, M: Fn() -> W + Sync>(
        &self,
        mut own: W,
        make: Option<M>,
        (slots, done): (&mut [S], &mut [bool]),
        chunk_len: usize,
        work: impl Fn(&mut W, usize, &mut [S], &mut [bool]) + Sync,
    ) {
        let Some(make) = make else {
            return work(&mut own, 0, slots, done);
        };
        drop(own);
        let n_chunks = slots.len().div_ceil(chunk_len);
        let queue = Mutex::new((slots.chunks_mut(chunk_len).enumerate(), done.chunks_mut(chunk_len)));
        let next = || {
            let (slots, done) = &mut *queue.lock().unwrap_or_else(PoisonError::into_inner);
            slots.next().map(|(index, slots)| (index * chunk_len, slots, done.next().unwrap_or_default()))
        };
        let help = || {
            let stop = StopOthers(&self.end);
            // Only one that finds something to do makes a worker.
            if let Some(mut chunk) = next() {
                let mut worker = make();
                loop {
                    work(&mut worker, chunk.0, chunk.1, chunk.2);
                    let Some(following) = next() else { break };
                    chunk = following;
                }
            }
            std::mem::forget(stop);
        };
        at_once(rayon::current_num_threads().min(n_chunks), &help);
    }

    /// How the sweep went.
    pub fn finish(self, done: Vec<bool>) -> Result<Outcome, TryError<E>> {
        let cancelled = self.cancelled.into_inner() || self.call.is_cancelled();
        match self.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((_, error)) => Err(error),
            None => Ok(Outcome { done, cancelled }),
        }
    }
}

/// A sweep without a failure, which may have been stopped.
pub(super) struct Outcome {
    done: Vec<bool>,
    cancelled: bool,
}

impl Outcome {
    /// Whether the slot at this position is done.
    pub fn is_done(&self, position: usize) -> bool {
        self.done.get(position).is_none_or(|done| *done)
    }

    /// Nothing, if all is done; otherwise what there is, by `values`, which is told which slots are done.
    pub fn complete(self, values: impl FnOnce(&[bool]) -> Vec<f64>) -> Result<(), Error> {
        let Self { done, cancelled } = self;
        if done.iter().all(|done| *done) {
            return Ok(());
        }
        let reason = if cancelled { StopReason::Cancelled } else { StopReason::Budget };
        Err(Error::Stopped(Box::new(Partial { reason, values: values(&done), done })))
    }
}

/// Lets the other workers stop soon when an evaluation panics; rayon then hands the panic to the caller.
struct StopOthers<'a>(&'a AtomicUsize);

impl Drop for StopOthers<'_> {
    fn drop(&mut self) {
        self.0.store(0, Relaxed);
    }
}

/// Calls a function `n` times, on as many threads of the pool as have nothing better to do.
fn at_once(n: usize, function: &(impl Fn() + Sync)) {
    match n {
        0 => (),
        1 => function(),
        _ => _ = rayon::join(|| at_once(n - n / 2, function), || at_once(n / 2, function)),
    }
}

/// How many slots a worker takes at a time: few, so that dear ones balance; more where there are thousands.
pub(super) fn chunk_len(n_slots: usize) -> usize {
    (n_slots / (rayon::current_num_threads() * 32)).clamp(1, 8)
}
