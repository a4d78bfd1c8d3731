//! What a host holds, over time, and whether that is flat.

use serde::Serialize;

use crate::support::host::Host;
use crate::support::{api, process};

/// At one moment.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Sample {
    pub(crate) sessions: usize,
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    pub(crate) children: usize,
    pub(crate) resident_kib: u64,
    pub(crate) tcp_sockets: usize,
    pub(crate) close_wait: usize,
}

impl Sample {
    /// Now.
    pub(crate) fn of(host: &Host) -> Self {
        let states = process::tcp_states(host.pid());
        Self {
            sessions: api::sessions(host.api()).len(),
            descriptors: process::descriptors(host.pid()).len(),
            threads: process::threads(host.pid()).len(),
            children: process::descendants(host.pid()).len(),
            resident_kib: process::resident_kib(host.pid()),
            tcp_sockets: states.len(),
            close_wait: states.iter().filter(|state| **state == process::CLOSE_WAIT).count(),
        }
    }
}

/// Mean of one field over some samples.
pub(crate) fn mean(samples: &[Sample], field: impl Fn(&Sample) -> u64) -> u64 {
    let sum: u64 = samples.iter().map(field).sum();
    sum / (samples.len() as u64).max(1)
}
