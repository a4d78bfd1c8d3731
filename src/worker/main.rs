//! Entry of `earthshine worker`: from the first message to the exit status.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing::{debug, error, info, info_span};

use crate::ids::Generation;
use crate::ipc::channel::Channel;
use crate::ipc::counters_page::CountersPage;
use crate::ipc::message::{FailureKind, FromWorker, ToWorker, WorkerFailure};
use crate::stream_plan::StreamPlan;
use crate::worker::event_loop::EventLoop;
use crate::worker::last_words;

/// Runs one stream until the host says stop, the host is gone, or something
/// breaks. The exit status is 0 for the first two.
#[must_use]
pub fn main() -> ExitCode {
    die_whole_on_panic();
    // Else it is called `exe`, after the link it was started by.
    if let Err(error) = rustix::thread::set_name(PROCESS_NAME) {
        debug!(%error, "the process keeps its name");
    }
    let channel = match inherited_channel() {
        Ok(channel) => channel,
        Err(error) => {
            error!(%error, "`earthshine worker` is started by `earthshine serve`, not by hand");
            return ExitCode::from(2);
        }
    };
    let start = match wait_for_start(&channel) {
        Ok(start) => start,
        Err(error) => {
            error!(%error, "worker was not told what to stream");
            return ExitCode::from(2);
        }
    };
    last_words::keep_in(&start.counters);
    let span = info_span!("stream", session = %start.plan.session, worker = start.generation.0);
    let _entered = span.enter();
    match EventLoop::start(start, &channel).and_then(|mut event_loop| event_loop.run()) {
        Ok(()) => {
            info!("worker ends");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            error!(kind = ?failure.kind, text = failure.text, "worker fails");
            // If the host is gone, nobody needs to know.
            let _ = channel.send(&FromWorker::Failed(failure), None);
            ExitCode::FAILURE
        }
    }
}

/// What `Start` brings.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) plan: StreamPlan,
    pub(crate) generation: Generation,
    pub(crate) counters: Arc<CountersPage>,
}

fn inherited_channel() -> io::Result<Channel> {
    let socket: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::net::sockopt::socket_type(&socket)?;
    Ok(Channel::from_fd(socket))
}

fn wait_for_start(channel: &Channel) -> io::Result<Start> {
    let deadline = Instant::now() + START_DEADLINE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no Start message"));
        }
        wait_readable(channel, left.min(Duration::from_millis(900)));
        match channel.receive::<ToWorker>() {
            Ok(Some((ToWorker::Start { plan, generation }, Some(page)))) => {
                let counters = Arc::new(CountersPage::from_fd(page)?);
                return Ok(Start { plan: *plan, generation, counters });
            }
            Ok(Some(_)) => return Err(io::Error::new(io::ErrorKind::InvalidData, "first message is not Start")),
            Ok(None) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "host is gone")),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn wait_readable(channel: &Channel, patience: Duration) {
    let mut fds = [PollFd::new(channel, PollFlags::IN)];
    let patience = Timespec { tv_sec: 0, tv_nsec: i64::from(patience.subsec_nanos()) };
    // EINTR is a wake-up like any other.
    let _ = poll(&mut fds, Some(&patience));
}

/// A worker that lost one thread is no worker: let the host start another.
/// Release builds abort anyway.
fn die_whole_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        last_words::say(&panic.to_string());
        report(panic);
        std::process::abort();
    }));
}

/// A failure to start something the stream cannot do without.
pub(crate) fn cannot_start(what: &str, error: &dyn std::fmt::Display) -> WorkerFailure {
    WorkerFailure { kind: FailureKind::Internal, text: format!("{what}: {error}") }
}

/// As `ps` and `top` show it; the kernel keeps 15 bytes.
const PROCESS_NAME: &CStr = c"earthshine-work";

/// The host sends `Start` right after the spawn.
const START_DEADLINE: Duration = Duration::from_secs(5);
