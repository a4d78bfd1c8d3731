//! What an earlier host left, because it was killed.
//!
//! Run once, before the host starts anything, and by the keeper of a dead host
//! that nobody followed. It touches only desktops of its own runtime directory,
//! and of these only the ones whose host is dead. [`lock`] keeps the two from
//! working at the same time: what one adopts, the other must not kill.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::cgroup::Cgroup;
use super::members::{self, Members};
use super::process::ProcessId;
use super::record::Record;
use super::{runtime_dir, x_display};

/// What was found and done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Desktops whose processes and directories are gone now.
    pub removed: Vec<PathBuf>,
    /// Desktops left alone, because the host they belong to lives.
    pub living: Vec<PathBuf>,
    /// Processes that did not die; their desktops are left, for the next time.
    pub stuck: Vec<ProcessId>,
}

/// Kills and removes all that dead hosts left below `runtime_root`.
///
/// Reads `/proc` and waits for processes to die: blocking, a few milliseconds
/// as a rule, at most [`DEADLINE`] per desktop.
#[must_use]
pub fn sweep(runtime_root: &Path) -> Sweep {
    sweep_but(runtime_root, &[])
}

/// As [`sweep`], but leaves the desktops in the directories `adopted`.
#[must_use]
pub fn sweep_but(runtime_root: &Path, adopted: &[PathBuf]) -> Sweep {
    let mut sweep = Sweep::default();
    let Ok(desktops) = runtime_dir::desktops(runtime_root).canonicalize() else { return sweep };
    let directories = fs::read_dir(&desktops).into_iter().flatten().flatten().map(|entry| entry.path());
    for directory in directories.filter(|directory| !adopted.contains(directory)) {
        sweep_desktop(&mut sweep, directory);
    }
    sweep_strays(&mut sweep, &desktops);
    for directory in &sweep.removed {
        tracing::info!(?directory, "removed a desktop that an earlier host left");
    }
    sweep
}

/// Whoever holds it may adopt and sweep below `runtime_root`; the kernel lets go
/// of it however the holder ends. Blocking.
///
/// # Errors
/// What the file system says, and `WouldBlock` if somebody else has had it for
/// [`LOCK_DEADLINE`].
pub fn lock(runtime_root: &Path) -> io::Result<File> {
    let file = File::open(runtime_root)?;
    let end = Instant::now() + LOCK_DEADLINE;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(error.into()),
        }
    }
}

fn sweep_desktop(sweep: &mut Sweep, directory: PathBuf) {
    let record = Record::load(&directory);
    if record.as_ref().is_some_and(|record| is_living(record.host)) {
        sweep.living.push(directory);
        return;
    }
    let children = record.as_ref().map(|record| record.children.clone()).unwrap_or_default();
    let cgroup = record.and_then(|record| Cgroup::recorded(record.cgroup.as_deref()?));
    let mut members = Members::new(&directory, cgroup, 0);
    children.iter().for_each(|child| members.add_dead_hosts_leader(*child));
    let left = members.kill_all(DEADLINE);
    if left.is_empty() {
        members.release();
        x_display::remove_left_over(&children);
        runtime_dir::remove(&directory);
        sweep.removed.push(directory);
    } else {
        tracing::warn!(?directory, ?left, "processes of an earlier host do not die");
        sweep.stuck.extend(left);
    }
}

/// Processes whose directory is gone already: their host died while it was
/// cleaning up.
fn sweep_strays(sweep: &mut Sweep, desktops: &Path) {
    let strays = members::marked_below(desktops);
    for stray in strays.into_iter().filter(|stray| !sweep.stuck.contains(stray)) {
        let orphaned = members::directory_of(stray).is_some_and(|directory| !directory.exists());
        if orphaned {
            stray.signal(rustix::process::Signal::KILL);
        }
    }
}

/// This host's own desktops are living ones too.
fn is_living(host: ProcessId) -> bool {
    host.is_running()
}

/// How long somebody else may sweep.
pub const LOCK_DEADLINE: Duration = Duration::from_secs(20);

/// How long killed processes may take to be gone, per desktop.
pub const DEADLINE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_sweep_is_no_error() {
        assert_eq!(sweep(Path::new("/no/such/directory")), Sweep::default());
    }

    #[test]
    fn a_living_hosts_desktop_is_left_and_a_torn_one_removed() {
        let root = tempfile::tempdir().unwrap();
        let living = root.path().join("desktops/living");
        let torn = root.path().join("desktops/torn");
        fs::create_dir_all(&living).unwrap();
        fs::create_dir_all(&torn).unwrap();
        let host = ProcessId::of(std::process::id()).unwrap();
        Record::new(host, Vec::new(), None, None).save(&living).unwrap();
        let sweep = sweep(root.path());
        assert_eq!(sweep.living, [living.canonicalize().unwrap()]);
        assert_eq!(sweep.removed.len(), 1);
        assert!(living.exists() && !torn.exists());
    }
}
