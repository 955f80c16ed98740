//! What the launcher (`mpirun`, `mpiexec`, Slurm's `srun`) says in the environment of the processes that it starts.

use std::env;

/// A process as its launcher counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launched {
    /// Which of the processes it is, counted from 0.
    pub rank: usize,
    /// How many processes the launcher has started together.
    pub size: usize,
}

/// What launchers call the rank and the size: Open MPI, MPICH with its relatives, and Slurm, whose `srun` starts the helpers of the
/// other two as well, so that theirs come first.
const NAMES: [(&str, &str); 3] = [
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
];

/// How this process was launched, if a launcher says so.
pub fn launched() -> Option<Launched> {
    let number = |name| env::var(name).ok()?.parse().ok();
    NAMES.iter().find_map(|(rank, size)| Some(Launched { rank: number(rank)?, size: number(size)? }))
}
