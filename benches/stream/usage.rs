//! What processes use, as the kernel counts it.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;

use crate::support::process;

/// Processor time of groups of processes, in seconds since they started.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProcessorTime(BTreeMap<&'static str, f64>);

impl ProcessorTime {
    /// Looks at named processes, each with what descends from it or alone.
    pub(crate) fn look(processes: &[(&'static str, u32, Family)]) -> Self {
        let times = processes.iter().map(|(name, pid, family)| {
            let own = seconds(*pid);
            let descendants = match family {
                Family::Alone => 0.0,
                Family::WithDescendants => process::descendants(*pid).iter().map(|child| seconds(child.pid)).sum(),
            };
            (*name, own + descendants)
        });
        Self(times.collect())
    }

    /// Per cent of one core, between an earlier look and this one.
    pub(crate) fn percent_since(&self, before: &Self, wall: f64) -> BTreeMap<&'static str, f64> {
        let then = |name| before.0.get(name).copied().unwrap_or(0.0);
        self.0.iter().map(|(name, now)| (*name, (now - then(name)) / wall * 100.0)).collect()
    }
}

/// Whose time counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Family {
    Alone,
    WithDescendants,
}

/// Memory of one process in MiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Memory {
    /// Everything mapped and present, shared or not.
    pub(crate) resident: f64,
    /// The same, shared pages divided among those who share them.
    pub(crate) proportional: f64,
    /// What nobody else has, and files do not back: what a kill gives back.
    pub(crate) private: f64,
}

impl Memory {
    /// Zeros if the process is gone.
    pub(crate) fn of(pid: u32) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "less than an exbibyte")]
        let field = |name: &str| process::mapped_kib(pid, name) as f64 / 1024.0;
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

/// `USER_HZ`, which is 100 on every architecture we run on.
const TICKS_PER_SECOND: f64 = 100.0;
