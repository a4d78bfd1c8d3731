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
pub mod operated;
pub(crate) mod plan;
pub(crate) mod session;
pub(crate) mod shared;
pub(crate) mod stream;
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
use tracing::{info, warn};

use crate::config::apps::AppConfig;
use crate::desktop::Desktop;
use crate::host::adoption::session_state::SessionState;
use crate::host::apps::LaunchAppError;
use crate::host::events::{Event, Owner};
use crate::host::life::Life;
use crate::host::lobbies::spec::Right;
use crate::host::lobbies::visit::Visit;
use crate::host::lobbies::{Lobbies, LobbyError};
use crate::host::sessions::appointments::Appointments;
use crate::host::sessions::command::{Command, Ending};
use crate::host::sessions::session::Session;
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

    /// Starts an app for a paired client. An older session of the same client
    /// is superseded; the same app goes on.
    ///
    /// # Errors
    /// [`Refusal`] with a text for the user.
    pub async fn launch(&self, order: LaunchOrder) -> Result<Launched, Refusal> {
        let (client, app) = (order.client, order.request.app);
        let launch = async {
            self.keep_rate(client)?;
            self.let_older_end(client, app).await?;
            let handle = self.open_launched(&order)?;
            self.connect(handle, order).await
        };
        launch.await.inspect_err(|refusal| self.tell_refusal(client, app, refusal))
    }

    /// Goes back to the client's running app with new keys.
    ///
    /// # Errors
    /// [`Refusal`] with a text for the user.
    pub async fn resume(&self, order: LaunchOrder) -> Result<Launched, Refusal> {
        let (client, app) = (order.client, order.request.app);
        let resume = async {
            self.keep_rate(client)?;
            let handle = self.current(client).ok_or_else(|| Refusal {
                status: 503,
                text: "No app of yours is running on this host any more. Start it again.".to_owned(),
            })?;
            if handle.app != app {
                let text = format!("App {app} is not the one that runs for you. Refresh the list of apps.");
                return Err(Refusal { status: 404, text });
            }
            self.connect(handle, order).await
        };
        resume.await.inspect_err(|refusal| self.tell_refusal(client, app, refusal))
    }

    /// Holds back a client that connects anew in a storm.
    fn keep_rate(&self, client: ClientId) -> Result<(), Refusal> {
        let limit = self.shared.config.now().limits.launches_per_minute;
        if self.shared.launches.allows(client, f64::from(limit) / 60.0, limit, Instant::now()) {
            return Ok(());
        }
        self.shared.life.refused("limits.launches_per_minute");
        let text =
            format!("This client starts apps more than {limit} times a minute (limits.launches_per_minute). Wait.");
        Err(Refusal { status: 503, text })
    }

    /// A client that starts one app after the other has two sessions at most: the
    /// new one, and one before it that is about to end.
    async fn let_older_end(&self, client: ClientId, app: AppId) -> Result<(), Refusal> {
        if self.running_app(client) == Some(app) {
            return Ok(());
        }
        let endings: Vec<_> = {
            let registry = self.lock();
            let of_client = registry.sessions.values().filter(|handle| handle.client == client && handle.ending);
            of_client.map(|handle| handle.ended.clone()).collect()
        };
        let all = async {
            for mut ended in endings {
                let _ = ended.wait_for(|ended| *ended).await;
            }
        };
        timeout(OLDER_END_DEADLINE, all).await.map_err(|_| Refusal {
            status: 503,
            text: "Your previous apps are still ending. Try again in a moment.".to_owned(),
        })
    }

    /// Whether something begins that another host could not go on with.
    pub(crate) fn is_starting(&self) -> bool {
        self.records().iter().any(|(_, record)| record.view().state == "starting")
    }

    /// Ends all connections in order; sessions and their desktops stay. Answers
    /// when the clients were told, within seconds at most.
    pub(crate) async fn pause_all(&self) {
        let handles: Vec<_> = self.lock().sessions.values().map(|handle| handle.commands.clone()).collect();
        let pauses = handles.into_iter().map(|commands| {
            tokio::spawn(async move {
                let (reply, paused) = oneshot::channel();
                if commands.send(Command::Pause { reply }).await.is_ok() {
                    // One that cannot be paused has no connection.
                    let _ = paused.await;
                }
            })
        });
        let all = async {
            for pause in pauses.collect::<Vec<_>>() {
                let _ = pause.await;
            }
        };
        if timeout(PAUSE_DEADLINE, all).await.is_err() {
            warn!("some clients were not told that their connection ends");
        }
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

    /// The client's session with this app, or a new one in place of another.
    fn open_launched(&self, order: &LaunchOrder) -> Result<Handle, Refusal> {
        if let Some(handle) = self.current(order.client).filter(|handle| handle.app == order.request.app) {
            return Ok(handle);
        }
        self.open(order.client, self.shared.apps.launchable(order.request.app)?)
    }

    /// The same for an app that need not be in the list.
    fn open(&self, client: ClientId, app: AppConfig) -> Result<Handle, Refusal> {
        if let Some(handle) = self.current(client).filter(|handle| handle.app == app.id()) {
            return Ok(handle);
        }
        self.shared.life.admit()?;
        let mut registry = self.lock();
        // First, because one that is refused must not have ended anything.
        self.admit(&registry, client)?;
        for (id, handle) in &mut registry.sessions {
            if handle.client == client && !handle.ending {
                info!(session = %id, "superseded by a new launch");
                handle.ending = true;
                let end = Command::End(Ending::Superseded);
                // A mailbox that is full belongs to a session that is alive and
                // will notice its client's new connection by the lost control.
                let _ = handle.commands.try_send(end);
            }
        }
        registry.last_id += 1;
        let id = SessionId(registry.last_id);
        let handle = self.spawn(id, client, app);
        registry.sessions.insert(id, handle.clone());
        Ok(handle)
    }

    /// Whether there is room for a session of `client`, in place of its present
    /// one if it has one.
    fn admit(&self, registry: &Registry, client: ClientId) -> Result<(), Refusal> {
        let others: Vec<_> =
            registry.sessions.values().filter(|handle| !handle.ending && handle.client != client).collect();
        let running = others.len();
        let limit = self.shared.config.now().host.max_sessions;
        if registry.closed {
            return Err(Refusal { status: 503, text: "This host is shutting down.".to_owned() });
        }
        if running >= limit {
            self.shared.life.refused("host.max_sessions");
            return Err(Refusal {
                status: 503,
                text: format!("This host runs {running} sessions and allows {limit} (host.max_sessions). Try later."),
            });
        }
        // Those that wait for their clients use next to nothing.
        let active: Vec<_> =
            others.iter().filter(|handle| handle.record.view().state != "paused").map(|handle| handle.id).collect();
        let room = self.shared.supervision.capacity.admit_session(&active);
        room.map_err(|no_room| Refusal { status: 503, text: no_room.to_string() })
    }

    fn spawn(&self, id: SessionId, client: ClientId, app: AppConfig) -> Handle {
        let (commands, inbox) = mpsc::channel(MAILBOX);
        let (ended, has_ended) = watch::channel(false);
        let record = Arc::new(SessionRecord::new(id, client, &app));
        let app_id = app.id();
        let session = Session::new(id, client, app, Arc::clone(&self.shared), commands.clone(), Arc::clone(&record));
        self.begin_task(id, session, inbox, ended);
        Handle { id, client, app: app_id, commands, record, ending: false, ended: has_ended }
    }

    /// Goes on with a session that an earlier host left.
    pub(crate) fn adopt(&self, state: SessionState, desktop: Option<Desktop>) {
        let (id, client, app) = (state.session, state.client, state.app.id());
        let (commands, inbox) = mpsc::channel(MAILBOX);
        let (ended, has_ended) = watch::channel(false);
        let record = Arc::new(SessionRecord::new(id, client, &state.app));
        let session = Session::adopt(state, desktop, Arc::clone(&self.shared), commands.clone(), Arc::clone(&record));
        let handle = Handle { id, client, app, commands, record, ending: false, ended: has_ended };
        {
            let mut registry = self.lock();
            registry.last_id = registry.last_id.max(id.0);
            registry.sessions.insert(id, handle);
        }
        self.shared.events.publish(Event::Adopted { owner: Owner::Session(id) });
        self.begin_task(id, session, inbox, ended);
    }

    fn begin_task(&self, id: SessionId, session: Session, inbox: mpsc::Receiver<Command>, ended: watch::Sender<bool>) {
        let registry = Arc::clone(&self.registry);
        let events = self.shared.events.clone();
        tokio::spawn(async move {
            session.run(inbox).await;
            registry.lock().unwrap_or_else(PoisonError::into_inner).sessions.remove(&id);
            events.publish(Event::StopStream { session_id: id });
            ended.send_replace(true);
        });
    }

    async fn connect(&self, handle: Handle, order: LaunchOrder) -> Result<Launched, Refusal> {
        let visit = self.keep_appointment(&handle, &order).await;
        let (reply, answer) = oneshot::channel();
        let sent = handle.commands.send(Command::Connect { order: Box::new(order), visit, reply });
        let gone = || Refusal { status: 503, text: "The session ended while it was started. Try again.".to_owned() };
        let both = async {
            sent.await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        };
        timeout(self.shared.config.now().desktop.ready_deadline + CONNECT_SLACK, both).await.unwrap_or_else(|_| {
            Err(Refusal { status: 503, text: "The desktop did not start in time. See the host's logs.".to_owned() })
        })
    }

    /// A place in the lobby that the client was told to go to. One that cannot
    /// be joined leaves it with its own app.
    async fn keep_appointment(&self, handle: &Handle, order: &LaunchOrder) -> Option<Visit> {
        let number = order.client.short().to_string();
        let lobby = self.appointments().keep(&[&order.unique_id, &number], Instant::now())?;
        // An older connection of the session may be there still.
        match self.lobbies.admit(lobby, handle.id, Right::Operator, true).await {
            Ok(visit) => visit,
            Err(error) => {
                warn!(session = %handle.id, %lobby, %error, "cannot go straight to a lobby");
                None
            }
        }
    }

    fn tell_refusal(&self, client: ClientId, app: AppId, refusal: &Refusal) {
        self.shared.events.publish(Event::SessionRefused {
            client_id: client.short().to_string(),
            app: self.shared.apps.get(app).map_or_else(|| app.to_string(), |app| app.record().title.clone()),
            reason: refusal.text.clone(),
        });
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

/// How long ending all connections may take: a worker has half a second, and
/// two to be killed.
const PAUSE_DEADLINE: Duration = Duration::from_secs(4);

/// How long sessions before the last may take to end; each has 20 s, but most
/// take half a second.
const OLDER_END_DEADLINE: Duration = Duration::from_secs(10);

/// Commands a session may have waiting.
const MAILBOX: usize = 256;

/// What a connect may take beyond the start of its desktop.
const CONNECT_SLACK: Duration = Duration::from_secs(5);

/// How long a teardown may take: worker, application, compositor and sound
/// server, each with its own shorter deadline. Clients wait 30 s.
const END_DEADLINE: Duration = Duration::from_secs(20);
