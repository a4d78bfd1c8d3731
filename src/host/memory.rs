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

use crate::desktop::process::ProcessStat;

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
    children: HashMap<u32, Vec<u32>>,
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
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for process in ProcessStat::all().iter().filter(|process| !process.is_zombie()) {
            children.entry(process.parent).or_default().push(process.id.pid);
        }
        let mut measured = Self { at: Instant::now(), bytes: HashMap::new(), children };
        let all: Vec<u32> = roots.iter().flat_map(|root| measured.tree(*root)).collect();
        measured.bytes = all.into_iter().filter_map(|pid| Some((pid, bytes_of(pid)?))).collect();
        measured
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
        let mut all: Vec<u32> = roots.iter().flat_map(|root| self.tree(*root)).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().map(|pid| self.of_process(pid)).sum()
    }

    fn tree(&self, root: u32) -> Vec<u32> {
        let mut found = if root == 0 { Vec::new() } else { vec![root] };
        let mut next = 0;
        while let Some(pid) = found.get(next).copied() {
            found.extend(self.children.get(&pid).into_iter().flatten());
            next += 1;
        }
        found
    }
}

fn bytes_of(pid: u32) -> Option<u64> {
    let share = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok();
    let share = share.and_then(|text| kilobytes(&text, "Pss:"));
    let whole = || kilobytes(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmRSS:");
    share.or_else(whole).map(|kilobytes| kilobytes * 1024)
}

/// The number in a line such as `Pss:   1234 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
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

    #[test]
    fn numbers_are_found_by_their_names() {
        assert_eq!(kilobytes("Rss:  7 kB\nPss:   1234 kB\nPss_Dirty: 5 kB\n", "Pss:"), Some(1234));
        assert_eq!(kilobytes("", "Pss:"), None);
    }
}
