//! Where figures come from.

use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

/// The machine, and how busy it was with other things.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// As the processor calls itself.
    pub processor: String,
    /// That may be used.
    pub cores: usize,
    /// Release of Linux.
    pub kernel: String,
    /// Load average over a minute, at the beginning.
    pub load: f64,
    /// Seconds since 1970, at the beginning.
    pub time: u64,
}

impl Machine {
    /// This one, now.
    #[must_use]
    pub fn look() -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let since_1970 = std::time::SystemTime::UNIX_EPOCH.elapsed();
        Self {
            processor: model.map_or("unknown", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            load: load.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0.0),
            time: since_1970.map_or(0, |elapsed| elapsed.as_secs()),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, kernel, load, .. } = self;
        write!(out, "{processor}, {cores} cores, Linux {kernel}, load {load:.1} at the beginning")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_kernel_and_a_core() {
        let machine = Machine::look();
        assert!(machine.cores > 0 && !machine.kernel.is_empty() && machine.time > 1_700_000_000, "{machine:?}");
    }
}
