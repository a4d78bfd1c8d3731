//! One worker process: spawned, spoken to, waited for, killed.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::desktop::process::ProcessId;
use crate::desktop::watched::WatchedProcess;
use crate::ids::Generation;
use crate::ipc::channel::Channel;
use crate::ipc::counters_page::CountersPage;
use crate::ipc::message::{FromWorker, ToWorker};
use crate::stream_plan::StreamPlan;

/// A running worker.
#[derive(Debug)]
pub(crate) struct WorkerProcess {
    process: Process,
    pid: u32,
    pidfd: OwnedFd,
    channel: Arc<AsyncFd<Channel>>,
    channel_open: bool,
}

/// Who started it.
#[derive(Debug)]
enum Process {
    /// This host.
    Child(Child),
    /// A host before this one: how it ends is not told to us.
    Inherited(WatchedProcess),
}

impl Process {
    /// Waits for its end. Cancel-safe.
    async fn ended(&mut self) -> Option<ExitStatus> {
        match self {
            Self::Child(child) => child.wait().await.ok(),
            Self::Inherited(process) => {
                process.ended().await;
                None
            }
        }
    }
}

/// What a worker does next.
#[derive(Debug)]
pub(crate) enum WorkerEvent {
    /// It said something.
    Message(FromWorker),
    /// It is gone; how is known of our own children only.
    Exited(Option<ExitStatus>),
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
        let ended = || io::Error::other("worker ended while it was started");
        let pid = child.id().ok_or_else(ended)?;
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(ended)?;
        let pidfd = pidfd_open(number, PidfdFlags::empty())?;
        let channel = waitable(ours)?;
        let start = ToWorker::Start { plan: Box::new(plan.clone()), generation };
        channel.get_ref().send(&start, Some(counters.as_fd()))?;
        Ok(Self { process: Process::Child(child), pid, pidfd, channel, channel_open: true })
    }

    /// Goes on with one that a host before this one started, from our end of
    /// its channel and its pidfd.
    ///
    /// # Errors
    /// `NotFound` if it has ended; what the kernel says.
    pub(crate) fn adopt(channel: OwnedFd, pidfd: OwnedFd) -> io::Result<Self> {
        let process = WatchedProcess::behind(&pidfd)?;
        let pid = process.id().pid;
        let channel = waitable(Channel::from_fd(channel))?;
        Ok(Self { process: Process::Inherited(process), pid, pidfd, channel, channel_open: true })
    }

    /// Process id.
    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// The process as a descriptor.
    pub(crate) const fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
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
                status = self.process.ended() => return WorkerEvent::Exited(status),
            }
        }
    }

    /// Asks the worker to end, and kills it if it does not. Returns what is
    /// left of it: it is stuck inside the kernel then.
    pub(crate) async fn stop(mut self) -> Option<ProcessId> {
        let asked = self.channel.get_ref().send(&ToWorker::Stop, None).is_ok();
        if asked && timeout(STOP_GRACE, self.process.ended()).await.is_ok() {
            return None;
        }
        self.kill().await
    }

    /// Sends SIGKILL and does not wait. An error would mean that the worker is
    /// gone already.
    pub(crate) fn kill_now(&mut self) {
        let _ = match &mut self.process {
            Process::Child(child) => child.start_kill().is_ok(),
            Process::Inherited(process) => process.signal(Signal::KILL),
        };
    }

    /// Kills the worker. Returns what is left of it, as [`stop`](Self::stop).
    pub(crate) async fn kill(mut self) -> Option<ProcessId> {
        self.kill_now();
        match timeout(KILL_DEADLINE, self.process.ended()).await {
            Ok(_) => None,
            // Nobody has waited for it, so the number is still its own.
            Err(_) => ProcessId::of(self.pid),
        }
    }
}

/// Our end of a channel, to be waited for.
fn waitable(channel: Channel) -> io::Result<Arc<AsyncFd<Channel>>> {
    // tokio's new name for this is unsafe, because a descriptor might change
    // behind its back; a Channel owns one and keeps it.
    #[allow(deprecated, reason = "the only safe way to wait for a seqpacket socket")]
    AsyncFd::new(channel).map(Arc::new)
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
