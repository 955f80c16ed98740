//! Disks that are full, read-only or gone, and folders that another run writes to: an error that names the path, before
//! training where it can be known, and a last checkpoint that is whole.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::Duration;

use crate::support::programs::{isolate, iteration, loss_bits, path_of, train_process};
use tempfile::TempDir;

/// Expects exit code 1 and one line that begins so and contains all of `words`, and returns it.
#[track_caller]
fn error(output: Output, words: &[&str]) -> String {
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(!stderr.contains("panicked") && !stderr.contains("ZipWriter"), "{stderr}");
    let line = stderr.lines().last().unwrap_or_default();
    assert!(line.starts_with("error: "), "{stderr}");
    for word in words {
        assert!(line.contains(word), "\"{word}\" is not in: {line}");
    }
    line.to_owned()
}

#[track_caller]
fn success(output: Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..20_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("waited too long for {what}");
}

/// Ended, with SIGKILL, when dropped.
struct Running(Child);

impl Running {
    /// A run that will not end by itself, once it has a checkpoint.
    fn start(folder: &Path, args: &str, run: &str) -> Self {
        let child =
            train_process(folder, &format!("--dataset synthetic -n 1000000000 {args} --out {run}")).spawn().unwrap();
        let running = Self(child);
        wait_for("a checkpoint", || folder.join(run).join("checkpoint.npz").exists());
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A disk of its own, of a given number of kilobytes.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None, with a message, where this may not be done.
    fn mount(at: PathBuf, kilobytes: u32) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(&at).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(at));
        }
        println!("skipped: a file system can't be mounted here");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn two_runs_never_write_to_one_folder_and_a_killed_one_leaves_no_lock() {
    let folder = TempDir::new().unwrap();
    let running = Running::start(folder.path(), "", "run");
    for args in ["--dataset synthetic --force --out run", "--resume run"] {
        error(train_process(folder.path(), args).output().unwrap(), &["run", "another numgrad-train"]);
    }
    // The other run has lost nothing.
    assert!(folder.path().join("run/loss.csv").exists() && folder.path().join("run/checkpoint.npz").exists());
    drop(running);
    success(train_process(folder.path(), "--dataset synthetic -n 2 --force --out run").output().unwrap());
    success(train_process(folder.path(), "--resume run -n 3").output().unwrap());
}

#[test]
fn of_runs_that_begin_at_once_in_one_folder_one_goes_on() {
    let folder = TempDir::new().unwrap();
    let children: Vec<_> = (0..4)
        .map(|seed| {
            train_process(folder.path(), &format!("--dataset synthetic -n 300 --seed {seed} --out run"))
                .spawn()
                .unwrap()
        })
        .collect();
    let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 1, "{outputs:?}");
    for output in outputs.into_iter().filter(|output| !output.status.success()) {
        error(output, &["--out run"]);
    }
    assert_eq!(loss_bits(folder.path().join("run")).len(), 300);
}

