//! How much memory there is to take: for the programs and the Python package, which ask before they take much.

use std::fs;
use std::path::Path;

/// How much memory this process may still take; `None` where the system does not say, as only Linux does.
pub fn free_bytes() -> Option<u64> {
    free_bytes_by(Path::new("/"))
}

/// How much memory is free without swapping, but no more than this process may have (`ulimit -v`), and no more than its
/// control group, and each group that this one is in, has left. `root` is the root of the file system.
fn free_bytes_by(root: &Path) -> Option<u64> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let available = number_after(&read("proc/meminfo"), "MemAvailable:").and_then(|kib| kib.checked_mul(1024));
    let address_space = number_after(&read("proc/self/limits"), "Max address space");
    let cgroup = read("proc/self/cgroup");
    let groups = cgroup.lines().flat_map(groups_of).filter_map(|group| group.free_bytes(&read));
    available.into_iter().chain(address_space).chain(groups).min()
}

/// A control group: its folder, and the names that its version has for things.
struct Group {
    folder: String,
    limit: &'static str,
    in_use: &'static str,
    inactive_file: &'static str,
}

/// The group of a line of `/proc/self/cgroup`, and those that it is in. A line is `number:controllers:/path`; version 2 of
/// control groups has no controllers.
fn groups_of(line: &str) -> Vec<Group> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (root, limit, in_use, inactive_file) = match parts.next() {
        Some("") => ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
        Some(controllers) if controllers.split(',').any(|controller| controller == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        }
        _ => return Vec::new(),
    };
    // Within a container the path may be the host's, of which only the last folder, the root here, is to be seen.
    let path = Path::new(parts.next().unwrap_or_default().trim_start_matches('/'));
    let folder = |group: &Path| format!("{root}/{}", group.display());
    path.ancestors().map(|group| Group { folder: folder(group), limit, in_use, inactive_file }).collect()
}

impl Group {
    /// What is left of its limit, if it has one. Files that were read and not looked at for a while are given up for memory
    /// that is asked for, so they do not count as in use.
    fn free_bytes(&self, read: &impl Fn(&str) -> String) -> Option<u64> {
        let file = |name: &str| read(&format!("{}/{name}", self.folder));
        let number = |name: &str| file(name).trim().parse::<u64>().ok();
        let limit = number(self.limit)?;
        let inactive_file = number_after(&file("memory.stat"), &format!("{} ", self.inactive_file)).unwrap_or(0);
        let in_use = number(self.in_use).unwrap_or(0).saturating_sub(inactive_file);
        Some(limit.saturating_sub(in_use))
    }
}

/// The whole number that stands behind `key` in a line that begins with it.
fn number_after(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn write(root: &TempDir, path: &str, text: &str) {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_smallest_of_all_limits_counts() {
        let root = tempfile::tempdir().unwrap();
        let (write, free) = (|path: &str, text: &str| write(&root, path, text), || free_bytes_by(root.path()));
        assert_eq!(free(), None);
        write("proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:    8000 kB\n");
        write(
            "proc/self/limits",
            "Limit    Soft Limit  Hard Limit  Units\nMax address space  unlimited  unlimited  bytes\n",
        );
        write("proc/self/cgroup", "4:cpu,cpuacct:/a\n0::/a/b:c\n");
        assert_eq!(free(), Some(8000 * 1024));
        write("sys/fs/cgroup/a/b:c/memory.max", "max\n");
        write("sys/fs/cgroup/a/memory.max", "7000000\n");
        assert_eq!(free(), Some(7_000_000));
        write("sys/fs/cgroup/memory.max", "6000000\n");
        assert_eq!(free(), Some(6_000_000));
        write("proc/self/cgroup", "4:memory:/docker/1234\n0::/\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000000\n");
        assert_eq!(free(), Some(5_000_000));
        write("proc/self/limits", "Max address space         4000000              unlimited            bytes\n");
        assert_eq!(free(), Some(4_000_000));
    }

    #[test]
    fn what_a_control_group_and_those_around_it_have_in_use_is_not_free() {
        let root = tempfile::tempdir().unwrap();
        let (write, free) = (|path: &str, text: &str| write(&root, path, text), || free_bytes_by(root.path()));
        write("proc/self/cgroup", "0::/a/b\n");
        write("sys/fs/cgroup/a/b/memory.max", "9000\n");
        write("sys/fs/cgroup/a/b/memory.current", "3000\n");
        assert_eq!(free(), Some(6000));
        write("sys/fs/cgroup/a/b/memory.stat", "anon 1800\ninactive_file_of_another 7\ninactive_file 1000\n");
        assert_eq!(free(), Some(7000));
        // The one around it has more in use, by others.
        write("sys/fs/cgroup/a/memory.max", "10000\n");
        write("sys/fs/cgroup/a/memory.current", "8000\n");
        write("sys/fs/cgroup/a/memory.stat", "inactive_file 500\n");
        assert_eq!(free(), Some(2500));
        write("sys/fs/cgroup/a/memory.current", "20000\n");
        assert_eq!(free(), Some(0));
    }

    #[test]
    fn version_1_of_control_groups_has_other_names_for_the_same() {
        let root = tempfile::tempdir().unwrap();
        let (write, free) = (|path: &str, text: &str| write(&root, path, text), || free_bytes_by(root.path()));
        write("proc/self/cgroup", "5:cpu:/x\n4:hugetlb,memory:/docker/1\n");
        write("sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "9000\n");
        write("sys/fs/cgroup/memory/docker/1/memory.usage_in_bytes", "4000\n");
        write("sys/fs/cgroup/memory/docker/1/memory.stat", "inactive_file 1\ntotal_inactive_file 1500\n");
        assert_eq!(free(), Some(6500));
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("sys/fs/cgroup/memory/memory.usage_in_bytes", "99999\n");
        assert_eq!(free(), Some(6500));
    }
}
