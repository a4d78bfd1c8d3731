//! How sessions come about: launched, resumed, begun by the API or taken over
//! from an earlier host; and who is refused.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::config::apps::AppConfig;
use crate::host::adoption::inventory::LeftSession;
use crate::host::events::{Event, Owner};
use crate::host::gpus::placed::{Place, Work};
use crate::host::lobbies::spec::Right;
use crate::host::lobbies::visit::Visit;
use crate::host::scope::Scope;
use crate::host::sessions::command::{Command, Ending};
use crate::host::sessions::phase::SessionPhase;
use crate::host::sessions::session::Session;
use crate::host::sessions::view::SessionRecord;
use crate::host::sessions::{CONNECT_SLACK, Handle, LaunchOrder, Launched, Refusal, Registry, Sessions};
use crate::host::token_bucket::Rate;
use crate::ids::{AppId, ClientId, LobbyId, SessionId};

impl Sessions {
    /// Starts an app for a paired client. An older session of the same client
    /// is superseded; the same app goes on.
    ///
    /// # Errors
    /// [`Refusal`] with a text for the user.
    pub async fn launch(&self, order: LaunchOrder) -> Result<Launched, Refusal> {
        let (client, app) = (order.client, order.request.app);
        let launch = async {
            self.shared.life.stays()?;
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
            self.shared.life.stays()?;
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
        let rate = Rate::of(limit, Duration::from_secs(60), limit);
        if self.shared.launches.allows(client, rate, Instant::now()) {
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

    /// The client's session with this app, or a new one in place of another.
    fn open_launched(&self, order: &LaunchOrder) -> Result<Handle, Refusal> {
        if let Some(handle) = self.current(order.client).filter(|handle| handle.app == order.request.app) {
            return Ok(handle);
        }
        self.open(order.client, self.shared.apps.launchable(order.request.app)?)
    }

    /// The same for an app that need not be in the list.
    pub(super) fn open(&self, client: ClientId, app: AppConfig) -> Result<Handle, Refusal> {
        if let Some(handle) = self.current(client).filter(|handle| handle.app == app.id()) {
            return Ok(handle);
        }
        self.shared.life.admit()?;
        let mut registry = self.lock();
        // First, because one that is refused must not have ended anything.
        self.admit(&registry, client, &app)?;
        let id = SessionId(registry.last_id + 1);
        let place = self.shared.settle(Scope::Session(id), app.gpu.as_ref(), Work::Starts)?;
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
        let handle = self.spawn(id, client, app, place);
        registry.sessions.insert(id, handle.clone());
        Ok(handle)
    }

    /// Whether there is room for a session of `client`, in place of its present
    /// one if it has one.
    fn admit(&self, registry: &Registry, client: ClientId, app: &AppConfig) -> Result<(), Refusal> {
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
        let phases: Vec<_> = others.iter().map(|handle| (handle.id, handle.record.view().state)).collect();
        let active = phases.iter().filter(|(_, phase)| *phase != SessionPhase::Paused).map(|(id, _)| *id);
        let starting = phases.iter().filter(|(_, phase)| phase.is_starting()).count();
        let active: Vec<_> = active.collect();
        let placement = self.shared.placement();
        let only = placement.only(app.gpu.as_ref())?;
        let room = self.shared.supervision.capacity.admit_session(&active, starting, only);
        room.map_err(|no_room| Refusal { status: 503, text: no_room.to_string() })
    }

    fn spawn(&self, id: SessionId, client: ClientId, app: AppConfig, place: Place) -> Handle {
        let (commands, inbox) = mpsc::channel(MAILBOX);
        let (ended, has_ended) = watch::channel(false);
        let record = Arc::new(SessionRecord::new(id, client, &app));
        let app_id = app.id();
        let (shared, mailbox) = (Arc::clone(&self.shared), commands.clone());
        let session = Session::new(id, client, app, shared, mailbox, Arc::clone(&record), place);
        tokio::spawn(self.clone().see_through(id, session, inbox, ended));
        Handle { id, client, app: app_id, commands, record, ending: false, ended: has_ended }
    }

    /// Goes on with a session that an earlier host left.
    pub(crate) fn adopt(&self, left: LeftSession) {
        let LeftSession { mut state, desktop, stream } = left;
        let (id, client, app) = (state.session, state.client, state.app.id());
        let connection = state.connection.take().zip(stream);
        let (commands, inbox) = mpsc::channel(MAILBOX);
        let (ended, has_ended) = watch::channel(false);
        let record = Arc::new(SessionRecord::new(id, client, &state.app));
        let mut session =
            Session::adopt(state, desktop, Arc::clone(&self.shared), commands.clone(), Arc::clone(&record));
        if connection.is_none() {
            session.publish(SessionPhase::Paused);
        }
        let handle = Handle { id, client, app, commands, record, ending: false, ended: has_ended };
        {
            let mut registry = self.lock();
            registry.last_id = registry.last_id.max(id.0);
            registry.sessions.insert(id, handle);
        }
        self.shared.events.publish(Event::Adopted { owner: Owner::Session(id) });
        let sessions = self.clone();
        tokio::spawn(async move {
            if let Some((connection, stream)) = connection {
                let visit = sessions.visit_again(id, connection.lobby).await;
                session.go_on(connection, stream, visit).await;
            }
            sessions.see_through(id, session, inbox, ended).await;
        });
    }

    /// The place in a lobby that a session had with an earlier host.
    async fn visit_again(&self, session: SessionId, lobby: Option<LobbyId>) -> Option<Visit> {
        let lobby = lobby?;
        let admitted = self.lobbies.admit(lobby, session, Right::Operator, true).await;
        admitted.inspect_err(|error| warn!(%session, %lobby, %error, "cannot go back to its lobby")).ok()?
    }

    /// Lives as long as the session.
    async fn see_through(
        self,
        id: SessionId,
        session: Session,
        inbox: mpsc::Receiver<Command>,
        ended: watch::Sender<bool>,
    ) {
        session.run(inbox).await;
        self.lock().sessions.remove(&id);
        self.shared.events.publish(Event::StopStream { session_id: id });
        ended.send_replace(true);
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
}

/// How long sessions before the last may take to end; each has 20 s, but most
/// take half a second.
const OLDER_END_DEADLINE: Duration = Duration::from_secs(10);

/// Commands a session may have waiting.
const MAILBOX: usize = 256;
