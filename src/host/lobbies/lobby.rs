//! One lobby's task: its desktop, its visitors, its end.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use crate::desktop::spec::DesktopSpec;
use crate::desktop::{Desktop, DesktopEvent, seat_name};
use crate::host::adoption::lobby_state::{self, LobbyState};
use crate::host::adoption::record_file::RecordFile;
use crate::host::events::{Event, Owner};
use crate::host::gpus::placed::{Place, Work};
use crate::host::kept_desktop::KeptDesktop;
use crate::host::lobbies::command::{Admission, LobbyCommand};
use crate::host::lobbies::home::LobbyHome;
use crate::host::lobbies::spec::LobbySpec;
use crate::host::lobbies::view::LobbyRecord;
use crate::host::lobbies::visit::{Visit, VisitId};
use crate::host::scope::Scope;
use crate::host::sessions::command::Command;
use crate::host::sessions::shared::Shared;
use crate::ids::{LobbyId, SessionId};
use crate::stream_plan::Source;

/// A lobby's state; [`Lobby::run`] is its task.
#[derive(Debug)]
pub(crate) struct Lobby {
    id: LobbyId,
    spec: LobbySpec,
    shared: Arc<Shared>,
    record: Arc<LobbyRecord>,
    commands: mpsc::UnboundedSender<LobbyCommand>,
    home: LobbyHome,
    /// The GPU that it is on.
    place: Place,
    desktop: KeptDesktop,
    visitors: Vec<Visitor>,
    visits: u64,
    /// Somebody has arrived.
    visited: bool,
    /// Who is known to be there.
    told: Vec<SessionId>,
    /// Why it ends, if not because somebody stops it.
    reason: &'static str,
    lease_ends: Option<Instant>,
    /// Adopted, and waits until then for its visitors to come back.
    awaits_until: Option<Instant>,
    /// For the host that comes after this one.
    memory: RecordFile,
    birth: Birth,
}

/// When a lobby was created.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Birth {
    /// Place among the others, by age.
    pub(crate) number: u64,
    /// Seconds since 1970.
    pub(crate) created: u64,
}

/// Somebody with a place.
#[derive(Debug)]
struct Visitor {
    visit: VisitId,
    /// Number of its own seat, if it has one.
    seat: Option<usize>,
    /// How to reach the session, once it shows the lobby.
    door: Option<mpsc::Sender<Command>>,
}

impl Lobby {
    pub(crate) fn new(
        id: LobbyId,
        birth: Birth,
        spec: LobbySpec,
        shared: Arc<Shared>,
        record: Arc<LobbyRecord>,
        commands: mpsc::UnboundedSender<LobbyCommand>,
        place: Place,
    ) -> Self {
        let memory = lobby_state::record(&shared.directories.runtime, id);
        Self {
            desktop: KeptDesktop::new(&shared, Scope::Lobby(id)),
            id,
            spec,
            shared,
            record,
            commands,
            home: LobbyHome::default(),
            place,
            visitors: Vec::new(),
            visits: 0,
            visited: false,
            told: Vec::new(),
            reason: "stopped",
            lease_ends: None,
            awaits_until: None,
            memory,
            birth,
        }
    }

    /// A lobby that an earlier host left, with its desktop and nobody in it. One
    /// that ends when everybody has left gives them some time to come back.
    pub(crate) fn adopt(
        state: LobbyState,
        desktop: Desktop,
        shared: Arc<Shared>,
        record: Arc<LobbyRecord>,
        commands: mpsc::UnboundedSender<LobbyCommand>,
    ) -> Self {
        let birth = Birth { number: state.number, created: state.created };
        let grace = shared.config.now().desktop.adopt_grace;
        let scope = Scope::Lobby(state.lobby);
        let place = Place::take(&shared.supervision.gpus, scope, desktop.gpu().cloned(), Work::None);
        let mut lobby = Self::new(state.lobby, birth, state.spec, shared, record, commands, place);
        lobby.home = state.home;
        lobby.visited = state.visited;
        lobby.awaits_until = state.visited.then(|| Instant::now() + grace);
        lobby.desktop.adopt(desktop, state.desktop.restarts);
        lobby
    }

