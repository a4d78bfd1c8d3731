//! Processes told apart for certain: by number and start time.
//!
//! A process number is used again as soon as its owner is reaped, so a number
//! alone, kept in a file or across a wait, may mean a stranger. The kernel's
//! start time (field 22 of `/proc/PID/stat`, proc(5)) together with the number
//! is unique for as long as the machine is up. Signals go through a pidfd that
//! is opened first and checked second, so the check cannot go stale.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, pidfd_send_signal, waitpid};
use serde::{Deserialize, Serialize};

/// One process, unmistakably.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// Process number.
    pub pid: u32,
    /// Clock ticks from boot to the start of the process.
    pub start_time: u64,
}

impl ProcessId {
    /// The process that has this number now.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        ProcessStat::read(pid).map(|stat| stat.id)
    }

    /// Whether it still exists and is not a zombie.
    #[must_use]
    pub fn is_running(self) -> bool {
        ProcessStat::read(self.pid).is_some_and(|stat| stat.id == self && !stat.is_zombie())
    }

    /// Whether it still exists, as a zombie perhaps; its number, also as a
    /// process group, cannot mean anybody else then.
    #[must_use]
    pub fn exists(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends a signal; false if the process is gone or not ours to signal.
    pub fn signal(self, signal: Signal) -> bool {
        let Some(pid) = raw_pid(self.pid) else { return false };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => self.exists() && pidfd_send_signal(descriptor, signal).is_ok(),
            // Before Linux 5.3, and under some sandboxes' kernels.
            Err(Errno::NOSYS | Errno::PERM) => self.exists() && kill_process(pid, signal).is_ok(),
            Err(_) => false,
        }
    }

    /// Sends a signal to the process group it leads; false if it is gone.
    pub fn signal_group(self, signal: Signal) -> bool {
        // kill(2) takes the group of process 1 for everybody.
        let Some(pid) = raw_pid(self.pid).filter(|pid| !pid.is_init()) else { return false };
        self.exists() && rustix::process::kill_process_group(pid, signal).is_ok()
    }

    /// Collects a dead child that nobody else waits for: an orphan that came
    /// to us because we are process 1 of a container or a subreaper.
    pub fn reap(self) {
        if let Some(pid) = raw_pid(self.pid) {
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// What `/proc/PID/stat` tells about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessStat {
    /// Which process.
    pub id: ProcessId,
    /// One letter, `Z` for a zombie.
    pub state: char,
    /// Number of the parent.
    pub parent: u32,
    /// Number of the process group.
    pub group: u32,
    /// Threads that are not gone; a process whose main thread has ended, while
    /// another is stuck, looks like a zombie with more than one.
    pub threads: u32,
    /// Clock ticks that it has spent on cores, in user and kernel mode.
    pub cpu_ticks: u64,
    /// Pages of memory that it has, shared ones too.
    pub resident_pages: u64,
}

impl ProcessStat {
    /// Reads it; `None` if there is no such process.
    #[must_use]
    pub fn read(pid: u32) -> Option<Self> {
        Self::parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// All processes of the machine (of our process namespace).
    #[must_use]
    pub fn all() -> Vec<Self> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter_map(Self::read).collect()
    }

    /// Whether it has ended and waits for its parent to notice.
    #[must_use]
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X') && self.threads <= 1
    }

    /// The content of the file for process `pid`; `None` if it is something else.
    ///
    /// The second field is the program's name in parentheses and may hold
    /// anything, parentheses too: what follows the last one is regular.
    #[must_use]
    pub fn parse(pid: u32, text: &str) -> Option<Self> {
        let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        // Fields 3 to 5 are behind us; the others are 14 and 15, 20, 22 and 24.
        let user: u64 = fields.nth(8)?.parse().ok()?;
        let kernel: u64 = fields.next()?.parse().ok()?;
        let threads = fields.nth(4)?.parse().ok()?;
        let start_time = fields.nth(1)?.parse().ok()?;
        // A kernel that tells less of others' processes says so with less.
        let resident_pages = fields.nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
        let cpu_ticks = user.saturating_add(kernel);
        Some(Self { id: ProcessId { pid, start_time }, state, parent, group, threads, cpu_ticks, resident_pages })
    }
}

fn raw_pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn stat_is_read_past_a_hostile_name() {
        let text = "77 (a) Z 1 (b)) S 5 6 7 0 -1 4194560 1 2 3 4 50 60 7 8 20 0 1 0 4711 100 200";
        let stat = ProcessStat::parse(77, text).unwrap();
        assert_eq!(stat.id, ProcessId { pid: 77, start_time: 4711 });
        assert_eq!((stat.state, stat.parent, stat.group), ('S', 5, 6));
        assert_eq!((stat.threads, stat.cpu_ticks, stat.resident_pages), (1, 110, 200));
        assert_eq!(ProcessStat::parse(1, "1 (x) S 1"), None);
        assert_eq!(ProcessStat::parse(1, ""), None);
    }

    #[test]
    fn a_process_is_known_by_its_start_time_too() {
        let own = ProcessId::of(std::process::id()).unwrap();
        assert!(own.is_running() && own.exists());
        let stranger = ProcessId { start_time: own.start_time + 1, ..own };
        assert!(!stranger.is_running());
        assert!(!stranger.signal(Signal::KILL), "or this test would be dead");
    }

    #[test]
    fn a_signalled_child_becomes_a_zombie_and_then_nothing() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        assert!(id.signal(Signal::KILL));
        child.wait().unwrap();
        assert!(!id.exists());
        assert!(!id.signal(Signal::KILL));
    }
}
