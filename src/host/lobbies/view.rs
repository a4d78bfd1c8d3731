//! What others may see of a lobby.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use crate::gpu::GpuAddress;
use crate::host::lobbies::spec::LobbySpec;
use crate::host::sessions::view::DesktopView;
use crate::ids::{LobbyId, SessionId};

/// A lobby as the API shows it: Wolf's fields, then ours.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LobbyView {
    /// Its UUID.
    pub id: String,
    /// Name that people see.
    pub name: String,
    /// Picture that people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_png_path: Option<String>,
    /// More than one visitor at a time.
    pub multi_user: bool,
    /// Profile that it was started for.
    pub started_by_profile_id: String,
    /// Joining and stopping need a PIN.
    pub pin_required: bool,
    /// Ends when the last visitor has left.
    pub stop_when_everyone_leaves: bool,
    /// The runner, word for word as it was asked for.
    pub runner: serde_json::Value,
    /// Numbers of the sessions that show it, as decimal strings.
    pub connected_sessions: Vec<String>,
    /// `starting` or `running`.
    pub state: String,
    /// Picture width in pixels.
    pub video_width: u32,
    /// Picture height in pixels.
    pub video_height: u32,
    /// Frames per second.
    pub video_refresh_rate: u32,
    /// Seconds since it was created.
    pub age_seconds: u64,
    /// Seconds since somebody was there; 0 while somebody is.
    pub idle_seconds: u64,
    /// Seconds left of its lease, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_seconds_left: Option<u64>,
    /// Key that it was created with, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// GPU that it is on: its place on the PCI bus, or its render node where it is on
    /// none; empty if none is known.
    pub gpu: String,
    /// Its desktop, once it is up.
    pub desktop: Option<DesktopView>,
}

/// What a lobby publishes about itself.
#[derive(Debug)]
pub(crate) struct LobbyRecord(Mutex<State>);

#[derive(Debug)]
struct State {
    view: LobbyView,
    created: Instant,
    /// Since when nobody is there.
    empty_since: Option<Instant>,
    lease_ends: Option<Instant>,
}

impl LobbyRecord {
    /// The record of a lobby that begins.
    pub(crate) fn new(id: LobbyId, spec: &LobbySpec) -> Self {
        let now = Instant::now();
        let view = LobbyView {
            id: id.to_string(),
            name: spec.name.clone(),
            icon_png_path: spec.icon.clone(),
            multi_user: spec.multi_user,
            started_by_profile_id: spec.profile.clone(),
            pin_required: spec.pin.is_some(),
            stop_when_everyone_leaves: spec.stop_when_everyone_leaves,
            runner: spec.runner.clone(),
            connected_sessions: Vec::new(),
            state: "starting".to_owned(),
            video_width: spec.size.width,
            video_height: spec.size.height,
            video_refresh_rate: spec.frame_rate.whole_hz(),
            age_seconds: 0,
            idle_seconds: 0,
            lease_seconds_left: None,
            idempotency_key: spec.idempotency_key.clone(),
            gpu: String::new(),
            desktop: None,
        };
        Self(Mutex::new(State { view, created: now, empty_since: Some(now), lease_ends: None }))
    }

    /// The view now.
    pub(crate) fn view(&self) -> LobbyView {
        let state = self.lock();
        let now = Instant::now();
        let since = |then: Instant| now.saturating_duration_since(then).as_secs();
        LobbyView {
            age_seconds: since(state.created),
            idle_seconds: state.empty_since.map_or(0, since),
            lease_seconds_left: state.lease_ends.map(|end| end.saturating_duration_since(now).as_secs()),
            ..state.view.clone()
        }
    }

    /// It was created that long before this host knew it.
    pub(crate) fn is_older(&self, age: Duration) {
        let mut state = self.lock();
        if let Some(created) = state.created.checked_sub(age) {
            state.created = created;
        }
    }

    /// Its desktop is up, or another one.
    pub(crate) fn runs(&self, desktop: Option<DesktopView>, gpu: Option<&GpuAddress>) {
        let mut state = self.lock();
        state.view.gpu = gpu.map(ToString::to_string).unwrap_or_default();
        "running".clone_into(&mut state.view.state);
        state.view.desktop = desktop;
    }

    /// Who is there.
    pub(crate) fn set_visitors(&self, sessions: impl Iterator<Item = SessionId>) {
        let mut state = self.lock();
        state.view.connected_sessions = sessions.map(|session| session.to_string()).collect();
        state.empty_since = match (state.view.connected_sessions.is_empty(), state.empty_since) {
            (false, _) => None,
            (true, Some(since)) => Some(since),
            (true, None) => Some(Instant::now()),
        };
    }

    /// When its lease ends.
    pub(crate) fn set_lease(&self, ends: Option<Instant>) {
        self.lock().lease_ends = ends;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
