//! What a session leaves to the host that comes after this one, and how that
//! host goes on with it.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tracing::warn;

use crate::desktop::Desktop;
use crate::host::adoption::connection_state::ConnectionState;
use crate::host::adoption::kept_stream::LeftStream;
use crate::host::adoption::record_file::RecordFile;
use crate::host::adoption::session_state::{self, SessionState};
use crate::host::gpus::placed::{Place, Work};
use crate::host::lobbies::visit::Visit;
use crate::host::scope::Scope;
use crate::host::sessions::command::Command;
use crate::host::sessions::connection::Connection;
use crate::host::sessions::phase::SessionPhase;
use crate::host::sessions::session::Session;
use crate::host::sessions::shared::Shared;
use crate::host::sessions::stream::Stream;
use crate::host::sessions::ticket::Ticket;
use crate::host::sessions::view::SessionRecord;
use crate::host::sessions::visiting::Visiting;
use crate::ids::SessionId;

/// A session's record in the runtime directory.
#[derive(Debug)]
pub(super) struct Memory {
    file: RecordFile,
    /// What the record says, once it says anything.
    written: Option<SessionState>,
}

impl Memory {
    /// The record of a session, not written yet.
    pub(super) fn new(shared: &Shared, session: SessionId) -> Self {
        Self { file: session_state::record(&shared.directories.runtime, session), written: None }
    }

    /// Removes the record: the session ends.
    pub(super) fn remove(&mut self) {
        self.file.remove();
    }
}

impl Session {
    /// A session that an earlier host left, with its desktop. It is starting: it
    /// will [go on](Self::go_on), or be published as paused.
    pub(crate) fn adopt(
        state: SessionState,
        desktop: Option<Desktop>,
        shared: Arc<Shared>,
        commands: mpsc::Sender<Command>,
        record: Arc<SessionRecord>,
    ) -> Self {
        let restarts = state.desktop.map_or(0, |desktop| desktop.restarts);
        let guest_home = state.guest_home;
        let encoder = state.connection.as_ref().and_then(|connection| connection.stream.gpu.clone());
        let drawn = desktop.as_ref().and_then(|desktop| desktop.gpu().cloned());
        let on = drawn.or_else(|| encoder.clone());
        let work = match state.connection {
            Some(_) => Work::Encodes { on: encoder, since: Instant::now() },
            None => Work::None,
        };
        let place = Place::take(&shared.supervision.gpus, Scope::Session(state.session), on, work);
        let mut session = Self::new(state.session, state.client, state.app, shared, commands, record, place);
        session.guest_home = guest_home;
        session.adoptions = state.adoptions;
        session.record.set_settings(state.settings);
        if let Some(desktop) = desktop {
            session.desktop.adopt(desktop, restarts);
        }
        (session.mode, session.channels) = (state.mode, state.channels);
        (session.connections, session.past_restarts) = (state.connections, state.past_restarts);
        session
    }

    /// Goes on with the client's connection, too: with the lobby that it shows,
    /// if that is there still. Without a connection the session is paused.
    pub(super) async fn go_on(&mut self, state: ConnectionState, left: LeftStream, visit: Option<Visit>) {
        let was_visiting = state.lobby.is_some();
        if let Some(visit) = visit {
            self.begin_in_lobby(visit);
        } else if was_visiting && let Err(refusal) = self.start_own_desktop().await {
            warn!(session = %self.id, %refusal, "its lobby is gone, and there is nothing to come home to");
            left.end();
            self.publish(SessionPhase::Paused);
            return;
        }
        match self.take_up(&state, left).await {
            Ok(connection) => self.connection = Some(connection),
            Err(error) => {
                warn!(session = %self.id, %error, "the connection does not go on; its client can resume");
                self.visiting = Visiting::default();
                self.publish(SessionPhase::Paused);
                return;
            }
        }
        self.set_idle(None);
        self.record.update(|view| {
            view.client_ip = state.peer.to_string();
            view.client_unique_id = state.unique_id;
        });
        self.publish(SessionPhase::Streaming);
        // A seat may have another number now, or the lobby is gone.
        let source = self.source();
        if self.stream().is_some_and(|stream| stream.plan().source != source) {
            self.show_source();
        }
    }

    async fn take_up(&mut self, state: &ConnectionState, left: LeftStream) -> io::Result<Connection> {
        let LeftStream { control, worker, kept } = left;
        let ticket = Ticket::adopt(self.id, state, control, &self.shared, &self.commands).map_err(io::Error::other)?;
        let stream = Stream::adopt(state.stream.clone(), worker, kept, &ticket, &self.shared).await?;
        self.record.set_stream(Some((Arc::clone(stream.counters()), Arc::clone(stream.network()))));
        self.record.set_worker(Some(ticket.worker.clone()));
        self.shared.directory.insert(Arc::clone(&ticket));
        self.shared.control.adopt(Arc::clone(&ticket));
        Ok(Connection::adopt(ticket, stream, state))
    }

    /// Writes down what the session is, if that has changed. Called after every
    /// step of its task, most of which change nothing.
    pub(super) fn remember(&mut self) {
        if self.memory.written.as_ref().is_some_and(|written| self.is_still(written)) {
            return;
        }
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
            settings: self.record.own_settings(),
            connection: self.connection_state(),
            adoptions: self.adoptions.clone(),
        };
        // One that could not be written is tried again.
        self.memory.written = self.memory.file.save(&state).then_some(state);
    }

    fn is_still(&self, written: &SessionState) -> bool {
        // All fields by name: the compiler asks here for one that is added.
        let SessionState {
            session,
            client,
            app,
            mode,
            channels,
            connections,
            past_restarts,
            desktop,
            guest_home,
            settings,
            connection,
            adoptions,
        } = written;
        (*session, *client, *mode, *channels) == (self.id, self.client, self.mode, self.channels)
            && (*connections, *past_restarts) == (self.connections, self.past_restarts)
            && *guest_home == self.guest_home
            && *settings == self.record.own_settings()
            && *adoptions == self.adoptions
            && *connection == self.connection_state()
            && *desktop == self.desktop.state()
            && *app == self.app
    }

    fn connection_state(&self) -> Option<ConnectionState> {
        self.connection.as_ref()?.state(self.visiting.lobby())
    }
}
