//! The workers of one connection, one after the other.
//!
//! A stream outlives its workers: the counters page, the connected sockets and
//! the plan stay, so that a successor goes on where a dead worker stopped and
//! the client sees a short freeze.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::config::directories::Directories;
use crate::desktop;
use crate::gpu::GpuAddress;
use crate::host::adoption::connection_state::StreamState;
use crate::host::adoption::kept_stream::{KeptStream, LeftWorker};
use crate::host::doubt::Blame;
use crate::host::events::{Event, Events};
use crate::host::media_ports;
use crate::host::sessions::encoder_order::{self, EncoderOrder};
use crate::host::sessions::left_gpu::{self, LeftGpu};
use crate::host::sessions::network::Network;
use crate::host::sessions::shared::Shared;
pub(crate) use crate::host::sessions::stream_event::{Cause, StreamEvent};
use crate::host::sessions::ticket::Ticket;
use crate::host::supervisor::evidence::{self, Subject};
use crate::host::supervisor::quarantine::{Captive, Quarantine};
use crate::host::supervisor::restart::{RestartPolicy, Verdict};
use crate::host::supervisor::scheduling;
use crate::host::supervisor::watchdog::{Finding, Hang, Watchdog};
use crate::host::supervisor::worker_link::WorkerLink;
use crate::host::supervisor::worker_process::{WorkerEvent, WorkerProcess};
use crate::ids::{Generation, SessionId};
use crate::ipc::counters_page::{Counter, CountersPage};
use crate::ipc::message::{FailureKind, FromWorker, MediaKind, ToWorker, WorkerFailure};
use crate::stream_plan::{EncoderFamily, Source, StreamPlan};

/// A stream with its current worker.
#[derive(Debug)]
pub(crate) struct Stream {
    plan: StreamPlan,
    counters: Arc<CountersPage>,
    network: Arc<Network>,
    link: WorkerLink,
    /// For workers that do not die.
    quarantine: Quarantine,
    generation: Generation,
    worker: WorkerProcess,
    watchdog: Watchdog,
    policy: RestartPolicy,
    failure: Option<WorkerFailure>,
    sockets: Vec<Attached>,
    restarts: u32,
    sound_hangs: u64,
    encoder: String,
    /// The GPU that it is on, if it is on one.
    gpu: Option<GpuAddress>,
    /// Workers died on its GPU, and it was left for another.
    left_gpu: Option<LeftGpu>,
    encoders: EncoderOrder,
    /// The worker is dead, and its successor has to wait.
    resting: bool,
    /// When the successor is due, if a pause was decided.
    due: Option<Instant>,
    /// Frames that its predecessors had captured when the worker started.
    captured_before: u64,
    /// For the host that comes after this one.
    kept: KeptStream,
}

/// A socket that every worker of the stream gets.
#[derive(Debug)]
struct Attached {
    kind: MediaKind,
    peer: SocketAddr,
    socket: UdpSocket,
}

