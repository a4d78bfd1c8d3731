//! Everybody who belongs to a desktop, also who tried to leave it.
//!
//! A desktop's programs start others, some of which detach: another process
//! group, another session, another parent. They are found by any of
//! - the cgroup, where the system lets us make one: nothing escapes it,
//! - the environment variable [`MARKER`], which children inherit,
//! - the process groups of the three children that the desktop started,
//! - descent from any process found by the above.
//!
//! The marker's value is the path of the desktop's directory, so hosts with
//! different runtime directories never take each other's processes for theirs.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::cgroup::Cgroup;
use super::family::Family;
use super::process::{ProcessId, ProcessStat};

/// Environment variable that every process of a desktop carries.
pub const MARKER: &str = "EARTHSHINE_DESKTOP";

/// How to recognise the members of one desktop.
#[derive(Debug, Clone)]
pub(super) struct Members {
    marker: Vec<u8>,
    leaders: Vec<ProcessId>,
    cgroup: Option<Cgroup>,
    not_before: u64,
}

impl Members {
    /// Members of the desktop at `directory`; nobody older than `not_before`
    /// (a start time) can be one.
    pub(super) fn new(directory: &Path, cgroup: Option<Cgroup>, not_before: u64) -> Self {
        let mut marker = format!("{MARKER}=").into_bytes();
        marker.extend_from_slice(directory.as_os_str().as_encoded_bytes());
        Self { marker, leaders: Vec::new(), cgroup, not_before }
    }

    /// Adds a child that the desktop started, leader of its process group.
    pub(super) fn add_leader(&mut self, leader: ProcessId) {
        self.leaders.push(leader);
        if let Some(cgroup) = &self.cgroup {
            cgroup.add(leader.pid);
        }
    }

    /// Adds a child that an earlier host started; it is in its cgroup already,
    /// if there is one.
    pub(super) fn add_dead_hosts_leader(&mut self, leader: ProcessId) {
        self.leaders.push(leader);
    }

    /// Children that were added.
    pub(super) fn leaders(&self) -> Vec<ProcessId> {
        self.leaders.clone()
    }

    /// Signals the groups of the children, without looking at anything that
    /// could block.
    pub(super) fn signal_groups(&self, signal: Signal) {
        for leader in &self.leaders {
            leader.signal_group(signal);
        }
    }

    /// Everybody there is now, zombies included. Reads `/proc`: blocking.
    pub(super) fn find(&self) -> Vec<ProcessStat> {
        let all = ProcessStat::all();
        let in_cgroup: HashSet<u32> = self.cgroup.iter().flat_map(Cgroup::processes).collect();
        let groups: HashSet<u32> =
            self.leaders.iter().filter(|leader| leader.exists()).map(|leader| leader.pid).collect();
        let is_ours = |stat: &&ProcessStat| {
            in_cgroup.contains(&stat.id.pid)
                || groups.contains(&stat.group)
                || self.leaders.contains(&stat.id)
                || self.is_marked(stat)
        };
        let ours: Vec<u32> = all.iter().filter(is_ours).map(|stat| stat.id.pid).collect();
        Family::of(&all).descendants(&ours).into_iter().copied().collect()
    }

    /// Kills everybody and waits until nobody runs any more; tells who is
    /// left at the deadline. Blocking.
    pub(super) fn kill_all(&self, deadline: Duration) -> Vec<ProcessId> {
        let end = Instant::now() + deadline;
        let mut seen = HashSet::new();
        loop {
            if let Some(cgroup) = &self.cgroup {
                cgroup.kill();
            }
            let running: Vec<_> =
                self.find().into_iter().filter(|stat| !stat.is_zombie()).map(|stat| stat.id).collect();
            running.iter().for_each(|id| {
                id.signal(Signal::KILL);
            });
            seen.extend(running.iter().copied());
            if running.is_empty() || Instant::now() >= end {
                self.reap_orphans(&seen);
                return running;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Collects those who became our children when their parents died; the
    /// children we started ourselves have somebody who waits for them.
    fn reap_orphans(&self, seen: &HashSet<ProcessId>) {
        let own = std::process::id();
        for id in seen.iter().filter(|id| !self.leaders.contains(id)) {
            let orphan = ProcessStat::read(id.pid).filter(|stat| stat.id == *id && stat.parent == own);
            if orphan.is_some_and(|stat| stat.is_zombie()) {
                id.reap();
            }
        }
    }

    /// Removes what is left when all members are gone.
    pub(super) fn release(&self) {
        if let Some(cgroup) = &self.cgroup {
            cgroup.remove();
        }
    }

    /// Directory of the cgroup, for the record.
    pub(super) fn cgroup(&self) -> Option<PathBuf> {
        self.cgroup.as_ref().map(|cgroup| cgroup.directory().to_owned())
    }

    fn is_marked(&self, stat: &ProcessStat) -> bool {
        stat.id.start_time >= self.not_before
            && !stat.is_zombie()
            && environment_of(stat.id.pid).is_some_and(|environment| contains_entry(&environment, &self.marker))
    }
}

/// Processes whose marker names something below `root`. Blocking.
pub(super) fn marked_below(root: &Path) -> Vec<ProcessId> {
    let mut prefix = format!("{MARKER}=").into_bytes();
    prefix.extend_from_slice(root.as_os_str().as_encoded_bytes());
    prefix.push(b'/');
    ProcessStat::all()
        .into_iter()
        .filter(|stat| !stat.is_zombie())
        .filter(|stat| {
            environment_of(stat.id.pid)
                .is_some_and(|environment| environment.split(|byte| *byte == 0).any(|entry| entry.starts_with(&prefix)))
        })
        .map(|stat| stat.id)
        .collect()
}

/// The directory that a process's marker names.
pub(super) fn directory_of(id: ProcessId) -> Option<PathBuf> {
    let prefix = format!("{MARKER}=").into_bytes();
    let environment = environment_of(id.pid)?;
    let value = environment.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(prefix.as_slice()))?;
    Some(PathBuf::from(std::str::from_utf8(value).ok()?))
}

fn environment_of(pid: u32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{pid}/environ")).ok()
}

fn contains_entry(environment: &[u8], entry: &[u8]) -> bool {
    environment.split(|byte| *byte == 0).any(|candidate| candidate == entry)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_marked_process_that_left_its_group_is_found_and_killed() {
        let directory = tempfile::tempdir().unwrap();
        let mut child =
            Command::new("setsid").args(["--fork", "sleep", "60"]).env(MARKER, directory.path()).spawn().unwrap();
        child.wait().unwrap();
        let members = Members::new(directory.path(), None, 0);
        let found = members.find();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(directory_of(found[0].id).as_deref(), Some(directory.path()));
        assert_eq!(marked_below(directory.path().parent().unwrap()).iter().filter(|id| **id == found[0].id).count(), 1);
        assert!(members.kill_all(Duration::from_secs(5)).is_empty());
        assert!(!found[0].id.is_running());
    }

    #[test]
    fn another_desktops_processes_are_not_members() {
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep").arg("60").env(MARKER, directory.path().join("b")).spawn().unwrap();
        assert!(Members::new(&directory.path().join("a"), None, 0).find().is_empty());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
