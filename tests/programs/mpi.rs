//! `--mpi` where there is no MPI, and launchers where there is no `--mpi`. What several ranks do is tested by `.ci/ranks`.

#[cfg(not(feature = "mpi"))]
use crate::support::programs::run;
use crate::support::programs::train;
#[cfg(not(feature = "mpi"))]
use predicates::prelude::*;
#[cfg(not(feature = "mpi"))]
use predicates::str::contains;
use tempfile::TempDir;

#[cfg(not(feature = "mpi"))]
#[test]
fn a_program_without_mpi_says_how_to_build_one_that_has_it() {
    let folder = TempDir::new().unwrap();
    let said = contains("--mpi").and(contains("--features mpi"));
    run(&folder, "--mpi --dataset synthetic").code(2).stderr(said);
    run(&folder, "--mpi --step-study study.svg").code(2).stderr(contains("--step-study"));
}

#[test]
fn processes_that_were_launched_together_and_do_not_share_are_warned_once() {
    let folder = TempDir::new().unwrap();
    let launchers = [
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
        ("PMI_RANK", "PMI_SIZE"),
        ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ];
    for (rank, size) in launchers {
        for (n, of, is_warned) in [("0", "4", true), ("1", "4", false), ("0", "1", false)] {
            let mut command = train(&folder);
            let args = format!("--dataset synthetic -n 1 --quiet --force --out {rank}-{n}-{of}");
            let output = command.env(rank, n).env(size, of).args(args.split_whitespace()).unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(stderr.contains("4 processes were launched") && stderr.contains("--mpi"), is_warned, "{stderr}");
        }
    }
}
