//! Where the figures come from.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// The machine, and how busy it was with other things.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) graphics: bool,
    pub(crate) commit: String,
    /// Load averages over a minute, before and after.
    pub(crate) load: [f64; 2],
}

impl Machine {
    pub(crate) fn look() -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: model.map_or("unknown", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            graphics: fs::exists("/dev/dri").unwrap_or(false),
            commit: commit(),
            load: [load(), 0.0],
        }
    }

    /// At the end of the measurement.
    pub(crate) fn look_again(&mut self) {
        self.load[1] = load();
    }
}

fn commit() -> String {
    let git = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    git.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0.0)
}
