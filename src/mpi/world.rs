//! All ranks of an MPI job, as one of them sees them.

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
#[cfg(feature = "train")]
use std::sync::atomic::AtomicU64;
use std::thread;

use ::mpi::Threading;
use ::mpi::datatype::PartitionMut;
use ::mpi::environment::{Universe, initialize_with_threading, processor_name};
use ::mpi::topology::{Communicator, SimpleCommunicator};
use ::mpi::traits::CommunicatorCollectives;

use super::launcher::{Launched, launched};
use crate::difference::Coordinates;

/// All ranks of an MPI job. It has to live as long as anything is sent; when it is dropped all ranks wait for one another, and
/// while it is dropped by a panic all are aborted, since the others would wait for ever.
///
/// Its methods send and receive from whichever thread calls them, one at a time.
pub struct World {
    rank: usize,
    size: usize,
    /// What is called to stop and not forgotten yet, by rank. Whoever calls MPI holds the lock.
    pub(super) calls: Mutex<Vec<bool>>,
    /// When it was last looked for calls, in nanoseconds since the world began.
    #[cfg(feature = "train")]
    pub(super) last_look: AtomicU64,
    #[cfg(feature = "train")]
    pub(super) begun: std::time::Instant,
    _universe: Universe,
}

impl World {
    /// Initialises MPI, once in a process.
    ///
    /// # Errors
    /// [`InitError`] where MPI can't be used as a whole job has to.
    pub fn init() -> Result<Self, InitError> {
        // One thread at a time calls it, but not always the same one: work is done on the threads of a pool.
        let (universe, provided) = initialize_with_threading(Threading::Serialized).ok_or(InitError::Twice)?;
        if provided < Threading::Serialized {
            return Err(InitError::Threads);
        }
        let world = SimpleCommunicator::world();
        let (rank, size) = (world.rank() as usize, world.size() as usize);
        match launched() {
            // Each by itself. Where there are several, the launcher may have counted its helpers.
            Some(Launched { size: launched, .. }) if launched > 1 && size == 1 => {
                Err(InitError::Launcher { launched, size })
            }
            _ => Ok(Self {
                rank,
                size,
                calls: Mutex::new(vec![false; size]),
                #[cfg(feature = "train")]
                last_look: AtomicU64::new(0),
                #[cfg(feature = "train")]
                begun: std::time::Instant::now(),
                _universe: universe,
            }),
        }
    }

    /// Which rank this process is, below [`size`](Self::size).
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// How many ranks there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The name of the machine that this rank runs on, as far as MPI knows it.
    pub fn machine(&self) -> String {
        processor_name().unwrap_or_default()
    }

    /// The coordinates of `n` that fall to this rank: see [`Coordinates::share`].
    pub fn share(&self, n: usize) -> Range<usize> {
        Coordinates::share(n, self.rank, self.size)
    }

    /// Gathers what each rank has computed of its [`share`](Self::share) into `all`, on every rank. All of them have to call it.
    ///
    /// # Panics
    /// If `mine` is not as long as the share of this rank of `all`.
    pub fn gather_into(&self, mine: &[f64], all: &mut [f64]) {
        let counts: Vec<usize> =
            (0..self.size).map(|rank| Coordinates::share(all.len(), rank, self.size).len()).collect();
        self.all_gather(mine, &counts, all);
    }

    /// Ends all ranks at once, with this exit code. What has gone wrong on one rank ends so, as the others would wait for it.
    pub fn abort(&self, code: u8) -> ! {
        SimpleCommunicator::world().abort(code.into())
    }

    /// `all` becomes the numbers of rank 0, then those of rank 1, and so on, `counts` of each.
    pub(super) fn all_gather(&self, mine: &[f64], counts: &[usize], all: &mut [f64]) {
        assert!(mine.len() == counts[self.rank], "{} numbers of {}", mine.len(), counts[self.rank]);
        let n: usize = counts.iter().sum();
        assert!(all.len() == n, "{n} numbers into {} slots", all.len());
        // MPI counts in 32 bits.
        let ints = |n: usize| i32::try_from(n).expect("at most 2³¹ numbers are gathered at once");
        let displacements: Vec<i32> =
            counts.iter().scan(0, |sum, count| Some(ints(std::mem::replace(sum, *sum + count)))).collect();
        let counts: Vec<i32> = counts.iter().map(|&count| ints(count)).collect();
        let _calls = self.calls.lock();
        SimpleCommunicator::world().all_gather_varcount_into(mine, &mut PartitionMut::new(all, counts, displacements));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if thread::panicking() {
            self.abort(101);
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "rank {} of {}", self.rank, self.size)
    }
}

/// Why MPI can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InitError {
    /// It was initialised before in this process.
    Twice,
    /// The library can't be called from more than one thread.
    Threads,
    /// The launcher belongs to another MPI library than the program was built with.
    Launcher {
        /// How many processes the launcher has started.
        launched: usize,
        /// How many the library knows of.
        size: usize,
    },
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Twice => f.write_str("MPI was initialised before in this process"),
            Self::Threads => f.write_str(
                "expected an MPI library that several threads may call in turn (MPI_THREAD_SERIALIZED), found one that only \
                 the main thread may call",
            ),
            Self::Launcher { launched, size } => write!(
                f,
                "the launcher has started {launched} processes, but the MPI library that the program was built with knows of \
                 {size}: expected the launcher (mpirun, mpiexec) of that same library; start it by that one, or build the \
                 program anew with the launcher's library"
            ),
        }
    }
}

impl std::error::Error for InitError {}
