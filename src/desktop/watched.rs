//! Processes that are not our children: watched and signalled by pidfd.
//!
//! An earlier host's children cannot be waited for. Their pidfd becomes
//! readable when they end (pidfd_open(2)), and never means anybody else.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::process::ProcessId;

/// A process that somebody else started.
#[derive(Debug)]
pub struct WatchedProcess {
    id: ProcessId,
    descriptor: AsyncFd<OwnedFd>,
}

impl WatchedProcess {
    /// Watches a process that runs. Needs a tokio runtime.
    ///
    /// # Errors
    /// `NotFound` if it has ended; what `pidfd_open` says (Linux 5.3 has it).
    pub fn new(id: ProcessId) -> io::Result<Self> {
        let gone = || io::Error::new(io::ErrorKind::NotFound, format!("process {} has ended", id.pid));
        let pid = i32::try_from(id.pid).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
        let descriptor = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| match error {
            Errno::SRCH => gone(),
            error => error.into(),
        })?;
        // Looked at after it was opened: so the check cannot go stale.
        if !id.is_running() {
            return Err(gone());
        }
        // tokio's new name for this is unsafe, because a descriptor might change
        // behind its back; nobody else has this one.
        #[allow(deprecated, reason = "the only safe way to wait for a pidfd")]
        let descriptor = AsyncFd::with_interest(descriptor, Interest::READABLE)?;
        Ok(Self { id, descriptor })
    }

    /// Which process it is.
    #[must_use]
    pub const fn id(&self) -> ProcessId {
        self.id
    }

    /// Waits for its end; without a deadline of its own. Cancel-safe.
    pub async fn ended(&self) {
        // An error would mean that the runtime ends, too.
        let _ = self.descriptor.readable().await;
        // If it came to us when its parent died: nobody else collects it.
        if super::process::ProcessStat::read(self.id.pid)
            .is_some_and(|stat| stat.id == self.id && stat.is_zombie() && stat.parent == std::process::id())
        {
            self.id.reap();
        }
    }

    /// Sends a signal; false if it has ended or is not ours to signal.
    pub fn signal(&self, signal: Signal) -> bool {
        pidfd_send_signal(self.descriptor.get_ref(), signal).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_process_is_seen_without_waiting_for_it() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        let watched = WatchedProcess::new(id).unwrap();
        assert!(timeout(Duration::from_millis(20), watched.ended()).await.is_err(), "it runs");
        assert!(watched.signal(Signal::KILL));
        timeout(Duration::from_secs(20), watched.ended()).await.unwrap();
        let _ = child.wait();
        assert!(!watched.signal(Signal::KILL), "it is gone");
        assert_eq!(WatchedProcess::new(id).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
