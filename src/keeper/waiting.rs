//! `poll`, with a time to wait at most.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::ipc::channel::Channel;

/// Waits until one of `sources` has something, for `patience` at most.
pub(super) fn wait(sources: &mut [PollFd<'_>], patience: Option<Duration>) {
    let patience = patience.map(timespec);
    // EINTR is a wake-up like any other.
    let _ = poll(sources, patience.as_ref());
}

/// Waits until the other end takes messages again.
pub(super) fn wait_writable(channel: &Channel, patience: Duration) {
    wait(&mut [PollFd::new(channel, PollFlags::OUT)], Some(patience));
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(time.subsec_nanos()) }
}
