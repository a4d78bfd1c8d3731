//! What processes use, as the kernel counts it.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;

/// Processor time of groups of processes, in seconds since they started.
#[derive(Debug, Clone, Default)]
pub struct ProcessorTime(BTreeMap<&'static str, f64>);

impl ProcessorTime {
    /// Looks at named processes, each with what descends from it or alone.
    #[must_use]
    pub fn look(processes: &[(&'static str, u32, Family)]) -> Self {
        let times = processes.iter().map(|(name, pid, family)| {
            let own = seconds(*pid);
            let descendants = match family {
                Family::Alone => 0.0,
                Family::WithDescendants => descendants(*pid).into_iter().map(seconds).sum(),
            };
            (*name, own + descendants)
        });
        Self(times.collect())
    }

    /// Per cent of one core, between an earlier look and this one.
    #[must_use]
    pub fn percent_since(&self, before: &Self, wall: f64) -> BTreeMap<&'static str, f64> {
        let then = |name| before.0.get(name).copied().unwrap_or(0.0);
        self.0.iter().map(|(name, now)| (*name, (now - then(name)) / wall * 100.0)).collect()
    }
}

/// Whose time counts.
#[derive(Debug, Clone, Copy)]
pub enum Family {
    /// The process alone.
    Alone,
    /// And what it has started.
    WithDescendants,
}

/// Memory of one process in MiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Memory {
    /// Everything mapped and present, shared or not.
    pub resident: f64,
    /// The same, shared pages divided among those who share them.
    pub proportional: f64,
    /// What nobody else has, and files do not back: what a kill gives back.
    pub private: f64,
}

impl Memory {
    /// Zeros if the process is gone.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "less than an exbibyte")]
        let field = |name: &str| mapped_kib(pid, name) as f64 / 1024.0;
        Self { resident: field("Rss:"), proportional: field("Pss:"), private: field("Private_Dirty:") }
    }
}

/// User and system time of a process and of its dead, reaped children.
fn seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may hold anything: state is field 3, utime 14 to cstime 17.
    let Some((_, tail)) = stat.rsplit_once(')') else { return 0.0 };
    let ticks = tail.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

/// Sum of a field of `/proc/PID/smaps_rollup`; 0 if there is none.
fn mapped_kib(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Children, their children and so on.
fn descendants(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let parents: BTreeMap<u32, u32> = all.into_iter().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, of)| **of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// `USER_HZ`, which is 100 on every architecture we run on.
const TICKS_PER_SECOND: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_and_its_children_are_seen() {
        let me = std::process::id();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(descendants(me).contains(&child.id()));
        drop((child.kill(), child.wait()));
        assert!(Memory::of(me).resident > 1.0);
        let looked = ProcessorTime::look(&[("own", me, Family::WithDescendants), ("none", 0, Family::Alone)]);
        assert!(looked.0["own"] >= 0.0 && looked.0["none"].abs() < 1e-9);
    }
}
