//! How much memory there is to take.

use std::fs;
use std::path::Path;

/// What is taken for free where the operating system does not say.
const ASSUMED_FREE: u64 = 16 << 30;

/// How much memory this process may still take, as far as Linux says so.
pub fn free_bytes() -> u64 {
    free_bytes_by(Path::new("/"))
}

/// `root` is the root of the file system: what is free without swapping, and no more than a process (`ulimit -v`) or a
/// container (its control group, or one that this is in) may have at all.
fn free_bytes_by(root: &Path) -> u64 {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let available = number_after(&read("proc/meminfo"), "MemAvailable:").and_then(|kib| kib.checked_mul(1024));
    let mut smallest = available.unwrap_or(ASSUMED_FREE);
    if let Some(limit) = number_after(&read("proc/self/limits"), "Max address space") {
        smallest = smallest.min(limit);
    }
    // A line is `number:controllers:/path`; version 2 of control groups has no controllers.
    for line in read("proc/self/cgroup").lines() {
        let (folder, file) = match line.split(':').nth(1) {
            Some("") => ("sys/fs/cgroup", "memory.max"),
            Some("memory") => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        let group = line.splitn(3, ':').nth(2).unwrap_or_default();
        // Within a container the path may be the host's, of which only the last folder, the root here, is to be seen.
        for group in Path::new(group.trim_start_matches('/')).ancestors() {
            let limit = read(&format!("{folder}/{}/{file}", group.display()));
            smallest = limit.trim().parse().map_or(smallest, |limit: u64| smallest.min(limit));
        }
    }
    smallest
}

/// The whole number that stands behind `key` in a line that begins with it.
fn number_after(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_of_all_limits_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(free_bytes_by(root.path()), ASSUMED_FREE);
        write("proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:    8000 kB\n");
        write(
            "proc/self/limits",
            "Limit    Soft Limit  Hard Limit  Units\nMax address space  unlimited  unlimited  bytes\n",
        );
        write("proc/self/cgroup", "4:cpu,cpuacct:/a\n0::/a/b:c\n");
        assert_eq!(free_bytes_by(root.path()), 8000 * 1024);
        write("sys/fs/cgroup/a/b:c/memory.max", "max\n");
        write("sys/fs/cgroup/a/memory.max", "7000000\n");
        assert_eq!(free_bytes_by(root.path()), 7_000_000);
        write("sys/fs/cgroup/memory.max", "6000000\n");
        assert_eq!(free_bytes_by(root.path()), 6_000_000);
        write("proc/self/cgroup", "4:memory:/docker/1234\n0::/\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000000\n");
        assert_eq!(free_bytes_by(root.path()), 5_000_000);
        write("proc/self/limits", "Max address space         4000000              unlimited            bytes\n");
        assert_eq!(free_bytes_by(root.path()), 4_000_000);
    }
}
