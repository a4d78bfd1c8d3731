//! Where the figures come from.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// The machine, and how busy it was with other things.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// At the beginning.
    #[serde(flatten)]
    pub(crate) before: earthshine::bench::report::Machine,
    pub(crate) graphics: bool,
    pub(crate) commit: String,
    /// Load average over a minute, at the end.
    pub(crate) load_after: f64,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let before = earthshine::bench::report::Machine::look();
        Self { before, graphics: fs::exists("/dev/dri").unwrap_or(false), commit: commit(), load_after: 0.0 }
    }

    /// At the end of the measurement.
    pub(crate) fn look_again(&mut self) {
        self.load_after = earthshine::bench::report::Machine::look().load;
    }
}

fn commit() -> String {
    let git = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    git.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