impl Stream {
    /// Starts the first worker.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn start(plan: StreamPlan, ticket: &Ticket, shared: &Shared) -> io::Result<Self> {
        let counters = CountersPage::create()?;
        let generation = Generation(0);
        let worker = WorkerProcess::spawn(&plan, generation, &counters)?;
        info!(session = %plan.session, pid = worker.pid(), "worker started");
        let kept = KeptStream::new(shared.keeper.clone(), plan.session);
        Ok(Self::with_worker(worker, generation, plan, counters, kept, ticket, shared))
    }

    fn with_worker(
        worker: WorkerProcess,
        generation: Generation,
        plan: StreamPlan,
        counters: CountersPage,
        kept: KeptStream,
        ticket: &Ticket,
        shared: &Shared,
    ) -> Self {
        kept.worker(&worker);
        kept.counters(&counters);
        kept.checkpoint(&ticket.checkpoint);
        ticket.worker.set(Some(worker.channel()));
        let (pid, counters) = (worker.pid(), Arc::new(counters));
        let config = shared.config.now().network;
        let (link, events) = (ticket.worker.clone(), shared.events.clone());
        let network = Network::new(plan.session, &plan.video, config, Arc::clone(&counters), link, events);
        // A connection has one stream.
        let _ = ticket.network.set(Arc::clone(&network));
        Self {
            plan,
            counters,
            network,
            link: ticket.worker.clone(),
            quarantine: shared.supervision.quarantine.clone(),
            generation,
            worker,
            watchdog: Watchdog::new(pid, Instant::now()),
            policy: RestartPolicy::default(),
            failure: None,
            sockets: Vec::new(),
            restarts: 0,
            sound_hangs: 0,
            encoder: String::new(),
            gpu: None,
            left_gpu: None,
            encoders: EncoderOrder::default(),
            resting: false,
            due: None,
            captured_before: 0,
            kept,
        }
    }

    /// Goes on with a stream that a host before this one began: with its worker
    /// if that runs, or else with a successor.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) async fn adopt(
        state: StreamState,
        left: LeftWorker,
        kept: KeptStream,
        ticket: &Ticket,
        shared: &Shared,
    ) -> io::Result<Self> {
        let session = state.plan.session;
        let fits = state.page_layout == CountersPage::LAYOUT;
        let worker = match WorkerProcess::adopt(left.channel, left.process) {
            Ok(worker) if fits => Some(worker),
            Ok(worker) => {
                info!(%session, "the worker counts as another version of this program does");
                if let Some(process) = worker.kill().await {
                    shared.supervision.quarantine.take(Captive::worker(session, process));
                }
                None
            }
            Err(error) => {
                warn!(%session, %error, "the worker has not outlived its host");
                None
            }
        };
        let counters =
            if fits { CountersPage::from_fd(left.counters)? } else { CountersPage::carry_over(left.counters)? };
        let goes_on = worker.is_some();
        // The host may have died between a start of a worker and writing that
        // down: no number is given twice.
        let steps = if goes_on { 1 } else { 2 };
        let used_up = || io::Error::other("too many workers");
        let generation = Generation(state.generation.0.checked_add(steps).ok_or_else(used_up)?);
        let worker = match worker {
            Some(worker) => worker,
            None => {
                counters.reset_beats();
                WorkerProcess::spawn(&state.plan, generation, &counters)?
            }
        };
        let mut stream = Self::with_worker(worker, generation, state.plan, counters, kept, ticket, shared);
        stream.restarts = state.restarts;
        stream.sound_hangs = stream.counters.get(Counter::SoundServerHangs);
        for (kind, socket) in [(MediaKind::Video, left.video), (MediaKind::Audio, left.audio)] {
            let peer = state.peers.iter().find(|(of, _)| *of == kind).map(|(_, peer)| *peer);
            if let (Some(peer), Some(socket)) = (peer, socket) {
                stream.keep_socket(Attached { kind, peer, socket });
            }
        }
        if goes_on {
            stream.watchdog.ready();
            (stream.encoder, stream.captured_before) = (state.encoder, state.captured_before);
            stream.gpu = state.gpu;
        } else {
            stream.restarts += 1;
            stream.captured_before = stream.counters.get(Counter::FramesCaptured);
            stream.hand_over_sockets();
        }
        info!(%session, pid = stream.worker.pid(), goes_on, "stream adopted");
        Ok(stream)
    }

    /// For a host that goes on with it.
    pub(crate) fn state(&self) -> StreamState {
        StreamState {
            plan: self.plan.clone(),
            generation: self.generation,
            restarts: self.restarts,
            encoder: self.encoder.clone(),
            gpu: self.gpu.clone(),
            peers: self.sockets.iter().map(|attached| (attached.kind, attached.peer)).collect(),
            captured_before: self.captured_before,
            page_layout: CountersPage::LAYOUT,
        }
    }

    /// What the stream is made of.
    pub(crate) const fn plan(&self) -> &StreamPlan {
        &self.plan
    }

    /// The counters that all its workers share.
    pub(crate) const fn counters(&self) -> &Arc<CountersPage> {
        &self.counters
    }

    /// What it does on a bad network.
    pub(crate) const fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// Process id of the current worker, 0 while its successor has to wait.
    pub(crate) const fn worker_pid(&self) -> u32 {
        if self.resting { 0 } else { self.worker.pid() }
    }

    /// Workers started after the first.
    pub(crate) const fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Name of the encoder, empty until a worker is ready.
    pub(crate) fn encoder(&self) -> &str {
        &self.encoder
    }

    /// The GPU that it is on, if it is on one.
    pub(crate) const fn gpu(&self) -> Option<&GpuAddress> {
        self.gpu.as_ref()
    }

    /// Why its GPU was left, if workers died on it.
    pub(crate) const fn left_gpu(&self) -> Option<&LeftGpu> {
        self.left_gpu.as_ref()
    }

    /// Waits for what the worker does next. Cancel-safe.
    pub(crate) async fn next_event(&mut self) -> StreamEvent {
        if self.resting {
            let Some(due) = self.due else { return std::future::pending().await };
            tokio::time::sleep_until(due.into()).await;
            return StreamEvent::Due;
        }
        loop {
            match self.worker.next_event().await {
                WorkerEvent::Message(FromWorker::Ready { encoder, gpu, passed_over }) => {
                    self.watchdog.ready();
                    (self.encoder, self.gpu) = (encoder, gpu);
                    self.encoders.is_open();
                    return StreamEvent::Ready { passed_over };
                }
                WorkerEvent::Message(FromWorker::Shows { number }) => {
                    if number == self.plan.source_number {
                        return StreamEvent::Shows;
                    }
                }
                WorkerEvent::Message(FromWorker::Opens { family }) => {
                    self.watchdog.opens((family != EncoderFamily::Software).then(Instant::now));
                    self.encoders.opens(family);
                }
                WorkerEvent::Message(FromWorker::Failed(failure)) => self.failure = Some(failure),
                WorkerEvent::Exited(status) => {
                    let died = || Cause::Died(format!("worker ended: {}", describe(status)));
                    return StreamEvent::Down(self.failure.take().map_or_else(died, Cause::Failed));
                }
            }
        }
    }

    /// Looks whether the worker still moves, and tells if it only gets no
    /// processor.
    pub(crate) fn check(&mut self, now: Instant, events: &Events) -> Option<Cause> {
        if self.resting {
            return None;
        }
        let hang = match self.watchdog.check(&self.counters, now, scheduling::tasks)? {
            Finding::Hangs(hang) => hang,
            Finding::Starves(thread) => {
                let (session_id, pid) = (self.plan.session, self.worker.pid());
                let cause = format!("worker thread {} waits for a processor", thread.name());
                warn!(session = %session_id, pid, cause, "worker is starved");
                events.publish(Event::WorkerStarved { session_id, pid, cause });
                return None;
            }
        };
        Some(Cause::Hung(match (hang, self.encoders.opening()) {
            (Hang::Opening, Some(family)) => format!("{} {hang}", family.name()),
            _ => hang.to_string(),
        }))
    }

    /// What the current worker, dead of `cause`, says against the source it is to
    /// show; not what it says against one that it was still leaving.
    pub(crate) fn blame(&self, cause: &Cause) -> Option<Blame> {
        let kind = cause.blame().filter(|kind| kind.source_number() == Some(self.plan.source_number))?;
        let captured = self.counters.get(Counter::FramesCaptured) > self.captured_before;
        Some(Blame { silent: matches!(kind, FailureKind::Silence { .. }), captured })
    }

    /// Whether the worker has found its sound server hanging since the last
    /// call.
    pub(crate) fn sound_server_hangs(&mut self) -> bool {
        let hangs = self.counters.get(Counter::SoundServerHangs);
        std::mem::replace(&mut self.sound_hangs, hangs) < hangs
    }

    /// Connects a media socket to the client's address and hands it over.
    /// A PING from where we already send changes nothing, and `false` says so.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn attach(&mut self, kind: MediaKind, local: SocketAddr, peer: SocketAddr) -> io::Result<bool> {
        if self.sockets.iter().any(|attached| attached.kind == kind && attached.peer == peer) {
            return Ok(false);
        }
        let socket = media_ports::connect(local, peer)?;
        info!(session = %self.plan.session, ?kind, %peer, "media connected");
        self.link.send(&ToWorker::Socket(kind), Some(socket.as_fd()));
        self.keep_socket(Attached { kind, peer, socket });
        Ok(true)
    }

    fn keep_socket(&mut self, new: Attached) {
        self.kept.socket(new.kind, &new.socket);
        self.sockets.retain(|attached| attached.kind != new.kind);
        self.sockets.push(new);
    }

    fn hand_over_sockets(&self) {
        for attached in &self.sockets {
            self.link.send(&ToWorker::Socket(attached.kind), Some(attached.socket.as_fd()));
        }
    }

    /// Takes picture, sound and input from somewhere else from now on;
    /// [`StreamEvent::Shows`] tells when that has happened.
    pub(crate) fn switch(&mut self, source: Source) {
        self.plan.source_number = self.plan.source_number.wrapping_add(1);
        let number = self.plan.source_number;
        self.plan.source = source.clone();
        self.link.send(&ToWorker::Switch { source, number }, None);
    }

    /// The worker is down, and is not replaced before
    /// [`replace`](Self::replace) is called.
    pub(crate) fn rest(&mut self) {
        self.resting = true;
    }

    /// Replaces the worker after `cause`, at once or, if others died before it,
    /// after a pause; then [`succeed`](Self::succeed) is to be called at
    /// [`StreamEvent::Due`]. Returns whether there is or will be a successor:
    /// not after too many deaths.
    ///
    /// # Errors
    /// What the kernel says to the new worker.
    pub(crate) async fn replace(&mut self, cause: &Cause, shared: &Shared) -> io::Result<bool> {
        if let Some(path) = self.write_evidence(cause, &shared.directories).await {
            let (session_id, path) = (self.plan.session, path.display().to_string());
            shared.events.publish(Event::EvidenceWritten { session_id, path });
        }
        self.link.set(None);
        // The old worker's threads must not beat on the page of the new one.
        self.worker.kill_now();
        // What is wrong with the source is judged by whoever owns that.
        let at_once = Verdict::After(Duration::ZERO);
        let failed = matches!(cause, Cause::Failed(_));
        let opening = self.encoders.worker_died(failed, &mut self.plan.video.encoders);
        let verdict = if cause.blame().is_some() { at_once } else { self.policy.judge(Instant::now()) };
        match verdict {
            Verdict::Never => Ok(false),
            Verdict::After(pause) if pause.is_zero() => self.succeed(),
            Verdict::After(pause) => {
                warn!(session = %self.plan.session, ?pause, cause = cause.text(), "worker will be replaced");
                if !opening && !self.leave_gpu(cause) {
                    encoder_order::pass_over(&self.encoder, &mut self.plan.video.encoders);
                }
                self.resting = true;
                self.due = Some(Instant::now() + pause);
                Ok(true)
            }
        }
    }

    /// A second death may be the GPU's doing: where there is another, that is tried
    /// first, once, and with as many deaths to come as for a stream that begins.
    fn leave_gpu(&mut self, cause: &Cause) -> bool {
        if self.left_gpu.is_none() {
            self.left_gpu = left_gpu::leave(&mut self.plan.video, &self.encoder, cause.text());
            if let Some(left) = &self.left_gpu {
                warn!(session = %self.plan.session, left = %left.gpu, gpu = ?self.plan.video.gpu, "another GPU");
                self.policy = RestartPolicy::default();
                return true;
            }
        }
        false
    }

    /// Starts a worker in place of the dead one. Returns whether there is one:
    /// not if generations are used up.
    ///
    /// # Errors
    /// What the kernel says to the new worker.
    pub(crate) fn succeed(&mut self) -> io::Result<bool> {
        let Some(next) = self.generation.0.checked_add(1) else { return Ok(false) };
        (self.resting, self.due) = (false, None);
        self.counters.reset_beats();
        self.captured_before = self.counters.get(Counter::FramesCaptured);
        self.generation = Generation(next);
        let worker = WorkerProcess::spawn(&self.plan, self.generation, &self.counters)?;
        let old = std::mem::replace(&mut self.worker, worker);
        reap(old, self.plan.session, self.quarantine.clone());
        self.watchdog = Watchdog::new(self.worker.pid(), Instant::now());
        self.restarts += 1;
        warn!(session = %self.plan.session, pid = self.worker.pid(), order = ?self.plan.video.encoders, "worker replaced");
        self.kept.worker(&self.worker);
        self.link.set(Some(self.worker.channel()));
        self.hand_over_sockets();
        Ok(true)
    }

    /// Ends the stream's worker.
    pub(crate) async fn stop(self) {
        self.link.set(None);
        if let Some(process) = self.worker.stop().await {
            self.quarantine.take(Captive::worker(self.plan.session, process));
        }
    }

    async fn write_evidence(&self, cause: &Cause, directories: &Directories) -> Option<PathBuf> {
        let desktop_logs = match &self.plan.source {
            Source::Desktop { wayland, .. } => desktop::logs_behind(wayland, &directories.logs()),
            Source::TestCard => Vec::new(),
        };
        let subject = Subject {
            session: self.plan.session,
            generation: self.generation,
            pid: self.worker.pid(),
            reason: cause.text().to_owned(),
            restarts: self.restarts,
            plan: self.plan.clone(),
            desktop_logs,
        };
        let (directory, counters) = (directories.evidence(), Arc::clone(&self.counters));
        let writing = tokio::task::spawn_blocking(move || evidence::collect(&directory, &subject, &counters));
        match tokio::time::timeout(EVIDENCE_DEADLINE, writing).await {
            Ok(Ok(Ok(path))) => {
                info!(session = %self.plan.session, path = %path.display(), "evidence written");
                return Some(path);
            }
            Ok(Ok(Err(error))) => warn!(session = %self.plan.session, %error, "evidence not written"),
            Ok(Err(_)) | Err(_) => warn!(session = %self.plan.session, "evidence not written in time"),
        }
        None
    }
}

/// Waits for a killed worker elsewhere: the stream must not.
fn reap(worker: WorkerProcess, session: SessionId, quarantine: Quarantine) {
    tokio::spawn(async move {
        if let Some(process) = worker.kill().await {
            quarantine.take(Captive::worker(session, process));
        }
    });
}

fn describe(status: Option<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    let Some(status) = status else { return "its status went to an earlier host".to_owned() };
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown status".to_owned(),
    }
}

/// How long evidence may delay the successor. It takes some ten milliseconds;
/// on a machine without a free core more.
const EVIDENCE_DEADLINE: Duration = Duration::from_millis(500);
