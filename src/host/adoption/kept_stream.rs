//! What the keeper holds of a session's stream, so that its worker and its
//! client do not notice if the host dies.

use std::net::UdpSocket;
use std::os::fd::OwnedFd;

use tracing::warn;

use crate::host::adoption::keeper::{Inherited, Keeper, end_worker};
use crate::host::sessions::checkpoint::Checkpoint;
use crate::host::supervisor::worker_process::WorkerProcess;
use crate::ids::SessionId;
use crate::ipc::counters_page::CountersPage;
use crate::ipc::keeping::process_name;
use crate::ipc::message::MediaKind;

/// The keeper, as far as one stream is concerned. When this is dropped, it lets
/// go of all that it holds of the stream.
#[derive(Debug)]
pub(crate) struct KeptStream {
    keeper: Keeper,
    session: SessionId,
}

impl KeptStream {
    /// Of a stream that begins or goes on.
    pub(crate) const fn new(keeper: Keeper, session: SessionId) -> Self {
        Self { keeper, session }
    }

    /// Has the stream's current worker held, in place of an earlier one.
    pub(crate) fn worker(&self, worker: &WorkerProcess) {
        self.keeper.keep(process_name(self.session), worker.pidfd());
        self.keeper.keep(name(self.session, CHANNEL), worker.channel().get_ref());
    }

    /// Has the counters held that all workers of the stream share.
    pub(crate) fn counters(&self, counters: &CountersPage) {
        self.keeper.keep(name(self.session, COUNTERS), counters);
    }

    /// Has a socket held that every worker of the stream gets.
    pub(crate) fn socket(&self, kind: MediaKind, socket: &UdpSocket) {
        self.keeper.keep(name(self.session, socket_name(kind)), socket);
    }

    /// Has the state of the client's control connection held.
    pub(crate) fn checkpoint(&self, checkpoint: &Checkpoint) {
        self.keeper.keep(name(self.session, CONTROL), checkpoint);
    }
}

impl Drop for KeptStream {
    fn drop(&mut self) {
        self.keeper.forget(process_name(self.session));
        for what in [CHANNEL, COUNTERS, VIDEO, AUDIO, CONTROL] {
            self.keeper.forget(name(self.session, what));
        }
    }
}

/// What the keeper of a dead host held of a session's stream.
#[derive(Debug)]
pub(crate) struct LeftStream {
    pub(crate) control: Checkpoint,
    pub(crate) worker: LeftWorker,
    pub(crate) kept: KeptStream,
}

/// What belongs to its worker, or to a successor.
#[derive(Debug)]
pub(crate) struct LeftWorker {
    /// A pidfd.
    pub(crate) process: OwnedFd,
    /// The host's end of its channel.
    pub(crate) channel: OwnedFd,
    pub(crate) counters: OwnedFd,
    pub(crate) video: Option<UdpSocket>,
    pub(crate) audio: Option<UdpSocket>,
}

impl LeftStream {
    /// Takes it; `None` if there is none, or not all of it. `keeper` holds it also.
    pub(crate) fn take(inherited: &mut Inherited, keeper: &Keeper, session: SessionId) -> Option<Self> {
        let kept = KeptStream::new(keeper.clone(), session);
        let process = inherited.take(&process_name(session));
        let mut take = |what| inherited.take(&name(session, what));
        let (channel, counters, control) = (take(CHANNEL), take(COUNTERS), take(CONTROL));
        let [video, audio] = [VIDEO, AUDIO].map(|what| take(what).map(UdpSocket::from));
        let worker = LeftWorker { process: process?, channel: channel?, counters: counters?, video, audio };
        match Checkpoint::from_fd(control?) {
            Ok(control) => Some(Self { control, worker, kept }),
            Err(error) => {
                warn!(%session, %error, "the state of its control connection cannot be used");
                None
            }
        }
    }

    /// Ends it: it does not go on. Needs a tokio runtime.
    pub(crate) fn end(self) {
        end_worker(self.worker.process);
    }
}

fn name(session: SessionId, what: &str) -> String {
    format!("session {session} {what}")
}

const fn socket_name(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Video => VIDEO,
        MediaKind::Audio => AUDIO,
    }
}

const CHANNEL: &str = "channel";
const COUNTERS: &str = "counters";
const VIDEO: &str = "video";
const AUDIO: &str = "audio";
const CONTROL: &str = "control";
