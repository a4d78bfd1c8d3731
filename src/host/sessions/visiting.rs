//! A session in a lobby: joining, leaving, and what happens if the lobby cannot
//! be captured.
//!
//! The stream goes on in all of these; its worker is told where to take picture,
//! sound and input from. The lobby is told by the [`Visit`], which is dropped
//! when the session shows something else, disconnects or ends.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::host::doubt::Blame;
use crate::host::lobbies::LobbyError;
use crate::host::lobbies::visit::Visit;
use crate::host::sessions::command::{Ending, VisitReply};
use crate::host::sessions::session::Session;
use crate::host::sessions::stream::Cause;
use crate::ids::LobbyId;
use crate::stream_plan::Source;

/// Where a session is, if it is not at home.
#[derive(Debug, Default)]
pub(crate) struct Visiting {
    visit: Option<Visit>,
    /// Who waits for the first picture.
    arrival: Option<VisitReply>,
    /// Workers that could not capture the lobby.
    failures: u32,
    /// The last of them, and when another is tried.
    retry: Option<(Instant, Cause)>,
}

impl Visiting {
    /// Whether the session is in a lobby.
    pub(crate) const fn is_under_way(&self) -> bool {
        self.visit.is_some()
    }

    /// Which one.
    pub(crate) fn lobby(&self) -> Option<LobbyId> {
        self.visit.as_ref().map(Visit::lobby)
    }

    /// A visit that begins with the next connection.
    pub(super) fn take(&mut self) -> Option<Visit> {
        self.visit.take()
    }

    /// What it shows.
    pub(crate) fn source(&self) -> Option<&Source> {
        self.visit.as_ref().map(Visit::source)
    }

    /// Why the worker died whose successor is due by now.
    pub(crate) fn try_again(&mut self, now: Instant) -> Option<Cause> {
        self.retry.take_if(|(at, _)| *at <= now).map(|(_, cause)| cause)
    }

    /// Why the worker died that has no successor yet.
    fn worker_owed(&mut self) -> Option<Cause> {
        self.retry.take().map(|(_, cause)| cause)
    }
}

impl Session {
    /// A connection that goes straight to a lobby.
    pub(super) fn begin_in_lobby(&mut self, visit: Visit) {
        info!(session = %self.id, lobby = %visit.lobby(), "begins in a lobby");
        // Nobody waits for that.
        drop(visit.arrived(self.commands.clone()));
        self.visiting = Visiting { visit: Some(visit), ..Visiting::default() };
    }

    /// Moves to a lobby. The answer comes with the first picture of it, or at
    /// once where there is no stream.
    pub(super) fn visit(&mut self, visit: Visit, reply: VisitReply) {
        if reply.is_closed() {
            return;
        }
        if self.visiting.is_under_way() {
            let _ = reply.send(Err(LobbyError::Elsewhere));
            return;
        }
        info!(session = %self.id, lobby = %visit.lobby(), "joins a lobby");
        let has_stream = self.stream().is_some();
        if !has_stream {
            let _ = reply.send(Ok(visit.arrived(self.commands.clone())));
            self.visiting = Visiting { visit: Some(visit), ..Visiting::default() };
        } else {
            self.visiting = Visiting { visit: Some(visit), arrival: Some(reply), ..Visiting::default() };
            self.show_source();
        }
        self.publish_desktop();
    }

    /// The worker shows what it was told last.
    pub(super) async fn shows(&mut self) -> Option<Ending> {
        self.visiting.failures = 0;
        let (Some(reply), Some(visit)) = (self.visiting.arrival.take(), &self.visiting.visit) else { return None };
        let lobby = visit.lobby();
        if reply.send(Ok(visit.arrived(self.commands.clone()))).is_ok() {
            return None;
        }
        // Whoever asked was told that it took too long.
        self.go_home(lobby).await
    }

    /// The lobby has another desktop now.
    pub(super) async fn lobby_moved(&mut self, lobby: LobbyId, source: Source) -> Option<Ending> {
        let visit = self.visiting.visit.as_mut().filter(|visit| visit.lobby() == lobby)?;
        visit.moved(source);
        self.show_source();
        match self.visiting.worker_owed() {
            Some(cause) => self.replace_worker(&cause).await,
            None => None,
        }
    }

    /// Ends the visit of `lobby`, if that is where the session is.
    pub(super) async fn go_home(&mut self, lobby: LobbyId) -> Option<Ending> {
        if self.visiting.lobby() != Some(lobby) {
            return None;
        }
        info!(session = %self.id, %lobby, "leaves a lobby");
        let owed = self.visiting.worker_owed();
        self.visiting = Visiting::default();
        if self.stream().is_some() {
            if let Err(refusal) = self.start_own_desktop().await {
                warn!(session = %self.id, %refusal, "nothing to come home to");
                return Some(Ending::Broken);
            }
            self.show_source();
        }
        self.publish_desktop();
        match owed {
            Some(cause) => self.replace_worker(&cause).await,
            None => None,
        }
    }

    /// The worker could not capture the lobby. The lobby is told, and given
    /// time to start its desktop again; if it does not, the session goes home.
    pub(super) async fn lobby_fails(&mut self, cause: Cause, blame: Blame) -> Option<Ending> {
        if let Some(stream) = self.stream() {
            stream.rest();
        }
        let Some(visit) = &self.visiting.visit else { return None };
        let lobby = visit.lobby();
        visit.blame(blame);
        self.visiting.failures += 1;
        let wait = RETRY_AFTER * self.visiting.failures;
        self.visiting.retry = Some((Instant::now() + wait, cause));
        if self.visiting.failures > MOST_FAILURES {
            warn!(session = %self.id, %lobby, "the lobby cannot be captured");
            return self.go_home(lobby).await;
        }
        None
    }
}

/// A lobby's desktop is back within a quarter of a second, if it comes back.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Workers that may fail one after the other to capture a lobby.
const MOST_FAILURES: u32 = 4;
