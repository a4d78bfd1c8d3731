//! Lobbies: desktops with a name that outlive their visitors.
//!
//! Each has a task of its own ([`lobby`]), spoken to through a mailbox; this
//! module is the registry in front of them. A session that joins one keeps a
//! [`Visit`]: its worker is told to take picture, sound and input
//! from the lobby's desktop, and goes back when the visit ends. Whatever ends
//! it, the lobby hears of it, because the visit is dropped.

pub(crate) mod command;
pub(crate) mod home;
pub(crate) mod lobby;
pub mod spec;
pub mod view;
pub(crate) mod visit;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::desktop::Desktop;
use crate::host::adoption::lobby_state::LobbyState;
use crate::host::capacity::NoRoom;
use crate::host::events::{Event, Owner};
use crate::host::gpus::known::NoSuchGpu;
use crate::host::gpus::placed::Work;
use crate::host::lobbies::command::{Admission, LobbyCommand};
use crate::host::lobbies::lobby::{Birth, Lobby};
use crate::host::lobbies::spec::{LobbySpec, Pin, Right};
use crate::host::lobbies::view::{LobbyRecord, LobbyView};
use crate::host::lobbies::visit::Visit;
use crate::host::scope::Scope;
use crate::host::sessions::shared::Shared;
use crate::ids::{ClientId, LobbyId, SessionId, Uuid};

/// Handle to all lobbies; cheap to clone.
#[derive(Debug, Clone)]
pub struct Lobbies {
    shared: Arc<Shared>,
    registry: Arc<Mutex<Registry>>,
}

#[derive(Debug, Default)]
struct Registry {
    closed: bool,
    lobbies: HashMap<LobbyId, Handle>,
    /// Nobody can join them any more, and something of them is left still.
    ending: HashMap<LobbyId, Handle>,
}

/// What the registry keeps of a lobby.
#[derive(Debug, Clone)]
struct Handle {
    /// Numbers lobbies in the order of their creation.
    number: u64,
    idempotency_key: Option<String>,
    created_by: Option<ClientId>,
    pin: Option<Pin>,
    commands: mpsc::UnboundedSender<LobbyCommand>,
    record: Arc<LobbyRecord>,
    /// Becomes `Some` when its desktop is up or has failed.
    ready: watch::Receiver<Option<Result<(), String>>>,
    ended: watch::Receiver<bool>,
}

/// Why a lobby is not created, joined or stopped, in the words that clients of
/// the API know.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LobbyError {
    /// There is none with this id.
    #[error("Invalid lobby ID")]
    NoLobby,
    /// The lobby has another PIN, or none.
    #[error("Invalid PIN")]
    WrongPin,
    /// Single-user, and somebody is there.
    #[error("Lobby is full")]
    Full,
    /// One of the two ended meanwhile.
    #[error("Lobby or session not found")]
    Gone,
    /// A session is in one lobby at a time.
    #[error("Session already in different lobby - leave first before joining another")]
    Elsewhere,
    /// The picture did not change in time.
    #[error("Lobby join timed out")]
    JoinTimeout,
    /// The desktop did not get ready in time; nothing of it is left.
    #[error("Lobby setup timed out")]
    SetupTimeout,
    /// Its desktop hangs; it ends when that is over.
    #[error("Lobby did not stop in time")]
    StopTimeout,
    /// The desktop did not start; nothing of it is left.
    #[error("{0}")]
    NotStarted(String),
    /// There are as many as the operator allows.
    #[error("This host runs {running} lobbies and allows {limit} (host.max_lobbies). Stop one first.")]
    TooMany {
        /// Lobbies now.
        running: usize,
        /// `host.max_lobbies`.
        limit: usize,
    },
    /// There is no capacity left for it.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// Its GPU is not there.
    #[error(transparent)]
    NoGpu(#[from] NoSuchGpu),
    /// One client's programs have created as many as they may.
    #[error("Programs of this client have created {0} lobbies, the limit. Stop one first.")]
    TooManyOfClient(usize),
    /// The host is shutting down.
    #[error("This host is shutting down.")]
    Closed,
}

