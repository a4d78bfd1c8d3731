//! What a session leaves to the host that comes after this one, and how that
//! host goes on with it.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::desktop::Desktop;
use crate::host::adoption::record_file::RecordFile;
use crate::host::adoption::session_state::{self, SessionState};
use crate::host::sessions::command::Command;
use crate::host::sessions::phase::SessionPhase;
use crate::host::sessions::session::Session;
use crate::host::sessions::shared::Shared;
use crate::host::sessions::view::SessionRecord;
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
        session.publish(SessionPhase::Paused);
        session
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
        };
        // One that could not be written is tried again.
        self.memory.written = self.memory.file.save(&state).then_some(state);
    }

    fn is_still(&self, written: &SessionState) -> bool {
        // All fields by name: the compiler asks here for one that is added.
        let SessionState { session, client, app, mode, channels, connections, past_restarts, desktop, guest_home } =
            written;
        (*session, *client, *mode, *channels) == (self.id, self.client, self.mode, self.channels)
            && (*connections, *past_restarts) == (self.connections, self.past_restarts)
            && *guest_home == self.guest_home
            && *desktop == self.desktop.state()
            && *app == self.app
    }
}
