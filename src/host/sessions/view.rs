//! A session as others see it: the API's view and the counters for metrics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::apps::AppConfig;
use crate::ids::{ClientId, SessionId};
use crate::ipc::counters_page::CountersPage;

/// A session as the API shows it. Ids are decimal strings, as Wolf's are.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct SessionView {
    /// Number of the session.
    pub session_id: String,
    /// Short id of the client ([`ClientId::short`]).
    pub client_id: String,
    /// Title of the app.
    pub app: String,
    /// Number of the app.
    pub app_id: String,
    /// Address of the client.
    pub client_ip: String,
    /// `starting`, `handshake`, `streaming` or `paused`.
    pub state: String,
    /// Process id of the worker, 0 if there is none.
    pub worker_pid: u32,
    /// Workers started after the first, over all connections of the session.
    pub worker_restarts: u32,
    /// Encoder in use, empty if none.
    pub encoder: String,
    /// Picture width in pixels.
    pub video_width: u32,
    /// Picture height in pixels.
    pub video_height: u32,
    /// Frames per second.
    pub video_refresh_rate: u32,
    /// Speakers.
    pub audio_channel_count: u8,
    /// Empty: keys are not shown.
    pub aes_key: String,
    /// Empty: keys are not shown.
    pub aes_iv: String,
    /// The lobby that the session shows, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lobby_id: Option<String>,
    /// The desktop, if the app has one.
    pub desktop: Option<DesktopView>,
}

/// A session's desktop as the API shows it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DesktopView {
    /// Process id of the compositor.
    pub compositor_pid: u32,
    /// Process id of the sound server, 0 if there is none.
    pub sound_server_pid: u32,
    /// Process id of the app, 0 if there is none.
    pub app_pid: u32,
    /// Path of the Wayland socket.
    pub wayland_socket: String,
    /// Path of the sound server's socket, empty if there is none.
    pub sound_socket: String,
}

/// What a session publishes about itself.
#[derive(Debug)]
pub(crate) struct SessionRecord {
    view: Mutex<SessionView>,
    counters: Mutex<Option<Arc<CountersPage>>>,
}

impl SessionRecord {
    /// The record of a session that begins.
    pub(crate) fn new(session: SessionId, client: ClientId, app: &AppConfig) -> Self {
        let view = SessionView {
            session_id: session.to_string(),
            client_id: client.short().to_string(),
            app: app.title.clone(),
            app_id: app.id().to_string(),
            state: "starting".to_owned(),
            ..SessionView::default()
        };
        Self { view: Mutex::new(view), counters: Mutex::new(None) }
    }

    /// The view now.
    pub(crate) fn view(&self) -> SessionView {
        lock(&self.view).clone()
    }

    /// Changes the view.
    pub(crate) fn update(&self, change: impl FnOnce(&mut SessionView)) {
        change(&mut lock(&self.view));
    }

    /// Counters of the current stream.
    pub(crate) fn counters(&self) -> Option<Arc<CountersPage>> {
        lock(&self.counters).clone()
    }

    /// Names the counters of the current stream.
    pub(crate) fn set_counters(&self, counters: Option<Arc<CountersPage>>) {
        *lock(&self.counters) = counters;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