#[test]
fn a_folder_that_may_not_be_written_is_named_before_training() {
    let folder = TempDir::new().unwrap();
    success(train_process(folder.path(), "--dataset synthetic -n 2 --out run").output().unwrap());
    let run = folder.path().join("run");
    fs::create_dir(folder.path().join("empty")).unwrap();
    for name in ["run", "empty"] {
        fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o555)).unwrap();
    }
    if fs::write(run.join("x"), "").is_ok() {
        println!("skipped: who runs this test may write everywhere");
        return;
    }
    for args in ["--out empty", "--out run --force", "--out empty/deep/er"] {
        let name = args.split(' ').nth(1).unwrap();
        let output = train_process(folder.path(), &format!("--dataset synthetic {args}")).output().unwrap();
        assert!(!error(output, &[name]).contains("iteration"));
    }
    error(train_process(folder.path(), "--resume run -n 3").output().unwrap(), &["run"]);
    // A folder that may not even be looked into is not one that has nothing in it.
    fs::set_permissions(&run, Permissions::from_mode(0o000)).unwrap();
    for args in ["--resume run", "--data-dir run"] {
        error(train_process(folder.path(), args).output().unwrap(), &["run", "Permission denied"]);
    }
    fs::set_permissions(&run, Permissions::from_mode(0o555)).unwrap();
    assert_eq!((loss_bits(&run).len(), iteration(&run)), (2, 2));
    fs::set_permissions(&run, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_disk_that_is_read_only_is_named_before_training() {
    let folder = TempDir::new().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk"), 1000) else { return };
    success(train_process(folder.path(), "--dataset synthetic -n 2 --out disk/run").output().unwrap());
    assert!(Command::new("mount").args(["-o", "remount,ro"]).arg(&disk.0).status().unwrap().success());
    for args in
        ["--resume disk/run -n 3", "--dataset synthetic --out disk/run --force", "--dataset synthetic --out disk/b"]
    {
        let error = error(train_process(folder.path(), args).output().unwrap(), &["disk/", "Read-only"]);
        assert!(!error.contains("stopped"), "{error}");
    }
    assert_eq!(iteration(folder.path().join("disk/run")), 2);
}

#[test]
fn a_folder_or_log_that_is_removed_in_mid_run_stops_it_and_is_named() {
    for removed in ["run", "run/loss.csv"] {
        let folder = TempDir::new().unwrap();
        let mut running = Running::start(folder.path(), "--quiet --checkpoint-every 20", "run");
        let path = folder.path().join(removed);
        // The program makes files while a folder is emptied.
        wait_for("the removal", || {
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            !path.exists()
        });
        wait_for("the end", || running.0.try_wait().unwrap().is_some());
        let mut stderr = String::new();
        std::io::Read::read_to_string(running.0.stderr.as_mut().unwrap(), &mut stderr).unwrap();
        assert_eq!(running.0.wait().unwrap().code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: the run in run stopped"), "{stderr}");
        assert!(stderr.contains("cannot write run/") && !stderr.contains("panicked"), "{stderr}");
        assert!(!stderr.contains("--resume"), "what can't succeed is advised: {stderr}");
    }
}

#[test]
fn a_disk_that_fills_up_in_mid_run_stops_it_and_costs_nothing_before_the_checkpoint() {
    let folder = TempDir::new().unwrap();
    let args = "--dataset synthetic --gradient backprop --checkpoint-every 50 -n 1500";
    success(train_process(folder.path(), &format!("{args} --out whole")).output().unwrap());

    // The checkpoints of 14 kB, twice, and some hundred rows of about a hundred bytes.
    let Some(disk) = SmallDisk::mount(folder.path().join("disk"), 100) else { return };
    let run = disk.0.join("run");
    let output = train_process(folder.path(), &format!("{args} --out disk/run")).output().unwrap();
    let message = error(output, &["the run in disk/run stopped", "cannot write", "No space left", "--resume disk/run"]);
    let done = iteration(&run);
    assert!((50..1500).contains(&done) && done.is_multiple_of(50), "{message}");
    assert!(message.contains(&format!("its checkpoint is of iteration {done}")), "{message}");
    let names = |path: &Path| {
        fs::read_dir(path).unwrap().filter(|e| e.as_ref().unwrap().path().extension() == Some("part".as_ref())).count()
    };
    assert_eq!(names(&run), 0, "half a file was left behind");

    // Still full: nothing gets worse.
    error(train_process(folder.path(), "--resume disk/run").output().unwrap(), &["disk/run", "No space left"]);
    assert!(iteration(&run) >= done);
    assert!(Command::new("mount").args(["-o", "remount,size=1000k"]).arg(&disk.0).status().unwrap().success());
    success(train_process(folder.path(), "--resume disk/run").output().unwrap());
    assert_eq!(loss_bits(&run), loss_bits(folder.path().join("whole")));
}

#[test]
fn a_log_that_may_grow_no_more_stops_the_run_and_costs_nothing_before_the_checkpoint() {
    let folder = TempDir::new().unwrap();
    let args = "--dataset synthetic --gradient backprop --checkpoint-every 50 -n 700";
    success(train_process(folder.path(), &format!("{args} --out whole")).output().unwrap());
    // Files end at 64 blocks of 512 bytes: room for the checkpoint, but not for 700 rows. The signal that would end the
    // program there is ignored, so that writing fails as it does on a full disk.
    let mut command = Command::new("sh");
    isolate(&mut command, folder.path());
    let script = r#"trap "" XFSZ; ulimit -f 64 || exit 99; exec "$@""#;
    command.args(["-c", script, "sh"]).arg(path_of("numgrad-train"));
    let output = command.args(args.split_whitespace()).args(["--out", "run"]).output().unwrap();
    if output.status.code() == Some(99) {
        println!("skipped: the length of files can't be limited here");
        return;
    }
    let run = folder.path().join("run");
    error(output, &["the run in run stopped", "cannot write", "run/loss.csv", "--resume run"]);
    assert!((50..700).contains(&iteration(&run)));
    assert!(run.join("loss.csv").metadata().unwrap().len() <= 64 * 1024);
    success(train_process(folder.path(), "--resume run").output().unwrap());
    assert_eq!(loss_bits(&run), loss_bits(folder.path().join("whole")));
}

#[test]
fn a_disk_that_is_full_from_the_start_is_named_before_the_first_iteration() {
    let folder = TempDir::new().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path().join("disk"), 8) else { return };
    let output = train_process(folder.path(), "--dataset synthetic --out disk/run").output().unwrap();
    error(output, &["disk/run/checkpoint.npz", "No space left"]);
}

#[test]
fn a_link_or_a_pipe_in_the_place_of_an_unfinished_file_is_replaced_and_not_written_through() {
    let folder = TempDir::new().unwrap();
    success(train_process(folder.path(), "--dataset synthetic -n 2 --out run").output().unwrap());
    fs::write(folder.path().join("precious"), "precious").unwrap();
    let run = folder.path().join("run");
    std::os::unix::fs::symlink("../precious", run.join("checkpoint.npz.part")).unwrap();
    assert!(Command::new("mkfifo").arg(run.join("model.npz.part")).status().unwrap().success());
    success(train_process(folder.path(), "--resume run -n 3").output().unwrap());
    assert_eq!(fs::read_to_string(folder.path().join("precious")).unwrap(), "precious");
    for file in ["checkpoint.npz", "model.npz"] {
        assert!(run.join(file).symlink_metadata().unwrap().is_file(), "{file}");
    }
}

#[test]
fn a_pipe_in_the_place_of_the_lock_is_named_and_not_waited_for() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("run")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path().join("run/.lock")).status().unwrap().success());
    let output = train_process(folder.path(), "--dataset synthetic -n 1 --out run").output().unwrap();
    error(output, &["run/.lock: expected a file, found a pipe"]);
}

#[test]
fn a_device_is_not_replaced_by_a_gradient() {
    let folder = TempDir::new().unwrap();
    let args = "--dataset synthetic -n 1 --out run --force --save-gradient /dev/null";
    error(train_process(folder.path(), args).output().unwrap(), &["--save-gradient /dev/null", "device"]);
    assert!(!folder.path().join("run").exists());
}
