//! The worker's main thread: starts the others, carries messages to them, and
//! notices when one ends.

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use tracing::{debug, info, warn};

use crate::ids::Generation;
use crate::ipc::channel::Channel;
use crate::ipc::counters_page::{Counter, CountersPage, WorkerThread};
use crate::ipc::flight_recorder::What;
use crate::ipc::message::{FailureKind, FromWorker, MediaKind, PassedOver, ToWorker, WorkerFailure};
use crate::stream_plan::{Source, StreamPlan};
use crate::worker::audio;
use crate::worker::capture::{self, NumberedSource, SourceFailure};
use crate::worker::encode;
use crate::worker::encode::select::Selected;
use crate::worker::encode::thread::{EncodeOrder, Progress};
use crate::worker::frame::Frame;
use crate::worker::heartbeat::{LONGEST_WAIT, Pulse};
use crate::worker::imports::Imports;
use crate::worker::input::{self, InputCommand};
use crate::worker::main::{Start, cannot_start};
use crate::worker::send;
use crate::worker::send::thread::SendOrder;
use crate::worker::sent_frames::SentFrames;
use crate::worker::slot::Slot;
use crate::worker::urgency;

/// The main thread's state.
#[derive(Debug)]
pub(crate) struct EventLoop<'a> {
    channel: &'a Channel,
    pulse: Pulse,
    stop: Arc<AtomicBool>,
    wake: Arc<OwnedFd>,
    ended: Receiver<ThreadEnd>,
    threads: Vec<JoinHandle<()>>,
    encode_orders: SyncSender<EncodeOrder>,
    send_orders: SyncSender<SendOrder>,
    audio_sockets: SyncSender<UdpSocket>,
    capture_switch: SyncSender<NumberedSource>,
    audio_switch: SyncSender<Source>,
    input: SyncSender<InputCommand>,
}

/// A thread has returned.
#[derive(Debug)]
struct ThreadEnd {
    thread: WorkerThread,
    failure: Option<WorkerFailure>,
}

impl<'a> EventLoop<'a> {
    /// Starts all threads.
    ///
    /// # Errors
    /// When the kernel refuses a thread or descriptor.
    pub(crate) fn start(start: Start, channel: &'a Channel) -> Result<Self, WorkerFailure> {
        let Start { plan, generation, counters } = start;
        let plan = Arc::new(plan);
        let stop = Arc::new(AtomicBool::new(false));
        let wake = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)
            .map_err(|error| cannot_start("eventfd", &error))?;
        let wake = Arc::new(wake);
        let slot: Arc<Slot<Frame>> = Arc::default();
        let imports: Arc<Imports> = Arc::default();
        let (encode_orders, order_inbox) = mpsc::sync_channel(ORDERS);
        let (frames_out, frames_in) = mpsc::sync_channel(FRAMES_IN_FLIGHT);
        let (send_orders, send_order_inbox) = mpsc::sync_channel(SEND_ORDERS);
        let (audio_sockets, audio_socket_inbox) = mpsc::sync_channel(SOCKETS);
        let (capture_switch, capture_switch_inbox) = mpsc::sync_channel(SWITCHES);
        let (audio_switch, audio_switch_inbox) = mpsc::sync_channel(SWITCHES);
        let (input, input_inbox) = mpsc::sync_channel(INPUTS);
        let (report, ended) = mpsc::channel();

