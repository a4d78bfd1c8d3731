//! One session's task: its desktop, its client's connection, its stream.
//!
//! ```text
//!  starting --desktop up--> handshake --ANNOUNCE--> streaming
//!      ^                        |  20 s                 | control lost
//!      |                        v                       v
//!      +------ /resume ------ paused <------------------+--> ended by idle limit
//! ```
//!
//! What it shows is its own desktop ([`own_desktop`](super::own_desktop)) or,
//! between joining and leaving one, a lobby's ([`visiting`](super::visiting)).
//!
//! Everything that can take long (starting a desktop, ending a worker) has a
//! deadline; while it runs, commands wait in the mailbox.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::config::apps::AppConfig;
use crate::desktop::DesktopEvent;
use crate::host::adoption::adoptions::Adoptions;
use crate::host::events::{Event, Owner};
use crate::host::gpus::placed::{Place, Work};
use crate::host::kept_desktop::KeptDesktop;
use crate::host::lobbies::home::LobbyHome;
use crate::host::lobbies::visit::Visit;
use crate::host::scope::Scope;
use crate::host::sessions::command::{Command, Ending};
use crate::host::sessions::connection::{Connection, next_stream_event};
use crate::host::sessions::memory::Memory;
use crate::host::sessions::operated::SessionKeys;
use crate::host::sessions::phase::SessionPhase;
use crate::host::sessions::shared::Shared;
use crate::host::sessions::stream::{Stream, StreamEvent};
use crate::host::sessions::ticket::{ConnectionId, Ticket};
use crate::host::sessions::told;
use crate::host::sessions::view::SessionRecord;
use crate::host::sessions::visiting::Visiting;
use crate::host::sessions::{LaunchOrder, Launched, Refusal};
use crate::ids::{ClientId, SessionId};
use crate::protocol::control::feedback::{HostMessage, Termination};
use crate::protocol::gamestream::ping::PingPayload;
use crate::units::{FrameRate, Size};

/// A session's state; [`Session::run`] is its task.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) id: SessionId,
    pub(super) client: ClientId,
    pub(super) app: AppConfig,
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) record: Arc<SessionRecord>,
    pub(super) desktop: KeptDesktop,
    pub(super) visiting: Visiting,
    pub(super) mode: (Size, FrameRate),
    pub(super) channels: u8,
    pub(super) connection: Option<Connection>,
    pub(super) connections: u64,
    pub(super) past_restarts: u32,
    idle_since: Option<Instant>,
    /// Keys that the API gave, until a connection has them.
    pub(super) keys: Option<SessionKeys>,
    /// The GPU that it is on.
    pub(super) place: Place,
    /// Home of a client that has none of its own.
    pub(super) guest_home: Option<LobbyHome>,
    /// Hosts that went on with it.
    pub(super) adoptions: Adoptions,
    /// For the host that comes after this one.
    pub(super) memory: Memory,
}

/// What the task woke up for.
enum Step {
    Command(Option<Command>),
    Desktop(DesktopEvent),
    Stream(StreamEvent),
    Tick,
}

impl Session {
    pub(crate) fn new(
        id: SessionId,
        client: ClientId,
        app: AppConfig,
        shared: Arc<Shared>,
        commands: mpsc::Sender<Command>,
        record: Arc<SessionRecord>,
        place: Place,
    ) -> Self {
        let memory = Memory::new(&shared, id);
        Self {
            desktop: KeptDesktop::new(&shared, Scope::Session(id)),
            id,
            client,
            app,
            shared,
            commands,
            record,
            visiting: Visiting::default(),
            mode: (DEFAULT_SIZE, DEFAULT_RATE),
            channels: 2,
            connection: None,
            connections: 0,
            past_restarts: 0,
            idle_since: Some(Instant::now()),
            keys: None,
            place,
            guest_home: None,
            adoptions: Adoptions::default(),
            memory,
        }
    }