impl Lobbies {
    /// No lobbies yet.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, registry: Arc::default() }
    }

    /// Creates a lobby; answers when its desktop is up. It is listed before.
    /// With an idempotency key that a living lobby has, answers that one.
    ///
    /// # Errors
    /// [`LobbyError`]; nothing of the lobby is left then.
    pub async fn create(&self, spec: LobbySpec) -> Result<LobbyId, LobbyError> {
        let name = spec.name.clone();
        let (id, handle) = self.open(spec).inspect_err(|error| {
            let (client_id, reason) = (String::new(), error.to_string());
            self.shared.events.publish(Event::SessionRefused { client_id, app: name, reason });
        })?;
        let mut ready = handle.ready;
        let outcome = async { ready.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone()) };
        // The desktop has its own deadline; this one is for whatever else.
        match timeout(self.shared.config.now().desktop.ready_deadline + CREATE_SLACK, outcome).await {
            Ok(Some(Ok(()))) => Ok(id),
            Ok(Some(Err(text))) => Err(LobbyError::NotStarted(text)),
            Ok(None) => Err(LobbyError::Gone),
            Err(_) => {
                let _ = handle.commands.send(LobbyCommand::Stop);
                Err(LobbyError::SetupTimeout)
            }
        }
    }

    /// Whether something begins that another host could not go on with.
    pub(crate) fn is_starting(&self) -> bool {
        self.lock().lobbies.values().any(|handle| handle.ready.borrow().is_none())
    }

    /// All lobbies, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<LobbyView> {
        let registry = self.lock();
        let mut handles: Vec<_> = registry.lobbies.values().collect();
        handles.sort_by_key(|handle| handle.number);
        handles.into_iter().map(|handle| handle.record.view()).collect()
    }

    /// Those that a client's programs have created.
    #[must_use]
    pub fn created_by(&self, client: ClientId) -> Vec<LobbyId> {
        let registry = self.lock();
        registry.lobbies.iter().filter(|(_, handle)| handle.created_by == Some(client)).map(|(id, _)| *id).collect()
    }

    /// A place for a session in a lobby; it is given back when the visit is
    /// dropped. `None` if the session has one already, unless it shall have it
    /// `anew`.
    ///
    /// # Errors
    /// [`LobbyError`].
    pub(crate) async fn admit(
        &self,
        lobby: LobbyId,
        session: SessionId,
        right: Right<'_>,
        anew: bool,
    ) -> Result<Option<Visit>, LobbyError> {
        let handle = self.get(lobby)?;
        if !right.opens(handle.pin.as_ref()) {
            return Err(LobbyError::WrongPin);
        }
        let (reply, answer) = oneshot::channel();
        handle.commands.send(LobbyCommand::Admit { session, anew, reply }).map_err(|_| LobbyError::Gone)?;
        match timeout(self.arrival_deadline(), answer).await {
            Ok(Ok(Admission::Welcome(visit))) => Ok(Some(visit)),
            Ok(Ok(Admission::IsThere)) => Ok(None),
            Ok(Ok(Admission::Full)) => Err(LobbyError::Full),
            Ok(Err(_)) => Err(LobbyError::Gone),
            Err(_) => Err(LobbyError::JoinTimeout),
        }
    }

    /// Sends a session home. Answers when the lobby has no place for it any
    /// more; its picture follows.
    pub async fn leave(&self, lobby: LobbyId, session: SessionId) {
        let Ok(handle) = self.get(lobby) else { return };
        let (reply, answer) = oneshot::channel();
        if handle.commands.send(LobbyCommand::Dismiss { session, reply }).is_ok() {
            // A lobby that ends meanwhile sends everybody home.
            let _ = timeout(self.arrival_deadline(), answer).await;
        }
    }

    /// How long a session and its worker may take to show a lobby: as long as a
    /// desktop may take to show its first picture. Whatever hangs on the way is
    /// noticed by its own deadline, and ends the wait; this one is for whatever
    /// else, and is long enough for a machine that has more to do than it can.
    pub(crate) fn arrival_deadline(&self) -> Duration {
        self.shared.config.now().desktop.ready_deadline
    }

    /// Puts off the end of a lease by its length.
    ///
    /// # Errors
    /// [`LobbyError::NoLobby`].
    pub fn renew(&self, lobby: LobbyId) -> Result<(), LobbyError> {
        self.get(lobby)?.commands.send(LobbyCommand::Renew).map_err(|_| LobbyError::NoLobby)
    }

    /// Ends a lobby; answers when nothing of it is left.
    ///
    /// # Errors
    /// [`LobbyError`].
    pub async fn stop(&self, lobby: LobbyId, right: Right<'_>) -> Result<(), LobbyError> {
        let handle = self.get(lobby)?;
        if !right.opens(handle.pin.as_ref()) {
            return Err(LobbyError::WrongPin);
        }
        if end(lobby, handle).await { Ok(()) } else { Err(LobbyError::StopTimeout) }
    }

    /// Ends all; none is created any more.
    pub(crate) async fn shut_down(&self) {
        let handles: Vec<_> = {
            let mut registry = self.lock();
            registry.closed = true;
            let of_all = registry.lobbies.iter().chain(&registry.ending);
            of_all.map(|(id, handle)| (*id, handle.clone())).collect()
        };
        let endings: Vec<_> = handles.into_iter().map(|(id, handle)| tokio::spawn(end(id, handle))).collect();
        for ending in endings {
            let _ = ending.await;
        }
    }

    fn open(&self, spec: LobbySpec) -> Result<(LobbyId, Handle), LobbyError> {
        let id = LobbyId(Uuid::random().map_err(|error| LobbyError::NotStarted(error.to_string()))?);
        let mut registry = self.lock();
        if let Some(key) = &spec.idempotency_key
            && let Some((id, handle)) =
                registry.lobbies.iter().find(|(_, handle)| handle.idempotency_key.as_ref() == Some(key))
        {
            return Ok((*id, handle.clone()));
        }
        let (running, limit) = (registry.lobbies.len(), self.shared.config.now().host.max_lobbies);
        if registry.closed {
            return Err(LobbyError::Closed);
        }
        self.shared.life.admit().map_err(|refusal| LobbyError::NotStarted(refusal.text))?;
        if running >= limit {
            self.shared.life.refused("host.max_lobbies");
            return Err(LobbyError::TooMany { running, limit });
        }
        self.shared.supervision.capacity.admit_lobby()?;
        let of_client = registry.lobbies.values().filter(|handle| handle.created_by == spec.created_by).count();
        if spec.created_by.is_some() && of_client >= MOST_OF_A_CLIENT {
            return Err(LobbyError::TooManyOfClient(MOST_OF_A_CLIENT));
        }
        let place = self.shared.settle(Scope::Lobby(id), spec.gpu.as_ref(), Work::None)?;
        let (commands, inbox) = mpsc::unbounded_channel();
        let (is_ready, ready) = watch::channel(None);
        let (has_ended, ended) = watch::channel(false);
        let record = Arc::new(LobbyRecord::new(id, &spec));
        let number = registry.lobbies.values().map(|handle| handle.number + 1).max().unwrap_or(0);
        let handle = Handle {
            number,
            idempotency_key: spec.idempotency_key.clone(),
            created_by: spec.created_by,
            pin: spec.pin.clone(),
            commands: commands.clone(),
            record: Arc::clone(&record),
            ready,
            ended,
        };
        registry.lobbies.insert(id, handle.clone());
        drop(registry);
        info!(lobby = %id, name = spec.name, size = %spec.size, rate = %spec.frame_rate, "lobby is created");
        self.shared.events.publish(spec.created(id));
        let birth = Birth { number, created: now_unix() };
        let lobby = Lobby::new(id, birth, spec, Arc::clone(&self.shared), record, commands, place);
        self.run(id, lobby, inbox, is_ready, has_ended);
        Ok((id, handle))
    }

    /// Goes on with a lobby that an earlier host left.
    pub(crate) fn adopt(&self, state: LobbyState, desktop: Desktop) {
        let id = state.lobby;
        let (commands, inbox) = mpsc::unbounded_channel();
        let (is_ready, ready) = watch::channel(None);
        let (has_ended, ended) = watch::channel(false);
        let record = Arc::new(LobbyRecord::new(id, &state.spec));
        record.is_older(Duration::from_secs(now_unix().saturating_sub(state.created)));
        let handle = Handle {
            number: state.number,
            created_by: state.spec.created_by,
            idempotency_key: state.spec.idempotency_key.clone(),
            pin: state.spec.pin.clone(),
            commands: commands.clone(),
            record: Arc::clone(&record),
            ready,
            ended,
        };
        self.lock().lobbies.insert(id, handle);
        self.shared.events.publish(Event::Adopted { owner: Owner::Lobby(id) });
        let lobby = Lobby::adopt(state, desktop, Arc::clone(&self.shared), record, commands);
        self.run(id, lobby, inbox, is_ready, has_ended);
    }

    fn run(
        &self,
        id: LobbyId,
        lobby: Lobby,
        inbox: mpsc::UnboundedReceiver<LobbyCommand>,
        is_ready: watch::Sender<Option<Result<(), String>>>,
        has_ended: watch::Sender<bool>,
    ) {
        let lobbies = self.clone();
        tokio::spawn(async move {
            lobby
                .run(inbox, is_ready, || {
                    let mut registry = lobbies.lock();
                    if let Some(handle) = registry.lobbies.remove(&id) {
                        registry.ending.insert(id, handle);
                    }
                })
                .await;
            lobbies.lock().ending.remove(&id);
            has_ended.send_replace(true);
        });
    }

    fn get(&self, lobby: LobbyId) -> Result<Handle, LobbyError> {
        self.lock().lobbies.get(&lobby).cloned().ok_or(LobbyError::NoLobby)
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now_unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Whether it has ended in time.
async fn end(lobby: LobbyId, handle: Handle) -> bool {
    let Handle { commands, mut ended, .. } = handle;
    // One that has ended already is what was asked for.
    let _ = commands.send(LobbyCommand::Stop);
    let in_time = timeout(END_DEADLINE, ended.wait_for(|ended| *ended)).await.is_ok();
    if !in_time {
        warn!(%lobby, "lobby did not end in time");
    }
    in_time
}

/// What creating a lobby may take beyond the start of its desktop.
const CREATE_SLACK: Duration = Duration::from_secs(2);

/// Lobbies that one client's programs may have at a time: they shall not take
/// everybody's.
const MOST_OF_A_CLIENT: usize = 4;

/// How long the end of a lobby's desktop may take.
const END_DEADLINE: Duration = Duration::from_secs(10);
