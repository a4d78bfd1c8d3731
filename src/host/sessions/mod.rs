//! Sessions: from `/launch` to the last packet.
//!
//! A session is an app that a client runs, with its desktop. It outlives the
//! client's connections: after a disconnect it waits for `/resume`. Each has a
//! task of its own ([`session`]), spoken to through a mailbox; this module is
//! the registry in front of them, and what the rest of the host may ask.

pub(crate) mod appointments;
pub mod checkpoint;
pub(crate) mod command;
pub(crate) mod connection;
pub(crate) mod directory;
pub(crate) mod driven;
mod encoder_order;
mod left_gpu;
mod memory;
pub mod network;
mod opening;
pub mod operated;
mod own_desktop;
pub mod phase;
pub(crate) mod plan;
pub(crate) mod session;
pub(crate) mod shared;
pub(crate) mod stream;
pub(crate) mod stream_event;
mod streaming;
pub(crate) mod ticket;
mod told;
pub mod view;
pub(crate) mod visiting;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::host::apps::LaunchAppError;
use crate::host::gpus::known::NoSuchGpu;
use crate::host::life::Life;
use crate::host::lobbies::spec::Right;
use crate::host::lobbies::{Lobbies, LobbyError};
use crate::host::sessions::appointments::Appointments;
use crate::host::sessions::command::{Command, Ending};
use crate::host::sessions::phase::SessionPhase;
use crate::host::sessions::shared::Shared;
use crate::host::sessions::view::{SessionRecord, SessionView};
use crate::host::store::client_preferences::ClientSettings;
use crate::ids::{AppId, ClientId, LobbyId, SessionId};
use crate::protocol::gamestream::launch_request::LaunchRequest;

/// Handle to all sessions; cheap to clone. Every call answers within a
/// deadline, whatever workers and desktops do.
#[derive(Debug, Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
    lobbies: Lobbies,
    registry: Arc<Mutex<Registry>>,
    appointments: Arc<Mutex<Appointments>>,
}

#[derive(Debug, Default)]
struct Registry {
    last_id: u64,
    closed: bool,
    sessions: HashMap<SessionId, Handle>,
}

/// What the registry keeps of a session.
#[derive(Debug, Clone)]
struct Handle {
    id: SessionId,
    client: ClientId,
    app: AppId,
    commands: mpsc::Sender<Command>,
    record: Arc<SessionRecord>,
    /// Superseded or told to end: not the client's session any more.
    ending: bool,
    ended: watch::Receiver<bool>,
}

impl Sessions {
    /// No sessions yet.
    pub(crate) fn new(shared: Arc<Shared>, lobbies: Lobbies) -> Self {
        Self { shared, lobbies, registry: Arc::default(), appointments: Arc::default() }
    }

    /// Whether a session is in this phase.
    pub(crate) fn any_is(&self, phase: SessionPhase) -> bool {
        self.records().iter().any(|(_, record)| record.view().state == phase)
    }

    /// The host's phase, for metrics.
    pub(crate) fn life(&self) -> &Life {
        &self.shared.life
    }

    /// Ends the client's session and its app; answers when both are gone.
    ///
    /// # Errors
    /// [`Refusal`] if teardown did not finish within its deadline.
    pub async fn cancel(&self, client: ClientId) -> Result<(), Refusal> {
        let Some(session) = self.with_current(client, |id, _| id) else { return Ok(()) };
        self.end(session, Ending::Cancelled).await
    }

    /// The app that a client's session runs, for `currentgame`.
    #[must_use]
    pub fn running_app(&self, client: ClientId) -> Option<AppId> {
        self.with_current(client, |_, handle| handle.app)
    }

    /// All sessions, for the API.
    #[must_use]
    pub fn list(&self) -> Vec<SessionView> {
        let mut handles: Vec<_> = self.lock().sessions.values().cloned().collect();
        handles.sort_by_key(|handle| handle.id);
        handles.iter().map(|handle| self.view(handle)).collect()
    }

    fn view(&self, handle: &Handle) -> SessionView {
        let mut view = handle.record.view();
        let uid = self.shared.uid(handle.client);
        let decided = handle.record.settings(self.shared.preferences.get(handle.client).settings);
        view.client_settings = ClientSettings::complete(decided, uid);
        view.immediate_lobby_id = self.appointments().look(&[&view.client_unique_id, &view.paired_client_id]);
        view
    }

    /// The client whose session it is.
    #[must_use]
    pub fn client_of(&self, session: SessionId) -> Option<ClientId> {
        self.lock().sessions.get(&session).map(|handle| handle.client)
    }

    /// Ends one session, for the API.
    ///
    /// # Errors
    /// [`Refusal`] with status 404 if there is no such session.
    pub async fn stop(&self, session: SessionId) -> Result<(), Refusal> {
        if !self.lock().sessions.contains_key(&session) {
            return Err(Refusal { status: 404, text: format!("There is no session {session}.") });
        }
        self.end(session, Ending::Stopped).await
    }

