//! One session's task: its desktop, its client's connection, its stream.
//!
//! ```text
//!  starting --desktop up--> handshake --ANNOUNCE--> streaming
//!      ^                        |  20 s                 | control lost
//!      |                        v                       v
//!      +------ /resume ------ paused <------------------+--> ended by idle limit
//! ```
//!
//! What it shows is its own desktop or, between joining and leaving one, a
//! lobby's ([`visiting`](super::visiting)).
//!
//! Everything that can take long (starting a desktop, ending a worker) has a
//! deadline; while it runs, commands wait in the mailbox.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::config::apps::AppConfig;
use crate::desktop::spec::DesktopSpec;
use crate::desktop::{Desktop, DesktopEvent};
use crate::host::adoption::record_file::RecordFile;
use crate::host::adoption::session_state::{self, SessionState};
use crate::host::events::{Event, Owner};
use crate::host::kept_desktop::KeptDesktop;
use crate::host::lobbies::home::LobbyHome;
use crate::host::lobbies::visit::Visit;
use crate::host::scope::Scope;
use crate::host::sessions::command::{Command, Ending};
use crate::host::sessions::connection::{Connection, next_stream_event};
use crate::host::sessions::operated::SessionKeys;
use crate::host::sessions::plan::{self, Circumstances};
use crate::host::sessions::shared::Shared;
use crate::host::sessions::stream::{Cause, Stream, StreamEvent};
use crate::host::sessions::ticket::{ConnectionId, Ticket};
use crate::host::sessions::told;
use crate::host::sessions::view::SessionRecord;
use crate::host::sessions::visiting::Visiting;
use crate::host::sessions::{LaunchOrder, Launched, Refusal};
use crate::ids::{ClientId, LobbyId, SessionId, Uuid};
use crate::protocol::control::feedback::{HostMessage, Termination};
use crate::protocol::gamestream::ping::PingPayload;
use crate::protocol::rtsp::stream_parameters::StreamParameters;
use crate::stream_plan::Source;
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
    connections: u64,
    past_restarts: u32,
    idle_since: Option<Instant>,
    /// Keys that the API gave, until a connection has them.
    pub(super) keys: Option<SessionKeys>,
    /// Home of a client that has none of its own.
    guest_home: Option<LobbyHome>,
    /// For the host that comes after this one.
    memory: RecordFile,
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
    ) -> Self {
        let memory = session_state::record(&shared.directories.runtime, id);
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
            guest_home: None,
            memory,
        }
    }

    /// A session that an earlier host left, with its desktop: paused, as if its
    /// client had just gone.
    pub(crate) fn adopt(
        state: SessionState,
        desktop: Option<Desktop>,
        shared: Arc<Shared>,
        commands: mpsc::Sender<Command>,
        record: Arc<SessionRecord>,
    ) -> Self {
        let restarts = state.desktop.map_or(0, |desktop| desktop.restarts);
        let guest_home = state.guest_home;
        let mut session = Self::new(state.session, state.client, state.app, shared, commands, record);
        session.guest_home = guest_home;
        if let Some(desktop) = desktop {
            session.desktop.adopt(desktop, restarts);
        }
        (session.mode, session.channels) = (state.mode, state.channels);
        (session.connections, session.past_restarts) = (state.connections, state.past_restarts);
        session.publish("paused");
        session
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

    async fn obey(&mut self, command: Command) -> Option<Ending> {
        let ports = self.shared.ports;
        match command {
            Command::Connect { order, visit, reply } => {
                let result = self.connect(&order, visit).await;
                let broken = result.is_err() && !self.desktop.is_running() && !self.app.test_card;
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
                let broken = result.is_err() && !self.desktop.is_running() && !self.app.test_card;
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
            (view.video_width, view.video_height) = (self.mode.0.width, self.mode.0.height);
            view.video_refresh_rate = self.mode.1.millihertz() / 1000;
            view.audio_channel_count = self.channels;
        });
        self.publish("handshake");
        info!(session = %self.id, app = self.app.title, peer = %order.peer, "client launches");
        self.tell(match self.connections {
            1 => told::launched(self.id, &self.app, order.peer, self.mode, self.channels),
            _ => Event::ResumeStream { session_id: self.id },
        });
        Ok(Launched { session_url: format!("{scheme}://{address}") })
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

    /// The session's own desktop, unless it runs or the app needs none.
    pub(super) async fn start_own_desktop(&mut self) -> Result<(), Refusal> {
        if self.desktop.is_running() || self.app.test_card {
            return Ok(());
        }
        self.claim_guest_home().await?;
        let spec = self.desktop_spec(self.desktop.restarts());
        self.desktop.start(spec).await.map_err(|error| {
            error!(session = %self.id, %error, "desktop does not start");
            Refusal { status: 503, text: format!("The desktop of {} did not start: {error}", self.app.title) }
        })?;
        self.tell(told::app_starts(self.id, &self.app));
        self.publish_desktop();
        Ok(())
    }

    fn desktop_spec(&self, attempt: u32) -> DesktopSpec {
        let (which, guest) = ((self.id, attempt), self.guest_home.as_ref());
        self.shared.desktop_spec(which, self.client, guest, &self.app, self.mode, self.channels)
    }

    /// A home that ends with the session, for a client that is not paired.
    async fn claim_guest_home(&mut self) -> Result<(), Refusal> {
        if self.guest_home.is_some() || self.shared.is_paired(self.client) {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let claim = move || {
            let id = LobbyId(Uuid::random().map_err(std::io::Error::other)?);
            LobbyHome::claim(&shared.directories, id, "", None, shared.config.now().desktop.first_uid)
        };
        let claimed =
            tokio::task::spawn_blocking(claim).await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        self.guest_home = Some(claimed.map_err(|error| Refusal {
            status: 503,
            text: format!("A home for {} cannot be made: {error}", self.app.title),
        })?);
        Ok(())
    }

    /// What the worker shows: a lobby, the session's own desktop as it is now,
    /// or the test card.
    pub(super) fn source(&self) -> Source {
        let own = || self.desktop.source().unwrap_or(Source::TestCard);
        self.visiting.source().cloned().unwrap_or_else(own)
    }

    pub(super) async fn start_stream(&mut self, announced: &StreamParameters) -> bool {
        let mode = (announced.video.size, announced.video.frame_rate);
        if self.mode != mode {
            self.mode = mode;
            if let Err(error) = self.desktop.set_mode(mode.0, mode.1).await {
                warn!(session = %self.id, %error, "desktop keeps its mode; its picture will be scaled");
            }
        }
        let source = self.source();
        let pointer = self.record.settings(self.shared.preferences.get(self.client).settings).pointer_speed();
        let Some(connection) = &mut self.connection else { return false };
        if connection.stream.is_some() {
            return false;
        }
        let ticket = &connection.ticket;
        let mut plan = plan::plan(
            announced,
            Circumstances {
                session: self.id,
                source,
                key: &ticket.key,
                rikeyid: connection.rikeyid,
                config: &self.shared.config.now().video,
                pointer,
            },
        );
        plan.video.fec = connection.fec.unwrap_or(plan.video.fec);
        info!(session = %self.id, codec = plan.video.profile.codec.name(), size = %plan.video.size,
            rate = %plan.video.frame_rate, bitrate = %plan.video.bitrate, sealed = plan.video.encrypted,
            channels = plan.audio.layout.channels, "stream planned");
        match Stream::start(plan, ticket.worker.clone(), self.shared.supervision.quarantine.clone()) {
            Ok(stream) => {
                self.record.set_counters(Some(Arc::clone(stream.counters())));
                for event in told::stream_begins(stream.plan(), connection.ticket.peer, self.shared.ports) {
                    self.shared.events.publish(event);
                }
                connection.begin(stream, self.shared.ports);
                self.publish("streaming");
                true
            }
            Err(error) => {
                error!(session = %self.id, %error, "worker does not start");
                false
            }
        }
    }

    async fn desktop_event(&mut self, event: DesktopEvent) -> Option<Ending> {
        match event {
            DesktopEvent::AppExited(status) => {
                info!(session = %self.id, %status, "application closed");
                self.tell(Event::AppExited { owner: Owner::Session(self.id), status: status.to_string() });
                Some(Ending::AppClosed)
            }
            DesktopEvent::ProgramExited(status) => {
                info!(session = %self.id, %status, "program ended");
                None
            }
            DesktopEvent::SoundExited(status) => {
                warn!(session = %self.id, %status, "sound server ended");
                self.replace_sound_server(status.to_string()).await;
                None
            }
            DesktopEvent::CompositorExited(status) => {
                error!(session = %self.id, %status, "compositor ended");
                self.replace_desktop(status.to_string()).await
            }
        }
    }

    async fn replace_sound_server(&mut self, reason: String) {
        self.desktop.replace_sound_server().await;
        self.tell(Event::SoundServerRestarted { owner: Owner::Session(self.id), reason });
        self.publish_desktop();
    }

    /// A compositor that died takes its applications along: the desktop is
    /// started again, once.
    async fn replace_desktop(&mut self, reason: String) -> Option<Ending> {
        let spec = self.desktop_spec(self.desktop.restarts() + 1);
        if !self.desktop.replace(spec).await {
            return Some(Ending::Broken);
        }
        self.tell(Event::DesktopRestarted { owner: Owner::Session(self.id), reason });
        self.publish_desktop();
        if !self.visiting.is_under_way() {
            self.show_source();
        }
        None
    }

    /// Tells the worker what to show now.
    pub(super) fn show_source(&mut self) {
        let source = self.source();
        if let Some(stream) = self.stream() {
            stream.switch(source);
            let home = || self.id.to_string();
            let interpipe_src_id = self.visiting.lobby().map_or_else(home, |lobby| lobby.to_string());
            self.tell(Event::SwitchStreamProducer { session_id: self.id, interpipe_src_id });
        }
    }

    pub(super) fn stream(&mut self) -> Option<&mut Stream> {
        self.connection.as_mut()?.stream.as_mut()
    }

    async fn stream_event(&mut self, event: StreamEvent) -> Option<Ending> {
        match event {
            StreamEvent::Ready => {
                self.publish_worker();
                if let Some(stream) = self.stream() {
                    let (pid, encoder) = (stream.worker_pid(), stream.encoder().to_owned());
                    self.tell(Event::WorkerReady { session_id: self.id, pid, encoder });
                }
                None
            }
            StreamEvent::Shows => self.shows().await,
            StreamEvent::Down(cause) => self.worker_down(cause).await,
        }
    }

    /// A compositor that was killed is noticed by its end. One that hangs is
    /// noticed by workers that fail one after the other and blame it.
    async fn worker_down(&mut self, cause: Cause) -> Option<Ending> {
        error!(session = %self.id, cause = cause.text(), "worker down");
        let pid = self.stream().map_or(0, |stream| stream.worker_pid());
        let (session_id, text) = (self.id, cause.text().to_owned());
        if matches!(cause, Cause::Hung(_)) {
            self.tell(Event::WorkerHung { session_id, pid, cause: text.clone() });
        }
        self.tell(Event::WorkerFailed { session_id, pid, cause: text });
        if let Some(blame) = self.stream().and_then(|stream| stream.blame(&cause)) {
            if self.visiting.is_under_way() {
                return self.lobby_fails(cause, blame).await;
            }
            if self.desktop.is_running() && self.desktop.is_blamed(blame) {
                error!(session = %self.id, "desktop cannot be captured");
                if let Some(ending) = self.replace_desktop("it cannot be captured".to_owned()).await {
                    return Some(ending);
                }
            }
        }
        self.replace_worker(&cause).await
    }

    /// Starts the worker's successor.
    pub(super) async fn replace_worker(&mut self, cause: &Cause) -> Option<Ending> {
        let shared = Arc::clone(&self.shared);
        let replaced = self.stream()?.replace(cause, &shared).await;
        self.worker_replaced(replaced)
    }

    fn worker_replaced(&mut self, replaced: std::io::Result<bool>) -> Option<Ending> {
        match replaced {
            Ok(true) => {
                let (pid, restarts) = self.stream().map(|stream| (stream.worker_pid(), stream.restarts()))?;
                // None yet, if it has to wait.
                if pid != 0 {
                    self.tell(Event::WorkerReplaced { session_id: self.id, pid, restarts });
                }
                self.publish_worker();
                None
            }
            Ok(false) => {
                error!(session = %self.id, "worker died too often");
                Some(Ending::Broken)
            }
            Err(error) => {
                error!(session = %self.id, %error, "worker does not start again");
                Some(Ending::Broken)
            }
        }
    }

    async fn tick(&mut self) -> Option<Ending> {
        let now = Instant::now();
        let events = self.shared.events.clone();
        if let Some(cause) = self.stream().and_then(|stream| stream.check(now, &events)) {
            return self.worker_down(cause).await;
        }
        if self.stream().is_some_and(|stream| stream.is_due(now)) {
            let replaced = self.stream()?.succeed();
            return self.worker_replaced(replaced);
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
        self.record.set_counters(None);
        self.record.set_worker(None);
        if let Some(stream) = stream {
            self.past_restarts += stream.restarts();
            stream.stop().await;
        }
        self.set_idle(Some(Instant::now()));
        self.publish("paused");
        self.tell(Event::PauseStream { session_id: self.id });
        self.record.update(|view| {
            view.worker_pid = 0;
            view.encoder.clear();
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

    /// Writes down what the session is, if that has changed.
    fn remember(&mut self) {
        let state = SessionState {
            session: self.id,
            client: self.client,
            app: self.app.clone(),
            mode: self.mode,
            channels: self.channels,
            connections: self.connections,
            past_restarts: self.past_restarts,
            desktop: self.desktop.state(),
            guest_home: self.guest_home.clone(),
        };
        self.memory.save(&state);
    }

    fn tell(&self, event: Event) {
        self.shared.events.publish(event);
    }

    fn is_current(&self, connection: ConnectionId) -> bool {
        self.connection.as_ref().is_some_and(|current| current.is(connection))
    }

    fn current(&mut self, connection: ConnectionId) -> Option<&mut Connection> {
        self.connection.as_mut().filter(|current| current.is(connection))
    }

    pub(super) fn publish(&self, state: &str) {
        self.record.update(|view| state.clone_into(&mut view.state));
        self.publish_worker();
        self.publish_desktop();
    }

    fn publish_worker(&self) {
        let Some(stream) = self.connection.as_ref().and_then(|connection| connection.stream.as_ref()) else { return };
        let plan = stream.plan();
        self.record.update(|view| {
            view.worker_pid = stream.worker_pid();
            view.worker_restarts = self.past_restarts + stream.restarts();
            stream.encoder().clone_into(&mut view.encoder);
            view.video_width = plan.video.size.width;
            view.video_height = plan.video.size.height;
            view.video_refresh_rate = plan.video.frame_rate.millihertz() / 1000;
            view.audio_channel_count = plan.audio.layout.channels;
        });
    }

    pub(super) fn publish_desktop(&self) {
        let desktop = self.desktop.view();
        let lobby = self.visiting.lobby().map(|lobby| lobby.to_string());
        self.record.update(|view| {
            view.desktop = desktop;
            view.lobby_id = lobby;
        });
    }
}

/// How often heartbeats and deadlines are looked at.
const TICK: Duration = Duration::from_millis(250);

/// For clients that leave the mode to ANNOUNCE.
const DEFAULT_SIZE: Size = Size::new(1280, 720);
const DEFAULT_RATE: FrameRate = FrameRate::from_hz(60);
