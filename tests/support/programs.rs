//! The programs, ready to be run in a folder and deaf to this process's environment.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assert_cmd::assert::Assert;
use numgrad::train::{Checkpoint, Record};

/// What the programs read from their environment, and what would change what they print.
const VARIABLES: [&str; 16] = [
    "NUMGRAD_DATA_DIR",
    "NUMGRAD_ISA",
    "RAYON_NUM_THREADS",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "CARGO",
    "OMPI_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_SIZE",
    "PMI_RANK",
    "PMI_SIZE",
    "SLURM_PROCID",
    "SLURM_STEP_NUM_TASKS",
    "LC_ALL",
    "LC_MESSAGES",
    "LANG",
];

/// Where a program lies.
pub fn path_of(program: &str) -> &'static str {
    match program {
        "numgrad-train" => env!("CARGO_BIN_EXE_numgrad-train"),
        "numgrad-predict" => env!("CARGO_BIN_EXE_numgrad-predict"),
        "numgrad-report" => env!("CARGO_BIN_EXE_numgrad-report"),
        _ => panic!("there is no program {program}"),
    }
}

/// A path as the programs show it where they put it together: with the system's separators.
pub fn shown(path: &str) -> String {
    Path::new(path).components().collect::<PathBuf>().display().to_string()
}

/// Takes the environment of this process from a command, and has it run in a folder.
pub fn isolate(command: &mut Command, folder: impl AsRef<Path>) {
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.current_dir(folder);
}

/// A program as a process that a test starts, stops and reads from itself.
pub fn process(program: &str, folder: impl AsRef<Path>) -> Command {
    let mut command = Command::new(path_of(program));
    isolate(&mut command, folder);
    command
}

/// A program that runs to its end.
pub fn program(program: &str, folder: impl AsRef<Path>) -> assert_cmd::Command {
    assert_cmd::Command::from_std(process(program, folder))
}

/// `numgrad-train` with arguments in which no space stands, as a process whose output the test may read.
pub fn train_process(folder: impl AsRef<Path>, args: &str) -> Command {
    let mut command = process("numgrad-train", folder);
    command.args(args.split_whitespace()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn train(folder: impl AsRef<Path>) -> assert_cmd::Command {
    program("numgrad-train", folder)
}

/// `numgrad-train` with arguments in which no space stands.
pub fn run(folder: impl AsRef<Path>, args: &str) -> Assert {
    train(folder).args(args.split_whitespace()).assert()
}

/// The reader of the standard output goes away at once: the program succeeds, and says nothing about it.
#[track_caller]
pub fn succeeds_without_a_reader(mut command: Command) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(child.wait().unwrap().success(), "{command:?}: {stderr}");
    assert_eq!(stderr, "", "{command:?}");
}

/// The rows of a run's log.
pub fn records(run: impl AsRef<Path>) -> Vec<Record> {
    let log = csv::Reader::from_path(run.as_ref().join("loss.csv")).unwrap();
    log.into_deserialize().collect::<Result<_, _>>().unwrap()
}

/// The losses of a run, to the bit.
pub fn loss_bits(run: impl AsRef<Path>) -> Vec<u64> {
    records(run).iter().map(|record| record.loss.to_bits()).collect()
}

/// How many iterations a run's checkpoint has seen.
pub fn iteration(run: impl AsRef<Path>) -> u64 {
    let file = File::open(run.as_ref().join("checkpoint.npz")).unwrap();
    Checkpoint::read(file).unwrap().0.iteration
}