        let mut spawner = Spawner { plan, generation, counters, stop, wake, report, threads: Vec::new() };
        spawner.spawn(WorkerThread::Capture, {
            let slot = Arc::clone(&slot);
            let (orders, voice) = (encode_orders.clone(), Voice::new(channel)?);
            let imports = Arc::clone(&imports);
            move |plan, pulse| {
                let shows = |number| {
                    order(&orders, EncodeOrder::NewSource);
                    voice.say(&FromWorker::Shows { number });
                };
                let first = NumberedSource { source: plan.source.clone(), number: plan.source_number };
                capture::run(first, &plan.video, &imports, &slot, &capture_switch_inbox, shows, pulse)
                    .map_err(|failed| failure(blame(&failed), &failed.error))
            }
        })?;
        let voice = Voice::new(channel)?;
        let sent: Arc<SentFrames> = Arc::default();
        spawner.spawn(WorkerThread::Encode, {
            let sent = Arc::clone(&sent);
            move |plan, pulse| {
                let real_time = plan.real_time;
                let tell = |progress: Progress<'_>| match progress {
                    Progress::Opens(family) => voice.say(&FromWorker::Opens { family }),
                    Progress::Open(selected) => {
                        if real_time {
                            urgency::raise_encode(selected.family);
                        }
                        if let Some(importable) = selected.encoder.imports() {
                            imports.tell(importable);
                        }
                        voice.say(&ready(selected));
                    }
                };
                encode::thread::run(&plan.video, &slot, &order_inbox, &frames_out, &sent, pulse, tell)
                    .map_err(|error| failure(FailureKind::Encoder, &error))
            }
        })?;
        spawner.spawn(WorkerThread::Send, {
            let orders = encode_orders.clone();
            move |plan, pulse| {
                let client_is_there = || order(&orders, EncodeOrder::Start);
                send::thread::run(plan, generation, frames_in, send_order_inbox, client_is_there, &sent, pulse)
                    .map_err(|error| failure(FailureKind::Internal, &error))
            }
        })?;
        spawner.spawn(WorkerThread::Audio, move |plan, pulse| {
            audio::thread::run(plan, audio_socket_inbox, audio_switch_inbox, pulse);
            Ok(())
        })?;
        spawner.spawn(WorkerThread::Input, move |plan, pulse| {
            input::run(&plan.source, plan.video.size, plan.pointer, &input_inbox, pulse);
            Ok(())
        })?;

        let Spawner { counters, stop, wake, threads, .. } = spawner;
        let pulse = Pulse::new(WorkerThread::Main, counters, Arc::clone(&stop));
        Ok(Self {
            channel,
            pulse,
            stop,
            wake,
            ended,
            threads,
            encode_orders,
            send_orders,
            audio_sockets,
            capture_switch,
            audio_switch,
            input,
        })
    }

    /// Carries messages until the end.
    ///
    /// # Errors
    /// The failure of the first thread that could not go on.
    pub(crate) fn run(&mut self) -> Result<(), WorkerFailure> {
        let result = self.carry_messages();
        self.pulse.note(What::Stopped, 0, 0);
        self.stop.store(true, Ordering::Release);
        self.join_threads();
        result
    }

    /// Why the worker cannot go on. A thread that fails takes those with it that wait for
    /// its work, and one of these may be the first to be heard of.
    fn cause(&self, first: ThreadEnd) -> WorkerFailure {
        let name = first.thread.name();
        let others = || self.ended.recv_timeout(FAILURE_GRACE).ok();
        let failure = first.failure.or_else(|| std::iter::from_fn(others).find_map(|end| end.failure));
        let text = format!("thread {name} ended by itself");
        failure.unwrap_or(WorkerFailure { kind: FailureKind::Internal, text })
    }

    fn carry_messages(&mut self) -> Result<(), WorkerFailure> {
        loop {
            // Nobody sets `stop` but this thread, after this loop.
            let _ = self.pulse.beat();
            self.wait();
            if let Ok(end) = self.ended.try_recv() {
                return Err(self.cause(end));
            }
            while let Some((message, descriptor)) = match self.channel.receive::<ToWorker>() {
                Ok(Some(received)) => Some(received),
                Ok(None) => {
                    info!("host is gone");
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
                Err(error) => return Err(cannot_start("IPC", &error)),
            } {
                if matches!(message, ToWorker::Stop) {
                    return Ok(());
                }
                self.carry(message, descriptor);
            }
        }
    }

    fn carry(&self, message: ToWorker, descriptor: Option<OwnedFd>) {
        match message {
            ToWorker::Socket(kind) => self.carry_socket(kind, descriptor),
            ToWorker::Switch { source, number } => self.switch(&source, number),
            ToWorker::RequestIdr => {
                self.pulse.note(What::IdrWanted, 0, 0);
                order(&self.encode_orders, EncodeOrder::RequestIdr);
            }
            ToWorker::InvalidateReferences { first, last } => {
                self.pulse.note(What::IdrWanted, first, last.into());
                order(&self.encode_orders, EncodeOrder::InvalidateReferences { first, last });
            }
            ToWorker::Picture => {
                if let Some(pipe) = descriptor {
                    order(&self.encode_orders, EncodeOrder::Picture(pipe));
                }
            }
            ToWorker::SetBitrate(bitrate) => order(&self.encode_orders, EncodeOrder::SetBitrate(bitrate)),
            ToWorker::SetFec(percent) => {
                if self.send_orders.try_send(SendOrder::Fec(percent)).is_err() {
                    debug!("parity not changed: the send thread does not take it");
                }
            }
            ToWorker::Input(event) => self.play(InputCommand::Event(event)),
            ToWorker::ReleaseInput => self.play(InputCommand::ReleaseAll),
            ToWorker::Start { .. } | ToWorker::Stop => debug!("message out of order"),
        }
    }

    fn carry_socket(&self, kind: MediaKind, descriptor: Option<OwnedFd>) {
        let Some(descriptor) = descriptor else {
            warn!(?kind, "socket message without a socket");
            return;
        };
        let socket = UdpSocket::from(descriptor);
        self.pulse.note(What::SocketArrived, u32::from(kind == MediaKind::Audio), 0);
        let taken = match kind {
            MediaKind::Video => self.send_orders.try_send(SendOrder::Socket(socket)).is_ok(),
            MediaKind::Audio => self.audio_sockets.try_send(socket).is_ok(),
        };
        if !taken {
            warn!(?kind, "socket dropped: its thread does not take it");
        }
    }

    fn switch(&self, source: &Source, number: u32) {
        info!(?source, number, "source switched");
        self.pulse.note(What::Switched, number, 0);
        let capture = self.capture_switch.try_send(NumberedSource { source: source.clone(), number }).is_ok();
        if !capture || self.audio_switch.try_send(source.clone()).is_err() {
            warn!("source switch dropped: its thread does not take it");
        }
        self.play(InputCommand::Switch(source.clone()));
    }

    fn play(&self, command: InputCommand) {
        if let Err(TrySendError::Full(_)) = self.input.try_send(command) {
            self.pulse.counters().add(Counter::InputIgnored, 1);
        }
    }

    fn wait(&self) {
        let mut fds =
            [PollFd::new(self.channel, PollFlags::IN), PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN)];
        let patience = Timespec { tv_sec: 0, tv_nsec: i64::from(LONGEST_WAIT.subsec_nanos()) };
        // EINTR is a wake-up like any other.
        let _ = poll(&mut fds, Some(&patience));
    }

    /// Gives the threads time to end in order; the exit ends the others.
    fn join_threads(&mut self) {
        let deadline = Instant::now() + LONGEST_WAIT;
        while Instant::now() < deadline && !self.threads.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

fn ready(Selected { encoder, gpu, skipped, .. }: &Selected) -> FromWorker {
    let passed_over = skipped.iter().take(MOST_TOLD).map(|skipped| PassedOver {
        encoder: skipped.family,
        gpu: skipped.gpu.clone(),
        reason: skipped.reason.to_string().chars().take(LONGEST_REASON).collect(),
        absent: skipped.reason.is_absence(),
    });
    let (encoder, gpu) = (encoder.name().to_owned(), gpu.clone());
    FromWorker::Ready { encoder, gpu, passed_over: passed_over.collect() }
}

/// Speaks to the host from a thread that is not the main one.
#[derive(Debug)]
struct Voice(Channel);

impl Voice {
    fn new(channel: &Channel) -> Result<Self, WorkerFailure> {
        let copy = channel.as_fd().try_clone_to_owned().map_err(|error| cannot_start("IPC", &error))?;
        Ok(Self(Channel::from_fd(copy)))
    }

    fn say(&self, message: &FromWorker) {
        // A host that does not read will find what it waits for late.
        let _ = self.0.send(message, None);
    }
}

/// Starts threads that report their end.
struct Spawner {
    plan: Arc<StreamPlan>,
    generation: Generation,
    counters: Arc<CountersPage>,
    stop: Arc<AtomicBool>,
    wake: Arc<OwnedFd>,
    report: mpsc::Sender<ThreadEnd>,
    threads: Vec<JoinHandle<()>>,
}

impl Spawner {
    fn spawn(
        &mut self,
        thread: WorkerThread,
        job: impl FnOnce(&StreamPlan, &Pulse) -> Result<(), WorkerFailure> + Send + 'static,
    ) -> Result<(), WorkerFailure> {
        let pulse = Pulse::new(thread, Arc::clone(&self.counters), Arc::clone(&self.stop));
        let (plan, wake, report) = (Arc::clone(&self.plan), Arc::clone(&self.wake), self.report.clone());
        let (span, generation) = (tracing::Span::current(), self.generation.0);
        let handle = std::thread::Builder::new()
            .name(thread.name().into())
            .spawn(move || {
                let _entered = span.enter();
                pulse.note(What::ThreadBegins, generation.into(), 0);
                if plan.real_time {
                    urgency::raise(thread, &plan.source);
                }
                let failure = job(&plan, &pulse).err();
                pulse.note(What::ThreadEnds, generation.into(), 0);
                // The main thread may be gone already.
                let _ = report.send(ThreadEnd { thread, failure });
                let _ = rustix::io::write(&*wake, &1u64.to_ne_bytes());
            })
            .map_err(|error| cannot_start(thread.name(), &error))?;
        self.threads.push(handle);
        Ok(())
    }
}

fn blame(&SourceFailure { number, ref error }: &SourceFailure) -> FailureKind {
    if error.is_silence() { FailureKind::Silence { number } } else { FailureKind::Source { number } }
}

fn failure(kind: FailureKind, error: &dyn std::fmt::Display) -> WorkerFailure {
    WorkerFailure { kind, text: error.to_string() }
}

fn order(orders: &SyncSender<EncodeOrder>, order: EncodeOrder) {
    if orders.try_send(order).is_err() {
        debug!("encode order dropped: the encode thread does not take it");
    }
}

/// Encoded frames between encode and send: one being sent, one waiting.
const FRAMES_IN_FLIGHT: usize = 1;
/// How much later than who waited for it a thread may say that it failed.
const FAILURE_GRACE: Duration = Duration::from_millis(50);
const ORDERS: usize = 64;
const SEND_ORDERS: usize = 16;
const SOCKETS: usize = 4;
const SWITCHES: usize = 4;
const INPUTS: usize = 1024;

/// A message has 16 KiB: encoders that did not open and are told of, and characters of
/// the reason of each.
const MOST_TOLD: usize = 16;
const LONGEST_REASON: usize = 400;
