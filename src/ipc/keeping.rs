//! Messages between a host and its keeper, the process that holds what must
//! outlive the host.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::ids::SessionId;

/// Host to keeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToKeeper {
    /// Hold the descriptor that comes with this, in place of an earlier one of
    /// the same name.
    Keep(String),
    /// Let go of it.
    Forget(String),
    /// End, and let go of all: the host ends in order, or another keeper has it.
    End,
    /// That was all that an earlier host left: from now on, another host comes
    /// to this keeper.
    TakeCharge,
}

/// Keeper to host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromKeeper {
    /// A descriptor that the dead host had it hold.
    Kept(String),
    /// That was all.
    Complete,
    /// The next host will come here.
    InCharge,
}

/// The name under which a session's worker is kept, as a pidfd.
#[must_use]
pub fn process_name(session: SessionId) -> String {
    format!("session {session} {PROCESS}")
}

/// Whether a descriptor of that name is a pidfd.
#[must_use]
pub fn is_process(name: &str) -> bool {
    name.ends_with(PROCESS)
}

/// Ends workers, given as pidfds, whose channels were let go of: they end by
/// themselves, unless they hang. Blocking, for a second at most.
pub fn end_workers(workers: &[OwnedFd]) {
    let end = Instant::now() + WORKERS_END;
    for worker in workers {
        let left = end.saturating_duration_since(Instant::now());
        let patience = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
        // A pidfd is readable when its process has ended (pidfd_open(2)).
        let _ = poll(&mut [PollFd::new(worker, PollFlags::IN)], Some(&patience));
        let _ = pidfd_send_signal(worker, Signal::KILL);
    }
}

/// How long workers may take to end in order.
const WORKERS_END: Duration = Duration::from_millis(900);

const PROCESS: &str = "process";

/// Where the keeper of the last host listens for the next one.
#[must_use]
pub fn socket(runtime: &Path) -> PathBuf {
    runtime.join("keeper.sock")
}
