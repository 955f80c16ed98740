//! Threads for what is computed without Python, and how a computation on them is waited for.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};

use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::regularly::INTERVAL;

/// The pools of this process, newest first. They are never freed. After a fork the child finds its parent's, whose threads it
/// does not have, and makes its own.
static POOLS: AtomicPtr<Pools> = AtomicPtr::new(ptr::null_mut());

struct Pools {
    process: u32,
    n_threads: usize,
    pool: ThreadPool,
    next: *const Pools,
}

/// A pool of this many threads, or of one for each core for 0. It is made without a lock, which a fork could leave locked.
fn pool(n_threads: usize) -> PyResult<&'static ThreadPool> {
    let process = process::id();
    let mut first = POOLS.load(Ordering::Acquire);
    let mut at: *const Pools = first;
    // SAFETY: what is in the list was leaked from a box when it was added, and is never changed.
    while let Some(pools) = unsafe { at.as_ref() } {
        if (pools.process, pools.n_threads) == (process, n_threads) {
            return Ok(&pools.pool);
        }
        at = pools.next;
    }
    let pool = ThreadPoolBuilder::new().num_threads(n_threads).build();
    let pool = pool.map_err(|error| no_threads(&error))?;
    let added = Box::leak(Box::new(Pools { process, n_threads, pool, next: first }));
    while let Err(newer) = POOLS.compare_exchange(first, added, Ordering::AcqRel, Ordering::Acquire) {
        first = newer;
        added.next = newer;
    }
    Ok(&added.pool)
}

/// Runs a computation on `n_threads` threads (0 for all cores) without Python, which meanwhile does other things. At Ctrl-C the
/// flag is set that the computation is given, its result is waited for and thrown away.
pub fn on_threads<R: Send>(
    py: Python,
    n_threads: usize,
    work: impl FnOnce(Arc<AtomicBool>) -> R + Send,
) -> PyResult<R> {
    let pool = pool(n_threads)?;
    py.detach(|| watched(pool, work))
}

/// Runs a computation on `n_threads` threads that stay attached to Python for as long as they live: attaching for every call of a
/// function takes longer than most functions. Worth it where Python has no lock that all threads share.
pub fn on_attached_threads<R: Send>(
    py: Python,
    n_threads: usize,
    work: impl FnOnce(Arc<AtomicBool>) -> R + Send,
) -> PyResult<R> {
    py.detach(|| {
        let attached = |thread: ThreadBuilder| Python::attach(|py| py.detach(|| thread.run()));
        let done = ThreadPoolBuilder::new().num_threads(n_threads).build_scoped(attached, |pool| watched(pool, work));
        done.map_err(|error| no_threads(&error))?
    })
}

/// Waits for a computation in a pool, on a thread that is not attached to Python but looks for signals there.
fn watched<R: Send>(pool: &ThreadPool, work: impl FnOnce(Arc<AtomicBool>) -> R + Send) -> PyResult<R> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = sync_channel(1);
    let flag = Arc::clone(&cancelled);
    let mut interrupt = None;
    let done = pool.in_place_scope(|scope| {
        scope.spawn(move |_| {
            // There is room for it, and the receiver waits.
            _ = sender.send(caught(|| work(flag)));
        });
        loop {
            match receiver.recv_timeout(INTERVAL) {
                Ok(done) => return done,
                Err(RecvTimeoutError::Timeout) if interrupt.is_none() => {
                    interrupt = Python::attach(|py| py.check_signals()).err();
                    cancelled.store(interrupt.is_some(), Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => (),
                Err(RecvTimeoutError::Disconnected) => return Err(failed("a thread has ended")),
            }
        }
    });
    interrupt.map_or(done, Err)
}

fn no_threads(error: &ThreadPoolBuildError) -> PyErr {
    PyOSError::new_err(format!("no threads to compute with: {error}"))
}

/// Runs a computation on the calling thread without Python.
pub fn on_this_thread<R: Send>(py: Python, work: impl FnOnce() -> R + Send) -> PyResult<R> {
    py.detach(|| caught(work))
}

/// A panic as an exception that a program can catch as any other: it is a fault of this package.
pub fn caught<R>(work: impl FnOnce() -> R) -> PyResult<R> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| failed(message(&*panic)))
}

fn failed(message: &str) -> PyErr {
    PyRuntimeError::new_err(format!("numgrad_rs has failed, which is a fault of its own: {message}"))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic")
}