    /// Lives until the lobby has ended and nothing of it is left. `unlist` is
    /// called when it cannot be joined any more.
    pub(crate) async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<LobbyCommand>,
        ready: watch::Sender<Option<Result<(), String>>>,
        unlist: impl FnOnce(),
    ) {
        let started = if self.desktop.is_running() {
            self.go_on();
            Ok(())
        } else {
            self.start(&mut inbox).await
        };
        match started {
            Ok(()) => {
                self.renew();
                self.remember();
                ready.send_replace(Some(Ok(())));
                self.live(&mut inbox).await;
                self.memory.remove();
                unlist();
                self.tell(Event::LobbyEnding { lobby_id: self.id, reason: self.reason.to_owned() });
            }
            Err(text) => {
                error!(lobby = %self.id, error = text, "lobby does not start");
                unlist();
                self.tell(Event::LobbyEnding { lobby_id: self.id, reason: text.clone() });
                self.tell(Event::StopLobby { lobby_id: self.id });
                self.tear_down().await;
                ready.send_replace(Some(Err(text)));
                return;
            }
        }
        for visitor in std::mem::take(&mut self.visitors) {
            self.send_home(&visitor);
        }
        self.publish_visitors();
        self.tell(Event::StopLobby { lobby_id: self.id });
        self.tear_down().await;
        info!(lobby = %self.id, "lobby ended");
    }

    /// The desktop runs already.
    fn go_on(&self) {
        self.record.runs(self.desktop.view(), self.place.gpu());
    }

    /// Starts the desktop, unless the lobby is stopped meanwhile.
    async fn start(&mut self, inbox: &mut mpsc::UnboundedReceiver<LobbyCommand>) -> Result<(), String> {
        self.home = self.claim_home().await.map_err(|error| format!("The lobby's home cannot be made: {error}"))?;
        let spec = self.desktop_spec(0);
        let mut waiting = Vec::new();
        let started = {
            let start = self.desktop.start(spec);
            tokio::pin!(start);
            loop {
                tokio::select! {
                    started = &mut start => break started.map_err(|error| error.to_string()),
                    command = inbox.recv() => match command {
                        Some(LobbyCommand::Stop) | None => break Err("The lobby was stopped while it started.".to_owned()),
                        Some(command) => waiting.push(command),
                    },
                }
            }
        };
        started?;
        self.record.runs(self.desktop.view(), self.place.gpu());
        for command in waiting {
            if !self.obey(command).await {
                return Err("The lobby's desktop broke while it started.".to_owned());
            }
        }
        Ok(())
    }

    async fn live(&mut self, inbox: &mut mpsc::UnboundedReceiver<LobbyCommand>) {
        loop {
            let lease_ends = self.lease_ends.map(tokio::time::Instant::from_std);
            let awaits_until = self.awaits_until.map(tokio::time::Instant::from_std);
            tokio::select! {
                command = inbox.recv() => match command {
                    None => return,
                    Some(command) => if !self.obey(command).await {
                        return;
                    },
                },
                event = self.desktop.next_event() => if !self.desktop_event(event).await {
                    return;
                },
                () = until(lease_ends) => {
                    info!(lobby = %self.id, "lease ends");
                    self.reason = "its lease ended";
                    return;
                }
                () = until(awaits_until) => self.awaits_until = None,
            }
            if self.is_over() {
                info!(lobby = %self.id, "everybody has left");
                self.reason = "everybody has left";
                return;
            }
            self.remember();
        }
    }

    /// Returns whether the lobby goes on.
    async fn obey(&mut self, command: LobbyCommand) -> bool {
        match command {
            LobbyCommand::Admit { session, anew, reply } => {
                if anew {
                    // The visit that ends with this says Gone, to nobody.
                    self.visitors.retain(|visitor| visitor.visit.session != session);
                    self.publish_visitors();
                }
                let admission = self.admit(session);
                // A caller that has given up drops the visit, which says Gone.
                let _ = reply.send(admission);
            }
            LobbyCommand::Arrived { visit, source, door, reply } => {
                if let Some(visitor) = self.visitors.iter_mut().find(|visitor| visitor.visit == visit) {
                    if let Some(now) = self.desktop.source()
                        && !same_desktop(&now, &source)
                    {
                        let _ =
                            door.try_send(Command::LobbyMoved { lobby: self.id, source: seated(now, visitor.seat) });
                    }
                    visitor.door = Some(door);
                    (self.visited, self.awaits_until) = (true, None);
                    self.publish_visitors();
                    if let Some(reply) = reply {
                        let _ = reply.send(());
                    }
                } else if self.visitors.iter().all(|visitor| visitor.visit.session != visit.session) {
                    // Sent home while it was on its way, and not admitted anew.
                    let _ = door.try_send(Command::GoHome { lobby: self.id });
                }
            }
            LobbyCommand::Gone { visit } => {
                self.visitors.retain(|visitor| visitor.visit != visit);
                self.publish_visitors();
            }
            // All that watched a desktop which is gone blame it; the one in its place is
            // another.
            LobbyCommand::Blamed { source, .. }
                if self.desktop.source().is_some_and(|now| !same_desktop(&now, &source)) => {}
            LobbyCommand::Blamed { visit, blame, .. } => {
                warn!(lobby = %self.id, session = %visit.session, "visitor cannot capture the desktop");
                if self.desktop.is_blamed(blame) {
                    error!(lobby = %self.id, "desktop cannot be captured");
                    return self.replace_desktop("it cannot be captured".to_owned()).await;
                }
            }
            LobbyCommand::Dismiss { session, reply } => {
                self.dismiss(session);
                let _ = reply.send(());
            }
            LobbyCommand::Renew => self.renew(),
            LobbyCommand::Stop => return false,
        }
        true
    }

    fn admit(&mut self, session: SessionId) -> Admission {
        if let Some(visitor) = self.visitors.iter().find(|visitor| visitor.visit.session == session) {
            // One that is on its way has no place to give twice.
            return if visitor.door.is_some() { Admission::IsThere } else { Admission::Full };
        }
        if !self.spec.multi_user && !self.visitors.is_empty() {
            return Admission::Full;
        }
        let Some(source) = self.desktop.source() else { return Admission::Full };
        self.visits += 1;
        let visit = VisitId { session, number: self.visits };
        let seat = self.free_seat();
        self.visitors.push(Visitor { visit, seat, door: None });
        Admission::Welcome(Visit::new(visit, self.id, seated(source, seat), self.commands.clone()))
    }

    /// A seat that nobody else has, if there is one left.
    fn free_seat(&self) -> Option<usize> {
        (0..self.desktop.seats()).find(|seat| self.visitors.iter().all(|visitor| visitor.seat != Some(*seat)))
    }

    fn dismiss(&mut self, session: SessionId) {
        let Some(place) = self.visitors.iter().position(|visitor| visitor.visit.session == session) else { return };
        let visitor = self.visitors.remove(place);
        self.send_home(&visitor);
        self.publish_visitors();
    }

    fn send_home(&self, visitor: &Visitor) {
        if let Some(door) = &visitor.door {
            // A session whose mailbox is full finds the desktop gone and goes
            // home by itself.
            let _ = door.try_send(Command::GoHome { lobby: self.id });
        }
    }

    /// Returns whether the lobby goes on.
    async fn desktop_event(&mut self, event: DesktopEvent) -> bool {
        match event {
            DesktopEvent::AppExited(status) => {
                info!(lobby = %self.id, %status, "application closed");
                self.tell(Event::AppExited { owner: Owner::Lobby(self.id), status: status.to_string() });
                self.reason = "its application ended";
                false
            }
            DesktopEvent::ProgramExited(_) => true,
            DesktopEvent::SoundExited(status) => {
                warn!(lobby = %self.id, %status, "sound server ended");
                self.desktop.replace_sound_server().await;
                self.tell(Event::SoundServerRestarted { owner: Owner::Lobby(self.id), reason: status.to_string() });
                self.record.runs(self.desktop.view(), self.place.gpu());
                true
            }
            DesktopEvent::CompositorExited(status) => {
                error!(lobby = %self.id, %status, "compositor ended");
                self.replace_desktop(status.to_string()).await
            }
        }
    }

    /// Starts the desktop again and moves everybody to it.
    async fn replace_desktop(&mut self, reason: String) -> bool {
        self.shared.settle_elsewhere(&mut self.place, Scope::Lobby(self.id), self.spec.gpu.as_ref());
        let spec = self.desktop_spec(self.desktop.restarts() + 1);
        if !self.desktop.replace(spec).await {
            self.reason = "its desktop broke";
            return false;
        }
        self.tell(Event::DesktopRestarted { owner: Owner::Lobby(self.id), reason });
        self.record.runs(self.desktop.view(), self.place.gpu());
        let Some(source) = self.desktop.source() else { return false };
        for visitor in &self.visitors {
            if let Some(door) = &visitor.door {
                let source = seated(source.clone(), visitor.seat);
                let _ = door.try_send(Command::LobbyMoved { lobby: self.id, source });
            }
        }
        true
    }

    fn is_over(&self) -> bool {
        // Somebody must have been there, not only on the way.
        let forsaken = self.visited && self.visitors.is_empty() && self.awaits_until.is_none();
        self.spec.stop_when_everyone_leaves && forsaken
    }

    /// Writes down what the lobby is, if that has changed.
    fn remember(&mut self) {
        let Some(desktop) = self.desktop.state() else { return };
        let state = LobbyState {
            lobby: self.id,
            number: self.birth.number,
            created: self.birth.created,
            spec: self.spec.clone(),
            home: self.home.clone(),
            visited: self.visited,
            desktop,
        };
        self.memory.save(&state);
    }

    fn renew(&mut self) {
        self.lease_ends = self.spec.lease.map(|lease| Instant::now() + lease);
        self.record.set_lease(self.lease_ends);
    }

    fn publish_visitors(&mut self) {
        let there = self.visitors.iter().filter(|visitor| visitor.door.is_some());
        let there: Vec<_> = there.map(|visitor| visitor.visit.session).collect();
        self.record.set_visitors(there.iter().copied());
        let before = std::mem::replace(&mut self.told, there);
        for session in before.iter().filter(|session| !self.told.contains(session)) {
            self.tell(Event::LeaveLobby { lobby_id: self.id, moonlight_session_id: *session });
        }
        for session in self.told.iter().filter(|session| !before.contains(session)) {
            self.tell(Event::JoinLobby { lobby_id: self.id, moonlight_session_id: *session });
        }
    }

    fn tell(&self, event: Event) {
        self.shared.events.publish(event);
    }

    fn desktop_spec(&self, attempt: u32) -> DesktopSpec {
        self.shared.lobby_desktop_spec(self.id, attempt, &self.spec, &self.home, self.place.gpu())
    }

    async fn claim_home(&self) -> io::Result<LobbyHome> {
        let (shared, id) = (Arc::clone(&self.shared), self.id);
        let (folder, uid) = (self.spec.state_folder.clone(), self.spec.run_uid);
        let claim =
            move || LobbyHome::claim(&shared.directories, id, &folder, uid, shared.config.now().desktop.first_uid);
        tokio::task::spawn_blocking(claim).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    async fn tear_down(&mut self) {
        self.desktop.stop().await;
        let home = self.home.clone();
        let removed = tokio::task::spawn_blocking(move || home.remove()).await;
        if let Ok(Err(error)) = removed {
            warn!(lobby = %self.id, %error, "the lobby's home is not removed");
        }
    }
}

/// Whether they are of the same compositor, whatever the seat and the sound.
fn same_desktop(one: &Source, other: &Source) -> bool {
    match (one, other) {
        (Source::Desktop { wayland: one, .. }, Source::Desktop { wayland: other, .. }) => one == other,
        _ => one == other,
    }
}

/// The lobby's source with a visitor's seat.
fn seated(source: Source, seat: Option<usize>) -> Source {
    match source {
        Source::Desktop { wayland, sound, .. } => Source::Desktop { wayland, sound, seat: seat.map(seat_name) },
        other => other,
    }
}

async fn until(end: Option<tokio::time::Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}
