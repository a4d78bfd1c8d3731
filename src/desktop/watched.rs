//! Processes that are not our children: watched and signalled by pidfd.
//!
//! An earlier host's children cannot be waited for. Their pidfd becomes
//! readable when they end (pidfd_open(2)), and never means anybody else.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

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

    /// Watches the process behind a pidfd. Needs a tokio runtime.
    ///
    /// # Errors
    /// `NotFound` if it has ended; `InvalidData` if that is no pidfd.
    pub fn behind(pidfd: &OwnedFd) -> io::Result<Self> {
        let gone = || io::Error::new(io::ErrorKind::NotFound, "the process has ended");
        let pid = pid_behind(pidfd)?.ok_or_else(gone)?;
        let id = ProcessId::of(pid).ok_or_else(gone)?;
        // Until it is collected, its number is nobody else's.
        if pid_behind(pidfd)? != Some(pid) {
            return Err(gone());
        }
        Self::new(id)
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

/// The number of a pidfd's process, `None` once that is collected (proc(5),
/// `fdinfo`).
fn pid_behind(pidfd: &OwnedFd) -> io::Result<Option<u32>> {
    let information = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
    let number = information.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse::<i64>().ok());
    let number = number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a pidfd"))?;
    Ok(u32::try_from(number).ok().filter(|pid| *pid > 0))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_pidfd_says_whose_it_is_until_it_is_nobodys() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        assert_eq!(WatchedProcess::behind(&pidfd).unwrap().id().pid, child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(WatchedProcess::behind(&pidfd).unwrap_err().kind(), io::ErrorKind::NotFound);
        let file = std::fs::File::open("/proc/self/stat").unwrap().into();
        assert_eq!(WatchedProcess::behind(&file).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

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
