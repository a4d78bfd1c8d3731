//! One worker process: spawned, spoken to, waited for, killed.

use std::io;
use std::os::fd::AsFd;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::desktop::process::ProcessId;
use crate::ids::Generation;
use crate::ipc::channel::Channel;
use crate::ipc::counters_page::CountersPage;
use crate::ipc::message::{FromWorker, ToWorker};
use crate::stream_plan::StreamPlan;

/// A running worker.
#[derive(Debug)]
pub(crate) struct WorkerProcess {
    child: Child,
    pid: u32,
    channel: Arc<AsyncFd<Channel>>,
    channel_open: bool,
}

/// What a worker does next.
#[derive(Debug)]
pub(crate) enum WorkerEvent {
    /// It said something.
    Message(FromWorker),
    /// It is gone.
    Exited(ExitStatus),
}

impl WorkerProcess {
    /// Starts `earthshine worker` and tells it what to stream.
    ///
    /// # Errors
    /// What `socketpair`, `fork` or `exec` report.
    pub(crate) fn spawn(plan: &StreamPlan, generation: Generation, counters: &CountersPage) -> io::Result<Self> {
        let (ours, theirs) = Channel::pair()?;
        let child = Command::new(OURSELVES)
            .arg0("earthshine")
            .arg("worker")
            .envs(NO_SOUND_FILES)
            // The service manager's business is with the host alone.
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::from(theirs.into_fd()))
            .stdout(Stdio::null())
            // A signal to the host's terminal is the host's business.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("worker ended while it was started"))?;
        // tokio's new name for this is unsafe, because a descriptor might change
        // behind its back; a Channel owns one and keeps it.
        #[allow(deprecated, reason = "the only safe way to wait for a seqpacket socket")]
        let channel = Arc::new(AsyncFd::new(ours)?);
        let start = ToWorker::Start { plan: Box::new(plan.clone()), generation };
        channel.get_ref().send(&start, Some(counters.as_fd()))?;
        Ok(Self { child, pid, channel, channel_open: true })
    }

    /// Process id.
    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Our end of its channel.
    pub(crate) fn channel(&self) -> Arc<AsyncFd<Channel>> {
        Arc::clone(&self.channel)
    }

    /// Waits for what the worker does next. Cancel-safe.
    pub(crate) async fn next_event(&mut self) -> WorkerEvent {
        loop {
            tokio::select! {
                biased;
                message = receive(&self.channel), if self.channel_open => match message {
                    Some(message) => return WorkerEvent::Message(message),
                    None => self.channel_open = false,
                },
                status = self.child.wait() => return WorkerEvent::Exited(status.unwrap_or_default()),
            }
        }
    }

    /// Asks the worker to end, and kills it if it does not. Returns what is
    /// left of it: it is stuck inside the kernel then.
    pub(crate) async fn stop(mut self) -> Option<ProcessId> {
        let asked = self.channel.get_ref().send(&ToWorker::Stop, None).is_ok();
        if asked && timeout(STOP_GRACE, self.child.wait()).await.is_ok() {
            return None;
        }
        self.kill().await
    }

    /// Sends SIGKILL and does not wait. An error would mean that the worker is
    /// gone already.
    pub(crate) fn kill_now(&mut self) {
        let _ = self.child.start_kill();
    }

    /// Kills the worker. Returns what is left of it, as [`stop`](Self::stop).
    pub(crate) async fn kill(mut self) -> Option<ProcessId> {
        self.kill_now();
        match timeout(KILL_DEADLINE, self.child.wait()).await {
            Ok(_) => None,
            // Nobody has waited for it, so the number is still its own.
            Err(_) => ProcessId::of(self.pid),
        }
    }
}

async fn receive(channel: &AsyncFd<Channel>) -> Option<FromWorker> {
    loop {
        let mut ready = channel.readable().await.ok()?;
        match ready.try_io(|channel| channel.get_ref().receive::<FromWorker>()) {
            Ok(Ok(Some((message, _)))) => return Some(message),
            Ok(Ok(None) | Err(_)) => return None,
            Err(_would_block) => {}
        }
    }
}

/// The running binary itself, also after its file was replaced by an upgrade.
const OURSELVES: &str = "/proc/self/exe";

/// libpulse reads the settings of whoever started the host, and makes a cookie
/// in the configuration directory of their home; the sound servers of desktops
/// want neither. A directory that cannot be: a cookie file that is named but
/// cannot be written sends libpulse back to the home.
const NO_SOUND_FILES: [(&str, &str); 2] = [("XDG_CONFIG_HOME", "/dev/null"), ("PULSE_CLIENTCONFIG", "/dev/null")];

/// How long a worker may take to end in order.
const STOP_GRACE: Duration = Duration::from_millis(500);

/// How long the kernel may take to end a killed worker.
const KILL_DEADLINE: Duration = Duration::from_secs(2);
