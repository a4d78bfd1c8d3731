//! A process that the host starts for what may hang: a canary, or the one that asks
//! GPUs. It has a group of its own, and whoever started it kills it when it is late.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::desktop::process::ProcessId;
use crate::host::supervisor::evidence;
use crate::host::supervisor::quarantine::{Captive, Kind, Quarantine};

/// The running process; killed when it is dropped, and not waited for then.
#[derive(Debug)]
pub(crate) struct HelperProcess {
    kind: Kind,
    child: Child,
    started: Instant,
}

impl HelperProcess {
    /// Starts program and arguments; standard output can be read.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn spawn(kind: Kind, arguments: &[String]) -> io::Result<Self> {
        let [program, arguments @ ..] = arguments else { return Err(io::ErrorKind::InvalidInput.into()) };
        let mut command = Command::new(program);
        if program == OURSELVES {
            command.arg0("earthshine");
        }
        let child = command
            .args(arguments)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { kind, child, started: Instant::now() })
    }

    /// Process id; `None` once its end was waited for.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it prints; `None` if somebody has that already.
    pub(crate) fn output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills it and waits, for as long as that takes. If even SIGKILL does not end
    /// it, says so and puts it into quarantine meanwhile.
    pub(crate) async fn remove(mut self, quarantine: &Quarantine, say_stuck: impl FnOnce()) {
        let id = self.child.id().and_then(ProcessId::of);
        if let Some(id) = id {
            // A script has children of its own.
            id.signal_group(Signal::KILL);
        }
        let _ = self.child.start_kill();
        if timeout(KILL_DEADLINE, self.child.wait()).await.is_ok() {
            return;
        }
        let process = self.kind.name();
        error!(process, pid = id.map(|id| id.pid), "cannot be killed: it is stuck inside the kernel");
        say_stuck();
        if let Some(id) = id {
            quarantine.take(Captive::helper(self.kind, id));
        }
        let _ = self.child.wait().await;
        info!(process, seconds = self.started.elapsed().as_secs(), "is gone after all");
    }
}

/// Writes down where such a process hangs, as far as that can be said in a moment.
pub(crate) async fn write_evidence(kind: Kind, pid: u32, directory: &Path, reason: &str) {
    let (directory, process) = (directory.to_owned(), kind.name());
    let reason = format!("{process} {reason}");
    let writing = tokio::task::spawn_blocking(move || evidence::collect_process(&directory, process, pid, &reason));
    match timeout(EVIDENCE_DEADLINE, writing).await {
        Ok(Ok(Ok(path))) => info!(path = %path.display(), process, "evidence written"),
        Ok(Ok(Err(error))) => warn!(%error, process, "evidence not written"),
        Ok(Err(_)) | Err(_) => warn!(process, "evidence not written in time"),
    }
}

/// The running binary itself, also after its file was replaced by an upgrade.
pub(crate) const OURSELVES: &str = "/proc/self/exe";

const KILL_DEADLINE: Duration = Duration::from_secs(2);
const EVIDENCE_DEADLINE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, BufReader};

    use super::*;
    use crate::host::events::Events;

    #[tokio::test]
    async fn what_hangs_is_killed_with_what_it_has_started() {
        let quarantine = Quarantine::new(Events::new("test"));
        let script = ["/bin/sh", "-c", "sleep 60 & echo $!; wait"].map(str::to_owned);
        let mut process = HelperProcess::spawn(Kind::Gpus, &script).unwrap();
        let shell = process.pid().and_then(ProcessId::of).unwrap();
        let mut line = String::new();
        BufReader::new(process.output().unwrap()).read_line(&mut line).await.unwrap();
        let sleep = ProcessId::of(line.trim().parse().unwrap()).unwrap();
        assert!(shell.is_running() && sleep.is_running() && process.output().is_none());
        process.remove(&quarantine, || panic!("it can be killed")).await;
        assert!(!shell.exists());
        for _ in 0..200 {
            if !sleep.is_running() {
                assert_eq!(quarantine.count(), 0);
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("its child goes on");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error() {
        assert!(HelperProcess::spawn(Kind::Gpus, &["/no/such/program".to_owned()]).is_err());
        assert!(HelperProcess::spawn(Kind::Gpus, &[]).is_err());
    }
}