    /// Moves a session to a lobby; answers when its client's picture comes from
    /// there, or at once if it has none now.
    ///
    /// # Errors
    /// [`LobbyError`]; the session then shows what it showed before.
    pub async fn join(&self, session: SessionId, lobby: LobbyId, right: Right<'_>) -> Result<(), LobbyError> {
        let handle = self.lock().sessions.get(&session).cloned().ok_or(LobbyError::Gone)?;
        let Some(visit) = self.lobbies.admit(lobby, session, right, false).await? else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        let arrival = async {
            handle.commands.send(Command::Visit { visit, reply }).await.map_err(|_| LobbyError::Gone)?;
            let known = answer.await.map_err(|_| LobbyError::Gone)??;
            known.await.map_err(|_| LobbyError::Gone)
        };
        timeout(self.lobbies.arrival_deadline(), arrival).await.unwrap_or(Err(LobbyError::JoinTimeout))
    }

    /// The client's next connection goes straight to a lobby, if it comes
    /// within a minute. `client` is its `uniqueid`, or its number in the API.
    /// Returns `false` if too many wait already.
    #[must_use]
    pub fn appoint(&self, client: &str, lobby: LobbyId) -> bool {
        self.appointments().make(client, lobby, Instant::now())
    }

    /// Ends everything; nothing new starts any more.
    pub(crate) async fn shut_down(&self) {
        let sessions: Vec<_> = {
            let mut registry = self.lock();
            registry.closed = true;
            registry.sessions.keys().copied().collect()
        };
        let endings = sessions.into_iter().map(|session| {
            let sessions = self.clone();
            tokio::spawn(async move { sessions.end(session, Ending::HostStops).await })
        });
        for ending in endings.collect::<Vec<_>>() {
            // A refusal here was logged; the process ends anyway.
            let _ = ending.await;
        }
    }

    /// Views and counters, for metrics.
    pub(crate) fn records(&self) -> Vec<(SessionId, Arc<SessionRecord>)> {
        self.lock().sessions.iter().map(|(id, handle)| (*id, Arc::clone(&handle.record))).collect()
    }

    fn appointments(&self) -> MutexGuard<'_, Appointments> {
        self.appointments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn end(&self, session: SessionId, ending: Ending) -> Result<(), Refusal> {
        let handle = {
            let mut registry = self.lock();
            let Some(handle) = registry.sessions.get_mut(&session) else { return Ok(()) };
            handle.ending = true;
            handle.clone()
        };
        let Handle { commands, mut ended, .. } = handle;
        let finish = async {
            // A session that ended meanwhile is what was asked for.
            let _ = commands.send(Command::End(ending)).await;
            let _ = ended.wait_for(|ended| *ended).await;
        };
        timeout(END_DEADLINE, finish).await.map_err(|_| Refusal {
            status: 503,
            text: format!("Session {session} did not end in time. See the host's logs."),
        })
    }

    fn current(&self, client: ClientId) -> Option<Handle> {
        self.with_current(client, |_, handle| handle.clone())
    }

    fn with_current<T>(&self, client: ClientId, look: impl FnOnce(SessionId, &Handle) -> T) -> Option<T> {
        let registry = self.lock();
        let mut sessions = registry.sessions.iter();
        sessions.find(|(_, handle)| handle.client == client && !handle.ending).map(|(id, handle)| look(*id, handle))
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A launch or resume, with what the HTTPS connection knows.
#[derive(Debug, Clone)]
pub struct LaunchOrder {
    /// Who asks.
    pub client: ClientId,
    /// What the client calls itself (`uniqueid`): no identity, many share one.
    pub unique_id: String,
    /// What for.
    pub request: LaunchRequest,
    /// Our address of the HTTPS connection: what the client can reach.
    pub local: IpAddr,
    /// The client's address.
    pub peer: IpAddr,
}

/// A session that waits for its RTSP handshake.
#[derive(Debug, Clone)]
pub struct Launched {
    /// Value of `sessionUrl0`.
    pub session_url: String,
}

/// Why something is not done, as the client shows it to its user.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// `status_code` of the XML answer.
    pub status: u32,
    /// What is wrong and what to do.
    pub text: String,
}

impl From<LaunchAppError> for Refusal {
    fn from(error: LaunchAppError) -> Self {
        let status = match error {
            LaunchAppError::Unknown(_) => 404,
            LaunchAppError::NotHere { .. } => 501,
        };
        Self { status, text: error.to_string() }
    }
}

impl From<NoSuchGpu> for Refusal {
    fn from(missing: NoSuchGpu) -> Self {
        let mut text = missing.to_string();
        // Users read it.
        text.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
        Self { status: 503, text: format!("{text}. Name another, or let another do (video.gpu_fallback).") }
    }
}

/// What a connect may take beyond the start of its desktop.
const CONNECT_SLACK: Duration = Duration::from_secs(5);

/// How long a teardown may take: worker, application, compositor and sound
/// server, each with its own shorter deadline. Clients wait 30 s.
const END_DEADLINE: Duration = Duration::from_secs(20);