    /// Lives until the session has ended and nothing of it is left.
    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let ending = loop {
            let step = tokio::select! {
                command = inbox.recv() => Step::Command(command),
                event = self.desktop.next_event() => Step::Desktop(event),
                event = next_stream_event(&mut self.connection) => Step::Stream(event),
                _ = tick.tick() => Step::Tick,
            };
            let ending = match step {
                Step::Command(Some(command)) => self.obey(command).await,
                Step::Command(None) => Some(Ending::HostStops),
                Step::Desktop(event) => self.desktop_event(event).await,
                Step::Stream(event) => self.stream_event(event).await,
                Step::Tick => self.tick().await,
            };
            if let Some(ending) = ending {
                break ending;
            }
            self.remember();
        };
        self.memory.remove();
        info!(session = %self.id, ?ending, "session ends");
        self.tell(told::ending(self.id, ending));
        self.tear_down(ending).await;
        info!(session = %self.id, "session ended");
    }

    /// Whether there is something that a client can come back to.
    fn can_be_resumed(&self) -> bool {
        let begun = self.record.view().state != SessionPhase::Starting;
        begun && (self.desktop.is_running() || self.app.test_card)
    }

    async fn obey(&mut self, command: Command) -> Option<Ending> {
        let ports = self.shared.ports;
        match command {
            Command::Connect { order, visit, reply } => {
                let result = self.connect(&order, visit).await;
                let broken = result.is_err() && !self.can_be_resumed();
                // A client that went away meanwhile will find the session paused.
                let _ = reply.send(result);
                return broken.then_some(Ending::Broken);
            }
            Command::Announced { connection, parameters, reply } => {
                let started = self.is_current(connection) && self.start_stream(&parameters).await;
                let _ = reply.send(started);
            }
            Command::Ping { connection, kind, peer } => {
                if let Some(current) = self.current(connection) {
                    current.ping(kind, peer, ports);
                }
            }
            Command::ControlUp { connection } => {
                if let Some(current) = self.current(connection) {
                    current.control_is_up();
                }
            }
            Command::ControlDown { connection } => {
                if self.is_current(connection) {
                    self.disconnect(None).await;
                }
            }
            Command::Visit { visit, reply } => self.visit(visit, reply),
            Command::LobbyMoved { lobby, source } => return self.lobby_moved(lobby, source).await,
            Command::GoHome { lobby } => return self.go_home(lobby).await,
            Command::Prepare { wanted, reply } => {
                let result = self.prepare(*wanted).await;
                let broken = result.is_err() && !self.can_be_resumed();
                let _ = reply.send(result);
                return broken.then_some(Ending::Broken);
            }
            Command::Pause { reply } => {
                self.pause().await;
                let _ = reply.send(Ok(()));
            }
            Command::Rekey { keys, reply } => {
                let _ = reply.send(self.rekey(keys).await);
            }
            Command::Stream { stream, reply } => {
                let _ = reply.send(self.stream_directly(*stream).await);
            }
            Command::Run { program, ends_session, reply } => {
                let _ = reply.send(self.run_program(&program, ends_session).await);
            }
            Command::End(ending) => return Some(ending),
        }
        None
    }

    /// A new connection in place of an older one.
    pub(super) async fn connect(&mut self, order: &LaunchOrder, visit: Option<Visit>) -> Result<Launched, Refusal> {
        let visit = visit.or_else(|| self.visit_of_the_paused());
        self.disconnect(Some(Termination::Graceful)).await;
        let request = &order.request;
        if let Some(size) = request.size {
            self.mode = (size, FrameRate::from_hz(request.frame_rate_hz.unwrap_or(60)));
        }
        self.channels = request.channels;
        match visit {
            // The session's own desktop is started when it comes home.
            Some(visit) => self.begin_in_lobby(visit),
            None => self.start_own_desktop().await?,
        }
        let ticket = self.issue(order, None)?;
        let scheme = if request.encrypted_rtsp { "rtspenc" } else { "rtsp" };
        let address = SocketAddr::new(order.local, self.shared.ports.rtsp);
        self.connection = Some(Connection::new(ticket, request.rikeyid));
        self.set_idle(None);
        self.record.update(|view| {
            view.client_ip = order.peer.to_string();
            order.unique_id.clone_into(&mut view.client_unique_id);
            view.set_mode(self.mode, self.channels);
        });
        self.publish(SessionPhase::Handshake);
        info!(session = %self.id, app = self.app.title, peer = %order.peer, "client launches");
        self.tell(match self.connections {
            1 => told::launched(self.id, &self.app, order.peer, self.mode, self.channels),
            _ => Event::ResumeStream { session_id: self.id },
        });
        Ok(Launched { session_url: format!("{scheme}://{address}") })
    }

    /// A lobby that the session was moved to while nobody was connected: it is
    /// what the next connection shows.
    pub(super) fn visit_of_the_paused(&mut self) -> Option<Visit> {
        if self.connection.is_some() { None } else { self.visiting.take() }
    }

    /// A ticket that packets are recognised by from now on.
    pub(super) fn issue(&mut self, order: &LaunchOrder, agreed: Option<PingPayload>) -> Result<Arc<Ticket>, Refusal> {
        self.connections += 1;
        let connection = ConnectionId { session: self.id, number: self.connections };
        let ticket = Ticket::issue(connection, order, agreed, &self.shared, &self.commands)
            .map_err(|error| Refusal { status: 503, text: error.to_string() })?;
        self.shared.directory.insert(Arc::clone(&ticket));
        self.record.set_worker(Some(ticket.worker.clone()));
        Ok(ticket)
    }

    async fn tick(&mut self) -> Option<Ending> {
        let now = Instant::now();
        let events = self.shared.events.clone();
        if let Some(cause) = self.stream().and_then(|stream| stream.check(now, &events)) {
            return self.worker_down(cause).await;
        }
        if let Some(cause) = self.visiting.try_again(now)
            && let Some(ending) = self.replace_worker(&cause).await
        {
            return Some(ending);
        }
        let sound_server_hangs = self.stream().is_some_and(Stream::sound_server_hangs);
        if sound_server_hangs && !self.visiting.is_under_way() {
            warn!(session = %self.id, "sound server hangs");
            self.replace_sound_server("it hangs".to_owned()).await;
        }
        if self.connection.as_ref().is_some_and(|connection| connection.is_late(now)) {
            info!(session = %self.id, "client did not connect in time");
            self.disconnect(None).await;
        }
        let limit = self.shared.config.now().desktop.idle_limit;
        let idle = self.idle_since.map(|since| now.duration_since(since)).filter(|idle| *idle > limit)?;
        self.tell(Event::Reaped { owner: Owner::Session(self.id), idle_seconds: idle.as_secs() });
        Some(Ending::Idle)
    }

    /// Ends the client's connection; the desktop stays.
    pub(super) async fn disconnect(&mut self, farewell: Option<Termination>) {
        self.visiting = Visiting::default();
        let Some(Connection { ticket, stream, .. }) = self.connection.take() else { return };
        if let Some(reason) = farewell {
            self.shared.control.finish(ticket.connection, HostMessage::Terminate(reason));
        }
        self.shared.directory.remove(ticket.connection);
        self.record.set_stream(None);
        self.record.set_worker(None);
        if let Some(stream) = stream {
            self.past_restarts += stream.restarts();
            stream.stop().await;
        }
        self.set_idle(Some(Instant::now()));
        self.publish(SessionPhase::Paused);
        self.tell(Event::PauseStream { session_id: self.id });
        self.record.update(|view| {
            view.worker_pid = 0;
            view.encoder.clear();
            view.encoder_gpu.clear();
        });
    }

    async fn tear_down(&mut self, ending: Ending) {
        let reason = match ending {
            Ending::Broken => Termination::EncoderFailed,
            _ => Termination::Graceful,
        };
        self.disconnect(Some(reason)).await;
        self.desktop.stop().await;
        if let Some(home) = self.guest_home.take() {
            let removed = tokio::task::spawn_blocking(move || home.remove()).await;
            if let Ok(Err(error)) = removed {
                warn!(session = %self.id, %error, "the guest's home is not removed");
            }
        }
    }

    pub(super) fn set_idle(&mut self, since: Option<Instant>) {
        self.idle_since = since;
        self.record.set_idle_since(since);
    }

    pub(super) fn tell(&self, event: Event) {
        self.shared.events.publish(event);
    }

    fn is_current(&self, connection: ConnectionId) -> bool {
        self.connection.as_ref().is_some_and(|current| current.is(connection))
    }

    fn current(&mut self, connection: ConnectionId) -> Option<&mut Connection> {
        self.connection.as_mut().filter(|current| current.is(connection))
    }

    pub(super) fn publish(&self, phase: SessionPhase) {
        self.record.update(|view| view.state = phase);
        match phase {
            SessionPhase::Starting | SessionPhase::Handshake => self.place.works(Work::Starts),
            SessionPhase::Paused => self.place.works(Work::None),
            // Until its encoder is open, it starts.
            SessionPhase::Streaming => {}
        }
        self.publish_worker();
        self.publish_desktop();
    }

    pub(super) fn publish_desktop(&self) {
        let desktop = self.desktop.view();
        let gpu = self.place.gpu().map(ToString::to_string).unwrap_or_default();
        let lobby = self.visiting.lobby().map(|lobby| lobby.to_string());
        self.record.update(|view| {
            view.desktop = desktop;
            view.gpu = gpu;
            view.lobby_id = lobby;
        });
    }
}

/// How often heartbeats and deadlines are looked at.
const TICK: Duration = Duration::from_millis(250);

/// For clients that leave the mode to ANNOUNCE.
const DEFAULT_SIZE: Size = Size::new(1280, 720);
const DEFAULT_RATE: FrameRate = FrameRate::from_hz(60);
