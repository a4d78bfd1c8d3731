//! A cgroup (version 2) per desktop, where the system lets us make one.
//!
//! Nothing leaves a cgroup by forking, changing its group or cleaning its
//! environment, and `cgroup.kill` (Linux 5.14) kills all of it at once
//! (kernel documentation, admin-guide/cgroup-v2). We make it below our own, so
//! that a service manager's limits go on to hold, and enable no controllers,
//! which is what allows processes in inner groups. Under systemd that needs
//! `Delegate=yes`; containers often mount it read-only. Without it, members
//! are found in `/proc` instead.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One desktop's cgroup.
#[derive(Debug, Clone)]
pub(super) struct Cgroup {
    directory: PathBuf,
}

impl Cgroup {
    /// Makes one for the desktop at `desktop`; `None` where that is not
    /// possible or the kernel cannot kill by cgroup.
    pub(super) fn create(desktop: &Path) -> Option<Self> {
        let directory = parent()?.join(format!("earthshine-{:016x}", hash(desktop.as_os_str().as_encoded_bytes())));
        fs::create_dir(&directory).ok()?;
        let cgroup = Self { directory };
        if cgroup.directory.join("cgroup.kill").exists() {
            return Some(cgroup);
        }
        cgroup.remove();
        None
    }

    /// One that an earlier host made and recorded.
    pub(super) fn recorded(directory: &Path) -> Option<Self> {
        let named = directory.file_name()?.to_str()?.starts_with("earthshine-");
        (named && directory.join("cgroup.kill").exists()).then(|| Self { directory: directory.to_owned() })
    }

    /// Moves a process into it, which takes the kernel some milliseconds. What
    /// it forked before stays outside, and is found by its marker, group or
    /// descent.
    pub(super) fn add(&self, pid: u32) {
        if let Err(error) = fs::write(self.directory.join("cgroup.procs"), pid.to_string()) {
            tracing::debug!(pid, %error, "not moved into cgroup");
        }
    }

    /// Numbers of its processes.
    pub(super) fn processes(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.directory.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// SIGKILL to all of it.
    pub(super) fn kill(&self) {
        let _ = fs::write(self.directory.join("cgroup.kill"), "1");
    }

    /// Removes it, with the groups that programs in it may have made. It can
    /// be busy for a moment after its last process. Blocking.
    pub(super) fn remove(&self) {
        for _ in 0..REMOVE_ATTEMPTS {
            remove_tree(&self.directory);
            if !self.directory.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        tracing::warn!(directory = ?self.directory, "cgroup not removed");
    }

    /// Where it is.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Where cgroup 2 is mounted and which group we are in.
pub(crate) fn parent() -> Option<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    // One may lie hidden below another mount.
    mount_points(&mounts).map(|mount| mount.join(&path)).find(|group| group.join("cgroup.procs").exists())
}

fn mount_points(mounts: &str) -> impl Iterator<Item = PathBuf> {
    mounts.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (_, path, kind) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(path))
    })
}

/// A cgroup's files cannot be deleted and need not be: only directories count.
fn remove_tree(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_tree(&entry.path());
    }
    if let Err(error) = fs::remove_dir(directory) {
        tracing::debug!(?directory, %error, "cgroup not removed");
    }
}

/// At 5 ms each.
const REMOVE_ATTEMPTS: u32 = 40;

/// FNV-1a, 64 bits: a short name for a long path.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroup2_is_found_among_other_mounts() {
        let mounts = "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n\
                      cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
        let found = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(PathBuf::from);
        assert_eq!(Vec::from_iter(mount_points(mounts)), found);
        assert_eq!(mount_points("proc /proc proc rw 0 0\n").count(), 0);
    }

    #[test]
    fn a_foreign_directory_is_no_recorded_cgroup() {
        assert!(Cgroup::recorded(Path::new("/sys/fs/cgroup/system.slice")).is_none());
        assert!(Cgroup::recorded(Path::new("/tmp/earthshine-1")).is_none());
    }
}
