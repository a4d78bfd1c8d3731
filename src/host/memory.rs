//! What the host, its workers and its desktops use of the machine's memory.
//!
//! Reading it visits every process, and reading one process's memory map can
//! wait for that process's own lock. So it is measured on a thread that may
//! wait, at most once in a while, and whoever asks gets the last result with
//! its age.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use crate::desktop::family::Family;
use crate::desktop::process::ProcessStat;
use crate::host::proc_field;

/// Measures memory when asked.
#[derive(Debug)]
pub struct MemoryGauge {
    latest: watch::Sender<Option<Arc<Measurement>>>,
    measuring: Arc<Mutex<bool>>,
}

/// Bytes per process at one moment: the proportional share of what it maps
/// (PSS) where the kernel tells, else all of it (RSS).
#[derive(Debug)]
pub struct Measurement {
    at: Instant,
    bytes: HashMap<u32, u64>,
    family: Family,
}

impl Default for MemoryGauge {
    fn default() -> Self {
        Self { latest: watch::Sender::new(None), measuring: Arc::default() }
    }
}

impl MemoryGauge {
    /// The last measurement of these processes and all their descendants. Waits
    /// for the first one, but not for long; starts another where the last is
    /// old.
    pub async fn measure(&self, roots: Vec<u32>) -> Option<Arc<Measurement>> {
        let latest = self.latest.borrow().clone();
        if latest.as_ref().is_none_or(|latest| latest.age() > FRESH) {
            self.begin(roots);
        }
        if latest.is_some() {
            return latest;
        }
        let mut first = self.latest.subscribe();
        let _ = timeout(FIRST_DEADLINE, first.wait_for(Option::is_some)).await;
        first.borrow().clone()
    }

    fn begin(&self, roots: Vec<u32>) {
        let mut measuring = self.measuring.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *measuring, true) {
            return;
        }
        let (latest, measuring) = (self.latest.clone(), Arc::clone(&self.measuring));
        tokio::task::spawn_blocking(move || {
            latest.send_replace(Some(Arc::new(Measurement::now(&roots))));
            *measuring.lock().unwrap_or_else(PoisonError::into_inner) = false;
        });
    }
}

impl Measurement {
    /// Measures now. Blocking.
    fn now(roots: &[u32]) -> Self {
        let at = Instant::now();
        let processes: Vec<_> = ProcessStat::all().into_iter().filter(|process| !process.is_zombie()).collect();
        let family = Family::of(&processes);
        let pids = family.descendants(roots).into_iter().map(|stat| stat.id.pid);
        let bytes = pids.filter_map(|pid| Some((pid, bytes_of(pid)?))).collect();
        Self { at, bytes, family }
    }

    /// How old it is.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.at.elapsed()
    }

    /// Bytes of one process; 0 if it was not measured.
    #[must_use]
    pub fn of_process(&self, pid: u32) -> u64 {
        self.bytes.get(&pid).copied().unwrap_or(0)
    }

    /// Bytes of these processes and their descendants, each counted once.
    #[must_use]
    pub fn of_trees(&self, roots: &[u32]) -> u64 {
        self.family.descendants(roots).into_iter().map(|stat| self.of_process(stat.id.pid)).sum()
    }
}

fn bytes_of(pid: u32) -> Option<u64> {
    let share = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok();
    let share = share.and_then(|text| proc_field::bytes(&text, "Pss:"));
    let whole = || proc_field::bytes(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmRSS:");
    share.or_else(whole)
}

/// Callers poll every few seconds.
const FRESH: Duration = Duration::from_secs(2);

/// It takes milliseconds, unless some process's memory is locked.
const FIRST_DEADLINE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn processes_are_measured_with_their_children() {
        let mut shell = std::process::Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let shell_pid = shell.id();
        let has_child = || ProcessStat::all().into_iter().find(|process| process.parent == shell_pid);
        let child = loop {
            match has_child() {
                Some(child) => break child.id,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        let gauge = MemoryGauge::default();
        let measured = gauge.measure(vec![std::process::id(), shell_pid]).await.unwrap();
        let own = measured.of_process(std::process::id());
        assert!(own > 1 << 20, "{own} bytes");
        assert!(measured.of_process(child.pid) > 0);
        let together = measured.of_process(shell_pid) + measured.of_process(child.pid);
        assert_eq!(measured.of_trees(&[shell_pid, child.pid, 0]), together);
        child.signal(rustix::process::Signal::KILL);
        shell.wait().unwrap();
    }
}
